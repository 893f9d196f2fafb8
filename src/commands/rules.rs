//! `rules`: list them, show one, run their cases, begin a new one.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;

use crate::cli::{RulesAction, RulesArgs};
use crate::model::RuleId;
use crate::read::file::words as error_words;
use crate::rules::Rule;
use crate::rules::words::Words;
use crate::rules::{file, loader};

use super::heard::stdout;
use super::load::{Own, own_rules, rule_texts, rules};
use super::{CLEAN, FOUND, rule_cases};

/// Runs the command.
pub fn run(args: &RulesArgs) -> Result<u8> {
    match args.action.as_ref().unwrap_or(&RulesAction::List { owasp: false }) {
        RulesAction::List { owasp: false } => list(&rules(&args.rules)?),
        RulesAction::List { owasp: true } => by_category(&rules(&args.rules)?.rules),
        RulesAction::Show { rule } => show(rule, &rules(&args.rules)?.rules),
        RulesAction::Test { path, bless } => test(path.as_deref(), *bless, args),
        RulesAction::New { id, folder } => new(id, folder),
    }
}

fn list(own: &Own) -> Result<u8> {
    let rules = &own.rules;
    let mut out = stdout();
    let width = rules.iter().map(|rule| rule.id.as_str().len()).max().unwrap_or(0);
    let mut sorted: Vec<&Rule> = rules.iter().collect();
    sorted.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.id.cmp(&b.id)));
    for rule in sorted {
        writeln!(out, "{:<8}  {:<width$}  {}", rule.severity.word(), rule.id.as_str(), rule.title)?;
    }
    drop(out);
    let mut out = io::stderr().lock();
    for note in &own.notes {
        writeln!(out, "note: {}: {}: {}{}", note.file(), note.feature, note.instead, note.whose())?;
    }
    Ok(CLEAN)
}

/// The lists of OWASP.
const LISTS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/rules/data/owasp.json"));

#[derive(Deserialize)]
struct Lists {
    owasp_top10_2021: Vec<Category>,
    owasp_top10_2025: Vec<Category>,
    owasp_api_2023: Vec<Category>,
}

#[derive(Deserialize)]
struct Category {
    id: String,
    name: String,
}

/// How many rules are about each category, and the worst of them.
fn by_category(rules: &[Rule]) -> Result<u8> {
    let lists: Lists = serde_json::from_str(LISTS).context("the lists of OWASP")?;
    let mut out = stdout();
    let all = [
        ("OWASP Top 10 2021", lists.owasp_top10_2021),
        ("OWASP Top 10 2025", lists.owasp_top10_2025),
        ("OWASP API Security Top 10 2023", lists.owasp_api_2023),
    ];
    for (number, (title, categories)) in all.into_iter().enumerate() {
        let covered = categories.iter().filter(|category| rules.iter().any(|rule| rule.owasp.contains(&category.id)));
        let blank = if number > 0 { "\n" } else { "" };
        writeln!(out, "{blank}{title}: rules for {} of {} categories", covered.count(), categories.len())?;
        let width = categories.iter().map(|category| category.name.len()).max().unwrap_or(0);
        for category in &categories {
            let about: Vec<&Rule> = rules.iter().filter(|rule| rule.owasp.contains(&category.id)).collect();
            let worst = about.iter().map(|rule| rule.severity).max();
            let words = match (about.len(), worst) {
                (_, None) => "no rule".to_owned(),
                (1, Some(worst)) => format!("1 rule, {worst}"),
                (number, Some(worst)) => format!("{number} rules, up to {worst}"),
            };
            writeln!(out, "  {:<10}  {:<width$}  {words}", category.id, category.name)?;
        }
    }
    Ok(CLEAN)
}

fn find<'r>(id: &str, rules: &'r [Rule]) -> Result<&'r Rule> {
    let id = RuleId::from(id);
    rules.iter().find(|rule| rule.id == id).ok_or_else(|| anyhow!("no such rule: `{id}`; see `parse-audit rules list`"))
}

fn show(id: &str, rules: &[Rule]) -> Result<u8> {
    let rule = find(id, rules)?;
    let mut out = stdout();
    writeln!(out, "{} · {} · confidence {}\n", rule.id, rule.severity, rule.confidence.word())?;
    writeln!(out, "{}", rule.body)?;
    Ok(CLEAN)
}

fn test(path: Option<&Path>, bless: bool, args: &RulesArgs) -> Result<u8> {
    let words = Words::new(Vec::new()).context("the built-in words for names of fields")?;
    if bless {
        let Some(path) = path else { bail!("`--bless` needs the folder or file of the rules to write to") };
        return write_blessed(path, &words);
    }
    let all = rules(&args.rules)?.rules;
    let tested = match path {
        Some(path) => own_rules(path)?.rules,
        None => all.clone(),
    };
    let everything = loader::with_own(all, tested.clone());
    let mut out = stdout();
    let (mut cases, mut failed) = (0, 0);
    for rule in &tested {
        let failures = rule_cases::failures(rule, &everything, &words);
        cases += rule.cases.len();
        failed += failures.len();
        for failure in failures {
            writeln!(out, "{failure}\n")?;
        }
    }
    writeln!(out, "{} rules, {cases} cases: {} passed, {failed} failed", tested.len(), cases - failed)?;
    Ok(if failed == 0 { CLEAN } else { FOUND })
}

/// Writes what is found into the cases of rules, whether or not they have findings yet.
fn write_blessed(path: &Path, words: &Words) -> Result<u8> {
    let texts = rule_texts(path)?;
    let mut tested = Vec::new();
    for (file, text) in &texts {
        tested.push(file::parse_unproven(file, text).map_err(|mistake| anyhow!("{mistake}"))?);
    }
    // Built-in rules that are themselves unproven are among the tested ones.
    let everything = loader::with_own(loader::built_in().unwrap_or_default(), tested.clone());
    for (rule, (file, text)) in tested.iter().zip(&texts) {
        let blessed = rule_cases::blessed(rule, text, &everything, words);
        if blessed != *text {
            fs::write(file, blessed).map_err(|error| anyhow!("`{file}`: {}", error_words(&error)))?;
            writeln!(stdout(), "wrote {file}")?;
        }
    }
    Ok(CLEAN)
}

/// A rule to start from: complete, and with cases that pass.
const TEMPLATE: &str = include_str!("new_rule.md");

fn new(id: &str, folder: &Path) -> Result<u8> {
    let path = folder.join(format!("{id}.md"));
    let shown = path.display().to_string();
    let text = TEMPLATE.replace("my-new-rule", id);
    file::parse(&shown, &text).map_err(|mistake| {
        anyhow!("`{id}` cannot be the id of a rule: {}", mistake.expected.unwrap_or(mistake.message))
    })?;
    if path.exists() {
        bail!("`{shown}` is there already");
    }
    fs::create_dir_all(folder).map_err(|error| anyhow!("`{}`: {}", folder.display(), error_words(&error)))?;
    fs::write(&path, text).map_err(|error| anyhow!("`{shown}`: {}", error_words(&error)))?;
    let mut out = stdout();
    writeln!(out, "wrote {shown}; run its cases with\n\n  parse-audit rules test {shown}")?;
    Ok(CLEAN)
}
