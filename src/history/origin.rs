//! Which commit brought lines of a file as they are. Goes back through the versions of the file, from the working
//! tree on, for as long as the lines stand in them as they are; of a merge along the parent that has them.
//!
//! What cannot be told is not told: where a clone ends, an object is missing, or there is too much to look at.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::git::{self, Id, Past};

/// Versions of a file that are longer are not looked into.
const LONGEST: usize = 8 << 20;

/// So many bytes of versions are looked into for all answers.
const MOST_BYTES: usize = 512 << 20;

/// Two versions whose differing parts have more pairs of lines are not compared line by line.
const MOST_PAIRS: usize = 1 << 20;

/// Which commits brought lines of files.
pub struct Origins {
    folder: PathBuf,
    most: usize,
    bytes_left: usize,
    repositories: BTreeMap<PathBuf, Option<Repository>>,
}

/// A repository, and what is known of versions of its files.
struct Repository {
    past: Past,
    head: Id,
    versions: HashMap<String, HashMap<Id, Option<Version>>>,
}

/// A file in a commit.
#[derive(Clone)]
struct Version {
    parents: Vec<Id>,
    contents: Option<Id>,
}

/// Where lines stand in an older version.
#[derive(Debug, PartialEq, Eq)]
enum Carried {
    /// There.
    At(Range<usize>),
    /// Nowhere: they are new, or were others.
    No,
    /// It cannot be told.
    Unknown,
}

impl Origins {
    /// Origins of files of a folder, or of a file, each looked for in so many commits.
    pub fn new(folder: &Path, most: usize) -> Self {
        Self { folder: folder.to_owned(), most, bytes_left: MOST_BYTES, repositories: BTreeMap::new() }
    }

    /// The commit that brought the lines that hold some bytes of a file, and all that is opened on them, in seven hex
    /// digits, or that none did; `None` if that cannot be told. Without bytes it is about the whole file.
    pub fn of(&mut self, file: &str, bytes: Option<Range<usize>>) -> Option<String> {
        let file = if self.folder.is_file() { self.folder.clone() } else { self.folder.join(file) };
        let file = file.canonicalize().ok().filter(|file| file.is_file())?;
        if fs::metadata(&file).ok()?.len() > LONGEST as u64 {
            return None;
        }
        let (root, path) = git::root_of(&file)?;
        let text = text_of(&fs::read(&file).ok()?);
        let lines: Vec<&str> = text.lines().collect();
        let block = bytes.map_or(0..lines.len(), |bytes| block(&text, &lines, &bytes));
        let repository = self.repositories.entry(root.clone()).or_insert_with(|| {
            let (past, head) = Past::open(&root)?;
            Some(Repository { past, head, versions: HashMap::new() })
        });
        repository.as_mut()?.origin(&path, (&lines, block), self.most, &mut self.bytes_left)
    }
}

impl Repository {
    fn origin(
        &mut self,
        path: &str,
        (lines, block): (&[&str], Range<usize>),
        most: usize,
        bytes_left: &mut usize,
    ) -> Option<String> {
        let (mut block, mut now) = (block, lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
        let mut at: Option<(Id, Option<Id>)> = None;
        let mut before = vec![self.head];
        for _ in 0..most {
            let mut next = None;
            let mut is_known = true;
            for commit in before {
                let Some(version) = self.version(commit, path) else {
                    is_known = false;
                    continue;
                };
                if at.is_some_and(|(_, contents)| contents == version.contents) {
                    next = Some((commit, version, None));
                    break;
                }
                // A file that is new has none of its lines from before.
                let Some(id) = version.contents else { continue };
                let Some(older) = self.past.contents(id, LONGEST.min(*bytes_left)) else {
                    is_known = false;
                    continue;
                };
                *bytes_left = bytes_left.saturating_sub(older.len());
                let older = owned_lines(&older);
                match carried(&now, &block, &older) {
                    Carried::At(there) => {
                        next = Some((commit, version, Some((older, there))));
                        break;
                    }
                    Carried::No => {}
                    Carried::Unknown => is_known = false,
                }
            }
            let Some((commit, version, moved)) = next else {
                let told =
                    || at.map_or_else(|| "not committed".to_owned(), |(id, _)| id.to_hex_with_len(7).to_string());
                return is_known.then(told);
            };
            if let Some((older, there)) = moved {
                (now, block) = (older, there);
            }
            at = Some((commit, version.contents));
            before = version.parents;
        }
        None
    }

    fn version(&mut self, commit: Id, path: &str) -> Option<Version> {
        let known = self.versions.entry(path.to_owned()).or_default();
        let look = || self.past.version(commit, path).map(|(parents, contents)| Version { parents, contents });
        known.entry(commit).or_insert_with(look).clone()
    }
}

/// A text without a byte order mark, as places count its bytes.
fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)).into_owned()
}

