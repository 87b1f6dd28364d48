//! Forgets what is over: answers of repeated requests after 30 days, tokens that have expired.

use crate::{
    app::App,
    error::Error,
    store::{idempotency, sign_ins},
};
use uuid::Uuid;

pub(super) async fn tick(app: &App) -> Result<(), Error> {
    app.db
        .write(Uuid::nil(), async |tx| {
            idempotency::sweep(tx).await?;
            sign_ins::sweep(tx).await
        })
        .await
}
