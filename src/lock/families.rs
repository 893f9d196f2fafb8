//! Roles that are made for each user or group, `friendOf_aB3dE5gH7j`: they would fill a lock,
//! and what tells them apart is often an object id. A family is one role in it, `friendOf_*`.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{App, RoleName};

/// So many roles that begin alike are a family, whatever their ends look like.
const MANY: usize = 10;

/// The roles that are told as a family.
#[derive(Debug, Default)]
pub struct Families(BTreeMap<RoleName, RoleName>);

impl Families {
    /// The families of an app.
    pub fn of(app: &App) -> Self {
        let mut by_start: BTreeMap<String, BTreeSet<RoleName>> = BTreeMap::new();
        for role in app.role_names() {
            if let Some((start, _)) = split(role.as_str()) {
                by_start.entry(start.to_owned()).or_default().insert(role);
            }
        }
        let mut families = BTreeMap::new();
        for (start, roles) in by_start {
            let is_many = roles.len() >= MANY;
            for role in roles {
                let ends_in_id = split(role.as_str()).is_some_and(|(_, end)| is_id(end));
                if is_many || ends_in_id {
                    families.insert(role, format!("{start}*").into());
                }
            }
        }
        // A role that is nothing but an id.
        for role in app.role_names() {
            if is_id(role.as_str()) {
                families.insert(role, "*".into());
            }
        }
        Self(families)
    }

    /// The name of a role in a lock.
    pub fn name<'r>(&'r self, role: &'r RoleName) -> &'r str {
        self.0.get(role).unwrap_or(role).as_str()
    }
}

/// What stands before the last separator with it, and behind it.
fn split(role: &str) -> Option<(&str, &str)> {
    let at = role.rfind(['_', '-', ':', '.', '/', '#', '@'])? + 1;
    role.split_at_checked(at).filter(|(_, end)| !end.is_empty())
}

/// Whether a text looks like an object id, a UUID or a number of a database.
fn is_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    let has = |is: fn(&u8) -> bool| bytes.iter().any(is);
    let digits = has(u8::is_ascii_digit);
    let inner_capital = bytes.iter().skip(1).any(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    let is_word = bytes.iter().all(u8::is_ascii_alphanumeric);
    let is_hex = bytes.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    let of_parse = bytes.len() == 10 && is_word && (digits || inner_capital);
    of_parse
        || (bytes.len() >= 16 && is_word && digits)
        || (bytes.len() >= 24 && is_hex)
        || (bytes.len() >= 4 && bytes.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::roles::Role;
    use crate::model::{Acl, FileId, Known, Place, Roles};

    fn app(names: &[String]) -> App {
        let at = Place::File { file: FileId(0) };
        let role = Role { acl: Acl::default(), children: BTreeSet::new(), members: Known::default(), at };
        let by_name = names.iter().map(|name| (name.as_str().into(), role.clone())).collect();
        App { roles: Known::Read(Roles { by_name, inheritance: Known::default() }), ..App::default() }
    }

    #[test]
    fn a_role_for_each_user_is_one_family() {
        let app = app(&["friendOf_aB3dE5gH7j".into(), "team_sales".into(), "admin".into(), "Zq81mNv0Xc".into()]);
        let families = Families::of(&app);
        assert_eq!(families.name(&"friendOf_aB3dE5gH7j".into()), "friendOf_*");
        assert_eq!(families.name(&"Zq81mNv0Xc".into()), "*");
        assert_eq!(families.name(&"team_sales".into()), "team_sales");
        assert_eq!(families.name(&"admin".into()), "admin");
    }

    #[test]
    fn many_roles_that_begin_alike_are_a_family() {
        let names: Vec<String> = ('a'..='j').map(|letter| format!("member_{letter}")).collect();
        assert_eq!(Families::of(&app(&names)).name(&"member_c".into()), "member_*");
        assert_eq!(Families::of(&app(names.get(..9).expect("nine"))).name(&"member_c".into()), "member_c");
    }
}
