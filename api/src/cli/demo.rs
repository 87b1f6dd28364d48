//! `afterglow demo`: a clinic to look at, on a database of its own.

use super::say;
use crate::{
    app::App,
    clock::Clock,
    config::{Ask, Config},
    demo::{self, Found, LOGINS, MOST},
    error::Error,
    http,
    notify::{Channel, Email, Mailbox},
    reminders::Worker,
    server, start,
};
use poem::Route;
use std::{path::PathBuf, sync::Arc, time::Instant};
use zeroize::Zeroizing;

/// What can be said on the command line; every setting holds as well.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// The port to listen on, on this machine alone; 8080 unless told.
    #[arg(long)]
    port: Option<u16>,
    /// The folder of the demo clinic; ./afterglow-demo unless told. One that holds a demo clinic is used as it is: delete it
    /// to begin anew.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Which clinic is drawn: the same number, the same people.
    #[arg(long, default_value_t = 8)]
    seed: u64,
    /// The password of the four people who can sign in; drawn and printed if it is not given, and set anew at every start.
    #[arg(long)]
    password: Option<String>,
}

impl Demo {
    fn settings(&self) -> Ask {
        let listen = self.port.map(|port| ("listen", format!("127.0.0.1:{port}")));
        let data = self.data.as_ref().map(|data| ("data", data.display().to_string()));
        Ask {
            flags: listen.into_iter().chain(data).collect(),
            defaults: vec![("data", "./afterglow-demo".into()), ("log", "warn".into())],
            required: &[],
        }
    }
}

/// Serves a demo clinic until told to stop.
pub(super) async fn run(demo: Demo) -> Result<(), Error> {
    let config = start::settings(&demo.settings())?;
    let listener = server::listen(&config).await?;
    let config = config.bound_to(listener.local_addr().map_err(Error::internal)?);
    let house = start::open(config, Clock::system()).await?;
    let app = &house.app;
    let password = Zeroizing::new(demo.password.unwrap_or_else(demo::drawn_password));
    fill(app, demo.seed, &password).await?;
    let (channel, routes) = mail(&app.config)?;
    let routes = if app.config.metrics_listen.is_none() { http::metrics::on(routes) } else { routes };
    greet(&app.config, &password);
    Worker::new(app, channel).beside(server::run_with(app, listener, routes)).await
}

async fn fill(app: &App, seed: u64, password: &Zeroizing<String>) -> Result<(), Error> {
    let began = Instant::now();
    say("Looking for a demo clinic …");
    let ask = demo::Ask { seed, patients: MOST, password: password.clone() };
    match demo::seed(app, &ask).await? {
        Found::There => say("There is one; it is used as it is."),
        Found::Written => say(format!("Wrote a new one in {:.1} s.", began.elapsed().as_secs_f64())),
    }
    Ok(())
}

/// Mails go to the mail host of the settings, or else to a page.
fn mail(config: &Config) -> Result<(Arc<dyn Channel>, Route), Error> {
    if let Some(email) = Email::new(config)? {
        return Ok((Arc::new(email), Route::new()));
    }
    let mailbox = Mailbox::new(config.mail_from.clone());
    let routes = demo::mail::on(Route::new(), &mailbox);
    Ok((Arc::new(mailbox), routes))
}

fn greet(config: &Config, password: &str) {
    say(format!("\nAfterglow, a demo: {}\n", config.link("/")));
    say("Everybody in it is invented. Sign in with one of");
    for name in LOGINS {
        say(format!("  {:<26} {password}", format!("{name}@demo.example")));
    }
    say("The patient has no page: their app speaks to the API.\n");
    say(format!("The API explained: {}", config.link("/docs")));
    if config.smtp.is_none() {
        say(format!("What it mails:     {}", config.link("/demo/mail")));
    }
}
