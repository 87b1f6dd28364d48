//! The words that sessions, prescriptions and home doses share: routes, blood pressure, symptoms, substances.
//!
//! Nothing here converts one route into another, computes an amount per body weight or suggests a dose.

use super::instant::Instant;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

/// The way a dose is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// Into a vein.
    Intravenous,
    /// Into a muscle.
    Intramuscular,
    /// Under the tongue.
    Sublingual,
    /// Swallowed.
    Oral,
    /// Into the nose.
    Intranasal,
}

/// A blood pressure in mmHg. LOINC 8480-6 and 8462-4 (V).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(deny_unknown_fields)]
pub struct BloodPressure {
    /// The higher number, mmHg.
    #[oai(validator(minimum(value = "30"), maximum(value = "350")))]
    pub systolic: u16,
    /// The lower number, mmHg.
    #[oai(validator(minimum(value = "10"), maximum(value = "250")))]
    pub diastolic: u16,
}

/// One of several readings; the higher decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(deny_unknown_fields)]
pub struct BloodPressureReading {
    /// When it was taken.
    pub at: Instant,
    /// The higher number, mmHg.
    #[oai(validator(minimum(value = "30"), maximum(value = "350")))]
    pub systolic: u16,
    /// The lower number, mmHg.
    #[oai(validator(minimum(value = "10"), maximum(value = "250")))]
    pub diastolic: u16,
}

/// What was felt beside a blood pressure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum Symptom {
    /// Pain or pressure in the chest.
    ChestPain,
    /// Short of breath.
    Breathlessness,
    /// A very bad headache.
    SevereHeadache,
    /// Weakness, on one side say.
    Weakness,
    /// Confusion.
    Confusion,
    /// Trouble seeing.
    VisionChange,
}

/// What was taken beside a dose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum SubstanceKind {
    /// Alcohol.
    Alcohol,
    /// An opioid.
    Opioid,
    /// A benzodiazepine.
    Benzodiazepine,
    /// Cannabis.
    Cannabis,
    /// Another sedative.
    OtherSedative,
}

/// A substance, and how long before the dose.
#[derive(Debug, Clone, Copy, PartialEq, Object, Serialize, Deserialize)]
#[oai(deny_unknown_fields)]
pub struct Substance {
    /// Which.
    pub kind: SubstanceKind,
    /// Hours between it and the dose.
    #[oai(validator(minimum(value = "0"), maximum(value = "720")))]
    pub hours_ago: f64,
}

/// What went wrong with a dose, as a code; words go to the note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum AdverseEffect {
    /// Vomiting for more than 24 hours.
    #[oai(rename = "vomiting-over-24h")]
    #[serde(rename = "vomiting-over-24h")]
    VomitingOver24h,
    /// Dissociation more than 4 hours after the dose.
    #[oai(rename = "dissociation-after-4h")]
    #[serde(rename = "dissociation-after-4h")]
    DissociationAfter4h,
    /// A fall or an injury.
    Fall,
    /// Fainting.
    Fainting,
    /// Pain or pressure in the chest.
    ChestPain,
    /// Trouble breathing.
    BreathingTrouble,
    /// Did not answer.
    Unresponsive,
    /// Nausea.
    Nausea,
    /// Dizziness.
    Dizziness,
    /// Headache.
    Headache,
    /// Something else: the note says what.
    Other,
}
