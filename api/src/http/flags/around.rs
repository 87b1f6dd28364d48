//! Who is who, and when the clinic is open: what a flag's page needs beside its rows.

use crate::{
    app::App,
    domain::{
        business_hours::BusinessHours,
        safety::{Escalation, State, Team, escalation},
    },
    error::Error,
    security::access::Caller,
    store::{
        clinics,
        flags::{self, People, Shown},
        members::Member,
    },
};
use chrono::{DateTime, Utc};
use poem_openapi::Object;
use serde::Serialize;
use std::collections::HashMap;
use uuid::Uuid;

/// A member who did something.
#[derive(Debug, Clone, Object, Serialize)]
#[oai(rename = "FlagActor")]
pub struct Actor {
    /// The member.
    pub member_id: Uuid,
    /// Their name.
    pub name: String,
}

/// Who is who, and when the clinic is open: what a flag's page needs beside its rows.
pub(in crate::http) struct Around {
    pub(in crate::http) now: DateTime<Utc>,
    hours: BusinessHours,
    teams: HashMap<Uuid, Team>,
    members: HashMap<Uuid, Member>,
}

impl Around {
    /// What there is around the flags of some patients of the caller's clinic.
    pub(in crate::http) async fn of(app: &App, caller: &Caller, patients: &[Uuid]) -> Result<Self, Error> {
        let now = app.clock.now();
        if patients.is_empty() {
            let hours = BusinessHours::usual(caller.clinic_zone);
            return Ok(Self { now, hours, teams: HashMap::new(), members: HashMap::new() });
        }
        let keys = app.keys.of_clinic(caller.clinic).await?;
        let People { clinic, members, teams } =
            flags::people(app.db.read(), &keys, caller.clinic, patients, today(app, caller)).await?;
        Ok(Self { now, hours: BusinessHours::of(clinic.time_zone, clinic.business_hours), teams, members })
    }

    pub(in crate::http) fn actor(&self, did: Option<(DateTime<Utc>, Uuid)>) -> Option<Actor> {
        did.map(|(_, id)| self.member(id))
    }

    pub(super) fn member(&self, id: Uuid) -> Actor {
        Actor { member_id: id, name: self.name(id) }
    }

    /// What a member is called.
    pub(in crate::http) fn name(&self, id: Uuid) -> String {
        self.members.get(&id).map_or_else(|| "A former member".to_owned(), |one| one.display_name.clone())
    }

    /// Who was told about a flag and who is next, and when.
    pub(in crate::http) fn escalation(&self, shown: &Shown) -> Vec<Escalation> {
        let (nobody, flag) = (Team::default(), &shown.flag);
        let team = self.teams.get(&shown.patient).unwrap_or(&nobody);
        let waits = flag.state == State::Open;
        escalation(team, flag.severity, &shown.notices, flag.acknowledge_by, waits, &self.hours)
    }
}

/// The clinic's day.
pub(in crate::http) fn today(app: &App, caller: &Caller) -> chrono::NaiveDate {
    app.clock.now().with_timezone(&caller.clinic_zone).date_naive()
}

/// When the clinic is open.
pub(super) async fn hours(app: &App, caller: &Caller) -> Result<BusinessHours, Error> {
    let keys = app.keys.of_clinic(caller.clinic).await?;
    let clinic = clinics::find(app.db.read(), caller.clinic, &keys).await?.ok_or(Error::NotFound)?;
    Ok(BusinessHours::of(clinic.time_zone, clinic.business_hours))
}
