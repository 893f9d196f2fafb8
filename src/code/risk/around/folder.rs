//! Folders that are served and in which the server's own code lies (PA513).
//!
//! Source: `serve-static` 1.16: hidden files are left out, everything else below is served.

use crate::code::path;
use crate::code::value::{Kind, Value};

use super::{Around, Risk, risk};

/// Folders that are made to be served, by their names.
const MEANT: [&str; 14] = [
    "public", "dist", "build", "static", "assets", "www", "web", "client", "docs", "views", "uploads", "browser",
    "html", "out",
];

/// Judges what a walk went through.
pub fn judge(around: &Around<'_>, found: &mut Vec<Risk>) {
    for (event, path, args) in around.calls() {
        if !matches!(path, "express.static" | "serve_static" | "koa_static") || around.is_in_development(event) {
            continue;
        }
        let Some(folder) = args.first().and_then(|first| folder(around, event.at.unit, first)) else { continue };
        if folder.split('/').any(|part| MEANT.contains(&part)) {
            continue;
        }
        let code = around.loaded.iter().filter_map(|index| around.units.get(*index));
        let inside = |path: &str| path::below(&folder, path).is_some() && !path.ends_with(".json");
        let Some(first) = code.map(|unit| unit.path.as_str()).find(|path| inside(path)) else { continue };
        let name = if folder.is_empty() { ".".to_owned() } else { folder };
        found.push(risk("served-source", event.at).word("what", name).word("source", first));
    }
}

/// The folder from the audited one; relative ones count from where the server is started, which
/// is mostly the folder of its manifest.
fn folder(around: &Around<'_>, unit: usize, value: &Value) -> Option<String> {
    let started_in = || {
        let unit = around.units.get(unit)?;
        let has_manifest = |folder: &&str| around.app.manifests.iter().any(|manifest| manifest.folder == **folder);
        path::upward(path::folder(&unit.path)).find(has_manifest).map(str::to_owned)
    };
    match &value.kind {
        Kind::Text(text) => match text.strip_prefix('/') {
            Some(rooted) => path::inside("", rooted),
            None => path::inside(&started_in()?, text),
        },
        Kind::Path(path) if matches!(&**path, "process.cwd()") => started_in(),
        _ => None,
    }
}
