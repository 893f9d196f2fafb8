//! `snapshot`: write what the permissions of an app are agreed to be, or check it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};

use crate::cli::SnapshotArgs;
use crate::code::analysis::analyse;
use crate::code::risk::Sinks;
use crate::lock::{Key, Lock, NOT_READ, Subject, write};
use crate::model::App;
use crate::read;
use crate::report::clean;
use crate::rules::program::Program;
use crate::secrets::Scanner;
use crate::secrets::redact::Salt;
use crate::settings::Settings;

use super::check::to_file;
use super::heard::stdout;
use super::load::{Loaded, load, salt};
use super::{CLEAN, FOUND, INCOMPLETE, environment, quoted};

/// Runs the command.
pub fn run(args: &SnapshotArgs) -> Result<u8> {
    if args.input.sample.is_some() {
        bail!("`--sample` looks at some rows, and a lock tells of all of them");
    }
    let name = environment::name(&args.input)?;
    let file = environment::lock_file(&args.path, name)?;
    let shown = environment::lock(name);
    let before = committed(&file, &shown)?;
    let Loaded { settings, program, reading, .. } = load(&args.path, &args.input, true)?;
    let mut out = stdout();
    if !reading.problems.is_empty() {
        for problem in &reading.problems {
            writeln!(out, "{}", clean::text(&quoted::without_keys(&problem.to_string())))?;
        }
        writeln!(out, "{shown} is left as it is: what could not be read would look as if it were gone")?;
        return Ok(INCOMPLETE);
    }
    if reading.snapshot.app.is_empty() {
        bail!("no Parse app in `{}`: nothing describes a class, a role or a server", args.path.display());
    }
    let (before_text, previous) = match before {
        Before::None => (None, None),
        Before::Lock(text, lock) => (Some(text), Some(lock)),
        Before::Broken(text, mistake) => {
            if args.check {
                writeln!(out, "{}", clean::text(&quoted::without_keys(&mistake)))?;
                return Ok(FOUND);
            }
            (Some(text), None)
        }
    };
    let apps = (&reading.snapshot.app, None);
    let (lock, _) = locks_of(apps, &program, &settings, &args.path, (name, previous.as_ref()));
    let text = lock.write();
    refuse_keys(&lock, &program, &shown)?;
    if args.check {
        return check(&mut out, &shown, (before_text.as_deref(), previous.as_ref()), (&text, &lock));
    }
    if before_text.as_deref() == Some(text.as_str()) {
        writeln!(out, "{shown} is up to date: {}", told(&lock))?;
        return Ok(CLEAN);
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("`{}` could not be made", folder.display()))?;
    }
    to_file(&file, |out| out.write_all(text.as_bytes()))
        .map_err(|error| anyhow!("`{}` could not be written: {}", file.display(), read::file::words(&error)))?;
    writeln!(out, "wrote {shown}: {}", told(&lock))?;
    Ok(CLEAN)
}

/// The lock that is there.
enum Before {
    None,
    Lock(String, Lock),
    /// Its text, and what is wrong with it.
    Broken(String, String),
}

fn committed(file: &Path, shown: &str) -> Result<Before> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(match Lock::parse(shown, &text) {
            Ok(lock) => Before::Lock(text, lock),
            Err(mistake) => Before::Broken(text, mistake.to_string()),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Before::None),
        Err(error) => bail!("`{}`: {}", file.display(), read::file::words(&error)),
    }
}

/// The lock of an app, and that of what the next start of its server will make of it. Both have the same code, which is
/// followed once.
pub fn locks_of(
    (app, declared): (&App, Option<&App>),
    program: &Program,
    settings: &Settings,
    path: &Path,
    (environment, previous): (&str, Option<&Lock>),
) -> (Lock, Option<Lock>) {
    let analysis = analyse(app, &Sinks::default());
    let (words, salt) = (&program.words, &salt(path, None));
    let subject = Subject { app, analysis: &analysis, words, salt, name: settings.app.as_deref(), environment };
    let lock = Lock::of(subject, previous);
    let declared = declared.map(|app| Lock::of(Subject { app, ..subject }, Some(&lock)));
    (lock, declared)
}

/// Refuses a lock in which a rule about keys finds one.
fn refuse_keys(lock: &Lock, program: &Program, path: &str) -> Result<()> {
    let scanner = Scanner::new(program.rules.values(), Salt::default()).context("the words of the rules about keys")?;
    for (key, value) in lock.facts() {
        // Without the digest, which says nothing of a key.
        let content = write::content(key, value);
        if let Some(hit) = scanner.in_text(path, content.as_bytes()).first() {
            let mut shown = content;
            shown.truncate(shown.floor_char_boundary(hit.span.start));
            bail!("the lock would hold what `{}` takes for a key, behind `{shown}`; nothing was written", hit.rule);
        }
    }
    Ok(())
}

fn check(
    out: &mut dyn Write,
    shown: &str,
    (before_text, before): (Option<&str>, Option<&Lock>),
    (text, lock): (&str, &Lock),
) -> Result<u8> {
    if before_text == Some(text) {
        writeln!(out, "{shown} is up to date: {}", told(lock))?;
        return Ok(CLEAN);
    }
    let Some(before) = before else {
        writeln!(out, "there is no {shown}; `parse-audit snapshot` writes it")?;
        return Ok(FOUND);
    };
    let keys: BTreeSet<&Key> = before.facts().chain(lock.facts()).map(|(key, _)| key).collect();
    let mut changed = 0;
    for key in keys {
        let parts: Vec<&str> = key.parts().collect();
        let (old, new) = (before.get(&parts), lock.get(&parts));
        if old == new {
            continue;
        }
        changed += 1;
        for (sign, value) in [('-', old), ('+', new)] {
            if let Some(value) = value {
                writeln!(out, "{sign} {}", clean::text(&write::content(key, value)))?;
            }
        }
    }
    match changed {
        0 => writeln!(out, "{shown} says the same in another form; `parse-audit snapshot` writes it anew")?,
        1 => writeln!(out, "1 fact of {shown} has changed")?,
        many => writeln!(out, "{many} facts of {shown} have changed")?,
    }
    Ok(FOUND)
}

/// How much a lock tells.
fn told(lock: &Lock) -> String {
    let unread = lock.below(&[NOT_READ]).count();
    let facts = lock.facts().count() - unread;
    let unread = match unread {
        0 => String::new(),
        1 => ", 1 thing was not read".to_owned(),
        many => format!(", {many} things were not read"),
    };
    format!("{facts} facts{unread}")
}
