//! Options of the server, and what another version makes of those that are not set.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::audit::fact::in_words;
use crate::lock::{Lock, TOLD, Value};
use crate::rules::catalogue::{Default, Part, default_of};
use crate::severity::Severity;

use super::nature::Judged;
use super::severity::{Data, data};
use super::{Direction, words};

/// Options that let more in when they are on.
const WEAK_ON: [&str; 17] = [
    "allowAggregationForReadOnlyMasterKey",
    "allowClientClassCreation",
    "allowCustomObjectId",
    "allowExpiredAuthDataToken",
    "enableAnonymousUsers",
    "enableInsecureAuthAdapters",
    "fileUpload.enableForAnonymousUser",
    "fileUpload.enableForAuthenticatedUser",
    "fileUpload.enableForPublic",
    "graphQLPublicIntrospection",
    "mountPlayground",
    "pages.enableRouter",
    "preserveFileName",
    "protectedFieldsOwnerExempt",
    "protectedFieldsSaveResponseExempt",
    "protectedFieldsTriggerExempt",
    "trustProxy",
];

/// Options that let more in when they are off.
const WEAK_OFF: [&str; 8] = [
    "enforcePrivateUsers",
    "expireInactiveSessions",
    "preventLoginWithUnverifiedEmail",
    "preventSignupWithUnverifiedEmail",
    "revokeSessionOnPasswordReset",
    "schema.lockSchemas",
    "schema.strict",
    "verifyUserEmails",
];

/// Options that let in who is on their list.
const LISTS: [&str; 6] = [
    "allowOrigin",
    "fileUpload.fileExtensions",
    "maintenanceKeyIps",
    "masterKeyIps",
    "readOnlyMasterKeyIps",
    "routeAllowList",
];

/// Of those the ones that decide where keys of the server count.
const OF_KEYS: [&str; 3] = ["maintenanceKeyIps", "masterKeyIps", "readOnlyMasterKeyIps"];

/// An element of a list that lets all in.
const ANYTHING: [&str; 4] = ["*", "0.0.0.0/0", "::/0", "::0"];

/// Whether GraphQL is mounted, unless code does it by hand.
const MOUNTED: &str = "mountGraphQL";

/// Whether the option mounts GraphQL; nothing where options were not read.
pub fn mounts_graphql(lock: &Lock) -> Option<bool> {
    flag(lock, MOUNTED).filter(|_| !lock.is_unread(&["server-options"]))
}

/// What a change of an option is, if it matters.
pub fn judge(name: &str, from: &Lock, to: &Lock) -> Option<Judged> {
    let (old, new) = (from.get(&["server", "option", name]), to.get(&["server", "option", name]));
    let none = BTreeSet::new();
    let list = |value: Option<&Value>| value.and_then(Value::list).unwrap_or(&none).clone();
    if name == "liveQuery.classNames" {
        let came: Vec<String> = list(new).difference(&list(old)).cloned().collect();
        let class = came.first()?;
        let precious = came.iter().any(|class| data(to, class, None) == Data::Precious);
        let severity = if precious { Severity::High } else { Severity::Medium };
        let effect = format!("tells whoever may read them of changes of {}", in_words(&came));
        let judged = Judged::new("class-exposed", severity, name, effect);
        return Some(Judged { class: Some(class.as_str().into()), ..judged });
    }
    if name == MOUNTED {
        let is_on = flag(to, name) == Some(true);
        return is_on.then(|| Judged::new("class-exposed", Severity::Medium, name, "offers every class by GraphQL"));
    }
    let effect = format!("is {} now", words::value(new));
    let severity = severity(name);
    Some(match moved(name, from, to)? {
        Direction::Narrower | Direction::WillNarrow => Judged::narrower(name, effect),
        Direction::Wider | Direction::WillWiden => Judged::new("option-weakened", severity, name, effect),
        Direction::Unknown => {
            Judged { direction: Direction::Unknown, ..Judged::new("option-weakened", Severity::Low, name, effect) }
        }
    })
}

/// What another version makes of options that nobody sets.
pub fn version(from: &Lock, to: &Lock) -> Option<Judged> {
    let unset = |lock: &Lock, name: &str| lock.get(&["server", "option", name]).is_none();
    // Where a version lacks an option, what it does cannot be told from defaults.
    let has = |lock: &Lock, name: &str| matches!(default(lock, name), Default::Is(_));
    let is_default = |lock: &Lock, name: &str| unset(lock, name) && has(lock, name);
    let changed = TOLD.into_iter().filter(|name| is_default(from, name) && is_default(to, name));
    let weaker: Vec<&str> = changed.filter(|name| moved(name, from, to) == Some(Direction::Wider)).collect();
    let severity = weaker.iter().map(|name| severity(name)).max()?;
    let effect = format!("has other defaults, which let more in: {}", in_words(&weaker));
    Some(Judged::new("version-changed", severity, "parse-server", effect))
}

