//! `Parse.Query`: what its conditions say about whose rows it gives.

use std::sync::Arc;

use crate::code::event::{Does, RowsEvent, What};
use crate::code::guards::{About, Flag, Guards};
use crate::code::heap::ObjectId;
use crate::code::run::{Run, is_secret_column, promise_value};
use crate::code::shape::{ClassRef, Filter, Origin, Query, Rights, Selection, Shape};
use crate::code::taint::Taint;
use crate::code::value::{Kind, Pos, Test, Value};

impl<'a> Run<'a> {
    /// A new query.
    pub fn new_query(&mut self, class: ClassRef, at: Pos) -> Value {
        self.new_object(Shape::Query(Box::new(Query { class, ..Query::default() })), at)
    }

    /// `Parse.Query.or` and `and`.
    pub fn joined_query(&mut self, args: &[Value], is_or: bool, at: Pos) -> Value {
        let mut queries: Vec<Value> = Vec::new();
        for arg in args {
            match self.elements_of(arg) {
                (items, true) => queries.extend(items),
                _ => queries.push(arg.clone()),
            }
        }
        let parts: Vec<Query> = queries.iter().filter_map(|query| self.query_info(query)).collect();
        let class = parts.first().map(|query| query.class.clone()).unwrap_or_default();
        let tied_all = !parts.is_empty() && parts.iter().all(|query| self.ties(query));
        let mut joined = Query { class, is_or, ..Query::default() };
        for part in parts {
            joined.filters.extend(part.filters);
        }
        if is_or && !tied_all {
            // One way without the caller is enough for rows of others.
            joined.filters.retain(|filter| !filter.value.is_caller());
        }
        self.new_object(Shape::Query(Box::new(joined)), at)
    }

    /// What is known of a query.
    pub fn query_info(&self, query: &Value) -> Option<Query> {
        match &self.heap.get(query.as_object()?).shape {
            Shape::Query(query) => Some((**query).clone()),
            _ => None,
        }
    }

    /// Whether the conditions leave only rows that have to do with the caller.
    fn ties(&self, query: &Query) -> bool {
        query.filters.iter().any(|filter| {
            let positive = !matches!(
                &*filter.by,
                "notEqualTo"
                    | "notContainedIn"
                    | "doesNotMatchQuery"
                    | "doesNotMatchKeyInQuery"
                    | "doesNotExist"
                    | "exists"
            );
            positive && self.is_of_caller(&filter.value)
        })
    }

    /// Whether a value is the caller, or a row or list that was tied to the caller before.
    pub fn is_of_caller(&self, value: &Value) -> bool {
        let known = self.guards();
        if let Some(taint) = &value.taint
            && known.ties(&taint.name)
        {
            return true;
        }
        match &value.kind {
            Kind::Caller | Kind::CallerId | Kind::CallerToken => true,
            // The device that calls.
            Kind::Path(path) => &**path == "request.installationId",
            Kind::Column(row, _) => self.is_callers(*row) || known.owns(*row),
            Kind::Object(id) => {
                let object = self.heap.get(*id);
                match &object.shape {
                    Shape::Row(_) => (self.is_callers(*id) && !self.is_new(*id)) || known.owns(*id),
                    Shape::Query(query) => self.ties(query),
                    Shape::Array => object.items.iter().chain(&object.rest).any(|item| self.is_of_caller(item)),
                    Shape::Plain => {
                        object.props.get("objectId").is_some_and(|value| self.is_of_caller(value))
                            || object.props.get("$eq").is_some_and(|value| self.is_of_caller(value))
                    }
                    _ => false,
                }
            }
            Kind::Promise(settled) => self.is_of_caller(&settled.0),
            Kind::OneOf(values) => {
                !values.is_empty()
                    && values
                        .iter()
                        .all(|(value, guards)| self.is_of_caller(value) || guards.any(&[Flag::Role, Flag::Master]))
            }
            _ => false,
        }
    }

    fn is_new(&self, row: ObjectId) -> bool {
        matches!(&self.heap.get(row).shape, Shape::Row(info) if matches!(info.origin, Origin::New))
    }

    /// How the rows of a query are selected.
    pub fn selection(&self, query: &Query, at: Pos) -> Selection {
        let mut selection = Selection { tied: self.ties(query), at: Some(at), ..Selection::default() };
        selection.session = is_session_of_token(query);
        let known = self.guards();
        for filter in &query.filters {
            let column = filter.column.as_text().cloned().unwrap_or_else(|| "*".into());
            let taint = filter.value.taint.clone().or_else(|| self.taint_inside(&filter.value, 2));
            let (taint, column) = match taint {
                Some(taint) => (Some(taint), column),
                // A pointer to a person selects as the id does.
                None => match self.taint_of_pointer(&filter.value) {
                    Some(taint) if self.is_pointer_to_user(&filter.value) => (Some(taint), "objectId".into()),
                    taint => (taint, column),
                },
            };
            let names_rows = matches!(
                &*filter.by,
                "equalTo"
                    | "containedIn"
                    | "get"
                    | "containsAll"
                    | "matchesQuery"
                    | "startsWith"
                    | "matches"
                    | "whereEqualTo"
                    | "_addCondition"
            );
            match taint {
                Some(taint) if names_rows && !known.ties(&taint.name) => selection.by.push((column, taint)),
                _ => selection.fixed += 1,
            }
        }
        selection
    }

