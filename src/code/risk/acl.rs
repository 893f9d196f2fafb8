//! ACLs that let everyone write (PA109), or read rows of people (PA110), and new rows
//! without one (PA117). Whether rows are about people, `audit` decides by their columns.

use crate::code::event::{Does, RowsEvent, What};
use crate::code::heap::ObjectId;
use crate::code::shape::{Origin, Row, Shape};
use crate::code::value::Kind;
use crate::severity::Severity;

use super::{Risk, Scene, names};

/// Judges a handler.
pub fn judge(scene: &Scene<'_, '_>, found: &mut Vec<Risk>) {
    for event in scene.events {
        let What::OpenAcl { acl, write } = &event.what else { continue };
        // What the ACL says in the end: it may be closed again.
        let key = if *write { "public-write" } else { "public-read" };
        let is_open =
            matches!(scene.run.heap.get(*acl).props.get(key).map(|value| &value.kind), Some(Kind::Bool(true)));
        if !is_open {
            continue;
        }
        let row = rows_with(scene, *acl);
        let class = row.and_then(|row| row.class.name());
        let what = class.map_or_else(|| "rows".to_owned(), |class| format!("rows of `{class}`"));
        if *write {
            let severity = if names::is_of_people(class) { Severity::Critical } else { Severity::High };
            found.push(scene.risk("public-write-acl", event).word("what", what).about(class).rated(severity));
        } else if let (Some(row), Some(class)) = (row, class)
            && class != "_User"
            && class != "_Role"
        {
            let mut risk = scene.risk("public-read-acl", event).word("what", what).about(Some(class));
            risk.columns = columns(row);
            found.push(risk);
        }
    }
    for (event, rows) in scene.rows() {
        let Some((class, row)) = without_acl(scene, rows) else { continue };
        let mut risk = scene.risk("row-without-acl", event).about(Some(class));
        risk.columns = columns(row);
        found.push(risk);
    }
}

/// The first row that has an ACL.
fn rows_with<'s>(scene: &Scene<'s, '_>, acl: ObjectId) -> Option<&'s Row> {
    scene.run.with_acl.iter().find_map(|row| match &scene.run.heap.get(*row).shape {
        Shape::Row(info) if info.acl.as_ref().and_then(|value| value.as_object()) == Some(acl) => Some(&**info),
        _ => None,
    })
}

/// A row that is made here, of a class of the app, and gets no ACL on any way.
fn without_acl<'s>(scene: &Scene<'s, '_>, rows: &'s RowsEvent) -> Option<(&'s str, &'s Row)> {
    if rows.does != Does::Create {
        return None;
    }
    let class = rows.class.name().filter(|class| !class.starts_with('_'))?;
    let id = rows.row.filter(|row| !scene.run.with_acl.contains(row))?;
    let Shape::Row(row) = &scene.run.heap.get(id).shape else { return None };
    // Columns that are not known may be the ACL.
    let is_known = row.written.iter().all(|(column, _, _)| column.as_text().is_some());
    (is_known && matches!(row.origin, Origin::New)).then_some((class, &**row))
}

fn columns(row: &Row) -> Vec<String> {
    row.written.iter().filter_map(|(column, _, _)| Some(column.as_text()?.to_string())).collect()
}

/// The class to whose rows a trigger gives an ACL.
pub fn protects(scene: &Scene<'_, '_>) -> Option<String> {
    scene.run.with_acl.iter().find_map(|row| match &scene.run.heap.get(*row).shape {
        Shape::Row(info) if matches!(info.origin, Origin::Trigger) => info.class.name().map(str::to_owned),
        _ => None,
    })
}
