//! Requests to servers: the only file that talks to a network. Nothing follows a server elsewhere.

use std::io::ErrorKind;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use ureq::http::{Response, Uri};
use ureq::{Agent, Body, Error, Proxy};

/// How long a connection is kept that nothing is asked on. Node.js ends it after five seconds.
const IDLE: Duration = Duration::from_secs(3);

/// So many connections are kept for more to be asked on.
pub const CONNECTIONS: usize = 4;

/// How much a server may ask of us.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A request takes at most so long.
    pub patience: Duration,
    /// More bytes of an answer are not read.
    pub longest: u64,
}

/// Who asks: several requests to one server go over the same connections.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    limits: Limits,
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// The body; may be empty if it could not be read and the status says enough, which is any but 200.
    pub body: Vec<u8>,
    /// Where the answer sends whoever asks, without what could be a key.
    pub leads_to: Option<String>,
    /// In how many seconds it may be asked again, by a number or a date; 0 for a date that is over.
    pub again_in: Option<u64>,
    /// Pages of which origin may read it, if the answer says so.
    pub allows_origin: Option<String>,
    /// Whether they may send cookies along.
    pub allows_credentials: bool,
}

/// Why there is no answer, in words that quote nothing of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nobody is there whom we could ask.
    #[error("{0}")]
    Nobody(&'static str),
    /// It took too long.
    #[error("it does not answer in time")]
    Late,
    /// The connection ended before the answer did.
    #[error("the connection breaks off")]
    BrokenOff,
    /// The answer has more bytes than are read.
    #[error("its answer is longer than {} MB", .0 >> 20)]
    TooLong(u64),
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
    match address.scheme_str() {
        Some("https") => Ok(host.to_owned()),
        Some("http") if is_here(host) => Ok(host.to_owned()),
        Some("http") => Err(format!("{what} are not sent without encryption; use https")),
        _ => Err(is_none()),
    }
}

fn is_here(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

impl Client {
    /// Somebody who asks a server at an address within limits, through the proxy that `ALL_PROXY` or
    /// `HTTPS_PROXY` names if `NO_PROXY` does not leave the server out.
    pub fn new(url: &str, limits: Limits) -> Self {
        // A proxy elsewhere would read what is sent without encryption.
        let is_here = url.parse().is_ok_and(|address: Uri| address.host().is_some_and(is_here));
        let agent = Agent::config_builder()
            .proxy(if is_here { None } else { Proxy::try_from_env() })
            .timeout_global(Some(limits.patience))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_idle_age(IDLE)
            .max_idle_connections_per_host(CONNECTIONS)
            .user_agent(concat!("parse-audit/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: agent.into(), limits }
    }

    /// Reads an address.
    ///
    /// # Errors
    ///
    /// There is no answer.
    pub fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, Failure> {
        let mut request = self.agent.get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(request.call())
    }

    /// Sends JSON to an address.
    ///
    /// # Errors
    ///
    /// There is no answer.
    pub fn post(&self, url: &str, json: &[u8]) -> Result<Answer, Failure> {
        self.answer(self.agent.post(url).header("Content-Type", "application/json").send(json))
    }

    fn answer(&self, sent: Result<Response<Body>, Error>) -> Result<Answer, Failure> {
        // What the library says of an error may quote a header, and so a key.
        let mut response = sent.map_err(|error| failure(&error))?;
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let leads_to = header("location").and_then(without_query);
        let again_in = header("retry-after").and_then(|value| {
            // By the clock of whoever says it, which may not be ours.
            let now = header("date").and_then(moment).unwrap_or_else(Timestamp::now);
            seconds(value, now)
        });
        let allows_origin = header("access-control-allow-origin").map(ToOwned::to_owned);
        let allows_credentials = header("access-control-allow-credentials").is_some_and(|value| value == "true");
        let body = match response.body_mut().with_config().limit(self.limits.longest).read_to_vec() {
            Ok(body) => body,
            Err(error) if status == 200 => return Err(failure(&error)),
            Err(_) => Vec::new(),
        };
        Ok(Answer { status, body, leads_to, again_in, allows_origin, allows_credentials })
    }
}

/// Asks, and once more if the connection broke off, as one that was kept may.
///
/// # Errors
///
/// There is no answer.
pub fn once_more<A>(ask: impl Fn() -> Result<A, Failure>) -> Result<A, Failure> {
    match ask() {
        Err(Failure::BrokenOff) => ask(),
        answer => answer,
    }
}

/// The seconds that `Retry-After` says, or that are left until its date; `None` if it is neither.
fn seconds(value: &str, now: Timestamp) -> Option<u64> {
    let number = value.trim().parse().ok();
    number.or_else(|| Some(u64::try_from(moment(value)?.as_second() - now.as_second()).unwrap_or_default()))
}

/// A date of HTTP, `Sun, 06 Nov 1994 08:49:37 GMT`. The two older forms, which nobody may send any more, are none.
fn moment(date: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(date.trim()).ok()
}

/// An address without user, password, query and fragment.
fn without_query(address: &str) -> Option<String> {
    let address: Uri = address.parse().ok()?;
    let host = match (address.scheme_str(), address.host()) {
        (Some(scheme), Some(host)) => match address.port_u16() {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        },
        _ => String::new(),
    };
    Some(host + address.path())
}

fn failure(error: &Error) -> Failure {
    match error {
        Error::Timeout(_) => Failure::Late,
        Error::BodyExceedsLimit(longest) => Failure::TooLong(*longest),
        Error::HostNotFound => Failure::Nobody("there is no such host"),
        Error::Tls(_) | Error::Rustls(_) => Failure::Nobody("the connection cannot be trusted"),
        Error::Http(_) => Failure::Nobody("a key has characters that cannot be sent"),
        Error::InvalidProxyUrl => Failure::Nobody("the address of the proxy is none"),
        Error::ConnectProxyFailed(_) => Failure::Nobody("the proxy does not let us through"),
        Error::Protocol(_) => Failure::Nobody("it answers, but not by HTTP"),
        Error::Io(error) => match error.kind() {
            ErrorKind::TimedOut => Failure::Late,
            ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe => Failure::BrokenOff,
            // The resolver has no kind of its own.
            _ if error.to_string().starts_with("failed to lookup") => Failure::Nobody("there is no such host"),
            _ => Failure::Nobody("it does not answer"),
        },
        _ => Failure::Nobody("it does not answer"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_after_is_a_number_or_a_date() {
        let now = moment("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        for (value, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:51:37 GMT", Some(120)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sat, 05 Nov 1994 08:49:37 GMT", Some(0)),
            ("Thu, 30 Dec 9999 12:00:00 GMT", Some(252_618_059_423)),
            ("Mon, 06 Nov 1994 08:51:37 GMT", None),
            ("Sun, 36 Nov 1994 08:51:37 GMT", None),
            ("soon", None),
            ("-5", None),
            ("1.5", None),
            ("99999999999999999999999", None),
            ("", None),
        ] {
            assert_eq!(seconds(value, now), expected, "{value}");
        }
    }
}
