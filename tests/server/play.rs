//! Plays one recorded request and says what the engine expects the server to answer.
//!
//! Decisions are the engine's; this file only moves rows about and writes answers
//! in the form of the recording.

use std::collections::{BTreeMap, BTreeSet};

use parse_audit::model::{Acl, Class, Operation, UserId};
use parse_audit::permit::request::{Query, Row, RowFilter, Save};
use parse_audit::permit::{Caller, Denial, Engine};
use serde_json::{Map, Value, json};

use super::query;
use super::world::{Stored, World, object_id, open_class};

/// An answer, by the keys of the recording: `status`, `code`, `results`, `count`, …
pub type Answer = BTreeMap<&'static str, Value>;

/// What a check gives.
pub enum Played {
    /// The expected answer.
    Answer(Answer),
    /// Not a decision about permissions of a class; the reason why.
    OutOfScope(&'static str),
}

/// What a request asks for, whichever way it was recorded.
struct Request<'c> {
    principal: &'c str,
    op: String,
    class: String,
    object: Option<String>,
    check: &'c Value,
    body: Map<String, Value>,
    keeps: bool,
}

fn refused(denial: Denial) -> Answer {
    Answer::from([("status", json!(denial.status())), ("code", json!(denial.code()))])
}

fn ok(status: u16) -> Answer {
    Answer::from([("status", json!(status))])
}

/// Plays a check. Random cases do not change the world; `keeps` is false for them.
pub fn play(world: &mut World, check: &Value, keeps: bool) -> Played {
    let op = check["op"].as_str().expect("an op");
    if op == "wait" {
        return Played::OutOfScope("a pause, not a request");
    }
    let mut request = Request {
        principal: check["p"].as_str().expect("a principal"),
        op: op.to_owned(),
        class: check["class"].as_str().unwrap_or_default().to_owned(),
        object: check["object"].as_str().map(str::to_owned),
        check,
        body: check["body"].as_object().cloned().unwrap_or_default(),
        keeps,
    };
    if op == "http"
        && let Some(reason) = route(world, &mut request)
    {
        return Played::OutOfScope(reason);
    }
    let answer = match request.op.as_str() {
        "find" | "count" | "findCount" => find(world, &request),
        "get" => get(world, &request),
        "create" => create(world, &request),
        "update" => update(world, &request),
        "delete" => delete(world, &request),
        "put-clp" => {
            world.set_clp(&request.class, request.body.get("classLevelPermissions").unwrap_or(&Value::Null));
            return Played::OutOfScope(
                "changes permissions with the master key; its effect is checked by what follows",
            );
        }
        other => panic!("no such op: {other}"),
    };
    let mut answer = answer.unwrap_or_else(refused);
    answer.entry("columnAdded").or_insert(json!(false));
    if check["op"] == "http" && check["show"] == "keys" && request.op == "find" && answer.contains_key("results") {
        answer.insert("fields", json!(["results"]));
    }
    Played::Answer(answer)
}

