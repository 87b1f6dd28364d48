//! `/v1/patients/{patient}/care-team`: who may see a patient, from which day to which day of the clinic. Everybody who
//! may know of the patient reads it; the primary therapist and the clinic's admins write.

use super::{
    body::Checked,
    permit::Permit,
    preconditions::{etag, if_match, record_id, shown},
    reply::Done,
    resource::Tag,
};
use crate::{
    app::App,
    domain::care_team::NewCareRelation,
    error::Error,
    security::access::{HeldRight, ReadCareTeam, WriteCareTeam},
    store::{
        Decision, Precondition, Tx,
        care_team::{self, Relation, Wanted},
        members,
    },
};
use chrono::NaiveDate;
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::{Header, Path},
    payload::Json,
    types::Example,
};
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

impl Example for NewCareRelation {
    fn example() -> Self {
        Self {
            member_id: Uuid::from_u128(0x0195_a1b0_77e2_7a14_8c5d_1b6f_4e9a_3c01),
            primary: false,
            from_on: NaiveDate::from_ymd_opt(2026, 3, 1).unwrap_or_default(),
            until_on: NaiveDate::from_ymd_opt(2026, 3, 31),
        }
    }
}

/// A place on the care team, as it is kept.
#[derive(Debug, Clone, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub struct CareRelation {
    /// Its id.
    pub id: Uuid,
    /// Rises by one with every change; the ETag.
    pub version: i64,
    /// The member.
    pub member_id: Uuid,
    /// What they are called, while they are a member.
    pub display_name: Option<String>,
    /// Whether they are told first.
    pub primary: bool,
    /// The first day, in the clinic's zone.
    pub from_on: NaiveDate,
    /// The last day.
    pub until_on: Option<NaiveDate>,
}

impl CareRelation {
    fn new(relation: Relation, display_name: Option<String>) -> Self {
        Self {
            id: relation.id,
            version: relation.version,
            member_id: relation.member,
            display_name,
            primary: relation.primary,
            from_on: relation.from_on,
            until_on: relation.until_on,
        }
    }
}

impl Example for CareRelation {
    fn example() -> Self {
        let NewCareRelation { member_id, primary, from_on, until_on } = NewCareRelation::example();
        let id = Uuid::from_u128(0x0195_a1c4_2f60_7d3e_b1a9_6c8e_0f47_5d22);
        Self { id, version: 1, member_id, display_name: Some("Dr. Ada Lindt".into()), primary, from_on, until_on }
    }
}

/// A care team: who was, is and will be on it.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub struct CareTeam {
    /// Newest first day first.
    pub items: Vec<CareRelation>,
    /// Always null: a care team is one page.
    pub next_cursor: Option<String>,
}

impl Example for CareTeam {
    fn example() -> Self {
        Self { items: vec![CareRelation::example()], next_cursor: None }
    }
}

/// A care team.
#[derive(ApiResponse)]
pub enum Many {
    /// All of it.
    #[oai(status = 200)]
    All(Json<CareTeam>),
}

