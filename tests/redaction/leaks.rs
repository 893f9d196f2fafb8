//! What of a planted value must not be said, in which clothes, and whether it was.

use std::collections::BTreeMap;

use aho_corasick::AhoCorasick;

/// Values, and every form in which one of them could be given away.
pub struct Leaks {
    names: Vec<String>,
    /// Of each form, which value it is of.
    of: Vec<usize>,
    forms: AhoCorasick,
}

impl Leaks {
    /// Knows values by a name of the place where each was planted.
    pub fn new(planted: &[(String, String)]) -> Self {
        let mut forms: BTreeMap<String, usize> = BTreeMap::new();
        for (number, (_, value)) in planted.iter().enumerate() {
            for form in clothes(value) {
                forms.insert(form, number);
            }
        }
        let (forms, of): (Vec<String>, Vec<usize>) = forms.into_iter().unzip();
        let names = planted.iter().map(|(name, _)| name.clone()).collect();
        Self { names, of, forms: AhoCorasick::new(forms).expect("forms") }
    }

    /// Which values a text gives away, each with the line.
    pub fn in_text(&self, what: &str, said: &str) -> Vec<String> {
        let mut found: BTreeMap<usize, usize> = BTreeMap::new();
        for form in self.forms.find_iter(said) {
            found.entry(self.of[form.pattern().as_usize()]).or_insert(form.start());
        }
        let line = |at: usize| {
            let start = said[..at].rfind('\n').map_or(0, |end| end + 1);
            said[start..].lines().next().unwrap_or_default().chars().take(400).collect::<String>()
        };
        found.iter().map(|(number, at)| format!("{what}: {}: {}", self.names[*number], line(*at))).collect()
    }
}

/// Eight characters from the middle of a value, or all of a short one, as they are and encoded; and a half of it.
fn clothes(value: &str) -> Vec<String> {
    let middle = value.len() / 2;
    let part = if value.len() < 10 { value } else { &value[middle - 4..middle + 4] };
    let half = &value[..middle + 1];
    let bytes = part.as_bytes();
    let each = |form: fn(u8) -> String| bytes.iter().map(|byte| form(*byte)).collect::<String>();
    // In an address only what means something there is written so.
    let in_address = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    let mut forms = vec![
        part.to_owned(),
        each(|byte| format!("{byte:02x}")),
        each(|byte| format!("{byte:02X}")),
        each(|byte| format!("%{byte:02X}")),
        each(|byte| format!("%{byte:02x}")),
        each(|byte| format!("\\u{byte:04x}")),
        each(in_address),
    ];
    if half.len() >= 6 {
        forms.push(half.to_owned());
    }
    // Base64 of what follows one or two other bytes differs. Four letters would be found anywhere.
    for whole in (0..3).filter_map(|skipped| bytes.get(skipped..)).map(|rest| &rest[..rest.len() / 3 * 3]) {
        if whole.len() >= 6 {
            let text = base64(whole);
            forms.push(text.replace('+', "-").replace('/', "_"));
            forms.push(text);
        }
    }
    forms
}

/// Groups of three bytes in base64.
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks(3).map(|group| group.iter().fold(0usize, |bits, byte| bits << 8 | usize::from(*byte)));
    groups.flat_map(|bits| [18, 12, 6, 0].map(|shift| char::from(LETTERS[bits >> shift & 63]))).collect()
}

#[test]
fn a_part_of_a_value_is_told_in_all_clothes() {
    let leaks = Leaks::new(&[("a key".to_owned(), "Zr4mTq8vKw2xLp6nHs9d".to_owned())]);
    for said in [
        "the key is Zr4mTq8vKw2xLp6nHs9d",
        "...q8vKw2xLp6...",
        "Zr4mTq8vKw2",
        "713876 4b77 7138764b7732784c70",
        "cTh2S3cyeExwNg==",
        "eHE4dkt3MnhMcDY=",
        "eHhxOHZLdzJ4THA2",
        "%71%38%76%4B%77%32%78%4C%70",
    ] {
        assert_eq!(leaks.in_text("a test", said).len(), 1, "{said}");
    }
    assert_eq!(leaks.in_text("a test", "Zr…9d 7138764b vKw2x"), [""; 0]);
}
