//! What a kind of record says about itself; everything else is written once, in `records.rs`.

use crate::{domain::record::Record, security::access::Right};
use poem_openapi::{
    Tags,
    registry::{MetaSchemaRef, Registry},
    types::{Example, ParseFromJSON, ToJSON, Type},
};

/// Where everything of a patient lies. As the prefix of a path it stays as it is, so that `Permit` finds the patient.
pub const PATIENT: &str = "/patients/:patient";

/// The chapters of the document.
#[derive(Tags, Clone, Copy)]
pub enum Tag {
    /// Signing in and out.
    Auth,
    /// Inviting patients and staff.
    Invitations,
    /// The clinic and its members.
    Clinic,
    /// Who is under care, and who cares.
    Patients,
    /// What the patient brings to a session, or to the whole treatment.
    Intentions,
    /// Treatment sessions: preparation, dosing, integration, group.
    Sessions,
    /// Free text of any day, private until it is shared.
    JournalEntries,
    /// Quick check-ins.
    MoodScores,
    /// Filled-in questionnaires, scored by the server.
    Assessments,
    /// The limits of home dosing.
    Prescriptions,
    /// Logs of home doses. The truth is always accepted.
    HomeDoses,
    /// Everything of a patient in order, and what changed.
    Timeline,
    /// When to remind, and what was sent.
    Reminders,
    /// Safety findings and who waits for a call.
    Flags,
    /// Questionnaires and crisis lines.
    Reference,
    /// What happens, as it happens.
    Events,
}

/// A kind of record on the wire.
pub trait Resource: Record + Type + ParseFromJSON + ToJSON + Example {
    /// Who may list and read.
    type MayRead: Right;
    /// Who may create.
    type MayCreate: Right;
    /// Who may replace and delete.
    type MayReplace: Right;
    /// The name of its schema: `MoodScore`.
    const NAME: &'static str;
    /// Operation ids are `<STEM>_<verb>`, stable for ever.
    const STEM: &'static str;
    /// The path of its list, below `/v1`.
    const PATH: &'static str;
    /// Its chapter.
    const TAG: Tag;
    /// Summary and description of list, create, read, replace, delete.
    const DOCS: [(&'static str, &'static str); 5];

    /// The members that the server computes, in the document.
    fn derived_schema(_registry: &mut Registry) -> Vec<(&'static str, MetaSchemaRef)> {
        Vec::new()
    }
}
