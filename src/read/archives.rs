//! Looks for keys in archives, if that is asked for: zip and what is one (jar, war, apk, ipa),
//! tar, gzip, and archives in them, one level deep.
//!
//! Nothing is unpacked to disk, and of an entry no more is held than of a file. What an archive
//! unpacks to is limited, and what is left out is said. The path of an entry is that of its
//! archive, `!/`, and its own.

use std::io::{self, BufReader, Cursor, Read, Seek};
use std::ops::ControlFlow;

use rayon::prelude::*;
use tar::Archive;
use zeroize::Zeroizing;
use zip::ZipArchive;

use crate::model::place::Texts;
use crate::model::snapshot::Gap;
use crate::model::{FileId, SecretHit};
use crate::problem::Problem;
use crate::secrets::Scanner;
use crate::secrets::paths::{is_archive, is_no_text, is_vendored};

use super::file;
use super::keys::{self, Outcome, Searched};

/// Entries have numbers from here on.
const ENTRIES: u32 = 1 << 29;

/// An archive unpacks to no more bytes than this,
const MOST: u64 = 4 << 30;

/// and to no more than so many times its length,
const RATIO: u64 = 100;

/// unless it is small all the same.
const ALLOWED: u64 = if cfg!(test) { 4 << 20 } else { 64 << 20 };

/// Entries of an archive, those of archives in it too.
const MOST_ENTRIES: u64 = 200_000;

/// Longer archives in archives are not opened.
const NESTED: u64 = 64 << 20;

/// How deep archives lie in each other; the first lies in none.
const DEEPEST: usize = 1;

/// Where a tar says what it is, and what it says.
const TAR: (usize, &[u8]) = (257, b"ustar");

/// One archive that is gone through.
struct Opened<'a> {
    scanner: &'a Scanner,
    /// Entries in which something was found.
    found: Vec<(String, Outcome)>,
    /// Bytes that may still be unpacked.
    bytes: u64,
    entries: u64,
    left_out: LeftOut,
}

/// What of an archive was not searched.
#[derive(Debug, Default, PartialEq, Eq)]
struct LeftOut {
    /// It unpacks to too much.
    rest: bool,
    /// Entries that are encrypted or packed in a way that is not known.
    closed: u64,
    /// Archives that lie too deep or are too long.
    nested: u64,
}

/// What was found in archives, and what was not looked at.
#[derive(Debug, Default)]
pub struct Searching {
    /// Keys.
    pub hits: Vec<SecretHit>,
    /// What was left out.
    pub gaps: Vec<Gap>,
}

/// Searches all archives.
pub fn search(scanner: &Scanner, archives: &[Searched], texts: &mut Texts, problems: &mut Vec<Problem>) -> Searching {
    let all: Vec<(Opened<'_>, io::Result<()>)> = archives.par_iter().map(|archive| open(scanner, archive)).collect();
    let mut searching = Searching::default();
    let mut next = ENTRIES;
    for (archive, (opened, done)) in archives.iter().zip(all) {
        if let Err(error) = done {
            let consequence = "what is left of the archive was not searched for keys";
            problems.push(Problem::new(&archive.path, file::words(&error), consequence));
        }
        for (path, outcome) in opened.found {
            keys::take(texts, FileId(next), &path, outcome, &mut searching.hits);
            next = next.saturating_add(1);
        }
        let reason = opened.left_out.words();
        if !reason.is_empty() {
            searching.gaps.push(Gap::new(archive.path.clone(), reason));
        }
    }
    searching
}

/// Names archives that nobody asked to open.
pub fn unopened(archives: &[Searched]) -> Option<Gap> {
    let [first, others @ ..] = archives else { return None };
    let more = match others {
        [] => String::new(),
        others => format!(" and {} more", others.len()),
    };
    Some(Gap::new("archives", format!("{}{more} not opened to look for keys; --archives opens them", first.path)))
}

impl LeftOut {
    fn words(&self) -> String {
        let mut words = Vec::new();
        if self.rest {
            words.push("it unpacks to more than is sensible, and the rest was not searched for keys".to_owned());
        }
        for (count, what) in [
            (self.closed, "encrypted or packed in a way that is not known"),
            (self.nested, "an archive too deep or too long to be opened"),
        ] {
            match count {
                0 => {}
                1 => words.push(format!("1 entry is {what}")),
                count => words.push(format!("{count} entries are {what}")),
            }
        }
        words.join("; ")
    }
}

fn open<'a>(scanner: &'a Scanner, archive: &Searched) -> (Opened<'a>, io::Result<()>) {
    let bytes = archive.size.saturating_mul(RATIO).clamp(ALLOWED, MOST);
    let mut opened = Opened { scanner, found: Vec::new(), bytes, entries: 0, left_out: LeftOut::default() };
    let done = archive.bytes.seekable().and_then(|bytes| opened.archive(&archive.path, bytes, 0));
    (opened, done)
}

