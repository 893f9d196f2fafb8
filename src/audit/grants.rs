//! Entries of permissions that do not do what they seem to do, and groups of
//! protected fields that show what they were meant to hide.

use std::collections::BTreeSet;

use crate::model::clp::{Grants, UserFields};
use crate::model::oddity::escape;
use crate::model::{Class, ClassName, Clp, FieldName, FileId, Group, Operation, Place, Principal, RoleName, UserId};
use crate::permit::behaviour::ProtectedFieldsRule;
use crate::permit::fields::Groups;
use crate::permit::{Engine, Reach};
use crate::rules::Who;

use super::access::Access;
use super::fact::{Fact, in_words};

/// Roles, each with the user that its name would be if it were an object id.
pub type AsUsers = Vec<(RoleName, UserId)>;

/// The users that names of roles would be.
pub fn as_users(roles: BTreeSet<RoleName>) -> AsUsers {
    roles.into_iter().map(|role| (role.clone(), UserId::of(role.as_str()))).collect()
}

/// The facts about one description of a class.
pub fn facts(engine: &Engine<'_>, access: &Access<'_>, roles: &AsUsers) -> Vec<Fact> {
    let class = access.class;
    let Some(clp) = class.clp.read() else { return Vec::new() };
    let mut facts = Vec::new();
    oddities(class, clp, &mut facts);
    columns(class, clp, &mut facts);
    names_without_prefix(class, clp, roles, &mut facts);
    protection(engine, access, clp, &mut facts);
    facts
}

fn fact(class: &Class, kind: &'static str, at: &str) -> Fact {
    let subject = format!("{}{}", class.name, at.replacen('/', ".", 1).replace('/', ":"));
    let operation = at.split('/').nth(1).unwrap_or_default().to_owned();
    Fact::new("grant", kind, subject, class.clp_place(at)).about(&class.name).word("operation", operation)
}

fn oddities(class: &Class, clp: &Clp, facts: &mut Vec<Fact>) {
    for oddity in &clp.oddities {
        facts.push(fact(class, oddity.kind.name(), &oddity.at).word("word", &oddity.word));
    }
}

/// User columns that do not exist or cannot hold users.
fn columns(class: &Class, clp: &Clp, facts: &mut Vec<Fact>) {
    let Some(fields) = class.fields.read() else { return };
    let mut check = |list: &UserFields, at: &str| {
        for column in list.fields.iter().filter(|_| list.opens) {
            let kind = match fields.get(column) {
                None => "unknown-column",
                Some(field) if !field.kind.can_hold_users() => "wrong-column-type",
                Some(_) => continue,
            };
            let mut fact = fact(class, kind, at).word("word", column);
            fact.subject = format!("{}:{column}", fact.subject);
            facts.push(fact);
        }
    };
    for op in Operation::ALL {
        if let Some(Grants { pointer_fields, .. }) = clp.grants(op) {
            check(pointer_fields, &format!("/{op}/pointerFields"));
        }
    }
    check(&clp.read_user_fields, "/readUserFields");
    check(&clp.write_user_fields, "/writeUserFields");
}

/// Roles that are named without `role:` and so taken for users.
fn names_without_prefix(class: &Class, clp: &Clp, roles: &AsUsers, facts: &mut Vec<Fact>) {
    for (role, as_user) in roles {
        let named = Operation::ALL
            .into_iter()
            .filter(|op| clp.grants(*op).is_some_and(|grants| grants.users.contains(as_user)));
        for op in named {
            facts.push(
                fact(class, "role-without-prefix", &format!("/{op}/{}", escape(role.as_str()))).word("word", role),
            );
        }
    }
}

fn protection(engine: &Engine<'_>, access: &Access<'_>, clp: &Clp, facts: &mut Vec<Fact>) {
    let class = access.class;
    let public_reads = [Operation::Find, Operation::Get].iter().any(|op| access.admitted_by(*op) == Some(Who::Public));
    let own = |group: &Group| clp.protected_fields.as_ref().and_then(|groups| groups.get(group));
    let all = engine.groups(class);
    let none = BTreeSet::new();
    let star = all.get(&Group::Anyone).unwrap_or(&none);
    let new = |kind: &'static str, group: &Group, fields: &BTreeSet<FieldName>| {
        let at = match own(group) {
            Some(own) if kind != "unknown-column" || !own.is_disjoint(fields) => None,
            _ => place_in_option(engine, class, group),
        };
        let at = at.unwrap_or_else(|| class.clp_place(&format!("/protectedFields/{}", escape(&group.to_string()))));
        let subject = format!("{}.protectedFields:{group}", class.name);
        Fact::new("protection", kind, subject, at)
            .about(&class.name)
            .word("group", group)
            .word("fields", in_words(fields))
            .with_fields(fields)
    };
    for (group, list) in &all {
        let shown: BTreeSet<FieldName> = star.difference(list).cloned().collect();
        let is_reader = matches!(group, Group::SignedIn | Group::Role(_) | Group::User(_));
        if *group == Group::SignedIn && !shown.is_empty() {
            facts.push(new("shown-to-signed-in", group, &shown));
        }
        let extra = without_effect(engine, class, &all, group, list);
        if is_reader && !shown.is_empty() && !list.is_subset(star) {
            facts.push(new("lists-other-fields", group, &shown));
        } else if !extra.is_empty() && reads(engine, class, group) {
            facts.push(new("without-effect", group, &extra));
        }
        if is_reader && public_reads && !all.contains_key(&Group::Anyone) && !list.is_empty() {
            facts.push(new("signed-out-sees-more", group, list));
        }
        let unknown = unknown_columns(class, list);
        if !unknown.is_empty() {
            facts.push(new("unknown-column", group, &unknown));
        }
    }
    if let Some((group, fields)) = only_user_fields(&all) {
        facts.push(new("user-fields-only", group, &fields));
    }
}

