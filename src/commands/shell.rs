//! `completions` and `man`: made from the command line's own description.

use std::io::Write;

use anyhow::Result;
use clap::CommandFactory;

use crate::cli::Cli;

use super::heard::stdout;

/// Prints completions for a shell.
pub fn completions(shell: clap_complete::Shell) -> Result<u8> {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "parse-audit", &mut out);
    stdout().write_all(&out)?;
    Ok(super::CLEAN)
}

/// Prints the manual page.
pub fn man() -> Result<u8> {
    let mut out = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut out)?;
    stdout().write_all(&out)?;
    Ok(super::CLEAN)
}
