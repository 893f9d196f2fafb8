//! Keys in what a person types or writes for this program: arguments, its configuration, rules, ignores.

use std::fs;

use super::binary::{OPEN_CLASS, run_with, write};
use super::leaks::Leaks;

/// What is known for a key wherever it stands, and one that is known by what stands before it.
const KEYS: [&str; 2] = ["glpat-Hq7Tz3Vn9Kx2Rw5Lm8Bc", "Wd4Ps8Yk2Gt6Jv9Nf3Xb7Mh5Qz"];

/// A key as it is written where words are expected.
fn written() -> String {
    format!("{} with masterKey: '{}'", KEYS[0], KEYS[1])
}

fn leaks() -> Leaks {
    Leaks::new(&KEYS.map(|key| (format!("{}…", &key[..4]), key.to_owned())))
}

#[test]
fn a_key_in_the_configuration_is_in_no_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let ignore = |finding: &str, more: &str| format!("{{ reason = \"{}\", finding = \"{finding}\"{more} }}", written());
    let ignores = [
        ignore("clp-public-delete:Note.delete", ""),
        ignore("clp-public-find:Note.find", ""),
        ignore("no-such-rule:Note", ", until = \"2020-01-01\""),
    ];
    let config = format!("app = \"{}\"\nignore = [{}]\n", written(), ignores.join(", "));
    let ignored = format!("// parse-audit-ignore-next-line code-eval -- {}\nrun();\n", written());
    write(
        folder.path(),
        &[
            ("Note.json", OPEN_CLASS.as_bytes()),
            ("cloud/main.js", ignored.as_bytes()),
            ("parse-audit.toml", config.as_bytes()),
        ],
    );
    for only in [&[][..], &["--select", "clp-*,ignore-*"]] {
        for format in ["text", "sarif", "json", "github", "csv"] {
            let arguments = [&["check", "--verbose", "--min-severity", "info", "-o", format], only].concat();
            let done = run_with(folder.path(), &arguments, &[]);
            assert!(done.code <= 1 && !done.out.is_empty(), "{}", done.err);
            assert_eq!(leaks().in_text(format, &done.all()), [""; 0]);
            let (shows, said) = (matches!(format, "text" | "json"), done.text());
            assert!(!shows || said.contains("with masterKey: '***"), "the reason is shown\n{said}");
        }
    }
}

#[test]
fn a_key_in_what_is_wrong_is_not_quoted() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &[("Note.json", OPEN_CLASS.as_bytes())]);
    let key = KEYS[0];
    let (range, format) = (format!("{key}..HEAD"), format!("sarif-{key}"));
    let address = format!("https://user:{}@api.shop.net/parse", KEYS[1]);
    let header = format!("X-Parse-Master-Key: '{}'", KEYS[1]);
    let wrong: [&[&str]; 14] = [
        &["check", key],
        &["check", "--since", key],
        &["check", "--commits", &range],
        &["check", "--select", key],
        &["check", "--fail-on", key],
        &["check", "--output", &format],
        &["check", "--config", key],
        &["check", "--rules", key],
        &["check", "--verify", &address],
        &["check", "--verify", &header],
        &["who-can", key, "Note"],
        &["who-can", "find", key],
        &["explain", key],
        &[key, &header],
    ];
    for arguments in wrong {
        for color in ["never", "always"] {
            let arguments = [arguments, &["--color", color]].concat();
            let done = run_with(folder.path(), &arguments, &[("PARSE_SERVER_APPLICATION_ID", "shop")]);
            assert_eq!(done.code, 2, "{arguments:?}: {}", done.all());
            assert_eq!(leaks().in_text(&format!("{arguments:?}"), &done.all()), [""; 0]);
            assert!(done.err.starts_with("error: ") && done.err.len() > 20, "{}", done.err);
        }
    }
    for config in [
        format!("[check]\nfail-on = \"{key}\"\n"),
        format!("[check]\nselect = [\"{key}\"]\n"),
        format!("[[ignore]]\nreason = \"{}\n", written()),
        format!("masterKey = '{}'\n", KEYS[1]),
        format!("\"{key}\" = 1\n"),
        format!("[server]\nversion = \"{key}\"\n"),
    ] {
        fs::write(folder.path().join("parse-audit.toml"), &config).expect("a file");
        let done = run_with(folder.path(), &["check"], &[]);
        assert_eq!(done.code, 2, "{config}: {}", done.all());
        assert_eq!(leaks().in_text(&config, &done.all()), [""; 0]);
    }
}
