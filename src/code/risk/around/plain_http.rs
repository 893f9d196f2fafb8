//! Addresses of other machines over plain HTTP (PA506): of the server itself, and of others
//! that are sent keys or passwords.

use std::net::Ipv4Addr;

use crate::code::heap::Heap;
use crate::code::risk::names;
use crate::code::run::known_text;
use crate::code::value::{Kind, Value};
use crate::model::host::is_private;
use crate::model::unit::{ExprKind, Pattern};
use crate::severity::Severity;

use super::{Around, File, Risk, risk, texts};

/// Calls that ask another server, by the beginning of their names.
const CLIENTS: [&str; 17] = [
    "Parse.Cloud.httpRequest",
    "axios",
    "bent",
    "fetch",
    "globalThis.fetch",
    "got",
    "http",
    "ky",
    "needle",
    "phin",
    "request",
    "request_promise",
    "soap",
    "superagent",
    "undici",
    "unirest",
    "urllib",
];

/// Options of Parse Server that are its own address.
const ADDRESSES: [&str; 4] = ["serverURL", "publicServerURL", "graphQLServerURL", "liveQueryServerURL"];

/// Judges what a walk asks of other servers.
pub fn judge(around: &Around<'_>, found: &mut Vec<Risk>) {
    for (event, path, args) in around.calls() {
        let is_client =
            |client: &str| path.strip_prefix(client).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        if !CLIENTS.iter().any(|client| is_client(client)) {
            continue;
        }
        let Some(address) = args.first().and_then(|first| address(around, first)) else { continue };
        let Some(host) = public_host(&address) else { continue };
        // What a service described by a plain address is sent goes where that address says.
        let is_described = path.starts_with("soap.");
        let in_address = has_key(&address);
        // A signature shows that one has a key, and not the key.
        if is_signed(&address) || args.iter().any(|arg| has_signature(around.heap, arg, 4)) {
            continue;
        }
        if !is_described && !in_address && !args.iter().any(|arg| carries_key(around.heap, arg, 4)) {
            continue;
        }
        if around.is_in_development(event) {
            continue;
        }
        let known = address.split('\u{fffc}').next().unwrap_or_default();
        let at = around.place_of_text(known, event).unwrap_or(event.at);
        let mut one = risk("plain-http", at).word("what", "requests with keys or passwords").word("sink", host.clone());
        if at != event.at {
            one.related.push((event.at, format!("`{path}` asks it")));
        }
        one.subject = host;
        found.push(one);
    }
}

/// Judges the addresses in options of servers.
pub fn of_options(around: &Around<'_>, found: &mut Vec<Risk>) {
    for (config, _) in around.servers.iter().flat_map(|(options, _)| options.alternatives()) {
        for option in ADDRESSES {
            let Some(value) = around.property(&config, option) else { continue };
            let Some((host, at)) =
                texts(value).iter().find_map(|text| public_host(text)).zip(around.place_of(&config, option))
            else {
                continue;
            };
            if around.units.get(at.unit).is_some_and(|unit| unit.path.ends_with(".json")) {
                continue;
            }
            found.push(own_address(host, at));
        }
    }
}

/// Judges a file: `Parse.serverURL = 'http://…'`.
pub fn of_file(file: &File<'_>, found: &mut Vec<Risk>) {
    for expr in file.unit.expressions() {
        let ExprKind::Assign(target, value) = &expr.kind else { continue };
        let Pattern::Member(member) = &**target else { continue };
        let ExprKind::Member(object, name) = &member.kind else { continue };
        let is_parse = matches!(&object.kind, ExprKind::Name(name) if matches!(&**name, "Parse" | "parse"));
        let ExprKind::Text(address) = &value.kind else { continue };
        if is_parse && &**name == "serverURL" && !file.context().is_for_development(expr.span) {
            found.extend(public_host(address).map(|host| own_address(host, file.at(value.span))));
        }
    }
}

fn own_address(host: String, at: crate::code::value::Pos) -> Risk {
    let mut one = risk("plain-http", at).word("what", "the server's own address").word("sink", host.clone());
    one.subject = host;
    one.rated(Severity::Medium)
}

/// The address that a client is given: itself, or among its options.
fn address(around: &Around<'_>, first: &Value) -> Option<String> {
    let given = match &first.kind {
        Kind::Object(_) => ["url", "uri", "baseURL"].into_iter().find_map(|key| around.property(first, key))?,
        _ => first,
    };
    match &given.kind {
        Kind::Text(_) | Kind::Joined(_) => Some(known_text(given)),
        _ => None,
    }
}

