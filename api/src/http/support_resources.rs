//! `/v1/support-resources`: crisis lines by country. No sign-in is needed: whoever asks may need them now.

use super::resource::Tag;
use crate::{
    domain::support::{self, SupportResources},
    error::Error,
};
use poem_openapi::{ApiResponse, OpenApi, param::Query, payload::Json, types::Example};

impl Example for SupportResources {
    fn example() -> Self {
        support::resources("US").cloned().unwrap_or_default()
    }
}

/// The answer.
#[derive(ApiResponse)]
pub enum Found {
    /// Crisis lines of the country, or the international ones.
    #[oai(status = 200)]
    Found(Json<SupportResources>),
}

/// Crisis lines.
pub struct Lines;

/// Crisis lines.
#[OpenApi(tag = "Tag::Reference")]
impl Lines {
    /// Read crisis lines
    ///
    /// Those of a country; one without an entry of its own, or none named, gets the international entry.
    #[oai(path = "/support-resources", method = "get", operation_id = "support_resources_read")]
    #[expect(clippy::unused_async, reason = "handlers are async")]
    async fn read(
        &self,
        /// ISO 3166-1 alpha-2: `US`.
        #[oai(validator(max_length = 64))]
        country: Query<Option<String>>,
    ) -> Result<Found, Error> {
        let found = support::resources(country.0.as_deref().unwrap_or_default());
        found.cloned().map(|lines| Found::Found(Json(lines))).ok_or_else(|| Error::internal("no crisis lines"))
    }
}
