//! Feed files: what they refuse at load, and a mapped feed end to end.

use std::fmt::Write;

use bellwether_ingest::{Connector, FeedSpec, Input, Options};
use bellwether_model::Fact;

use crate::support::{facts, feed, memory, now, root, run, run_with, types};

const HEAD: &str =
    "name = \"t\"\ntitle = \"t\"\nlicence = \"t\"\ncadence = \"daily\"\n[connector]\nkind = \"file\"\n";
const FACT: &str = "[[fact]]\ntype = \"'visit.held'\"\nkey = \"record.a\"\nvalid_start = \"record.b\"\n";

fn parse(rest: &str) -> Result<FeedSpec, bellwether_model::Problems> {
    FeedSpec::parse("feeds/t.toml", &format!("{HEAD}{rest}"))
}

fn mapped(fact: &str) -> Result<FeedSpec, bellwether_model::Problems> {
    parse(&format!("[decoder]\nkind = \"delimited\"\ncolumns = [\"a\", \"b\"]\n{FACT}{fact}"))
}

#[test]
fn every_shipped_feed_parses_under_its_file_name() {
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("config/feeds")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert_eq!(feed(name).name, name);
        seen += 1;
    }
    assert!(seen >= 4);
}

/// What asks others by itself asks safely, and only once somebody switched it on.
#[test]
fn r19_shipped_feeds_ask_nobody_unasked() {
    let mut polled = Vec::new();
    for entry in std::fs::read_dir(root().join("config/feeds")).unwrap() {
        let path = entry.unwrap().path();
        let feed = feed(path.file_stem().unwrap().to_str().unwrap());
        assert!(!feed.title.trim().is_empty() && !feed.licence.trim().is_empty(), "{}", feed.name);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.lines().any(|line| line.starts_with("cadence = \"")), "{}", feed.name);
        match &feed.connector {
            Connector::Http(http) => {
                assert!(!feed.enabled, "{} is switched on", feed.name);
                assert!(!http.insecure && http.allow.is_empty(), "{}", feed.name);
                let longer = http.index.iter().filter_map(|index| index.catch_up.as_ref());
                for url in std::iter::once(&http.url).chain(longer) {
                    assert_eq!(url.scheme(), "https", "{}", feed.name);
                }
                assert!(http.every >= std::time::Duration::from_secs(900), "{}", feed.name);
                polled.push(feed.name);
            }
            Connector::File | Connector::Stdin => assert!(feed.enabled, "{}", feed.name),
            Connector::Folder(_) => assert!(!feed.enabled, "{}", feed.name),
        }
    }
    polled.sort();
    let expected = [
        "cn-countersanctions",
        "comtrade",
        "gdelt-events",
        "ofac-sdn",
        "ofac-sdn-xml",
        "opensanctions-ftm",
        "opensanctions-targets",
        "statements-rss",
        "un-sc",
        "unsc-vetoes",
    ];
    assert_eq!(polled, expected);
}

#[test]
fn r25_a_broken_expression_is_reported_with_file_line_and_text() {
    let problems =
        mapped("value = \"record.a +\"\nunit = \"'USD\"\n[fact.attributes]\nx = \"recrd.a\"\n").unwrap_err();
    let found: Vec<(usize, &str, &str)> =
        problems.0.iter().map(|p| (p.line, p.field.as_str(), p.text.as_str())).collect();
    assert_eq!(
        found,
        [
            (14, "fact[0].value", "record.a +"),
            (15, "fact[0].unit", "'USD"),
            (17, "fact[0].attributes.x", "recrd.a")
        ],
        "{problems}"
    );
    assert!(problems.0.iter().all(|p| p.file == "feeds/t.toml" && !p.remedy.is_empty()));
    assert!(problems.0[0].message.contains("column"), "{problems}");
}

#[test]
fn r25_a_hostile_expression_is_refused_in_bounded_time() {
    let hostile = [
        "(".repeat(50_000),
        "[".repeat(30),
        "!".repeat(1_999),
        format!("1{}", "+1".repeat(990)),
        format!("true{}", "?true:true".repeat(190)),
        format!("record{}", ".a".repeat(990)),
        "[1,2].all(x, [1,2].all(y, x == y))".to_owned(),
        "record.a.map(x, record.b.map(y, x + y))".to_owned(),
        "'\u{0}\\u0000'".to_owned(),
        "\u{202e}record.a".to_owned(),
        "a".repeat(3_000),
        "}{)(".to_owned(),
        String::new(),
    ];
    for text in hostile {
        let quoted = serde_json::to_string(&text).unwrap();
        // Whether it is refused or only nonsense: it returns, and quickly.
        let _ = mapped(&format!("note = {quoted}\n"));
    }
    for refused in ["[1].all(x, [2].all(y, x == y))", "x", "record.a.all(x, z)", ""] {
        assert!(mapped(&format!("note = \"{refused}\"\n")).is_err(), "{refused}");
    }
    assert!(mapped("note = \"record.a.split.exists(x, x == 'a') ? 'b' : file\"\n").is_ok());
}

