//! From services as they are written to services without keys, and to the configurations
//! that their variables and command lines make.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;
use serde_json::{Map, Value};

use crate::code::path::{folder, join, name};
use crate::model::deploy::{Form, Image, Port, Program, Service};
use crate::model::oddity::escape;
use crate::model::options::{From, Options, Tree, Written};
use crate::model::server::{FoundVersion, Server, VersionFrom};
use crate::model::{App, FileId, Known, Manifest, Place};
use crate::rules::catalogue::{Kind, Part, kind_of};

use crate::read::options::{is_placeholder, is_variable};
use crate::read::tree::{self, Holes};
use crate::read::{forms, options};

use super::{Raw, is_sample};

/// Variables whose values are no secret and mean something.
const PLAIN: [&str; 7] = [
    "MYSQL_ALLOW_EMPTY_PASSWORD",
    "NODE_ENV",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "PG_TRUST_LOCALNET",
    "POSTGRES_HOST_AUTH_METHOD",
    "TESTING",
    "VERBOSE",
];

/// Takes in what files of deployment say; `paths` are those of files by their number.
pub fn settle(app: &mut App, services: Vec<Raw>, paths: &BTreeMap<FileId, &str>) {
    for raw in services {
        let program = program(&app.manifests, &raw);
        take_version(&mut app.server, &raw);
        match program {
            Some(Program::ParseServer) if !is_sample(&raw.path) => take_server(app, &raw, paths),
            Some(Program::ParseDashboard) if !is_sample(&raw.path) => {
                app.dashboards.extend(configuration(Part::Dashboard, &raw).map(|read| read.tree()));
            }
            _ => {}
        }
        app.services.push(service(raw, program));
    }
}

/// What a service runs.
pub fn program(manifests: &[Manifest], raw: &Raw) -> Option<Program> {
    let of_word = |word: &str| match name(word) {
        "parse-server" => Some(Program::ParseServer),
        "parse-dashboard" => Some(Program::ParseDashboard),
        _ => None,
    };
    let words: Vec<&str> = raw.command.iter().map(|(word, _)| word.as_str()).collect();
    // `npm start` runs what the manifest beside the file says; so does who finds variables there.
    let is_run = matches!(
        words.as_slice(),
        ["npm" | "yarn" | "pnpm", "start", ..] | ["npm" | "yarn" | "pnpm", "run", "start", ..]
    );
    let script = || {
        let manifest = manifests.iter().find(|manifest| manifest.folder == folder(&raw.path))?;
        manifest.scripts.get("start")?.split_whitespace().find_map(of_word)
    };
    let of_command = words.iter().find_map(|word| of_word(word));
    let of_image = || raw.image.as_ref().and_then(|(image, _)| of_word(split_image(image).0));
    let of_manifest = || if is_run || raw.is_list || raw.form == Form::AppJson { script() } else { None };
    let has = |beginning: &str| raw.variables.iter().any(|(name, ..)| name.starts_with(beginning));
    let of_names = || {
        // Nothing else has variables of these names.
        let is_dashboard =
            has("PARSE_DASHBOARD_MASTER_KEY") || has("PARSE_DASHBOARD_USER") || has("PARSE_DASHBOARD_ALLOW");
        (is_dashboard && !raw.is_list && raw.form != Form::Workflow).then_some(Program::ParseDashboard)
    };
    of_command.or_else(of_image).or_else(of_manifest).or_else(of_names)
}

/// Takes the version of Parse Server from the tag of its image, where no lock file knows better.
fn take_version(server: &mut Server, raw: &Raw) {
    let Some((image, at)) = raw.image.as_ref().filter(|_| !is_sample(&raw.path)) else { return };
    let ("parse-server", Some(tag)) = split_image(image) else { return };
    let Ok(version) = Version::parse(tag.trim_start_matches('v')) else { return };
    let is_known = server.version.read().is_some_and(|known| known.from >= VersionFrom::Image);
    if !is_known {
        server.version = Known::Read(FoundVersion { version, from: VersionFrom::Image, at: Some(at.clone()) });
    }
}

