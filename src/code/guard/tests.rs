//! Hostile texts: each is refused or read, soon, and without a stack that overflows.

use std::time::{Duration, Instant};

use crate::code::lower::{Unreadable, lower, lower_json};
use crate::model::{FileId, Unit};

/// Levels of each shape.
const LEVELS: usize = 100_000;

/// Reads a text on a thread with the stack of a test, drops the result, and checks the time.
fn read(path: &str, text: &str) -> Result<(), Unreadable> {
    let begin = Instant::now();
    let done = lower(FileId(0), path, text).map(drop);
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(5), "{path}: {took:?} for {:?}", text.get(..40));
    done
}

/// `begin` × n + `middle` + `end` × n.
fn nested(levels: usize, begin: &str, middle: &str, end: &str) -> String {
    format!("{}{middle}{}", begin.repeat(levels), end.repeat(levels))
}

/// Shapes that nest: begin, middle, end.
const SHAPES: [(&str, &str, &str); 46] = [
    ("(", "1", ")"),
    ("[", "1", "]"),
    ("x = {a:", "1", "}"),
    ("({a:", "1", "})"),
    ("`${", "1", "}`"),
    ("a ? b : ", "1", ""),
    ("a ? ", "1", " : b"),
    ("if (a) b; else ", "c;", ""),
    ("if (a) {} else ", "{}", ""),
    ("if (a) ", "b;", ""),
    ("if (a) {", "b;", "}"),
    ("if (a)\u{a0}", "b;", ""),
    ("for (;;) ", "b;", ""),
    ("while (a) ", "b;", ""),
    ("do ", "b;", " while (a);"),
    ("with (a) ", "b;", ""),
    ("a: ", "b;", ""),
    ("{", "b;", "}"),
    ("function f() {", "", "}"),
    ("(function () {", "", "})()"),
    ("a => ", "b", ""),
    ("async a => ", "b", ""),
    ("() => {", "b", "}"),
    ("<a>", "b", "</a>"),
    ("<a b={", "c", "}/>"),
    ("<a b=", "<c/>", "/>"),
    ("f(", "a", ")"),
    ("f(function () { g(", "a", ")})"),
    ("new ", "A", ""),
    ("!", "a", ""),
    ("-", "a", ""),
    ("- ", "a", ""),
    ("typeof ", "a", ""),
    ("await ", "a", ""),
    ("a ** ", "a", ""),
    ("a = ", "a", ""),
    ("a.b = ", "a", ""),
    ("class A { a = ", "1", "}"),
    ("class A extends (", "B", ") {}"),
    ("switch (a) { case 1: ", "b", "}"),
    ("try {", "b", "} catch {}"),
    ("a[", "1", "]"),
    ("[", "a", "] = b"),
    ("({a: ", "a", "} = b)"),
    ("let {a: ", "a", "} = b"),
    ("yield ", "a", ""),
];

/// Shapes that follow each other and yet make a high tree.
const CHAINS: [(&str, &str); 20] = [
    ("a", " + a"),
    ("a", " || a"),
    ("a", " && a"),
    ("a", " ?? a"),
    ("a", " - a"),
    ("a", " + a - a"),
    ("a", " && a || a"),
    ("a", " == a"),
    ("a", " < a"),
    ("a", " > a"),
    ("a", " in a"),
    ("a", ".b"),
    ("a", "?.b"),
    ("a", "[0]"),
    ("a", "()"),
    ("a", ".then(b)"),
    ("a", "`b`"),
    ("a", "!"),
    ("1.", ".a"),
    ("a", " as b"),
];

/// Shapes of types.
const TYPES: [(&str, &str, &str); 8] = [
    ("let a: A<", "B", ">"),
    ("f<", "a", ">()"),
    ("type A = [", "B", "]"),
    ("type A = {a: ", "B", "}"),
    ("type A = (a: ", "B", ") => C"),
    ("type A = B extends C ? D : ", "E", ""),
    ("type A = keyof ", "B", ""),
    ("let a: B", "", "[]"),
];

#[test]
fn what_is_nested_deep_ends_soon() {
    for path in ["a.js", "a.ts", "a.tsx"] {
        for (begin, middle, end) in SHAPES.into_iter().chain(TYPES) {
            let text = nested(LEVELS, begin, middle, end);
            assert!(read(path, &text).is_err(), "{path}: {begin}");
        }
        for (first, next) in CHAINS {
            assert!(read(path, &format!("{first}{}", next.repeat(LEVELS))).is_err(), "{path}: {next}");
        }
    }
}

