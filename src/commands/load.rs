//! What every command that looks at an app needs: its configuration, the rules, and
//! the app itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use jiff::civil::Date;

use crate::cli::{CheckArgs, InputArgs};
use crate::finding::suppress::{Directive, Scope};
use crate::history::{History, Range, first_commit, repository_of};
use crate::live;
use crate::model::place::{Content, Show, SourceFile, Text};
use crate::model::snapshot::{Gap, RUNNING_APP};
use crate::model::spans::Syntax;
use crate::model::{FileId, Known, Place};
use crate::problem::Problem;
use crate::read::past::Past;
use crate::read::walk::Ignored;
use crate::read::{self, Input, Progress, Reading, Silent};
use crate::rules::import::{Note, Tool};
use crate::rules::loader;
use crate::rules::program::Program;
use crate::rules::secret::SecretMatcher;
use crate::rules::words::{Named, Tag, Words};
use crate::rules::{Matcher, Rule};
use crate::secrets::Scanner;
use crate::secrets::redact::Salt;
use crate::settings::{Data, PLACES, Settings};
use crate::verify::{self, verify};

use super::{quoted, running, staged};

/// The number of the configuration among the files of a report.
const CONFIG_FILE: FileId = FileId(u32::MAX);

/// The variable with what keys are told from each other with, where the repository is not to decide.
const ID_KEY: &str = "PARSE_AUDIT_ID_KEY";

/// The variable with the application id.
pub const APP_ID: &str = "PARSE_SERVER_APPLICATION_ID";

/// An app that was read, with everything to audit it.
pub struct Loaded {
    /// The configuration.
    pub settings: Settings,
    /// All rules.
    pub program: Program,
    /// The app.
    pub reading: Reading,
    /// Ignores of the configuration.
    pub directives: Vec<Directive>,
    /// Whether there must be an app: not if it was asked for keys alone.
    pub needs_app: bool,
}

/// The configuration as it was found.
pub struct Config {
    /// What it says.
    pub settings: Settings,
    /// The path from the audited folder, the text, and the folder the file is in.
    source: Option<(String, String, PathBuf)>,
}

/// How keys are looked for.
struct Search {
    salt: Salt,
    past: Option<Past>,
    /// What becomes of files that git ignores.
    of_git: Ignored,
    /// Which rules about keys.
    wanted: fn(&SecretMatcher) -> bool,
    /// Who is asked about the keys of a server.
    server: Option<verify::Server>,
    /// Whether archives are opened.
    archives: bool,
}

/// Reads an app, and looks for keys in its files and in its history.
/// `select` leaves out the rules that are not wanted.
pub fn load_and_search(
    args: &CheckArgs,
    select: impl FnOnce(Program, &Settings) -> Result<Program>,
    progress: &dyn Progress,
) -> Result<Loaded> {
    let (path, history) = (args.path.as_path(), &args.history);
    if history.staged {
        return staged::load(path, &args.input, select);
    }
    let server = args.verify.as_deref().map(server).transpose()?;
    let range = Range { since: history.since, between: history.commits.as_deref().map(Range::parse_between) };
    let is_asked = history.since.is_some() || history.commits.is_some();
    let no_repository = !path.is_dir() || repository_of(path).is_none();
    if no_repository && is_asked {
        bail!("`{}` is no folder of a git repository, and has no history to look into", path.display());
    }
    let (search, problem) = Search::of(path, history.no_history, range)?;
    let of_git = if history.include_ignored { Ignored::Searched } else { Ignored::PassedBy };
    let search = Search { of_git, archives: history.archives, server, ..search };
    let mut loaded = read_app(path, &args.input, progress, select, search)?;
    let left_out = match () {
        () if no_repository => Some(("git history", "looked into where PATH is a folder of a repository")),
        () if history.no_history => Some(("git history", "left out with --no-history")),
        () if is_asked => Some(("the rest of the git history", "left out with --since or --commits")),
        () => None,
    };
    loaded.reading.snapshot.gaps.extend(left_out.map(|(what, why)| Gap::new(what, why)));
    loaded.reading.problems.extend(problem);
    loaded.needs_app &= !is_asked;
    Ok(loaded)
}

