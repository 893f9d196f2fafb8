//! Tokens of other apps that count here as well (PA514): sign-in with Google or Apple where
//! nobody asks for which app the token was made.
//!
//! Source: Parse Server 6.2.0, `Adapters/Auth/google.js` and `apple.js`: `audience: clientId`,
//! which checks nothing if it is not set; 8.6.10 and 9.5.0 refuse to start so.

use semver::Version;

use crate::code::run::known_text;
use crate::code::value::{Kind, Value};
use crate::model::Unit;
use crate::model::unit::{ExprKind, Pattern, Prop, PropKey, StmtKind};
use crate::severity::Severity;

use super::context::statements;
use super::{Around, Risk, is_flag, risk};

/// Judges the providers in the options of servers.
pub fn of_options(around: &Around<'_>, found: &mut Vec<Risk>) {
    let is_refused = |version: &Version| {
        (version.major == 8 && *version >= Version::new(8, 6, 10)) || *version >= Version::new(9, 5, 0)
    };
    if around.app.server.version.read().is_some_and(|found| is_refused(&found.version)) {
        return;
    }
    for (options, _) in around.servers {
        for (options, _) in options.alternatives() {
            let Some(auth) = around.property(&options, "auth") else { continue };
            for provider in ["google", "apple"] {
                let Some(settings) = around.property(auth, provider) else { continue };
                if !is_any_app(around, settings) {
                    continue;
                }
                let Some(at) = around.place_of(auth, provider) else { continue };
                let mut one = risk("token-of-any-app", at).word("what", format!("sign-in with `{provider}`"));
                one.subject = provider.to_owned();
                found.push(one.rated(Severity::Medium));
            }
        }
    }
}

/// Whether the settings of a provider of Parse Server name no client.
fn is_any_app(around: &Around<'_>, settings: &Value) -> bool {
    let Some((_, object)) = around.object(settings) else { return false };
    let is_off = object.props.get("enabled").is_some_and(|flag| !is_flag(flag, true));
    let names_client = ["clientId", "client_id", "module"].iter().any(|name| object.props.contains_key(*name));
    object.rest.is_none() && !is_off && !names_client
}

/// Judges calls that look a token up.
pub fn judge(around: &Around<'_>, found: &mut Vec<Risk>) {
    for (event, path, args) in around.calls() {
        let is_lookup = match path {
            "google_auth_library.OAuth2Client.verifyIdToken"
            | "google_auth_library.default.OAuth2Client.verifyIdToken" => {
                let options = args.first().and_then(|options| around.object(options));
                options.is_some_and(|(_, object)| {
                    let audience = object.props.get("audience");
                    object.rest.is_none()
                        && object.props.contains_key("idToken")
                        && audience.is_none_or(|audience| matches!(audience.kind, Kind::Undefined))
                })
            }
            _ => args.first().is_some_and(|first| asks_google(around, first)),
        };
        // Whoever compares the app mostly does it in the same file.
        let names_audience = || around.units.get(event.at.unit).is_none_or(names_audience);
        if is_lookup && !names_audience() && !around.is_in_development(event) {
            let one = risk("token-of-any-app", event.at).word("what", "this look-up of a token");
            found.push(one.rated(Severity::Medium));
        }
    }
}

/// Whether an address is the one where Google tells what a token says.
fn asks_google(around: &Around<'_>, first: &Value) -> bool {
    let given = match &first.kind {
        Kind::Object(_) => ["url", "uri"].into_iter().find_map(|key| around.property(first, key)),
        _ => Some(first),
    };
    given.is_some_and(|given| {
        let text = match &given.kind {
            Kind::Text(_) | Kind::Joined(_) => known_text(given),
            _ => return false,
        };
        text.contains("googleapis.com/") && text.contains("/tokeninfo")
    })
}

/// Whether a file says anything of the app that a token was made for.
pub fn names_audience(unit: &Unit) -> bool {
    let of_audience = |name: &str| {
        matches!(
            name,
            "aud" | "azp" | "audience" | "issued_to" | "appId" | "appIds" | "app_id" | "clientId" | "client_id"
        ) || name.to_ascii_lowercase().contains("clientid")
            || name.to_ascii_lowercase().contains("client_id")
            || name.to_ascii_lowercase().contains("audience")
    };
    unit.expressions().any(|expr| match &expr.kind {
        ExprKind::Name(name) | ExprKind::Member(_, name) | ExprKind::Text(name) => of_audience(name),
        ExprKind::Object(props) => props.iter().any(|prop| match prop {
            Prop::Value(PropKey::Name(name), _) => of_audience(name),
            _ => false,
        }),
        _ => false,
    }) || unit.functions.iter().any(|function| {
        // `({ token, id }, { clientId })`.
        function.params.iter().any(|param| binds(&param.pattern, &of_audience))
    }) || statements(unit).any(|stmt| matches!(&stmt.kind, StmtKind::Let(pattern, _) if binds(pattern, &of_audience)))
}

/// Whether a pattern takes a property of such a name.
fn binds(pattern: &Pattern, of: &impl Fn(&str) -> bool) -> bool {
    match pattern {
        Pattern::Object { props, .. } => {
            props.iter().any(|(key, inner)| matches!(key, PropKey::Name(name) if of(name)) || binds(inner, of))
        }
        Pattern::Default(inner, _) => binds(inner, of),
        _ => false,
    }
}
