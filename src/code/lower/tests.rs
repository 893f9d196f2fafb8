//! What becomes of a text. Hostile texts are among the tests of `guard`.

use super::*;
use crate::model::unit::{Arg, Binary, Export, Imported, Prop, PropKey};

/// The unit of a text, which must be readable.
fn unit_of(path: &str, text: &str) -> Unit {
    lower(FileId(7), path, text).unwrap_or_else(|error| panic!("{path}: {error} at {:?}", error.at))
}

/// The statements of a file.
fn body(unit: &Unit) -> &[Stmt] {
    &unit.functions[0].body
}

/// The value of the only expression statement of a text.
fn value(text: &str) -> ExprKind {
    match &body(&unit_of("a.ts", text))[0].kind {
        StmtKind::Expr(value) => value.kind.clone(),
        other => panic!("no expression: {other:?}"),
    }
}

/// A printed expression: short, with names and structure only.
fn short(kind: &ExprKind) -> String {
    let all = |parts: &[Expr]| parts.iter().map(|part| short(&part.kind)).collect::<Vec<_>>().join(" ");
    let args = |args: &[Arg]| args.iter().map(|arg| short(&arg.value.kind)).collect::<Vec<_>>().join(" ");
    match kind {
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Text(text) => format!("'{text}'"),
        ExprKind::Number(number) => number.to_string(),
        ExprKind::Maybe(object) => format!("{}?", short(&object.kind)),
        ExprKind::Member(object, name) => format!("{}.{name}", short(&object.kind)),
        ExprKind::Call(callee, given) => format!("{}({})", short(&callee.kind), args(given)),
        ExprKind::Template(parts) => format!("`{}`", all(parts)),
        ExprKind::Sum(parts) => format!("(+ {})", all(parts)),
        ExprKind::Other(parts) => format!("<{}>", all(parts)),
        ExprKind::Sequence(parts) => format!("({})", all(parts)),
        ExprKind::Update(target, operator, value) => {
            format!("({} {operator:?} {})", short(&target.kind), short(&value.kind))
        }
        ExprKind::Assign(target, value) => format!("({target:?} = {})", short(&value.kind)),
        other => format!("{other:?}"),
    }
}

#[test]
fn forms_that_mean_the_same_are_the_same() {
    for (text, expected) in [
        ("a?.b?.(c)", "a?.b(c)"),
        ("(a?.b).c", "a?.b.c"),
        ("a['b']", "a.b"),
        ("(a as any)!.b<T>(<T>c satisfies D)", "a.b(c)"),
        ("`x`", "'x'"),
        ("`x${a}${b}y`", "`'x' a b 'y'`"),
        ("tag`x`", "tag(`'x'`)"),
        ("a + 'b' + (c + d)", "(+ a 'b' (+ c d))"),
        ("a ||= b", "(a Either b)"),
        ("a -= b", "(a Arithmetic b)"),
        ("a++", "(a Add 1)"),
        ("void 0", "Undefined"),
        ("void a()", "(a() Undefined)"),
        ("undefined", "Undefined"),
        ("a, b", "(a b)"),
        ("import.meta", "<>"),
        ("0x10n", "16"),
    ] {
        assert_eq!(short(&value(text)), expected, "{text}");
    }
    let unit = unit_of("a.jsx", "<A b={c} {...d}>text {e}<f/></A>");
    let StmtKind::Expr(markup) = &body(&unit)[0].kind else { panic!() };
    assert_eq!(short(&markup.kind), "<c d e <>>");
}

#[test]
fn functions_have_the_name_they_are_given_to() {
    let text = "const a = () => 1; exports.b = function () {}; X.prototype.c = async (x) => {};
        ({ d() {}, e: function own() {}, 'f g': () => 1 }); class H { i() {} j = () => 1; constructor() {} }
        let { k = () => 1 } = {}; l(function () {}); (m = (function () {}));";
    let unit = unit_of("a.js", text);
    let names: Vec<_> = unit.functions.iter().map(|function| function.name.as_deref().unwrap_or("-")).collect();
    assert_eq!(names, ["-", "a", "b", "c", "d", "own", "f g", "i", "j", "H", "k", "-", "m"]);
    assert!(unit.functions[3].is_async && unit.functions[3].is_arrow && !unit.functions[2].is_arrow);
    assert!(matches!(unit.functions[1].body[0].kind, StmtKind::Return(Some(_))));
}

