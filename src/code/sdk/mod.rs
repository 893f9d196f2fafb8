//! What Parse's SDK does: queries, rows, users, roles, ACLs, registrations.
//!
//! Only what it means for who may do what is followed. Sources: the JavaScript SDK 1.6
//! to 7, Parse Server 2 to 9 and the old hosted platform, whose calls take callbacks.

mod acl;
mod cloud;
mod http;
mod query;
mod request;
mod row;
mod server;

pub use request::fields_known;

use std::sync::Arc;

use crate::code::event::{Does, RowsEvent, What};
use crate::code::guards::Guards;
use crate::code::run::{Run, promise_value};
use crate::code::shape::{ClassRef, Origin, Rights, Row, Selection, Shape};
use crate::code::value::{Kind, Pos, Value};
use crate::model::unit::Name;

/// Keys that tell options from columns.
const OPTIONS: [&str; 9] = [
    "useMasterKey",
    "sessionToken",
    "success",
    "error",
    "context",
    "cascadeSave",
    "batchSize",
    "installationId",
    "json",
];

impl<'a> Run<'a> {
    /// A call of the SDK by its dotted name; `None` if it is none.
    pub fn sdk_call(&mut self, path: &str, args: &[Value], at: Pos) -> Option<Value> {
        let rest = path.strip_prefix("Parse.").or_else(|| path.strip_prefix("Moralis."))?;
        let first = args.first().cloned().unwrap_or_else(Value::undefined);
        if let Some(name) = rest.strip_prefix("Cloud.") {
            return self.cloud_call(name, args, at);
        }
        match rest {
            "Object.extend" => {
                let name = match first.as_object() {
                    Some(_) => self.get(&first, &"className".into(), at),
                    None => first.clone(),
                };
                // The SDK takes `User` for the built-in class here.
                let class = match self.class_ref(&name) {
                    ClassRef::Known(name) if &*name == "User" => ClassRef::Known("_User".into()),
                    class => class,
                };
                Some(self.new_object(Shape::RowClass(class), at))
            }
            "Object.saveAll"
            | "Object.destroyAll"
            | "Object.fetchAll"
            | "Object.fetchAllIfNeeded"
            | "Object.fetchAllWithInclude" => {
                let method = rest.rsplit('.').next().unwrap_or(rest);
                Some(self.all_rows(method, &first, args, at))
            }
            "Object.registerSubclass"
            | "initialize"
            | "User.allowCustomUserClass"
            | "Object.disableSingleInstance"
            | "enableLocalDatastore" => Some(Value::undefined()),
            "Object.createWithoutData" | "Object.fromJSON" | "User.createWithoutData" | "Role.createWithoutData" => {
                Some(self.row_of(class_of_path(rest), Origin::ById(first), at))
            }
            "User.current" | "User.currentAsync" => Some(Value::of(Kind::Caller)),
            "User.logIn" | "User.become" | "User.logInWith" | "User.me" | "User.loginAs" => {
                // Only who sends the password proves to be the user.
                let proof = args.get(if rest == "User.logIn" { 1 } else { 0 });
                let is_proof = proof.is_some_and(|proof| {
                    !matches!(proof.kind, Kind::Text(_) | Kind::Joined(_) | Kind::WeakRandom(_) | Kind::Column(..))
                });
                let mut selection = Selection { tied: is_proof, at: Some(at), ..Selection::default() };
                if is_proof {
                    self.compare_password(args);
                } else {
                    let taint = args.first().and_then(|name| self.selecting_taint(name));
                    selection.by.extend(taint.map(|taint| ("username".into(), taint)));
                }
                self.outside("Parse.User.logIn", args, at, false);
                let row = self.row_of(ClassRef::Known("_User".into()), Origin::Fetched(selection, Rights::Session), at);
                self.old_callbacks(args.last(), &row, at);
                Some(row)
            }
            "User.signUp" => {
                let row = self.row_of(ClassRef::Known("_User".into()), Origin::New, at);
                self.old_callbacks(args.last(), &row, at);
                Some(row)
            }
            "User.requestPasswordReset" => {
                self.outside("Parse.User.requestPasswordReset", args, at, false);
                self.old_callbacks(args.last(), &Value::undefined(), at);
                Some(Value::undefined())
            }
            "Query.or" | "Query.and" | "Query.nor" => Some(self.joined_query(args, rest == "Query.or", at)),
            "Push.send" => {
                self.outside("Parse.Push.send", args, at, false);
                self.old_callbacks(args.last(), &Value::undefined(), at);
                Some(Value::undefined())
            }
            "Config.get" | "Config.current" => Some(Value::path("Parse.Config()")),
            "Session.current" => Some(Value::unknown()),
            "_" => Some(Value::path("_")),
            _ => {
                if let Some(name) = rest.strip_prefix("_.") {
                    return Some(self.call_path(&format!("_.{name}"), args.to_vec(), at, false));
                }
                None
            }
        }
    }

