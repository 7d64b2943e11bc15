//! Reliability row 18: packed sources give what is in them, and hostile ones cost little and write nothing.

use std::io::{Cursor, Read, Write};

use bellwether_ingest::{FeedSpec, IngestError, Input, Limits, Options, Unpack, ingest, md5_matches};
use bellwether_store::EventLog;
use zip::write::SimpleFileOptions;

use crate::support::{Run, facts, memory, now, run_with, types};

const ROWS: &str = "a,b\none,2020-01-01\ntwo,2020-01-02\n";

fn spec(unpack: &str) -> FeedSpec {
    let text = format!(
        "name = \"t\"\ntitle = \"t\"\nlicence = \"t\"\ncadence = \"daily\"\nunpack = \"{unpack}\"\n\
         [connector]\nkind = \"file\"\n[decoder]\nkind = \"delimited\"\ncolumns = [\"a\", \"b\"]\n\
         [[fact]]\ntype = \"'visit.held'\"\nkey = \"record.a\"\nvalid_start = \"record.b\"\n"
    );
    FeedSpec::parse("t.toml", &text).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut packed = zstd::Encoder::new(Vec::new(), 19).unwrap();
    packed.include_checksum(true).unwrap();
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

pub(crate) fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut packed = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        packed.start_file(*name, SimpleFileOptions::default()).unwrap();
        packed.write_all(bytes).unwrap();
    }
    packed.finish().unwrap().into_inner()
}

fn run(unpack: &str, bytes: Vec<u8>) -> (Run, Vec<String>, Vec<String>) {
    let log = memory();
    let done = run_with(&log, &types(), &spec(unpack), Input::bytes("f.packed", bytes), &Options::at(now()));
    let all = facts(&log);
    let files = all.iter().map(|f| f.evidence.file.clone().unwrap()).collect();
    (done, all.into_iter().map(|f| f.key).collect(), files)
}

/// Ingests what must fail; gives the findings and how many facts got in.
fn refused(unpack: &str, bytes: Vec<u8>) -> (String, usize) {
    let log = memory();
    let input = Input::bytes("f.packed", bytes);
    let error =
        ingest(&log, &types(), &spec(unpack), input, &mut Vec::new(), &Options::at(now())).unwrap_err();
    assert_eq!(error.exit_code(), 6);
    assert!(
        error.problems().iter().all(|p| p.file.starts_with("f.packed") && !p.remedy.is_empty()),
        "{error}"
    );
    (error.to_string(), facts(&log).len())
}

#[test]
fn packed_sources_are_read_as_they_stream() {
    for (unpack, bytes) in [
        ("gzip", gzip(ROWS.as_bytes())),
        ("zstd", zstd(ROWS.as_bytes())),
        ("any", gzip(ROWS.as_bytes())),
        ("any", zstd(ROWS.as_bytes())),
        ("any", ROWS.into()),
    ] {
        let (_, keys, files) = run(unpack, bytes);
        assert_eq!(
            (keys, files),
            (vec!["one".into(), "two".into()], vec!["f.packed".to_owned(); 2]),
            "{unpack}"
        );
    }
    // Two members and two frames after another are one source.
    let (head, tail) = ROWS.as_bytes().split_at(20);
    assert_eq!(run("gzip", [gzip(head), gzip(tail)].concat()).1, ["one", "two"]);
    assert_eq!(run("zstd", [zstd(head), zstd(tail)].concat()).1, ["one", "two"]);
}

#[test]
fn each_file_of_a_zip_is_a_source_of_its_own() {
    let other = ROWS.replace("one", "three").replace("two", "four");
    let bytes = zipped(&[("x/one.csv", ROWS.as_bytes()), ("two.csv", other.as_bytes())]);
    for unpack in ["zip", "any"] {
        let (done, keys, files) = run(unpack, bytes.clone());
        assert_eq!(keys, ["one", "two", "three", "four"]);
        assert_eq!(files[0], "f.packed!x/one.csv");
        assert_eq!(files[3], "f.packed!two.csv");
        assert_eq!(done.report.records.read, 4);
    }
    // The checkpoint names the file that it stands in.
    let log = memory();
    run_with(&log, &types(), &spec("zip"), Input::bytes("f.packed", bytes), &Options::at(now()));
    let checkpoint = log.checkpoint("t").unwrap().unwrap();
    assert_eq!(checkpoint, serde_json::json!({ "file": "f.packed!two.csv", "line": 3 }));
}

