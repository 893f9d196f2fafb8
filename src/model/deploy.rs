//! What files say that deploy the app: services with their image, variables and ports.
//!
//! Of variables no key, password or address is kept, as with options.

use std::collections::{BTreeMap, BTreeSet};

use super::options::Written;
use super::place::Place;

/// One program as a file of deployment describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Its name in the file; empty if it has none.
    pub name: String,
    /// What kind of file it is.
    pub form: Form,
    /// Where it stands.
    pub at: Place,
    /// What it is made from.
    pub image: Option<Image>,
    /// What it runs, if that is told.
    pub program: Option<Program>,
    /// Flags of its command, without values.
    pub flags: BTreeMap<String, Place>,
    /// Its variables.
    pub variables: BTreeMap<String, (Written, Place)>,
    /// Its ports that others can reach.
    pub ports: Vec<Port>,
    /// The user it runs as.
    pub user: Option<String>,
    /// What it is given of the machine it runs on.
    pub rights: BTreeSet<(Right, Place)>,
}

/// A kind of file that deploys something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// `.env` and its like.
    Dotenv,
    /// `Dockerfile`.
    Dockerfile,
    /// `docker-compose.yml`.
    Compose,
    /// A manifest of Kubernetes.
    Kubernetes,
    /// `Procfile`.
    Procfile,
    /// `app.json` of Heroku.
    AppJson,
    /// A workflow of GitHub.
    Workflow,
    /// A unit of systemd.
    Systemd,
}

/// The image of a container.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Its name, without registry and tag.
    pub name: String,
    /// Its tag or digest.
    pub tag: Option<String>,
    /// Where it is named.
    pub at: Place,
}

/// A program that has rules of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    /// The command line of Parse Server.
    ParseServer,
    /// The command line of Parse Dashboard.
    ParseDashboard,
}

/// A port that is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its number in the container.
    pub inside: u16,
    /// Whether it is published on all addresses of the machine.
    pub everywhere: bool,
    /// Where.
    pub at: Place,
}

/// What a container is given of its machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Everything: `privileged`.
    Privileged,
    /// The socket of Docker, which is everything.
    DockerSocket,
}

impl Service {
    /// A service of which no more is known than where it stands.
    pub fn new(name: impl Into<String>, form: Form, at: Place) -> Self {
        Self {
            name: name.into(),
            form,
            at,
            image: None,
            program: None,
            flags: BTreeMap::new(),
            variables: BTreeMap::new(),
            ports: Vec::new(),
            user: None,
            rights: BTreeSet::new(),
        }
    }
}