/// Turns an address into an op on a class, or says why it is none.
fn route(world: &World, request: &mut Request<'_>) -> Option<&'static str> {
    let check = request.check;
    let (path, parameters) = match check["path"].as_str().expect("a path").split_once('?') {
        Some((path, parameters)) => (path, parameters),
        None => (check["path"].as_str().expect("a path"), ""),
    };
    if check["headers"].is_object() {
        return Some("a session token that does not exist: answered before any permission");
    }
    if parameters.contains("explain") {
        return Some("explain: a query option, not a permission of the class");
    }
    let alias = |part: &str| {
        let name = part.trim_start_matches("{{").trim_end_matches("}}").to_owned();
        world.bound.get(&name).cloned().unwrap_or(name)
    };
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let (class, object) = match *parts.as_slice() {
        ["users", "me"] => return Some("/users/me: answered from the session, not from the class"),
        ["classes", class, ref rest @ ..] => (alias(class), rest.first().copied()),
        ["users", ref rest @ ..] => ("_User".to_owned(), rest.first().copied()),
        ["roles", ref rest @ ..] => ("_Role".to_owned(), rest.first().copied()),
        ["sessions", ref rest @ ..] => ("_Session".to_owned(), rest.first().copied()),
        ["installations", ref rest @ ..] => ("_Installation".to_owned(), rest.first().copied()),
        ["schemas", class] if check["method"] == "PUT" && check["status"] == 200 => {
            request.op = "put-clp".to_owned();
            request.class = alias(class);
            return None;
        }
        ["schemas", ..] => return Some("the schemas API: needs the master key, and checks the form of permissions"),
        ["config"] => return Some("/config: parameters have flags of their own"),
        ["files", _] => return Some("file upload: decided by server options"),
        ["batch"] => return Some("/batch: each part is a request of its own"),
        ["aggregate", ..] => return Some("aggregate: needs the master key"),
        _ => return Some("a management endpoint: decided by the key alone"),
    };
    let method = check["method"].as_str().expect("a method");
    request.op = match (method, object) {
        ("GET", Some(_)) => "get",
        ("GET", None) if parameters.contains("count=1") && parameters.contains("limit=0") => "count",
        ("GET", None) => "find",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("DELETE", _) => "delete",
        _ => panic!("no such method: {method}"),
    }
    .to_owned();
    request.class = class;
    request.object = object.map(alias);
    None
}

/// A class of the world, or the open one that a missing class is treated as.
fn class_of(world: &World, caller: &Caller, name: &str, op: Operation) -> Result<Class, Denial> {
    if let Some(class) = world.app.classes.get(name) {
        return Ok(class.clone());
    }
    let class = open_class(name);
    Engine::new(&world.app).on_missing_class(caller, &class.name, op)?;
    Ok(class)
}

fn row(stored: &Stored) -> Row<'_> {
    Row {
        id: UserId::of(&object_id(&Value::Object(stored.columns.clone()))),
        acl: &stored.acl,
        columns: &stored.columns,
    }
}

fn find(world: &mut World, request: &Request<'_>) -> Result<Answer, Denial> {
    let check = request.check;
    let caller = world.caller(request.principal);
    let counts_only = request.op == "count";
    let op = if counts_only { Operation::Count } else { Operation::Find };
    let class = class_of(world, &caller, &request.class, op)?;
    let engine = Engine::new(&world.app);
    let mut query = Query {
        filter: check["where"].as_object().cloned().unwrap_or_default(),
        order: check["order"].as_str().into_iter().flat_map(|order| order.split(',')).map(str::to_owned).collect(),
        by_address: false,
        no_rows: check["limit"] == 0,
    };
    // The server runs subqueries while it builds the query, before it checks the class.
    resolve(world, &engine, &caller, &mut query.filter)?;
    let asked = query.clone();
    let mut answer = ok(200);
    if !counts_only {
        let filter = engine.read(&caller, &class, &asked)?;
        relate(world, &engine, &caller, &mut query.filter)?;
        let mut results = Map::new();
        let mut includes = Map::new();
        for ((_, id), stored) in world.rows.iter().filter(|((name, _), _)| *name == request.class) {
            let Some(filter) = &filter else { break };
            if filter.is_nobody()
                || !filter.admits(row(stored))
                || !query::matches(world, &request.class, &stored.columns, &query.filter)
            {
                continue;
            }
            let mut columns = visible(world, &engine, filter, &request.class, stored);
            include(world, &engine, &caller, check, stored, &mut columns, id, &mut includes)?;
            // The recording names the session of the caller by its number.
            let id = if request.class == "_Session" { format!("<id{}>", results.len() + 1) } else { id.clone() };
            results.insert(id, json!(projected(check, columns)));
        }
        answer.insert("results", Value::Object(results));
        if check["includes"].is_object() {
            answer.insert("includes", Value::Object(includes));
        }
    }
    if request.op != "find" {
        let filter = engine.count(&caller, &class, &asked)?;
        relate(world, &engine, &caller, &mut query.filter)?;
        let of_class = world.rows.iter().filter(|((name, _), _)| *name == request.class);
        let counted = of_class.filter(|(_, stored)| {
            filter.admits(row(stored)) && query::matches(world, &request.class, &stored.columns, &query.filter)
        });
        answer.insert("count", if filter.is_nobody() { json!([]) } else { json!(counted.count()) });
    }
    Ok(answer)
}

