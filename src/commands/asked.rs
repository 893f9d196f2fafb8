//! What a question about an app needs, whatever it asks.

use std::path::Path;

use anyhow::Result;

use crate::audit::{self, LostKey, Outcome};
use crate::code::analysis::{Analysis, analyse};
use crate::code::risk::Sinks;
use crate::model::App;
use crate::read::Reading;
use crate::report::Report;
use crate::rules::program::Program;

use super::check;
use super::load::{Loaded, load};

/// An app that a question is about.
pub struct Asked {
    /// The rules.
    pub program: Program,
    /// The app.
    pub reading: Reading,
    /// What its code does.
    pub analysis: Analysis,
    /// Keys of its server that lie in files.
    pub keys: Vec<LostKey>,
    prefix: String,
    outcome: Outcome,
}

impl Asked {
    /// Reads the app; `imagine` may change it.
    ///
    /// # Errors
    ///
    /// As those of `load`, or of `imagine`.
    pub fn load(
        path: &Path,
        input: &crate::cli::InputArgs,
        no_history: bool,
        imagine: impl FnOnce(&mut App) -> Result<()>,
    ) -> Result<Self> {
        let Loaded { program, mut reading, directives, .. } = load(path, input, no_history)?;
        imagine(&mut reading.snapshot.app)?;
        let analysis = analyse(&reading.snapshot.app, &Sinks::default());
        let keys = audit::lost_keys(&reading.snapshot, &program, directives, check::today());
        Ok(Self { program, reading, analysis, keys, prefix: check::prefix(path), outcome: Outcome::default() })
    }

    /// The app.
    pub fn app(&self) -> &App {
        &self.reading.snapshot.app
    }

    /// What names places.
    pub fn report(&self) -> Report<'_> {
        let mut report = Report::new(&self.reading.snapshot, &self.outcome, &self.program, &self.reading.problems);
        report.prefix = self.prefix.clone();
        report
    }
}
