//! `advisories`: which are known, and how more come to be known. `check` looks into them, and never
//! asks anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use jiff::civil::Date;

use crate::advisories::index::{Added, Builder, Header, Index, Versions, Wanted};
use crate::advisories::{Advisories, EMBEDDED_ON, FRESH, age};
use crate::cli::{AdvisoriesAction, ImportArgs, UpdateArgs};
use crate::model::App;
use crate::problem::Problem;
use crate::read::file::{is_zip, words as error_words};
use crate::read::{self, Input, Silent};
use crate::report::clean;
use crate::report::text::count;

use super::heard::stdout;
use super::{CLEAN, INCOMPLETE, cache, check, osv};

/// The file of the index in that folder.
const INDEX: &str = "advisories.index";

/// No record is longer, in bytes.
const LONGEST: u64 = 8 << 20;

/// So many records that could not be read are named.
const NAMED: usize = 3;

/// Runs the command.
pub fn run(action: Option<&AdvisoriesAction>) -> Result<u8> {
    match action.unwrap_or(&AdvisoriesAction::Status) {
        AdvisoriesAction::Status => status(),
        AdvisoriesAction::Import(args) => import(args),
        AdvisoriesAction::Update(args) => update(args),
    }
}

/// The index, if anything was imported.
fn index() -> io::Result<Option<Index<File>>> {
    let Some(path) = cache::folder().map(|folder| folder.join(INDEX)) else { return Ok(None) };
    match File::open(path) {
        Ok(file) => Index::open(file).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is known about the packages that an app installs, and what of it could not be read.
pub fn known(app: &App) -> Result<(Advisories, Option<Problem>)> {
    let of_locks = app.locks.iter().flat_map(|lock| &lock.packages).map(|package| (&*package.name, &package.version));
    let copied = app.copies.iter().map(|copy| (&*copy.package, &copy.version));
    let mut packages: BTreeMap<&str, Versions<'_>> = BTreeMap::new();
    for (name, version) in of_locks.chain(copied) {
        packages.entry(name).or_insert_with(|| Some(Vec::new())).get_or_insert_default().push(version);
    }
    // Of a range all versions count.
    let ranges = app.manifests.iter().flat_map(|manifest| manifest.dependencies.keys());
    packages.extend(ranges.map(|name| (name.as_str(), None)));
    if packages.is_empty() && !app.server.version.is_read() {
        return Ok((Advisories::default(), None));
    }
    let mut advisories = Advisories::embedded().map_err(|error| anyhow!("{error}"))?;
    let added = index().and_then(|index| match index {
        Some(mut index) => index.add_to(&mut advisories, packages),
        None => Ok(()),
    });
    let problem = added.err().map(|error| {
        Problem::new(INDEX, error_words(&error), "imported advisories were not looked into; import them again")
    });
    Ok((advisories, problem))
}

/// Whether advisories about a package were imported.
pub fn are_about(package: &str) -> bool {
    let mut advisories = Advisories::default();
    let asked = [(package, None)];
    let looked = index().and_then(|index| index.map_or(Ok(()), |mut index| index.add_to(&mut advisories, asked)));
    looked.is_ok() && advisories.knows(package)
}

/// The packages that an app installs, by name and version.
fn installed(app: &App) -> BTreeSet<(&str, String)> {
    let packages = app.locks.iter().flat_map(|lock| &lock.packages);
    packages.map(|package| (package.name.as_str(), package.version.to_string())).collect()
}

fn status() -> Result<u8> {
    let embedded = Advisories::embedded().map_err(|error| anyhow!("{error}"))?;
    let today = check::today();
    let old = |day: Date| match age(day, today) {
        Some(days) if days > FRESH => format!("{days} days old, which is too old to rely on"),
        Some(1) => "1 day old".to_owned(),
        Some(days) => format!("{days} days old"),
        None => "of a day to come".to_owned(),
    };
    let mut out = stdout();
    let about = |advisories: usize, packages: usize| {
        let advisories = count(advisories, "advisory", "advisories");
        format!("{advisories} about {}", count(packages, "package", "packages"))
    };
    writeln!(out, "embedded  {} of Parse", about(embedded.count(), embedded.packages()))?;
    writeln!(out, "          collected on {EMBEDDED_ON}, {}", old(EMBEDDED_ON))?;
    let index = index().map_err(|error| anyhow!("`{INDEX}`: {}; import it again", error_words(&error)))?;
    let Some(index) = index else {
        writeln!(out, "imported  none; `parse-audit advisories import FILE` takes an export of OSV")?;
        return Ok(CLEAN);
    };
    writeln!(out, "imported  {}", about(index.header.advisories, index.header.packages))?;
    if let Some(day) = index.header.whole {
        writeln!(out, "          as a whole on {day}, {}", old(day))?;
    }
    let asked = index.asked();
    if let Some(first) = asked.values().min() {
        let packages = count(asked.len(), "package was", "packages were");
        writeln!(out, "          {packages} asked about since {first}, {}", old(*first))?;
    }
    Ok(CLEAN)
}

/// What was imported.
struct Imported {
    wanted: Wanted,
    added: usize,
    left_out: usize,
    unreadable: usize,
    /// The first of those that could not be read, and why.
    first: Vec<String>,
}

impl Imported {
    fn new(wanted: Wanted) -> Self {
        Self { wanted, added: 0, left_out: 0, unreadable: 0, first: Vec::new() }
    }

    /// Adds a record. One that cannot be read is told, and the others are not given up for it.
    fn add(&mut self, builder: &mut Builder<File>, name: &str, record: &[u8]) -> io::Result<()> {
        match builder.add(record, self.wanted) {
            Ok(Added::Yes) => self.added += 1,
            Ok(Added::LeftOut) => self.left_out += 1,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => self.fail(name, &error.to_string()),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn fail(&mut self, name: &str, why: &str) {
        self.unreadable += 1;
        if self.first.len() < NAMED {
            self.first.push(format!("{name}: {why}"));
        }
    }

    /// Says what could not be read and gives the exit code.
    fn told(&self) -> Result<u8> {
        if self.unreadable == 0 {
            return Ok(CLEAN);
        }
        let mut out = io::stderr().lock();
        writeln!(out, "{} could not be read", count(self.unreadable, "record", "records"))?;
        for line in &self.first {
            writeln!(out, "  {}", clean::text(line))?;
        }
        Ok(INCOMPLETE)
    }
}

fn import(args: &ImportArgs) -> Result<u8> {
    let shown = args.path.display();
    let failed = |error: io::Error| anyhow!("`{shown}`: {}", error_words(&error));
    let folder = folder()?;
    let wanted = if args.malicious { Wanted::MaliciousToo } else { Wanted::Weaknesses };
    let mut builder = Builder::new(tempfile::tempfile_in(&folder)?);
    let mut imported = Imported::new(wanted);
    let mut head = Vec::new();
    if args.path.is_file() {
        File::open(&args.path).and_then(|file| file.take(4).read_to_end(&mut head)).map_err(failed)?;
    }
    // An export is all there is; a record is one more.
    let is_whole = is_zip(&head);
    let (mut whole, mut asked) = (is_whole.then(check::today), BTreeMap::new());
    if is_whole {
        from_zip(&args.path, &mut builder, &mut imported)?;
    } else {
        let files = records(&args.path)?;
        (whole, asked) = keep(&mut builder)?;
        for file in files {
            let name = file.display().to_string();
            match whole_file(&file) {
                Ok(bytes) => imported.add(&mut builder, &name, &bytes)?,
                Err(error) => imported.fail(&name, &error_words(&error)),
            }
        }
    }
    if imported.added == 0 && imported.left_out == 0 {
        bail!("`{shown}` holds no advisories in the OSV format");
    }
    let header = write(&folder, builder, whole, &asked)?;
    let mut out = stdout();
    let left_out = match imported.left_out {
        0 => String::new(),
        number => format!("; left out {number} that are withdrawn, malicious or about no package of npm"),
    };
    writeln!(out, "imported {}{left_out}", count(imported.added, "advisory", "advisories"))?;
    let advisories = count(header.advisories, "advisory", "advisories");
    writeln!(out, "known are now {advisories} about {}", count(header.packages, "package", "packages"))?;
    drop(out);
    imported.told()
}

/// The records of an export, one after the other: what it unpacks to is never held.
fn from_zip(path: &Path, builder: &mut Builder<File>, imported: &mut Imported) -> Result<()> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| anyhow!("`{shown}`: {}", error_words(&error)))?;
    let mut archive =
        zip::ZipArchive::new(BufReader::new(file)).map_err(|_| anyhow!("`{shown}` is cut off, or no zip archive"))?;
    let mut record = Vec::new();
    for number in 0..archive.len() {
        record.clear();
        let (name, read) = match archive.by_index(number) {
            Ok(entry) => {
                let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
                if !name.ends_with(".json") {
                    continue;
                }
                (name, entry.take(LONGEST).read_to_end(&mut record))
            }
            Err(error) => (format!("entry {}", number + 1), Err(io::Error::other(error))),
        };
        match read {
            Ok(_) => imported.add(builder, &name, &record)?,
            Err(error) => imported.fail(&name, &error_words(&error)),
        }
    }
    Ok(())
}

/// The files of records in a folder, or the one that was named.
fn records(path: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(path).sort_by_file_name() {
        let entry = entry.map_err(|error| {
            let why = error.io_error().map_or_else(|| error.to_string(), error_words);
            anyhow!("`{}`: {why}", path.display())
        })?;
        let is_record = entry.path().extension().is_some_and(|extension| extension == "json") || entry.depth() == 0;
        if entry.file_type().is_file() && is_record {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

fn whole_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Puts what was imported before into a new index; gives back from when it is.
fn keep(builder: &mut Builder<File>) -> Result<(Option<Date>, BTreeMap<String, Date>)> {
    // One that cannot be read is made anew.
    let Ok(Some(mut index)) = index() else { return Ok((None, BTreeMap::new())) };
    index.each(|record| builder.add(record, Wanted::MaliciousToo).map(|_| ()))?;
    Ok((index.header.whole, index.asked()))
}

/// The folder of the index, which is made if it is not there.
fn folder() -> Result<PathBuf> {
    let folder = cache::folder()
        .ok_or_else(|| anyhow!("there is no home to keep advisories in; name a folder in {}", cache::CACHE))?;
    fs::create_dir_all(&folder).map_err(|error| anyhow!("`{}`: {}", folder.display(), error_words(&error)))?;
    Ok(folder)
}

/// Writes the index whole or not at all.
fn write(folder: &Path, builder: Builder<File>, whole: Option<Date>, asked: &BTreeMap<String, Date>) -> Result<Header> {
    let mut out = BufWriter::new(tempfile::NamedTempFile::new_in(folder)?);
    let header = builder.write(&mut out, whole, asked).context("the index of advisories cannot be written")?;
    let written = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    written.persist(folder.join(INDEX)).map_err(|error| error.error)?;
    Ok(header)
}

/// Asks a server of OSV about the packages of an app.
fn update(args: &UpdateArgs) -> Result<u8> {
    let server = osv::Server::new(&args.url).map_err(|why| anyhow!("`--url`: {why}"))?;
    let path = args.path.display();
    if !args.path.exists() {
        bail!("`{path}`: no such file");
    }
    let reading = read::read(&Input::Path(args.path.clone()), &read::Settings::default(), &Silent);
    let app = &reading.snapshot.app;
    if app.locks.is_empty() {
        bail!("`{path}` has no lock file that says which packages are installed");
    }
    let packages: Vec<(&str, String)> = installed(app).into_iter().collect();
    let folder = folder()?;
    let mut builder = Builder::new(tempfile::tempfile_in(&folder)?);
    let (whole, mut asked) = keep(&mut builder)?;
    let mut imported = Imported::new(Wanted::MaliciousToo);
    let said = |why: String| anyhow!("{}: {why}", server.host());
    for id in server.about(&packages).map_err(said)? {
        let record = server.record(&id).map_err(said)?;
        imported.add(&mut builder, &id, &record)?;
    }
    asked.extend(packages.iter().map(|(name, _)| ((*name).to_owned(), check::today())));
    write(&folder, builder, whole, &asked)?;
    let mut out = stdout();
    let names: BTreeSet<&str> = packages.iter().map(|(name, _)| *name).collect();
    let found = count(imported.added, "advisory", "advisories");
    writeln!(out, "{} knows {found} about {}", server.host(), count(names.len(), "package", "packages"))?;
    drop(out);
    imported.told()
}
