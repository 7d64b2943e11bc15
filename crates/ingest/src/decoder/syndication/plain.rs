//! HTML as plain text: not rendered, only made harmless and readable.

use html_escape::decode_html_entities;

/// Elements whose content is no text.
const SILENT: [&str; 2] = ["script", "style"];

/// Text of a piece of HTML: tags go, references are resolved once, blanks are collapsed. What comes out is text, not
/// markup, and has to be escaped where it is shown like any other.
pub(super) fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let markup = after.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        if !markup {
            text.push('<');
            rest = after;
            continue;
        }
        let (tag, after) = if let Some(comment) = after.strip_prefix("!--") {
            ("", comment.split_once("-->").map_or("", |(_, after)| after))
        } else {
            after.split_once('>').unwrap_or((after, ""))
        };
        rest = after;
        // A tag parts words unless it only dresses them.
        text.push_str(if dresses(tag) { "" } else { " " });
        if let Some(name) = SILENT.iter().find(|name| named(tag, name)) {
            rest = skip_to_end(rest, name);
        }
    }
    text.push_str(rest);
    collapse(&decode_html_entities(&text))
}

/// Text with every run of blanks made one.
pub(super) fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn named(tag: &str, name: &str) -> bool {
    tag.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        && tag.get(name.len()..).is_some_and(|end| !end.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

fn dresses(tag: &str) -> bool {
    let tag = tag.strip_prefix('/').unwrap_or(tag);
    ["b", "i", "em", "strong", "u", "a", "span", "font", "sup", "sub", "small", "mark", "q", "cite"]
        .iter()
        .any(|name| named(tag, name))
}

/// What follows the end tag of an element; nothing when it has none.
fn skip_to_end<'t>(text: &'t str, name: &str) -> &'t str {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("</") {
        if named(after, name) {
            return after.split_once('>').map_or("", |(_, after)| after);
        }
        rest = after;
    }
    ""
}
