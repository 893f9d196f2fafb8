//! What handlers are given: which parts of a request the client writes.

use std::sync::Arc;

use crate::code::event::What;
use crate::code::guards::{Flag, Guards};
use crate::code::run::Run;
use crate::code::shape::{Asked, Shape};
use crate::code::taint::{From, Taint};
use crate::code::value::{Kind, Pos, Value};

impl<'a> Run<'a> {
    /// A part of a request.
    pub fn request_part(&mut self, asked: Asked, name: &str, at: Pos) -> Value {
        let given = |from: From, name: &str| Value::unknown().tainted(Some(Taint::new(from, name, at)));
        match (asked, name) {
            (_, "master" | "isMaster") => Value::test(Some(Guards::flag(Flag::Master)), Some(Guards::default())),
            (Asked::Function | Asked::Trigger, "user") => Value::of(Kind::Caller),
            (_, "headers") => given(From::Headers, "headers"),
            (Asked::Function, "params") => given(From::Parameters, "params"),
            (Asked::Trigger, "file" | "query" | "objects" | "triggerName" | "requestId" | "context") => match name {
                "triggerName" | "context" => Value::unknown(),
                _ => given(From::TriggerInput, name),
            },
            (Asked::Http, "body" | "query" | "params" | "cookies" | "files" | "file" | "rawBody") => {
                given(From::Body, name)
            }
            (Asked::Http, "user" | "currentUser" | "userFromJWT") => Value::of(Kind::Caller),
            (Asked::Http, "session") => Value::path("session"),
            (Asked::Http, "ip" | "hostname" | "originalUrl" | "url" | "path") => given(From::Headers, name),
            (_, "log" | "message" | "functionName" | "jobName" | "installationId" | "ip") => {
                Value::path(format!("request.{name}"))
            }
            _ => Value::unknown(),
        }
    }

    /// A method of a request.
    pub fn request_method(&mut self, name: &str, args: &[Value], at: Pos) -> Option<Value> {
        match name {
            "get" | "header" | "param" => {
                let key = args.first().and_then(Value::as_text).cloned().unwrap_or_else(|| "*".into());
                let (from, of) = if name == "param" { (From::Body, "params") } else { (From::Headers, "headers") };
                let taint = Taint::new(from, format!("{of}.{key}"), at);
                // A header is always a text.
                let taint = if name == "param" { taint } else { taint.cleaned(crate::code::taint::Clean::TEXT) };
                Some(Value::unknown().tainted(Some(taint)))
            }
            "isAuthenticated" => Some(Value::test(Some(Guards::signed_in()), Some(Guards::default()))),
            "message" | "on" | "setTimeout" => Some(Value::undefined()),
            _ => None,
        }
    }

    /// A method of what a handler answers with.
    pub fn answer(&mut self, answer: &Value, name: &str, args: &[Value], at: Pos) -> Value {
        let first = args.first().cloned().unwrap_or_else(Value::undefined);
        match name {
            "success" | "error" => {
                self.note(What::Answer { value: first, refuses: name == "error" }, at, &Guards::default());
                if name == "error" {
                    self.learn(&Guards::flag(Flag::Refused));
                }
            }
            "status" | "sendStatus" | "code" => {
                let refuses = matches!(first.kind, Kind::Number(code) if code >= 400.0);
                if let Some(id) = answer.as_object() {
                    self.heap.get_mut(id).props.insert("status".into(), Value::bool(refuses));
                }
                if name == "sendStatus" && refuses {
                    self.learn(&Guards::flag(Flag::Refused));
                }
            }
            "json" | "send" | "jsonp" | "end" | "render" | "download" => {
                let refuses = answer.as_object().is_some_and(|id| {
                    matches!(self.heap.get(id).props.get("status").map(|value| &value.kind), Some(Kind::Bool(true)))
                });
                let value = if name == "render" { args.get(1).cloned().unwrap_or_default() } else { first };
                self.note(What::Answer { value, refuses }, at, &Guards::default());
                if name != "json" && name != "end" {
                    self.outside(&format!("response.{name}"), args, at, false);
                }
                if refuses {
                    self.learn(&Guards::flag(Flag::Refused));
                }
                if let Some(id) = answer.as_object() {
                    self.heap.get_mut(id).props.remove("status");
                }
            }
            "redirect" | "cookie" | "sendFile" | "sendfile" | "setHeader" | "set" | "header" | "attachment"
            | "writeHead" | "write" => {
                self.outside(&format!("response.{name}"), args, at, false);
            }
            _ => {}
        }
        answer.clone()
    }

    /// The answer that a handler is given.
    pub fn new_answer(&mut self, at: Pos) -> Value {
        self.new_object(Shape::Answer, at)
    }
}

/// The parts of a request that a validator makes sure of.
pub fn fields_known(fields: &[(crate::model::unit::Name, crate::code::taint::Clean)]) -> Guards {
    let mut guards = Guards::default();
    for (name, clean) in fields {
        let about = crate::code::guards::About::Clean(Arc::from(format!("params.{name}")), *clean);
        guards = guards.and(&Guards::about(about));
    }
    guards
}