#[test]
fn what_is_nested_as_deep_as_allowed_is_read_and_dropped() {
    for path in ["a.js", "a.tsx"] {
        for levels in [245, 490, 1_990] {
            for (begin, middle, end) in SHAPES.into_iter().chain(TYPES) {
                let _ = read(path, &nested(levels, begin, middle, end));
            }
            for (first, next) in CHAINS {
                let _ = read(path, &format!("{first}{}", next.repeat(levels)));
            }
        }
    }
}

#[test]
fn the_highest_tree_is_read_and_dropped() {
    let bangs = "!".repeat(1_980);
    for (begin, end) in [("(", ")"), ("[", "]"), ("(() => {", "})"), ("({a: ", "})"), ("f(", ")")] {
        let levels = 490 / begin.matches(['(', '[', '{']).count();
        let text = nested(levels, begin, &format!("{bangs}a"), end);
        assert_eq!(read("a.js", &text), Ok(()), "{begin}");
    }
}

#[test]
fn long_sums_and_alternatives_are_read() {
    for next in [" + a", " || a", " && a", " ?? a", " | a", " * a"] {
        assert_eq!(read("a.js", &format!("a{}", next.repeat(19_000))), Ok(()), "{next}");
    }
}

#[test]
fn depth_hidden_in_pieces_is_added_up() {
    let bangs = "!".repeat(1_900);
    let ifs = "if (a) ".repeat(1_900);
    let members = ".b".repeat(1_900);
    for (begin, middle, end) in [
        (format!("{bangs}("), "a", ")".to_owned()),
        (format!("{ifs} a, (function () {{"), "a", "})".to_owned()),
        ("(".to_owned(), "a", format!("){members}")),
        (format!("({ifs}"), "a", ")".to_owned()),
    ] {
        assert!(read("a.js", &nested(300, &begin, middle, &end)).is_err());
    }
}

#[test]
fn types_that_are_tried_in_vain_are_few() {
    for text in ["f(a<b,".repeat(20_000), "a<".repeat(20_000), format!("f({})", "a<b,".repeat(50_000))] {
        assert!(read("a.ts", &text).is_err());
        let _ = read("a.js", &text);
    }
    let comparisons = "if (a < b) { c(d < e); }\n".repeat(5_000);
    assert_eq!(read("a.ts", &comparisons), Ok(()));
    let inside = format!("export class A {{ a(): B<C> {{ {comparisons} }} }}");
    assert_eq!(read("a.ts", &inside), Ok(()));
    assert_eq!(read("a.ts", &format!("describe('a', () => {{ {comparisons} }});")), Ok(()));
}

#[test]
fn a_long_line_is_refused() {
    let error = lower(FileId(0), "a.js", &"a();".repeat(13_000_000)).map(|_: Unit| ()).unwrap_err();
    assert_eq!(error.reason, "longer than 2 MiB");
    let nested = lower_json(FileId(0), "a.json", &nested(LEVELS, "[", "", "]")).map(|_: Unit| ()).unwrap_err();
    assert_eq!(nested.reason, "brackets are nested more than 500 deep");
}

#[test]
fn flat_code_is_read_however_long() {
    for line in [
        "a = b\n",
        "a.b = function () { return 1 }\n",
        "if (a) b()\n",
        "if (a) { b() } else { c() }\n",
        "for (let i = 0; i < 3; i++) b(i)\n",
        "do { a() } while (b)\n",
        "function f() {}\n",
        "const f = async (a) => { await b(a) }\n",
        "switch (a) { case 1: b(); break; default: c() }\n",
        "!function () {}();\n",
        "a(/[/]'(/.test(b) ? 'c' : \"d\");\n",
        "`a ${b} ${`c ${d}`}`;\n",
        "// it's (\n/* ` */\n",
        "x = a / b / c; y = a /b/ c;\n",
        "if (a) /'/.test(b)\n",
        "export const a0 = <div title='('>Don't {`(`} ( <b/></div>;\n",
    ] {
        let text = line.repeat(5_000);
        // `export const` is declared again and again; only the guard is asked.
        assert_eq!(super::check(&text, super::Syntax::JavaScript), Ok(()), "{line}");
    }
    let cases = "case 'a': case 'b': return c\n".repeat(5_000);
    assert_eq!(read("a.js", &format!("switch (a) {{ {cases} }}")), Ok(()));
    let entries = "a: b ? c : d, e: { f: () => g },\n".repeat(5_000);
    assert_eq!(read("a.js", &format!("module.exports = {{ {entries} }}")), Ok(()));
    let members = "a: string\nb?: number; c(d: E): F<G>\n".repeat(5_000);
    assert_eq!(read("a.ts", &format!("interface A {{ {members} }}")), Ok(()));
}
