//! Chains of one operator: `a + b + c`, `a || b || c`.
//!
//! They can be thousands of values long, and the tree of the parser is as high as they are
//! long. Nothing here recurses along a chain, and no tree that is made is that high.

use super::{across, binary};
use crate::code::lower::Lowering;
use crate::code::parser::ast::{BinaryExpression, Expression, LogicalExpression, LogicalOperator};
use crate::code::parser::{GetSpan, TreeSpan};
use crate::model::unit::{Binary, Expr, ExprKind};

/// Longer chains become balanced trees.
const LONG: usize = 64;

impl Lowering<'_> {
    pub(super) fn binary(&mut self, whole: &BinaryExpression<'_>) -> Expr {
        let operator = binary(whole.operator);
        let mut parts = vec![&whole.right];
        let mut left = &whole.left;
        // Comparisons are no chains: `a == b == c` compares with a truth value.
        while let (Expression::BinaryExpression(inner), None | Some(Binary::Arithmetic)) = (left, operator) {
            if binary(inner.operator) != operator {
                break;
            }
            parts.push(&inner.right);
            left = &inner.left;
        }
        parts.push(left);
        let parts = self.in_order(&parts);
        match operator {
            None => {
                let parts = parts.into_iter().map(|(part, _)| part).collect();
                self.made(ExprKind::Sum(parts), whole.span)
            }
            Some(operator) => self.joined(parts, &|left, right| ExprKind::Binary(operator, left, right), whole.span),
        }
    }

    pub(super) fn logical(&mut self, whole: &LogicalExpression<'_>) -> Expr {
        let mut parts = vec![&whole.right];
        let mut left = &whole.left;
        while let Expression::LogicalExpression(inner) = left {
            if inner.operator != whole.operator {
                break;
            }
            parts.push(&inner.right);
            left = &inner.left;
        }
        parts.push(left);
        let parts = self.in_order(&parts);
        let join: &dyn Fn(Box<Expr>, Box<Expr>) -> ExprKind = match whole.operator {
            LogicalOperator::And => &|left, right| ExprKind::And(left, right),
            LogicalOperator::Or => &|left, right| ExprKind::Or(left, right),
            LogicalOperator::Coalesce => &|left, right| ExprKind::Coalesce(left, right),
        };
        self.joined(parts, join, whole.span)
    }

    /// The values of a chain, which was walked from its end.
    fn in_order(&mut self, parts: &[&Expression<'_>]) -> Vec<(Expr, TreeSpan)> {
        parts.iter().rev().map(|part| (self.expr(part), part.span())).collect()
    }

    /// Joins values from the left, or in halves if there are many. The operators are associative,
    /// or their values, as those of arithmetic, are nothing but numbers.
    fn joined(
        &self,
        parts: Vec<(Expr, TreeSpan)>,
        join: &dyn Fn(Box<Expr>, Box<Expr>) -> ExprKind,
        whole: TreeSpan,
    ) -> Expr {
        let pair = |(left, first): (Expr, TreeSpan), (right, last): (Expr, TreeSpan)| {
            let span = across(first, last);
            (self.made(join(Box::new(left), Box::new(right)), span), span)
        };
        let mut parts = parts;
        while parts.len() > LONG {
            let mut halved = Vec::with_capacity(parts.len() / 2 + 1);
            let mut rest = parts.into_iter();
            while let Some(left) = rest.next() {
                halved.push(match rest.next() {
                    Some(right) => pair(left, right),
                    None => left,
                });
            }
            parts = halved;
        }
        match parts.into_iter().reduce(pair) {
            Some((joined, _)) => joined,
            None => self.made(ExprKind::Other(Vec::new()), whole),
        }
    }
}
