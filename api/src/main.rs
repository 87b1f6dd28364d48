//! The command line of Afterglow.

use std::process::ExitCode;

fn main() -> ExitCode {
    afterglow::cli::main()
}
