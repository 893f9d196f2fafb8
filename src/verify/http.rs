//! One question to one Parse Server.

use std::time::Duration;

use serde::Deserialize;

use crate::http::{self, Client, Limits};

/// How much a server may ask of us.
const LIMITS: Limits = Limits { patience: Duration::from_secs(10), longest: 64 << 10 };

/// A Parse Server and the application on it.
#[derive(Debug, Clone)]
pub struct Server {
    url: String,
    host: String,
    app_id: String,
    client: Client,
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
        let host = http::host(url, "keys", "https://api.example.com/parse")?;
        let client = Client::new(url, LIMITS);
        Ok(Self { url: url.trim_end_matches('/').to_owned(), host, app_id: app_id.to_owned(), client })
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
        let url = format!("{}/serverInfo", self.url);
        let mut headers = vec![("X-Parse-Application-Id", self.app_id.as_str())];
        headers.extend(key.map(|key| ("X-Parse-Master-Key", key)));
        let http::Answer { status, body, .. } =
            http::once_more(|| self.client.get(&url, &headers)).map_err(|why| why.to_string())?;
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
