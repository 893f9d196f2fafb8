//! Which class the rows of a file belong to, when only the file's name says so.

use std::collections::BTreeSet;

use crate::model::ClassName;

/// System classes whose rows mean something here; their names are never words of a file name.
const SYSTEM: [&str; 13] = [
    "_User",
    "_Role",
    "_Session",
    "_Installation",
    "_Product",
    "_GlobalConfig",
    "_Hooks",
    "_JobSchedule",
    "_JobStatus",
    "_PushStatus",
    "_Audience",
    "_Idempotency",
    "_ExportProgress",
];

/// The class or join table that a file is named after.
///
/// `mongoexport-Product.relaxed.ndjson` is of `Product` if there is such a class;
/// `_Join%3Ausers%3A_Role.bson` and `_Join꞉users꞉_Role.json` are of `_Join:users:_Role`,
/// as tools write the colon. Without a class to recognise, the name up to the first dot counts.
pub fn of_file(name: &str, known: &BTreeSet<ClassName>) -> ClassName {
    let file = name.rsplit('/').next().unwrap_or(name);
    let file = file.replace("%3A", ":").replace("%3a", ":").replace('\u{a789}', ":");
    let is_part = |character: char| character.is_alphanumeric() || character == '_' || character == ':';
    let words: Vec<&str> = file.split(|character| !is_part(character)).filter(|word| !word.is_empty()).collect();
    if let Some(join) = file.find("_Join:").and_then(|start| file.get(start..)) {
        let end = join.find(|character| !is_part(character)).unwrap_or(join.len());
        return join.get(..end).unwrap_or(join).into();
    }
    let is_known = |word: &&&str| known.contains(**word) || SYSTEM.contains(*word);
    let stem = words.first().copied().unwrap_or(&file);
    if is_known(&&stem) {
        return stem.into();
    }
    (*words.iter().find(is_known).unwrap_or(&stem)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decorations_of_tools_are_passed_by() {
        let known = BTreeSet::from(["Product".into(), "relaxed".into()]);
        for (file, class) in [
            ("mongoexport-Product.relaxed.ndjson", "Product"),
            ("export/Product.json", "Product"),
            ("Product.json.gz", "Product"),
            ("pg-_Role.ndjson", "_Role"),
            ("dump/app/_Join%3Ausers%3A_Role.bson", "_Join:users:_Role"),
            ("_Join꞉categories꞉Product.json", "_Join:categories:Product"),
            ("mongoexport-_Join:roles:_Role.relaxed.ndjson", "_Join:roles:_Role"),
            ("Unknown.2024.json", "Unknown"),
            ("", ""),
        ] {
            assert_eq!(of_file(file, &known), class, "{file}");
        }
    }
}
