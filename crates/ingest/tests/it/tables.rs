//! What dated files and statistical tables need: vintages, wide tables, marks of blank and end, functions.

use bellwether_ingest::{FeedSpec, Input, Options, ingest};
use bellwether_model::Stamp;

use crate::support::{facts, memory, now, refused, run, types};

const HEAD: &str = "name = \"t\"\ntitle = \"t\"\nlicence = \"t\"\ncadence = \"daily\"\n";
const FILE: &str = "[connector]\nkind = \"file\"\n";
const FACT: &str = "[[fact]]\ntype = \"'visit.held'\"\nkey = \"record.a\"\nvalid_start = \"'2020-01-01'\"\n";

fn parse(rest: &str) -> Result<FeedSpec, bellwether_model::Problems> {
    FeedSpec::parse("feeds/t.toml", &format!("{HEAD}{FILE}{rest}"))
}

fn dated(vintage: &str, fact: &str) -> FeedSpec {
    parse(&format!("[decoder]\nkind = \"delimited\"\ncolumns = [\"a\"]\n[vintage]\n{vintage}\n{FACT}{fact}"))
        .unwrap_or_else(|p| panic!("{p}"))
}

/// Publication of the one fact that a file of one row makes.
fn published(feed: &FeedSpec, file: &str, option: Option<&str>) -> Result<String, String> {
    let log = memory();
    let options = Options { published_at: option.map(|o| o.parse().unwrap()), ..Options::at(now()) };
    let done = ingest(&log, &types(), feed, Input::bytes(file, "a\n2020-02-02\n"), &mut Vec::new(), &options);
    done.map_err(|e| e.to_string())?;
    let stamp: Option<Stamp> = facts(&log).first().and_then(|fact| fact.published_at);
    Ok(stamp.map_or_else(String::new, |s| s.to_string()))
}

#[test]
fn a_vintage_comes_from_the_first_place_that_has_one() {
    let name = "pattern = '_(\\d{4}-\\d{2}-\\d{2}(?:T\\d{6})?)Z?[_.]'\nformat = \"%Y-%m-%dT%H%M%S\"";
    let feed = dated(&format!("from = [\"option\", \"file-name\"]\n{name}"), "");
    let at = |file: &str, option| published(&feed, file, option);
    assert_eq!(at("01_2026-06-29T155913_0f5.csv", None), Ok("2026-06-29T15:59:13Z".into()));
    assert_eq!(at("11_2026-08-07T083225Z_bb3.csv", None), Ok("2026-08-07T08:32:25Z".into()));
    assert_eq!(at("01_2026-06-29T155913_0f5.csv", Some("2026-01-01")), Ok("2026-01-01".into()));
    assert!(at("plain.csv", None).unwrap_err().contains("--published-at"));
    assert!(at("x_2026-06-31T155913_0.csv", None).unwrap_err().contains("no date of the form"));
    let feed = dated("from = [\"file-name\", \"option\"]\npattern = '(\\d{8})'\nformat = \"%Y%m%d\"", "");
    assert_eq!(published(&feed, "a-20260102.csv", Some("2026-03-03")), Ok("2026-01-02".into()));
    assert_eq!(published(&feed, "a.csv", Some("2026-03-03")), Ok("2026-03-03".into()));
    // The record before the option, and after it.
    let fact = "published_at = \"record.a\"\n";
    let first = dated("from = [\"record\", \"option\"]", fact);
    assert_eq!(published(&first, "a.csv", Some("2026-03-03")), Ok("2020-02-02".into()));
    let last = dated("from = [\"option\", \"record\"]", fact);
    assert_eq!(published(&last, "a.csv", Some("2026-03-03")), Ok("2026-03-03".into()));
    assert_eq!(published(&last, "a.csv", None), Ok("2020-02-02".into()));
}