fn get(world: &mut World, request: &Request<'_>) -> Result<Answer, Denial> {
    let caller = world.caller(request.principal);
    let class = class_of(world, &caller, &request.class, Operation::Get)?;
    let engine = Engine::new(&world.app);
    let id = request.object.clone().unwrap_or_default();
    let query =
        Query { filter: Map::from_iter([("objectId".to_owned(), json!(id))]), by_address: true, ..Query::default() };
    let filter = engine.read(&caller, &class, &query)?.expect("a get is no limit=0");
    let stored = world.rows.get(&(request.class.clone(), id.clone())).filter(|stored| filter.admits(row(stored)));
    let Some(stored) = stored else { return Err(Denial::NotFound) };
    let mut columns = visible(world, &engine, &filter, &request.class, stored);
    let mut includes = Map::new();
    include(world, &engine, &caller, request.check, stored, &mut columns, "", &mut includes)?;
    if request.class == "_User" && matches!(&caller, Caller::Client(client) if client.is(UserId::of(&id))) {
        columns.insert("sessionToken".to_owned());
    }
    let mut answer = ok(200);
    answer.insert("fields", json!(projected(request.check, columns)));
    if request.check["includes"].is_object() {
        answer.insert("includes", includes.remove("").unwrap_or(json!({})));
    }
    Ok(answer)
}

/// The columns of a row that a reader gets.
fn visible(
    world: &World,
    engine: &Engine<'_>,
    filter: &RowFilter<'_>,
    class: &str,
    stored: &Stored,
) -> BTreeSet<String> {
    let mut columns: BTreeSet<String> = stored.columns.keys().cloned().collect();
    let described = world.app.classes.get(class).and_then(|class| class.fields.read()).into_iter().flatten();
    columns.extend(described.map(|(name, _)| name.to_string()).filter(|name| world.is_relation(class, name)));
    if stored.acl.is_shown() {
        columns.insert("ACL".to_owned());
    }
    let hidden = filter.hidden_in(row(stored), &engine.settings.behaviour);
    columns.retain(|column| !hidden.contains(column.as_str()) && !column.starts_with('_'));
    columns
}

/// `keys` and `excludeKeys`.
fn projected(check: &Value, columns: BTreeSet<String>) -> BTreeSet<String> {
    let list = |key: &str| check[key].as_str().map(|keys| keys.split(',').map(str::to_owned).collect::<BTreeSet<_>>());
    let always = ["objectId", "createdAt", "updatedAt", "ACL"];
    let mut columns = columns;
    if let Some(keys) = list("keys") {
        columns.retain(|column| keys.contains(column) || always.contains(&column.as_str()));
    }
    if let Some(excluded) = list("excludeKeys") {
        columns.retain(|column| !excluded.contains(column));
    }
    columns
}

/// Replaces an included pointer by what the reader gets of its target.
#[expect(clippy::too_many_arguments, reason = "one step of the two reads that include")]
fn include(
    world: &World,
    engine: &Engine<'_>,
    caller: &Caller,
    check: &Value,
    stored: &Stored,
    columns: &mut BTreeSet<String>,
    id: &str,
    includes: &mut Map<String, Value>,
) -> Result<(), Denial> {
    let Some(key) = check["include"].as_str() else { return Ok(()) };
    let Some(pointer) = stored.columns.get(key).filter(|_| columns.contains(key)) else { return Ok(()) };
    let target = pointer["className"].as_str().expect("a class");
    let filter = engine.get_for(caller, world.app.classes.get(target).expect("the target exists"))?;
    let found = world.rows.get(&(target.to_owned(), object_id(pointer))).filter(|target| filter.admits(row(target)));
    let shown = match found {
        Some(found) => json!({ "id": object_id(pointer), "fields": visible(world, engine, &filter, target, found) }),
        None => {
            columns.remove(key);
            json!("absent")
        }
    };
    let of_row = includes.entry(id.to_owned()).or_insert_with(|| json!({}));
    of_row[key] = shown;
    Ok(())
}

