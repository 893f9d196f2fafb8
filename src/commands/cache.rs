//! Where something is kept between runs.

use std::path::PathBuf;

/// The variable that names another folder.
pub const CACHE: &str = "PARSE_AUDIT_CACHE";

/// The folder for what is kept between runs, as the system has it; `None` if there is no home.
pub fn folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let of_system = || {
        if cfg!(windows) {
            variable("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            variable("HOME").map(|home| home.join("Library/Caches"))
        } else {
            variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")))
        }
    };
    variable(CACHE).or_else(|| of_system().map(|folder| folder.join("parse-audit")))
}