    fn is_pointer_to_user(&self, value: &Value) -> bool {
        let Some(id) = value.as_object() else { return false };
        matches!(&self.heap.get(id).shape, Shape::Row(info) if info.class.is("_User"))
    }

    /// The id of the client that a pointer was made with.
    fn taint_of_pointer(&self, value: &Value) -> Option<Arc<Taint>> {
        match &self.heap.get(value.as_object()?).shape {
            Shape::Row(row) => match &row.origin {
                Origin::ById(id) => id.taint.clone(),
                _ => None,
            },
            _ => None,
        }
    }

    /// A method of a query.
    pub fn query_method(&mut self, id: ObjectId, query: &Value, name: &str, args: &[Value], at: Pos) -> Option<Value> {
        let first = args.first().cloned().unwrap_or_else(Value::undefined);
        match name {
            "equalTo"
            | "notEqualTo"
            | "lessThan"
            | "greaterThan"
            | "lessThanOrEqualTo"
            | "greaterThanOrEqualTo"
            | "containedIn"
            | "notContainedIn"
            | "containedBy"
            | "containsAll"
            | "containsAllStartingWith"
            | "exists"
            | "doesNotExist"
            | "matches"
            | "matchesQuery"
            | "doesNotMatchQuery"
            | "matchesKeyInQuery"
            | "withCount"
            | "doesNotMatchKeyInQuery"
            | "contains"
            | "startsWith"
            | "endsWith"
            | "fullText"
            | "near"
            | "withinKilometers"
            | "withinMiles"
            | "withinRadians"
            | "withinGeoBox"
            | "withinPolygon"
            | "polygonContains"
            | "_addCondition"
            | "withJSON"
            | "whereEqualTo" => {
                let value = if name == "_addCondition" { args.get(2) } else { args.get(1) };
                let value = value.cloned().unwrap_or_else(Value::undefined);
                self.note_method(name, args, at);
                if first.as_object().is_some() {
                    self.filters_of_object(id, name, &first, at);
                } else {
                    self.add_filter(id, name, first, value, at);
                }
                Some(query.clone())
            }
            "limit" => {
                if let Shape::Query(info) = &mut self.heap.get_mut(id).shape {
                    info.limit = Some(first);
                }
                Some(query.clone())
            }
            "select" => {
                if let Shape::Query(info) = &mut self.heap.get_mut(id).shape {
                    info.selects = true;
                }
                Some(query.clone())
            }
            "skip"
            | "ascending"
            | "descending"
            | "addAscending"
            | "addDescending"
            | "include"
            | "includeAll"
            | "exclude"
            | "sort"
            | "sortByTextScore"
            | "hint"
            | "comment"
            | "readPreference"
            | "includeReadPreference"
            | "subqueryReadPreference"
            | "fromLocalDatastore"
            | "fromNetwork"
            | "cancel"
            | "explain"
            | "setLimit"
            | "_orQuery"
            | "watch"
            | "includeKey" => Some(query.clone()),
            "find" | "findAll" | "each" | "map" | "reduce" | "filter" | "eachBatch" | "first" | "get" | "count"
            | "aggregate" | "distinct" | "subscribe" => Some(self.ask(id, query, name, args, at)),
            "toJSON" | "clone" => Some(query.clone()),
            _ => None,
        }
    }

    fn filters_of_object(&mut self, id: ObjectId, name: &str, object: &Value, at: Pos) {
        let props = object.as_object().map(|id| self.heap.get(id).props.clone()).unwrap_or_default();
        for (column, value) in props {
            self.add_filter(id, name, Value::of(Kind::Text(column)), value, at);
        }
    }

    fn add_filter(&mut self, id: ObjectId, by: &str, column: Value, value: Value, at: Pos) {
        if let Shape::Query(info) = &mut self.heap.get_mut(id).shape {
            info.filters.push(Filter { by: by.into(), column, value, at });
        }
    }

    /// Notes a method that rules may name.
    pub fn note_method(&mut self, name: &str, args: &[Value], at: Pos) {
        if args.iter().any(|arg| arg.taint.is_some() || self.taint_inside(arg, 2).is_some()) {
            let path = format!("*.{name}").into();
            self.note(What::Method { path, args: args.to_vec() }, at, &Guards::default());
        }
    }

