//! RSS 2.0 and 1.0, Atom and JSON Feed: items of all of them under one set of names.
//!
//! Items are cut out by their tags and read one by one, so that one with broken markup costs itself only. What feed
//! readers usually make up is not made up here: no id from a clock or at random, no zone, no repaired date.

mod dates;
mod plain;

use bellwether_model::Problem;
use chrono::FixedOffset;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::document::{Kept, Stop, Walk};
use super::envelope::{Empty, Found};
use super::json_paths::{self, JsonPaths};
use super::window::Window;
use super::xml::{self, Rules};
use plain::{collapse, plain};

/// Settings of the syndication decoder.
///
/// Every record has these texts, blank where the source says nothing: `format` (`rss`, `atom`, `json`), `id` (guid or
/// id, else the link), `link` (http and https only), `title` and `summary` (without markup), `published`, `updated`
/// (moments in UTC, or days), `day` (day of publication in the publisher's zone), `note` (what was left out); and the
/// lists `authors` and `categories`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Syndication {
    /// Zone of dates that state none, or one by a local name: `"+08:00"`. Without it such an item is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// What a feed without an item means.
    #[serde(default)]
    pub empty: Empty,
}

impl Syndication {
    /// The zone, where it is one.
    pub(crate) fn offset(&self) -> Result<Option<FixedOffset>, Problem> {
        let parse = |zone: &String| {
            zone.parse()
                .map_err(|_| Problem::new("not a zone", "write it as \"+08:00\"").field("zone").text(zone))
        };
        self.zone.as_ref().map(parse).transpose()
    }
}

/// Goes through either kind of document.
pub(crate) enum Walker {
    Xml(Box<xml::Walker>),
    Json(Box<json_paths::Walker>),
}

impl Walker {
    pub(super) fn new(mut window: Window) -> Self {
        // A read that fails here fails again, and is reported, when the walk begins.
        let blank = window.is_blank();
        let first = window.pending().iter().find(|b| !b.is_ascii_whitespace());
        if blank.is_ok() && matches!(first, Some(b'{' | b'[')) {
            let spec = JsonPaths { records: "items".to_owned(), ..JsonPaths::default() };
            return Walker::Json(Box::new(json_paths::Walker::new(&spec, window)));
        }
        let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        let rules = Rules {
            records: names(&["item", "entry"]),
            roots: names(&["rss", "RDF", "feed"]),
            local: true,
            lenient: true,
        };
        Walker::Xml(Box::new(xml::Walker::new(rules, &[], window)))
    }
}

impl Walk for Walker {
    fn advance(&mut self, kept: &mut Kept) -> Result<bool, Stop> {
        match self {
            Walker::Xml(walker) => walker.advance(kept),
            Walker::Json(walker) => walker.advance(kept),
        }
    }

    fn found(self) -> Result<Found, Problem> {
        match self {
            Walker::Xml(walker) => walker.found(),
            Walker::Json(walker) => walker.found(),
        }
    }
}

/// An item as it stands in the source.
#[derive(Default)]
struct Item {
    format: &'static str,
    id: String,
    link: String,
    title: String,
    summary: String,
    published: String,
    updated: String,
    authors: Vec<String>,
    categories: Vec<String>,
}

/// Reads one item.
pub(super) fn value(raw: &[u8], zone: Option<FixedOffset>) -> Result<Value, Problem> {
    let item = if raw.trim_ascii_start().starts_with(b"{") {
        json(&json_paths::value(raw)?)
    } else {
        markup(&xml::value(raw)?)
    };
    item.record(zone)
}

impl Item {
    fn record(self, zone: Option<FixedOffset>) -> Result<Value, Problem> {
        let mut note = String::new();
        let link = if is_web(&self.link) || self.link.is_empty() {
            self.link
        } else {
            note = format!("its link was left out, being neither http nor https: {}", shown(&self.link));
            String::new()
        };
        let id = if self.id.is_empty() { link.clone() } else { self.id };
        if id.is_empty() {
            return Err(Problem::new(
                "an item with neither an id nor a web link",
                "nothing tells it from another: ask the publisher for a guid, or enter the statement by hand",
            )
            .field("id")
            .text(self.title));
        }
        let read = |field: &str, text: &str| match text {
            "" => Ok(dates::Moment::default()),
            text => dates::read(text, zone).map_err(|p| p.field(field)),
        };
        let published = read("published", &self.published)?;
        let updated = read("updated", &self.updated)?;
        let day = if published.day.is_empty() { &updated.day } else { &published.day };
        let mut record = Map::new();
        for (name, text) in [
            ("format", self.format),
            ("id", &id),
            ("link", &link),
            ("title", &self.title),
            ("summary", &self.summary),
            ("published", &published.at),
            ("updated", &updated.at),
            ("day", day),
            ("note", &note),
        ] {
            record.insert(name.to_owned(), text.into());
        }
        record.insert("authors".to_owned(), self.authors.into());
        record.insert("categories".to_owned(), self.categories.into());
        Ok(Value::Object(record))
    }
}

