//! What git itself has to tell of a repository. The only file that imports gix.
//!
//! Nothing is run and nothing is written, so a repository that belongs to somebody else is
//! read as well; only its own configuration is looked at, none of the user or the system.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::extension::Tree as Cached;
use gix::index::{Entry, State, entry};
use gix::objs::tree::EntryMode;
use gix::odb::pack::data::File;
use gix::prelude::{FindExt, HeaderExt};
use zeroize::Zeroizing;

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

/// Opens the repository that is or that holds a folder, and tells the path of the folder from its root;
/// `None` if there is none.
pub fn open(folder: &Path) -> Option<Result<(Repository, String), String>> {
    let (root, below) = repository_of(folder).filter(|_| folder.is_dir())?;
    Some(read(&root).map(|repository| (repository, below)))
}

/// Whether a folder is a repository without a working tree, or the `.git` of one with it.
fn is_bare(folder: &Path) -> bool {
    ["HEAD", "objects", "refs"].iter().all(|name| folder.join(name).exists())
}

/// The root of the repository that is or that holds a folder or file, and the path from there, with `/`.
pub fn repository_of(path: &Path) -> Option<(PathBuf, String)> {
    let is_root = path.join(".git").exists() || is_bare(path);
    if is_root { Some((path.to_owned(), String::new())) } else { root_of(path) }
}

/// The root of the repository with a working tree that a folder or file lies in, and the path from
/// there, with `/`.
pub fn root_of(path: &Path) -> Option<(PathBuf, String)> {
    let path = path.canonicalize().ok()?;
    let root = path.ancestors().find(|folder| folder.join(".git").exists())?;
    let below = path.strip_prefix(root).ok()?.to_string_lossy().replace('\\', "/");
    Some((root.to_owned(), below))
}

fn open_repository(root: &Path) -> Result<gix::Repository, String> {
    let options = gix::open::Options::isolated().with(gix::sec::Trust::Full).lossy_config(true);
    let mut repository = gix::open_opts(root, options).map_err(|error| error.to_string())?;
    // Objects count as they are.
    repository.objects.ignore_replacements = true;
    Ok(repository)
}

/// The commit that the history of a repository begins with, in hex digits, by going back along
/// first parents; `None` if there is none, or one is missing on the way, or the path lies in no repository.
pub fn first_commit(path: &Path) -> Option<String> {
    let repository = open_repository(&repository_of(path)?.0).ok()?;
    let mut commit = repository.head_id().ok()?.detach();
    let mut buffer = Vec::new();
    while let Some(parent) = repository.objects.find_commit_iter(&commit, &mut buffer).ok()?.parent_ids().next() {
        commit = parent;
    }
    Some(commit.to_string())
}

/// Writes the files that a revision has below a folder of a repository into another folder. Links, and
/// names that no file may have, are left out; so is what is longer than `most` bytes.
///
/// # Errors
///
/// There is no repository or no such revision, or a file cannot be written.
pub fn check_out(path: &Path, revision: &str, into: &Path, most: u64) -> Result<(), String> {
    let (root, below) = repository_of(path).ok_or("it lies in no git repository")?;
    let repository = open_repository(&root)?;
    let tree = commit_of(&repository, revision)?.tree().map_err(text)?;
    let tree = if below.is_empty() {
        tree
    } else {
        let entry = tree.lookup_entry_by_path(&below).map_err(text)?;
        let entry = entry.ok_or_else(|| format!("there was no folder `{below}`"))?;
        entry.object().map_err(text)?.try_into_tree().map_err(text)?
    };
    write_tree(&repository, &tree, into, most)
}

/// The name of a commit or of contents.
pub type Id = ObjectId;

/// The past of the files of a repository.
pub struct Past(gix::Repository);

impl Past {
    /// The repository with this root, and the commit of its working tree; `None` if one of them cannot be read.
    pub fn open(root: &Path) -> Option<(Self, Id)> {
        let repository = open_repository(root).ok()?;
        let head = repository.head_id().ok()?.detach();
        Some((Self(repository), head))
    }

