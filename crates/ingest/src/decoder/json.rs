//! JSON from strangers: depth, size and repeated names are limited while it is read, not afterwards.

use std::cell::Cell;
use std::collections::btree_map::Entry;
use std::fmt;

use bellwether_model::{Attributes, Problem};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Deepest nesting of objects and arrays.
const MAX_DEPTH: u32 = 16;
/// Most values in one record.
const MAX_VALUES: u32 = 10_000;
/// Longest attributes, in bytes.
const MAX_ATTRIBUTES: usize = 64 << 10;

/// Reads one JSON value.
pub(crate) fn value(raw: &[u8]) -> Result<Value, Problem> {
    let text = std::str::from_utf8(raw).map_err(|e| {
        Problem::new(format!("not UTF-8 at byte {} of the record", e.valid_up_to()), "save the file as UTF-8")
            .field("record")
            .text(String::from_utf8_lossy(raw.get(..60.min(raw.len())).unwrap_or_default()))
    })?;
    read(text, |seed, d| seed.deserialize(d)).map_err(|p| p.field("record"))
}

/// Reads the attributes of a fact: an object of strings to anything.
pub(crate) fn attributes(text: &str) -> Result<Attributes, Problem> {
    if text.len() > MAX_ATTRIBUTES {
        return Err(Problem::new(
            format!("attributes of {} bytes, more than {MAX_ATTRIBUTES}", text.len()),
            "keep the particulars, cite the document by source_url",
        )
        .field("attributes"));
    }
    let object = read(text, |seed, d| serde::Deserializer::deserialize_map(d, ObjectVisitor(seed)));
    object.map_err(|p| p.field("attributes"))
}

fn read<T>(
    text: &str,
    with: impl FnOnce(
        Seed<'_>,
        &mut serde_json::Deserializer<serde_json::de::StrRead<'_>>,
    ) -> serde_json::Result<T>,
) -> Result<T, Problem> {
    let left = Cell::new(MAX_VALUES);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    with(Seed { depth: MAX_DEPTH, left: &left }, &mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|e| {
            Problem::new(format!("not usable JSON: {e}"), "give one JSON object, {\"name\": value, …}")
                .text(text)
        })
}

/// Reads a value while spending from a budget.
#[derive(Clone, Copy)]
struct Seed<'b> {
    depth: u32,
    left: &'b Cell<u32>,
}

impl Seed<'_> {
    fn spend<E: Error>(&self) -> Result<(), E> {
        let left = self.left.get().checked_sub(1);
        self.left.set(left.ok_or_else(|| E::custom(format!("more than {MAX_VALUES} values")))?);
        Ok(())
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1);
        Ok(Self { depth: depth.ok_or_else(|| E::custom(format!("nested deeper than {MAX_DEPTH}")))?, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        self.spend()?;
        d.deserialize_any(ValueVisitor(self))
    }
}

struct ValueVisitor<'b>(Seed<'b>);

impl<'de> Visitor<'de> for ValueVisitor<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        // -0 and 0 are one value, and must give one id.
        Ok(if v == 0.0 { 0.0.into() } else { v.into() })
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::String(v.to_owned()))
    }

    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::String(v))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.0.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        let object = ObjectVisitor(self.0).visit_map(map)?;
        Ok(Value::Object(object.into_iter().collect::<Map<_, _>>()))
    }
}

struct ObjectVisitor<'b>(Seed<'b>);

impl<'de> Visitor<'de> for ObjectVisitor<'_> {
    type Value = Attributes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attributes, A::Error> {
        let inner = self.0.deeper()?;
        let mut object = Attributes::new();
        while let Some(name) = map.next_key::<String>()? {
            match object.entry(name) {
                Entry::Vacant(entry) => {
                    entry.insert(map.next_value_seed(inner)?);
                }
                Entry::Occupied(entry) => {
                    let name = entry.key().escape_debug();
                    return Err(A::Error::custom(format!("the name \"{name}\" appears twice")));
                }
            }
        }
        Ok(object)
    }
}
