//! Dashboards that code makes, as configurations beside those in files.

use std::collections::BTreeSet;

use crate::code::dashboard::OF_SECOND;
use crate::code::server::Started;
use crate::model::options::{From, Tree, Written};
use crate::model::{App, FileId};
use crate::rules::catalogue::{Kind, Part, kind_of};

use super::tree::{self, Holes};

/// Takes in dashboards. A file of JSON that code loads and hands on is no dashboard of its own.
pub fn take(app: &mut App, made: Vec<Started>, loaded: &BTreeSet<FileId>) {
    let mut replaced: Vec<Tree> = Vec::new();
    for dashboard in made {
        let counts = |name: &str| {
            let top = name.split('.').next().unwrap_or(name);
            OF_SECOND.contains(&top) || dashboard.sets(&format!("/{top}"))
        };
        let is_handed_on = |tree: &Tree| {
            !tree.at.is_empty()
                && tree.from == From::File
                && tree.at.values().all(|place| loaded.contains(&place.file()))
                && tree.at.keys().all(|name| counts(name))
        };
        if let Some(found) = app.dashboards.iter().position(is_handed_on) {
            replaced.push(app.dashboards.remove(found));
        }
        let tree = tree_of(&dashboard, replaced.iter().find(|tree| is_handed_on(tree)));
        if !app.dashboards.contains(&tree) {
            app.dashboards.push(tree);
        }
    }
}

/// The configuration. What JSON handed on keeps its places there.
fn tree_of(dashboard: &Started, handed_on: Option<&Tree>) -> Tree {
    let place = |pointer: &str| {
        let own = dashboard.places.get(pointer);
        let there = handed_on.and_then(|tree| tree.at.get(&tree::name_of(pointer)));
        let is_there = own.zip(there).is_none_or(|(own, there)| own.file() == there.file());
        if is_there { there.or(own).cloned() } else { own.cloned() }
    };
    let holes = Holes { holes: Some(&dashboard.holes), fallbacks: Some(&dashboard.fallbacks) };
    let mut tree = tree::read(Part::Dashboard, &dashboard.options, &holes, &place);
    tree.from = From::Code;
    // A key that the environment or a function gives is set, whatever it is.
    for name in dashboard.holes.iter().map(|pointer| tree::name_of(pointer)) {
        if let Some(written @ Written::Unknown { fallback: None }) = tree.values.get_mut(&name)
            && kind_of(Part::Dashboard, &name) == Some(Kind::Key)
        {
            *written = Written::Hidden(BTreeSet::new());
        }
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::super::{Input, Settings, Silent, read};
    use super::*;
    use serde_json::json;

    const CONFIG: &str = r#"{ "apps": [{ "appId": "a", "masterKey": "harbour pencil two", "serverURL": "http://localhost/parse" }],
        "users": [{ "user": "ana", "pass": "lantern seven" }] }"#;

    fn dashboards(code: &str) -> Vec<Tree> {
        let code = format!("const ParseDashboard = require('parse-dashboard');\n{code}\n");
        let files = [("config.json".to_owned(), CONFIG.to_owned()), ("index.js".to_owned(), code)];
        read(&Input::Memory(files.into()), &Settings::default(), &Silent).snapshot.app.dashboards
    }

    #[test]
    fn json_that_code_hands_on_is_no_second_dashboard() {
        let handed_on = dashboards("new ParseDashboard(require('./config.json'), { dev: false });");
        let [tree] = handed_on.as_slice() else { panic!("one dashboard, not {handed_on:?}") };
        assert_eq!((tree.from, tree.values.get("dev")), (From::Code, Some(&Written::Value(json!(false)))));
        assert_eq!((tree.at["users.0.pass"].file(), tree.at["dev"].file()), (FileId(0), FileId(1)));
        assert!(!format!("{tree:?}").contains("lantern"), "no password is kept");
        let other = dashboards("new ParseDashboard({ apps: [{ appId: 'b' }], users: list() });");
        assert_eq!(other.len(), 2);
    }

    #[test]
    fn each_option_counts_in_one_argument() {
        let all = dashboards("new ParseDashboard({ dev: true, trustProxy: true }, { dev: false, trustProxy: false });");
        let tree = all.last().expect("a dashboard");
        let value = |name: &str| tree.values.get(name).cloned();
        assert_eq!(value("dev"), Some(Written::Value(json!(false))));
        assert_eq!(value("trustProxy"), Some(Written::Value(json!(true))));
    }

    #[test]
    fn what_is_not_known_is_a_hole_and_a_key_from_elsewhere_is_set() {
        let all = dashboards("new ParseDashboard({ apps: [{ masterKey: process.env.KEY }], users: list() }, more());");
        let tree = all.last().expect("a dashboard");
        for unknown in ["users", "dev", "allowInsecureHTTP"] {
            assert_eq!(tree.get(unknown), Some(&Written::Unknown { fallback: None }), "{unknown}");
        }
        assert_eq!(tree.get("apps.0.masterKey"), Some(&Written::Hidden(BTreeSet::new())));
        assert_eq!(tree.get("trustProxy"), None);
    }
}
