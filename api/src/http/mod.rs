//! The HTTP face: one file per resource.

pub mod mood_scores;