    /// `new` of something of the SDK; `None` if it is none.
    pub fn sdk_construct(&mut self, callee: &Value, args: &[Value], at: Pos) -> Option<Value> {
        let first = args.first().cloned().unwrap_or_else(Value::undefined);
        if let Some(id) = callee.as_object()
            && let Shape::RowClass(class) = &self.heap.get(id).shape
        {
            let class = class.clone();
            let row = self.row_of(class, Origin::New, at);
            self.write_all(&row, &first, at);
            return Some(row);
        }
        if let Kind::Class(class) = &callee.kind {
            let extends_row = class.extends.as_ref().is_some_and(|extends| match &extends.kind {
                Kind::Path(path) => matches!(&**path, "Parse.Object" | "Parse.User" | "Parse.Role"),
                _ => false,
            });
            if extends_row {
                let class_ref = self.class_ref(callee);
                let row = self.row_of(class_ref, Origin::New, at);
                self.write_all(&row, &first, at);
                return Some(row);
            }
        }
        let path = callee.as_path()?;
        let rest = path.strip_prefix("Parse.").or_else(|| path.strip_prefix("Moralis."))?;
        match rest {
            "Query" => {
                let class = self.class_ref(&first);
                Some(self.new_query(class, at))
            }
            "Object" => {
                let row = self.row_of(ClassRef::of(&first), Origin::New, at);
                if let Some(columns) = args.get(1) {
                    self.write_all(&row, &columns.clone(), at);
                }
                Some(row)
            }
            "User" | "Installation" | "Session" => {
                let row = self.row_of(class_of_path(rest), Origin::New, at);
                self.write_all(&row, &first, at);
                Some(row)
            }
            "Role" => {
                let row = self.row_of(ClassRef::Known("_Role".into()), Origin::New, at);
                if let Some(id) = row.as_object() {
                    self.write_column(id, Value::text("name"), first, at);
                    if let (Some(acl), Shape::Row(info)) = (args.get(1), &mut self.heap.get_mut(id).shape) {
                        info.acl = Some(acl.clone());
                    }
                }
                Some(row)
            }
            "ACL" => Some(self.new_acl(&first, at)),
            "Promise" => {
                if first.is_function() {
                    return Some(self.new_promise(&first, at));
                }
                Some(self.new_object(Shape::Deferred, at))
            }
            "Error" => Some(Value::path("error")),
            "Schema" => {
                self.outside("new Parse.Schema", args, at, true);
                Some(self.new_object(Shape::Schema(ClassRef::of(&first)), at))
            }
            "Relation" if first.as_object().is_some_and(|id| matches!(self.heap.get(id).shape, Shape::Row(_))) => {
                let column = args.get(1).and_then(Value::as_text).cloned().unwrap_or_else(|| "*".into());
                Some(self.new_object(Shape::Relation(first.as_object()?, column), at))
            }
            "File" | "GeoPoint" | "Polygon" | "Relation" | "LiveQueryClient" => {
                let taint = args.iter().find_map(|arg| arg.taint.clone());
                if rest != "GeoPoint" {
                    self.outside(&format!("new Parse.{rest}"), args, at, true);
                }
                Some(Value { kind: Kind::Path(format!("Parse.{rest}()").into()), taint, test: None })
            }
            _ => None,
        }
    }

