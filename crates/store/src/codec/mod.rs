//! Records to bytes and back.
//!
//! The payload of a block is its records one after the other in [postcard]'s wire format. The ids stand
//! apart, uncompressed at the head of the frame, so that an open can learn them without decoding anything.
//!
//! [postcard]: https://postcard.jamesmunns.com/wire-format

mod wire;

use bellwether_model::{
    Attributes, Basis, Body, Decimal, Evidence, Fact, Grade, Op, Period, Precision, Record, Stamp, System,
};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use postcard::ser_flavors::Flavor;
use uuid::Uuid;

use wire::{
    AttributeIn, AttributeOut, BodyIn, BodyOut, FactIn, FactOut, Moment, Number, Published, RecordIn,
    RecordOut,
};

const NEGATIVE: u8 = 0x80;
/// serde_json reads 127 levels and no more: what is deeper could be written and never read.
const DEEPEST: usize = 120;

/// What a record holds, borrowed from whoever has it.
#[derive(Clone, Copy)]
pub(crate) enum BodyRef<'a> {
    Fact(&'a Fact),
    System(&'a System),
}

impl<'a> From<&'a Body> for BodyRef<'a> {
    fn from(body: &'a Body) -> Self {
        match body {
            Body::Fact(fact) => BodyRef::Fact(fact),
            Body::System(system) => BodyRef::System(system),
        }
    }
}

impl BodyRef<'_> {
    /// Id of a fact, nil for a system record.
    pub(crate) fn id(&self) -> Uuid {
        match self {
            BodyRef::Fact(fact) => fact.id,
            BodyRef::System(_) => Uuid::nil(),
        }
    }
}

/// Appends one record to `out`; `at` is given when it differs from the record before it.
///
/// Errors with a text when the record cannot be written, which leaves `out` as it was.
pub(crate) fn encode(at: Option<DateTime<Utc>>, body: BodyRef<'_>, out: &mut Vec<u8>) -> Result<(), String> {
    let start = out.len();
    let shallow = match body {
        BodyRef::Fact(fact) => fact.attributes.values().all(|value| is_shallow(value, DEEPEST)),
        BodyRef::System(system) => is_shallow(&system.data, DEEPEST),
    };
    if !shallow {
        return Err(format!("JSON nested more than {DEEPEST} deep"));
    }
    let record = RecordOut {
        at: at.map(moment_out),
        body: match body {
            BodyRef::Fact(fact) => BodyOut::Fact(fact_out(fact)),
            BodyRef::System(system) => {
                BodyOut::System { system: &system.system, name: &system.name, data: system.data.to_string() }
            }
        },
    };
    postcard::serialize_with_flavor::<_, Onto<'_>, ()>(&record, Onto(out)).map_err(|e| {
        out.truncate(start);
        e.to_string()
    })
}

fn is_shallow(value: &serde_json::Value, left: usize) -> bool {
    match value {
        serde_json::Value::Array(items) => left > 0 && items.iter().all(|item| is_shallow(item, left - 1)),
        serde_json::Value::Object(items) => left > 0 && items.values().all(|item| is_shallow(item, left - 1)),
        _ => true,
    }
}

/// Postcard flavour that writes onto an existing buffer.
struct Onto<'a>(&'a mut Vec<u8>);

impl Flavor for Onto<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Reads the records of one block in order.
pub(crate) struct Decoder<'a> {
    rest: &'a [u8],
    ids: std::slice::ChunksExact<'a, u8>,
    seq: u64,
    at: Option<DateTime<Utc>>,
}

impl<'a> Decoder<'a> {
    /// `payload` as encoded, `ids` 16 bytes a record, `first` the sequence of the first of them.
    pub(crate) fn new(payload: &'a [u8], ids: &'a [u8], first: u64) -> Self {
        Self { rest: payload, ids: ids.chunks_exact(16), seq: first, at: None }
    }

    /// Reads the next record over `record`, whose strings are used again: most of the cost of a scan is
    /// allocation. After an error `record` holds a mixture.
    pub(crate) fn next_into(&mut self, record: &mut Record) -> Option<Result<(), String>> {
        match self.ids.next() {
            Some(id) => {
                Some(Uuid::from_slice(id).map_err(|e| e.to_string()).and_then(|id| self.one(id, record)))
            }
            None if self.rest.is_empty() => None,
            None => {
                self.rest = &[];
                Some(Err("bytes left over after the last record of a block".into()))
            }
        }
    }

