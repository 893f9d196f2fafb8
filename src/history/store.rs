//! Where objects are kept: packs and loose files, of a repository and of those it borrows from.

use std::fs;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::problem::Problem;

use super::git::Repository;
use super::ids::{Ids, Object, from_hex};
use super::inflate;
use super::pack::{Kind, Pack};
use super::resolve::LARGEST;

/// All objects of a repository, unread.
pub struct Store {
    /// The ids of all of them.
    pub ids: Ids,
    /// The packs.
    pub packs: Vec<Pack>,
    /// Objects in a file each.
    pub loose: Vec<Loose>,
    /// Whether a pack says that what it lacks may be fetched.
    pub is_partial: bool,
}

/// An object in a file of its own.
pub struct Loose {
    /// The object.
    pub object: Object,
    /// Whether the repository does not borrow it.
    pub is_own: bool,
    path: PathBuf,
}

/// Deepest chain of repositories that borrow from each other.
const BORROWED: usize = 8;

impl Store {
    /// Lists the objects of a repository.
    pub fn open(repository: &Repository, problems: &mut Vec<Problem>) -> Self {
        let ids = Ids::new(repository.id_length);
        let mut store = Self { ids, packs: Vec::new(), loose: Vec::new(), is_partial: repository.is_partial };
        let mut folders = vec![repository.common.join("objects")];
        let mut next = 0;
        while let Some(folder) = folders.get(next).cloned() {
            let is_own = next == 0;
            next += 1;
            if !folder.is_dir() {
                problems.push(Problem::new(
                    folder.display().to_string(),
                    "the folder of objects is missing",
                    "keys in it were not looked for",
                ));
                continue;
            }
            store.take_packs(&folder, is_own, problems);
            store.take_loose(&folder, is_own);
            for other in alternates(&folder) {
                if !folders.contains(&other) && folders.len() < BORROWED {
                    folders.push(other);
                }
            }
        }
        store
    }

    fn take_packs(&mut self, folder: &Path, is_own: bool, problems: &mut Vec<Problem>) {
        for path in sorted(&folder.join("pack")) {
            let extension = path.extension().and_then(|extension| extension.to_str());
            self.is_partial |= extension == Some("promisor");
            if extension != Some("idx") {
                continue;
            }
            match Pack::open(&path, is_own, &mut self.ids) {
                Ok(pack) => self.packs.push(pack),
                Err(error) => {
                    let path = path.with_extension("pack").display().to_string();
                    problems.push(Problem::new(path, error, "keys in its objects were not looked for"));
                }
            }
        }
    }

    fn take_loose(&mut self, folder: &Path, is_own: bool) {
        let packed = self.ids.count();
        for folder in sorted(folder) {
            let Some(first) = folder.file_name().and_then(|name| name.to_str()).filter(|name| name.len() == 2) else {
                continue;
            };
            for path in sorted(&folder) {
                let Some(rest) = path.file_name().and_then(|name| name.to_str()) else { continue };
                let Some(id) = from_hex(format!("{first}{rest}").as_bytes()) else { continue };
                // What is packed as well is read from there.
                if let Some(object) = self.ids.add(&id).filter(|object| *object as usize >= packed) {
                    self.loose.push(Loose { object, is_own, path });
                }
            }
        }
    }
}

impl Loose {
    /// Reads the object; `None` if only its kind is asked for and it is another one.
    pub fn read(&self, wanted: impl Fn(Kind) -> bool) -> Result<Option<(Kind, Content)>, Problem> {
        let fault = |message: String| {
            Problem::new(self.path.display().to_string(), message, "keys in this object were not looked for")
        };
        let packed = fs::read(&self.path).map_err(|error| fault(error.to_string()))?;
        let head = inflate::all(&packed, 32).map_err(|error| fault(error.to_string()))?;
        let (kind, size, begin) = header(&head).ok_or_else(|| fault("not an object of git".to_owned()))?;
        if !wanted(kind) {
            return Ok(None);
        }
        if size > LARGEST {
            return Ok(Some((kind, Content::Large)));
        }
        let mut bytes = inflate::all(&packed, size + begin as u64 + 1).map_err(|error| fault(error.to_string()))?;
        if bytes.len() as u64 != size + begin as u64 {
            return Err(fault("the object is not as long as it says".to_owned()));
        }
        bytes.drain(..begin);
        Ok(Some((kind, Content::Bytes(bytes))))
    }
}

/// What an object holds.
pub enum Content {
    /// Its bytes.
    Bytes(Zeroizing<Vec<u8>>),
    /// Too much.
    Large,
}

fn header(head: &[u8]) -> Option<(Kind, u64, usize)> {
    let end = head.iter().position(|byte| *byte == 0)?;
    let (word, size) = std::str::from_utf8(head.get(..end)?).ok()?.split_once(' ')?;
    let kind = match word {
        "commit" => Kind::Commit,
        "tree" => Kind::Tree,
        "blob" => Kind::Blob,
        "tag" => Kind::Tag,
        _ => return None,
    };
    Some((kind, size.parse().ok()?, end + 1))
}

/// Folders of objects that are borrowed.
fn alternates(folder: &Path) -> Vec<PathBuf> {
    let list = fs::read_to_string(folder.join("info/alternates")).unwrap_or_default();
    let lines = list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| folder.join(line)).map(|path| path.canonicalize().unwrap_or(path)).collect()
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort_unstable();
    paths
}
