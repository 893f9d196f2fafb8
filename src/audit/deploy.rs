//! What files of deployment open: databases that are published, switches of tests and of
//! encryption, keys in images, addresses without encryption.

use serde_json::Value;

use crate::model::deploy::{Form, Port, Right, Service};
use crate::model::options::{Form as Kept, Written};
use crate::model::{App, Place};

use super::fact::Fact;

/// Databases by a word in the name of their image: the word, the port, a name for people.
const DATABASES: [(&str, u16, &str); 6] = [
    ("mongo", 27017, "MongoDB"),
    ("postg", 5432, "PostgreSQL"),
    ("redis", 6379, "Redis"),
    ("valkey", 6379, "Valkey"),
    ("mysql", 3306, "MySQL"),
    ("mariadb", 3306, "MariaDB"),
];

/// Pages that work on a database, by the name of their image.
const TOOLS: [&str; 6] = ["mongo-express", "adminer", "phpmyadmin", "pgadmin4", "redis-commander", "redisinsight"];

/// The facts about files of deployment; `path` tells the path of a place.
pub fn facts(app: &App, path: &dyn Fn(&Place) -> String) -> Vec<Fact> {
    let mut facts = Vec::new();
    for service in &app.services {
        let mut of_service = Facts { service, path, found: Vec::new() };
        of_service.ports();
        of_service.variables();
        of_service.container();
        of_service.command();
        facts.append(&mut of_service.found);
    }
    facts
}

struct Facts<'a> {
    service: &'a Service,
    path: &'a dyn Fn(&Place) -> String,
    found: Vec<Fact>,
}

