//! Roles and their inheritance.
//!
//! If role A lists role B in its relation `roles`, the users of B hold A too:
//! rights run from the listing role to the listed one. A role's own ACL has no say
//! in who holds it, but decides who may change it.
//!
//! Source: Parse Server 9.10.0, `Auth.js` (`getRolesForUser`, `_getAllRolesNamesForRoleIds`).

use std::collections::{BTreeMap, BTreeSet};

use super::acl::Acl;
use super::known::Known;
use super::names::{RoleName, UserId};
use super::place::Place;

/// The roles of the app.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Roles {
    /// By name, which is unique.
    pub by_name: BTreeMap<RoleName, Role>,
    /// Whether the relation `roles` was read; if not, inheritance is unknown.
    pub inheritance: Known<()>,
}

/// One role.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// The ACL of the row of `_Role`.
    pub acl: Acl,
    /// Roles listed in the relation `roles`: their users hold this role too.
    pub children: BTreeSet<RoleName>,
    /// Users listed in the relation `users`; unread without its join table.
    pub members: Known<BTreeSet<UserId>>,
    /// Where the role is.
    pub at: Place,
}

/// The roles that list each role as a child, by child.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parents(BTreeMap<RoleName, BTreeSet<RoleName>>);

impl Parents {
    /// Every role that a holder of `roles` holds, `roles` included.
    ///
    /// Cycles and self references end: everybody in a cycle holds all of its roles.
    pub fn held_with<'r>(&self, roles: impl IntoIterator<Item = &'r RoleName>) -> BTreeSet<RoleName> {
        let mut held = BTreeSet::new();
        let mut todo: Vec<RoleName> = roles.into_iter().cloned().collect();
        while let Some(role) = todo.pop() {
            if !held.contains(&role) {
                todo.extend(self.0.get(&role).into_iter().flatten().cloned());
                held.insert(role);
            }
        }
        held
    }
}

impl Roles {
    /// Which roles come with which. To be asked more than once, it is kept: making it goes over all roles.
    pub fn parents(&self) -> Parents {
        let mut parents = Parents::default();
        for (name, role) in &self.by_name {
            for child in &role.children {
                parents.0.entry(child.clone()).or_default().insert(name.clone());
            }
        }
        parents
    }

    /// Every role that a holder of `roles` holds, `roles` included.
    pub fn held_with<'r>(&'r self, roles: impl IntoIterator<Item = &'r RoleName>) -> BTreeSet<RoleName> {
        self.parents().held_with(roles)
    }

    /// For each role by name, every role its holders hold. One pass over all roles.
    pub fn closure(&self) -> BTreeMap<RoleName, BTreeSet<RoleName>> {
        let parents = self.parents();
        self.by_name.keys().map(|role| (role.clone(), parents.held_with([role]))).collect()
    }

    /// The roles that list a user, without what these inherit.
    pub fn listing(&self, user: UserId) -> impl Iterator<Item = &RoleName> {
        let lists = move |role: &Role| role.members.read().is_some_and(|members| members.contains(&user));
        self.by_name.iter().filter(move |(_, role)| lists(role)).map(|(name, _)| name)
    }

    /// The roles on inheritance cycles, grouped; each group and the groups sorted.
    pub fn cycles(&self) -> Vec<Vec<RoleName>> {
        let closure = self.closure();
        let holds = |a: &RoleName, b: &RoleName| closure.get(a).is_some_and(|held| held.contains(b));
        let mut cycles = BTreeSet::new();
        for role in self.by_name.keys() {
            let held = closure.get(role).into_iter().flatten();
            let cycle: Vec<RoleName> = held.filter(|other| holds(other, role)).cloned().collect();
            if cycle.len() > 1 {
                cycles.insert(cycle);
            }
        }
        cycles.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::place::FileId;

    fn roles(edges: &[(&str, &[&str])]) -> Roles {
        let role = |children: &[&str]| Role {
            acl: Acl::MISSING,
            children: children.iter().map(|child| RoleName::from(*child)).collect(),
            members: Known::default(),
            at: Place::File { file: FileId(0) },
        };
        let by_name = edges.iter().map(|(name, children)| (RoleName::from(*name), role(children)));
        Roles { by_name: by_name.collect(), inheritance: Known::Read(()) }
    }

    fn held(roles: &Roles, role: &str) -> Vec<String> {
        roles.held_with([&RoleName::from(role)]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn rights_run_from_the_listing_role_to_the_listed_one() {
        let roles = roles(&[("Admins", &["Mods"]), ("Mods", &["Guests"]), ("Guests", &[])]);
        assert_eq!(held(&roles, "Guests"), ["Admins", "Guests", "Mods"]);
        assert_eq!(held(&roles, "Admins"), ["Admins"]);
        assert_eq!(roles.cycles(), Vec::<Vec<RoleName>>::new());
    }

    #[test]
    fn a_cycle_ends_and_its_roles_are_one() {
        let roles = roles(&[("a", &["b"]), ("b", &["c", "c2"]), ("c", &["a"]), ("c2", &["c2"])]);
        assert_eq!(held(&roles, "a"), ["a", "b", "c"]);
        assert_eq!(roles.cycles(), [["a", "b", "c"].map(RoleName::from)]);
    }
}
