//! Who can see a key: which branches, tags and other refs lead to it.

use rustc_hash::FxHashMap;

use super::first::Firsts;
use super::graph::Graph;
use super::ids::Object;

/// What leads to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Whether it is in the newest version.
    pub in_head: bool,
    /// How many branches, those of remotes too.
    pub branches: u32,
    /// How many tags.
    pub tags: u32,
    /// How many other refs, such as those of pull requests.
    pub others: u32,
    /// Whether the stash does.
    pub stashed: bool,
    /// Whether a log of refs does.
    pub logged: bool,
}

/// What a repository's refs mean.
#[derive(Debug, Default)]
pub struct Tips {
    /// Names and what they mean.
    pub refs: Vec<(String, Object)>,
    /// The commit of the working tree.
    pub head: Option<Object>,
    /// What logs name.
    pub logged: Vec<Object>,
}

/// How many keys are followed at once.
const AT_ONCE: usize = 64;

/// Tells of each key, given by the objects that hold it, what leads to it.
pub fn seen(graph: &Graph, firsts: &Firsts<'_>, tips: &Tips, objects: usize, keys: &[Vec<Object>]) -> Vec<Seen> {
    let mut seen = vec![Seen::default(); keys.len()];
    for (seen, keys) in seen.chunks_mut(AT_ONCE).zip(keys.chunks(AT_ONCE)) {
        let mut held: Vec<u64> = vec![0; objects];
        for (number, objects) in keys.iter().enumerate() {
            for object in objects {
                if let Some(held) = held.get_mut(*object as usize) {
                    *held |= 1 << number;
                }
            }
        }
        for tree in &firsts.trees {
            let mask = graph.tree(*tree).into_iter().flatten().fold(0, |mask, item| mask | of(&held, item.object));
            if let Some(held) = held.get_mut(*tree as usize) {
                *held |= mask;
            }
        }
        let mut by_commit: FxHashMap<Object, u64> = FxHashMap::default();
        for commit in firsts.order.iter().filter_map(|commit| graph.commits.get(commit)) {
            let parents = commit.parents.iter().filter_map(|parent| by_commit.get(parent));
            let mask = parents.fold(of(&held, commit.tree), |mask, parent| mask | parent);
            by_commit.insert(commit.object, mask);
        }
        let leads_to = |tip: Object| {
            let tip = graph.peel(tip);
            by_commit.get(&tip).copied().unwrap_or_else(|| of(&held, tip))
        };
        let each = |mask: u64, seen: &mut [Seen], tell: fn(&mut Seen)| {
            seen.iter_mut().enumerate().filter(|(number, _)| mask >> number & 1 == 1).for_each(|(_, seen)| tell(seen));
        };
        for (name, tip) in &tips.refs {
            let tell: fn(&mut Seen) = match () {
                () if name.starts_with("refs/heads/") || name.starts_with("refs/remotes/") => |seen| seen.branches += 1,
                () if name.starts_with("refs/tags/") => |seen| seen.tags += 1,
                () if name == "refs/stash" => |seen| seen.stashed = true,
                () => |seen| seen.others += 1,
            };
            each(leads_to(*tip), seen, tell);
        }
        let of_logs = tips.logged.iter().fold(0, |mask, tip| mask | leads_to(*tip));
        each(of_logs, seen, |seen| seen.logged = true);
        let head = tips.head.and_then(|head| graph.commits.get(&head));
        each(head.map_or(0, |head| of(&held, head.tree)), seen, |seen| seen.in_head = true);
        // A working tree without a branch is one more way.
        if tips.refs.is_empty() {
            each(tips.head.map_or(0, leads_to), seen, |seen| seen.branches += 1);
        }
    }
    seen
}

fn of(held: &[u64], object: Object) -> u64 {
    held.get(object as usize).copied().unwrap_or(0)
}

impl Seen {
    /// Who can see the key, as the end of a sentence.
    pub fn words(&self) -> String {
        let counted = |count: u32, one: &str, many: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            _ => Some(format!("{count} {many}")),
        };
        let mut parts: Vec<String> = [
            counted(self.branches, "branch", "branches"),
            counted(self.tags, "tag", "tags"),
            counted(self.others, "other ref", "other refs"),
        ]
        .into_iter()
        .flatten()
        .collect();
        match parts.pop() {
            Some(last) if parts.is_empty() => format!("in {last}"),
            Some(last) => format!("in {} and {last}", parts.join(", ")),
            None if self.stashed => "in the stash of this clone alone".to_owned(),
            None if self.logged => "in the log of refs of this clone alone".to_owned(),
            None => "in no branch, only among the objects of this clone".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_see_a_key_reads_like_a_sentence() {
        let all = Seen { branches: 1, tags: 2, others: 1, logged: true, ..Seen::default() };
        assert_eq!(all.words(), "in 1 branch, 2 tags and 1 other ref");
        assert_eq!(Seen { branches: 3, ..Seen::default() }.words(), "in 3 branches");
        assert_eq!(Seen { logged: true, ..Seen::default() }.words(), "in the log of refs of this clone alone");
        assert_eq!(Seen::default().words(), "in no branch, only among the objects of this clone");
    }
}
