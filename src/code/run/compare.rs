//! Comparisons: where tests of the caller, of owners and of values are recognised.

use std::sync::Arc;

use crate::code::event::What;
use crate::code::guards::{About, Flag, Guards};
use crate::code::shape::{Origin, Shape};
use crate::code::taint::{Clean, From, Taint};
use crate::code::value::{Kind, Pos, Test, Value};
use crate::model::unit::{Binary, Expr};

use super::Run;

/// The name of what `typeof` gives for the user who calls.
const TYPE_OF_CALLER: &str = "typeof caller";

impl<'a> Run<'a> {
    /// `a operator b`.
    pub fn compare(&mut self, operator: Binary, a: &Value, b: &Value, expr: &Expr) -> Value {
        let at = self.pos(expr.span);
        match operator {
            Binary::Equal => self.equal(a, b, at),
            Binary::Unequal => {
                let equal = self.equal(a, b, at);
                let truth = equal.truth();
                match equal.kind {
                    Kind::Bool(is) => Value::bool(!is),
                    _ => Value::test(truth.no, truth.yes),
                }
            }
            Binary::Less => self.ordered(b, a),
            Binary::Greater => self.ordered(a, b),
            Binary::In => match (&a.taint, b.as_object()) {
                (Some(taint), Some(_)) if b.taint.is_none() => self.allowed(taint),
                _ => Value::unknown(),
            },
            Binary::InstanceOf => Value::unknown(),
            Binary::Add | Binary::Arithmetic | Binary::Either => computed(&[a, b]),
        }
    }

    /// `typeof value`.
    pub fn type_of(&self, value: &Value) -> Value {
        match &value.kind {
            Kind::Caller => Value::path(TYPE_OF_CALLER),
            Kind::Text(_) | Kind::Joined(_) => Value::text("string"),
            Kind::Number(_) => Value::text("number"),
            Kind::Bool(_) => Value::text("boolean"),
            Kind::Function(_) | Kind::Native(_) | Kind::Class(_) => Value::text("function"),
            Kind::Undefined => Value::text("undefined"),
            _ => Value { kind: Kind::Path("typeof".into()), taint: value.taint.clone(), test: None },
        }
    }

    /// `a > b` and `a >= b`.
    fn ordered(&mut self, a: &Value, b: &Value) -> Value {
        if let (Kind::Number(a), Kind::Number(b)) = (&a.kind, &b.kind) {
            return Value::bool(a > b);
        }
        match (&a.kind, &b.kind) {
            (Kind::OneOf(values), Kind::Number(_)) => return self.each_test(values, |run, a| run.ordered(a, b)),
            (Kind::Number(_), Kind::OneOf(values)) => return self.each_test(values, |run, b| run.ordered(a, b)),
            _ => {}
        }
        // `count > 0`, `indexOf(x) > -1`.
        if let (Some(test), Kind::Number(bound)) = (&a.test, &b.kind)
            && *bound <= 1.0
        {
            return Value::test(test.yes.clone(), test.no.clone());
        }
        if let (Kind::Number(bound), Some(test)) = (&a.kind, &b.test)
            && *bound <= 1.0
        {
            return Value::test(test.no.clone(), test.yes.clone());
        }
        let bound = |value: &Value, by: Clean| {
            value.taint.as_ref().map(|taint| Guards::about(About::Clean(Arc::clone(&taint.name), by)))
        };
        // `given > 0` has a lower bound if it holds, and an upper one if not.
        let yes = bound(a, Clean::NOT_LESS).or_else(|| bound(b, Clean::NOT_MORE));
        let no = bound(a, Clean::NOT_MORE).or_else(|| bound(b, Clean::NOT_LESS));
        Value::test(Some(yes.unwrap_or_default()), Some(no.unwrap_or_default()))
    }

    /// `a === b`.
    pub fn equal(&mut self, a: &Value, b: &Value, at: Pos) -> Value {
        if let Some(is) = fixed_equal(a, b) {
            return Value::bool(is);
        }
        for (x, y) in [(a, b), (b, a)] {
            if y.as_text().is_some_and(|text| self.is_other_path(x, text, false)) {
                return Value::bool(false);
            }
            if let (Kind::OneOf(values), Kind::Text(_)) = (&x.kind, &y.kind) {
                let each = self.each_test(values, |run, x| run.equal(x, y, at));
                return self.and_allowed(each, x);
            }
            if let Some(found) = self.equal_one_way(x, y, at) {
                return found;
            }
        }
        let none = Some(Guards::default());
        Value::test(none.clone(), none)
    }

    /// A test of a value that may be any of several.
    pub fn each_test(&mut self, values: &[(Value, Guards)], mut test: impl FnMut(&mut Self, &Value) -> Value) -> Value {
        let mut all = Test::default();
        for (value, guards) in values {
            let one = test(self, value);
            let truth = self.truth(&one);
            all.or(truth, guards);
        }
        Value::test(all.yes, all.no)
    }

