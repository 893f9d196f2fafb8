//! Parse arguments, run a command, turn the result into an exit code.

use std::process::ExitCode;

use clap::Parser;
use parse_audit::cli::Cli;
use parse_audit::commands::{self, panics};

/// Walking through code makes and drops many small values on all cores.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    panics::tell_the_place_only();
    let code = match Cli::try_parse() {
        Ok(cli) => commands::run(&cli),
        Err(error) => commands::refuse(&error),
    };
    ExitCode::from(code)
}
