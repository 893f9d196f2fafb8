//! A panic tells where it happened, and nothing of the text that was worked on.

use std::process::Command;

use parse_audit::commands::panics::tell_the_place_only;

use super::leaks::Leaks;

/// Stands in the text that is cut at a wrong place.
const KEY: &str = "Vn3kTs7wQz9xRb5mLh2pYd8f";

/// The variable that asks for a panic, with the usual hook or with that of the program.
const PANICS: &str = "PANICS_WITH_HOOK";

/// Panics while it works on a text with a key in it.
fn cut_a_text_at_a_wrong_place() {
    let text = format!("masterKey: 'é{KEY}'");
    let cut = std::thread::scope(|scope| scope.spawn(|| text[13..].len()).join());
    assert!(cut.is_ok());
}

/// What this test says when it runs in a process of its own and panics there.
fn said(hook: &str, backtrace: &str) -> String {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", "--nocapture", "panics::a_panic_does_not_quote_what_was_read"]);
    let output = command.env(PANICS, hook).env("RUST_BACKTRACE", backtrace).output().expect("this test runs");
    assert!(!output.status.success());
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_panic_does_not_quote_what_was_read() {
    if let Some(hook) = std::env::var_os(PANICS) {
        if hook == "ours" {
            tell_the_place_only();
        }
        return cut_a_text_at_a_wrong_place();
    }
    let leaks = Leaks::new(&[("the key".to_owned(), KEY.to_owned())]);
    let usual = said("usual", "0");
    assert_eq!(leaks.in_text("the usual message", &usual).len(), 1, "{usual}");
    for backtrace in ["0", "1", "full"] {
        let ours = said("ours", backtrace);
        assert_eq!(leaks.in_text("ours", &ours), [""; 0]);
        assert!(ours.contains("panicked at tests/redaction/panics.rs:"), "{ours}");
        assert_eq!(ours.contains("cut_a_text_at_a_wrong_place::"), backtrace != "0", "{ours}");
    }
}