fn owned_lines(bytes: &[u8]) -> Vec<String> {
    text_of(bytes).lines().map(str::to_owned).collect()
}

/// The lines that hold some bytes, from 0, with those on which brackets are closed that are opened there, or in YAML
/// with those that belong to a name.
fn block(text: &str, lines: &[&str], bytes: &Range<usize>) -> Range<usize> {
    let line_of = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    let start = line_of(bytes.start).min(lines.len());
    let mut end = (line_of(bytes.end.saturating_sub(1).max(bytes.start)) + 1).min(lines.len());
    let first = text.get(bytes.start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let mut open = if end == start + 1 { still_open(first, 0) } else { 0 };
    if open == 0 && first.trim_end().ends_with([':', '|', '>']) {
        let depth = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
        let own = lines.get(start).map_or(0, |line| depth(line));
        let belongs = |line: &&str| line.trim().is_empty() || depth(line) > own;
        end += lines.iter().skip(end).take_while(|line| belongs(line)).count();
    }
    while open > 0 && end < lines.len() {
        open = lines.get(end).map_or(0, |line| still_open(line, open));
        end += 1;
    }
    start..end
}

/// How many brackets are open behind a line, outside of texts in quotes; 0 once what began is over.
fn still_open(line: &str, mut open: usize) -> usize {
    let (mut quote, mut is_escaped) = (None, false);
    for byte in line.bytes() {
        match (quote, byte) {
            _ if is_escaped => is_escaped = false,
            (Some(_), b'\\') => is_escaped = true,
            (Some(end), byte) if byte == end => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'' | b'`') => quote = Some(byte),
            (None, b'{' | b'[' | b'(') => open += 1,
            (None, b'}' | b']' | b')') if open <= 1 => return 0,
            (None, b'}' | b']' | b')') => open -= 1,
            (None, b',') if open == 0 => return 0,
            (None, _) => {}
        }
    }
    open
}

/// Where a block of lines stands in an older version, all of it and in one piece.
fn carried(newer: &[String], block: &Range<usize>, older: &[String]) -> Carried {
    if block.is_empty() {
        return Carried::Unknown;
    }
    let same = newer.iter().zip(older).take_while(|(now, before)| now == before).count();
    if block.end <= same {
        return Carried::At(block.clone());
    }
    let rests = newer.iter().skip(same).rev().zip(older.iter().skip(same).rev());
    let same_end = rests.take_while(|(now, before)| now == before).count();
    let moved = |at: usize| (at + older.len()).checked_sub(newer.len());
    if block.start >= newer.len() - same_end
        && let (Some(start), Some(end)) = (moved(block.start), moved(block.end))
    {
        return Carried::At(start..end);
    }
    let Some(wanted) = newer.get(block.clone()) else { return Carried::Unknown };
    let stands_at = |lines: &[String]| -> Vec<usize> {
        let places = lines.windows(wanted.len()).enumerate().filter(|(_, some)| *some == wanted);
        places.map(|(at, _)| at).take(2).collect()
    };
    match (stands_at(older).as_slice(), stands_at(newer).as_slice()) {
        ([], _) => return Carried::No,
        ([at], [_]) => return Carried::At(*at..at + wanted.len()),
        _ => {}
    }
    // The same lines stand in several places: which of them these were, the lines around them tell.
    let (now, before) = (newer.len() - same - same_end, older.len() - same - same_end);
    if now.saturating_mul(before) > MOST_PAIRS {
        return Carried::Unknown;
    }
    let middle =
        |lines: &[String], count: usize| -> Vec<String> { lines.iter().skip(same).take(count).cloned().collect() };
    let pairs = pairs(&middle(newer, now), &middle(older, before));
    let there = |at: usize| match at {
        _ if at < same => Some(at),
        _ if at >= newer.len() - same_end => moved(at),
        _ => pairs.get(&(at - same)).map(|at| at + same),
    };
    let Some(start) = there(block.start) else { return Carried::No };
    let in_one_piece = block.clone().zip(start..).all(|(at, expected)| there(at) == Some(expected));
    if in_one_piece { Carried::At(start..start + wanted.len()) } else { Carried::No }
}

