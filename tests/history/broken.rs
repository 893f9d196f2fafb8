//! Repositories that are damaged: something is found or not, and it is said what was not read.

use std::fs;
use std::path::PathBuf;

use parse_audit::history::Search;

use super::repository::{Repo, try_search};
use super::{key, line, only};

fn packed() -> (Repo, PathBuf) {
    let repo = Repo::new();
    let padding = "// nothing to see in this line, nor in the next\n".repeat(60);
    for number in 0..12 {
        repo.commit("server.js", &format!("{padding}{}{padding}// {number}\n", line(&key(number))));
    }
    repo.git(&["repack", "-qadf", "--depth=50"]);
    let folder = repo.path().join(".git/objects/pack");
    let mut packs = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let pack = packs.find(|path| path.extension().is_some_and(|extension| extension == "pack")).unwrap();
    for path in [pack.clone(), pack.with_extension("idx")] {
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        #[expect(clippy::permissions_set_readonly_false, reason = "the folder is gone with the test")]
        permissions.set_readonly(false);
        fs::set_permissions(&path, permissions).unwrap();
    }
    (repo, pack)
}

#[test]
fn a_damaged_pack_is_told_and_never_stops_the_run() {
    let (repo, pack) = packed();
    let sound = fs::read(&pack).unwrap();
    let index = fs::read(pack.with_extension("idx")).unwrap();
    assert_eq!(repo.search(Search::Parts).keys.len(), 12);
    for at in (0..sound.len()).step_by(sound.len() / 40) {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x5a;
        damaged[at + 7 % (sound.len() - at)] ^= 0xff;
        fs::write(&pack, &damaged).unwrap();
        let _ = try_search(&repo.path());
        fs::write(&pack, &sound[..at]).unwrap();
        let report = try_search(&repo.path());
        assert!(!report.problems.is_empty(), "cut at {at}");
    }
    fs::write(&pack, &sound).unwrap();
    for at in (0..index.len()).step_by(index.len() / 60) {
        let mut damaged = index.clone();
        damaged[at] ^= 0x5a;
        fs::write(pack.with_extension("idx"), &damaged).unwrap();
        let _ = try_search(&repo.path());
        fs::write(pack.with_extension("idx"), &index[..at]).unwrap();
        assert!(!try_search(&repo.path()).problems.is_empty(), "index cut at {at}");
    }
}

#[test]
fn what_is_whole_in_a_damaged_pack_is_found() {
    let (repo, pack) = packed();
    let mut bytes = fs::read(&pack).unwrap();
    let length = bytes.len();
    bytes[length - 30] ^= 0xff;
    fs::write(&pack, &bytes).unwrap();
    let report = repo.search(Search::Parts);
    assert!(report.problems.iter().any(|problem| problem.to_string().contains("could not be read")), "{report:#?}");
    assert!(!report.keys.is_empty());
}

#[test]
fn a_damaged_object_is_told() {
    let repo = Repo::new();
    repo.commit("a.js", &line(&key(1)));
    let blob = repo.object(&line(&key(2)));
    let path = repo.path().join(".git/objects").join(&blob[..2]).join(&blob[2..]);
    fs::remove_file(&path).unwrap();
    fs::write(&path, b"x\x01\0\0").unwrap();
    let report = repo.search(Search::Parts);
    assert_eq!(report.problems.len(), 1, "{report:#?}");
    only(&report, &key(1));
}

#[test]
fn a_missing_object_is_told() {
    let repo = Repo::new();
    repo.commit("a.js", &line(&key(1)));
    repo.commit("b.js", &line(&key(2)));
    let blob = repo.git(&["rev-parse", "HEAD:b.js"]);
    fs::remove_file(repo.path().join(".git/objects").join(&blob[..2]).join(&blob[2..])).unwrap();
    let report = repo.search(Search::Parts);
    assert_eq!(report.problems.len(), 1, "{report:#?}");
    assert_eq!(report.problems[0].message, "1 object is missing");
    only(&report, &key(1));
}
