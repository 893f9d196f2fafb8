//! Which file of deployment a path or its contents tell.

use crate::code::path::{folder, name};

use super::yaml::Fault;
use super::{Source, kubernetes};

/// Whether a path is that of a hidden file of deployment.
pub fn is_hidden_one(path: &str) -> bool {
    let own = name(path);
    let hidden = path.split('/').filter(|part| part.starts_with('.')).count();
    let is_workflow = folder(path).ends_with(".github/workflows") && is_yaml(own);
    hidden == 1 && (is_dotenv(own) || is_workflow)
}

/// Whether a name is that of YAML.
pub fn is_yaml(own: &str) -> bool {
    own.ends_with(".yml") || own.ends_with(".yaml")
}

/// Whether a name is that of a compose file.
pub fn is_compose(own: &str) -> bool {
    is_yaml(own) && (own.starts_with("docker-compose") || own.starts_with("compose."))
}

/// Whether a name is that of a list of variables.
pub fn is_dotenv(own: &str) -> bool {
    own == ".env" || own.starts_with(".env.") || (own.ends_with(".env") && own.len() > 4)
}

/// Whether a name is that of a `Dockerfile`.
pub fn is_dockerfile(own: &str) -> bool {
    let lower = own.to_ascii_lowercase();
    let is_other = [".dockerignore", ".md", ".txt"].iter().any(|end| lower.ends_with(end));
    !is_other && (lower == "dockerfile" || lower.starts_with("dockerfile.") || lower.ends_with(".dockerfile"))
}

/// Whether a file is only there to show what one has in it, or for tests.
pub fn is_sample(path: &str) -> bool {
    let own = name(path).to_ascii_lowercase();
    let words = || own.split(|sign: char| !sign.is_ascii_alphanumeric());
    let mut folders = folder(path).split('/');
    ["example", "sample", "template"].iter().any(|word| own.contains(word))
        || words().any(|word| matches!(word, "dist" | "test" | "tests" | "spec"))
        || folders.any(|folder| matches!(folder, "example" | "examples" | "sample" | "samples"))
}

/// Whether a file begins like a manifest of Kubernetes that is read here, whatever its encoding.
pub fn is_manifest(head: &[u8]) -> bool {
    let text: String = head.iter().filter(|byte| **byte != 0).map(|byte| char::from(*byte)).collect();
    let kind = text.lines().find_map(|line| line.strip_prefix("kind:")).map(str::trim);
    let is_read = kind.is_some_and(|kind| kubernetes::KINDS.contains(&kind) || kubernetes::LISTS.contains(&kind));
    is_read && text.contains("apiVersion:")
}

/// Whether variables or images of Parse are mentioned.
pub fn mentions_parse(head: &[u8]) -> bool {
    let head = head.to_ascii_uppercase();
    ["PARSE_SERVER", "PARSE-SERVER", "PARSE_DASHBOARD", "PARSE-DASHBOARD"]
        .iter()
        .any(|word| memchr::memmem::find(&head, word.as_bytes()).is_some())
}

/// What is wrong with a file that is read line by line and says nothing at all, and where it begins.
pub fn nothing_said(source: &Source<'_>, own: &str) -> Option<Fault> {
    let (number, _) = source.text.lines().enumerate().find(|(_, line)| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with(['#', ';'])
    })?;
    let message = match () {
        () if is_dotenv(own) => "no line of the file sets a variable",
        () if is_dockerfile(own) => "the file has no FROM",
        () if own == "Procfile" => "no line of the file names a process",
        () if !source.text.contains("[Service]") => "the file has no section [Service]",
        () => return None,
    };
    Some(Fault { at: (number + 1, 1), message })
}
