//! Names that must not be mixed up, and users, who have no name here.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub struct $type(Arc<str>);

        impl $type {
            /// The name as Parse Server spells it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $type {
            fn from(name: &str) -> Self {
                Self(Arc::from(name))
            }
        }

        impl From<String> for $type {
            fn from(name: String) -> Self {
                Self(Arc::from(name))
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $type {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }

        impl PartialEq<&str> for $type {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

name!(
    /// The name of a class, `Order` or `_User`.
    ClassName
);
name!(
    /// The name of a field (a column) of a class.
    FieldName
);
name!(
    /// The name of a role, without the `role:` that permissions put in front.
    RoleName
);

name!(
    /// The id of a rule, `clp-public-delete`: it completes the sentence "ignore …".
    RuleId
);

impl ClassName {
    /// Whether Parse Server gives the class a meaning of its own: its name begins with `_`.
    pub fn is_system(&self) -> bool {
        self.0.starts_with('_')
    }

    /// Whether the class is the join table of a relation, `_Join:users:_Role`.
    pub fn is_join(&self) -> bool {
        self.0.starts_with("_Join:")
    }
}

/// A user, known only by a digest of the object id.
///
/// The id itself is given up where data enters, so that no output can show it.
/// Two ids give the same `UserId` with a probability of 2⁻⁶⁴.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(u64);

impl UserId {
    /// The alias of the user with this object id.
    pub fn of(object_id: &str) -> Self {
        let digest = Sha256::new().chain_update(b"parse-audit user\0").chain_update(object_id.as_bytes()).finalize();
        let mut head = [0u8; 8];
        for (to, from) in head.iter_mut().zip(digest.iter()) {
            *to = *from;
        }
        Self(u64::from_be_bytes(head))
    }

    /// The user whose alias is printed as `text`, six lower-case hex digits, if it is one of `among`.
    pub fn find_alias(text: &str, among: impl IntoIterator<Item = Self>) -> Option<Self> {
        among.into_iter().find(|user| user.alias() == text)
    }

    /// The alias as bytes, to make another one of it that differs from app to app.
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// Six hex digits, the same for the same object id everywhere.
    pub fn alias(self) -> String {
        format!("{:06x}", self.0 >> 40)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user #{}", self.alias())
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
