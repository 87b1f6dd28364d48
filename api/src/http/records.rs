//! The five operations of every kind of record, once: list, create, read, replace, delete.

use super::{
    body::Checked,
    cursor,
    permit::Permit,
    preconditions::{etag, idempotency_key, if_match, record_id},
    raw::{Raw, splice_page},
    reply::{Done, Made, Many, One, Put},
    resource::Resource,
};
use crate::{
    app::App,
    error::Error,
    store::{
        Precondition, Window,
        idempotency::{self, Once},
        records::{self, Written},
    },
};
use chrono::{DateTime, FixedOffset};
use poem::{EndpointExt, Response, endpoint::BoxEndpoint, http::Method};
use poem_openapi::{
    OpenApi, OperationId,
    param::{Header, Path, Query},
    registry::{MetaApi, Registry},
};
use std::{collections::HashMap, marker::PhantomData};

struct Five<R> {
    app: App,
    kind: PhantomData<R>,
}

#[OpenApi(prefix_path = R::PATH, tag = "R::TAG")]
impl<R: Resource> Five<R> {
    #[oai(path = "/", method = "get", operation_id = "list")]
    async fn list(
        &self,
        permit: Permit<R::MayRead>,
        /// Not before this instant.
        from: Query<Option<DateTime<FixedOffset>>>,
        /// Before this instant.
        to: Query<Option<DateTime<FixedOffset>>>,
        /// How many at most; 50 unless told.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u64>>,
        /// Where the page begins: the `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Many<R>, Error> {
        let keys = self.app.keys.of_patient(permit.scope.patient).await?;
        let window = Window {
            from: from.0.map(|at| at.to_utc()),
            to: to.0.map(|at| at.to_utc()),
            after: cursor.0.as_deref().map(cursor::decode).transpose()?,
            limit: limit.0.unwrap_or(50),
        };
        let page = records::page(self.app.db.read(), &keys, &permit.scope, &[R::KIND], &window).await?;
        permit.audit_read(&self.app, &format!("{}_list", R::STEM), None).await?;
        Ok(Many::Page(Raw::new(splice_page(
            page.items.iter().map(|document| &document.json),
            page.next.map(cursor::encode),
        ))))
    }

    #[oai(path = "/", method = "post", operation_id = "create")]
    async fn create(
        &self,
        permit: Permit<R::MayCreate>,
        /// Chosen by the client, new for every record: repeating the request with it has no second effect.
        #[oai(name = "Idempotency-Key")]
        key: Header<Option<String>>,
        new: Checked<R>,
    ) -> Result<Made<R>, Error> {
        let key = idempotency_key(key.0)?;
        let author = permit.author(&self.app).await?;
        let once = Once::new(author.scope.patient, author.account, key, new.fingerprint);
        let unit = async move |tx: &crate::store::Tx| {
            if let Some(before) = idempotency::find(tx, &once).await? {
                return records::repeat(tx, &author, &before).await;
            }
            let made = records::create(tx, &author, new.given()).await?;
            idempotency::keep(tx, &once, 201, made.document.id, made.document.version).await?;
            Ok(made)
        };
        let made = self.app.db.write(permit.scope.patient, unit).await?;
        if !made.changed {
            permit.audit_read(&self.app, &format!("{}_read", R::STEM), Some(made.document.id)).await?;
        }
        let (json, tag) = answer(made)?;
        Ok(Made::Made(json, tag))
    }

    #[oai(path = "/:id", method = "get", operation_id = "read")]
    async fn read(
        &self,
        permit: Permit<R::MayRead>,
        /// The record's id.
        id: Path<String>,
    ) -> Result<One<R>, Error> {
        let (id, keys) =
            (id.0.parse().map_err(|_| Error::NotFound)?, self.app.keys.of_patient(permit.scope.patient).await?);
        let found = records::find(self.app.db.read(), &keys, &permit.scope, R::KIND, id).await?;
        permit.audit_read(&self.app, &format!("{}_read", R::STEM), Some(id)).await?;
        Ok(One::Found(Raw::new(found.json), etag(found.version)))
    }

