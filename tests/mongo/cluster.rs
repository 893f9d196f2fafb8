//! A sharded cluster, as far as one server can be given out for one: its rows are put together where they lie.

use std::collections::BTreeSet;

use mongodb::bson::{RawDocumentBuf, doc};
use parse_audit::model::ClassName;

use crate::server::{Server, Wire, Writer};
use crate::{READING, database, large, read_answers, told};

#[test]
fn rows_of_a_cluster_are_counted_as_those_of_one_server_are() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    large(&server, 120_000);
    let writer = Writer::new(&server.uri, "app");
    // What looks alike to a server that compares as people read, and what only the row itself tells.
    let odd = [
        doc! { "_id": "OddRow0001", "_rperm": ["role:Staff"], "_wperm": ["role:STAFF"] },
        doc! { "_id": "OddRow0002", "_rperm": ["OddRow0002", "*"], "_wperm": ["OddRow0002"] },
        doc! { "_id": "OddRow0003", "_wperm": ["OddRow0003"] },
        doc! { "_id": "OddRow0004", "_rperm": null, "_wperm": null },
        doc! { "_id": "OddRow0005", "_rperm": "*", "_wperm": [5] },
        doc! { "_id": "OddRow0006", "_acl": { "OddRow0006": { "r": true } } },
        doc! { "_id": "OddRow0007", "_acl": 1, "_rperm": ["role:b", "role:a", "role:b"] },
        doc! { "_id": 5, "_rperm": ["*"] },
    ];
    writer.insert("Big", &odd.map(|row| RawDocumentBuf::try_from(&row).unwrap()));
    writer.insert("_SCHEMA", &[RawDocumentBuf::try_from(&doc! { "_id": "_User", "objectId": "string" }).unwrap()]);
    writer.insert("_User", &[RawDocumentBuf::try_from(&doc! { "_id": "OddRow0002" }).unwrap()]);

    let of = |wire: &Wire| {
        let reading = read_answers(database(&format!("{}/app", wire.uri)).in_parts_of(30_000).read());
        let [problem] = &told(&reading)[..] else { panic!("one problem") };
        assert!(problem.starts_with("Big: the ACL of 1 row is none"), "{problem}");
        reading.snapshot.app.classes[&ClassName::from("Big")].rows.clone()
    };
    let one = Wire::to(server.port());
    let rows = of(&one);
    assert_eq!(rows.read().map(|census| (census.rows(), census.unreadable)), Some((120_008, 1)));
    let grouping = "aggregate $match $group";
    assert!(!one.asked().contains(grouping));

    let cluster = Wire::to(server.port());
    cluster.be_cluster();
    assert_eq!(of(&cluster), rows);
    cluster.take_index_away();
    assert_eq!(of(&cluster), rows);
    let mut allowed: BTreeSet<String> = READING.iter().map(|name| (*name).to_owned()).collect();
    allowed.insert(grouping.to_owned());
    let asked = cluster.asked();
    assert!(asked.contains(grouping) && asked.is_subset(&allowed), "{asked:?}");
    cluster.group_nothing();
    assert_eq!(of(&cluster), rows);
}
