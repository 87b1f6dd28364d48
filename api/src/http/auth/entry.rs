//! What a sign-in answers.

use crate::{
    app::App,
    domain::{
        accounts::{AccountKind, Role},
        sign_in,
    },
    http::sign_in::set_cookie,
    security::access::Roles,
    store::sign_ins::{Grant, Opening},
};
use poem_openapi::{ApiResponse, Object, payload::Json, types::Example};
use uuid::Uuid;

/// Who is signed in.
#[derive(Debug, Clone, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Account {
    /// The account: a patient's or a member's own id.
    pub id: Uuid,
    /// What kind.
    pub kind: AccountKind,
    /// The patient, for a patient.
    pub patient_id: Option<Uuid>,
    /// What a member does.
    pub roles: Option<Vec<Role>>,
}

impl Account {
    /// What is told of an account.
    fn new(id: Uuid, kind: AccountKind, roles: Roles) -> Self {
        let member = kind == AccountKind::Member;
        Self { id, kind, patient_id: (!member).then_some(id), roles: member.then(|| roles.to_vec()) }
    }
}

/// A sign-in.
#[derive(Debug, Clone, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub struct SignIn {
    /// Opens the API, as `Authorization: Bearer`; not with a cookie.
    pub access_token: Option<String>,
    /// `Bearer`; not with a cookie.
    pub token_type: Option<String>,
    /// Seconds until the access token, or the unused cookie, ends.
    pub expires_in: i64,
    /// Exchanged for the next pair, once; not with a cookie.
    pub refresh_token: Option<String>,
    /// Who is signed in.
    pub account: Account,
}

impl Example for SignIn {
    fn example() -> Self {
        let id = Uuid::from_u128(0x0195_a1c0_11d4_7c60_9f3b_5a1e_0c7d_2b44);
        Self {
            access_token: Some("kat_Zk0t1x2bq7nJr9cV5sW8yE3uG6hL4pQmDfXoTiRaN0B".into()),
            token_type: Some("Bearer".into()),
            expires_in: 600,
            refresh_token: Some("krt_2s8vYb0w1mUuJrJ3cX6fZQ4kq0n5yE7tGdPh9aLoR1M".into()),
            account: Account::new(id, AccountKind::Patient, Roles::PATIENT),
        }
    }
}

/// Signed in.
#[derive(ApiResponse)]
pub enum Entered {
    /// Signed in. Keep the tokens where no other app reads them.
    #[oai(status = 200)]
    In(
        Json<SignIn>,
        /// The pages' cookie, where it was asked for.
        #[oai(header = "Set-Cookie")]
        Option<String>,
    ),
}

impl Entered {
    /// The answer that carries what somebody holds from now on.
    pub(in crate::http) fn with(app: &App, grant: Grant) -> Self {
        let account = Account::new(grant.account, grant.kind, grant.roles);
        match grant.given {
            Opening::Tokens { access, refresh, lasts } => {
                let body = SignIn {
                    access_token: Some(access.reveal().to_owned()),
                    token_type: Some("Bearer".into()),
                    expires_in: lasts,
                    refresh_token: Some(refresh.reveal().to_owned()),
                    account,
                };
                Self::In(Json(body), None)
            }
            Opening::Cookie(cookie) => {
                let expires_in = sign_in::COOKIE_IDLE.num_seconds();
                let body = SignIn { access_token: None, token_type: None, expires_in, refresh_token: None, account };
                Self::In(Json(body), Some(set_cookie(&app.config, Some(cookie.reveal()))))
            }
        }
    }
}
