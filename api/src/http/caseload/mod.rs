//! `/v1/caseload`: everybody in a member's care, most urgent first, and why. Figures, flags and words; a page makes lines
//! of them. One audit row for each patient shown. `/v1/patients/{patient}/standing` is one row of it.

mod example;
mod row;
mod shown;

use super::{
    cursor,
    flags::{Around, today},
    permit::{Permit, Staff, audit_reads},
    raw::Raw,
    resource::Tag,
};
use crate::{
    app::App,
    domain::{caseload::Place, instruments::PHQ_9_SERIES},
    error::Error,
    security::access::{ActOnFlags, Caller},
    store::{
        Window,
        care_team::Whose,
        course,
        flags::{self, Shown, Which},
        profiles, standing,
    },
};
use poem_openapi::{OpenApi, param::Query, payload::Json};
use row::{Stands, item};
use shown::{CaseloadPage, One, Page};
use std::collections::HashMap;
use uuid::Uuid;

/// The most unresolved flags that a caseload is made of; there is no limit short of absurdity.
const FLAGS: u64 = 100_000;

/// The caseload.
pub struct Caseload(pub App);

/// The caseload.
#[OpenApi(tag = "Tag::Flags")]
impl Caseload {
    /// Read one's caseload
    ///
    /// Everybody on whose care team the caller is today, most urgent first: by the gravest unresolved flag, then the sooner
    /// due, then the longer without a check-in.
    #[oai(path = "/caseload", method = "get", operation_id = "caseload_read")]
    async fn read(
        &self,
        staff: Staff<ActOnFlags>,
        /// How many at most; 200 unless told.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u64>>,
        /// Where the page begins: the `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Page, Error> {
        let after = cursor.0.as_deref().map(cursor::place).transpose()?;
        let whose = Whose::InCareOf(staff.caller.account, today(&self.0, &staff.caller));
        let mut all = stands(&self.0, &staff.caller, whose).await?;
        all.sort_by_key(|(place, _)| *place);
        let limit = limit.0.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(200);
        let mut rest = all.into_iter().filter(|(place, _)| after.is_none_or(|after| *place > after)).peekable();
        let page: Vec<_> = rest.by_ref().take(limit).collect();
        let next = rest.peek().and(page.last()).map(|(place, _)| cursor::of_place(place));
        let shown: Vec<_> = page.iter().map(|(place, _)| place.patient).collect();
        let audit = audit_reads(&self.0, &staff.caller, "caseload_read", &shown);
        let (around, ()) = tokio::try_join!(around(&self.0, &staff.caller, &page), audit)?;
        let items = page.into_iter().map(|(_, stands)| item(around.now, stands, &around)).collect();
        Ok(Page::Page(Raw::of(&CaseloadPage { items, next_cursor: next })?))
    }
}

/// Where one patient stands.
pub struct Standings(pub App);

/// Where one patient stands.
#[OpenApi(prefix_path = "/patients/:patient", tag = "Tag::Flags")]
impl Standings {
    /// Read where a patient stands
    ///
    /// The patient's row of the caseload, whoever's caseload they are in: the same figures from the same source.
    #[oai(path = "/standing", method = "get", operation_id = "standing_read")]
    async fn read(&self, permit: Permit<ActOnFlags>) -> Result<One, Error> {
        let mut one = stands(&self.0, &permit.caller, Whose::Patient(permit.scope.patient)).await?;
        let around = around(&self.0, &permit.caller, &one).await?;
        permit.audit_read(&self.0, "standing_read", None).await?;
        let (_, stands) = one.pop().ok_or(Error::NotFound)?;
        Ok(One::Row(Json(item(around.now, stands, &around))))
    }
}

/// What the rows of one patient, or of everybody in the caller's care, are made of, and where each stands.
async fn stands(app: &App, caller: &Caller, whose: Whose) -> Result<Vec<(Place, Stands)>, Error> {
    let db = app.db.read();
    let (which, window) =
        (Which { unresolved: true, ..Which::default() }, Window { limit: FLAGS, ..Window::default() });
    // A database beside the service answers them together.
    let (mut courses, mut standings, shown, profiles) = tokio::try_join!(
        course::of_patients(db, whose),
        standing::of_patients(db, whose, PHQ_9_SERIES),
        flags::page(db, &app.keys, caller.clinic, whose, which, &window),
        profiles::page(db, &app.keys, caller.clinic, Some(whose), None, u64::from(u32::MAX)),
    )?;
    let mut flags: HashMap<Uuid, Vec<Shown>> = HashMap::new();
    for one in shown.items {
        flags.entry(one.patient).or_default().push(one);
    }
    let stands = profiles.items.into_iter().map(|profile| {
        let stands = Stands {
            course: courses.remove(&profile.id).unwrap_or_default(),
            phq_9: standings.remove(&profile.id).unwrap_or_default(),
            flags: flags.remove(&profile.id).unwrap_or_default(),
            profile,
        };
        (stands.place(), stands)
    });
    Ok(stands.collect())
}

/// Who is who to those of some patients who have flags.
async fn around(app: &App, caller: &Caller, page: &[(Place, Stands)]) -> Result<Around, Error> {
    let flagged = page.iter().filter(|(_, stands)| !stands.flags.is_empty()).map(|(place, _)| place.patient);
    Around::of(app, caller, &flagged.collect::<Vec<_>>()).await
}
