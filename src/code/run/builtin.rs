//! What is not the app's own: the language, Node, packages by their dotted names.

use std::sync::Arc;

use crate::code::event::What;
use crate::code::guards::{Flag, Guards};
use crate::code::shape::Shape;
use crate::code::taint::Clean;
use crate::code::value::{Kind, Pos, Value};

use super::{LONGEST_PATH, Run};

/// Packages and globals that only turn values into values.
const PURE: [&str; 28] = [
    "JSON",
    "Object",
    "Array",
    "String",
    "Number",
    "Math",
    "Date",
    "Buffer",
    "lodash",
    "underscore",
    "_",
    "moment",
    "dayjs",
    "date_fns",
    "util",
    "querystring",
    "qs",
    "url",
    "URL",
    "path",
    "decodeURIComponent",
    "unescape",
    "atob",
    "btoa",
    "ramda",
    "Symbol",
    "Intl",
    "luxon",
];

impl<'a> Run<'a> {
    /// A call of something outside the app.
    pub fn call_path(&mut self, path: &str, args: Vec<Value>, at: Pos, is_new: bool) -> Value {
        if let Some(value) = self.sdk_call(path, &args, at) {
            return value;
        }
        if let Some(value) = self.framework_call(path, &args, at) {
            return value;
        }
        if let Some(value) = self.language_call(path, &args, at) {
            return value;
        }
        if let Some(value) = self.module_call(path, &args, at) {
            return value;
        }
        self.outside_call(path, args, at, is_new)
    }

    /// `new` of something outside the app.
    pub fn construct_path(&mut self, path: &str, args: Vec<Value>, at: Pos) -> Value {
        match path {
            "Promise" | "bluebird" => match args.first() {
                Some(executor) => self.new_promise(&executor.clone(), at),
                None => Value::unknown(),
            },
            "Map" | "WeakMap" => {
                let id = self.object(Shape::Map, at);
                let (pairs, complete) = args.first().map(|list| self.elements_of(list)).unwrap_or_default();
                for pair in pairs {
                    let key = self.element(&pair, 0, at);
                    let value = self.element(&pair, 1, at);
                    self.set_in_map(id, &key, value);
                }
                if !complete && !args.is_empty() {
                    self.heap.get_mut(id).rest = Some(Value::unknown());
                }
                Value::of(Kind::Object(id))
            }
            "Set" | "WeakSet" | "Array" => {
                let (items, complete) = args.first().map(|list| self.elements_of(list)).unwrap_or_default();
                let taint = args.first().and_then(|list| list.taint.clone());
                let id = self.object(Shape::Fixed, at);
                let object = self.heap.get_mut(id);
                object.items = items;
                if !complete && !args.is_empty() {
                    object.rest = Some(Value::unknown());
                }
                Value { taint, ..Value::of(Kind::Object(id)) }
            }
            "Date" => {
                let taint = args
                    .first()
                    .and_then(|arg| arg.taint.as_ref())
                    .map(|taint| taint.cleaned(Clean::TEXT.with(Clean::NUMBER)));
                Value { kind: Kind::Path("Date()".into()), taint, test: None }
            }
            "Error" | "TypeError" | "RangeError" => Value::path("error"),
            "Proxy" => args.first().cloned().unwrap_or_default(),
            "RegExp" => {
                self.outside(format!("new {path}").as_str(), &args, at, true);
                let given = args.first().cloned().unwrap_or_default();
                Value { kind: Kind::Unknown, taint: given.taint, test: None }
            }
            _ => self.call_path(path, args, at, true),
        }
    }

