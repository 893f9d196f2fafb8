//! What lies in system classes and exports: parameters, webhooks, credentials.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::model::{App, Field, FieldKind};
use crate::rules::words::{Tag, Words};

use super::fact::Fact;

/// The facts about what is stored.
pub fn facts(app: &App, words: &Words, path: &dyn Fn(&crate::model::Place) -> String) -> Vec<Fact> {
    let mut facts = Vec::new();
    for leak in &app.leaks {
        let subject = format!("{}:{}", leak.kind.name(), path(&leak.at));
        facts.push(Fact::new("stored", leak.kind.name(), subject, leak.at.clone()).word("count", leak.rows));
    }
    for (name, parameter) in app.config.read().into_iter().flatten() {
        if !parameter.master_key_only && (parameter.looks_secret || is_named_secret(name, words)) {
            let subject = format!("_GlobalConfig.{name}");
            facts
                .push(Fact::new("stored", "public-secret-parameter", subject, parameter.at.clone()).word("name", name));
        }
    }
    for hook in app.webhooks.read().into_iter().flatten() {
        if hook.scheme == "http" && !is_private(&hook.host) {
            let subject = format!("_Hooks:{}", hook.trigger);
            let fact = Fact::new("stored", "plain-http-webhook", subject, hook.at.clone());
            facts.push(fact.word("name", &hook.trigger).word("host", &hook.host));
        }
    }
    facts
}

/// Whether the name says that the parameter is a key or password.
fn is_named_secret(name: &str, words: &Words) -> bool {
    let tags = words.tags(&"_GlobalConfig".into(), &name.into(), &Field::of(FieldKind::String));
    tags == BTreeSet::from([Tag::Secret])
}

/// Whether a host is this machine or one of a private network, where plain HTTP is usual.
fn is_private(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        Err(_) => {
            host == "localhost"
                || !host.contains('.')
                || [".local", ".internal", ".localhost", ".svc"].iter().any(|end| host.ends_with(end))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_private_networks_are_told_from_others() {
        for host in ["localhost", "127.0.0.1", "10.1.2.3", "::1", "api", "hooks.svc.internal"] {
            assert!(is_private(host), "{host}");
        }
        for host in ["example.com", "8.8.8.8", "2001:db8::1"] {
            assert!(!is_private(host), "{host}");
        }
    }
}