impl Facts<'_> {
    fn add(&mut self, kind: &'static str, what: &str, at: &Place) {
        let path = (self.path)(at);
        let service = if self.service.name.is_empty() { path.clone() } else { self.service.name.clone() };
        let subject = format!("{path}:{}:{what}", self.service.name);
        let fact = Fact::new("deployment", kind, subject, at.clone());
        self.found.push(fact.word("service", service).word("what", what));
    }

    fn image(&self) -> &str {
        self.service.image.as_ref().map_or("", |image| image.name.as_str())
    }

    fn set(&self, name: &str) -> bool {
        let value = self.service.variables.get(name);
        value.is_some_and(|(value, _)| !matches!(value, Written::Value(Value::String(text)) if text.is_empty()))
    }

    fn is(&self, name: &str, values: &[&str]) -> bool {
        let text = |value: &Written| match value {
            Written::Value(Value::String(text)) => Some(text.to_ascii_lowercase()),
            _ => None,
        };
        let value = self.service.variables.get(name).and_then(|(value, _)| text(value));
        value.is_some_and(|value| values.contains(&value.as_str()))
    }

    /// Databases and their tools that everybody reaches.
    fn ports(&mut self) {
        let image = self.image().to_ascii_lowercase();
        let published: Vec<Port> = self.service.ports.iter().filter(|port| port.everywhere).cloned().collect();
        if TOOLS.contains(&image.as_str()) {
            if let Some(port) = published.first() {
                self.add("database-tool-published", &image, &port.at);
            }
            return;
        }
        let is_other = ["exporter", "backup", "express", "operator"].iter().any(|word| image.contains(word));
        let known = DATABASES.iter().find(|(word, ..)| image.contains(word) && !is_other);
        let Some((_, own, label)) = known else { return };
        let Some(port) = published.iter().find(|port| port.inside == *own) else { return };
        let kind = if self.asks_for_password(label) { "database-published" } else { "database-open" };
        self.add(kind, label, &port.at);
    }

    /// Whether a database asks who is there, as far as its file says.
    fn asks_for_password(&self, label: &str) -> bool {
        let flags = &self.service.flags;
        let is_official = matches!(self.image(), "mongo" | "redis" | "valkey" | "mysql" | "mariadb");
        match label {
            "MongoDB" => {
                let has_root = self.set("MONGO_INITDB_ROOT_USERNAME") || self.set("MONGO_INITDB_ROOT_USERNAME_FILE");
                flags.contains_key("--auth") || flags.contains_key("--keyFile") || has_root || !is_official
            }
            "Redis" | "Valkey" => {
                // A file of its own may ask for one.
                flags.contains_key("--requirepass")
                    || flags.contains_key("--aclfile")
                    || !is_official
                    || self.has_config()
            }
            "PostgreSQL" => !self.is("POSTGRES_HOST_AUTH_METHOD", &["trust"]),
            _ => !self.is("MYSQL_ALLOW_EMPTY_PASSWORD", &["1", "yes", "true"]),
        }
    }

    fn has_config(&self) -> bool {
        self.service.flags.contains_key("-c") || self.set("REDIS_PASSWORD")
    }

    fn variables(&mut self) {
        let service = self.service;
        let is_deployed = service.form != Form::Workflow && !is_for_tests(&(self.path)(&service.at));
        for (name, (value, at)) in &service.variables {
            let is_set = self.set(name) && !matches!(value, Written::Unknown { .. });
            let forms = match value {
                Written::Hidden(forms) => Some(forms),
                _ => None,
            };
            let has = |form: Kept| forms.is_some_and(|forms| forms.contains(&form));
            match name.as_str() {
                "TESTING" if is_set && is_deployed => self.add("testing", name, at),
                "NODE_TLS_REJECT_UNAUTHORIZED" if self.is(name, &["0"]) && is_deployed => {
                    self.add("tls-unchecked", name, at)
                }
                "NODE_ENV" if self.is(name, &["development", "dev"]) && is_final(service.form) => {
                    self.add("development-mode", name, at);
                }
                _ if is_address_of_server(name) && is_deployed && has(Kept::PlainHttp) => {
                    self.add("plain-http-address", name, at);
                }
                _ if service.form == Form::Dockerfile && is_key(name) && forms.is_some() && !has(Kept::Sample) => {
                    self.add("key-in-image", name, at);
                }
                _ => {}
            }
        }
    }

    fn container(&mut self) {
        let service = self.service;
        for (right, at) in &service.rights {
            match right {
                Right::Privileged => self.add("privileged", "privileged", at),
                Right::DockerSocket => self.add("privileged", "the socket of Docker", at),
            }
        }
        let Some(image) = &service.image else { return };
        let is_ours = matches!(image.name.as_str(), "parse-server" | "parse-dashboard");
        if is_ours && image.tag.as_deref().is_none_or(|tag| tag == "latest") {
            self.add("image-without-version", &image.name, &image.at);
        }
        let is_root = service.user.as_deref().is_some_and(|user| matches!(user, "root" | "0" | "0:0"));
        if is_root && service.form == Form::Dockerfile {
            self.add("root-user", "root", &image.at);
        }
    }

    fn command(&mut self) {
        for flag in ["--masterKey", "--master-key", "--userPassword"] {
            if let Some(at) = self.service.flags.get(flag).filter(|_| self.service.program.is_some()) {
                self.add("key-in-command", flag, at);
            }
        }
    }
}

/// Forms that are not for developers' own machines.
fn is_final(form: Form) -> bool {
    matches!(form, Form::Dockerfile | Form::Kubernetes | Form::Procfile | Form::AppJson | Form::Systemd)
}

/// Whether a file is for tests or for the machines of developers.
fn is_for_tests(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ["test", "example", "sample", "template", "spec", "local", "dev"].iter().any(|word| path.contains(word))
}

/// Variables that clients are given as the address of the server.
fn is_address_of_server(name: &str) -> bool {
    matches!(
        name,
        "SERVER_URL"
            | "PUBLIC_SERVER_URL"
            | "PARSE_SERVER_URL"
            | "PARSE_PUBLIC_SERVER_URL"
            | "PARSE_SERVER_PUBLIC_URL"
            | "PARSE_DASHBOARD_SERVER_URL"
            | "API_URL"
    )
}

/// Variables that hold a key or a password by their name.
fn is_key(name: &str) -> bool {
    ["MASTER_KEY", "SECRET", "PASSWORD", "PRIVATE_KEY", "API_KEY", "ACCESS_KEY", "AUTH_TOKEN"]
        .iter()
        .any(|word| name.ends_with(word))
}
