//! What stands around a piece of code: tests that only development passes, a single route.
//!
//! The walk knows `NODE_ENV`; here the names of any switch count, since a finding about what
//! only developers run is noise.

use crate::code::path;
use crate::model::unit::{Binary, Expr, ExprKind, Prop, PropKey, Stmt, StmtKind};
use crate::model::{Span, Unit};
use crate::rules::words;

/// Words of what only developers run.
const DEVELOPMENT: [&str; 10] =
    ["dev", "develop", "development", "local", "localhost", "debug", "test", "tests", "testing", "devserver"];

/// Words of what users meet.
const PRODUCTION: [&str; 4] = ["prod", "production", "live", "staging"];

/// Methods that register one route.
const VERBS: [&str; 8] = ["del", "delete", "get", "head", "options", "patch", "post", "put"];

/// Parts of a file that not everybody meets.
#[derive(Debug, Default)]
pub struct Context {
    development: Vec<Span>,
    routes: Vec<Span>,
    branches: Vec<Span>,
}

impl Context {
    /// Goes through a file.
    pub fn of(unit: &Unit) -> Self {
        let mut context = Self::default();
        for stmt in statements(unit) {
            if let StmtKind::If(test, then, other) = &stmt.kind {
                let (then, other): (Vec<Span>, Vec<Span>) =
                    (then.iter().map(|stmt| stmt.span).collect(), other.iter().map(|stmt| stmt.span).collect());
                context.branches.extend(then.iter().chain(&other));
                match is_development(test) {
                    Some(true) => context.development.extend(then),
                    Some(false) => context.development.extend(other),
                    None => {}
                }
            }
        }
        for expr in unit.expressions() {
            let (test, then, other) = match &expr.kind {
                ExprKind::Conditional(test, then, other) => (test, Some(then.span), Some(other.span)),
                ExprKind::And(test, then) => (test, Some(then.span), None),
                ExprKind::Or(test, other) => (test, None, Some(other.span)),
                // `{ development: { … } }`.
                ExprKind::Object(props) => {
                    for prop in props {
                        if let Prop::Value(PropKey::Name(name), value) = prop
                            && of_words(name) == Some(true)
                            && matches!(value.kind, ExprKind::Object(_))
                        {
                            context.development.push(value.span);
                        }
                    }
                    continue;
                }
                ExprKind::Call(callee, _) => {
                    if let ExprKind::Member(_, name) = &callee.kind
                        && VERBS.contains(&&**name)
                    {
                        context.routes.push(expr.span);
                    }
                    continue;
                }
                _ => continue,
            };
            context.branches.extend(then.iter().chain(&other));
            match is_development(test) {
                Some(true) => context.development.extend(then),
                Some(false) => context.development.extend(other),
                None => {}
            }
        }
        context
    }

    /// Whether only development comes there.
    pub fn is_for_development(&self, span: Span) -> bool {
        within(&self.development, span)
    }

    /// Whether it is given to one route, or to requests that only ask what is allowed.
    pub fn is_of_one_route(&self, span: Span) -> bool {
        within(&self.routes, span)
    }

    /// Whether something is tested before it is come to.
    pub fn is_tested(&self, span: Span) -> bool {
        within(&self.branches, span)
    }
}

fn within(spans: &[Span], span: Span) -> bool {
    spans.iter().any(|around| contains(*around, span))
}

/// Whether one span lies in another.
pub fn contains(around: Span, span: Span) -> bool {
    around.start() <= span.start() && span.end() <= around.end()
}

/// Whether only developers run a file, by its path.
pub fn is_development_file(path: &str) -> bool {
    const FOLDERS: [&str; 12] = [
        "spec",
        "specs",
        "e2e",
        "mock",
        "mocks",
        "__mocks__",
        "__tests__",
        "fixtures",
        "example",
        "examples",
        "sample",
        "samples",
    ];
    let names_development = |part: &str| words::split(part).iter().any(|word| DEVELOPMENT.contains(&word.as_str()));
    let name = path::name(path);
    names_development(name)
        || name.contains(".spec.")
        || path::folder(path).split('/').any(|part| names_development(part) || FOLDERS.contains(&part))
}

