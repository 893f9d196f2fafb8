//! What was counted of a running app before it was cut off, so that the rest can be counted later:
//! counts of parts of classes, with neither rows nor ids.
//!
//! A part is kept under what it is: the same rows asked for in the same way. So what is counted anew
//! is never counted twice, whatever parts a later run asks for.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::model::Census;
use crate::model::census::Shape;

/// What was counted longer ago is counted anew.
const OLDEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How names of these files begin and end.
const NAMES: [&str; 2] = ["census-", ".jsonl"];

/// More is not read, in bytes.
const LONGEST: u64 = 1 << 30;

/// Which rows were counted, and how.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// Where they are.
    pub url: String,
    /// Their class.
    pub class: String,
    /// Which of them, in words of the source: the same words mean the same rows.
    pub part: String,
    /// Whether it was known which users there are.
    pub users: bool,
}

/// What a part came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The counts.
    pub census: Census,
    /// The digest of the ids.
    pub ids: u64,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    key: Key,
    /// When it was counted, in seconds since 1970.
    at: u64,
    ids: u64,
    unreadable: u64,
    folded: u64,
    shapes: Vec<(Shape, u64)>,
}

/// Counts of parts in a file, one in a line. A line that was cut off is none.
#[derive(Debug)]
pub struct Kept {
    path: PathBuf,
    before: BTreeMap<Key, Part>,
    /// Whether what is in the file is wanted.
    goes_on: bool,
    /// `None` until the first part is kept.
    file: Mutex<Option<File>>,
    /// How many parts of before were taken.
    taken: AtomicU64,
    has_failed: AtomicBool,
}

impl Kept {
    /// The name of the file for what `digest` stands for.
    pub fn file_name(digest: &str) -> String {
        let [head, tail] = NAMES;
        format!("{head}{digest}{tail}")
    }

    /// Keeps parts in a file, and forgets what is in it.
    pub fn anew(path: PathBuf) -> Self {
        Self {
            path,
            before: BTreeMap::new(),
            goes_on: false,
            file: Mutex::default(),
            taken: AtomicU64::new(0),
            has_failed: AtomicBool::new(false),
        }
    }

