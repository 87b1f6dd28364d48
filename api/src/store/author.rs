//! In whose name a unit writes rows of a patient.

use super::{Scope, Tx, members, patients};
use crate::{
    error::Error,
    security::{access::HeldRight, seal::OwnerKeys},
};
use chrono_tz::Tz;
use std::sync::Arc;
use uuid::Uuid;

/// Who writes, whose, and with which keys.
#[derive(Clone)]
pub struct Author {
    /// Whose records.
    pub scope: Scope,
    /// The account that writes.
    pub account: Uuid,
    /// The request, for the audit row.
    pub request: Uuid,
    /// The patient's keys.
    pub keys: Arc<OwnerKeys>,
    /// What a member's right to write rests on; none of a patient.
    pub standing: Option<HeldRight>,
}

impl Author {
    /// Holds the patient's row until the unit ends, and answers their zone; refused to a member whose right has ended
    /// since the request was let in.
    pub async fn hold(&self, tx: &Tx) -> Result<Tz, Error> {
        let zone = patients::lock(tx, &self.scope).await?;
        if let Some(standing) = &self.standing {
            members::still_may(tx, standing, self.scope.patient).await?;
        }
        Ok(zone)
    }
}
