//! What code says about the server that it starts: its options as far as they are known
//! without running anything, and where each stands.
//!
//! What is known becomes JSON, so that it is read as a configuration in JSON is. What is
//! not known is a hole: neither its value nor a default may be taken for it.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use serde_json::{Map, Number, Value as Json};

use crate::model::oddity::{escape, unescape};
use crate::model::unit::{Expr, ExprKind, Prop, PropKey};
use crate::model::{App, FileId, Place, Span, Unit};

use super::analysis::place;
use super::deep;
use super::environment::Environment;
use super::event::What;
use super::heap::ObjectId;
use super::resolve::Project;
use super::run::{Run, World};
use super::shape::Shape;
use super::value::{Kind, Pos, Value};

/// How deep inside the options is looked.
const DEEPEST: usize = 12;

/// A server or dashboard that code starts. Holds keys as they are written: it is never kept or shown.
pub struct Started {
    /// The options that are known; of an object the parts that are.
    pub options: Map<String, Json>,
    /// JSON pointers of what is set to something that is not known. An object or list that may
    /// have more than its known parts is one itself; the empty pointer stands for all options.
    pub holes: BTreeSet<String>,
    /// What some of these are unless something else decides: the one value that is known of `a || 'b'`.
    pub fallbacks: BTreeMap<String, Json>,
    /// Where options and their parts stand, by JSON pointer; the empty one is the whole.
    pub places: BTreeMap<String, Place>,
}

/// What code starts, and the files that were loaded meanwhile.
#[derive(Default)]
pub struct AllStarted {
    /// Servers, in the order in which they are started.
    pub servers: Vec<Started>,
    /// What the start of the app loads.
    pub loaded: BTreeSet<FileId>,
    /// Dashboards, also those of files to which no known start leads.
    pub dashboards: Vec<Started>,
    /// What these files load besides.
    pub loaded_for_dashboards: BTreeSet<FileId>,
}

/// The servers and dashboards that code starts.
pub fn started(app: &App, environment: &Environment) -> AllStarted {
    let units = app.code.read().map_or(&[][..], Vec::as_slice);
    if units.is_empty() {
        return Default::default();
    }
    // Without threads there are no units either.
    deep::run(|| all_started(app, units, environment)).unwrap_or_default()
}

fn all_started(app: &App, units: &[Unit], environment: &Environment) -> AllStarted {
    let project = Project::new(app);
    let world = World { units, project: &project, legacy_master: false, environment };
    let mut run = Run::new(&world);
    run.load_app();
    let loaded_files =
        |run: &Run<'_>| run.loaded.iter().filter_map(|index| units.get(*index)).map(|unit| unit.file).collect();
    let loaded = loaded_files(&run);
    let mut seen = BTreeSet::new();
    let mut servers = Vec::new();
    for (options, at) in std::mem::take(&mut run.servers) {
        if !seen.insert(at) {
            continue;
        }
        for (options, _) in options.alternatives() {
            servers.push(Reader::new(&run, units, at).started(&options));
        }
    }
    if let Some(server) = servers.first_mut() {
        take_live_queries(server, units, &run);
    }
    for index in super::requires::starting(units, &["parse-dashboard"]) {
        run.load(index);
    }
    let dashboards = super::dashboard::made(app, units, &run);
    AllStarted { servers, loaded, dashboards, loaded_for_dashboards: loaded_files(&run) }
}

