//! Files that deploy the app: which they are, what they say, and the configurations of
//! Parse Server and Parse Dashboard that come of them.
//!
//! The environment counts for a server only if its command line starts it; code that
//! starts a server does not look at these variables.
//!
//! Source: Parse Server 9.10.0, `cli/utils/commander.js`: command line before environment
//! before the file in JSON; only names of options at the top are read from the environment.

mod compose;
mod environment;
mod join;
mod kubernetes;
mod lines;
mod settle;
mod template;
mod told;
mod yaml;

use crate::code::path::name;
use crate::model::deploy::Form;
use crate::model::place::{Show, Text};
use crate::model::spans::Syntax;
use crate::model::{FileId, Place, Span};
use crate::problem::Problem;

use super::parts::Parts;
use super::source::Candidate;
use told::{is_compose, is_dockerfile, is_dotenv, is_manifest, is_yaml, mentions_parse, nothing_said};
use yaml::Fault;

pub use environment::of_code as environment;
pub use join::join;
pub use settle::settle;
pub use told::{is_hidden_one, is_sample};

/// Bytes; files of deployment are never longer.
const LONGEST: u64 = 1 << 20;

/// Bytes in which a manifest says what it is.
const HEAD: u64 = 4096;

/// A service as it is written. Holds keys: it never leaves this room.
#[derive(Debug, Clone)]
pub struct Raw {
    /// Its name in the file.
    pub name: String,
    /// What kind of file it is.
    pub form: Form,
    /// The path of the file.
    pub path: String,
    /// Where it stands.
    pub at: Place,
    /// The image, and where it is named.
    pub image: Option<(String, Place)>,
    /// The words of its command.
    pub command: Vec<(String, Place)>,
    /// Its variables, the last of a name counts.
    pub variables: Vec<(String, String, Place)>,
    /// Files and maps that hold further variables, by path or name.
    pub further: Vec<String>,
    /// Single variables of such lists: the name here, the list, the name there.
    pub single: Vec<(String, String, String)>,
    /// The path of the file and the name of the service that it begins as.
    pub extends: Option<(String, String)>,
    /// The line that it begins in.
    pub line: Option<usize>,
    /// Ports, as `published:inside`.
    pub ports: Vec<(String, Place)>,
    /// The user it runs as.
    pub user: Option<String>,
    /// What it is given of the machine it runs on.
    pub rights: Vec<(crate::model::deploy::Right, Place)>,
    /// Whether it is only a list of variables that others name.
    pub is_list: bool,
}

impl Raw {
    fn new(name: &str, form: Form, path: &str, at: Place) -> Self {
        Self {
            name: name.to_owned(),
            form,
            path: path.to_owned(),
            at,
            image: None,
            command: Vec::new(),
            variables: Vec::new(),
            further: Vec::new(),
            single: Vec::new(),
            extends: None,
            line: None,
            ports: Vec::new(),
            user: None,
            rights: Vec::new(),
            is_list: false,
        }
    }
}

/// A text and the file it is of, to make places.
struct Source<'t> {
    file: FileId,
    path: &'t str,
    text: &'t str,
}

impl Source<'_> {
    fn place(&self, start: usize, end: usize) -> Place {
        Place::Text { file: self.file, span: Span::new(self.text, start, end) }
    }

    /// The line of a byte, from 1.
    fn line(&self, byte: usize) -> usize {
        self.text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
    }
}

/// Reads a file of deployment, if it is one.
pub fn read(candidate: &Candidate, parts: &mut Parts) {
    let own = name(&candidate.name);
    let is_workflow = is_yaml(own) && candidate.path.contains(".github/workflows/");
    let is_line = is_dotenv(own) || is_dockerfile(own) || own == "Procfile" || own.ends_with(".service");
    let is_named = is_line || is_workflow || is_compose(own) || own == "app.json";
    if !is_named && !is_yaml(own) {
        return;
    }
    // Of what is told by its contents the beginning must do.
    let is_meant = || is_named || candidate.head(HEAD).is_ok_and(|head| is_manifest(&head));
    let mut fault = |fault: Fault| {
        let problem = Problem::new(&candidate.path, fault.message, "what it sets and starts is not known");
        let (line, column) = fault.at;
        parts.problems.push(if line > 0 { problem.at(line, column) } else { problem });
    };
    let whole = |message| Fault { at: (0, 0), message };
    if candidate.size > LONGEST {
        // What vendors write is long, and little of it is about Parse.
        let is_about_parse = || candidate.head(HEAD).is_ok_and(|head| is_manifest(&head) && mentions_parse(&head));
        return if is_named || is_about_parse() {
            fault(whole("the file is over 1 MB; it was not read"))
        };
    }
    let Ok(Some(bytes)) = candidate.whole(LONGEST) else { return };
    if bytes.contains(&0) {
        return if is_meant() {
            fault(whole("the file is no text, or UTF-16; it was not read"))
        };
    }
    let kept = Text::new(&bytes, Show::NoValues, Syntax::Plain);
    let source = Source { file: candidate.file, path: &candidate.path, text: &kept.text };
    let found = match () {
        () if is_dotenv(own) => lines::dotenv(&source),
        () if is_dockerfile(own) => lines::dockerfile(&source),
        () if own == "Procfile" => lines::procfile(&source),
        () if own.ends_with(".service") => lines::systemd(&source),
        () if own == "app.json" => match kubernetes::app_json(&source) {
            Ok(found) => found,
            Err(error) => return fault(error),
        },
        () => match yaml::documents(&source) {
            Ok(documents) => {
                documents.iter().flat_map(|document| of_document(&source, document, is_workflow)).collect()
            }
            Err(_) if source.text.contains("{{") => of_template(&source),
            Err(error) => {
                return if is_meant() {
                    fault(error)
                };
            }
        },
    };
    if found.is_empty()
        && is_line
        && let Some(nothing) = nothing_said(&source, own)
    {
        return fault(nothing);
    }
    if !found.is_empty() {
        parts.deployed = found;
        parts.says_something = true;
        if parts.text.is_none() {
            parts.text = Some(kept);
        }
    }
}

