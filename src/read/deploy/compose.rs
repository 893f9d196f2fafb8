//! Services of docker-compose, and variables of workflows.

use crate::code::path::{folder, join};
use crate::model::deploy::{Form, Right};

use super::yaml::{Node, Value};
use super::{Raw, Source, words};

/// The services of a compose file; none if it is no such file.
pub fn services(source: &Source<'_>, document: &Node) -> Vec<Raw> {
    let is_service = |node: &Node| ["image", "build", "extends"].iter().any(|key| node.get(key).is_some());
    let services = match document.get("services") {
        Some(services) => services.entries(),
        // The first form had no word for it.
        None => document.entries(),
    };
    if !services.iter().any(|(_, node)| is_service(node)) || document.get("kind").is_some() {
        return Vec::new();
    }
    services.iter().filter(|(_, node)| is_service(node)).map(|(name, node)| service(source, name, node)).collect()
}

fn service(source: &Source<'_>, name: &str, node: &Node) -> Raw {
    let mut raw = Raw::new(name, Form::Compose, source.path, source.place(node.start, node.end));
    raw.image =
        node.get("image").and_then(|image| Some((image.text()?.to_owned(), source.place(image.start, image.end))));
    for key in ["entrypoint", "command"] {
        raw.command.extend(node.get(key).into_iter().flat_map(|command| command_of(source, command)));
    }
    raw.variables = variables(source, node.get("environment"));
    let files = node.get("env_file");
    let single = files.and_then(Node::text).into_iter();
    let listed = files.into_iter().flat_map(Node::items);
    let listed = listed.filter_map(|file| file.text().or_else(|| file.get("path")?.text()));
    raw.further = single.chain(listed).map(|file| join(folder(source.path), file.trim_start_matches("./"))).collect();
    if let Some(extends) = node.get("extends") {
        let file = extends.get("file").and_then(Node::text);
        let path = file.map_or(source.path.to_owned(), |file| join(folder(source.path), file.trim_start_matches("./")));
        let name = extends.text().or_else(|| extends.get("service")?.text());
        raw.extends = name.map(|name| (path, name.to_owned()));
        raw.line = Some(source.line(extends.start));
    }
    for port in node.get("ports").into_iter().flat_map(Node::items) {
        let at = source.place(port.start, port.end);
        if let Some(text) = port.text() {
            raw.ports.push((text.to_owned(), at));
        } else if let Some(target) = port.get("target").and_then(Node::text) {
            let part = |key: &str| port.get(key).and_then(Node::text).unwrap_or_default().to_owned();
            raw.ports.push((format!("{}:{}:{target}", part("host_ip"), part("published")), at));
        }
    }
    raw.user = node.get("user").and_then(Node::text).map(str::to_owned);
    if let Some(privileged) = node.get("privileged").filter(|is| is.text() == Some("true")) {
        raw.rights.push((Right::Privileged, source.place(privileged.start, privileged.end)));
    }
    let volumes = node.get("volumes").into_iter().flat_map(Node::items);
    for volume in volumes.filter(|volume| volume.text().is_some_and(|text| text.starts_with("/var/run/docker.sock:"))) {
        raw.rights.push((Right::DockerSocket, source.place(volume.start, volume.end)));
    }
    raw
}

/// A command as a text or a list.
pub fn command_of(source: &Source<'_>, node: &Node) -> Vec<(String, crate::model::Place)> {
    let at = || source.place(node.start, node.end);
    match &node.value {
        Value::Text(text) => words(text).into_iter().map(|word| (word.to_owned(), at())).collect(),
        Value::List(items) => {
            let words =
                items.iter().filter_map(|item| Some((item.text()?.to_owned(), source.place(item.start, item.end))));
            words.collect()
        }
        Value::Map(_) => Vec::new(),
    }
}

/// Variables as a map, or as a list of `NAME=value`.
pub fn variables(source: &Source<'_>, node: Option<&Node>) -> Vec<(String, String, crate::model::Place)> {
    let Some(node) = node else { return Vec::new() };
    let of_map = node.entries().iter().filter_map(|(name, value)| {
        Some((name.clone(), value.text()?.to_owned(), source.place(value.start, value.end)))
    });
    let of_list = node.items().iter().filter_map(|item| {
        let (name, value) = item.text()?.split_once('=')?;
        Some((name.to_owned(), value.to_owned(), source.place(item.start, item.end)))
    });
    of_map.chain(of_list).collect()
}

/// The variables that a workflow sets, for each of its jobs.
pub fn workflow(source: &Source<'_>, document: &Node) -> Vec<Raw> {
    let mut found = Vec::new();
    let of_all = variables(source, document.get("env"));
    for (name, job) in document.get("jobs").into_iter().flat_map(Node::entries) {
        let mut raw = Raw::new(name, Form::Workflow, source.path, source.place(job.start, job.end));
        raw.variables = of_all.clone();
        raw.variables.extend(variables(source, job.get("env")));
        for step in job.get("steps").into_iter().flat_map(Node::items) {
            raw.variables.extend(variables(source, step.get("env")));
        }
        if !raw.variables.is_empty() {
            found.push(raw);
        }
    }
    found
}