#[test]
fn contradictory_settings_are_refused() {
    let table = "[decoder]\nkind = \"delimited\"\ncolumns = [\"a\"]\n";
    for (settings, said) in [
        ("[vintage]\nfrom = []\n", "no place is named"),
        ("[vintage]\nfrom = [\"file-name\"]\n", "go together"),
        ("[vintage]\nfrom = [\"file-name\"]\npattern = '\\d'\nformat = \"%Y\"\n", "not one group"),
        ("[vintage]\nfrom = [\"record\"]\nrecord = \"record.a\"\n", "for lists"),
        ("[[join]]\nfile = \"b.csv\"\nas = \"b\"\non = \"a\"\ncolumns = [\"a\"]\n", "only a list has it"),
        ("[snapshot]\nkey = \"record.a\"\n", "the key of an entry is snapshot.key"),
    ] {
        let problems = parse(&format!("{table}{settings}{FACT}")).unwrap_err();
        assert!(problems.to_string().contains(said), "{settings}: {problems}");
    }
    let join = "[[join]]\nfile = \"../b.csv\"\nas = \"b\"\non = \"c\"\ncolumns = [\"a\"]\n";
    let list =
        format!("{table}[snapshot]\nkey = \"record.a\"\n{join}{}", FACT.replace("key = \"record.a\"\n", ""));
    assert_eq!(parse(&list).unwrap_err().0.len(), 3);
    let wide = "[decoder]\nkind = \"delimited\"\nheader = false\ncolumns = [\"a\"]\n[decoder.unpivot]\nkeep = [\"value\"]\n";
    assert_eq!(parse(&format!("{wide}{FACT}")).unwrap_err().0.len(), 3);
}

const WIDE: &str = "[decoder]\nkind = \"delimited\"\npreamble = \"Name\"\nnulls = [\"n/a\"]\n[decoder.unpivot]\nkeep = [\"Name\"]\nmeta = [\"Unit\"]\n\
[[prefilter]]\ncolumn = \"value\"\nnot = \"\"\n[[fact]]\ntype = \"'visit.held'\"\nkey = \"join([record.series, record.Unit, record.Name, record.blanks], '|')\"\nvalid_start = \"'2020-01-01'\"\nnote = \"number(record.value)\"\n";

#[test]
fn a_wide_table_gives_a_record_a_cell() {
    let feed = parse(WIDE).unwrap();
    let log = memory();
    let text = "\u{feff}Wind,,\nName,\"a, b\",a\nUnit,kg,USD\n2020-01,\"1,000.50 \",\n2020-02,n/a,2\n2020-03,1\nx\n,,\n";
    let done = run(&log, &feed, "f.csv", text);
    // Two metadata cells make one record, a row of the wrong width one, each other cell one.
    let r = done.report.records;
    assert_eq!((r.read, r.mapped, r.skipped, r.quarantined), (1 + 2 + 2 + 1 + 1 + 2, 2, 5, 2));
    let found: Vec<(String, Option<String>)> = facts(&log).into_iter().map(|f| (f.key, f.note)).collect();
    let want = [("a, b|kg|2020-01|yes", "1000.50"), ("a|USD|2020-02|yes", "2")];
    assert_eq!(found, want.map(|(key, note)| (key.to_owned(), Some(note.to_owned()))));
    assert_eq!(done.held.iter().map(|e| e.line).collect::<Vec<_>>(), [6, 7]);
    // Filled blanks leave none.
    let log = memory();
    run(&log, &feed, "f.csv", "Name,a\nUnit,kg\n2020-01,0\n2020-02,2\n,\n");
    assert!(facts(&log).iter().all(|f| f.key.ends_with("|no")));
}