fn shown(link: &str) -> String {
    link.chars().take(80).collect()
}

fn is_web(link: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .any(|scheme| link.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// The fields of an XML item, whatever prefix it stands under.
struct Fields<'v> {
    value: &'v Value,
    prefix: &'v str,
}

impl<'v> Fields<'v> {
    /// All values of a name.
    fn all(&self, name: &str) -> Vec<&'v Value> {
        let own =
            if self.prefix.is_empty() { None } else { self.value.get(format!("{}:{name}", self.prefix)) };
        match own.or_else(|| self.value.get(name)) {
            None => Vec::new(),
            Some(Value::Array(list)) => list.iter().collect(),
            Some(value) => vec![value],
        }
    }

    /// The first text that is not blank under any of the names, in order.
    fn text(&self, names: &[&str]) -> String {
        names.iter().flat_map(|n| self.all(n)).map(text).find(|t| !t.is_empty()).unwrap_or_default()
    }

    fn texts(&self, name: &str) -> Vec<String> {
        self.all(name).into_iter().map(text).filter(|t| !t.is_empty()).collect()
    }
}

/// Text of an element, that of the elements in it included.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Object(object) => match object.get("#text") {
            Some(text) => text.as_str().unwrap_or_default().trim().to_owned(),
            None => {
                let inner = object.iter().filter(|(name, _)| !name.starts_with(['@', '#']));
                inner.map(|(_, value)| self::text(value)).collect::<Vec<_>>().join(" ").trim().to_owned()
            }
        },
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

fn attribute<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn markup(value: &Value) -> Item {
    let name = attribute(value, "#name");
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    let fields = Fields { value, prefix };
    if local == "entry" {
        return atom(&fields);
    }
    // `@rdf:about` identifies an item of RSS 1.0.
    let guid = fields.text(&["guid"]);
    let id = if guid.is_empty() { attribute(value, "@rdf:about").trim().to_owned() } else { guid };
    let mut link = fields.text(&["link"]);
    let permanent = fields.all("guid").first().is_some_and(|g| attribute(g, "@isPermaLink") != "false");
    if link.is_empty() && permanent && is_web(&id) {
        link.clone_from(&id);
    }
    Item {
        format: "rss",
        id,
        link,
        title: plain(&fields.text(&["title"])),
        summary: plain(&fields.text(&["description", "content:encoded"])),
        published: fields.text(&["pubDate", "dc:date", "dcterms:issued", "dcterms:created"]),
        updated: fields.text(&["dcterms:modified", "atom:updated", "a10:updated"]),
        authors: [fields.texts("author"), fields.texts("dc:creator")].concat(),
        categories: [fields.texts("category"), fields.texts("dc:subject")].concat(),
    }
}

fn atom(fields: &Fields<'_>) -> Item {
    let links = fields.all("link");
    let rel = |link: &&&Value| matches!(attribute(link, "@rel"), "" | "alternate");
    let link = links.iter().find(rel).map(|link| attribute(link, "@href").trim().to_owned());
    // What the type says: text is text, html is markup in disguise, xhtml is markup.
    let readable = |name: &str| {
        let Some(value) = fields.all(name).first().copied() else { return String::new() };
        let text = text(value);
        if attribute(value, "@type").contains("html") && attribute(value, "@type") != "xhtml" {
            plain(&text)
        } else {
            collapse(&text)
        }
    };
    let summary = readable("summary");
    Item {
        format: "atom",
        id: fields.text(&["id"]),
        link: link.unwrap_or_default(),
        title: readable("title"),
        summary: if summary.is_empty() { readable("content") } else { summary },
        published: fields.text(&["published", "issued"]),
        updated: fields.text(&["updated", "modified"]),
        authors: fields
            .all("author")
            .into_iter()
            .map(|a| Fields { value: a, prefix: fields.prefix }.text(&["name"]))
            .filter(|a| !a.is_empty())
            .collect(),
        categories: fields
            .all("category")
            .into_iter()
            .map(|c| attribute(c, "@term").to_owned())
            .filter(|c| !c.is_empty())
            .collect(),
    }
}

fn json(value: &Value) -> Item {
    let text = |name: &str| match value.get(name) {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let first = |names: &[&str]| names.iter().map(|n| text(n)).find(|t| !t.is_empty()).unwrap_or_default();
    let list = |name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let name = |author: &Value| author.get("name").and_then(Value::as_str).map(str::to_owned);
    let summary = first(&["summary", "content_text"]);
    let mut authors: Vec<String> = list("authors").iter().filter_map(name).collect();
    authors.extend(value.get("author").and_then(name));
    Item {
        format: "json",
        id: text("id"),
        link: first(&["url", "external_url"]),
        title: collapse(&text("title")),
        summary: if summary.is_empty() { plain(&text("content_html")) } else { collapse(&summary) },
        published: text("date_published"),
        updated: text("date_modified"),
        authors,
        categories: list("tags").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}
