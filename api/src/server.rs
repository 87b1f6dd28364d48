//! The listener: answers until told to stop, lets what is in flight end.

use crate::{app::App, config::Config, error::Error, http};
use http::{deadlines::Deadlines, doors::Doors};
use poem::{Route, Server, listener::TcpAcceptor};
use std::time::Duration;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

/// How long requests may take to end once the server is told to stop.
const DRAIN: Duration = Duration::from_secs(20);
/// Connections for whoever reads the metrics.
const WATCHERS: usize = 16;
/// How long the last answers may take to leave once a COMMIT has failed.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Takes the port.
pub async fn listen(config: &Config) -> Result<TcpListener, Error> {
    TcpListener::bind(config.listen)
        .await
        .map_err(|error| Error::Settings(format!("AFTERGLOW_LISTEN: {}: {error}", config.listen)))
}

/// Answers until the process is told to stop, or must not go on.
pub async fn run(app: &App, listener: TcpListener) -> Result<(), Error> {
    run_with(app, listener, Route::new()).await
}

/// The same, with some routes besides.
pub async fn run_with(app: &App, listener: TcpListener, more: Route) -> Result<(), Error> {
    let metrics = listen_for_metrics(app).await?;
    tracing::info!(listen = %app.config.listen, "ready");
    let server = Server::new_with_acceptor(behind_doors(app, listener, Doors::open())?);
    let serving = server.run_with_graceful_shutdown(http::service_with(app, more), told_to_stop(app), Some(DRAIN));
    tokio::select! {
        ended = serving => ended.map_err(Error::internal),
        ended = answer_prometheus(app, metrics) => ended,
        () = app.db.lost() => {
            // What the file holds is no longer known: after a restart SQLite finds out by itself.
            tokio::time::sleep(LAST_ANSWERS).await;
            Err(Error::Unavailable("a COMMIT failed; start again".into()))
        }
    }
}

/// A listener whose clients keep to the deadlines.
fn behind_doors(app: &App, listener: TcpListener, doors: Doors) -> Result<Deadlines<TcpAcceptor>, Error> {
    let (acceptor, clock) = (TcpAcceptor::from_tokio(listener).map_err(Error::internal)?, app.clock.clone());
    Ok(Deadlines { acceptor, doors, clock })
}

/// Takes the port of the metrics, if they have one.
async fn listen_for_metrics(app: &App) -> Result<Option<TcpListener>, Error> {
    let Some(address) = app.config.metrics_listen else { return Ok(None) };
    let wrong = |error| Error::Settings(format!("AFTERGLOW_METRICS_LISTEN: {address}: {error}"));
    TcpListener::bind(address).await.map(Some).map_err(wrong)
}

/// Answers Prometheus for as long as the service runs; without a port of its own, nothing.
async fn answer_prometheus(app: &App, listener: Option<TcpListener>) -> Result<(), Error> {
    let Some(listener) = listener else { return std::future::pending().await };
    let server = Server::new_with_acceptor(behind_doors(app, listener, Doors::with(WATCHERS))?);
    server.run(http::metrics::service(app)).await.map_err(Error::internal)
}

async fn told_to_stop(app: &App) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    app.stopping.send_replace(true);
}
