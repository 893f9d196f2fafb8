//! `Parse.Cloud`: handlers and their validators, the old master key switch, requests.

use std::sync::Arc;

use crate::code::entry::{Entry, EntryKind};
use crate::code::guards::{Flag, Guards};
use crate::code::run::Run;
use crate::code::shape::{ClassRef, Shape};
use crate::code::taint::Clean;
use crate::code::value::{Kind, Pos, Value};

/// Triggers that take a class first.
const CLASS_TRIGGERS: [&str; 10] = [
    "beforeSave",
    "afterSave",
    "beforeDelete",
    "afterDelete",
    "beforeFind",
    "afterFind",
    "beforeSubscribe",
    "afterLiveQueryEvent",
    "beforeSaveFile",
    "afterSaveFile",
];

/// Triggers that take a handler first.
const OTHER_TRIGGERS: [&str; 12] = [
    "beforeLogin",
    "afterLogin",
    "afterLogout",
    "beforePasswordResetRequest",
    "beforeConnect",
    "onLiveQueryEvent",
    "sendEmail",
    "beforeDeleteFile",
    "afterDeleteFile",
    "beforeSaveFile",
    "afterSaveFile",
    "beforeInvoke",
];

impl<'a> Run<'a> {
    /// A call of `Parse.Cloud`.
    pub fn cloud_call(&mut self, name: &str, args: &[Value], at: Pos) -> Option<Value> {
        let first = args.first().cloned().unwrap_or_else(Value::undefined);
        match name {
            "define" => self.register_named(&first, args, at, EntryKind::Function),
            "job" | "cronJob" => self.register_named(&first, args, at, EntryKind::Job),
            "useMasterKey" => {
                if self.world.legacy_master {
                    self.master = true;
                    // In the body of a file, not in a function.
                    if self.frames.last().is_none_or(|frame| frame.function.1 == 0) {
                        self.file_wide.push(at);
                    }
                }
                Some(Value::undefined())
            }
            "run" | "startJob" => {
                self.old_callbacks(args.get(2), &Value::unknown(), at);
                Some(Value::unknown())
            }
            "httpRequest" => {
                self.outside("Parse.Cloud.httpRequest", args, at, false);
                let answer = Value::path("Parse.Cloud.httpRequest()");
                self.old_callbacks(args.first(), &answer, at);
                Some(answer)
            }
            "sendEmail" if !first.is_function() => {
                self.outside("Parse.Cloud.sendEmail", args, at, false);
                Some(Value::undefined())
            }
            _ if CLASS_TRIGGERS.contains(&name) && !first.is_function() => {
                let class = self.class_ref(&first);
                let class = match class {
                    ClassRef::Known(name) => name.to_string(),
                    ClassRef::Client(_) | ClassRef::Unknown => match first.as_path() {
                        Some(path) => path.trim_start_matches("Parse.").to_owned(),
                        None => "?".to_owned(),
                    },
                };
                let kind = EntryKind::Trigger(name.to_owned(), class);
                self.register(kind, args.get(1).cloned().into_iter().collect(), args.get(2), at);
                Some(Value::undefined())
            }
            _ if OTHER_TRIGGERS.contains(&name) || CLASS_TRIGGERS.contains(&name) => {
                self.register(EntryKind::Trigger(name.to_owned(), String::new()), vec![first], args.get(1), at);
                Some(Value::undefined())
            }
            _ => None,
        }
    }

    fn register_named(
        &mut self,
        name: &Value,
        args: &[Value],
        at: Pos,
        kind: impl Fn(String) -> EntryKind,
    ) -> Option<Value> {
        let names: Vec<String> = match &name.kind {
            Kind::OneOf(values) => values.iter().filter_map(|(name, _)| Some(name.as_text()?.to_string())).collect(),
            _ => vec![crate::code::run::known_text(name).replace('\u{fffc}', "*")],
        };
        for name in names {
            self.register(kind(name), args.get(1).cloned().into_iter().collect(), args.get(2), at);
        }
        Some(Value::undefined())
    }

    /// Adds a handler.
    pub fn register(&mut self, kind: EntryKind, handlers: Vec<Value>, validator: Option<&Value>, at: Pos) {
        const MOST: usize = 5_000;
        if self.entries.len() >= MOST || handlers.is_empty() {
            return;
        }
        let mut entry = Entry {
            kind,
            at,
            file: None,
            handlers,
            guards: Guards::default(),
            validator: None,
            fields: Vec::new(),
            has_validator: false,
            frozen: Vec::new(),
            master: self.master,
        };
        if let Some(validator) = validator {
            self.take_validator(&mut entry, validator);
        }
        // A file that is loaded again, or a name that is defined twice: the last one counts.
        self.entries.retain(|known| {
            known.at != entry.at || matches!(known.kind, EntryKind::Route(..)) || known.kind != entry.kind
        });
        self.entries.push(entry);
    }