/// The lines that two texts have in common, in order, as many as there can be: by number, those of the other.
fn pairs(newer: &[String], older: &[String]) -> BTreeMap<usize, usize> {
    // How many lines the rests have in common, by where these begin.
    let mut common: Vec<Vec<u32>> = vec![vec![0; older.len() + 1]];
    for line in newer.iter().rev() {
        let mut row = vec![0];
        for (number, other) in older.iter().enumerate().rev() {
            let after = |at: usize| common.last().and_then(|row| row.get(at)).copied().unwrap_or(0);
            let best =
                if line == other { after(number + 1) + 1 } else { after(number).max(row.last().copied().unwrap_or(0)) };
            row.push(best);
        }
        row.reverse();
        common.push(row);
    }
    common.reverse();
    let count = |at: usize, other: usize| common.get(at).and_then(|row| row.get(other)).copied().unwrap_or(0);
    let (mut at, mut other, mut found) = (0, 0, BTreeMap::new());
    while let (Some(line), Some(before)) = (newer.get(at), older.get(other)) {
        if line == before {
            found.insert(at, other);
            (at, other) = (at + 1, other + 1);
        } else if count(at + 1, other) >= count(at, other + 1) {
            at += 1;
        } else {
            other += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    /// Where a line of one text stands in an older one, both written with a word for each line.
    fn moved(newer: &str, at: usize, older: &str) -> Carried {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        carried(&words(newer), &(at..at + 1), &words(older))
    }

    #[test]
    fn a_line_is_followed_where_others_come_and_go() {
        assert_eq!(moved("a b c", 0, "a c"), Carried::At(0..1));
        assert_eq!(moved("a b c", 2, "a c"), Carried::At(1..2));
        assert_eq!(moved("a b c", 1, "a c"), Carried::No);
        assert_eq!(moved("new a other b", 1, "a b"), Carried::At(0..1));
    }

    #[test]
    fn of_lines_that_are_the_same_those_around_them_tell_which_it_was() {
        // A class with the same line came in front of the one that was there.
        assert_eq!(moved("A find B find C", 3, "B find"), Carried::At(1..2));
        assert_eq!(moved("A find B find C", 1, "B find"), Carried::No);
        assert_eq!(moved("B find x", 1, "A find B find y"), Carried::At(3..4));
    }

    #[test]
    fn lines_are_the_same_only_all_together() {
        let (newer, older) = (lines("a\nb\nc\n"), lines("a\nx\nb\nc\n"));
        assert_eq!(carried(&newer, &(1..3), &older), Carried::At(2..4));
        assert_eq!(carried(&newer, &(0..2), &older), Carried::No);
        assert_eq!(carried(&newer, &(0..0), &lines("y\n")), Carried::Unknown);
    }

    #[test]
    fn what_is_too_much_to_compare_is_unknown() {
        let many = |first: &str| -> Vec<String> {
            [first.to_owned()].into_iter().chain((0..2000).map(|number| format!("{first}{number} same"))).collect()
        };
        let mut newer = many("a");
        let mut older = many("b");
        newer.extend(lines("same\nsame\nend a"));
        older.extend(lines("same\nsame\nend b"));
        assert_eq!(carried(&newer, &(2001..2002), &older), Carried::Unknown);
    }

    #[test]
    fn an_entry_ends_where_its_brackets_do() {
        let of = |text: &str, entry: &str| {
            let at = text.find(entry).expect("it is there");
            block(text, &text.lines().collect::<Vec<_>>(), &(at..at + entry.len()))
        };
        let json = "{ \"a\": {\n  \"b\": { \"x]\": [\n 1 ] },\n  \"c\": 1, \"d\": {\n }\n} }\n";
        assert_eq!(of(json, "\"a\""), 0..6);
        assert_eq!(of(json, "\"b\""), 1..3);
        assert_eq!(of(json, "\"c\": 1"), 3..4);
        assert_eq!(of(json, "\"d\""), 3..5);
        assert_eq!(of("{ \"a\": [", "\"a\""), 0..1, "what never ends goes to the end");
        let yaml = "a:\n  b:\n    - x\n  c: 1\nd: 2\n";
        assert_eq!((of(yaml, "a"), of(yaml, "b"), of(yaml, "c: 1")), (0..4, 1..3, 3..4));
        assert_eq!(block("", &[], &(0..0)), 0..0);
        assert_eq!(block("a", &["a"], &(9..12)), 0..1);
    }
}
