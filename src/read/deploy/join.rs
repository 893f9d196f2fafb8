//! What services take from elsewhere: from lists of variables by name, from other services
//! (`extends`), and from the file `.env` beside them.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::path::{folder, join as path_join};
use crate::model::Place;
use crate::model::deploy::Form;
use crate::problem::Problem;

use super::Raw;

/// Variables as they are written: name, value, place.
type Variables = Vec<(String, String, Place)>;

/// Puts together what belongs to each service.
pub fn join(mut services: Vec<Raw>, problems: &mut Vec<Problem>) -> Vec<Raw> {
    let mut lists: BTreeMap<String, Variables> = BTreeMap::new();
    for list in services.iter().filter(|service| service.is_list) {
        let by = if list.form == Form::Dotenv { &list.path } else { &list.name };
        lists.entry(by.clone()).or_default().extend(list.variables.clone());
    }
    let given = extended(&services, problems);
    for (raw, base) in services.iter_mut().zip(given) {
        if let Some(base) = base {
            take_over(raw, base);
        }
        let further = raw.further.iter().filter_map(|list| lists.get(list)).flatten();
        // What a service sets itself comes before what it takes from a list.
        raw.variables = further.cloned().chain(std::mem::take(&mut raw.variables)).collect();
        for (name, list, key) in &raw.single {
            let value = lists.get(list).and_then(|list| list.iter().rev().find(|(name, ..)| name == key));
            raw.variables.extend(value.map(|(_, value, at)| (name.clone(), value.clone(), at.clone())));
        }
        if raw.form == Form::Compose
            && let Some(beside) = lists.get(&path_join(folder(&raw.path), ".env"))
        {
            fill(&mut raw.variables, beside);
        }
    }
    services
}

/// Docker fills `${NAME}` from the file `.env` beside, unless the environment has the name.
fn fill(variables: &mut Variables, beside: &Variables) {
    for (_, value, _) in variables {
        let Some(name) = value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else { continue };
        if let Some((_, filled, _)) = beside.iter().rev().find(|(other, ..)| other == name) {
            *value = format!("${{{name}:-{filled}}}");
        }
    }
}

/// What each service extends, all that it extends in turn taken over.
fn extended(services: &[Raw], problems: &mut Vec<Problem>) -> Vec<Option<Raw>> {
    let by_name: BTreeMap<(&str, &str), &Raw> =
        services.iter().map(|raw| ((raw.path.as_str(), raw.name.as_str()), raw)).collect();
    let base_of = |raw: &Raw| {
        let (path, name) = raw.extends.as_ref()?;
        by_name.get(&(path.as_str(), name.as_str())).copied()
    };
    let mut all = Vec::new();
    for raw in services {
        let mut seen = BTreeSet::from([(&raw.path, &raw.name)]);
        let (mut chain, mut here) = (Vec::new(), raw);
        while let Some(base) = base_of(here) {
            if !seen.insert((&base.path, &base.name)) {
                let message = format!("the service {} extends itself", raw.name);
                let problem = Problem::new(&raw.path, message, "what it takes over is not known");
                problems.push(raw.line.map_or(problem.clone(), |line| problem.at(line, 1)));
                break;
            }
            chain.push(base);
            here = base;
        }
        let whole = chain.into_iter().rev().cloned().reduce(|base, mut own| {
            take_over(&mut own, base);
            own
        });
        all.push(whole);
    }
    all
}

/// Takes over what a service does not say itself.
fn take_over(raw: &mut Raw, base: Raw) {
    raw.image = raw.image.take().or(base.image);
    raw.user = raw.user.take().or(base.user);
    if raw.command.is_empty() {
        raw.command = base.command;
    }
    raw.variables = base.variables.into_iter().chain(std::mem::take(&mut raw.variables)).collect();
    raw.further = base.further.into_iter().chain(std::mem::take(&mut raw.further)).collect();
    raw.ports.extend(base.ports);
    raw.rights.extend(base.rights);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FileId;

    fn service(name: &str, extends: Option<&str>, variables: &[(&str, &str)]) -> Raw {
        let at = Place::File { file: FileId(0) };
        let mut raw = Raw::new(name, Form::Compose, "a/compose.yml", at.clone());
        raw.extends = extends.map(|base| ("a/compose.yml".to_owned(), base.to_owned()));
        raw.variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into(), at.clone())).collect();
        raw
    }

    fn value<'r>(raw: &'r Raw, name: &str) -> Option<&'r str> {
        raw.variables.iter().rev().find(|(own, ..)| own == name).map(|(_, value, _)| value.as_str())
    }

    #[test]
    fn a_service_takes_over_what_it_does_not_say_itself() {
        let all = vec![
            service("base", None, &[("A", "1"), ("B", "1")]),
            service("web", Some("base"), &[("B", "2")]),
            service("more", Some("web"), &[("C", "3")]),
        ];
        let all = join(all, &mut Vec::new());
        assert_eq!((value(&all[1], "A"), value(&all[1], "B")), (Some("1"), Some("2")));
        assert_eq!((value(&all[2], "A"), value(&all[2], "B"), value(&all[2], "C")), (Some("1"), Some("2"), Some("3")));
    }

    #[test]
    fn services_that_extend_each_other_are_told_and_end() {
        let mut problems = Vec::new();
        join(vec![service("a", Some("b"), &[("A", "1")]), service("b", Some("a"), &[])], &mut problems);
        assert_eq!(problems.len(), 2);
        assert_eq!(problems[0].message, "the service a extends itself");
    }

    #[test]
    fn the_file_beside_fills_what_is_left_open() {
        let mut env = service("", None, &[("KEY", "k")]);
        (env.form, env.is_list, env.path) = (Form::Dotenv, true, "a/.env".to_owned());
        let all = join(vec![service("web", None, &[("A", "${KEY}"), ("B", "${OTHER}")]), env], &mut Vec::new());
        assert_eq!((value(&all[0], "A"), value(&all[0], "B")), (Some("${KEY:-k}"), Some("${OTHER}")));
    }
}
