//! What may be told of a key or an address without keeping it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::model::host::is_private;
use crate::model::options::Form;
use crate::secrets::judge::is_sample;

/// A key shorter than this is weak, as the server's own check says.
///
/// Source: Parse Server 9.10.0, `Security/CheckGroups/CheckGroupServerConfig.js`.
const STRONG: usize = 14;

/// Passwords that are tried first.
const GUESSED: [&str; 22] = [
    "admin",
    "administrator",
    "changeme",
    "dashboard",
    "default",
    "demo",
    "guest",
    "letmein",
    "master",
    "mypassword",
    "parse",
    "pass",
    "passw",
    "passwd",
    "password",
    "passwort",
    "qwerty",
    "root",
    "secret",
    "test",
    "user",
    "welcome",
];

/// The forms of a key.
pub fn of_key(key: &str) -> BTreeSet<Form> {
    let mut forms = BTreeSet::new();
    forms.extend(weakness(key));
    forms.extend((key.chars().count() < 32).then_some(Form::Short));
    forms.extend(is_sample(key.as_bytes()).then_some(Form::Sample));
    forms.extend(is_guessed(key).then_some(Form::Guessed));
    forms
}

/// Whether a password is tried among the first: a number, a word of every list, one that is soon
/// gone through.
fn is_guessed(password: &str) -> bool {
    let is_hash = ["$2a$", "$2b$", "$2y$"].iter().any(|start| password.starts_with(start));
    let word = password.trim_end_matches(|sign: char| !sign.is_alphabetic()).to_ascii_lowercase();
    !is_hash
        && is_known(password)
        && (password.chars().count() < 6
            || password.chars().all(|sign| sign.is_ascii_digit())
            || GUESSED.contains(&word.as_str()))
}

fn weakness(key: &str) -> Option<Form> {
    let kinds = [
        key.chars().any(char::is_uppercase),
        key.chars().any(char::is_lowercase),
        key.chars().any(|character| character.is_ascii_digit()),
        key.chars().any(|character| !character.is_alphanumeric() && character != '_'),
    ];
    let (long, kinds) = (key.chars().count(), kinds.into_iter().filter(|kind| *kind).count());
    match kinds {
        0 | 1 if long < 32 => Some(Form::Weak),
        2 if long < 24 => Some(Form::Weak),
        0..=2 => Some(Form::FewKinds),
        _ => (long < STRONG).then_some(Form::Weak),
    }
}

/// The forms of an address.
pub fn of_address(address: &str) -> BTreeSet<Form> {
    let mut forms = BTreeSet::new();
    let Some((scheme, rest)) = address.trim().split_once("://") else { return forms };
    let scheme = scheme.to_ascii_lowercase();
    let (before, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = before.split(['/', '#']).next().unwrap_or_default();
    let (user, hosts) = authority.rsplit_once('@').map_or((None, authority), |(user, hosts)| (Some(user), hosts));
    let password = user.and_then(|user| user.split_once(':')).map(|(_, password)| password).filter(|it| !it.is_empty());
    let is_elsewhere = hosts.split(',').any(|host| !is_own(host_of(host)));
    match scheme.as_str() {
        "http" | "ws" => forms.extend(is_elsewhere.then_some(Form::PlainHttp)),
        "ldap" => drop(forms.insert(Form::PlainLdap)),
        "mongodb" | "mongodb+srv" | "postgres" | "postgresql" | "redis" | "rediss" => {
            forms.extend(scheme.starts_with("mongodb").then_some(Form::MongoDb));
            forms.extend(scheme.starts_with("postgres").then_some(Form::PostgreSql));
            // PostgreSQL takes user and password from elsewhere as well.
            let asks_none = is_elsewhere && password.is_none() && !scheme.starts_with("postgres");
            forms.extend(asks_none.then_some(Form::WithoutPassword));
            forms.extend((is_elsewhere && is_clear(&scheme, parameters)).then_some(Form::ClearText));
            forms.extend(is_unchecked(parameters).then_some(Form::UncheckedTls));
        }
        _ => {}
    }
    let of_password = password.filter(|password| is_known(password)).and_then(weakness);
    forms.extend(of_password.map(|form| if form == Form::Weak { Form::WeakPassword } else { form }));
    forms
}

/// Whether nothing else is put in its place later.
fn is_known(password: &str) -> bool {
    !password.contains(['$', '{', '<', '*', '%'])
}

/// The host without its port.
pub fn host_of(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// Whether a host is the machine itself, one of its own network, or not known.
pub fn is_own(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    // `yourappname.herokuapp.com` is filled in later.
    if host.is_empty()
        || host.starts_with("your")
        || host.contains(['$', '{', '<', '%', '*'])
        || !host.contains(['.', ':'])
    {
        return true;
    }
    is_private(&host)
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified())
        || [".lan", ".local."].iter().any(|end| host.ends_with(end))
        || host.contains(".svc.")
}

fn parameter<'p>(parameters: &'p str, name: &str) -> Option<&'p str> {
    let mut all = parameters.split('&').filter_map(|one| one.split_once('='));
    all.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn is_clear(scheme: &str, parameters: &str) -> bool {
    let is = |name: &str, value: &str| parameter(parameters, name).is_some_and(|is| is.eq_ignore_ascii_case(value));
    match scheme {
        "redis" => true,
        "mongodb" => !is("tls", "true") && !is("ssl", "true"),
        "mongodb+srv" => is("tls", "false") || is("ssl", "false"),
        // Without a word about it, the host may still ask for encryption.
        "postgres" | "postgresql" => is("sslmode", "disable") || is("ssl", "false"),
        _ => false,
    }
}

