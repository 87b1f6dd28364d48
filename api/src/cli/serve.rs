//! `afterglow serve`.

use crate::{app::App, clock::Clock, config::Ask, error::Error, server, start, store::accounts};

/// Serves until told to stop.
pub(super) async fn run() -> Result<(), Error> {
    let config = start::settings(&Ask { required: &["smtp_url"], ..Ask::default() })?;
    let listener = server::listen(&config).await?;
    let house = start::open(config.bound_to(listener.local_addr().map_err(Error::internal)?), Clock::system()).await?;
    refuse_demo(&house.app).await?;
    server::run(&house.app, listener).await
}

/// Accounts of a demo need no second factor and have a known password: they never stand in a service.
async fn refuse_demo(app: &App) -> Result<(), Error> {
    if accounts::any_demo(app.db.read()).await? {
        return Err(Error::Settings("this database holds a demo clinic; `afterglow demo` serves it".into()));
    }
    Ok(())
}
