//! One app in every form gives one model.
//!
//! Each folder of `fixtures/samples` is the same app in another form. What a form tells
//! must equal what the most complete one tells; what it cannot tell must be unread, and
//! is listed in [`FORMS`] by name and reason. Places are left out: they differ by nature.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use parse_audit::model::{App, Census, Class, ClassName, Clp, Known, Roles};
use parse_audit::read::{Input, Reading, Settings, Silent, read};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The form that tells everything.
const REFERENCE: &str = "mongoexport-relaxed";

/// Parts of the model that are compared one by one.
const PARTS: [&str; 15] = [
    "class _User",
    "class _Role",
    "class _Session",
    "class Legacy",
    "class Category",
    "class Product",
    "roles",
    "members",
    "inheritance",
    "rows Product",
    "rows _User",
    "rows _Role",
    "orphans",
    "config",
    "hooks",
];

/// A form, and which parts it does not tell: the beginning of their names, and why.
type Form = (&'static str, &'static [(&'static str, &'static str)]);

const NO_SCHEMA: &str = "an export of rows says nothing about fields and permissions";
const NO_ROWS: &str = "a description of classes holds no rows";
const NO_USERS: &str = "without an export of _User it is unknown which ids are users";
const NO_JOINS: &str = "an answer of REST shows a relation by its target class, not by its pairs";
const NOT_EXPORTED: &str = "the sample has no export of that table";
const ONE_CLASS: &str = "an export of one class says nothing about the others";

const FORMS: [Form; 15] = [
    (REFERENCE, &[]),
    ("mongodump", &[]),
    (
        "mongoexport-canonical",
        &[
            ("roles", NOT_EXPORTED),
            ("members", NOT_EXPORTED),
            ("inheritance", NOT_EXPORTED),
            ("rows _", NOT_EXPORTED),
            ("orphans", NO_USERS),
            ("config", NOT_EXPORTED),
            ("hooks", NOT_EXPORTED),
        ],
    ),
    ("mongoexport-jsonArray", SCHEMA_ONLY),
    ("pg-ndjson", &[("inheritance", NOT_EXPORTED), ("config", NOT_EXPORTED), ("hooks", NOT_EXPORTED)]),
    ("pg_dump-insert", DUMP),
    ("pg_dump-copy", DUMP),
    ("rest-mongo", REST),
    ("rest-pg", REST),
    ("rest-one-mongo", ONE_BY_ONE),
    ("rest-one-pg", ONE_BY_ONE),
    ("dashboard-schema-all", SCHEMA_ONLY),
    (
        "dashboard-schema-one",
        &[
            ("class _", ONE_CLASS),
            ("class Legacy", ONE_CLASS),
            ("class Category", ONE_CLASS),
            ("roles", NO_ROWS),
            ("members", NO_ROWS),
            ("inheritance", NO_ROWS),
            ("rows", NO_ROWS),
            ("orphans", NO_ROWS),
            ("config", NO_ROWS),
            ("hooks", NO_ROWS),
        ],
    ),
    ("dashboard-rows-json", ROWS_OF_PRODUCT),
    ("dashboard-rows-csv", ROWS_OF_PRODUCT),
];

const SCHEMA_ONLY: &[(&str, &str)] = &[
    ("roles", NO_ROWS),
    ("members", NO_ROWS),
    ("inheritance", NO_ROWS),
    ("rows", NO_ROWS),
    ("orphans", NO_ROWS),
    ("config", NO_ROWS),
    ("hooks", NO_ROWS),
];

const ONE_BY_ONE: &[(&str, &str)] = &[
    ("class _", ONE_CLASS),
    ("class Category", ONE_CLASS),
    ("roles", NO_ROWS),
    ("members", NO_ROWS),
    ("inheritance", NO_ROWS),
    ("rows", NO_ROWS),
    ("orphans", NO_ROWS),
    ("config", NO_ROWS),
    ("hooks", NO_ROWS),
];

const DUMP: &[(&str, &str)] = &[
    ("rows _User", NOT_EXPORTED),
    ("orphans", NO_USERS),
    ("inheritance", NOT_EXPORTED),
    ("config", NOT_EXPORTED),
    ("hooks", NOT_EXPORTED),
];

const REST: &[(&str, &str)] =
    &[("rows _User", NOT_EXPORTED), ("orphans", NO_USERS), ("members", NO_JOINS), ("inheritance", NO_JOINS)];

const ROWS_OF_PRODUCT: &[(&str, &str)] = &[
    ("class", NO_SCHEMA),
    ("roles", ONE_CLASS),
    ("members", ONE_CLASS),
    ("inheritance", ONE_CLASS),
    ("rows _", ONE_CLASS),
    ("orphans", NO_USERS),
    ("config", ONE_CLASS),
    ("hooks", ONE_CLASS),
];

/// The export of every class, as a folder and as the same folder zipped.
const CLASS_EXPORT: &[(&str, &str)] = &[
    ("class", NO_SCHEMA),
    ("config", "hosted Parse exports classes and join tables, no configuration"),
    ("hooks", "hosted Parse exports classes and join tables, no webhooks"),
];

fn folder(form: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/samples").join(form)
}

fn read_path(path: &Path) -> Reading {
    let reading = read(&Input::Path(path.to_owned()), &Settings::default(), &Silent);
    assert_eq!(reading.problems, [], "{}", path.display());
    assert_ne!(reading.files, 0, "{}", path.display());
    reading
}

