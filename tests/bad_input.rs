//! Whatever it is given, the program ends soon, says what it could not read and why,
//! audits the rest, and neither panics nor lets a file write to the terminal.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod binary;
#[path = "bad_input/keys.rs"]
mod keys;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use binary::{Done, OPEN_CLASS, program, run, run_with, write};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const CLEAN: i32 = 0;
const FOUND: i32 = 1;
const WRONG_USE: i32 = 2;
const INCOMPLETE: i32 = 3;

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), files);
    folder
}

/// An app with one class anyone may delete, and something beside it.
fn beside(files: &[(&str, &[u8])]) -> TempDir {
    let folder = folder(files);
    write(folder.path(), &[("schema/Note.json", OPEN_CLASS.as_bytes())]);
    folder
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/broken").join(name)).expect("a broken file")
}

/// The rest was audited, and every one of the words was said.
fn assert_incomplete(folder: &TempDir, words: &[&str]) -> Done {
    let done = run(folder.path(), &["check", "."]);
    let flat = done.text().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(done.code, INCOMPLETE, "{}", done.all());
    assert!(flat.contains("clp-public-delete at schema/Note.json"), "the rest is audited\n{flat}");
    for word in words {
        assert!(flat.contains(word), "`{word}` is not said\n{flat}");
    }
    done
}

fn assert_wrong_use(done: &Done, words: &[&str]) {
    assert_eq!(done.code, WRONG_USE, "{}", done.all());
    assert_eq!(done.text(), "", "nothing but the mistake is said");
    for word in words {
        assert!(done.err.contains(word), "`{word}` is not said\n{}", done.err);
    }
}

#[test]
fn a_path_that_does_not_exist_is_wrong_use() {
    let folder = folder(&[]);
    for args in [["check", "nowhere"].as_slice(), &["can", "public", "-C", "nowhere"], &["nowhere"]] {
        assert_wrong_use(&run(folder.path(), args), &["error: `nowhere`: no such file"]);
    }
}

#[test]
fn a_folder_without_a_parse_app_is_wrong_use_with_a_hint() {
    for files in [&[][..], &[("a.json", b"{}".as_slice()), ("notes.txt", b"hello"), ("b.bson", b"")]] {
        let done = run(folder(files).path(), &["check", "."]);
        assert_wrong_use(&done, &["no Parse app in `.`", "GET /schemas"]);
    }
}

#[test]
fn broken_json_is_reported_at_its_place_and_the_rest_is_audited() {
    for (file, words) in [
        ("trailing-comma.json", ["broken/trailing-comma.json:1:", "invalid JSON: trailing comma"]),
        ("missing-colon.json", ["broken/missing-colon.json:5:12", "invalid JSON: expected `:`"]),
        ("cut.json", ["broken/cut.json:1:1", "the file ends inside a document"]),
        ("utf16.json", ["broken/utf16.json", "save it as UTF-8"]),
        ("latin1.json", ["broken/latin1.json", "invalid JSON"]),
    ] {
        assert_incomplete(&beside(&[(&format!("broken/{file}"), &fixture(file))]), &words);
    }
}

#[test]
fn broken_bson_is_reported_and_the_rest_is_audited() {
    for (file, words) in [("cut.bson", "the file ends inside a document"), ("length.bson", "invalid BSON")] {
        assert_incomplete(&beside(&[("dump/_User.bson", &fixture(file))]), &["dump/_User.bson", words]);
    }
}

#[test]
fn broken_code_of_the_server_is_reported_at_its_place_and_the_rest_is_audited() {
    for (file, line) in [("cut.js", 3), ("page.js", 1), ("quote.ts", 1)] {
        let server = format!("cloud/{file}");
        let folder = beside(&[(&server, &fixture(file))]);
        let done = assert_incomplete(&folder, &["the file was not analysed"]);
        let place = format!("{server}:{line}:");
        assert!(done.text().contains(&place), "`{place}` is not said\n{}", done.text());
        // Elsewhere nobody runs it on a server.
        let done = run(beside(&[(&format!("public/{file}"), &fixture(file))]).path(), &["check", ".", "--verbose"]);
        assert_eq!(done.code, FOUND, "{}", done.all());
        let place = format!("public/{file}:{line}: not analysed; ");
        assert!(done.text().contains(&place), "`{place}` is not said\n{}", done.text());
    }
    assert_incomplete(&beside(&[("cloud/main.js", &fixture("merge.js"))]), &["cloud/main.js:", "was not analysed"]);
    assert_eq!(run(beside(&[("cloud/main.js", &fixture("latin1.js"))]).path(), &["check", "."]).code, FOUND);
}

