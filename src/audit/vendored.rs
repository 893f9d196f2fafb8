//! Libraries that were copied into the repository, and installed packages that are committed.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{App, Copied};

use super::fact::{Fact, in_words};

/// The facts: one for each library, and one for all packages that are committed.
pub fn facts(app: &App) -> Vec<Fact> {
    let mut copies: BTreeMap<&str, Vec<&Copied>> = BTreeMap::new();
    // A page may well bring along what its authors still mend.
    for copy in app.copies.iter().filter(|copy| copy.is_run || !copy.is_maintained) {
        copies.entry(&copy.package).or_default().push(copy);
    }
    let mut facts: Vec<Fact> = copies.into_iter().filter_map(|(package, copies)| copied(package, copies)).collect();
    if let Some(installed) = &app.installed {
        let count = installed.packages;
        let packages = if count == 1 { "1 package is".to_owned() } else { format!("{count} packages are") };
        let fact = Fact::new("package", "committed", &installed.folder, installed.at.clone());
        facts.push(fact.word("source", &installed.folder).word("package", packages));
    }
    facts
}

fn copied(package: &str, mut copies: Vec<&Copied>) -> Option<Fact> {
    // What the server runs first, and of that the oldest.
    copies.sort_by(|a, b| b.is_run.cmp(&a.is_run).then(a.version.cmp(&b.version)).then(a.at.cmp(&b.at)));
    let (first, others) = copies.split_first()?;
    let versions: BTreeSet<_> = copies.iter().map(|copy| &copy.version).collect();
    let source = match (first.is_run, first.is_maintained) {
        (true, true) => "which the server runs",
        (true, false) => "which the server runs and its authors no longer mend",
        (false, _) => "which its authors no longer mend",
    };
    let mut fact = Fact::new("package", "copied", package, first.at.clone());
    fact.related = others.iter().map(|copy| (copy.at.clone(), format!("{} is here", copy.version))).collect();
    Some(fact.word("package", package).word("version", in_words(versions)).word("source", source))
}
