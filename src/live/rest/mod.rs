//! What Parse Server tells over REST whoever has a master key. Nothing is asked for but by `GET`,
//! and no row of an app's own classes: they are only counted.

mod answer;
mod count;
mod graphql;
mod health;
mod probe;
mod rows;
mod together;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::http::{self, Answer, Client, Failure, Limits};
use crate::model::RoleName;
use crate::problem::Problem;

use super::kept::Kept;
use super::pace::Pace;
use super::{Answers, Body, Document};
use answer::{counted_classes, formed, understood, without_nonsense};
use together::together;

/// How much a server may ask of us.
const LIMITS: Limits = Limits { patience: Duration::from_secs(30), longest: 64 << 20 };

/// How long it is waited before a request is sent again that the server had no time for, as parts of our patience.
const PAUSES: [u32; 3] = [100, 30, 10];

/// How often our patience may be spent on waiting so.
const LONGEST_WAIT: u32 = 2;

/// Rows that are asked for at once.
const PAGE: usize = 500;

/// More roles than these are not asked for.
const MOST_ROLES: usize = 10_000;

/// A key that tells all that is asked for.
#[derive(Clone)]
pub enum Key {
    /// The read-only master key, which is preferred.
    ReadOnly(Zeroizing<String>),
    /// The master key.
    Master(Zeroizing<String>),
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ReadOnly(_) => "ReadOnly",
            Self::Master(_) => "Master",
        })
    }
}

/// A Parse Server, the application on it, and the key to it.
#[derive(Debug, Clone)]
pub struct Server {
    url: String,
    app_id: String,
    key: Key,
    client: Client,
    patience: Duration,
    /// How many milliseconds it was waited for the server to have time.
    waited: Arc<AtomicU64>,
    probes: bool,
    pace: Pace,
    kept: Option<Arc<Kept>>,
}

/// Why an answer is missing.
enum Missing {
    /// The server is not there: nothing else needs to be asked.
    Everything(String),
    /// It refuses, or does not come to answer as a Parse Server; if it does so from the beginning, nothing else
    /// needs to be asked either.
    Refused(String),
    /// It has no time, or something in it is broken, each time that it is asked.
    Busy(String),
    /// This alone.
    This(String),
}

impl Missing {
    fn words(self) -> String {
        let (Self::Everything(words) | Self::Refused(words) | Self::Busy(words) | Self::This(words)) = self;
        words
    }
}

impl Server {
    /// The server at an address such as `https://api.example.com/parse`.
    ///
    /// # Errors
    ///
    /// It is no address of a server, or the key would travel without encryption.
    pub fn new(url: &str, app_id: &str, key: Key) -> Result<Self, String> {
        http::host(url, "keys", "https://api.example.com/parse")?;
        let url = url.trim_end_matches('/').to_owned();
        let client = Client::new(&url, LIMITS);
        let (patience, waited) = (LIMITS.patience, Arc::default());
        Ok(Self {
            url,
            app_id: app_id.to_owned(),
            key,
            client,
            patience,
            waited,
            probes: false,
            pace: Pace::default(),
            kept: None,
        })
    }

