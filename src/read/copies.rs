//! Libraries that were copied into the repository: which, of what version, and whether the
//! server runs them.
//!
//! A copy is told by the remark that its authors put on top, and only if that begins with the
//! name and tells the version. A file whose own name says something else is a bundle or names
//! the library in passing. Nothing is read but the beginning of files with such names.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::LazyLock;

use rayon::prelude::*;
use regex::Regex;
use semver::Version;

use crate::code::path::{folder, name, upward};
use crate::code::requires;
use crate::code::resolve::Project;
use crate::model::place::{Content, Show, SourceFile, Text, Texts};
use crate::model::spans::Syntax;
use crate::model::{App, Copied, Place, Span};

use super::code::of_server;
use super::source::Candidate;

/// Bytes at the beginning in which the remark stands.
const HEAD: u64 = 1024;

/// Lines of the remark in which name and version stand.
const LINES: usize = 8;

/// A library that is copied.
struct Library {
    /// Its name as the remark begins, in small letters.
    written: &'static str,
    /// Its name in the registry of npm.
    package: &'static str,
    /// Words of which names of its files have one.
    files: &'static [&'static str],
    /// The first major version that is not too old to get fixes; 0 if all get some.
    maintained: u64,
}

const fn library(
    written: &'static str,
    package: &'static str,
    files: &'static [&'static str],
    maintained: u64,
) -> Library {
    Library { written, package, files, maintained }
}

/// Longer names before those that they begin with.
///
/// `maintained` is common knowledge, checked for none of them by a program: jQuery 1 and 2,
/// Bootstrap 4, AngularJS and Vue 2 have ended, as have jQuery Mobile and the SDK of parse.com.
static LIBRARIES: [Library; 27] = [
    library("parse javascript sdk", "parse", &["parse"], 2),
    library("jquery javascript library", "jquery", &["jquery"], 3),
    library("jquery mobile", "jquery-mobile", &["jquery"], 2),
    library("jquery ui", "jquery-ui", &["jquery"], 0),
    library("jquery", "jquery", &["jquery"], 3),
    library("underscore.js", "underscore", &["underscore"], 0),
    library("backbone.js", "backbone", &["backbone"], 0),
    library("bootstrap", "bootstrap", &["bootstrap"], 5),
    library("angularjs", "angular", &["angular"], 2),
    library("lodash", "lodash", &["lodash"], 4),
    library("lo-dash", "lodash", &["lodash"], 4),
    library("handlebars", "handlebars", &["handlebars"], 4),
    library("moment-timezone.js", "moment-timezone", &["moment-timezone"], 0),
    library("moment.js", "moment", &["moment"], 0),
    library("chart.js", "chart.js", &["chart"], 0),
    library("vue.js", "vue", &["vue"], 3),
    library("axios", "axios", &["axios"], 0),
    library("knockout javascript library", "knockout", &["knockout"], 0),
    library("dompurify", "dompurify", &["purify"], 0),
    library("@license dompurify", "dompurify", &["purify"], 0),
    library("socket.io", "socket.io-client", &["socket.io"], 0),
    library("xregexp", "xregexp", &["xregexp"], 0),
    library("javascript md5", "blueimp-md5", &["md5"], 0),
    library("cryptojs", "crypto-js", &["crypto", "hmac", "sha", "md5", "aes"], 4),
    library("numeral.js", "numeral", &["numeral"], 0),
    library("accounting.js", "accounting", &["accounting"], 0),
    library("uaparser.js", "ua-parser-js", &["ua-parser"], 0),
];

/// Folders of what is shown, tried or made, and not run by anybody's users.
const ASIDE: [&str; 22] = [
    "__tests__",
    "build",
    "coverage",
    "demo",
    "demos",
    "doc",
    "docs",
    "e2e",
    "example",
    "examples",
    "fixture",
    "fixtures",
    "jsdoc",
    "mock",
    "mocks",
    "platforms",
    "sample",
    "samples",
    "spec",
    "specs",
    "test",
    "tests",
];

/// A version behind a name, or in a line of its own.
static VERSION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^[\s,-]*(?:v(?:er(?:sion|\.)?)?[\s:]*)?(\d+\.\d+(?:\.\d+)?(?:-[0-9a-z.]+)?)\s*(?:$|[|(<,*]|-\s)")
        .ok()
});