/// Runs `$inQuery` and `$select` with the caller's rights and puts in what they find.
fn resolve(world: &World, engine: &Engine<'_>, caller: &Caller, filter: &mut Map<String, Value>) -> Result<(), Denial> {
    for condition in filter.values_mut() {
        let Some(object) = condition.as_object().cloned() else { continue };
        for operator in ["$inQuery", "$select"] {
            let Some(operand) = object.get(operator) else { continue };
            let inner = if operator == "$select" { &operand["query"] } else { operand };
            let name = inner["className"].as_str().expect("a class");
            let class = class_of(world, caller, name, Operation::Find)?;
            let query = Query { filter: inner["where"].as_object().cloned().unwrap_or_default(), ..Query::default() };
            let rows = engine.read(caller, &class, &query)?.expect("no limit");
            let of_class = world.rows.iter().filter(|((other, _), _)| other == name);
            let found = of_class.filter(|(_, stored)| {
                rows.admits(row(stored)) && query::matches(world, name, &stored.columns, &query.filter)
            });
            let values: query::Found = found
                .filter_map(|((_, id), stored)| match operator {
                    "$inQuery" => Some(json!({ "__type": "Pointer", "className": name, "objectId": id })),
                    _ => {
                        let key = operand["key"].as_str().expect("a key");
                        let shown = visible(world, engine, &rows, name, stored).contains(key);
                        stored.columns.get(key).filter(|_| shown).cloned()
                    }
                })
                .collect();
            *condition = json!({ "$in": values });
        }
    }
    Ok(())
}

/// Replaces `$relatedTo` by the ids that the caller may learn of.
fn relate(world: &World, engine: &Engine<'_>, caller: &Caller, filter: &mut Map<String, Value>) -> Result<(), Denial> {
    let Some(related) = filter.remove("$relatedTo") else { return Ok(()) };
    let owner = &related["object"];
    let (name, key) = (owner["className"].as_str().expect("a class"), related["key"].as_str().expect("a key"));
    let readable =
        engine.may_follow_relation(caller, world.app.classes.get(name).expect("the class"), key, |filter| {
            world.rows.get(&(name.to_owned(), object_id(owner))).is_some_and(|stored| filter.admits(row(stored)))
        })?;
    let ids = if readable { world.related(name, key, &object_id(owner)) } else { BTreeSet::new() };
    filter.insert("objectId".to_owned(), json!({ "$in": ids }));
    Ok(())
}

/// The ACL in the form that compares: readers and writers.
fn acl_json(acl: &Acl) -> Value {
    match acl.is_shown() {
        true => json!(format!("{:?}", (acl.read.clone().unwrap_or_default(), acl.write.clone().unwrap_or_default()))),
        false => Value::Null,
    }
}

/// The recorded ACL in the same form.
pub fn recorded_acl(acl: &Value) -> Value {
    // The new object's own id is an alias in the recording.
    acl_json(&Acl::from_rest(Some(acl)))
}

fn create(world: &mut World, request: &Request<'_>) -> Result<Answer, Denial> {
    let caller = world.caller(request.principal);
    let name = request.class.as_str();
    let body = &request.body;
    let class = class_of(world, &caller, name, Operation::Create)?;
    let engine = Engine::new(&world.app);
    let save = engine.create(&caller, &class, body)?;
    if name == "_Role" && (!body.contains_key("name") || !body.contains_key("ACL")) {
        return Ok(Answer::from([("status", json!(400)), ("code", json!(111))]));
    }
    let id = "new".to_owned();
    let acl = engine.acl_on_create(&caller, &class, body.get("ACL"), UserId::of(&id));
    let answer = saved(&save, 201);
    let fails = save.outcome.is_err();
    if fails {
        return Ok(answer);
    }
    let mut answer = answer;
    answer.insert("storedACL", acl_json(&acl));
    if let Some(bind) = request.check["bind"].as_str() {
        let id = world.new_id();
        world.bound.insert(bind.to_owned(), id.clone());
        let mut columns = body.clone();
        apply_relations(world, name, &id, &mut columns);
        if name == "_Session" {
            let user = request.principal.trim_start_matches("user:");
            columns.insert("user".to_owned(), json!({ "__type": "Pointer", "className": "_User", "objectId": user }));
        }
        world.store(name, &id, acl, columns);
        if name == "_Role" {
            world.load_roles();
        }
    }
    if name == "_Join:users:_Role" {
        world.relate(
            "_Role",
            "users",
            body["owningId"].as_str().expect("an id"),
            body["relatedId"].as_str().expect("an id"),
        );
        world.load_roles();
    }
    Ok(answer)
}

