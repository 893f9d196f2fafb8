//! Containers, config maps and secrets of Kubernetes, and `app.json` of Heroku.

use serde_json::Value as Json;

use crate::model::deploy::{Form, Right};
use crate::model::oddity::escape;
use crate::model::spans::{self, Syntax};

use super::compose::{command_of, variables};
use super::yaml::Node;
use super::{Raw, Source};

/// Kinds whose containers stand below a template.
const KINDS: [&str; 7] = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod"];

/// The containers and lists of variables of one manifest; none if it is no such thing.
pub fn services(source: &Source<'_>, document: &Node) -> Vec<Raw> {
    let text = |key: &str| document.get(key).and_then(Node::text);
    let (Some(kind), Some(_)) = (text("kind"), text("apiVersion")) else { return Vec::new() };
    let name = document.get("metadata").and_then(|data| data.get("name")).and_then(Node::text).unwrap_or_default();
    if matches!(kind, "ConfigMap" | "Secret") {
        let mut raw = Raw::new(name, Form::Kubernetes, source.path, source.place(document.start, document.start));
        // Values under `data` of a secret are in base64: they are searched for keys and not read here.
        let plain = if kind == "Secret" { "stringData" } else { "data" };
        raw.variables = variables(source, document.get(plain));
        raw.is_list = true;
        return vec![raw];
    }
    if !KINDS.contains(&kind) {
        return Vec::new();
    }
    let mut spec = document.get("spec");
    for step in ["jobTemplate", "spec", "template", "spec"] {
        spec = spec.and_then(|spec| spec.get(step)).or(spec);
    }
    let containers = spec.and_then(|spec| spec.get("containers")).into_iter().flat_map(Node::items);
    containers.map(|container| service(source, container)).collect()
}

fn service(source: &Source<'_>, container: &Node) -> Raw {
    let name = container.get("name").and_then(Node::text).unwrap_or_default();
    let mut raw = Raw::new(name, Form::Kubernetes, source.path, source.place(container.start, container.start));
    let image = container.get("image");
    raw.image = image.and_then(|image| Some((image.text()?.to_owned(), source.place(image.start, image.end))));
    for key in ["command", "args"] {
        raw.command.extend(container.get(key).into_iter().flat_map(|command| command_of(source, command)));
    }
    for variable in container.get("env").into_iter().flat_map(Node::items) {
        let text = |key: &str| variable.get(key).and_then(Node::text);
        if let Some(name) = text("name") {
            let at = source.place(variable.get("value").map_or(variable.start, |value| value.start), variable.end);
            // What comes from a secret or a config map is not known here.
            raw.variables.push((name.to_owned(), text("value").unwrap_or("$(REFERENCE)").to_owned(), at));
        }
    }
    for from in container.get("envFrom").into_iter().flat_map(Node::items) {
        let named = ["configMapRef", "secretRef"].iter().find_map(|key| from.get(key)?.get("name")?.text());
        raw.further.extend(named.map(str::to_owned));
    }
    let is_privileged = container.get("securityContext").and_then(|context| context.get("privileged"));
    if let Some(privileged) = is_privileged.filter(|is| is.text() == Some("true")) {
        raw.rights.push((Right::Privileged, source.place(privileged.start, privileged.end)));
    }
    raw
}

/// The variables of `app.json`.
pub fn app_json(source: &Source<'_>) -> Vec<Raw> {
    let Ok(document) = serde_json::from_str::<Json>(source.text) else { return Vec::new() };
    let pointers = spans::index(source.text, Syntax::Json);
    let mut raw = Raw::new("", Form::AppJson, source.path, source.place(0, 0));
    for (name, value) in document.get("env").and_then(Json::as_object).into_iter().flatten() {
        let Some(text) = value.as_str().or_else(|| value.get("value")?.as_str()) else { continue };
        let pointer = format!("/env/{}", escape(name));
        let span = pointers.get(&format!("{pointer}/value")).or_else(|| pointers.get(&pointer));
        let at = span.map_or_else(|| source.place(0, 0), |span| source.place(span.start(), span.end()));
        raw.variables.push((name.clone(), text.to_owned(), at));
    }
    if raw.variables.is_empty() { Vec::new() } else { vec![raw] }
}