#[test]
fn code_that_is_long_deep_or_wide_is_survived() {
    let nested = format!("x = {}1{};", "[(".repeat(100_000), ")]".repeat(100_000));
    let calls = format!("x{};", ".then(y)".repeat(100_000));
    let sum = format!("x = 1{};", " + y".repeat(100_000));
    let types = format!("f({}x);", "a<b, ".repeat(20_000));
    let lines = "call();\n".repeat(400_000);
    let of_code: [(&str, &str); 5] =
        [("nested.js", &nested), ("calls.js", &calls), ("sum.js", &sum), ("types.ts", &types), ("lines.js", &lines)];
    for (name, text) in of_code {
        // Short lines, for else it would be taken for minified.
        let text = text.replace('(', "(\n").replace(' ', "\n");
        let done = run(beside(&[(&format!("cloud/{name}"), text.as_bytes())]).path(), &["check", "."]);
        assert!([FOUND, INCOMPLETE].contains(&done.code), "{name}: {}", done.all());
        assert!(done.text().contains("clp-public-delete"), "{name}: {}", done.all());
        assert!(done.took < Duration::from_secs(30), "{name} took {:?}", done.took);
    }
}

/// One shape is enough to overflow a stack; here all of them lie in one server.
#[test]
fn code_a_hundred_thousand_deep_is_named_and_the_rest_is_audited() {
    // Lines are short, for else it would be taken for minified.
    let nested = |open: &str, middle: &str, close: &str| {
        format!("x =\n{}{middle}{};\n", open.repeat(100_000), close.repeat(100_000))
    };
    let shapes = [
        ("parentheses.js", nested("(\n", "1", ")\n")),
        ("arrays.ts", nested("[\n", "1", "]\n")),
        ("objects.js", nested("{ a:\n", "1", "}\n")),
        ("ternaries.js", nested("a ? b :\n", "1", "")),
        ("templates.js", nested("`${\n", "1", "}`\n")),
        ("arrows.ts", nested("() =>\n", "1", "")),
        ("functions.js", nested("function(){return\n", "1", "}\n")),
        ("calls.mjs", nested("f(\n", "1", ")\n")),
        ("nots.cjs", nested("!\n", "1", "")),
        ("tags.jsx", nested("<a>\n", "", "</a>\n")),
        ("blocks.js", "if (a) {\n".repeat(100_000) + &"}\n".repeat(100_000)),
        ("else-if.js", "if (a) b(); else\n".repeat(100_000) + "c();\n"),
        ("unclosed.js", "([{\n".repeat(100_000)),
    ];
    let files = shapes.iter().map(|(name, text)| (format!("cloud/{name}"), text.as_bytes()));
    let files: Vec<(String, &[u8])> = files.chain([("cloud/main.js".to_owned(), OPEN_HANDLER.as_bytes())]).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let folder = beside(&files);
    let done = assert_incomplete(&folder, &["cloud-master-key-for-anyone at cloud/main.js:1:"]);
    assert!(done.took < Duration::from_secs(60), "it took {:?}", done.took);
    for (name, _) in &shapes {
        let named = done.text().lines().filter(|line| line.contains(&format!("cloud/{name}"))).count();
        assert_eq!(named, 1, "{name}\n{}", done.text());
    }
    let flat = done.text().split_whitespace().collect::<Vec<_>>().join(" ");
    let left_out = flat.matches("nested more than").count() + flat.matches("a chain of more than").count();
    assert_eq!(left_out, shapes.len(), "each for its depth\n{}", done.text());
    assert_eq!(flat.matches("the file was not analysed").count(), shapes.len(), "{}", done.text());
}

