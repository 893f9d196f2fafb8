//! Templates of Helm: YAML with `{{ … }}` in it.

/// The text with every `{{ … }}` made a variable, or blank where it has a line to itself. All else
/// stays at its byte.
pub fn without_braces(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let Some(end) = from.find("}}").map(|end| end + 2) else {
            rest = from;
            break;
        };
        let (inside, after) = from.split_at(end);
        let begins_line = before.rsplit('\n').next().is_some_and(|line| line.trim().is_empty());
        let ends_line = after.split('\n').next().is_some_and(|line| line.trim().is_empty());
        let is_blank = begins_line && ends_line;
        for (number, byte) in inside.bytes().enumerate() {
            out.push(match (byte, number, is_blank) {
                (b'\n', ..) => '\n',
                (_, _, true) => ' ',
                (_, 0, false) => '$',
                (_, _, false) => '_',
            });
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_becomes_a_variable_and_all_else_stays_at_its_byte() {
        let text = "{{- if .Values.on }}\na: {{ .Values.é }}\nb: 'x{{ 1 }}'\n  {{- end }}\nc: 1\n";
        let read = without_braces(text);
        assert_eq!(read.len(), text.len());
        let lines: Vec<&str> = read.lines().map(str::trim).collect();
        assert_eq!(lines, ["", "a: $_______________", "b: 'x$______'", "", "c: 1"]);
        assert_eq!(without_braces("a: {{ b"), "a: {{ b");
    }
}
