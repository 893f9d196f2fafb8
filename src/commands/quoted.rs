//! What a person typed or wrote, without the keys in it: errors and reports quote it.

use std::sync::LazyLock;

use crate::model::place::{Content, Show, Text, Texts};
use crate::model::spans::Syntax;
use crate::rules::loader::built_in;
use crate::secrets::Scanner;
use crate::secrets::redact::Salt;

/// The text with stars in place of every key that a built-in rule knows, whichever rules were asked for.
pub fn without_keys(text: &str) -> String {
    let mut text = Text::new(text.as_bytes(), Show::Everything, Syntax::Plain);
    if let Some(scanner) = scanner() {
        blank(scanner, "", &mut text);
    }
    text.text
}

/// Puts such stars into texts that reports quote from.
pub fn hide_keys(texts: &mut Texts) {
    let Some(scanner) = scanner() else { return };
    for file in texts.iter_mut() {
        if let Content::Text(text) = &mut file.content {
            blank(scanner, &file.path, text);
        }
    }
}

/// What knows all built-in rules, made once, when something is first quoted.
fn scanner() -> Option<&'static Scanner> {
    static SCANNER: LazyLock<Option<Scanner>> =
        LazyLock::new(|| built_in().ok().and_then(|rules| Scanner::new(&rules, Salt::default()).ok()));
    SCANNER.as_ref()
}

fn blank(scanner: &Scanner, path: &str, text: &mut Text) {
    let hits = scanner.in_text(path, text.text.as_bytes());
    if !hits.is_empty() {
        text.blank(hits.into_iter().map(|hit| hit.span));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_hidden_and_the_rest_is_quoted() {
        let line = "reason = \"masterKey: 'Cedar#77310', for tests\"\n";
        assert_eq!(without_keys(line), "reason = \"masterKey: '***********', for tests\"\n");
        assert_eq!(without_keys("no such commit: `main~3`"), "no such commit: `main~3`");
    }
}
