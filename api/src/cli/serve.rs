//! `afterglow serve`.

use crate::{
    app::App, clock::Clock, config::Ask, error::Error, notify::Email, reminders::Worker, server, start, store::accounts,
};
use std::sync::Arc;

/// Serves until told to stop.
pub(super) async fn run() -> Result<(), Error> {
    let config = start::settings(&Ask { required: &["smtp_url"], ..Ask::default() })?;
    let email = Email::new(&config)?.ok_or_else(|| Error::Settings("AFTERGLOW_SMTP_URL: it must be set".into()))?;
    let listener = server::listen(&config).await?;
    let house = start::open(config.bound_to(listener.local_addr().map_err(Error::internal)?), Clock::system()).await?;
    refuse_demo(&house.app).await?;
    Worker::new(&house.app, Arc::new(email)).beside(server::run(&house.app, listener)).await
}

/// Accounts of a demo need no second factor and have a known password: they never stand in a service.
async fn refuse_demo(app: &App) -> Result<(), Error> {
    if accounts::any_demo(app.db.read()).await? {
        return Err(Error::Settings("this database holds a demo clinic; `afterglow demo` serves it".into()));
    }
    Ok(())
}
