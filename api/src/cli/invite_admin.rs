//! `afterglow invite-admin`: starts a clinic and invites its first admin, who invites everybody else. On PostgreSQL it works
//! beside a running service; an embedded database lets one process in, so that there the service is stopped meanwhile.

use super::say;
use crate::{
    app::App,
    clock::Clock,
    config::Ask,
    domain::{accounts::AccountKind, business_hours::BusinessHours, clinic::Clinic},
    error::Error,
    security::{
        access::Roles,
        tokens::{Purpose, Token},
    },
    start,
    store::{Tx, audit, clinics, invitations},
};
use chrono_tz::Tz;

/// Whom to invite, and to what.
#[derive(Debug, Clone, clap::Args)]
pub struct InviteAdmin {
    /// The address of the clinic's first admin.
    #[arg(long, value_parser = address)]
    pub email: String,
    /// What the new clinic is called.
    #[arg(long)]
    pub clinic: String,
    /// Its IANA time zone.
    #[arg(long, default_value = "UTC", value_parser = time_zone)]
    pub time_zone: Tz,
    /// Its country, ISO 3166-1 alpha-2.
    #[arg(long, default_value = "US", value_parser = country)]
    pub country: String,
    /// How the admin is called; they may say otherwise when accepting.
    #[arg(long, default_value = "Admin")]
    pub name: String,
}

fn address(text: &str) -> Result<String, String> {
    text.parse::<lettre::Address>().map(|_| text.to_owned()).map_err(|error| error.to_string())
}

fn time_zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| "an IANA time zone, such as Europe/Berlin".into())
}

fn country(text: &str) -> Result<String, String> {
    let fits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    if fits { Ok(text.to_owned()) } else { Err("two capital letters, such as US".into()) }
}

/// Prints the link; no mail is sent, since there may be no mail host yet.
pub(super) async fn run(asked: InviteAdmin) -> Result<(), Error> {
    let config = start::settings(&Ask::default())?;
    let house = start::open(config, Clock::system()).await?;
    let link = invite(&house.app, asked).await?;
    say("Open this link within seven days; it works once:");
    say(link);
    Ok(())
}

/// Starts the clinic and answers the link of its first admin's invitation.
pub async fn invite(app: &App, asked: InviteAdmin) -> Result<String, Error> {
    let id = app.clock.new_id();
    let keys = app.keys.of_clinic(id).await?;
    let clinic = Clinic {
        id,
        name: asked.clinic,
        phone: None,
        time_zone: asked.time_zone,
        country: asked.country,
        business_hours: BusinessHours::usual(asked.time_zone).hours,
        on_call_member_id: None,
        clinical_lead_member_id: None,
        safeguarding_member_id: None,
        version: 1,
    };
    let email_index = app.keys.codes().email_index(&asked.email);
    let code = Token::new(Purpose::Invitation);
    let link = app.config.link(&format!("/invitations/{}", code.reveal()));
    let unit = async move |tx: &Tx| {
        clinics::insert(tx, &clinic, &keys).await?;
        let new = invitations::Row {
            id: tx.new_id(),
            clinic: id,
            kind: AccountKind::Member,
            roles: Roles::ADMIN,
            patient: None,
            code: code.hash(),
            email_index,
            by: None,
            by_mail: false,
        };
        let sealed =
            invitations::Sealed { email: asked.email, display_name: asked.name, code: code.reveal().to_owned() };
        let made = invitations::insert(tx, new, &sealed, &keys).await?;
        audit::append(tx, audit::Entry::by_service(id, "invite_admin").record(made.id).version(1)).await
    };
    app.db.write(id, unit).await?;
    Ok(link)
}
