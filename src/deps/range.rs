//! Ranges of versions as `package.json` has them, as far as they say which versions are the first and the last.

use semver::Version;

/// Versions from one on, before another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// The first.
    pub from: Version,
    /// What is no longer one of them.
    pub below: Version,
}

impl Bounds {
    /// Whether a range allows a version; npm does not take a pre-release unless the range names one.
    pub fn have(&self, version: &Version) -> bool {
        version.pre.is_empty() && *version >= self.from && *version < self.below
    }
}

/// The version that is meant, if it is a certain one.
pub fn exact(written: &str) -> Option<Version> {
    Version::parse(written.trim().trim_start_matches('=').trim_start_matches('v')).ok()
}

/// The bounds of `^1.2.3`, `~1.2`, `1.x`, `1` and their like; `None` for anything else.
pub fn bounds(written: &str) -> Option<Bounds> {
    let written = written.trim();
    let (sign, numbers) = match written.chars().next()? {
        sign @ ('^' | '~') => (sign, written.get(1..)?.trim_start()),
        _ => (' ', written),
    };
    let version = numbers.trim_start_matches(['=', 'v']);
    if let Ok(from) = Version::parse(version) {
        let below = match sign {
            '^' if from.major > 0 => Version::new(from.major + 1, 0, 0),
            '^' if from.minor > 0 => Version::new(0, from.minor + 1, 0),
            '^' => Version::new(0, 0, from.patch + 1),
            '~' => Version::new(from.major, from.minor + 1, 0),
            _ => return None,
        };
        return Some(Bounds { from, below });
    }
    let mut parts = version.split('.');
    let major: u64 = parts.next()?.parse().ok()?;
    let is_any = |part: &str| matches!(part, "x" | "X" | "*");
    let minor = match parts.next().filter(|part| !is_any(part)) {
        None => return Some(Bounds { from: Version::new(major, 0, 0), below: Version::new(major + 1, 0, 0) }),
        Some(minor) => minor.parse::<u64>().ok()?,
    };
    if !parts.next().is_none_or(is_any) || parts.next().is_some() {
        return None;
    }
    let below =
        if sign == '^' && major > 0 { Version::new(major + 1, 0, 0) } else { Version::new(major, minor + 1, 0) };
    Some(Bounds { from: Version::new(major, minor, 0), below })
}

/// Whether a dependency comes from a repository or an address, and not as one certain commit.
pub fn is_moving(written: &str) -> bool {
    let written = written.trim();
    let (source, fragment) = written.split_once('#').unwrap_or((written, ""));
    let hosts = ["git+", "git:", "git@", "github:", "gitlab:", "bitbucket:", "gist:", "http:", "https:"];
    let is_short = || {
        let mut parts = source.split('/');
        let is_name = |part: Option<&str>| {
            part.is_some_and(|part| !part.is_empty() && !part.starts_with(['.', '@', '~']) && !part.contains(':'))
        };
        is_name(parts.next()) && is_name(parts.next()) && parts.next().is_none()
    };
    let comes_from_elsewhere = hosts.iter().any(|host| source.starts_with(host)) || is_short();
    let is_commit = |text: &str| (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let names_commit = is_commit(fragment) || source.split(['/', '?']).any(|part| part.len() >= 40 && is_commit(part));
    comes_from_elsewhere && !names_commit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_bounds() {
        let of = |range: &str| bounds(range).map(|bounds| format!("{} {}", bounds.from, bounds.below));
        for (range, expected) in [
            ("^4.10.0", "4.10.0 5.0.0"),
            ("^0.2.3", "0.2.3 0.3.0"),
            ("~4.10.4", "4.10.4 4.11.0"),
            ("~4.10", "4.10.0 4.11.0"),
            ("^4.10", "4.10.0 5.0.0"),
            ("4.x", "4.0.0 5.0.0"),
            ("4", "4.0.0 5.0.0"),
            ("4.10.x", "4.10.0 4.11.0"),
            ("^9.0.0-alpha.3", "9.0.0-alpha.3 10.0.0"),
        ] {
            assert_eq!(of(range).as_deref(), Some(expected), "{range}");
        }
        for range in ["", "*", "latest", ">=4", "1 || 2", "1.2.3", "4.10.x.1", "npm:a@1", "github:a/b"] {
            assert_eq!(of(range), None, "{range}");
        }
        assert_eq!((exact("4.10.20"), exact("^4.10.20")), (Some(Version::new(4, 10, 20)), None));
    }

    #[test]
    fn what_comes_from_elsewhere_is_certain_with_a_commit_only() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        for moving in [
            "github:parse-community/parse-server",
            "parse-community/parse-server#master",
            "git+https://example.com/a.git#semver:^1.0.0",
            "https://example.com/a.tgz",
            "git@example.com:a/b.git#v1.2.3",
        ] {
            assert!(is_moving(moving), "{moving}");
        }
        for certain in [
            "^1.2.3",
            "file:../a",
            "workspace:*",
            "npm:@scope/a@1",
            "./a/b",
            "*",
            &format!("a/b#{commit}"),
            "a/b#0123abc",
            &format!("https://codeload.github.com/a/b/tar.gz/{commit}"),
        ] {
            assert!(!is_moving(certain), "{certain}");
        }
    }
}