/// Takes in what `createLiveQueryServer(httpServer, options)` is given, unless the options of the
/// server have it.
fn take_live_queries(server: &mut Started, units: &[Unit], run: &Run<'_>) {
    let (name, pointer) = ("liveQueryServerOptions", "/liveQueryServerOptions");
    let given = run.events.iter().find_map(|event| match &event.what {
        What::Call { path, args, .. } if path.ends_with(".createLiveQueryServer") => Some((args.get(1)?, event.at)),
        _ => None,
    });
    let Some((options, at)) = given.filter(|_| !server.sets(pointer)) else { return };
    let mut reader = Reader::new(run, units, at);
    let known = reader.value(options, pointer);
    let given = reader.done(known.map(|known| (name.to_owned(), known)).into_iter().collect());
    let is_part = |part: &String| part.starts_with(pointer);
    server.options.extend(given.options);
    server.holes.extend(given.holes);
    server.fallbacks.extend(given.fallbacks);
    server.places.extend(given.places.into_iter().filter(|(part, _)| is_part(part)));
}

impl Started {
    /// Whether it is known what is at a pointer, or that nothing is.
    pub fn knows(&self, pointer: &str) -> bool {
        let is_part =
            |hole: &str, of: &str| hole.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let missing = !pointer.is_empty() && self.at(pointer).is_none();
        !self.holes.iter().any(|hole| is_part(hole, pointer) || (missing && is_part(pointer, hole)))
    }

    /// Whether something is set there, known or not.
    pub fn sets(&self, pointer: &str) -> bool {
        self.holes.contains(pointer) || self.at(pointer).is_some_and(|value| !value.is_null())
    }

    /// What is known of the value at a pointer.
    pub fn at(&self, pointer: &str) -> Option<&Json> {
        let (first, rest) = match pointer.strip_prefix('/')?.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (pointer.strip_prefix('/')?, None),
        };
        let value = self.options.get(&unescape(first))?;
        match rest {
            Some(rest) => value.pointer(&format!("/{rest}")),
            None => Some(value),
        }
    }

    /// Where something stands, or what is around it; `None` only where nothing has a place.
    pub fn place(&self, pointer: &str) -> Option<&Place> {
        let mut pointer = pointer;
        loop {
            if let Some(place) = self.places.get(pointer) {
                return Some(place);
            }
            pointer = pointer.rsplit_once('/')?.0;
        }
    }
}

/// Makes JSON of values.
pub(super) struct Reader<'r, 'w> {
    run: &'r Run<'w>,
    units: &'w [Unit],
    /// Literals of objects and lists by their place, of the units that were asked for.
    literals: FxHashMap<usize, FxHashMap<Span, &'w Expr>>,
    holes: BTreeSet<String>,
    fallbacks: BTreeMap<String, Json>,
    places: BTreeMap<String, Place>,
}

impl<'r, 'w> Reader<'r, 'w> {
    /// Reads what is started at a place.
    pub(super) fn new(run: &'r Run<'w>, units: &'w [Unit], at: Pos) -> Self {
        let (holes, fallbacks) = (BTreeSet::new(), BTreeMap::new());
        let places = place(units, at).map(|at| (String::new(), at)).into_iter().collect();
        Self { run, units, literals: FxHashMap::default(), holes, fallbacks, places }
    }

    /// What is started with these options.
    pub(super) fn started(mut self, options: &Value) -> Started {
        let options = match self.object(options, "") {
            Some(Json::Object(options)) => options,
            _ => Map::new(),
        };
        self.done(options)
    }

    /// What is started with options that were read.
    pub(super) fn done(self, options: Map<String, Json>) -> Started {
        let Self { holes, fallbacks, places, .. } = self;
        Started { options, holes, fallbacks, places }
    }

    /// An object; anything else is not known.
    fn object(&mut self, value: &Value, pointer: &str) -> Option<Json> {
        match value.as_object() {
            Some(id) => self.parts(id, pointer),
            None if matches!(value.kind, Kind::Undefined) => None,
            None => self.hole(pointer),
        }
    }

    fn hole(&mut self, pointer: &str) -> Option<Json> {
        self.holes.insert(pointer.to_owned());
        None
    }

