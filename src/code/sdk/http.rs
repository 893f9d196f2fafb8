//! Express: applications, routers, middleware in order.

use std::sync::Arc;

use crate::code::entry::EntryKind;
use crate::code::heap::ObjectId;
use crate::code::run::Run;
use crate::code::shape::{Layer, Shape};
use crate::code::value::{Kind, Pos, Value};

/// Methods that register a route.
const VERBS: [&str; 8] = ["get", "post", "put", "patch", "delete", "all", "del", "options"];

impl<'a> Run<'a> {
    /// A call that makes an application or router.
    pub fn framework_call(&mut self, path: &str, args: &[Value], at: Pos) -> Option<Value> {
        match path {
            "express" | "express.Router" | "express_promise_router" => {
                Some(self.new_object(Shape::Router(Vec::new()), at))
            }
            _ => self.server_call(path, args, at),
        }
    }

    /// A method of an application or router.
    pub fn router_method(
        &mut self,
        id: ObjectId,
        router: &Value,
        name: &str,
        args: &[Value],
        at: Pos,
    ) -> Option<Value> {
        let first = args.first().cloned().unwrap_or_else(Value::undefined);
        if name == "route" {
            let path = crate::code::run::known_text(&first);
            let route = self.object(Shape::Router(self.layers(id)), at);
            self.heap.get_mut(route).props.insert("*path".into(), Value::text(path));
            return Some(Value::of(Kind::Object(route)));
        }
        let fixed = self.heap.get(id).props.get("*path").and_then(Value::as_text).map(|path| path.to_string());
        let (path, handlers) = match (&fixed, path_of(&first)) {
            (Some(path), _) => (path.clone(), args),
            (None, Some(path)) => (path, args.get(1..).unwrap_or_default()),
            (None, None) => (String::new(), args),
        };
        let mut flat: Vec<Value> = Vec::new();
        for handler in handlers {
            match self.elements_of(handler) {
                (items, true) if !items.is_empty() => flat.extend(items),
                _ => flat.push(handler.clone()),
            }
        }
        match name {
            "use" => {
                for handler in flat {
                    self.mount(id, &path, handler);
                }
                Some(router.clone())
            }
            _ if VERBS.contains(&name) && !flat.is_empty() => {
                let is_setting = name == "get" && !flat.iter().any(Value::is_function);
                if is_setting {
                    return Some(Value::unknown());
                }
                let before = self.layers(id).into_iter().filter(|layer| path.starts_with(layer.path.as_str()));
                let mut all: Vec<Value> = before.map(|layer| layer.handler).collect();
                all.extend(flat);
                let method = if name == "del" { "DELETE".to_owned() } else { name.to_uppercase() };
                self.register(EntryKind::Route(method, path), all, None, at);
                Some(router.clone())
            }
            // Switches of the application: `trust proxy`.
            "set" | "enable" => {
                self.outside(&format!("express.{name}"), args, at, false);
                Some(router.clone())
            }
            "listen" => {
                if let Some(callback) = args.iter().find(|arg| arg.is_function()) {
                    self.maybe_call_back(callback, Vec::new(), at);
                }
                Some(Value::unknown())
            }
            _ => Some(Value::unknown()),
        }
    }

    fn layers(&self, id: ObjectId) -> Vec<Layer> {
        match &self.heap.get(id).shape {
            Shape::Router(layers) => layers.clone(),
            _ => Vec::new(),
        }
    }

    /// Mounts middleware, or a router whose routes then lie below the path and behind what was mounted before.
    fn mount(&mut self, id: ObjectId, path: &str, handler: Value) {
        let inner = handler.as_object().filter(|inner| matches!(self.heap.get(*inner).shape, Shape::Router(_)));
        if inner.is_none() {
            if let Shape::Router(layers) = &mut self.heap.get_mut(id).shape
                && layers.len() < 64
            {
                layers.push(Layer { path: path.to_owned(), handler });
            }
            return;
        }
        let before: Vec<Value> = self
            .layers(id)
            .into_iter()
            .filter(|layer| path.starts_with(layer.path.as_str()))
            .map(|layer| layer.handler)
            .collect();
        let unit = handler.as_object().and_then(|id| self.heap.get(id).at).map(|at| at.unit);
        for entry in &mut self.entries {
            if let (EntryKind::Route(_, below), true) = (&mut entry.kind, Some(entry.at.unit) == unit) {
                if !path.is_empty() && path != "/" {
                    *below = format!("{}{}", path.trim_end_matches('/'), below);
                }
                let mut all = before.clone();
                all.append(&mut entry.handlers);
                entry.handlers = all;
            }
        }
    }
}

/// The path of a route, if the argument is one.
fn path_of(value: &Value) -> Option<String> {
    match &value.kind {
        Kind::Text(text) => Some(text.to_string()),
        Kind::Joined(_) => Some(crate::code::run::known_text(value).replace('\u{fffc}', "*")),
        Kind::OneOf(values) => Arc::clone(values).first().and_then(|(value, _)| path_of(value)),
        Kind::Path(path) => Some(format!("{{{path}}}")),
        _ => None,
    }
}