impl Opened<'_> {
    /// Goes through an archive of whatever kind; what is none is passed by.
    fn archive(&mut self, path: &str, mut bytes: impl Read + Seek, depth: usize) -> io::Result<()> {
        let mut head = Vec::new();
        bytes.by_ref().take(TAR.0 as u64 + TAR.1.len() as u64).read_to_end(&mut head)?;
        bytes.rewind()?;
        match form(&head) {
            Some(Form::Zip) => self.zip(path, bytes, depth),
            Some(Form::Tar) => self.tar(path, bytes, depth),
            Some(Form::Gzip) => self.gzip(path, bytes, depth),
            None => Ok(()),
        }
    }

    fn zip(&mut self, path: &str, bytes: impl Read + Seek, depth: usize) -> io::Result<()> {
        let mut archive = ZipArchive::new(bytes)?;
        for number in 0..archive.len() {
            let name = {
                let entry = archive.by_index_raw(number)?;
                if !entry.is_file() {
                    continue;
                }
                String::from_utf8_lossy(entry.name_raw()).into_owned()
            };
            if !wants(&name) {
                continue;
            }
            let flow = match archive.by_index(number) {
                Ok(mut entry) => self.entry(path, &name, &mut entry, depth)?,
                Err(zip::result::ZipError::Io(error)) => return Err(error),
                Err(_) => {
                    self.left_out.closed += 1;
                    ControlFlow::Continue(())
                }
            };
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn tar(&mut self, path: &str, bytes: impl Read, depth: usize) -> io::Result<()> {
        // What is passed by has to be unpacked as well.
        let mut bytes = bytes.take(self.bytes.saturating_mul(2));
        let done = self.tar_entries(path, &mut bytes, depth);
        if bytes.limit() == 0 {
            self.left_out.rest = true;
            return Ok(());
        }
        done
    }

    fn tar_entries(&mut self, path: &str, bytes: &mut dyn Read, depth: usize) -> io::Result<()> {
        for entry in Archive::new(bytes).entries()? {
            let mut entry = entry?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if entry.header().entry_type().is_file()
                && wants(&name)
                && self.entry(path, &name, &mut entry, depth)?.is_break()
            {
                break;
            }
        }
        Ok(())
    }

    fn gzip(&mut self, path: &str, bytes: impl Read, depth: usize) -> io::Result<()> {
        let mut bytes = flate2::read::MultiGzDecoder::new(BufReader::with_capacity(64 << 10, bytes));
        let mut head = Vec::new();
        bytes.by_ref().take(TAR.0 as u64 + TAR.1.len() as u64).read_to_end(&mut head)?;
        let is_tar = form(&head) == Some(Form::Tar);
        let mut whole = Cursor::new(head).chain(bytes);
        if is_tar {
            return self.tar(path, whole, depth);
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        let name = name.strip_suffix(".gz").unwrap_or(name).to_owned();
        self.entry(path, &name, &mut whole, depth).map(|_| ())
    }

    /// Searches an entry. Breaks if the archive has unpacked to too much.
    fn entry(&mut self, archive: &str, name: &str, bytes: &mut dyn Read, depth: usize) -> io::Result<ControlFlow<()>> {
        self.entries += 1;
        if self.bytes == 0 || self.entries > MOST_ENTRIES {
            self.left_out.rest = true;
            return Ok(ControlFlow::Break(()));
        }
        let path = path_of(archive, name);
        let mut bytes = bytes.take(self.bytes);
        let mut first = Zeroizing::new(Vec::new());
        read_up_to(&mut bytes, keys::WHOLE, &mut first)?;
        let is_archive = form(&first).is_some();
        if is_archive {
            read_up_to(&mut bytes, NESTED, &mut first)?;
        } else {
            let is_whole = (first.len() as u64) < keys::WHOLE;
            let outcome = if is_whole {
                keys::in_bytes(self.scanner, &path, first)
            } else {
                keys::in_pieces(self.scanner, &path, &mut Cursor::new(first.as_slice()).chain(&mut bytes))?
            };
            if outcome.is_worth_keeping() {
                self.found.push((path.clone(), outcome));
            }
            first = Zeroizing::default();
        }
        self.bytes = bytes.limit();
        if self.bytes == 0 {
            self.left_out.rest = true;
            return Ok(ControlFlow::Break(()));
        }
        if is_archive && (depth >= DEEPEST || first.len() as u64 >= NESTED) {
            self.left_out.nested += 1;
        } else if is_archive {
            self.archive(&path, Cursor::new(first.as_slice()), depth + 1)?;
        }
        Ok(ControlFlow::Continue(()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Zip,
    Tar,
    Gzip,
}

fn form(head: &[u8]) -> Option<Form> {
    if file::is_zip(head) {
        return Some(Form::Zip);
    }
    if head.starts_with(&[0x1f, 0x8b]) {
        return Some(Form::Gzip);
    }
    head.get(TAR.0..)?.starts_with(TAR.1).then_some(Form::Tar)
}

/// The path of an entry, which leads nowhere else.
fn path_of(archive: &str, name: &str) -> String {
    let parts = name.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | ".."));
    parts.fold(format!("{archive}!"), |path, part| path + "/" + part)
}

/// Whether an entry is looked into: as files of a folder are, by its name.
fn wants(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    !name.split('/').any(|part| is_vendored(part) || part == "__MACOSX") && (!is_no_text(file) || is_archive(file))
}

/// Reads until so many bytes are there, without leaving a copy behind where the buffer grows.
fn read_up_to(bytes: &mut dyn Read, most: u64, whole: &mut Zeroizing<Vec<u8>>) -> io::Result<()> {
    const STEP: usize = 64 << 10;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    while whole.len() < most {
        let room = whole.capacity() - whole.len();
        if room == 0 {
            let mut larger = Zeroizing::new(Vec::with_capacity((2 * whole.len()).max(STEP)));
            larger.extend_from_slice(whole);
            *whole = larger;
            continue;
        }
        let wanted = room.min(most - whole.len());
        if bytes.take(wanted as u64).read_to_end(whole)? < wanted {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::super::source::Bytes;
    use super::*;
    use crate::model::Place;
    use crate::secrets::redact::Salt;

    const KEY: &[u8] = b"new ParseServer({ masterKey: 'k2j9flq0zx7vb3' });\n";

    fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            zip.start_file(*name, SimpleFileOptions::default()).expect("an entry");
            zip.write_all(bytes).expect("its bytes");
        }
        zip.finish().expect("a zip").into_inner()
    }

    fn tarred(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, bytes) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            tar.append_data(&mut header, name, *bytes).expect("an entry");
        }
        tar.into_inner().expect("a tar")
    }

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(bytes).expect("its bytes");
        gzip.finish().expect("a gzip")
    }

    /// Paths of keys with their bytes, gaps, problems.
    fn searched(path: &str, bytes: &[u8]) -> (Vec<(String, bool)>, Vec<String>, usize) {
        let rules = crate::rules::loader::built_in().expect("rules");
        let scanner = Scanner::new(&rules, Salt::default()).expect("a scanner");
        let size = bytes.len() as u64;
        let archive = Searched { file: FileId(0), path: path.to_owned(), bytes: Bytes::Memory(Arc::from(bytes)), size };
        let (mut texts, mut problems) = (Texts::default(), Vec::new());
        let found = search(&scanner, &[archive], &mut texts, &mut problems);
        let hit = |hit: &SecretHit| (texts.path(&hit.at).to_owned(), matches!(hit.at, Place::Text { .. }));
        let gaps = found.gaps.into_iter().map(|gap| gap.reason).collect();
        (found.hits.iter().map(hit).collect(), gaps, problems.len())
    }

    #[test]
    fn keys_in_archives_of_every_kind_are_found_at_their_entries() {
        let entries: [(&str, &[u8]); 4] =
            [("a/readme.md", b"x"), ("cloud/main.js", KEY), ("node_modules/a.js", KEY), ("b.png", KEY)];
        for (path, bytes) in [
            ("app.war", zipped(&entries)),
            ("app.tar", tarred(&entries)),
            ("app.tgz", gzipped(&tarred(&entries))),
            ("app.zip", zipped(&[("cloud/main.js", KEY), ("x", b"")])),
        ] {
            let expected = (vec![(format!("{path}!/cloud/main.js"), true)], vec![], 0);
            assert_eq!(searched(path, &bytes), expected, "{path}");
        }
        let (hits, gaps, problems) = searched("db/main.js.gz", &gzipped(KEY));
        assert_eq!((hits, gaps.len(), problems), (vec![("db/main.js.gz!/main.js".to_owned(), true)], 0, 0));
    }

    #[test]
    fn archives_in_archives_are_opened_once() {
        let inner = zipped(&[("main.js", KEY)]);
        let middle = gzipped(&tarred(&[("in.jar", &inner), ("other.js", KEY)]));
        let (hits, gaps, problems) = searched("out.zip", &zipped(&[("middle.tgz", &middle), ("in.jar", &inner)]));
        let paths: Vec<&str> = hits.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["out.zip!/middle.tgz!/other.js", "out.zip!/in.jar!/main.js"]);
        assert_eq!((gaps, problems), (vec!["1 entry is an archive too deep or too long to be opened".to_owned()], 0));
    }

    #[test]
    fn a_bomb_is_left_when_it_has_unpacked_to_too_much() {
        let blanks = vec![b' '; 1 << 20];
        let many: Vec<(String, &[u8])> = (0..10).map(|number| (format!("{number}.txt"), blanks.as_slice())).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
        for (path, bytes) in [("a.zip", zipped(&many)), ("a.tgz", gzipped(&tarred(&many)))] {
            let (hits, gaps, problems) = searched(path, &bytes);
            assert!(bytes.len() < 40_000 && hits.is_empty() && problems == 0, "{path}");
            assert!(gaps.len() == 1 && gaps[0].starts_with("it unpacks to more"), "{path}: {gaps:?}");
        }
    }

    #[test]
    fn what_is_cut_is_a_problem_and_what_was_read_before_counts() {
        let whole = tarred(&[("main.js", KEY), ("x.txt", &[b'x'; 4096])]);
        let (hits, _, problems) = searched("a.tar", &whole[..2048]);
        assert_eq!((hits.len(), problems), (1, 1));
        let whole = zipped(&[("main.js", KEY)]);
        assert_eq!(searched("a.zip", &whole[..whole.len() / 2]).2, 1);
        assert_eq!(searched("a.zip", b"no archive"), (vec![], vec![], 0));
    }
}
