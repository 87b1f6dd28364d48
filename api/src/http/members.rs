//! `/v1/clinic/members`: the staff of the caller's clinic. Staff read, admins write; new ones are invited.

use super::{
    body::Checked,
    permit::Staff,
    preconditions::{etag, if_match, shown},
    reply::Done,
    resource::Tag,
};
use crate::{
    app::App,
    domain::accounts::{MemberPatch, Role},
    error::Error,
    security::access::{Administer, WorkHere},
    store::{Change, Tx, members},
};
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::{Header, Path},
    payload::Json,
    types::Example,
};
use serde_json::Value;
use uuid::Uuid;

/// A member of the clinic.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub struct Member {
    /// The account.
    pub id: Uuid,
    /// Rises by one with every change; the ETag.
    pub version: i64,
    /// What they are called.
    pub display_name: String,
    /// What they do.
    pub roles: Vec<Role>,
}

impl From<members::Member> for Member {
    fn from(member: members::Member) -> Self {
        let members::Member { id, version, display_name, roles, .. } = member;
        Self { id, version, display_name, roles: roles.to_vec() }
    }
}

impl Example for Member {
    fn example() -> Self {
        Self {
            id: Uuid::from_u128(0x0195_a1b0_77e2_7a14_8c5d_1b6f_4e9a_3c01),
            version: 1,
            display_name: "Dr. Ada Lindt".into(),
            roles: vec![Role::Therapist],
        }
    }
}

/// The members of the clinic.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub struct MemberPage {
    /// The members, oldest first.
    pub items: Vec<Member>,
    /// Always null: the staff is one page.
    pub next_cursor: Option<String>,
}

impl Example for MemberPage {
    fn example() -> Self {
        Self { items: vec![Member::example()], next_cursor: None }
    }
}

impl Example for MemberPatch {
    fn example() -> Self {
        Self { display_name: None, roles: Some(vec![Role::Therapist, Role::Prescriber]) }
    }
}

/// A member.
#[derive(ApiResponse)]
pub enum OneMember {
    /// The member, with its version as ETag.
    #[oai(status = 200)]
    Found(Json<Member>, #[oai(header = "ETag")] String),
}

/// The staff.
#[derive(ApiResponse)]
pub enum Many {
    /// All of it.
    #[oai(status = 200)]
    All(Json<MemberPage>),
}

/// The staff.
pub struct Members(pub App);

#[OpenApi(prefix_path = "/clinic/members", tag = "Tag::Clinic")]
impl Members {
    /// List the staff
    ///
    /// Names and roles of all who are members now.
    #[oai(path = "/", method = "get", operation_id = "members_list")]
    async fn list(&self, staff: Staff<WorkHere>) -> Result<Many, Error> {
        let clinic = staff.caller.clinic;
        let keys = self.0.keys.of_clinic(clinic).await?;
        let items = members::list(self.0.db.read(), clinic, &keys).await?.into_iter().map(Into::into).collect();
        Ok(Many::All(Json(MemberPage { items, next_cursor: None })))
    }

    /// Change a member
    ///
    /// Roles hold from the next request on. A clinic keeps an admin.
    #[oai(path = "/:id", method = "patch", operation_id = "members_update")]
    async fn update(
        &self,
        staff: Staff<Administer>,
        /// The member's id.
        id: Path<String>,
        /// The version that this changes, as its ETag.
        #[oai(name = "If-Match")]
        held: Header<Option<String>>,
        patch: Checked<MemberPatch>,
    ) -> Result<OneMember, Error> {
        let id: Uuid = id.0.parse().map_err(|_| Error::NotFound)?;
        let change = Change { held: if_match(held.0.as_deref())?, patch: patch.given() };
        let (owner, standing) = (staff.caller.clinic, staff.standing());
        let (keys, sign_ins) = (self.0.keys.of_clinic(owner).await?, self.0.sign_ins.clone());
        let unit = async move |tx: &Tx| members::change(tx, &standing, &keys, &sign_ins, id, change, current).await;
        let member = self.0.db.write(owner, unit).await?;
        let tag = etag(member.version);
        Ok(OneMember::Found(Json(member.into()), tag))
    }

    /// End a membership
    ///
    /// Their sign-ins and their places on care teams end at once; what they wrote stays. A clinic keeps an admin.
    #[oai(path = "/:id", method = "delete", operation_id = "members_delete")]
    async fn delete(
        &self,
        staff: Staff<Administer>,
        /// The member's id.
        id: Path<String>,
        /// The version that ends, as its ETag.
        #[oai(name = "If-Match")]
        held: Header<Option<String>>,
    ) -> Result<Done, Error> {
        let id: Uuid = id.0.parse().map_err(|_| Error::NotFound)?;
        let held = if_match(held.0.as_deref())?;
        let (owner, standing) = (staff.caller.clinic, staff.standing());
        let (keys, sign_ins) = (self.0.keys.of_clinic(owner).await?, self.0.sign_ins.clone());
        let unit = async move |tx: &Tx| members::end(tx, &standing, &keys, &sign_ins, id, held, current).await;
        self.0.db.write(owner, unit).await?;
        Ok(Done::Done)
    }
}

fn current(member: &members::Member) -> Result<Value, Error> {
    shown(&Member::from(member.clone()))
}
