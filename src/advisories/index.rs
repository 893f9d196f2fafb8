//! Advisories that were imported, in one file that is looked into without reading all of it.
//!
//! A line of JSON about the file; a line for each package, sorted by name: name, where its records
//! begin behind this list, their length, and the day on which somebody was asked about it by itself,
//! with tabs between them; then the records, one a line, in the OSV format without what nobody needs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use jiff::civil::Date;
use rayon::prelude::*;
use semver::Version;
use serde::{Deserialize, Serialize};

use super::{Advisories, Advisory, osv};

/// Raised when an older program can no longer read the file.
const FORMAT: u32 = 1;

/// A line or list longer than this was not written by us.
const LONGEST: u64 = 256 << 20;

/// The versions of a package that are asked about; `None` for all.
pub type Versions<'v> = Option<Vec<&'v Version>>;

/// What an index says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    format: u32,
    /// The day on which all there was about packages was taken in, if ever.
    pub whole: Option<Date>,
    /// The last change of a record, as the records tell it.
    pub changed: Option<String>,
    /// How many advisories there are.
    pub advisories: usize,
    /// How many packages they are about.
    pub packages: usize,
    /// Bytes of the list of packages.
    list: u64,
}

/// An index that is open.
pub struct Index<R> {
    from: R,
    /// What it says of itself.
    pub header: Header,
    list: Vec<u8>,
    /// Where the records begin.
    records: u64,
}

impl<R: Read + Seek> Index<R> {
    /// Opens an index.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is none of this version.
    pub fn open(mut from: R) -> io::Result<Self> {
        let is_none = || io::Error::new(io::ErrorKind::InvalidData, "it was written by another version, or is damaged");
        let mut reader = BufReader::new(&mut from);
        let mut line = Vec::new();
        reader.by_ref().take(4096).read_until(b'\n', &mut line)?;
        let header: Header = serde_json::from_slice(&line).map_err(|_| is_none())?;
        if header.format != FORMAT || header.list > LONGEST {
            return Err(is_none());
        }
        let mut list = Vec::new();
        reader.take(header.list).read_to_end(&mut list)?;
        if list.len() as u64 != header.list {
            return Err(is_none());
        }
        let records = line.len() as u64 + header.list;
        Ok(Self { from, header, list, records })
    }

    /// Adds the advisories about some packages to others; where versions are given, only those of packages
    /// of which one of these versions has any.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn add_to<'n>(
        &mut self,
        advisories: &mut Advisories,
        packages: impl IntoIterator<Item = (&'n str, Versions<'n>)>,
    ) -> io::Result<()> {
        let mut asked = Vec::new();
        for (package, versions) in packages {
            let found = self.find(package);
            if let Some(day) = found.and_then(|found| found.asked).max(self.header.whole) {
                advisories.imported.insert(package.to_owned(), day);
            }
            let Some(Found { start, length, .. }) = found.filter(|found| found.length <= LONGEST) else { continue };
            self.from.seek(SeekFrom::Start(self.records + start))?;
            let mut lines = vec![0; usize::try_from(length).unwrap_or_default()];
            self.from.read_exact(&mut lines)?;
            asked.push((package, versions, lines));
        }
        let read = |(package, versions, lines): &(&str, Versions<'_>, Vec<u8>)| -> Vec<Advisory> {
            let lines = || lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            let is_meant =
                versions.as_ref().is_none_or(|versions| lines().any(|line| osv::is_about(line, package, versions)));
            if is_meant { lines().filter_map(|line| osv::read(line).ok().flatten()).collect() } else { Vec::new() }
        };
        let found: Vec<Vec<Advisory>> = asked.par_iter().map(read).collect();
        found.into_iter().flatten().for_each(|advisory| advisories.add(advisory));
        Ok(())
    }

    /// The packages that somebody was asked about by themselves, and when.
    pub fn asked(&self) -> BTreeMap<String, Date> {
        let lines = self.list.split(|byte| *byte == b'\n');
        lines.filter_map(|line| named(line)).filter_map(|(name, found)| Some((name.to_owned(), found.asked?))).collect()
    }

    /// Hands on every record.
    ///
    /// # Errors
    ///
    /// It cannot be read, or `each` fails.
    pub fn each(&mut self, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        self.from.seek(SeekFrom::Start(self.records))?;
        for line in BufReader::new(&mut self.from).split(b'\n') {
            each(&line?)?;
        }
        Ok(())
    }

    /// Where the records of a package are.
    fn find(&self, package: &str) -> Option<Found> {
        let mut rest = self.list.as_slice();
        while !rest.is_empty() {
            let middle = rest.len() / 2;
            let start = memchr::memrchr(b'\n', rest.get(..middle)?).map_or(0, |at| at + 1);
            let end = memchr::memchr(b'\n', rest.get(middle..)?).map_or(rest.len(), |at| middle + at + 1);
            let line = rest.get(start..end)?;
            let name = line.get(..memchr::memchr(b'\t', line)?)?;
            match name.cmp(package.as_bytes()) {
                std::cmp::Ordering::Equal => return named(line).map(|(_, found)| found),
                std::cmp::Ordering::Less => rest = rest.get(end..)?,
                std::cmp::Ordering::Greater => rest = rest.get(..start)?,
            }
        }
        None
    }
}

