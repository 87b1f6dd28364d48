//! `/stop/{token}`: the link in a reminder's mail. Reading it changes nothing, since mail scanners follow links; one
//! POST, by the page's button or by the mail program itself (RFC 8058), stops that one reminder, without signing in.

use crate::{app::App, dashboard, error::Error, security::stop_links, store::reminders};
use poem::{
    Request, Response, Route,
    endpoint::{make, make_sync},
    get,
};
use uuid::Uuid;

/// Adds the page to the routes of the service.
pub(super) fn on(route: Route, app: &App) -> Route {
    let (shown, stopped) = (app.clone(), app.clone());
    let page = get(make_sync(move |request| show(&shown, &request)));
    route.at("/stop/:token", page.post(make(move |request| stop(stopped.clone(), request))))
}

fn show(app: &App, request: &Request) -> poem::Result<Response> {
    named(app, request)?;
    Ok(page(
        "Stop this reminder?",
        "<p>You will get no more mails of this one reminder. Your other reminders stay, and you can turn it on again in \
         the app.</p><form method=\"post\"><input type=\"hidden\" name=\"List-Unsubscribe\" value=\"One-Click\">\
         <button type=\"submit\">Stop this reminder</button></form>",
    ))
}

async fn stop(app: App, request: Request) -> poem::Result<Response> {
    let (patient, reminder) = named(&app, &request)?;
    let keys = app.keys.of_patient(patient).await?;
    let unit = async move |tx: &crate::store::Tx| reminders::stop(tx, patient, reminder, &keys).await;
    if app.db.write(patient, unit).await? {
        Ok(page("The reminder is stopped", "<p>You can turn it on again in the app whenever you like.</p>"))
    } else {
        Err(Error::NotFound.into())
    }
}

/// Whose reminder the link stops, and which.
fn named(app: &App, request: &Request) -> Result<(Uuid, Uuid), Error> {
    let token = request.raw_path_param("token").unwrap_or_default();
    stop_links::read(app.keys.codes(), token, app.clock.now()).ok_or(Error::NotFound)
}

fn page(title: &str, words: &str) -> Response {
    dashboard::plain("document", title, &format!("<h1>{title}</h1>{words}"))
}
