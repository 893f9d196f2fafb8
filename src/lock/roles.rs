//! Roles: what they inherit, who is in them, who may change them.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::is_privileged;
use crate::model::{Acl, Known, RoleName, UserId};

use super::classes::PUBLIC;
use super::{Making, bands};

/// A role as a lock tells it, of a family all at once.
#[derive(Default)]
struct Told {
    inherits: BTreeSet<String>,
    writers: BTreeSet<String>,
    members: BTreeSet<UserId>,
    members_known: bool,
    is_privileged: bool,
}

impl Making<'_> {
    pub(super) fn roles(&mut self) {
        let roles = match &self.subject.app.roles {
            Known::Read(roles) => roles,
            Known::Unread(why) => return self.not_read(&["roles"], why),
        };
        if let Known::Unread(why) = &roles.inheritance {
            self.not_read(&["role-inheritance"], why);
        }
        let mut all: BTreeMap<String, Told> = BTreeMap::new();
        for (name, role) in &roles.by_name {
            let own = self.families.name(name).to_owned();
            for child in &role.children {
                let child = self.families.name(child).to_owned();
                if child != own {
                    all.entry(child).or_default().inherits.insert(own.clone());
                }
            }
            let writers = self.writers(&role.acl);
            let told = all.entry(own.clone()).or_default();
            told.writers.extend(writers);
            told.is_privileged = is_privileged(&RoleName::from(own));
            if let Known::Read(members) = &role.members {
                told.members_known = true;
                told.members.extend(members);
            }
        }
        let unknown: Vec<&String> = all.iter().filter(|(_, told)| !told.members_known).map(|(name, _)| name).collect();
        if !unknown.is_empty() && !all.is_empty() && unknown.len() == all.len() {
            self.not_read(&["role-members"], "not given");
        }
        for (name, told) in all {
            self.role(&name, told);
        }
    }

    fn role(&mut self, name: &str, told: Told) {
        self.put(&["role", name, "inherits"], told.inherits);
        self.put(&["role", name, "changed-by"], told.writers);
        if !told.members_known {
            return;
        }
        if told.is_privileged {
            for user in told.members {
                self.put(&["role", name, "member", &self.user(user)], true);
            }
        } else {
            let before = self.previous.and_then(|lock| lock.text(&["role", name, "members"]));
            let band = bands::count(told.members.len() as u64, before);
            self.put(&["role", name, "members"], band);
        }
    }

    /// Whom the ACL of a role lets change it.
    fn writers(&self, acl: &Acl) -> BTreeSet<String> {
        match &acl.write {
            None => BTreeSet::from([PUBLIC.to_owned()]),
            Some(named) => named.iter().map(|grantee| self.grantee(grantee)).collect(),
        }
    }
}
