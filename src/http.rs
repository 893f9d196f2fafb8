//! Requests to servers: the only file that talks to a network. Nothing follows a server elsewhere.

use std::time::Duration;

use ureq::http::Uri;
use ureq::{Agent, Error};

/// How much a server may ask of us.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A request takes at most so long.
    pub patience: Duration,
    /// More bytes of an answer are not read.
    pub longest: u64,
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// The body; empty if it is longer than allowed.
    pub body: Vec<u8>,
    /// Pages of which origin may read it, if the answer says so.
    pub allows_origin: Option<String>,
    /// Whether they may send cookies along.
    pub allows_credentials: bool,
}

/// The host of an address to which `what` may be sent: with encryption, or on this machine.
///
/// # Errors
///
/// It is no such address; in words for whoever typed it, who is shown this `example`.
pub fn host(url: &str, what: &str, example: &str) -> Result<String, String> {
    let is_none = || format!("it is no address such as {example}");
    let address: Uri = url.parse().map_err(|_| is_none())?;
    let host = address.host().filter(|host| !host.is_empty()).ok_or_else(is_none)?;
    if address.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("an address must not hold a password".to_owned());
    }
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match address.scheme_str() {
        Some("https") => Ok(host.to_owned()),
        Some("http") if is_here => Ok(host.to_owned()),
        Some("http") => Err(format!("{what} are not sent without encryption; use https")),
        _ => Err(is_none()),
    }
}

/// Reads an address.
///
/// # Errors
///
/// Nobody answers; in words that quote nothing of the request.
pub fn get(url: &str, headers: &[(&str, &str)], limits: Limits) -> Result<Answer, &'static str> {
    let mut request = agent(limits).get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    answer(request.call(), limits)
}

/// Sends JSON to an address.
///
/// # Errors
///
/// Nobody answers; in words that quote nothing of the request.
pub fn post(url: &str, json: &[u8], limits: Limits) -> Result<Answer, &'static str> {
    answer(agent(limits).post(url).header("Content-Type", "application/json").send(json), limits)
}

fn agent(limits: Limits) -> Agent {
    Agent::config_builder()
        .timeout_global(Some(limits.patience))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent(concat!("parse-audit/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

fn answer(sent: Result<ureq::http::Response<ureq::Body>, Error>, limits: Limits) -> Result<Answer, &'static str> {
    // What the library says of an error may quote a header, and so a key.
    let mut response = sent.map_err(|error| words(&error))?;
    let status = response.status().as_u16();
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
    let allows_origin = header("access-control-allow-origin");
    let allows_credentials = header("access-control-allow-credentials").is_some_and(|value| value == "true");
    let body = response.body_mut().with_config().limit(limits.longest).read_to_vec().unwrap_or_default();
    Ok(Answer { status, body, allows_origin, allows_credentials })
}

fn words(error: &Error) -> &'static str {
    match error {
        Error::Timeout(_) => "it does not answer in time",
        Error::HostNotFound => "there is no such host",
        Error::Tls(_) | Error::Rustls(_) => "the connection cannot be trusted",
        Error::Http(_) => "a key has characters that cannot be sent",
        _ => "it does not answer",
    }
}
