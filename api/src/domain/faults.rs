//! Everything that is wrong with a value, collected: a caller mends all of it in one go.

use std::collections::BTreeSet;

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// An RFC 6901 pointer into the body (`/mood`), or `query:limit`, `header:If-Match`.
    pub pointer: String,
    /// What is expected there. Never repeats what the caller sent.
    pub detail: String,
    /// Other members that the fault rests on, if it lies between several.
    beside: &'static [&'static str],
}

impl Fault {
    /// One thing that is wrong.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into(), beside: &[] }
    }
}

/// The faults found so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// Notes one more fault.
    pub fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Fault::new(pointer, detail));
    }

    /// Notes a fault that lies between a member and others, such as an end before its start.
    pub fn add_between(
        &mut self,
        pointer: impl Into<String>,
        beside: &'static [&'static str],
        detail: impl Into<String>,
    ) {
        self.0.push(Fault { beside, ..Fault::new(pointer, detail) });
    }

    /// `Ok` if nothing was noted.
    pub fn none(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

/// A value as it came in: whole, or with everything that its form leaves to be desired. Even then what could be read of
/// it is checked for its meaning, so that both sorts of fault are named together.
#[derive(Debug, Clone)]
pub struct Given<T> {
    value: T,
    doubts: Doubts,
}

impl<T> Given<T> {
    /// A value in which nothing is wrong so far.
    pub fn whole(value: T) -> Self {
        Self { value, doubts: Doubts { faults: Faults::default(), stand_ins: StandIns::These(BTreeSet::new()) } }
    }

    /// A value in which some top-level members, or all, are stand-ins for what could not be read.
    pub fn broken(value: T, faults: Faults, stand_ins: Option<BTreeSet<String>>) -> Self {
        let stand_ins = stand_ins.map_or(StandIns::All, StandIns::These);
        Self { value, doubts: Doubts { faults, stand_ins } }
    }

    /// The value, if its form is right.
    pub fn right(&self) -> Option<&T> {
        Some(&self.value).filter(|_| self.doubts.faults.0.is_empty())
    }

    /// The value made into another one, whatever is wrong with it.
    pub fn map<V>(self, make: impl FnOnce(T) -> V) -> Given<V> {
        Given { value: make(self.value), doubts: self.doubts }
    }

    /// The value, if its form is right, or everything that is wrong with it.
    pub fn value(self) -> Result<T, Faults> {
        self.check(Ok)
    }

    /// What a check makes of it, or the faults of form and those of meaning together.
    pub fn check<V>(self, check: impl FnOnce(T) -> Result<V, Faults>) -> Result<V, Faults> {
        let (value, doubts) = self.open();
        doubts.settle(check(value))
    }

    /// The value to be checked, and the doubts that the outcome is to be settled with.
    pub fn open(self) -> (T, Doubts) {
        (self.value, self.doubts)
    }
}

#[derive(Debug, Clone)]
enum StandIns {
    These(BTreeSet<String>),
    All,
}

/// What is wrong with the form of a value that is being checked for its meaning.
#[derive(Debug, Clone)]
#[must_use = "faults of form must be told"]
pub struct Doubts {
    faults: Faults,
    stand_ins: StandIns,
}

impl Doubts {
    /// The outcome of the check; or all faults, without those that rest on stand-ins.
    pub fn settle<V>(mut self, checked: Result<V, Faults>) -> Result<V, Faults> {
        match checked {
            Ok(value) => self.faults.none().map(|()| value),
            Err(found) => {
                let told: Vec<Fault> = found.0.into_iter().filter(|fault| !self.rests_on_stand_in(fault)).collect();
                self.faults.0.extend(told);
                Err(self.faults)
            }
        }
    }

    fn rests_on_stand_in(&self, fault: &Fault) -> bool {
        let member = |pointer: &str| pointer.split('/').nth(1).unwrap_or_default().to_owned();
        match &self.stand_ins {
            StandIns::All => true,
            StandIns::These(names) => std::iter::once(fault.pointer.as_str())
                .chain(fault.beside.iter().copied())
                .any(|pointer| names.contains(&member(pointer))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(names: &[&str]) -> Given<u8> {
        let mut faults = Faults::default();
        for name in names {
            faults.add(format!("/{name}"), "form");
        }
        Given::broken(7, faults, Some(names.iter().map(|name| (*name).to_owned()).collect()))
    }

    fn pointers(faults: Faults) -> Vec<String> {
        faults.0.into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn faults_of_form_and_of_meaning_are_told_together() {
        let found = form(&["mood"]).check(|_| {
            let mut faults = Faults::default();
            faults.add("/time_zone", "meaning");
            Err::<(), _>(faults)
        });
        assert_eq!(pointers(found.unwrap_err()), ["/mood", "/time_zone"]);
        assert_eq!(pointers(form(&["mood"]).check(Ok).unwrap_err()), ["/mood"]);
        assert_eq!(Given::whole(7).check(Ok), Ok(7));
    }

    #[test]
    fn no_fault_is_told_of_what_only_stands_in() {
        let check = |_| {
            let mut faults = Faults::default();
            faults.add("/starts_on", "meaning");
            faults.add_between("/ends_on", &["/starts_on"], "meaning");
            faults.add("/route", "meaning");
            Err::<(), _>(faults)
        };
        assert_eq!(pointers(form(&["starts_on"]).check(check).unwrap_err()), ["/starts_on", "/route"]);
        assert_eq!(pointers(form(&["ends_on"]).check(check).unwrap_err()), ["/ends_on", "/starts_on", "/route"]);
        let nothing_readable = Given::broken(7, Faults(vec![Fault::new("", "form")]), None);
        assert_eq!(pointers(nothing_readable.check(check).unwrap_err()), [""]);
    }
}
