//! The embedded advisories against what is known of versions.

use super::*;

fn count(version: &str) -> usize {
    let version = Version::parse(version).unwrap();
    Advisories::embedded().unwrap().about("parse-server", &version).count()
}

#[test]
fn every_version_of_the_server_has_its_number() {
    assert_eq!(Advisories::embedded().unwrap().count(), 134);
    for (version, expected) in [
        ("2.8.4", 113),
        ("4.10.20", 95),
        ("5.6.0", 91),
        ("6.5.11", 87),
        ("7.5.4", 85),
        ("8.6.0", 88),
        ("8.6.76", 17),
        ("8.6.94", 0),
        ("9.0.0", 88),
        ("9.0.0-alpha.3", 88),
        ("9.5.1", 75),
        ("9.8.0", 20),
        ("9.10.0", 6),
    ] {
        assert_eq!(count(version), expected, "{version}");
    }
}

#[test]
fn a_remedy_tells_the_truth() {
    let advisories = Advisories::embedded().unwrap();
    let words = |version: &str| remedy(&advisories, "parse-server", &Version::parse(version).unwrap()).to_string();
    assert_eq!(words("8.6.0"), "update to 8.6.94");
    assert_eq!(words("5.6.0"), "no fix in your major; 8.6.94 is the nearest release without a known advisory");
    assert!(
        words("9.10.0").starts_with("in your major fixed only in a pre-release, 9.10.1-alpha."),
        "{}",
        words("9.10.0")
    );
    assert!(words("9.10.0").ends_with("8.6.94 is the nearest release without a known advisory"));
}

#[test]
fn records_of_others_are_read() {
    let record = r#"{ "id": "GHSA-x", "summary": "s", "affected": [{ "package": { "ecosystem": "npm", "name": "ws" },
        "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }, { "fixed": "7.4.6" },
        { "introduced": "8.0.0" }, { "last_affected": "8.2.0" }, { "introduced": "9.1.0" }] }] }],
        "database_specific": { "severity": "MODERATE", "cwe_ids": ["CWE-400"] } }"#;
    let advisory = osv::read(record.as_bytes()).unwrap().unwrap();
    let about = |version: &str| advisory.is_about("ws", &Version::parse(version).unwrap());
    for version in ["0.0.1", "7.4.5", "7.4.6-beta.1", "8.0.0-rc.1", "8.2.0", "9.1.0", "12.0.0"] {
        assert!(about(version), "{version}");
    }
    for version in ["7.4.6", "7.9.0", "8.2.1", "9.0.0", "9.1.0-rc.1"] {
        assert!(!about(version), "{version}");
    }
    assert_eq!((advisory.severity, advisory.cwe.as_slice()), (Some(Severity::Medium), &[400][..]));
    let scored = record.replace("\"MODERATE\"", "null").replace(
        "\"summary\"",
        "\"severity\": [{ \"type\": \"CVSS_V3\", \"score\": \"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N\" }], \"summary\"",
    );
    let rated = |record: &str| osv::read(record.as_bytes()).unwrap().unwrap().severity;
    assert_eq!((rated(&scored), rated(&scored.replace("CVSS:3.1", "nonsense"))), (Some(Severity::High), None));
    assert_eq!(osv::read(record.replace("\"id\"", "\"withdrawn\": \"2026-01-01\", \"id\"").as_bytes()), Ok(None));
    assert!(osv::read(b"{\"id\": ").is_err());
}

#[test]
fn an_advisory_with_two_names_counts_once() {
    let mut advisories = Advisories::embedded().unwrap();
    let known = advisories.all[0].clone();
    let alias = known.aliases.first().cloned().unwrap();
    advisories.add(Advisory { id: alias, aliases: Vec::new(), ..known });
    assert_eq!(advisories.count(), 134);
}

#[test]
fn a_dashboard_is_asked_what_it_has() {
    use crate::model::options::{Tree, Written};
    use exposure::{Exposure, Facts, exposure};

    let advisories = Advisories::embedded().unwrap();
    let version = Version::parse("8.0.0").unwrap();
    let about = |app: &[Facts]| -> Vec<Exposure> {
        let about = advisories.about("parse-dashboard", &version);
        about.filter(|one| one.needs == ["dashboard:agent"]).map(|one| exposure(one, app, &version)).collect()
    };
    let with = |dashboards: Vec<Tree>| [Facts { dashboards, ..Facts::default() }];
    let mut agent = Tree::default();
    agent.values.insert("agent".to_owned(), Written::Group);
    let open = Tree { values: [(String::new(), Written::Unknown { fallback: None })].into(), ..Tree::default() };
    assert!(!about(&with(Vec::new())).is_empty());
    for (dashboards, word) in [
        (vec![], "unknown"),
        (vec![Tree::default()], "does not apply"),
        (vec![Tree::default(), open.clone()], "unknown"),
        (vec![open, agent], "applies"),
    ] {
        assert!(about(&with(dashboards)).iter().all(|exposure| exposure.word() == word), "{word}");
    }
}

#[test]
fn a_bare_server_is_exposed_to_fewer_and_each_other_one_says_why() {
    use crate::model::Known;
    use crate::model::options::Tree;
    use exposure::{Exposure, Facts, exposure};

    let advisories = Advisories::embedded().unwrap();
    let bare = [Facts { options: Known::Read(Tree::default()), knows_triggers: true, ..Facts::default() }];
    let mut counts = Vec::new();
    for version in ["4.10.20", "5.6.0", "6.5.11", "7.5.4", "8.6.0", "9.0.0", "9.5.1", "9.10.0"] {
        let version = Version::parse(version).unwrap();
        let decided = advisories.about("parse-server", &version).map(|one| exposure(one, &bare, &version));
        let (mut apply, mut may, mut not) = (0, 0, 0);
        for one in decided {
            match one {
                Exposure::Applies => apply += 1,
                Exposure::Unknown(what) => {
                    assert!(what.starts_with("whether "), "{what}");
                    may += 1;
                }
                Exposure::DoesNotApply(why) => {
                    assert!(!why.is_empty());
                    not += 1;
                }
            }
        }
        counts.push(format!("{version}: {apply} {may} {not}"));
    }
    let expected = [
        "4.10.20: 33 5 57",
        "5.6.0: 30 5 56",
        "6.5.11: 29 5 53",
        "7.5.4: 27 6 52",
        "8.6.0: 26 6 56",
        "9.0.0: 27 6 55",
        "9.5.1: 22 5 48",
        "9.10.0: 1 1 4",
    ];
    assert_eq!(counts, expected, "those that apply, may apply and do not");
}
