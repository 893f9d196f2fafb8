//! Parse Dashboard in code (PA501): sessions that are signed with something public, which the
//! options of a configuration do not show. All else is told by rules about options.

use crate::code::event::Event;
use crate::code::value::{Kind, Value, same};

use super::{Around, Risk, risk};

/// The dashboards that a walk made, with their arguments, but for those of development.
pub fn dashboards<'a>(around: &Around<'a>) -> impl Iterator<Item = (&'a Event, &'a [Value])> {
    let is_dashboard = |path: &str| matches!(path, "parse_dashboard" | "parse_dashboard.default" | "ParseDashboard");
    let all = around.calls().filter(move |(_, path, _)| is_dashboard(path));
    all.filter(|(event, ..)| !around.is_in_development(event)).map(|(event, _, args)| (event, args))
}

/// Judges what a walk went through.
pub fn judge(around: &Around<'_>, found: &mut Vec<Risk>) {
    let missing = Value::undefined();
    for (_, args) in dashboards(around) {
        let (config, options) = (args.first().unwrap_or(&missing), args.get(1).unwrap_or(&missing));
        for (config, _) in config.alternatives() {
            for (options, _) in options.alternatives() {
                cookies(around, &config, &options, found);
            }
        }
    }
}

/// Sessions that are signed with the application id, which every client knows.
fn cookies(around: &Around<'_>, config: &Value, options: &Value, found: &mut Vec<Risk>) {
    let Some(secret) = around.property(options, "cookieSessionSecret") else { return };
    if secret.test.is_some() || !matches!(secret.kind, Kind::Text(_) | Kind::Path(_) | Kind::OneOf(_)) {
        return;
    }
    let apps = around.property(config, "apps").and_then(|apps| around.object(apps));
    let apps = apps.map(|(_, object)| object.items.as_slice()).unwrap_or_default();
    if apps.iter().filter_map(|app| around.property(app, "appId")).any(|id| same(id, secret)) {
        let at = around.place_of(options, "cookieSessionSecret");
        found.extend(at.map(|at| risk("dashboard-cookie-secret", at)));
    }
}
