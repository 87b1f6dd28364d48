//! `afterglow serve`.

use crate::{clock::Clock, config::Ask, error::Error, server, start};

/// Serves until told to stop.
pub(super) async fn run() -> Result<(), Error> {
    let config = start::settings(&Ask { required: &["smtp_url"], ..Ask::default() })?;
    let listener = server::listen(&config).await?;
    let house = start::open(config.bound_to(listener.local_addr().map_err(Error::internal)?), Clock::system()).await?;
    server::run(&house.app, listener).await
}
