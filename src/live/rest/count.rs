//! The rows of all classes, several at the same time, but for those that were counted before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::live::kept::{self, Part};
use crate::live::{Answers, Counts};
use crate::model::RoleName;
use crate::model::snapshot::Gap;

use super::rows::{self, Count, Counted, Habits};
use super::together::together;
use super::{Missing, Server};

impl Server {
    /// Counts the rows of classes whose ACLs may name these roles.
    pub(super) fn count_rows(&self, answers: &mut Answers, classes: &[String], roles: &BTreeSet<RoleName>) {
        let habits = Mutex::new(Habits::default());
        let counted = together(classes, |class: &String| self.count_or_take(class, roles, &habits));
        let mut failed: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let (mut unasked, mut gone) = (Vec::new(), None);
        for (class, counted) in classes.iter().zip(counted) {
            let what = || format!("row ACLs of {class}");
            match counted {
                Some(Ok(Counted::Census(census))) => {
                    let url = format!("{}/classes/{class}", self.url);
                    answers.counts.push(Counts { url, class: class.clone(), census });
                }
                Some(Ok(Counted::TooMany(rows))) => answers.gaps.push(Gap::new(
                    what(),
                    format!("{rows} rows are not counted over REST; read with --postgres or --mongodb"),
                )),
                Some(Ok(Counted::Unclear)) => answers.gaps.push(Gap::new(
                    what(),
                    "they are of too many kinds, or change too fast; read with --postgres or --mongodb",
                )),
                Some(Err(missing)) => {
                    let is_gone = matches!(missing, Missing::Everything(_));
                    let message = missing.words();
                    if is_gone {
                        gone = Some(message.clone());
                    }
                    failed.entry(message).or_default().push(class);
                }
                None => unasked.push(class.as_str()),
            }
        }
        if let Some(message) = gone {
            failed.entry(message).or_default().append(&mut unasked);
        }
        for (message, classes) in failed {
            let (Some(class), others) = (classes.first(), classes.len() - 1) else { continue };
            let consequence = match others {
                0 => format!("rows of {class} were not counted"),
                _ => format!("rows of {class} and {others} more classes were not counted"),
            };
            let consequence = match self.kept {
                Some(_) => format!("{consequence}; `--resume` goes on from there"),
                None => consequence,
            };
            self.miss(answers, &format!("classes/{class}"), &message, &consequence);
        }
    }

    /// The counts of a class, from before if it was counted before.
    fn count_or_take<'r>(
        &self,
        class: &str,
        roles: &'r BTreeSet<RoleName>,
        habits: &Mutex<Habits<'r>>,
    ) -> Result<Counted, Missing> {
        let url = format!("{}/classes/{class}", self.url);
        let key = kept::Key { url, class: class.to_owned(), part: "all".to_owned(), users: false };
        if let Some(part) = self.kept.as_ref().and_then(|kept| kept.take(&key)) {
            return Ok(Counted::Census(part.census));
        }
        let counted = rows::census(&mut OfClass { server: self, class }, roles, habits);
        if let Some(kept) = &self.kept {
            match &counted {
                Ok(Counted::Census(census)) => kept.put(&key, &Part { census: census.clone(), ids: 0 }),
                Ok(Counted::TooMany(_) | Counted::Unclear) => {}
                Err(_) => kept.fail(),
            }
        }
        counted
    }
}

/// The rows of one class.
struct OfClass<'s> {
    server: &'s Server,
    class: &'s str,
}

impl Count for OfClass<'_> {
    type Error = Missing;

    fn count(&mut self, filter: &Value) -> Result<u64, Missing> {
        let wanted = utf8_percent_encode(&filter.to_string(), NON_ALPHANUMERIC).to_string();
        let class = utf8_percent_encode(self.class, NON_ALPHANUMERIC);
        let answer = self.server.ask(&format!("classes/{class}?count=1&limit=0&where={wanted}"))?;
        let number = answer.get("count").and_then(Value::as_u64);
        number.ok_or_else(|| Missing::This("it answers without a number".to_owned()))
    }
}
