//! Whose rows a read may touch: every read of a patient's rows takes this before any id.

use uuid::Uuid;

/// The rows that a caller may see. Only the access policy makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// The clinic.
    pub clinic: Uuid,
    /// The patient.
    pub patient: Uuid,
    /// Whether private records are among them: for the patient alone.
    pub sees_private: bool,
}
