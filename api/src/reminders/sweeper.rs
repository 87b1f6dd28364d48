//! Forgets what is over: answers of repeated requests after 30 days, tokens and cookies that have ended. In portions, each a
//! unit of its own: nobody's write waits behind years of them.

use crate::{
    app::App,
    error::Error,
    store::{Tx, idempotency, sign_ins},
};
use uuid::Uuid;

pub(super) async fn tick(app: &App) -> Result<(), Error> {
    while portion(app, async |tx| idempotency::sweep(tx).await).await? {}
    while portion(app, async |tx| sign_ins::sweep_tokens(tx).await).await? {}
    while portion(app, async |tx| sign_ins::sweep_cookies(tx).await).await? {}
    Ok(())
}

/// One unit; whether there may be more to forget.
async fn portion(
    app: &App,
    sweep: impl AsyncFnOnce(&Tx) -> Result<bool, Error> + Send + 'static,
) -> Result<bool, Error> {
    app.db.write(Uuid::nil(), sweep).await
}