#[test]
fn types_are_gone_and_what_runs_stays() {
    let text = "import type A from 'a'; import { type B } from 'b'; import c, { d as e, default as f } from 'c';
        import g = require('g'); interface H {} type I = string; declare const j: number;
        function k(x: string): void; function k(x: any) {}
        enum L { A, B = 4, C, D = 'd' }
        namespace M { export const n = 1; }
        @O('p') class Q { constructor(private db: Db, readonly x = 1, y: T) { super(); } static r?: string; abstract s(); }";
    let unit = unit_of("a.ts", text);
    let imports: Vec<_> = unit.imports.iter().map(|import| (import.local.as_deref(), &*import.from)).collect();
    assert_eq!(imports, [(Some("c"), "c"), (Some("e"), "c"), (Some("f"), "c"), (Some("g"), "g")]);
    assert_eq!(unit.imports[2].what, Imported::Default);
    let kinds: Vec<_> = body(&unit).iter().map(|statement| &statement.kind).collect();
    let [
        StmtKind::Function(_),
        StmtKind::Let(_, Some(members)),
        StmtKind::Let(_, None),
        StmtKind::Block(space),
        StmtKind::Expr(decorator),
        StmtKind::Class(id),
    ] = kinds[..]
    else {
        panic!("{kinds:?}")
    };
    let ExprKind::Object(props) = &members.kind else { panic!() };
    let values: Vec<_> = props
        .iter()
        .map(|prop| {
            if let Prop::Value(PropKey::Name(name), value) = prop {
                format!("{name} {}", short(&value.kind))
            } else {
                panic!()
            }
        })
        .collect();
    assert_eq!(values, ["A 0", "B 4", "C 5", "D 'd'"]);
    assert_eq!(space.len(), 2);
    assert_eq!(short(&decorator.kind), "O('p')");
    let class = unit.class(*id).unwrap();
    assert_eq!((class.fields.len(), class.methods.len()), (1, 0));
    let constructor = unit.function(class.constructor.unwrap()).unwrap();
    assert_eq!((constructor.params.len(), constructor.body.len()), (3, 3));
    let StmtKind::Expr(first) = &constructor.body[0].kind else { panic!() };
    assert!(short(&first.kind).ends_with("= db)"), "{first:?}");
}

#[test]
fn exports_are_named() {
    let text = "export const { a, b: [c] } = d; export { a as e }; export { f, default as g } from 'h';
        export * from 'i'; export * as j from 'k'; export default 1; export function l() {} export type { M } from 'n';";
    let unit = unit_of("a.ts", text);
    let shown = |export: &Export| match export {
        Export::Local { name, local } => format!("{local} as {name}"),
        Export::From { name, what, from } => format!("{what:?} as {name} from {from}"),
        Export::All { from } => format!("all from {from}"),
    };
    let expected = [
        "a as a",
        "c as c",
        "a as e",
        "Named(\"f\") as f from h",
        "Default as g from h",
        "all from i",
        "Namespace as j from k",
        "*default* as default",
        "l as l",
    ];
    assert_eq!(unit.exports.iter().map(shown).collect::<Vec<_>>(), expected);
    assert!(matches!(&unit_of("a.ts", "export = a").functions[0].body[0].kind, StmtKind::Expr(_)));
    let unit = unit_of("a.js", "export default function () {}");
    assert!(matches!(&body(&unit)[0].kind, StmtKind::Let(Pattern::Name(name, _), Some(_)) if &**name == "*default*"));
    let unit = unit_of("a.js", "export default class A {}");
    assert_eq!(unit.exports, [Export::Local { name: "default".into(), local: "A".into() }]);
}