/// A variable of the environment that is not empty.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The server of `--verify`.
fn server(url: &str) -> Result<verify::Server> {
    let app_id = variable(APP_ID).ok_or_else(|| anyhow!("`--verify` needs the application id in {APP_ID}"))?;
    verify::Server::new(url, &app_id).map_err(|mistake| anyhow!("`--verify`: {mistake}"))
}

impl Search {
    /// The usual one, in files and unless it is left out in the history, and why that cannot be read.
    fn of(path: &Path, no_history: bool, range: Range) -> Result<(Self, Option<Problem>)> {
        let opened = if no_history { None } else { History::open(path) };
        let (opened, problem) = match opened.transpose() {
            Ok(opened) => (opened, None),
            Err(problem) => (None, Some(problem)),
        };
        if let Some(history) = &opened {
            history.find(&range).map_err(|error| anyhow!("{error} in `--commits`"))?;
        }
        let salt = salt(path, opened.as_ref());
        let past = opened.map(|history| Past { history: Arc::new(history), range });
        let of_git = Ignored::PassedBy;
        Ok((Self { salt, past, of_git, wanted: |_| true, server: None, archives: false }, problem))
    }
}

/// What keys are told from each other with: the variable, or what all clones of the repository
/// that a path lies in share. A history that was not opened for another reason is not opened
/// for this one: its first commit is looked for when the first key is found.
pub fn salt(path: &Path, history: Option<&History>) -> Salt {
    let given = variable(ID_KEY);
    match (given, history) {
        (Some(given), _) => Salt::new(&given),
        (None, Some(history)) => history.first_commit().map_or_else(Salt::default, |first| Salt::new(&first)),
        (None, None) => {
            let root = path.to_owned();
            Salt::later(move || first_commit(&root))
        }
    }
}

/// Reads an app, to be asked about; of the keys only those of its server.
pub fn load(path: &Path, args: &InputArgs, no_history: bool) -> Result<Loaded> {
    let (search, problem) = Search::of(path, no_history, Range::default())?;
    let search = Search { wanted: |matcher| matcher.opens.is_some(), ..search };
    let mut loaded = read_app(path, args, &Silent, |program, _| Ok(program), search)?;
    loaded.reading.problems.extend(problem);
    if no_history {
        loaded.reading.snapshot.gaps.push(Gap::new("git history", "left out with --no-history"));
    }
    Ok(loaded)
}

