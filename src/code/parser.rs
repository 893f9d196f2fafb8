//! The parser. The only file that names its crates.
//!
//! It aborts the process on texts that are nested deep, and takes quadratic time and
//! memory for some types: texts must have passed `guard` for the same [`Syntax`].

use crate::model::Span;

pub(super) use oxc_allocator::Allocator;
pub(super) use oxc_ast::ast;
pub(super) use oxc_span::{GetSpan, Span as TreeSpan};

use oxc_parser::{ParseOptions, Parser};
use oxc_span::{LabeledSpan, SourceType};

/// What a text is parsed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    /// JavaScript with JSX.
    JavaScript,
    /// TypeScript without JSX: `<T>x` is a cast.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
}

impl Syntax {
    fn source_type(self) -> SourceType {
        match self {
            Self::JavaScript => SourceType::unambiguous().with_jsx(true),
            Self::TypeScript => SourceType::ts(),
            Self::Tsx => SourceType::tsx(),
        }
    }
}

/// The first thing that is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// In lower case, without a full stop.
    pub(super) reason: String,
    /// Where.
    pub(super) at: Option<Span>,
}

/// Parses a file. What could be repaired is taken as it was repaired.
pub(super) fn program<'a>(space: &'a Allocator, text: &'a str, syntax: Syntax) -> Result<ast::Program<'a>, Refusal> {
    let parsed = parser(space, text, syntax).parse();
    let first = parsed.diagnostics.errors().next();
    match first {
        Some(error) if parsed.panicked || parsed.program.is_empty() => Err(refusal(text, error, error.labels.first())),
        Some(_) | None => Ok(parsed.program),
    }
}

/// Parses an expression that fills the text.
pub(super) fn expression<'a>(space: &'a Allocator, text: &'a str) -> Result<ast::Expression<'a>, Refusal> {
    parser(space, text, Syntax::JavaScript).parse_expression().map_err(|errors| {
        let nothing = || Refusal { reason: "not an expression".to_owned(), at: None };
        errors.errors().next().map_or_else(nothing, |error| refusal(text, error, error.labels.first()))
    })
}

fn parser<'a>(space: &'a Allocator, text: &'a str, syntax: Syntax) -> Parser<'a> {
    Parser::new(space, text, syntax.source_type()).with_options(ParseOptions {
        allow_return_outside_function: true,
        preserve_parens: false,
        enable_ident_hashes: false,
        ..ParseOptions::default()
    })
}

fn refusal(text: &str, error: &impl std::fmt::Display, label: Option<&LabeledSpan>) -> Refusal {
    let span = label.map(|label| label.span());
    Refusal {
        reason: sentence(&error.to_string()),
        at: span.map(|span| Span::new(text, span.start as usize, span.end as usize)),
    }
}

/// A message of the parser as one of ours: lower case, no full stop.
fn sentence(message: &str) -> String {
    let message = message.trim_end_matches('.');
    let mut letters = message.chars();
    match letters.next() {
        // A word in capitals, such as JSX, stays.
        Some(first) if letters.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        Some(_) | None => message.to_owned(),
    }
}
