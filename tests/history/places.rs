//! A content that lies at several paths: what the rules about any of them make of it.

use parse_audit::history::{PastKey, Report, Search};

use super::key;
use super::repository::Repo;

/// Rules and places of keys, with the numbers of the commits that brought them there and that brought the key.
fn told(report: &Report, commits: &[String]) -> Vec<String> {
    let number = |commit: &Option<String>| {
        commits.iter().position(|known| commit.as_deref().is_some_and(|commit| known.starts_with(commit))).unwrap()
    };
    let of_key = |key: &PastKey| {
        let (rule, first) = (key.rule.to_string(), number(&key.first.commit));
        let versions: Vec<String> =
            key.versions.iter().map(|version| format!("{} {}", version.path, number(&version.commit))).collect();
        format!("{rule}: {}, first {first}", versions.join(", "))
    };
    report.keys.iter().map(of_key).collect()
}

fn searched(repo: &Repo) -> Report {
    let report = repo.search(Search::Parts);
    assert_eq!(report, repo.search(Search::Whole));
    assert_eq!((report.problems.as_slice(), report.gaps.as_slice()), (&[][..], &[][..]));
    report
}

#[test]
fn a_sample_that_becomes_the_real_file_is_told_where_it_is_real() {
    let repo = Repo::new();
    let text = format!("SMTP_PASSWORD={}\nMASTER_KEY={}\n", key(1), key(2));
    let commits = [repo.commit("config.sample", &text), repo.commit("deploy/.env", &text)];
    let expected = [
        "secret-in-environment-file: deploy/.env 1, first 1",
        "secret-parse-master-key-in-configuration: deploy/.env 1, first 1",
    ];
    assert_eq!(told(&searched(&repo), &commits), expected);
}

#[test]
fn a_rule_that_holds_at_a_later_path_alone_is_told_there() {
    let repo = Repo::new();
    let text = format!("masterKey: '{}'\n", key(1));
    let mut commits = vec![repo.commit("a.txt", &text)];
    // A folder that moves takes its files along.
    commits.push(repo.commit("app/main.js", &text));
    repo.git(&["mv", "app", "client"]);
    repo.git(&["commit", "-qm", "move"]);
    commits.push(repo.git(&["rev-parse", "HEAD"]));
    let report = searched(&repo);
    let expected =
        ["secret-parse-master-key: a.txt 0, first 0", "secret-parse-master-key-in-client: client/main.js 2, first 0"];
    assert_eq!((told(&report, &commits).as_slice(), report.blobs), (&expected.map(str::to_owned)[..], 1));
}

#[test]
fn of_many_paths_of_a_kind_the_first_is_told() {
    let repo = Repo::new();
    let text = format!("masterKey: '{}'\n", key(1));
    let commits = [repo.commit("z/server.js", &text), repo.commit("a/server.js", &text), repo.commit("b.js", &text)];
    assert_eq!(told(&searched(&repo), &commits), ["secret-parse-master-key: z/server.js 0, first 0"]);
}

#[test]
fn a_file_that_is_a_key_as_a_whole_under_one_name_is_a_text_under_another() {
    let repo = Repo::new();
    let text = format!("masterKey: '{}'\n", key(1));
    let commits =
        [repo.commit("store.jks", &text), repo.commit("node_modules/a.js", &text), repo.commit("a.js", &text)];
    let expected = ["secret-keystore: store.jks 0, first 0", "secret-parse-master-key: a.js 2, first 2"];
    assert_eq!(told(&searched(&repo), &commits), expected);
}

#[test]
fn folders_within_folders_without_end_are_gone_through_in_the_end() {
    let repo = Repo::new();
    let blob = repo.object(&format!("masterKey: '{}'\n", key(1)));
    let mut tree = repo.tree(&format!("100644 blob {blob}\ta.js\n"));
    for _ in 0..12 {
        let items: String = (0..10).map(|number| format!("040000 tree {tree}\td{number}\n")).collect();
        tree = repo.tree(&items);
    }
    let commit = repo.git(&["commit-tree", &tree, "-m", "deep"]);
    repo.git(&["update-ref", "refs/heads/main", &commit]);
    let report = repo.search(Search::Parts);
    assert_eq!((report.keys.len(), report.gaps.len()), (1, 1), "{report:#?}");
    assert_eq!(report.gaps[0].topic, "some paths of the history");
}
