//! Files on disk: which of them may describe the app.
//!
//! `.gitignore` and `.parse-auditignore` are honoured, hidden and vendored folders
//! are skipped (hidden files are only searched for keys), links are not followed out of the folder nor in circles. The walk
//! is sorted, so that the same tree gives the same files in the same order.

use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use crate::code::lower::is_code;
use crate::problem::Problem;
use crate::secrets::paths::{NO_TEXT, VENDORED, is_archive};

use super::ignored::{Lists, Said};
use super::{deploy, installed, vendored};

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

/// A file that a walk came to.
#[derive(Debug)]
pub struct Walked {
    /// Path from the root with `/`.
    pub path: String,
    /// Path on disk.
    pub disk: PathBuf,
    /// Length in bytes.
    pub size: u64,
    /// Whether it may describe the app, as code does too.
    pub may_describe: bool,
    /// Whether it is code whose name says that it is a copy or was made small.
    pub is_copy: bool,
    /// Whether it may hold keys.
    pub is_searched: bool,
    /// Whether it is an archive.
    pub is_archive: bool,
    /// Whether git ignores it.
    pub is_ignored: bool,
}

/// What else a walk saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// How many files of code were passed by because somebody else wrote them, or a tool made them.
    pub vendored: u64,
    /// Folders of installed packages that git does not ignore, in the order of paths; those inside of
    /// others are left out.
    pub installed: Vec<String>,
    /// Files and folders that could not be read.
    pub problems: Vec<Problem>,
}

/// What becomes of files that git ignores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ignored {
    /// They are passed by.
    #[default]
    PassedBy,
    /// They are searched for keys, and for nothing else.
    Searched,
}

/// Walks a folder and hands on its files, in order. `ignored` are further patterns in the syntax of
/// `.gitignore`. What git ignores is passed by, or only searched for keys.
pub fn walk(root: &Path, ignored: &[String], of_git: Ignored, mut found: impl FnMut(Walked)) -> Seen {
    let mut seen = Seen::default();
    let root = &root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let mut lists = Lists::new(root, ignored, &mut seen.problems);
    // A folder that git ignores, with all that is in it.
    let mut within: Option<PathBuf> = None;
    let mut entries = WalkDir::new(root).follow_links(false).sort_by_file_name().into_iter();
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                seen.problems.push(problem_of(root, &error));
                continue;
            }
        };
        lists.leave(entry.path());
        within = within.filter(|folder| entry.path().starts_with(folder));
        let is_folder = entry.file_type().is_dir();
        let said = match () {
            () if entry.depth() == 0 => Said::Nothing,
            () if is_folder && is_skipped(&entry) => {
                let is_kept = || within.is_none() && lists.of(entry.path(), true) == Said::Nothing;
                if entry.file_name() == installed::FOLDER && is_kept() {
                    seen.installed.push(shown(root, entry.path()));
                }
                Said::PassedBy
            }
            () if within.is_none() => lists.of(entry.path(), is_folder),
            () if lists.passes_by(entry.path(), is_folder) => Said::PassedBy,
            () => Said::Ignored,
        };
        let is_read = match (said, of_git) {
            (Said::Nothing, _) | (Said::Ignored, Ignored::Searched) => true,
            (Said::PassedBy, _) | (Said::Ignored, Ignored::PassedBy) => false,
        };
        match (is_folder, is_read) {
            (true, true) => {
                lists.enter(entry.path());
                within = within.or_else(|| (said == Said::Ignored).then(|| entry.path().to_owned()));
            }
            (true, false) => entries.skip_current_dir(),
            (false, true) => {
                if let Some(file) = file(root, &entry, said, &mut seen) {
                    found(file);
                }
            }
            (false, false) => {}
        }
    }
    seen
}

/// What a file is, by its name; `None` if nobody looks into it.
fn file(root: &Path, entry: &DirEntry, said: Said, seen: &mut Seen) -> Option<Walked> {
    let extension =
        entry.path().extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
    let path = shown(root, entry.path());
    let is_code = is_code(&path);
    let is_ignored = said == Said::Ignored;
    let is_shown = !is_hidden(&path) || deploy::is_hidden_one(&path);
    let is_candidate = !is_ignored && is_shown && (is_code || !NEVER.contains(&extension.as_str()));
    let is_searched = !NO_TEXT.contains(&extension.as_str());
    let is_archive = entry.file_name().to_str().is_some_and(is_archive);
    // A link is passed by: what it leads to is found by its own name, or is not ours.
    if !(is_candidate || is_searched || is_archive) || !entry.file_type().is_file() {
        return None;
    }
    let metadata = entry.metadata().map_err(|error| seen.problems.push(problem_of(root, &error))).ok()?;
    let is_vendored = is_candidate && is_code && vendored::by_name(&path, metadata.len());
    seen.vendored += u64::from(is_vendored);
    let may_describe = is_candidate && !is_vendored;
    let (disk, size) = (entry.path().to_owned(), metadata.len());
    let is_copy = is_vendored;
    Some(Walked { path, disk, size, may_describe, is_copy, is_searched, is_archive, is_ignored })
}

/// Whether the file or a folder below the root is hidden. Keys lie in such files, descriptions do not.
fn is_hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.'))
}

/// Whether nobody writes what lies in a folder, or somebody else did.
fn is_skipped(folder: &DirEntry) -> bool {
    let name = folder.file_name().to_string_lossy();
    HIDDEN.contains(&name.as_ref()) || VENDORED.contains(&name.as_ref())
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

    fn walked(root: &Path, ignored: &[String]) -> (Vec<Walked>, Seen) {
        let mut files = Vec::new();
        let seen = walk(root, ignored, Ignored::PassedBy, |file| files.push(file));
        (files, seen)
    }

    fn paths(files: &[Walked], is: impl Fn(&Walked) -> bool) -> Vec<&str> {
        files.iter().filter(|file| is(file)).map(|file| file.path.as_str()).collect()
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
        let (files, seen) = walked(folder.path(), &["sub/*.bson".to_owned()]);
        assert_eq!(paths(&files, |file| file.may_describe), ["a.json", "cloud/main.js", "keep.tmp"]);
        let searched = paths(&files, |file| file.is_searched);
        let hidden = [".gitignore", ".hidden/a.json", ".parse-auditignore"];
        assert!(
            hidden.iter().chain(&["cloud/main.js", "keep.tmp"]).all(|path| searched.contains(path)),
            "{searched:?}"
        );
        assert_eq!(seen.vendored, 1);
        assert_eq!(seen.problems, []);
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
        assert_eq!(paths(&walked(folder.path(), &[]).0, |_| true), ["in/a.json"]);
    }
}
