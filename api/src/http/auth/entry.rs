//! What a sign-in answers.

use crate::{
    app::App,
    domain::{
        accounts::{AccountKind, Role},
        sign_in,
    },
    error::Error,
    http::sign_in::set_cookie,
    security::{
        access::Roles,
        tokens::{Hash, Purpose, Token},
    },
    store::{
        Tx,
        sign_ins::{self, Family, Pair},
    },
};
use poem_openapi::{ApiResponse, Enum, Object, payload::Json, types::Example};
use uuid::Uuid;

/// How somebody stays signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "kebab-case")]
pub enum SignInKind {
    /// Two tokens, for apps.
    Token,
    /// One cookie, for the pages.
    Cookie,
}

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
    pub(in crate::http) fn new(id: Uuid, kind: AccountKind, roles: Roles) -> Self {
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

/// What somebody holds from now on.
pub(in crate::http) enum Entry {
    /// Two tokens.
    Tokens {
        /// Opens the API.
        access: Token,
        /// Exchanged for the next pair.
        refresh: Token,
        /// How many seconds the access token lasts.
        lasts: i64,
    },
    /// The cookie of the pages.
    Cookie(Token),
}

impl Entry {
    /// Begins a sign-in.
    pub(in crate::http) async fn begin(
        tx: &Tx,
        account: Uuid,
        kind: AccountKind,
        session: Option<SignInKind>,
    ) -> Result<Self, Error> {
        if session == Some(SignInKind::Cookie) {
            let cookie = Token::new(Purpose::Cookie);
            sign_ins::insert_cookie(tx, cookie.hash(), account).await?;
            return Ok(Self::Cookie(cookie));
        }
        let (signed_in_at, ends_at) = (tx.now(), sign_in::ends_at(kind == AccountKind::Member, tx.now()));
        Self::go_on(tx, &Family { id: tx.new_id(), account, ends_at, signed_in_at }, None).await
    }

    /// Makes the next pair of tokens of a sign-in, in exchange for a refresh token if there is one.
    pub(super) async fn go_on(tx: &Tx, family: &Family, parent: Option<Hash>) -> Result<Self, Error> {
        let (access, refresh) = (Token::new(Purpose::Access), Token::new(Purpose::Refresh));
        let pair = Pair { access: access.hash(), refresh: refresh.hash() };
        sign_ins::insert(tx, family, pair, parent).await?;
        let until = sign_in::expires_at(sign_in::ACCESS, family.ends_at, tx.now());
        Ok(Self::Tokens { access, refresh, lasts: (until - tx.now()).num_seconds() })
    }

    /// The answer that carries it.
    pub(in crate::http) fn answer(self, app: &App, account: Account) -> Entered {
        match self {
            Self::Tokens { access, refresh, lasts } => {
                let body = SignIn {
                    access_token: Some(access.reveal().to_owned()),
                    token_type: Some("Bearer".into()),
                    expires_in: lasts,
                    refresh_token: Some(refresh.reveal().to_owned()),
                    account,
                };
                Entered::In(Json(body), None)
            }
            Self::Cookie(cookie) => {
                let expires_in = sign_in::COOKIE_IDLE.num_seconds();
                let body = SignIn { access_token: None, token_type: None, expires_in, refresh_token: None, account };
                Entered::In(Json(body), Some(set_cookie(&app.config, Some(cookie.reveal()))))
            }
        }
    }
}
