//! The command line: types, nothing else.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Audits the security and permissions of an app on the Parse Platform.
///
/// Reads class schemas, permissions, ACLs, roles and options from the files of a
/// repository, works out who can really do what, and says what is open. Offline unless asked;
/// changes nothing but the lock that `snapshot` writes.
///
/// Exit codes: 0 nothing at or over --fail-on; 1 findings or drift; 2 wrong use or
/// configuration; 3 something could not be read.
#[derive(Debug, Parser)]
#[command(name = "parse-audit", version, args_conflicts_with_subcommands = true, max_term_width = 100)]
pub struct Cli {
    /// What to do; `check` if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What to check when no command is given.
    #[command(flatten)]
    pub check: CheckArgs,
    /// How to speak.
    #[command(flatten)]
    pub voice: Voice,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Audit a repository.
    Check(CheckArgs),
    /// Say who can do something: `who-can find Order.cAddress`.
    WhoCan(WhoCanArgs),
    /// Say everything a principal can do: `can public`, `can role:staff`.
    Can(CanArgs),
    /// Write what the permissions are agreed to be: parse-audit/NAME.lock.toml.
    Snapshot(SnapshotArgs),
    /// Say what changed, by effect: who reaches what they did not reach before.
    Drift(DriftArgs),
    /// Explain a rule, a package with its advisories, or a verdict: `explain "find Order as public"`.
    Explain(ExplainArgs),
    /// The rules, and a team's own.
    Rules(RulesArgs),
    /// Published weaknesses of packages: which are known, and how to know more.
    Advisories {
        /// What to do; `status` if nothing is said.
        #[command(subcommand)]
        action: Option<AdvisoriesAction>,
    },
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

/// How to speak; for every command.
#[derive(Debug, Clone, Args)]
pub struct Voice {
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub color: ColorChoice,
    /// Say less: only findings and what could not be read.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: every finding on its own, and what was ignored.
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What is read, for every command that reads an app.
#[derive(Debug, Clone, Args)]
pub struct InputArgs {
    /// The configuration; by default parse-audit.toml in PATH or in its folder .github.
    #[arg(long, value_name = "FILE", conflicts_with = "no_config")]
    pub config: Option<PathBuf>,
    /// Read no configuration.
    #[arg(long)]
    pub no_config: bool,
    /// A folder of the team's own rules, or a rule file, also of gitleaks or Kingfisher; may be given several times.
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    /// The version of Parse Server, where no file tells it.
    #[arg(long, value_name = "VERSION")]
    pub server_version: Option<semver::Version>,
    /// Read the running app as well, from this Parse Server, by GET alone. The application id comes from
    /// PARSE_SERVER_APPLICATION_ID, the key from PARSE_SERVER_READ_ONLY_MASTER_KEY or PARSE_SERVER_MASTER_KEY.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Also try what the server of --server lets somebody do who has nothing but the application id: reads that can
    /// find nothing, and counts.
    #[arg(long)]
    pub probe: bool,
    /// Read the running app as well, from its database in MongoDB, by reads alone. An address with a password is given
    /// as `env` (PARSE_SERVER_DATABASE_URI), `env:VARIABLE` or `file:PATH`.
    #[arg(long, value_name = "URI", conflicts_with = "postgres")]
    pub mongodb: Option<String>,
    /// Read the running app as well, from its database in PostgreSQL, in a transaction that cannot write. An
    /// address with a password is given as `env` (PARSE_SERVER_DATABASE_URI), `env:VARIABLE` or `file:PATH`.
    #[arg(long, value_name = "URI")]
    pub postgres: Option<String>,
    /// Keep the running app busy for at most so many percent of the time, and rest in between.
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub max_load: u8,
    /// Of classes with 100,000 rows or more look at so many percent of the rows, chosen at random, and tell what
    /// that says of the others.
    #[arg(long, value_name = "PERCENT", value_parser = percent, conflicts_with = "resume")]
    pub sample: Option<f64>,
    /// Where an earlier run was cut off while it counted rows of the same running app, go on there.
    #[arg(long)]
    pub resume: bool,
    /// The environment: what parse-audit.toml says in the table [env.NAME]. The running app is read from there.
    #[arg(long, value_name = "NAME", conflicts_with = "no_config")]
    pub env: Option<String>,
}

/// A share of which something is left over.
fn percent(given: &str) -> Result<f64, String> {
    let percent = given.strip_suffix('%').unwrap_or(given).trim().parse::<f64>().ok();
    percent.filter(|percent| 0.0 < *percent && *percent < 100.0).ok_or("it is no number between 0 and 100".to_owned())
}

impl InputArgs {
    /// The same, without a running app.
    pub fn of_files_alone(&self) -> Self {
        Self {
            env: None,
            server: None,
            probe: false,
            mongodb: None,
            postgres: None,
            resume: false,
            sample: None,
            ..self.clone()
        }
    }

