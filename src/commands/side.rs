//! The sides of a comparison: a committed lock, the running app, the repository, a revision of it,
//! another environment, a file or folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use crate::cli::InputArgs;
use crate::drift;
use crate::history;
use crate::lock::Lock;
use crate::problem::Problem;
use crate::read::{self, Reading};
use crate::rules::program::Program;
use crate::settings::Settings;

use super::load::load;
use super::running::Sources;
use super::{environment, snapshot};

/// Longer files of a revision are not looked at.
const LONGEST: u64 = 256 << 20;

/// What may be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side {
    /// The committed lock of the environment.
    Lock,
    /// The running app, with the repository.
    Live,
    /// The repository alone.
    Code,
    /// A revision of it: its lock, or if it has none its files.
    Git(String),
    /// The lock of another environment.
    Environment(String),
    /// A lock, or a folder with exports.
    File(PathBuf),
}

/// A side that was read.
pub struct Seen {
    /// Its facts.
    pub lock: Lock,
    /// The path from the audited folder and the text of the lock, if it is the committed one.
    pub committed: Option<(String, String)>,
    /// What the next start of the server will make of it.
    pub declared: Option<Lock>,
    /// What was read.
    pub reading: Option<Reading>,
    /// The folder or file that was read, if it is still there.
    pub root: Option<PathBuf>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// What all sides are read with.
pub struct Frame<'a> {
    /// The repository.
    pub path: &'a Path,
    /// What is read.
    pub input: &'a InputArgs,
    /// The configuration.
    pub settings: &'a Settings,
    /// The rules.
    pub program: &'a Program,
    /// The name of the environment.
    pub environment: &'a str,
}

impl Side {
    /// Reads the name of a side.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(match (text, text.split_once(':')) {
            ("lock", _) => Self::Lock,
            ("live", _) => Self::Live,
            ("code", _) => Self::Code,
            (_, Some(("git", revision))) if !revision.is_empty() => Self::Git(revision.to_owned()),
            (_, Some(("env", name))) => {
                environment::check(name)?;
                Self::Environment(name.to_owned())
            }
            _ if Path::new(text).exists() => Self::File(PathBuf::from(text)),
            _ => {
                bail!("`{text}` is nothing to compare; write lock, live, code, git:REV, env:NAME, or a lock or folder")
            }
        })
    }

    /// Whether it is the same lock or app as another side, which is compared with itself only by mistake. Revisions and
    /// files are named by scripts, to which they may well be the same.
    pub fn is_itself(&self, other: &Self, environment: &str) -> bool {
        let is_lock = |side: &Self| match side {
            Self::Lock => true,
            Self::Environment(name) => name == environment,
            Self::Live | Self::Code | Self::Git(_) | Self::File(_) => false,
        };
        match (self, other) {
            (Self::Live, Self::Live) | (Self::Code, Self::Code) => true,
            (Self::Environment(one), Self::Environment(other)) => one == other,
            _ => is_lock(self) && is_lock(other),
        }
    }

    /// Reads the side. Bands stay what they are in `previous` as long as they nearly hold.
    pub fn read(&self, with: &Frame<'_>, previous: Option<&Lock>) -> Result<Seen> {
        let alone = with.input.of_files_alone();
        // The configuration is that of the repository alone.
        let elsewhere = || InputArgs { config: None, no_config: true, ..alone.clone() };
        match self {
            Self::Lock => with.committed(with.environment),
            Self::Environment(name) => with.committed(name),
            Self::Live => {
                if !Sources::of(with.settings, with.input)?.are_some() {
                    bail!(
                        "the running app is asked for with --server, --mongodb or --postgres, or with --env NAME, \
                         whose table in parse-audit.toml has one of them; without it there is `drift lock code`"
                    );
                }
                with.app(with.path, with.input, (&with.shown(), previous))
            }
            Self::Code => with.app(with.path, &alone, (&with.shown(), previous)),
            Self::File(path) if path.is_file() => lock_file(path, &path.display().to_string()),
            Self::File(path) => with.app(path, &elsewhere(), (&path.display().to_string(), previous)),
            Self::Git(revision) => {
                if history::repository_of(with.path).is_none() {
                    bail!("`git:{revision}`: {} lies in no git repository", with.shown());
                }
                let folder = tempfile::tempdir().context("a folder for the revision could not be made")?;
                history::check_out(with.path, revision, folder.path(), LONGEST)
                    .map_err(|error| anyhow!("`git:{revision}`: {error}"))?;
                let shown = environment::lock(with.environment);
                let lock = folder.path().join(&shown);
                if lock.is_file() {
                    return lock_file(&lock, &format!("git:{revision}:{shown}"));
                }
                let seen = with.app(folder.path(), &elsewhere(), (&format!("git:{revision}"), previous))?;
                Ok(Seen { root: None, ..seen })
            }
        }
    }
}

/// A lock that is no committed one.
fn lock_file(path: &Path, shown: &str) -> Result<Seen> {
    let text = fs::read_to_string(path).map_err(|error| anyhow!("`{shown}`: {}", read::file::words(&error)))?;
    Ok(Seen::of_lock(Lock::parse(shown, &text).map_err(|mistake| anyhow!("{mistake}"))?))
}

impl Seen {
    fn of_lock(lock: Lock) -> Self {
        Self { lock, committed: None, declared: None, reading: None, root: None, problems: Vec::new() }
    }
}

impl Frame<'_> {
    fn committed(&self, name: &str) -> Result<Seen> {
        let (file, shown) = (environment::lock_file(self.path, name)?, environment::lock(name));
        let text = fs::read_to_string(&file).map_err(|error| {
            let words = read::file::words(&error);
            let option = if name == environment::DEFAULT { String::new() } else { format!(" --env {name}") };
            anyhow!("`{shown}`: {words}; `parse-audit snapshot{option}` writes it{}", environment::others(self.path))
        })?;
        let lock = Lock::parse(&shown, &text).map_err(|mistake| anyhow!("{mistake}"))?;
        Ok(Seen { committed: Some((shown, text)), ..Seen::of_lock(lock) })
    }

    /// The repository as it was named.
    fn shown(&self) -> String {
        self.path.display().to_string()
    }

    fn app(&self, path: &Path, input: &InputArgs, (shown, previous): (&str, Option<&Lock>)) -> Result<Seen> {
        let mut reading = load(path, input, true)?.reading;
        let app = &reading.snapshot.app;
        if app.is_empty() && reading.problems.is_empty() {
            bail!("no Parse app in `{shown}`: nothing describes a class, a role or a server");
        }
        let declared = drift::declared(app);
        let (apps, how) = ((app, declared.as_ref()), (self.environment, previous));
        let (now, declared) = snapshot::locks_of(apps, self.program, self.settings, self.path, how);
        let problems = std::mem::take(&mut reading.problems);
        let root = Some(path.to_owned());
        Ok(Seen { lock: now, committed: None, declared, reading: Some(reading), root, problems })
    }
}
