//! `/v1/instruments` and `/v1/instruments/{code}`: questionnaires with wording, answers, scoring and licence. No sign-in is
//! needed: nothing here is anybody's.

use super::resource::Tag;
use crate::{
    domain::instruments::{self, Instrument},
    error::Error,
};
use poem_openapi::{ApiResponse, Object, OpenApi, param::Path, payload::Json, types::Example};

/// Every questionnaire.
#[derive(Debug, Object)]
#[oai(rename = "InstrumentPage", example)]
pub struct InstrumentPage {
    /// The questionnaires, in a fixed order.
    pub items: Vec<Instrument>,
    /// Always null: there are few.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

impl Example for InstrumentPage {
    fn example() -> Self {
        Self { items: instruments::find("phq-2").into_iter().cloned().collect(), next_cursor: None }
    }
}

/// The answer to a list.
#[derive(ApiResponse)]
pub enum Page {
    /// Every questionnaire.
    #[oai(status = 200)]
    Page(Json<InstrumentPage>),
}

/// The answer to a look.
#[derive(ApiResponse)]
pub enum Found {
    /// The questionnaire.
    #[oai(status = 200)]
    Found(Json<Instrument>),
}

/// The questionnaires.
pub struct Instruments;

/// The questionnaires.
#[OpenApi(prefix_path = "/instruments", tag = "Tag::Reference")]
impl Instruments {
    /// List questionnaires
    ///
    /// With wording where the licence lets it ship, answers, LOINC codes, bands, the rule for missing answers, licence and
    /// the source of every fact.
    #[oai(path = "/", method = "get", operation_id = "instruments_list")]
    #[expect(clippy::unused_async, reason = "handlers are async")]
    async fn list(&self) -> Result<Page, Error> {
        Ok(Page::Page(Json(InstrumentPage { items: instruments::all().to_vec(), next_cursor: None })))
    }

    /// Read a questionnaire
    ///
    /// By its code: `phq-9`, `phq-2`, `gad-7`.
    #[oai(path = "/:code", method = "get", operation_id = "instruments_read")]
    #[expect(clippy::unused_async, reason = "handlers are async")]
    async fn read(
        &self,
        /// Its code.
        code: Path<String>,
    ) -> Result<Found, Error> {
        instruments::find(&code.0).cloned().map(|one| Found::Found(Json(one))).ok_or(Error::NotFound)
    }
}