fn of_document(source: &Source<'_>, document: &yaml::Node, is_workflow: bool) -> Vec<Raw> {
    if is_workflow {
        return compose::workflow(source, document);
    }
    let services = kubernetes::services(source, document);
    if services.is_empty() { compose::services(source, document) } else { services }
}

/// A template of Helm: what it fills in is not known, the rest is what it says. One that is no YAML
/// without its braces either is left to those who fill it in.
fn of_template(source: &Source<'_>) -> Vec<Raw> {
    let text = template::without_braces(source.text);
    let source = Source { text: &text, ..*source };
    let documents = yaml::documents(&source).unwrap_or_default();
    documents.iter().flat_map(|document| of_document(&source, document, false)).collect()
}

/// The words of a command line, quotes taken off.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace()
        .map(|word| word.trim_matches(['"', '\'', ',', '[', ']']))
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::model::App;
    use crate::model::options::{Form, From, Written};
    use crate::read::{Input, Settings, Silent, read};
    use serde_json::json;

    fn app(files: &[(&str, &str)]) -> App {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        read(&Input::Memory(files), &Settings::default(), &Silent).snapshot.app
    }

    const COMPOSE: &str = "services:\n  parse:\n    image: parseplatform/parse-server:9.10.0\n    command: --maxLimit 50 /config/parse.json\n    env_file: parse.env\n    environment:\n      PARSE_SERVER_MASTER_KEY_IPS: '${IPS:-0.0.0.0/0}'\n      PARSE_SERVER_FILE_UPLOAD_OPTIONS: '{\"enableForPublic\": true}'\n      PARSE_SERVER_ALLOW_CLIENT_CLASS_CREATION: 'true'\n      PARSE_SERVER_LOG_LEVEL: ''\n";

    #[test]
    fn the_environment_configures_what_the_command_line_starts() {
        let app = app(&[("docker-compose.yml", COMPOSE), ("parse.env", "PARSE_SERVER_MASTER_KEY=harbour pencil\n")]);
        let options = app.server.options.read().expect("options");
        let value = |name: &str| options.tree.get(name).cloned();
        assert_eq!((options.tree.from, options.allow_client_class_creation), (From::Environment, Some(true)));
        assert_eq!(value("fileUpload.enableForPublic"), Some(Written::Value(json!(true))));
        assert_eq!(value("maxLimit"), Some(Written::Value(json!("50"))));
        assert!(matches!(value("masterKey"), Some(Written::Hidden(_))) && value("logLevel").is_none());
        let fallback = Written::Value(json!(["0.0.0.0/0"]));
        assert_eq!(value("masterKeyIps"), Some(Written::Unknown { fallback: Some(Box::new(fallback)) }));
        assert!(!format!("{:?}", app.services).contains("pencil"));
    }

    #[test]
    fn what_cannot_be_read_is_told_and_the_rest_is_audited() {
        let aliases = "a: &a [x, x]\nb: &b [*a, *a]\nservices: &s\n  web: *s\n";
        let long = format!("services: {}", " ".repeat(1 << 20));
        let manifest =
            format!("apiVersion: v1\nkind: ConfigMap\ndata:\n  PARSE_SERVER_URL: '{}'\n", "x".repeat(1 << 20));
        for (path, text, reason) in [
            ("docker-compose.yml", "services:\n  web: [a\n", Some("the file cannot be read as YAML")),
            ("compose.yaml", aliases, Some("an alias stands for what it is a part of")),
            ("k8s/app.yaml", "apiVersion: v1\nkind: Secret\ndata: [\n", Some("the file cannot be read as YAML")),
            (
                "k8s/app.yaml",
                "a\0p\0i\0V\0e\0r\0s\0i\0o\0n\0:\0 \0v\0\n\0k\0i\0n\0d\0:\0 \0P\0o\0d\0\n\0",
                Some("the file is no text"),
            ),
            ("k8s/other.yaml", "apiVersion: v1\nkind: Gateway\nspec: [\n", None),
            (".github/workflows/ci.yml", "jobs: {\n", Some("the file cannot be read as YAML")),
            ("parse.service", "[Service]\n\0", Some("the file is no text")),
            ("app.json", "{ \"env\": ", Some("the file cannot be read as JSON")),
            ("docker-compose.yml", &long, Some("the file is over 1 MB")),
            ("Dockerfile", "F\0R\0O\0M\0", Some("the file is no text")),
            (".env", "A=1\n\u{e9}\n", None),
            (".env", "# nothing yet\n", None),
            (".env", "a: &a [x]\n", Some("no line of the file sets a variable")),
            ("Dockerfile", "RUN true\n", Some("the file has no FROM")),
            ("Procfile", "[[[[\n", Some("no line of the file names a process")),
            ("parse.service", "[[[[\n", Some("the file has no section [Service]")),
            ("k8s/long.yaml", &manifest, Some("the file is over 1 MB")),
            ("chart/values.yaml", "{{ if x }}", None),
        ] {
            let files = [(path, text), ("parse.env", "PARSE_SERVER_APPLICATION_ID=a\n")];
            let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
            let problems = read(&Input::Memory(files), &Settings::default(), &Silent).problems;
            assert_eq!(problems.len(), usize::from(reason.is_some()), "{path}: {problems:?}");
            assert!(problems.iter().all(|found| found.message.starts_with(reason.unwrap_or_default())), "{problems:?}");
        }
    }

    #[test]
    fn samples_configure_nothing() {
        let config = r#"{ "appId": "a", "masterKey": "m", "databaseURI": "d" }"#;
        for (path, is) in [
            ("plugin/examples/parse.json", true),
            ("parse.example.json", true),
            ("config.test.json", true),
            ("latest.json", false),
            ("district/parse.json", false),
        ] {
            assert_eq!(app(&[(path, config)]).server.options.is_read(), !is, "{path}");
        }
    }

    #[test]
    fn code_that_starts_a_server_does_not_look_at_the_environment() {
        let code = "const { ParseServer } = require('parse-server');\nnew ParseServer({ appId: 'a' });\n";
        let app = app(&[
            ("index.js", code),
            (
                "package.json",
                r#"{ "scripts": { "start": "node index.js" }, "dependencies": { "parse-server": "9.10.0" } }"#,
            ),
            (".env", "PARSE_SERVER_ALLOW_CLIENT_CLASS_CREATION=true\n"),
            ("Dockerfile", "FROM node:20\nENV PARSE_SERVER_VERBOSE=1\nCMD [\"npm\", \"start\"]\n"),
        ]);
        assert_eq!(app.server.other_options, []);
        assert_eq!(app.server.options.read().and_then(|options| options.allow_client_class_creation), None);
    }

    #[test]
    fn the_environment_comes_before_the_file_and_the_command_line_before_both() {
        let config = r#"{ "appId": "a", "masterKey": "m", "databaseURI": "d", "maxLimit": 1, "cacheTTL": 2, "logLevel": "debug" }"#;
        let app = app(&[
            (
                "package.json",
                r#"{ "scripts": { "start": "parse-server config.json" }, "dependencies": { "parse-server": "9.10.0" } }"#,
            ),
            ("config.json", config),
            (
                "Procfile",
                "web: PARSE_SERVER_MAX_LIMIT=3 PARSE_SERVER_CACHE_TTL=4 parse-server config.json --cacheTTL=5\n",
            ),
        ]);
        let options = app.server.options.read().expect("options");
        let value = |name: &str| options.tree.get(name).cloned();
        assert_eq!(app.server.other_options, []);
        assert_eq!(value("maxLimit"), Some(Written::Value(json!("3"))));
        assert_eq!(value("cacheTTL"), Some(Written::Value(json!("5"))));
        assert_eq!(value("logLevel"), Some(Written::Value(json!("debug"))));
    }

    #[test]
    fn containers_take_variables_from_maps_by_name() {
        let manifest = "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Secret\n    metadata: { name: s }\n    data: { k: VHVsaXAtbGFudGVybi03 }\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: dash }\ndata:\n  PARSE_DASHBOARD_ALLOW_INSECURE_HTTP: 'true'\n---\napiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n        - name: dash\n          image: registry.example.com/parseplatform/parse-dashboard@sha256:0\n          envFrom:\n            - configMapRef: { name: dash }\n          env:\n            - name: PARSE_DASHBOARD_MASTER_KEY\n              valueFrom: { secretKeyRef: { name: s, key: k } }\n            - name: PARSE_DASHBOARD_USER_PASSWORD\n              value: admin123\n";
        let app = app(&[("k8s/dashboard.yaml", manifest)]);
        let [tree] = app.dashboards.as_slice() else { panic!("one dashboard, not {:?}", app.dashboards) };
        assert_eq!(tree.get("allowInsecureHTTP"), Some(&Written::Value(json!(true))));
        assert!(matches!(tree.get("users.0.pass"), Some(Written::Hidden(_))));
        // The secret is among the files, in base64.
        assert_eq!(tree.get("apps.0.masterKey"), Some(&Written::Hidden([Form::Short].into())));
    }
}