    fn language_call(&mut self, path: &str, args: &[Value], at: Pos) -> Option<Value> {
        let first = args.first().cloned().unwrap_or_else(Value::undefined);
        let cleaned = |by: Clean| {
            let taint = first.taint.as_ref().map(|taint| taint.cleaned(by));
            Some(Value { kind: Kind::Unknown, taint, test: first.test.clone() })
        };
        match path {
            "Number" | "parseInt" | "parseFloat" | "Number.parseInt" | "Number.parseFloat" | "Math.floor"
            | "Math.round" | "Math.ceil" | "Math.abs" | "Math.trunc" => match first.kind {
                Kind::WeakRandom(_) | Kind::Computed(..) => Some(first),
                Kind::Column(..) if first.taint.is_none() => Some(first),
                Kind::Number(_) => Some(first),
                _ => cleaned(Clean::NUMBER.with(Clean::TEXT)),
            },
            "Math.min" | "Math.max" => {
                let by = if path == "Math.min" { Clean::NOT_MORE } else { Clean::NOT_LESS };
                let taint =
                    args.iter().find_map(|arg| arg.taint.as_ref()).map(|taint| taint.cleaned(by.with(Clean::NUMBER)));
                Some(Value::unknown().tainted(taint))
            }
            "Math.random" | "_.random" | "lodash.random" | "underscore.random" => Some(Value::of(Kind::WeakRandom(at))),
            "String" => match first.kind {
                Kind::Text(_) | Kind::WeakRandom(_) => Some(first),
                _ => cleaned(Clean::TEXT),
            },
            "Boolean" => {
                let truth = self.truth(&first);
                Some(Value::test(truth.yes, truth.no))
            }
            "encodeURIComponent" | "querystring.escape" => cleaned(Clean::URL.with(Clean::HTML).with(Clean::TEXT)),
            // It leaves alone what parts an address: `/`, `?`, `&`.
            "encodeURI" => match &first.kind {
                Kind::Joined(_) => Some(first),
                _ => cleaned(Clean::TEXT),
            },
            "path.basename" => cleaned(Clean::BASE_NAME),
            "isNaN" | "Number.isNaN" | "Number.isInteger" | "Number.isFinite" | "isFinite" => {
                let known = first.taint.as_ref().map(|taint| {
                    Guards::about(crate::code::guards::About::Clean(
                        Arc::clone(&taint.name),
                        Clean::NUMBER.with(Clean::TEXT),
                    ))
                });
                let none = Some(Guards::default());
                let known = known.or_else(|| none.clone());
                let is_number = !path.ends_with("isNaN");
                Some(if is_number { Value::test(known, none) } else { Value::test(none, known) })
            }
            "Object.assign" | "lodash.extend" | "_.extend" | "underscore.extend" | "lodash.assign" | "lodash.merge"
            | "_.merge" => {
                let target = match first.as_object() {
                    Some(id) => id,
                    None => self.object(Shape::Plain, at),
                };
                let mut taint = first.taint.clone();
                for source in args.iter().skip(1) {
                    self.copy_into(target, source);
                    taint = taint.or_else(|| source.taint.clone());
                }
                Some(Value { taint, ..Value::of(Kind::Object(target)) })
            }
            "Object.freeze" | "Object.seal" | "structuredClone" | "util.promisify" | "promisify" | "Object.create"
            | "lodash.cloneDeep" | "_.clone" | "lodash.clone" | "_.once" | "lodash.once" => Some(first),
            "Object.keys" | "lodash.keys" | "_.keys" | "Reflect.ownKeys" | "Object.getOwnPropertyNames" => {
                let (keys, complete) = self.keys_of(&first);
                let list = self.new_array(keys, at);
                if let (false, Some(id)) = (complete, list.as_object()) {
                    let any = self.any_key(&first, at);
                    self.heap.get_mut(id).rest = Some(any);
                }
                Some(Value { taint: first.taint.filter(|_| !complete), ..list })
            }
            "Object.values" | "lodash.values" | "_.values" => {
                let object = first.as_object().map(|id| self.heap.get(id).clone());
                match object.filter(|object| object.rest.is_none()) {
                    Some(object) => Some(self.new_array(object.props.into_values().collect(), at)),
                    None => Some(Value::unknown().tainted(first.taint)),
                }
            }
            "Object.entries" | "lodash.toPairs" => {
                let object = first.as_object().map(|id| self.heap.get(id).clone());
                match object.filter(|object| object.rest.is_none()) {
                    Some(object) => {
                        let pairs: Vec<Value> = object
                            .props
                            .into_iter()
                            .map(|(key, value)| self.new_array(vec![Value::of(Kind::Text(key)), value], at))
                            .collect();
                        Some(self.new_array(pairs, at))
                    }
                    None => Some(Value::unknown().tainted(first.taint)),
                }
            }
            "Array.from" | "Array.of" => Some(first),
            "JSON.stringify" => {
                let taint = first.taint.clone().or_else(|| self.taint_inside(&first, 3));
                Some(Value::unknown().tainted(taint))
            }
            "Promise.resolve" | "Parse.Promise.as" | "Parse.Promise.resolve" | "when" | "Q" => {
                let guards = self.guards();
                Some(super::promise::promise_of(first, guards))
            }
            "Promise.reject" | "Parse.Promise.error" | "Parse.Promise.reject" | "Q.reject" => {
                Some(Value::of(Kind::Rejected))
            }
            "Promise.all" | "Promise.allSettled" | "Parse.Promise.when" | "Promise.race" | "Promise.any"
            | "bluebird.all" | "Q.all" => {
                let (items, complete) = self.elements_of(&first);
                if !complete {
                    return Some(first);
                }
                let before = self.path.clone();
                let items: Vec<Value> = items.into_iter().map(|item| self.wait_for(item)).collect();
                let settled = self.path.clone();
                self.path = before;
                let list = self.new_array(items, at);
                Some(match settled {
                    Some(guards) => super::promise::promise_of(list, guards),
                    None => Value::of(Kind::Rejected),
                })
            }
            "setTimeout" | "setInterval" | "setImmediate" | "process.nextTick" | "queueMicrotask" => {
                if first.is_function() {
                    self.maybe_call_back(&first, args.iter().skip(2).cloned().collect(), at);
                }
                Some(Value::unknown())
            }
            "process.exit" => {
                self.throw();
                Some(Value::unknown())
            }
            _ => self.list_function(path, args, at),
        }
    }

