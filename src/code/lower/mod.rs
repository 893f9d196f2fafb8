//! From text to [`Unit`]: parses, and says the same in fewer words.
//!
//! Types are dropped, names and texts are shared, every function and class gets a number.
//! What the language evaluates is kept, in its order, also where its value is dropped.

use std::collections::HashSet;
use std::sync::Arc;

use rayon::prelude::*;

use crate::code::deep::{self, NoThreads};
use crate::code::guard;
use crate::code::parser::{self, Allocator, GetSpan, Refusal, Syntax, TreeSpan, ast};
use crate::model::unit::{Expr, ExprKind, Function, Name, Pattern, Stmt, StmtKind};
use crate::model::{FileId, Span, Unit};

mod classes;
mod expressions;
mod functions;
mod modules;
mod patterns;
mod statements;
#[cfg(test)]
mod tests;

/// Why a file of code could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unreadable {
    /// What is wrong, in lower case and without a full stop.
    pub reason: String,
    /// Where, if it is known.
    pub at: Option<Span>,
}

/// A text to be read.
#[derive(Debug, Clone, Copy)]
pub struct Source<'t> {
    /// Its number.
    pub file: FileId,
    /// Path from the audited folder, with `/`. Its end tells the syntax.
    pub path: &'t str,
    /// The text, without a byte order mark.
    pub text: &'t str,
}

/// Whether the name of a file is that of code. Declarations of types are none.
pub fn is_code(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let declares = [".d.ts", ".d.mts", ".d.cts"].iter().any(|end| path.ends_with(end));
    let ends = [".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".mts", ".cts"];
    !declares && ends.iter().any(|end| path.ends_with(end))
}

/// Reads a file of JavaScript or TypeScript.
pub fn lower(file: FileId, path: &str, text: &str) -> Result<Unit, Unreadable> {
    deep::run(|| code(Source { file, path, text })).unwrap_or_else(|error| Err(error.into()))
}

/// Reads a JSON document, as a module that exports its value.
///
/// Comments, commas at the end and other forms of JavaScript are taken as well.
pub fn lower_json(file: FileId, path: &str, text: &str) -> Result<Unit, Unreadable> {
    deep::run(|| json(Source { file, path, text })).unwrap_or_else(|error| Err(error.into()))
}

/// Reads files on all cores: JSON where the path ends in `.json`, else code. The results
/// are in the order of `files`.
pub fn lower_all(files: &[Source<'_>]) -> Vec<Result<Unit, Unreadable>> {
    let read = |source: &Source<'_>| {
        let is_json = source.path.to_ascii_lowercase().ends_with(".json");
        if is_json { json(*source) } else { code(*source) }
    };
    deep::run(|| files.par_iter().map(read).collect())
        .unwrap_or_else(|error| files.iter().map(|_| Err(error.clone().into())).collect())
}

impl From<NoThreads> for Unreadable {
    fn from(error: NoThreads) -> Self {
        Self { reason: error.to_string(), at: None }
    }
}

impl From<Refusal> for Unreadable {
    fn from(refusal: Refusal) -> Self {
        Self { reason: refusal.reason, at: refusal.at }
    }
}

fn code(source: Source<'_>) -> Result<Unit, Unreadable> {
    let path = source.path.to_ascii_lowercase();
    let typed = [".ts", ".mts", ".cts"].iter().any(|end| path.ends_with(end));
    let (first, second) = match () {
        () if typed => (Syntax::TypeScript, Syntax::Tsx),
        () if path.ends_with(".tsx") => (Syntax::Tsx, Syntax::TypeScript),
        () => (Syntax::JavaScript, Syntax::Tsx),
    };
    let refused = match parsed(source, first) {
        Ok(unit) => return Ok(unit),
        Err(refused) => refused,
    };
    // Annotations of Flow are mostly types of TypeScript too.
    parsed(source, second).map_err(|_| refused.into())
}

fn parsed(source: Source<'_>, syntax: Syntax) -> Result<Unit, Refusal> {
    guard::check(source.text, syntax)?;
    let space = Allocator::new();
    let program = parser::program(&space, source.text, syntax)?;
    let mut lowering = Lowering::new(source);
    let body = lowering.statements(&program.body);
    Ok(lowering.finish(body))
}

fn json(source: Source<'_>) -> Result<Unit, Unreadable> {
    guard::check_expression(source.text)?;
    let space = Allocator::new();
    let value = parser::expression(&space, source.text)?;
    let mut lowering = Lowering::new(source);
    let body = vec![lowering.exported_value(&value, value.span())];
    Ok(lowering.finish(body))
}

/// A unit that is being made.
struct Lowering<'t> {
    text: &'t str,
    unit: Unit,
    names: HashSet<Name>,
    /// What the expression that comes next is given to: the name of a function there.
    given_to: Option<Name>,
}

impl<'t> Lowering<'t> {
    fn new(source: Source<'t>) -> Self {
        let body = Function { span: Span::new(source.text, 0, source.text.len()), ..Function::default() };
        let unit = Unit { file: source.file, path: source.path.to_owned(), functions: vec![body], ..Unit::default() };
        Self { text: source.text, unit, names: HashSet::new(), given_to: None }
    }

    fn finish(mut self, statements: Vec<Stmt>) -> Unit {
        if let Some(body) = self.unit.functions.first_mut() {
            body.body = statements;
        }
        self.unit.is_module |= !self.unit.imports.is_empty() || !self.unit.exports.is_empty();
        self.unit
    }

    fn span(&self, span: TreeSpan) -> Span {
        Span::new(self.text, span.start as usize, span.end as usize)
    }

    fn name(&mut self, name: &str) -> Name {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let name: Name = name.into();
        self.names.insert(Arc::clone(&name));
        name
    }

    fn stmt(&self, kind: StmtKind, span: TreeSpan) -> Stmt {
        Stmt { kind, span: self.span(span) }
    }

    /// An expression whose value gets a name, if there is one.
    fn given(&mut self, name: Option<Name>, value: &ast::Expression<'_>) -> Expr {
        self.given_to = name;
        self.expr(value)
    }

    fn made(&self, kind: ExprKind, span: TreeSpan) -> Expr {
        Expr { kind, span: self.span(span) }
    }

    /// `module.exports = value`.
    fn exported_value(&mut self, value: &ast::Expression<'_>, span: TreeSpan) -> Stmt {
        self.unit.is_module = true;
        let module = self.made(ExprKind::Name("module".into()), span);
        let exports = self.made(ExprKind::Member(Box::new(module), "exports".into()), span);
        let target = Pattern::Member(Box::new(exports));
        let value = self.given(Some("exports".into()), value);
        let assign = self.made(ExprKind::Assign(Box::new(target), Box::new(value)), span);
        self.stmt(StmtKind::Expr(assign), span)
    }
}

/// The number of what is added to `length` others. A text is far too short for more; see `guard`.
fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
