//! Files of any size and kind in which keys are looked for.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::binary::{Done, run};
use crate::{CLEAN, FOUND, assert_wrong_use, beside, folder};

/// A line with a master key, made up here so that no file of the repository holds one.
fn header() -> Vec<u8> {
    let key: String = ("0123456789".chars().zip("QzKdmXvTnR".chars())).flat_map(|(a, b)| [b, a]).collect();
    format!("curl -H 'X-Parse-Master-Key: {key}a7Bd' https://example.org/parse/schemas\n").into_bytes()
}

#[test]
fn a_key_is_told_where_there_is_no_app() {
    let folder = folder(&[("notes.txt", &header())]);
    let done = run(folder.path(), &["check", "."]);
    assert_eq!(done.code, FOUND, "{}", done.all());
    assert!(done.text().contains("secret-parse-master-key-header"), "{}", done.all());
}

#[test]
fn where_keys_alone_are_asked_for_nothing_else_is_read() {
    let folder = beside(&[("notes.txt", &header()), ("cloud/main.js", b"this is ( no code")]);
    for names in ["secrets", "secret-*"] {
        let done = run(folder.path(), &["check", ".", "--select", names]);
        assert_eq!(done.code, FOUND, "{}", done.all());
        assert!(done.text().contains("secret-parse-master-key-header"), "{}", done.all());
        assert!(done.text().contains("all but keys"), "{}", done.all());
        assert!(!done.text().contains("clp-public-delete"), "{}", done.all());
    }
    let clean = run(beside(&[]).path(), &["check", ".", "--select", "secrets"]);
    assert_eq!(clean.code, CLEAN, "{}", clean.all());
}

/// What `check` says about keys and nothing else.
fn keys_of(folder: &TempDir, more: &[&str]) -> Done {
    run(folder.path(), &[&["check", ".", "--select", "secrets"], more].concat())
}

#[test]
fn a_key_is_found_at_the_end_of_a_long_line_and_of_many() {
    let lines = "const a = 1;\n".repeat(1 << 20);
    let line = "var a=1;".repeat(3 << 19);
    for text in [lines, line] {
        let folder = folder(&[("notes.txt", &[text.as_bytes(), b"\n", &header()].concat())]);
        let done = keys_of(&folder, &[]);
        assert_eq!(done.code, FOUND, "{}", done.all());
        assert!(done.text().contains("secret-parse-master-key-header at notes.txt"), "{}", done.all());
    }
}

#[test]
fn a_binary_of_any_size_is_no_text() {
    let folder = folder(&[("a.txt", &header()), ("image.dat", b"\x7fELF\0")]);
    let file = File::options().write(true).open(folder.path().join("image.dat")).expect("a file");
    file.set_len(8 << 30).expect("a sparse file");
    let done = keys_of(&folder, &[]);
    assert_eq!(done.code, FOUND, "{}", done.all());
    assert!(done.took < Duration::from_secs(20), "it took {:?}", done.took);
}

/// Nobody writes into the pipe, and the device never ends.
#[cfg(unix)]
#[test]
fn pipes_sockets_and_devices_are_passed_by() {
    let folder = folder(&[("a.txt", &header())]);
    let made = Command::new("mkfifo").arg(folder.path().join("pipe.txt")).status().expect("mkfifo");
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket.txt")).expect("a socket");
    for (link, to) in [("zero.txt", "/dev/zero"), ("piped.js", "pipe.txt"), ("pipe.zip", "pipe.txt")] {
        std::os::unix::fs::symlink(to, folder.path().join(link)).expect("a link");
    }
    let done = keys_of(&folder, &["--archives"]);
    assert_eq!((done.code, done.err.as_str()), (FOUND, ""), "{}", done.all());
    for name in ["pipe.txt", "socket.txt", "zero.txt"] {
        let done = run(folder.path(), &["check", name]);
        assert_wrong_use(&done, &["is neither a file nor a folder"]);
    }
}

#[cfg(unix)]
#[test]
fn what_links_lead_to_outside_is_not_searched() {
    let (folder, outside) = (folder(&[("a.txt", b"nothing")]), folder(&[("b.txt", &header())]));
    for (link, to) in [("out", outside.path()), ("b.txt", &outside.path().join("b.txt")), ("loop", Path::new("."))] {
        std::os::unix::fs::symlink(to, folder.path().join(link)).expect("a link");
    }
    let done = keys_of(&folder, &[]);
    assert_eq!(done.code, CLEAN, "{}", done.all());
}

#[cfg(target_os = "linux")]
#[test]
fn files_whose_names_are_no_text_are_searched() {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder(&[("a.txt", b"nothing")]);
    let below = folder.path().join(std::ffi::OsStr::from_bytes(b"b\xff"));
    fs::create_dir(&below).expect("a folder");
    fs::write(below.join(std::ffi::OsStr::from_bytes(b"c\xfe\x1b.txt")), header()).expect("a file");
    for format in ["text", "json", "sarif"] {
        let done = keys_of(&folder, &["--output", format]);
        assert_eq!(done.code, FOUND, "{}", done.all());
        assert!(done.text().contains('\u{fffd}') || format == "sarif", "{}", done.all());
        assert!(!done.out.contains(&0x1b), "{format} lets a sequence through");
    }
}

#[test]
fn archives_are_named_or_opened() {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["config/notes.txt", "../../up.txt", "e\u{1b}[31m\n::error::x.txt"] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(&header()).unwrap();
    }
    let zip = zip.finish().unwrap().into_inner();
    let folder = folder(&[("app.jar", &zip), ("lib/app.war", &zip), ("gradle/wrapper/gradle-wrapper.jar", &zip)]);
    let done = keys_of(&folder, &[]);
    assert_eq!(done.code, CLEAN, "{}", done.all());
    assert!(done.text().contains("app.jar and 1 more not opened"), "{}", done.all());
    for format in ["text", "json", "sarif", "github"] {
        let done = keys_of(&folder, &["--archives", "--output", format]);
        assert_eq!(done.code, FOUND, "{}", done.all());
        let text = done.text().replace("%21", "!");
        assert!(text.contains("app.jar!/config/notes.txt") && !text.contains("../"), "{format}: {text}");
        assert!(!done.out.contains(&0x1b), "{format} lets a sequence through");
        assert!(!done.text().lines().any(|line| line.starts_with("::error::x")), "{}", done.text());
    }
    assert!(!folder.path().join("../up.txt").exists());
    let one = run(folder.path(), &["check", "app.jar", "--archives", "--select", "secrets"]);
    assert_eq!(one.code, FOUND, "{}", one.all());
}
