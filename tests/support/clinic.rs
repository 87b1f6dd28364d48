//! A clinic with a therapist, a prescriber, an admin and one patient in the therapist's care.

use super::{documented, place::Place};
use afterglow::{
    app::App,
    clock::Clock,
    config::Config,
    domain::{
        self,
        accounts::AccountKind,
        business_hours::BusinessHours,
        profile::{PatientState, Profile},
        recurrence::QuietHours,
    },
    security::{
        access::Roles,
        secret::Secret,
        tokens::{Purpose, Token},
    },
    store::{self, Scope, Tx, accounts::Secrets, care_team::Relation},
};
use chrono::{DateTime, TimeDelta, Utc};
use poem::{
    EndpointExt, Response,
    endpoint::BoxEndpoint,
    http::Method,
    test::{TestClient, TestResponse},
};
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde_json::{Value, json};
use uuid::Uuid;

/// Saturday morning in Berlin, in winter time, far from midnight.
pub const NOW: &str = "2026-03-14T09:00:00Z";

/// A running service with people in it.
pub struct Clinic {
    pub app: App,
    pub clock: Clock,
    pub id: Uuid,
    pub patient: Person,
    pub therapist: Person,
    pub prescriber: Person,
    pub admin: Person,
    client: TestClient<BoxEndpoint<'static, Response>>,
    place: Place,
}

/// Somebody with a token.
#[derive(Clone)]
pub struct Person {
    pub id: Uuid,
    pub email: String,
    pub token: String,
}

/// The people of another clinic.
pub struct Neighbours {
    pub patient: Person,
    pub therapist: Person,
    pub admin: Person,
}

impl Clinic {
    pub async fn on_sqlite() -> Self {
        Self::open(Place::folder()).await
    }

    pub async fn on_postgres() -> Self {
        Self::open(Place::postgres().await).await
    }

    /// A clinic whose rows lie there.
    pub async fn open(place: Place) -> Self {
        Self::open_with(place, Secret::random()).await
    }

    /// The same under a master key that the test keeps.
    pub async fn open_with(place: Place, master: Secret) -> Self {
        Self::begin(Config::from([], None).unwrap(), place, master).await
    }

    /// The same, reached at this URL.
    pub async fn at(public_url: &str, place: Place) -> Self {
        let url = ("AFTERGLOW_PUBLIC_URL".to_owned(), public_url.to_owned());
        Self::begin(Config::from([url], None).unwrap(), place, Secret::random()).await
    }

    async fn begin(config: Config, place: Place, master: Secret) -> Self {
        let clock = Clock::fixed(NOW.parse().unwrap());
        let app = App::open(config, clock.clone(), &place.place, master).await.unwrap();
        let id = clock.new_id();
        new_clinic(&app, id).await;
        let therapist = new_member(&app, id, Roles::THERAPIST).await;
        let prescriber = new_member(&app, id, Roles::PRESCRIBER).await;
        let admin = new_member(&app, id, Roles::ADMIN).await;
        let patient = new_patient(&app, id, &[&therapist, &prescriber]).await;
        let client = TestClient::new(afterglow::http::service(&app).boxed());
        Self { app, clock, id, patient, therapist, prescriber, admin, client, place }
    }

    /// The same people, served by another process.
    pub fn beside(&self, app: App) -> Self {
        let client = TestClient::new(afterglow::http::service(&app).boxed());
        let (patient, therapist) = (self.patient.clone(), self.therapist.clone());
        let (prescriber, admin) = (self.prescriber.clone(), self.admin.clone());
        let place = Place::elsewhere(self.place());
        Self { app, clock: self.clock.clone(), id: self.id, patient, therapist, prescriber, admin, client, place }
    }

    /// Another patient of the clinic, in the same care.
    pub async fn new_patient(&self) -> Person {
        new_patient(&self.app, self.id, &[&self.therapist, &self.prescriber]).await
    }

    /// A member with these roles who cares for nobody yet.
    pub async fn new_member(&self, roles: Roles) -> Person {
        new_member(&self.app, self.id, roles).await
    }

    /// Another clinic on the same installation, with somebody of each kind.
    pub async fn next_door(&self) -> Neighbours {
        let id = self.clock.new_id();
        new_clinic(&self.app, id).await;
        let therapist = new_member(&self.app, id, Roles::THERAPIST).await;
        let admin = new_member(&self.app, id, Roles::ADMIN).await;
        let patient = new_patient(&self.app, id, &[&therapist]).await;
        Neighbours { patient, therapist, admin }
    }