    /// Whether more is read than files.
    pub fn asks_a_running_app(&self) -> bool {
        self.env.is_some() || self.server.is_some() || self.mongodb.is_some() || self.postgres.is_some()
    }
}

/// Arguments of `check`.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// The repository, or a single file.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// What is read.
    #[command(flatten)]
    pub input: InputArgs,
    /// Where keys are looked for.
    #[command(flatten)]
    pub history: HistoryArgs,
    /// A report: text, sarif, json, github or csv (the access matrix), to a file or to
    /// standard output; may be given several times.
    #[arg(short, long = "output", value_name = "FORMAT[=FILE]")]
    pub output: Vec<String>,
    /// Exit with 1 from this severity on: info, low, medium, high or critical [default: high].
    #[arg(long, value_name = "SEVERITY")]
    pub fail_on: Option<String>,
    /// Report nothing below this severity.
    #[arg(long, value_name = "SEVERITY")]
    pub min_severity: Option<String>,
    /// Only these rules, by id, by the beginning of ids (`secret-*`) or by tag (`secrets`);
    /// may be given several times.
    #[arg(long, value_name = "RULE")]
    pub select: Vec<String>,
    /// Not these rules, named in the same ways; may be given several times.
    #[arg(long, value_name = "RULE")]
    pub ignore: Vec<String>,
    /// Ask this Parse Server whether it still takes the master keys that are found: one read of
    /// /serverInfo for each. The application id comes from PARSE_SERVER_APPLICATION_ID.
    #[arg(long, value_name = "URL", conflicts_with = "staged")]
    pub verify: Option<String>,
    /// Use no network, whatever else is asked for. Only --server, --mongodb, --postgres, --env and --verify ever use one.
    #[arg(long, conflicts_with_all = ["server", "mongodb", "postgres", "env", "verify"])]
    pub offline: bool,
    /// Exit with 0 although there are findings.
    #[arg(long)]
    pub exit_zero: bool,
}

/// Where `check` looks for keys, beside the files of the working tree.
#[derive(Debug, Clone, Default, Args)]
pub struct HistoryArgs {
    /// Look for keys in what is staged, and for nothing else: for a pre-commit hook.
    #[arg(long, conflicts_with_all = ["no_history", "since", "commits", "server", "mongodb", "postgres", "env"])]
    pub staged: bool,
    /// Look for keys in files that git ignores too, such as .env; they are looked into for nothing else.
    #[arg(long, conflicts_with = "staged")]
    pub include_ignored: bool,
    /// Look for keys in the files only, not in the history of the repository that PATH is or lies in.
    #[arg(long, conflicts_with_all = ["since", "commits"])]
    pub no_history: bool,
    /// Look for keys in archives as well: zip, jar, war, apk, ipa, tar and gzip.
    #[arg(long, conflicts_with = "staged")]
    pub archives: bool,
    /// Of the history only what was committed since this day, such as 2026-01-31.
    #[arg(long, value_name = "DATE")]
    pub since: Option<jiff::civil::Date>,
    /// Of the history only what these commits brought: those that lead to B and not to A.
    #[arg(long, value_name = "A..B")]
    pub commits: Option<String>,
}

/// Arguments of `who-can`.
#[derive(Debug, Clone, Args)]
pub struct WhoCanArgs {
    /// find, get, count, create, update, delete or addField.
    pub operation: String,
    /// A class, or a field of a class.
    #[arg(value_name = "CLASS[.FIELD]")]
    pub target: String,
    /// As if the users of CHILD also held PARENT; may be given several times.
    #[arg(long, value_name = "CHILD:PARENT")]
    pub with: Vec<String>,
    /// As if the users of CHILD did not hold PARENT; may be given several times.
    #[arg(long, value_name = "CHILD:PARENT")]
    pub without: Vec<String>,
    /// The repository.
    #[arg(short = 'C', long, value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// What is read.
    #[command(flatten)]
    pub input: InputArgs,
    /// Look for keys of the server in the files only, not in the history of the repository.
    #[arg(long)]
    pub no_history: bool,
}

/// Arguments of `can`.
#[derive(Debug, Clone, Args)]
pub struct CanArgs {
    /// public, any-user, anonymous-user, role:NAME, owner:COLUMN, user:ID,
    /// read-only-master-key, maintenance-key or master-key.
    pub principal: String,
    /// The repository.
    #[arg(short = 'C', long, value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// What is read.
    #[command(flatten)]
    pub input: InputArgs,
    /// Look for keys of the server in the files only, not in the history of the repository.
    #[arg(long)]
    pub no_history: bool,
}

/// Arguments of `snapshot`.
#[derive(Debug, Clone, Args)]
pub struct SnapshotArgs {
    /// The repository.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Write nothing; exit with 1 if the lock is not what would be written, and say what differs.
    #[arg(long)]
    pub check: bool,
    /// What is read.
    #[command(flatten)]
    pub input: InputArgs,
}

/// Arguments of `drift`.
#[derive(Debug, Clone, Args)]
pub struct DriftArgs {
    /// From what: lock, live, code (the repository alone), git:REV, env:NAME (the lock of that environment),
    /// or a lock file or folder.
    #[arg(default_value = "lock")]
    pub from: String,
    /// To what, named in the same ways.
    #[arg(default_value = "live")]
    pub to: String,
    /// The repository.
    #[arg(short = 'C', long, value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// A report: text, json or sarif (at the lines of the lock), to a file or to standard output; may be given
    /// several times.
    #[arg(short, long = "output", value_name = "FORMAT[=FILE]")]
    pub output: Vec<String>,
    /// Exit with 1 from this severity on: info, low, medium, high or critical [default: info].
    #[arg(long, value_name = "SEVERITY")]
    pub fail_on: Option<String>,
    /// What is read.
    #[command(flatten)]
    pub input: InputArgs,
}

/// Arguments of `explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// The id of a rule, an installed package, the id of an advisory (GHSA-… or CVE-…), or a question:
    /// `update Order as role:support`.
    #[arg(required = true, value_name = "RULE|PACKAGE|ADVISORY|QUESTION")]
    pub what: Vec<String>,
    /// The repository that a question is about.
    #[arg(short = 'C', long, value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// What is read.
    #[command(flatten)]
    pub input: InputArgs,
    /// Look for keys of the server in the files only, not in the history of the repository.
    #[arg(long)]
    pub no_history: bool,
}

