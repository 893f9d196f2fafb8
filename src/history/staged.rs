//! What is staged: the contents that the next commit brings, and nothing else.
//!
//! For hooks, which must be quick: the index is held against the folders of HEAD, of which
//! those are passed by that the index knows to be the same; no commit is gone through.

use std::fs;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::model::snapshot::Gap;
use crate::problem::Problem;
use crate::secrets::paths;

use super::git::{self, Changed, Objects};
use super::resolve::LARGEST;
use super::scan;
use super::{counted, is_are};

/// What is staged in a repository.
pub struct Staged {
    objects: Objects,
    /// Files that were added or changed, in the order of their paths.
    pub files: Vec<StagedFile>,
    /// What is not searched although nothing is wrong with it.
    pub gaps: Vec<Gap>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// A file that was added or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedFile {
    /// Its path from the folder that was asked for.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    contents: Contents,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Contents {
    Object(Vec<u8>),
    /// A file that Git LFS keeps.
    Large(PathBuf),
}

/// Longer contents are no pointer to a file of Git LFS.
const POINTER: u64 = 1024;

impl Staged {
    /// What is staged in the repository that a folder or file lies in, as far as it lies there;
    /// `None` if that is no repository. `index` takes the place of its index.
    pub fn open(path: &Path, index: Option<&Path>) -> Option<Result<Self, Problem>> {
        let (root, below) = git::root_of(path)?;
        let fault = |error| Problem::new(".git", error, "keys in what is staged were not looked for");
        let opened = Objects::open(&root, index).and_then(|objects| Ok((objects.changed()?, objects)));
        Some(opened.map_err(fault).map(|(changed, objects)| Self::new(objects, changed, &below)))
    }

    fn new(objects: Objects, changed: Vec<Changed>, below: &str) -> Self {
        let mut staged = Self { objects, files: Vec::new(), gaps: Vec::new(), problems: Vec::new() };
        let (mut conflicts, mut large, mut absent) = (0, 0, 0);
        let mut submodules = Vec::new();
        for Changed { path, staged: what, id } in changed {
            let path = String::from_utf8_lossy(&path).into_owned();
            let Some(path) = inside(&path, below) else { continue };
            match what {
                git::Staged::Conflict => conflicts += 1,
                git::Staged::Submodule => submodules.push(path.to_owned()),
                // A path holds no key.
                git::Staged::Link => {}
                git::Staged::File if is_passed_by(path) => {}
                git::Staged::File => match staged.file(path, id) {
                    Ok(Some(file)) if file.size > LARGEST => large += 1,
                    Ok(Some(file)) => staged.files.push(file),
                    Ok(None) => absent += 1,
                    Err(error) => staged.problems.push(Problem::new(path, error, "it was not searched for keys")),
                },
            }
        }
        if conflicts > 0 {
            let reason = format!("nothing of {} is staged yet", counted(conflicts, "file"));
            staged.gaps.push(Gap::new("files in conflict", reason));
        }
        if !submodules.is_empty() {
            let reason = "submodules have an index of their own; check them where they are cloned";
            staged.gaps.push(Gap::new(format!("what is staged of {}", submodules.join(", ")), reason));
        }
        if large > 0 {
            let most = LARGEST >> 20;
            staged.gaps.push(Gap::new("large files", format!("{} over {most} MB", is_are(large, "staged file"))));
        }
        if absent > 0 {
            staged.gaps.push(Gap::new("files of Git LFS", format!("{} not in this clone", is_are(absent, "file"))));
        }
        if staged.objects.is_shallow() {
            let reason = "this clone is shallow: set PARSE_AUDIT_ID_KEY so that keys are known again elsewhere";
            staged.gaps.push(Gap::new("the first commit", reason));
        }
        staged
    }

    /// What is known of a file; `None` if Git LFS has not fetched it.
    fn file(&self, path: &str, id: Vec<u8>) -> Result<Option<StagedFile>, String> {
        let size = self.objects.size(&id)?;
        let small = (size <= POINTER).then(|| self.objects.blob(&id, size)).transpose()?;
        let (size, contents) = match small.and_then(|bytes| scan::pointer(&bytes)) {
            None => (size, Contents::Object(id)),
            Some(name) => {
                let Some(file) = scan::kept_by_lfs(self.objects.common(), &name) else { return Ok(None) };
                let Ok(metadata) = fs::metadata(&file) else { return Ok(None) };
                (metadata.len(), Contents::Large(file))
            }
        };
        Ok(Some(StagedFile { path: path.to_owned(), size, contents }))
    }

    /// What a file holds, as it is staged.
    ///
    /// # Errors
    ///
    /// The object is broken, or gone.
    pub fn read(&self, file: &StagedFile) -> Result<Zeroizing<Vec<u8>>, String> {
        match &file.contents {
            Contents::Object(id) => self.objects.blob(id, file.size),
            Contents::Large(path) => fs::read(path).map(Zeroizing::new).map_err(|error| error.to_string()),
        }
    }
}

/// The path of what lies in a folder, from there; that of the file itself is its name.
fn inside<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    if path == folder {
        return path.rsplit('/').next();
    }
    let rest = path.strip_prefix(folder)?;
    if folder.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// Whether nobody looks for keys in files of a path.
fn is_passed_by(path: &str) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    paths::is_no_text(name) || folders.split('/').any(paths::is_vendored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_from_the_folder_that_was_asked_for() {
        assert_eq!(inside("a/b.js", ""), Some("a/b.js"));
        assert_eq!(inside("a/b.js", "a"), Some("b.js"));
        assert_eq!(inside("a/b.js", "a/b.js"), Some("b.js"));
        assert_eq!(inside("ab/c.js", "a"), None);
    }
}