    fn one(&mut self, id: Uuid, record: &mut Record) -> Result<(), String> {
        let (wire, rest) = postcard::take_from_bytes::<RecordIn<'_>>(self.rest).map_err(|e| e.to_string())?;
        self.rest = rest;
        if let Some(at) = wire.at {
            self.at = Some(moment_in(at)?);
        }
        record.recorded_at = self.at.ok_or("the first record of a block has no time")?;
        match wire.body {
            BodyIn::Fact(wire) => {
                if let Body::System(_) = record.body {
                    record.body = Body::Fact(blank_fact());
                }
                if let Body::Fact(fact) = &mut record.body {
                    fact_in(wire, fact)?;
                    fact.id = id;
                }
            }
            BodyIn::System { system, name, data } => {
                let data = serde_json::from_str(data).map_err(|e| e.to_string())?;
                record.body = Body::System(System { system, name, data });
            }
        }
        record.seq = self.seq;
        self.seq = self.seq.saturating_add(1);
        Ok(())
    }
}

impl Iterator for Decoder<'_> {
    type Item = Result<Record, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut record = blank();
        self.next_into(&mut record).map(|outcome| outcome.map(|()| record))
    }
}

/// A record to read others over.
pub(crate) fn blank() -> Record {
    Record { seq: 0, recorded_at: DateTime::UNIX_EPOCH, body: Body::Fact(blank_fact()) }
}

fn blank_fact() -> Fact {
    Fact {
        id: Uuid::nil(),
        op: Op::Assert,
        kind: String::new(),
        source: String::new(),
        key: String::new(),
        valid: Period::instant(DateTime::UNIX_EPOCH),
        published_at: None,
        published_basis: Basis::Recorded,
        actors: Vec::new(),
        value: None,
        unit: None,
        grade: Grade::UNKNOWN,
        attributes: Attributes::new(),
        evidence: Evidence::default(),
        note: None,
    }
}

fn moment_out(at: DateTime<Utc>) -> Moment {
    (at.timestamp(), at.timestamp_subsec_nanos())
}

fn moment_in((seconds, nanos): Moment) -> Result<DateTime<Utc>, String> {
    DateTime::from_timestamp(seconds, nanos).ok_or_else(|| format!("no such time: {seconds} s {nanos} ns"))
}

fn fact_out(fact: &Fact) -> FactOut<'_> {
    FactOut {
        op: match fact.op {
            Op::Assert => 0,
            Op::Retract => 1,
        },
        kind: &fact.kind,
        source: &fact.source,
        key: &fact.key,
        start: moment_out(fact.valid.start),
        end: fact.valid.end.map(moment_out),
        precision: precision_out(fact.valid.precision),
        published: fact.published_at.map(|stamp| match stamp {
            Stamp::Day(day) => Published::Day(day.num_days_from_ce()),
            Stamp::Instant(at) => Published::Instant(moment_out(at)),
        }),
        basis: match fact.published_basis {
            Basis::Stated => 0,
            Basis::Assumed => 1,
            Basis::Recorded => 2,
        },
        actors: &fact.actors,
        value: fact.value.map(number_out),
        unit: fact.unit.as_deref(),
        grade: fact.grade.to_bytes(),
        attributes: fact
            .attributes
            .iter()
            .map(|(name, value)| (name.as_str(), attribute_out(value)))
            .collect(),
        uri: fact.evidence.uri.as_deref(),
        file: fact.evidence.file.as_deref(),
        line: fact.evidence.line,
        digest: fact.evidence.digest.as_deref(),
        note: fact.note.as_deref(),
    }
}

