//! The rows that a record is made of, whoever writes it: one write of a request, or a whole year at once.

use super::document::{divide, spot};
use crate::{
    domain::record::{Record, Valid},
    error::Error,
    store::Author,
};
use entities::{Micros, measurement, record, record_version};
use uuid::Uuid;

/// What a version is given by the unit that writes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    /// Its number among the patient's record versions.
    pub(super) seq: i64,
    /// When the server got it.
    pub(super) at: Micros,
}

/// The row of a checked record, as the next version of what there was.
pub(super) fn record<R: Record>(
    author: &Author,
    id: Uuid,
    valid: &Valid<R>,
    old: Option<&record::Model>,
    stamp: Stamp,
) -> Result<record::Model, Error> {
    let (parts, occurrence) = (divide(valid)?, valid.occurrence());
    let (visibility, version) = (valid.record().visibility().code(), old.map_or(1, |old| old.version + 1));
    let spot = spot(author.scope.clinic, id, version, visibility);
    let sealed = parts.words.map(|words| author.keys.seal(&spot, &words)).transpose()?;
    Ok(record::Model {
        patient_id: author.scope.patient,
        id,
        kind: R::KIND.code(),
        version,
        seq: stamp.seq,
        occurred_at: occurrence.at.into(),
        time_zone: occurrence.zone.name().to_owned(),
        day: occurrence.day(),
        created_at: old.map_or(stamp.at, |old| old.created_at),
        updated_at: stamp.at,
        created_by: old.map_or(author.account, |old| old.created_by),
        written_by: author.account,
        deleted: false,
        visibility,
        facts: parts.facts,
        sealed,
    })
}

/// What is left of a record that was deleted, as its next version.
pub(super) fn tombstone(author: &Author, old: &record::Model, stamp: Stamp) -> record::Model {
    record::Model {
        version: old.version + 1,
        seq: stamp.seq,
        updated_at: stamp.at,
        written_by: author.account,
        deleted: true,
        facts: "{}".into(),
        sealed: None,
        ..old.clone()
    }
}

/// What trends and rules read of it.
pub(super) fn measurement<R: Record>(row: &record::Model, valid: &Valid<R>) -> Option<measurement::Model> {
    let measured = valid.record().measurement()?;
    Some(measurement::Model {
        patient_id: row.patient_id,
        series: measured.series,
        occurred_at: row.occurred_at,
        record_id: row.id,
        day: row.day,
        status: measured.status,
        value: measured.value,
        answers: measured.answers,
        anxiety: measured.anxiety,
        energy: measured.energy,
        hope: measured.hope,
        irritability: measured.irritability,
        sleep: measured.sleep,
    })
}

/// A version that is about to be replaced.
pub(super) fn version(row: &record::Model, replaced_at: Micros) -> record_version::Model {
    record_version::Model {
        patient_id: row.patient_id,
        id: row.id,
        version: row.version,
        seq: row.seq,
        occurred_at: row.occurred_at,
        time_zone: row.time_zone.clone(),
        day: row.day,
        visibility: row.visibility,
        updated_at: row.updated_at,
        written_by: row.written_by,
        replaced_at,
        facts: row.facts.clone(),
        sealed: row.sealed.clone(),
    }
}