    /// The same server, which may take so long for an answer, and may let us wait so long before we ask again.
    pub fn patiently_asked(self, patience: Duration) -> Self {
        let client = Client::new(&self.url, Limits { patience, ..LIMITS });
        Self { client, patience, ..self }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same server, kept busy for at most so many percent of the time.
    pub fn pacing(self, percent: u8) -> Self {
        Self { pace: Pace::at_most(percent, http::CONNECTIONS), ..self }
    }

    /// The same server, of which some rows may have been counted before.
    pub fn keeping(self, kept: impl Into<Option<Arc<Kept>>>) -> Self {
        Self { kept: kept.into(), ..self }
    }

    /// The same server, which is also asked as anyone may ask it.
    pub fn probing(self) -> Self {
        Self { probes: true, ..self }
    }

    /// Everything that is asked for.
    ///
    /// With N roles N and about ten requests, one for each class, and some more where it has rows.
    pub fn read(&self) -> Answers {
        let mut answers = Answers::default();
        let mut classes = Vec::new();
        // Parse Server 7.5.4 and 9.10.0, `FeaturesRouter.js`, `SecurityRouter.js`: it answers only if the option is on.
        let mut checks_itself = false;
        let plain = [
            ("serverInfo", "serverInfo.json", "the server's version is not known"),
            ("schemas", "schemas.json", "classes and their permissions were not checked"),
            ("config", "config.json", "parameters of the app were not checked"),
            ("hooks/functions", "_Hooks.json", "webhooks were not checked"),
            ("hooks/triggers", "_Hooks.json", "webhooks were not checked"),
            ("cloud_code/jobs", "_JobSchedule.json", "scheduled jobs were not checked"),
        ];
        for (path, name, consequence) in plain {
            match self.ask_for(path) {
                Ok(mut answer) => {
                    match path {
                        "schemas" => {
                            let nonsense = without_nonsense(&mut answer);
                            if nonsense > 0 {
                                let message = format!("{nonsense} of its answers describe no class");
                                self.miss(&mut answers, path, &message, "they were not checked");
                            }
                            classes = counted_classes(&answer);
                        }
                        "serverInfo" => {
                            let check = answer.pointer("/features/settings/securityCheck");
                            checks_itself = check.and_then(Value::as_bool).unwrap_or_default();
                        }
                        _ => {}
                    }
                    answers.documents.extend(self.document(path, name, &answer));
                }
                Err(Missing::Refused(message) | Missing::Busy(message)) if !answers.documents.is_empty() => {
                    self.miss(&mut answers, path, &message, consequence);
                }
                Err(Missing::This(message)) => self.miss(&mut answers, path, &message, consequence),
                Err(missing @ (Missing::Everything(_) | Missing::Refused(_) | Missing::Busy(_))) => {
                    let is_first = answers.documents.is_empty() && answers.problems.is_empty();
                    let all = if is_first { "the running app" } else { "the rest of the running app" };
                    let ails = if matches!(missing, Missing::Busy(_)) { self.ails() } else { "" };
                    let message = missing.words() + ails;
                    self.miss(&mut answers, path, &message, &format!("{all} was not checked"));
                    return answers;
                }
            }
        }
        self.graphql(&mut answers);
        if checks_itself {
            match self.ask_for("security") {
                Ok(answer) => answers.documents.extend(self.document("security", "security.json", &answer)),
                Err(missing) => {
                    self.miss(&mut answers, "security", &missing.words(), "the server's own checks are not told");
                }
            }
        }
        match self.roles(&mut answers) {
            Ok(roles) => self.count_rows(&mut answers, &classes, &roles),
            Err(missing) => {
                self.miss(&mut answers, "roles", &missing.words(), "roles were not checked, and rows were not counted");
            }
        }
        if self.probes {
            classes.extend(["_Role".to_owned()]);
            let (probed, gap) = self.probed(&classes);
            answers.documents.extend(self.document("as-anyone", "probe.json", &probed));
            if let Some(why) = gap {
                self.miss(&mut answers, "as-anyone", &why, "what it lets anyone do was not tried to the end");
            }
        }
        answers
    }

    fn miss(&self, answers: &mut Answers, path: &str, message: &str, consequence: &str) {
        let path = path.split('?').next().unwrap_or_default();
        answers.problems.push(Problem::new(format!("{}/{path}", self.url), message, consequence));
    }

    fn document(&self, path: &str, name: &str, answer: &Value) -> Option<Document> {
        let text = Arc::new(Zeroizing::new(serde_json::to_vec_pretty(answer).ok()?));
        Some(Document { url: format!("{}/{path}", self.url), name: name.to_owned(), body: Body::Text(text) })
    }

    /// All roles, and which lies in which; their names.
    fn roles(&self, answers: &mut Answers) -> Result<BTreeSet<RoleName>, Missing> {
        let mut roles: Vec<Value> = Vec::new();
        loop {
            let page = self.rows(&format!("roles?order=objectId&limit={PAGE}&skip={}", roles.len()))?;
            let is_last = page.len() < PAGE;
            roles.extend(page);
            if is_last {
                break;
            }
            if roles.len() >= MOST_ROLES {
                return Err(Missing::This(format!("there are more than {MOST_ROLES} roles")));
            }
        }
        let ids: Vec<&str> = roles.iter().filter_map(|role| role.get("objectId")?.as_str()).collect();
        let inner_roles = together(&ids, |id| {
            let of = json!({ "$relatedTo": { "object": { "__type": "Pointer", "className": "_Role", "objectId": id }, "key": "roles" } });
            let wanted = utf8_percent_encode(&of.to_string(), NON_ALPHANUMERIC).to_string();
            self.rows(&format!("roles?keys=name&limit={PAGE}&where={wanted}"))
        });
        let mut nested = Vec::new();
        for (id, inner_roles) in ids.iter().zip(inner_roles) {
            for inner in inner_roles.transpose()?.unwrap_or_default() {
                nested.push(json!({ "owningId": id, "relatedId": inner.get("objectId") }));
            }
        }
        let names = roles.iter().filter_map(|role| role.get("name")?.as_str().map(RoleName::from)).collect();
        let of_roles = json!({ "results": roles });
        answers.documents.extend(self.document("roles", "_Role.json", &of_roles));
        let of_nested = json!({ "results": nested });
        answers.documents.extend(self.document("roles/in-roles", "_Join:roles:_Role.json", &of_nested));
        Ok(names)
    }

    fn rows(&self, path: &str) -> Result<Vec<Value>, Missing> {
        match self.ask(path)? {
            Value::Object(mut answer) => match answer.remove("results") {
                Some(Value::Array(rows)) => Ok(rows),
                _ => Err(Missing::This("it answers without results".to_owned())),
            },
            _ => Err(Missing::This("it answers without results".to_owned())),
        }
    }

    /// Asks for something that has a form.
    fn ask_for(&self, path: &str) -> Result<Value, Missing> {
        formed(path, &self.ask_plainly(path)?)
    }

    /// Asks once, and again if the server has no time.
    fn ask(&self, path: &str) -> Result<Value, Missing> {
        understood(&self.ask_plainly(path)?)
    }

    /// What it answers, whatever that is.
    fn ask_plainly(&self, path: &str) -> Result<Answer, Missing> {
        let url = format!("{}/{path}", self.url);
        let (Key::ReadOnly(key) | Key::Master(key)) = &self.key;
        let headers = [("X-Parse-Application-Id", self.app_id.as_str()), ("X-Parse-Master-Key", key.as_str())];
        self.patiently(&url, &headers)
    }

    /// Asks until the server has time.
    fn patiently(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, Missing> {
        let mut pauses = PAUSES.iter();
        loop {
            let (message, again_in) = match self.send(url, headers) {
                Ok(Answer { status: status @ (429 | 500..=599), again_in, .. }) => {
                    (format!("it answers with HTTP {status}"), again_in.map(Duration::from_secs))
                }
                Ok(answer) => return Ok(answer),
                Err(why @ Failure::BrokenOff) => (why.to_string(), None),
                Err(why @ Failure::TooLong(_)) => return Err(Missing::This(why.to_string())),
                Err(why @ (Failure::Late | Failure::Nobody(_))) => return Err(Missing::Everything(why.to_string())),
            };
            if let Some(pause) = again_in.filter(|pause| *pause > self.patience) {
                let seconds = pause.as_secs();
                return Err(Missing::Busy(format!("{message} and wants to be asked again in {seconds} s")));
            }
            let Some(part) = pauses.next() else { return Err(Missing::Busy(message)) };
            let pause = again_in.unwrap_or(self.patience / *part);
            let waited = self.waited.fetch_add(millis(pause), Ordering::Relaxed);
            if waited > millis(self.patience * LONGEST_WAIT) {
                return Err(Missing::Busy(message));
            }
            thread::sleep(pause);
        }
    }

    /// Asks once. Whatever this server is asked goes through here.
    fn send(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, Failure> {
        let mut since = Instant::now();
        let answer = self.client.get(url, headers);
        self.pace.rest(&mut since);
        answer
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// A server that answers each request with the next of these, and tells what it was asked.
    fn answering(answers: Vec<String>) -> (String, thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/parse", listener.local_addr().unwrap());
        let serve = thread::spawn(move || {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut client, _) = listener.accept().unwrap();
                let mut request = vec![0; 4096];
                let length = client.read(&mut request).unwrap();
                asked.push(String::from_utf8_lossy(&request[..length]).lines().next().unwrap_or_default().to_owned());
                client.write_all(answer.as_bytes()).unwrap();
            }
            asked
        });
        (url, serve)
    }

    fn http(status: &str, body: &str) -> String {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
    }

    fn read(url: &str) -> Answers {
        let key = Key::ReadOnly(Zeroizing::new("tulip lantern seven".to_owned()));
        Server::new(url, "shop", key).unwrap().read()
    }

    #[test]
    fn a_server_that_refuses_is_asked_no_more() {
        for (answer, message) in [
            (http("403 Forbidden", "{\"error\":\"unauthorized\"}"), "it refuses the application id"),
            (http("200 OK", "<html>"), "it answers, but not as a Parse Server"),
            (http("302 Found", ""), "it sends on to somewhere else (HTTP 302)"),
        ] {
            let (url, serve) = answering(vec![answer]);
            let answers = read(&url);
            assert_eq!(serve.join().unwrap(), ["GET /parse/serverInfo HTTP/1.1"]);
            let [problem] = answers.problems.as_slice() else { panic!("one problem, not {:?}", answers.problems) };
            assert!(problem.message.starts_with(message), "{}", problem.message);
            assert!(answers.documents.is_empty() && problem.consequence == "the running app was not checked");
        }
    }

    #[test]
    fn a_server_that_has_no_time_is_asked_again_and_what_it_does_not_say_is_told() {
        let (rows, list) = (http("200 OK", "{\"results\":[]}"), http("200 OK", "[]"));
        let (info, none) = (http("200 OK", "{\"parseServerVersion\":\"9.10.0\"}"), http("404 Not Found", "{}"));
        let busy = http("429 Too Many Requests", "");
        let refused = http("403 Forbidden", "{\"error\":\"unauthorized\"}");
        let (url, serve) =
            answering(vec![busy, info, rows.clone(), none.clone(), refused, list.clone(), list, none, rows]);
        let answers = read(&url);
        assert_eq!(serve.join().unwrap().len(), 9);
        let [problem, hooks] = answers.problems.as_slice() else { panic!("two problems, not {:?}", answers.problems) };
        assert_eq!(hooks.consequence, "webhooks were not checked");
        assert_eq!(
            (problem.path.rsplit('/').next(), problem.message.as_str()),
            (Some("config"), "it answers with HTTP 404")
        );
        assert_eq!(answers.documents.len(), 6);
        assert!(!format!("{answers:?}").contains("results"));
    }

    #[test]
    fn nobody_there_is_told_once() {
        let answers = read("http://127.0.0.1:9/parse");
        assert_eq!((answers.problems.len(), answers.documents.len()), (1, 0));
        assert!(!format!("{:?}", answers.problems).contains("tulip"));
    }
}
