//! Files of code, and the JSON that code loads, as units. Each is read once; nothing
//! of them is kept but the units and the texts that places point into.
//!
//! Which files belong together is asked in `code::resolve` and not here.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::code::lower::{Source, Unreadable, lower_all};
use crate::code::path::{folder, name};
use crate::code::requires;
use crate::code::resolve::{Project, Target};
use crate::model::place::{Content, Show, SourceFile, Text, Texts};
use crate::model::snapshot::Gap;
use crate::model::spans::Syntax;
use crate::model::{App, FileId, Known, Span, Unit};
use crate::problem::Problem;

use super::file::words;
use super::source::{Bytes, Candidate};
use super::vendored;

/// Bytes; longer files of code are not analysed.
const LONGEST: u64 = 2 << 20;

/// Bytes; longer files of JSON are data and not a part of the code.
const LONGEST_JSON: u64 = 256 << 10;

/// What of the code could not be taken in.
#[derive(Debug, Default)]
pub struct Left {
    /// Files that are not analysed, and that is no wonder.
    pub gaps: Vec<Gap>,
    /// Files of the server that are not analysed.
    pub problems: Vec<Problem>,
}

/// What a file of code is before it is parsed.
enum Opened {
    Text(Text),
    Vendored,
    /// The system does not let us read it.
    Closed(Problem),
    Failed(Failure),
}

/// A file that is not analysed.
struct Failure {
    file: FileId,
    path: String,
    reason: String,
    /// Line and column, from 1.
    at: Option<(usize, usize)>,
}

/// Takes in the files of code, and of the other files the JSON that they load.
///
/// `app` has its manifests already. `passed_by` files were told to be vendored by their names.
pub fn take(app: &mut App, texts: &mut Texts, code: &[Candidate], others: &[Candidate], passed_by: u64) -> Left {
    let mut left = Left::default();
    let mut vendored = passed_by;
    let mut failures = Vec::new();
    let mut opened: Vec<(&Candidate, Text)> = Vec::new();
    // In order, so that the same files give the same units on any number of threads.
    let all: Vec<Opened> = code.par_iter().map(open).collect();
    for (candidate, found) in code.iter().zip(all) {
        match found {
            Opened::Text(text) => opened.push((candidate, text)),
            Opened::Vendored => vendored += 1,
            Opened::Closed(problem) => left.problems.push(problem),
            Opened::Failed(failure) => failures.push(failure),
        }
    }
    if code.is_empty() && passed_by == 0 {
        return left;
    }
    app.code = Known::Read(Vec::new());
    add(app, texts, opened, &mut failures);
    let loaded = loaded(app, others);
    add(app, texts, loaded, &mut failures);
    app.code.read_mut().sort_by_key(|unit| unit.file);
    report(app, failures, &mut left);
    if vendored > 0 {
        let files = if vendored == 1 { "1 file was".to_owned() } else { format!("{vendored} files were") };
        left.gaps.push(Gap::new("vendored, minified or generated code", format!("{files} not analysed")));
    }
    left
}

fn open(candidate: &Candidate) -> Opened {
    let bytes = match candidate.head(LONGEST + 1) {
        Ok(bytes) => bytes,
        Err(error) => {
            return Opened::Closed(Problem::new(&candidate.path, words(&error), "the file was not read"));
        }
    };
    let text = Text::new(&bytes, Show::Code, Syntax::Plain);
    if !candidate.asked && vendored::by_text(&text.text) {
        return Opened::Vendored;
    }
    if bytes.len() as u64 > LONGEST {
        let reason = "the file is longer than 2 MiB".to_owned();
        return Opened::Failed(Failure { file: candidate.file, path: candidate.path.clone(), reason, at: None });
    }
    Opened::Text(text)
}