    /// Puts a member on a patient's care team, for these days from today.
    pub async fn care(&self, member: &Person, patient: &Person, days: std::ops::RangeInclusive<i64>) -> Uuid {
        let today = self.now().date_naive();
        let (id, scope) = (self.clock.new_id(), Scope { clinic: self.id, patient: patient.id, sees_private: false });
        let day = |offset: i64| today + TimeDelta::days(offset);
        let (from_on, until_on) = (day(*days.start()), Some(day(*days.end())));
        let relation = Relation { id, member: member.id, primary: false, from_on, until_on, version: 1 };
        let unit = async move |tx: &Tx| store::care_team::insert(tx, &scope, &relation).await;
        self.app.db.write(patient.id, unit).await.unwrap();
        id
    }

    /// Where the rows lie.
    pub fn place(&self) -> &afterglow::store::Place {
        &self.place.place
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A call in somebody's name.
    pub fn call(&self, who: &Person, method: Method, path: &str) -> Call<'_> {
        let call = self.anonymous(method, path);
        call.header("Authorization", &format!("Bearer {}", who.token))
    }

    /// A call in nobody's name.
    pub fn anonymous(&self, method: Method, path: &str) -> Call<'_> {
        Call { request: self.client.request(method.clone(), path.to_owned()), asked: (method, path.to_owned()) }
    }

    pub async fn get(&self, who: &Person, path: &str) -> Answer {
        self.call(who, Method::GET, path).send().await
    }

    /// Posts a record under a new key.
    pub async fn post(&self, who: &Person, path: &str, body: Value) -> Answer {
        let key = self.clock.new_id().to_string();
        self.call(who, Method::POST, path).header("Idempotency-Key", &key).json(&body).send().await
    }

    pub async fn put(&self, who: &Person, path: &str, if_match: Option<&str>, body: Value) -> Answer {
        let call = self.call(who, Method::PUT, path).json(&body);
        let call = if let Some(tag) = if_match { call.header("If-Match", tag) } else { call };
        call.send().await
    }

    /// A mood score of now.
    pub fn mood(&self, mood: i64) -> Value {
        json!({ "occurred_at": self.now().to_rfc3339(), "time_zone": "Europe/Berlin", "mood": mood })
    }
}

/// What belongs to no operation: another method.
const UNDOCUMENTED: [u16; 1] = [405];

/// A call that is being made up.
pub struct Call<'a> {
    request: poem::test::TestRequestBuilder<'a, BoxEndpoint<'static, Response>>,
    asked: (Method, String),
}

impl Call<'_> {
    pub fn header(self, name: &str, value: &str) -> Self {
        Self { request: self.request.header(name.to_owned(), value.to_owned()), ..self }
    }

    pub fn json(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string())
    }

    /// A JSON body that comes as it comes.
    pub fn body(self, body: poem::Body) -> Self {
        Self { request: self.request.content_type("application/json").body(body), ..self }
    }

    pub fn bytes(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { request: self.request.content_type(content_type).body(body.into()), ..self }
    }

    /// Sends it and leaves the body to be read bit by bit.
    pub async fn open(self) -> Response {
        self.request.send().await.0
    }

    /// The status alone, for answers that do not end.
    pub async fn status(self) -> u16 {
        self.request.send().await.0.status().as_u16()
    }

    pub async fn send(self) -> Answer {
        let answer = Answer::of(self.request.send().await).await;
        if self.asked.1.starts_with("/v1/") && !UNDOCUMENTED.contains(&answer.status) {
            assert_eq!(answer.headers.get("Cache-Control").unwrap(), "no-store", "{}", self.asked.1);
        }
        if answer.content_type == "application/problem+json" && !UNDOCUMENTED.contains(&answer.status) {
            let kind = answer.json()["type"].as_str().unwrap_or_default().trim_start_matches("/problems/").to_owned();
            documented::expect(&self.asked.0, &self.asked.1, answer.status, &kind);
        }
        answer
    }
}

/// What came back, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub etag: Option<String>,
    pub content_type: String,
    pub text: String,
    pub headers: poem::http::HeaderMap,
}