fn read_app(
    path: &Path,
    args: &InputArgs,
    progress: &dyn Progress,
    select: impl FnOnce(Program, &Settings) -> Result<Program>,
    search: Search,
) -> Result<Loaded> {
    let Prepared { config, program, notes, leaves_keys_out } = prepare(path, args, select)?;
    let version = server_version(&config.settings, args)?;
    let Search { salt, past, of_git, archives, wanted, server } = search;
    let rules = program.rules.values().filter(|rule| match &rule.matcher {
        Matcher::Secret(matcher) => wanted(matcher),
        _ => true,
    });
    let scanner = Scanner::new(rules, salt).context("the words of the rules about keys")?;
    let scanner = Arc::new(if server.is_some() { scanner.keeping() } else { scanner });
    // Without a working tree there are no files, only what git keeps.
    let is_bare = past.as_ref().is_some_and(|past| past.history.is_bare());
    let input = if is_bare { Input::Memory(BTreeMap::new()) } else { Input::Path(path.to_owned()) };
    let ignored = config.settings.inputs.ignore.clone();
    let keys_alone = program.is_about_keys_alone();
    let (server_version, searching) = (version, Some(Arc::clone(&scanner)));
    let running = running::Sources::of(&config.settings, args)?;
    let is_running = running.are_some();
    let kept = running.kept(args.resume)?;
    let live::Answers { documents: answers, counts, problems: unanswered, gaps: unasked } = running.read(kept.as_ref());
    let settings = read::Settings {
        ignored,
        server_version,
        scanner: searching,
        past,
        of_git,
        archives,
        keys_alone,
        answers,
        counts,
        kept,
    };
    let mut reading = read::read(&input, &settings, progress);
    if let Some(kept) = &settings.kept {
        reading.snapshot.gaps.extend(running::since(kept));
        // Rows of what did not answer were not counted.
        if !unanswered.is_empty() {
            kept.fail();
        }
        kept.end();
    }
    reading.problems.extend(unanswered);
    if is_running {
        reading.snapshot.gaps.retain(|gap| gap.topic != RUNNING_APP);
        reading.snapshot.gaps.extend(unasked);
    }
    if leaves_keys_out {
        quoted::hide_keys(&mut reading.snapshot.texts);
    }
    reading.snapshot.gaps.extend(notes.iter().map(gap));
    if let Some(server) = &server {
        let (verified, problems) = verify(server, &scanner);
        reading.snapshot.app.verified = Known::Read(verified);
        reading.problems.extend(problems);
    }
    loaded(config, program, reading, !is_bare && !keys_alone)
}

/// What is known before anything is read.
pub struct Prepared {
    /// The configuration as it was found.
    pub config: Config,
    /// The rules that are wanted.
    pub program: Program,
    /// What rules of other scanners say and we cannot.
    pub notes: Vec<Note>,
    /// Whether rules about keys are not among those that are wanted: then others must not show what these would hide.
    pub leaves_keys_out: bool,
}

/// Reads the configuration and the rules.
pub fn prepare(
    path: &Path,
    args: &InputArgs,
    select: impl FnOnce(Program, &Settings) -> Result<Program>,
) -> Result<Prepared> {
    // Symlinks are followed, and what is there may still be closed to us.
    match fs::metadata(path) {
        Err(error) => bail!("`{}`: {}", path.display(), read::file::words(&error)),
        Ok(found) if !found.is_file() && !found.is_dir() => {
            bail!("`{}` is neither a file nor a folder", path.display())
        }
        Ok(_) => {}
    }
    let config = config(path, args)?;
    let (program, notes) = program(&config, args)?;
    let about_keys =
        |program: &Program| program.rules.values().filter(|rule| matches!(rule.matcher, Matcher::Secret(_))).count();
    let all = about_keys(&program);
    let program = select(program, &config.settings)?;
    let leaves_keys_out = about_keys(&program) < all;
    Ok(Prepared { config, program, notes, leaves_keys_out })
}

/// Puts what was read to what was known before.
pub fn loaded(mut config: Config, program: Program, mut reading: Reading, needs_app: bool) -> Result<Loaded> {
    if let Some((name, text, _)) = &mut config.source {
        *text = quoted::without_keys(text);
        // What is only shown is taken from there too; what means something stays as it was written.
        if let Ok(shown) = Settings::parse(name, text) {
            config.settings.app = shown.app;
            let reasons = shown.ignore.into_iter().map(|ignore| ignore.reason);
            config.settings.ignore.iter_mut().zip(reasons).for_each(|(ignore, reason)| ignore.reason = reason);
        }
    }
    let directives = directives(&config)?;
    if let Some((name, text, _)) = config.source {
        let text = Text::new(text.as_bytes(), Show::Everything, Syntax::Toml);
        reading.snapshot.texts.insert(CONFIG_FILE, SourceFile { path: name, content: Content::Text(text) });
    }
    Ok(Loaded { settings: config.settings, program, reading, directives, needs_app })
}

/// What a rule of another scanner says and we cannot, as something that is not checked.
pub fn gap(note: &Note) -> Gap {
    Gap::new(format!("{} in {}", note.feature, note.file()), format!("{}{}", note.instead, note.whose()))
}

