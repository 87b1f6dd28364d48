//! `/v1/auth`: signing in, renewing, signing out, and the second factor. Apps hold two tokens, the pages one cookie.

mod entry;
mod login;
mod refresh;
mod second_factor;

pub(super) use entry::Entered;

use super::{body::Small, reply::Done, resource::Tag, sign_in};
use crate::{app::App, domain::sign_in::SignInKind, error::Error};
use poem::Request;
use poem_openapi::{ApiResponse, Object, OpenApi, payload::Json, types::Example};

/// Who wants in.
#[derive(Debug, Clone, Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none, example)]
pub struct Credentials {
    /// The address of the account.
    #[oai(validator(min_length = 1, max_length = 254))]
    pub email: String,
    /// The password.
    #[oai(validator(min_length = 1, max_length = 128))]
    pub password: String,
    /// The code of the authenticator app, where the second factor is on. It counts once.
    #[oai(validator(pattern = "^[0-9]{6}$"))]
    pub otp: Option<String>,
    /// `token` for apps, `cookie` for the pages; `token` unless told.
    pub session: Option<SignInKind>,
}

impl Example for Credentials {
    fn example() -> Self {
        Self {
            email: "patient@demo.example".into(),
            password: "violet-otter-hums-softly".into(),
            otp: None,
            session: Some(SignInKind::Token),
        }
    }
}

/// A refresh token that is to be exchanged.
#[derive(Debug, Clone, Object)]
#[oai(deny_unknown_fields, example)]
pub struct Renewal {
    /// The newest refresh token that the client knows of.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub refresh_token: String,
}

impl Example for Renewal {
    fn example() -> Self {
        Self { refresh_token: "krt_2s8vYb0w1mUuJrJ3cX6fZQ4kq0n5yE7tGdPh9aLoR1M".into() }
    }
}

/// Nothing to say yet; fields may come.
#[derive(Debug, Clone, Object)]
#[oai(deny_unknown_fields, example)]
pub struct NewSecondFactor {}

impl Example for NewSecondFactor {
    fn example() -> Self {
        Self {}
    }
}

/// The secret that the authenticator app is to know.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub struct SecondFactor {
    /// For typing in, base32.
    pub secret: String,
    /// For a QR code.
    pub uri: String,
}

impl Example for SecondFactor {
    fn example() -> Self {
        Self {
            secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".into(),
            uri: "otpauth://totp/Afterglow:therapist%40demo.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Afterglow"
                .into(),
        }
    }
}

/// A code that proves that the app knows the secret.
#[derive(Debug, Clone, Object)]
#[oai(deny_unknown_fields, example)]
pub struct Confirmation {
    /// The code that the app shows.
    #[oai(validator(pattern = "^[0-9]{6}$"))]
    pub otp: String,
}

impl Example for Confirmation {
    fn example() -> Self {
        Self { otp: "492039".into() }
    }
}

/// A secret was made.
#[derive(ApiResponse)]
pub enum Made {
    /// The secret. It is asked for once a code has proved that the app knows it.
    #[oai(status = 200)]
    Made(Json<SecondFactor>),
}

/// Signed out.
#[derive(ApiResponse)]
pub enum Left {
    /// What was shown opens nothing any more.
    #[oai(status = 204)]
    Left(
        /// Takes the pages' cookie away.
        #[oai(header = "Set-Cookie")]
        Option<String>,
    ),
}

/// Signing in and out.
pub struct Auth(pub App);

#[OpenApi(prefix_path = "/auth", tag = "Tag::Auth")]
impl Auth {
    /// Sign in
    ///
    /// With `session: cookie` the answer has no tokens, and sets the cookie of the pages. Failures make the next try
    /// wait: from the fifth of a day per account, and at thirty a minute per network address.
    #[oai(path = "/login", method = "post", operation_id = "auth_login")]
    async fn login(&self, request: &Request, credentials: Small<Credentials>) -> Result<Entered, Error> {
        let from = sign_in::network_address(request);
        login::login(&self.0, credentials.value()?, from, sign_in::request_id(request)).await
    }

    /// Exchange a refresh token
    ///
    /// The old one is spent by it. If the answer is lost, the old one may be sent again for a day, as long as nothing of the
    /// answer was used: the newest answer holds. Whoever sends a spent one otherwise ends the whole sign-in, for everybody
    /// who holds a token of it. So send one refresh at a time.
    #[oai(path = "/refresh", method = "post", operation_id = "auth_refresh")]
    async fn refresh(&self, request: &Request, renewal: Small<Renewal>) -> Result<Entered, Error> {
        refresh::refresh(&self.0, &renewal.value()?.refresh_token, sign_in::request_id(request)).await
    }

    /// Sign out
    ///
    /// Ends the sign-in that the request shows: all tokens of it, or the cookie.
    #[oai(path = "/logout", method = "post", operation_id = "auth_logout")]
    async fn logout(&self, holder: sign_in::Holder) -> Result<Left, Error> {
        let cookie = refresh::logout(&self.0, &holder).await?;
        Ok(Left::Left(cookie.then(|| sign_in::set_cookie(&self.0.config, None))))
    }

    /// Set up the second factor
    ///
    /// Answers a new secret for an authenticator app. Nothing is asked for until a code confirms it.
    #[oai(path = "/mfa", method = "post", operation_id = "auth_mfa")]
    async fn mfa(&self, holder: sign_in::Holder, body: Small<NewSecondFactor>) -> Result<Made, Error> {
        body.value()?;
        Ok(Made::Made(Json(second_factor::begin(&self.0, &holder).await?)))
    }

    /// Confirm the second factor
    ///
    /// From now on every sign-in asks for a code, and every other one made before ends. Until a member has done this, their
    /// tokens open `auth/*` alone.
    #[oai(path = "/mfa/confirm", method = "post", operation_id = "auth_mfa_confirm")]
    async fn mfa_confirm(&self, holder: sign_in::Holder, body: Small<Confirmation>) -> Result<Done, Error> {
        second_factor::confirm(&self.0, &holder, body.value()?.otp).await?;
        Ok(Done::Done)
    }
}
