//! Containers, config maps and secrets of Kubernetes, and `app.json` of Heroku.

use serde_json::Value as Json;

use crate::model::Place;
use crate::model::deploy::{Form, Right};
use crate::model::oddity::escape;
use crate::model::spans::{self, Syntax};
use crate::secrets::base64;

use super::compose::{command_of, variables};
use super::yaml::{Fault, Node};
use super::{Raw, Source};

/// Kinds whose containers stand below a template.
pub const KINDS: [&str; 7] = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod"];

/// Kinds that hold variables.
pub const LISTS: [&str; 2] = ["ConfigMap", "Secret"];

/// The containers and lists of variables of one manifest; none if it is no such thing.
pub fn services(source: &Source<'_>, document: &Node) -> Vec<Raw> {
    let text = |key: &str| document.get(key).and_then(Node::text);
    let (Some(kind), Some(_)) = (text("kind"), text("apiVersion")) else { return Vec::new() };
    if kind == "List" {
        let items = document.get("items").into_iter().flat_map(Node::items);
        return items.flat_map(|item| services(source, item)).collect();
    }
    let name = document.get("metadata").and_then(|data| data.get("name")).and_then(Node::text).unwrap_or_default();
    if LISTS.contains(&kind) {
        let mut raw = Raw::new(name, Form::Kubernetes, source.path, source.place(document.start, document.start));
        raw.variables = variables(source, document.get("data"));
        if kind == "Secret" {
            let plain = |(name, value, at): (String, String, Place)| Some((name, decoded(&value)?, at));
            raw.variables = raw.variables.into_iter().filter_map(plain).collect();
            raw.variables.extend(variables(source, document.get("stringData")));
        }
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

/// What `data` of a secret holds in base64.
fn decoded(value: &str) -> Option<String> {
    let bytes = base64::decode(value.trim().as_bytes())?;
    std::str::from_utf8(&bytes).ok().map(|text| text.trim_end().to_owned())
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
            // What comes from a secret or a config map is known only if that is among the files.
            raw.variables.push((name.to_owned(), text("value").unwrap_or("$(REFERENCE)").to_owned(), at));
            let from = variable.get("valueFrom");
            let from = from.and_then(|from| from.get("secretKeyRef").or_else(|| from.get("configMapKeyRef")));
            let text = |key: &str| from?.get(key)?.text();
            if let (Some(list), Some(key)) = (text("name"), text("key")) {
                raw.single.push((name.to_owned(), list.to_owned(), key.to_owned()));
            }
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
///
/// # Errors
///
/// It is no JSON.
pub fn app_json(source: &Source<'_>) -> Result<Vec<Raw>, Fault> {
    let fault = |error: serde_json::Error| Fault {
        at: (error.line(), error.column().max(1)),
        message: "the file cannot be read as JSON",
    };
    let document = serde_json::from_str::<Json>(source.text).map_err(fault)?;
    let pointers = spans::index(source.text, Syntax::Json);
    let mut raw = Raw::new("", Form::AppJson, source.path, source.place(0, 0));
    for (name, value) in document.get("env").and_then(Json::as_object).into_iter().flatten() {
        let Some(text) = value.as_str().or_else(|| value.get("value")?.as_str()) else { continue };
        let pointer = format!("/env/{}", escape(name));
        let span = pointers.get(&format!("{pointer}/value")).or_else(|| pointers.get(&pointer));
        let at = span.map_or_else(|| source.place(0, 0), |span| source.place(span.start(), span.end()));
        raw.variables.push((name.clone(), text.to_owned(), at));
    }
    Ok(if raw.variables.is_empty() { Vec::new() } else { vec![raw] })
}