    #[oai(path = "/:id", method = "put", operation_id = "replace")]
    async fn replace(
        &self,
        permit: Permit<R::MayReplace>,
        /// The record's id: of version 7 or 4, chosen by the client.
        id: Path<String>,
        /// The version that this replaces, as its ETag; not sent when making a record.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        new: Checked<R>,
    ) -> Result<Put<R>, Error> {
        let (id, held) = (record_id(&id.0)?, if_match_of(if_match)?);
        let author = permit.author(&self.app).await?;
        let unit = async move |tx: &crate::store::Tx| records::put(tx, &author, id, held, new.given()).await;
        let (written, read) = (self.app.db.write(permit.scope.patient, unit).await, format!("{}_read", R::STEM));
        let written = permit.answered(&self.app, &read, Some(id), written, |written| !written.changed).await?;
        let created = written.created;
        let (json, tag) = answer(written)?;
        Ok(if created { Put::Made(json, tag) } else { Put::Replaced(json, tag) })
    }

    #[oai(path = "/:id", method = "delete", operation_id = "delete")]
    async fn delete(
        &self,
        permit: Permit<R::MayReplace>,
        /// The record's id.
        id: Path<String>,
        /// The version that is deleted, as its ETag.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
    ) -> Result<Done, Error> {
        let (id, held) = (id.0.parse().map_err(|_| Error::NotFound)?, if_match_of(if_match)?);
        let author = permit.author(&self.app).await?;
        let unit = async move |tx: &crate::store::Tx| records::remove::<R>(tx, &author, id, held).await;
        let removed = self.app.db.write(permit.scope.patient, unit).await;
        permit.answered(&self.app, &format!("{}_read", R::STEM), Some(id), removed, |()| false).await?;
        Ok(Done::Done)
    }
}

fn if_match_of(header: Header<Option<String>>) -> Result<Precondition, Error> {
    if_match(header.0.as_deref())
}

/// The reply of a write: the record, and support if a rule found that the patient needs it.
fn answer<T>(written: Written) -> Result<(Raw<T>, String), Error> {
    let tag = etag(written.document.version);
    let document = match &written.support {
        Some(support) => written.document.with_member("support", support)?,
        None => written.document,
    };
    Ok((Raw::new(document.json), tag))
}

/// `Five<R>` with the operation ids, summaries and descriptions of its kind of record.
pub struct Records<R>(Five<R>);

impl<R: Resource> Records<R> {
    /// The operations, over the app.
    pub fn new(app: &App) -> Self {
        Self(Five { app: app.clone(), kind: PhantomData })
    }
}

const VERBS: [&str; 5] = ["list", "create", "read", "replace", "delete"];

/// The name of an operation of one kind, by its verb.
fn name<R: Resource>(verb: &str) -> &'static str {
    format!("{}_{verb}", R::STEM).leak()
}

impl<R: Resource> OpenApi for Records<R> {
    fn meta() -> Vec<MetaApi> {
        let mut apis = Five::<R>::meta();
        for operation in apis.iter_mut().flat_map(|api| &mut api.paths).flat_map(|path| &mut path.operations) {
            let verb = operation.operation_id.unwrap_or_default();
            let words = VERBS.iter().position(|other| *other == verb).and_then(|index| R::DOCS.get(index).copied());
            if let Some((summary, description)) = words {
                operation.operation_id = Some(name::<R>(verb));
                (operation.summary, operation.description) = (Some(summary), Some(description));
            }
        }
        apis
    }

    fn register(registry: &mut Registry) {
        Five::<R>::register(registry);
    }

    fn add_routes(self, table: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {
        let (names, mut own) = (VERBS.map(|verb| (verb, name::<R>(verb))), HashMap::new());
        self.0.add_routes(&mut own);
        for (path, endpoints) in own {
            let named = endpoints.into_iter().map(|(method, endpoint)| {
                (method, endpoint.after(move |answer| async move { called(names, answer) }).boxed())
            });
            table.entry(path).or_default().extend(named);
        }
    }
}

/// An answer under the name of its kind's operation, by which it is counted.
fn called(names: [(&str, &'static str); 5], mut answer: poem::Result<Response>) -> poem::Result<Response> {
    let verb = match &answer {
        Ok(response) => response.data::<OperationId>(),
        Err(error) => error.data::<OperationId>(),
    };
    let name = verb.and_then(|verb| names.iter().find(|(own, _)| *own == verb.0)).map(|(_, name)| OperationId(name));
    match (&mut answer, name) {
        (Ok(response), Some(name)) => response.set_data(name),
        (Err(error), Some(name)) => error.set_data(name),
        (_, None) => {}
    }
    answer
}
