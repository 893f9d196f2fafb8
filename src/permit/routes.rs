//! The routes that `routeAllowList` leaves to clients.
//!
//! Source: Parse Server 9.10.0, `middlewares.enforceRouteAllowList`: patterns are for the whole
//! path below the mount; keys are not asked, and neither is GraphQL.

use regex::Regex;
use serde_json::Value;

use crate::model::options::{Options, Written};
use crate::model::{App, ClassName, Operation};

use super::Behaviour;

/// An object id such as the server makes them.
const SOME_ID: &str = "aB3dE5gH7j";

/// The routes of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Routes {
    patterns: Vec<Pattern>,
    /// Whether GraphQL may be mounted, which leads past them.
    pub has_graphql: bool,
}

#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    /// `None` if only JavaScript understands it.
    regex: Option<Regex>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// Whether a list lets a client in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admits {
    /// A pattern matches.
    Yes,
    /// None does.
    No,
    /// A pattern is not understood.
    Unknown,
}

impl Routes {
    /// The list of an app; `None` if it has none that counts.
    pub fn of(app: &App, options: &Options, behaviour: &Behaviour) -> Option<Self> {
        if !behaviour.has_route_allow_list {
            return None;
        }
        let Written::Value(Value::Array(list)) = options.tree.get("routeAllowList")? else { return None };
        let pattern = |text: &str| Pattern { text: text.to_owned(), regex: Regex::new(&format!("^(?:{text})$")).ok() };
        let patterns: Vec<Pattern> = list.iter().filter_map(Value::as_str).map(pattern).collect();
        let mut routes = Self { patterns, has_graphql: false };
        if behaviour.batch_passes_route_allow_list && routes.admits("batch") != Admits::No {
            return None;
        }
        let is_mounted = match options.tree.get("mountGraphQL") {
            None | Some(Written::Value(Value::Null | Value::Bool(false))) => false,
            Some(_) => true,
        };
        routes.has_graphql = is_mounted || app.code_names(&["ParseGraphQLServer"]);
        Some(routes)
    }

    /// Whether a path is open to clients.
    pub fn admits(&self, path: &str) -> Admits {
        let mut found = Admits::No;
        for pattern in &self.patterns {
            match &pattern.regex {
                Some(regex) if regex.is_match(path) => return Admits::Yes,
                Some(_) => {}
                None => found = Admits::Unknown,
            }
        }
        found
    }

    /// Whether one of the routes of an operation on a class is open to clients.
    pub fn admit(&self, class: &ClassName, op: Operation) -> Admits {
        let (collections, objects) = paths(class);
        let some_object = || {
            // A pattern may name certain objects.
            let names_one = |path: &String| self.patterns.iter().any(|pattern| pattern.text.starts_with(&**path));
            match objects.iter().map(|path| self.admits(&format!("{path}{SOME_ID}"))).max_by_key(rank) {
                Some(Admits::No) | None if objects.iter().any(names_one) => Admits::Yes,
                Some(found) => found,
                None => Admits::No,
            }
        };
        let some_collection =
            || collections.iter().map(|path| self.admits(path)).max_by_key(rank).unwrap_or(Admits::No);
        match op {
            Operation::Find | Operation::Count | Operation::Create => some_collection(),
            Operation::Update | Operation::Delete => some_object(),
            // A query for one id is a get, and either kind of save adds columns.
            Operation::Get | Operation::AddField => {
                let (all, one) = (some_collection(), some_object());
                if rank(&all) > rank(&one) { all } else { one }
            }
        }
    }
}

fn rank(admits: &Admits) -> u8 {
    match admits {
        Admits::No => 0,
        Admits::Unknown => 1,
        Admits::Yes => 2,
    }
}

/// The paths of a class, and what its objects' paths begin with.
fn paths(class: &ClassName) -> (Vec<String>, Vec<String>) {
    let own = match class.as_str() {
        "_User" => Some("users"),
        "_Session" => Some("sessions"),
        "_Role" => Some("roles"),
        "_Installation" => Some("installations"),
        _ => None,
    };
    let collections: Vec<String> = own.map(str::to_owned).into_iter().chain([format!("classes/{class}")]).collect();
    let objects = collections.iter().map(|path| format!("{path}/")).collect();
    (collections, objects)
}

#[cfg(test)]
mod tests {
    use super::*;
    use semver::Version;
    use serde_json::json;

    fn routes(version: &str, list: &[&str]) -> Option<Routes> {
        let mut options = Options::default();
        options.tree.values.insert("routeAllowList".to_owned(), Written::Value(json!(list)));
        Routes::of(&App::default(), &options, &Behaviour::of(&Version::parse(version).unwrap()))
    }

    #[test]
    fn patterns_are_for_the_whole_path() {
        let routes = routes("9.10.0", &["classes/Chat.*", "users/.*", "classes/Log/abc"]).unwrap();
        let admit = |class: &str, op| routes.admit(&class.into(), op);
        assert_eq!(admit("Chat", Operation::Find), Admits::Yes);
        assert_eq!(admit("Chat", Operation::Delete), Admits::Yes, "`.*` takes the id as well");
        assert_eq!(admit("MyChat", Operation::Find), Admits::No);
        assert_eq!((admit("_User", Operation::Find), admit("_User", Operation::Get)), (Admits::No, Admits::Yes));
        assert_eq!((admit("Log", Operation::Find), admit("Log", Operation::Update)), (Admits::No, Admits::Yes));
        assert_eq!(routes.admits("functions/pay"), Admits::No);
    }

    #[test]
    fn what_only_javascript_understands_is_not_known() {
        let routes = routes("9.10.0", &["classes/(?!Secret).*"]).unwrap();
        assert_eq!(routes.admit(&"Secret".into(), Operation::Find), Admits::Unknown);
    }

    #[test]
    fn versions_without_the_option_and_those_with_the_way_around_it_close_nothing() {
        assert!(routes("9.7.0", &[]).is_none() && routes("8.6.94", &[]).is_none());
        assert!(routes("9.8.0", &["batch"]).is_none() && routes("9.9.0", &["login"]).is_some());
        assert!(routes("9.10.0", &["batch"]).is_some());
    }
}
