//! A patient's whole past at once, for a clinic that is made with a history: the same rows as single writes make, worked
//! out without a database and stored by a few statements.

use super::rows;
use crate::{
    domain::record::{Record, Valid},
    error::Error,
    store::{Author, Tx, bulk, patients},
};
use chrono::{DateTime, Utc};
use entities::{measurement, record, record_version};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Records as they came to be, write by write.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Past {
    /// The newest version of each.
    pub records: BTreeMap<Uuid, record::Model>,
    /// The versions before.
    pub versions: Vec<record_version::Model>,
    /// What trends and rules read of the newest.
    pub measurements: BTreeMap<Uuid, measurement::Model>,
    seq: i64,
}

impl Past {
    /// One more write, later than those before: a new record, or the next version of one. Answers its row.
    pub fn write<R: Record>(
        &mut self,
        author: &Author,
        at: DateTime<Utc>,
        id: Uuid,
        valid: &Valid<R>,
    ) -> Result<record::Model, Error> {
        let old = self.records.get(&id);
        let stamp = rows::Stamp { seq: self.seq + 1, at: at.into() };
        let row = rows::record(author, id, valid, old, stamp)?;
        self.versions.extend(old.map(|old| rows::version(old, stamp.at)));
        match rows::measurement(&row, valid) {
            Some(measured) => self.measurements.insert(id, measured),
            None => self.measurements.remove(&id),
        };
        self.records.insert(id, row.clone());
        self.seq += 1;
        Ok(row)
    }

    /// Stores all of it for a patient who has no records yet.
    pub async fn insert(self, tx: &Tx, patient: Uuid) -> Result<(), Error> {
        if patients::take_seqs(tx, patient, self.seq).await? != self.seq {
            return Err(Error::internal("a past for somebody who has one"));
        }
        bulk::insert(tx.db(), self.records.into_values()).await?;
        bulk::insert(tx.db(), self.versions).await?;
        Ok(bulk::insert(tx.db(), self.measurements.into_values()).await?)
    }
}