    /// `_.each(list, callback)` and its like, and `async.each`.
    fn list_function(&mut self, path: &str, args: &[Value], at: Pos) -> Option<Value> {
        let (package, name) = path.rsplit_once('.')?;
        if matches!(package, "_" | "lodash" | "underscore" | "Parse._") {
            let list = args.first()?;
            let rest: Vec<Value> = args.iter().skip(1).cloned().collect();
            return match name {
                "pick" | "omit" if name == "pick" => {
                    let taint = list.taint.as_ref().map(|taint| taint.cleaned(Clean::ALLOWED));
                    Some(Value::unknown().tainted(taint))
                }
                "escapeRegExp" => Some(Value::unknown().tainted(list.taint.as_ref().map(|t| t.cleaned(Clean::REGEX)))),
                "escape" => Some(Value::unknown().tainted(list.taint.as_ref().map(|t| t.cleaned(Clean::HTML)))),
                "get" => {
                    let key = args.get(1).cloned().unwrap_or_default();
                    Some(self.get_at(list, &key, at))
                }
                _ => self.list_method(list, name, &rest, at),
            };
        }
        None
    }

    /// Reading folders and joining paths, for files that are loaded by name.
    fn module_call(&mut self, path: &str, args: &[Value], at: Pos) -> Option<Value> {
        let first = args.first().cloned().unwrap_or_else(Value::undefined);
        match path {
            "path.join" | "path.resolve" | "path.normalize" => {
                let mut joined = String::new();
                let mut whole = true;
                for arg in args {
                    match arg.as_text() {
                        Some(text) if path == "path.resolve" && text.starts_with('/') => joined = text.to_string(),
                        Some(text) => {
                            if !joined.is_empty() && !joined.ends_with('/') {
                                joined.push('/');
                            }
                            joined.push_str(text);
                        }
                        None => whole = false,
                    }
                }
                let absolute = joined.starts_with('/');
                let folder = crate::code::path::join("", joined.trim_start_matches('/'));
                let folder = if absolute { format!("/{folder}") } else { folder };
                let taint = args.iter().find_map(|arg| arg.taint.clone());
                if whole {
                    return Some(Value::text(folder));
                }
                let mut parts = vec![Value::text(format!("{folder}/"))];
                parts.extend(args.iter().filter(|arg| arg.as_text().is_none()).cloned());
                Some(Value { kind: Kind::Joined(parts.into()), taint, test: None })
            }
            "fs.readdirSync"
            | "fs.promises.readdir"
            | "fs_extra.readdirSync"
            | "fs.readdir"
            | "glob.sync"
            | "glob.globSync"
            | "glob"
            | "fast_glob.sync"
            | "globby"
            | "globby.sync" => {
                let text = first.as_text()?.to_string();
                let folder = text.split(['*', '{']).next().unwrap_or_default().to_owned();
                let is_glob = folder.len() < text.len();
                let folder = self.folder_path(at.unit, &folder);
                let names = if is_glob {
                    self.world.project.files_below(at.unit, &format!("/{folder}"))
                } else {
                    self.world.project.files_in(at.unit, &format!("/{folder}"))
                };
                let name = |name: String| Value::text(if is_glob { format!("/{folder}/{name}") } else { name });
                let names: Vec<Value> = names.into_iter().take(512).map(name).collect();
                let list = self.new_array(names, at);
                if let Some(callback) = args.iter().skip(1).find(|arg| arg.is_function()) {
                    self.maybe_call_back(callback, vec![Value::of(Kind::Null), list.clone()], at);
                }
                Some(list)
            }
            "require_all" | "require_dir" | "require_directory" | "include_all" | "import_all" => {
                let folder = match first.as_text() {
                    Some(text) => Some(Arc::clone(text)),
                    None => {
                        let dirname = self.get(&first, &"dirname".into(), at);
                        dirname.as_text().cloned()
                    }
                };
                self.load_folder(at.unit, &folder.unwrap_or_else(|| ".".into()));
                Some(Value::unknown())
            }
            "fs.existsSync" | "fs.statSync" | "fs.lstatSync" if first.taint.is_none() => Some(Value::unknown()),
            _ => None,
        }
    }

