//! What git itself has to tell of a repository. The only file that imports gix.
//!
//! Nothing is run and nothing is written, so a repository that belongs to somebody else is
//! read as well; only its own configuration is looked at, none of the user or the system.

use std::fs;
use std::path::{Path, PathBuf};

use gix::odb::pack::data::File;

use super::ids::from_hex;

/// A repository, before its objects are read.
#[derive(Debug)]
pub struct Repository {
    /// Its own folder: `.git`, or what a file of that name points to.
    pub folder: PathBuf,
    /// What it shares with its worktrees.
    pub common: PathBuf,
    /// Whether there is no working tree.
    pub is_bare: bool,
    /// Bytes of an id.
    pub id_length: usize,
    /// Full names and ids.
    pub refs: Vec<(String, Vec<u8>)>,
    /// The commit of the working tree.
    pub head: Option<Vec<u8>>,
    /// Commits whose parents were not fetched.
    pub shallow: Vec<Vec<u8>>,
    /// Whether objects may be missing because they were never fetched.
    pub is_partial: bool,
    /// Whether refs are kept in a form that is not read.
    pub has_unread_refs: bool,
}

/// Opens the repository whose root a folder is; `None` if it is none.
pub fn open(root: &Path) -> Option<Result<Repository, String>> {
    is_root(root).then(|| read(root))
}

/// Whether a folder is the root of a repository, or one without a working tree.
fn is_root(folder: &Path) -> bool {
    folder.join(".git").exists() || ["HEAD", "objects", "refs"].iter().all(|name| folder.join(name).exists())
}

fn read(root: &Path) -> Result<Repository, String> {
    let options = gix::open::Options::isolated().with(gix::sec::Trust::Full).lossy_config(true);
    let repository = gix::open_opts(root, options).map_err(|error| error.to_string())?;
    let common = repository.common_dir().to_owned();
    let has_unread_refs = common.join("reftable").exists();
    let refs = if has_unread_refs { Vec::new() } else { refs(&repository) };
    let shallow = repository.shallow_commits().ok().flatten();
    let config = repository.config_snapshot();
    let remotes = repository.remote_names();
    let promises = |name: &str| config.boolean(format!("remote.{name}.promisor").as_str()).unwrap_or(false);
    let is_partial =
        config.string("extensions.partialClone").is_some() || remotes.iter().any(|name| promises(&name.to_string()));
    Ok(Repository {
        folder: repository.git_dir().to_owned(),
        common,
        is_bare: repository.workdir().is_none(),
        id_length: repository.object_hash().len_in_bytes(),
        refs,
        head: repository.head_id().ok().map(|id| id.as_bytes().to_vec()),
        shallow: shallow.iter().flat_map(|ids| ids.iter()).map(|id| id.as_bytes().to_vec()).collect(),
        is_partial,
        has_unread_refs,
    })
}

fn refs(repository: &gix::Repository) -> Vec<(String, Vec<u8>)> {
    let Ok(platform) = repository.references() else { return Vec::new() };
    let Ok(all) = platform.all() else { return Vec::new() };
    let named = all.filter_map(Result::ok).filter_map(|reference| {
        let id = reference.try_id()?;
        Some((reference.name().as_bstr().to_string(), id.as_bytes().to_vec()))
    });
    named.collect()
}

impl Repository {
    /// Ids that only logs of refs, and the heads of other worktrees, still name.
    pub fn logged(&self) -> Vec<Vec<u8>> {
        let mut ids = Vec::new();
        for folder in [&self.common, &self.folder] {
            ids.extend(ids_of_logs(&folder.join("logs")));
        }
        for entry in fs::read_dir(self.common.join("worktrees")).into_iter().flatten().filter_map(Result::ok) {
            ids.extend(ids_of_logs(&entry.path().join("logs")));
            let head = fs::read(entry.path().join("HEAD")).unwrap_or_default();
            ids.extend(from_hex(head.trim_ascii()));
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

fn ids_of_logs(folder: &Path) -> Vec<Vec<u8>> {
    let mut ids = Vec::new();
    for entry in walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok) {
        if !entry.file_type().is_file() {
            continue;
        }
        let log = fs::read(entry.path()).unwrap_or_default();
        for line in log.split(|byte| *byte == b'\n') {
            ids.extend(line.splitn(3, |byte| *byte == b' ').take(2).filter_map(from_hex));
        }
    }
    ids
}

/// The bytes of a pack.
pub struct PackBytes(File);

impl PackBytes {
    /// Opens a pack, of whose beginning only the header is looked at.
    pub fn open(path: &Path, id_length: usize) -> Result<Self, String> {
        let hash = if id_length == 32 { gix::hash::Kind::Sha256 } else { gix::hash::Kind::Sha1 };
        File::at(path, hash).map(Self).map_err(|error| error.to_string())
    }

    /// Some of the bytes; none where the pack has no such range.
    pub fn range(&self, start: u64, end: u64) -> &[u8] {
        let is_inside = start <= end && end <= self.end();
        is_inside.then(|| self.0.entry_slice(start..end)).flatten().unwrap_or_default()
    }

    /// Where the last object ends.
    pub fn end(&self) -> u64 {
        self.0.pack_end() as u64
    }
}
