//! Reading records: one, a page of them, what changed.

use super::document::{Document, as_of};
use crate::{
    domain::record::{Kind, Visibility},
    error::Error,
    security::seal::OwnerKeys,
    store::Scope,
};
use chrono::{DateTime, Utc};
use entities::{
    Micros,
    record::{Column, Entity, Model},
    record_version,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::Expr,
};
use uuid::Uuid;

/// Which part of the time line a page is of: `from` included, `to` excluded.
#[derive(Debug, Clone, Copy, Default)]
pub struct Window {
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
    /// Older than the last record of the page before.
    pub after: Option<After>,
    /// How many records at most.
    pub limit: u64,
}

/// The last record of a page: the next page begins behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Its id.
    pub id: Uuid,
}

/// The rows that the scope may touch.
fn within(scope: &Scope) -> Select<Entity> {
    let visible = Condition::all()
        .add(Column::PatientId.eq(scope.patient))
        .add_option((!scope.sees_private).then(|| Column::Visibility.eq(Visibility::Shared.code())));
    Entity::find().filter(visible)
}

/// One record of a kind; `Error::NotFound` where there is none, or none that the scope may see.
pub async fn find(
    db: &impl ConnectionTrait,
    keys: &OwnerKeys,
    scope: &Scope,
    kind: Kind,
    id: Uuid,
) -> Result<Document, Error> {
    let row = within(scope).filter(Column::Id.eq(id)).filter(Column::Kind.eq(kind.code()));
    let row = row.filter(Column::Deleted.eq(false)).one(db).await?.ok_or(Error::NotFound)?;
    Document::open(&row, keys, scope.clinic)
}

/// A page, newest first, of some kinds (all if none is named), and where the next one begins.
pub async fn page(
    db: &impl ConnectionTrait,
    keys: &OwnerKeys,
    scope: &Scope,
    kinds: &[Kind],
    window: &Window,
) -> Result<(Vec<Document>, Option<After>), Error> {
    let kinds = match kinds {
        [] => None,
        [kind] => Some(Column::Kind.eq(kind.code())),
        kinds => Some(Column::Kind.is_in(kinds.iter().map(|kind| kind.code()))),
    };
    let behind = window.after.map(|after| {
        Expr::tuple([Expr::col(Column::OccurredAt), Expr::col(Column::Id)])
            .lt(Expr::tuple([Expr::val(Micros::from(after.at).0), Expr::val(after.id)]))
    });
    let wanted = Condition::all()
        .add(Expr::col(Column::Deleted).not())
        .add_option(kinds)
        .add_option(window.from.map(|from| Column::OccurredAt.gte(Micros::from(from))))
        .add_option(window.to.map(|to| Column::OccurredAt.lt(Micros::from(to))))
        .add_option(behind);
    let rows = within(scope)
        .filter(wanted)
        .order_by_desc(Column::OccurredAt)
        .order_by_desc(Column::Id)
        .limit(window.limit + 1)
        .all(db)
        .await?;
    let full = rows.len() as u64 > window.limit;
    let page: Vec<Document> = rows
        .iter()
        .take(usize::try_from(window.limit).unwrap_or(usize::MAX))
        .map(|row| Document::open(row, keys, scope.clinic))
        .collect::<Result<_, _>>()?;
    let next = page.last().filter(|_| full).map(|last| After { at: last.occurred_at, id: last.id });
    Ok((page, next))
}

/// Every record whose newest version came after `seq`, in commit order; `None` for one that was deleted.
/// One that is private stands as deleted for those who may not see it, so that a copy of theirs goes.
pub async fn changes_since(
    db: &impl ConnectionTrait,
    keys: &OwnerKeys,
    scope: &Scope,
    seq: i64,
    limit: u64,
) -> Result<Vec<(Model, Option<Document>)>, Error> {
    let newer = Entity::find().filter(Column::PatientId.eq(scope.patient)).filter(Column::Seq.gt(seq));
    let rows = newer.order_by_asc(Column::Seq).limit(limit).all(db).await?;
    rows.into_iter()
        .map(|row| {
            let hidden = row.deleted || (!scope.sees_private && row.visibility != Visibility::Shared.code());
            let document = if hidden { None } else { Some(Document::open(&row, keys, scope.clinic)?) };
            Ok((row, document))
        })
        .collect()
}

/// A record as it was at a version.
pub async fn version_of(
    db: &impl ConnectionTrait,
    keys: &OwnerKeys,
    scope: &Scope,
    id: Uuid,
    version: i64,
) -> Result<Document, Error> {
    let newest = within(scope).filter(Column::Id.eq(id)).one(db).await?.ok_or(Error::NotFound)?;
    if newest.version == version && !newest.deleted {
        return Document::open(&newest, keys, scope.clinic);
    }
    let earlier = record_version::Entity::find_by_id((scope.patient, id, version)).one(db).await?;
    Document::open(&as_of(earlier.ok_or(Error::NotFound)?, &newest), keys, scope.clinic)
}
