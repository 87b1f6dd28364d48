//! What a database holds, as far as the demo asks: nothing, a demo clinic, one whose writing was cut off, or another one.

use super::{Tx, accounts};
use crate::error::Error;
use entities::{
    account, audit, care_relation, clinic, cookie, delivery, flag, flag_evidence, idempotency, invitation, measurement,
    member, notification, patient, record, record_version, reminder, standing, token,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

/// In the audit log: the writing of a demo clinic begins.
pub const BEGIN: &str = "demo_begin";
/// In the audit log: a patient of a demo clinic was written.
pub const PATIENT: &str = "demo_patient";
/// In the audit log: a demo clinic is complete.
pub const END: &str = "demo_end";

/// What a database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// No clinic.
    Nothing,
    /// A demo clinic.
    Demo,
    /// A demo clinic without its accounts.
    CutOff,
    /// A clinic that is no demo.
    Another,
}

/// What a database holds.
pub async fn holds(db: &impl ConnectionTrait) -> Result<Holds, Error> {
    if accounts::any_demo(db).await? {
        return Ok(Holds::Demo);
    }
    if clinic::Entity::find().one(db).await?.is_none() {
        return Ok(Holds::Nothing);
    }
    let noted = |operation: &str| audit::Entity::find().filter(audit::Column::Operation.eq(operation)).one(db);
    let begun = noted(BEGIN).await?.is_some() && noted(END).await?.is_none();
    Ok(if begun { Holds::CutOff } else { Holds::Another })
}

/// Empties a database whose demo clinic was cut off.
pub async fn clear(tx: &Tx) -> Result<(), Error> {
    macro_rules! empty {
        ($($table:ident)*) => { $($table::Entity::delete_many().exec(tx.db()).await?;)* };
    }
    empty!(audit idempotency delivery notification reminder flag_evidence flag standing measurement record_version record);
    empty!(cookie token invitation care_relation patient member account clinic);
    Ok(())
}
