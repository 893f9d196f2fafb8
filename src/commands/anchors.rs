//! Lines of a lock for what a running app answered: its answers are no files of the repository, and code
//! scanning shows alerts at lines of one. Which fact is stated where, in both directions.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Result, anyhow, bail};

use crate::audit::Outcome;
use crate::cli::InputArgs;
use crate::drift::facts::Anchors;
use crate::finding::Finding;
use crate::lock::{GRAPHQL, Key, Lock, PUBLIC, SIGNED_IN, UNIQUE};
use crate::model::oddity::escape;
use crate::model::place::{Content, Show, SourceFile, Text, is_of_running_app};
use crate::model::snapshot::Snapshot;
use crate::model::spans::Syntax;
use crate::model::{App, Class, ClassName, FileId, Place};
use crate::read;

use super::environment;

/// The number of the lock among the files of a report.
pub const LOCK_FILE: FileId = FileId(u32::MAX);

/// Makes a lock one of the files that places may point into.
pub fn add_lock(snapshot: &mut Snapshot, path: String, text: &str) {
    let content = Content::Text(Text::new(text.as_bytes(), Show::Everything, Syntax::Toml));
    snapshot.texts.insert(LOCK_FILE, SourceFile { path, content });
}

/// Where it is written what a fact of a lock states, if one place is; `described` finds the class.
pub fn place<'a>(app: &'a App, described: &dyn Fn(&str) -> Option<&'a Class>, key: &Key) -> Option<Place> {
    Some(match (key.part(0), key.part(2)) {
        ("class", "allow") => described(key.part(1))?.clp_place(&format!("/{}", key.part(3))),
        ("class", "protected") => {
            described(key.part(1))?.clp_place(&format!("/protectedFields/{}", escape(&group(key.part(3)))))
        }
        ("class", "new-objects") => described(key.part(1))?.clp_place("/ACL"),
        ("class", "fields") => described(key.part(1))?.field_place(&key.part(3).into()),
        ("class", "rows") => described(key.part(1))?.rows_at.clone()?,
        ("class", UNIQUE) => described(key.part(1))?.indexes.read()?.at.clone(),
        ("class", _) => described(key.part(1))?.name_place(),
        ("role", _) => app.roles.read()?.by_name.get(key.part(1))?.at.clone(),
        ("server", name) if key.part(1) == "option" => app.server.options.read()?.tree.place(name)?.clone(),
        ("server", _) if key.part(1) == "version" => app.server.version.read()?.at.clone()?,
        ("server", _) if key.part(1) == GRAPHQL => app.server.graphql.read()?.at.clone()?,
        ("webhook", _) => app.webhooks.read()?.iter().find(|one| one.trigger == key.part(1))?.at.clone(),
        ("config", _) => app.config.read()?.get(key.part(1))?.at.clone(),
        _ => return None,
    })
}

/// A group of `protectedFields` as it is stored.
fn group(word: &str) -> String {
    match (word, word.strip_prefix("owner:")) {
        (PUBLIC, _) => "*".to_owned(),
        (SIGNED_IN, _) => "authenticated".to_owned(),
        (_, Some(column)) => format!("userField:{column}"),
        _ => word.to_owned(),
    }
}

/// The committed lock of the environment that is asked.
pub struct Lines {
    path: String,
    text: String,
    lock: Lock,
}

/// What was found, with lines of the lock in place of what a running app answered.
pub struct Anchored {
    /// What was found.
    pub outcome: Outcome,
    /// Fingerprints of findings that no line states.
    pub unanchored: BTreeSet<String>,
}

impl Lines {
    /// Reads the lock.
    ///
    /// # Errors
    ///
    /// There is none, or it was changed by hand.
    pub fn of(path: &Path, input: &InputArgs) -> Result<Self> {
        let name = environment::name(input)?;
        let (file, shown) = (environment::lock_file(path, name)?, environment::lock(name));
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => bail!(
                "sarif and github point into the repository, and of a running app they point to lines of `{shown}`, \
                 which is not there; `parse-audit snapshot` with the same options writes it"
            ),
            Err(error) => bail!("`{shown}`: {}", read::file::words(&error)),
        };
        let lock = Lock::parse(&shown, &text).map_err(|mistake| anyhow!("{mistake}"))?;
        Ok(Self { path: shown, text, lock })
    }

    /// Moves what was found in answers of a running app to the lines of the lock. What was found in files stays there.
    pub fn anchor(self, snapshot: &mut Snapshot, outcome: &Outcome) -> Anchored {
        let anchors = Anchors::new(LOCK_FILE, &self.text);
        let facts = Facts::of(&self.lock, &snapshot.app);
        let is_live = |place: &Place| is_of_running_app(snapshot.texts.path(place));
        let mut outcome = outcome.clone();
        let mut unanchored = BTreeSet::new();
        for finding in &mut outcome.findings {
            let steps = finding.related.iter_mut().chain(&mut finding.path);
            for (place, _) in steps.filter(|(place, _)| is_live(place)) {
                let is_whole = matches!(place, Place::File { .. });
                let near = facts.at(place).filter(|(_, states_it)| *states_it || !is_whole);
                *place = anchors.place(&near.map(|(key, _)| key.clone()).unwrap_or_default());
            }
            if is_live(&finding.at) {
                let (key, states_it) = facts.about(finding);
                if !states_it || !anchors.has(&key) {
                    unanchored.insert(finding.fingerprint());
                }
                finding.at = anchors.place(&key);
            }
        }
        add_lock(snapshot, self.path, &self.text);
        Anchored { outcome, unanchored }
    }
}

