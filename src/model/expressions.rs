//! All expressions of a file of code, one after the other. Nothing here recurses,
//! so that code of any depth can be walked through on a stack of any size.

use super::unit::{ClassBody, Expr, ExprKind, Function, Pattern, Prop, PropKey, Stmt, StmtKind, Unit};

impl Unit {
    /// All expressions, in no promised order: those of statements, patterns, functions
    /// and classes, and the parts of each.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let mut open = Open { exprs: Vec::new(), patterns: Vec::new(), statements: Vec::new() };
        self.functions.iter().for_each(|function| open.function(function));
        self.classes.iter().for_each(|class| open.class(class));
        std::iter::from_fn(move || open.next())
    }
}

/// What is still to be walked through.
struct Open<'u> {
    exprs: Vec<&'u Expr>,
    patterns: Vec<&'u Pattern>,
    statements: Vec<&'u Stmt>,
}

impl<'u> Open<'u> {
    fn next(&mut self) -> Option<&'u Expr> {
        loop {
            if let Some(expr) = self.exprs.pop() {
                self.parts(&expr.kind);
                return Some(expr);
            }
            if let Some(pattern) = self.patterns.pop() {
                self.pattern(pattern);
            } else {
                let statement = self.statements.pop()?;
                self.statement(&statement.kind);
            }
        }
    }

    fn function(&mut self, function: &'u Function) {
        self.patterns.extend(function.params.iter().map(|param| &param.pattern));
        self.statements.extend(&function.body);
    }

    fn class(&mut self, class: &'u ClassBody) {
        self.exprs.extend(&class.extends);
        class.methods.iter().for_each(|method| self.key(&method.key));
        class.fields.iter().for_each(|field| self.key(&field.key));
        self.exprs.extend(class.fields.iter().filter_map(|field| field.value.as_ref()));
        self.statements.extend(&class.blocks);
    }

    fn key(&mut self, key: &'u PropKey) {
        match key {
            PropKey::Name(_) => {}
            PropKey::Computed(expr) => self.exprs.push(expr),
        }
    }

    fn pattern(&mut self, pattern: &'u Pattern) {
        match pattern {
            Pattern::Name(..) | Pattern::Nothing => {}
            Pattern::Object { props, rest } => {
                for (key, pattern) in props {
                    self.key(key);
                    self.patterns.push(pattern);
                }
                self.patterns.extend(rest.as_deref());
            }
            Pattern::Array { items, rest } => {
                self.patterns.extend(items.iter().flatten());
                self.patterns.extend(rest.as_deref());
            }
            Pattern::Default(pattern, value) => {
                self.patterns.push(pattern);
                self.exprs.push(value);
            }
            Pattern::Member(member) => self.exprs.push(member),
        }
    }

    fn statement(&mut self, kind: &'u StmtKind) {
        match kind {
            StmtKind::Function(_) | StmtKind::Class(_) | StmtKind::Break | StmtKind::Continue => {}
            StmtKind::Expr(expr) | StmtKind::Throw(expr) => self.exprs.push(expr),
            StmtKind::Return(expr) => self.exprs.extend(expr),
            StmtKind::Let(pattern, value) => {
                self.patterns.push(pattern);
                self.exprs.extend(value);
            }
            StmtKind::If(test, then, other) => {
                self.exprs.push(test);
                self.statements.extend(then.iter().chain(other));
            }
            StmtKind::Loop { init, test, update, body, at_least_once: _ } => {
                self.statements.extend(init.iter().chain(body));
                self.exprs.extend(test.iter().chain(update));
            }
            StmtKind::ForEach { pattern, over, keys: _, body } => {
                self.patterns.push(pattern);
                self.exprs.push(over);
                self.statements.extend(body);
            }
            StmtKind::Switch(value, cases) => {
                self.exprs.push(value);
                for (test, body) in cases {
                    self.exprs.extend(test);
                    self.statements.extend(body);
                }
            }
            StmtKind::Try { body, caught, handler, finally } => {
                self.statements.extend(body.iter().chain(handler.iter().flatten()).chain(finally));
                self.patterns.extend(caught);
            }
            StmtKind::Block(body) => self.statements.extend(body),
        }
    }

    fn parts(&mut self, kind: &'u ExprKind) {
        match kind {
            ExprKind::Name(_)
            | ExprKind::This
            | ExprKind::Super
            | ExprKind::Text(_)
            | ExprKind::Number(_)
            | ExprKind::Bool(_)
            | ExprKind::Null
            | ExprKind::Undefined
            | ExprKind::Regex(_)
            | ExprKind::Function(_)
            | ExprKind::Class(_) => {}
            ExprKind::Template(parts) | ExprKind::Sum(parts) | ExprKind::Sequence(parts) | ExprKind::Other(parts) => {
                self.exprs.extend(parts)
            }
            ExprKind::Member(expr, _)
            | ExprKind::Import(expr)
            | ExprKind::Not(expr)
            | ExprKind::Typeof(expr)
            | ExprKind::Numeric(expr)
            | ExprKind::Delete(expr)
            | ExprKind::Await(expr)
            | ExprKind::Maybe(expr)
            | ExprKind::Yield(expr) => self.exprs.push(expr),
            ExprKind::Index(left, right)
            | ExprKind::Update(left, _, right)
            | ExprKind::Binary(_, left, right)
            | ExprKind::And(left, right)
            | ExprKind::Or(left, right)
            | ExprKind::Coalesce(left, right) => self.exprs.extend([&**left, &**right]),
            ExprKind::Call(callee, args) | ExprKind::New(callee, args) => {
                self.exprs.push(callee);
                self.exprs.extend(args.iter().map(|arg| &arg.value));
            }
            ExprKind::Object(props) => {
                for prop in props {
                    match prop {
                        Prop::Value(key, value) => {
                            self.key(key);
                            self.exprs.push(value);
                        }
                        Prop::Spread(value) => self.exprs.push(value),
                    }
                }
            }
            ExprKind::Array(items) => self.exprs.extend(items.iter().map(|item| &item.value)),
            ExprKind::Assign(target, value) => {
                self.patterns.push(target);
                self.exprs.push(value);
            }
            ExprKind::Conditional(test, then, other) => self.exprs.extend([&**test, &**then, &**other]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expr(kind: ExprKind) -> Expr {
        Expr { kind, span: crate::model::Span::default() }
    }

    fn named(name: &str) -> Expr {
        expr(ExprKind::Name(name.into()))
    }

    #[test]
    fn expressions_of_statements_patterns_and_classes_are_found() {
        let pattern = Pattern::Object {
            props: vec![(
                PropKey::Computed(Box::new(named("key"))),
                Pattern::Default(Box::new(Pattern::Nothing), Box::new(named("default"))),
            )],
            rest: None,
        };
        let kinds = [
            StmtKind::Let(pattern, Some(named("value"))),
            StmtKind::If(
                named("test"),
                vec![],
                vec![Stmt { kind: StmtKind::Throw(named("thrown")), span: crate::model::Span::default() }],
            ),
        ];
        let body = kinds.map(|kind| Stmt { kind, span: crate::model::Span::default() }).into();
        let unit = Unit {
            functions: vec![Function { body, ..Function::default() }],
            classes: vec![ClassBody { extends: Some(named("above")), ..ClassBody::default() }],
            ..Unit::default()
        };
        let mut names: Vec<String> = unit
            .expressions()
            .filter_map(|expr| match &expr.kind {
                ExprKind::Name(name) => Some(name.to_string()),
                _ => None,
            })
            .collect();
        names.sort();
        assert_eq!(names, ["above", "default", "key", "test", "thrown", "value"]);
    }
}
