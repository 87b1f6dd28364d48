//! Mail over SMTP. lettre speaks the protocol; what is ours is knowing, at each failure, whether anything had left yet.

use super::{Channel, Failure, Letter, Offer};
use crate::{
    config::{Config, Security, Smtp},
    error::Error,
};
use futures_util::future::BoxFuture;
use lettre::{
    address::Envelope,
    message::Mailbox,
    transport::smtp::{
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::ClientId,
    },
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// Until the recipient is accepted: a host that takes longer is asked again later.
const GREETING: Duration = Duration::from_secs(12);
/// For the answer to the text: giving up earlier makes doubles (RFC 5321, 4.5.3.2.6).
const FINAL_DOT: Duration = Duration::from_mins(10);
/// How long a connection is kept open for the next mail.
const IDLE: Duration = Duration::from_secs(20);
/// How many of them.
const POOL: usize = 8;

/// A mail host.
#[derive(Clone)]
pub struct Email(Arc<Host>);

struct Host {
    smtp: Smtp,
    from: Mailbox,
    hello: ClientId,
    tls: Option<TlsParameters>,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl Email {
    /// The mail host of the settings; says what is wrong with them. Does not connect.
    pub fn new(config: &Config) -> Result<Option<Self>, Error> {
        let Some(smtp) = config.smtp.clone() else { return Ok(None) };
        let tls = match smtp.security {
            Security::Plain => None,
            Security::StartTls | Security::Tls => Some(tls(&smtp)?),
        };
        let from = config.mail_from.clone();
        let hello = ClientId::Domain(from.email.domain().to_owned());
        Ok(Some(Self(Arc::new(Host { smtp, from, hello, tls, idle: Mutex::default() }))))
    }
}

fn tls(smtp: &Smtp) -> Result<TlsParameters, Error> {
    let wrong = |what: &str| Error::Settings(format!("AFTERGLOW_SMTP_URL: {what}"));
    let mut builder = TlsParameters::builder(smtp.host.clone());
    if let Some(path) = &smtp.authority {
        let pem = std::fs::read(path).map_err(|_| wrong("the file named by ca cannot be read"))?;
        let certificate =
            Certificate::from_pem(&pem).map_err(|_| wrong("the file named by ca is no PEM certificate"))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map_err(|_| wrong("TLS cannot be set up for this host"))
}

impl Channel for Email {
    fn offer<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<Box<dyn Offer>, Failure>> {
        Box::pin(async move {
            let message = letter.message(&self.0.from).ok_or(Failure::Refused(553))?;
            let accepted = timeout(GREETING, self.0.accepted(message.envelope())).await;
            let connection = accepted.unwrap_or_else(|_| Err(self.0.silence()))?;
            let text = message.formatted();
            Ok(Box::new(Accepted { host: self.0.clone(), connection, text }) as Box<dyn Offer>)
        })
    }
}

impl Host {
    /// A connection on which the recipient was accepted.
    async fn accepted(&self, envelope: &Envelope) -> Result<AsyncSmtpConnection, Failure> {
        while let Some(mut connection) = self.take() {
            match address(&mut connection, envelope).await {
                Ok(()) => return Ok(connection),
                // The host has hung up in the meantime; anything it says is an answer.
                Err((_, error)) if error.status().is_none() => {}
                Err((whom, error)) => return Err(self.refusal(connection, whom, &error)),
            }
        }
        let mut connection = self.connect().await?;
        match address(&mut connection, envelope).await {
            Ok(()) => Ok(connection),
            Err((whom, error)) => Err(self.refusal(connection, whom, &error)),
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Failure> {
        let early = self.tls.clone().filter(|_| self.smtp.security == Security::Tls);
        let host = self.smtp.host.trim_matches(['[', ']']);
        let server = (host, self.smtp.port);
        let connected = AsyncSmtpConnection::connect_tokio1(server, Some(GREETING), &self.hello, early, None).await;
        let mut connection = connected.map_err(|error| self.unreachable(&error))?;
        if let (Security::StartTls, Some(tls)) = (self.smtp.security, &self.tls) {
            connection.starttls(tls.clone(), &self.hello).await.map_err(|error| self.unreachable(&error))?;
        }
        if let Some((user, password)) = &self.smtp.user {
            let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(|error| self.unreachable(&error))?;
        }
        Ok(connection)
    }

    fn take(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() < IDLE);
        idle.pop().map(|(connection, _)| connection)
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !connection.has_broken() && idle.len() < POOL {
            idle.push((connection, Instant::now()));
        }
    }

    /// What a refusal means. The connection is dropped: its transaction is half begun.
    fn refusal(&self, connection: AsyncSmtpConnection, whom: Party, error: &lettre::transport::smtp::Error) -> Failure {
        drop(connection);
        self.log(kind(error), error.status().map(u16::from));
        match error.status().map(u16::from) {
            Some(code @ (530 | 535)) => Failure::Closed(Some(code)),
            // Whoever it is written to: nothing is wrong with their address.
            Some(code) if error.is_permanent() && whom == Party::Sender => Failure::Closed(Some(code)),
            Some(code) if error.is_permanent() => Failure::Refused(code),
            code => Failure::Later(code),
        }
    }

    /// A host that cannot be reached, greets us badly, or refuses our password or its own certificate.
    fn unreachable(&self, error: &lettre::transport::smtp::Error) -> Failure {
        self.log(kind(error), error.status().map(u16::from));
        match error.status().map(u16::from) {
            None if error.is_tls() || error.is_client() || is_distrust(error) => Failure::Closed(None),
            None => Failure::Later(None),
            code if error.is_permanent() => Failure::Closed(code),
            code => Failure::Later(code),
        }
    }

    /// A host that keeps us waiting before anything has left.
    fn silence(&self) -> Failure {
        self.log("no answer in time", None);
        Failure::Later(None)
    }

    /// The kind and the number alone: a host's words may repeat an address.
    fn log(&self, cause: &str, status: Option<u16>) {
        tracing::warn!(host = %self.smtp.host, port = self.smtp.port, cause, status, "mail was not taken");
    }
}

/// What went wrong with a host, in words of ours.
fn kind(error: &lettre::transport::smtp::Error) -> &'static str {
    match error.status() {
        Some(_) => "the host refuses",
        None if error.is_tls() || is_distrust(error) => "TLS, or the host's certificate",
        None if error.is_timeout() => "no answer in time",
        None if error.is_client() => "no way to sign in that both know",
        None if error.is_response() => "an answer that is no SMTP",
        None => "no connection",
    }
}

/// Whom a host refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Party {
    /// Us, by our address.
    Sender,
    /// The recipient, or what is written to them.
    Recipient,
}

async fn address(
    connection: &mut AsyncSmtpConnection,
    envelope: &Envelope,
) -> Result<(), (Party, lettre::transport::smtp::Error)> {
    let from = Mail::new(envelope.from().cloned(), Vec::new());
    connection.command(from).await.map_err(|error| (Party::Sender, error))?;
    for to in envelope.to() {
        let to = Rcpt::new(to.clone(), Vec::new());
        connection.command(to).await.map_err(|error| (Party::Recipient, error))?;
    }
    Ok(())
}

/// Whether a handshake failed over what the host showed: its certificate, most often.
fn is_distrust(error: &lettre::transport::smtp::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return error.kind() == std::io::ErrorKind::InvalidData;
        }
        source = error.source();
    }
    false
}

struct Accepted {
    host: Arc<Host>,
    connection: AsyncSmtpConnection,
    text: Vec<u8>,
}

impl Offer for Accepted {
    fn hand_over(mut self: Box<Self>) -> BoxFuture<'static, Result<Option<u16>, Failure>> {
        Box::pin(async move {
            match timeout(GREETING, self.connection.command(Data)).await {
                Ok(Ok(_)) => {}
                // Nothing has left yet.
                Ok(Err(error)) => return Err(self.host.refusal(self.connection, Party::Recipient, &error)),
                Err(_) => return Err(self.host.silence()),
            }
            match timeout(FINAL_DOT, self.connection.message(&self.text)).await {
                Ok(Ok(response)) => {
                    self.host.keep(self.connection);
                    Ok(Some(response.code().into()))
                }
                Ok(Err(error)) if error.status().is_some() => {
                    Err(self.host.refusal(self.connection, Party::Recipient, &error))
                }
                Ok(Err(_)) | Err(_) => {
                    self.host.log("no answer to the text", None);
                    Err(Failure::Undecided)
                }
            }
        })
    }
}
