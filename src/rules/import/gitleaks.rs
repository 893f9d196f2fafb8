//! Files of gitleaks (8.x): rules in TOML, with lists of what is allowed in both spellings.
//!
//! Its keys are read in either case, as gitleaks does. Source: `config/config.go` and
//! `config/allowlist.go` of gitleaks 8.30.

use std::sync::Arc;

use crate::mistake::Mistake;
use crate::rules::secret::{About, Allow, Needs};
use crate::severity::Confidence;

use super::node::Table;
use super::pattern::Group;
use super::{Draft, Import};

/// Keys of a file.
const FILE: [&str; 7] = ["title", "description", "minVersion", "extend", "rules", "allowlist", "allowlists"];

/// Keys of a rule.
const RULE: [&str; 12] = [
    "id",
    "description",
    "regex",
    "secretGroup",
    "entropy",
    "keywords",
    "path",
    "tags",
    "skipReport",
    "allowlist",
    "allowlists",
    "required",
];

/// Keys of a list of what is allowed.
const ALLOW: [&str; 8] =
    ["description", "condition", "commits", "paths", "regexTarget", "regexes", "stopwords", "targetRules"];

/// A list at the top, and the rules it is for; all if none are named.
type Targeted<'t> = (Arc<Allow>, Vec<&'t str>);

/// Reads the file.
pub fn read<'t>(import: &mut Import<'t>, root: Table<'t>) -> Result<(), Mistake> {
    for key in root.others(&FILE) {
        import.note("", &format!("the key `{key}`"), "not known here, and left out");
    }
    let extends = extended(import, root)?;
    let mut lists: Vec<Targeted<'t>> = Vec::new();
    for key in ["allowlist", "allowlists"] {
        for table in root.tables(key)? {
            let targets = table.texts("targetRules")?.into_iter().map(|(rule, _)| rule).collect();
            if let Some(list) = allow(import, table, "")? {
                lists.push((list, targets));
            }
        }
    }
    for table in root.tables("rules")? {
        rule(import, table, &lists, extends)?;
    }
    Ok(())
}

/// What the file builds on. Whether it builds on anything.
fn extended(import: &mut Import<'_>, root: Table<'_>) -> Result<bool, Mistake> {
    let mut extends = false;
    for table in root.tables("extend")? {
        if table.flag("useDefault")? == Some(true) {
            extends = true;
            let instead = "the built-in rules of parse-audit take the place of gitleaks' own, whose allow lists do not \
                           count, and to which those of this file do not apply";
            import.note("", "`extend.useDefault`", instead);
        }
        if table.text("path")?.is_some() {
            extends = true;
            import.note("", "`extend.path`", "not followed; give that file with `--rules` as well");
        }
        if !table.texts("disabledRules")?.is_empty() {
            import.note("", "`extend.disabledRules`", "not followed; leave rules out with `--ignore`");
        }
        for key in table.others(&["useDefault", "path", "disabledRules"]) {
            import.note("", &format!("`extend.{key}`"), "not followed");
        }
    }
    Ok(extends)
}