fn config(path: &Path, args: &InputArgs) -> Result<Config> {
    let none = Config { settings: Settings::default(), source: None };
    if args.no_config {
        return Ok(none);
    }
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let file = match &args.config {
        Some(file) => Some(file.clone()),
        None => PLACES.iter().map(|place| folder.join(place)).find(|file| file.is_file()),
    };
    let Some(file) = file else { return Ok(none) };
    let text =
        fs::read_to_string(&file).map_err(|error| anyhow!("`{}`: {}", file.display(), read::file::words(&error)))?;
    let shown = read::walk::shown(folder, &file);
    let settings = Settings::parse(&file.display().to_string(), &text).map_err(|mistake| anyhow!("{mistake}"))?;
    let parent = file.parent().map_or_else(|| folder.to_owned(), Path::to_owned);
    Ok(Config { settings, source: Some((shown, text, parent)) })
}

fn program(config: &Config, args: &InputArgs) -> Result<(Program, Vec<Note>)> {
    let mut folders = args.rules.clone();
    if let Some((_, _, parent)) = &config.source {
        folders.extend(config.settings.rules.folders.iter().map(|folder| parent.join(folder)));
    }
    let Own { rules, notes } = rules(&folders)?;
    let words = Words::new(named(&config.settings.data)?).context("the built-in words for names of fields")?;
    Ok((Program::new(rules, words), notes))
}

/// Rules, and what those of other scanners say and we cannot.
#[derive(Default)]
pub struct Own {
    /// The rules.
    pub rules: Vec<Rule>,
    /// What is not as it is there.
    pub notes: Vec<Note>,
}

/// Longer files hold no rules.
const LONGEST: u64 = 4 << 20;

/// Words of all rules about keys, of which no more can be looked for.
const MOST_WORDS: usize = 60_000;

/// The built-in rules and those of folders and files of one's own.
pub fn rules(folders: &[PathBuf]) -> Result<Own> {
    let mut own = Own::default();
    for folder in folders {
        let more = own_rules(folder)?;
        own.rules.extend(more.rules);
        more.notes.into_iter().for_each(|note| note.add(&mut own.notes));
    }
    let mut words = 0;
    for rule in &own.rules {
        let Matcher::Secret(matcher) = &rule.matcher else { continue };
        if !matcher.compiles() {
            bail!("{}: the patterns of `{}` are too large; write shorter ones", rule.path, rule.id);
        }
        words += matcher.keywords.len();
        if words > MOST_WORDS {
            bail!("{}: more than {MOST_WORDS} keywords in all rules together; give fewer rules", rule.path);
        }
    }
    let built_in = loader::built_in().map_err(|error| anyhow!("{error}"))?;
    Ok(Own { rules: loader::with_own(built_in, own.rules), notes: own.notes })
}

/// The rules of a folder or file, those of other scanners too.
pub fn own_rules(path: &Path) -> Result<Own> {
    let (texts, foreign) = (rule_texts(path)?, foreign_texts(path)?);
    if texts.is_empty() && foreign.is_empty() {
        bail!(
            "`{}` has no rule files, which end in .md, and none of gitleaks (.toml) or Kingfisher (.yml)",
            path.display()
        );
    }
    let texts = texts.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let mut own = Own { rules: loader::parse_all(texts).map_err(|error| anyhow!("{error}"))?, notes: Vec::new() };
    for (path, (tool, text)) in &foreign {
        let imported = tool.read(path, text).map_err(|mistake| anyhow!("{mistake}"))?;
        own.rules.extend(imported.rules);
        imported.notes.into_iter().for_each(|note| note.add(&mut own.notes));
    }
    Ok(own)
}

