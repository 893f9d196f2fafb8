//! The database's part of a request: which rows satisfy a `where`.
//!
//! Nothing here decides about permissions; that is the engine's part.

use serde_json::{Map, Value};

use super::world::{World, object_id};

/// Values that a subquery found, in place of the subquery.
pub type Found = Vec<Value>;

/// Whether a row satisfies a query whose subqueries were replaced before.
pub fn matches(world: &World, class: &str, row: &Map<String, Value>, filter: &Map<String, Value>) -> bool {
    filter.iter().all(|(key, condition)| match key.as_str() {
        "$or" => parts(condition).any(|part| matches(world, class, row, part)),
        "$and" => parts(condition).all(|part| matches(world, class, row, part)),
        "$nor" => !parts(condition).any(|part| matches(world, class, row, part)),
        // A client's condition on the columns of the ACL is overwritten by the server's own.
        "_rperm" | "_wperm" => true,
        key => holds(world, class, row, key, condition),
    })
}

fn parts(list: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    list.as_array().into_iter().flatten().filter_map(Value::as_object)
}

fn holds(world: &World, class: &str, row: &Map<String, Value>, key: &str, condition: &Value) -> bool {
    if world.is_relation(class, key) {
        let owner = row.get("objectId").and_then(Value::as_str).unwrap_or_default();
        return world.related(class, key, owner).contains(&object_id(condition));
    }
    let value = key.split('.').try_fold(&Value::Object(row.clone()), |at, part| at.get(part)).cloned();
    let value = value.as_ref().filter(|value| !value.is_null());
    let operators = condition.as_object().filter(|object| object.keys().any(|key| key.starts_with('$')));
    let Some(operators) = operators else { return value.is_some_and(|value| equal(value, condition)) };
    operators.iter().all(|(operator, operand)| match operator.as_str() {
        "$exists" => value.is_some() == (operand == &Value::Bool(true)),
        "$in" => {
            operand.as_array().is_some_and(|list| list.iter().any(|one| value.is_some_and(|value| equal(value, one))))
        }
        "$regex" => {
            let pattern = operand.as_str().expect("a pattern");
            let text = value.and_then(Value::as_str);
            text.is_some_and(|text| regex::Regex::new(pattern).expect("a valid pattern").is_match(text))
        }
        other => panic!("the recorded queries have no operator {other}"),
    })
}

/// Equal values, equal pointers, or an array that contains one.
fn equal(value: &Value, wanted: &Value) -> bool {
    let pointer = |value: &Value| value.get("__type").is_some().then(|| object_id(value));
    let same = |value: &Value| match (pointer(value), pointer(wanted)) {
        (Some(a), Some(b)) => a == b,
        _ => value == wanted,
    };
    same(value) || value.as_array().is_some_and(|list| list.iter().any(same))
}
