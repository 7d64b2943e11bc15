//! Reliability row 21: encodings, and what is not in the one that the feed states.

use bellwether_ingest::{Cause, FeedSpec, FileQuarantine, Input, Options, Raw, Resolved, ingest, retry};
use encoding_rs::{GBK, WINDOWS_1251};

use crate::support::{Run, facts, memory, now, refused, run, types};

fn parse(encoding: &str, decoder: &str) -> Result<FeedSpec, bellwether_model::Problems> {
    let text = format!(
        "name = \"t\"\ntitle = \"t\"\nlicence = \"t\"\ncadence = \"daily\"\nencoding = \"{encoding}\"\n\
         [connector]\nkind = \"file\"\n[decoder]\n{decoder}\n\
         [[fact]]\ntype = \"'visit.held'\"\nkey = \"record['姓名']\"\nvalid_start = \"record.b\"\n"
    );
    FeedSpec::parse("t.toml", &text)
}

fn spec(encoding: &str) -> FeedSpec {
    parse(encoding, "kind = \"delimited\"\ncolumns = [\"姓名\", \"b\"]").unwrap()
}

fn keys(encoding: &str, bytes: Vec<u8>) -> (Vec<String>, Run) {
    let log = memory();
    let done = run(&log, &spec(encoding), "f", bytes);
    (facts(&log).into_iter().map(|f| f.key).collect(), done)
}

const ROWS: &str = "姓名,b\n习近平,2020-01-01\n\"王, 毅\",2020-01-02\n";

fn utf16(text: &str, big: bool, mark: bool) -> Vec<u8> {
    let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
    units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
}

#[test]
fn r21_gbk_is_decoded_and_what_is_no_gbk_held_as_it_stood() {
    let (encoded, _, _) = GBK.encode(ROWS);
    let (found, _) = keys("gbk", encoded.to_vec());
    assert_eq!(found, ["习近平", "王, 毅"]);
    let bad = b"\xd0\xc2\xff\xfe,2020-01-03\n";
    let (found, done) = keys("gbk", [&encoded[..], bad].concat());
    assert_eq!(found.len(), 2);
    assert_eq!((done.held[0].line, done.held[0].cause), (4, Cause::Undecodable));
    assert!(done.held[0].reason.contains("not GBK near byte 2"), "{}", done.held[0].reason);
    assert_eq!(done.held[0].raw.bytes().unwrap(), &bad[..bad.len() - 1], "the bytes of the source, not ours");
}

#[test]
fn r21_windows_1251_is_decoded_and_its_free_byte_held() {
    let text = "姓名,b\nПутин,2020-01-01\n".replace("姓名", "a");
    let (encoded, _, _) = WINDOWS_1251.encode(&text);
    let file = "name = \"t\"\ntitle = \"t\"\nlicence = \"t\"\ncadence = \"daily\"\nencoding = \"windows-1251\"\n\
                [connector]\nkind = \"file\"\n[decoder]\nkind = \"delimited\"\ncolumns = [\"a\", \"b\"]\n\
                [[prefilter]]\ncolumn = \"a\"\nnot = \"Никто\"\n\
                [[fact]]\ntype = \"'visit.held'\"\nkey = \"record.a\"\nvalid_start = \"record.b\"\n";
    let feed = FeedSpec::parse("t.toml", file).unwrap();
    let log = memory();
    let nobody = WINDOWS_1251.encode("Никто,2020-01-01\n").0.to_vec();
    let done = run(&log, &feed, "f", [encoded.to_vec(), nobody, b"\x98,2020-01-01\n".to_vec()].concat());
    assert_eq!(facts(&log)[0].key, "Путин");
    let r = done.report.records;
    assert_eq!((r.mapped, r.skipped, r.quarantined), (1, 1, 1));
    assert_eq!(done.held[0].raw, Raw::Hex("982c323032302d30312d3031".into()));
}

