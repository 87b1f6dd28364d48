//! Many rows in a few statements.

use super::Tx;
use crate::error::Error;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, Iterable};

/// SQLite binds at most 32,766 values to a statement.
const VALUES: usize = 32_766;
/// Rows of one statement; more save little.
const ROWS: usize = 500;

/// Stores rows of one table.
pub(super) async fn insert<M, A>(tx: &Tx, rows: impl IntoIterator<Item = M>) -> Result<(), Error>
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
        A::Entity::insert_many(some).exec_without_returning(tx.db()).await?;
    }
}
