//! Looks for keys in every text of the folder, whatever else it says.
//!
//! A file is read into a buffer that is wiped, and of its text only a copy is kept in
//! which the keys are blanked, so that no report can show one.

use std::io::{self, Read};
use std::sync::{Arc, mpsc};

use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::model::place::{Content, Show, SourceFile, Text, Texts};
use crate::model::spans::Syntax;
use crate::model::{FileId, Place, SecretHit, Span, Standing};
use crate::problem::Problem;
use crate::secrets::{Hit, Scanner, encoding};

use super::file;
use super::source::Bytes;

/// Longer files are searched piece by piece, and findings name the file alone.
pub const WHOLE: u64 = 8 << 20;

/// Bytes of a long file that are looked at once.
const PIECE: usize = 4 << 20;

/// Files that one thread searches before it asks for more, and how many such parts may wait.
const AT_ONCE: usize = 64;
const QUEUED: usize = 64;

/// Bytes that two pieces share: more than any match is long, twice.
const SHARED: usize = 64 << 10;

/// A file to be searched.
#[derive(Debug, Clone)]
pub struct Searched {
    /// Its number.
    pub file: FileId,
    /// Path from the audited folder, with `/`.
    pub path: String,
    /// The bytes.
    pub bytes: Bytes,
    /// Length in bytes.
    pub size: u64,
}

/// What was found in one file.
#[derive(Default)]
pub struct Outcome {
    hits: Vec<Hit>,
    text: Option<Text>,
    problem: Option<Problem>,
}

/// Files that say something about keys, in order.
pub type Outcomes = Vec<(FileId, String, Outcome)>;

/// Searches all files.
pub fn search(scanner: &Scanner, files: &[Searched]) -> Outcomes {
    files.par_iter().filter_map(|file| outcome(scanner, file)).collect()
}

/// Searches files while they are found, so that no more than a few are known at once. `find` hands
/// them on in the order of their numbers.
pub fn search_while(scanner: &Scanner, find: impl FnOnce(&mut dyn FnMut(Searched)) + Send) -> Outcomes {
    let (send, receive) = mpsc::sync_channel(QUEUED);
    let find = move || {
        // If nobody is there to receive them, the search has panicked, and says so itself.
        let hand_on = |files: &mut Vec<Searched>| drop(send.send(std::mem::take(files)));
        let mut few = Vec::new();
        find(&mut |file| {
            few.push(file);
            if few.len() == AT_ONCE {
                hand_on(&mut few);
            }
        });
        hand_on(&mut few);
    };
    std::thread::scope(|scope| {
        scope.spawn(find);
        let few = receive.into_iter().par_bridge();
        let searched = few.map(|files| files.iter().filter_map(|file| outcome(scanner, file)).collect::<Vec<_>>());
        let mut outcomes: Outcomes = searched.flatten_iter().collect();
        outcomes.sort_by_key(|(file, _, _)| *file);
        outcomes
    })
}

/// What is found in a file, if it is worth keeping: nearly no file has a key, and there may be millions.
fn outcome(scanner: &Scanner, file: &Searched) -> Option<(FileId, String, Outcome)> {
    let outcome = search_file(scanner, file);
    outcome.is_worth_keeping().then(|| (file.file, file.path.clone(), outcome))
}

/// Puts what was found into the texts, with every key blanked.
pub fn take_all(outcomes: Outcomes, texts: &mut Texts, problems: &mut Vec<Problem>) -> Vec<SecretHit> {
    let mut found = Vec::new();
    for (file, path, mut outcome) in outcomes {
        problems.extend(outcome.problem.take());
        take(texts, file, &path, outcome, &mut found);
    }
    found
}

