//! The running app that a command is asked to read as well: a server, or its database.

use std::fs;
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::cli::InputArgs;
use crate::live::kept::Kept;
use crate::live::pace::Pace;
use crate::live::sampling::Sampling;
use crate::live::{Answers, Key, Server, mongo, postgres};
use crate::model::snapshot::Gap;
use crate::read::file::words;
use crate::settings::{Environment, Settings};

use super::load::{APP_ID, variable};
use super::{cache, environment};

/// The variable with the address of the database, under Parse Server's own name.
const DATABASE: &str = "PARSE_SERVER_DATABASE_URI";

/// Where the running app is read from. Nothing is asked before [`Sources::read`].
#[derive(Default)]
pub struct Sources {
    server: Option<Server>,
    mongodb: Option<mongo::Database>,
    postgres: Option<postgres::Database>,
}

impl Sources {
    /// Those that the command line names, and those of the environment that it names.
    ///
    /// # Errors
    ///
    /// An address is none, a key is missing, or there is no such environment.
    pub fn of(settings: &Settings, args: &InputArgs) -> Result<Self> {
        let none = Environment::default();
        let environment = environment::named(settings, args)?.unwrap_or(&none);
        let server = args.server.as_ref().or(environment.server.as_ref()).map(|url| server(url)).transpose()?;
        if args.probe && server.is_none() {
            bail!("`--probe` asks a Parse Server; give its address with `--server`, or an environment that has one");
        }
        let server = server.map(|server| server.pacing(args.max_load));
        let server = if args.probe { server.map(Server::probing) } else { server };
        // Each core that counts has a connection of its own.
        let pace = Pace::at_most(args.max_load, rayon::current_num_threads());
        let sampling = args.sample.map(Sampling::of);
        let mongodb = args.mongodb.as_ref().or(environment.mongodb.as_ref()).map(|given| -> Result<_> {
            let uri = uri("--mongodb", given)?;
            let database = mongo::Database::new(&uri, None).map_err(|mistake| anyhow!("`--mongodb`: {mistake}"))?;
            Ok(database.pacing(pace).sampling(sampling))
        });
        let postgres = args.postgres.as_ref().or(environment.postgres.as_ref()).map(|given| -> Result<_> {
            let uri = uri("--postgres", given)?;
            let database = postgres::Database::new(&uri).map_err(|mistake| anyhow!("`--postgres`: {mistake}"))?;
            Ok(database.pacing(pace).sampling(sampling))
        });
        Ok(Self { server, mongodb: mongodb.transpose()?, postgres: postgres.transpose()? })
    }

    /// Whether there are any.
    pub fn are_some(&self) -> bool {
        self.server.is_some() || self.mongodb.is_some() || self.postgres.is_some()
    }

    /// Where counts are kept, should they be cut off; if `resume`, with what is there. `None` if nothing is counted,
    /// or there is no home.
    ///
    /// # Errors
    ///
    /// There is nothing to go on with, or it cannot be read.
    pub fn kept(&self, resume: bool) -> Result<Option<Arc<Kept>>> {
        if !self.are_some() {
            return match resume {
                true => bail!(
                    "`--resume` goes on with a running app; name it with --server, --mongodb, --postgres or --env"
                ),
                false => Ok(None),
            };
        }
        let places = [
            self.server.as_ref().map(|server| server.url().to_owned()),
            self.mongodb.as_ref().map(mongo::Database::place),
            self.postgres.as_ref().map(|database| database.place().to_owned()),
        ];
        let digest = Sha256::digest(places.map(Option::unwrap_or_default).join("\n"));
        let name = HEXLOWER.encode(digest.get(..8).unwrap_or_default());
        let Some(path) = cache::folder().map(|folder| folder.join(Kept::file_name(&name))) else {
            return Ok(None);
        };
        if !resume {
            return Ok(Some(Arc::new(Kept::anew(path))));
        }
        let kept = Kept::going_on(path.clone())
            .map_err(|error| anyhow!("`--resume`: `{}`: {}", path.display(), words(&error)))?;
        Ok(Some(Arc::new(kept)))
    }

