//! Files of deployment that are read line by line: `.env`, `Dockerfile`, `Procfile`, units of systemd.

use crate::model::Place;
use crate::model::deploy::Form;

use super::{Raw, Source, words};

/// The lines of a text with the byte each begins at, blanks around them taken off.
fn lines<'t>(source: &Source<'t>) -> impl Iterator<Item = (usize, &'t str)> {
    let mut at = 0;
    source.text.split_inclusive('\n').map(move |line| {
        let start = at + (line.len() - line.trim_start().len());
        at += line.len();
        (start, line.trim())
    })
}

/// A value without its quotes, and without a comment behind it.
fn unquoted(value: &str) -> &str {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote) {
            return inner.split(quote).next().unwrap_or(inner);
        }
    }
    value.split(" #").next().unwrap_or(value).trim_end()
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_' || sign == '.')
}

/// `NAME=value`, also behind `export`.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
    let name = name.trim();
    is_name(name).then(|| (name, unquoted(value)))
}

/// The variables of `.env`.
pub fn dotenv(source: &Source<'_>) -> Vec<Raw> {
    let mut raw = Raw::new("", Form::Dotenv, source.path, source.place(0, 0));
    for (start, line) in lines(source).filter(|(_, line)| !line.starts_with('#')) {
        if let Some((name, value)) = assignment(line) {
            raw.variables.push((name.to_owned(), value.to_owned(), source.place(start, start + line.len())));
        }
    }
    raw.is_list = true;
    if raw.variables.is_empty() { Vec::new() } else { vec![raw] }
}

/// The last stage of a `Dockerfile`, which is what runs.
pub fn dockerfile(source: &Source<'_>) -> Vec<Raw> {
    let mut stage: Option<Raw> = None;
    let mut names: Vec<String> = Vec::new();
    for (start, line) in instructions(source) {
        let Some((word, rest)) = line.split_once(char::is_whitespace) else { continue };
        let at = || {
            source.place(start, start + line.lines().next().unwrap_or(&line).trim_end_matches('\\').trim_end().len())
        };
        let rest = rest.replace("\\\n", " ").replace("\\\r\n", " ");
        let upper = word.to_ascii_uppercase();
        if upper == "FROM" {
            let mut parts = rest.split_whitespace().filter(|part| !part.starts_with("--"));
            let image = parts.next().unwrap_or_default().to_owned();
            let inherited = names.contains(&image).then(|| stage.take()).flatten();
            let mut next = inherited.unwrap_or_else(|| {
                let mut raw = Raw::new("", Form::Dockerfile, source.path, at());
                raw.image = Some((image, at()));
                raw
            });
            next.command.clear();
            names.extend(parts.nth(1).map(str::to_owned));
            stage = Some(next);
            continue;
        }
        let Some(raw) = stage.as_mut() else { continue };
        match upper.as_str() {
            "ENV" => raw.variables.extend(assignments(&rest).into_iter().map(|(name, value)| (name, value, at()))),
            "ARG" => raw
                .variables
                .extend(assignment(rest.trim()).map(|(name, value)| (name.to_owned(), value.to_owned(), at()))),
            "CMD" | "ENTRYPOINT" => {
                let words = words(&rest).into_iter().map(|word| (word.to_owned(), at()));
                if upper == "ENTRYPOINT" {
                    let after = std::mem::take(&mut raw.command);
                    raw.command = words.chain(after).collect();
                } else {
                    raw.command.extend(words);
                }
            }
            "USER" => raw.user = Some(rest.trim().to_owned()),
            _ => {}
        }
    }
    stage.into_iter().collect()
}

/// The instructions of a `Dockerfile`, with the lines that a `\` joins.
fn instructions(source: &Source<'_>) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut is_open = false;
    for (start, line) in lines(source).filter(|(_, line)| !line.starts_with('#')) {
        match found.last_mut().filter(|_| is_open) {
            Some((_, text)) => {
                text.push('\n');
                text.push_str(line);
            }
            None if line.is_empty() => continue,
            None => found.push((start, line.to_owned())),
        }
        is_open = line.ends_with('\\');
    }
    found
}

/// `A=b C="d e"`, or the old form `A b`.
fn assignments(text: &str) -> Vec<(String, String)> {
    let text = text.trim();
    let mut found = Vec::new();
    let first = text.split_whitespace().next().unwrap_or_default();
    if !first.contains('=') {
        let value = text.strip_prefix(first).unwrap_or_default();
        found.push((first.to_owned(), unquoted(value).to_owned()));
        return found;
    }
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let quote = after.chars().next().filter(|sign| matches!(sign, '"' | '\''));
        let (value, left) = match quote {
            Some(quote) => after.get(1..).and_then(|inner| inner.split_once(quote)).unwrap_or((after, "")),
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        found.push((name.trim().to_owned(), value.to_owned()));
        rest = left.trim_start();
    }
    found.retain(|(name, _)| is_name(name));
    found
}

