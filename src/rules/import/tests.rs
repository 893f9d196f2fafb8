//! What becomes of rules of other scanners.

use super::*;

fn gitleaks(text: &str) -> Imported {
    Tool::Gitleaks.read("team.toml", text).unwrap_or_else(|mistake| panic!("{mistake}"))
}

fn kingfisher(text: &str) -> Imported {
    Tool::Kingfisher.read("team.yml", text).unwrap_or_else(|mistake| panic!("{mistake}"))
}

fn matcher(rule: &Rule) -> &SecretMatcher {
    let Matcher::Secret(matcher) = &rule.matcher else { panic!("a rule about keys") };
    matcher
}

fn features(imported: &Imported) -> Vec<&str> {
    imported.notes.iter().map(|note| note.feature.as_str()).collect()
}

fn key(imported: &Imported, text: &str) -> Option<String> {
    let pattern = matcher(imported.rules.first()?).pattern.as_ref()?;
    let captures = pattern.regex()?.captures(text.as_bytes())?;
    Some(String::from_utf8_lossy(pattern.key(&captures)?.as_bytes()).into_owned())
}

#[test]
fn a_rule_of_gitleaks_becomes_one_of_ours() {
    let imported = gitleaks(
        "title = 'team'\n[[rules]]\nid = 'Acme_Token'\ndescription = 'An {acme} token.'\n\
         regex = '''(?i)acme[_-](token)=([a-z0-9]{20})'''\nsecretGroup = 2\nentropy = 3.0\nkeywords = ['ACME']\ntags = ['acme']\n",
    );
    let rule = &imported.rules[0];
    assert_eq!((rule.id.as_str(), rule.title.as_str()), ("gitleaks-acme-token", "An (acme) token"));
    assert_eq!((rule.severity, &rule.tags[..]), (Severity::High, &["secrets".to_owned(), "acme".to_owned()][..]));
    let matcher = matcher(rule);
    assert_eq!(
        (&matcher.keywords[..], &matcher.beside[..]),
        (&["acme-token=".to_owned(), "acme_token=".to_owned()][..], &[][..])
    );
    assert_eq!((matcher.before, matcher.window, matcher.fault()), (0, 31 + 16, None));
    assert!(matcher.min_entropy > 3.0);
    assert_eq!(key(&imported, "acme_token=q1w2e3r4t5y6u7i8o9p0"), Some("q1w2e3r4t5y6u7i8o9p0".to_owned()));
    assert_eq!(imported.notes, []);
}

#[test]
fn without_a_chosen_group_the_key_is_the_first_that_caught_something() {
    let rule = |regex: &str| gitleaks(&format!("[[rules]]\nid = 'a-b'\nregex = '''{regex}'''\n"));
    assert_eq!(key(&rule("acme=(?:(x+)|(y+))"), "acme=yyy"), Some("yyy".to_owned()));
    assert_eq!(key(&rule("acme=[a-z]+"), "acme=yyy"), Some("acme=yyy".to_owned()));
}

#[test]
fn both_spellings_of_allow_lists_are_read() {
    let imported = gitleaks(
        "[allowlist]\npaths = ['''^docs/''']\n[[allowlists]]\ntargetRules = ['other']\nstopwords = ['x']\n\
         [[rules]]\nid = 'acme'\nregex = '''acme_[a-z]{9}'''\n[rules.allowlist]\nregexes = ['''^a''']\nregexTarget = 'line'\n\
         [[rules]]\nid = 'other'\nregex = '''other_[a-z]{9}'''\n[[rules.allowlists]]\ncondition = 'AND'\nstopwords = ['Y']\npaths = ['''z''']\n",
    );
    let lists = |number: usize| &matcher(&imported.rules[number]).allowed;
    assert_eq!((lists(0).len(), lists(1).len()), (2, 3));
    assert_eq!(lists(0)[0].about, crate::rules::secret::About::Line);
    assert!(lists(1)[0].together && lists(1)[0].words == ["y"]);
    assert!(lists(1).iter().any(|list| list.words == ["x"]));
    assert!(Arc::ptr_eq(&lists(0)[1], &lists(1)[1]));
}

#[test]
fn what_gitleaks_can_say_and_we_cannot_is_named() {
    let imported = gitleaks(
        "[extend]\nuseDefault = true\npath = 'x'\ndisabledRules = ['y']\n[allowlist]\ncommits = ['abc']\nregexes = ['a']\n\
         [[rules]]\nid = 'generic-api-key'\n[[rules]]\nid = 'part'\nregex = 'acme_[a-z]+'\nskipReport = true\n\
         [[rules]]\nid = 'acme'\nregex = 'acme_[a-z]+'\ncolor = 'red'\n[[rules.required]]\nid = 'part'\n\
         [[rules]]\nid = 'hex'\nregex = '[a-f0-9]{32}'\n\
         [[rules]]\nid = 'near'\nregex = '[a-f0-9]{32}'\nkeywords = ['acme']\n",
    );
    assert_eq!(
        features(&imported),
        [
            "`extend.useDefault`",
            "`extend.path`",
            "`extend.disabledRules`",
            "`commits` of allow lists",
            "a rule that changes one of the file that is extended",
            "`skipReport`",
            "the key `color` of rules",
            "`required` rules beside a key",
            "a pattern without a word of three characters that is in all it finds, nor keywords",
            "keywords that need not be part of what is found",
        ]
    );
    let ids: Vec<&str> = imported.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["gitleaks-acme", "gitleaks-near"]);
}