#[test]
fn a_zip_on_disk_is_read_in_place_and_from_its_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f.packed");
    std::fs::write(&path, zipped(&[("a.csv", ROWS.as_bytes())])).unwrap();
    for unpack in ["zip", "any"] {
        let log = memory();
        let input = Input::open(path.to_str().unwrap()).unwrap();
        run_with(&log, &types(), &spec(unpack), input, &Options::at(now()));
        assert_eq!(facts(&log).len(), 2);
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing beside it");
}

#[test]
fn r18_bombs_are_cut_off() {
    // Two rows, then 64 MB of blanks that pack to 64 kB or less.
    let mut bomb = ROWS.as_bytes().to_vec();
    bomb.resize(64 << 20, b'\n');
    for (unpack, bytes) in [
        ("gzip", gzip(&bomb)),
        ("zstd", zstd::encode_all(&bomb[..], 3).unwrap()),
        ("zip", zipped(&[("a.csv", &bomb)])),
    ] {
        assert!(bytes.len() < 1 << 17);
        let (said, stored) = refused(unpack, bytes);
        assert!(said.contains("200 times its size") && said.contains("bomb"), "{unpack}: {said}");
        assert!(stored <= 2, "what came before may be kept");
    }
}

/// The cap is on all members together: overlapping ones and many small ones are worth no more than one large.
#[test]
fn r18_caps_hold_over_all_members() {
    let limits = Limits { bytes: 1000, members: 3, ..Limits::default() };
    let open =
        |members: &[(&str, &[u8])]| Unpack::Zip.open(Input::bytes("f.packed", zipped(members)), limits);
    let too_many = open(&[("a", b"1"), ("b", b"2"), ("c", b"3"), ("d", b"4")]).map(|_| ()).unwrap_err();
    assert!(too_many.to_string().contains("4 files, more than 3"), "{too_many}");
    let half = [b'x'; 600];
    let log = memory();
    let members = open(&[("a", &half), ("b", &half)]).unwrap();
    let read: Vec<Result<u64, String>> = members
        .map(|m| {
            let mut bytes = Vec::new();
            m.unwrap().into_reader().read_to_end(&mut bytes).map(|n| n as u64).map_err(|e| e.to_string())
        })
        .collect();
    assert_eq!(read[0], Ok(600));
    assert!(read[1].as_ref().unwrap_err().contains("more than 1000 bytes unpacked"), "{read:?}");
    assert_eq!(log.head(), 0);
}