/// A handler in which something is found.
const OPEN_HANDLER: &str =
    "Parse.Cloud.define('orders', async () => new Parse.Query('Order').find({ useMasterKey: true }));\n";

#[test]
fn a_line_of_fifty_megabytes_is_not_analysed() {
    let line = "var a=1;".repeat(50 << 17);
    let folder = beside(&[("cloud/app.js", line.as_bytes()), ("cloud/main.js", b"run();\n")]);
    let done = run(folder.path(), &["check", "."]);
    assert_eq!(done.code, FOUND, "{}", done.all());
    assert!(done.text().contains("generated code: 1 file was not analysed"), "{}", done.text());
}

#[test]
fn permissions_with_odd_values_are_audited() {
    let folder = beside(&[("odd.json", &fixture("odd-permissions.json"))]);
    let done = run(folder.path(), &["check", ".", "--verbose"]);
    assert!([FOUND, INCOMPLETE].contains(&done.code), "{}", done.all());
    assert!(done.text().contains("Odd"), "{}", done.all());
    for question in ["find Odd as public", "update Odd as any-user", "get List as public"] {
        assert_eq!(run(folder.path(), &["explain", question]).code, done.code / 3 * 3, "{question}");
    }
}

#[test]
fn a_mistake_in_the_configuration_is_shown_with_line_and_caret() {
    for (text, words) in [
        (
            "version = 1\n[check]\nfailon = \"high\"\n",
            ["parse-audit.toml:3:1: unknown key `failon`", "^^^^^^", "expected one of `fail_on`"],
        ),
        ("version = 1\n[check\n", ["parse-audit.toml:2:", "2 | [check", "^"]),
        ("[check]\nfail_on = \"huge\"\n", ["parse-audit.toml:2:11", "^^^^^^", "expected one of"]),
    ] {
        let folder = beside(&[("parse-audit.toml", text.as_bytes())]);
        assert_wrong_use(&run(folder.path(), &["check", "."]), &words);
        assert_eq!(run(folder.path(), &["check", ".", "--no-config"]).code, FOUND);
    }
    let folder = beside(&[("parse-audit.toml", b"app = \"\xff\"")]);
    assert_wrong_use(&run(folder.path(), &["check", "."]), &["parse-audit.toml", "no text in UTF-8"]);
}

#[test]
fn a_typo_in_a_rule_is_shown_with_line_caret_and_the_keys_that_are_known() {
    let rule =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/data/export-master-key.md")).unwrap();
    let typo = rule.replace("severity ", "severety ");
    let folder = beside(&[("mine/rule.md", typo.as_bytes())]);
    let words = ["mine/rule.md:4:1: unknown key `severety`", "^^^^^^^^", "`severity`", "`confidence`"];
    for args in [["check", ".", "--rules", "mine"].as_slice(), &["rules", "list", "--rules", "mine/rule.md"]] {
        assert_wrong_use(&run(folder.path(), args), &words);
    }
    assert_wrong_use(&run(folder.path(), &["check", ".", "--rules", "schema"]), &["has no rule files"]);
}

#[test]
fn a_folder_in_place_of_a_file_is_refused_with_its_name() {
    let folder = beside(&[("x/empty", b"")]);
    let done = run(folder.path(), &["check", ".", "--config", "x"]);
    assert_wrong_use(&done, &["error: `x`: is a directory"]);
    let done = run(folder.path(), &["check", ".", "--output", "json=x/no/out.json"]);
    assert_wrong_use(&done, &["`x/no/out.json` could not be written", "no such file"]);
    assert_wrong_use(&run(folder.path(), &["check", ".", "--output", "json=x"]), &["`x` could not be written"]);
}

