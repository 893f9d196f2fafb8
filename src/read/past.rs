//! Keys in the history of the repository, put to those of its files.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::history::{History, Range, Search};
use crate::model::place::{Content, SourceFile, Texts};
use crate::model::snapshot::Gap;
use crate::model::{Committed, FileId, Place, SecretHit, Standing};
use crate::problem::Problem;
use crate::secrets::Scanner;

/// The history to look for keys in.
#[derive(Debug, Clone)]
pub struct Past {
    /// The repository.
    pub history: Arc<History>,
    /// Which of its commits.
    pub range: Range,
}

/// Files that are no more have numbers from here on.
const NO_MORE: u32 = 1 << 30;

/// Looks for keys in the history.
pub fn search(
    past: &Past,
    scanner: &Scanner,
    texts: &mut Texts,
    problems: &mut Vec<Problem>,
) -> (Vec<SecretHit>, Vec<Gap>) {
    let report = match past.history.search(scanner, &past.range, Search::default()) {
        Ok(report) => report,
        Err(error) => {
            problems.push(Problem::new(".git", error, "keys in the history were not looked for"));
            return Default::default();
        }
    };
    problems.extend(report.problems);
    let mut files: BTreeMap<String, FileId> = texts.iter().map(|(file, source)| (source.path.clone(), file)).collect();
    let mut next = NO_MORE;
    let mut hits = Vec::new();
    for key in report.keys {
        for version in key.versions {
            let file = *files.entry(version.path).or_insert_with_key(|path| {
                let file = FileId(next);
                next = next.saturating_add(1);
                texts.insert(file, SourceFile { path: path.clone(), content: Content::Head(Vec::new()) });
                file
            });
            hits.push(SecretHit {
                rule: key.rule.clone(),
                at: Place::File { file },
                digest: key.digest.clone(),
                length: key.length,
                ends: key.ends.clone(),
                written: key.written,
                standing: Standing::Committed(Committed {
                    commit: version.commit,
                    day: version.day,
                    first: (key.first.commit.clone(), key.first.day.clone()),
                    in_head: key.in_head,
                    seen: key.seen.clone(),
                }),
            });
        }
    }
    (hits, report.gaps)
}