/// What the server's option shows of classes that nothing else describes, such as `_User`,
/// which every server has.
pub fn facts_of_option(engine: &Engine<'_>) -> Vec<Fact> {
    let option = engine.app.server.options.read().and_then(|options| options.protected_fields.as_ref());
    let described = |class: &ClassName| engine.app.classes.get(class).is_some_and(|class| class.clp.is_read());
    let show = |name: &ClassName| {
        let class = Class::of_rows(name.clone(), Place::File { file: FileId(0) });
        let all = engine.groups(&class);
        let group = Group::SignedIn;
        let shown: BTreeSet<FieldName> = all.get(&Group::Anyone)?.difference(all.get(&group)?).cloned().collect();
        let at = place_in_option(engine, &class, &group).filter(|_| !shown.is_empty())?;
        let fact = Fact::new("protection", "shown-to-signed-in", format!("{name}.protectedFields:{group}"), at);
        Some(fact.about(name).word("group", group).word("fields", in_words(&shown)).with_fields(&shown))
    };
    option.into_iter().flat_map(|option| option.keys()).filter(|class| !described(class)).filter_map(show).collect()
}

/// Fields that a group lists in vain: every caller in it is in a wider group as well,
/// whose list lacks them.
fn without_effect(
    engine: &Engine<'_>,
    class: &Class,
    all: &Groups,
    group: &Group,
    list: &BTreeSet<FieldName>,
) -> BTreeSet<FieldName> {
    if engine.settings.behaviour.protected_fields != ProtectedFieldsRule::Intersection {
        return BTreeSet::new();
    }
    let wider: &[Group] = match group {
        Group::Anyone => &[],
        Group::SignedIn => &[Group::Anyone],
        Group::Role(_) | Group::UserField(_) | Group::User(_) => &[Group::Anyone, Group::SignedIn],
    };
    let lists: Vec<&BTreeSet<FieldName>> = wider.iter().filter_map(|group| all.get(group)).collect();
    let is_shown = |field: &&FieldName| lists.iter().any(|list| !list.contains(*field));
    list.iter().filter(is_shown).filter(|field| class.field(field.as_str()).is_some()).cloned().collect()
}

/// Whether those in a group can read objects of the class at all.
fn reads(engine: &Engine<'_>, class: &Class, group: &Group) -> bool {
    let caller = engine.caller(&match group {
        Group::Anyone => Principal::Public,
        Group::SignedIn => Principal::AnyUser,
        Group::Role(role) => Principal::Role(role.clone()),
        Group::UserField(column) => Principal::Owner(column.clone()),
        Group::User(user) => Principal::User(*user),
    });
    let reads = |op: &Operation| engine.cell(&caller, class, *op).known().is_none_or(|reach| reach > Reach::None);
    [Operation::Find, Operation::Get].iter().any(reads)
}

/// Where the server's option lists fields for a group of a class.
fn place_in_option(engine: &Engine<'_>, class: &Class, group: &Group) -> Option<Place> {
    let options = engine.app.server.options.read()?;
    options.protected_fields.as_ref()?.get(&class.name)?.get(group)?;
    let at = options.at.get("protectedFields")?;
    Some(at.below(&format!("/{}/{}", escape(class.name.as_str()), escape(&group.to_string()))))
}

/// The first `userField:` group and all their columns, if there are no other groups.
fn only_user_fields(all: &Groups) -> Option<(&Group, BTreeSet<FieldName>)> {
    let is_user_field = |group: &Group| matches!(group, Group::UserField(_));
    let fields: BTreeSet<FieldName> = all.values().flatten().cloned().collect();
    let only = all.keys().all(is_user_field) && !fields.is_empty();
    all.keys().next().filter(|_| only).map(|group| (group, fields))
}

fn unknown_columns(class: &Class, list: &BTreeSet<FieldName>) -> BTreeSet<FieldName> {
    let Some(fields) = class.fields.read() else { return BTreeSet::new() };
    list.iter().filter(|column| !fields.contains_key(*column)).cloned().collect()
}
