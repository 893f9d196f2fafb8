//! `Parse.ACL`: whether it is opened to everyone.

use crate::code::event::What;
use crate::code::guards::Guards;
use crate::code::heap::ObjectId;
use crate::code::run::Run;
use crate::code::shape::Shape;
use crate::code::value::{Kind, Pos, Value};

impl<'a> Run<'a> {
    /// `new Parse.ACL(given)`.
    pub fn new_acl(&mut self, given: &Value, at: Pos) -> Value {
        let acl = self.object(Shape::Acl, at);
        self.open_in_literal(acl, given, at);
        Value::of(Kind::Object(acl))
    }

    /// `{ '*': { read: true, write: true } }`.
    pub fn open_in_literal(&mut self, acl: ObjectId, given: &Value, at: Pos) {
        let everyone = given.as_object().and_then(|id| self.heap.get(id).props.get("*").cloned());
        let Some(everyone) = everyone.and_then(|value| value.as_object()) else { return };
        for (key, write) in [("read", false), ("write", true)] {
            let given = self.heap.get(everyone).props.get(key).cloned();
            if let Some(given) = given {
                self.open(acl, write, &given, at);
            }
        }
    }

    /// A method of an ACL.
    pub fn acl_method(&mut self, acl: ObjectId, value: &Value, name: &str, args: &[Value], at: Pos) -> Value {
        let first = args.first().cloned().unwrap_or_else(Value::undefined);
        match name {
            "setPublicReadAccess" | "setPublicWriteAccess" => {
                self.open(acl, name == "setPublicWriteAccess", &first, at);
            }
            "setReadAccess" | "setWriteAccess" if first.as_text().is_some_and(|who| &**who == "*") => {
                let allowed = args.get(1).cloned().unwrap_or_else(Value::undefined);
                self.open(acl, name == "setWriteAccess", &allowed, at);
            }
            _ => {}
        }
        value.clone()
    }

    fn open(&mut self, acl: ObjectId, write: bool, allowed: &Value, at: Pos) {
        // Only what surely opens it: a flag that is not known may well be false.
        if matches!(allowed.kind, Kind::Bool(true)) {
            let key = if write { "public-write" } else { "public-read" };
            self.heap.get_mut(acl).props.insert(key.into(), Value::bool(true));
            self.note(What::OpenAcl { acl, write }, at, &Guards::default());
        } else if matches!(allowed.kind, Kind::Bool(false)) {
            let key = if write { "public-write" } else { "public-read" };
            self.heap.get_mut(acl).props.insert(key.into(), Value::bool(false));
        }
    }
}
