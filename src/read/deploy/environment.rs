//! The variables that code finds in its environment, as far as files of deployment agree on them.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::environment::Environment;
use crate::model::deploy::Form;
use crate::model::{Manifest, Place};
use crate::read::options::is_placeholder;

use super::settle::{fallback_of, program};
use super::{Raw, is_sample};

/// What files say of one variable.
#[derive(Default)]
struct Said<'r> {
    /// What it is set to.
    certain: Vec<(&'r str, &'r Place)>,
    /// What it is unless something sets it.
    fallback: Vec<(&'r str, &'r Place)>,
    /// Whether it is also set to something that is not known.
    is_open: bool,
}

/// The environment of code. What is said in two ways is not known.
pub fn of_code(services: &[Raw], manifests: &[Manifest]) -> Environment {
    let mut all: BTreeMap<&str, Said<'_>> = BTreeMap::new();
    let of_code = |raw: &&Raw| {
        let is_list_of_others = raw.is_list && raw.form != Form::Dotenv;
        raw.form != Form::Workflow
            && !is_list_of_others
            && !is_for_others(&raw.path)
            && program(manifests, raw).is_none()
    };
    for raw in services.iter().filter(of_code) {
        // Those in an image or beside the code give way to any that a machine sets.
        let sets = matches!(raw.form, Form::Compose | Form::Kubernetes | Form::Procfile | Form::Systemd);
        for (name, value, at) in &raw.variables {
            let said = all.entry(name).or_default();
            match fallback_of(value) {
                // Tests of it are read as they are written.
                _ if value.is_empty() || name == "NODE_ENV" => {}
                Some(fallback) => said.fallback.push((fallback, at)),
                None if is_placeholder(value) => said.is_open = true,
                None if sets => said.certain.push((value, at)),
                None => said.fallback.push((value, at)),
            }
        }
    }
    let mut environment = Environment::default();
    for (name, said) in all {
        let is_certain = !said.certain.is_empty() && !said.is_open;
        let values = if said.certain.is_empty() { said.fallback } else { said.certain };
        let different: BTreeSet<&str> = values.iter().map(|(value, _)| *value).collect();
        if let ([(value, at), ..], 1) = (values.as_slice(), different.len()) {
            environment.set(name, value, is_certain, (*at).clone());
        }
    }
    environment
}

/// Whether a file is a sample, or for tests or developers' own machines.
fn is_for_others(path: &str) -> bool {
    const OTHERS: [&str; 9] = ["test", "tests", "testing", "ci", "dev", "development", "local", "example", "examples"];
    let path = path.to_ascii_lowercase();
    is_sample(&path) || path.split(|sign: char| !sign.is_ascii_alphanumeric()).any(|part| OTHERS.contains(&part))
}

#[cfg(test)]
mod tests {
    use crate::model::App;
    use crate::model::options::Written;
    use crate::read::{Input, Settings, Silent, read};
    use serde_json::json;

    fn app(files: &[(&str, &str)]) -> App {
        let code = "const { ParseServer } = require('parse-server');\nnew ParseServer({ appId: 'a', masterKeyIps: [process.env.IPS],\n  allowCustomObjectId: process.env.IDS === 'true', maxLimit: process.env.LIMIT, logLevel: process.env.LEVEL, allowClientClassCreation: process.env.CLASSES });\n";
        let files = [files, &[("index.js", code)]].concat();
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        read(&Input::Memory(files), &Settings::default(), &Silent).snapshot.app
    }

    fn written(app: &App, name: &str) -> Written {
        app.server.options.read().and_then(|options| options.tree.get(name)).expect("an option").clone()
    }

    const COMPOSE: &str = "services:\n  app:\n    build: .\n    environment:\n      IPS: '::/0'\n      IDS: 'true'\n      CLASSES: 'false'\n      LEVEL: debug\n      LIMIT: ${LIMIT:-5}\n";

    #[test]
    fn what_a_service_sets_is_known_and_stands_where_it_is_set() {
        let app = app(&[("docker-compose.yml", COMPOSE)]);
        assert_eq!(written(&app, "masterKeyIps"), Written::Value(json!(["::/0"])));
        assert_eq!(app.server.options.read().and_then(|options| options.allow_custom_object_id), Some(true));
        let fallback = Some(Box::new(Written::Value(json!("5"))));
        assert_eq!(written(&app, "maxLimit"), Written::Unknown { fallback });
        let options = app.server.options.read().expect("options");
        let place = |name: &str| options.tree.place(name).expect("a place").file();
        assert_ne!(place("logLevel"), place("appId"), "in the file that sets it");
        // To code the text `false` is not the flag.
        assert_eq!(written(&app, "allowClientClassCreation"), Written::Unknown { fallback: None });
    }

    #[test]
    fn what_is_said_in_two_ways_or_for_tests_is_not_known() {
        let other = COMPOSE.replace("::/0", "10.0.0.1");
        let two = app(&[("docker-compose.yml", COMPOSE), ("stack/docker-compose.yml", &other)]);
        assert_eq!(written(&two, "masterKeyIps"), Written::Unknown { fallback: None });
        for path in ["docker-compose.dev.yml", "test/docker-compose.yml"] {
            assert_eq!(
                written(&app(&[(path, COMPOSE)]), "masterKeyIps"),
                Written::Unknown { fallback: None },
                "{path}"
            );
        }
        let beside = app(&[(".env", "IPS=::/0\n")]);
        let fallback = Some(Box::new(Written::Value(json!(["::/0"]))));
        assert_eq!(written(&beside, "masterKeyIps"), Written::Unknown { fallback }, "a machine may say otherwise");
    }
}