    /// The parents of a commit, and what a file was in it, if it was there; `None` if that cannot be told.
    pub fn version(&self, commit: Id, path: &str) -> Option<(Vec<Id>, Option<Id>)> {
        let commit = self.0.find_commit(commit).ok()?;
        let entry = commit.tree().ok()?.lookup_entry_by_path(path).ok()?;
        let file = entry.filter(|entry| entry.mode().is_blob()).map(|entry| entry.object_id());
        Some((commit.parent_ids().map(gix::Id::detach).collect(), file))
    }

    /// The contents of a file that is not longer than so many bytes.
    pub fn contents(&self, id: Id, most: usize) -> Option<Vec<u8>> {
        let size = self.0.objects.header(id).ok()?.size();
        if size > most as u64 { None } else { Some(self.0.find_blob(id).ok()?.data.clone()) }
    }
}

fn write_tree(repository: &gix::Repository, tree: &gix::Tree<'_>, into: &Path, most: u64) -> Result<(), String> {
    for entry in tree.iter() {
        let entry = entry.map_err(text)?;
        let Ok(name) = std::str::from_utf8(entry.filename()) else { continue };
        let is_plain = !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', '\0']);
        // There a colon leads elsewhere.
        let is_plain = is_plain && !(cfg!(windows) && name.contains(':'));
        if !is_plain || name.eq_ignore_ascii_case(".git") {
            continue;
        }
        let (to, mode) = (into.join(name), entry.mode());
        if mode.is_tree() {
            let tree = repository.find_tree(entry.oid()).map_err(text)?;
            std::fs::create_dir(&to).map_err(text)?;
            write_tree(repository, &tree, &to, most)?;
        } else if mode.is_blob() {
            let size = repository.objects.header(entry.oid()).map_err(text)?.size();
            if size <= most {
                let blob = repository.find_blob(entry.oid()).map_err(text)?;
                std::fs::write(&to, &blob.data).map_err(text)?;
            }
        }
    }
    Ok(())
}

/// The commit that a branch, a tag or hex digits name, with `~2` or `^` behind them for those before it.
fn commit_of<'r>(repository: &'r gix::Repository, revision: &str) -> Result<gix::Commit<'r>, String> {
    let unknown = || format!("no such revision: `{revision}`");
    let end = revision.find(['~', '^']).unwrap_or(revision.len());
    let (name, steps) = revision.split_at_checked(end).ok_or_else(unknown)?;
    let by_prefix = || {
        let prefix = gix::hash::Prefix::from_hex(name).ok()?;
        repository.objects.lookup_prefix(prefix, None).ok()??.ok()
    };
    let id = match name {
        "HEAD" | "" => repository.head_id().ok().map(gix::Id::detach),
        name => match repository.find_reference(name) {
            Ok(mut reference) => reference.peel_to_id().ok().map(gix::Id::detach),
            Err(_) => by_prefix(),
        },
    };
    let object = repository.find_object(id.ok_or_else(unknown)?).map_err(text)?;
    let mut commit = object.peel_to_commit().map_err(text)?;
    for _ in 0..super::range::back(steps).ok_or_else(unknown)? {
        let parent = commit.parent_ids().next().ok_or_else(unknown)?;
        commit = repository.find_commit(parent.detach()).map_err(text)?;
    }
    Ok(commit)
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

fn read(root: &Path) -> Result<Repository, String> {
    let repository = open_repository(root)?;
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

/// A repository of whose objects only those are read that are asked for.
pub struct Objects {
    repository: gix::Repository,
    index: PathBuf,
}

/// What an entry of the index stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Staged {
    /// The contents of a file.
    File,
    /// A link: a path.
    Link,
    /// A commit of another repository.
    Submodule,
    /// One of the sides of a conflict.
    Conflict,
}

