//! What a server that answers nothing else says of itself.

use serde_json::Value;

use super::Server;

impl Server {
    /// Why it answers nothing else, in words that follow others; empty if it does not say so. It is asked without a
    /// key, and once.
    ///
    /// Source: Parse Server 9.10.0, `ParseServer.js` (`app`, `start`): `/health` answers 503 with one of these states.
    /// Other servers and proxies answer something else there, or nothing, which means nothing.
    pub(super) fn ails(&self) -> &'static str {
        let Ok(answer) = self.send(&format!("{}/health", self.url), &[]) else { return "" };
        let body = serde_json::from_slice::<Value>(&answer.body).ok().filter(|_| answer.status == 503);
        match body.as_ref().and_then(|body| body.get("status")).and_then(Value::as_str) {
            Some("initialized") => "; it says that it was not started",
            Some("starting") => "; it says that it is starting",
            Some("error") => "; it says that it could not start",
            _ => "",
        }
    }
}
