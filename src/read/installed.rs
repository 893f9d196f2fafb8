//! Installed packages that are committed: `node_modules` among what git keeps.
//!
//! That a folder lies there says nothing, since whoever runs the app has one. So the index is
//! read, and only where git's lists do not leave the folder out.

use std::collections::BTreeSet;

use crate::code::path::{folder, name, upward};
use crate::history::Tracked;
use crate::model::place::{Content, SourceFile, Texts};
use crate::model::{App, Installed, Place};
use crate::problem::Problem;

use super::Input;
use super::copies::is_aside;
use super::source::Candidate;

/// The folder that npm and its kin install into.
pub const FOLDER: &str = "node_modules";

/// Takes in what is committed of such folders; `folders` are those that git's lists do not leave out,
/// in the order of paths.
pub fn take(
    app: &mut App,
    texts: &mut Texts,
    input: &Input,
    folders: &[String],
    candidates: &[Candidate],
) -> Option<Problem> {
    let folders: Vec<&str> = folders.iter().map(String::as_str).filter(|folder| !is_aside(folder)).collect();
    if folders.is_empty() {
        return None;
    }
    let packages = match input {
        Input::Memory(files) => packages(files.keys().map(String::as_str), &folders),
        Input::Path(path) => match Tracked::read(path)? {
            Ok(tracked) => packages(tracked.paths(), &folders),
            Err(error) => return Some(Problem::new(".git/index", error, "which files are committed is not known")),
        },
    };
    let first = folders.into_iter().find(|folder| packages.iter().any(|package| is_below(folder, package)))?;
    let manifest = |folder: &str| {
        let is_it =
            |candidate: &&Candidate| name(&candidate.path) == "package.json" && self::folder(&candidate.path) == folder;
        candidates.iter().find(is_it)
    };
    let manifest = upward(folder(first)).find_map(manifest)?;
    if texts.get(manifest.file).is_none() {
        let content = Content::Head(Vec::new());
        texts.insert(manifest.file, SourceFile { path: manifest.path.clone(), content });
    }
    let at = Place::File { file: manifest.file };
    app.installed = Some(Installed { folder: first.to_owned(), packages: packages.len(), at });
    None
}

/// The outermost folders of installed packages that files lie in.
pub fn folders<'p>(paths: impl Iterator<Item = &'p str>) -> Vec<String> {
    // The outermost one comes last.
    let folder_of = |path: &'p str| upward(folder(path)).filter(|folder| name(folder) == FOLDER).last();
    paths.filter_map(folder_of).collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect()
}

fn is_below(folder: &str, path: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// The folders of packages below some folders. Each has a manifest: code of one's own that lies in such
/// a folder to be loaded by name has none.
fn packages<'p>(paths: impl Iterator<Item = &'p str>, folders: &[&str]) -> BTreeSet<String> {
    let of_package = |path: &'p str| {
        let package = path.strip_suffix("/package.json")?;
        let (_, name) = package.rsplit_once("node_modules/")?;
        let is_name = name.split('/').count() == if name.starts_with('@') { 2 } else { 1 };
        (is_name && folders.iter().any(|folder| is_below(folder, path))).then_some(package)
    };
    paths.filter_map(of_package).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_counted_where_they_have_a_manifest() {
        let paths = [
            "node_modules/ws/package.json",
            "node_modules/ws/lib/package.json",
            "node_modules/ws/node_modules/ultron/package.json",
            "node_modules/@apollo/server/package.json",
            "node_modules/.bin/parse-server",
            "src/node_modules/own/index.js",
            "other/node_modules/ws/package.json",
        ];
        let found = packages(paths.into_iter(), &["node_modules", "src/node_modules"]);
        let expected = ["node_modules/@apollo/server", "node_modules/ws", "node_modules/ws/node_modules/ultron"];
        assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
    }
}
