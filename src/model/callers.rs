//! Who may call a handler of code.

use serde::Deserialize;

/// Who may call a handler: the widest circle that is let in, the widest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Callers {
    /// Anyone with the application id.
    Anyone,
    /// Any signed-in user.
    SignedIn,
    /// Users in a role, or with a flag that makes them an administrator.
    Role,
    /// Whoever has the master key, or a secret.
    Master,
    /// The server itself, by schedule or from other code.
    Server,
}

impl Callers {
    /// In a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::SignedIn => "any signed-in user",
            Self::Role => "users with the role that is asked for",
            Self::Master => "whoever has the master key",
            Self::Server => "the server alone",
        }
    }
}
