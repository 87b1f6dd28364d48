//! Everything that is wrong with a value, collected: a caller mends all of it in one go.

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// An RFC 6901 pointer into the body (`/mood`), or `query:limit`, `header:If-Match`.
    pub pointer: String,
    /// What is expected there. Never repeats what the caller sent.
    pub detail: String,
}

/// The faults found so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// Notes one more fault.
    pub fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Fault { pointer: pointer.into(), detail: detail.into() });
    }

    /// `Ok` if nothing was noted.
    pub fn none(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}
