//! `trust proxy` for everybody, where something depends on the address that asks: whoever sends
//! `X-Forwarded-For` chooses it.
//!
//! Source: Express 4 and 5, `trust proxy`: `true` takes the leftmost address, which the client
//! writes; Parse Server 9, `middlewares.js`, `getClientIp`: the address that Express tells.

use crate::code::value::Value;

use super::{Around, Risk, is_flag, risk};

/// Judges what a walk went through.
pub fn judge(around: &Around<'_>, found: &mut Vec<Risk>) {
    let Some(limit) = limit(around) else { return };
    for (event, path, args) in around.calls() {
        let names = args.first().and_then(Value::as_text).is_some_and(|text| &**text == "trust proxy");
        let trusts = match path {
            "express.set" => args.get(1).is_some_and(|flag| is_flag(flag, true)),
            "express.enable" => true,
            _ => false,
        };
        if names && trusts && !around.is_in_development(event) {
            found.push(risk("proxy-trusted", event.at).word("what", limit));
        }
    }
    for (options, _) in around.servers {
        for (options, _) in options.alternatives() {
            let trusts = around.property(&options, "trustProxy").is_some_and(|flag| is_flag(flag, true));
            if trusts && let Some(at) = around.place_of(&options, "trustProxy") {
                found.push(risk("proxy-trusted", at).word("what", limit));
            }
        }
    }
}

/// What depends on the address that asks.
fn limit(around: &Around<'_>) -> Option<&'static str> {
    let sets = |name: &str| {
        let mut options = around.servers.iter().flat_map(|(options, _)| options.alternatives());
        options.any(|(options, _)| {
            let value = around.property(&options, name);
            value.is_some_and(|value| {
                let items = around.object(value).map(|(_, list)| list.items.as_slice()).unwrap_or_default();
                let is_open = |item: &Value| item.as_text().is_some_and(|text| matches!(&**text, "0.0.0.0/0" | "::/0"));
                !items.is_empty() && !items.iter().any(is_open)
            })
        })
    };
    let is_limiter = |path: &str| {
        matches!(path.split('.').next(), Some("express_rate_limit" | "express_slow_down" | "express_brute"))
    };
    if sets("rateLimit") || around.calls().any(|(_, path, _)| is_limiter(path)) {
        Some("the limits of how often one may ask")
    } else if sets("masterKeyIps") {
        Some("masterKeyIps")
    } else {
        None
    }
}
