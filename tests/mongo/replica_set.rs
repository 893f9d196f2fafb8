//! A replica set of one member: by which names it is found, and that it is not read where nobody may.

use parse_audit::model::ClassName;

use crate::server::{Server, Wire};
use crate::{large, read_live, told};

#[test]
fn a_replica_set_is_found_by_its_name_and_read_where_it_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["replica-set"]);
    large(&server, 10);
    // Behind a wire the one address is a seed, and the member is found by the name that it gives itself.
    let wire = Wire::to(server.port());
    for uri in [&server.uri, &wire.uri] {
        for options in [
            "",
            "?replicaSet=secantus",
            "?replicaSet=secantus&readPreference=secondaryPreferred&maxStalenessSeconds=120",
            "?readPreference=nearest",
            "?directConnection=true",
        ] {
            let reading = read_live(&format!("{uri}/app{options}"));
            assert_eq!(told(&reading), Vec::<String>::new(), "{options}");
            let rows = reading.snapshot.app.classes[&ClassName::from("Big")].rows.read().map(|census| census.rows());
            assert_eq!(rows, Some(10), "{options}");
        }
    }
    for options in ["?replicaSet=other", "?replicaSet=secantus&readPreference=secondary"] {
        let [problem] = &told(&read_live(&format!("{}/app{options}", server.uri)))[..] else { panic!("one problem") };
        let message = "no server answers that `replicaSet`, `directConnection` and `readPreference` allow";
        assert!(problem.contains(message), "{problem}");
        assert!(problem.ends_with("the running app was not checked"), "{problem}");
    }
}
