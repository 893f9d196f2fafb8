//! Statements.

use std::sync::Arc;

use crate::code::guards::{Flag, Guards};
use crate::code::value::{Kind, Test, Value};
use crate::model::unit::{Binary, Expr, Pattern, Stmt, StmtKind};

use super::Run;

impl<'a> Run<'a> {
    /// Walks through statements. Functions count from the start of their block.
    pub fn block(&mut self, body: &'a [Stmt]) {
        for stmt in body {
            if let StmtKind::Function(id) = &stmt.kind {
                let function = self.closure(*id);
                let name = self.world.units.get(self.unit()).and_then(|unit| unit.function(*id)?.name.clone());
                if let Some(name) = name {
                    self.declare(&name, function);
                }
            }
        }
        for stmt in body {
            if !self.step() {
                return;
            }
            self.stmt(stmt);
        }
    }

    fn stmt(&mut self, stmt: &'a Stmt) {
        match &stmt.kind {
            StmtKind::Expr(expr) => drop(self.expr(expr)),
            StmtKind::Let(pattern, value) => self.stmt_let(pattern, value.as_ref()),
            StmtKind::Function(_) => {}
            StmtKind::Class(id) => {
                let class = self.class_value(*id);
                let name = self.world.units.get(self.unit()).and_then(|unit| unit.class(*id)?.name.clone());
                if let Some(name) = name {
                    self.declare(&name, class);
                }
            }
            StmtKind::Return(value) => {
                let value = value.as_ref().map_or_else(Value::undefined, |value| self.expr(value));
                self.give(value);
            }
            StmtKind::Throw(value) => {
                self.expr(value);
                self.throw();
            }
            StmtKind::If(test, then, other) => {
                let value = self.expr(test);
                let truth = self.truth(&value);
                let refused_before = self.guards();
                let (yes, no) = (truth.yes.clone(), truth.no.clone());
                let mut refused = None;
                self.branch([truth.yes, truth.no], |run, way| {
                    run.block(if way == 0 { then } else { other });
                    let newly = |guards: &Guards| guards.has(Flag::Refused) && !refused_before.has(Flag::Refused);
                    if run.path.as_ref().is_some_and(newly) {
                        refused = Some(way);
                    }
                });
                // A refusal that the code after it does not know of.
                if let (Some(way), Some(path)) = (refused, &self.path)
                    && !path.has(Flag::Refused)
                {
                    let meant = if way == 0 { no } else { yes };
                    let at = self.pos(stmt.span);
                    self.loose.push((at, meant.unwrap_or_default()));
                }
            }
            StmtKind::Loop { init, test, update, body, at_least_once } => {
                self.block(init);
                let truth = match test {
                    Some(test) if !at_least_once => {
                        let value = self.expr(test);
                        self.truth(&value)
                    }
                    _ => Value::unknown().truth(),
                };
                let skip = if *at_least_once { None } else { Some(Guards::default()) };
                self.branch([truth.yes, skip], |run, way| {
                    if way == 0 {
                        run.round(body);
                        if let Some(update) = update {
                            run.expr(update);
                        }
                    }
                });
            }
            StmtKind::ForEach { pattern, over, keys, body } => self.for_each(pattern, over, *keys, body),
            StmtKind::Switch(on, cases) => self.switch(on, cases),
            StmtKind::Try { body, caught, handler, finally } => {
                self.stmt_try(body, caught.as_ref(), handler.as_deref(), finally);
            }
            StmtKind::Block(body) => self.block(body),
            // What follows in the round is not reached; what follows the loop is.
            StmtKind::Break | StmtKind::Continue => self.path = None,
        }
    }

    fn stmt_let(&mut self, pattern: &'a Pattern, value: Option<&'a Expr>) {
        match (pattern, value) {
            // `var x;` does not take away what x has.
            (Pattern::Name(name, _), None) => {
                let scope = self.frames.last().map(|frame| frame.scope);
                let known =
                    scope.and_then(|scope| self.heap.scope(scope)).is_some_and(|scope| scope.vars.contains_key(name));
                if !known {
                    self.declare(name, Value::undefined());
                }
            }
            (pattern, None) => self.bind(pattern, Value::undefined()),
            (pattern, Some(value)) => {
                let value = self.expr(value);
                self.bind(pattern, value);
            }
        }
    }

    /// Ends the activation with a value.
    pub fn give(&mut self, value: Value) {
        if let (Some(path), Some(frame)) = (self.path.take(), self.frames.last_mut()) {
            frame.returns.push((value, path));
        }
    }