fn rule<'t>(import: &mut Import<'t>, table: Table<'t>, lists: &[Targeted<'t>], extends: bool) -> Result<(), Mistake> {
    let Some(id) = table.text("id")? else {
        return Err(import.source.mistake(table.place(), "a rule has no `id`", "expected `id = \"…\"` in every rule"));
    };
    for key in table.others(&RULE) {
        import.note(id.0, &format!("the key `{key}` of rules"), "not known here; imported without it");
    }
    if table.flag("skipReport")? == Some(true) {
        import.note(id.0, "`skipReport`", "not imported, because it reports nothing by itself");
        return Ok(());
    }
    if !table.tables("required")?.is_empty() {
        import.note(id.0, "`required` rules beside a key", "told without them");
    }
    let (pattern, path) = (table.text("regex")?, table.text("path")?);
    if pattern.is_none() && path.is_none() {
        if extends {
            import.note(id.0, "a rule that changes one of the file that is extended", "not imported");
            return Ok(());
        }
        let expected = "expected `regex`, or `path` for files that are a key";
        return Err(import.source.mistake(id.1, format!("the rule `{}` looks for nothing", id.0), expected));
    }
    let paths = match path {
        Some(path) => import.set(&format!("`path` of `{}`", id.0), &[path])?,
        None => None,
    };
    let mut allowed: Vec<Arc<Allow>> = Vec::new();
    for key in ["allowlist", "allowlists"] {
        for table in table.tables(key)? {
            allowed.extend(allow(import, table, id.0)?);
        }
    }
    let is_for = |targets: &[&str]| targets.is_empty() || targets.contains(&id.0);
    allowed.extend(lists.iter().filter(|(_, targets)| is_for(targets)).map(|(list, _)| Arc::clone(list)));
    let number = table.count("secretGroup")?;
    import.take(Draft {
        title: table.text("description")?.map_or(id.0, |(title, _)| title),
        id,
        confidence: Confidence::Likely,
        pattern,
        group: (number > 0).then_some(Group::Number(number)),
        keywords: table.texts("keywords")?.into_iter().map(|(word, _)| word).filter(|word| !word.is_empty()).collect(),
        entropy: table.number("entropy")?.unwrap_or_default(),
        paths,
        allowed,
        needs: Needs::default(),
        ignore: Vec::new(),
        tags: table.texts("tags")?.into_iter().map(|(tag, _)| tag).collect(),
        see: None,
    })
}

/// A list of what is allowed, of a rule or of the file as a whole.
fn allow(import: &mut Import<'_>, table: Table<'_>, rule: &str) -> Result<Option<Arc<Allow>>, Mistake> {
    for key in table.others(&ALLOW) {
        import.note(rule, &format!("the key `{key}` of allow lists"), "not known here, and left out");
    }
    let wrong =
        |key: &str, span, expected| import.source.mistake(span, format!("`{key}` has an unknown value"), expected);
    let together = match table.text("condition")? {
        None => false,
        Some((text, span)) => match text.to_ascii_lowercase().as_str() {
            "and" | "&&" => true,
            "or" | "||" => false,
            _ => return Err(wrong("condition", span, "expected `AND` or `OR`")),
        },
    };
    let about = match table.text("regexTarget")? {
        None | Some(("secret", _)) => About::Key,
        Some(("match", _)) => About::Match,
        Some(("line", _)) => About::Line,
        Some((_, span)) => return Err(wrong("regexTarget", span, "expected `secret`, `match` or `line`")),
    };
    let whose = if rule.is_empty() { "the allow list".to_owned() } else { format!("the allow list of `{rule}`") };
    let list = Allow {
        together,
        paths: import.set(&whose, &table.texts("paths")?)?,
        patterns: import.set(&whose, &table.texts("regexes")?)?,
        about,
        words: table
            .texts("stopwords")?
            .into_iter()
            .map(|(word, _)| word.to_lowercase())
            .filter(|word| !word.is_empty())
            .collect(),
    };
    let asks_for_text = list.patterns.is_some() || !list.words.is_empty();
    if !table.texts("commits")?.is_empty() {
        if together {
            import.note(
                rule,
                "`commits` of allow lists with AND",
                "the list does not count; ignore what was found by its name",
            );
            return Ok(None);
        }
        import.note(rule, "`commits` of allow lists", "keys of these commits are told; ignore them by their names");
    }
    if together && list.paths.is_some() && list.patterns.is_some() && about == About::Match {
        import.note(
            rule,
            "allow lists with AND for `paths` and `regexTarget = \"match\"`",
            "the list does not count; use `line`",
        );
        return Ok(None);
    }
    Ok((asks_for_text || list.paths.is_some()).then(|| Arc::new(list)))
}
