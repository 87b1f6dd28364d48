//! `/v1/patients/{patient}/timeline`: every record of a patient, whatever its kind, newest first.

use super::{
    cursor,
    every::EveryRecord,
    permit::Permit,
    raw::{Raw, page_schema, schema_only, splice_page},
    reply::example,
    resource::{PATIENT, Tag},
};
use crate::{
    app::App,
    domain::{mood_scores::MoodScore, record::Kind},
    error::Error,
    security::access::ReadRecords,
    store::{
        Window,
        records::{self, Document},
    },
};
use chrono::{DateTime, FixedOffset};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::Query,
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromParameter, ParseResult, Type},
};
use std::borrow::Cow;

/// One page of the time line.
pub struct TimelinePage;

schema_only!(TimelinePage, "TimelinePage", |registry| {
    EveryRecord::register(registry);
    let resource = Kind::schema_ref();
    Kind::register(registry);
    let entry = MetaSchema {
        required: vec!["resource", "record"],
        properties: vec![("resource", resource), ("record", EveryRecord::schema_ref())],
        ..MetaSchema::new("object")
    };
    let mood = serde_json::json!({ "resource": Kind::MoodScores, "record": example::<MoodScore>() });
    page_schema(MetaSchemaRef::Inline(Box::new(entry)), serde_json::json!({ "items": [mood], "next_cursor": null }))
});

/// A page.
#[derive(ApiResponse)]
enum Many {
    /// One page, newest first.
    #[oai(status = 200)]
    Page(Raw<TimelinePage>),
}

/// The time line.
pub struct Timeline(App);

impl Timeline {
    /// The operation, over the app.
    pub fn new(app: &App) -> Self {
        Self(app.clone())
    }
}

#[OpenApi(prefix_path = PATIENT, tag = "Tag::Timeline")]
impl Timeline {
    /// Read the time line
    ///
    /// Every record in the order in which it happened, newest first. What is planned lies ahead: it needs a `to`.
    #[oai(path = "/timeline", method = "get", operation_id = "timeline_list")]
    async fn list(
        &self,
        permit: Permit<ReadRecords>,
        /// Not before this instant.
        from: Query<Option<DateTime<FixedOffset>>>,
        /// Before this instant; now unless told.
        to: Query<Option<DateTime<FixedOffset>>>,
        /// Only these kinds, separated by commas, such as `mood-scores,sessions`; all unless told.
        kinds: Query<Option<Kinds>>,
        /// How many at most; 50 unless told.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u64>>,
        /// Where the page begins: the `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Many, Error> {
        let keys = self.0.keys.of_patient(permit.scope.patient).await?;
        let window = Window {
            from: from.0.map(|at| at.to_utc()),
            to: Some(to.0.map_or_else(|| self.0.clock.now(), |at| at.to_utc())),
            after: cursor.0.as_deref().map(cursor::decode).transpose()?,
            limit: limit.0.unwrap_or(50),
        };
        let kinds = kinds.0.unwrap_or_default().0;
        let page = records::page(self.0.db.read(), &keys, &permit.scope, &kinds, &window).await?;
        permit.audit_read(&self.0, "timeline_list", None).await?;
        Ok(Many::Page(Raw::new(splice_page(page.items.iter().map(entry), page.next.map(cursor::encode)))))
    }
}

fn entry(document: &Document) -> String {
    format!("{{\"resource\":\"{}\",\"record\":{}}}", document.kind.name(), document.json)
}

/// Kinds of records by name, separated by commas.
#[derive(Default)]
struct Kinds(Vec<Kind>);

impl Type for Kinds {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Kind;

    fn name() -> Cow<'static, str> {
        "string_kinds".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        let names = Kind::ALL.map(Kind::name).join("|");
        let pattern = Some(format!("^({names})(,({names}))*$"));
        MetaSchemaRef::Inline(Box::new(MetaSchema { pattern, ..MetaSchema::new("string") }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Kind> + 'a> {
        Box::new(self.0.iter())
    }
}

impl ParseFromParameter for Kinds {
    fn parse_from_parameter(names: &str) -> ParseResult<Self> {
        let kind = |name| Kind::ALL.into_iter().find(|kind| kind.name() == name);
        let kinds: Option<Vec<Kind>> = names.split(',').map(kind).collect();
        kinds.map(Self).ok_or_else(|| ParseError::custom("must be kinds of records, separated by commas"))
    }
}
