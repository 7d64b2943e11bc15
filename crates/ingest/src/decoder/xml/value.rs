//! One XML record as a JSON value.

use std::collections::BTreeSet;

use bellwether_model::Problem;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use serde_json::{Map, Value};

/// Deepest nesting of elements in a record.
const MAX_DEPTH: usize = 16;
/// Most attributes of one element.
const MAX_ATTRIBUTES: usize = 256;
/// Most elements and attributes in one record.
const MAX_NODES: usize = 10_000;

/// Reads one element; see [`XmlRecords`](super::XmlRecords) for the rule.
pub(in super::super) fn value(raw: &[u8]) -> Result<Value, Problem> {
    read(raw).map_err(|p| if p.field.is_empty() { p.field("record") } else { p })
}

/// Text that stands between two tags.
pub(super) fn text(raw: &[u8]) -> Result<String, Problem> {
    match value(&[b"<t>", raw, b"</t>"].concat())? {
        Value::Object(mut object) => match object.remove("#text") {
            Some(Value::String(text)) => Ok(text),
            _ => Ok(String::new()),
        },
        _ => Ok(String::new()),
    }
}

/// An attribute of a start tag.
pub(super) fn attribute(tag: &[u8], name: &str) -> Result<Option<String>, Problem> {
    let inside = tag.strip_suffix(b">").unwrap_or(tag);
    let inside = inside.strip_suffix(b"/").unwrap_or(inside);
    match value(&[inside, b"/>"].concat())? {
        Value::Object(object) => {
            Ok(object.get(&format!("@{name}")).and_then(Value::as_str).map(str::to_owned))
        }
        _ => Ok(None),
    }
}

/// An element under way.
#[derive(Default)]
struct Element {
    name: String,
    content: Map<String, Value>,
    /// All text inside, in order.
    text: String,
    /// Whether some of it is its own.
    own: bool,
}

impl Element {
    fn close(self, root: bool) -> Value {
        let Element { name, mut content, text, own } = self;
        if content.is_empty() && !root {
            return Value::String(text.trim().to_owned());
        }
        if own {
            content.insert("#text".to_owned(), Value::String(text.trim().to_owned()));
        }
        if root {
            content.insert("#name".to_owned(), Value::String(name));
        }
        Value::Object(content)
    }

