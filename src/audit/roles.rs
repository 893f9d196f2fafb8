//! Roles: who may become one, and what follows from it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::oddity::escape;
use crate::model::{App, Class, Clp, Grantee, Group, Known, Operation, Place, RoleName, Roles};
use crate::rules::Who;
use crate::rules::words::split;

use super::access::{Access, words_for};
use super::fact::{Fact, in_words};

/// Words in the names of roles that hold rights over others.
const PRIVILEGED: [&str; 16] = [
    "admin",
    "administrator",
    "editor",
    "employee",
    "manager",
    "mod",
    "moderator",
    "operator",
    "owner",
    "root",
    "staff",
    "super",
    "superadmin",
    "supervisor",
    "support",
    "system",
];

/// Words in the names of roles that anybody may come to hold.
const BROAD: [&str; 14] = [
    "all",
    "anonymous",
    "basic",
    "customer",
    "everybody",
    "everyone",
    "free",
    "guest",
    "member",
    "public",
    "registered",
    "subscriber",
    "user",
    "visitor",
];

/// The facts about roles.
pub fn facts(app: &App, access: &[Access<'_>]) -> Vec<Fact> {
    let Known::Read(roles) = &app.roles else { return Vec::new() };
    let class = access.iter().find(|access| access.class.name == "_Role");
    let mut facts = Vec::new();
    named_but_missing(app, roles, class, &mut facts);
    if let Some(class) = class {
        creatable(class, &mut facts);
        writable(roles, class, &mut facts);
    }
    cycles(roles, &mut facts);
    inverted(roles, &mut facts);
    facts
}

fn fact(kind: &'static str, role: &RoleName, at: Place) -> Fact {
    Fact::new("role", kind, format!("role:{role}"), at).word("role", role)
}

fn named_but_missing(app: &App, roles: &Roles, class: Option<&Access<'_>>, facts: &mut Vec<Fact>) {
    let may_create = class.and_then(|class| class.reached_by(Operation::Create));
    let mut places: BTreeMap<RoleName, Vec<(Place, String)>> = BTreeMap::new();
    for class in app.descriptions() {
        for (role, at, what) in mentions(class) {
            if !roles.by_name.contains_key(&role) {
                places.entry(role).or_default().push((at, what));
            }
        }
    }
    for (role, mut places) in places {
        let (at, what) = places.remove(0);
        let others = match places.len() {
            0 => what,
            1 => format!("{what} and one more place"),
            more => format!("{what} and {more} more places"),
        };
        let kind = if may_create.is_some() { "missing" } else { "unknown" };
        let mut fact = fact(kind, &role, at).word("others", others).word("who", may_create.map_or("nobody", words_for));
        fact.related = places.into_iter().take(5).collect();
        facts.push(fact);
    }
}

/// Where a class names roles: the role, the place, and what it is there.
fn mentions(class: &Class) -> Vec<(RoleName, Place, String)> {
    let mut found = Vec::new();
    if let Some(clp) = class.clp.read() {
        for op in Operation::ALL {
            for role in clp.grants(op).into_iter().flat_map(|grants| &grants.roles) {
                let at = class.clp_place(&format!("/{op}/{}", escape(&format!("role:{role}"))));
                found.push((role.clone(), at, format!("{}.{op}", class.name)));
            }
        }
        for group in clp.protected_fields.iter().flat_map(BTreeMap::keys) {
            if let Group::Role(role) = group {
                let at = class.clp_place(&format!("/protectedFields/{}", escape(&group.to_string())));
                found.push((role.clone(), at, format!("the protected fields of {}", class.name)));
            }
        }
        let in_default: BTreeSet<&RoleName> = clp.roles();
        let named: BTreeSet<RoleName> = found.iter().map(|(role, _, _)| role.clone()).collect();
        for role in in_default.into_iter().filter(|role| !named.contains(*role)) {
            found.push((role.clone(), class.clp_place("/ACL"), format!("the default ACL of {}", class.name)));
        }
    }
    if let (Some(census), Some(at)) = (class.rows.read(), &class.rows_at) {
        found.extend(
            census
                .roles()
                .into_iter()
                .map(|role| (role.clone(), at.clone(), format!("ACLs of rows of {}", class.name))),
        );
    }
    found
}

fn creatable(class: &Access<'_>, facts: &mut Vec<Fact>) {
    if let Some(who) = class.reached_by(Operation::Create) {
        let written = class.class.clp.read().is_some_and(|clp: &Clp| clp.written);
        let at = if written { class.class.clp_place("/create") } else { class.class.name_place() };
        facts.push(
            Fact::new("role", "creatable", "_Role.create", at).about(&class.class.name).word("who", words_for(who)),
        );
    }
}

/// Roles whose row somebody may change who does not need to be in it.
fn writable(roles: &Roles, class: &Access<'_>, facts: &mut Vec<Fact>) {
    let Some(who) = class.admitted_by(Operation::Update) else { return };
    for (name, role) in &roles.by_name {
        let writers = match &role.acl.write {
            None => Some(words_for(who).to_owned()),
            Some(write) if write.contains(&Grantee::Anyone) => Some(words_for(who).to_owned()),
            Some(write) => {
                let broad = write.iter().filter_map(|grantee| match grantee {
                    Grantee::Role(writer) if writer != name && is_broad(writer) => {
                        Some(format!("every user of role:{writer}"))
                    }
                    Grantee::Role(_) | Grantee::User(_) | Grantee::Anyone => None,
                });
                let broad: Vec<String> = broad.collect();
                (!broad.is_empty()).then(|| in_words(broad))
            }
        };
        if let Some(writers) = writers {
            let mut fact = fact("writable", name, role.at.clone()).word("who", writers);
            fact.reached_by = Some(if who == Who::Public { Who::Public } else { Who::AnyUser });
            facts.push(fact);
        }
    }
}

fn cycles(roles: &Roles, facts: &mut Vec<Fact>) {
    for cycle in roles.cycles() {
        let Some((name, role)) = cycle.first().and_then(|name| roles.by_name.get_key_value(name)) else { continue };
        let mut fact = fact("cycle", name, role.at.clone()).word("others", in_words(&cycle));
        fact.subject = format!("role:{}", cycle.iter().map(RoleName::as_str).collect::<Vec<_>>().join(","));
        facts.push(fact);
    }
}

fn inverted(roles: &Roles, facts: &mut Vec<Fact>) {
    for (name, role) in roles.by_name.iter().filter(|(name, _)| is_privileged(name)) {
        let broad: Vec<&RoleName> = role.children.iter().filter(|child| is_broad(child)).collect();
        if !broad.is_empty() {
            facts.push(fact("inverted", name, role.at.clone()).word("others", in_words(broad)));
        }
    }
}

/// Whether the name of a role says that it holds rights over others.
pub fn is_privileged(role: &RoleName) -> bool {
    has_word(role, &PRIVILEGED) && !has_word(role, &BROAD)
}

fn is_broad(role: &RoleName) -> bool {
    has_word(role, &BROAD) && !has_word(role, &PRIVILEGED)
}

fn has_word(role: &RoleName, words: &[&str]) -> bool {
    split(role.as_str()).iter().any(|word| {
        let singular = word.strip_suffix('s').unwrap_or(word);
        words.contains(&word.as_str()) || words.contains(&singular)
    })
}
