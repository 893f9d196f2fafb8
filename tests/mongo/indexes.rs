//! What a running MongoDB tells of indexes, and a dump of it.

use super::*;

#[test]
fn unique_indexes_are_known_and_what_is_not_unique_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let writer = Writer::new(&server.uri, "app");
    writer.restore(&dump(), "");
    let uri = format!("{}/app", server.uri);
    let found = |reading: &Reading| -> BTreeSet<String> {
        let program = Program::new(loader::built_in().unwrap(), Words::new(Vec::new()).unwrap());
        let outcome = audit(&reading.snapshot, &program, Vec::new(), jiff::civil::date(2026, 11, 22));
        let names = outcome.findings.iter().filter(|found| found.rule.as_str() == "database-names-not-unique");
        names.map(|found| found.subject.clone()).collect()
    };
    let expected = ["_Role.name", "_User.email", "_User.username"].map(str::to_owned);
    assert_eq!(found(&read_live(&uri)), BTreeSet::from(expected));

    let index = |collection: &str, name: &str, mut index: Document| {
        index.insert("name", name);
        writer.run(doc! { "createIndexes": collection, "indexes": [index] });
    };
    index("_Role", "name_1", doc! { "key": { "name": 1 }, "unique": true, "sparse": true });
    index("_User", "username_1", doc! { "key": { "username": 1 }, "unique": true, "sparse": true });
    let has_email = doc! { "email": { "$exists": true } };
    index("_User", "mail", doc! { "key": { "email": 1 }, "unique": true, "partialFilterExpression": has_email });
    index("Product", "name_idx", doc! { "key": { "name": 1 } });
    let live = read_live(&uri);
    assert_eq!((told(&live), found(&live)), (Vec::new(), BTreeSet::new()));
    let exported = read(&Input::Path(dump()), &Settings::default(), &Silent).snapshot.app;
    let unique = |app: &App, class: &str| -> Option<Vec<String>> {
        Some(app.classes[class].indexes.read()?.unique.keys().flatten().cloned().collect())
    };
    let both = |class: &str| (unique(&live.snapshot.app, class), unique(&exported, class));
    let told = |columns: &[&str]| Some(columns.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>());
    assert_eq!(both("Product"), (told(&[]), told(&[])));
    assert_eq!(both("_Role"), (told(&["name"]), told(&["name"])));
    assert_eq!(both("_User"), (told(&["email", "username"]), None), "no dump of these was kept");
}