/// An entry of the index that HEAD has not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Changed {
    /// Its path from the root of the repository.
    pub path: Vec<u8>,
    /// What it stands for.
    pub staged: Staged,
    /// The id of its contents.
    pub id: Vec<u8>,
}

impl Objects {
    /// Opens the repository with this root; `index` is a file that takes the place of its index.
    pub fn open(root: &Path, index: Option<&Path>) -> Result<Self, String> {
        let repository = open_repository(root)?;
        if repository.workdir().is_none() {
            return Err("it has no working tree, so that nothing is staged".to_owned());
        }
        let index = index.map_or_else(|| repository.index_path(), Path::to_owned);
        Ok(Self { repository, index })
    }

    /// What it shares with its worktrees.
    pub fn common(&self) -> &Path {
        self.repository.common_dir()
    }

    /// Whether older history was not fetched.
    pub fn is_shallow(&self) -> bool {
        self.repository.is_shallow().unwrap_or(false)
    }

    /// Bytes of an object.
    pub fn size(&self, id: &[u8]) -> Result<u64, String> {
        let id = ObjectId::try_from(id).map_err(|error| error.to_string())?;
        self.repository.objects.header(id).map(|header| header.size()).map_err(|error| error.to_string())
    }

    /// The contents of a file.
    pub fn blob(&self, id: &[u8], size: u64) -> Result<Zeroizing<Vec<u8>>, String> {
        let id = ObjectId::try_from(id).map_err(|error| error.to_string())?;
        let mut buffer = Zeroizing::new(Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1));
        let length = self.repository.objects.find_blob(&id, &mut buffer).map_err(|error| error.to_string())?.data.len();
        buffer.truncate(length);
        Ok(buffer)
    }

    /// The paths of the index whose contents are there, also as a whole: of folders, with `/` behind
    /// them, and of other repositories.
    pub fn tracked(&self) -> Result<Vec<Vec<u8>>, String> {
        let index = self.index()?;
        let is_there = |entry: &&Entry| !entry.flags.contains(entry::Flags::INTENT_TO_ADD);
        Ok(index.entries().iter().filter(is_there).map(|entry| entry.path(&index).to_vec()).collect())
    }

    /// What is staged and not in HEAD, in the order of paths.
    pub fn changed(&self) -> Result<Vec<Changed>, String> {
        if self.common().join("reftable").exists() {
            return Err("its refs are kept as a reftable, which is not read".to_owned());
        }
        let head = self.repository.head().map_err(|error| error.to_string())?;
        let head = match head.is_unborn() {
            true => None,
            false => Some(self.repository.head_tree_id().map_err(|error| error.to_string())?.detach()),
        };
        let index = self.index()?;
        let mut changed = Compare { objects: self, index: &index, changed: Vec::new() }.all(head)?;
        changed.sort();
        changed.dedup();
        Ok(changed)
    }

    fn index(&self) -> Result<State, String> {
        let hash = self.repository.object_hash();
        gix::index::File::at_or_default(&self.index, hash, true, Default::default())
            .map(Into::into)
            .map_err(|error| error.to_string())
    }

    /// The entries of a folder by name.
    fn tree(&self, id: ObjectId) -> Result<BTreeMap<BString, (EntryMode, ObjectId)>, String> {
        let mut buffer = Vec::new();
        if id.is_empty_tree() {
            return Ok(BTreeMap::new());
        }
        let items = self.repository.objects.find_tree_iter(&id, &mut buffer).map_err(|error| error.to_string())?;
        let items = items.map(|item| {
            let item = item.map_err(|error| error.to_string())?;
            Ok((item.filename.to_owned(), (item.mode, item.oid.to_owned())))
        });
        items.collect()
    }
}

/// Holds the index against the folders of HEAD.
struct Compare<'a> {
    objects: &'a Objects,
    index: &'a State,
    changed: Vec<Changed>,
}

/// A folder that is yet to be gone into.
struct Folder<'a> {
    entries: &'a [Entry],
    /// Bytes of its path, with the `/` behind it.
    length: usize,
    head: Option<ObjectId>,
    /// What the index knows of the folder as a whole.
    cached: Option<&'a Cached>,
}

