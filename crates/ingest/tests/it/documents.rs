//! Feeds whose source is one document: what becomes of every record, and of the document as a whole.

use bellwether_ingest::{Cause, FeedSpec, Input, Options};
use bellwether_model::{Fact, FactTypes};

use crate::feeds::as_lines;
use crate::support::{Run, facts, feed, memory, now, refused, root, run, run_with};

/// The registry as shipped.
pub(crate) fn shipped() -> FactTypes {
    let text = std::fs::read_to_string(root().join("config/facts.toml")).unwrap();
    FactTypes::parse("config/facts.toml", &text).unwrap()
}

/// Ingests a fixture, compares the facts with those expected, and gives what was held as `line field`.
pub(crate) fn check(feed_name: &str, file: &str, expected: &str) -> (Run, Vec<String>) {
    let folder = root().join("fixtures/feeds").join(feed_name);
    let log = memory();
    let input = Input::open(folder.join(file).to_str().unwrap()).unwrap();
    let done = run_with(&log, &shipped(), &feed(feed_name), input, &Options::at(now_of(file)));
    let found = as_lines(&facts(&log));
    if std::env::var_os("BELLWETHER_BLESS").is_some() {
        std::fs::write(folder.join(expected), &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(folder.join(expected)).unwrap(), "{file}");
    let held = done.held.iter().map(|e| format!("{} {}", e.line, e.field)).collect();
    (done, held)
}

/// Fixtures play in years to come, so that none is taken for real.
fn now_of(file: &str) -> chrono::DateTime<chrono::Utc> {
    if ["reply.json", "list.xml", "sdn.xml"].contains(&file) {
        "2033-01-01T00:00:00Z".parse().unwrap()
    } else {
        now()
    }
}

fn counts(done: &Run) -> (u64, u64, u64, u64) {
    let r = done.report.records;
    (r.read, r.mapped, r.skipped, r.quarantined)
}

#[test]
fn comtrade_takes_the_totals_and_skips_their_breakdown() {
    let (done, held) = check("comtrade", "reply.json", "expected.ndjson");
    assert_eq!(counts(&done), (13, 5, 5, 3));
    assert_eq!(held, ["222 value", "315 actors", "377 value"]);
    assert_eq!(
        done.held.iter().map(|e| e.cause).collect::<Vec<_>>(),
        [Cause::Invalid, Cause::Invalid, Cause::Implausible]
    );
}

#[test]
fn un_sc_entries_are_listings() {
    let (done, held) = check("un-sc", "list.xml", "expected.ndjson");
    assert_eq!(counts(&done), (5, 3, 0, 2));
    // What is no record at all comes before what is none of this list.
    assert_eq!(held, ["84 record", "51 actors"]);
}

#[test]
fn ofac_entries_are_listings() {
    let (done, held) = check("ofac-sdn-xml", "sdn.xml", "expected.ndjson");
    assert_eq!((counts(&done), held.len()), ((4, 4, 0, 0), 0));
}

#[test]
fn r22_statements_of_all_four_formats() {
    let (done, held) = check("statements-rss", "rss2.xml", "rss2.ndjson");
    assert_eq!(counts(&done), (12, 5, 1, 6));
    assert_eq!(held, ["33 published", "38 published", "43 id", "48 record", "53 record", "56 record"]);
    let (done, held) = check("statements-rss", "rss1.xml", "rss1.ndjson");
    assert_eq!((counts(&done), held.len()), ((1, 1, 0, 0), 0));
    let (done, held) = check("statements-rss", "atom.xml", "atom.ndjson");
    assert_eq!((counts(&done), held.len()), ((2, 2, 0, 0), 0));
    let (done, held) = check("statements-rss", "feed.json", "json.ndjson");
    assert_eq!(counts(&done), (3, 1, 0, 2));
    assert_eq!(held, ["7 published", "8 id"]);
}

const HEAD: &str =
    "name = \"t\"\ntitle = \"t\"\nlicence = \"t\"\ncadence = \"daily\"\n[connector]\nkind = \"file\"\n";
const FACT: &str =
    "[[fact]]\ntype = \"'visit.held'\"\nkey = \"text(record, 'k')\"\nvalid_start = \"'2020-01-01'\"\n";

/// A feed of visits keyed by `k`.
pub(crate) fn visits(decoder: &str, more: &str) -> FeedSpec {
    FeedSpec::parse("t.toml", &format!("{HEAD}[decoder]\n{decoder}\n{FACT}{more}"))
        .unwrap_or_else(|p| panic!("{p}"))
}

/// Keys stored and lines held.
pub(crate) fn outcome(spec: &FeedSpec, text: impl Into<Vec<u8>>) -> (Vec<String>, Vec<u64>) {
    let log = memory();
    let done = run(&log, spec, "f", text);
    (facts(&log).into_iter().map(|f: Fact| f.key).collect(), done.held.iter().map(|e| e.line).collect())
}

/// A source that is refused whole: nothing is appended, and the finding says where and what to do.
#[track_caller]
pub(crate) fn refuses(spec: &FeedSpec, text: impl Into<Vec<u8>>, says: &str) {
    let error = refused(spec, "f", text);
    let problem = &error.problems()[0];
    assert_eq!((error.exit_code(), problem.file.as_str()), (6, "f"), "{problem}");
    assert!(problem.to_string().contains(says), "{problem}");
    assert!(!problem.remedy.is_empty(), "{problem}");
}

#[test]
fn records_are_found_where_the_path_leads() {
    for (path, text) in [
        ("data", r#"{"a":[{"k":"x"}],"data":[{"k":"1"},{"k":"2"}],"z":{"data":[{"k":"y"}]}}"#),
        ("result.items", "{\"result\":{\"n\":[1,[2]],\"items\":[\n{\"k\":\"1\"}\n,\n{\"k\":\"2\"}]}}"),
        ("", " [ {\"k\":\"1\"} , {\"k\":\"2\"} ] \n"),
        ("d\\u0061ta.é", r#"{"data":{"é":[{"k":"1"},{"k":"2","data":{"é":[{"k":"no"}]}}]}}"#),
    ] {
        let spec = visits(&format!("kind = \"json\"\nrecords = \"{path}\""), "");
        assert_eq!(outcome(&spec, text), (vec!["1".into(), "2".into()], vec![]), "{path}");
    }
}

#[test]
fn one_bad_record_of_a_list_costs_itself() {
    let spec = visits("kind = \"json\"\nrecords = \"d\"", "");
    let text = "{\"d\":[\n{\"k\":\"1\"},\n7 ,\n\"}]\",\n{\"k\":1,\"k\":2},\n{\"k\":nul},\nnull,[{}],\n{\"k\":\"2\"}]}";
    assert_eq!(outcome(&spec, text), (vec!["1".into(), "2".into()], vec![3, 4, 5, 6, 7, 7]));
    let mut bytes = b"{\"d\":[{\"k\":\"\xff\"},{\"k\":\"2\"}]}".to_vec();
    assert_eq!(outcome(&spec, bytes.clone()), (vec!["2".into()], vec![1]));
    bytes.truncate(bytes.len() - 1);
    refuses(&spec, bytes, "cut short");
}

/// Wherever a document is cut, and whatever follows it, nothing of it is taken.
#[test]
fn r20_a_cut_document_appends_nothing() {
    let json = visits("kind = \"json\"\nrecords = \"r.d\"", "");
    let text = "{\"r\":{\"d\":[{\"k\":\"1\"},{\"k\":\"a\\\"]}\"}],\"e\":-1.5e3},\"f\":\"x\"}";
    assert_eq!(outcome(&json, text).0.len(), 2);
    for end in 1..text.len() {
        refuses(&json, &text[..end], "");
    }
    for junk in ["{}", "]", "x", ",", "\0", "[1]"] {
        refuses(&json, format!("{text}\n{junk}"), "");
    }
    let xml = visits("kind = \"xml\"\nrecords = [\"v\"]", "");
    let text =
        "<?xml version='1.0'?><!-- > --><l a='>'><v><k>1</k></v><v><k><![CDATA[</v>]]></k><e/></v></l>";
    assert_eq!(outcome(&xml, text).0, ["1", "</v>"]);
    for end in 1..text.len() {
        refuses(&xml, &text[..end], "");
    }
    for junk in ["<l/>", "</l>", "x", "<v><k>3</k></v>", "<![CDATA[x]]>"] {
        refuses(&xml, format!("{text}\n{junk}"), "");
    }
    assert_eq!(outcome(&xml, format!("{text}\n<!-- that is all -->\n<?end?>\n")).0.len(), 2);
    let rss = feed("statements-rss");
    let text = std::fs::read_to_string(root().join("fixtures/feeds/statements-rss/rss2.xml")).unwrap();
    let text = text.trim_end();
    for end in (1..text.len()).filter(|end| text.is_char_boundary(*end)).step_by(7).chain([text.len() - 1]) {
        refuses(&rss, &text[..end], "");
    }
}

#[test]
fn a_path_that_leads_nowhere_or_twice_refuses_the_document() {
    let spec = visits("kind = \"json\"\nrecords = \"a.b\"", "");
    refuses(&spec, "{\"a\":{\"c\":[]}}", "nothing at a.b");
    refuses(&spec, "{\"a\":[{\"b\":[]}]}", "nothing at a.b");
    refuses(&spec, "{\"a\":{\"b\":{\"k\":\"1\"}}}", "an object at a.b");
    refuses(&spec, "{\"a\":{\"b\":null}}", "null at a.b");
    refuses(&spec, "{\"a\":{\"b\":\"[]\"}}", "a text at a.b");
    refuses(&spec, "{\"a\":{\"b\":[{\"k\":\"1\"}],\"b\":[]}}", "twice");
    refuses(&spec, "[{\"k\":\"1\"}]", "nothing at a.b");
    refuses(&spec, "k,v\n1,2\n", "not JSON");
    refuses(&spec, "{\"a\" {}}", "not JSON");
    refuses(&spec, "{\"a\":{\"b\":[{\"k\":\"1\"}}]}", "} is not expected");
    refuses(&spec, "{\"a\":{\"b\":[{\"k\":\"1\"},]},\"x\":tru}", "not JSON");
    let spec = visits("kind = \"xml\"\nroot = \"l\"\nrecords = [\"v\"]", "");
    refuses(&spec, "<m><v><k>1</k></v></m>", "the root is not l");
    refuses(&spec, "<v><k>1</k></v>", "the root is not l");
    refuses(&spec, "<l><v><k>1</k></w></l>", "</w> where </v> is due");
    refuses(&spec, "<l><V><k>1</k></V></l>", "no record");
    refuses(&spec, "{\"l\":1}", "no XML");
}

#[test]
fn nothing_is_never_none_unless_the_feed_file_says_so() {
    for (kind, text) in [
        ("kind = \"json\"\nrecords = \"d\"", "{\"d\":[]}"),
        ("kind = \"xml\"\nrecords = [\"v\"]", "<l/>"),
        ("kind = \"syndication\"", "<rss><channel><title>t</title></channel></rss>"),
        ("kind = \"syndication\"", "{\"items\":[]}"),
    ] {
        refuses(&visits(kind, ""), text, "no record");
        assert_eq!(outcome(&visits(&format!("{kind}\nempty = \"genuine\""), ""), text), (vec![], vec![]));
        refuses(&visits(&format!("{kind}\nempty = \"genuine\""), ""), " \n", "empty");
    }
}

#[test]
fn the_envelope_is_checked_before_anything_is_taken() {
    let comtrade = feed("comtrade");
    let reply = |count: &str, data: &str, error: &str| {
        format!("{{\"elapsedTime\":\"0 secs\",\"count\":{count},\"data\":{data},\"error\":{error}}}")
    };
    refuses(&comtrade, reply("0", "[]", "\"\""), "no record");
    refuses(&comtrade, reply("0", "null", "\"Invalid period\""), "Invalid period");
    refuses(&comtrade, reply("2", "[{}]", "\"\""), "number of records");
    refuses(&comtrade, reply("null", "[{}]", "null"), "number of records");
    let many = |n: usize| format!("[{}]", vec!["{}"; n].join(","));
    refuses(&comtrade, reply("500", &many(500), "\"\""), "at most is cut");
    let log = memory();
    let done = run(&log, &comtrade, "f", reply("499", &many(499), "\"\""));
    assert_eq!(done.report.records.quarantined, 499, "rows without columns are held, not skipped");

    let spec = visits(
        "kind = \"xml\"\nrecords = [\"v\"]\n[[decoder.envelope]]\npath = \"head.day\"\nnot = \"\"\n\
         [[decoder.envelope]]\npath = \"@n\"\nrecords = true\n[[decoder.envelope]]\npath = \"head.@by\"\nin = [\"us\", \"them\"]",
        "note = \"envelope['head.day'] + '/' + envelope['@n']\"\n",
    );
    let list = |n: &str, head: &str| format!("<l n='{n}'>{head}<v><k>1</k></v></l>");
    let log = memory();
    run(
        &log,
        &spec,
        "f",
        list("&#49;", "<head by='us'><day> 3 &amp;<!-- x --> 4<![CDATA[ & 5]]></day></head>"),
    );
    assert_eq!(facts(&log)[0].note.as_deref(), Some("3 & 4 & 5/1"));
    refuses(&spec, list("2", "<head by='us'><day>3</day></head>"), "number of records");
    refuses(&spec, list("1", "<head by='you'><day>3</day></head>"), "one of");
    refuses(&spec, list("1", "<head by='us'><day/></head>"), "must not be");
    refuses(&spec, list("1", "<head by='us'><day>3</day><day>4</day></head>"), "twice");
    refuses(&spec, list("1", "<head by='us'><day>&x;</day></head>"), "unknown entity");
    assert_eq!(facts(&log).len(), 1);
}

/// What stood around a held record is there when it is tried again.
#[test]
fn a_held_record_is_retried_with_its_envelope() {
    use bellwether_ingest::{FileQuarantine, Resolved, ingest, retry};
    for (decoder, text) in [
        ("kind = \"json\"\nrecords = \"d\"", "{\"day\":\"2020-05-05\",\"d\":[{\"k\":\"1\",\"x\":1.50}]}"),
        ("kind = \"xml\"\nrecords = [\"v\"]", "<l><day>2020-05-05</day><v><k>1</k><x>1.50</x></v></l>"),
    ] {
        let decoder = format!("{decoder}\n[[decoder.envelope]]\npath = \"day\"\n");
        let spec = |fact: &str| {
            let fact = FACT.replace("'2020-01-01'", fact);
            FeedSpec::parse(
                "t.toml",
                &format!("{HEAD}[decoder]\n{decoder}\n{fact}note = \"text(record, 'x')\""),
            )
            .unwrap()
        };
        let (log, dir) = (memory(), tempfile::tempdir().unwrap());
        let mut quarantine = FileQuarantine::open(dir.path()).unwrap();
        let types = crate::support::types();
        let options = Options::at(now());
        ingest(&log, &types, &spec("record.gone"), Input::bytes("f", text), &mut quarantine, &options)
            .unwrap();
        let id = quarantine.list().unwrap()[0].id.clone();
        let done = retry(&mut quarantine, &id, &log, &types, &spec("envelope.day"), now()).unwrap();
        assert!(matches!(done, Resolved::Stored { .. }), "{done:?}");
        let fact = facts(&log).remove(0);
        assert_eq!(
            (fact.valid.start.to_rfc3339().as_str(), fact.note.as_deref()),
            ("2020-05-05T00:00:00+00:00", Some("1.50"))
        );
    }
}

#[test]
fn numbers_arrive_as_they_are_written() {
    let spec = visits("kind = \"json\"", "note = \"text(record, 'n')\"\n");
    for (written, read) in [
        ("6804128143.0", "6804128143.0"),
        ("0.1", "0.1"),
        ("1.23e10", "1.23e10"),
        ("123456789012345678901234567890.5", "123456789012345678901234567890.5"),
        ("99999999999999999999", "99999999999999999999"),
        ("18446744073709551615", "18446744073709551615"),
        ("-7", "-7"),
        ("\"1.5e\\\"3\"", "1.5e\"3"),
    ] {
        let log = memory();
        run(&log, &spec, "f", format!("[{{\"a.1\":[-1.0,{{}}],\"k\":\"1\",\"n\":{written}}}]"));
        assert_eq!(facts(&log)[0].note.as_deref(), Some(read), "{written}");
    }
    for none in ["01", "1.", ".5", "+1", "1e", "0x1", "1_0", "-", "NaN", "1.2.3", "--1"] {
        assert_eq!(outcome(&spec, format!("[{{\"k\":\"1\",\"n\":{none}}}]")).1, [1], "{none}");
    }
}

#[test]
fn comtrade_values_are_exact_and_one_value_is_one_fact() {
    let text = std::fs::read_to_string(root().join("fixtures/feeds/comtrade/reply.json")).unwrap();
    let ids = |text: String| {
        let log = memory();
        let input = Input::bytes("f", text);
        run_with(&log, &shipped(), &feed("comtrade"), input, &Options::at(now_of("reply.json")));
        facts(&log).into_iter().map(|f| (f.key, f.value.unwrap().normalize().to_string())).collect::<Vec<_>>()
    };
    let found = ids(text);
    let value = |part: &str| found.iter().find(|(k, _)| k.contains(part)).map(|(_, v)| v.as_str());
    assert_eq!(value("|2031|M|643|"), Some("101234567890.12"));
    assert_eq!(value("|2031|M|0|"), Some("1234567890123.4567"));
    assert_eq!(value("|2031|X|643|"), Some("98700000000"));
}

/// A source that gives one byte at a time.
struct Slowly(Vec<u8>);

impl std::io::Read for Slowly {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() || buffer.is_empty() {
            return Ok(0);
        }
        buffer[0] = self.0.remove(0);
        Ok(1)
    }
}

/// How the bytes arrive changes nothing.
#[test]
fn a_document_that_comes_byte_by_byte_is_the_same() {
    for (name, file) in [("comtrade", "reply.json"), ("un-sc", "list.xml"), ("statements-rss", "rss2.xml")] {
        let bytes = std::fs::read(root().join("fixtures/feeds").join(name).join(file)).unwrap();
        let of = |input: Input| {
            let log = memory();
            let done = run_with(&log, &shipped(), &feed(name), input, &Options::at(now_of(file)));
            (facts(&log), done.held)
        };
        assert_eq!(of(Input::reader(file, Slowly(bytes.clone()))), of(Input::bytes(file, bytes)), "{name}");
    }
}

#[test]
fn a_web_page_is_no_data() {
    let page = std::fs::read(root().join("fixtures/hostile/page.html")).unwrap();
    for name in
        ["facts-csv", "facts-ndjson", "cloudevents", "comtrade", "un-sc", "ofac-sdn-xml", "statements-rss"]
    {
        refuses(&feed(name), page.clone(), "web page");
    }
    // However slowly it comes.
    let mut held: Vec<bellwether_ingest::Entry> = Vec::new();
    let input = Input::reader("f", Slowly(page));
    let options = Options::at(now());
    let error =
        bellwether_ingest::ingest(&memory(), &shipped(), &feed("comtrade"), input, &mut held, &options);
    assert!(error.unwrap_err().to_string().contains("web page"));
    let spec = visits("kind = \"xml\"\nroot = \"html\"\nrecords = [\"li\"]", "");
    assert_eq!(outcome(&spec, "<html><ul><li><k>1</k></li></ul></html>").0, ["1"]);
}

/// Real replies, which are not part of the project, where they are at hand.
#[test]
fn the_real_comtrade_replies() {
    let folder = root().join("../shared/data/comtrade");
    let Ok(text) = std::fs::read(folder.join("sample_v1_get_C_A_HS.json")) else {
        eprintln!("skipped: {} is not there", folder.display());
        return;
    };
    let log = memory();
    let run_of = |bytes: Vec<u8>| {
        run_with(&log, &shipped(), &feed("comtrade"), Input::bytes("reply.json", bytes), &Options::at(now()))
    };
    let done = run_of(text.clone());
    assert_eq!(counts(&done), (4, 4, 0, 0), "{:?}", done.held);
    let stored = facts(&log);
    // Counted apart from the decoder.
    let document: serde_json::Value = serde_json::from_slice(&text).unwrap();
    for (fact, row) in stored.iter().zip(document["data"].as_array().unwrap()) {
        assert_eq!(
            fact.value.unwrap().to_string().parse::<f64>().unwrap(),
            row["primaryValue"].as_f64().unwrap()
        );
        let (reporter, partner) = (row["reporterISO"].as_str().unwrap(), row["partnerISO"].as_str().unwrap());
        let import = row["flowCode"] == "M";
        assert_eq!(fact.actors, if import { [partner, reporter] } else { [reporter, partner] });
        assert_eq!(fact.attributes["valuation"], if import { "CIF" } else { "FOB" });
        assert_eq!(fact.valid.days(), 365);
    }
    // Availability of bulk files is another document: its row is held, not taken for trade and not skipped.
    let bulk = std::fs::read(folder.join("sample_bulk_v1_get_C_A_HS.json")).unwrap();
    assert_eq!(counts(&run_of(bulk)), (1, 0, 0, 1));
}

/// How often a text stands in another.
fn times(text: &str, what: &str) -> u64 {
    text.matches(what).count() as u64
}

/// The real list, which is not part of the project, where it is at hand.
#[test]
fn the_real_security_council_list_maps_whole() {
    let path = root().join("../shared/data/un_sc/UN_consolidated_2026-02.xml");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return;
    };
    // Counted apart from the decoder, by text.
    assert_eq!((times(&text, "<INDIVIDUAL>"), times(&text, "<ENTITY>")), (730, 273));
    let log = memory();
    let run_of = |text: &str| {
        let input = Input::bytes("UN_consolidated_2026-02.xml", text);
        run_with(&log, &shipped(), &feed("un-sc"), input, &Options::at(now()))
    };
    let done = run_of(&text);
    assert_eq!(counts(&done), (1003, 1003, 0, 0), "{:?}", done.held.first());
    let mut stored = facts(&log);
    stored.retain(|fact| fact.kind == "sanction.listed");
    let subjects = |what: &str| stored.iter().filter(|f| f.attributes["subject"] == what).count();
    assert_eq!((subjects("person"), subjects("entity")), (730, 273));
    let keys: std::collections::BTreeSet<&str> = stored.iter().map(|f| f.key.as_str()).collect();
    assert_eq!(keys.len(), 1003, "each has a key of its own");
    let of = |code: &str| stored.iter().filter(|f| f.actors.iter().skip(1).any(|a| a == code)).count() as u64;
    let nationals = times(&text, "<NATIONALITY>\n        <VALUE>Russian Federation</VALUE>");
    assert!(nationals > 0 && of("RUS") >= nationals, "{} of {nationals}", of("RUS"));
    assert!(of("PRK") > 100 && of("CHN") > 0);
    let programmes = stored.iter().filter(|f| f.attributes["programme"] == "DPRK").count() as u64;
    assert_eq!(programmes, times(&text, "<UN_LIST_TYPE>DPRK</UN_LIST_TYPE>"));
    // Days with a zone count as written.
    assert_eq!(times(&text, "<LISTED_ON>2015-07-01-04:00"), 6);
    assert!(
        stored.iter().filter(|f| f.valid.start.to_rfc3339().starts_with("2015-07-01T00:00:00")).count() >= 6
    );
    assert!(
        stored.iter().all(|f| f.published_at.is_some_and(|at| at.start() >= f.valid.start)),
        "no hindsight"
    );
    let again = run_of(&text);
    assert_eq!((again.report.facts.stored, again.report.facts.duplicate), (0, 1003));
    // Cut anywhere, nothing is taken.
    for end in [100, 5_000, 1_000_000, text.len() - 20, text.trim_end().len() - 1] {
        refuses(&feed("un-sc"), &text.as_bytes()[..end], "cut short");
    }
}

/// A published panel holds 433 billion dollars of trade between China and Russia for 2018: summed breakdown rows.
#[test]
fn trade_of_433_billion_is_held_and_may_be_released() {
    use bellwether_ingest::{FileQuarantine, Resolved, ingest, release};
    let path = root().join("../shared/data/rmb/russia_rows_subset_2010_2023.csv");
    let Ok(text) = std::fs::read(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return;
    };
    let spec = FeedSpec::parse(
        "panel.toml",
        &format!(
            "{}[decoder]\nkind = \"delimited\"\ncolumns = [\"iso3\", \"year\", \"china_bilateral_usd\"]\n\
             [[fact]]\ntype = \"'trade.flow'\"\nkey = \"'panel|' + record.iso3 + '|' + record.year\"\n\
             valid_start = \"record.year + '-01-01'\"\nvalid_end = \"string(int(record.year) + 1) + '-01-01'\"\n\
             actors = \"['CHN', record.iso3]\"\nvalue = \"record.china_bilateral_usd\"\nunit = \"'USD'\"\ngrade = \"'D4'\"\n\
             [fact.attributes]\ndirection = \"'two-way'\"\nreporter = \"'panel'\"\n",
            HEAD.replace("name = \"t\"", "name = \"panel\"")
        ),
    )
    .unwrap_or_else(|p| panic!("{p}"));
    let (log, dir) = (memory(), tempfile::tempdir().unwrap());
    let mut quarantine = FileQuarantine::open(dir.path()).unwrap();
    let types = shipped();
    let report =
        ingest(&log, &types, &spec, Input::bytes("panel.csv", text), &mut quarantine, &Options::at(now()))
            .unwrap();
    let list = quarantine.list().unwrap();
    let implausible: Vec<_> = list.iter().filter(|e| e.cause == Cause::Implausible).collect();
    assert_eq!(implausible.len(), 1, "{list:?}");
    let held = implausible[0];
    assert!(
        held.reason.contains("432950164609.36") && held.reason.contains("implausible"),
        "{}",
        held.reason
    );
    assert!(facts(&log).iter().all(|f| f.key != "panel|RUS|2018"));
    assert_eq!(report.records.quarantined, list.len() as u64);
    let done =
        release(&mut quarantine, &held.id, &log, &types, &spec, "A. Nalyst", "kept to show the panel", now());
    assert!(matches!(done, Ok(Resolved::Stored { .. })), "{done:?}");
    let fact = facts(&log).pop().unwrap();
    assert_eq!(
        (fact.key.as_str(), fact.value.unwrap().to_string().as_str()),
        ("panel|RUS|2018", "432950164609.36")
    );
    assert_eq!(quarantine.list().unwrap().len(), list.len() - 1);
}
