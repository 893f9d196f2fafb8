//! `new ParseServer({ … })` in code: which cloud code it loads, and its options.

use crate::code::run::Run;
use crate::code::shape::Shape;
use crate::code::value::{Kind, Pos, Value};

impl<'a> Run<'a> {
    /// A call that starts Parse Server.
    pub fn server_call(&mut self, path: &str, args: &[Value], at: Pos) -> Option<Value> {
        let is_server = matches!(
            path,
            "parse_server.ParseServer"
                | "parse_server"
                | "parse_server.default"
                | "ParseServer"
                | "parse_server.startApp"
                | "parse_server.ParseServer.startApp"
                | "ParseServer.startApp"
                | "parse_server.default.startApp"
        );
        if !is_server {
            return self.schema_call(path.strip_prefix("parse_server.SchemaMigrations.")?, args, at);
        }
        let options = args.first().cloned().unwrap_or_else(Value::undefined);
        let cloud = self.get_if(&options, "cloud", at);
        self.servers.push((options, at));
        match &cloud.kind {
            Kind::OneOf(values) => {
                for (one, _) in values.clone().iter() {
                    self.load_cloud(one, at);
                }
            }
            _ => self.load_cloud(&cloud, at),
        }
        Some(Value::path("ParseServer()"))
    }

    /// Helpers for schema as code.
    ///
    /// Source: Parse Server 9, `SchemaMigrations/Migrations.js`.
    fn schema_call(&mut self, name: &str, args: &[Value], at: Pos) -> Option<Value> {
        let made = self.object(Shape::Plain, at);
        match (name, args) {
            ("makeSchema", [class, schema, ..]) => {
                self.copy_into(made, schema);
                self.heap.get_mut(made).props.insert("className".into(), class.clone());
            }
            ("CLPHelper.requiresAuthentication" | "CLPHelper.requiresAnonymous", [ops, ..]) => {
                let key = if name.ends_with("Anonymous") { "*" } else { "requiresAuthentication" };
                let grant = self.object(Shape::Plain, at);
                self.heap.get_mut(grant).props.insert(key.into(), Value::bool(true));
                let (ops, is_all) = match ops.as_text() {
                    Some(_) => (["find", "count", "get", "update", "create", "delete"].map(Value::text).to_vec(), true),
                    None => self.elements_of(ops),
                };
                let object = self.heap.get_mut(made);
                for op in &ops {
                    match op.as_text() {
                        Some(op) => drop(object.props.insert(op.clone(), Value::of(Kind::Object(grant)))),
                        None => object.rest = Some(Value::unknown()),
                    }
                }
                if !is_all {
                    object.rest = Some(Value::unknown());
                }
            }
            _ => return None,
        }
        Some(Value::of(Kind::Object(made)))
    }

    fn load_cloud(&mut self, cloud: &Value, at: Pos) {
        match &cloud.kind {
            Kind::Text(path) => {
                let folder = self.folder_path(at.unit, path);
                let from_root = crate::code::path::join("", path.trim_start_matches("./"));
                for candidate in [folder, from_root] {
                    if let Some(index) = self.world.project.module_at(&candidate) {
                        self.load(index);
                        return;
                    }
                }
            }
            Kind::Joined(parts) => {
                // A folder that is not known, then a path: `process.cwd() + '/cloud/main.js'`.
                if let Some(path) = parts.last().and_then(Value::as_text).cloned() {
                    let path = path.trim_start_matches('/').to_owned();
                    self.load_cloud(&Value::text(format!("./{path}")), at);
                }
            }
            Kind::Function(_) => {
                self.maybe_call_back(cloud, vec![Value::path("Parse")], at);
            }
            _ => {}
        }
    }

    /// A property, if the value is an object that has it.
    pub fn get_if(&mut self, object: &Value, name: &str, at: Pos) -> Value {
        match &object.kind {
            Kind::Object(_) | Kind::OneOf(_) => self.get(object, &name.into(), at),
            _ => Value::undefined(),
        }
    }
}