impl Answer {
    async fn of(response: TestResponse) -> Self {
        let response = response.0;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(String::from);
        let (etag, content_type) = (header("ETag"), header("Content-Type").unwrap_or_default());
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.into_body().into_string().await.unwrap();
        Self { status, etag, content_type, text, headers }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} is no JSON: {}", self.status, self.text))
    }

    /// The answer, if its status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Asserts that this is a problem of a type, and answers it.
    #[track_caller]
    pub fn problem(&self, status: u16, kind: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.content_type, "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["type"], format!("/problems/{kind}"), "{problem}");
        assert_eq!(problem["status"], status);
        problem
    }

    /// The pointers of a problem, sorted.
    pub fn pointers(&self) -> Vec<String> {
        let problem = self.json();
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let mut pointers: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect();
        pointers.sort();
        pointers
    }
}

async fn new_clinic(app: &App, id: Uuid) {
    let keys = app.keys.of_clinic(id).await.unwrap();
    let zone = chrono_tz::Europe::Berlin;
    let clinic = domain::clinic::Clinic {
        id,
        name: "Harbour Clinic".into(),
        phone: Some("+49 30 5550100".into()),
        time_zone: zone,
        country: "DE".into(),
        business_hours: BusinessHours::usual(zone).hours,
        on_call_member_id: None,
        clinical_lead_member_id: None,
        safeguarding_member_id: None,
        version: 1,
    };
    let unit = async move |tx: &Tx| store::clinics::insert(tx, &clinic, &keys).await;
    app.db.write(id, unit).await.unwrap();
}

/// An account that can't be signed in to, with an access token that lasts for years.
async fn new_account(app: &App, clinic: Uuid, id: Uuid, kind: AccountKind) -> Person {
    let keys = store::accounts::keys(&app.keys, kind, clinic, id).await.unwrap();
    let email = format!("{id}@example.org");
    let (email_index, password_hash) = (app.keys.codes().email_index(&email), String::new());
    let account = store::accounts::NewAccount { id, clinic, kind, email_index, password_hash, demo: false };
    let token = Token::new(Purpose::Access);
    let now = app.clock.now();
    let row = entities::token::ActiveModel {
        hash: Set(token.hash().0.to_vec()),
        family_id: Set(id),
        account_id: Set(id),
        kind: Set(0),
        created_at: Set(now.into()),
        expires_at: Set((now + TimeDelta::days(3650)).into()),
        ends_at: Set((now + TimeDelta::days(3650)).into()),
        signed_in_at: Set(now.into()),
        ..Default::default()
    };
    let secrets = Secrets { email: email.clone(), totp: None };
    let unit = async move |tx: &Tx| {
        store::accounts::insert(tx, account, &secrets, &keys).await?;
        store::accounts::confirm_second_factor(tx, id, 0).await?;
        entities::token::Entity::insert(row).exec_without_returning(tx.db()).await?;
        Ok(())
    };
    app.db.write(clinic, unit).await.unwrap();
    Person { id, email, token: token.reveal().to_owned() }
}

async fn new_member(app: &App, clinic: Uuid, roles: Roles) -> Person {
    let id = app.clock.new_id();
    let keys = app.keys.of_clinic(clinic).await.unwrap();
    let member = store::members::Member { id, clinic, display_name: "Dr. Ada Berg".into(), roles, version: 1 };
    let unit = async move |tx: &Tx| store::members::insert(tx, &member, &keys).await;
    app.db.write(clinic, unit).await.unwrap();
    new_account(app, clinic, id, AccountKind::Member).await
}

async fn new_patient(app: &App, clinic: Uuid, team: &[&Person]) -> Person {
    let (id, today) = (app.clock.new_id(), app.clock.now().date_naive());
    let keys = app.keys.of_patient(id).await.unwrap();
    let profile = Profile {
        id,
        clinic,
        display_name: "Imani Okonjo".into(),
        name_latin: None,
        pronouns: None,
        phone: None,
        language: None,
        time_zone: chrono_tz::Europe::Berlin,
        locale: "en-GB".into(),
        country: "US".into(),
        quiet_hours: QuietHours::usual(),
        state: PatientState::Active,
        version: 1,
    };
    let scope = Scope { clinic, patient: id, sees_private: false };
    let relation = |(index, member): (usize, &&Person)| Relation {
        id: app.clock.new_id(),
        member: member.id,
        primary: index == 0,
        from_on: today,
        until_on: None,
        version: 1,
    };
    let relations: Vec<_> = team.iter().enumerate().map(relation).collect();
    let unit = async move |tx: &Tx| {
        store::profiles::insert(tx, &profile, &keys).await?;
        for relation in &relations {
            store::care_team::insert(tx, &scope, relation).await?;
        }
        Ok(())
    };
    app.db.write(id, unit).await.unwrap();
    new_account(app, clinic, id, AccountKind::Patient).await
}
