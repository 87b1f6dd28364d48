//! `/v1/patients/{patient}/flags` and `/v1/flags`: findings of one patient, findings of everybody in a member's care, and
//! what members do with them. For therapists and prescribers of the care team; titles and details are made of codes when
//! they are read.

mod around;
mod rounds;
mod shown;

pub(super) use around::{Actor, Around, today};

use super::{
    body::{Checked, Optional},
    cursor,
    permit::{Permit, Staff, audit_reads},
    preconditions::{if_match, shown},
    resource::Tag,
};
use crate::{
    app::App,
    domain::{
        faults::Faults,
        safety::{Outcome, Severity, State},
    },
    error::Error,
    security::access::{ActOnFlags, Caller},
    store::{
        Author, Scope, Window,
        care_team::Whose,
        flags::{self, Which},
        safety,
    },
};
use around::hours;
use poem_openapi::{
    Object, OpenApi,
    param::{Header, Path, Query},
    payload::Json,
    types::Example,
};
use shown::{Acted, FlagPage, Page};
use uuid::Uuid;

/// Taking a flag on: nothing more to say.
#[derive(Debug, Object)]
#[oai(rename = "FlagAcknowledge", deny_unknown_fields, example)]
pub struct Acknowledge {}

/// Closing a flag.
#[derive(Debug, Object)]
#[oai(rename = "FlagResolve", deny_unknown_fields, example)]
pub struct Resolve {
    /// What came of it.
    pub outcome: Outcome,
    /// A note beside it, up to 4,000 characters.
    #[oai(validator(max_length = 4000))]
    pub note: Option<String>,
}

/// Opening a flag again.
#[derive(Debug, Object)]
#[oai(rename = "FlagReopen", deny_unknown_fields, example)]
pub struct Reopen {
    /// Why, up to 4,000 characters.
    #[oai(validator(min_length = 1, max_length = 4000))]
    pub reason: String,
}

impl Reopen {
    fn says_why(self) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        if self.reason.trim().is_empty() {
            faults.add("/reason", "why, in words");
        }
        faults.none().map(|()| self)
    }
}

impl Example for Acknowledge {
    fn example() -> Self {
        Self {}
    }
}

impl Example for Resolve {
    fn example() -> Self {
        Self { outcome: Outcome::Contacted, note: Some("Called at 10:05; comes in tomorrow at 9.".into()) }
    }
}

impl Example for Reopen {
    fn example() -> Self {
        Self { reason: "Not reached after all.".into() }
    }
}

async fn page(
    app: &App,
    caller: &Caller,
    operation: &'static str,
    whose: Whose,
    which: Which,
    window: &Window,
) -> Result<FlagPage, Error> {
    let page = flags::page(app.db.read(), &app.keys, caller.clinic, whose, which, window).await?;
    let mut patients: Vec<_> = page.items.iter().map(|shown| shown.patient).collect();
    patients.sort_unstable();
    patients.dedup();
    let around = Around::of(app, caller, &patients).await?;
    audit_reads(app, caller, operation, &patients).await?;
    let items = page.items.into_iter().map(|shown| around.show(shown)).collect();
    Ok(FlagPage { items, next_cursor: page.next.map(cursor::encode) })
}

/// The flags of one patient.
pub struct PatientFlags(pub App);

/// The flags of one patient.
#[OpenApi(prefix_path = "/patients/:patient", tag = "Tag::Flags")]
impl PatientFlags {
    /// List the flags of a patient
    ///
    /// Newest first, a page at a time, each with its evidence and who is told. For the care team.
    #[oai(path = "/flags", method = "get", operation_id = "patient_flags_list")]
    async fn list(
        &self,
        permit: Permit<ActOnFlags>,
        /// Of this state.
        state: Query<Option<State>>,
        /// Of this severity.
        severity: Query<Option<Severity>>,
        /// How many at most; 50 unless told.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u64>>,
        /// Where the page begins: the `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Page, Error> {
        let (whose, which) = (Whose::Patient(permit.scope.patient), which(state.0, severity.0));
        let window = window(limit.0, cursor.0.as_deref())?;
        page(&self.0, &permit.caller, "patient_flags_list", whose, which, &window)
            .await
            .map(|page| Page::Page(Json(page)))
    }
}

fn which(state: Option<State>, severity: Option<Severity>) -> Which {
    Which { state, severity, unresolved: false }
}

fn window(limit: Option<u64>, cursor: Option<&str>) -> Result<Window, Error> {
    let after = cursor.map(cursor::decode).transpose()?;
    Ok(Window { after, limit: limit.unwrap_or(50), ..Window::default() })
}

/// The flags of everybody in a member's care.
pub struct Flags(pub App);