    /// A method of something of the SDK; `None` if it is none.
    pub fn sdk_method(&mut self, object: &Value, name: &Name, args: &[Value], at: Pos) -> Option<Value> {
        match &object.kind {
            Kind::Caller => self.caller_method(object, name, args, at),
            Kind::Column(row, column) => self.column_method(object, *row, &Arc::clone(column), name, args, at),
            Kind::Object(id) => {
                let id = *id;
                match &self.heap.get(id).shape {
                    Shape::Query(_) => self.query_method(id, object, name, args, at),
                    Shape::Row(_) => self.row_method(id, object, name, args, at),
                    Shape::RowClass(class) => {
                        let class = class.clone();
                        self.row_class_method(class, name, args, at)
                    }
                    Shape::Acl => Some(self.acl_method(id, object, name, args, at)),
                    Shape::Relation(row, column) => {
                        let (row, column) = (*row, Arc::clone(column));
                        Some(self.relation_method(row, &column, name, args, at))
                    }
                    Shape::Request(_) => self.request_method(name, args, at),
                    Shape::Answer => Some(self.answer(object, name, args, at)),
                    Shape::Router(_) => self.router_method(id, object, name, args, at),
                    Shape::Schema(class) => {
                        let class = class.name().map(Value::text);
                        let args: Vec<Value> = args.iter().cloned().chain(class).collect();
                        self.outside(&format!("Parse.Schema.{name}"), &args, at, false);
                        Some(object.clone())
                    }
                    Shape::Deferred => self.deferred_method(id, name, args),
                    _ => None,
                }
            }
            Kind::Class(class) => {
                let extends_row =
                    class.extends.as_ref().and_then(Value::as_path).is_some_and(|path| &**path == "Parse.Object");
                if extends_row && matches!(&**name, "createWithoutData" | "fromJSON") {
                    let class = self.class_ref(object);
                    return self.row_class_method(class, name, args, at);
                }
                None
            }
            Kind::Path(path) if path.starts_with("Parse.File()") => {
                let root = path.trim_end_matches("()").replace("()", "");
                self.outside(&format!("{root}.{name}"), args, at, false);
                Some(object.clone())
            }
            _ => None,
        }
    }

    fn deferred_method(&mut self, id: crate::code::heap::ObjectId, name: &str, args: &[Value]) -> Option<Value> {
        if matches!(name, "resolve" | "fulfill") {
            let value = args.first().cloned().unwrap_or_else(Value::undefined);
            let value = promise_value(value, self.guards());
            let old = self.heap.get(id).props.get("value").cloned();
            let value = match old {
                Some(old) => Value::either((old, Guards::default()), (value, Guards::default())),
                None => value,
            };
            self.heap.get_mut(id).props.insert("value".into(), value);
        }
        Some(Value::undefined())
    }

    /// The class that a value stands for: its name, a subclass, `Parse.User`.
    pub fn class_ref(&mut self, value: &Value) -> ClassRef {
        match &value.kind {
            Kind::Object(id) => match &self.heap.get(*id).shape {
                Shape::RowClass(class) => class.clone(),
                Shape::Row(row) => row.class.clone(),
                _ => ClassRef::Unknown,
            },
            Kind::Path(path) => class_of_path(path.strip_prefix("Parse.").unwrap_or(path)),
            Kind::Class(class) => {
                let statics = class.statics;
                let named = ["className", "name"]
                    .iter()
                    .find_map(|key| self.heap.get(statics).props.get(*key).and_then(Value::as_text).cloned());
                // The name is what the constructor hands to `super`.
                let world = self.world;
                let of_super = world.units.get(class.unit).and_then(|unit| {
                    let body = unit.class(class.class)?;
                    super_name(unit.function(body.constructor?)?)
                });
                of_super.or(named).map_or(ClassRef::Unknown, ClassRef::Known)
            }
            Kind::OneOf(values) => {
                let values = Arc::clone(values);
                values.first().map_or(ClassRef::Unknown, |(value, _)| self.class_ref(value))
            }
            _ => ClassRef::of(value),
        }
    }

