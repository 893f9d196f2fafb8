//! What somebody edited by hand until it means nothing, and rows that are far too long: told, and the rest is checked.

use super::*;
use mongodb::bson::Bson;

/// What the program says for a database with these arguments, and its exit code.
fn program(folder: &Path, uri: &str, args: &[&str]) -> (i32, String) {
    let done = binary::run_with(folder, &[args, &["--mongodb", "env"]].concat(), &[("PARSE_SERVER_DATABASE_URI", uri)]);
    (done.code, done.all())
}

fn insert(writer: &Writer, collection: &str, document: &Document) {
    writer.insert(collection, &[RawDocumentBuf::try_from(document).unwrap()]);
}

/// Nothing was locked, and the class that is sound was checked.
fn is_incomplete(uri: &str, part: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (exit, text) = program(folder.path(), uri, &["check", "."]);
    assert!(exit == 3 && text.contains("clp-public-delete") && text.contains("Open"), "{exit:?} {text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{2}'), "{text}");
    let (exit, text) = program(folder.path(), uri, &["snapshot", "."]);
    assert!(exit == 3 && text.contains(part) && !folder.path().join("parse-audit").exists(), "{exit:?} {text}");
}

const OPEN: &str = "Open";

/// A class that anyone may delete rows of.
fn open() -> Document {
    doc! { "_id": OPEN, "objectId": "string", "_metadata": { "class_permissions": { "delete": { "*": true } } } }
}

#[test]
fn a_schema_that_means_nothing_is_told_class_by_class_and_sound_classes_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let writer = Writer::new(&server.uri, "app");
    let deep = (0..165).fold(doc! { "find": true }, |inner, _| doc! { "a": inner });
    let permissions = |permissions: Bson| doc! { "class_permissions": permissions };
    for document in [
        doc! { "_id": 7, "title": "string" },
        doc! { "_id": ObjectId::new() },
        doc! { "_id": "A1", "objectId": 7 },
        doc! { "_id": "A2", "_metadata": 7 },
        doc! { "_id": "A3", "title": ["string"], "_metadata": permissions(doc! { "delete": { "*": true } }.into()) },
        doc! { "_id": "A4", "_metadata": permissions(vec!["find"].into()) },
        doc! { "_id": "A5", "_metadata": permissions(deep.into()) },
        doc! { "_id": "A6" },
        doc! { "_id": "A7\u{1b}[31m\u{2}", "a\u{1b}[31mb": "string" },
        open(),
    ] {
        insert(&writer, "_SCHEMA", &document);
    }
    let uri = format!("{}/app", server.uri);
    let reading = read_live(&uri);
    let told: BTreeSet<String> = told(&reading).into_iter().collect();
    let columns = |class: &str, column: &str| {
        format!(
            "_SCHEMA: the description of `{class}` cannot be read: it has columns of no type: `{column}`; what these columns hold was not checked"
        )
    };
    let nameless = "_SCHEMA: the description of a class cannot be read: it has no name; the class was not checked";
    let deep =
        "_SCHEMA: the description of `A5` cannot be read: it is damaged or nested too deep; the class was not checked";
    let expected = [columns("A1", "objectId"), columns("A3", "title"), deep.to_owned(), nameless.to_owned()];
    assert_eq!(told, BTreeSet::from(expected));
    let is_known = |class: &str| {
        reading.snapshot.app.classes.get(&ClassName::from(class)).is_some_and(|class| class.clp.is_read())
    };
    assert!(["A1", "A2", "A3", "A4", "A6", "A7\u{1b}[31m\u{2}", OPEN].into_iter().all(is_known));
    is_incomplete(&uri, "_SCHEMA: the description of `A1`");
}

#[test]
fn a_row_with_as_many_entries_as_it_can_hold_is_counted_or_told() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let writer = Writer::new(&server.uri, "app");
    insert(&writer, "_SCHEMA", &open());
    insert(&writer, OPEN, &doc! { "_id": "anybodys01" });
    let long = |id: &str, prefix: &str| {
        let list: Vec<String> = (0..600_000).map(|number| format!("{prefix}{number}")).collect();
        insert(&writer, OPEN, &doc! { "_id": id, "_rperm": list, "_wperm": [] });
    };
    let uri = format!("{}/app", server.uri);
    let start = Instant::now();
    long("longUsers1", "user");
    let reading = read_answers(Database::new(&uri, None).unwrap().read());
    assert_eq!(told(&reading), Vec::<String>::new());
    long("longRoles1", "role:");
    let reading = read_answers(Database::new(&uri, None).unwrap().read());
    let message = "the ACL of 1 row is none, or names more roles than are read; who may read and write such rows of Open \
                   is not known";
    assert_eq!(told(&reading), [format!("{OPEN}: {message}")]);
    let census = reading.snapshot.app.classes[&ClassName::from(OPEN)].rows.read().expect("rows");
    assert_eq!((census.rows(), census.unreadable), (3, 1));
    is_incomplete(&uri, "Open: the ACL of 1 row");
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}
