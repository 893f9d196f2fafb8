//! Connection strings of MongoDB, as Parse apps have them.
//!
//! They are written for the driver of Node.js. What only that one knows and what does
//! not matter to who reads is left out; what would weaken TLS is refused. No message
//! here quotes the string: any part of it may be a password that was not encoded.

use std::fmt;

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

/// Options that the driver is given.
const PASSED: &[&str] = &[
    "authmechanism",
    "authmechanismproperties",
    "authsource",
    "directconnection",
    "loadbalanced",
    "localthresholdms",
    "maxstalenessseconds",
    "readconcernlevel",
    "readpreference",
    "readpreferencetags",
    "replicaset",
    "srvmaxhosts",
    "srvservicename",
    "ssl",
    "tls",
    "tlscafile",
    "tlscertificatekeyfile",
];

/// Options that are older names of others.
const RENAMED: &[(&str, &str)] =
    &[("sslca", "tlscafile"), ("sslcafile", "tlscafile"), ("sslpemkeyfile", "tlscertificatekeyfile")];

/// Options about writing, pools, time and the driver of Node.js, which do not matter here.
const LEFT_OUT: &[&str] = &[
    "acceptablelatencyms",
    "appname",
    "autoreconnect",
    "auto_reconnect",
    "bufferedmaxentries",
    "buffermaxentries",
    "checkkeys",
    "compressors",
    "connecttimeoutms",
    "connectwithnoprimary",
    "domainsenabled",
    "enableutf8validation",
    "family",
    "forceserverobjectid",
    "fsync",
    "gssapiservicename",
    "ha",
    "hainterval",
    "heartbeatfrequencyms",
    "ignoreundefined",
    "j",
    "journal",
    "keepalive",
    "keepaliveinitialdelay",
    "logger",
    "loggerlevel",
    "maxconnecting",
    "maxidletimems",
    "maxpoolsize",
    "maxtimems",
    "minpoolsize",
    "monitorcommands",
    "nodelay",
    "numberofretries",
    "poolsize",
    "promotebuffers",
    "promotelongs",
    "promotevalues",
    "raw",
    "reconnectinterval",
    "reconnecttries",
    "retryreads",
    "retrywrites",
    "secondaryacceptablelatencyms",
    "serializefunctions",
    "servermonitoringmode",
    "serverselectiontimeoutms",
    "sockettimeoutms",
    "timeoutms",
    "tlsdisablecertificaterevocationcheck",
    "tlsdisableocspendpointcheck",
    "usecreateindex",
    "usefindandmodify",
    "usenewurlparser",
    "useunifiedtopology",
    "uuidrepresentation",
    "w",
    "waitqueuemultiple",
    "waitqueuesize",
    "waitqueuetimeoutms",
    "wtimeout",
    "wtimeoutms",
    "zlibcompressionlevel",
];

/// Options with which the certificate of the server is not checked, and the value that does it.
const WEAKENING: &[(&str, &str)] = &[
    ("checkserveridentity", "false"),
    ("rejectunauthorized", "false"),
    ("sslallowinvalidcertificates", "true"),
    ("sslallowinvalidhostnames", "true"),
    ("sslvalidate", "false"),
    ("tlsallowinvalidcertificates", "true"),
    ("tlsallowinvalidhostnames", "true"),
    ("tlsinsecure", "true"),
    ("ssl_cert_reqs", "cert_none"),
];

/// Ways to log in that the driver has.
const MECHANISMS: [&str; 4] = ["SCRAM-SHA-1", "SCRAM-SHA-256", "MONGODB-X509", "PLAIN"];

/// The database that Parse Server uses where the string names none.
const DATABASE: &str = "test";

/// Where a database is, and how to log in.
#[derive(Clone)]
pub struct Address {
    /// For the driver; holds the password.
    uri: Zeroizing<String>,
    /// The same without user and password.
    anonymous: Zeroizing<String>,
    /// `mongodb://host:port`, of which nothing is secret.
    shown: String,
    /// The database.
    pub database: String,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// Whether it logs in.
    pub logs_in: bool,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// The user and password of a string, percent-encoded.
fn check_user(user: &str) -> Result<(), String> {
    let encoded = || "user and password must be percent-encoded: @ as %40, : as %3A, / as %2F, ? as %3F".to_owned();
    let mut bytes = user.bytes();
    while let Some(byte) = bytes.next() {
        let is_hex = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
        let fits = match byte {
            b'/' | b'?' | b'#' | b'[' | b']' | b'@' => false,
            b'%' => is_hex(bytes.next()) && is_hex(bytes.next()),
            _ => true,
        };
        if !fits {
            return Err(encoded());
        }
    }
    if user.matches(':').count() > 1 {
        return Err(encoded());
    }
    if user.split(':').next().unwrap_or_default().is_empty() {
        return Err("a password needs a user in front of it".to_owned());
    }
    Ok(())
}

/// One host with or without its port.
fn check_host(host: &str) -> Result<(), String> {
    let of_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_%".contains(&byte) || !byte.is_ascii();
    let (name, port) = match host.strip_prefix('[') {
        Some(literal) => {
            let (name, port) = literal.split_once(']').ok_or("an address of IPv6 ends with `]`")?;
            if !name.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.%".contains(&byte)) {
                return Err("between `[` and `]` stands an address of IPv6".to_owned());
            }
            (name, port)
        }
        None => host.find(':').map_or((host, ""), |at| host.split_at(at)),
    };
    if name.is_empty() {
        return Err("it names no host".to_owned());
    }
    if !host.starts_with('[') && !name.bytes().all(of_name) {
        return Err("a host has letters, digits, dots and hyphens".to_owned());
    }
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    match port.strip_prefix(':') {
        Some(port) if !is_port(port) => Err("behind the `:` of a host stands a number, its port".to_owned()),
        None if !port.is_empty() => Err("behind `]` stands nothing, or `:` and a port".to_owned()),
        _ => Ok(()),
    }
}

