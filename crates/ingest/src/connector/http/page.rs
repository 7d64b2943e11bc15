//! An HTML page where data was asked for.

/// Bytes that are looked at.
pub(super) const HEAD: usize = 2048;

/// Whether the beginning of an answer is that of an HTML page: a login, an error, a "please wait".
pub(super) fn is_html(head: &[u8]) -> bool {
    let mut rest = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    // An XML declaration and comments may stand before the document type.
    loop {
        let end: &[u8] = match rest {
            [b'<', b'?', ..] => b"?>",
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            _ => break,
        };
        let Some(at) = rest.windows(end.len()).position(|w| w == end) else { break };
        rest = rest.get(at + end.len()..).unwrap_or_default().trim_ascii_start();
    }
    ["<!doctype html", "<html", "<head", "<body", "<script"].iter().any(|tag| {
        let found = rest.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes()));
        found
            && rest
                .get(tag.len())
                .is_none_or(|next| !next.is_ascii_alphanumeric() && !matches!(next, b'-' | b':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_told_from_data() {
        for page in [
            "<!DOCTYPE html><html>",
            "\u{feff}\n\n<html lang=en>",
            "<?xml version=\"1.0\"?>\n<!-- a --><!doctype HTML PUBLIC \"-//W3C//DTD XHTML 1.0\">",
            "<script>location=1</script>",
            "<HEAD>",
            "<html",
        ] {
            assert!(is_html(page.as_bytes()), "{page}");
        }
        for data in [
            "",
            "a,b\n<html>,2",
            "<?xml version=\"1.0\"?><rss>",
            "<header:x/>",
            "<heading>",
            "<!-- <html>",
            "{}",
        ] {
            assert!(!is_html(data.as_bytes()), "{data}");
        }
    }
}
