//! What a server lets somebody do who has nothing but the application id: reads that can find
//! nothing, and counts. No key is sent, and no row comes back.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::http::Answer;
use crate::model::probe::Exposure;

use super::together::together;
use super::{Missing, Server};

/// No object has this id.
const NO_ID: &str = "-";

/// A page of another site.
const ORIGIN: &str = "https://parse-audit.example";

impl Server {
    /// What it lets anyone do, as a document, and why the answer has gaps if it has.
    pub(super) fn probed(&self, classes: &[String]) -> (Value, Option<String>) {
        let mut answers = Map::new();
        let asked = together(classes, |class: &String| self.class(class));
        let mut gap = None;
        for (class, answer) in classes.iter().zip(asked) {
            match answer {
                Some(Ok(answer)) => drop(answers.insert(class.clone(), answer)),
                Some(Err(missing)) => drop(gap.get_or_insert(missing.words())),
                None => {}
            }
        }
        if gap.is_some() {
            return (json!({ "parseAuditProbe": 1, "classes": answers, "open": [] }), gap);
        }
        let open: Vec<&str> =
            Exposure::ALL.into_iter().filter(|exposure| self.shows(*exposure)).map(Exposure::name).collect();
        (json!({ "parseAuditProbe": 1, "classes": answers, "open": open }), None)
    }

    fn class(&self, class: &str) -> Result<Value, Missing> {
        let mut answers = Map::new();
        // A query for one id alone is a get to the server; it finds nothing, whoever may read what.
        for (op, filter) in [("find", json!({ "objectId": { "$in": [NO_ID] } })), ("get", json!({ "objectId": NO_ID }))]
        {
            let answer = self.as_anyone(&query(class, &filter, "limit=1&keys=objectId"))?;
            answers.extend(allows(&answer).map(|allows| (op.to_owned(), Value::from(allows))));
        }
        let all = query(class, &json!({ "objectId": { "$exists": true } }), "count=1&limit=0");
        let answer = self.as_anyone(&all)?;
        if let Some(allows) = allows(&answer) {
            let number = body(&answer).and_then(|body| body.get("count").and_then(Value::as_u64));
            answers.insert("count".to_owned(), number.map_or_else(|| Value::from(allows), Value::from));
        }
        Ok(Value::Object(answers))
    }

    /// Asks without a key.
    fn as_anyone(&self, path: &str) -> Result<Answer, Missing> {
        let headers = [("X-Parse-Application-Id", self.app_id.as_str())];
        self.patiently(&format!("{}/{path}", self.url), &headers)
    }

    fn shows(&self, exposure: Exposure) -> bool {
        let root = self.url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        let app_id = [("X-Parse-Application-Id", self.app_id.as_str())];
        let get =
            |url: &str, headers: &[(&str, &str)]| self.send(url, headers).ok().filter(|answer| answer.status == 200);
        let says = |answer: &Answer, word: &[u8]| memchr::memmem::find(&answer.body, word).is_some();
        match exposure {
            Exposure::AnyOriginWithCookies => {
                let headers = [app_id[0], ("Origin", ORIGIN)];
                get(&format!("{}/health", self.url), &headers)
                    .is_some_and(|answer| answer.allows_origin.as_deref() == Some(ORIGIN) && answer.allows_credentials)
            }
            Exposure::Dashboard => {
                // It holds the master key, which is not looked at.
                let answer = get(&format!("{root}/dashboard/parse-dashboard-config.json"), &[]);
                answer.is_some_and(|answer| says(&answer, b"\"masterKey\""))
            }
            Exposure::Introspection => {
                let schema = utf8_percent_encode("{__schema{queryType{name}}}", NON_ALPHANUMERIC);
                let headers = [app_id[0], ("Apollo-Require-Preflight", "true")];
                let answer = get(&format!("{root}/graphql?query={schema}"), &headers);
                answer.is_some_and(|answer| says(&answer, b"\"queryType\""))
            }
            Exposure::PlainHttp => {
                let Some(rest) = self.url.strip_prefix("https://") else { return false };
                let answer = get(&format!("http://{rest}/health"), &[]);
                answer.is_some_and(|answer| says(&answer, b"\"status\""))
            }
            Exposure::Playground => {
                let answer = get(&format!("{root}/playground"), &[]);
                answer.is_some_and(|answer| says(&answer, b"GraphQL Playground") || says(&answer, b"EmbeddedSandbox"))
            }
        }
    }
}

fn query(class: &str, filter: &Value, more: &str) -> String {
    let class = utf8_percent_encode(class, NON_ALPHANUMERIC);
    format!("classes/{class}?{more}&where={}", utf8_percent_encode(&filter.to_string(), NON_ALPHANUMERIC))
}

fn body(answer: &Answer) -> Option<Value> {
    serde_json::from_slice(&answer.body).ok()
}

/// Whether the server did what it was asked for; `None` if its answer says neither.
///
/// Source: permissions decide with the codes 119 and 101, of which the second also stands for a
/// missing session.
fn allows(answer: &Answer) -> Option<bool> {
    let body = body(answer)?;
    match answer.status {
        200 => body.get("results").map(|_| true),
        400 | 403 | 404 => {
            let code = body.get("code").and_then(Value::as_u64);
            matches!(code, Some(101 | 119 | 209)).then_some(false)
        }
        _ => None,
    }
}
