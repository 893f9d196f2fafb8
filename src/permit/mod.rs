//! What may a principal do? Pure: no input, no clock.
//!
//! The order of the checks is the server's order, and reasons are recorded in it.
//! Behaviour is judged by `tests/server.rs`, which replays recorded answers of real
//! servers, not by the documentation of Parse.

pub mod addresses;
pub mod behaviour;
pub mod caller;
pub mod class_level;
pub mod decide;
pub mod denial;
pub mod fields;
pub mod object;
pub mod request;
pub mod routes;
pub mod surface;
pub mod system;
pub mod witness;

pub use addresses::Addresses;
pub use behaviour::Behaviour;
pub use caller::Caller;
pub use decide::{Condition, Decision, Reason, Request, Verdict};
pub use denial::Denial;
pub use routes::{Admits, Routes};
pub use surface::{Cell, Reach};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::model::options::{Options, ProtectedFields};
use crate::model::roles::Parents;
use crate::model::{App, Class, ClassName, Principal, RoleName, Roles};

use caller::{Client, User};

/// The app and the settings of its server that decide.
#[derive(Debug, Clone)]
pub struct Engine<'a> {
    /// The app.
    pub app: &'a App,
    /// What the version and the options make of it.
    pub settings: Settings,
    /// The routes that are left to clients, if not all are.
    pub routes: Option<Routes>,
    known: Once,
}

/// What is worked out of the app once, when it is asked for.
#[derive(Debug, Clone, Default)]
struct Once {
    parents: OnceLock<Parents>,
    roles: OnceLock<BTreeMap<RoleName, BTreeSet<RoleName>>>,
}

/// Settings of the server that decide, with the defaults of its version filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What the version does.
    pub behaviour: Behaviour,
    /// Clients may create classes.
    pub class_creation: bool,
    /// New users are private.
    pub private_users: bool,
    /// Anybody may get a session as an anonymous user.
    pub anonymous_users: bool,
    /// Clients may choose object ids.
    pub custom_ids: bool,
    /// Users see the protected fields of their own row of `_User`.
    pub owner_exempt: bool,
    /// The answer to a save may show hidden values.
    pub save_response_exempt: bool,
}

impl<'a> Engine<'a> {
    /// The engine for an app. Options that were not read count as not set.
    pub fn new(app: &'a App) -> Self {
        let none = Options::default();
        let options = app.server.options.read().unwrap_or(&none);
        let behaviour = Behaviour::of(app.server.version());
        let exempt = |option: Option<bool>| !behaviour.has_exempt_options || option.unwrap_or(true);
        let settings = Settings {
            class_creation: options.allow_client_class_creation.unwrap_or(behaviour.class_creation_default),
            private_users: options.enforce_private_users.unwrap_or(behaviour.private_users_default),
            anonymous_users: options.enable_anonymous_users.unwrap_or(true),
            custom_ids: options.allow_custom_object_id.unwrap_or(false),
            owner_exempt: exempt(options.protected_fields_owner_exempt),
            save_response_exempt: exempt(options.protected_fields_save_response_exempt),
            behaviour,
        };
        let routes = Routes::of(app, options, &settings.behaviour);
        Self { app, settings, routes, known: Once::default() }
    }

    /// The caller behind a principal.
    pub fn caller(&self, principal: &Principal) -> Caller {
        Caller::behind(principal, self.app, self.parents(), &self.settings.behaviour)
    }

    /// A user who holds all of these roles, and what they inherit.
    pub fn user_with<'r>(&'r self, roles: impl IntoIterator<Item = &'r RoleName>) -> Caller {
        Caller::Client(Client { user: User::Somebody, roles: self.parents().held_with(roles) })
    }

    /// Every role that exists or is named in permissions or ACLs, with all that its holders hold.
    pub fn roles(&self) -> &BTreeMap<RoleName, BTreeSet<RoleName>> {
        let held = |role: RoleName| {
            let held = self.parents().held_with([&role]);
            (role, held)
        };
        self.known.roles.get_or_init(|| self.app.role_names().into_iter().map(held).collect())
    }

    /// Whether another server treats the callers of a class as this one does, as far as it is not the class
    /// itself, and not the roles that somebody holds.
    pub fn treats_alike(&self, other: &Engine<'_>, class: &ClassName) -> bool {
        self.settings == other.settings
            && self.routes == other.routes
            && self.hidden_by(class) == other.hidden_by(class)
    }

    /// The groups of readers of a class, with the server's own option united in.
    pub fn groups(&self, class: &Class) -> fields::Groups {
        let option = self.option();
        fields::groups(&class.name, &self.clp(class), option, self.settings.owner_exempt)
    }

    /// Which roles come with which; if roles were not read, none does.
    fn parents(&self) -> &Parents {
        self.known.parents.get_or_init(|| self.app.roles.read().map(Roles::parents).unwrap_or_default())
    }

    /// The option `protectedFields`.
    fn option(&self) -> Option<&ProtectedFields> {
        self.app.server.options.read()?.protected_fields.as_ref()
    }

    fn hidden_by(&self, class: &ClassName) -> Option<&fields::Groups> {
        self.option()?.get(class)
    }
}