/// Root reads everything; then it is checked that closed doors make no difference to it.
#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_reported_and_the_rest_is_audited() {
    use std::os::unix::fs::PermissionsExt;
    let folder = beside(&[("shut/Room.json", OPEN_CLASS.replace("Note", "Room").as_bytes()), ("Cell.json", b"{}")]);
    let (room, cell) = (folder.path().join("shut"), folder.path().join("Cell.json"));
    fs::set_permissions(&cell, fs::Permissions::from_mode(0o0)).expect("closed");
    fs::set_permissions(&room, fs::Permissions::from_mode(0o0)).expect("closed");
    let is_root = File::open(&cell).is_ok();
    if is_root {
        let done = run(folder.path(), &["check", "."]);
        assert_eq!(done.code, FOUND, "root reads everything\n{}", done.all());
        assert!(done.text().contains("Room"), "{}", done.all());
    } else {
        assert_incomplete(&folder, &["shut: permission denied", "Cell.json: permission denied"]);
    }
    fs::set_permissions(&room, fs::Permissions::from_mode(0o755)).expect("opened");
}

#[test]
fn a_zip_that_is_cut_is_reported() {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("A.json", SimpleFileOptions::default()).unwrap();
    zip.write_all(OPEN_CLASS.replace("Note", "A").as_bytes()).unwrap();
    let whole = zip.finish().unwrap().into_inner();
    assert_incomplete(
        &beside(&[("export.zip", &whole[..whole.len() / 2])]),
        &["export.zip", "the archive was not read"],
    );
    // The directory is whole and what it points to is not.
    let mut bent = whole.clone();
    bent[40..60].fill(0xff);
    assert_incomplete(&beside(&[("export.zip", &bent)]), &["export.zip"]);
}