/// What is known of the options.
#[derive(Default)]
struct Options {
    /// For the driver.
    kept: Vec<String>,
    tls: Option<bool>,
    mechanism: Option<String>,
}

impl Options {
    fn take(&mut self, option: &str) -> Result<(), String> {
        let (name, value) = option.split_once('=').ok_or("an option has the form `name=value`")?;
        let lower = name.to_ascii_lowercase();
        let lower = RENAMED.iter().find(|(old, _)| *old == lower).map_or(lower.as_str(), |(_, new)| new);
        if let Some((_, weak)) = WEAKENING.iter().find(|(known, _)| *known == lower) {
            return match value.eq_ignore_ascii_case(weak) {
                true => Err(format!(
                    "with `{name}={weak}` it is not checked who answers, and anyone in between could read along; \
                     name the authority of the server's certificate with `tlsCAFile`"
                )),
                false => Ok(()),
            };
        }
        match lower {
            "tlscertificatekeyfilepassword" | "sslpass" | "sslkey" | "sslcert" => {
                return Err(format!(
                    "`{name}` is not known here; `tlsCertificateKeyFile` names a file with certificate and key, \
                     the key without a password"
                ));
            }
            "authmechanism" => {
                let mechanism = value.to_ascii_uppercase();
                if !MECHANISMS.contains(&mechanism.as_str()) {
                    return Err(format!("of `authMechanism` only {} are known here", MECHANISMS.join(", ")));
                }
                self.mechanism = Some(mechanism);
            }
            "tls" | "ssl" => {
                let on = value.eq_ignore_ascii_case("true");
                if self.tls.is_some_and(|before| before != on) {
                    return Err("`tls` and `ssl` contradict each other".to_owned());
                }
                // Both, or one of them twice, is too much for the driver.
                if self.tls.replace(on).is_none() {
                    self.kept.push(format!("tls={on}"));
                }
                return Ok(());
            }
            "tlscafile" | "tlscertificatekeyfile" if self.tls.is_none() => {
                self.tls = Some(true);
                self.kept.push("tls=true".to_owned());
            }
            _ => {}
        }
        if PASSED.contains(&lower) {
            self.kept.push(format!("{lower}={value}"));
            Ok(())
        } else if LEFT_OUT.contains(&lower) {
            Ok(())
        } else if name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            Err(format!("`{name}` is no option that is known here; leave it out"))
        } else {
            Err("an option has the form `name=value`".to_owned())
        }
    }
}

impl Address {
    /// Reads a connection string.
    ///
    /// # Errors
    ///
    /// It cannot be used; in words for whoever wrote it, which quote no part that may be secret.
    pub fn parse(text: &str) -> Result<Self, String> {
        let no_address = || "it is no address such as mongodb://db.example.com/app".to_owned();
        let (scheme, rest) = text.trim().split_once("://").ok_or_else(no_address)?;
        let by_dns = match scheme {
            "mongodb" => false,
            "mongodb+srv" => true,
            _ => return Err(no_address()),
        };
        let (before, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (user, place) = before.rsplit_once('@').map_or((None, before), |(user, place)| (Some(user), place));
        if options.contains('@') || place.contains(['#', ' ']) {
            check_user("@")?;
        }
        user.map_or(Ok(()), check_user)?;
        let (hosts, database) = place.split_once('/').unwrap_or((place, ""));
        hosts.split(',').try_for_each(check_host)?;
        if by_dns && hosts.contains([',', ':']) {
            return Err("mongodb+srv takes one host without a port".to_owned());
        }
        let database = percent_decode_str(database).decode_utf8_lossy().into_owned();
        if database.contains(['/', '\\', ' ', '"', '$', '.', '\0']) {
            return Err("the name of the database has signs that none may have".to_owned());
        }

        let mut read = Options::default();
        options.split('&').filter(|option| !option.is_empty()).try_for_each(|option| read.take(option))?;
        let tls = read.tls.unwrap_or(by_dns);
        match read.mechanism.as_deref() {
            Some("PLAIN") if !tls => return Err("with PLAIN the password would travel without encryption".to_owned()),
            Some("MONGODB-X509") if !tls => return Err("MONGODB-X509 needs `tls=true`".to_owned()),
            _ => {}
        }
        let logs_in = user.is_some() || read.mechanism.is_some();
        let user = user.map(|user| Zeroizing::new(format!("{user}@")));
        let slash = if place.contains('/') { "" } else { "/" };
        let of = |user: &str, options: &[String]| {
            let mark = if options.is_empty() { "" } else { "?" };
            Zeroizing::new([scheme, "://", user, place, slash, mark, &options.join("&")].concat())
        };
        let uri = of(user.as_deref().map_or("", String::as_str), &read.kept);
        read.kept.retain(|option| !option.starts_with("auth"));
        let anonymous = of("", &read.kept);
        let shown = format!("{scheme}://{hosts}");
        let database = if database.is_empty() { DATABASE.to_owned() } else { database };
        Ok(Self { uri, anonymous, shown, database, tls, logs_in })
    }

    /// The hosts, without ports.
    pub fn hosts(&self) -> Vec<String> {
        let hosts = self.shown.split_once("://").map_or("", |(_, hosts)| hosts).split(',');
        let without_port = |host: &str| match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
            Some((literal, _)) => literal.to_owned(),
            None => host.split(':').next().unwrap_or(host).to_owned(),
        };
        hosts.map(without_port).collect()
    }