fn fact_in(wire: FactIn<'_>, fact: &mut Fact) -> Result<(), String> {
    fact.op = match wire.op {
        0 => Op::Assert,
        1 => Op::Retract,
        n => return Err(format!("no such operation: {n}")),
    };
    put(&mut fact.kind, wire.kind);
    put(&mut fact.source, wire.source);
    put(&mut fact.key, wire.key);
    fact.valid = Period {
        start: moment_in(wire.start)?,
        end: wire.end.map(moment_in).transpose()?,
        precision: precision_in(wire.precision)?,
    };
    fact.published_at = match wire.published {
        None => None,
        Some(Published::Day(day)) => {
            Some(Stamp::Day(NaiveDate::from_num_days_from_ce_opt(day).ok_or(format!("no such day: {day}"))?))
        }
        Some(Published::Instant(at)) => Some(Stamp::Instant(moment_in(at)?)),
    };
    fact.published_basis = match wire.basis {
        0 => Basis::Stated,
        1 => Basis::Assumed,
        2 => Basis::Recorded,
        n => return Err(format!("no such publication basis: {n}")),
    };
    fact.actors.truncate(wire.actors.len());
    let known = fact.actors.len();
    for (slot, text) in fact.actors.iter_mut().zip(&wire.actors) {
        put(slot, text);
    }
    fact.actors.extend(wire.actors.iter().skip(known).map(|text| (*text).to_owned()));
    fact.value = wire.value.map(number_in).transpose()?;
    put_some(&mut fact.unit, wire.unit);
    fact.grade = Grade::from_bytes(wire.grade).map_err(|e| e.to_string())?;
    attributes_in(&wire.attributes, &mut fact.attributes)?;
    put_some(&mut fact.evidence.uri, wire.uri);
    put_some(&mut fact.evidence.file, wire.file);
    fact.evidence.line = wire.line;
    put_some(&mut fact.evidence.digest, wire.digest);
    put_some(&mut fact.note, wire.note);
    Ok(())
}

