//! Keys in what is staged. Nothing else of the app is read, and of the working tree only the
//! lists that say what is passed by.

use std::path::Path;
use std::sync::Arc;

use crate::history::{Staged, StagedFile};
use crate::model::place::Texts;
use crate::model::snapshot::{Gap, Snapshot};
use crate::model::{App, FileId, Known, Standing};
use crate::problem::Problem;
use crate::secrets::Scanner;

use super::Reading;
use super::ignored::OwnLists;
use super::keys::{self, Searched};
use super::source::Bytes;

/// So many bytes are read before they are searched, on all cores, and wiped.
const AT_ONCE: u64 = 32 << 20;

/// Looks for keys in what is staged in a folder. `ignored` are patterns in the syntax of `.gitignore`.
pub fn read(root: &Path, staged: &Staged, ignored: &[String], scanner: &Scanner) -> Reading {
    let mut problems = staged.problems.clone();
    let mut texts = Texts::default();
    let mut hits = Vec::new();
    let mut lists = OwnLists::new(&root.canonicalize().unwrap_or_else(|_| root.to_owned()), ignored, &mut problems);
    let files: Vec<(FileId, &StagedFile)> =
        (0..).map(FileId).zip(staged.files.iter().filter(|file| !lists.pass_by(&file.path))).collect();
    let mut rest = files.as_slice();
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|(_, file)| {
            let is_first = bytes == 0;
            bytes += file.size.max(1);
            is_first || bytes <= AT_ONCE
        });
        let (batch, after) = rest.split_at(fits.count());
        rest = after;
        let batch: Vec<Searched> =
            batch.iter().filter_map(|(id, file)| load(staged, *id, file, &mut problems)).collect();
        hits.extend(keys::take_all(keys::search(scanner, &batch), &mut texts, &mut problems));
    }
    for hit in &mut hits {
        hit.standing = Standing::Staged;
    }
    problems.sort();
    problems.dedup();
    let mut gaps = staged.gaps.clone();
    gaps.push(Gap::new("all but keys in what is staged", "left out with --staged"));
    let app = App { hits: Known::Read(hits), ..App::default() };
    Reading { snapshot: Snapshot { app, texts, gaps }, problems, files: files.len() }
}

fn load(staged: &Staged, id: FileId, file: &StagedFile, problems: &mut Vec<Problem>) -> Option<Searched> {
    match staged.read(file) {
        Ok(bytes) => {
            let bytes = Bytes::Wiped(Arc::new(bytes));
            Some(Searched { file: id, path: file.path.clone(), bytes, size: file.size })
        }
        Err(error) => {
            problems.push(Problem::new(&file.path, error, "it was not searched for keys"));
            None
        }
    }
}
