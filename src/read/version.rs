//! The version of Parse Server, from what npm and its kin write, or the server says.

use semver::Version;
use serde_json::{Map, Value};

use crate::model::server::{FoundVersion, VersionFrom};
use crate::model::{Lock, Place};

/// The npm package.
const PACKAGE: &str = "parse-server";

/// The answer of `/serverInfo`.
pub fn of_server_info(document: &Map<String, Value>, at: &Place) -> Option<FoundVersion> {
    let version = Version::parse(document.get("parseServerVersion")?.as_str()?).ok()?;
    Some(FoundVersion { version, from: VersionFrom::ServerInfo, at: Some(at.below("/parseServerVersion")) })
}

/// `package.json`: the lowest version that the range allows.
pub fn of_package(document: &Map<String, Value>, at: &Place) -> Option<FoundVersion> {
    let ranges = ["dependencies", "devDependencies", "peerDependencies"];
    ranges.iter().find_map(|list| {
        let range = document.get(*list)?.get(PACKAGE)?.as_str()?;
        let at = at.below(&format!("/{list}/{PACKAGE}"));
        Some(FoundVersion { version: lowest(range)?, from: VersionFrom::Range, at: Some(at) })
    })
}

/// The lowest version of the first alternative of a range: `^6.2` is 6.2.0.
fn lowest(range: &str) -> Option<Version> {
    let range = range.strip_prefix("npm:parse-server@").unwrap_or(range);
    if range.contains("://") || range.contains('/') || range.trim_start().starts_with('<') {
        return None;
    }
    let first = range.split("||").next().unwrap_or_default();
    let text = first.trim().trim_start_matches(['^', '~', '>', '=', 'v', ' ']);
    let text = text.split_whitespace().next()?;
    if let Ok(version) = Version::parse(text) {
        return Some(version);
    }
    let mut numbers = text.split('.').map_while(|part| part.parse::<u64>().ok());
    let major = numbers.next()?;
    Some(Version::new(major, numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)))
}

/// A lock file: what it installs.
pub fn of_lock(lock: &Lock) -> impl Iterator<Item = FoundVersion> {
    lock.packages.iter().filter(|package| package.name == PACKAGE).map(|package| FoundVersion {
        version: package.version.clone(),
        from: VersionFrom::Lock,
        at: Some(Place::Text { file: lock.file, span: package.at }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_version_of_a_range_counts() {
        let of = |range: &str| lowest(range).map(|version| version.to_string());
        for (range, version) in [
            ("^6.2.0", "6.2.0"),
            ("~4.10", "4.10.0"),
            (">=5 <7", "5.0.0"),
            ("7.x", "7.0.0"),
            ("9.10.1-alpha.2", "9.10.1-alpha.2"),
            ("2.8.4 || ^3", "2.8.4"),
        ] {
            assert_eq!(of(range).as_deref(), Some(version), "{range}");
        }
        for range in ["*", "latest", "github:parse-community/parse-server#master", "<7", ""] {
            assert_eq!(of(range), None, "{range}");
        }
    }
}
