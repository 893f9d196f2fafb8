//! `Parse.Object`, `Parse.User`, `Parse.Role` and the user who calls: what is written where.

use std::sync::Arc;

use crate::code::event::{Does, What};
use crate::code::guards::{Flag, Guards};
use crate::code::heap::ObjectId;
use crate::code::run::Run;
use crate::code::shape::{ClassRef, Origin, Rights, Shape};
use crate::code::value::{Kind, Pos, Test, Value};
use crate::model::unit::Name;

impl<'a> Run<'a> {
    /// A method of the user who calls. Where nobody is signed in it throws.
    pub fn caller_method(&mut self, user: &Value, name: &str, args: &[Value], at: Pos) -> Option<Value> {
        if user.test.is_none() {
            self.learn(&Guards::signed_in());
        }
        if name == "getSessionToken" {
            return Some(Value::of(Kind::CallerToken));
        }
        self.row_method(self.caller, &Value::of(Kind::Caller), name, args, at)
    }

    /// A method of a row.
    pub fn row_method(&mut self, id: ObjectId, row: &Value, name: &str, args: &[Value], at: Pos) -> Option<Value> {
        let first = args.first().cloned().unwrap_or_else(Value::undefined);
        let second = args.get(1).cloned().unwrap_or_else(Value::undefined);
        match name {
            "get" | "has" | "escape" => Some(match first.as_text() {
                Some(column) => self.column(id, &Arc::clone(column), at),
                None => {
                    let value = self.column(id, &"*".into(), at);
                    value.tainted(first.taint)
                }
            }),
            "set" => {
                if first.as_text().is_some() || first.taint.is_some() && first.as_object().is_none() && args.len() > 1 {
                    self.write_column(id, first, second, at);
                } else {
                    self.write_all(row, &first, at);
                }
                Some(row.clone())
            }
            // By one, if nothing else is said.
            "increment" | "decrement" if args.len() == 1 => {
                self.write_column(id, first, Value::of(Kind::Number(1.0)), at);
                Some(row.clone())
            }
            "increment" | "decrement" | "add" | "addUnique" | "addAll" | "addAllUnique" | "remove" | "removeAll"
            | "unset" => {
                self.write_column(id, first, second, at);
                Some(row.clone())
            }
            "setPassword" | "setUsername" | "setEmail" | "setName" => {
                let column = name.trim_start_matches("set").to_lowercase();
                self.write_column(id, Value::text(column), first, at);
                Some(Value::bool(true))
            }
            "getUsername" => Some(self.column(id, &"username".into(), at)),
            "getEmail" => Some(self.column(id, &"email".into(), at)),
            "getName" => Some(self.column(id, &"name".into(), at)),
            "setACL" => {
                if let Shape::Row(info) = &mut self.heap.get_mut(id).shape {
                    info.acl = Some(first);
                }
                self.with_acl.insert(id);
                Some(Value::bool(true))
            }
            "getACL" => {
                let known = match &self.heap.get(id).shape {
                    Shape::Row(info) => info.acl.clone(),
                    _ => None,
                };
                Some(known.unwrap_or_else(|| self.new_object(Shape::Acl, at)))
            }
            "save" | "signUp" | "saveEventually" => Some(self.save(id, row, name, args, at)),
            "destroy" | "destroyEventually" => {
                let (rights, guards) = self.rights(args);
                self.note_row(row, Some(Does::Delete), name, rights, &guards, at);
                self.old_callbacks(args.last(), row, at);
                Some(row.clone())
            }
            "fetch" | "fetchWithInclude" | "fetchIfNeeded" => {
                let (rights, guards) = self.rights(args);
                self.note_row(row, Some(Does::Read), name, rights, &guards, at);
                if let Shape::Row(info) = &self.heap.get(id).shape {
                    let selection = self.selection_of(&info.origin, at);
                    if matches!(info.origin, Origin::ById(_))
                        && let Shape::Row(info) = &mut self.heap.get_mut(id).shape
                    {
                        info.origin = Origin::Fetched(selection, rights);
                    }
                }
                self.old_callbacks(args.last(), row, at);
                Some(row.clone())
            }
            "relation" => {
                let column = first.as_text().cloned().unwrap_or_else(|| "*".into());
                Some(self.new_object(Shape::Relation(id, column), at))
            }
            "getUsers" => Some(self.new_object(Shape::Relation(id, "users".into()), at)),
            "getRoles" => Some(self.new_object(Shape::Relation(id, "roles".into()), at)),
            "isNew" => Some(is_new()),
            "existed" => {
                let test = is_new().truth();
                Some(Value::test(test.no, test.yes))
            }
            "getSessionToken" => Some(Value { kind: Kind::Column(id, "sessionToken".into()), taint: None, test: None }),
            "toJSON" | "toPointer" | "clone" | "newInstance" | "_toFullJSON" => Some(row.clone()),
            "dirty" | "dirtyKeys" | "equals" | "isCurrent" | "authenticated" | "isValid" | "op" | "previous"
            | "revert" | "isDataAvailable" | "validate" => {
                if name == "dirty"
                    && let (Shape::Row(info), Some(column)) = (&self.heap.get(id).shape, first.as_text())
                    && matches!(info.origin, Origin::Trigger)
                {
                    self.asked_dirty.insert(Arc::clone(column));
                }
                if name == "equals" || name == "isCurrent" {
                    return Some(self.equal(row, &first, at));
                }
                Some(Value::unknown())
            }
            "logIn" | "linkWith" | "_linkWith" | "logOut" => {
                if name != "logOut" {
                    self.outside("Parse.User.logIn", args, at, false);
                }
                self.compare_password(args);
                Some(row.clone())
            }
            _ => None,
        }
    }

