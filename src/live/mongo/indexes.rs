//! The indexes of classes, as `mongodump` writes them beside the rows.

use std::sync::Arc;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::live::{Answers, Body, Document};
use crate::problem::Problem;

use super::command::Command;
use super::driver::{self, Connection};
use super::trouble::{A_VIEW, DROPPED, Trouble};
use super::{Database, each};

/// So many classes are named whose indexes may not be read.
const MOST_NAMED: usize = 3;

/// What the database tells of the indexes of classes.
pub fn tell(of: &Database, connection: &Connection, (prefix, classes): (&str, &[String]), answers: &mut Answers) {
    let mut told = Vec::new();
    let mut refused: Vec<&str> = Vec::new();
    for class in classes {
        let collection = format!("{prefix}{class}");
        match of_collection(connection, &collection) {
            Ok(indexes) => told.push(json!({ "collectionName": class, "indexes": indexes })),
            Err(Trouble::Refused(_)) => refused.push(class),
            Err(trouble) => {
                let without = format!("unique indexes of {class} were not checked");
                answers.problems.push(Problem::new(of.url(&collection), trouble.words(), without));
                if matches!(trouble, Trouble::Everything(_)) {
                    return;
                }
            }
        }
    }
    if let Some(first) = refused.first() {
        let named = refused.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = refused.len().saturating_sub(MOST_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let without = format!("unique indexes of {named}{more} were not checked");
        let url = of.url(&format!("{prefix}{first}"));
        answers.problems.push(Problem::new(url, "the user of the database may not list its indexes", without));
    }
    let text = serde_json::to_vec_pretty(&told).unwrap_or_default();
    let body = Body::Text(Arc::new(Zeroizing::new(text)));
    answers.documents.push(Document { url: of.url("indexes"), name: "indexes.json".to_owned(), body });
}

/// The indexes of a collection; one that is not there has none, nor has a view.
fn of_collection(connection: &Connection, collection: &str) -> Result<Vec<Value>, Trouble> {
    let mut indexes = Vec::new();
    let asked = each(connection, &Command::Indexes(collection), |index| {
        indexes.extend(driver::json(index).and_then(|index| serde_json::from_slice::<Value>(&index).ok()));
        Ok(())
    });
    match asked {
        Err(trouble) if [A_VIEW, DROPPED].contains(&trouble.words()) => Ok(Vec::new()),
        asked => asked.map(|()| indexes),
    }
}