/// A part of the model as text, without places; `None` if it was not read.
fn part(app: &App, part: &str) -> Option<String> {
    let words: Vec<&str> = part.split(' ').collect();
    match words[..] {
        ["class", name] => description(app.classes.get(&ClassName::from(name))?),
        ["rows", name] => census(app.classes.get(&ClassName::from(name))?.rows.read()?),
        ["roles"] => app.roles.read().map(roles),
        ["members"] => members(app.roles.read()?),
        ["inheritance"] => inheritance(app.roles.read()?),
        ["orphans"] => orphans(app),
        ["config"] => app.config.read().map(|config| {
            let flags = config.iter().map(|(name, one)| (name, one.master_key_only, one.looks_secret));
            format!("{:#?}", flags.collect::<Vec<_>>())
        }),
        ["hooks"] => app.webhooks.read().map(|hooks| {
            let hooks = hooks.iter().map(|hook| (&hook.trigger, &hook.scheme, &hook.host));
            format!("{:#?}", hooks.collect::<BTreeSet<_>>())
        }),
        _ => panic!("`{part}` is no part of the model"),
    }
}

/// Fields, permissions, protected fields. What MongoDB leaves out REST writes as closed.
fn description(class: &Class) -> Option<String> {
    let (Known::Read(fields), Known::Read(clp)) = (&class.fields, class.clp.as_ref().map(Clp::filled)) else {
        return None;
    };
    Some(format!("{:#?}\n{fields:#?}\n{clp:#?}", class.source.origin))
}

fn census(census: &Census) -> Option<String> {
    let known = Census { users_known: false, ..census.clone() };
    Some(format!("{known:#?}"))
}

/// Whether entries of rows were compared with the users, and no user was missing.
fn orphans(app: &App) -> Option<String> {
    let censuses = app.classes.values().filter_map(|class| class.rows.read());
    let compared: Vec<u64> = censuses
        .filter(|census| census.users_known)
        .map(|census| {
            census.count(|shape| [&shape.read, &shape.write].into_iter().flatten().any(|entries| entries.orphan))
        })
        .collect();
    (!compared.is_empty()).then(|| format!("{} orphaned", compared.iter().sum::<u64>()))
}

fn roles(roles: &Roles) -> String {
    format!("{:#?}", roles.by_name.iter().map(|(name, role)| (name, &role.acl)).collect::<BTreeMap<_, _>>())
}

fn members(roles: &Roles) -> Option<String> {
    let members: Option<BTreeMap<_, _>> =
        roles.by_name.iter().map(|(name, role)| Some((name, role.members.read()?))).collect();
    members.map(|members| format!("{members:#?}"))
}

fn inheritance(roles: &Roles) -> Option<String> {
    roles.inheritance.read()?;
    Some(format!("{:#?}", roles.by_name.iter().map(|(name, role)| (name, &role.children)).collect::<BTreeMap<_, _>>()))
}

/// Compares every part that the form tells, and demands that it tells no other.
fn compare(name: &str, app: &App, lacking: &[(&str, &str)]) {
    let reference = read_path(&folder(REFERENCE)).snapshot.app;
    let mut told = 0;
    for wanted in PARTS {
        let (expected, found) = (part(&reference, wanted), part(app, wanted));
        assert!(expected.is_some(), "the reference must tell {wanted}");
        match lacking.iter().find(|(beginning, _)| wanted.starts_with(beginning)) {
            Some((_, reason)) => assert_eq!(found, None, "{name} is not to tell {wanted}: {reason}"),
            None => {
                told += 1;
                let (expected, found) = (expected.unwrap(), found.unwrap_or_else(|| panic!("{name}: no {wanted}")));
                assert!(expected == found, "{name}: {wanted} differs\n--- reference\n{expected}\n--- {name}\n{found}");
            }
        }
    }
    assert!(told > 0, "{name} tells nothing");
    assert_eq!(app.other_descriptions, [], "{name} contradicts itself");
}

#[test]
fn every_form_of_an_app_gives_the_same_model() {
    for (name, lacking) in FORMS {
        compare(name, &read_path(&folder(name)).snapshot.app, lacking);
    }
}

#[test]
fn an_export_of_classes_is_the_same_as_folder_and_as_zip() {
    let source = folder("class-export");
    let expected = read_path(&source).snapshot.app;
    compare("class-export", &expected, CLASS_EXPORT);

    let target = tempfile::tempdir().expect("a folder");
    for (file, below) in [("deflated.zip", ""), ("in-a-folder.zip", "export/")] {
        let path = target.path().join(file);
        let mut zip = ZipWriter::new(File::create(&path).expect("a file"));
        for entry in fs::read_dir(&source).expect("the samples") {
            let entry = entry.expect("an entry").path();
            let name = format!("{below}{}", entry.file_name().unwrap().to_string_lossy());
            zip.start_file(name, SimpleFileOptions::default()).expect("an entry");
            zip.write_all(&fs::read(entry).expect("a sample")).expect("written");
        }
        zip.finish().expect("an archive");
        compare(file, &read_path(&path).snapshot.app, CLASS_EXPORT);
    }
}

#[test]
fn every_sample_is_compared() {
    let listed: BTreeSet<String> = FORMS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let entries = fs::read_dir(folder("")).expect("the samples");
    let folders = entries.map(|entry| entry.expect("an entry")).filter(|entry| entry.path().is_dir());
    let mut found: BTreeSet<String> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert!(found.remove("class-export"), "it has a test of its own");
    assert_eq!(found, listed);
}

#[test]
fn all_forms_in_one_folder_are_one_app_without_contradiction() {
    let everything = read_path(&folder("")).snapshot.app;
    assert_eq!(everything.other_descriptions, []);
    let reference = read_path(&folder(REFERENCE)).snapshot.app;
    for wanted in PARTS {
        assert_eq!(part(&everything, wanted), part(&reference, wanted), "{wanted}");
    }
}
