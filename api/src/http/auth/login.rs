//! Signing in with a password, and the code of the second factor where it is on.

use super::{
    Credentials, Entered,
    second_factor::{Code, code},
};
use crate::{
    app::App,
    domain::sign_in::SignInKind,
    error::Error,
    store::{Tx, accounts, sign_ins},
};
use std::{net::IpAddr, time::Duration};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;
use zeroize::Zeroizing;

/// A refusal takes this long, whether a failure had to be written down or there is no such account.
const REFUSAL: Duration = Duration::from_millis(200);

/// Checks the credentials and begins a sign-in. The turn at hashing is held to the end, so that what failed is counted
/// before the next one is looked at.
pub(super) async fn login(app: &App, asked: Credentials, from: IpAddr, request: Uuid) -> Result<Entered, Error> {
    let now = app.clock.now();
    may_try(app.guessing.address_waits(from, now))?;
    let index = app.keys.codes().email_index(&asked.email);
    let turn = app.passwords.turn().await?;
    let began = Instant::now();
    let found = accounts::find_by_email(app.db.read(), &index).await?;
    let failures = found.as_ref().map_or_else(|| app.guessing.unknown(&index), |account| account.failures);
    may_try(failures.wait(now))?;
    let stored = found.as_ref().map(|account| account.password_hash.clone());
    let right = turn.verify(Zeroizing::new(asked.password), stored).await?;
    let refused = Refused { from, index: &index, account: found.as_ref().map(|account| account.id), began };
    let Some(account) = found.filter(|_| right) else { return refused.count(app).await };
    let step = match code(app, &account, asked.otp.as_deref()).await? {
        Code::NotAsked => None,
        Code::Right(step) => Some(step),
        Code::Missing => return Err(Error::SecondFactorRequired { signed_in: false }),
        Code::Wrong => return refused.count(app).await,
    };
    let (id, kept_as) = (account.id, asked.session.unwrap_or(SignInKind::Token));
    let unit = async move |tx: &Tx| sign_ins::sign_in(tx, id, step, kept_as, request).await;
    match app.db.write(id, unit).await? {
        Some(grant) => Ok(Entered::with(app, grant)),
        None => refused.count(app).await,
    }
}

/// Who is refused: one answer for every cause.
struct Refused<'a> {
    from: IpAddr,
    index: &'a [u8],
    account: Option<Uuid>,
    began: Instant,
}

impl Refused<'_> {
    async fn count(self, app: &App) -> Result<Entered, Error> {
        let now = app.clock.now();
        app.guessing.address_failed(self.from, now);
        match self.account {
            Some(id) => {
                app.db.write(id, async move |tx: &Tx| accounts::failed(tx, id).await).await?;
                tracing::warn!(account = %id, "a sign-in was refused");
            }
            None => app.guessing.unknown_failed(self.index, now),
        }
        sleep_until(self.began + REFUSAL).await;
        Err(Error::SignInRefused)
    }
}

fn may_try(wait: Option<u64>) -> Result<(), Error> {
    wait.map_or(Ok(()), |retry_after| Err(Error::TooManyAttempts { retry_after }))
}