/// Makes units of texts, and keeps both.
fn add(app: &mut App, texts: &mut Texts, opened: Vec<(&Candidate, Text)>, failures: &mut Vec<Failure>) {
    let sources: Vec<Source<'_>> = opened
        .iter()
        .map(|(candidate, text)| Source { file: candidate.file, path: &candidate.path, text: &text.text })
        .collect();
    let lowered = lower_all(&sources);
    for ((candidate, text), lowered) in opened.into_iter().zip(lowered) {
        match lowered {
            Ok(unit) => {
                app.code.read_mut().push(unit);
                if texts.get(candidate.file).is_none() {
                    let content = Content::Text(text);
                    texts.insert(candidate.file, SourceFile { path: candidate.path.clone(), content });
                }
            }
            Err(Unreadable { reason, at }) => {
                let at = at.map(|at| line_of(&text.text, at));
                failures.push(Failure { file: candidate.file, path: candidate.path.clone(), reason, at });
            }
        }
    }
}

/// The line and column, from 1, that a span begins on.
fn line_of(text: &str, span: Span) -> (usize, usize) {
    // An end that came too soon is shown behind the last character that says something.
    let start = span.start().min(text.trim_end().len());
    let before = text.get(..start).unwrap_or_default();
    let line = memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1;
    (line, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1)
}

/// The JSON that code names in so many words, in the order of paths.
fn loaded<'c>(app: &App, others: &'c [Candidate]) -> Vec<(&'c Candidate, Text)> {
    let is_json = |candidate: &&Candidate| {
        candidate.path.ends_with(".json")
            && candidate.size <= LONGEST_JSON
            && !matches!(candidate.bytes, Bytes::Entry(..))
    };
    let by_path: BTreeMap<&str, &Candidate> =
        others.iter().filter(is_json).map(|candidate| (candidate.path.as_str(), candidate)).collect();
    let project = Project::new(app);
    let named = |number: usize, module: &str| -> Option<&'c Candidate> {
        if matches!(project.resolve(number, module), Target::Unit(_)) {
            return None;
        }
        let places = project.places(number, module)?;
        let with = |path: &String| [path.clone(), format!("{path}.json"), format!("{path}/index.json")];
        places.iter().flat_map(with).find_map(|path| by_path.get(path.as_str()).copied())
    };
    let units = project.units().par_iter().enumerate();
    let wanted: BTreeMap<FileId, &Candidate> = units
        .flat_map_iter(|(number, unit)| {
            requires::of(unit).into_iter().filter_map(move |module| named(number, &module)).collect::<Vec<_>>()
        })
        .map(|candidate| (candidate.file, candidate))
        .collect();
    let text_of = |candidate: &'c Candidate| {
        let bytes = candidate.whole(LONGEST_JSON).ok()??;
        Some((candidate, Text::new(&bytes, Show::NoValues, Syntax::Json)))
    };
    wanted.into_values().filter_map(text_of).collect()
}

/// Sorts out whether what is not analysed is a part of the server, which is a problem,
/// or stands beside it.
fn report(app: &mut App, failures: Vec<Failure>, left: &mut Left) {
    if failures.is_empty() {
        return;
    }
    // A file without a unit is reached by name as others are, so it has an empty one meanwhile.
    let broken: BTreeSet<FileId> = failures.iter().map(|failure| failure.file).collect();
    let units = app.code.read_mut();
    units.extend(failures.iter().map(|failure| Unit {
        file: failure.file,
        path: failure.path.clone(),
        ..Unit::default()
    }));
    let server = of_server(app);
    app.code.read_mut().retain(|unit| !broken.contains(&unit.file));
    for Failure { path, reason, at, .. } in failures {
        if server.contains(&path) {
            let problem = Problem::new(path, reason, "the file was not analysed");
            left.problems.push(match at {
                Some((line, column)) => problem.at(line, column),
                None => problem,
            });
        } else {
            let place = at.map_or_else(|| path.clone(), |(line, _)| format!("{path}:{line}"));
            left.gaps.push(Gap::new(place, format!("not analysed; {reason}")));
        }
    }
}

