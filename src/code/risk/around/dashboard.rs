//! Parse Dashboard in code (PA501): passwords that are guessed, no users, plain HTTP, passwords
//! in clear, sessions that are signed with something public.
//!
//! Source: Parse Dashboard 5.1.0, `Parse-Dashboard/app.js`: without users whoever comes from the
//! same machine gets in, and so does all that a proxy there passes on. Up to 1.1.0 the second
//! argument is `allowInsecureHTTP` itself, as `app.js` of 1.1.0 and 1.1.2 show.

use crate::code::shape::Shape;
use crate::code::value::{Kind, Value, same};
use crate::severity::Severity;

use super::{Around, Risk, is_flag, is_missing, risk, texts};

/// Passwords that are tried first.
const GUESSED: [&str; 22] = [
    "admin",
    "administrator",
    "password",
    "passwort",
    "passw",
    "passwd",
    "pass",
    "parse",
    "dashboard",
    "root",
    "user",
    "test",
    "demo",
    "default",
    "secret",
    "changeme",
    "letmein",
    "qwerty",
    "welcome",
    "guest",
    "master",
    "mypassword",
];

/// Judges what a walk went through.
pub fn judge(around: &Around<'_>, found: &mut Vec<Risk>) {
    for (event, path, args) in around.calls() {
        if !matches!(path, "parse_dashboard" | "parse_dashboard.default" | "ParseDashboard")
            || around.is_in_development(event)
        {
            continue;
        }
        let missing = Value::undefined();
        let (config, options) = (args.first().unwrap_or(&missing), args.get(1).unwrap_or(&missing));
        for (config, _) in config.alternatives() {
            passwords(around, &config, found);
            if without_users(around, &config) {
                let at = around.place_of(&config, "users").unwrap_or(event.at);
                let has = |name| around.property(options, name).is_some_and(|flag| is_flag(flag, true));
                let severity = match (has("dev"), has("allowInsecureHTTP") || is_flag(options, true)) {
                    (true, _) => Severity::Critical,
                    (false, true) => Severity::High,
                    // Only what a proxy on the same machine passes on gets in.
                    (false, false) => Severity::Medium,
                };
                found.push(risk("dashboard-without-users", at).rated(severity));
            }
            for (options, _) in options.alternatives() {
                cookies(around, &config, &options, found);
            }
        }
        for (options, _) in options.alternatives() {
            let flag = around.property(&options, "allowInsecureHTTP");
            if flag.is_some_and(|flag| is_flag(flag, true)) {
                let at = around.place_of(&options, "allowInsecureHTTP").unwrap_or(event.at);
                found.push(risk("dashboard-over-http", at));
            } else if is_flag(&options, true) && takes_flag(around) {
                found.push(risk("dashboard-over-http", event.at));
            }
        }
    }
}

/// Whether the version takes the flag itself as second argument.
fn takes_flag(around: &Around<'_>) -> bool {
    let written = around.app.manifests.iter().filter_map(|manifest| manifest.version_of("parse-dashboard"));
    let fixed = |version: &str| semver::Version::parse(version.trim_start_matches(['~', '=', 'v'])).ok();
    written.filter_map(fixed).any(|version| version <= semver::Version::new(1, 1, 0))
}

/// Whether a configuration is known and has no users.
fn without_users(around: &Around<'_>, config: &Value) -> bool {
    let Some((_, object)) = around.object(config) else { return false };
    if !matches!(object.shape, Shape::Plain) || object.rest.is_some() || is_json(around, config) {
        return false;
    }
    // What is no configuration: it has no apps either.
    object.props.contains_key("apps") && object.props.get("users").is_none_or(is_missing)
}

/// Whether an object is written in a file of JSON, which is read by itself.
fn is_json(around: &Around<'_>, config: &Value) -> bool {
    let unit = around.object(config).and_then(|(_, object)| around.units.get(object.at?.unit));
    unit.is_none_or(|unit| unit.path.ends_with(".json"))
}

/// Users whose password, or its default, is guessed; passwords that are kept in clear.
fn passwords(around: &Around<'_>, config: &Value, found: &mut Vec<Risk>) {
    let Some(users) = around.property(config, "users").filter(|_| !is_json(around, config)) else { return };
    for (list, _) in users.alternatives() {
        let items = around.object(&list).map(|(_, object)| object.items.as_slice()).unwrap_or_default();
        for user in items.iter().filter(|user| !is_json(around, user)) {
            let name = |key| around.property(user, key).map(texts).unwrap_or_default();
            let names = name("user");
            let is_guessed = |password: &str| is_guessed(password) || names.iter().any(|name| **name == *password);
            if !name("pass").iter().any(|password| is_guessed(password)) {
                continue;
            }
            let Some(at) = around.place_of(user, "pass") else { continue };
            // Without its name the user has to be guessed too.
            let severity = if names.is_empty() { Severity::High } else { Severity::Critical };
            found.push(risk("dashboard-guessable-password", at).rated(severity));
        }
        let is_plain = around.property(config, "useEncryptedPasswords").is_some_and(|flag| is_flag(flag, false));
        if is_plain && !items.is_empty() {
            let at = around.place_of(config, "useEncryptedPasswords");
            found.extend(at.map(|at| risk("dashboard-plain-passwords", at)));
        }
    }
}

/// Whether a password is tried among the first.
fn is_guessed(password: &str) -> bool {
    let is_hash = ["$2a$", "$2b$", "$2y$"].iter().any(|start| password.starts_with(start));
    let word = password.trim_end_matches(|sign: char| !sign.is_alphabetic()).to_ascii_lowercase();
    let is_placeholder = password.contains(['<', '{', '$']) || password.to_ascii_lowercase().contains("your");
    !is_hash
        && !password.is_empty()
        && !is_placeholder
        && (password.chars().count() < 6
            || password.chars().all(|sign| sign.is_ascii_digit())
            || GUESSED.contains(&word.as_str()))
}

/// Sessions that are signed with the application id, which every client knows.
fn cookies(around: &Around<'_>, config: &Value, options: &Value, found: &mut Vec<Risk>) {
    let Some(secret) = around.property(options, "cookieSessionSecret") else { return };
    if secret.test.is_some() || !matches!(secret.kind, Kind::Text(_) | Kind::Path(_) | Kind::OneOf(_)) {
        return;
    }
    let apps = around.property(config, "apps").and_then(|apps| around.object(apps));
    let apps = apps.map(|(_, object)| object.items.as_slice()).unwrap_or_default();
    if apps.iter().filter_map(|app| around.property(app, "appId")).any(|id| same(id, secret)) {
        let at = around.place_of(options, "cookieSessionSecret");
        found.extend(at.map(|at| risk("dashboard-cookie-secret", at)));
    }
}

#[cfg(test)]
mod tests {
    use super::is_guessed;

    #[test]
    fn passwords_that_are_tried_first_are_words_short_or_numbers() {
        for (password, is) in [
            ("admin", true),
            ("Password123!", true),
            ("20240101", true),
            ("abc", true),
            ("correct horse", false),
            ("$2a$10$abcdefgh", false),
            ("YOUR_PASSWORD", false),
            ("", false),
        ] {
            assert_eq!(is_guessed(password), is, "{password}");
        }
    }
}
