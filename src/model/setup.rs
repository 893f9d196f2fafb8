//! What a configuration of Parse Server sets, by name, as far as advisories ask. No key and no
//! address is kept.

use std::collections::{BTreeMap, BTreeSet};

use super::options;

/// Everything a configuration sets, by name: `fileUpload.enableForPublic`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Setup {
    /// What is set. The empty name stands for a part that is not known, which may set anything.
    pub values: BTreeMap<String, Setting>,
}

/// What an option is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// A flag, also one that is written as a word.
    Flag(bool),
    /// Words that are no secret: names of classes or modules, the scheme of an address.
    Words(Vec<String>),
    /// Something else.
    Set,
    /// Something that is not known here.
    Unknown,
}

impl Setup {
    /// What a name is set to; a name inside something that is not known is not known either.
    pub fn get(&self, name: &str) -> Option<&Setting> {
        options::get(&self.values, name, |setting| *setting == Setting::Unknown)
    }

    /// The names below a name, one part deeper, in order.
    pub fn parts<'s>(&'s self, of: &str) -> BTreeSet<&'s str> {
        options::parts(&self.values, of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_something_unknown_is_unknown() {
        let mut setup = Setup::default();
        setup.values.insert("auth".to_owned(), Setting::Unknown);
        setup.values.insert("auth.google".to_owned(), Setting::Set);
        setup.values.insert("push".to_owned(), Setting::Set);
        assert_eq!((setup.get("auth.mfa"), setup.get("auth.google")), (Some(&Setting::Unknown), Some(&Setting::Set)));
        assert_eq!((setup.get("push.ios"), setup.get("pages")), (None, None));
        assert_eq!(setup.parts("auth"), BTreeSet::from(["google"]));
        setup.values.insert(String::new(), Setting::Unknown);
        assert_eq!((setup.get("push.ios"), setup.get("pages")), (None, Some(&Setting::Unknown)));
    }
}
