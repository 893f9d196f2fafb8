//! From where the server takes a key: `masterKeyIps` and its like.

use crate::model::options::Options;

use super::Engine;

/// Networks that are every address.
const ANYWHERE: [&str; 4] = ["0.0.0.0/0", "::/0", "0.0.0.0", "::"];

/// From where a key is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addresses {
    /// From every address.
    All,
    /// From these networks.
    Named(Vec<String>),
    /// From the machine of the server, which is the default.
    OwnMachine,
    /// That is not known.
    Unknown,
}

/// Whether one of the networks is every address.
pub fn has_anywhere(list: &[String]) -> bool {
    list.iter().any(|network| ANYWHERE.contains(&network.trim()))
}

impl Engine<'_> {
    /// From where a server with these options, `None` if they were not read, takes the master key.
    pub fn master_key_addresses(&self, options: Option<&Options>) -> Addresses {
        let default = match self.settings.behaviour.master_key_from_anywhere {
            true => Addresses::All,
            false if self.app.server.version.is_read() => Addresses::OwnMachine,
            false => Addresses::Unknown,
        };
        let Some(options) = options else {
            return if default == Addresses::All { default } else { Addresses::Unknown };
        };
        match &options.master_key_ips {
            _ if options.unknown.contains("masterKeyIps") => Addresses::Unknown,
            None => default,
            Some(list) if list.is_empty() && default == Addresses::All => default,
            Some(list) if has_anywhere(list) => Addresses::All,
            Some(list) => Addresses::Named(list.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::server::{FoundVersion, VersionFrom};
    use crate::model::{App, Known};

    fn from(version: Option<&str>, options: Option<Options>) -> Addresses {
        let mut app = App::default();
        if let Some(version) = version {
            let version = semver::Version::parse(version).unwrap();
            app.server.version = Known::Read(FoundVersion { version, from: VersionFrom::Lock, at: None });
        }
        Engine::new(&app).master_key_addresses(options.as_ref())
    }

    #[test]
    fn the_default_is_that_of_the_version() {
        assert_eq!(from(Some("5.6.0"), None), Addresses::All);
        assert_eq!(from(Some("7.3.0"), Some(Options::default())), Addresses::OwnMachine);
        assert_eq!(from(Some("7.3.0"), None), Addresses::Unknown, "options that were not read may say otherwise");
        assert_eq!(from(None, Some(Options::default())), Addresses::Unknown);
    }

    #[test]
    fn what_is_set_counts_before_the_default() {
        let set = |list: &[&str]| {
            let list = list.iter().map(ToString::to_string).collect();
            Some(Options { master_key_ips: Some(list), ..Options::default() })
        };
        assert_eq!(from(Some("7.3.0"), set(&["0.0.0.0/0", "::/0"])), Addresses::All);
        assert_eq!(from(Some("5.6.0"), set(&["10.0.0.1"])), Addresses::Named(vec!["10.0.0.1".to_owned()]));
        assert_eq!(from(Some("5.6.0"), set(&[])), Addresses::All);
        let unknown = Options { unknown: ["masterKeyIps".to_owned()].into(), ..Options::default() };
        assert_eq!(from(Some("7.3.0"), Some(unknown)), Addresses::Unknown);
    }
}
