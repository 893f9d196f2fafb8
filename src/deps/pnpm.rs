//! `pnpm-lock.yaml`.

use super::{Package, Unreadable, name_at_version, package, yaml};

/// The keys of `packages` are name and version: `/name/1.2.3_peers` (5), `/name@1.2.3(peers)` (6),
/// `name@1.2.3` (9).
pub fn read(text: &str) -> Result<Vec<Package>, Unreadable> {
    let mut packages = Vec::new();
    yaml::walk(text, |path, item| {
        if item.is_key
            && let [list] = path
            && list == "packages"
            && let Some((name, version)) = name_and_version(&item.text)
        {
            packages.extend(package(text, name, version, item.at));
        }
    })?;
    Ok(packages)
}

fn name_and_version(key: &str) -> Option<(&str, &str)> {
    let key = key.split('(').next()?;
    let Some(key) = key.strip_prefix('/') else { return name_at_version(key) };
    if let Some((name, version)) = name_at_version(key)
        && version.starts_with(|first: char| first.is_ascii_digit())
        // Peers may have an `@` too: `/name/1.2.3_@scope+peer@4.5.6`.
        && name.matches('/').count() == usize::from(name.starts_with('@'))
    {
        return Some((name, version));
    }
    // `name/1.2.3_peers`, in which a scope is a part of the name.
    let scope = if key.starts_with('@') { key.find('/')? + 1 } else { 0 };
    let slash = scope + key.get(scope..)?.find('/')?;
    let version = key.get(slash + 1..)?.split('_').next()?;
    Some((key.get(..slash)?, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_every_version_are_name_and_version() {
        for (key, name, version) in [
            ("/ws/8.2.3", "ws", "8.2.3"),
            ("/@a/b/7.19.1", "@a/b", "7.19.1"),
            ("/@a/b/7.19.1_@babel+core@7.29.0", "@a/b", "7.19.1"),
            ("/winston-daily/4.7.1_winston@3.8.1", "winston-daily", "4.7.1"),
            ("/@a/b@1.0.3(graphql@16.8.1)", "@a/b", "1.0.3"),
            ("@a/b@1.0.3", "@a/b", "1.0.3"),
            ("my_name@1.0.3", "my_name", "1.0.3"),
            ("/http_ece@1.2.0", "http_ece", "1.2.0"),
            ("/name/1.2.3_@scope+peer@4.5.6", "name", "1.2.3"),
            ("ws@8.2.3-alpha.1", "ws", "8.2.3-alpha.1"),
        ] {
            assert_eq!(name_and_version(key), Some((name, version)), "{key}");
        }
    }
}
