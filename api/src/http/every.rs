//! Every kind of record that is served: a new one is added to the list at the end of this file.

use super::{raw::schema_only, records::Records, reply::Stored, resource::Resource};
use crate::{
    app::App,
    domain::{
        assessments::Assessment, home_doses::HomeDose, intentions::Intention, journal_entries::JournalEntry,
        mood_scores::MoodScore, prescriptions::Prescription, sessions::Session,
    },
};
use poem_openapi::{
    OpenApi,
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};

/// A record of any kind, for where all kinds lie side by side.
pub struct EveryRecord;

fn kind<R: Resource>(registry: &mut Registry) -> MetaSchemaRef {
    Stored::<R>::register(registry);
    Stored::<R>::schema_ref()
}

/// A pair of pairs: a tuple of APIs stops at sixteen.
macro_rules! nest {
    ($app:ident, $last:ty) => { Records::<$last>::new($app) };
    ($app:ident, $first:ty, $($rest:ty),+) => { (Records::<$first>::new($app), nest!($app, $($rest),+)) };
}

macro_rules! every {
    ($($record:ty),+ $(,)?) => {
        /// The five operations of every kind.
        pub(super) fn operations(app: &App) -> impl OpenApi + use<> {
            nest!(app, $($record),+)
        }

        schema_only!(EveryRecord, "Record", |registry| {
            MetaSchema {
                description: Some("A record of any kind; `resource` beside it says which."),
                any_of: vec![$(kind::<$record>(registry)),+],
                ..MetaSchema::ANY
            }
        });
    };
}

every!(Intention, Session, JournalEntry, MoodScore, Assessment, Prescription, HomeDose);
