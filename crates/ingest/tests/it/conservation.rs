//! Reliability row 35: nothing is lost, whatever comes in.

use bellwether_ingest::{Entry, Input, Options, ingest};
use bellwether_store::EventLog;
use proptest::prelude::*;

use crate::support::{HEADER, facts, feed, memory, now, types};

/// A column of a row: mostly sensible, sometimes not.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "trade.flow", "visit.held", "k|1", "k|2", "2022-01-01", "2023-01-01", "", "CHN", "RUS", "12.5", "-0", "USD",
            "share", "B", "2", "1e308", "{\"a\": 1}", "{\"a\":", "yes",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,12}",
        1 => "[\"',;\\n\\r\\t a-c]{0,8}",
    ]
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(cell(), 15).prop_map(|cells| written(&cells)),
        2 => (0..6_u32, "[0-9a-z.-]{1,6}").prop_map(|(n, value)| {
            format!("trade.flow,k|{n},2022-01-01,2023-01-01,,CHN,RUS,{value},USD,,x,,B,2,\n").into_bytes()
        }),
        1 => prop::collection::vec(any::<u8>(), 0..60),
        1 => Just(b"\n".to_vec()),
    ]
}

fn written(cells: &[String]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells).unwrap();
    writer.into_inner().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn r35_every_record_and_every_fact_is_accounted_for(
        lines in prop::collection::vec(line(), 0..40),
        batch in 0_usize..5,
    ) {
        let mut text = format!("{HEADER}\n").into_bytes();
        lines.iter().for_each(|l| text.extend(l));
        let log = memory();
        let options = Options { batch, ..Options::at(now()) };
        let spec = feed("facts-csv");
        let go = |held: &mut Vec<Entry>, options: &Options| {
            ingest(&log, &types(), &spec, Input::bytes("f", text.clone()), held, options).unwrap()
        };
        let mut held = Vec::new();
        let first = go(&mut held, &options);
        let r = first.records;
        prop_assert_eq!(r.read, r.mapped + r.skipped + r.quarantined);
        prop_assert_eq!(r.mapped, first.facts.stored + first.facts.duplicate);
        prop_assert_eq!(r.quarantined, held.len() as u64);
        prop_assert_eq!(first.facts.stored, facts(&log).len() as u64);
        let head = log.head();
        let second = go(&mut Vec::new(), &Options { batch: 1000, ..options });
        prop_assert_eq!(second.records, r, "the batch size changes nothing");
        prop_assert_eq!((second.facts.stored, log.head()), (0, head));
    }

    #[test]
    fn r17_no_bytes_break_a_decoder(bytes in prop::collection::vec(any::<u8>(), 1..400), which in 0_usize..8) {
        let names = ["facts-csv", "facts-ndjson", "cloudevents", "unsc-vetoes", "comtrade", "un-sc", "ofac-sdn-xml", "statements-rss"];
        let mut held: Vec<Entry> = Vec::new();
        // Refused or counted; never a panic, which would surface as an internal error.
        match ingest(&memory(), &types(), &feed(names[which]), Input::bytes("f", bytes), &mut held, &Options::at(now())) {
            Ok(report) => prop_assert_eq!(report.records.read, report.records.mapped + report.records.skipped + report.records.quarantined),
            Err(error) => prop_assert_eq!(error.exit_code(), 6),
        }
    }

    #[test]
    fn json_of_brackets_and_quotes_is_cut_into_records(text in "[\\[\\]{}\",:a1\\\\ \\n]{1,80}", which in 0_usize..2) {
        let mut held: Vec<Entry> = Vec::new();
        let name = ["facts-ndjson", "cloudevents"][which];
        match ingest(&memory(), &types(), &feed(name), Input::bytes("f", text), &mut held, &Options::at(now())) {
            Ok(report) => prop_assert_eq!(report.records.read, report.records.mapped + report.records.skipped + report.records.quarantined),
            Err(error) => prop_assert_eq!(error.exit_code(), 6),
        }
    }

    /// Documents of marks: refused whole or counted to the last record, and what is held stands in the source.
    #[test]
    fn r17_no_markup_breaks_a_document(text in "(<l>|</l>|<v>|</v>|<v/>|<k a='1'>|</k>|<!--|-->|<!\\[CDATA\\[|\\]\\]>|<\\?|\\?>|&lt;|&x;|&|<|>|\"|'|x| |\\PC){0,24}", wrapped in any::<bool>(), which in 0_usize..2) {
        let decoder = ["kind = \"xml\"\nrecords = [\"v\"]", "kind = \"syndication\""][which];
        let spec = crate::documents::visits(decoder, "");
        let text = if which == 1 { text.replace("<v", "<item").replace("</v", "</item").replace("<l", "<rss").replace("</l", "</rss") } else { text };
        let root = ["l", "rss"][which];
        let text = if wrapped { format!("<{root}>{text}</{root}>") } else { text };
        let mut held: Vec<Entry> = Vec::new();
        let log = memory();
        match ingest(&log, &types(), &spec, Input::bytes("f", text.clone()), &mut held, &Options::at(now())) {
            Ok(report) => {
                let r = report.records;
                prop_assert_eq!(r.read, r.mapped + r.skipped + r.quarantined);
                for entry in held {
                    let raw = String::from_utf8(entry.raw.bytes().unwrap()).unwrap();
                    prop_assert!(text.contains(&raw) && !raw.is_empty(), "{raw} in {text}");
                }
            }
            Err(error) => prop_assert_eq!((error.exit_code(), log.head()), (6, 0)),
        }
    }

    /// The same for JSON: what serde takes is taken, in as many records, and what it refuses outside them is refused.
    #[test]
    fn r17_no_brackets_break_a_list(text in "(\\{|\\}|\\[|\\]|,|:|\"d\"|\"k\"|\"\\\\\"\"|1|-2.50|1e3|true|null| |\n){0,24}", wrapped in any::<bool>()) {
        let spec = crate::documents::visits("kind = \"json\"\nrecords = \"d\"\nempty = \"genuine\"", "");
        let text = if wrapped { format!("{{\"d\":[{text}]}}") } else { text };
        let mut held: Vec<Entry> = Vec::new();
        let result = ingest(&memory(), &types(), &spec, Input::bytes("f", text.clone()), &mut held, &Options::at(now()));
        let list = serde_json::from_str::<serde_json::Value>(&text).ok().and_then(|v| v.get("d")?.as_array().cloned());
        match result {
            Ok(report) => {
                if let Some(list) = list {
                    prop_assert_eq!(report.records.read, list.len() as u64, "{}", text);
                }
                for entry in held {
                    let raw = String::from_utf8(entry.raw.bytes().unwrap()).unwrap();
                    prop_assert!(text.contains(&raw) && !raw.is_empty(), "{raw} in {text}");
                }
            }
            // A name that repeats is refused, and serde takes its last value.
            Err(_) => prop_assert!(list.is_none() || text.matches("\"d\"").count() > 1, "{text}"),
        }
    }

    /// What the csv crate writes is read back column by column.
    #[test]
    fn quoted_text_is_read_as_written(note in "[a-z\",\\n;]{0,20}", place in "[a-z\",\\n]{1,20}") {
        let attributes = serde_json::json!({ "place": place }).to_string();
        let cells = ["visit.held", "k", "2022-01-01", "", "", "", "", "", "", &attributes, "", "", "", "", &note];
        let cells: Vec<String> = cells.iter().map(|c| (*c).to_owned()).collect();
        let text = [format!("{HEADER}\n").into_bytes(), written(&cells)].concat();
        let log = memory();
        let mut held: Vec<Entry> = Vec::new();
        ingest(&log, &types(), &feed("facts-csv"), Input::bytes("f", text), &mut held, &Options::at(now())).unwrap();
        prop_assert!(held.is_empty(), "{:?}", held);
        let fact = facts(&log).remove(0);
        prop_assert_eq!(fact.attributes["place"].as_str(), Some(place.as_str()));
        prop_assert_eq!(fact.note.unwrap_or_default(), note.trim());
    }
}