    /// Adds a row.
    pub fn row_of(&mut self, class: ClassRef, origin: Origin, at: Pos) -> Value {
        self.new_object(Row::shape(class, origin), at)
    }

    /// Makes an instance of the app's own subclass a row.
    pub fn become_row(&mut self, id: crate::code::heap::ObjectId, class: ClassRef) {
        self.heap.get_mut(id).shape = Row::shape(class, Origin::New);
    }

    /// The options among arguments: the last object that has a key of options.
    pub fn options_of(&self, args: &[Value]) -> Option<Value> {
        let is_options = |value: &&Value| match &value.kind {
            Kind::Object(id) => {
                let object = self.heap.get(*id);
                matches!(object.shape, Shape::Plain)
                    && (OPTIONS.iter().any(|key| object.props.contains_key(*key)) || object.rest.is_some())
            }
            Kind::OneOf(values) => values.iter().any(|(value, _)| value.as_object().is_some()),
            _ => false,
        };
        args.iter().rev().find(is_options).cloned()
    }

    /// With whose rights a call with these arguments is made, and what is known where it is.
    pub fn rights(&mut self, args: &[Value]) -> (Rights, Guards) {
        let base = if self.master { Rights::Master } else { Rights::Public };
        let Some(options) = self.options_of(args) else { return (base, Guards::default()) };
        let mut best = (base, Guards::default());
        for (options, guards) in options.alternatives() {
            let Some(id) = options.as_object() else { continue };
            let object = self.heap.get(id).clone();
            if object.props.get("sessionToken").is_some_and(|token| !matches!(token.kind, Kind::Undefined)) {
                best.0 = best.0.max(Rights::Session);
            }
            let Some(master) = object.props.get("useMasterKey") else { continue };
            let truth = self.truth(&master.clone());
            if let Some(yes) = truth.yes {
                best = (Rights::Master, guards.and(&yes));
            }
        }
        best
    }

    /// Notes that rows are read or written.
    pub fn note_rows(&mut self, rows: RowsEvent, at: Pos, also: &Guards) {
        self.note(What::Rows(rows), at, also);
    }

    /// `saveAll`, `destroyAll`, `fetchAll`.
    fn all_rows(&mut self, method: &str, list: &Value, args: &[Value], at: Pos) -> Value {
        let (rights, guards) = self.rights(args.get(1..).unwrap_or_default());
        let (mut items, complete) = self.elements_of(list);
        if !complete || items.is_empty() {
            items.push(self.any_element(list, at));
        }
        for item in items.into_iter().take(16) {
            for (item, _) in item.alternatives() {
                let does = match method {
                    "saveAll" => None,
                    "destroyAll" => Some(Does::Delete),
                    _ => Some(Does::Read),
                };
                self.note_row(&item, does, method, rights, &guards, at);
            }
        }
        self.old_callbacks(args.last(), list, at);
        list.clone()
    }

    /// Notes that a row is read or written.
    pub fn note_row(
        &mut self,
        row: &Value,
        does: Option<Does>,
        method: &str,
        rights: Rights,
        guards: &Guards,
        at: Pos,
    ) {
        let id = match &row.kind {
            Kind::Caller => Some(self.caller),
            Kind::Object(id) => Some(*id),
            _ => None,
        };
        let info = id.and_then(|id| match &self.heap.get(id).shape {
            Shape::Row(info) => Some((**info).clone()),
            _ => None,
        });
        let (class, selection, default, written) = match info {
            Some(info) => {
                let default = if matches!(info.origin, Origin::New) { Does::Create } else { Does::Update };
                (info.class, self.selection_of(&info.origin, at), default, info.written)
            }
            // A row that came out of a column, or from somewhere that is not known.
            None => {
                let by = row.taint.iter().map(|taint| ("objectId".into(), Arc::clone(taint))).collect();
                let tied = matches!(&row.kind, Kind::Column(of, _) if self.is_callers(*of));
                let selection = Selection { tied, by, fixed: 0, at: Some(at), session: false };
                (ClassRef::Unknown, selection, Does::Update, Vec::new())
            }
        };
        let does = does.unwrap_or(default);
        let rows = RowsEvent { does, class, rights, selection, row: id, query: None, written, method: method.into() };
        self.note_rows(rows, at, guards);
    }

