//! Files on disk: which of them may describe the app.
//!
//! `.gitignore` and `.parse-auditignore` are honoured, hidden and vendored folders
//! are skipped (hidden files are only searched for keys), links are not followed out of the folder nor in circles. The walk
//! is sorted, so that the same tree gives the same files in the same order.

use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use walkdir::{DirEntry, WalkDir};

use crate::code::lower::is_code;
use crate::problem::Problem;
use crate::secrets::paths::{NO_TEXT, VENDORED};

use super::vendored;

/// Endings of files that cannot hold a schema, an export or a lock file, and of code
/// that is none (`.d.ts`). Everything else is opened and told by its contents.
const NEVER: [&str; 61] = [
    "7z", "aab", "apk", "avi", "bmp", "c", "class", "cpp", "cs", "css", "dart", "dll", "dylib", "eot", "exe", "gif",
    "go", "h", "heic", "htm", "html", "ico", "ipa", "jar", "java", "jpeg", "jpg", "js", "jsx", "kt", "less", "m",
    "map", "md", "mjs", "mov", "mp3", "mp4", "o", "ogg", "otf", "pdf", "php", "png", "ps1", "psd", "py", "rb", "rs",
    "sass", "scss", "sh", "so", "svg", "swift", "ts", "tsx", "ttf", "wav", "webp", "woff",
];

/// Hidden folders that hold nothing people write.
const HIDDEN: [&str; 18] = [
    ".git",
    ".svn",
    ".hg",
    ".cache",
    ".dart_tool",
    ".gradle",
    ".idea",
    ".mypy_cache",
    ".next",
    ".npm",
    ".nuxt",
    ".nyc_output",
    ".parcel-cache",
    ".pytest_cache",
    ".tox",
    ".turbo",
    ".venv",
    ".yarn",
];

/// What a walk found.
#[derive(Debug, Default)]
pub struct Walked {
    /// Files that may describe the app, code among them: path from the root with `/`, path on disk, length.
    pub files: Vec<(String, PathBuf, u64)>,
    /// Files that may hold keys, as above, the hidden ones too.
    pub searched: Vec<(String, PathBuf, u64)>,
    /// How many files of code were passed by because somebody else wrote them, or a tool made them.
    pub vendored: u64,
    /// Files and folders that could not be read.
    pub problems: Vec<Problem>,
}

/// Walks a folder. `ignored` are further patterns in the syntax of `.gitignore`.
pub fn walk(root: &Path, ignored: &[String]) -> Walked {
    let mut walked = Walked::default();
    let root = &root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let settings = ignore_file(root, ignored, &mut walked.problems);
    let mut nested: Vec<(PathBuf, Gitignore)> = rules_above(root);
    let mut entries = WalkDir::new(root).follow_links(false).sort_by_file_name().into_iter();
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                walked.problems.push(problem_of(root, &error));
                continue;
            }
        };
        nested.retain(|(folder, _)| entry.path().starts_with(folder) || root.starts_with(folder));
        let is_folder = entry.file_type().is_dir();
        if entry.depth() > 0 && is_skipped(&entry, is_folder, &settings, &nested) {
            if is_folder {
                entries.skip_current_dir();
            }
            continue;
        }
        if is_folder {
            if let Some(rules) = ignore_rules(entry.path(), entry.depth() == 0) {
                nested.push((entry.path().to_owned(), rules));
            }
            continue;
        }
        take_file(root, &entry, &mut walked);
    }
    walked
}

fn take_file(root: &Path, entry: &DirEntry, walked: &mut Walked) {
    let extension =
        entry.path().extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
    let path = shown(root, entry.path());
    let is_code = is_code(&path);
    let is_candidate = !is_hidden(&path) && (is_code || !NEVER.contains(&extension.as_str()));
    let is_searched = !NO_TEXT.contains(&extension.as_str());
    if !is_candidate && !is_searched {
        return;
    }
    // A link is passed by: what it leads to is found by its own name, or is not ours.
    if !entry.file_type().is_file() {
        return;
    }
    let metadata = match entry.metadata() {
        Ok(metadata) => metadata,
        Err(error) => {
            walked.problems.push(problem_of(root, &error));
            return;
        }
    };
    if is_searched {
        walked.searched.push((path.clone(), entry.path().to_owned(), metadata.len()));
    }
    if !is_candidate {
        return;
    }
    if is_code && vendored::by_name(&path, metadata.len()) {
        walked.vendored += 1;
        return;
    }
    walked.files.push((path, entry.path().to_owned(), metadata.len()));
}

/// Whether the file or a folder below the root is hidden. Keys lie in such files, descriptions do not.
fn is_hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.'))
}

