//! `/v1/support-resources`: crisis lines by country. No sign-in is needed: whoever asks may need them now.

use super::{permit::Anybody, resource::Tag};
use crate::{
    app::App,
    domain::support::{self, SupportResources},
    error::Error,
    security::access::Caller,
    store::{clinics, patients},
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
pub struct Lines(pub App);

/// Crisis lines.
#[OpenApi(tag = "Tag::Reference")]
impl Lines {
    /// Read crisis lines
    ///
    /// Those of a country; one without an entry of its own gets the international entry. Where none is named: of the
    /// signed-in patient's country, or of the clinic's for its staff, else the international entry.
    #[oai(path = "/support-resources", method = "get", operation_id = "support_resources_read")]
    async fn read(
        &self,
        anybody: Anybody,
        /// ISO 3166-1 alpha-2: `US`.
        #[oai(validator(pattern = "^[A-Za-z]{2}$"))]
        country: Query<Option<String>>,
    ) -> Result<Found, Error> {
        let country = match (country.0, anybody.0) {
            (Some(named), _) => named,
            (None, Some(caller)) => self.country_of(&caller).await?,
            (None, None) => String::new(),
        };
        let found = support::resources(&country);
        found.cloned().map(|lines| Found::Found(Json(lines))).ok_or_else(|| Error::internal("no crisis lines"))
    }
}

impl Lines {
    async fn country_of(&self, caller: &Caller) -> Result<String, Error> {
        let db = self.0.db.read();
        if caller.is_patient() {
            return patients::country(db, caller.account).await;
        }
        clinics::country(db, caller.clinic).await
    }
}