    /// The string for the driver.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The same place, of one who does not log in.
    pub fn without_user(&self) -> Self {
        Self { uri: self.anonymous.clone(), logs_in: false, ..self.clone() }
    }

    /// `mongodb://host:port/database`, for people.
    pub fn shown(&self) -> String {
        format!("{}/{}", self.shown, self.database)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> String {
        Address::parse(text).unwrap().uri().to_owned()
    }

    #[test]
    fn what_only_node_knows_is_left_out() {
        let text = "mongodb://u:p%40@a:27017,b.example.com/app?poolSize=5&useNewUrlParser=true&replicaSet=rs0\
                    &socketTimeoutMS=1&w=majority&ssl=true&tls=true&authSource=admin&sslValidate=true";
        assert_eq!(uri(text), "mongodb://u:p%40@a:27017,b.example.com/app?replicaset=rs0&tls=true&authsource=admin");
        let address = Address::parse(text).unwrap();
        assert_eq!(address.shown(), "mongodb://a:27017,b.example.com/app");
        assert_eq!(address.without_user().uri(), "mongodb://a:27017,b.example.com/app?replicaset=rs0&tls=true");
        assert!(address.tls && address.logs_in && !format!("{address:?}").contains("p%40"));
    }

    #[test]
    fn forms_of_addresses() {
        for (text, shown, database, tls) in [
            ("mongodb://localhost", "mongodb://localhost/test", "test", false),
            ("mongodb+srv://c0.example.net/app", "mongodb+srv://c0.example.net/app", "app", true),
            ("mongodb://[::1]:27018/a%2Db", "mongodb://[::1]:27018/a-b", "a-b", false),
            ("mongodb://%2Ftmp%2Fm.sock/app", "mongodb://%2Ftmp%2Fm.sock/app", "app", false),
            ("mongodb://h/?tlsCAFile=/ca.pem", "mongodb://h/test", "test", true),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.shown().as_str(), address.database.as_str(), address.tls), (shown, database, tls));
        }
        assert_eq!(uri("mongodb://h?tlsCAFile=/ca.pem"), "mongodb://h/?tls=true&tlscafile=/ca.pem");
    }

    #[test]
    fn what_cannot_be_used_is_told_without_quoting_it() {
        for (text, part) in [
            ("postgres://h/db", "no address such as"),
            ("mongodb://u:tulip@lantern@h/db", "percent-encoded"),
            ("mongodb://u:tul/ip@h/db", "percent-encoded"),
            ("mongodb://u:tulip?lantern@h/db", "percent-encoded"),
            ("mongodb://u:tulip", "its port"),
            ("mongodb://:tulip@h", "needs a user"),
            ("mongodb:///db", "names no host"),
            ("mongodb://u:tulip@h/db/x", "name of the database"),
            ("mongodb+srv://a,b/db", "one host"),
            ("mongodb://h/?tlsInsecure=true", "it is not checked who answers"),
            ("mongodb://h/?sslValidate=False", "tlsCAFile"),
            ("mongodb://h/?tls=true&ssl=false", "contradict"),
            ("mongodb://h/?authMechanism=MONGODB-AWS", "SCRAM-SHA-256"),
            ("mongodb://u:tulip@h/?authMechanism=PLAIN", "without encryption"),
            ("mongodb://h/?authMechanism=MONGODB-X509", "needs `tls=true`"),
            ("mongodb://h/?tlsCertificateKeyFilePassword=tulip", "without a password"),
            ("mongodb://h/?proxyHost=tulip", "no option that is known"),
            ("mongodb://h/?tulip", "`name=value`"),
        ] {
            let message = Address::parse(text).unwrap_err();
            assert!(message.contains(part) && !message.contains("tulip"), "{text}: {message}");
        }
    }
}
