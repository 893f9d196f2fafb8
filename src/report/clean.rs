//! Untrusted text made safe to print. Names of classes, roles and files come from
//! files; in a terminal an escape sequence in one of them would act.

use std::borrow::Cow;

/// Whether a character would do something instead of being shown.
fn acts(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The text with every character that acts written out: `\n`, `\u{1b}`.
pub fn text(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if acts(character) { clean.extend(character.escape_default()) } else { clean.push(character) }
    }
    Cow::Owned(clean)
}

/// A line of source with every character that acts replaced by blanks, byte for byte,
/// so that spans stay where they are.
pub fn line(line: &str) -> String {
    let mut clean = String::with_capacity(line.len());
    for character in line.chars() {
        if acts(character) && character != '\t' {
            clean.extend(std::iter::repeat_n(' ', character.len_utf8()));
        } else {
            clean.push(character);
        }
    }
    clean
}

/// The text without anything the log of GitHub Actions takes for a command inside a line.
pub fn log(text: &str) -> String {
    text.replace("##[", "##\u{2060}[")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_act_are_written_out() {
        assert_eq!(text("a\u{1b}[31mb\nc\u{202e}"), "a\\u{1b}[31mb\\nc\\u{202e}");
        assert!(matches!(text("Größe"), Cow::Borrowed("Größe")));
    }

    #[test]
    fn a_clean_line_is_as_long_as_before() {
        let source = "a\u{1b}b\u{2028}c\tä";
        let clean = line(source);
        assert_eq!((clean.len(), clean.as_str()), (source.len(), "a b   c\tä"));
    }
}
