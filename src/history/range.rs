//! Which commits are asked for: all, those since a day, or those of one that another one lacks.

use data_encoding::HEXLOWER;

use super::first::{Firsts, ancestors};
use super::graph::Graph;
use super::ids::{Ids, Object};
use super::seen::Tips;

/// A range of commits.
#[derive(Debug, Clone, Default)]
pub struct Range {
    /// Commits that were written on this day or later.
    pub since: Option<jiff::civil::Date>,
    /// `A..B`: commits that lead to B and not to A; without A all that lead to B.
    pub between: Option<(Option<String>, String)>,
}

impl Range {
    /// A range as it is written: `A..B`, `A..` for what HEAD has since, or `B`.
    pub fn parse_between(text: &str) -> (Option<String>, String) {
        match text.split_once("..") {
            Some((from, to)) => {
                let to = if to.is_empty() { "HEAD" } else { to };
                ((!from.is_empty()).then(|| from.to_owned()), to.to_owned())
            }
            None => (None, text.to_owned()),
        }
    }

    /// The commits between which the range is: the first is left out.
    pub(super) fn ends(
        &self,
        graph: &Graph,
        ids: &Ids,
        tips: &Tips,
    ) -> Result<Option<(Option<Object>, Object)>, String> {
        let Some((from, to)) = &self.between else { return Ok(None) };
        let find = |name: &str| find(name, graph, ids, tips).ok_or_else(|| format!("no such commit: `{name}`"));
        Ok(Some((from.as_deref().map(find).transpose()?, find(to)?)))
    }

    /// Whether each commit, by its place in the order, is in the range; `None` if all are.
    ///
    /// # Errors
    ///
    /// A commit that is named is not there.
    pub(super) fn commits(
        &self,
        graph: &Graph,
        ids: &Ids,
        tips: &Tips,
        firsts: &Firsts<'_>,
    ) -> Result<Option<Vec<bool>>, String> {
        let mut is_in = vec![true; firsts.order.len()];
        if let Some((from, to)) = self.ends(graph, ids, tips)? {
            let of_to = ancestors(graph, [to]);
            let of_from = from.map(|from| ancestors(graph, [from]));
            for (is_in, commit) in is_in.iter_mut().zip(&firsts.order) {
                *is_in = of_to.contains(commit) && !of_from.as_ref().is_some_and(|of_from| of_from.contains(commit));
            }
        }
        if let Some(since) = self.since {
            let zoned = since.to_zoned(jiff::tz::TimeZone::UTC).map_err(|error| error.to_string())?;
            let begin = zoned.timestamp().as_second();
            for (is_in, commit) in is_in.iter_mut().zip(&firsts.order) {
                *is_in &= graph.commits.get(commit).is_some_and(|commit| commit.committed >= begin);
            }
        }
        Ok((self.between.is_some() || self.since.is_some()).then_some(is_in))
    }
}

/// The commit of a name: `HEAD`, a branch, a tag, an id or its beginning, and `~N` behind it.
fn find(name: &str, graph: &Graph, ids: &Ids, tips: &Tips) -> Option<Object> {
    let (name, back) = match name.split_once('~') {
        Some((name, "")) => (name, 1),
        Some((name, back)) => (name, back.parse().ok()?),
        None => (name, 0usize),
    };
    let of_ref = |full: &str| tips.refs.iter().find(|(name, _)| name == full).map(|(_, tip)| *tip);
    let named = ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"];
    let tip =
        if name == "HEAD" { tips.head } else { named.iter().find_map(|before| of_ref(&format!("{before}{name}"))) };
    let tip = tip.or_else(|| of_id(name, graph, ids))?;
    let mut commit = graph.commits.get(&graph.peel(tip))?;
    for _ in 0..back {
        commit = graph.commits.get(commit.parents.first()?)?;
    }
    Some(commit.object)
}

fn of_id(name: &str, graph: &Graph, ids: &Ids) -> Option<Object> {
    let name = name.to_ascii_lowercase();
    if name.len() < 4 || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let hex = |object: Object| HEXLOWER.encode(ids.id(object));
    let mut found = graph.commits.keys().chain(graph.tags.keys()).filter(|object| hex(**object).starts_with(&name));
    let first = *found.next()?;
    found.next().is_none().then_some(first)
}

/// How many commits back along first parents `^`, `~` and `~3` lead, one behind the other.
pub fn back(steps: &str) -> Option<u64> {
    let mut sum: u64 = 0;
    let mut rest = steps;
    while !rest.is_empty() {
        let after = rest.strip_prefix(['~', '^'])?;
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let (number, more) = after.split_at_checked(digits)?;
        // `^2` is another parent, which leads elsewhere.
        if rest.starts_with('^') && digits > 0 {
            return None;
        }
        sum = sum.checked_add(if number.is_empty() { 1 } else { number.parse().ok()? })?;
        rest = more;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_may_leave_out_either_end() {
        let parse = Range::parse_between;
        assert_eq!(parse("a..b"), (Some("a".to_owned()), "b".to_owned()));
        assert_eq!(parse("a.."), (Some("a".to_owned()), "HEAD".to_owned()));
        assert_eq!(parse("b"), (None, "b".to_owned()));
    }

    #[test]
    fn steps_lead_back_along_first_parents() {
        assert_eq!([back(""), back("~"), back("^"), back("~3^"), back("~1~2")], [0, 1, 1, 4, 3].map(Some));
        assert_eq!([back("^2"), back("~x"), back("@{1}")], [None; 3]);
    }
}