    /// `None` if it is `undefined` or not known; the latter leaves a hole.
    pub(super) fn value(&mut self, value: &Value, pointer: &str) -> Option<Json> {
        if value.test.is_some() {
            self.fallbacks.extend(fallback(value).map(|known| (pointer.to_owned(), known)));
            return self.hole(pointer);
        }
        match &value.kind {
            Kind::Undefined => None,
            Kind::Null => Some(Json::Null),
            Kind::Bool(flag) => Some(Json::Bool(*flag)),
            Kind::Number(number) => match Number::from_f64(*number) {
                Some(number) => Some(Json::Number(number)),
                None => self.hole(pointer),
            },
            Kind::Text(text) => {
                // What a variable sets is read where that is set.
                let at = self.run.world.environment.place_of(text).cloned();
                self.places.extend(at.map(|at| (pointer.to_owned(), at)));
                Some(Json::String(text.to_string()))
            }
            Kind::Object(id) => self.parts(*id, pointer),
            Kind::OneOf(values) => {
                let agreed = self.agreed(values.iter().map(|(value, _)| value), pointer);
                if agreed.is_none() && self.holes.contains(pointer) {
                    self.fallbacks.extend(fallback(value).map(|known| (pointer.to_owned(), known)));
                    let texts = values.iter().filter_map(|(value, _)| value.as_text());
                    let at = texts.filter_map(|text| self.run.world.environment.place_of(text)).next().cloned();
                    self.places.extend(at.map(|at| (pointer.to_owned(), at)));
                }
                agreed
            }
            _ => self.hole(pointer),
        }
    }

    /// What several values have in common: all of it or nothing.
    fn agreed<'v>(&mut self, values: impl Iterator<Item = &'v Value>, pointer: &str) -> Option<Json> {
        let mut found: Vec<Option<Json>> = Vec::new();
        let holes = self.holes.len();
        for value in values {
            found.push(self.value(value, pointer));
        }
        let first = found.first().cloned().flatten();
        if self.holes.len() > holes || found.iter().any(|other| *other != first) {
            return self.hole(pointer);
        }
        first
    }

    fn parts(&mut self, id: ObjectId, pointer: &str) -> Option<Json> {
        if pointer.matches('/').count() > DEEPEST {
            return self.hole(pointer);
        }
        let object = self.run.heap.get(id);
        if let Some(at) = object.at.and_then(|at| place(self.units, at)) {
            self.places.insert(pointer.to_owned(), at);
        }
        let literal = object.at.and_then(|at| self.literal(at));
        match object.shape {
            Shape::Array => {
                if object.rest.is_some() {
                    self.hole(pointer);
                }
                let mut list = Vec::new();
                for (number, item) in object.items.iter().enumerate() {
                    let below = format!("{pointer}/{number}");
                    self.locate(&below, object.at, literal.and_then(|literal| item_span(literal, number)));
                    list.push(self.value(item, &below).unwrap_or_default());
                }
                Some(Json::Array(list))
            }
            Shape::Plain | Shape::Instance(_) | Shape::Fixed => {
                if object.rest.is_some() {
                    self.hole(pointer);
                }
                let mut map = Map::new();
                for (name, value) in &object.props {
                    let below = format!("{pointer}/{}", escape(name));
                    let (span, is_sure) = literal.map_or((None, true), |literal| prop_span(literal, name));
                    self.locate(&below, object.at, span);
                    // What is spread behind it may have it too.
                    let found =
                        if is_sure || object.rest.is_none() { self.value(value, &below) } else { self.hole(&below) };
                    map.extend(found.map(|found| (name.to_string(), found)));
                }
                Some(Json::Object(map))
            }
            _ => self.hole(pointer),
        }
    }

    fn locate(&mut self, pointer: &str, around: Option<Pos>, span: Option<Span>) {
        if let (Some(around), Some(span)) = (around, span) {
            self.places.extend(place(self.units, Pos { span, ..around }).map(|at| (pointer.to_owned(), at)));
        }
    }

    /// The literal that made an object.
    fn literal(&mut self, at: Pos) -> Option<&'w Expr> {
        let unit = self.units.get(at.unit)?;
        let is_literal = |expr: &&Expr| matches!(expr.kind, ExprKind::Object(_) | ExprKind::Array(_));
        let of_unit = self.literals.entry(at.unit);
        let of_unit =
            of_unit.or_insert_with(|| unit.expressions().filter(is_literal).map(|expr| (expr.span, expr)).collect());
        of_unit.get(&at.span).copied()
    }
}