#[test]
fn r18_archives_within_archives_are_refused() {
    let inner = zipped(&[("a.csv", ROWS.as_bytes())]);
    let mut tar = vec![0; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    for (unpack, bytes, what) in [
        ("zip", zipped(&[("a.zip", &inner)]), "zip"),
        ("zip", zipped(&[("a.csv.gz", &gzip(ROWS.as_bytes()))]), "gzip"),
        ("gzip", gzip(&inner), "zip"),
        ("gzip", gzip(&gzip(ROWS.as_bytes())), "gzip"),
        ("gzip", gzip(&tar), "tar"),
        ("zstd", zstd(&zstd(ROWS.as_bytes())), "Zstandard"),
        ("any", zstd(&gzip(ROWS.as_bytes())), "gzip"),
    ] {
        let (said, stored) = refused(unpack, bytes);
        assert!(said.contains(&format!("holds a {what} archive")), "{said}");
        assert_eq!(stored, 0);
    }
}

#[test]
fn r18_names_are_only_names_and_links_are_inert() {
    let dir = tempfile::tempdir().unwrap();
    let escaped = dir.path().join("escaped.csv");
    let mut packed = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    for name in ["../../escaped.csv", escaped.to_str().unwrap(), "c:\\escaped.csv", "a\u{202e}b\n.csv"] {
        packed.start_file(name, options).unwrap();
        packed.write_all(ROWS.as_bytes()).unwrap();
    }
    packed.add_symlink("link.csv", "/etc/passwd", options).unwrap();
    packed.add_directory("folder", options).unwrap();
    packed.start_file("last.csv", options).unwrap();
    packed.write_all(b"a,b\nlast,2020-01-03\n").unwrap();
    let bytes = packed.finish().unwrap().into_inner();
    let log = memory();
    let input = Input::bytes("f.packed", bytes);
    let error =
        ingest(&log, &types(), &spec("zip"), input, &mut Vec::new(), &Options::at(now())).unwrap_err();
    assert_eq!(error.problems()[0].file, "f.packed!link.csv");
    let all = facts(&log);
    let told =
        "the rest was taken: 9 records read = 9 mapped + 0 skipped + 0 quarantined; 3 facts stored, 6 known";
    assert_eq!(error.problems().iter().map(|p| p.message.as_str()).skip(1).collect::<Vec<_>>(), [told]);
    assert!(error.to_string().contains("is a link"), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    assert_eq!(all.last().unwrap().key, "last", "one bad member does not cost the others");
    assert_eq!(all[0].evidence.file.as_deref(), Some("f.packed!../../escaped.csv"));
    let files: Vec<String> = all.iter().filter_map(|f| f.evidence.file.clone()).collect();
    assert!(files.iter().all(|f| !f.chars().any(|c| c.is_control() || c == '\u{202e}')), "{files:?}");
}

#[test]
fn r18_what_is_cut_or_damaged_is_named() {
    let rows: String = std::iter::once("a,b\n".to_owned())
        .chain((0..50_000_u64).map(|i| format!("{},2020-01-01\n", i * i * 7919)))
        .collect();
    for (unpack, whole) in [("gzip", gzip(rows.as_bytes())), ("zstd", zstd(rows.as_bytes()))] {
        let (said, stored) = refused(unpack, whole[..whole.len() - 9].to_vec());
        assert!(said.contains("cut short"), "{said}");
        assert!(stored > 0, "what came before the cut is kept");
        let mut flipped = whole.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0x55;
        refused(unpack, flipped);
    }
    let whole = zipped(&[("a.csv", rows.as_bytes())]);
    assert!(refused("zip", whole[..whole.len() - 9].to_vec()).0.contains("cut short"));
    let mut flipped = whole.clone();
    flipped[2000] ^= 0x55;
    let (said, _) = refused("zip", flipped);
    assert!(said.starts_with("f.packed!a.csv: "), "{said}");
    for (unpack, said) in [("zip", "is no zip"), ("gzip", "is no gzip"), ("zstd", "is no Zstandard")] {
        let html = b"<!DOCTYPE html><html><body>Service unavailable</body></html>".to_vec();
        assert!(refused(unpack, html).0.contains(said));
    }
    assert!(refused("zip", zipped(&[])).0.contains("holds no file"));
}

/// A directory that lies about its file is found out by the check sum and the size.
#[test]
fn r18_a_zip_that_does_not_add_up_is_refused() {
    let whole = zipped(&[("a.csv", ROWS.as_bytes())]);
    let directory = whole.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
    for (at, what) in
        [(16, "its directory says"), (24, "its directory says"), (42, "where its directory says")]
    {
        let mut lying = whole.clone();
        lying[directory + at] ^= 1;
        let (said, _) = refused("zip", lying);
        assert!(said.contains(what), "{at}: {said}");
    }
    // Two ends: readers would differ on which counts.
    let error = Unpack::Zip
        .open(Input::bytes("f.packed", [whole.clone(), b"PK\x05\x06".to_vec()].concat()), Limits::default())
        .map(|_| ())
        .unwrap_err();
    assert!(matches!(error, IngestError::Source(_)), "{error}");
    assert!(refused("zip", [whole, b"x".to_vec()].concat()).0.contains("bytes follow"));
}

#[test]
fn a_manifest_digest_is_compared() {
    assert!(md5_matches(&b"abc"[..], "900150983CD24FB0D6963F7D28E17F72").unwrap());
    assert!(md5_matches(&b""[..], " d41d8cd98f00b204e9800998ecf8427e\n").unwrap());
    assert!(!md5_matches(&b"abd"[..], "900150983cd24fb0d6963f7d28e17f72").unwrap());
}

proptest::proptest! {
    /// Whatever the bytes, a packed source is read or refused.
    #[test]
    fn r18_no_bytes_break_an_archive(at in 0_usize..400, byte in 0_u8..=255, cut in 0_usize..400, noise in proptest::collection::vec(0_u8..=255, 0..60)) {
        for (unpack, bytes) in [("zip", zipped(&[("a.csv", ROWS.as_bytes()), ("b.csv", b"a,b\n")])), ("gzip", gzip(ROWS.as_bytes())), ("zstd", zstd(ROWS.as_bytes()))] {
            let mut changed = bytes.clone();
            if let Some(b) = changed.get_mut(at) { *b = byte; }
            changed.truncate(changed.len().saturating_sub(cut % 40));
            for bytes in [changed, noise.clone()] {
                let log = memory();
                let _ = ingest(&log, &types(), &spec(unpack), Input::bytes("f", bytes), &mut Vec::new(), &Options::at(now()));
                proptest::prop_assert!(facts(&log).len() <= 2);
            }
        }
    }
}