    /// The value of the client that a value is, or that selected the row it is a column of.
    pub fn selecting_taint(&self, value: &Value) -> Option<Arc<crate::code::taint::Taint>> {
        let row = match &value.kind {
            Kind::Column(row, _) | Kind::Object(row) => *row,
            _ => return value.taint.clone(),
        };
        match &self.heap.get(row).shape {
            Shape::Row(info) => match &info.origin {
                Origin::Fetched(selection, _) => selection.by.first().map(|(_, taint)| Arc::clone(taint)),
                Origin::ById(id) => id.taint.clone(),
                _ => None,
            },
            _ => value.taint.clone(),
        }
    }

    /// Whether a row is the caller's, by how it was selected.
    pub fn is_callers(&self, row: crate::code::heap::ObjectId) -> bool {
        if row == self.caller {
            return true;
        }
        match &self.heap.get(row).shape {
            Shape::Row(info) => match &info.origin {
                Origin::Caller | Origin::New => true,
                Origin::Fetched(selection, _) => selection.tied,
                Origin::Pointed(of, _) => *of != row && self.is_callers(*of),
                Origin::ById(id) => id.is_caller(),
                Origin::Trigger | Origin::Original => false,
            },
            _ => false,
        }
    }

    /// Whether a row is the caller's own, in `_User`, also if the code asked for it again.
    pub fn is_own_user(&self, row: crate::code::heap::ObjectId) -> bool {
        row == self.caller
            || matches!(&self.heap.get(row).shape, Shape::Row(info)
                if info.class.is("_User") && matches!(&info.origin, Origin::Fetched(selection, _) if selection.tied))
    }

    /// How a row came to be selected, from where it is from.
    pub fn selection_of(&self, origin: &Origin, at: Pos) -> Selection {
        match origin {
            Origin::Fetched(selection, _) => selection.clone(),
            Origin::ById(id) => {
                let taint = id.taint.clone().or_else(|| self.taint_inside(id, 2));
                let by = taint.map(|taint| ("objectId".into(), taint)).into_iter().collect();
                Selection { tied: id.is_caller(), by, fixed: 0, at: Some(at), session: false }
            }
            Origin::Caller => Selection { tied: true, at: Some(at), ..Selection::default() },
            Origin::Pointed(of, _) => {
                let tied = self.is_callers(*of);
                Selection { tied, at: Some(at), ..Selection::default() }
            }
            Origin::New | Origin::Trigger | Origin::Original => Selection { at: Some(at), ..Selection::default() },
        }
    }
}

/// The class of `Parse.User` and its like.
pub fn class_of_path(path: &str) -> ClassRef {
    match path.split('.').next().unwrap_or(path) {
        "User" => ClassRef::Known("_User".into()),
        "Role" => ClassRef::Known("_Role".into()),
        "Session" => ClassRef::Known("_Session".into()),
        "Installation" => ClassRef::Known("_Installation".into()),
        _ => ClassRef::Unknown,
    }
}

/// The text that a constructor hands to `super`.
fn super_name(constructor: &crate::model::unit::Function) -> Option<Name> {
    use crate::model::unit::{ExprKind, StmtKind};
    constructor.body.iter().find_map(|stmt| {
        let StmtKind::Expr(expr) = &stmt.kind else { return None };
        let ExprKind::Call(callee, args) = &expr.kind else { return None };
        let is_super = matches!(callee.kind, ExprKind::Super);
        match (is_super, args.first().map(|arg| &arg.value.kind)) {
            (true, Some(ExprKind::Text(name))) => Some(Arc::clone(name)),
            _ => None,
        }
    })
}
