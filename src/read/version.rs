//! The version of Parse Server, from what npm and its kin write, or the server says.

use regex::bytes::Regex;
use semver::Version;
use serde_json::{Map, Value};

use crate::model::Place;
use crate::model::oddity::escape;
use crate::model::server::{FoundVersion, VersionFrom};

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

/// `package-lock.json` of any version, and `npm-shrinkwrap.json`.
pub fn of_npm_lock(document: &Map<String, Value>, at: &Place) -> Option<FoundVersion> {
    let entries = [format!("/packages/{}", escape("node_modules/parse-server")), format!("/dependencies/{PACKAGE}")];
    let lock = Value::Object(document.clone());
    entries.iter().find_map(|entry| {
        let version = Version::parse(lock.pointer(entry)?.get("version")?.as_str()?).ok()?;
        Some(FoundVersion { version, from: VersionFrom::Lock, at: Some(at.below(entry).below("/version")) })
    })
}

/// Lock files of yarn (both forms), pnpm and bun: the version, and where it stands in the bytes.
pub fn of_other_lock(text: &[u8]) -> Option<(Version, usize, usize)> {
    const NUMBER: &str = r"([0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?)";
    let patterns = [
        // yarn: the entry's head, then its version.
        format!(r#"(?m)^"?parse-server@[^\n]*:\r?\n  version:? "?{NUMBER}"?"#),
        // pnpm: `/parse-server/1.2.3_…:`, `/parse-server@1.2.3(…):`, `parse-server@1.2.3:`.
        format!(r"(?m)^  '?/?parse-server[/@]{NUMBER}[^\n:]*:"),
        // bun: `"parse-server": ["parse-server@1.2.3", …`.
        format!(r#"(?m)^\s*"parse-server": \["parse-server@{NUMBER}""#),
    ];
    patterns.iter().find_map(|pattern| {
        let found = Regex::new(pattern).ok()?.captures(text)?.get(1)?;
        let version = Version::parse(std::str::from_utf8(found.as_bytes()).ok()?).ok()?;
        Some((version, found.start(), found.end()))
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

    #[test]
    fn lock_files_of_every_manager_tell_the_version() {
        for lock in [
            "parse-server@^4.10.0:\n  version \"4.10.20\"\n",
            "\"parse-server@npm:^4.10.0\":\n  version: 4.10.20\n",
            "packages:\n\n  /parse-server/4.10.20_abc@1:\n",
            "packages:\n\n  /parse-server@4.10.20(graphql@16):\n",
            "packages:\n\n  parse-server@4.10.20:\n",
            "  \"packages\": {\n    \"parse-server\": [\"parse-server@4.10.20\", \"\"],\n",
        ] {
            let (version, start, end) = of_other_lock(lock.as_bytes()).expect(lock);
            assert_eq!((version.to_string().as_str(), &lock[start..end]), ("4.10.20", "4.10.20"));
        }
        assert_eq!(of_other_lock(b"parse-server-fs-adapter@^1:\n  version \"1.0.0\"\n"), None);
    }
}