/// What the list says of a package.
#[derive(Debug, Clone, Copy)]
struct Found {
    start: u64,
    length: u64,
    asked: Option<Date>,
}

/// A line of the list.
fn named(line: &[u8]) -> Option<(&str, Found)> {
    let mut parts = std::str::from_utf8(line).ok()?.trim_end().split('\t');
    let name = parts.next()?;
    let (start, length) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some((name, Found { start, length, asked: parts.next().and_then(|day| day.parse().ok()) }))
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is in the index.
    Yes,
    /// It is withdrawn, about malicious packages, or about none of npm.
    LeftOut,
}

/// Which records are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Weaknesses of packages.
    Weaknesses,
    /// Packages that are malicious as a whole, too.
    MaliciousToo,
}

/// Makes an index. Records wait in a file, so that memory does not grow with them.
pub struct Builder<S: Read + Write + Seek> {
    spool: BufWriter<S>,
    written: u64,
    /// Where each record waits, by the packages that it is about.
    waiting: Vec<Waiting>,
    /// The number of the last record with an id.
    last: BTreeMap<Box<str>, u32>,
    count: u32,
    changed: Option<String>,
}

/// A record that waits.
struct Waiting {
    package: Box<str>,
    number: u32,
    start: u64,
    length: u64,
}

impl<S: Read + Write + Seek> Builder<S> {
    /// Makes one, with an empty file for what waits.
    pub fn new(spool: S) -> Self {
        let spool = BufWriter::with_capacity(1 << 20, spool);
        let (waiting, last) = (Vec::new(), BTreeMap::new());
        Self { spool, written: 0, waiting, last, count: 0, changed: None }
    }