#[test]
fn a_small_zip_with_a_huge_file_is_not_unpacked_into_memory() {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, begin) in
        [("_User.json", r#"[{"objectId":"a","ACL":{},"x":""#), ("A.json", r#"{"className":"A","fields":{"#)]
    {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(begin.as_bytes()).unwrap();
        let blanks = vec![b' '; 1 << 20];
        (0..100).for_each(|_| zip.write_all(&blanks).unwrap());
    }
    let bytes = zip.finish().unwrap().into_inner();
    assert!(bytes.len() < 1 << 20, "a bomb is small");
    assert_incomplete(&beside(&[("bomb.zip", &bytes)]), &["bomb.zip", "a document is longer than 64 MiB"]);
}

#[test]
fn a_sparse_file_of_two_gigabytes_is_reported_soon() {
    let beginnings: [(&str, &[u8]); 5] = [
        ("Huge.json", br#"{ "className": "Huge", "classLevelPermissions": {"#),
        ("Huge.ndjson", b"{ \"objectId\": \"a\", \"createdAt\": \"\", \"ACL\": {} }\n"),
        ("_User.bson", b"\x16\0\0\0\x02_id\0\x02\0\0\0a\0\x0a_rperm\0\0"),
        ("dump.sql", b"-- PostgreSQL database dump\nINSERT INTO public.\"A\" VALUES ('"),
        ("schema.json", b"{\"className\":\"Big\",\"fields\":{},\"classLevelPermissions\":{}}\n"),
    ];
    for (name, beginning) in beginnings {
        let folder = beside(&[(name, beginning)]);
        let file = File::options().write(true).open(folder.path().join(name)).expect("a file");
        file.set_len(2 << 30).expect("a sparse file");
        let done = assert_incomplete(&folder, &[name]);
        assert!(done.took < Duration::from_secs(30), "{name} took {:?}", done.took);
    }
    let zeros = beside(&[("zeros.json", b"")]);
    File::options().write(true).open(zeros.path().join("zeros.json")).unwrap().set_len(2 << 30).unwrap();
    assert_eq!(run(zeros.path(), &["check", "."]).code, FOUND, "zeros say nothing about an app");
}

#[test]
fn json_a_hundred_thousand_deep_is_survived() {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    let (list, unclosed) = ("[".repeat(100_000), r#"{"className":"#.repeat(100_000));
    let schema = format!(r#"{{ "className": "Deep", "classLevelPermissions": {deep} }}"#);
    let second = format!("{}\n{{ \"className\": \"B\", \"fields\": {deep} }}\n", OPEN_CLASS.replace("Note", "C"));
    let row = format!("{{ \"objectId\": \"a\", \"createdAt\": 1, \"ACL\": {{ \"*\": {deep} }}, \"x\": {deep} }}");
    let toml = format!("a = {}", "[".repeat(100_000));
    for (name, text) in [("a.json", &schema), ("b.ndjson", &second), ("c.json", &unclosed)] {
        assert_incomplete(&beside(&[(name, text.as_bytes())]), &[name]);
    }
    let done = run(beside(&[("Row.json", row.as_bytes()), ("l.json", list.as_bytes())]).path(), &["check", "."]);
    assert!([FOUND, INCOMPLETE].contains(&done.code), "{}", done.all());
    let done = run(beside(&[("parse-audit.toml", toml.as_bytes())]).path(), &["check", "."]);
    assert_wrong_use(&done, &["parse-audit.toml:1:"]);
}

#[test]
fn roles_in_a_circle_end() {
    let rows: String = (0..300)
        .map(|n| format!("{{\"objectId\":\"role{n:06}\",\"name\":\"r{n}\",\"ACL\":{{}},\"createdAt\":\"\"}}\n"))
        .collect();
    let pairs: String = (0..300)
        .map(|n| format!("{{\"owningId\":\"role{n:06}\",\"relatedId\":\"role{:06}\"}}\n", (n + 1) % 300))
        .collect();
    let folder = beside(&[("_Role.json", rows.as_bytes()), ("_Join꞉roles꞉_Role.json", pairs.as_bytes())]);
    let done = run(folder.path(), &["check", ".", "--verbose"]);
    assert_eq!(done.code, FOUND, "{}", done.all());
    assert!(done.text().contains("role-cycle at _Role.json"), "{}", done.text());
    assert_eq!(run(folder.path(), &["can", "role:r7"]).code, CLEAN);
    assert_eq!(run(folder.path(), &["who-can", "delete", "Note"]).code, CLEAN);
}

const FORMATS: [&str; 5] = ["text", "json", "sarif", "github", "csv"];

#[cfg(unix)]
#[test]
fn names_with_escape_sequences_do_not_reach_the_terminal() {
    let evil = "\\u001b[31mred\\u001b]0;title\\u0007\\n::error::x\\r\\u202e";
    let class = format!(
        r#"[{{ "className": "{evil}", "fields": {{ "{evil}": {{ "type": "String" }}, "objectId": {{ "type": "String" }} }},
        "classLevelPermissions": {{ "delete": {{ "*": true, "role:{evil}": true }}, "{evil}": 1 }} }}]"#
    );
    let raw = "{ \"className\": \"R\", \"classLevelPermissions\": { \"\u{1b}[31m\": \u{1b} } }";
    let folder =
        beside(&[("a\n::error::name\u{1b}[31m.json", class.as_bytes()), ("b\u{1b}]0;x\u{7}/c\r.json", raw.as_bytes())]);
    for format in FORMATS {
        let done = run(folder.path(), &["check", ".", "--verbose", "--output", format]);
        assert_eq!(done.code, INCOMPLETE, "{}", done.all());
        let acts = |byte: &u8| *byte != b'\n' && *byte < b' ' && !(format == "csv" && *byte == b'\r');
        assert!(!done.out.iter().any(acts), "{format} lets a sequence through\n{:?}", done.text());
        assert!(!done.err.contains('\u{1b}'), "{format}\n{:?}", done.err);
        let commands = done.text().lines().filter(|line| line.starts_with("::error::")).count();
        assert_eq!(commands, 0, "{format} lets a name become a command\n{}", done.text());
    }
    for args in
        [["can", "public"], ["can", "role:\u{1b}[31m"], ["explain", "find \u{1b}[31m as public"], ["who-can", "\u{1b}"]]
    {
        assert!(!run(folder.path(), &args).all().contains('\u{1b}'), "{args:?}");
    }
    for args in [["check", "no\u{1b}[31m"], ["check", "--select=\u{1b}[31m"], ["check", "--output=\u{1b}[31m"]] {
        assert!(!run(folder.path(), &args).all().contains('\u{1b}'), "{args:?}");
    }
}

#[test]
fn a_long_line_is_not_shown_as_a_whole() {
    let fields: String = (0..200_000).map(|n| format!(r#""field{n}":{{"type":"String"}},"#)).collect();
    let line = format!(
        r#"[{{"className":"Wide","fields":{{{fields}"objectId":{{"type":"String"}}}},"classLevelPermissions":{{"delete":{{"*":true}}}}}}]"#
    );
    let done = run(folder(&[("all.json", line.as_bytes())]).path(), &["check", "."]);
    assert_eq!(done.code, FOUND, "{}", done.err);
    assert!(done.text().contains("clp-public-delete at all.json:1:"), "{}", done.text());
    let longest = done.text().lines().map(str::len).max().unwrap_or_default();
    assert!(longest < 400, "a line of {longest} bytes");
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_end() {
    let folder = beside(&[]);
    for (link, to) in [("loop", "loop"), ("up", "."), ("schema/up", ".."), ("gone.json", "nowhere")] {
        std::os::unix::fs::symlink(to, folder.path().join(link)).expect("a link");
    }
    let done = run(folder.path(), &["check", "."]);
    assert_eq!(done.code, FOUND, "{}", done.all());
    assert_wrong_use(&run(folder.path(), &["check", "loop"]), &["`loop`"]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_mistake() {
    let folder = tempfile::tempdir().expect("a folder");
    let classes: Vec<String> = (0..800).map(|n| OPEN_CLASS.replace("Note", &format!("Note{n}"))).collect();
    write(folder.path(), &[("all.json", format!("[{}]", classes.join(",\n")).as_bytes())]);
    for (args, code) in [
        (["check", ".", "--verbose", "-o", "text", "-o", "sarif=audit.sarif"].as_slice(), FOUND),
        (&["check", ".", "-o", "json"], FOUND),
        (&["check", ".", "-o", "csv"], FOUND),
        (&["check", ".", "-o", "sarif"], FOUND),
        (&["check", ".", "-o", "github"], FOUND),
        (&["can", "public"], CLEAN),
    ] {
        let mut child = program(folder.path(), args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut first).expect("a line");
        let done = child.wait_with_output().expect("the program is ours");
        assert!(!first.is_empty());
        assert_eq!(String::from_utf8_lossy(&done.stderr), "", "{args:?}");
        assert_eq!(done.status.code(), Some(code), "{args:?}");
    }
    assert!(folder.path().join("audit.sarif").is_file(), "other reports are written");
}

#[test]
fn an_exit_code_is_the_same_whoever_reads() {
    let folder = beside(&[("Open.json", OPEN_CLASS.as_bytes())]);
    assert_eq!(run(folder.path(), &["snapshot"]).code, CLEAN);
    let same = |args: &[&str], code: i32| {
        assert_eq!(run(folder.path(), args).code, code, "{args:?}");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let done = program(folder.path(), args).stdout(writer).stderr(Stdio::piped()).output().expect("it runs");
        assert_eq!((done.status.code(), String::from_utf8_lossy(&done.stderr).as_ref()), (Some(code), ""), "{args:?}");
    };
    write(folder.path(), &[("Open.json", OPEN_CLASS.replace("delete", "find").as_bytes())]);
    for args in [
        ["drift", "lock", "code"].as_slice(),
        &["snapshot", "--check"],
        &["check"],
        &["check", "-o", "text=/dev/stdout"],
    ] {
        same(args, FOUND);
    }
    write(folder.path(), &[("Broken.json", b"{\"className\":\"B\",\"classLevelPermissions\":{".as_slice())]);
    for args in [["who-can", "find", "Note"].as_slice(), &["can", "public"], &["drift", "lock", "code"], &["check"]] {
        same(args, INCOMPLETE);
    }
}

#[test]
fn one_thread_and_many_say_the_same() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for format in FORMATS {
        for below in ["samples", "broken"] {
            let args = ["check", below, "--verbose", "--output", format];
            let one = run_with(&samples, &args, &[("RAYON_NUM_THREADS", "1")]);
            assert!(!one.out.is_empty(), "{}", one.err);
            for _ in 0..3 {
                let many = run_with(&samples, &args, &[("RAYON_NUM_THREADS", "8")]);
                assert_eq!((one.code, &one.err), (many.code, &many.err));
                assert!(one.out == many.out, "{format} of {below} differs");
            }
        }
    }
}
