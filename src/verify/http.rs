//! One request to one server.

use std::time::Duration;

use serde::Deserialize;
use ureq::http::Uri;
use ureq::{Agent, Error};

/// A server waits at most so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// More of an answer is not read.
const LONGEST: u64 = 64 << 10;

/// A Parse Server and the application on it.
#[derive(Debug, Clone)]
pub struct Server {
    url: String,
    host: String,
    app_id: String,
}

/// What a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It tells about itself.
    Granted,
    /// It does not, with these words.
    Refused(String),
}

/// What Parse Server answers where it refuses.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: String,
}

impl Server {
    /// The server at an address such as `https://api.example.com/parse`.
    ///
    /// # Errors
    ///
    /// It is no address of a server, or a key would travel without encryption.
    pub fn new(url: &str, app_id: &str) -> Result<Self, String> {
        let address: Uri = url.parse().map_err(|_| "it is no address such as https://api.example.com/parse")?;
        let host = address.host().filter(|host| !host.is_empty());
        let host = host.ok_or("it is no address such as https://api.example.com/parse")?;
        if address.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("an address must not hold a password".to_owned());
        }
        let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        match address.scheme_str() {
            Some("https") => {}
            Some("http") if is_here => {}
            Some("http") => return Err("keys are not sent without encryption; use https".to_owned()),
            _ => return Err("it is no address such as https://api.example.com/parse".to_owned()),
        }
        Ok(Self { url: url.trim_end_matches('/').to_owned(), host: host.to_owned(), app_id: app_id.to_owned() })
    }

    /// The name of the server.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Reads `/serverInfo`, with a master key or without.
    ///
    /// # Errors
    ///
    /// Nobody answers, or not as a Parse Server would.
    pub fn ask(&self, key: Option<&str>) -> Result<Answer, String> {
        let agent: Agent = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("parse-audit/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        let mut request = agent.get(format!("{}/serverInfo", self.url)).header("X-Parse-Application-Id", &self.app_id);
        if let Some(key) = key {
            request = request.header("X-Parse-Master-Key", key);
        }
        // What the library says of an error may quote a header, and so a key.
        let mut response = request.call().map_err(|error| words(&error).to_owned())?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(LONGEST).read_to_vec().unwrap_or_default();
        match status {
            200 => match serde_json::from_slice::<serde_json::Value>(&body) {
                Ok(info) if info.get("parseServerVersion").is_some() => Ok(Answer::Granted),
                Ok(_) | Err(_) => Err("it answers, but not as a Parse Server".to_owned()),
            },
            400 | 401 | 403 => {
                let refusal: Refusal = serde_json::from_slice(&body).unwrap_or_default();
                Ok(Answer::Refused(refusal.error))
            }
            300..=399 => Err(format!("it sends on to somewhere else (HTTP {status}), where keys are not sent")),
            _ => Err(format!("it answers with HTTP {status}")),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_travel_only_where_nobody_listens() {
        let accepted = |url: &str| Server::new(url, "app").is_ok();
        assert!(accepted("https://api.example.com/parse") && accepted("http://127.0.0.1:1337/parse"));
        for url in
            ["http://api.example.com", "http://127.0.0.1.example.com", "https://a:b@example.com", "ftp://x", "", "shop"]
        {
            assert!(!accepted(url), "{url}");
        }
    }
}
