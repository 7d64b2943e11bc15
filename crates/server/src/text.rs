//! Text of strangers on its way into a log or an answer.

/// Longest text that is passed on, characters.
const LONGEST: usize = 1000;

/// The text on one line: control and direction characters escaped, cut where it is long.
pub(crate) fn one_line(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let mut line = String::with_capacity(text.len().min(LONGEST));
    for (n, c) in text.chars().enumerate() {
        if n == LONGEST {
            line.push('…');
            break;
        }
        if hidden(c) {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r24_one_line_stays_one_line() {
        let line = one_line("a\nlevel=error \u{1b}[2J\u{202e}gpj.exe\u{85}");
        assert_eq!(line, "a\\nlevel=error \\u{1b}[2J\\u{202e}gpj.exe\\u{85}");
        assert_eq!(one_line(&"é".repeat(LONGEST + 5)).chars().count(), LONGEST + 1);
    }
}