#[test]
fn a_feed_covers_what_it_makes() {
    let covering =
        |covers: &str, rest: &str| FeedSpec::parse("feeds/t.toml", &format!("{covers}\n{HEAD}{rest}"));
    let table = format!("[decoder]\nkind = \"delimited\"\ncolumns = [\"a\", \"b\"]\n{FACT}");
    assert_eq!(covering("", &table).unwrap().covers, Vec::<String>::new());
    assert_eq!(covering("covers = [\"visit.held\", \"visit.held\"]", &table).unwrap().covers, ["visit.held"]);
    let refused = covering("covers = [\"visit.held\", \"vote.veto\"]", &table).unwrap_err();
    let [problem] = refused.0.as_slice() else { panic!("{refused}") };
    assert_eq!((problem.line, problem.field.as_str()), (1, "covers[1]"));
    assert_eq!(problem.message, "no [[fact]] makes vote.veto");
    assert!(problem.remedy.contains("visit.held"), "{problem}");
    // What a mapping computes, or a native record says, is not known before.
    let computed = table.replace("\"'visit.held'\"", "\"record.a\"");
    assert_eq!(covering("covers = [\"vote.veto\"]", &computed).unwrap().covers, ["vote.veto"]);
    for name in ["gdelt-events", "statements-rss"] {
        let feed = feed(name);
        assert!(
            !feed.covers.is_empty() && feed.covers.iter().all(|kind| feed.makes.contains(kind)),
            "{name}"
        );
    }
}

#[test]
fn contradictions_are_refused() {
    let lines = |rest: &str| parse(rest).unwrap_err().0.iter().map(|p| p.line).collect::<Vec<_>>();
    assert_eq!(lines("[decoder]\nkind = \"ndjson\"\n"), [1], "no mapping");
    assert_eq!(parse("[decoder]\nkind = \"yaml\"\n").unwrap_err().0.len(), 1);
    assert_eq!(
        lines(
            "[decoder]\nkind = \"delimited\"\nheader = false\n[[fact]]\ntype = \"'a.b'\"\nkey = \"'k'\"\nvalid_start = \"'2020-01-01'\"\n"
        ),
        [7]
    );
    assert_eq!(
        lines(&format!(
            "[decoder]\nkind = \"delimited\"\n[[prefilter]]\ncolumn = \"c\"\nequals = \"1\"\n{FACT}"
        )),
        [10]
    );
    assert_eq!(
        lines(&format!("[decoder]\nkind = \"ndjson\"\n[[prefilter]]\ncolumn = \"c\"\n{FACT}")).len(),
        1
    );
    let native = format!("native = \"facts-csv\"\n{HEAD}[decoder]\nkind = \"ndjson\"\n");
    assert_eq!(FeedSpec::parse("f", &native).unwrap_err().0[0].line, 1);
}

#[test]
fn one_record_may_make_several_facts_all_or_none() {
    let spec = mapped(&format!("when = \"record.a != 'skip'\"\n{FACT}").replace("[[fact]]\ntype = \"'visit.held'\"\nkey = \"record.a\"", "[[fact]]\ntype = \"'vote.veto'\"\nkey = \"'veto|' + record.a\"\nvalue = \"record.a == 'bad' ? 'x' : ''\"")).unwrap();
    let log = memory();
    let done = run(&log, &spec, "f", "a,b\none,2020-01-01\nskip,2020-01-01\nbad,2020-01-01\n");
    assert_eq!((done.report.records.mapped, done.report.records.quarantined), (2, 1));
    let keys: Vec<String> = facts(&log).into_iter().map(|f| f.key).collect();
    assert_eq!(keys, ["one", "veto|one", "veto|skip"], "the bad record left no half");
    assert_eq!(done.held[0].field, "value");
}

