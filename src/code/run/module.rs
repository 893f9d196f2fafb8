//! Files: what they export, `require`, `import`, and folders that are loaded file by file.

use std::sync::Arc;

use crate::code::path;
use crate::code::resolve::{Target, cloud_of_main};
use crate::code::shape::Shape;
use crate::code::value::{Kind, Native, Pos, Value};
use crate::model::unit::{Export, Imported, Name};

use super::{Frame, Run};

impl<'a> Run<'a> {
    /// Loads the app as its server would: first what starts it, which sets up what its cloud
    /// code finds there, then the cloud code.
    pub fn load_app(&mut self) {
        let is_cloud =
            |index: &usize| self.world.units.get(*index).is_some_and(|unit| cloud_of_main(&unit.path).is_some());
        let (cloud, servers): (Vec<usize>, Vec<usize>) = self.world.project.entries().into_iter().partition(is_cloud);
        for index in servers.into_iter().chain(cloud) {
            self.load(index);
        }
    }

    /// Loads a file, once; gives what it exports.
    pub fn load(&mut self, index: usize) -> Value {
        if let Some(module) = self.modules.get(&index).or_else(|| self.before.get(&index)).copied() {
            return self.exports_of(module);
        }
        let world = self.world;
        let Some(unit) = world.units.get(index) else { return Value::unknown() };
        let at = Pos { unit: index, span: Default::default() };
        let exports = self.new_object(Shape::Plain, at);
        let module = self.object(Shape::Plain, at);
        self.heap.get_mut(module).props.insert("exports".into(), exports.clone());
        self.modules.insert(index, module);
        self.loaded.push(index);
        let scope = self.heap.add_scope(Some(self.globals));
        let before = self.path.replace(Default::default());
        let (floor, steps, master) = (std::mem::take(&mut self.floor), self.steps, self.master);
        let cut = std::mem::take(&mut self.cut);
        self.rest();
        self.frames.push(Frame {
            unit: index,
            name: None,
            scope,
            this: exports.clone(),
            class: None,
            function: (index, 0),
            called_at: at,
            returns: Vec::new(),
        });
        let file = unit.path.clone();
        for (name, value) in [
            ("module", Value::of(Kind::Object(module))),
            ("exports", exports.clone()),
            ("require", Value::of(Kind::Native(Native::Require))),
            ("__dirname", Value::text(format!("/{}", path::folder(&file)))),
            ("__filename", Value::text(format!("/{file}"))),
        ] {
            self.declare(&name.into(), value);
        }
        for import in &unit.imports {
            let target = self.required(index, &import.from);
            let value = self.imported(&target, &import.what, Pos { unit: index, span: import.span });
            if let Some(local) = &import.local {
                self.declare(local, value);
            }
        }
        // An export is there before the file has run to its end: files may load each other in a circle.
        if let Some(body) = unit.functions.first() {
            self.block(&body.body);
        }
        self.path = Some(Default::default());
        self.export_all(index, module);
        self.frames.pop();
        self.path = before;
        self.floor = floor;
        self.steps = steps;
        if std::mem::replace(&mut self.cut, cut) {
            self.cut_files.push(index);
        }
        if !self.frames.is_empty() {
            self.master = master;
        }
        self.exports_of(module)
    }

    fn exports_of(&self, module: crate::code::heap::ObjectId) -> Value {
        self.heap.get(module).props.get("exports").cloned().unwrap_or_default()
    }

    fn export_all(&mut self, index: usize, module: crate::code::heap::ObjectId) {
        let world = self.world;
        let Some(unit) = world.units.get(index) else { return };
        let Some(exports) = self.exports_of(module).as_object() else { return };
        for export in &unit.exports {
            match export {
                Export::Local { name, local } => {
                    let value = self.variable(local);
                    self.heap.get_mut(exports).props.insert(Arc::clone(name), value);
                }
                Export::From { name, what, from } => {
                    let at = Pos { unit: index, span: Default::default() };
                    let target = self.required(index, from);
                    let value = self.imported(&target, what, at);
                    self.heap.get_mut(exports).props.insert(Arc::clone(name), value);
                }
                Export::All { from } => {
                    let target = self.required(index, from);
                    self.copy_into(exports, &target);
                }
            }
        }
    }