impl<'a> Compare<'a> {
    fn all(mut self, head: Option<ObjectId>) -> Result<Vec<Changed>, String> {
        let root = Folder { entries: self.index.entries(), length: 0, head, cached: self.index.tree() };
        let mut open = vec![root];
        while let Some(folder) = open.pop() {
            self.folder(folder, &mut open)?;
        }
        Ok(self.changed)
    }

    fn folder(&mut self, folder: Folder<'a>, open: &mut Vec<Folder<'a>>) -> Result<(), String> {
        let is_same = |cached: &Cached| cached.num_entries.is_some() && Some(cached.id) == folder.head;
        if folder.cached.is_some_and(is_same) {
            return Ok(());
        }
        let before = folder.head.map(|head| self.objects.tree(head)).transpose()?.unwrap_or_default();
        let mut rest = folder.entries;
        while let Some((entry, after)) = rest.split_first() {
            let path = entry.path(self.index);
            let name = path.get(folder.length..).unwrap_or_default().as_bstr();
            match name.find_byte(b'/') {
                // A folder that is left out of the working tree ends in `/`.
                Some(end) if end + 1 < name.len() => {
                    let (name, above) = (name.get(..end).unwrap_or_default(), path.get(..folder.length + end + 1));
                    let inside =
                        rest.partition_point(|entry| entry.path(self.index).get(..folder.length + end + 1) == above);
                    let (inside, after) = rest.split_at(inside.max(1));
                    let head = before.get(name.as_bstr()).filter(|(mode, _)| mode.is_tree()).map(|(_, id)| *id);
                    let cached =
                        folder.cached.and_then(|cached| cached.children.iter().find(|child| child.name[..] == *name));
                    open.push(Folder { entries: inside, length: folder.length + end + 1, head, cached });
                    rest = after;
                }
                _ => {
                    let name = name.trim_end_with(|end| end == '/').as_bstr();
                    let head = before.get(name).filter(|(mode, _)| mode.is_tree() == entry.mode.is_sparse());
                    let head = head.map(|(_, id)| *id);
                    match entry.mode.is_sparse() {
                        true => self.left_out(path, head, entry.id)?,
                        false => self.entry(entry, path, head),
                    }
                    rest = after;
                }
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Entry, path: &BStr, head: Option<ObjectId>) {
        let staged = match () {
            () if entry.flags.contains(entry::Flags::INTENT_TO_ADD) => return,
            () if entry.stage_raw() != 0 => Staged::Conflict,
            () if head == Some(entry.id) => return,
            () if entry.mode.is_submodule() => Staged::Submodule,
            () if entry.mode == entry::Mode::SYMLINK => Staged::Link,
            () => Staged::File,
        };
        let id = if staged == Staged::Conflict { Vec::new() } else { entry.id.as_bytes().to_vec() };
        self.changed.push(Changed { path: path.to_vec(), staged, id });
    }

    /// Compares a folder that stands as a whole in the index.
    fn left_out(&mut self, path: &BStr, head: Option<ObjectId>, id: ObjectId) -> Result<(), String> {
        let mut open = vec![(path.to_vec(), head, id)];
        while let Some((path, head, id)) = open.pop() {
            if head == Some(id) {
                continue;
            }
            let before = head.map(|head| self.objects.tree(head)).transpose()?.unwrap_or_default();
            for (name, (mode, id)) in self.objects.tree(id)? {
                let head =
                    before.get(&name).filter(|(before, _)| before.is_tree() == mode.is_tree()).map(|(_, id)| *id);
                let mut path = [&path[..], &name[..]].concat();
                if mode.is_tree() {
                    path.push(b'/');
                    open.push((path, head, id));
                } else if head != Some(id) && mode.is_blob() {
                    self.changed.push(Changed { path, staged: Staged::File, id: id.as_bytes().to_vec() });
                }
            }
        }
        Ok(())
    }
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
