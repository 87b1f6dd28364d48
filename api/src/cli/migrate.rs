//! `afterglow migrate`.

use super::say;
use crate::{clock::Clock, config::Ask, error::Error, start};

/// Opening the database brings its schema up to date.
pub(super) async fn run() -> Result<(), Error> {
    let config = start::settings(&Ask::default())?;
    let _house = start::open(config, Clock::system()).await?;
    say("The schema is up to date.");
    Ok(())
}