/// The host of an address over plain HTTP that other machines reach.
fn public_host(address: &str) -> Option<String> {
    let rest = address.trim().strip_prefix("http://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.to_ascii_lowercase();
    let host = host.split(':').next()?.to_owned();
    let is_name = host.chars().all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-' | '_'));
    // A name without a dot is of the same network.
    if !is_name || !host.contains('.') || is_inside(&host) || is_made_up(&host) {
        return None;
    }
    Some(host)
}

/// Whether a host is none that strangers reach.
fn is_inside(host: &str) -> bool {
    const ENDINGS: [&str; 6] = [".lan", ".home", ".test", ".example", ".invalid", ".localdomain"];
    is_private(host)
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_unspecified() || address.is_documentation())
        || ENDINGS.iter().any(|ending| host.ends_with(ending))
}

/// Whether somebody has yet to write the name there.
fn is_made_up(host: &str) -> bool {
    let is_example = |name: &str| matches!(name, "example" | "yourserver" | "yourdomain" | "domain" | "myserver");
    host.contains("your") || host.contains("xxx") || host.split('.').rev().nth(1).is_some_and(is_example)
}

/// Whether an address itself has a key or password in it.
fn has_key(address: &str) -> bool {
    let authority = address.split('/').nth(2).unwrap_or_default();
    let named = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        !value.is_empty() && is_key(name)
    };
    let query = address.split_once('?').map_or("", |(_, query)| query);
    authority.split_once('@').is_some_and(|(user, _)| user.contains(':')) || query.split('&').any(named)
}

/// Whether something that is sent is a key or password, by its name.
fn carries_key(heap: &Heap, value: &Value, depth: usize) -> bool {
    let (Some(id), true) = (value.as_object(), depth > 0) else { return false };
    let object = heap.get(id);
    let is_sent =
        |value: &Value| !matches!(value.kind, Kind::Undefined | Kind::Null | Kind::Function(_) | Kind::Bool(_));
    object.props.iter().any(|(name, value)| (is_key(name) && is_sent(value)) || carries_key(heap, value, depth - 1))
        || object.items.iter().take(32).any(|item| carries_key(heap, item, depth - 1))
}

fn is_signed(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("signature") || text.contains("hmac-sha") || text.contains("&sig=")
}

/// Whether something that is sent is signed.
fn has_signature(heap: &Heap, value: &Value, depth: usize) -> bool {
    match &value.kind {
        Kind::Text(_) | Kind::Joined(_) => is_signed(&known_text(value)),
        Kind::Object(id) if depth > 0 => {
            let object = heap.get(*id);
            object.props.iter().any(|(name, value)| is_signed(name) || has_signature(heap, value, depth - 1))
        }
        _ => false,
    }
}

fn is_key(name: &str) -> bool {
    const WORDS: [&str; 11] = [
        "apikey",
        "authorization",
        "password",
        "passwd",
        "secret",
        "token",
        "accesskey",
        "masterkey",
        "credential",
        "authkey",
        "appkey",
    ];
    let lower = name.trim_matches(|sign: char| !sign.is_ascii_alphanumeric()).to_ascii_lowercase();
    names::has_any(name, &WORDS) || matches!(lower.as_str(), "key" | "auth" | "pass" | "pwd" | "otp" | "pin")
}

#[cfg(test)]
mod tests {
    use super::{has_key, public_host};

    #[test]
    fn other_machines_are_told_from_this_one_and_its_neighbours() {
        for (address, host) in [
            ("http://api.shop.io:8080/parse", Some("api.shop.io")),
            ("http://203.0.114.7/parse", Some("203.0.114.7")),
            ("https://api.shop.io/parse", None),
            ("http://localhost:1337/parse", None),
            ("http://192.168.0.4/parse", None),
            ("http://172.17.0.1:1337/parse", None),
            ("http://parse:1337/parse", None),
            ("http://parse.default.svc.cluster.local/parse", None),
            ("http://host.docker.internal:1337", None),
            ("http://\u{fffc}/parse", None),
            ("http://your-server.com/parse", None),
            ("http://www.example.com/parse", None),
        ] {
            assert_eq!(public_host(address).as_deref(), host, "{address}");
        }
    }

    #[test]
    fn keys_in_addresses_are_told_by_their_names() {
        assert!(has_key("http://sms.io/send?to=1&api_key=\u{fffc}") && has_key("http://u:p@sms.io/send"));
        assert!(!has_key("http://geo.io/json?ip=1") && !has_key("http://geo.io/key/1"));
    }
}
