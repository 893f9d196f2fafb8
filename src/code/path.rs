//! Paths from the audited folder, with `/` and without `.` and `..`; the audited
//! folder itself is the empty path.

/// The path `relative` from the folder `base`; steps out of the audited folder are left out.
pub fn join(base: &str, relative: &str) -> String {
    walk(base, relative).0
}

/// The path `relative` from the folder `base`; `None` if it leads out of the audited folder.
pub fn inside(base: &str, relative: &str) -> Option<String> {
    let (path, steps_out) = walk(base, relative);
    (steps_out == 0).then_some(path)
}

/// The path, and how many steps led out of the audited folder.
fn walk(base: &str, relative: &str) -> (String, usize) {
    let mut parts: Vec<&str> = Vec::new();
    let mut steps_out = 0;
    for part in base.split('/').chain(relative.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => steps_out += 1,
            ".." => {}
            part => parts.push(part),
        }
    }
    (parts.join("/"), steps_out)
}

/// The folder of a path.
pub fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last part of a path.
pub fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// A folder and those above it, up to the audited one.
pub fn upward(folder: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder), |folder| (!folder.is_empty()).then(|| self::folder(folder)))
}

/// What of a path stands below a folder; `None` if it stands elsewhere.
pub fn below<'p>(folder: &str, path: &'p str) -> Option<&'p str> {
    if folder.is_empty() { Some(path) } else { path.strip_prefix(folder)?.strip_prefix('/') }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_put_together_without_dots() {
        assert_eq!(join("cloud/jobs", "../lib/./a.js"), "cloud/lib/a.js");
        assert_eq!(join("", "./a"), "a");
        assert_eq!(join("cloud", ".."), "");
        assert_eq!(join("a", "b//c/"), "a/b/c");
    }

    #[test]
    fn nothing_leads_out_of_the_audited_folder() {
        assert_eq!(join("cloud", "../../../etc/a"), "etc/a");
        assert_eq!(inside("cloud", "../../etc/a"), None);
        assert_eq!(inside("cloud", "../a").as_deref(), Some("a"));
    }

    #[test]
    fn upward_ends_at_the_audited_folder() {
        assert_eq!(upward("a/b").collect::<Vec<_>>(), ["a/b", "a", ""]);
        assert_eq!(upward("").collect::<Vec<_>>(), [""]);
        assert_eq!(below("a", "a/b.js"), Some("b.js"));
        assert_eq!(below("a", "ab.js"), None);
    }
}
