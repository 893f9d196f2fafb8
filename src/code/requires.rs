//! Which modules a file of code names in so many words.

use std::collections::BTreeSet;

use crate::model::Unit;
use crate::model::unit::{Arg, Export, Expr, ExprKind, Name};

/// The modules that a file imports, exports from, requires or loads by a text that is
/// written there. Sorted, each once.
pub fn of(unit: &Unit) -> Vec<Name> {
    let imported = unit.imports.iter().map(|import| &import.from);
    let exported = unit.exports.iter().filter_map(|export| match export {
        Export::Local { .. } => None,
        Export::From { from, .. } | Export::All { from } => Some(from),
    });
    let named: BTreeSet<&Name> =
        imported.chain(exported).chain(unit.expressions().filter_map(|expr| required(&expr.kind))).collect();
    named.into_iter().cloned().collect()
}

/// The files that name one of these modules and that no tool made, by their number.
pub fn starting(units: &[Unit], modules: &[&str]) -> Vec<usize> {
    let is_made = |unit: &Unit| unit.path.split('/').any(|part| matches!(part, "dist" | "build" | "out"));
    let names_one = |unit: &Unit| of(unit).iter().any(|name| modules.contains(&&**name));
    let all = units.iter().enumerate().filter(|(_, unit)| !is_made(unit) && names_one(unit));
    all.map(|(index, _)| index).collect()
}

/// The module in `require('x')`, `require.resolve('x')`, `import('x')`.
fn required(kind: &ExprKind) -> Option<&Name> {
    let module = match kind {
        ExprKind::Import(module) => module,
        ExprKind::Call(callee, args) if is_require(callee) => match args.as_slice() {
            [Arg { value, spread: false }, ..] => value,
            _ => return None,
        },
        _ => return None,
    };
    match &module.kind {
        ExprKind::Text(name) => Some(name),
        _ => None,
    }
}

fn is_require(callee: &Expr) -> bool {
    match &callee.kind {
        ExprKind::Name(name) => &**name == "require",
        ExprKind::Member(object, property) => &**property == "resolve" && is_require(object),
        _ => false,
    }
}

/// Whether a file has to do with Parse: it names the SDK or imports the SDK or the server.
pub fn speaks_of_parse(unit: &Unit) -> bool {
    let is_parse = |name: &str| matches!(name, "Parse" | "ParseServer");
    unit.expressions().any(|expr| match &expr.kind {
        ExprKind::Name(name) | ExprKind::Member(_, name) => is_parse(name),
        _ => false,
    }) || of(unit).iter().any(|module| matches!(&**module, "parse" | "parse/node" | "parse-server"))
}

/// Whether a file registers handlers of cloud code: it says `Parse.Cloud.`.
pub fn registers(unit: &Unit) -> bool {
    unit.expressions().any(|expr| match &expr.kind {
        ExprKind::Member(object, name) => {
            &**name == "Cloud" && matches!(&object.kind, ExprKind::Name(parse) if &**parse == "Parse")
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Span;
    use crate::model::unit::{Function, Import, Imported, Stmt, StmtKind};

    fn expr(kind: ExprKind) -> Expr {
        Expr { kind, span: Span::default() }
    }

    fn call(callee: Expr, text: &str) -> Expr {
        let value = expr(ExprKind::Text(text.into()));
        expr(ExprKind::Call(Box::new(callee), vec![Arg { value, spread: false }]))
    }

    #[test]
    fn modules_are_found_wherever_they_are_named() {
        let require = || expr(ExprKind::Name("require".into()));
        let resolve = expr(ExprKind::Member(Box::new(require()), "resolve".into()));
        let other = expr(ExprKind::Name("load".into()));
        let lazy = expr(ExprKind::Import(Box::new(expr(ExprKind::Text("./d".into())))));
        let exprs = [call(require(), "./b"), call(resolve, "./c"), call(other, "./x"), lazy, call(require(), "./b")];
        let body = exprs.map(|expr| Stmt { kind: StmtKind::Expr(expr), span: Span::default() }).into();
        let unit = Unit {
            functions: vec![Function { body, ..Function::default() }],
            imports: vec![Import { local: None, what: Imported::Nothing, from: "./a".into(), span: Span::default() }],
            exports: vec![Export::All { from: "./e".into() }],
            ..Unit::default()
        };
        let named: Vec<String> = of(&unit).iter().map(ToString::to_string).collect();
        assert_eq!(named, ["./a", "./b", "./c", "./d", "./e"]);
        assert!(!speaks_of_parse(&unit));
    }
}