/// Arguments of `rules`.
#[derive(Debug, Clone, Args)]
pub struct RulesArgs {
    /// What to do with rules; `list` if nothing is said.
    #[command(subcommand)]
    pub action: Option<RulesAction>,
    /// A folder of the team's own rules, or a rule file, also of gitleaks or Kingfisher; may be given several times.
    #[arg(long, global = true, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
}

/// What to do with rules.
#[derive(Debug, Clone, Subcommand)]
pub enum RulesAction {
    /// List the rules.
    List {
        /// By category of the OWASP Top 10 of 2021 and 2025 and the API Top 10 of 2023.
        #[arg(long)]
        owasp: bool,
    },
    /// Print a rule's file.
    Show {
        /// The id of the rule.
        rule: String,
    },
    /// Run the cases of rules: of a folder or file of one's own, or of all built-in ones.
    Test {
        /// The folder or file; the built-in rules if it is left out.
        path: Option<PathBuf>,
        /// Write what was found into the rule files instead of comparing.
        #[arg(long)]
        bless: bool,
    },
    /// Write a new rule to start from.
    New {
        /// The id: words in lower case with `-` between them.
        id: String,
        /// The folder to write it to.
        #[arg(long, default_value = "parse-audit/rules")]
        folder: PathBuf,
    },
}

/// What to do with advisories.
#[derive(Debug, Clone, Subcommand)]
pub enum AdvisoriesAction {
    /// Say which advisories are known, and how old they are.
    Status,
    /// Take in advisories in the OSV format, for later runs.
    Import(ImportArgs),
    /// Ask a server of OSV about the packages that an app installs. It is told their names and versions.
    Update(UpdateArgs),
}

/// Arguments of `advisories import`.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// An export of OSV, such as the all.zip of npm, which takes the place of what was imported before;
    /// or a record or a folder of records, which are added.
    #[arg(value_name = "FILE|DIR")]
    pub path: PathBuf,
    /// Take in reports of malicious packages (MAL-…) too.
    #[arg(long)]
    pub malicious: bool,
}

/// Arguments of `advisories update`.
#[derive(Debug, Clone, Args)]
pub struct UpdateArgs {
    /// The repository whose lock files say which packages are meant.
    #[arg(short = 'C', long, value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// The server.
    #[arg(long, value_name = "URL", default_value = "https://api.osv.dev")]
    pub url: String,
}
