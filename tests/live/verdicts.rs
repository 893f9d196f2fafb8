//! What a running Parse Server lets everybody do, and what the engine says of it from the database alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::servers::{self, Mongo, Server};
use crate::{APP, MASTER, send};
use parse_audit::live::{Answers, mongo, postgres};
use parse_audit::model::{Acl, App, Principal, UserId};
use parse_audit::permit::Engine;
use parse_audit::permit::request::{Query, Row};
use parse_audit::read::{Input, Settings, Silent, read};
use serde_json::{Map, Value, json};

const USERS: [&str; 5] = ["ana", "ben", "eva", "jim", "zoe"];

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn one<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.roll(list.len())]
    }
}

/// Somebody who asks: as the engine knows it, and with its session.
struct Asker {
    name: &'static str,
    who: Principal,
    session: Option<String>,
}

struct World {
    server: Server,
    askers: Vec<Asker>,
    /// By class: the rows as REST shows them to the master key.
    rows: BTreeMap<String, Vec<Map<String, Value>>>,
}

impl World {
    fn master(&self, method: &str, path: &str, body: &Value) -> Value {
        send(&self.server.url, method, path, body)
    }

    fn ask(&self, asker: &Asker, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let session = asker.session.as_deref().map(|token| ("X-Parse-Session-Token", token));
        servers::ask_as(&self.server.url, APP, session, (method, path), body)
    }
}

fn pointer(class: &str, id: &str) -> Value {
    json!({ "__type": "Pointer", "className": class, "objectId": id })
}

/// Users in nested roles, classes with permissions of all kinds, rows with ACLs of all kinds.
fn world(dice: &mut Dice, start: impl FnOnce(&Value) -> Server) -> World {
    let options = json!({ "appId": APP, "masterKey": MASTER, "serverURL": "http://127.0.0.1:1/parse" });
    let mut world = World { server: start(&options), askers: Vec::new(), rows: BTreeMap::new() };
    world.askers.push(Asker { name: "nobody", who: Principal::Public, session: None });
    let mut ids = Vec::new();
    for name in USERS {
        let made = world.master("POST", "users", &json!({ "username": name, "password": name }));
        let id = made["objectId"].as_str().unwrap().to_owned();
        let (_, login) = servers::ask(
            &world.server.url,
            APP,
            None,
            ("GET", &format!("login?username={name}&password={name}")),
            None,
        );
        let session = Some(login["sessionToken"].as_str().unwrap().to_owned());
        world.askers.push(Asker { name, who: Principal::User(UserId::of(&id)), session });
        ids.push(id);
    }
    // zoe has no role; ben has two; trainees lie in staff, and staff in owners.
    let members: [(&str, &[usize], Option<usize>); 4] =
        [("trainees", &[0], None), ("staff", &[1], Some(0)), ("owners", &[2], Some(1)), ("guests", &[1, 3], None)];
    let mut roles: Vec<String> = Vec::new();
    for (name, users, inner) in members {
        let users: Vec<Value> = users.iter().map(|user| pointer("_User", &ids[*user])).collect();
        let mut role = json!({ "name": name, "ACL": {}, "users": { "__op": "AddRelation", "objects": users } });
        if let Some(inner) = inner {
            role["roles"] = json!({ "__op": "AddRelation", "objects": [pointer("_Role", &roles[inner])] });
        }
        roles.push(world.master("POST", "roles", &role)["objectId"].as_str().unwrap().to_owned());
    }
    for number in 0..9 {
        let class = format!("Class{number}");
        add_class(&mut world, dice, &class, &ids);
    }
    world
}

fn add_class(world: &mut World, dice: &mut Dice, class: &str, users: &[String]) {
    let mut permissions = Map::new();
    let mut columns = BTreeSet::new();
    for op in ["find", "get", "update", "delete"] {
        let grants = match dice.roll(8) {
            0 | 1 => json!({ "*": true }),
            2 => json!({ "requiresAuthentication": true }),
            3 => json!({ "role:trainees": true }),
            4 => json!({ "role:staff": true, users[dice.roll(5)].as_str(): true }),
            5 => json!({ "pointerFields": ["owner"] }),
            6 => json!({ "role:guests": true, "pointerFields": ["helpers"] }),
            _ => json!({}),
        };
        permissions.insert(op.to_owned(), grants);
    }
    if dice.roll(3) == 0 {
        columns.insert("owner");
    }
    permissions.insert("readUserFields".to_owned(), json!(columns));
    permissions.insert("create".to_owned(), json!({}));
    let fields = json!({ "owner": { "type": "Pointer", "targetClass": "_User" }, "helpers": { "type": "Array" },
        "n": { "type": "Number" } });
    let schema = json!({ "className": class, "fields": fields, "classLevelPermissions": permissions });
    world.master("POST", &format!("schemas/{class}"), &schema);
    let all = json!({ "read": true, "write": true });
    let reads = json!({ "read": true });
    for _ in 0..6 {
        let user = users[dice.roll(5)].as_str();
        let acl = match dice.roll(8) {
            0 | 1 => None,
            2 => Some(json!({ "*": all })),
            3 => Some(json!({ "*": reads, user: all })),
            4 => Some(json!({ user: all })),
            5 => Some(json!({ "role:trainees": all, "role:guests": reads })),
            6 => Some(json!({ "role:owners": all, user: { "write": true } })),
            _ => Some(json!({})),
        };
        let mut row = json!({ "owner": pointer("_User", dice.one::<String>(users)), "n": 1 });
        row["helpers"] = json!([pointer("_User", dice.one::<String>(users))]);
        if let Some(acl) = acl {
            row["ACL"] = acl;
        }
        world.master("POST", &format!("classes/{class}"), &row);
    }
    let rows = world.master("GET", &format!("classes/{class}?limit=100"), &Value::Null);
    let rows = rows["results"].as_array().unwrap().iter().map(|row| row.as_object().unwrap().clone()).collect();
    world.rows.insert(class.to_owned(), rows);
}