#[test]
fn r21_a_retry_decodes_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut quarantine = FileQuarantine::open(dir.path()).unwrap();
    let log = memory();
    let (encoded, _, _) = GBK.encode("姓名,b\n习近平,01.01.2020\n");
    let input = Input::bytes("f", encoded.to_vec());
    ingest(&log, &types(), &spec("gbk"), input, &mut quarantine, &Options::at(now())).unwrap();
    let entry = quarantine.list().unwrap().remove(0);
    assert_eq!((entry.header.as_deref(), entry.field.as_str()), (Some("姓名,b"), "valid_start"));
    let text = "name = \"t\"\ntitle = \"t\"\nlicence = \"t\"\ncadence = \"daily\"\nencoding = \"gbk\"\n\
                [connector]\nkind = \"file\"\n[decoder]\nkind = \"delimited\"\n\
                [[fact]]\ntype = \"'visit.held'\"\nkey = \"record['姓名']\"\nvalid_start = \"date(record.b, '%d.%m.%Y')\"\n";
    let corrected = FeedSpec::parse("t.toml", text).unwrap();
    let done = retry(&mut quarantine, &entry.id, &log, &types(), &corrected, now()).unwrap();
    assert!(matches!(done, Resolved::Stored { .. }), "{done:?}");
    assert_eq!(facts(&log)[0].key, "习近平");
}

#[test]
fn r21_utf16_and_byte_order_marks() {
    for (encoding, bytes) in [
        ("utf-16le", utf16(ROWS, false, false)),
        ("utf-16be", utf16(ROWS, true, false)),
        ("utf-16", utf16(ROWS, true, true)),
        // A source of the default encoding says by its mark that it is UTF-16.
        ("utf-8", utf16(ROWS, false, true)),
        ("utf-8", utf16(ROWS, true, true)),
        ("utf-8", [b"\xef\xbb\xbf", ROWS.as_bytes()].concat()),
    ] {
        assert_eq!(keys(encoding, bytes).0, ["习近平", "王, 毅"], "{encoding}");
    }
    // A lone surrogate costs its record, not the file. What quarantine holds is UTF-8 and 0xFF, and can be tried again.
    let mut bytes = utf16(ROWS, false, true);
    bytes.extend(utf16("x", false, false));
    bytes.extend(0xd800_u16.to_le_bytes());
    bytes.extend(utf16("y,2020-01-03\nz,2020-01-04\n", false, false));
    let (found, done) = keys("utf-8", bytes);
    assert_eq!(found, ["习近平", "王, 毅", "z"]);
    assert_eq!(done.held[0].raw.bytes().unwrap(), b"x\xffy,2020-01-03");
    // An odd byte at the end is no character.
    let mut odd = utf16(ROWS, false, true);
    odd.push(b'x');
    assert_eq!(keys("utf-8", odd).1.held.len(), 1);
    let error = refused(&spec("gbk"), "f", [b"\xef\xbb\xbf", ROWS.as_bytes()].concat());
    assert!(error.to_string().contains("byte order mark"), "{error}");
}

#[test]
fn r21_a_long_utf16_source_streams() {
    let rows: String = (0..60_000).map(|i| format!("姓{i},2020-01-01\n")).collect();
    let (found, done) = keys("utf-16le", utf16(&format!("姓名,b\n{rows}"), false, false));
    assert_eq!((found.len(), done.held.len()), (60_000, 0));
    assert_eq!(found[59_999], "姓59999");
}

#[test]
fn r21_nul_and_direction_marks_are_held_in_any_encoding() {
    for (encoding, text) in [("gbk", "姓名,b\na\0b,2020-01-01\n"), ("utf-16le", "姓名,b\na\0b,2020-01-01\n")]
    {
        let bytes = if encoding == "gbk" { GBK.encode(text).0.to_vec() } else { utf16(text, false, false) };
        let (found, done) = keys(encoding, bytes);
        assert_eq!((found.len(), done.held.len()), (0, 1));
        assert!(done.held[0].reason.contains("NUL"), "{}", done.held[0].reason);
    }
    let (found, done) = keys("utf-16le", utf16("姓名,b\na\u{202e}b,2020-01-01\n", false, false));
    assert_eq!((found.len(), done.held.len()), (0, 1));
    assert!(!done.held[0].reason.contains('\u{202e}'), "shown neutralised");
}

#[test]
fn encodings_without_ascii_line_ends_or_for_json_documents_are_refused_at_load() {
    for label in ["iso-2022-jp", "hz-gb-2312", "klingon", ""] {
        let problems = parse(label, "kind = \"delimited\"").unwrap_err();
        assert!(problems.to_string().contains("windows-1251"), "{problems}");
    }
    assert_eq!(parse("gbk", "kind = \"cloudevents\"").unwrap_err().0[0].field, "encoding");
    assert!(parse("gbk", "kind = \"ndjson\"").is_ok());
}
