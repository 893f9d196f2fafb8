//! What ACLs were like in other classes, since those of one app are much alike. It says what is asked
//! first, never what comes out.

use std::collections::{BTreeMap, BTreeSet};

use super::kinds::{Entry, Kind};

/// So many ACLs are guessed before all possible ones are looked for.
const GUESSES: usize = 4;

/// What is known from other classes of the same app.
#[derive(Debug, Default)]
pub struct Habits<'r> {
    /// In how many classes rows had such an ACL.
    classes: BTreeMap<(Kind<'r>, Kind<'r>), usize>,
    right: usize,
    wrong: usize,
}

impl<'r> Habits<'r> {
    /// The most common ACLs that can be guessed, none if guesses were mostly wrong.
    pub fn guesses(&self) -> Vec<(Kind<'r>, Kind<'r>)> {
        if self.wrong > self.right + 1 {
            return Vec::new();
        }
        let is_plain = |kind: &Kind<'_>| kind.size() > 0;
        let mut common: Vec<_> =
            self.classes.iter().filter(|((read, write), _)| is_plain(read) && is_plain(write)).collect();
        common.sort_by_key(|(_, classes)| std::cmp::Reverse(**classes));
        common.into_iter().take(GUESSES).map(|(acl, _)| acl.clone()).collect()
    }

    /// Tells how the guesses for a class were.
    pub fn guessed(&mut self, is_right: bool) {
        *(if is_right { &mut self.right } else { &mut self.wrong }) += 1;
    }

    /// The entries that were seen.
    pub fn entries(&self) -> BTreeSet<Entry<'r>> {
        let kinds = self.classes.keys().flat_map(|(read, write)| [read, write]);
        let entries = kinds.filter_map(|kind| if let Kind::Entries(entries) = kind { Some(entries) } else { None });
        entries.flatten().copied().collect()
    }

    /// Takes in the ACLs of a class.
    pub fn learn(&mut self, acls: &BTreeMap<(Kind<'r>, Kind<'r>), u64>) {
        for acl in acls.keys() {
            *self.classes.entry(acl.clone()).or_default() += 1;
        }
    }
}