    /// The same test of a value of the client, which is then one of a fixed set.
    pub fn and_allowed(&mut self, test: Value, given: &Value) -> Value {
        let Some(taint) = &given.taint else { return test };
        let allowed = self.allowed(taint).truth().yes.unwrap_or_default();
        let truth = test.truth();
        Value::test(truth.yes.map(|yes| yes.and(&allowed)), truth.no)
    }

    /// One of a fixed set, if it holds.
    pub fn allowed(&mut self, taint: &Arc<Taint>) -> Value {
        let known = Guards::about(About::Clean(Arc::clone(&taint.name), Clean::ALLOWED.with(Clean::TEXT)));
        let known = match taint.name.strip_prefix("user.").filter(|_| taint.from == From::OwnColumn) {
            Some(column) => known.and(&self.own_column(&column.into())),
            None => known,
        };
        Value::test(Some(known), Some(Guards::default()))
    }

    /// What is known if `x` is `y`, seen from `x`.
    fn equal_one_way(&mut self, x: &Value, y: &Value, at: Pos) -> Option<Value> {
        let none = || Some(Guards::default());
        let nothing = matches!(y.kind, Kind::Undefined | Kind::Null);
        // Tests whose result is compared: `=== true`, `=== 0`, `=== -1`, `== null`.
        if let Some(test) = &x.test {
            let is_no = nothing || matches!(y.kind, Kind::Bool(false)) || matches!(y.kind, Kind::Number(n) if n <= 0.0);
            let is_yes = matches!(y.kind, Kind::Bool(true)) || matches!(y.kind, Kind::Number(n) if n >= 1.0);
            if is_no {
                return Some(Value::test(test.no.clone(), test.yes.clone()));
            }
            if is_yes {
                return Some(Value::test(test.yes.clone(), test.no.clone()));
            }
        }
        if let Kind::OneOf(_) = x.kind
            && (nothing || matches!(y.kind, Kind::Bool(_)))
        {
            let truth = self.truth(x);
            return Some(match y.kind {
                Kind::Bool(true) => Value::test(truth.yes, truth.no),
                _ => Value::test(truth.no, truth.yes),
            });
        }
        match &x.kind {
            Kind::Caller | Kind::CallerId | Kind::CallerToken => self.equal_caller(x, y, nothing),
            Kind::Path(path) if &**path == TYPE_OF_CALLER => Some(match y.as_text().map(AsRef::as_ref) {
                Some("undefined") => Value::test(none(), Some(Guards::signed_in())),
                _ => Value::test(Some(Guards::signed_in()), none()),
            }),
            Kind::Path(path) if &**path == "typeof" => {
                let taint = x.taint.as_ref()?;
                let clean = match y.as_text().map(AsRef::as_ref) {
                    Some("string") => Clean::TEXT,
                    Some("number" | "boolean") => Clean::NUMBER.with(Clean::TEXT),
                    _ => return Some(Value::unknown()),
                };
                let known = Guards::about(About::Clean(Arc::clone(&taint.name), clean));
                Some(Value::test(Some(known), none()))
            }
            Kind::Path(path) if path.ends_with("NODE_ENV") => {
                let development = Some(Guards::flag(Flag::Development));
                Some(match y.as_text().map(AsRef::as_ref) {
                    Some("production" | "prod") => Value::test(none(), development),
                    _ => Value::test(development, none()),
                })
            }
            Kind::Column(row, column) => {
                let (row, column) = (*row, Arc::clone(column));
                self.equal_column(row, &column, y, at)
            }
            _ => self.equal_given(x, y, at),
        }
    }

    fn equal_caller(&mut self, x: &Value, y: &Value, nothing: bool) -> Option<Value> {
        let none = || Some(Guards::default());
        if nothing {
            return Some(Value::test(none(), Some(Guards::signed_in())));
        }
        let known = match (&y.kind, &y.taint) {
            (Kind::Column(row, _), _) => Guards::about(About::Owned(*row)),
            (Kind::Object(row), _) if matches!(self.heap.get(*row).shape, Shape::Row(_)) => {
                Guards::about(About::Owned(*row))
            }
            (Kind::Text(_) | Kind::Path(_), _) => Guards::flag(Flag::Role),
            (_, Some(taint)) => Guards::about(About::Tied(Arc::clone(&taint.name))),
            _ if matches!(x.kind, Kind::CallerToken) => return None,
            _ => Guards::flag(Flag::Opaque),
        };
        let known = match &y.taint {
            Some(taint) => known.and(&Guards::about(About::Tied(Arc::clone(&taint.name)))),
            None => known,
        };
        Some(Value::test(Some(known.and(&Guards::signed_in())), none()))
    }