/// Whether a test is true in development; `false` if it is in production, `None` if it is about
/// something else.
fn is_development(test: &Expr) -> Option<bool> {
    match &test.kind {
        ExprKind::Not(test) => is_development(test).map(|is| !is),
        ExprKind::Maybe(test) | ExprKind::Await(test) => is_development(test),
        ExprKind::Binary(operator @ (Binary::Equal | Binary::Unequal), a, b) => {
            let equal = match (&a.kind, &b.kind) {
                (ExprKind::Text(text), _) | (_, ExprKind::Text(text)) => match &**text {
                    "true" | "1" => named(a).or_else(|| named(b)),
                    "false" | "0" => named(a).or_else(|| named(b)).map(|is| !is),
                    text => of_words(text),
                },
                (ExprKind::Bool(is), _) => named(b).map(|of_name| of_name == *is),
                (_, ExprKind::Bool(is)) => named(a).map(|of_name| of_name == *is),
                _ => None,
            };
            equal.map(|equal| equal == (*operator == Binary::Equal))
        }
        // Both hold where the whole does, and neither where it does not.
        ExprKind::And(a, b) => [a, b].into_iter().filter_map(|part| is_development(part)).find(|is| *is),
        ExprKind::Or(a, b) => [a, b].into_iter().filter_map(|part| is_development(part)).find(|is| !*is),
        _ => named(test),
    }
}

/// What the name of a switch says.
fn named(expr: &Expr) -> Option<bool> {
    match &expr.kind {
        ExprKind::Name(name) | ExprKind::Member(_, name) => of_words(name),
        ExprKind::Call(callee, _) => named(callee),
        _ => None,
    }
}

fn of_words(text: &str) -> Option<bool> {
    let words = words::split(text);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    if has(&DEVELOPMENT) { Some(true) } else { has(&PRODUCTION).then_some(false) }
}

/// All statements of a file, in no promised order.
pub fn statements(unit: &Unit) -> impl Iterator<Item = &Stmt> {
    let mut open: Vec<&Stmt> = unit.functions.iter().flat_map(|function| &function.body).collect();
    open.extend(unit.classes.iter().flat_map(|class| &class.blocks));
    std::iter::from_fn(move || {
        let stmt = open.pop()?;
        match &stmt.kind {
            StmtKind::If(_, then, other) => open.extend(then.iter().chain(other)),
            StmtKind::Loop { init, body, .. } => open.extend(init.iter().chain(body)),
            StmtKind::ForEach { body, .. } | StmtKind::Block(body) => open.extend(body),
            StmtKind::Switch(_, cases) => open.extend(cases.iter().flat_map(|(_, body)| body)),
            StmtKind::Try { body, handler, finally, .. } => {
                open.extend(body.iter().chain(handler.iter().flatten()).chain(finally));
            }
            StmtKind::Expr(_)
            | StmtKind::Let(..)
            | StmtKind::Function(_)
            | StmtKind::Class(_)
            | StmtKind::Return(_)
            | StmtKind::Throw(_)
            | StmtKind::Break
            | StmtKind::Continue => {}
        }
        Some(stmt)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::lower::{Source, lower_all};
    use crate::model::FileId;

    #[test]
    fn what_only_development_runs_is_told_by_the_tests_around_it() {
        for (text, is) in [
            ("if (process.env.NODE_ENV !== 'production') { found(); }", true),
            ("if (process.env.NODE_ENV === 'production') { found(); }", false),
            ("if (isProd) { ready(); } else { found(); }", true),
            ("if (config.env === 'development' && config.ready) { found(); }", true),
            ("isDevelopment && found();", true),
            ("isProduction() || found();", true),
            ("const x = process.env.PRODUCTION === 'true' ? found() : null;", false),
            ("const x = process.env.DEBUG === 'true' ? found() : null;", true),
            ("if (ready) { found(); }", false),
            ("const x = { development: { value: found() }, production: {} };", true),
            ("const x = { production: { value: found() } };", false),
        ] {
            let source = Source { file: FileId(0), path: "index.js", text };
            let unit = lower_all(&[source]).remove(0).expect("a unit");
            let start = text.find("found()").expect("the call");
            let span = Span::new(text, start, start + "found()".len());
            assert_eq!(Context::of(&unit).is_for_development(span), is, "{text}");
        }
    }

    #[test]
    fn what_only_developers_run_is_told_by_its_path() {
        assert!(is_development_file("devserver.js") && is_development_file("test/server.js"));
        assert!(is_development_file("src/local.ts") && is_development_file("src/mail.spec.ts"));
        assert!(!is_development_file("index.js") && !is_development_file("src/contest.js"));
    }
}
