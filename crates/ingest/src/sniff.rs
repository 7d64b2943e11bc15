//! A web page where data should be: servers say "not now" with status 200 and HTML.

/// Elements and declarations that only a page begins with.
const OPENINGS: [&[u8]; 14] = [
    b"<!doctype html",
    b"<html",
    b"<head",
    b"<body",
    b"<title",
    b"<meta",
    b"<script",
    b"<style",
    b"<div",
    b"<p>",
    b"<center",
    b"<h1",
    b"<table",
    b"<iframe",
];

/// Whether bytes start as an HTML page does, whatever stands before it: byte order mark, blanks, comments, an XML
/// declaration. A few hundred bytes suffice.
///
/// ```
/// use bellwether_ingest::looks_like_html;
/// assert!(looks_like_html(b"\n<!DOCTYPE html>\n<title>Please wait</title>"));
/// assert!(looks_like_html(b"<?xml version='1.0'?><!-- x --><HTML lang='en'>"));
/// assert!(!looks_like_html(b"<?xml version='1.0'?><rss version='2.0'>"));
/// assert!(!looks_like_html(b"date,title\n2031-01-01,<p>text</p>"));
/// ```
pub fn looks_like_html(bytes: &[u8]) -> bool {
    let mut rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    loop {
        rest = rest.trim_ascii_start();
        let end: &[u8] = if rest.starts_with(b"<!--") {
            b"-->"
        } else if rest.starts_with(b"<?") {
            b"?>"
        } else {
            break;
        };
        let Some(at) = rest.windows(end.len()).position(|w| w == end) else { return false };
        rest = rest.get(at + end.len()..).unwrap_or_default();
    }
    OPENINGS.iter().any(|opening| {
        rest.get(..opening.len()).is_some_and(|start| start.eq_ignore_ascii_case(opening))
            // `<header>` or `<divisions>` is another element.
            && (opening.ends_with(b">")
                || rest.get(opening.len()).is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_'))
    })
}
