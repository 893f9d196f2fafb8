//! `bun.lock`: JSON with commas behind last elements, which is YAML as well.

use super::{Package, Unreadable, name_at_version, package, yaml};

/// An entry of `packages` is a list whose first element is name and version.
pub fn read(text: &str) -> Result<Vec<Package>, Unreadable> {
    let mut packages = Vec::new();
    yaml::walk(text, |path, item| {
        if !item.is_key
            && let [list, _, number] = path
            && list == "packages"
            && number == "0"
            && let Some((name, version)) = name_at_version(&item.text)
        {
            packages.extend(package(text, name, version, item.at));
        }
    })?;
    Ok(packages)
}
