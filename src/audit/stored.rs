//! What lies in system classes and exports: parameters, webhooks, credentials.

use std::collections::BTreeSet;

use crate::model::host::is_private;
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