/// The texts of the rule files of a folder, or of one file, by path.
pub fn rule_texts(path: &Path) -> Result<BTreeMap<String, String>> {
    let is_rule = |file: &Path| {
        file.extension().is_some_and(|extension| extension == "md")
            && file.file_name().is_some_and(|name| name != "README.md")
    };
    files(path, is_rule)?.into_iter().map(|file| read_rules(&file)).collect()
}

/// The texts of the rule files of other scanners in a folder, or of one file, by path. In a folder
/// other files of their kind are passed by.
fn foreign_texts(path: &Path) -> Result<BTreeMap<String, (Tool, String)>> {
    let mut texts = BTreeMap::new();
    for file in files(path, |file| Tool::of_path(&file.display().to_string()).is_some())? {
        let (shown, text) = read_rules(&file)?;
        let Some(tool) = Tool::of_path(&shown) else { continue };
        if file == path || tool.is_rules(&text) {
            texts.insert(shown, (tool, text));
        }
    }
    Ok(texts)
}

fn files(path: &Path, wanted: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(path).sort_by_file_name() {
        let entry = entry.map_err(|error| {
            anyhow!("`{}`: {}", path.display(), error.io_error().map_or_else(|| error.to_string(), read::file::words))
        })?;
        if entry.file_type().is_file() && wanted(entry.path()) {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

/// The path of a file as it is shown, and its text.
fn read_rules(file: &Path) -> Result<(String, String)> {
    let shown = file.display().to_string();
    let failed = |error: &std::io::Error| anyhow!("`{shown}`: {}", read::file::words(error));
    if fs::metadata(file).map_err(|error| failed(&error))?.len() > LONGEST {
        bail!("`{shown}` is longer than 4 MB, which no file of rules is");
    }
    let text = fs::read_to_string(file).map_err(|error| failed(&error))?;
    Ok((shown, text.replace("\r\n", "\n")))
}

fn named(data: &Data) -> Result<Vec<Named>> {
    let lists = [
        (&data.personal, Some(Tag::Personal)),
        (&data.sensitive, Some(Tag::Sensitive)),
        (&data.secret, Some(Tag::Secret)),
        (&data.privilege, Some(Tag::Privilege)),
        (&data.ordinary, None),
    ];
    let mut all = Vec::new();
    for (names, tag) in lists {
        for name in names {
            let (class, field) = match name.split_once('.') {
                Some(("*", field)) => (None, field),
                Some((class, field)) => (Some(class.into()), field),
                None => (None, name.as_str()),
            };
            if field.is_empty() {
                bail!("`{name}` in the table [data] names no field; write `Class.field`");
            }
            all.push(Named { class, field: field.into(), tag });
        }
    }
    Ok(all)
}

fn server_version(settings: &Settings, args: &InputArgs) -> Result<Option<semver::Version>> {
    if let Some(version) = &args.server_version {
        return Ok(Some(version.clone()));
    }
    let Some(text) = &settings.server.version else { return Ok(None) };
    match semver::Version::parse(text) {
        Ok(version) => Ok(Some(version)),
        Err(_) => bail!("`{text}` in the table [server] is no version; write one such as 6.5.11"),
    }
}

/// The ignores of the configuration.
fn directives(config: &Config) -> Result<Vec<Directive>> {
    let mut directives = Vec::new();
    for (number, ignore) in config.settings.ignore.iter().enumerate() {
        let until = match &ignore.until {
            None => None,
            Some(text) => match text.parse::<Date>() {
                Ok(date) => Some(date),
                Err(_) => bail!("`until` of the ignore of `{}` is no date such as 2026-12-31", ignore.finding),
            },
        };
        if ignore.reason.trim().is_empty() {
            bail!("the ignore of `{}` gives no reason", ignore.finding);
        }
        directives.push(Directive {
            scope: Scope::Finding(ignore.finding.clone()),
            reason: ignore.reason.clone(),
            until,
            at: Place::Pointer { file: CONFIG_FILE, pointer: format!("/ignore/{number}/finding") },
            fault: None,
        });
    }
    Ok(directives)
}