fn saved(save: &Save, status: u16) -> Answer {
    let mut answer = match save.outcome {
        Ok(()) => ok(status),
        Err(denial) => refused(denial),
    };
    answer.insert("columnAdded", json!(save.adds_field));
    answer
}

fn update(world: &mut World, request: &Request<'_>) -> Result<Answer, Denial> {
    let caller = world.caller(request.principal);
    let name = request.class.as_str();
    let id = request.object.clone().unwrap_or_default();
    let body = request.body.clone();
    let class = class_of(world, &caller, name, Operation::Update)?;
    let engine = Engine::new(&world.app);
    let stored = world.rows.get(&(name.to_owned(), id.clone())).cloned();
    let save = engine.update(&caller, &class, stored.as_ref().map(row), &body)?;
    let mut answer = saved(&save, 200);
    let Some(mut stored) = stored.filter(|_| save.outcome.is_ok()) else { return Ok(answer) };
    let acl = engine.acl_on_update(&caller, &class, row(&stored), body.get("ACL"));
    if body.contains_key("ACL") {
        answer.insert("storedACL", acl_json(&acl));
    }
    if request.check["show"] == "body" {
        // An Increment of nothing is echoed unless the column is hidden and not exempt.
        let hidden = engine.hidden_in_save_response(&caller, &class);
        let echoed = body.iter().filter(|(key, value)| value["__op"] == "Increment" && !hidden.contains(key.as_str()));
        let mut response: Map<String, Value> =
            echoed.map(|(key, _)| (key.clone(), stored.columns[key].clone())).collect();
        response.insert("updatedAt".to_owned(), json!("<time>"));
        answer.insert("response", Value::Object(response));
    }
    if request.keeps {
        let mut columns = body;
        apply_relations(world, name, &id, &mut columns);
        columns.retain(|key, value| key != "ACL" && value.get("__op").is_none());
        stored.columns.extend(columns);
        world.store(name, &id, acl, stored.columns);
        world.load_roles();
    }
    Ok(answer)
}

fn apply_relations(world: &mut World, class: &str, id: &str, columns: &mut Map<String, Value>) {
    for (key, value) in columns.iter().filter(|(_, value)| value["__op"] == "AddRelation") {
        for other in value["objects"].as_array().into_iter().flatten() {
            world.relate(class, key, id, &object_id(other));
        }
    }
    columns.retain(|_, value| value["__op"] != "AddRelation");
}

fn delete(world: &mut World, request: &Request<'_>) -> Result<Answer, Denial> {
    let caller = world.caller(request.principal);
    let class = class_of(world, &caller, &request.class, Operation::Delete);
    let id = request.object.clone().unwrap_or_default();
    let stored = world.rows.get(&(request.class.clone(), id.clone())).cloned();
    let outcome = class.and_then(|class| Engine::new(&world.app).delete(&caller, &class, stored.as_ref().map(row)));
    let mut answer = match outcome {
        Ok(()) => ok(200),
        Err(denial) => refused(denial),
    };
    if request.check["op"] == "delete" {
        // The recorder deleted a twin, so the row stays.
        answer.insert("gone", json!(outcome.is_ok()));
    } else if outcome.is_ok() {
        world.rows.remove(&(request.class.clone(), id));
    }
    Ok(answer)
}