    /// A call of a package or of something unknown: noted, its callbacks walked through.
    fn outside_call(&mut self, path: &str, args: Vec<Value>, at: Pos, is_new: bool) -> Value {
        self.outside(path, &args, at, is_new);
        let root = path.split(['.', '(']).next().unwrap_or(path);
        let name = path.rsplit('.').next().unwrap_or(path);
        let taint = args.iter().find_map(|arg| arg.taint.clone().or_else(|| self.taint_inside(arg, 2)));
        let made: crate::model::unit::Name =
            if path.len() > LONGEST_PATH { path.into() } else { format!("{path}()").into() };
        let given = Value { kind: Kind::Path(Arc::clone(&made)), taint: None, test: None };
        let lower = name.to_ascii_lowercase();
        let proves =
            ["verify", "constructevent", "timingsafeequal", "validatewebhook", "comparesync", "checksignature"]
                .iter()
                .any(|word| lower.contains(word));
        if proves {
            self.learn(&Guards::flag(Flag::Secret));
        }
        for arg in &args {
            if arg.is_function() {
                let error = Value::of(Kind::Undefined);
                // Node's convention: an error first; the walk follows the way without one.
                let call_args = if path.starts_with("async.") || path.starts_with("co") {
                    vec![Value::unknown(), Value::unknown()]
                } else {
                    vec![error, given.clone(), given.clone()]
                };
                self.maybe_call_back(arg, call_args, at);
            }
        }
        let kind = Kind::Path(made);
        if let Some(clean) = cleaner(name) {
            let taint = taint.map(|taint| taint.cleaned(clean));
            return Value { kind: Kind::Unknown, taint, test: None };
        }
        // What a token says is the client's word until it is verified.
        if path == "jsonwebtoken.decode" {
            return Value::unknown().tainted(taint);
        }
        if proves {
            let known = Some(Guards::flag(Flag::Secret));
            return Value {
                kind,
                taint: None,
                test: Some(Arc::new(crate::code::value::Test { yes: known, no: Some(Guards::default()) })),
            };
        }
        if lower.contains("ratelimit") || lower.contains("rate-limit") || lower.contains("consume") {
            self.learn(&Guards::flag(Flag::Limited));
        }
        let test = self.opaque_test(&args);
        let carries = PURE.contains(&root);
        Value { kind, taint: taint.filter(|_| carries), test }
    }

    /// Notes a call of something outside the app.
    pub fn outside(&mut self, path: &str, args: &[Value], at: Pos, is_new: bool) {
        let mut path: String = path.replace("()", "");
        // A client with settings is still the client.
        for (made, client) in [
            ("axios.create", "axios"),
            ("axios.default", "axios"),
            ("request.defaults", "request"),
            ("got.extend", "got"),
        ] {
            if let Some(rest) = path.strip_prefix(made) {
                path = format!("{client}{rest}");
            }
        }
        self.note(What::Call { path: path.into(), args: args.to_vec(), is_new }, at, &Guards::default());
    }

    /// The first value of the client inside an object or list.
    pub fn taint_inside(&self, value: &Value, depth: usize) -> Option<Arc<crate::code::taint::Taint>> {
        if value.taint.is_some() || depth == 0 {
            return value.taint.clone();
        }
        match &value.kind {
            Kind::Object(id) => {
                let object = self.heap.get(*id);
                let inside = object.props.values().chain(&object.items).chain(&object.rest);
                inside.into_iter().take(64).find_map(|value| self.taint_inside(value, depth - 1))
            }
            Kind::OneOf(values) => values.iter().find_map(|(value, _)| self.taint_inside(value, depth - 1)),
            Kind::Promise(settled) => self.taint_inside(&settled.0, depth - 1),
            _ => None,
        }
    }
}

/// What a function of this name does to a value, wherever it comes from.
pub fn cleaner(name: &str) -> Option<Clean> {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match name.as_str() {
        name if name.contains("escaperegex") || name.contains("regexescape") || name.contains("regexquote") => {
            Some(Clean::REGEX.with(Clean::TEXT))
        }
        "quotemeta" => Some(Clean::REGEX.with(Clean::TEXT)),
        name if name.contains("escapehtml") || name.contains("htmlescape") || name.contains("sanitizehtml") => {
            Some(Clean::HTML)
        }
        "sanitizefilename" | "basename" => Some(Clean::BASE_NAME),
        "digest" | "hash" | "hashsync" | "md5" | "sha1" | "sha256" => {
            Some(Clean::HASHED.with(Clean::TEXT).with(Clean::URL).with(Clean::HTML).with(Clean::BASE_NAME))
        }
        _ => None,
    }
}
