//! Microsoft's validator, and GitHub's demands.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

/// The validator installs itself on its first run, which two at once would disturb.
static VALIDATOR: Mutex<()> = Mutex::new(());

/// Runs the validator with these arguments.
pub fn validate(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
    let _guard = VALIDATOR.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let validator = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sarif/validate");
    Command::new(validator).args(arguments).output().expect("bash and node run")
}

/// Demands that the validator finds no fault and warns of nothing but own fingerprints: two
/// findings of a rule on one line would be one alert, so the second gets one of its own.
pub fn assert_valid(root: &Path, files: &[PathBuf]) {
    let output = validate([Path::new("--root"), root].into_iter().chain(files.iter().map(PathBuf::as_path)));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.matches(": 0 errors, ").count(), files.len(), "{said}");
    let warns = |line: &&str| line.starts_with("warning") && !line.starts_with("warning\tGH-FINGERPRINT-OWN");
    assert_eq!(said.lines().find(warns), None, "{said}");
}
