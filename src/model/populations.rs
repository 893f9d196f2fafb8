//! How many users hold each role, directly and by inheritance.
//!
//! Users are counted in blocks: a block is a row of bits for each role, and a role's row is its own users and
//! those of all roles it lists. So time grows with roles, inheritance and users, not with pairs of users and the
//! roles they hold, of which there may be a thousand times as many.

use std::collections::BTreeMap;

use super::names::{RoleName, UserId};
use super::roles::{Role, Roles};

/// Words of 64 users in a block.
const BLOCK: usize = 64;

/// How many users hold a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Population {
    /// Users listed in the role itself.
    pub direct: u64,
    /// All who hold it, those by inheritance too.
    pub all: u64,
}

impl Roles {
    /// How many users hold each role; `None` if members or inheritance were not read.
    pub fn populations(&self) -> Option<BTreeMap<&RoleName, Population>> {
        self.inheritance.read()?;
        let members: Vec<_> = self.by_name.values().map(|role| role.members.read()).collect::<Option<_>>()?;
        let groups = self.groups();
        let mut pairs: Vec<(UserId, u32)> = Vec::with_capacity(members.iter().map(|members| members.len()).sum());
        for (members, group) in members.iter().zip(&groups.of) {
            pairs.extend(members.iter().map(|user| (*user, *group)));
        }
        pairs.sort_unstable();
        let counts = groups.count(&pairs);
        let population = |(role, (members, group)): (_, (&&std::collections::BTreeSet<UserId>, &u32))| {
            let all = counts.get(usize::try_from(*group).ok()?).copied()?;
            Some((role, Population { direct: members.len() as u64, all }))
        };
        self.by_name.keys().zip(members.iter().zip(&groups.of)).map(population).collect()
    }

    /// The roles by number, and which each lists.
    fn numbered(&self) -> Vec<Vec<u32>> {
        let numbers: BTreeMap<&RoleName, u32> = self.by_name.keys().zip(0..).collect();
        let listed = |role: &Role| role.children.iter().filter_map(|child| numbers.get(child).copied()).collect();
        self.by_name.values().map(listed).collect()
    }

    /// Roles on one cycle are held by the same users, and are one group.
    fn groups(&self) -> Groups {
        Groups::of(&self.numbered())
    }
}

/// Groups of roles that lie in each other, each behind those that it lists.
struct Groups {
    /// The group of each role.
    of: Vec<u32>,
    /// The groups that each lists, all before it.
    lists: Vec<Vec<u32>>,
}

impl Groups {
    /// Tarjan's strongly connected components, without recursion.
    fn of(listed: &[Vec<u32>]) -> Self {
        const NONE: u32 = u32::MAX;
        let mut of = vec![NONE; listed.len()];
        let mut low = vec![NONE; listed.len()];
        let (mut open, mut next, mut groups) = (Vec::new(), 0u32, 0u32);
        let mut path: Vec<(u32, usize)> = Vec::new();
        let at = |list: &[u32], role: u32| list.get(role as usize).copied().unwrap_or(NONE);
        let set = |list: &mut [u32], role: u32, value: u32| {
            list.get_mut(role as usize).into_iter().for_each(|entry| *entry = value);
        };
        let mut index = vec![NONE; listed.len()];
        for start in (0..).take(listed.len()) {
            if at(&index, start) != NONE {
                continue;
            }
            path.push((start, 0));
            while let Some((role, step)) = path.pop() {
                if step == 0 {
                    set(&mut index, role, next);
                    set(&mut low, role, next);
                    next += 1;
                    open.push(role);
                }
                let children = listed.get(role as usize).map(Vec::as_slice).unwrap_or_default();
                if let Some(child) = step.checked_sub(1).and_then(|before| children.get(before))
                    && at(&of, *child) == NONE
                {
                    let lower = at(&low, role).min(at(&low, *child));
                    set(&mut low, role, lower);
                }
                if let Some(child) = children.get(step) {
                    path.push((role, step + 1));
                    if at(&index, *child) == NONE {
                        path.push((*child, 0));
                    }
                    continue;
                }
                if at(&low, role) == at(&index, role) {
                    while let Some(member) = open.pop() {
                        set(&mut of, member, groups);
                        if member == role {
                            break;
                        }
                    }
                    groups += 1;
                }
            }
        }
        let mut lists = vec![Vec::new(); groups as usize];
        for (role, children) in (0..).zip(listed) {
            let own = at(&of, role);
            let others = children.iter().map(|child| at(&of, *child)).filter(|group| *group != own);
            lists.get_mut(own as usize).into_iter().for_each(|list: &mut Vec<u32>| list.extend(others.clone()));
        }
        for list in &mut lists {
            list.sort_unstable();
            list.dedup();
        }
        Self { of, lists }
    }

