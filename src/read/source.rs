//! Where bytes come from: a file, memory, or an entry of a zip archive, compressed or not.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use zeroize::Zeroizing;
use zip::ZipArchive;

use crate::live;
use crate::model::FileId;

/// A file that may describe the app.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its number; entries of an archive have the archive's.
    pub file: FileId,
    /// Path from the audited folder, with `/`; for an entry the archive's path.
    pub path: String,
    /// The file's own name, or the entry's path in the archive. Says the class of
    /// rows where the rows do not.
    pub name: String,
    /// The bytes.
    pub bytes: Bytes,
    /// Length in bytes, as it lies on disk.
    pub size: u64,
    /// Whether the user named the file; then failing to understand it is a problem.
    pub asked: bool,
}

/// Where the bytes of a candidate are.
#[derive(Clone)]
pub enum Bytes {
    /// A file on disk.
    Disk(PathBuf),
    /// In memory: the cases of rules.
    Memory(Arc<[u8]>),
    /// In memory, and wiped when nobody needs it: what is staged.
    Wiped(Arc<Zeroizing<Vec<u8>>>),
    /// An entry of a zip archive.
    Entry(Arc<Bytes>, usize),
    /// Rows that a running database streams.
    Live(Arc<dyn live::Rows>),
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disk(_) => "Disk",
            Self::Memory(_) => "Memory",
            Self::Wiped(_) => "Wiped",
            Self::Entry(..) => "Entry",
            Self::Live(_) => "Live",
        })
    }
}

/// Both ways to seek in an archive.
pub trait ReadSeek: Read + io::Seek {}
impl<T: Read + io::Seek> ReadSeek for T {}

impl Bytes {
    /// Opens the bytes, unpacked, and hands them to `then`.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or is no archive any more.
    pub fn open<T>(&self, then: impl FnOnce(&mut dyn Read) -> T) -> io::Result<T> {
        match self {
            Self::Disk(path) => unzipped(File::open(path)?, then),
            Self::Memory(bytes) => unzipped(Cursor::new(Arc::clone(bytes)), then),
            Self::Wiped(bytes) => unzipped(bytes.as_slice(), then),
            Self::Entry(archive, index) => {
                let mut archive = ZipArchive::new(archive.seekable()?)?;
                let entry = archive.by_index(*index)?;
                Ok(then(&mut BufReader::with_capacity(64 << 10, entry)))
            }
            Self::Live(rows) => Ok(then(&mut rows.open()?)),
        }
    }

    /// Opens the bytes as they lie there, packed or not.
    ///
    /// # Errors
    ///
    /// The file cannot be opened.
    pub fn open_raw<T>(&self, then: impl FnOnce(&mut dyn Read) -> T) -> io::Result<T> {
        match self {
            Self::Disk(path) => Ok(then(&mut File::open(path)?)),
            Self::Memory(bytes) => Ok(then(&mut Cursor::new(Arc::clone(bytes)))),
            Self::Wiped(bytes) => Ok(then(&mut bytes.as_slice())),
            Self::Entry(..) | Self::Live(_) => self.open(then),
        }
    }

    /// All bytes as they lie there, about `size` of them, in a buffer that is wiped.
    ///
    /// # Errors
    ///
    /// The file cannot be opened or read.
    pub fn raw(&self, size: u64) -> io::Result<Zeroizing<Vec<u8>>> {
        self.open_raw(|bytes| {
            // One byte more than there should be, so that the buffer does not grow and leave a copy behind.
            let mut whole = Zeroizing::new(Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1));
            bytes.read_to_end(&mut whole).map(|_| whole)
        })?
    }

    /// Opens the bytes as they lie there, to go back and forth in them.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or lies in an archive.
    pub fn seekable(&self) -> io::Result<BufReader<Box<dyn ReadSeek>>> {
        let bytes: Box<dyn ReadSeek> = match self {
            Self::Disk(path) => Box::new(File::open(path)?),
            Self::Memory(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
            Self::Wiped(_) | Self::Entry(..) | Self::Live(_) => {
                return Err(io::Error::other("an archive inside an archive is not read"));
            }
        };
        Ok(BufReader::new(bytes))
    }

    /// The entries of a zip archive: number, path inside, unpacked length.
    ///
    /// # Errors
    ///
    /// The file is no zip archive, or its directory is damaged.
    pub fn entries(&self) -> io::Result<Vec<(usize, String, u64)>> {
        let mut archive = ZipArchive::new(self.seekable()?)?;
        let mut entries = Vec::new();
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index)?;
            if entry.is_file() {
                let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
                entries.push((index, name, entry.size()));
            }
        }
        Ok(entries)
    }
}

/// Unpacks gzip, told by its first bytes.
fn unzipped<T>(mut file: impl Read, then: impl FnOnce(&mut dyn Read) -> T) -> io::Result<T> {
    let mut head = Vec::new();
    file.by_ref().take(2).read_to_end(&mut head)?;
    let is_gzip = head == [0x1f, 0x8b];
    let mut whole = Cursor::new(head).chain(file);
    Ok(if is_gzip {
        then(&mut MultiGzDecoder::new(BufReader::with_capacity(64 << 10, whole)))
    } else {
        then(&mut whole)
    })
}

impl Candidate {
    /// Up to `limit` bytes from the beginning.
    ///
    /// # Errors
    ///
    /// The file cannot be opened or read.
    pub fn head(&self, limit: u64) -> io::Result<Vec<u8>> {
        self.bytes.open(|bytes| {
            let mut head = Vec::new();
            bytes.take(limit).read_to_end(&mut head).map(|_| head)
        })?
    }

    /// Up to `limit` bytes as they lie on disk, packed or not; nothing if that fails.
    pub fn raw_head(&self, limit: u64) -> Vec<u8> {
        let mut head = Vec::new();
        let file = match &self.bytes {
            Bytes::Memory(bytes) => return bytes.get(..bytes.len().min(limit as usize)).unwrap_or_default().to_vec(),
            Bytes::Disk(path) => File::open(path),
            Bytes::Wiped(_) | Bytes::Live(_) => return head,
            Bytes::Entry(archive, _) => match archive.as_ref() {
                Bytes::Disk(path) => File::open(path),
                Bytes::Memory(_) | Bytes::Wiped(_) | Bytes::Entry(..) | Bytes::Live(_) => return head,
            },
        };
        if let Ok(file) = file {
            let _ = file.take(limit).read_to_end(&mut head);
        }
        head
    }

    /// Everything, unless it is longer than `limit` bytes: then `None`.
    ///
    /// # Errors
    ///
    /// The file cannot be opened or read.
    pub fn whole(&self, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let bytes = self.head(limit + 1)?;
        Ok((bytes.len() as u64 <= limit).then_some(bytes))
    }
}
