//! Which classes GraphQL shows: the row of `_GraphQLConfig`, which `/graphql-config` answers as well.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::model::graphql::GraphQl;
use crate::model::{ClassName, Known, Place, Why};

/// Reads it.
///
/// Source: Parse Server 9.10.0, `ParseGraphQLSchema.js` (`_getClassesForSchema`): both lists count, `disabledForClasses` last.
pub fn read(document: &Map<String, Value>, at: Place) -> Known<GraphQl> {
    let names = |key: &str| -> Option<Option<BTreeSet<ClassName>>> {
        match document.get("config")?.as_object()?.get(key) {
            None | Some(Value::Null) => Some(None),
            Some(Value::Array(list)) => {
                list.iter().map(|name| Some(name.as_str()?.into())).collect::<Option<_>>().map(Some)
            }
            Some(_) => None,
        }
    };
    match (names("enabledForClasses"), names("disabledForClasses")) {
        (Some(enabled), Some(disabled)) => {
            Known::Read(GraphQl { enabled, disabled: disabled.unwrap_or_default(), at: Some(at.below("/config")) })
        }
        _ => Known::Unread(Why::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FileId;
    use serde_json::json;

    fn shown(config: Value) -> Option<(Option<Vec<String>>, usize)> {
        let document = json!({ "config": config });
        let read = read(document.as_object().expect("an object"), Place::File { file: FileId(0) });
        let names = |names: &BTreeSet<ClassName>| names.iter().map(ToString::to_string).collect();
        read.read().map(|read| (read.enabled.as_ref().map(names), read.disabled.len()))
    }

    #[test]
    fn what_is_not_named_is_shown_and_what_is_no_list_is_not_known() {
        assert_eq!(shown(json!({})), Some((None, 0)));
        let one = json!({ "enabledForClasses": ["Order"], "disabledForClasses": null, "classConfigs": [] });
        assert_eq!(shown(one), Some((Some(vec!["Order".to_owned()]), 0)));
        assert_eq!(shown(json!({ "enabledForClasses": [], "disabledForClasses": ["A"] })), Some((Some(vec![]), 1)));
        for nonsense in
            [json!(7), json!([]), json!({ "enabledForClasses": "Order" }), json!({ "disabledForClasses": [7] })]
        {
            assert_eq!(shown(nonsense), None);
        }
    }
}
