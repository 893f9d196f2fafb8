//! Amounts that the client chooses (PA601), balances that race (PA602), work without a
//! bound (PA604).

use crate::code::event::{Does, Event, RowsEvent, What};
use crate::code::guards::Flag;
use crate::code::shape::Shape;
use crate::code::taint::{Clean, From, Taint};
use crate::code::value::{Kind, Pos, Value};
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
                    if let Some(taint) = amount_in(scene, event, arg, 4) {
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
                    if let Some(risk) = owed(scene, event, rows, (column, value, *at)) {
                        found.push(risk);
                        continue;
                    }
                    let Some(taint) = &value.taint else { continue };
                    if !(is_quantity || is_balance)
                        || taint.from == From::OwnColumn
                        || taint.from == From::TriggerObject
                    {
                        continue;
                    }
                    let clean = event.clean(taint);
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
        found.extend(races(scene, event, rows));
        let Some(query) = rows.query else { continue };
        let Shape::Query(info) = &scene.run.heap.get(query).shape else { continue };
        if let Some(taint) = info.limit.as_ref().and_then(|limit| limit.taint.as_ref())
            && !event.clean(taint).any(Clean::NOT_MORE.with(Clean::ALLOWED))
            && scene.is_open(event)
            && rows.is_master()
        {
            found.push(
                scene
                    .risk("unbounded-work", event)
                    .word("what", format!("as many rows as `{}` says", taint.name))
                    .rated(Severity::Low)
                    .by(taint, "is the limit"),
            );
            continue;
        }
        let walks_all = matches!(&*rows.method, "each" | "eachBatch") && info.filters.is_empty();
        if walks_all && scene.is_open(event) {
            let of = rows.class.name().map_or(String::new(), |class| format!(" of `{class}`"));
            let what = format!("all rows{of} at every call");
            found.push(scene.risk("unbounded-work", event).word("what", what).rated(Severity::Low));
        }
    }
}

/// Whether a value is one of a list, or a checked number of pieces times a price of the server.
fn is_computed(event: &Event, taint: &Taint) -> bool {
    let clean = event.clean(taint);
    clean.any(Clean::ALLOWED) || clean.has(Clean::SCALED.with(Clean::NOT_LESS))
}

/// What is stored as owed for an order although the client says how much.
fn owed(
    scene: &Scene<'_, '_>,
    event: &Event,
    rows: &RowsEvent,
    (column, value, at): (&str, &Value, Pos),
) -> Option<Risk> {
    let class = rows.class.name().filter(|class| {
        names::has_any(class, &["order", "payment", "invoice", "booking", "purchase", "transaction", "checkout"])
    })?;
    let is_sum = names::has_any(column, &["total", "amount", "price"]) && rows.does == Does::Create;
    let taint = value.taint.as_ref().filter(|taint| matches!(taint.from, From::Parameters | From::Body))?;
    if !is_sum || !rows.is_master() || is_computed(event, taint) {
        return None;
    }
    let risk = scene.risk("client-amount", event).about(Some(class)).word("what", format!("`{column}`"));
    let risk = Risk { at, ..risk.word("column", column).rated(Severity::Medium) };
    Some(risk.by(taint, "is stored as what is owed"))
}

/// A balance that is read, computed and written back: of two calls at once one is lost.
fn races(scene: &Scene<'_, '_>, event: &Event, rows: &RowsEvent) -> Option<Risk> {
    let row = rows.row.filter(|_| rows.does == Does::Update)?;
    let (column, _, at) = rows.written.iter().find(|(column, value, _)| match (column.as_text(), &value.kind) {
        (Some(written), Kind::Computed(of, read)) => *of == row && written == read && names::is_balance(written),
        _ => false,
    })?;
    let risk = scene.risk("non-atomic-balance", event).about(rows.class.name());
    let risk = Risk { at: *at, ..risk.rated(Severity::Low) };
    Some(risk.word("column", column.as_text()?.to_string()))
}

/// The first value of the client under a key that names an amount.
fn amount_in(
    scene: &Scene<'_, '_>,
    event: &Event,
    value: &Value,
    depth: usize,
) -> Option<std::sync::Arc<crate::code::taint::Taint>> {
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
            && !is_computed(event, &taint)
        {
            return Some(taint);
        }
    }
    object.props.values().chain(&object.items).find_map(|inner| amount_in(scene, event, inner, depth - 1))
}