    fn equal_column(
        &mut self,
        row: crate::code::heap::ObjectId,
        column: &crate::model::unit::Name,
        y: &Value,
        at: Pos,
    ) -> Option<Value> {
        let none = || Some(Guards::default());
        let nothing = matches!(y.kind, Kind::Undefined | Kind::Null | Kind::Bool(false));
        if self.is_own_user(row) {
            let known = if column.starts_with("username") { Guards::flag(Flag::Role) } else { self.own_column(column) };
            return match y.kind {
                Kind::Column(other, _) if other != row => {
                    Some(Value::test(Some(known.and(&Guards::about(About::Owned(other)))), none()))
                }
                _ if nothing => Some(Value::test(none(), Some(known))),
                _ => Some(Value::test(Some(known), none())),
            };
        }
        if let Shape::Row(info) = &self.heap.get(row).shape {
            // A role of the caller with a certain name.
            if let (true, Origin::Fetched(selection, _)) = (info.class.is("_Role"), &info.origin)
                && selection.tied
            {
                return Some(Value::test(Some(Guards::flag(Flag::Role)), none()));
            }
        }
        y.taint.as_ref()?;
        if is_secret_name(column) {
            self.note(
                What::Compared { given: y.clone(), with: Value::of(Kind::Column(row, Arc::clone(column))) },
                at,
                &Guards::default(),
            );
            return Some(Value::test(Some(Guards::about(About::Owned(row))), none()));
        }
        None
    }

    /// A value of the client compared with something else.
    fn equal_given(&mut self, x: &Value, y: &Value, at: Pos) -> Option<Value> {
        let taint = x.taint.as_ref()?;
        let none = || Some(Guards::default());
        if y.taint.is_some() {
            return None;
        }
        let known = match &y.kind {
            Kind::Text(_) | Kind::Number(_) | Kind::Bool(_) => {
                Guards::about(About::Clean(Arc::clone(&taint.name), Clean::ALLOWED.with(Clean::TEXT)))
            }
            Kind::MasterKey => Guards::flag(Flag::Master),
            Kind::Path(path) if is_server_secret(path) => Guards::flag(Flag::Secret),
            // `process.env.KEY || config.key`: what stands in for it is told elsewhere.
            Kind::OneOf(values) if values.iter().any(|(value, _)| is_secret(value)) => Guards::flag(Flag::Secret),
            // What was worked out of a body and a secret, compared with what a header says.
            Kind::Path(path) if path.contains("()") && taint.from == From::Headers => Guards::flag(Flag::Secret),
            Kind::Joined(_) => {
                self.note(What::Compared { given: x.clone(), with: y.clone() }, at, &Guards::default());
                Guards::flag(Flag::Secret)
            }
            _ => return None,
        };
        Some(Value::test(Some(known), none()))
    }
}

/// A number that was computed from these.
pub fn computed(parts: &[&Value]) -> Value {
    let taint = parts.iter().find_map(|part| part.taint.as_ref());
    let weak = parts.iter().find(|part| matches!(part.kind, Kind::WeakRandom(_))).map(|part| part.kind.clone());
    let column = parts.iter().find_map(|part| match &part.kind {
        Kind::Column(row, column) | Kind::Computed(row, column) if part.taint.is_none() => {
            Some(Kind::Computed(*row, Arc::clone(column)))
        }
        _ => None,
    });
    let by = if column.is_some() { Clean::NUMBER.with(Clean::SCALED) } else { Clean::NUMBER };
    let kind = weak.or(column).unwrap_or_default();
    Value { kind, taint: taint.map(|taint| taint.cleaned(by)), test: None }
}

/// Whether two fixed values are equal; `None` if they are not fixed.
fn fixed_equal(a: &Value, b: &Value) -> Option<bool> {
    if a.test.is_some() || b.test.is_some() {
        return None;
    }
    match (&a.kind, &b.kind) {
        (Kind::Text(a), Kind::Text(b)) => Some(a == b),
        (Kind::Number(a), Kind::Number(b)) => Some(a == b),
        (Kind::Bool(a), Kind::Bool(b)) => Some(a == b),
        (Kind::Undefined | Kind::Null, Kind::Undefined | Kind::Null) => Some(true),
        (Kind::Object(_) | Kind::Function(_), Kind::Undefined | Kind::Null)
        | (Kind::Undefined | Kind::Null, Kind::Object(_) | Kind::Function(_))
        | (Kind::Text(_) | Kind::Number(_), Kind::Undefined | Kind::Null)
        | (Kind::Undefined | Kind::Null, Kind::Text(_) | Kind::Number(_)) => Some(false),
        _ => None,
    }
}

/// Whether a column holds something that only one who was told can know.
pub fn is_secret_name(column: &str) -> bool {
    let column = column.to_ascii_lowercase();
    ["token", "code", "secret", "password", "pin", "otp", "hash", "signature", "nonce"]
        .iter()
        .any(|word| column.contains(word))
        && !["country", "zip", "postal", "promo", "currency", "hashtag", "shipping", "pinned"]
            .iter()
            .any(|word| column.contains(word))
}

/// Whether something outside the app is a secret of the server: a variable of its
/// environment, or a digest it made.
fn is_secret(value: &Value) -> bool {
    match &value.kind {
        Kind::MasterKey => true,
        Kind::Path(path) => is_server_secret(path),
        _ => false,
    }
}

fn is_server_secret(path: &str) -> bool {
    path.starts_with("process.env.")
        || path.contains("createHmac")
        || path.contains("createHash")
        || path.contains("config.")
        || path.contains("Config.")
}
