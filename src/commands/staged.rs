//! `check --staged`: what a pre-commit hook looks at.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::cli::InputArgs;
use crate::history::Staged;
use crate::read;
use crate::rules::Matcher;
use crate::rules::program::Program;
use crate::secrets::Scanner;
use crate::settings::Settings;

use super::load::{Loaded, Prepared, gap, loaded, prepare, salt};

/// Looks for keys in what is staged below a path. Only rules about keys are left of those that
/// `select` leaves, so that ignores of anything else are not held against anybody.
pub fn load(
    path: &Path,
    args: &InputArgs,
    select: impl FnOnce(Program, &Settings) -> Result<Program>,
) -> Result<Loaded> {
    let Prepared { config, program, notes, .. } = prepare(path, args, select)?;
    let program = program.select(|rule| matches!(rule.matcher, Matcher::Secret(_)));
    if program.rules.is_empty() {
        bail!("none of the rules is about keys, and --staged looks for nothing else");
    }
    let scanner =
        Scanner::new(program.rules.values(), salt(path, None)).context("the words of the rules about keys")?;
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let mut reading = match Staged::open(path, index().as_deref()) {
        None => bail!("`{}` lies in no git repository with a working tree, so that nothing is staged", path.display()),
        Some(Ok(staged)) => read::staged::read(folder, &staged, &config.settings.inputs.ignore, &scanner),
        Some(Err(problem)) => read::Reading { problems: vec![problem], ..read::Reading::default() },
    };
    reading.snapshot.gaps.extend(notes.iter().map(gap));
    loaded(config, program, reading, false)
}

/// The index of the commit that is being made: `git commit FILE` and `git commit -a` have one of their own.
fn index() -> Option<PathBuf> {
    env::var_os("GIT_INDEX_FILE").filter(|path| !path.is_empty()).map(PathBuf::from)
}