/// What a remark tells: the library, its version, and where in the text that stands.
struct Told {
    library: &'static Library,
    version: Version,
    at: Range<usize>,
}

/// Takes in the copies among files of code; `app` has its code, and `texts` what was found in files.
pub fn take<'c>(app: &mut App, texts: &mut Texts, code: impl Iterator<Item = &'c Candidate>) {
    let named: Vec<&Candidate> = code.filter(|candidate| may_be_one(&candidate.path)).collect();
    let told: Vec<(&Candidate, Text, Told)> = named
        .into_par_iter()
        .filter_map(|candidate| {
            let text = Text::new(&candidate.head(HEAD).ok()?, Show::Code, Syntax::Plain);
            let told = told(&text.text, name(&candidate.path))?;
            Some((candidate, text, told))
        })
        .collect();
    if told.is_empty() {
        return;
    }
    let paths: BTreeSet<&str> = told.iter().map(|(candidate, ..)| candidate.path.as_str()).collect();
    let run = run_by_server(app, &paths);
    for (candidate, mut text, Told { library, version, at }) in told {
        let file = candidate.file;
        if texts.get(file).is_none() {
            // What was made small has all of the library in the next line.
            text.text
                .truncate(text.text.get(at.end..).and_then(|rest| rest.find('\n')).map_or(at.end, |end| at.end + end));
            texts.insert(file, SourceFile { path: candidate.path.clone(), content: Content::Text(text.clone()) });
        }
        app.copies.push(Copied {
            package: library.package.to_owned(),
            is_maintained: version.major >= library.maintained,
            version,
            at: Place::Text { file, span: Span::new(&text.text, at.start, at.end) },
            is_run: run.contains(candidate.path.as_str()),
        });
    }
    app.copies.sort_by_key(|copy| copy.at.file());
}

fn may_be_one(path: &str) -> bool {
    let name = name(path).to_ascii_lowercase();
    name.ends_with("js")
        && LIBRARIES.iter().flat_map(|library| library.files).any(|word| name.contains(word))
        && !is_aside(path)
}

/// Whether a file lies among documentation, samples, tests or what was made of others.
pub fn is_aside(path: &str) -> bool {
    folder(path).split('/').any(|part| ASIDE.contains(&part.to_ascii_lowercase().as_str()))
}

/// What the remark on top of a text tells of a file of this name.
fn told(text: &str, file: &str) -> Option<Told> {
    let file = file.to_ascii_lowercase();
    let offset = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    let mut lines = text.lines().take(LINES).map(undecorated).filter(|line| !line.is_empty());
    let first = lines.next()?;
    if !text.trim_start().trim_start_matches(';').starts_with('/') {
        return None;
    }
    let lower = first.to_ascii_lowercase();
    let is_meant = |library: &&Library| {
        let rest = lower.strip_prefix(library.written);
        let ends = rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric()));
        ends && library.files.iter().any(|word| file.contains(word))
    };
    let library = LIBRARIES.iter().find(is_meant)?;
    let behind = first.get(library.written.len()..)?;
    let in_line = |line: &str| {
        let found = VERSION.as_ref()?.captures(line)?.get(1)?;
        let version = parsed(found.as_str())?;
        let start = offset(line) + found.start();
        Some(Told { library, version, at: start..start + found.len() })
    };
    let own_line = |line: &str| line.to_ascii_lowercase().starts_with("version").then(|| in_line(line)).flatten();
    // Behind the name of a plugin stands the plugin's version.
    in_line(behind).or_else(|| behind.is_empty().then(|| lines.find_map(own_line)).flatten())
}

/// A line of a remark without the signs round it.
fn undecorated(line: &str) -> &str {
    let line = line.trim_start_matches(['/', '*', '!', ';', ' ', '\t']);
    let line = line.strip_prefix("@license").or_else(|| line.strip_prefix("@preserve")).unwrap_or(line);
    line.trim()
}

fn parsed(version: &str) -> Option<Version> {
    let whole = if version.matches('.').count() == 1 { format!("{version}.0") } else { version.to_owned() };
    Version::parse(&whole).ok()
}