    fn imported(&mut self, target: &Value, what: &Imported, at: Pos) -> Value {
        let is_path = matches!(target.kind, Kind::Path(_));
        match what {
            Imported::Namespace | Imported::Nothing => target.clone(),
            // A package has one face, whether it is imported or required.
            Imported::Default if is_path => target.clone(),
            Imported::Named(name) if is_path && &**name == "default" => target.clone(),
            Imported::Default => {
                let has_default = target.as_object().is_some_and(|id| self.heap.get(id).props.contains_key("default"));
                if has_default { self.get(target, &"default".into(), at) } else { target.clone() }
            }
            Imported::Named(name) => self.get(target, name, at),
        }
    }

    /// `require(path)` and `import(path)`.
    pub fn require(&mut self, path: &Value, at: Pos) -> Value {
        match &path.kind {
            Kind::Text(text) => self.required(at.unit, &Arc::clone(text)),
            Kind::OneOf(values) => {
                let values = Arc::clone(values);
                let mut last = Value::unknown();
                for (value, _) in values.iter() {
                    if let Some(text) = value.as_text() {
                        last = self.required(at.unit, &Arc::clone(text));
                    }
                }
                last
            }
            // A folder that is loaded file by file, by names that are not known here.
            Kind::Joined(parts) => {
                let folder = parts.first().and_then(Value::as_text).cloned();
                if let Some(folder) = folder {
                    self.load_folder(at.unit, &folder);
                }
                Value::unknown()
            }
            _ => Value::unknown(),
        }
    }

    /// Loads every file of code directly in a folder.
    pub fn load_folder(&mut self, from: usize, folder: &str) {
        let folder = self.folder_path(from, folder);
        for name in self.world.project.files_in(from, &format!("/{folder}")) {
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if let Some(index) = self.world.project.unit_at(&path) {
                self.load(index);
            }
        }
    }

    /// A folder as a path from the root.
    pub fn folder_path(&self, from: usize, folder: &str) -> String {
        let base = self.world.units.get(from).map_or("", |unit| unit.path.as_str());
        let base = path::folder(base);
        match folder.strip_prefix('/') {
            Some(absolute) => path::join("", absolute.trim_end_matches('/')),
            None => path::join(base, folder.trim_end_matches('/')),
        }
    }

    fn required(&mut self, from: usize, specifier: &Name) -> Value {
        // `__dirname` begins with `/` here: a path from the root.
        let rooted = specifier.strip_prefix('/').map(|path| path::join("", path));
        let target = match &rooted {
            Some(path) => self.world.project.module_at(path).map_or(Target::Missing, Target::Unit),
            None => self.world.project.resolve(from, specifier),
        };
        match target {
            Target::Unit(index) => self.load(index),
            Target::Package(name) => package(&name),
            // A library that lies in the repository, and is not looked into.
            Target::Missing => library(specifier).map_or_else(Value::unknown, package),
        }
    }
}

/// The well-known library that a file is a copy of, by its name.
fn library(specifier: &str) -> Option<&str> {
    let name = path::name(specifier);
    let stem = name.split(['.', '-']).next().unwrap_or(name);
    matches!(
        stem,
        "lodash" | "underscore" | "moment" | "mailgun" | "mandrill" | "stripe" | "twilio" | "sendgrid" | "axios"
    )
    .then_some(stem)
}

/// A package by the name under which rules know it: words with dots between them, and one
/// name for packages that do the same.
fn package(name: &str) -> Value {
    let name = name.strip_prefix("node:").unwrap_or(name).trim_end_matches(".js");
    let known = match name {
        "parse/node" | "parse" | "parse-server/node" | "parse/dist/parse" | "moralis" | "moralis/node" => "Parse",
        "node-fetch" | "cross-fetch" | "isomorphic-fetch" | "make-fetch-happen" => "fetch",
        "request-promise" | "request-promise-native" | "requestretry" | "postman-request" => "request",
        "superagent-promise" => "superagent",
        "winston" | "bunyan" | "pino" | "log4js" => "console",
        _ => return Value::path(name.trim_start_matches('@').replace('/', ".").replace('-', "_")),
    };
    Value::path(known)
}