    /// A query is asked.
    fn ask(&mut self, id: ObjectId, query: &Value, name: &str, args: &[Value], at: Pos) -> Value {
        let Some(mut info) = self.query_info(query) else { return Value::unknown() };
        let first = args.first().cloned().unwrap_or_else(Value::undefined);
        if name == "get" {
            info.filters.push(Filter { by: "get".into(), column: Value::text("objectId"), value: first.clone(), at });
        }
        if matches!(name, "aggregate" | "distinct") {
            self.note_method(name, args, at);
        }
        let selection = self.selection(&info, at);
        let (mut rights, guards) = self.rights(args);
        // These always work with the master key.
        if matches!(name, "aggregate" | "distinct") {
            rights = Rights::Master;
        }
        let does = if name == "count" { Does::Count } else { Does::Read };
        let event = RowsEvent {
            does,
            class: info.class.clone(),
            rights,
            selection: selection.clone(),
            row: None,
            query: Some(id),
            written: Vec::new(),
            method: name.into(),
        };
        self.note_rows(event, at, &guards);
        let row = self.row_of(info.class.clone(), Origin::Fetched(selection.clone(), rights), at);
        let known = self.known_of_match(&info, &selection, row.as_object());
        let test = Some(Arc::new(Test { yes: Some(known.clone()), no: Some(Guards::default()) }));
        let result = match name {
            "first" => Value { test, ..row },
            // It throws when there is no such row.
            "get" => {
                let before = self.path.clone();
                self.old_callbacks(args.last(), &row, at);
                self.path = before;
                let guards = self.guards().and(&known);
                return promise_value(row, guards);
            }
            "count" => Value { kind: Kind::Unknown, taint: None, test },
            "aggregate" | "distinct" => self.list_of(row, None, at),
            "each" | "map" | "filter" | "reduce" | "eachBatch" => {
                let element = if name == "eachBatch" { self.list_of(row.clone(), None, at) } else { row.clone() };
                let mut given = Value::undefined();
                if first.is_function() {
                    let call = if name == "reduce" { vec![Value::unknown(), element] } else { vec![element] };
                    given = self.maybe_call_back(&first, call, at);
                }
                self.old_callbacks(args.get(1), &Value::undefined(), at);
                return match name {
                    "map" => self.list_of(given, None, at),
                    "filter" => self.list_of(row, None, at),
                    _ => Value::undefined(),
                };
            }
            "subscribe" => Value::path("subscription"),
            _ => self.list_of(row, test, at),
        };
        self.old_callbacks(args.last(), &result, at);
        result
    }

    /// A list of which only the kind of its elements is known.
    fn list_of(&mut self, element: Value, test: Option<Arc<Test>>, at: Pos) -> Value {
        let id = self.object(Shape::Array, at);
        self.heap.get_mut(id).rest = Some(element);
        Value { test, ..Value::of(Kind::Object(id)) }
    }

    /// What is known when a query has found something.
    fn known_of_match(&self, query: &Query, selection: &Selection, row: Option<ObjectId>) -> Guards {
        let mut known = Guards::default();
        if !selection.tied {
            // Somebody knew a secret of the row.
            if let (true, Some(row)) = (query.shows(is_secret_column), row) {
                known = known.and(&Guards::about(About::Owned(row)));
            }
            let is_token =
                |column: &str| matches!(column, "sessionToken" | "_session_token" | "session_token" | "token");
            let by_token = query.given().any(|(_, column)| is_token(column));
            if by_token && (query.class.is("_Session") || query.class.is("_User")) {
                known = known.and(&Guards::signed_in());
            }
            let proves = |column: &str| {
                let column = column.to_ascii_lowercase();
                ["token", "secret", "hash", "signature", "password"].iter().any(|word| column.contains(word))
            };
            if query.shows(proves) {
                known = known.and(&Guards::flag(Flag::Secret));
            }
            return known;
        }
        let is_role = |filter: &Filter| {
            let of = filter.value.as_object().map(|row| &self.heap.get(row).shape);
            &*filter.by == "relatedTo" && matches!(of, Some(Shape::Row(info)) if info.class.is("_Role"))
        };
        if query.class.is("_Role") || query.filters.iter().any(is_role) {
            known = known.and(&Guards::flag(Flag::Role)).and(&Guards::signed_in());
        }
        if let Some(row) = row {
            known = known.and(&Guards::about(About::Owned(row)));
        }
        // The caller has something to do with the rows that the match is about.
        for filter in &query.filters {
            if let Some(row) = filter.value.as_object()
                && matches!(self.heap.get(row).shape, Shape::Row(_))
            {
                known = known.and(&Guards::about(About::Owned(row)));
            }
        }
        for (_, taint) in selection.by.iter().filter(|(_, taint)| taint.from != crate::code::taint::From::OwnColumn) {
            known = known.and(&Guards::about(About::Tied(Arc::clone(&taint.name))));
        }
        known
    }
}

/// Whether a query asks for the session of a token that the client sent: who shows a
/// token is its user.
fn is_session_of_token(query: &Query) -> bool {
    query.class.is("_Session") && !query.is_or && query.shows(|column| column == "sessionToken")
}

impl Query {
    /// Conditions with a value of the client: the method and the column.
    fn given(&self) -> impl Iterator<Item = (&str, &str)> {
        let given = self.filters.iter().filter(|filter| filter.value.taint.is_some());
        given.filter_map(|filter| Some((&*filter.by, &**filter.column.as_text()?)))
    }

    /// Whether the client must show what is in a column of this kind.
    fn shows(&self, is_wanted: impl Fn(&str) -> bool) -> bool {
        self.given().any(|(by, column)| by == "equalTo" && is_wanted(column))
    }
}
