//! What an answer of a Parse Server says, or why it says nothing.

use serde_json::Value;

use crate::http::Answer;

use super::Missing;

/// Classes of the server itself whose rows have ACLs that matter. The rows of `_Role` are read.
const COUNTED: [&str; 3] = ["_User", "_Session", "_Installation"];

/// What may be set for GraphQL.
const OF_GRAPHQL: [&str; 3] = ["enabledForClasses", "disabledForClasses", "classConfigs"];

/// What an answer says, or why it says nothing.
pub fn understood(answer: &Answer) -> Result<Value, Missing> {
    let body = serde_json::from_slice::<Value>(&answer.body).ok();
    let error = body.as_ref().and_then(|body| body.get("error")).and_then(Value::as_str);
    match (answer.status, body.as_ref()) {
        (200, Some(_)) => body.ok_or_else(|| Missing::This("it answers with nothing".to_owned())),
        (200, None) => Err(Missing::Refused("it answers, but not as a Parse Server".to_owned())),
        (status @ 300..=399, _) => Err(Missing::Everything(match &answer.leads_to {
            Some(address) => format!(
                "it sends on to {address} (HTTP {status}), where keys are not sent; if that is the server, give its address"
            ),
            None => format!("it sends on to somewhere else (HTTP {status}), where keys are not sent"),
        })),
        (401 | 403, _) if matches!(error, None | Some("unauthorized" | "Permission denied")) => Err(Missing::Refused(
            "it refuses the application id, the key, or the address that it is asked from".to_owned(),
        )),
        (status, _) => Err(Missing::This(format!("it answers with HTTP {status}"))),
    }
}

/// What an answer says, if it has the form of what was asked for.
pub fn formed(path: &str, answer: &Answer) -> Result<Value, Missing> {
    let answer = understood(answer)?;
    match is_what_was_asked(path, &answer) {
        true => Ok(answer),
        false => Err(Missing::Refused("it answers with something else than it was asked for".to_owned())),
    }
}

fn is_what_was_asked(path: &str, answer: &Value) -> bool {
    match path {
        "serverInfo" => answer.get("parseServerVersion").is_some_and(Value::is_string),
        "schemas" => answer.get("results").is_some_and(Value::is_array),
        "config" => answer.get("params").is_some_and(Value::is_object),
        "graphql-config" => {
            answer.as_object().is_some_and(|config| config.keys().all(|key| OF_GRAPHQL.contains(&&**key)))
        }
        "security" => answer.get("report").is_some_and(Value::is_object),
        _ => answer.is_array(),
    }
}

/// The classes whose rows are counted, of an answer of `/schemas`.
pub fn counted_classes(schemas: &Value) -> Vec<String> {
    let classes = schemas.get("results").and_then(Value::as_array).into_iter().flatten();
    let names = classes.filter_map(|class| class.get("className")?.as_str());
    names.filter(|name| !name.starts_with('_') || COUNTED.contains(name)).map(ToOwned::to_owned).collect()
}

/// Takes what describes no class out of an answer of `/schemas`; how many there were.
pub fn without_nonsense(schemas: &mut Value) -> usize {
    let Some(classes) = schemas.get_mut("results").and_then(Value::as_array_mut) else { return 0 };
    let all = classes.len();
    classes.retain(is_class);
    all - classes.len()
}

/// Source: Parse Server 9.10.0, `SchemaController.js` (`classNameIsValid`).
fn is_class(class: &Value) -> bool {
    let is_sign = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    let is_name = |name: &str| !name.is_empty() && name.chars().all(is_sign);
    let is_object_or_none = |key: &str| class.get(key).is_none_or(|value| value.is_object() || value.is_null());
    class.get("className").and_then(Value::as_str).is_some_and(is_name)
        && class.get("fields").is_some_and(Value::is_object)
        && is_object_or_none("classLevelPermissions")
}