    fn add(&mut self, name: String, value: Value) {
        match self.content.get_mut(&name) {
            None => {
                self.content.insert(name, value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(first) => {
                let list = vec![first.take(), value];
                *first = Value::Array(list);
            }
        }
    }
}

fn read(raw: &[u8]) -> Result<Value, Problem> {
    let source = std::str::from_utf8(raw).map_err(|e| {
        let from = e.valid_up_to().saturating_sub(20);
        Problem::new(
            format!("not UTF-8 at byte {} of the record", e.valid_up_to()),
            "state the encoding of the source, or have it sent as UTF-8",
        )
        .text(String::from_utf8_lossy(raw.get(from..raw.len().min(from + 60)).unwrap_or_default()))
    })?;
    if let Some(c) = source.chars().find(|c| !is_char(*c)) {
        return Err(not_a_char(c));
    }
    let mut reader = Reader::from_str(source);
    reader.config_mut().check_comments = true;
    let mut open: Vec<Element> = Vec::new();
    let mut nodes = 0;
    let mut done = None;
    loop {
        let event = reader.read_event().map_err(|e| broken(&e, source, reader.error_position()))?;
        if done.is_some() && !matches!(event, Event::Eof) {
            return Err(Problem::new("more than one element", "give one element a record"));
        }
        match event {
            Event::Start(tag) => open.push(element(&tag, open.len(), &mut nodes)?),
            Event::Empty(tag) => {
                let element = element(&tag, open.len(), &mut nodes)?;
                close(element, &mut open, &mut done);
            }
            Event::End(_) => {
                if let Some(element) = open.pop() {
                    close(element, &mut open, &mut done);
                }
            }
            Event::Text(text) => add(&mut open, &text.xml10_content())?,
            Event::CData(text) => add(&mut open, &text.xml10_content())?,
            Event::GeneralRef(reference) => add(&mut open, resolve(&reference)?.as_ref())?,
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
            Event::DocType(_) => {
                return Err(Problem::new(
                    "a document type inside a record",
                    "drop it: it is hostile or broken",
                ));
            }
            Event::Eof => {
                return done
                    .ok_or_else(|| Problem::new("the element is not closed", "drop it: it is cut short"));
            }
        }
    }
}

fn element(tag: &BytesStart<'_>, depth: usize, nodes: &mut usize) -> Result<Element, Problem> {
    if depth >= MAX_DEPTH {
        return Err(Problem::new(format!("nested deeper than {MAX_DEPTH}"), "drop it: no record needs that"));
    }
    let name = tag.name().into_inner().to_owned();
    let mut element = Element { name, ..Element::default() };
    let mut seen = BTreeSet::new();
    let mut attributes = tag.attributes();
    // The library compares each with each.
    attributes.with_checks(false);
    for attribute in attributes {
        let attribute = attribute.map_err(|e| {
            Problem::new(format!("an attribute of <{}>: {e}", element.name), "correct it at the source")
        })?;
        let name = attribute.key.into_inner();
        if seen.len() >= MAX_ATTRIBUTES {
            return Err(Problem::new(
                format!("more than {MAX_ATTRIBUTES} attributes in one element"),
                "drop it: no record needs that",
            ));
        }
        if !seen.insert(name.to_owned()) {
            return Err(Problem::new(
                format!("the attribute {name} appears twice"),
                "correct it at the source",
            ));
        }
        let value = attribute
            .normalized_value_with(XmlVersion::Implicit1_0, 1, resolve_xml_entity)
            .map_err(|e| Problem::new(format!("the attribute {name}: {e}"), "correct it at the source"))?;
        if let Some(c) = value.chars().find(|c| !is_char(*c)) {
            return Err(not_a_char(c));
        }
        element.content.insert(format!("@{name}"), Value::String(value.into_owned()));
    }
    *nodes += 1 + seen.len();
    if *nodes > MAX_NODES {
        return Err(Problem::new(
            format!("more than {MAX_NODES} elements and attributes in one record"),
            "drop it: no record needs that",
        ));
    }
    Ok(element)
}

fn close(element: Element, open: &mut [Element], done: &mut Option<Value>) {
    match open.last_mut() {
        None => *done = Some(element.close(true)),
        Some(parent) => {
            parent.text.push_str(&element.text);
            let name = element.name.clone();
            parent.add(name, element.close(false));
        }
    }
}

fn add(open: &mut [Element], text: &str) -> Result<(), Problem> {
    match open.last_mut() {
        Some(element) => {
            element.own |= !text.trim().is_empty();
            element.text.push_str(text);
            Ok(())
        }
        None if text.trim().is_empty() => Ok(()),
        None => Err(Problem::new("text outside the element", "drop it: it is cut wrongly")),
    }
}

fn resolve(reference: &BytesRef<'_>) -> Result<std::borrow::Cow<'static, str>, Problem> {
    let refused = |message: String| {
        Problem::new(
            message,
            "only &lt; &gt; &amp; &apos; &quot; and character references mean anything in data",
        )
        .text(format!("&{};", &**reference))
    };
    match reference.resolve_char_ref() {
        Ok(Some(c)) if is_char(c) => Ok(c.to_string().into()),
        Ok(Some(c)) => Err(not_a_char(c)),
        Ok(None) => resolve_xml_entity(reference)
            .map(Into::into)
            .ok_or_else(|| refused("an unknown entity".to_owned())),
        Err(e) => Err(refused(format!("a character reference that is none: {e}"))),
    }
}

/// Characters that XML 1.0 allows.
fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn not_a_char(c: char) -> Problem {
    Problem::new(
        format!("the character U+{:04X}, which XML does not allow", u32::from(c)),
        "have it removed at the source",
    )
}

fn broken(error: &quick_xml::Error, source: &str, at: u64) -> Problem {
    let at = usize::try_from(at).unwrap_or(0);
    let shown: String = source.get(at..).unwrap_or_default().chars().take(60).collect();
    Problem::new(
        format!("not well-formed XML: {error}"),
        "tell the source; the other records are not touched by it",
    )
    .text(shown)
}