    /// How many users are in each group or one that it lists; `pairs` of users and groups are sorted.
    fn count(&self, pairs: &[(UserId, u32)]) -> Vec<u64> {
        let mut counts = vec![0u64; self.lists.len()];
        let mut rows = vec![[0u64; BLOCK]; self.lists.len()];
        let mut place = 0;
        for of_user in pairs.chunk_by(|a, b| a.0 == b.0) {
            for (_, group) in of_user {
                let word = rows.get_mut(*group as usize).and_then(|row| row.get_mut(place / 64));
                word.into_iter().for_each(|word| *word |= 1 << (place % 64));
            }
            place += 1;
            if place == BLOCK * 64 {
                self.count_block(&mut rows, &mut counts);
                place = 0;
            }
        }
        self.count_block(&mut rows, &mut counts);
        counts
    }

    /// Counts the users of a block, and empties it.
    fn count_block(&self, rows: &mut [[u64; BLOCK]], counts: &mut [u64]) {
        for (group, (lists, count)) in self.lists.iter().zip(counts).enumerate() {
            let (before, rest) = rows.split_at_mut(group);
            let Some(own) = rest.first_mut() else { continue };
            for row in lists.iter().filter_map(|listed| before.get(*listed as usize)) {
                own.iter_mut().zip(row).for_each(|(own, listed)| *own |= listed);
            }
            *count += own.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
        }
        rows.fill([0; BLOCK]);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::model::place::FileId;
    use crate::model::{Acl, Known, Place};

    fn roles(all: &[(Vec<usize>, Vec<u32>)]) -> Roles {
        let name = |number: usize| RoleName::from(format!("r{number:03}"));
        let role = |(children, members): &(Vec<usize>, Vec<u32>)| Role {
            acl: Acl::MISSING,
            children: children.iter().map(|child| name(*child)).collect(),
            members: Known::Read(members.iter().map(|member| UserId::of(&format!("u{member}"))).collect()),
            at: Place::File { file: FileId(0) },
        };
        let by_name = all.iter().enumerate().map(|(number, one)| (name(number), role(one))).collect();
        Roles { by_name, inheritance: Known::Read(()) }
    }

    /// The users who hold each role, one by one.
    fn told_by_closure(roles: &Roles) -> Vec<u64> {
        let closure = roles.closure();
        let holders = |role: &RoleName| -> BTreeSet<UserId> {
            let below = closure.iter().filter(|(_, held)| held.contains(role)).map(|(below, _)| below);
            below.filter_map(|below| roles.by_name[below].members.read()).flatten().copied().collect()
        };
        roles.by_name.keys().map(|role| holders(role).len() as u64).collect()
    }

    #[test]
    fn who_holds_a_role_by_inheritance_counts_once() {
        // 0 lists 1 and 2, which list each other; 3 is nobody's.
        let roles = roles(&[
            (vec![1, 2], vec![1]),
            (vec![2], vec![1, 2]),
            (vec![1], vec![3]),
            (vec![3, 9], (0..9000).collect()),
        ]);
        let told: Vec<(u64, u64)> = roles.populations().unwrap().values().map(|told| (told.direct, told.all)).collect();
        assert_eq!(told, [(1, 3), (2, 3), (1, 3), (9000, 9000)]);
        let unread = Roles { inheritance: Known::default(), ..roles };
        assert_eq!(unread.populations(), None);
    }

    proptest! {
        #[test]
        fn populations_are_what_counting_one_by_one_gives(
            all in prop::collection::vec((prop::collection::vec(0usize..20, 0..4), prop::collection::vec(0u32..9000, 0..30)), 1..20)
        ) {
            let roles = roles(&all);
            let told: Vec<u64> = roles.populations().unwrap().values().map(|told| told.all).collect();
            prop_assert_eq!(told, told_by_closure(&roles));
        }
    }
}