/// The processes of a `Procfile`.
pub fn procfile(source: &Source<'_>) -> Vec<Raw> {
    let process = |(start, line): (usize, &str)| {
        let (name, command) = line.split_once(':').filter(|(name, _)| is_name(name))?;
        let at = source.place(start, start + line.len());
        Some(command_line(source, name, Form::Procfile, command, &at))
    };
    lines(source).filter_map(process).collect()
}

/// A command with variables in front of it.
fn command_line(source: &Source<'_>, name: &str, form: Form, command: &str, at: &Place) -> Raw {
    let mut raw = Raw::new(name, form, source.path, at.clone());
    for word in words(command) {
        match word.split_once('=').filter(|(name, _)| is_name(name) && raw.command.is_empty()) {
            Some((name, value)) => raw.variables.push((name.to_owned(), value.to_owned(), at.clone())),
            None => raw.command.push((word.to_owned(), at.clone())),
        }
    }
    raw
}

/// The program of a unit of systemd.
pub fn systemd(source: &Source<'_>) -> Vec<Raw> {
    let mut raw = Raw::new("", Form::Systemd, source.path, source.place(0, 0));
    for (start, line) in lines(source) {
        let Some((key, value)) = line.split_once('=') else { continue };
        let at = source.place(start, start + line.len());
        match key.trim() {
            "ExecStart" => {
                let started = command_line(source, "", Form::Systemd, value, &at);
                raw.command = started.command;
                raw.at = at;
            }
            "Environment" => {
                let value = value.trim();
                // `"A=b c" D=e`: a pair in quotes, or several without.
                let pairs: Vec<&str> = match value.contains('"') {
                    true => value.split('"').map(str::trim).filter(|pair| !pair.is_empty()).collect(),
                    false => value.split_whitespace().collect(),
                };
                let pairs = pairs.into_iter().filter_map(assignment);
                raw.variables.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned(), at.clone())));
            }
            "EnvironmentFile" => raw.further.push(value.trim().trim_start_matches('-').to_owned()),
            "User" => raw.user = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    if raw.command.is_empty() && raw.variables.is_empty() { Vec::new() } else { vec![raw] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FileId;

    fn source(text: &str) -> Source<'_> {
        Source { file: FileId(0), path: "f", text }
    }

    fn variables(raw: &Raw) -> Vec<(&str, &str)> {
        raw.variables.iter().map(|(name, value, _)| (name.as_str(), value.as_str())).collect()
    }

    fn command(raw: &Raw) -> Vec<&str> {
        raw.command.iter().map(|(word, _)| word.as_str()).collect()
    }

    #[test]
    fn files_of_the_environment_are_read() {
        let all = dotenv(&source("# A=no\nA=b # c\nexport C=\"d # e\"\nF='g'\nnot a line\nH=\n"));
        assert_eq!(variables(&all[0]), [("A", "b"), ("C", "d # e"), ("F", "g"), ("H", "")]);
    }

    #[test]
    fn of_a_dockerfile_the_last_stage_runs() {
        let text = "FROM node:20 AS build\nENV LOST=1\nFROM node:20-slim\nENV A=b C=\"d e\" \\\n  F=g\nENV OLD form\nARG KEY=x\nUSER node\nENTRYPOINT [\"npx\", \"parse-server\"]\nCMD [\"--port\", \"1\"]\n";
        let all = dockerfile(&source(text));
        assert_eq!(variables(&all[0]), [("A", "b"), ("C", "d e"), ("F", "g"), ("OLD", "form"), ("KEY", "x")]);
        assert_eq!(command(&all[0]), ["npx", "parse-server", "--port", "1"]);
        assert_eq!((all[0].user.as_deref(), all.len()), (Some("node"), 1));
    }

    #[test]
    fn commands_may_have_variables_in_front() {
        let all = procfile(&source("web: TESTING=1 node index.js --x=1\n"));
        assert_eq!((variables(&all[0]), command(&all[0])), (vec![("TESTING", "1")], vec!["node", "index.js", "--x=1"]));
        let unit = "[Service]\nEnvironment=\"A=b c\" \"D=e\"\nEnvironment=F=g H=i\nExecStart=/usr/bin/parse-server /etc/p.json\n";
        let all = systemd(&source(unit));
        assert_eq!(variables(&all[0]), [("A", "b c"), ("D", "e"), ("F", "g"), ("H", "i")]);
        assert_eq!(command(&all[0]), ["/usr/bin/parse-server", "/etc/p.json"]);
    }
}
