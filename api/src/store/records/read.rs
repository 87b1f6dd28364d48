//! Reading records: one, a page of them, what changed.

use super::document::{self, Document, Row, as_of};
use crate::{
    domain::record::{Kind, Visibility},
    error::Error,
    security::seal::OwnerKeys,
    store::{After, Page, Scope, Window, paging::fitting},
};
use entities::{
    record::{Column, Entity, Model},
    record_version,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, Select,
    sea_query::{Expr, Func, Query},
};
use std::collections::HashMap;
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
    let row = row.filter(Column::Deleted.eq(false)).into_partial_model::<Row>();
    Document::open(&row.one(db).await?.ok_or(Error::NotFound)?, keys, scope.clinic)
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
    let rows = window.narrow(within(scope).filter(wanted), (Column::OccurredAt, Column::Id));
    let place = |row: &Row| After { at: row.occurred_at.into(), id: row.id };
    let page = Page::fit(rows.into_partial_model::<Row>().all(db).await?, window.limit, Row::bytes, place);
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
/// A private record was never there for those who may not see it, unless it was shared once: then it is gone, and what
/// becomes of it afterwards is not told. Nothing in the answer counts what is hidden.
pub async fn changes_since(
    db: &impl ConnectionTrait,
    keys: &OwnerKeys,
    scope: &Scope,
    seq: i64,
    limit: u64,
) -> Result<Changes, Error> {
    let told =
        (!scope.sees_private).then(|| Condition::any().add(Column::Visibility.eq(SHARED)).add(taken_back_after(seq)));
    let newer = Entity::find().filter(Column::PatientId.eq(scope.patient)).filter(Column::Seq.gt(seq));
    let newer = newer.filter(Condition::all().add_option(told));
    let mut rows = newer.order_by_asc(Column::Seq).limit(limit + 1).all(db).await?;
    let hidden = |row: &Model| !scope.sees_private && row.visibility != SHARED;
    // How much is hidden is nobody's to know, neither from where a page ends.
    let bytes = |row: &Model| if hidden(row) { 0 } else { document::bytes(&row.facts, row.sealed.as_deref()) };
    let limit = fitting(rows.iter().map(bytes), limit);
    let has_more = rows.len() as u64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = rows.last().map_or(seq, |row| row.seq);
    let shared = last_shared(db, scope, rows.iter().filter(|row| hidden(row)).map(|row| row.id)).await?;
    let changes = rows.iter().map(|row| match shared.get(&row.id).filter(|_| hidden(row)) {
        Some(version) => gone(row, version + 1),
        None if row.deleted => gone(row, row.version),
        None => there(row, keys, scope),
    });
    Ok(Changes { changes: changes.collect::<Result<_, _>>()?, next, has_more })
}

const SHARED: i16 = Visibility::Shared.code();

/// That a record was shared once, and was not taken back by the time of a number already: the last of its versions that was
/// shared came after the last that was hidden by then.
fn taken_back_after(seq: i64) -> Expr {
    use record_version::{Column as V, Entity as Versions};
    let last = |which: Expr| {
        let of_record = |column, own| Expr::col((Versions, column)).eq(Expr::col((Entity, own)));
        let mut last = Query::select();
        last.expr(Func::max(Expr::col((Versions, V::Seq)))).from(Versions).and_where(which);
        Expr::from(
            last.and_where(of_record(V::PatientId, Column::PatientId)).and_where(of_record(V::Id, Column::Id)).take(),
        )
    };
    let visibility = || Expr::col((Versions, V::Visibility));
    let hidden = last(visibility().ne(SHARED).and(Expr::col((Versions, V::Seq)).lte(seq)));
    last(visibility().eq(SHARED)).gt(Func::coalesce([hidden, Expr::val(0_i64)]))
}

fn there(row: &Model, keys: &OwnerKeys, scope: &Scope) -> Result<Change, Error> {
    Ok(Change { document: Some(Document::open(&row.into(), keys, scope.clinic)?), ..gone(row, row.version)? })
}

fn gone(row: &Model, version: i64) -> Result<Change, Error> {
    let kind = Kind::from_code(row.kind).ok_or_else(|| Error::internal("a record of no known kind"))?;
    Ok(Change { kind, id: row.id, version, document: None })
}

#[derive(FromQueryResult)]
struct Shared {
    id: Uuid,
    version: i64,
}

/// The last version of some records that was shared.
async fn last_shared(
    db: &impl ConnectionTrait,
    scope: &Scope,
    ids: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, i64>, Error> {
    let ids: Vec<Uuid> = ids.collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let shared = record_version::Entity::find()
        .select_only()
        .columns([record_version::Column::Id, record_version::Column::Version])
        .filter(record_version::Column::PatientId.eq(scope.patient))
        .filter(record_version::Column::Id.is_in(ids))
        .filter(record_version::Column::Visibility.eq(SHARED))
        .order_by_asc(record_version::Column::Version);
    // Of several the last one stays.
    Ok(shared.into_model::<Shared>().all(db).await?.into_iter().map(|row| (row.id, row.version)).collect())
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
        return Document::open(&Row::from(&newest), keys, scope.clinic);
    }
    let earlier = record_version::Entity::find_by_id((scope.patient, id, version)).one(db).await?;
    Document::open(&as_of(earlier.ok_or(Error::NotFound)?, &Row::from(&newest)), keys, scope.clinic)
}