fn is_skipped(entry: &DirEntry, is_folder: bool, settings: &Gitignore, nested: &[(PathBuf, Gitignore)]) -> bool {
    let name = entry.file_name().to_string_lossy();
    if is_folder && (HIDDEN.contains(&name.as_ref()) || VENDORED.contains(&name.as_ref())) {
        return true;
    }
    if settings.matched(entry.path(), is_folder).is_ignore() {
        return true;
    }
    // The innermost file that has an opinion decides.
    let opinions = nested.iter().rev().map(|(_, rules)| rules.matched(entry.path(), is_folder));
    opinions.into_iter().find(|opinion| !opinion.is_none()).is_some_and(|opinion| opinion.is_ignore())
}

/// The rules of `.gitignore` and `.parse-auditignore` in a folder, and of git's own
/// `info/exclude` in the root.
fn ignore_rules(folder: &Path, is_root: bool) -> Option<Gitignore> {
    let mut builder = GitignoreBuilder::new(folder);
    let mut found = false;
    let names: &[&str] = &[".git/info/exclude", ".gitignore", ".parse-auditignore"];
    for name in names.iter().skip(usize::from(!is_root)) {
        let file = folder.join(name);
        if file.is_file() {
            // A line that is no pattern is left out, as git does.
            let _ = builder.add(file);
            found = true;
        }
    }
    found.then(|| builder.build().ok()).flatten()
}

/// The rules of the folders above, up to the root of the repository, as git applies them.
fn rules_above(root: &Path) -> Vec<(PathBuf, Gitignore)> {
    if root.join(".git").exists() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for folder in root.ancestors().skip(1) {
        let is_repository = folder.join(".git").exists();
        found.extend(ignore_rules(folder, is_repository).map(|rules| (folder.to_owned(), rules)));
        if is_repository {
            found.reverse();
            return found;
        }
    }
    Vec::new()
}

fn ignore_file(root: &Path, patterns: &[String], problems: &mut Vec<Problem>) -> Gitignore {
    let mut builder = GitignoreBuilder::new(root);
    for pattern in patterns {
        if let Err(error) = builder.add_line(None, pattern) {
            problems.push(Problem::new(
                "parse-audit.toml",
                error.to_string(),
                format!("the pattern `{pattern}` was not used"),
            ));
        }
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

/// A path from the root, with `/`.
pub fn shown(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<String> =
        relative.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    parts.join("/")
}

fn problem_of(root: &Path, error: &walkdir::Error) -> Problem {
    let path = error.path().map_or_else(|| ".".to_owned(), |path| shown(root, path));
    let message = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
    Problem::new(path, message, "what is in there was not read")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, text).expect("a file");
        }
        folder
    }

    fn paths(walked: &Walked) -> Vec<&str> {
        walked.files.iter().map(|(path, _, _)| path.as_str()).collect()
    }

    #[test]
    fn ignored_hidden_and_vendored_files_are_passed_by() {
        let folder = tree(&[
            (".gitignore", "secret/\n*.tmp\n!keep.tmp\n"),
            (".parse-auditignore", "old.json\n"),
            (".hidden/a.json", ""),
            ("a.json", ""),
            ("old.json", ""),
            ("b.tmp", ""),
            ("keep.tmp", ""),
            ("secret/a.json", ""),
            ("sub/.gitignore", "*.json\n"),
            ("sub/a.json", ""),
            ("sub/b.bson", ""),
            ("node_modules/p/package.json", ""),
            ("cloud/main.js", ""),
            ("cloud/types.d.ts", ""),
            ("cloud/x.min.js", ""),
            ("image.png", ""),
        ]);
        let walked = walk(folder.path(), &["sub/*.bson".to_owned()]);
        assert_eq!(paths(&walked), ["a.json", "cloud/main.js", "keep.tmp"]);
        let searched: Vec<&str> = walked.searched.iter().map(|(path, _, _)| path.as_str()).collect();
        let hidden = [".gitignore", ".hidden/a.json", ".parse-auditignore"];
        assert!(
            hidden.iter().chain(&["cloud/main.js", "keep.tmp"]).all(|path| searched.contains(path)),
            "{searched:?}"
        );
        assert_eq!(walked.vendored, 1);
        assert_eq!(walked.problems, []);
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_lead_in_circles_or_out() {
        let folder = tree(&[("in/a.json", "")]);
        let outside = tree(&[("b.json", "")]);
        for (from, to) in [("loop", folder.path()), ("in/up", folder.path()), ("out", outside.path())] {
            std::os::unix::fs::symlink(to, folder.path().join(from)).expect("a link");
        }
        std::os::unix::fs::symlink(outside.path().join("b.json"), folder.path().join("b.json")).expect("a link");
        std::os::unix::fs::symlink("self.json", folder.path().join("self.json")).expect("a link");
        assert_eq!(paths(&walk(folder.path(), &[])), ["in/a.json"]);
    }
}
