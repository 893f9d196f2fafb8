//! What is carried over and what is searched again make the whole, on edited texts.

use proptest::prelude::*;

use super::*;
use crate::secrets::base64::encoded;
use crate::secrets::redact::Salt;

fn scanner() -> Scanner {
    Scanner::new(&crate::rules::loader::built_in().expect("rules"), Salt::default()).expect("a scanner")
}

/// Pieces of texts: words, keys and parts of keys, comments, ends of lines, and much that is nothing.
fn piece() -> impl Strategy<Value = String> {
    let pem = format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n", "MIIEow+8Zq1pTz/4Ljk".repeat(20));
    prop_oneof![
        "masterKey: '[a-zA-Z0-9]{6,24}',\n",
        "password[=:] ?\"?[a-zA-Z0-9!#]{4,12}\"?\n",
        "mongodb://admin:[a-z0-9]{3,9}@db\\.example\\.org/x\n",
        "[ -~]{0,30}",
        "[a-z ]{200,700}",
        Just("masterKey".to_owned()),
        Just(": 'Cedar#77310'".to_owned()),
        Just(" // gitleaks:allow".to_owned()),
        Just("sk_live_4eC39HqLyjWDarjtT1zdp7dc\n".to_owned()),
        Just("\n".to_owned()),
        Just("-----END RSA PRIVATE KEY-----\n".to_owned()),
        Just(pem),
        "[a-z ]{0,9}: [A-Za-z0-9+/=_-]{18,40}\n",
        "masterKey: '[a-zA-Z0-9]{12,24}'".prop_map(|held| format!("data: {}", encoded(&held))),
        "[a-zA-Z0-9]{15,24}".prop_map(|key| format!("masterKey: '{}'\n", encoded(&key))),
        "sk_live_4eC39HqLyjWDarjtT1zdp7d[a-z]".prop_map(|held| encoded(&held)),
        Just(encoded("masterKey: 'Cedar#77310', x")[..20].to_owned()),
        Just(encoded("masterKey: 'Cedar#77310', x")[20..].to_owned()),
    ]
}

/// A text, and one made from it: numbers of pieces to copy from where to where, or new text.
fn edit() -> impl Strategy<Value = (String, Vec<(prop::sample::Index, prop::sample::Index, String)>)> {
    let step = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        prop_oneof![3 => Just(String::new()), 2 => piece()],
    );
    let text = prop::collection::vec(piece(), 0..30).prop_map(|pieces| pieces.concat());
    (text, prop::collection::vec(step, 0..6))
}

/// Paths of a text and of the one it was made from, about which different rules are.
fn paths() -> impl Strategy<Value = (&'static str, &'static str)> {
    let path =
        || prop::sample::select(vec!["src/config.js", "config/.env", "spec/a.spec.js", "README.md", "ios/App.swift"]);
    prop_oneof![path().prop_map(|path| (path, path)), (path(), path())]
}

fn made_from(
    text: &str,
    steps: &[(prop::sample::Index, prop::sample::Index, String)],
    in_order: bool,
) -> (String, Vec<Copied>) {
    let (mut made, mut copied, mut last) = (String::new(), Vec::new(), 0);
    for (from, to, new) in steps {
        let (a, b) = (from.index(text.len() + 1), to.index(text.len() + 1));
        let (start, end) = if in_order { (last, (last + a.min(b)).min(text.len())) } else { (a.min(b), a.max(b)) };
        last = end;
        copied.push(Copied { at: short(made.len()), from: short(start), length: short(end - start) });
        made.push_str(&text[start..end]);
        made.push_str(new);
    }
    (made, copied)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_carried_over_and_what_is_searched_again_make_the_whole((text, steps) in edit(), in_order: bool, paths in paths()) {
        let scanner = SCANNER.get_or_init(scanner);
        let (made, copied) = made_from(&text, &steps, in_order);
        let (old, new) = (scanner.rules_for(paths.0), scanner.rules_for(paths.1));
        let before = scanner.search(text.as_bytes(), &old);
        let rest = scanner.search_rest(made.as_bytes(), &new, &before, &copied);
        prop_assert_eq!(&rest, &scanner.search(made.as_bytes(), &new));
    }

    #[test]
    fn a_text_has_the_same_keys_either_way(pieces in prop::collection::vec(piece(), 0..30), paths in paths()) {
        let scanner = SCANNER.get_or_init(scanner);
        let text = pieces.concat();
        let searched = scanner.search(text.as_bytes(), &scanner.rules_for(paths.0));
        let hits = scanner.hits(paths.0, text.as_bytes(), &searched);
        prop_assert_eq!(hits, scanner.in_text(paths.0, text.as_bytes()));
    }
}

static SCANNER: std::sync::OnceLock<Scanner> = std::sync::OnceLock::new();

#[test]
fn a_key_whose_word_lies_in_another_part_is_found() {
    let scanner = scanner();
    let rules = scanner.rules_for("a.js");
    let before = scanner.search(b"masterKey: process.env.KEY\n", &rules);
    let text = b"masterKey: 'Cedar#77310'\n";
    let copied = [Copied { at: 0, from: 0, length: 11 }, Copied { at: 24, from: 26, length: 1 }];
    let rest = scanner.search_rest(text, &rules, &before, &copied);
    assert_eq!(scanner.hits("a.js", text, &rest).len(), 1);
}
