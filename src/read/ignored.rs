//! What somebody said is not to be read: lists of git, and lists for this program alone.
//!
//! Git's lists are `.gitignore` and `info/exclude`; ours are `.parse-auditignore`, which has the
//! last word where both are in one folder, and the patterns of the configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::problem::Problem;

/// What lists say of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It is read.
    Nothing,
    /// Git ignores it.
    Ignored,
    /// It is passed by, whatever git says.
    PassedBy,
}

/// The lists that count at a place of a walk.
pub struct Lists {
    root: PathBuf,
    settings: Gitignore,
    nested: Vec<OfFolder>,
}

/// The lists of one folder.
struct OfFolder {
    folder: PathBuf,
    /// Git's and ours together.
    all: Gitignore,
    own: Option<Gitignore>,
}

const OWN: &str = ".parse-auditignore";

impl Lists {
    /// The lists of a folder, of those above up to the root of the repository, and patterns of the configuration.
    pub fn new(root: &Path, patterns: &[String], problems: &mut Vec<Problem>) -> Self {
        Self { root: root.to_owned(), settings: settings(root, patterns, problems), nested: above(root) }
    }

    /// Adds the lists of a folder that is gone into.
    pub fn enter(&mut self, folder: &Path) {
        self.nested.extend(of_folder(folder, folder == self.root));
    }

    /// Drops the lists of folders that were left on the way to a path.
    pub fn leave(&mut self, path: &Path) {
        self.nested.retain(|of| path.starts_with(&of.folder) || self.root.starts_with(&of.folder));
    }

    /// What is said of a path.
    pub fn of(&self, path: &Path, is_folder: bool) -> Said {
        // The innermost file that has an opinion decides.
        let opinions = self.nested.iter().rev().map(|of| of.all.matched(path, is_folder));
        let is_ignored = opinions.into_iter().find(|opinion| !opinion.is_none()).is_some_and(|it| it.is_ignore());
        match () {
            () if self.settings.matched(path, is_folder).is_ignore() => Said::PassedBy,
            () if !is_ignored => Said::Nothing,
            () if self.passes_by(path, is_folder) => Said::PassedBy,
            () => Said::Ignored,
        }
    }

    /// Whether our own lists pass a path by.
    pub fn passes_by(&self, path: &Path, is_folder: bool) -> bool {
        let opinions = self.nested.iter().rev().filter_map(|of| of.own.as_ref());
        passes_by(&self.settings, opinions, path, is_folder)
    }
}

/// Our own lists, asked about paths that need not be there.
pub struct OwnLists {
    root: PathBuf,
    settings: Gitignore,
    above: Vec<OfFolder>,
    of_folder: BTreeMap<PathBuf, Option<Gitignore>>,
}

impl OwnLists {
    /// The lists that count in a folder and below.
    pub fn new(root: &Path, patterns: &[String], problems: &mut Vec<Problem>) -> Self {
        let settings = settings(root, patterns, problems);
        Self { root: root.to_owned(), settings, above: above(root), of_folder: BTreeMap::new() }
    }

    /// Whether a file, named from the folder, or a folder it lies in is passed by.
    pub fn pass_by(&mut self, path: &str) -> bool {
        let mut at = self.root.clone();
        let mut inside = Vec::new();
        for part in path.split('/') {
            let list = self.of_folder.entry(at.clone()).or_insert_with(|| list(&at, &[OWN]));
            inside.extend(list.is_some().then(|| at.clone()));
            at.push(part);
            let is_folder = at.strip_prefix(&self.root).is_ok_and(|at| at.as_os_str().len() < path.len());
            let own = inside.iter().rev().filter_map(|folder| self.of_folder.get(folder)?.as_ref());
            let own = own.chain(self.above.iter().rev().filter_map(|of| of.own.as_ref()));
            if passes_by(&self.settings, own, &at, is_folder) {
                return true;
            }
        }
        false
    }
}

fn passes_by<'l>(
    settings: &Gitignore,
    mut own: impl Iterator<Item = &'l Gitignore>,
    path: &Path,
    is_folder: bool,
) -> bool {
    let opinion = own.find_map(|list| Some(list.matched(path, is_folder)).filter(|opinion| !opinion.is_none()));
    settings.matched(path, is_folder).is_ignore() || opinion.is_some_and(|opinion| opinion.is_ignore())
}

fn of_folder(folder: &Path, is_root: bool) -> Option<OfFolder> {
    let names = [".git/info/exclude", ".gitignore", OWN];
    let all = list(folder, names.get(usize::from(!is_root)..).unwrap_or_default())?;
    Some(OfFolder { folder: folder.to_owned(), all, own: list(folder, &[OWN]) })
}

/// The patterns in files of a folder; `None` if there is no such file.
fn list(folder: &Path, names: &[&str]) -> Option<Gitignore> {
    let mut builder = GitignoreBuilder::new(folder);
    let mut found = false;
    for file in names.iter().map(|name| folder.join(name)).filter(|file| file.is_file()) {
        // A line that is no pattern is left out, as git does.
        let _ = builder.add(file);
        found = true;
    }
    found.then(|| builder.build().ok()).flatten()
}

/// The lists of the folders above, up to the root of the repository, as git applies them.
fn above(root: &Path) -> Vec<OfFolder> {
    if root.join(".git").exists() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for folder in root.ancestors().skip(1) {
        let is_repository = folder.join(".git").exists();
        found.extend(of_folder(folder, is_repository));
        if is_repository {
            found.reverse();
            return found;
        }
    }
    Vec::new()
}

fn settings(root: &Path, patterns: &[String], problems: &mut Vec<Problem>) -> Gitignore {
    let mut builder = GitignoreBuilder::new(root);
    for pattern in patterns {
        if let Err(error) = builder.add_line(None, pattern) {
            problems.push(Problem::new(
                "parse-audit.toml",
                error.to_string(),
                format!("the pattern `{pattern}` was not used"),
            ));
        }
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn our_own_lists_pass_by_what_need_not_be_there() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("app/old")).expect("folders");
        for (path, text) in [
            (OWN, "*.tmp\nold/\n"),
            ("app/.parse-auditignore", "!keep.tmp\n"),
            ("app/old/.parse-auditignore", "!a.js\n"),
            (".gitignore", "*.js\n"),
        ] {
            fs::write(folder.path().join(path), text).expect("a file");
        }
        let mut lists = OwnLists::new(folder.path(), &["backup/".to_owned()], &mut Vec::new());
        for path in ["a.tmp", "app/b.tmp", "app/old/a.js", "app/backup/a.js", "old/gone/a.js"] {
            assert!(lists.pass_by(path), "{path}");
        }
        for path in ["a.js", "app/keep.tmp", "app/gone/a.js", "old"] {
            assert!(!lists.pass_by(path), "{path}");
        }
    }
}
