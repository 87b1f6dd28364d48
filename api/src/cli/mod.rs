//! The command line: one file per command.

pub mod demo;
pub mod invite_admin;
mod migrate;
mod openapi;
mod serve;

use crate::{config::SETTINGS, error::Error};
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The backend of a patient companion for ketamine-assisted psychotherapy. No emergency service, no medical device.
#[derive(Parser)]
#[command(name = "afterglow", version, about, long_about = None, after_help = settings())]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the service: the API, the pages and the worker that sends. Needs a mail host: `AFTERGLOW_SMTP_URL`.
    Serve,
    /// Serves a believable clinic of invented people to look at.
    Demo(demo::Demo),
    /// Brings the database's schema up to date and ends.
    Migrate,
    /// Starts a new clinic and prints the link that invites its first admin. With SQLite: while the service is stopped.
    InviteAdmin(invite_admin::InviteAdmin),
    /// Writes the OpenAPI document to standard output.
    Openapi,
}

/// Every setting, for the end of the help.
fn settings() -> String {
    let lines =
        SETTINGS.iter().map(|(name, what)| format!("  {:<27}  {what}", format!("AFTERGLOW_{}", name.to_uppercase())));
    let lines: Vec<String> = lines.collect();
    format!("Settings, in the environment or in the TOML file that AFTERGLOW_CONFIG names:\n{}", lines.join("\n"))
}

/// Runs the command that was asked for.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Error::internal(error)),
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Serve => serve::run().await,
            Command::Demo(demo) => demo::run(demo).await,
            Command::Migrate => migrate::run().await,
            Command::InviteAdmin(asked) => invite_admin::run(asked).await,
            Command::Openapi => openapi::run().await,
        }
    });
    runtime.shutdown_background();
    done.map_or_else(|error| fail(&error), |()| ExitCode::SUCCESS)
}

/// One plain line for people and scripts.
#[expect(clippy::print_stdout, reason = "this is what the commands say")]
fn say(line: impl std::fmt::Display) {
    println!("{line}");
}

#[expect(clippy::print_stderr, reason = "this is where a command says why it ends")]
fn fail(error: &Error) -> ExitCode {
    eprintln!("afterglow: {error}");
    ExitCode::FAILURE
}