    /// What they say.
    pub fn read(self, kept: Option<&Arc<Kept>>) -> Answers {
        let mut answers = Answers::default();
        if let Some(server) = self.server {
            answers.extend(server.keeping(kept.cloned()).read());
        }
        if let Some(database) = &self.mongodb {
            answers.extend(database.read());
        }
        if let Some(database) = self.postgres {
            answers.extend(database.keeping(kept.cloned()).read());
        }
        answers
    }
}

/// What is older than the rest, if something is.
pub fn since(kept: &Kept) -> Option<Gap> {
    let parts = match kept.taken() {
        0 => return None,
        1 => "1 part was".to_owned(),
        many => format!("{many} parts were"),
    };
    Some(Gap::new(
        "all rows as they are now",
        format!("{parts} counted before the run that --resume goes on with was cut off"),
    ))
}

/// The server of `--server`.
fn server(url: &str) -> Result<Server> {
    const READ_ONLY: &str = "PARSE_SERVER_READ_ONLY_MASTER_KEY";
    const MASTER: &str = "PARSE_SERVER_MASTER_KEY";
    let app_id = variable(APP_ID).ok_or_else(|| anyhow!("`--server` needs the application id in {APP_ID}"))?;
    let read_only = variable(READ_ONLY).map(|key| Key::ReadOnly(key.into()));
    let key = read_only.or_else(|| variable(MASTER).map(|key| Key::Master(key.into())));
    let key = key.ok_or_else(|| anyhow!("`--server` needs a key in {READ_ONLY}, which is enough, or in {MASTER}"))?;
    Server::new(url, &app_id, key).map_err(|mistake| anyhow!("`--server`: {mistake}"))
}

/// The address of a database: as it is given if it holds no password, or from the environment or a file.
fn uri(flag: &str, given: &str) -> Result<Zeroizing<String>> {
    let from_variable = |name: &str| {
        variable(name).map(Zeroizing::new).ok_or_else(|| anyhow!("`{flag}`: the variable {name} is not set"))
    };
    if given == "env" {
        return from_variable(DATABASE);
    }
    if let Some(name) = given.strip_prefix("env:") {
        return from_variable(name);
    }
    if let Some(path) = given.strip_prefix("file:") {
        let text = fs::read_to_string(path).map_err(|error| anyhow!("`{flag}`: `{path}`: {}", words(&error)))?;
        return Ok(Zeroizing::new(text.trim().to_owned()));
    }
    let authority = given.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?']).next().unwrap_or_default());
    let user = given.contains('@').then(|| authority.rsplit_once('@').map_or(given, |(user, _)| user));
    if user.is_some_and(|user| user.contains(':')) || given.contains("password=") {
        bail!(
            "`{flag}`: an address with a password does not belong on a command line, where others see it; \
             put it into {DATABASE} and give `{flag} env`, or into a file and give `{flag} file:PATH`"
        );
    }
    Ok(Zeroizing::new(given.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_taken_from_everywhere_but_the_command_line() {
        for given in ["postgres://u:p@db/x", "postgres://db/x?user=u&password=p", "postgres://u:p/w@db/x", "u:p@db"] {
            let message = uri("--postgres", given).unwrap_err().to_string();
            assert!(message.contains("--postgres env") && !message.contains("u:p"), "{message}");
        }
        assert_eq!(uri("--postgres", "postgres://u@db:5432/x").unwrap().as_str(), "postgres://u@db:5432/x");
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "postgres://u:p@db/x\n").unwrap();
        assert_eq!(
            uri("--postgres", &format!("file:{}", file.path().display())).unwrap().as_str(),
            "postgres://u:p@db/x"
        );
        assert!(uri("--postgres", "env:PARSE_AUDIT_NO_SUCH_VARIABLE").is_err());
    }
}