/// Those of the files that the server runs: they lie with the cloud code, or code of the server loads them.
fn run_by_server<'p>(app: &App, paths: &BTreeSet<&'p str>) -> BTreeSet<&'p str> {
    let in_cloud = |path: &str| upward(folder(path)).any(|folder| name(folder) == "cloud");
    let mut run: BTreeSet<&str> = paths.iter().copied().filter(|path| in_cloud(path)).collect();
    let server = of_server(app);
    run.extend(paths.iter().copied().filter(|path| server.contains(*path)));
    let by_module: BTreeMap<&str, &str> =
        paths.iter().flat_map(|path| [(*path, *path), (path.trim_end_matches(".js"), *path)]).collect();
    let project = Project::new(app);
    for (number, unit) in project.units().iter().enumerate().filter(|(_, unit)| server.contains(&unit.path)) {
        let places = requires::of(unit).into_iter().filter_map(|module| project.places(number, &module)).flatten();
        run.extend(places.filter_map(|place| by_module.get(place.as_str()).copied()));
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(file: &str, text: &str) -> Option<(&'static str, String)> {
        told(text, file).map(|told| {
            let written = text.get(told.at.clone()).expect("a part of the text");
            assert!(told.version.to_string().starts_with(written), "{written}");
            (told.library.package, told.version.to_string())
        })
    }

    #[test]
    fn libraries_are_told_by_the_remark_on_top() {
        for (file, text, package, version) in [
            ("jquery.js", "/*! jQuery v1.11.0 | (c) 2005, 2014 jQuery Foundation, Inc. */\n", "jquery", "1.11.0"),
            ("jquery-2.js", "/*!\n * jQuery JavaScript Library v2.0.3\n * http://jquery.com/\n", "jquery", "2.0.3"),
            ("jquery-ui.js", "/*! jQuery UI - v1.12.1 - 2016-09-14\n", "jquery-ui", "1.12.1"),
            ("underscore.js", "//     Underscore.js 1.8.3\n//     http://underscorejs.org\n", "underscore", "1.8.3"),
            ("moment.js", "//! moment.js\n//! version : 2.10.6\n//! authors : a\n;(function", "moment", "2.10.6"),
            ("parse.js", "/*!\n * Parse JavaScript SDK\n * Version: 1.2.12\n * Built: Wed\n", "parse", "1.2.12"),
            ("parse.js", "/**\n * Parse JavaScript SDK v1.7.1\n *\n * Copyright\n", "parse", "1.7.1"),
            ("angular.min.js", "/*\n AngularJS v1.3.20\n (c)\n", "angular", "1.3.20"),
            ("angular.js", "/**\n * @license AngularJS v1.5.7\n", "angular", "1.5.7"),
            ("lodash.min.js", "/**\n * @license\n * Lo-Dash 2.4.1 (Custom Build) lodash.com\n", "lodash", "2.4.1"),
            ("bootstrap.js", "/*!\n * Bootstrap v3.3.4 (http://getbootstrap.com)\n", "bootstrap", "3.3.4"),
            ("handlebars.js", "/*!\n\n handlebars v1.3.0\n\nCopyright", "handlebars", "1.3.0"),
            ("aes.js", "/*\nCryptoJS v3.1.2\ncode.google.com/p/crypto-js\n", "crypto-js", "3.1.2"),
        ] {
            assert_eq!(says(file, text), Some((package, version.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_only_names_a_library_is_none() {
        for (file, text) in [
            ("jquery.migrate.js", "/*! jQuery Migrate v1.2.1 | (c) 2005 */\n"),
            ("lodash.js", "/**\n * @license\n * lodash lodash.com/license | Underscore.js 1.8.3\n */\n"),
            ("application.js", "/*! jQuery v1.11.0 | (c) 2005 */\n"),
            ("jquery.form.js", "/*!\n * jQuery Form Plugin\n * version: 3.51.0\n * Requires jQuery v1.5 or later\n"),
            ("parse.js", "/**\n * Our helpers for Parse JavaScript SDK v1.7.1\n */\n"),
            ("parse.js", "const version = 'Parse JavaScript SDK v1.7.1';\n"),
            ("moment.js", "//! moment.js locale configuration\n//! locale : German\n"),
            ("bootstrap.js", "// Bootstrap\n// starts the server\nrun('1.2.3');\n"),
        ] {
            assert_eq!(says(file, text), None, "{text}");
        }
    }
}
