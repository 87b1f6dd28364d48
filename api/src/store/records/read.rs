//! Reading records: one, a page of them, what changed.

use super::document::{Document, as_of};
use crate::{
    domain::record::{Kind, Visibility},
    error::Error,
    security::seal::OwnerKeys,
    store::{After, Page, Scope, Window},
};
use entities::{
    record::{Column, Entity, Model},
    record_version,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::Expr,
};
use std::collections::HashSet;
use uuid::Uuid;

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

/// A page, newest first, of some kinds (all if none is named).
pub async fn page(
    db: &impl ConnectionTrait,
    keys: &OwnerKeys,
    scope: &Scope,
    kinds: &[Kind],
    window: &Window,
) -> Result<Page<Document>, Error> {
    let kinds = match kinds {
        [] => None,
        [kind] => Some(Column::Kind.eq(kind.code())),
        kinds => Some(Column::Kind.is_in(kinds.iter().map(|kind| kind.code()))),
    };
    let wanted = Condition::all().add(Expr::col(Column::Deleted).not()).add_option(kinds);
    let place = |row: &Model| After { at: row.occurred_at.into(), id: row.id };
    let page = window.page(db, within(scope).filter(wanted), (Column::OccurredAt, Column::Id), place).await?;
    let documents = page.items.iter().map(|row| Document::open(row, keys, scope.clinic)).collect::<Result<_, _>>()?;
    Ok(page.of(documents))
}

/// A record that changed: its newest version, or that there is none any more.
#[derive(Debug, Clone)]
pub struct Change {
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub id: Uuid,
    /// The version that it came to.
    pub version: i64,
    /// The record; `None` once it is deleted, or no longer for the reader to see.
    pub document: Option<Document>,
}

/// What changed after a number, in commit order.
#[derive(Debug, Clone)]
pub struct Changes {
    /// The records, each once, as they are now.
    pub changes: Vec<Change>,
    /// The number to go on from.
    pub next: i64,
    /// Whether there is more.
    pub has_more: bool,
}

/// Every record whose newest version came after `seq`.
///
/// A private record was never there for those who may not see it, unless it was shared once: then it is gone.
pub async fn changes_since(
    db: &impl ConnectionTrait,
    keys: &OwnerKeys,
    scope: &Scope,
    seq: i64,
    limit: u64,
) -> Result<Changes, Error> {
    let newer = Entity::find().filter(Column::PatientId.eq(scope.patient)).filter(Column::Seq.gt(seq));
    let mut rows = newer.order_by_asc(Column::Seq).limit(limit + 1).all(db).await?;
    let has_more = rows.len() as u64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = rows.last().map_or(seq, |row| row.seq);
    let hidden = |row: &Model| !scope.sees_private && row.visibility != Visibility::Shared.code();
    let once_shared = once_shared(db, scope, rows.iter().filter(|row| hidden(row)).map(|row| row.id)).await?;
    let changes = rows
        .iter()
        .filter(|row| !hidden(row) || once_shared.contains(&row.id))
        .map(|row| change(row, row.deleted || hidden(row), keys, scope))
        .collect::<Result<_, _>>()?;
    Ok(Changes { changes, next, has_more })
}

fn change(row: &Model, gone: bool, keys: &OwnerKeys, scope: &Scope) -> Result<Change, Error> {
    let kind = Kind::from_code(row.kind).ok_or_else(|| Error::internal("a record of no known kind"))?;
    let document = if gone { None } else { Some(Document::open(row, keys, scope.clinic)?) };
    Ok(Change { kind, id: row.id, version: row.version, document })
}

/// Those of some records of which an earlier version was shared.
async fn once_shared(
    db: &impl ConnectionTrait,
    scope: &Scope,
    ids: impl Iterator<Item = Uuid>,
) -> Result<HashSet<Uuid>, Error> {
    let ids: Vec<Uuid> = ids.collect();
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let shared = record_version::Entity::find()
        .select_only()
        .column(record_version::Column::Id)
        .filter(record_version::Column::PatientId.eq(scope.patient))
        .filter(record_version::Column::Id.is_in(ids))
        .filter(record_version::Column::Visibility.eq(Visibility::Shared.code()));
    Ok(shared.into_tuple::<Uuid>().all(db).await?.into_iter().collect())
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