/// The name of an image without registry and namespace, and its tag.
fn split_image(image: &str) -> (&str, Option<&str>) {
    let (image, digest) = image.split_once('@').map_or((image, None), |(image, digest)| (image, Some(digest)));
    let own = name(image);
    match own.split_once(':') {
        Some((own, tag)) => (own, Some(tag)),
        None => (own, digest),
    }
}

/// A configuration as variables and a command line make it.
struct Read {
    part: Part,
    options: Map<String, Value>,
    holes: BTreeSet<String>,
    fallbacks: BTreeMap<String, Value>,
    places: BTreeMap<String, Place>,
    whole: Place,
}

impl Read {
    fn tree(&self) -> Tree {
        let holes = Holes { holes: Some(&self.holes), fallbacks: Some(&self.fallbacks) };
        let place = |pointer: &str| {
            let found = self.places.get(pointer).cloned();
            found.or_else(|| pointer.is_empty().then(|| self.whole.clone()))
        };
        Tree { from: From::Environment, ..tree::read(self.part, &self.options, &holes, &place) }
    }

    /// Sets an option to a text, as the command line understands it.
    fn set(&mut self, option: &str, text: &str, at: &Place) {
        let parts: Vec<&str> = option.split('.').map(|part| if part == "*" { "0" } else { part }).collect();
        let pointer = parts.iter().fold(String::new(), |pointer, part| format!("{pointer}/{}", escape(part)));
        self.places.insert(pointer.clone(), at.clone());
        self.holes.remove(&pointer);
        self.fallbacks.remove(&pointer);
        if let Some(fallback) = fallback_of(text) {
            self.holes.insert(pointer.clone());
            self.fallbacks.insert(pointer, value(self.part, option, fallback));
            return;
        }
        if is_variable(text) && kind_of(self.part, option) != Some(Kind::Key) {
            self.holes.insert(pointer);
            return;
        }
        insert(&mut self.options, &parts, value(self.part, option, text));
    }
}

/// The fallback of `${NAME:-fallback}`.
pub fn fallback_of(text: &str) -> Option<&str> {
    let inside = text.strip_prefix("${")?.strip_suffix('}')?;
    inside.split_once(":-").or_else(|| inside.split_once('-')).map(|(_, fallback)| fallback)
}