/// Puts what was found in a file into the texts, with every key blanked.
pub fn take(texts: &mut Texts, file: FileId, path: &str, outcome: Outcome, found: &mut Vec<SecretHit>) {
    let Outcome { hits, text, .. } = outcome;
    if hits.is_empty() {
        return;
    }
    let has_spans = keep(texts, file, path, &hits, text);
    for hit in hits {
        let at = match has_spans.then(|| span(texts, file, &hit)).flatten() {
            Some(span) => Place::Text { file, span },
            None => Place::File { file },
        };
        found.push(told(hit, at));
    }
}

/// What is told of a key that was found at a place.
pub fn told(hit: Hit, at: Place) -> SecretHit {
    let Hit { rule, digest, length, ends, written, .. } = hit;
    SecretHit { rule, at, digest, length, ends, written, standing: Standing::Untold }
}

impl Outcome {
    /// Whether something was found, or went wrong.
    pub fn is_worth_keeping(&self) -> bool {
        !self.hits.is_empty() || self.problem.is_some()
    }
}

fn search_file(scanner: &Scanner, file: &Searched) -> Outcome {
    let outcome = if file.size > WHOLE {
        file.bytes.open_raw(|bytes| in_pieces(scanner, &file.path, bytes)).flatten()
    } else {
        file.bytes.raw(file.size).map(|bytes| in_bytes(scanner, &file.path, bytes))
    };
    outcome.unwrap_or_else(|error| Outcome {
        problem: Some(Problem::new(&file.path, file::words(&error), "it was not searched for keys")),
        ..Outcome::default()
    })
}

/// Searches what a file holds.
pub fn in_bytes(scanner: &Scanner, path: &str, bytes: Zeroizing<Vec<u8>>) -> Outcome {
    if let Some(hit) = scanner.in_file(path, &bytes) {
        return Outcome { hits: vec![hit], ..Outcome::default() };
    }
    let Some(decoded) = encoding::decode(bytes) else { return Outcome::default() };
    let hits = scanner.in_text(path, decoded.text.as_bytes());
    let text = (!hits.is_empty()).then(|| {
        let mut text = Text::new(decoded.text.as_bytes(), Show::NoValues, Syntax::Plain);
        text.had_bom = decoded.had_bom;
        text.blank(hits.iter().map(|hit| hit.span.clone()));
        text
    });
    Outcome { hits, text, problem: None }
}

/// Searches a long file piece by piece. Its text is not kept, and a key is told once.
///
/// # Errors
///
/// It cannot be read to its end.
pub fn in_pieces(scanner: &Scanner, path: &str, bytes: &mut dyn Read) -> io::Result<Outcome> {
    let mut piece = Zeroizing::new(Vec::with_capacity(PIECE + SHARED));
    let mut hits: Vec<Hit> = Vec::new();
    let (mut first, mut is_wide) = (true, false);
    loop {
        let read = (&mut *bytes).take(PIECE as u64).read_to_end(&mut piece)?;
        if first {
            is_wide = piece.starts_with(&[0xff, 0xfe]) || piece.starts_with(&[0xfe, 0xff]);
            if !is_wide && !encoding::is_text(&piece) {
                break;
            }
        }
        if is_wide {
            // Good enough for keys, which are ASCII.
            piece.retain(|byte| *byte != 0);
        }
        let last = read < PIECE;
        for hit in scanner.in_text(path, &piece) {
            // What begins in the first half of the shared bytes, the piece before has seen whole.
            let was_seen = !first && hit.span.start < SHARED / 2;
            let is_cut = !last && hit.span.end == piece.len();
            let is_known = hits.iter().any(|known| (&known.rule, &known.digest) == (&hit.rule, &hit.digest));
            if !was_seen && !is_cut && !is_known {
                hits.push(hit);
            }
        }
        if last {
            break;
        }
        first = false;
        let keep_from = piece.len().saturating_sub(SHARED);
        piece.drain(..keep_from);
    }
    Ok(Outcome { hits, ..Outcome::default() })
}

