//! Which files of a working tree git keeps.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::git::{self, Objects};

/// The files that git keeps.
#[derive(Debug)]
pub struct Tracked {
    /// The folder that was asked about, and its path from the root of the repository, with `/` behind it.
    folder: PathBuf,
    below: String,
    /// Paths of the index, as paths of files are told.
    paths: BTreeSet<String>,
}

impl Tracked {
    /// Reads the index of the repository that a folder, or that of a file, lies in; `None` if it lies
    /// in none with a working tree.
    ///
    /// # Errors
    ///
    /// The index is damaged.
    pub fn read(path: &Path) -> Option<Result<Self, String>> {
        let path = path.canonicalize().ok()?;
        let folder = if path.is_dir() { path.as_path() } else { path.parent()? }.to_owned();
        let (root, below) = git::root_of(&folder)?;
        let below = if below.is_empty() { below } else { format!("{below}/") };
        let paths = Objects::open(&root, None).and_then(|objects| objects.tracked());
        let shown = |paths: Vec<Vec<u8>>| paths.iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect();
        Some(paths.map(|paths| Self { folder, below, paths: shown(paths) }))
    }

    /// The files of the index below the folder, by their paths from it.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().filter_map(|path| path.strip_prefix(&self.below))
    }

    /// Whether a file is in the index, by its path from the folder. What lies in another repository,
    /// such as a submodule, is left to that one.
    pub fn has(&self, path: &str) -> bool {
        let full = format!("{}{path}", self.below);
        if self.paths.contains(&full) {
            return true;
        }
        let folders = |path: &str| path.match_indices('/').map(|(end, _)| end).collect::<Vec<_>>();
        let is_whole = |end: usize| {
            let part = |end: usize| full.get(..end).unwrap_or_default();
            self.paths.contains(part(end)) || self.paths.contains(part(end + 1))
        };
        let is_other = |end: usize| path.get(..end).is_some_and(|part| self.folder.join(part).join(".git").exists());
        folders(&full).into_iter().any(is_whole) || folders(path).into_iter().any(is_other)
    }
}