/// The facts of a lock with the places that state them now.
struct Facts<'l> {
    lock: &'l Lock,
    places: Vec<(Place, &'l Key)>,
}

impl<'l> Facts<'l> {
    fn of(lock: &'l Lock, app: &App) -> Self {
        let described = |name: &str| app.classes.get(name);
        // Of rows as a whole their number speaks. What is unique says nothing of what is not.
        let speaks = |key: &Key| match (key.part(0), key.part(2)) {
            ("class", "rows") => key.part(3) == "count",
            ("class", UNIQUE) => false,
            _ => true,
        };
        let keys = || lock.facts().map(|(key, _)| key).filter(|key| speaks(key));
        let whole = keys().filter(|key| is_of_all_permissions(key));
        let whole = whole.filter_map(|key| Some((described(key.part(1))?.clp_place(""), key)));
        let parts = keys().filter_map(|key| Some((place(app, &described, key)?, key)));
        Self { lock, places: parts.chain(whole).collect() }
    }

    /// The fact that a place states, or is a part of, and whether it is the only one; else the first one
    /// that is a part of what stands there.
    fn at(&self, place: &Place) -> Option<(&'l Key, bool)> {
        let own = pointer(place);
        let is_below = |below: &str, above: &str| {
            below.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let here = || self.places.iter().filter(|(at, _)| at.file() == place.file());
        let around = here().filter(|(at, _)| is_below(own, pointer(at)));
        if let Some(longest) = around.clone().map(|(at, _)| pointer(at).len()).max() {
            let mut nearest = around.filter(|(at, _)| pointer(at).len() == longest);
            let (_, key) = nearest.next()?;
            let is_said = longest == own.len() || !is_of_all_permissions(key);
            return Some((key, is_said && nearest.next().is_none()));
        }
        here().find(|(at, _)| is_below(pointer(at), own)).map(|(_, key)| (*key, false))
    }

    /// The fact that a finding is about, and whether it states what was found.
    fn about(&self, finding: &Finding) -> (Key, bool) {
        if let Some(role) = finding.subject.strip_prefix("role:") {
            // All roles stand in one answer.
            if matches!(finding.at, Place::File { .. }) {
                let key = Key::of(&["role", role, "changed-by"]);
                return if self.lock.at(&key).is_some() { (key, true) } else { (Key::default(), false) };
            }
        }
        let near = self.at(&finding.at).map(|(key, states_it)| (key.clone(), states_it));
        match near {
            Some((key, states_it)) if !is_of_all_permissions(&key) => (key, states_it),
            // The operation may not be written anywhere: the lock states it all the same.
            near => match self.operation(finding) {
                Some(key) => (key, true),
                None => near.unwrap_or_else(|| {
                    let of_class = |class: &ClassName| Key::of(&["class", class.as_str(), "permissions"]);
                    (finding.class.as_ref().map(of_class).unwrap_or_default(), false)
                }),
            },
        }
    }

    /// The fact about the operation on a class that a finding is about.
    fn operation(&self, finding: &Finding) -> Option<Key> {
        let class = finding.class.as_ref()?.as_str();
        let operation = finding.subject.strip_prefix(class)?.strip_prefix('.')?;
        let key = Key::of(&["class", class, "allow", operation]);
        self.lock.at(&key).is_some().then_some(key)
    }
}

/// Whether a fact is about the permissions of a class as a whole.
fn is_of_all_permissions(key: &Key) -> bool {
    key.part(0) == "class" && key.part(2) == "permissions"
}

/// The JSON pointer of a place; empty for a whole file.
fn pointer(place: &Place) -> &str {
    match place {
        Place::Pointer { pointer, .. } => pointer,
        Place::Text { .. } | Place::File { .. } => "",
    }
}