/// Keeps the text of a file with keys, or blanks them in the one that is kept already.
/// Whether spans of hits mean something in it.
fn keep(texts: &mut Texts, file: FileId, path: &str, hits: &[Hit], text: Option<Text>) -> bool {
    match (texts.get_mut(file).map(|source| &mut source.content), text) {
        (Some(Content::Text(kept)), Some(text)) if kept.text.len() == text.text.len() => {
            kept.blank(hits.iter().map(|hit| hit.span.clone()));
            true
        }
        (Some(Content::Text(kept)), _) => {
            // It was decoded in another way, so that nothing is known about where its keys stand.
            kept.show = Show::Nothing;
            false
        }
        (Some(Content::Head(_)), _) => false,
        (None, Some(text)) => {
            let content = Content::Text(text);
            texts.insert(file, SourceFile { path: path.to_owned(), content });
            true
        }
        (None, None) => {
            let content = Content::Head(Vec::new());
            texts.insert(file, SourceFile { path: path.to_owned(), content });
            false
        }
    }
}

fn span(texts: &Texts, file: FileId, hit: &Hit) -> Option<Span> {
    let Content::Text(text) = &texts.get(file)?.content else { return None };
    (!hit.span.is_empty()).then(|| Span::new(&text.text, hit.span.start, hit.span.end))
}

/// Files in memory: the cases of rules.
pub fn in_memory(path: &str, text: &[u8], file: FileId) -> Searched {
    Searched { file, path: path.to_owned(), bytes: Bytes::Memory(Arc::from(text)), size: text.len() as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::file::parse_unproven;
    use crate::secrets::redact::Salt;

    fn scanner() -> Scanner {
        let text = include_str!("../../rules/secrets/secret-parse-master-key.md");
        let rule = parse_unproven("rules/secrets/secret-parse-master-key.md", text).expect("a rule");
        Scanner::new(&[rule], Salt::default()).expect("a scanner")
    }

    #[test]
    fn the_text_that_is_kept_does_not_hold_the_key() {
        let files = [in_memory("a.js", b"masterKey: 'Cedar#77310',", FileId(0))];
        let mut texts = Texts::default();
        let hits = take_all(search(&scanner(), &files), &mut texts, &mut Vec::new());
        assert_eq!(hits.len(), 1);
        let Some(Content::Text(text)) = texts.get(FileId(0)).map(|source| &source.content) else { panic!("no text") };
        assert_eq!(text.text, "masterKey: '***********',");
    }

    #[test]
    fn files_that_are_found_meanwhile_are_searched_in_their_order() {
        let text = |number: u32| if number.is_multiple_of(5) { "masterKey: 'Cedar#77310'," } else { "nothing" };
        let file = |number: u32| in_memory("a.js", text(number).as_bytes(), FileId(number));
        let scanner = scanner();
        let count = 3 * AT_ONCE as u32 + 1;
        let found = search_while(&scanner, |search| (0..count).for_each(|number| search(file(number))));
        let files: Vec<Searched> = (0..count).map(file).collect();
        let numbers = |outcomes: Outcomes| outcomes.into_iter().map(|(file, _, _)| file.0).collect::<Vec<_>>();
        assert_eq!(numbers(found), (0..count).step_by(5).collect::<Vec<_>>());
        assert_eq!(numbers(search(&scanner, &files)), (0..count).step_by(5).collect::<Vec<_>>());
    }

    #[test]
    fn a_key_in_a_long_file_is_found_once_wherever_it_stands() {
        for at in [0, PIECE - 30, PIECE - 5, PIECE + 10, 2 * PIECE - SHARED] {
            let mut text = vec![b'\n'; 3 * PIECE];
            let key = b"masterKey: 'Cedar#77310',";
            text.splice(at..at + key.len(), key.iter().copied());
            let files = [in_memory("a.js", &text, FileId(0))];
            let hits = take_all(search(&scanner(), &files), &mut Texts::default(), &mut Vec::new());
            assert_eq!(hits.len(), 1, "{at}");
            assert_eq!(hits[0].at, Place::File { file: FileId(0) });
        }
    }
}
