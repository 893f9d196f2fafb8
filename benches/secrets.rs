//! How fast texts are searched for keys, and that the number of rules does not matter: the built-in ones,
//! and those with rules of another scanner up to a hundred and up to a thousand.

#![allow(clippy::expect_used, reason = "a bench may fail loudly")]

mod generate;

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput};
use generate::Random;
use parse_audit::rules::Rule;
use parse_audit::rules::import::Tool;
use parse_audit::rules::loader::built_in;
use parse_audit::secrets::Scanner;
use parse_audit::secrets::redact::Salt;

/// Bytes of text.
const LENGTH: usize = 16 << 20;

fn main() {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let text = text();
    let mut group = criterion.benchmark_group("secrets");
    group.throughput(Throughput::Bytes(text.len() as u64));
    let of_their_own = built_in().expect("the built-in rules");
    for count in [0, 100, 1000] {
        let mut rules = of_their_own.clone();
        let keys = rules.iter().filter(|rule| rule.tags.iter().any(|tag| tag == "secrets")).count();
        rules.extend(others(usize::saturating_sub(count, keys)));
        let scanner = Scanner::new(&rules, Salt::default()).expect("a scanner");
        let name = if count == 0 { format!("{keys} rules, built-in") } else { format!("{count} rules") };
        group.bench_function(name, |bench| bench.iter(|| black_box(scanner.in_text("cloud/main.js", text.as_bytes()))));
    }
    group.finish();
}

/// Rules as gitleaks has them: each with a word of its own and a token behind it.
fn others(count: usize) -> Vec<Rule> {
    let mut random = Random::new(3);
    let mut toml = String::new();
    for number in 0..count {
        let word: String = (0..4 + random.below(8)).map(|_| letter(&mut random)).collect();
        let _ = write!(
            toml,
            "[[rules]]\nid = \"service-{number}\"\ndescription = \"a token\"\nkeywords = [\"{word}_\"]\nregex = '''\\b({word}_[a-z0-9]{{32}})\\b'''\n\n"
        );
    }
    if count == 0 {
        return Vec::new();
    }
    Tool::Gitleaks.read("rules.toml", &toml).expect("rules of gitleaks").rules
}

fn letter(random: &mut Random) -> char {
    char::from(b'a' + random.below(26) as u8)
}

/// Code as it is written: words that rules look for are among the others.
fn text() -> String {
    let mut random = Random::new(5);
    let mut text = String::with_capacity(LENGTH + 200);
    const AFTER: [&str; 5] = ["", "(", " =", ".get('name')", ";"];
    let one = |random: &mut Random, of: &[&'static str]| {
        of.get(random.below(of.len() as u64) as usize).copied().unwrap_or_default()
    };
    let words = ["const", "query", "await", "order", "total", "user", "return", "password", "items", "token", "key"];
    while text.len() < LENGTH {
        for _ in 0..4 + random.below(8) {
            let (word, after) = (one(&mut random, &words), one(&mut random, &AFTER));
            let _ = write!(text, "{word}{after} ");
        }
        text.push('\n');
    }
    text
}