fn by_id(id: &str) -> Query {
    Query { filter: Map::from_iter([("objectId".to_owned(), json!(id))]), by_address: true, ..Query::default() }
}

#[test]
fn the_engine_says_what_the_running_server_does() {
    let world = world(&mut Dice(7), Server::start);
    let answers = postgres::Database::new(&world.server.database.uri).unwrap().read();
    compare(&world, answers, servers::NEWEST);
}

#[test]
fn it_says_so_of_an_app_in_mongodb() {
    let folder = tempfile::tempdir().unwrap();
    let mongo = Mongo::start(&folder.path().join("data"));
    let world = world(&mut Dice(11), |options| Server::start_on(&mongo.uri, options));
    let answers = mongo::Database::new(&mongo.uri, None).unwrap().read();
    compare(&world, answers, servers::NEWEST);
}

#[test]
fn it_says_so_of_an_older_server() {
    const OLDER: &str = "7.5.4";
    let world = world(&mut Dice(13), |options| Server::start_version(OLDER, options));
    let answers = postgres::Database::new(&world.server.database.uri).unwrap().read();
    compare(&world, answers, OLDER);
}

/// Asks the server for everything, and the engine too.
fn compare(world: &World, answers: Answers, version: &str) {
    assert!(answers.problems.is_empty(), "{:?}", answers.problems);
    let settings = Settings { answers: answers.documents, server_version: version.parse().ok(), ..Settings::default() };
    let app: App = read(&Input::Memory(BTreeMap::new()), &settings, &Silent).snapshot.app;
    let engine = Engine::new(&app);
    let (mut asked, mut allowed) = (0, 0);
    for (name, rows) in &world.rows {
        let class = &app.classes[name.as_str()];
        for asker in &world.askers {
            let caller = engine.caller(&asker.who);
            let (_, found) = world.ask(asker, "GET", &format!("classes/{name}?limit=100"), None);
            let found: BTreeSet<&str> =
                found["results"].as_array().into_iter().flatten().filter_map(|row| row["objectId"].as_str()).collect();
            for stored in rows {
                let id = stored["objectId"].as_str().unwrap();
                let acl = Acl::from_rest(stored.get("ACL"));
                let row = Row { id: UserId::of(id), acl: &acl, columns: stored };
                let admits = |query: &Query| {
                    engine.read(&caller, class, query).ok().flatten().is_some_and(|filter| filter.admits(row))
                };
                let body = json!({ "n": 2 });
                let path = format!("classes/{name}/{id}");
                let mut verdicts = vec![
                    ("find", found.contains(id), admits(&Query::default())),
                    ("get", world.ask(asker, "GET", &path, None).0 == 200, admits(&by_id(id))),
                ];
                let saved = engine.update(&caller, class, Some(row), body.as_object().unwrap());
                let saved = saved.is_ok_and(|save| save.outcome.is_ok());
                verdicts.push(("update", world.ask(asker, "PUT", &path, Some(&body)).0 == 200, saved));
                // What is gone can be asked no more: the last one who asks deletes what it may.
                if asker.name == "zoe" {
                    let deleted = engine.delete(&caller, class, Some(row)).is_ok();
                    verdicts.push(("delete", world.ask(asker, "DELETE", &path, None).0 == 200, deleted));
                }
                for (op, does, says) in verdicts {
                    assert_eq!(
                        does,
                        says,
                        "{op} {name} {id} as {}: {:?} {:?}",
                        asker.name,
                        class.clp,
                        stored.get("ACL")
                    );
                    asked += 1;
                    allowed += usize::from(does);
                }
            }
        }
    }
    assert!(asked > 1000, "{asked}");
    assert!(allowed > asked / 10 && allowed < asked - asked / 10, "{allowed} of {asked}");
}