    /// `save` and `signUp`.
    fn save(&mut self, id: ObjectId, row: &Value, name: &str, args: &[Value], at: Pos) -> Value {
        let options = self.options_of(args);
        let first = args.first().cloned().unwrap_or_else(Value::undefined);
        let first_is_options =
            matches!((&options, first.as_object()), (Some(options), Some(first)) if options.as_object() == Some(first));
        if !first_is_options {
            match first.as_text() {
                Some(_) => self.write_column(id, first, args.get(1).cloned().unwrap_or_default(), at),
                None => self.write_all(row, &first, at),
            }
        }
        let (rights, guards) = self.rights(args);
        self.note_row(row, None, name, rights, &guards, at);
        let taken = args.last().filter(|last| last.as_object().is_some());
        self.old_callbacks(taken, row, at);
        row.clone()
    }

    /// Writes a column.
    pub fn write_column(&mut self, id: ObjectId, column: Value, value: Value, at: Pos) {
        let is_user = match &self.heap.get(id).shape {
            Shape::Row(info) => info.class.is("_User"),
            _ => id == self.caller,
        };
        if is_user && column.as_text().is_some_and(|name| &**name == "password") {
            self.note(What::Password { row: id, value: value.clone() }, at, &Guards::default());
        }
        let older = self.is_older(id);
        if let Shape::Row(info) = &mut self.heap.get_mut(id).shape {
            if let (true, Some(name)) = (older, column.as_text()) {
                info.maybe.insert(Arc::clone(name));
            }
            if column.as_text().is_some_and(|name| &**name == "ACL") {
                info.acl = Some(value);
                self.with_acl.insert(id);
            } else if info.written.len() < 256 {
                info.written.push((column, value, at));
            }
        }
    }

    /// Writes all columns of an object.
    pub fn write_all(&mut self, row: &Value, columns: &Value, at: Pos) {
        let id = match &row.kind {
            Kind::Object(id) => *id,
            Kind::Caller => self.caller,
            _ => return,
        };
        match &columns.kind {
            Kind::Object(given) => {
                let object = self.heap.get(*given).clone();
                if !matches!(object.shape, Shape::Plain) {
                    return;
                }
                for (name, value) in object.props {
                    if matches!(&*name, "id" | "objectId") {
                        if let Shape::Row(info) = &mut self.heap.get_mut(id).shape {
                            info.origin = Origin::ById(value);
                        }
                        continue;
                    }
                    self.write_column(id, Value::of(Kind::Text(name)), value, at);
                }
                if let Some(rest) = object.rest.filter(|rest| rest.taint.is_some()) {
                    self.write_column(id, rest.clone(), rest, at);
                }
            }
            Kind::Undefined | Kind::Null | Kind::Path(_) => {}
            _ if columns.taint.is_some() => self.write_column(id, columns.clone(), columns.clone(), at),
            _ => {}
        }
    }

