//! A panic tells where it happened, and nothing of the text that was worked on.

use std::process::Command;

use parse_audit::commands::panics::tell_the_place_only;

use super::leaks::Leaks;

/// Stands in the text that is cut at a wrong place.
const KEY: &str = "Vn3kTs7wQz9xRb5mLh2pYd8f";

/// The variable that asks for the hook of the program.
const AS_PROGRAM: &str = "AS_PROGRAM";

#[test]
#[ignore = "panics; the other test runs it in a process of its own"]
fn cuts_a_text_at_a_wrong_place() {
    if std::env::var_os(AS_PROGRAM).is_some() {
        tell_the_place_only();
    }
    let text = format!("masterKey: 'é{KEY}'");
    let cut = std::thread::scope(|scope| scope.spawn(|| text[13..].len()).join());
    assert!(cut.is_ok());
}

fn said(variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--ignored", "--exact", "--nocapture", "panics::cuts_a_text_at_a_wrong_place"]);
    let output = command.envs(variables.iter().copied()).output().expect("this test runs");
    assert!(!output.status.success());
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_panic_does_not_quote_what_was_read() {
    let leaks = Leaks::new(&[("the key".to_owned(), KEY.to_owned())]);
    let usual = said(&[]);
    assert_eq!(leaks.in_text("the usual message", &usual).len(), 1, "{usual}");
    for backtrace in ["0", "1", "full"] {
        let ours = said(&[(AS_PROGRAM, "1"), ("RUST_BACKTRACE", backtrace)]);
        assert_eq!(leaks.in_text("ours", &ours), [""; 0]);
        assert!(ours.contains("panicked at tests/redaction/panics.rs:"), "{ours}");
        assert_eq!(ours.contains("cuts_a_text_at_a_wrong_place::"), backtrace != "0", "{ours}");
    }
}