fn severity(name: &str) -> Severity {
    match name {
        name if OF_KEYS.contains(&name) => Severity::High,
        "verifyUserEmails" | "preserveFileName" => Severity::Low,
        _ => Severity::Medium,
    }
}

/// Which way access goes with an option; nothing if it stays.
fn moved(name: &str, from: &Lock, to: &Lock) -> Option<Direction> {
    if LISTS.contains(&name) {
        let (old, new) = (list(from, name), list(to, name));
        let all = |list: &BTreeSet<String>| list.iter().any(|one| ANYTHING.contains(&one.as_str()));
        return match (all(&old), all(&new)) {
            (true, true) => None,
            (true, false) => Some(Direction::Narrower),
            (false, true) => Some(Direction::Wider),
            (false, false) if new.difference(&old).next().is_some() => Some(Direction::Wider),
            (false, false) if old != new => Some(Direction::Narrower),
            (false, false) => None,
        };
    }
    let weak = match (WEAK_ON.contains(&name), WEAK_OFF.contains(&name)) {
        (true, _) => true,
        (_, true) => false,
        (false, false) => return None,
    };
    match (flag(from, name), flag(to, name)) {
        (Some(old), Some(new)) if old == new => None,
        (_, Some(new)) if new == weak => Some(Direction::Wider),
        (_, Some(_)) => Some(Direction::Narrower),
        (Some(old), None) if old == weak => None,
        (_, None) => Some(Direction::Unknown),
    }
}

/// Whether an option is on, by the default of the version if nothing sets it.
fn flag(lock: &Lock, name: &str) -> Option<bool> {
    match lock.get(&["server", "option", name]) {
        Some(Value::Flag(flag)) => Some(*flag),
        Some(Value::Text(text)) => text.parse().ok(),
        Some(Value::List(_)) => None,
        None => match default(lock, name) {
            Default::Is(Json::Bool(flag)) => Some(*flag),
            Default::Is(Json::Null) | Default::None => Some(false),
            Default::Is(_) | Default::Unknown => None,
        },
    }
}

/// The elements of an option, by the default of the version if nothing sets it.
fn list(lock: &Lock, name: &str) -> BTreeSet<String> {
    let anything = || BTreeSet::from(["*".to_owned()]);
    match lock.get(&["server", "option", name]) {
        Some(Value::List(list)) => list.clone(),
        Some(Value::Text(text)) => BTreeSet::from([text.clone()]),
        Some(Value::Flag(_)) => BTreeSet::new(),
        None => match default(lock, name) {
            Default::Is(Json::String(text)) => BTreeSet::from([text.clone()]),
            Default::Is(Json::Array(list)) if !list.is_empty() => {
                list.iter().filter_map(|element| element.as_str().map(str::to_owned)).collect()
            }
            // Without a list nothing is kept out.
            Default::Is(_) | Default::None | Default::Unknown => anything(),
        },
    }
}

fn default(lock: &Lock, name: &str) -> Default {
    let version = lock.text(&["server", "version"]).and_then(|text| text.parse().ok());
    default_of(Part::Server, name, version.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::Key;

    fn lock(version: &str, name: &str, value: Option<Value>) -> Lock {
        let mut lock = Lock::default();
        lock.set(Key::of(&["server", "version"]), Some(version.into()));
        lock.set(Key::of(&["server", "option", name]), value);
        lock
    }

    fn told(name: &str, old: Option<Value>, new: Option<Value>) -> Option<(Direction, Severity)> {
        let judged = judge(name, &lock("9.10.0", name, old), &lock("9.10.0", name, new))?;
        Some((judged.direction, judged.severity))
    }

    #[test]
    fn an_option_that_is_not_set_is_what_the_version_makes_of_it() {
        let local = || Some(Value::List(BTreeSet::from(["127.0.0.1".to_owned(), "::1".to_owned()])));
        assert_eq!(told("masterKeyIps", local(), None), None);
        assert_eq!(told("readOnlyMasterKeyIps", local(), None), Some((Direction::Wider, Severity::High)));
        assert_eq!(told("readOnlyMasterKeyIps", None, local()), Some((Direction::Narrower, Severity::Info)));
        assert_eq!(told("allowCustomObjectId", Some(false.into()), None), None);
        assert_eq!(told("allowCustomObjectId", None, Some(true.into())), Some((Direction::Wider, Severity::Medium)));
        assert_eq!(
            told("enforcePrivateUsers", Some(true.into()), Some(false.into())).map(|told| told.0),
            Some(Direction::Wider)
        );
    }

    #[test]
    fn an_older_server_counts_the_master_key_from_anywhere() {
        let judged = version(&lock("6.5.11", "x", None), &lock("5.6.0", "x", None)).expect("other defaults");
        assert_eq!((judged.kind, judged.severity), ("version-changed", Severity::High));
        assert!(judged.effect.contains("masterKeyIps"), "{}", judged.effect);
        assert!(version(&lock("5.6.0", "x", None), &lock("6.5.11", "x", None)).is_none());
    }
}