#[test]
fn keywords_that_are_not_in_the_match_are_wanted_in_the_file() {
    let imported = gitleaks("[[rules]]\nid = 'a'\nregex = 'token-[a-z]{9}'\nkeywords = ['acme']\n");
    let matcher = matcher(&imported.rules[0]);
    assert_eq!((&matcher.keywords[..], &matcher.beside[..]), (&["token-".to_owned()][..], &["acme".to_owned()][..]));
}

#[test]
fn a_rule_about_paths_alone_is_about_files_that_are_keys() {
    let imported = gitleaks("[[rules]]\nid = 'keystore'\npath = '''(?i)\\.acme$'''\n");
    let matcher = matcher(&imported.rules[0]);
    assert!(matcher.files.has("a/b.ACME") && !matcher.files.has("a/b.acme.txt") && matcher.fault().is_none());
}

#[test]
fn a_rule_of_kingfisher_becomes_one_of_ours() {
    let imported = kingfisher(
        "rules:\n  - name: Acme key\n    id: kingfisher.acme.1\n    pattern: |\n      (?xi)\n      acme  # the name\n\
         \x20     (?: .|[\\n\\r] ){0,16}?\n      \\b ( [A-Z0-9]{12} ) \\b\n    min_entropy: 2.5\n    confidence: high\n\
         \x20   pattern_requirements:\n      min_digits: 2\n      ignore_if_contains: [TEST]\n      checksum:\n        actual: {}\n\
         \x20   references: ['https://acme.example/']\n    validation:\n      type: Http\n    depends_on_rule:\n      - rule_id: x\n\
         \x20 - name: helper\n    id: h\n    pattern: helper_[a-z]+\n    visible: false\n",
    );
    let rule = &imported.rules[0];
    assert_eq!(
        (imported.rules.len(), rule.id.as_str(), rule.confidence),
        (1, "kingfisher-acme-1", Confidence::Certain)
    );
    assert_eq!((rule.see.as_str(), matcher(rule).needs.digits), ("https://acme.example/", 2));
    assert_eq!(
        (&matcher(rule).keywords[..], &matcher(rule).ignore[..]),
        (&["acme".to_owned()][..], &["TEST".to_owned()][..])
    );
    assert_eq!(key(&imported, "Acme: q1w2e3r4t5y6"), Some("q1w2e3r4t5y6".to_owned()));
    assert_eq!(
        features(&imported),
        ["`depends_on_rule`", "`validation`", "`pattern_requirements.checksum`", "`visible: false`"]
    );
}

#[test]
fn the_group_token_of_kingfisher_is_the_key() {
    let imported = kingfisher("rules:\n- {name: a, id: b, pattern: '(acme)=(?P<TOKEN>[a-z]{9})'}\n");
    assert_eq!(key(&imported, "acme=abcdefghi"), Some("abcdefghi".to_owned()));
}

#[test]
fn a_mistake_has_its_line_and_the_name_of_the_rule() {
    let wrong = |text: &str| Tool::Gitleaks.read("team.toml", text).expect_err("a mistake").to_string();
    let rule = |rest: &str| wrong(&format!("[[rules]]\nid = 'acme'\n{rest}\n"));
    assert_eq!(
        rule("regex = 'acme('"),
        "team.toml:3:9: the pattern of `acme` cannot be used: unclosed group\n  |\n3 | regex = 'acme('\n  |         ^^^^^^^"
    );
    assert!(
        rule("regex = 'acme((a{1000}){1000}){1000}'").contains("the pattern of `acme` cannot be used: it is too large")
    );
    assert!(rule("regex = 'acme(a)'\nsecretGroup = 2").contains("it has no group 2"));
    assert!(rule("description = 'x'").contains("the rule `acme` looks for nothing"));
    assert!(rule("regex = 'acme'\nkeywords = 'acme'").contains("`keywords` is of the wrong kind"));
    assert!(
        rule("regex = 'acme'\n[rules.allowlist]\nregexes = ['(']").contains("the allow list of `acme` has a pattern")
    );
    assert!(rule("regex = 'acme'\n[rules.allowlist]\ncondition = 'XOR'").contains("expected `AND` or `OR`"));
    assert!(wrong("[[rules]]\nregex = 'acme'\n").contains("a rule has no `id`"));
    assert!(
        wrong("[[rules]]\nid = 'a'\nregex='acme'\n[[rules]]\nid = 'A'\nregex='acme'\n")
            .contains("two rules have the id `A`")
    );
    assert!(wrong("[[rules]\n").starts_with("team.toml:1:"));
    let wrong = |text: &str| Tool::Kingfisher.read("team.yml", text).expect_err("a mistake").to_string();
    assert!(wrong("rules:\n  - id: a\n    pattern: b\n").contains("2:5: a rule has no `name`"));
    assert!(wrong("rules:\n  - id: 'a\n").starts_with("team.yml:"));
    assert!(wrong("- a\n").contains("not a table"));
}

#[test]
fn only_files_of_rules_look_like_some() {
    assert!(Tool::Gitleaks.is_rules("# x\n[[rules]]\n") && !Tool::Gitleaks.is_rules("[package]\nname = 'x'\n"));
    assert!(Tool::Kingfisher.is_rules("rules:\n  - name: a\n    pattern: b\n"));
    assert!(
        !Tool::Kingfisher.is_rules("services:\n")
            && !Tool::Kingfisher.is_rules("rules:\n- id: a\n  languages: [js]\n  pattern: b\n")
    );
}