/// Neighbours mostly have the same names, whose values can then be replaced in place.
fn attributes_in(wire: &[(&str, AttributeIn<'_>)], attributes: &mut Attributes) -> Result<(), String> {
    let same = attributes.len() == wire.len() && attributes.keys().zip(wire).all(|(a, (b, _))| a == b);
    if same {
        for (slot, (_, value)) in attributes.values_mut().zip(wire) {
            match (slot, value) {
                (serde_json::Value::String(slot), AttributeIn::Text(text)) => put(slot, text),
                (slot, value) => *slot = attribute_in(value)?,
            }
        }
    } else {
        attributes.clear();
        for (name, value) in wire {
            attributes.insert((*name).to_owned(), attribute_in(value)?);
        }
    }
    Ok(())
}

fn attribute_in(value: &AttributeIn<'_>) -> Result<serde_json::Value, String> {
    match value {
        AttributeIn::Text(text) => Ok(serde_json::Value::String((*text).to_owned())),
        AttributeIn::Json(text) => serde_json::from_str(text).map_err(|e| e.to_string()),
    }
}

fn put(slot: &mut String, text: &str) {
    slot.clear();
    slot.push_str(text);
}

fn put_some(slot: &mut Option<String>, text: Option<&str>) {
    match (slot, text) {
        (Some(slot), Some(text)) => put(slot, text),
        (slot, text) => *slot = text.map(str::to_owned),
    }
}

fn attribute_out(value: &serde_json::Value) -> AttributeOut<'_> {
    match value {
        serde_json::Value::String(text) => AttributeOut::Text(text),
        other => AttributeOut::Json(other.to_string()),
    }
}

fn precision_out(precision: Precision) -> u8 {
    match precision {
        Precision::Instant => 0,
        Precision::Day => 1,
        Precision::Month => 2,
        Precision::Quarter => 3,
        Precision::Half => 4,
        Precision::Year => 5,
        Precision::YearToDate => 6,
        Precision::Window => 7,
    }
}

fn precision_in(byte: u8) -> Result<Precision, String> {
    Ok(match byte {
        0 => Precision::Instant,
        1 => Precision::Day,
        2 => Precision::Month,
        3 => Precision::Quarter,
        4 => Precision::Half,
        5 => Precision::Year,
        6 => Precision::YearToDate,
        7 => Precision::Window,
        n => return Err(format!("no such precision: {n}")),
    })
}

fn number_out(value: Decimal) -> Number {
    let scale = u8::try_from(value.scale()).unwrap_or(0);
    let sign = if value.is_sign_negative() { NEGATIVE } else { 0 };
    Number { digits: value.mantissa().unsigned_abs(), scale: scale | sign }
}

fn number_in(number: Number) -> Result<Decimal, String> {
    let digits = i128::try_from(number.digits).map_err(|e| e.to_string())?;
    let scale = u32::from(number.scale & !NEGATIVE);
    let mut value = Decimal::try_from_i128_with_scale(digits, scale).map_err(|e| e.to_string())?;
    value.set_sign_negative(number.scale & NEGATIVE != 0);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moments() -> impl Strategy<Value = DateTime<Utc>> {
        (-62_000_000_000_i64..253_000_000_000, 0..1_000_000_000_u32)
            .prop_map(|(s, ns)| DateTime::from_timestamp(s, ns).unwrap())
    }

    prop_compose! {
        fn any_fact()(
            texts in prop::collection::vec(any::<String>(), 3),
            some in prop::collection::vec(prop::option::of(any::<String>()), 5),
            actors in prop::collection::vec(any::<String>(), 0..4),
            start in moments(),
            end in prop::option::of(moments()),
            precision in 0..8_u8,
            published in prop::option::of((any::<bool>(), moments())),
            basis in 0..3_u8,
            value in prop::option::of((any::<i64>(), any::<i32>(), 0..29_u32, any::<bool>())),
            attributes in prop::collection::btree_map(
                any::<String>(),
                prop_oneof![
                    any::<String>().prop_map(serde_json::Value::from),
                    any::<f64>().prop_map(serde_json::Value::from),
                    any::<i64>().prop_map(|n| serde_json::json!([n, null, {"a": n / 3}])),
                ],
                0..5,
            ),
            line in prop::option::of(any::<u64>()),
            id in any::<u128>(),
        ) -> Fact {
            let mut some = some.into_iter();
            let mut next = || some.next().flatten();
            let [kind, source, key] = texts.try_into().unwrap();
            Fact {
                id: Uuid::from_u128(id),
                op: if id % 2 == 0 { Op::Assert } else { Op::Retract },
                kind,
                source,
                key,
                valid: Period { start, end, precision: precision_in(precision).unwrap() },
                published_at: published.map(|(day, at)| {
                    if day { Stamp::Day(at.date_naive()) } else { Stamp::Instant(at) }
                }),
                published_basis: [Basis::Stated, Basis::Assumed, Basis::Recorded][usize::from(basis)],
                actors,
                value: value.map(|(high, low, scale, negative)| {
                    let digits = i128::from(high) * i128::from(low);
                    let mut value = Decimal::from_i128_with_scale(digits, scale);
                    value.set_sign_negative(negative);
                    value
                }),
                unit: next(),
                grade: Grade::from_bytes([b'A' + (id % 6) as u8, 1 + (id % 5) as u8]).unwrap(),
                attributes,
                evidence: Evidence { uri: next(), file: next(), line, digest: next() },
                note: next(),
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Fresh and over the remains of the record before.
        #[test]
        fn any_record_comes_back(facts in prop::collection::vec(any_fact(), 1..5), at in moments()) {
            let mut payload = Vec::new();
            let mut ids = Vec::new();
            for (n, fact) in facts.iter().enumerate() {
                encode((n == 0).then_some(at), BodyRef::Fact(fact), &mut payload).unwrap();
                ids.extend_from_slice(fact.id.as_bytes());
            }
            let fresh: Vec<Record> = Decoder::new(&payload, &ids, 7).map(Result::unwrap).collect();
            let mut decoder = Decoder::new(&payload, &ids, 7);
            let mut over = blank();
            for ((n, fact), fresh) in (7..).zip(&facts).zip(&fresh) {
                decoder.next_into(&mut over).unwrap().unwrap();
                prop_assert_eq!(&over, fresh);
                prop_assert_eq!((over.seq, over.recorded_at, over.fact()), (n, at, Some(fact)));
                // Numeric equality would let a lost scale or sign pass.
                prop_assert_eq!(over.fact().unwrap().value.map(|v| v.serialize()), fact.value.map(|v| v.serialize()));
            }
            prop_assert!(decoder.next_into(&mut over).is_none());
        }

        /// Bytes that are no records give an error, never a panic.
        #[test]
        fn any_bytes_are_survived(payload in prop::collection::vec(any::<u8>(), 0..400)) {
            let ids = [0; 160];
            let mut record = blank();
            let mut decoder = Decoder::new(&payload, &ids, 1);
            while let Some(Ok(())) = decoder.next_into(&mut record) {}
        }
    }

    #[test]
    fn json_too_deep_to_be_read_again_is_not_written() {
        let nested = |n| (0..n).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner]));
        for (depth, fine) in [(DEEPEST, true), (DEEPEST + 1, false), (500, false)] {
            let system = System { system: "s".into(), name: "n".into(), data: nested(depth) };
            let mut payload = Vec::new();
            let written = encode(Some(DateTime::UNIX_EPOCH), BodyRef::System(&system), &mut payload);
            assert_eq!(written.is_ok(), fine);
            let read: Vec<_> = Decoder::new(&payload, if fine { &[0; 16] } else { &[] }, 1).collect();
            assert!(read.iter().all(Result::is_ok));
            assert_eq!(read.len(), usize::from(fine));
        }
    }
}