    /// A method of what is in a column: a row it points to, a list, a file, a text.
    pub fn column_method(
        &mut self,
        value: &Value,
        row: ObjectId,
        column: &Name,
        name: &str,
        args: &[Value],
        at: Pos,
    ) -> Option<Value> {
        let is_row_method = matches!(
            name,
            "save"
                | "destroy"
                | "fetch"
                | "fetchIfNeeded"
                | "fetchWithInclude"
                | "set"
                | "increment"
                | "decrement"
                | "setPassword"
                | "unset"
                | "relation"
                | "setACL"
                | "addUnique"
                | "getUsers"
                | "getSessionToken"
                | "getACL"
        );
        if name == "get" && args.len() == 1 {
            self.pointed.insert((row, Arc::clone(column)));
            let key = args.first().and_then(Value::as_text).cloned().unwrap_or_else(|| "*".into());
            // What is in the row that it points to was not written with this object.
            let inner = self.get(value, &key, at);
            return Some(Value { taint: None, ..inner });
        }
        if name == "url" && args.is_empty() {
            // The address of a file is made by the server.
            return Some(Value::unknown());
        }
        if !is_row_method {
            return None;
        }
        if name == "destroy" && names_file(column) {
            // Removing a file always works with the master key.
            let file = self.row_of(ClassRef::Known("_File".into()), Origin::Pointed(row, Arc::clone(column)), at);
            self.note_row(&file, Some(Does::Delete), name, Rights::Master, &Guards::default(), at);
            return Some(Value::unknown());
        }
        // What is written to it in one place is saved in another.
        let key = (row, Arc::clone(column));
        let id = match self.pointed_rows.get(&key) {
            Some(id) => *id,
            None => {
                let origin = Origin::Pointed(row, Arc::clone(column));
                let id = self.row_of(ClassRef::Unknown, origin, at).as_object()?;
                self.pointed_rows.insert(key, id);
                id
            }
        };
        let pointed = Value { taint: value.taint.clone(), ..Value::of(Kind::Object(id)) };
        self.row_method(id, &pointed, name, args, at)
    }

    /// A method of a subclass itself.
    pub fn row_class_method(&mut self, class: ClassRef, name: &str, args: &[Value], at: Pos) -> Option<Value> {
        let first = args.first().cloned().unwrap_or_else(Value::undefined);
        match name {
            "createWithoutData" => Some(self.row_of(class, Origin::ById(first), at)),
            "fromJSON" => {
                let id = self.get(&first, &"objectId".into(), at);
                Some(self.row_of(class, Origin::ById(id), at))
            }
            "saveAll" | "destroyAll" | "fetchAll" | "fetchAllIfNeeded" => {
                self.sdk_call(&format!("Parse.Object.{name}"), args, at)
            }
            "extend" => Some(self.new_object(Shape::RowClass(ClassRef::of(&first)), at)),
            _ => None,
        }
    }

    /// A method of a relation.
    pub fn relation_method(&mut self, row: ObjectId, column: &Name, name: &str, args: &[Value], at: Pos) -> Value {
        match name {
            "add" | "remove" => {
                let who = args.first().cloned().unwrap_or_else(Value::undefined);
                let is_role = matches!(&self.heap.get(row).shape, Shape::Row(info) if info.class.is("_Role"));
                if is_role && name == "add" {
                    self.note(What::JoinRole { role: row, who: who.clone() }, at, &Guards::default());
                }
                self.write_column(row, Value::of(Kind::Text(Arc::clone(column))), who, at);
                Value::undefined()
            }
            "query" => {
                let class = if &**column == "users" { ClassRef::Known("_User".into()) } else { ClassRef::Unknown };
                let query = self.new_query(class, at);
                let of = if self.is_callers(row) { Kind::Caller } else { Kind::Object(row) };
                if let Some(id) = query.as_object()
                    && let Shape::Query(info) = &mut self.heap.get_mut(id).shape
                {
                    info.filters.push(crate::code::shape::Filter {
                        by: "relatedTo".into(),
                        column: Value::of(Kind::Text(Arc::clone(column))),
                        value: Value::of(of),
                        at,
                    });
                }
                query
            }
            _ => Value::unknown(),
        }
    }

    /// A log-in proves that the caller knows the password.
    pub fn compare_password(&mut self, args: &[Value]) {
        let names: Vec<Name> = args.iter().filter_map(|arg| Some(Arc::clone(&arg.taint.as_ref()?.name))).collect();
        for name in names {
            self.learn(&Guards::about(crate::code::guards::About::Tied(name)));
        }
        self.learn(&Guards::signed_in());
    }
}

/// Whether a column holds a file, by its name.
fn names_file(column: &str) -> bool {
    let column = column.to_ascii_lowercase();
    ["img", "image", "photo", "avatar", "file", "picture", "video", "attachment", "thumbnail", "audio"]
        .iter()
        .any(|word| column.contains(word))
}

/// Whether the object of a trigger is new.
pub fn is_new() -> Value {
    Value {
        kind: Kind::Unknown,
        taint: None,
        test: Some(Arc::new(Test { yes: Some(Guards::flag(Flag::IsNew)), no: Some(Guards::flag(Flag::Existed)) })),
    }
}
