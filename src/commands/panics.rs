//! What is said when the program itself is wrong: where, and never what about.
//!
//! The message of a panic may quote the text that was worked on: slicing a text at a
//! wrong place does, in our code or in a library's.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, Write};
use std::panic;

/// From here on a panic tells the place in the program, with `RUST_BACKTRACE` the way to it, and nothing else.
pub fn tell_the_place_only() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        let version = env!("CARGO_PKG_VERSION");
        let mut out = io::stderr().lock();
        let _ = writeln!(
            out,
            "error: parse-audit {version} panicked{place}; this is a bug, please report it. \
             Why is not printed, since it could quote what was read"
        );
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            let _ = writeln!(out, "{backtrace}");
        }
    }));
}
