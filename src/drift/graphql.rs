//! Classes that GraphQL shows. They are reached over REST all the same, so nobody gains rows by it, but a way to them.

use crate::audit::fact::in_words;
use crate::lock::{DISABLED, ENABLED, GRAPHQL, Lock, Value};
use crate::severity::Severity;

use super::nature::Judged;
use super::options;

/// What a change of these classes is, if it matters and both sides are known.
pub fn judge(from: &Lock, to: &Lock) -> Option<Judged> {
    let of = |lock: &Lock, key| lock.get(&["server", GRAPHQL, key]).is_some();
    if !of(from, ENABLED) || !of(to, ENABLED) {
        return None;
    }
    let came: Vec<&str> =
        to.names(&["class"]).into_iter().filter(|class| shows(to, class) && !shows(from, class)).collect();
    if came.is_empty() {
        let has_left = from.names(&["class"]).into_iter().any(|class| shows(from, class) && !shows(to, class));
        return has_left.then(|| Judged::narrower("GraphQL", "shows fewer classes"));
    }
    let mounted = match options::mounts_graphql(to) {
        Some(true) => "",
        Some(false) => "; `mountGraphQL` is off, and code would have to mount it",
        None => "; whether it is mounted is not known here",
    };
    let effect = format!("shows {} as well{mounted}", in_words(&came));
    let class = came.first().filter(|_| came.len() == 1).map(|class| (*class).into());
    Some(Judged { class, ..Judged::new("class-exposed", Severity::Low, "GraphQL", effect) })
}

/// Whether GraphQL shows a class, if it is mounted.
fn shows(lock: &Lock, class: &str) -> bool {
    let names = |key| lock.get(&["server", GRAPHQL, key]).and_then(Value::list);
    let is_named = |key| names(key).map(|list| list.contains(class));
    is_named(ENABLED).unwrap_or(true) && !is_named(DISABLED).unwrap_or_default()
}