/// The paths of the files that a Parse Server runs: what lies below a folder `cloud`, and
/// what is reached from where a package that needs `parse-server` starts.
pub fn of_server(app: &App) -> BTreeSet<String> {
    let project = Project::new(app);
    let path_of = |number: usize| project.units().get(number).map_or("", |unit| unit.path.as_str());
    let is_cloud = |number: usize| {
        let mut above = crate::code::path::upward(folder(path_of(number)));
        above.any(|folder| name(folder) == "cloud")
    };
    let numbers = || 0..project.units().len();
    let starts = project.entries().into_iter().filter(|entry| project.depends_on(*entry, "parse-server").is_some());
    let first: Vec<usize> = starts.chain(numbers().filter(|number| is_cloud(*number))).collect();
    let reached = project.reached(&first);
    let of_server = numbers().filter(|number| reached.get(*number) == Some(&true));
    of_server.map(|number| path_of(number).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Input, Reading, Settings, Silent, read};
    use super::*;

    fn reading(files: &[(&str, &str)]) -> Reading {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        read(&Input::Memory(files), &Settings::default(), &Silent)
    }

    fn paths(reading: &Reading) -> Vec<&str> {
        let units = reading.snapshot.app.code.read().expect("code");
        units.iter().map(|unit| unit.path.as_str()).collect()
    }

    fn gaps(reading: &Reading) -> Vec<String> {
        let gaps = reading.snapshot.gaps.iter();
        let own = gaps.filter(|gap| gap.reason.contains("analysed") || gap.topic == "cloud code");
        own.map(|gap| format!("{}: {}", gap.topic, gap.reason)).collect()
    }

    #[test]
    fn json_that_code_loads_is_a_part_of_it() {
        let reading = reading(&[
            ("cloud/main.js", "const routes = require('./routes');\nrequire('../config.json');\n"),
            ("cloud/other.json", "{}"),
            ("cloud/routes.json", "{ \"a\": 1 }"),
            ("config.json", "{}"),
        ]);
        assert_eq!(paths(&reading), ["cloud/main.js", "cloud/routes.json", "config.json"]);
        assert_eq!((reading.files, reading.problems), (4, vec![]));
        let text = reading.snapshot.texts.get(FileId(2)).expect("the text of routes.json");
        assert!(matches!(&text.content, Content::Text(text) if text.show == Show::NoValues));
    }

    #[test]
    fn without_code_there_is_a_gap() {
        let reading = reading(&[("a.json", "{}")]);
        assert_eq!(reading.snapshot.app.code.read(), None);
        assert_eq!(gaps(&reading), ["cloud code: no file of JavaScript or TypeScript was found"]);
    }

    #[test]
    fn vendored_files_are_counted_and_left_out() {
        let reading = reading(&[
            ("cloud/main.js", "run();\n"),
            ("cloud/underscore.min.js", "_"),
            ("public/x.js", "/* @generated */"),
            ("types.d.ts", "declare const x: number;"),
        ]);
        assert_eq!(paths(&reading), ["cloud/main.js"]);
        assert_eq!(gaps(&reading), ["vendored, minified or generated code: 2 files were not analysed"]);
    }

    #[test]
    fn a_file_of_the_server_that_cannot_be_read_is_a_problem_and_a_web_page_is_none() {
        let manifest = "{ \"dependencies\": { \"parse-server\": \"^8.0.0\" } }";
        let reading = reading(&[
            ("cloud/a.js", "run();\n\n  let let = {{{;\n"),
            ("index.js", "require('./lib/b');\n"),
            ("lib/b.js", "let let = {{{;\n"),
            ("package.json", manifest),
            ("public/c.js", "<html>{{{</html>\n"),
        ]);
        let problems: Vec<(&str, Option<usize>)> = reading
            .problems
            .iter()
            .map(|problem| (problem.path.as_str(), problem.line.map(|(line, _)| line)))
            .collect();
        assert_eq!(problems, [("cloud/a.js", Some(3)), ("lib/b.js", Some(1))]);
        assert_eq!(paths(&reading), ["index.js"]);
        let gaps = gaps(&reading);
        assert!(gaps.len() == 1 && gaps[0].starts_with("public/c.js:1: not analysed; "), "{gaps:?}");
    }
}