/// A value as text, or as JSON if it is an object or a list.
fn value(part: Part, option: &str, text: &str) -> Value {
    let is_json = text.starts_with(['{', '[']) && kind_of(part, option) != Some(Kind::Key);
    let parsed = if is_json { serde_json::from_str(text).ok() } else { None };
    parsed.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Puts a value below names, of which `0` is the one element of a list.
fn insert(object: &mut Map<String, Value>, parts: &[&str], value: Value) {
    match parts {
        [] => {}
        [last] => drop(object.insert((*last).to_owned(), value)),
        [first, "0", rest @ ..] => {
            let list =
                object.entry((*first).to_owned()).or_insert_with(|| Value::Array(vec![Value::Object(Map::new())]));
            if let Some(Value::Object(element)) = list.as_array_mut().and_then(|list| list.first_mut()) {
                insert(element, rest, value);
            }
        }
        [first, rest @ ..] => {
            let inner = object.entry((*first).to_owned()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

/// What the variables and the command line of a service configure.
fn configuration(part: Part, raw: &Raw) -> Option<Read> {
    let (options, holes, fallbacks, places) = Default::default();
    let mut read = Read { part, options, holes, fallbacks, places, whole: raw.at.clone() };
    for (name, text, at) in &raw.variables {
        // An empty variable counts as one that is not set.
        if text.is_empty() {
            continue;
        }
        if part == Part::Dashboard && name == "PARSE_DASHBOARD_CONFIG" {
            if let Ok(Value::Object(config)) = serde_json::from_str(text) {
                read.options.extend(config);
            }
            read.places.insert(String::new(), at.clone());
        } else if let Some(option) = part.of_environment(name) {
            read.set(option, text, at);
        }
    }
    let mut words = raw.command.iter().peekable();
    while let Some((word, at)) = words.next() {
        let Some(flag) = word.strip_prefix("--") else { continue };
        let (flag, given) = flag.split_once('=').map_or((flag, None), |(flag, value)| (flag, Some(value)));
        let option = option_of_flag(part, flag);
        let next = words.peek().map(|(next, _)| next.as_str()).filter(|next| !next.starts_with("--"));
        if let Some(option) = option {
            read.set(option, given.or(next).unwrap_or("true"), at);
        }
    }
    (!read.places.is_empty()).then_some(read)
}

/// The option that a flag of the command line sets.
fn option_of_flag(part: Part, flag: &str) -> Option<&'static str> {
    const DASHBOARD: [(&str, &str); 8] = [
        ("dev", "dev"),
        ("allowInsecureHTTP", "allowInsecureHTTP"),
        ("trustProxy", "trustProxy"),
        ("masterKey", "apps.*.masterKey"),
        ("serverURL", "apps.*.serverURL"),
        ("userId", "users.*.user"),
        ("userPassword", "users.*.pass"),
        ("cookieSessionSecret", "cookieSessionSecret"),
    ];
    match part {
        Part::Server => part.option(flag),
        Part::Dashboard => DASHBOARD.iter().find(|(name, _)| *name == flag).map(|(_, option)| *option),
    }
}

/// Takes in a server that its command line starts, over the file in JSON that it is given.
fn take_server(app: &mut App, raw: &Raw, paths: &BTreeMap<FileId, &str>) {
    let read = configuration(Part::Server, raw);
    let own = read.map(|read| Options { tree: read.tree(), ..options::read(&read.options, &read.whole) });
    let files: Vec<String> = raw
        .command
        .iter()
        .filter(|(word, _)| word.ends_with(".json"))
        .map(|(word, _)| join(folder(&raw.path), word.trim_start_matches("./")))
        .collect();
    let is_given = |options: &Options| {
        let file = options.tree.whole.as_ref().and_then(|at| paths.get(&at.file()));
        options.tree.from == From::File && file.is_some_and(|file| files.iter().any(|given| given == file))
    };
    let mut all: Vec<&mut Options> = Vec::new();
    if let Known::Read(first) = &mut app.server.options {
        all.push(first);
    }
    all.extend(&mut app.server.other_options);
    match (all.into_iter().find(|options| is_given(options)), own) {
        (Some(file), Some(own)) => *file = own.over(file),
        (None, Some(own)) => match &mut app.server.options {
            Known::Read(first) if first.says_the_same(&own) => {}
            Known::Read(_) => app.server.other_options.push(own),
            unread => *unread = Known::Read(own),
        },
        (_, None) => {}
    }
}

/// A service without its keys.
fn service(raw: Raw, program: Option<Program>) -> Service {
    let mut service = Service::new(raw.name, raw.form, raw.at);
    service.program = program;
    service.image = raw.image.map(|(image, at)| {
        let (name, tag) = split_image(&image);
        Image { name: name.to_owned(), tag: tag.map(str::to_owned), at }
    });
    let flags = raw.command.into_iter().filter(|(word, _)| word.starts_with('-'));
    service.flags = flags.map(|(word, at)| (word.split('=').next().unwrap_or_default().to_owned(), at)).collect();
    let variables = raw.variables.into_iter().map(|(name, value, at)| {
        let written = written(&name, &value);
        (name, (written, at))
    });
    service.variables = variables.collect();
    service.ports = raw.ports.into_iter().filter_map(|(port, at)| published(&port, at)).collect();
    service.user = raw.user;
    service.rights = raw.rights.into_iter().collect();
    service
}

fn written(name: &str, value: &str) -> Written {
    match value {
        "" => Written::Value(Value::String(String::new())),
        _ if is_placeholder(value) => Written::Unknown { fallback: None },
        _ if PLAIN.contains(&name) => Written::Value(Value::String(value.to_owned())),
        _ if value.contains("://") => Written::Hidden(forms::of_address(value)),
        _ => Written::Hidden(forms::of_key(value)),
    }
}

/// `8080:80`, `127.0.0.1:8080:80`, `80`: the port inside and who reaches it.
fn published(port: &str, at: Place) -> Option<Port> {
    let port = port.split('/').next().unwrap_or(port);
    let (before, inside) = port.rsplit_once(':').unwrap_or(("", port));
    let inside = inside.split('-').next()?.parse().ok()?;
    let host = before.rsplit_once(':').map_or("", |(host, _)| host);
    let everywhere = matches!(host, "" | "0.0.0.0" | "[::]" | "::");
    Some(Port { inside, everywhere, at })
}
