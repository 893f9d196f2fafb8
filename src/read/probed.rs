//! What a server let anyone do, written down by `live` or by hand.

use serde_json::{Map, Value};

use crate::model::probe::{Exposure, Probe};
use crate::model::{ClassName, Operation, Place};

/// Reads it; what it does not say was not tried.
pub fn read(document: &Map<String, Value>, at: Place) -> Probe {
    let mut probe = Probe { allows: Default::default(), counted: Default::default(), exposed: Default::default(), at };
    let classes = document.get("classes").and_then(Value::as_object).into_iter().flatten();
    for (name, answers) in classes {
        let class = ClassName::from(name.as_str());
        for (op, answer) in answers.as_object().into_iter().flatten() {
            let Some(op) = Operation::from_key(op).filter(|op| op.is_read()) else { continue };
            if let Some(counted) = answer.as_u64() {
                probe.counted.insert(class.clone(), counted);
            }
            let allows = answer.as_bool().or_else(|| answer.is_u64().then_some(true));
            probe.allows.extend(allows.map(|allows| ((class.clone(), op), allows)));
        }
    }
    let open = document.get("open").and_then(Value::as_array).into_iter().flatten();
    let named = |name: &str| Exposure::ALL.into_iter().find(|exposure| exposure.name() == name);
    probe.exposed = open.filter_map(|name| named(name.as_str()?)).collect();
    probe
}
