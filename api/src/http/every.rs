//! A record of any kind, for where all kinds lie side by side.

use super::{raw::schema_only, reply::Stored, resource::Resource};
use crate::domain::{
    assessments::Assessment, home_doses::HomeDose, intentions::Intention, journal_entries::JournalEntry,
    mood_scores::MoodScore, prescriptions::Prescription, sessions::Session,
};
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};

/// Any record.
pub struct EveryRecord;

fn kind<R: Resource>(registry: &mut Registry) -> MetaSchemaRef {
    Stored::<R>::register(registry);
    Stored::<R>::schema_ref()
}

schema_only!(EveryRecord, "Record", |registry| {
    MetaSchema {
        description: Some("A record of any kind; `resource` beside it says which."),
        any_of: vec![
            kind::<Intention>(registry),
            kind::<Session>(registry),
            kind::<JournalEntry>(registry),
            kind::<MoodScore>(registry),
            kind::<Assessment>(registry),
            kind::<Prescription>(registry),
            kind::<HomeDose>(registry),
        ],
        ..MetaSchema::ANY
    }
});