#[test]
fn a_file_is_a_module_if_it_takes_or_gives() {
    let is_module = |text| unit_of("a.js", text).is_module;
    assert!(is_module("import 'a'") && is_module("module.exports = a") && is_module("exports.a = 1"));
    assert!(is_module("var a = require('a')") && is_module("export {}"));
    assert!(!is_module("Parse.Cloud.define('a', b); // require('a')") && !is_module("a.exports.b = 'require(1)'"));
}

#[test]
fn json_is_a_module_with_its_value() {
    let text = "{ \"a\": [1, { \"b\": null }] }";
    let unit = lower_json(FileId(1), "a.json", text).unwrap();
    let StmtKind::Expr(Expr { kind: ExprKind::Assign(_, value), .. }) = &body(&unit)[0].kind else { panic!() };
    assert_eq!((value.span.start(), value.span.end()), (0, text.len()));
    let ExprKind::Object(props) = &value.kind else { panic!() };
    let Prop::Value(PropKey::Name(key), list) = &props[0] else { panic!() };
    assert_eq!((&**key, &text[list.span.start()..list.span.end()]), ("a", "[1, { \"b\": null }]"));
    assert!(unit.is_module);
    assert!(lower_json(FileId(1), "a.json", "{ \"a\": }").is_err());
}

#[test]
fn old_and_odd_texts_are_read() {
    for text in [
        "#!/usr/bin/env node\na()",
        "a\r\nb\rc",
        "<!-- a\nb\n--> c",
        "var a = 010, await = 1, yield = 2; with (a) { b }",
        "return 1",
        "await a; b.c",
        "a: for (var i = 0 in b) { continue a }",
        "var s = 'ä\u{1F600}'; f(s, 'ö')",
        "@a class B { @c() d(@e f) {} #g = 1; static { h() } get i() { return #g in this } }",
    ] {
        let _ = unit_of("a.js", text);
    }
    // Flow is read as TypeScript.
    let unit = unit_of("a.js", "// @flow\nimport type { A } from 'a';\nconst f = (a: A): ?string => b;\n");
    assert_eq!(unit.imports, []);
    let cast = unit_of("a.ts", "const a = <T>(b); const c = <T>(d: T) => d;");
    assert_eq!(cast.functions.len(), 2);
}

#[test]
fn what_is_wrong_has_a_reason_and_a_place() {
    let error = lower(FileId(0), "a.js", "var ä = 'abc\n").unwrap_err();
    assert_eq!(error.reason, "unterminated string");
    assert_eq!(error.at.map(|at| at.start()), Some(9));
    assert!(lower(FileId(0), "a.js", "a(\0\u{1F600}").is_err());
    assert!(lower(FileId(0), "a.js", "<html><body>it's</body>").is_err());
}

#[test]
fn files_are_read_in_order_on_all_cores() {
    let sources = [("a.js", "a()"), ("b.json", "[1]"), ("c.ts", "let a: B = (")];
    let sources = sources.map(|(path, text)| Source { file: FileId(0), path, text });
    let read: Vec<_> = lower_all(&sources).into_iter().map(|unit| unit.map(|unit| unit.path).ok()).collect();
    assert_eq!(read, [Some("a.js".to_owned()), Some("b.json".to_owned()), None]);
}

#[test]
fn code_is_told_by_its_name() {
    assert!(["a.js", "b/C.TSX", "d.mjs", "e.cts"].iter().all(|path| is_code(path)));
    assert!(!["a.d.ts", "b.json", "js", "c.d.mts", "d.js.map"].iter().any(|path| is_code(path)));
}

#[test]
fn long_chains_keep_their_order() {
    let names: Vec<String> = (0..500).map(|number| format!("a{number}")).collect();
    let mut open = vec![value(&names.join(" || "))];
    let mut found = Vec::new();
    while let Some(kind) = open.pop() {
        match kind {
            ExprKind::Or(left, right) => open.extend([right.kind, left.kind]),
            ExprKind::Name(name) => found.push(name.to_string()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(found, names);
    assert!(matches!(value("a == b == c"), ExprKind::Binary(Binary::Equal, ..)));
}