/// The flags of everybody in a member's care, and their life.
#[OpenApi(prefix_path = "/flags", tag = "Tag::Flags")]
impl Flags {
    /// List the flags of everybody in one's care
    ///
    /// Newest first, a page at a time. Each patient shown is noted in the audit log.
    #[oai(path = "/", method = "get", operation_id = "flags_list")]
    async fn list(
        &self,
        staff: Staff<ActOnFlags>,
        /// Of this state.
        state: Query<Option<State>>,
        /// Of this severity.
        severity: Query<Option<Severity>>,
        /// How many at most; 50 unless told.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u64>>,
        /// Where the page begins: the `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Page, Error> {
        let (which, window) = (which(state.0, severity.0), window(limit.0, cursor.0.as_deref())?);
        let whose = Whose::InCareOf(staff.caller.account, today(&self.0, &staff.caller));
        page(&self.0, &staff.caller, "flags_list", whose, which, &window).await.map(|page| Page::Page(Json(page)))
    }

    /// Take a flag on
    ///
    /// Stops its clock. Nothing needs to be said in the body. Repeating it changes nothing; a resolved flag is reopened
    /// first.
    #[oai(path = "/:id/acknowledge", method = "post", operation_id = "flags_acknowledge")]
    async fn acknowledge(
        &self,
        staff: Staff<ActOnFlags>,
        /// The flag's id.
        id: Path<String>,
        body: Optional<Acknowledge>,
    ) -> Result<Acted, Error> {
        let (id, author) = self.found(&staff, &id.0).await?;
        body.value()?;
        let by = author.clone();
        let unit = async move |tx: &crate::store::Tx| flags::acknowledge(tx, &by, id).await;
        self.0.db.write(author.scope.patient, unit).await?;
        self.shown(&staff.caller, &author.scope, id).await
    }

    /// Close a flag
    ///
    /// With what came of it. A flag that nobody has taken on can be closed too. Who names the version that they have seen closes no
    /// other: new evidence may have come meanwhile. Repeating it changes nothing; another outcome or note is refused until the flag
    /// is opened again.
    #[oai(path = "/:id/resolve", method = "post", operation_id = "flags_resolve")]
    async fn resolve(
        &self,
        staff: Staff<ActOnFlags>,
        /// The flag's id.
        id: Path<String>,
        /// The version that the caller has seen, as a tag: `"3"`.
        #[oai(name = "If-Match")]
        seen: Header<Option<String>>,
        body: Checked<Resolve>,
    ) -> Result<Acted, Error> {
        let (id, author) = self.found(&staff, &id.0).await?;
        let (Resolve { outcome, note }, by, held) = (body.value()?, author.clone(), if_match(seen.0.as_deref())?);
        let note = note.filter(|note| !note.trim().is_empty());
        let unit = async move |tx: &crate::store::Tx| flags::resolve(tx, &by, id, held, outcome, note).await;
        let is_done = self.0.db.write(author.scope.patient, unit).await?;
        let Acted::Flag(Json(flag)) = self.shown(&staff.caller, &author.scope, id).await?;
        if is_done { Ok(Acted::Flag(Json(flag))) } else { Err(Error::Stale(Some(Box::new(shown(&flag)?)))) }
    }

    /// Open a flag again
    ///
    /// It waits anew, with a new clock, and who is first is told; what had been done about it stays in `earlier_rounds`. Repeating
    /// it changes nothing; a flag that is open already is not opened for another reason.
    #[oai(path = "/:id/reopen", method = "post", operation_id = "flags_reopen")]
    async fn reopen(
        &self,
        staff: Staff<ActOnFlags>,
        /// The flag's id.
        id: Path<String>,
        body: Checked<Reopen>,
    ) -> Result<Acted, Error> {
        let (id, author) = self.found(&staff, &id.0).await?;
        let (Reopen { reason }, by) = (body.given().check(Reopen::says_why)?, author.clone());
        let hours = hours(&self.0, &staff.caller).await?;
        let unit = async move |tx: &crate::store::Tx| safety::reopen(tx, &by, id, reason, &hours).await;
        self.0.db.write(author.scope.patient, unit).await?;
        self.shown(&staff.caller, &author.scope, id).await
    }
}

impl Flags {
    /// The flag that a member means, if its patient is in their care today.
    async fn found(&self, staff: &Staff<ActOnFlags>, id: &str) -> Result<(Uuid, Author), Error> {
        let (caller, standing) = (&staff.caller, Some(staff.standing()));
        let id = id.parse().map_err(|_| Error::NotFound)?;
        let owner = flags::owner_of(self.0.db.read(), caller.account, today(&self.0, caller), id).await?;
        let patient = owner.ok_or(Error::NotFound)?;
        let scope = Scope { clinic: caller.clinic, patient, sees_private: false };
        let keys = self.0.keys.of_patient(patient).await?;
        Ok((id, Author { scope, account: caller.account, request: caller.request, keys, standing }))
    }

    async fn shown(&self, caller: &Caller, scope: &Scope, id: Uuid) -> Result<Acted, Error> {
        let shown = flags::show(self.0.db.read(), &self.0.keys, scope.clinic, scope.patient, id).await?;
        let around = Around::of(&self.0, caller, &[scope.patient]).await?;
        Ok(Acted::Flag(Json(around.show(shown))))
    }
}
