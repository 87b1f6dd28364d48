//! `afterglow openapi`.

use super::say;
use crate::{error::Error, http};

/// The document, for `openapi/afterglow.json`. It depends on the code alone.
pub(super) async fn run() -> Result<(), Error> {
    let document = http::document()?;
    say(serde_json::to_string_pretty(&document).map_err(Error::internal)?);
    Ok(())
}
