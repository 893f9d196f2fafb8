//! Where a database of PostgreSQL is: the connection strings that Parse Server takes.
//!
//! Source: `PostgresConfigParser.js` of Parse Server, which hands options on to `pg` of npm, and
//! "Connection URIs" in the manual of `libpq`.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;

/// Options that mean the same here, and are handed on.
const HANDED_ON: [&str; 7] = ["host", "hostaddr", "port", "user", "password", "dbname", "target_session_attrs"];

/// Whether and how a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tls {
    /// If the server can.
    #[default]
    Preferred,
    /// Always, and the server's certificate is checked.
    Required,
    /// Never.
    Off,
}

/// A connection string, taken apart. Holds a password: it is not shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// What is handed on: scheme, user, host, database and the options that are understood.
    pub uri: String,
    /// Whether the connection is encrypted.
    pub tls: Tls,
    /// Whether it asked for certificates not to be checked; they are all the same.
    pub asked_for_no_check: bool,
    /// Certificates of those who may sign the server's.
    pub roots: Option<PathBuf>,
    /// Our own certificate and its key.
    pub own: Option<(PathBuf, PathBuf)>,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").field("tls", &self.tls).finish_non_exhaustive()
    }
}

impl Address {
    /// Takes a connection string apart.
    ///
    /// # Errors
    ///
    /// It is none, or says what cannot be done; in words that quote nothing of it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err("it is no address such as postgres://user@db.example.com:5432/parse".to_owned());
        }
        let (base, options) = text.split_once('?').unwrap_or((text, ""));
        let mut address = Self::default();
        let mut handed_on = Vec::new();
        let (mut certificate, mut key) = (None, None);
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, raw) = option.split_once('=').unwrap_or((option, ""));
            let value = percent_decode_str(raw).decode_utf8_lossy();
            match name {
                "ssl" | "sslmode" => address.tls = address.mode(&value)?,
                "rejectUnauthorized" => address.asked_for_no_check |= value == "false",
                "ca" | "sslrootcert" => address.roots = Some(PathBuf::from(value.as_ref())),
                "cert" | "sslcert" => certificate = Some(PathBuf::from(value.as_ref())),
                "key" | "sslkey" => key = Some(PathBuf::from(value.as_ref())),
                "pfx" | "passphrase" | "sslpassword" => {
                    return Err(format!(
                        "the option `{name}` is not understood; give certificate and key as PEM files"
                    ));
                }
                name if HANDED_ON.contains(&name) => handed_on.push(option),
                // What is left is about pools and time limits of the app, which are none of ours.
                _ => {}
            }
        }
        address.own = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err("of a certificate and its key only one is given".to_owned()),
        };
        if address.roots.is_some() || address.own.is_some() {
            address.tls = Tls::Required;
        }
        address.uri = match handed_on.is_empty() {
            true => base.to_owned(),
            false => format!("{base}?{}", handed_on.join("&")),
        };
        Ok(address)
    }

    fn mode(&mut self, value: &str) -> Result<Tls, String> {
        match value {
            "disable" | "false" | "0" => Ok(Tls::Off),
            "" | "allow" | "prefer" => Ok(Tls::Preferred),
            "no-verify" => {
                self.asked_for_no_check = true;
                Ok(Tls::Required)
            }
            "true" | "1" | "require" | "verify-ca" | "verify-full" => Ok(Tls::Required),
            _ => Err("its `sslmode` is none of PostgreSQL's".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_node_are_understood_or_passed_by() {
        let address = |text: &str| Address::parse(text).unwrap();
        let plain = address("postgres://u:p@db/parse?poolSize=20&idleTimeoutMillis=1&host=%2Frun");
        assert_eq!((plain.uri.as_str(), plain.tls), ("postgres://u:p@db/parse?host=%2Frun", Tls::Preferred));
        let heroku = address("postgres://u:p@db/parse?ssl=true&rejectUnauthorized=false");
        assert_eq!((heroku.tls, heroku.asked_for_no_check), (Tls::Required, true));
        let own = address("postgresql://db/parse?ca=%2Fa.pem&cert=b&key=c");
        assert_eq!(own.roots, Some("/a.pem".into()));
        assert_eq!((own.own, own.tls), (Some(("b".into(), "c".into())), Tls::Required));
        assert_eq!(address("postgres://db/parse?sslmode=disable").tls, Tls::Off);
    }

    #[test]
    fn what_is_no_address_is_told_without_quoting_it() {
        for text in
            ["mongodb://u:canary@db/x", "canary", "postgres://db/x?sslmode=canary", "postgres://db/x?cert=canary"]
        {
            let message = Address::parse(text).unwrap_err();
            assert!(!message.contains("canary"), "{message}");
        }
        assert!(!format!("{:?}", Address::parse("postgres://u:canary@db/x").unwrap()).contains("canary"));
    }
}
