//! What stands behind the `?` of an address: known names, each once, each in the form that the document shows; and the
//! headers that say who asks for what, each once: of two, this server and a proxy before it could read another. Everything
//! that is wrong is named at once, with its bounds; said once it is known who asks, before anything is done.

use super::{body::words, document, schema};
use crate::{domain::faults::Faults, error::Error};
use jsonschema::Validator;
use poem::{Request, http::HeaderMap};
use poem_openapi::OperationId;
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    sync::OnceLock,
};

/// One operation: how it is asked.
struct Operation {
    id: OperationId,
    method: String,
    path: Vec<String>,
    /// Whether anybody may ask, signed in or not.
    open: bool,
    parameters: HashMap<String, Parameter>,
}

struct Parameter {
    is_number: bool,
    form: Validator,
}

/// Headers that an operation reads, and would read one of.
const ONCE: [&str; 4] = ["Authorization", "Content-Type", "Idempotency-Key", "If-Match"];

/// What is wrong with the parameters of a request.
#[derive(Clone)]
struct Unfit(Faults);

/// Looks at a request before it finds its way. An operation that needs no sign-in refuses it at once, the others once they
/// know who asks.
pub(super) fn look(request: &mut Request) -> poem::Result<()> {
    let uri = request.uri();
    if !uri.path().starts_with("/v1/") {
        return Ok(());
    }
    let (query, doubled) = (uri.query().unwrap_or_default(), doubled(request.headers()));
    if query.is_empty() && doubled.is_empty() {
        return Ok(());
    }
    let path: Vec<&str> = uri.path().trim_end_matches('/').split('/').collect();
    let is_it = |operation: &&Operation| operation.method == request.method().as_str() && operation.is_at(&path);
    let Some(operation) = operations()?.iter().find(is_it) else { return Ok(()) };
    let mut faults = Faults::default();
    for name in &doubled {
        faults.add(format!("header:{name}"), "must not be there twice");
    }
    operation.check(query, &mut faults);
    match faults.none() {
        // Of two tokens none says who asks.
        Err(faults) if operation.open || doubled.contains(&ONCE[0]) => {
            let mut refusal = poem::Error::from(Error::BadRequest(faults.0));
            refusal.set_data(operation.id);
            return Err(refusal);
        }
        Err(faults) => request.set_data(Unfit(faults)),
        Ok(()) => {}
    }
    Ok(())
}

/// The headers that should be there once, and are there more often.
fn doubled(headers: &HeaderMap) -> Vec<&'static str> {
    // Almost always each is there once.
    if headers.len() == headers.keys_len() {
        return Vec::new();
    }
    ONCE.into_iter().filter(|name| headers.get_all(*name).iter().nth(1).is_some()).collect()
}

/// Refuses a request with something wrong in its parameters.
pub(super) fn check(request: &Request) -> Result<(), Error> {
    request.data::<Unfit>().map_or(Ok(()), |unfit| Err(Error::BadRequest(unfit.0.0.clone())))
}

impl Operation {
    fn is_at(&self, path: &[&str]) -> bool {
        let fits = |(ours, theirs): (&String, &&str)| ours.starts_with('{') || ours == theirs;
        self.path.len() == path.len() && self.path.iter().zip(path).all(fits)
    }

    fn check(&self, query: &str, faults: &mut Faults) {
        let mut seen = HashSet::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let pointer = format!("query:{}", name.chars().take(50).collect::<String>());
            let Some(parameter) = self.parameters.get(&*name) else {
                faults.add(pointer, "is not a parameter of this operation");
                continue;
            };
            if !seen.insert(name.clone()) {
                faults.add(pointer, "must not be there twice");
                continue;
            }
            if let Some(expected) = parameter.expected(&value) {
                faults.add(pointer, expected);
            }
        }
        faults.0.truncate(FAULTS);
    }
}

/// Faults that are told.
const FAULTS: usize = 20;

impl Parameter {
    fn of(schema: &Value, schemas: &Value) -> Result<Self, Error> {
        let is_number = schema["type"] == "integer";
        let whole = json!({ "allOf": [schema], "components": { "schemas": schemas } });
        Ok(Self { is_number, form: schema::compiled(&whole)? })
    }

    /// What was expected, if a value is not that.
    fn expected(&self, text: &str) -> Option<String> {
        let number = text.parse::<i64>().ok().filter(|_| self.is_number);
        let value = number.map_or_else(|| Value::from(text), Value::from);
        self.form.iter_errors(&value).next().map(|error| words::expectation(error.kind()))
    }
}

/// Every operation that the document shows, those without a variable in their path first.
fn operations() -> Result<&'static [Operation], Error> {
    static ALL: OnceLock<Vec<Operation>> = OnceLock::new();
    if let Some(all) = ALL.get() {
        return Ok(all);
    }
    let document = document::document()?;
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            all.push(read(method, path, operation, &document["components"]["schemas"])?);
        }
    }
    all.sort_by_key(|operation| operation.path.iter().filter(|part| part.starts_with('{')).count());
    Ok(ALL.get_or_init(|| all))
}

fn read(method: &str, path: &str, operation: &Value, schemas: &Value) -> Result<Operation, Error> {
    let in_query = |parameter: &&Value| parameter["in"] == "query";
    let parameters = operation["parameters"].as_array().into_iter().flatten().filter(in_query);
    let named = parameters.map(|parameter| {
        let name = parameter["name"].as_str().unwrap_or_default().to_owned();
        Ok((name, Parameter::of(&parameter["schema"], schemas)?))
    });
    let security = operation["security"].as_array();
    Ok(Operation {
        // Made once, for as long as the process lasts.
        id: OperationId(operation["operationId"].as_str().unwrap_or_default().to_owned().leak()),
        method: method.to_uppercase(),
        path: path.split('/').map(String::from).collect(),
        open: security.is_none_or(|schemes| schemes.is_empty() || schemes.contains(&json!({}))),
        parameters: named.collect::<Result<_, Error>>()?,
    })
}
