//! The audit log: who read what of whom, who changed it, and what the service did by itself. What patients read of themselves
//! is their own.

mod reads;
mod unasked;
mod writes;

use super::{ACTORS, Operation, Self_, World, example, operations};
use crate::support::Clinic;
use entities::audit;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

async fn newest(clinic: &Clinic) -> i64 {
    let newest = audit::Entity::find().order_by_desc(audit::Column::Id).one(clinic.app.db.read()).await.unwrap();
    newest.map_or(0, |line| line.id)
}

/// The lines since one.
async fn since(clinic: &Clinic, id: i64) -> Vec<audit::Model> {
    let lines = audit::Entity::find().filter(audit::Column::Id.gt(id)).order_by_asc(audit::Column::Id);
    lines.all(clinic.app.db.read()).await.unwrap()
}
