//! The clinical core: values in, values out. No I/O, no clock, no `async`.

pub mod faults;
pub mod mood_scores;
pub mod record;