#[test]
fn json_records_are_filtered_by_path_and_mapped() {
    let spec = parse(
        "[decoder]\nkind = \"ndjson\"\n[[prefilter]]\ncolumn = \"kind.name\"\nin = [\"visit\", \"3\"]\n[[fact]]\ntype = \"'visit.held'\"\n\
         key = \"record.id\"\nvalid_start = \"record.day\"\nactors = \"record.who\"\n[fact.attributes]\nn = \"record.n + 1\"\nfrom = \"file\"\nnothing = \"null\"\n",
    )
    .unwrap();
    let log = memory();
    let done = run(
        &log,
        &spec,
        "f.json",
        "{\"id\":\"a\",\"kind\":{\"name\":\"visit\"},\"day\":\"2020-01-01\",\"who\":[\"CHN\",\" \"],\"n\":1}\n{\"id\":\"b\",\"kind\":{}}\n{\"id\":\"c\",\"kind\":{\"name\":3}}\n",
    );
    let r = done.report.records;
    assert_eq!((r.mapped, r.skipped, r.quarantined), (1, 1, 1));
    assert!(done.held[0].reason.contains("No such key: day"), "{}", done.held[0].reason);
    let fact = facts(&log).remove(0);
    assert_eq!(
        (fact.actors.as_slice(), &fact.attributes["n"], &fact.attributes["from"]),
        (&["CHN".to_owned()][..], &2.into(), &"f.json".into())
    );
    assert_eq!(fact.attributes.len(), 2);
}

#[test]
fn tabs_without_quoting_or_header() {
    let spec = parse(&format!(
        "[decoder]\nkind = \"delimited\"\ndelimiter = \"\\t\"\nheader = false\nquoting = false\ncolumns = [\"a\", \"b\"]\n{FACT}"
    ))
    .unwrap();
    let log = memory();
    run(&log, &spec, "f", "\"say \"hi\t2020-01-01\n");
    assert_eq!(facts(&log)[0].key, "\"say \"hi");
}

pub(crate) fn as_lines(facts: &[Fact]) -> String {
    facts.iter().fold(String::new(), |mut all, fact| {
        let _ = writeln!(all, "{}", serde_json::to_string(fact).unwrap());
        all
    })
}

#[test]
fn unsc_vetoes_give_the_expected_facts() {
    let folder = root().join("fixtures/feeds/unsc-vetoes");
    let log = memory();
    let input = Input::open(folder.join("vetoes.csv").to_str().unwrap()).unwrap();
    let done = run_with(&log, &types(), &feed("unsc-vetoes"), input, &Options::at(now()));
    let found = as_lines(&facts(&log));
    if std::env::var_os("BELLWETHER_BLESS").is_some() {
        std::fs::write(folder.join("expected.ndjson"), &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(folder.join("expected.ndjson")).unwrap());
    let r = done.report.records;
    assert_eq!((r.read, r.mapped, r.skipped, r.quarantined), (8, 4, 2, 2));
    assert_eq!(
        done.held.iter().map(|e| (e.line, e.field.as_str())).collect::<Vec<_>>(),
        [(8, "valid_start"), (10, "actors")]
    );
}

/// Reads the real list, which is not part of the project, where it is at hand.
#[test]
fn the_real_veto_list_maps_whole_and_agrees_with_the_history() {
    let path = root().join("../shared/data/un_sc/unsc_vetoes_1946_sept2022.csv");
    let Ok(text) = std::fs::read(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return;
    };
    let log = memory();
    let done = run(&log, &feed("unsc-vetoes"), "unsc_vetoes_1946_sept2022.csv", text);
    assert_eq!(done.report.records.quarantined, 0, "{:?}", done.held.first());
    assert_eq!(done.report.records.read, 214);
    let joint: Vec<String> = facts(&log)
        .into_iter()
        .filter(|f| {
            f.actors == ["CHN", "RUS"]
                && f.valid.start >= "2010-01-01T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap()
        })
        .map(|f| f.key)
        .collect();
    let history = memory();
    crate::history::ingest_file(&history, &types(), "china-russia-facts.csv");
    let mut ours: Vec<String> =
        facts(&history).into_iter().map(|f| f.key).filter(|k| k.starts_with("vote.veto|S/")).collect();
    let mut theirs = joint;
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs, "the window that coverage.csv declares holds every joint veto");
}

proptest::proptest! {
    /// Whatever stands for an expression is compiled or refused, and what compiles is evaluated or held.
    #[test]
    fn r25_no_expression_breaks_a_feed(text in "(record|\\.a|\\.b|tables|'x'|[0-9]{1,3}|\\+|-|\\*|/|%|&&|\\|\\||!|==|<|\\?|:|\\(|\\)|\\[|\\]|\\{|\\}|,|int|size|matches|has|\\.map|\\.all|x|date|add_days| |\\PC){1,14}") {
        let quoted = serde_json::to_string(&text).unwrap();
        if let Ok(spec) = mapped(&format!("note = {quoted}\n")) {
            let done = run(&memory(), &spec, "f", "a,b\none,2020-01-01\n");
            proptest::prop_assert_eq!(done.report.records.read, 1);
        }
    }
}
