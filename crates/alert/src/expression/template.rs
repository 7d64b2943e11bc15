//! Sentences with `{CEL}` in braces.

use bellwether_model::Problems;
use cel::Value;

use super::run::as_number;
use super::schema::Table;
use super::{Compiled, Engine, Place, Read, Want};

/// A sentence whose braces hold expressions; `{{` and `}}` are braces.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    parts: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Value(Box<Compiled>),
}

impl Template {
    /// Parses a sentence.
    pub(crate) fn parse(
        text: &str,
        row: Option<Table>,
        place: &Place,
        engine: &Engine,
    ) -> Result<Self, Problems> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut problems = Problems::default();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, tail) = rest.split_at(at);
            plain.push_str(before);
            let offset = text.len() - tail.len();
            if let Some(after) = tail.strip_prefix("{{").or_else(|| tail.strip_prefix("}}")) {
                plain.push_str(if tail.starts_with('{') { "{" } else { "}" });
                rest = after;
                continue;
            }
            let Some((inner, after)) = tail.strip_prefix('{').and_then(|t| t.split_once('}')) else {
                let remedy = "close it, or write {{ and }} for braces";
                problems.push(place.problem(text, offset, "a brace without its other half", remedy));
                rest = "";
                break;
            };
            let line = place.line + text.get(..offset).unwrap_or_default().matches('\n').count();
            let inner_place = Place { line, ..place.clone() };
            match Compiled::parse(inner, row, Want::Any, &inner_place, engine) {
                Ok(compiled) => {
                    parts.push(Piece::Text(std::mem::take(&mut plain)));
                    parts.push(Piece::Value(Box::new(compiled)));
                }
                Err(found) => problems.0.extend(found.0),
            }
            rest = after;
        }
        plain.push_str(rest);
        parts.push(Piece::Text(plain));
        problems.into_result(Self { parts })
    }

    /// The expressions.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Compiled> {
        self.parts.iter().filter_map(|p| match p {
            Piece::Text(_) => None,
            Piece::Value(compiled) => Some(compiled.as_ref()),
        })
    }

    /// The sentence with its values; what is not known reads `unknown`.
    pub(crate) fn fill(&self, engine: &Engine, values: impl Fn(&Read) -> Option<Value>) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Piece::Text(text) => out.push_str(text),
                Piece::Value(compiled) => {
                    let values: Vec<_> = compiled.reads.iter().map(&values).collect();
                    out.push_str(&shown(engine.get(compiled, &values).as_ref()));
                }
            }
        }
        out
    }
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "unknown".to_owned(),
        Some(Value::String(text)) => text.to_string(),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::List(items)) => items.iter().map(|i| shown(Some(i))).collect::<Vec<_>>().join(", "),
        Some(other) => as_number(other).map_or_else(|| "…".to_owned(), rounded),
    }
}

/// Three decimals for what is small, none for what is large: a sentence is read, the exact numbers stand beside it.
fn rounded(x: f64) -> String {
    let digits = if x.abs() >= 1000.0 { 0 } else { 3 };
    let text = format!("{x:.digits$}");
    let text = if digits > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
