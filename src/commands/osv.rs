//! What a server of OSV knows of packages. It is told their names and versions, and nothing else.
//!
//! Source: the documentation of the OSV API, version 1 (`/v1/querybatch`, `/v1/vulns`).

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::http::{self, Client, Failure, Limits};

/// How much a server may ask of us.
const LIMITS: Limits = Limits { patience: Duration::from_secs(60), longest: 64 << 20 };

/// The server takes no more questions at once.
const AT_ONCE: usize = 1000;

/// An answer in more parts than this has no end.
const PARTS: usize = 50;

/// More advisories are not asked for one by one; an export has them all.
const MOST: usize = 5000;

/// A server of OSV.
pub struct Server {
    url: String,
    host: String,
    client: Client,
}

#[derive(Deserialize)]
struct Answers {
    results: Vec<Known>,
}

#[derive(Default, Deserialize)]
struct Known {
    #[serde(default)]
    vulns: Vec<Id>,
    #[serde(default)]
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

impl Server {
    /// The server at an address such as `https://api.osv.dev`.
    ///
    /// # Errors
    ///
    /// It is no address, or what is sent could be read on the way.
    pub fn new(url: &str) -> Result<Self, String> {
        let host = http::host(url, "names of packages", "https://api.osv.dev")?;
        Ok(Self { url: url.trim_end_matches('/').to_owned(), host, client: Client::new(url, LIMITS) })
    }

    /// The name of the server.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The ids of advisories about versions of packages.
    ///
    /// # Errors
    ///
    /// It does not answer, or not as a server of OSV would.
    pub fn about(&self, packages: &[(&str, String)]) -> Result<BTreeSet<String>, String> {
        let mut ids = BTreeSet::new();
        for some in packages.chunks(AT_ONCE) {
            let mut open: Vec<(&(&str, String), Option<String>)> = some.iter().map(|package| (package, None)).collect();
            let mut parts = 0;
            while !open.is_empty() {
                parts += 1;
                if parts > PARTS {
                    return Err("its answer has no end".to_owned());
                }
                let queries: Vec<_> = open
                    .iter()
                    .map(|((name, version), token)| {
                        let package = json!({ "name": name, "ecosystem": "npm" });
                        match token {
                            Some(token) => json!({ "package": package, "version": version, "page_token": token }),
                            None => json!({ "package": package, "version": version }),
                        }
                    })
                    .collect();
                let body = json!({ "queries": queries }).to_string();
                let answer =
                    http::once_more(|| self.client.post(&format!("{}/v1/querybatch", self.url), body.as_bytes()));
                let answers: Answers = serde_json::from_slice(&body_of(answer)?)
                    .map_err(|_| "it answers, but not as a server of OSV".to_owned())?;
                if answers.results.len() != open.len() {
                    return Err("it answers other questions than it was asked".to_owned());
                }
                let mut next = Vec::new();
                for ((package, _), known) in open.into_iter().zip(answers.results) {
                    ids.extend(known.vulns.into_iter().map(|vuln| vuln.id));
                    next.extend(
                        known.next_page_token.filter(|token| !token.is_empty()).map(|token| (package, Some(token))),
                    );
                }
                open = next;
            }
        }
        if ids.len() > MOST {
            return Err(format!("it knows {} advisories; import an export instead", ids.len()));
        }
        Ok(ids)
    }

    /// The record of an advisory.
    ///
    /// # Errors
    ///
    /// It does not answer, or the id is none.
    pub fn record(&self, id: &str) -> Result<Vec<u8>, String> {
        let is_id = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.' | ':');
        if id.is_empty() || id.len() > 100 || !id.chars().all(is_id) {
            return Err("it names an advisory with signs that no id has".to_owned());
        }
        body_of(http::once_more(|| self.client.get(&format!("{}/v1/vulns/{id}", self.url), &[])))
    }
}

fn body_of(answer: Result<http::Answer, Failure>) -> Result<Vec<u8>, String> {
    let answer = answer.map_err(|why| why.to_string())?;
    match answer.status {
        200 if answer.body.is_empty() => Err("its answer is empty".to_owned()),
        200 => Ok(answer.body),
        status @ 300..=399 => Err(format!("it sends on to somewhere else (HTTP {status})")),
        status => Err(format!("it answers with HTTP {status}")),
    }
}
