//! `/v1/invitations`: a member invites a patient, an admin staff too. The link arrives by mail, works once, for a week.

mod accept;
mod invite;

use super::{
    auth::Entered,
    body::{Checked, Small},
    permit::Staff,
    preconditions::idempotency_key,
    resource::Tag,
    sign_in,
};
use crate::{
    app::App,
    domain::{accounts::AccountKind, instant::Instant, invitations::NewInvitation, sign_in::SignInKind},
    error::Error,
    security::access::WorkHere,
};
use chrono::DateTime;
use poem::Request;
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::{Header, Path},
    payload::Json,
    types::Example,
};
use uuid::Uuid;

impl Example for NewInvitation {
    fn example() -> Self {
        Self {
            email: "noor@example.org".into(),
            kind: AccountKind::Patient,
            roles: None,
            display_name: "Noor".into(),
            time_zone: Some("Europe/Berlin".into()),
            locale: Some("de-DE".into()),
            country: Some("DE".into()),
            primary_member_id: Some(Uuid::from_u128(0x0195_a1b0_77e2_7a14_8c5d_1b6f_4e9a_3c01)),
        }
    }
}

/// An invitation that was sent.
#[derive(Debug, Clone, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub struct Invitation {
    /// Its id.
    pub id: Uuid,
    /// When it ends.
    pub expires_at: Instant,
    /// The patient who was made with it.
    pub patient_id: Option<Uuid>,
}

impl Example for Invitation {
    fn example() -> Self {
        Self {
            id: Uuid::from_u128(0x0195_a1c0_0d18_7b6f_a2e4_90c1_5d7f_8e33),
            expires_at: DateTime::from_timestamp(1_773_500_000, 0).unwrap_or_default().into(),
            patient_id: Some(Uuid::from_u128(0x0195_a1c0_11d4_7c60_9f3b_5a1e_0c7d_2b44)),
        }
    }
}

/// What an invitation is to.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub struct OpenInvitation {
    /// The clinic's name.
    pub clinic: String,
    /// Whom it invites.
    pub kind: AccountKind,
}

impl Example for OpenInvitation {
    fn example() -> Self {
        Self { clinic: "Praxis am Ufer".into(), kind: AccountKind::Patient }
    }
}

/// How somebody accepts.
#[derive(Debug, Clone, Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none, example)]
pub struct Acceptance {
    /// The new password: 15 to 128 characters, of any kind.
    #[oai(validator(max_length = 128))]
    pub password: String,
    /// How they want to be called; as invited unless told.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub display_name: Option<String>,
    /// A patient's IANA zone; as invited unless told.
    #[oai(validator(max_length = 50))]
    pub time_zone: Option<String>,
    /// `token` for apps, `cookie` for the pages; `token` unless told.
    pub session: Option<SignInKind>,
}

impl Example for Acceptance {
    fn example() -> Self {
        Self {
            password: "violet-otter-hums-softly".into(),
            display_name: None,
            time_zone: Some("Europe/Berlin".into()),
            session: None,
        }
    }
}

/// An invitation was made.
#[derive(ApiResponse)]
pub enum Made {
    /// The invitation; its mail is on the way.
    #[oai(status = 201)]
    Made(Json<Invitation>),
    /// The same invitation waits for this address already; its mail is sent again.
    #[oai(status = 200)]
    Waits(Json<Invitation>),
}

/// An invitation.
#[derive(ApiResponse)]
pub enum One {
    /// What it is to.
    #[oai(status = 200)]
    Found(Json<OpenInvitation>),
}

/// Invitations.
pub struct Invitations(pub App);

#[OpenApi(prefix_path = "/invitations", tag = "Tag::Invitations")]
impl Invitations {
    /// Invite
    ///
    /// A patient is made with the invitation, on the care team of `primary_member_id` from today, and is active once they
    /// accept. Staff is invited by admins alone. An address for which the same invitation waits is answered that one, and its
    /// mail is sent again; one that is invited as somebody else is refused until that invitation has ended.
    #[oai(path = "/", method = "post", operation_id = "invitations_create")]
    async fn create(
        &self,
        staff: Staff<WorkHere>,
        /// Chosen by the client, new for every invitation: repeating the request with it has no second effect.
        #[oai(name = "Idempotency-Key")]
        key: Header<Option<String>>,
        new: Checked<NewInvitation>,
    ) -> Result<Made, Error> {
        let key = idempotency_key(key.0)?;
        let (invitation, made) = invite::invite(&self.0, staff.standing(), key, new).await?;
        Ok(if made { Made::Made(Json(invitation)) } else { Made::Waits(Json(invitation)) })
    }

    /// Read an invitation
    ///
    /// By the code at the end of its link; no token is needed. One that has ended or was accepted is not found, nor is one
    /// whose inviter may no longer invite.
    #[oai(path = "/:code", method = "get", operation_id = "invitations_read")]
    async fn read(
        &self,
        request: &Request,
        /// The code at the end of the link.
        code: Path<String>,
    ) -> Result<One, Error> {
        Ok(One::Found(Json(accept::read(&self.0, &code.0, sign_in::network_address(request)).await?)))
    }

    /// Accept an invitation
    ///
    /// Makes the account and signs in; no token is needed. It works once.
    #[oai(path = "/:code/accept", method = "post", operation_id = "invitations_accept")]
    async fn accept(
        &self,
        request: &Request,
        /// The code at the end of the link.
        code: Path<String>,
        acceptance: Small<Acceptance>,
    ) -> Result<Entered, Error> {
        let from = sign_in::network_address(request);
        accept::accept(&self.0, &code.0, from, acceptance, sign_in::request_id(request)).await
    }
}
