//! `new ParseServer({ … })` in code: which cloud code it loads, and its options.

use crate::code::run::Run;
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
            return None;
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