/// The one value that is known of `process.env.PORT || 1337`.
fn fallback(value: &Value) -> Option<Json> {
    let Kind::OneOf(values) = &value.kind else { return None };
    let known = |value: &Value| match &value.kind {
        Kind::Bool(flag) => Some(Json::Bool(*flag)),
        Kind::Number(number) => Number::from_f64(*number).map(Json::Number),
        Kind::Text(text) => Some(Json::String(text.to_string())),
        _ => None,
    };
    let mut all = values.iter().filter_map(|(value, _)| known(value));
    let first = all.next().filter(|_| values.len() > 1)?;
    all.next().is_none().then_some(first)
}

/// Where an element of a list stands.
fn item_span(literal: &Expr, number: usize) -> Option<Span> {
    let ExprKind::Array(items) = &literal.kind else { return None };
    let before = items.get(..=number)?;
    (!before.iter().any(|item| item.spread)).then(|| before.last().map(|item| item.value.span))?
}

/// Where a property of an object stands, and whether nothing is spread behind it.
pub(super) fn prop_span(literal: &Expr, name: &str) -> (Option<Span>, bool) {
    let ExprKind::Object(props) = &literal.kind else { return (None, true) };
    let (mut span, mut is_sure) = (None, true);
    for prop in props {
        match prop {
            Prop::Value(PropKey::Name(key), value) if **key == *name => (span, is_sure) = (Some(value.span), true),
            Prop::Value(..) => {}
            Prop::Spread(_) => is_sure = false,
        }
    }
    (span, is_sure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::lower::{Source, lower_all};
    use crate::model::Known;
    use serde_json::json;

    /// The one server that files start; the first file is where it is started.
    fn server(files: &[(&str, &str)]) -> Started {
        let sources: Vec<Source<'_>> =
            files.iter().zip(0..).map(|((path, text), number)| Source { file: FileId(number), path, text }).collect();
        let units = lower_all(&sources).into_iter().map(|unit| unit.expect("a unit")).collect();
        let app = App { code: Known::Read(units), ..App::default() };
        let mut all = started(&app, &Environment::default()).servers;
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    fn in_index(options: &str) -> Started {
        let text = format!("import {{ ParseServer }} from 'parse-server';\nnew ParseServer({options});\n");
        server(&[("index.js", &text)])
    }

    #[test]
    fn what_is_written_is_known_and_what_the_environment_decides_is_not() {
        let started = in_index(
            "{ appId: 'shop', masterKey: process.env.KEY, allowClientClassCreation: false,
               enforcePrivateUsers: process.env.PRIVATE || false, masterKeyIps: ['127.0.0.1', process.env.IP],
               fileUpload: { enableForPublic: true, fileExtensions: process.env.EXTENSIONS } }",
        );
        assert_eq!(started.at("/allowClientClassCreation"), Some(&json!(false)));
        assert_eq!(started.at("/fileUpload/enableForPublic"), Some(&json!(true)));
        for known in ["/allowClientClassCreation", "/fileUpload/enableForPublic", "/enableAnonymousUsers"] {
            assert!(started.knows(known), "{known}");
        }
        for unknown in ["/masterKey", "/enforcePrivateUsers", "/masterKeyIps", "/fileUpload"] {
            assert!(!started.knows(unknown) && started.sets(unknown), "{unknown}");
        }
    }

    #[test]
    fn what_counts_unless_the_environment_says_otherwise_is_told() {
        let started = in_index("{ masterKeyIps: [process.env.IP || '::/0'], maxLimit: process.env.A ? 5 : 6 }");
        assert!(!started.knows("/masterKeyIps/0"));
        assert_eq!(started.fallbacks, [("/masterKeyIps/0".to_owned(), json!("::/0"))].into());
    }

    #[test]
    fn live_queries_that_are_started_by_themselves_are_options_too() {
        let text = "const { ParseServer } = require('parse-server');
            new ParseServer({ appId: 'a' });
            ParseServer.createLiveQueryServer(listen(), { cacheTimeout: 5, redisURL: process.env.REDIS });";
        let started = server(&[("index.js", text)]);
        assert_eq!(started.at("/liveQueryServerOptions/cacheTimeout"), Some(&json!(5.0)));
        assert!(
            !started.knows("/liveQueryServerOptions/redisURL") && started.knows("/liveQueryServerOptions/logLevel")
        );
    }

    #[test]
    fn branches_that_agree_are_known() {
        let started = in_index(
            "{ appId: process.env.DEV ? 'a' : 'b', allowCustomObjectId: process.env.DEV ? true : true,
               protectedFields: { _User: { '*': ['email'] } } }",
        );
        assert!(!started.knows("/appId"));
        assert_eq!(started.at("/allowCustomObjectId"), Some(&json!(true)));
        assert_eq!(started.at("/protectedFields"), Some(&json!({ "_User": { "*": ["email"] } })));
    }

    #[test]
    fn what_is_spread_may_set_everything_that_is_not_written_behind_it() {
        let started = in_index("{ allowCustomObjectId: true, ...settings(), allowClientClassCreation: false }");
        assert!(started.knows("/allowClientClassCreation") && !started.knows("/allowCustomObjectId"));
        assert!(!started.knows("/enableAnonymousUsers"));
    }

    #[test]
    fn options_and_classes_come_from_other_files_with_their_places() {
        let started = server(&[
            ("index.ts", "import { startApp } from './boot';\nstartApp();\n"),
            (
                "boot.ts",
                "import { ParseServer } from 'parse-server';\nimport { order } from './schema/order';\n
                 export async function startApp() {
                     const options = { appId: 'a' };
                     options.schema = { definitions: [order] };
                     await ParseServer.startApp(options);
                 }\n",
            ),
            (
                "schema/order.ts",
                "const admin = 'admin';\nexport const order = {\n  className: 'Order',\n  classLevelPermissions: {\n    find: { [`role:${admin}`]: true },\n  },\n};\n",
            ),
        ]);
        let order = json!({ "className": "Order", "classLevelPermissions": { "find": { "role:admin": true } } });
        assert_eq!(started.at("/schema/definitions"), Some(&json!([order])));
        let at = |pointer: &str| match started.place(pointer) {
            Some(Place::Text { file, span }) => (file.0, span.start()),
            _ => panic!("no place"),
        };
        let (file, class) = at("/schema/definitions/0");
        let (_, find) = at("/schema/definitions/0/classLevelPermissions/find");
        assert_eq!((file, class < find), (2, true));
    }

    #[test]
    fn helpers_for_schemas_are_understood() {
        let started = server(&[(
            "index.js",
            "const { ParseServer, SchemaMigrations } = require('parse-server');
             const { CLPHelper, makeSchema } = SchemaMigrations;
             const order = makeSchema('Order', {
                 fields: { total: { type: 'Number' } },
                 classLevelPermissions: { ...CLPHelper.requiresAuthentication(['find', 'get']), delete: {} },
             });
             new ParseServer({ appId: 'a', schema: { definitions: [order] } });",
        )]);
        let signed_in = json!({ "requiresAuthentication": true });
        let clp = json!({ "find": signed_in, "get": signed_in, "delete": {} });
        assert_eq!(started.at("/schema/definitions/0/classLevelPermissions"), Some(&clp));
        assert_eq!(started.at("/schema/definitions/0/className"), Some(&json!("Order")));
    }
}