    fn take_validator(&mut self, entry: &mut Entry, validator: &Value) {
        if validator.is_function() {
            entry.validator = Some(validator.clone());
            entry.has_validator = true;
            return;
        }
        let Some(id) = validator.as_object() else { return };
        entry.has_validator = true;
        let options = self.heap.get(id).clone();
        let is_on = |value: Option<&Value>| value.is_some_and(|value| value.truth().no.is_none());
        let is_given = |value: Option<&Value>| {
            value.is_some_and(|value| !matches!(value.kind, Kind::Undefined | Kind::Null | Kind::Bool(false)))
        };
        let mut guards = Guards::default();
        if is_on(options.props.get("requireUser")) {
            guards = guards.and(&Guards::signed_in());
        }
        if is_on(options.props.get("requireMaster")) {
            guards = guards.and(&Guards::flag(Flag::Master));
        }
        if is_given(options.props.get("requireAnyUserRoles")) || is_given(options.props.get("requireAllUserRoles")) {
            guards = guards.and(&Guards::flag(Flag::Role)).and(&Guards::signed_in());
        }
        if is_given(options.props.get("requireUserKeys")) {
            guards = guards.and(&Guards::signed_in());
        }
        if is_given(options.props.get("rateLimit")) {
            guards = guards.and(&Guards::flag(Flag::Limited));
        }
        entry.guards = guards;
        let Some(fields) = options.props.get("fields").and_then(Value::as_object) else { return };
        let fields = self.heap.get(fields).clone();
        for (name, rule) in &fields.props {
            let rule = match &rule.kind {
                Kind::Object(id) => self.heap.get(*id).clone(),
                Kind::Path(path) => {
                    entry.fields.push((Arc::clone(name), of_type(path)));
                    continue;
                }
                _ => continue,
            };
            let mut clean = match rule.props.get("type").and_then(Value::as_path) {
                Some(path) => of_type(path),
                None => Clean::default(),
            };
            if rule.props.get("options").is_some_and(|options| !options.is_function() && self.elements_of(options).1) {
                clean = clean.with(Clean::ALLOWED).with(Clean::TEXT);
            }
            if is_on(rule.props.get("constant")) {
                entry.frozen.push(Arc::clone(name));
            }
            entry.fields.push((Arc::clone(name), clean));
        }
    }

    /// What the handler of a function or trigger is given.
    pub fn request_of(&mut self, entry: &Entry, at: Pos) -> Value {
        use crate::code::shape::Asked;
        let asked = match &entry.kind {
            EntryKind::Trigger(..) => Asked::Trigger,
            EntryKind::Route(..) => Asked::Http,
            EntryKind::Function(_) | EntryKind::Job(_) => Asked::Function,
        };
        let request = self.object(Shape::Request(asked), at);
        if let EntryKind::Function(name) | EntryKind::Job(name) = &entry.kind {
            let props = &mut self.heap.get_mut(request).props;
            props.insert("functionName".into(), Value::text(name.as_str()));
        }
        if let (EntryKind::Trigger(trigger, _), Some(class)) = (&entry.kind, entry.kind.class()) {
            let class_ref = if class == "?" { ClassRef::Unknown } else { ClassRef::from(class) };
            let written = matches!(trigger.as_str(), "beforeSave" | "afterSave" | "beforeDelete" | "afterDelete");
            let origin = if written {
                crate::code::shape::Origin::Trigger
            } else {
                // What the server found, for whoever is about to see it.
                let selection = crate::code::shape::Selection { tied: true, at: Some(at), ..Default::default() };
                crate::code::shape::Origin::Fetched(selection, crate::code::shape::Rights::Session)
            };
            let row = self.row_of(class_ref.clone(), origin, at);
            let original = self.row_of(class_ref.clone(), crate::code::shape::Origin::Original, at);
            let existed = super::row::is_new().truth();
            let original = Value {
                test: Some(Arc::new(crate::code::value::Test { yes: existed.no, no: existed.yes })),
                ..original
            };
            if trigger.ends_with("Find") || trigger == "beforeSubscribe" {
                let query = self.new_query(class_ref, at);
                let taint = crate::code::taint::Taint::new(crate::code::taint::From::TriggerInput, "query", at);
                let list = self.object(Shape::Array, at);
                self.heap.get_mut(list).rest = Some(row.clone());
                let props = &mut self.heap.get_mut(request).props;
                props.insert("query".into(), query.tainted(Some(taint)));
                props.insert("objects".into(), Value::of(Kind::Object(list)));
            }
            let props = &mut self.heap.get_mut(request).props;
            props.insert("object".into(), row);
            props.insert("original".into(), original);
        }
        Value::of(Kind::Object(request))
    }
}

/// What a type of a validator makes sure of.
fn of_type(path: &str) -> Clean {
    match path {
        "String" => Clean::TEXT,
        "Number" | "Boolean" | "Date" => Clean::NUMBER.with(Clean::TEXT),
        _ => Clean::default(),
    }
}
