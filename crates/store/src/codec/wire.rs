//! Shapes of format 1. The order and type of every field is the format: never change them, add a format.
//!
//! `Out` is what is written and borrows from the record, `In` is what is read and borrows from the block.

use serde::{Deserialize, Serialize};

/// Seconds since 1970 and nanoseconds: shorter than microseconds for whole seconds, and loses nothing.
pub(super) type Moment = (i64, u32);

#[derive(Serialize)]
pub(super) struct RecordOut<'a> {
    /// `None`: same as the record before it in the block.
    pub(super) at: Option<Moment>,
    pub(super) body: BodyOut<'a>,
}

#[derive(Deserialize)]
pub(super) struct RecordIn<'a> {
    pub(super) at: Option<Moment>,
    #[serde(borrow)]
    pub(super) body: BodyIn<'a>,
}

#[derive(Serialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "lives on the stack for one record, a box would cost an allocation"
)]
pub(super) enum BodyOut<'a> {
    Fact(FactOut<'a>),
    System { system: &'a str, name: &'a str, data: String },
}

#[derive(Deserialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "lives on the stack for one record, a box would cost an allocation"
)]
pub(super) enum BodyIn<'a> {
    #[serde(borrow)]
    Fact(FactIn<'a>),
    System {
        system: String,
        name: String,
        data: &'a str,
    },
}

#[derive(Serialize)]
pub(super) struct FactOut<'a> {
    pub(super) op: u8,
    pub(super) kind: &'a str,
    pub(super) source: &'a str,
    pub(super) key: &'a str,
    pub(super) start: Moment,
    pub(super) end: Option<Moment>,
    pub(super) precision: u8,
    pub(super) published: Option<Published>,
    pub(super) basis: u8,
    pub(super) actors: &'a [String],
    pub(super) value: Option<Number>,
    pub(super) unit: Option<&'a str>,
    pub(super) grade: [u8; 2],
    pub(super) attributes: Vec<(&'a str, AttributeOut<'a>)>,
    pub(super) uri: Option<&'a str>,
    pub(super) file: Option<&'a str>,
    pub(super) line: Option<u64>,
    pub(super) digest: Option<&'a str>,
    pub(super) note: Option<&'a str>,
}

#[derive(Deserialize)]
pub(super) struct FactIn<'a> {
    pub(super) op: u8,
    pub(super) kind: &'a str,
    pub(super) source: &'a str,
    pub(super) key: &'a str,
    pub(super) start: Moment,
    pub(super) end: Option<Moment>,
    pub(super) precision: u8,
    pub(super) published: Option<Published>,
    pub(super) basis: u8,
    #[serde(borrow)]
    pub(super) actors: Vec<&'a str>,
    pub(super) value: Option<Number>,
    #[serde(borrow)]
    pub(super) unit: Option<&'a str>,
    pub(super) grade: [u8; 2],
    #[serde(borrow)]
    pub(super) attributes: Vec<(&'a str, AttributeIn<'a>)>,
    #[serde(borrow)]
    pub(super) uri: Option<&'a str>,
    #[serde(borrow)]
    pub(super) file: Option<&'a str>,
    pub(super) line: Option<u64>,
    #[serde(borrow)]
    pub(super) digest: Option<&'a str>,
    #[serde(borrow)]
    pub(super) note: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
pub(super) enum Published {
    /// Days since 0001-01-01, which is day 1.
    Day(i32),
    Instant(Moment),
}

/// Decimal: digits without sign, then the scale with the sign in its highest bit (so that −0 survives).
#[derive(Serialize, Deserialize)]
pub(super) struct Number {
    pub(super) digits: u128,
    pub(super) scale: u8,
}

#[derive(Serialize)]
pub(super) enum AttributeOut<'a> {
    Text(&'a str),
    Json(String),
}

#[derive(Deserialize)]
pub(super) enum AttributeIn<'a> {
    Text(&'a str),
    Json(&'a str),
}
