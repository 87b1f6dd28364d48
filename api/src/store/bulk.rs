//! Many rows in a few statements.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, IntoActiveModel, Iterable,
    PrimaryKeyToColumn, QueryFilter, Select,
    sea_query::{Asterisk, Expr, ExprTrait, Order, Query},
};
use uuid::Uuid;

/// SQLite binds at most 32,766 values to a statement.
const VALUES: usize = 32_766;
/// Rows of one statement; more save little.
const ROWS: usize = 500;
/// Rows that are deleted at once: what others write waits behind a unit for some milliseconds, no more.
const PORTION: u64 = 500;

/// Pairs that one statement can name, with room for a few values more.
const PAIRS: usize = VALUES / 2 - 8;

/// That two columns are one of some pairs of ids, of which there is one at least. Two lists, one for each column, would be
/// looked for in every combination.
fn are_among<C: ColumnTrait>(columns: [C; 2], pairs: impl IntoIterator<Item = (Uuid, Uuid)>) -> Expr {
    let mut wanted = Query::select();
    wanted.column(Asterisk).from_values(pairs, "wanted");
    Expr::tuple(columns.map(|column| Expr::col(column))).in_subquery(wanted)
}

/// The rows whose two columns are one of some pairs of ids, in as few statements as can name them; in an order of theirs as far
/// as the rows of one pair go.
pub(super) async fn all_among<E: EntityTrait, M: FromQueryResult>(
    db: &impl ConnectionTrait,
    rows: Select<E>,
    columns: [E::Column; 2],
    pairs: &[(Uuid, Uuid)],
) -> Result<Vec<M>, DbErr> {
    let mut found = Vec::new();
    for some in pairs.chunks(PAIRS) {
        let rows = rows.clone().filter(are_among(columns, some.iter().copied()));
        found.extend(rows.into_model::<M>().all(db).await?);
    }
    Ok(found)
}

/// Stores rows of one table.
pub(super) async fn insert<M, A>(db: &impl ConnectionTrait, rows: impl IntoIterator<Item = M>) -> Result<(), DbErr>
where
    M: IntoActiveModel<A>,
    A: ActiveModelTrait,
{
    let columns = <A::Entity as EntityTrait>::Column::iter().count();
    let most = ROWS.min(VALUES / columns.max(1));
    let mut rows = rows.into_iter().map(IntoActiveModel::into_active_model);
    loop {
        let some: Vec<A> = rows.by_ref().take(most).collect();
        if some.is_empty() {
            return Ok(());
        }
        A::Entity::insert_many(some).exec_without_returning(db).await?;
    }
}

/// Deletes some of the rows of a table that are over, those with the lowest value of an indexed column first. Whether there
/// may be more of them.
pub(super) async fn forget<E: EntityTrait>(
    db: &impl ConnectionTrait,
    by: E::Column,
    over: impl Into<Expr>,
) -> Result<bool, DbErr> {
    let keys: Vec<E::Column> = E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column).collect();
    let mut some = Query::select();
    some.columns(keys.iter().copied())
        .from(E::default())
        .and_where(over.into())
        .order_by(by, Order::Asc)
        .limit(PORTION);
    let key = Expr::tuple(keys.into_iter().map(Expr::col));
    let forgotten = E::delete_many().filter(key.in_subquery(some)).exec(db).await?;
    Ok(forgotten.rows_affected >= PORTION)
}
