//! Text on a terminal: width, wrapping, cutting, and what must not reach it.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

/// Whether a character could steer a terminal or reorder what stands there.
pub(crate) fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with every steering character spelled out; line breaks and tabs become spaces.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => safe.push(' '),
            c if c.is_control() => safe.extend(c.escape_debug()),
            c if steers(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Columns the text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text with blanks after it up to `to` columns.
pub(crate) fn pad_right(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(width(text))))
}

/// The text with blanks before it up to `to` columns.
pub(crate) fn pad_left(text: &str, to: usize) -> String {
    format!("{}{text}", " ".repeat(to.saturating_sub(width(text))))
}

/// The text cut to `to` columns, the cut marked.
pub(crate) fn cut(text: &str, to: usize) -> String {
    if width(text) <= to {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if width(&kept) + 1 > to {
            kept.pop();
            break;
        }
    }
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

/// The text in lines of at most `to` columns, broken between words; a longer word is broken where it must.
pub(crate) fn wrap(text: &str, to: usize) -> Vec<String> {
    let to = to.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word = word.to_owned();
        if !line.is_empty() && width(&line) + 1 + width(&word) > to {
            lines.push(std::mem::take(&mut line));
        }
        while width(&word) > to {
            let mut head = String::new();
            let mut tail = String::new();
            for c in word.chars() {
                if tail.is_empty() && width(&head) + width(c.encode_utf8(&mut [0; 4])) <= to {
                    head.push(c);
                } else {
                    tail.push(c);
                }
            }
            lines.push(head);
            word = tail;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steering_characters_are_spelled_out() {
        for (text, want) in [
            ("plain – 中俄", "plain – 中俄"),
            ("red\u{1b}[31m", "red\\u{1b}[31m"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("nul\0", "nul\\0"),
            ("two\nlines\t", "two lines "),
            ("\u{9b}31m", "\\u{9b}31m"),
        ] {
            assert_eq!(harmless(text), want);
        }
    }

    #[test]
    fn text_is_cut_and_wrapped_by_columns() {
        assert_eq!(cut("中俄关系", 5), "中俄…");
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdef", 5), "abcd…");
        assert_eq!(wrap("one two three four", 9), ["one two", "three", "four"]);
        assert_eq!(wrap("abcdefghijklm", 8), ["abcdefgh", "ijklm"]);
        assert_eq!(wrap("", 20), [""]);
    }
}