    /// Goes on with what is in a file, unless that is too old.
    ///
    /// # Errors
    ///
    /// The file is there and cannot be read.
    pub fn going_on(path: PathBuf) -> io::Result<Self> {
        let text = match read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            text => text?,
        };
        let oldest = now().saturating_sub(OLDEST.as_secs());
        let lines = text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
        let lines = lines.filter(|line: &Line| line.at >= oldest);
        let before = lines.map(|line| (line.key.clone(), line.part())).collect();
        Ok(Self { before, goes_on: true, ..Self::anew(path) })
    }

    /// What a part came to before.
    pub fn take(&self, key: &Key) -> Option<Part> {
        let part = self.before.get(key)?;
        self.taken.fetch_add(1, Ordering::Relaxed);
        Some(part.clone())
    }

    /// Of which parts of a class it is known what they came to, in no order.
    pub fn parts(&self, url: &str, class: &str) -> Vec<&str> {
        let of_class = self.before.keys().filter(|key| key.url == url && key.class == class);
        of_class.map(|key| key.part.as_str()).collect()
    }

    /// Keeps what a part came to. Where that cannot be written it is not kept.
    pub fn put(&self, key: &Key, part: &Part) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            *file = if self.goes_on { open(&self.path).ok() } else { create(&self.path).ok() };
        }
        let shapes = part.census.shapes.iter().map(|(shape, rows)| (shape.clone(), *rows)).collect();
        let line = Line {
            key: key.clone(),
            at: now(),
            ids: part.ids,
            unreadable: part.census.unreadable,
            folded: part.census.folded,
            shapes,
        };
        if let (Some(file), Ok(mut line)) = (file.as_mut(), serde_json::to_vec(&line)) {
            line.push(b'\n');
            let _ = file.write_all(&line);
        }
    }

    /// Some part was not counted.
    pub fn fail(&self) {
        self.has_failed.store(true, Ordering::Relaxed);
    }

    /// How many parts were not counted now, because they had been.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Ends: if all was counted there is nothing to go on with.
    pub fn end(&self) {
        if !self.has_failed.load(Ordering::Relaxed) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Line {
    fn part(self) -> Part {
        let Self { key, at: _, ids, unreadable, folded, shapes } = self;
        let mut census = Census { unreadable, folded, users_known: key.users, ..Census::default() };
        shapes.into_iter().for_each(|(shape, rows)| census.add(shape, rows));
        Part { census, ids }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    // What is too long was not written by us.
    if fs::metadata(path)?.len() > LONGEST { Ok(Vec::new()) } else { fs::read(path) }
}

/// The file, at its end. Its last line may have been cut off.
fn open(path: &Path) -> io::Result<File> {
    match File::options().append(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => create(path),
        file => {
            let mut file = file?;
            file.write_all(b"\n")?;
            Ok(file)
        }
    }
}

/// The file, empty, and for nobody else: names of roles may be somebody's own.
fn create(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
        forget_old(folder);
    }
    // What somebody else may read, or a link, is not written into.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Removes what other runs left behind so long ago that nobody goes on with it.
fn forget_old(folder: &Path) {
    let [head, tail] = NAMES;
    for path in fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let age = fs::symlink_metadata(&path).and_then(|about| about.modified()).ok().and_then(|at| at.elapsed().ok());
        if name.starts_with(head) && name.ends_with(tail) && age.is_some_and(|age| age > OLDEST) {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::census::Entries;

    fn key(part: &str) -> Key {
        Key { url: "mongodb://db/shop/Order".into(), class: "Order".into(), part: part.into(), users: true }
    }

    fn part(rows: u64) -> Part {
        let mut census = Census { unreadable: 1, users_known: true, ..Census::default() };
        let roles = ["staff".into()].into();
        census.add(Shape { read: Some(Entries { roles, ..Entries::default() }), ..Shape::default() }, rows);
        Part { census, ids: u64::MAX - rows }
    }

    #[test]
    fn a_run_goes_on_where_another_was_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/census.jsonl");
        let first = Kept::anew(path.clone());
        first.put(&key("a"), &part(3));
        first.put(&key("b"), &part(5));
        first.fail();
        first.end();
        // The last line was cut off.
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() - 9]).unwrap();

        let second = Kept::going_on(path.clone()).unwrap();
        assert_eq!(second.parts("mongodb://db/shop/Order", "Order"), ["a"]);
        assert_eq!(second.parts("mongodb://db/other/Order", "Order").len(), 0);
        assert_eq!(second.take(&key("b")), None);
        assert_eq!(second.take(&Key { users: false, ..key("a") }), None);
        second.put(&key("c"), &part(7));
        second.fail();
        second.end();
        // Cut off once more, before all was taken that was there.
        let third = Kept::going_on(path.clone()).unwrap();
        assert_eq!((third.take(&key("a")), third.take(&key("c"))), (Some(part(3)), Some(part(7))));
        assert_eq!(third.taken(), 2);
        third.end();
        assert!(!path.exists());
    }

    #[test]
    fn what_is_a_day_old_is_forgotten_and_another_run_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("census.jsonl");
        Kept::anew(path.clone()).put(&key("a"), &part(3));
        let text = fs::read_to_string(&path).unwrap();
        let at = serde_json::from_str::<Line>(&text).unwrap().at;
        assert!(Kept::going_on(path.clone()).unwrap().take(&key("a")).is_some());
        fs::write(&path, text.replace(&format!("\"at\":{at}"), "\"at\":1234567890")).unwrap();
        assert_eq!(Kept::going_on(path.clone()).unwrap().take(&key("a")), None);
        // Nor does what others left behind stay, if it is ours.
        let old = SystemTime::now() - 2 * OLDEST;
        let [other, foreign] = [Kept::file_name("other"), "foreign".to_owned()].map(|name| folder.path().join(name));
        for file in [&other, &foreign] {
            File::create(file).unwrap().set_modified(old).unwrap();
        }
        Kept::anew(path.clone()).put(&key("b"), &part(3));
        assert!(!other.exists() && foreign.exists());
        assert!(!fs::read_to_string(&path).unwrap().contains("\"a\""));
    }
}