    /// Adds a record if it is wanted; of two with the same id the later one counts.
    ///
    /// # Errors
    ///
    /// It is no record of the OSV format ([`io::ErrorKind::InvalidData`]), or the file cannot be written.
    pub fn add(&mut self, record: &[u8], wanted: Wanted) -> io::Result<Added> {
        let short = osv::shortened(record, wanted == Wanted::MaliciousToo);
        let Some(short) = short.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))? else {
            return Ok(Added::LeftOut);
        };
        self.spool.write_all(&short.line)?;
        let length = short.line.len() as u64;
        for package in short.packages {
            let package = package.into_boxed_str();
            self.waiting.push(Waiting { package, number: self.count, start: self.written, length });
        }
        self.last.insert(short.id.into_boxed_str(), self.count);
        self.changed = self.changed.take().max(short.changed);
        self.written += length;
        self.count += 1;
        Ok(Added::Yes)
    }

    /// Writes the index and gives back what it says of itself. `whole` is the day on which all there was
    /// about packages was taken in, `asked` are those that somebody was asked about by themselves.
    ///
    /// # Errors
    ///
    /// Reading or writing fails.
    pub fn write(
        mut self,
        out: &mut dyn Write,
        whole: Option<Date>,
        asked: &BTreeMap<String, Date>,
    ) -> io::Result<Header> {
        let live: BTreeSet<u32> = self.last.into_values().collect();
        self.waiting.retain(|waiting| live.contains(&waiting.number));
        self.waiting.sort_by(|a, b| (&a.package, a.number).cmp(&(&b.package, b.number)));
        let mut lengths: BTreeMap<&str, u64> = asked.keys().map(|name| (name.as_str(), 0)).collect();
        for waiting in &self.waiting {
            *lengths.entry(&waiting.package).or_default() += waiting.length;
        }
        let (mut list, mut start) = (Vec::new(), 0);
        for (name, length) in &lengths {
            let day = asked.get(*name).map(Date::to_string).unwrap_or_default();
            writeln!(list, "{name}\t{start}\t{length}\t{day}")?;
            start += length;
        }
        let packages = lengths.len();
        let list_length = list.len() as u64;
        let (changed, advisories) = (self.changed, live.len());
        let header = Header { format: FORMAT, whole, changed, advisories, packages, list: list_length };
        serde_json::to_writer(&mut *out, &header)?;
        out.write_all(b"\n")?;
        out.write_all(&list)?;
        let mut spool = self.spool.into_inner().map_err(io::IntoInnerError::into_error)?;
        let mut record = Vec::new();
        for waiting in &self.waiting {
            spool.seek(SeekFrom::Start(waiting.start))?;
            record.clear();
            (&mut spool).take(waiting.length).read_to_end(&mut record)?;
            out.write_all(&record)?;
        }
        out.flush()?;
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use io::Cursor;

    fn record(id: &str, package: &str, fixed: &str) -> Vec<u8> {
        format!(
            r#"{{ "id": "{id}", "modified": "2026-11-01T00:00:00Z", "details": "long", "summary": "s", "affected": [
            {{ "package": {{ "ecosystem": "npm", "name": "{package}" }}, "ranges": [{{ "type": "SEMVER",
            "events": [{{ "introduced": "0" }}, {{ "fixed": "{fixed}" }}] }}] }}] }}"#
        )
        .into_bytes()
    }

    fn index(records: &[Vec<u8>], wanted: Wanted) -> Index<Cursor<Vec<u8>>> {
        let mut builder = Builder::new(Cursor::new(Vec::new()));
        for record in records {
            builder.add(record, wanted).unwrap();
        }
        let mut out = Vec::new();
        let asked = BTreeMap::from([("quiet".to_owned(), jiff::civil::date(2026, 11, 3))]);
        builder.write(&mut out, None, &asked).unwrap();
        Index::open(Cursor::new(out)).unwrap()
    }

    #[test]
    fn what_was_imported_is_found_by_package() {
        let names: Vec<String> = (0..500).map(|number| format!("package-{number}")).collect();
        let mut records: Vec<Vec<u8>> =
            names.iter().map(|name| record(&format!("GHSA-{name}"), name, "2.0.0")).collect();
        records.push(record("GHSA-second", "package-7", "3.0.0"));
        records.push(record("GHSA-package-8", "package-8", "4.0.0"));
        let mut index = index(&records, Wanted::Weaknesses);
        assert_eq!((index.header.advisories, index.header.packages), (501, 501));
        let mut advisories = Advisories::default();
        let asked = names.iter().map(String::as_str).chain(["a", "package-", "package-70x", "quiet", "zz"]);
        index.add_to(&mut advisories, asked.map(|name| (name, None))).unwrap();
        assert_eq!(advisories.count(), 501);
        assert_eq!(advisories.imported, index.asked());
        assert_eq!(advisories.imported.keys().collect::<Vec<_>>(), ["quiet"]);
        let count = |name: &str, version: &str| advisories.about(name, &Version::parse(version).unwrap()).count();
        assert_eq!((count("package-7", "1.0.0"), count("package-7", "2.5.0"), count("package-7", "3.0.0")), (2, 1, 0));
        // The later record of an id counts.
        assert_eq!((count("package-8", "3.9.0"), count("package-9", "2.0.0")), (1, 0));
        let (old, new) = (Version::new(1, 0, 0), Version::new(3, 0, 0));
        let mut of_versions = Advisories::default();
        let versions = [("package-6", Some(vec![&new])), ("package-7", Some(vec![&new, &old]))];
        index.add_to(&mut of_versions, versions).unwrap();
        assert_eq!(of_versions.by_package.keys().collect::<Vec<_>>(), ["package-7"]);
        let mut all = 0;
        let mut each = |_: &[u8]| {
            all += 1;
            Ok(())
        };
        index.each(&mut each).unwrap();
        assert_eq!(all, 501);
    }

    #[test]
    fn malicious_packages_are_left_out_unless_asked_for() {
        let records = [record("MAL-1", "evil", "9.0.0"), record("GHSA-1", "ws", "1.0.0")];
        assert_eq!(index(&records, Wanted::Weaknesses).header.advisories, 1);
        let mut both = index(&records, Wanted::MaliciousToo);
        let mut advisories = Advisories::default();
        both.add_to(&mut advisories, [("evil", None)]).unwrap();
        assert_eq!(advisories.count(), 1);
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for bytes in [
            &b""[..],
            b"x",
            b"{}\n",
            b"{\"format\":1,\"whole\":null,\"changed\":null,\"advisories\":1,\"packages\":1,\"list\":99}\n",
        ] {
            assert!(Index::open(Cursor::new(bytes)).is_err());
        }
        let mut builder = Builder::new(Cursor::new(Vec::new()));
        assert!(builder.add(b"[1", Wanted::Weaknesses).is_err());
    }
}
