//! Asks a server whether it still takes the keys that were found, for `--verify` alone.
//!
//! A key goes to the server that the user names and to no other: redirections are not
//! followed, and without encryption only this machine is asked. All requests are reads of
//! `/serverInfo`, one for each key, after one without a key that shows how the server refuses.

use std::collections::BTreeMap;

use crate::model::secret::{Acceptance, Verified};
use crate::problem::Problem;
use crate::secrets::Scanner;

mod http;

use http::Answer;
pub use http::Server;

/// More keys than this are not asked about: a server should not take it for an attack.
const MOST: usize = 20;

/// Which of the server's keys that a scanner came upon a server takes, and what could not be told.
pub fn verify(server: &Server, scanner: &Scanner) -> (Verified, Vec<Problem>) {
    let mut verified = Verified { host: server.host().to_owned(), keys: BTreeMap::new() };
    let mut problems = Vec::new();
    let mut problem = |message: String| problems.push(Problem::new(server.host(), message, "keys were not verified"));
    let keys = scanner.kept();
    if keys.is_empty() {
        return (verified, problems);
    }
    let refusal = match server.ask(None) {
        Ok(Answer::Refused(words)) => words,
        Ok(Answer::Granted) => {
            problem("it gives `/serverInfo` without a key, or is no Parse Server".to_owned());
            return (verified, problems);
        }
        Err(message) => {
            problem(message);
            return (verified, problems);
        }
    };
    if keys.len() > MOST {
        problem(format!("only {MOST} of {} keys were asked about", keys.len()));
    }
    for (digest, key) in keys.iter().take(MOST) {
        match server.ask(Some(key)).map(|answer| judge(&answer, &refusal)) {
            Ok(Some(acceptance)) => drop(verified.keys.insert(digest.clone(), acceptance)),
            Ok(None) => problem("it does not know this application id, or asks for a key of clients first".to_owned()),
            Err(message) => problem(message),
        }
    }
    problems.dedup();
    (verified, problems)
}

/// What an answer says of a key, where `without` is how the server refuses who has none; `None` if that is not told.
///
/// Of a key that it knows and that comes from an address outside of `masterKeyIps` Parse Server says just
/// "unauthorized" (since 6.0), and of any other what it says of none. It says just "unauthorized" to all who
/// name no application that it knows. Source: `middlewares.js`, `handleParseHeaders`.
fn judge(answer: &Answer, without: &str) -> Option<Acceptance> {
    const NOT_FROM_HERE: &str = "unauthorized";
    match answer {
        Answer::Granted => Some(Acceptance::Accepted),
        Answer::Refused(_) if without == NOT_FROM_HERE => None,
        Answer::Refused(words) if words == NOT_FROM_HERE => Some(Acceptance::NotFromHere),
        Answer::Refused(_) => Some(Acceptance::Refused),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_refusal_tell_why() {
        let refused = |words: &str| Answer::Refused(words.to_owned());
        let without = "unauthorized: master key is required";
        assert_eq!(judge(&Answer::Granted, without), Some(Acceptance::Accepted));
        assert_eq!(judge(&refused(without), without), Some(Acceptance::Refused));
        assert_eq!(judge(&refused("unauthorized"), without), Some(Acceptance::NotFromHere));
        assert_eq!(judge(&refused("unauthorized"), "unauthorized"), None);
    }
}
