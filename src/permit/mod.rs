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

use crate::model::options::Options;
use crate::model::{App, Class, Principal};

/// The app and the settings of its server that decide.
#[derive(Debug, Clone)]
pub struct Engine<'a> {
    /// The app.
    pub app: &'a App,
    /// What the version and the options make of it.
    pub settings: Settings,
    /// The routes that are left to clients, if not all are.
    pub routes: Option<Routes>,
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
        Self { app, settings, routes }
    }

    /// The caller behind a principal.
    pub fn caller(&self, principal: &Principal) -> Caller {
        Caller::of(principal, self.app, &self.settings.behaviour)
    }

    /// The groups of readers of a class, with the server's own option united in.
    pub fn groups(&self, class: &Class) -> fields::Groups {
        let option = self.app.server.options.read().and_then(|options| options.protected_fields.as_ref());
        fields::groups(&class.name, &self.clp(class), option, self.settings.owner_exempt)
    }
}