fn is_unchecked(parameters: &str) -> bool {
    let is = |name: &str, value: &str| parameter(parameters, name).is_some_and(|is| is.eq_ignore_ascii_case(value));
    is("tlsInsecure", "true")
        || is("tlsAllowInvalidCertificates", "true")
        || is("tlsAllowInvalidHostnames", "true")
        || is("sslValidate", "false")
        || is("rejectUnauthorized", "false")
        || is("sslmode", "no-verify")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Vec<Form> {
        of_address(text).into_iter().collect()
    }

    #[test]
    fn a_key_is_weak_if_it_is_short_or_simple() {
        assert!(of_key("tulip lantern").contains(&Form::Weak));
        assert!(!of_key("Tulip lantern, seven 7").contains(&Form::Weak));
        assert!(of_key("tuliplanternseventimes").contains(&Form::Weak), "one kind of character");
        let long = of_key("3f9c1b7a2e4d6f8091a3b5c7d9e1f2a4");
        assert!(!long.contains(&Form::Weak) && long.contains(&Form::FewKinds), "only the server's own check objects");
        assert!(of_key("myMasterKey").contains(&Form::Sample) && !of_key("harbour-Lagoon-77").contains(&Form::Sample));
    }

    #[test]
    fn passwords_that_are_tried_first_are_words_short_or_numbers() {
        for guessed in ["admin", "Password123!", "20240101", "abc"] {
            assert!(of_key(guessed).contains(&Form::Guessed), "{guessed}");
        }
        for other in ["correct horse", "$2a$10$abcdefgh", "<pass>"] {
            assert!(!of_key(other).contains(&Form::Guessed), "{other}");
        }
    }

    #[test]
    fn own_machines_may_be_asked_in_the_clear() {
        for own in [
            "http://localhost:1337/parse",
            "http://parse:1337/parse",
            "http://10.0.0.7/parse",
            "http://api.prod.svc.cluster.local/parse",
            "https://example.com/parse",
            "http://${HOST}/parse",
            "redis://127.0.0.1:6379",
            "nonsense",
        ] {
            assert_eq!(address(own), [], "{own}");
        }
        assert_eq!(address("http://example.com/parse"), [Form::PlainHttp]);
        assert_eq!(address("http://203.0.113.9:1337/parse"), [Form::PlainHttp]);
    }

    #[test]
    fn databases_elsewhere_ask_for_a_password_and_encryption() {
        assert_eq!(address("mongodb://mongo:27017/dev"), [Form::MongoDb]);
        assert_eq!(address("mongodb://db.example.com/app"), [Form::MongoDb, Form::WithoutPassword, Form::ClearText]);
        let strong = "mongodb://u:Tulip-lantern-7-seas@db.example.com/app?tls=true";
        assert_eq!(address(strong), [Form::MongoDb]);
        let weak = [Form::PostgreSql, Form::WeakPassword, Form::UncheckedTls];
        assert_eq!(address("postgres://u:pass@db/app?sslmode=no-verify"), weak);
    }
}
