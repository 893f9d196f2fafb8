//! Amounts that the client chooses (PA601), balances that race (PA602), work without a
//! bound (PA604).

use crate::code::event::{Does, What};
use crate::code::guards::Flag;
use crate::code::shape::Shape;
use crate::code::taint::{Clean, From};
use crate::code::value::{Kind, Value};
use crate::severity::Severity;

use super::effect::Effect;
use super::{Risk, Scene, names};

/// Judges a handler.
pub fn judge(scene: &Scene<'_, '_>, found: &mut Vec<Risk>) {
    if !scene.is_called_directly() {
        return;
    }
    for event in scene.events {
        if event.guards.any(&[Flag::Role, Flag::Master, Flag::Secret]) {
            continue;
        }
        match &event.what {
            What::Call { path, args, .. } => {
                let pays = super::effect::effect_of(scene, event, path, args) == Some(Effect::Paid)
                    || names::has_any(path, &["checkout", "charge", "payment", "pix", "invoice", "Orders.create"]);
                if !pays {
                    continue;
                }
                for arg in args {
                    if let Some(taint) = amount_in(scene, arg, 4) {
                        let risk = scene
                            .risk("client-amount", event)
                            .word("what", "what is paid")
                            .word("sink", path.to_string());
                        found.push(risk.rated(Severity::High).by(&taint, "becomes the amount"));
                    }
                }
            }
            What::Rows(rows) if matches!(rows.does, Does::Update | Does::Create) => {
                for (column, value, at) in &rows.written {
                    let Some(column) = column.as_text() else { continue };
                    let is_quantity = names::has_any(column, &["quantity", "qty"]);
                    let is_balance = names::is_balance(column);
                    let Some(taint) = &value.taint else { continue };
                    if !(is_quantity || is_balance)
                        || taint.from == From::OwnColumn
                        || taint.from == From::TriggerObject
                    {
                        continue;
                    }
                    let clean = taint.clean.with(event.guards.clean(&taint.name));
                    if clean.any(Clean::NOT_LESS.with(Clean::ALLOWED)) {
                        continue;
                    }
                    let severity = if is_balance { Severity::High } else { Severity::Medium };
                    let mut risk = scene
                        .risk("client-amount", event)
                        .about(rows.class.name())
                        .word("what", format!("`{column}`"))
                        .word("column", column.to_string())
                        .rated(severity);
                    risk.at = *at;
                    found.push(risk.by(taint, "is not checked to be positive"));
                }
            }
            _ => {}
        }
    }
    for (event, rows) in scene.rows() {
        let Some(query) = rows.query else { continue };
        let Shape::Query(info) = &scene.run.heap.get(query).shape else { continue };
        if let Some(taint) = info.limit.as_ref().and_then(|limit| limit.taint.as_ref())
            && !taint.clean.with(event.guards.clean(&taint.name)).any(Clean::NOT_MORE.with(Clean::ALLOWED))
            && scene.is_open(event)
            && rows.rights == crate::code::shape::Rights::Master
        {
            found.push(
                scene.risk("unbounded-work", event).word("what", "rows").rated(Severity::Low).by(taint, "is the limit"),
            );
            continue;
        }
        let walks_all = matches!(&*rows.method, "each" | "eachBatch") && info.filters.is_empty();
        if walks_all && scene.is_open(event) {
            let what = rows.class.name().map_or("all rows".to_owned(), |class| format!("all of `{class}`"));
            found.push(
                scene.risk("unbounded-work", event).word("what", what).word("source", "any call").rated(Severity::Low),
            );
        }
    }
}

/// The first value of the client under a key that names an amount.
fn amount_in(scene: &Scene<'_, '_>, value: &Value, depth: usize) -> Option<std::sync::Arc<crate::code::taint::Taint>> {
    let Kind::Object(id) = value.kind else { return None };
    if depth == 0 {
        return None;
    }
    let object = scene.run.heap.get(id);
    if matches!(object.shape, Shape::Row(_) | Shape::Query(_) | Shape::Request(_)) {
        return None;
    }
    for (key, inner) in &object.props {
        if names::is_amount(key)
            && let Some(taint) = inner.taint.clone().or_else(|| scene.run.taint_inside(inner, 3))
            && !taint.clean.any(Clean::ALLOWED)
        {
            return Some(taint);
        }
    }
    object.props.values().chain(&object.items).find_map(|inner| amount_in(scene, inner, depth - 1))
}