/// A relation was made.
#[derive(ApiResponse)]
pub enum Made {
    /// The relation, with its version as ETag.
    #[oai(status = 201)]
    Made(Json<CareRelation>, #[oai(header = "ETag")] String),
}

/// A relation was made or replaced.
#[derive(ApiResponse)]
pub enum Put {
    /// The relation was replaced, or was so already.
    #[oai(status = 200)]
    Replaced(Json<CareRelation>, #[oai(header = "ETag")] String),
    /// The relation was made.
    #[oai(status = 201)]
    Made(Json<CareRelation>, #[oai(header = "ETag")] String),
}

/// Care teams.
pub struct CareTeams(pub App);

#[OpenApi(prefix_path = "/patients/:patient/care-team", tag = "Tag::Patients")]
impl CareTeams {
    /// List the care team
    ///
    /// Past and future members too.
    #[oai(path = "/", method = "get", operation_id = "care_team_list")]
    async fn list(&self, permit: Permit<ReadCareTeam>) -> Result<Many, Error> {
        let relations = care_team::list(self.0.db.read(), &permit.scope).await?;
        let names = self.names(permit.scope.clinic).await?;
        permit.audit_read(&self.0, "care_team_list", None).await?;
        let named = |relation: Relation| {
            let name = names.get(&relation.member).cloned();
            CareRelation::new(relation, name)
        };
        Ok(Many::All(Json(CareTeam { items: relations.into_iter().map(named).collect(), next_cursor: None })))
    }

    /// Add to the care team
    ///
    /// A member has one relation to a patient on any day: another one on the same days is refused.
    #[oai(path = "/", method = "post", operation_id = "care_team_create")]
    async fn create(&self, permit: Permit<WriteCareTeam>, new: Checked<NewCareRelation>) -> Result<Made, Error> {
        let (relation, tag, _) = self.put(permit, None, Precondition::None, new).await?;
        Ok(Made::Made(relation, tag))
    }

    /// Replace a place on the care team
    ///
    /// Or make one with an id of the client's. A last day of yesterday ends it at once.
    #[oai(path = "/:id", method = "put", operation_id = "care_team_replace")]
    async fn replace(
        &self,
        permit: Permit<WriteCareTeam>,
        /// The relation's id: of version 7 or 4, chosen by the client.
        id: Path<String>,
        /// The version that this replaces, as its ETag; not sent when making a relation.
        #[oai(name = "If-Match")]
        held: Header<Option<String>>,
        new: Checked<NewCareRelation>,
    ) -> Result<Put, Error> {
        let (id, held) = (Some(record_id(&id.0)?), if_match(held.0.as_deref())?);
        let (relation, tag, created) = self.put(permit, id, held, new).await?;
        Ok(if created { Put::Made(relation, tag) } else { Put::Replaced(relation, tag) })
    }

    /// Remove from the care team
    ///
    /// As if it had never been; to end a relation, give it a last day instead.
    #[oai(path = "/:id", method = "delete", operation_id = "care_team_delete")]
    async fn delete(
        &self,
        permit: Permit<WriteCareTeam>,
        /// The relation's id.
        id: Path<String>,
        /// The version that is deleted, as its ETag.
        #[oai(name = "If-Match")]
        held: Header<Option<String>>,
    ) -> Result<Done, Error> {
        let (id, held) = (id.0.parse().map_err(|_| Error::NotFound)?, if_match(held.0.as_deref())?);
        let (scope, standing) = (permit.scope, HeldRight::of::<WriteCareTeam>(&permit.caller));
        let unit = async move |tx: &Tx| care_team::remove(tx, &standing, &scope, id, held, current).await;
        let removed = self.0.db.write(scope.patient, unit).await;
        permit.answered(&self.0, "care_team_read", Some(id), removed, |()| false).await?;
        Ok(Done::Done)
    }
}

impl CareTeams {
    async fn put(
        &self,
        permit: Permit<WriteCareTeam>,
        id: Option<Uuid>,
        held: Precondition,
        new: Checked<NewCareRelation>,
    ) -> Result<(Json<CareRelation>, String, bool), Error> {
        let (scope, standing) = (permit.scope, HeldRight::of::<WriteCareTeam>(&permit.caller));
        let wanted = Wanted { id, held, new: new.given() };
        let unit = async move |tx: &Tx| care_team::put(tx, &standing, &scope, wanted, current).await;
        let written = self.0.db.write(scope.patient, unit).await;
        let kept = |(_, done): &(_, Decision)| *done == Decision::Keep;
        let (relation, done) = permit.answered(&self.0, "care_team_read", id, written, kept).await?;
        let (name, tag) = (self.names(scope.clinic).await?.remove(&relation.member), etag(relation.version));
        Ok((Json(CareRelation::new(relation, name)), tag, done == Decision::Make))
    }

    async fn names(&self, clinic: Uuid) -> Result<HashMap<Uuid, String>, Error> {
        let keys = self.0.keys.of_clinic(clinic).await?;
        let members = members::list(self.0.db.read(), clinic, &keys).await?;
        Ok(members.into_iter().map(|member| (member.id, member.display_name)).collect())
    }
}

fn current(relation: &Relation) -> Result<Value, Error> {
    shown(&CareRelation::new(relation.clone(), None))
}
