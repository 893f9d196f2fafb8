//! Files of Kingfisher (1.x): rules in YAML, with patterns over several lines.
//!
//! The key is the group `TOKEN`, else the first group, else all that matched. Source:
//! `docs/RULES.md` of Kingfisher 1.10.

use crate::mistake::Mistake;
use crate::rules::secret::Needs;
use crate::severity::Confidence;

use super::node::{Source, Table};
use super::pattern::Group;
use super::{Draft, Import};

/// Keys of a rule. `examples` are for Kingfisher's own tests.
const RULE: [&str; 15] = [
    "name",
    "id",
    "pattern",
    "min_entropy",
    "confidence",
    "examples",
    "negative_examples",
    "references",
    "visible",
    "depends_on_rule",
    "validation",
    "revocation",
    "pattern_requirements",
    "categories",
    "description",
];

/// Keys of what a key needs beside its pattern.
const NEEDS: [&str; 6] =
    ["min_digits", "min_uppercase", "min_lowercase", "min_special_chars", "special_chars", "ignore_if_contains"];

/// Reads the file.
pub fn read<'t>(import: &mut Import<'t>, root: Table<'t>) -> Result<(), Mistake> {
    for key in root.others(&["rules"]) {
        import.note("", &format!("the key `{key}`"), "not known here, and left out");
    }
    if root.entry("rules").is_none() {
        return Err(import.source.mistake(root.place(), "no `rules`", "expected a list `rules:`"));
    }
    for table in root.tables("rules")? {
        rule(import, table)?;
    }
    Ok(())
}

fn rule<'t>(import: &mut Import<'t>, table: Table<'t>) -> Result<(), Mistake> {
    let source = import.source;
    let (id, name, pattern) =
        (needed(source, table, "id")?, needed(source, table, "name")?, needed(source, table, "pattern")?);
    for key in table.others(&RULE) {
        import.note(id.0, &format!("the key `{key}` of rules"), "not known here; imported without it");
    }
    if table.flag("visible")? == Some(false) {
        import.note(id.0, "`visible: false`", "not imported, because it reports nothing by itself");
        return Ok(());
    }
    if table.entry("depends_on_rule").is_some() {
        import.note(id.0, "`depends_on_rule`", "told without what the other rule finds");
    }
    for key in ["validation", "revocation"].into_iter().filter(|key| table.entry(key).is_some()) {
        import.note(id.0, &format!("`{key}`"), "no key is sent to anybody");
    }
    let confidence = match table.text("confidence")? {
        Some(("low", _)) => Confidence::Possible,
        None | Some(("medium", _)) => Confidence::Likely,
        Some(("high", _)) => Confidence::Certain,
        Some((_, span)) => {
            return Err(source.mistake(
                span,
                "`confidence` has an unknown value",
                "expected `low`, `medium` or `high`",
            ));
        }
    };
    let (mut needs, mut ignore) = (Needs::default(), Vec::new());
    for table in table.tables("pattern_requirements")? {
        for key in table.others(&NEEDS) {
            import.note(id.0, &format!("`pattern_requirements.{key}`"), "not known here; keys that fail it are told");
        }
        needs = Needs {
            digits: table.count("min_digits")?,
            capitals: table.count("min_uppercase")?,
            small: table.count("min_lowercase")?,
            signs: table.count("min_special_chars")?,
            which_signs: table.text("special_chars")?.map(|(signs, _)| signs.to_owned()).unwrap_or_default(),
        };
        ignore.extend(
            table
                .texts("ignore_if_contains")?
                .into_iter()
                .map(|(word, _)| word.to_owned())
                .filter(|word| !word.is_empty()),
        );
    }
    import.take(Draft {
        id,
        title: name.0,
        confidence,
        pattern: Some(pattern),
        group: Some(Group::Name("TOKEN")),
        keywords: Vec::new(),
        entropy: table.number("min_entropy")?.unwrap_or_default(),
        paths: None,
        allowed: Vec::new(),
        needs,
        ignore,
        tags: table.texts("categories")?.into_iter().map(|(tag, _)| tag).collect(),
        see: table.texts("references")?.first().map(|(see, _)| *see),
    })
}

fn needed<'t>(source: Source<'_>, table: Table<'t>, key: &str) -> Result<(&'t str, std::ops::Range<usize>), Mistake> {
    let missing =
        || source.mistake(table.place(), format!("a rule has no `{key}`"), "expected `name`, `id` and `pattern`");
    table.text(key)?.ok_or_else(missing)
}
