//! Small apps with code, and the ways that lead through it.

use super::*;
use crate::code::analysis::analyse;
use crate::code::lower::{Source, lower_all};
use crate::code::risk::Sinks;
use crate::model::{Clp, Field, FileId};
use serde_json::json;

/// An app with a class `Order` that only admins may save, and this code.
fn app(code: &str) -> App {
    let source = Source { file: FileId(0), path: "cloud/main.js", text: code };
    let units = lower_all(&[source]).into_iter().map(|unit| unit.expect("a unit")).collect();
    let mut app = App { code: Known::Read(units), ..App::default() };
    for (name, clp) in [
        ("Order", json!({ "create": { "role:admin": true }, "find": { "role:admin": true } })),
        ("Note", json!({ "create": { "requiresAuthentication": true } })),
        ("Log", json!({ "create": {} })),
    ] {
        let mut class = Class::of_rows(name.into(), Place::File { file: FileId(0) });
        class.clp = Known::Read(Clp::from_stored(Some(&clp)));
        app.classes.insert(name.into(), class);
    }
    app
}

/// The ways in short: handler, who, own rows only, what is told.
fn found(code: &str, class: &str, op: Operation, field: Option<&str>) -> Vec<String> {
    let app = app(code);
    let engine = Engine::new(&app);
    let analysis = analyse(&app, &Sinks::default());
    let field = field.map(FieldName::from);
    let ways = ways(&engine, &analysis, &app.classes[class], op, field.as_ref());
    ways.iter().map(short).collect()
}

fn short(way: &Way<'_>) -> String {
    let who = match &way.by {
        By::Callers(callers) => format!("{callers:?}"),
        By::Doers { clients: Known::Read(clients), callers, .. } => {
            let clients: Vec<String> = clients.iter().map(ToString::to_string).collect();
            format!("{callers:?} of [{}]", clients.join(" "))
        }
        By::Doers { callers, .. } => format!("{callers:?} of ?"),
    };
    let own = if way.used.own_rows { " own" } else { "" };
    let told = if way.used.gives_back() || way.used.does.writes() { "" } else { " untold" };
    format!("{} {who} {:?}{own}{told}", way.handler.kind.subject(), way.used.rights)
}

#[test]
fn a_function_with_the_master_key_is_a_way_for_its_callers() {
    let code = "Parse.Cloud.define('all', () => new Parse.Query('Order').find({ useMasterKey: true }));
        Parse.Cloud.define('mine', r => new Parse.Query('Order').equalTo('owner', r.user).find({ useMasterKey: true }),
            { requireUser: true });
        Parse.Cloud.define('asked', r => new Parse.Query('Order').find({ sessionToken: r.user.getSessionToken() }));
        Parse.Cloud.job('nightly', async () => { await new Parse.Query('Order').find({ useMasterKey: true }); });";
    assert_eq!(
        found(code, "Order", Operation::Find, None),
        ["all Anyone Master", "asked SignedIn Session", "mine SignedIn Master own", "nightly Server Master untold"]
    );
    assert_eq!(found(code, "Order", Operation::Delete, None), [""; 0]);
}

#[test]
fn what_is_told_decides_about_a_column() {
    let code = "Parse.Cloud.define('names', async () => {
            const all = await new Parse.Query('Order').find({ useMasterKey: true });
            return all.map(order => order.get('name'));
        });
        Parse.Cloud.define('ping', async () => {
            const one = await new Parse.Query('Order').first({ useMasterKey: true });
            return 'pong';
        });";
    assert_eq!(
        found(code, "Order", Operation::Find, Some("name")),
        ["names Anyone Master", "ping Anyone Master untold"]
    );
    assert_eq!(found(code, "Order", Operation::Find, Some("address")), ["ping Anyone Master untold"]);
}

#[test]
fn a_class_that_the_client_names_is_every_class() {
    let code = "Parse.Cloud.define('any', r => new Parse.Query(r.params.of).find({ useMasterKey: true }));";
    for class in ["Order", "Note"] {
        assert_eq!(found(code, class, Operation::Find, None), ["any Anyone Master"]);
    }
}

#[test]
fn a_trigger_is_open_to_whoever_may_set_it_off() {
    let code = |class: &str| {
        format!(
            "Parse.Cloud.afterSave('{class}', async () => {{
                const order = await new Parse.Query('Order').first({{ useMasterKey: true }});
                await order.destroy({{ useMasterKey: true }});
            }});"
        )
    };
    let delete = |class: &str| found(&code(class), "Order", Operation::Delete, None);
    assert_eq!(delete("Note"), ["afterSave Note Anyone of [any-user] Master"]);
    assert_eq!(delete("Order"), ["afterSave Order Anyone of [role:admin] Master"]);
    assert_eq!(delete("Log"), ["afterSave Log Anyone of [] Master"]);
    assert_eq!(delete("Unknown"), ["afterSave Unknown Anyone of ? Master"]);
    let app = app(&code("Log"));
    let (engine, analysis) = (Engine::new(&app), analyse(&app, &Sinks::default()));
    let way = &ways(&engine, &analysis, &app.classes["Order"], Operation::Delete, None)[0];
    assert!(!way.is_open_to(&Principal::Public) && !way.is_open_to_clients() && way.is_open_to(&Principal::Master));
}

#[test]
fn a_write_is_about_the_columns_that_it_writes() {
    let code = "Parse.Cloud.define('pay', async r => {
            const order = await new Parse.Query('Order').get(r.params.id, { useMasterKey: true });
            order.set('paid', true);
            await order.save(null, { useMasterKey: true });
        });";
    assert_eq!(found(code, "Order", Operation::Update, Some("paid")), ["pay Anyone Master"]);
    assert_eq!(found(code, "Order", Operation::Update, Some("price")), [""; 0]);
    assert_eq!(found(code, "Order", Operation::AddField, None), [""; 0]);
    assert_eq!(found(code, "Order", Operation::Count, None).len(), 1);
}

#[test]
fn a_pointer_in_the_schema_tells_the_class() {
    let code = "Parse.Cloud.afterSave('Note', async r => {
            const order = r.object.get('order');
            order.increment('notes');
            await order.save(null, { useMasterKey: true });
        });";
    let mut app = app(code);
    let field = Field::of(FieldKind::Pointer("Order".into()));
    app.classes.get_mut("Note").expect("Note").fields = Known::Read([("order".into(), field)].into());
    let (engine, analysis) = (Engine::new(&app), analyse(&app, &Sinks::default()));
    let found = ways(&engine, &analysis, &app.classes["Order"], Operation::Update, None);
    assert_eq!(found.iter().map(short).collect::<Vec<_>>(), ["afterSave Note Anyone of [any-user] Master"]);
}