    /// Ends the path by an error.
    pub fn throw(&mut self) {
        self.path = None;
    }

    /// One round of a loop: what breaks out of it goes on behind it.
    fn round(&mut self, body: &'a [Stmt]) {
        let before = self.path.clone();
        self.block(body);
        if self.path.is_none() {
            // `break`, `continue` and `return` look alike here: go on with what was known before.
            self.path = before;
        }
    }

    fn for_each(&mut self, pattern: &'a Pattern, over: &'a Expr, keys: bool, body: &'a [Stmt]) {
        let list = self.expr(over);
        let at = self.pos(over.span);
        let (known, complete) = if keys { self.keys_of(&list) } else { self.elements_of(&list) };
        if complete && !known.is_empty() && known.len() <= self.most_rounds {
            for item in known {
                self.bind(pattern, item);
                self.round(body);
            }
            return;
        }
        let element = if keys { self.any_key(&list, at) } else { self.any_element(&list, at) };
        self.branch([Some(Guards::default()), Some(Guards::default())], |run, way| {
            if way == 0 {
                run.bind(pattern, element.clone());
                run.round(body);
            }
        });
    }

    fn switch(&mut self, on: &'a Expr, cases: &'a [(Option<Expr>, Vec<Stmt>)]) {
        let value = self.expr(on);
        let has_default = cases.iter().any(|(test, _)| test.is_none());
        // Without a default, none of the cases is a way too.
        let ways = cases.len() + usize::from(!has_default);
        self.branch(vec![Some(Guards::default()); ways], |run, way| {
            if let Some((Some(test), _)) = cases.get(way) {
                let wanted = run.expr(test);
                let equal = run.compare(Binary::Equal, &value, &wanted, test);
                match run.truth(&equal).yes {
                    Some(yes) => run.learn(&yes),
                    None => run.path = None,
                }
            }
            // Falls through until a case ends in `break` or `return`.
            for (_, body) in cases.iter().skip(way) {
                let falls = !body.iter().any(ends_case);
                let (head, ended) = match body.iter().position(|stmt| matches!(stmt.kind, StmtKind::Break)) {
                    Some(at) => (body.get(..at).unwrap_or_default(), true),
                    None => (body.as_slice(), false),
                };
                run.block(head);
                if ended || !falls || run.path.is_none() {
                    break;
                }
            }
        });
    }

    fn stmt_try(
        &mut self,
        body: &'a [Stmt],
        caught: Option<&'a Pattern>,
        handler: Option<&'a [Stmt]>,
        finally: &'a [Stmt],
    ) {
        let Some(before) = self.path.clone() else { return };
        let mark = self.undo.len();
        self.block(body);
        if let Some(handler) = handler {
            // Anything in the body may have thrown, so nothing but the start is sure.
            let after = self.path.take();
            let done = self.roll_back(mark);
            self.path = Some(before);
            if let Some(pattern) = caught {
                self.bind(pattern, Value::path("error"));
            }
            self.failing += 1;
            self.block(handler);
            self.failing -= 1;
            let changes = self.roll_back(mark);
            let ends = [(after, done), (self.path.take(), changes)];
            self.join(ends.into_iter().filter_map(|(end, changes)| Some((end?, changes))).collect());
        }
        if !finally.is_empty() {
            let ended = self.path.is_none();
            if ended {
                self.path = Some(Guards::default());
            }
            self.block(finally);
            if ended {
                self.path = None;
            }
        }
    }

    /// What is known if a value is true or false, with what only the walk knows of it.
    pub fn truth(&mut self, value: &Value) -> Test {
        if let Kind::OneOf(values) = &value.kind
            && value.test.is_none()
        {
            let mut test = Test::default();
            for (value, guards) in values.iter() {
                test.or(self.truth(value), guards);
            }
            return test;
        }
        let mut test = value.truth();
        // What the server keeps for somebody who signed in.
        if let (None, Kind::Path(path), Some(yes)) = (&value.test, &value.kind, &mut test.yes)
            && path.starts_with("session.")
        {
            *yes = yes.and(&Guards::signed_in());
        }
        if value.test.is_none()
            && let Kind::Column(row, column) = &value.kind
            && self.is_own_user(*row)
            && let Some(yes) = &mut test.yes
        {
            *yes = yes.and(&self.own_column(&Arc::clone(column)));
        }
        test
    }
}

/// Whether a statement ends a case of a `switch`.
fn ends_case(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Break | StmtKind::Return(_) | StmtKind::Throw(_) | StmtKind::Continue => true,
        StmtKind::Block(body) => body.iter().any(ends_case),
        _ => false,
    }
}