#[test]
fn a_table_without_its_header_or_its_metadata_is_refused() {
    let feed = parse(WIDE).unwrap();
    for (text, said) in [
        ("Nom,a\nUnit,kg\n", "starts with Name"),
        ("Name,a\n2020-01,1\nUnit,kg\n", "no row Unit"),
        (",\n,\n", "starts with Name"),
    ] {
        let error = refused(&feed, "f.csv", text).to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_cell_held_can_be_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let log = memory();
    let mut quarantine = bellwether_ingest::FileQuarantine::open(dir.path()).unwrap();
    let feed = parse(WIDE).unwrap();
    let input = Input::bytes("f.csv", "Name,a\nUnit,kg\n2020-01,1 000\n");
    ingest(&log, &types(), &feed, input, &mut quarantine, &Options::at(now())).unwrap();
    let held = quarantine.list().unwrap();
    assert!(held[0].reason.contains("groups of three"), "{}", held[0].reason);
    let corrected = parse(&WIDE.replace("number(record.value)", "record.value")).unwrap();
    let done =
        bellwether_ingest::retry(&mut quarantine, &held[0].id, &log, &types(), &corrected, now()).unwrap();
    assert!(matches!(done, bellwether_ingest::Resolved::Stored { .. }), "{done:?}");
    assert_eq!(facts(&log)[0].note.as_deref(), Some("1 000"));
}

#[test]
fn an_end_mark_ends_the_data_and_nothing_else() {
    let feed = parse(&format!(
        "[decoder]\nkind = \"delimited\"\nheader = false\ncolumns = [\"a\", \"b\"]\nnulls = [\"-0- \"]\nterminator = \"\\u001A\"\n{FACT}note = \"record.b\"\n"
    ))
    .unwrap();
    let counts = |text: &str| {
        let log = memory();
        let r = run(&log, &feed, "f", text).report.records;
        (r.read, r.quarantined, facts(&log).iter().filter(|f| f.note.is_some()).count())
    };
    assert_eq!(counts("x,-0- \r\ny,1\r\n\u{1a}"), (2, 0, 1));
    assert_eq!(counts("x,-0- \r\ny,1\r\n\u{1a}\r\n"), (2, 0, 1));
    assert_eq!(counts("x,-0- \r\ny,1"), (2, 0, 1));
    // In the middle it is a record that makes no sense.
    assert_eq!(counts("x,-0- \r\n\u{1a}\r\ny,1\r\n"), (3, 1, 1));
}

/// Each expression with what it gives; `!` where it is refused.
#[test]
fn functions_of_tables() {
    for (expression, want) in [
        ("number('1,234.00 ')", "1234.00"),
        ("number(' -12,345,678 ')", "-12345678"),
        ("number('1234.5')", "1234.5"),
        ("number('  ')", ""),
        ("number('1,23')", "!"),
        ("number('1.234,00')", "!"),
        ("number('12 000')", "!"),
        ("number('1e5')", "!"),
        ("number('=1+1')", "!"),
        ("scale('7712562424.00', '0.001')", "7712562.424"),
        ("scale('', '10000')", ""),
        ("scale('4674.00', '10000')", "46740000"),
        ("scale('x', '1')", "!"),
        ("extract('Value of Imports: Crude Oil: Iraq', ': ([^:]+)$')", "Iraq"),
        ("extract('abc', 'x(.)')", ""),
        ("extract('abc', '(')", "!"),
        ("join(['a', 'b'], '|')", "a|b"),
        ("join(['a', 1], '|')", "!"),
        ("months('1995-04-30')", "1995-04"),
        ("months('1995-04')", "1995-04"),
        ("months('2024-01:2024-02')", "2024-01:2024-02"),
        ("month_start('1995-04-30')", "1995-04-01"),
        ("month_end('2024-02')", "2024-03-01"),
        ("month_end('2024-01:2024-02')", "2024-03-01"),
        ("month_start('1995-04-15')", "!"),
        ("month_start('1995-13')", "!"),
        ("month_start('2024-02:2024-01')", "!"),
        ("country('ru')", "RUS"),
        ("country(' Russian Federation ')", "RUS"),
        ("country('United Kingdom')", "GBR"),
        ("country('Nowhere')", ""),
    ] {
        let feed = parse(&format!(
            "[decoder]\nkind = \"delimited\"\ncolumns = [\"a\"]\n{FACT}note = \"{expression}\"\n"
        ))
        .unwrap();
        let log = memory();
        let done = run(&log, &feed, "f", "a\nk\n");
        let found = match done.held.first() {
            Some(_) => "!".to_owned(),
            None => facts(&log)[0].note.clone().unwrap_or_default(),
        };
        assert_eq!(found, want, "{expression}");
    }
}
