//! Rows as feeds write them: columns that may lack, tabs that trail, headers that repeat; and the glance at raw rows.

use bellwether_ingest::{Cause, FeedSpec};

use crate::support::{facts, memory, run};

fn spec(decoder: &str, prefilter: &str) -> FeedSpec {
    let text = format!(
        "name = \"t\"\ntitle = \"t\"\nlicence = \"t\"\ncadence = \"daily\"\n[connector]\nkind = \"file\"\n\
         [decoder]\nkind = \"delimited\"\n{decoder}\n{prefilter}\n\
         [[fact]]\ntype = \"'visit.held'\"\nkey = \"record.a\"\nvalid_start = \"record.b\"\n[fact.attributes]\nc = \"record.c\"\n"
    );
    FeedSpec::parse("t.toml", &text).unwrap_or_else(|p| panic!("{p}"))
}

const COLUMNS: &str = "columns = [\"a\", \"b\", \"c\"]";

#[test]
fn the_last_columns_may_lack_where_the_feed_says_so() {
    let log = memory();
    let feed = spec(&format!("header = false\noptional = 1\n{COLUMNS}"), "");
    let done = run(&log, &feed, "f", "x,2020-01-01,y\nz,2020-01-02\nw\nv,2020-01-03,1,2\n");
    let all = facts(&log);
    assert_eq!(all.iter().map(|f| f.attributes.len()).collect::<Vec<_>>(), [1, 0], "blank is not said");
    let lines: Vec<u64> = done.held.iter().map(|e| e.line).collect();
    assert_eq!(lines, [3, 4]);
    assert!(done.held[0].reason.contains("2 to 3"), "{}", done.held[0].reason);
}

#[test]
fn repeated_headers_and_trailing_blanks_only_where_the_feed_says_so() {
    let text = "a,b,c,,\nx,2020-01-01,y,,\na,b,c\nz,2020-01-02,y,,q\nw,2020-01-03,y\n";
    let log = memory();
    let feed = spec(&format!("extra_blank = true\nrepeated_header = \"skip\"\n{COLUMNS}"), "");
    let done = run(&log, &feed, "f", text);
    let r = done.report.records;
    assert_eq!((r.read, r.mapped, r.skipped, r.quarantined), (4, 2, 1, 1));
    assert_eq!((done.held[0].line, done.held[0].cause), (4, Cause::Undecodable));
    let done = run(&memory(), &spec(COLUMNS, ""), "f", text.replacen(",,", "", 1).as_str());
    let r = done.report.records;
    assert_eq!((r.mapped, r.skipped, r.quarantined), (1, 0, 3), "{:?}", done.held);
}

#[test]
fn a_prefilter_may_take_its_texts_from_a_table() {
    let feed = spec(
        COLUMNS,
        "[[prefilter]]\ncolumn = \"a\"\nin_table = \"who\"\n[tables.who]\nx = \"1\"\nz = \"2\"",
    );
    let log = memory();
    let done = run(&log, &feed, "f", "a,b,c\nx,2020-01-01,\ny,2020-01-01,\nz,2020-01-01,\n");
    assert_eq!(facts(&log).iter().map(|f| f.key.as_str()).collect::<Vec<_>>(), ["x", "z"]);
    assert_eq!(done.report.records.skipped, 1);
}

/// A row that no condition wants is skipped unread only when it would have been skipped after reading, too.
#[test]
fn a_row_of_no_interest_is_still_held_when_it_is_broken() {
    let filter =
        "[[prefilter]]\ncolumn = \"c\"\nequals = \"yes\"\n[[prefilter]]\ncolumn = \"a\"\nnot = \"q\"";
    let text: &[u8] = b"a,b,c\nx,2020-01-01,no\nx,2020-01-01\nx,2020-01-01,no,4\nx,\xff,no\nx,\0,no\n\"x,1\",2020-01-01,no\n\
                        \"y,1\",2020-01-01,yes\nq,2020-01-01,yes\nx,2020-01-01,yes\n\"x\"y,2020-01-01,no\n";
    for quoting in [true, false] {
        let log = memory();
        let done = run(&log, &spec(&format!("quoting = {quoting}\n{COLUMNS}"), filter), "f", text);
        let lines: Vec<u64> = done.held.iter().map(|e| e.line).collect();
        let want: &[u64] = if quoting { &[3, 4, 5, 6, 11] } else { &[3, 4, 5, 6, 7, 8] };
        assert_eq!(lines, want, "quoting {quoting}");
        assert!(done.held.iter().all(|e| e.cause == Cause::Undecodable));
        assert_eq!(facts(&log).len(), if quoting { 2 } else { 1 });
    }
}

proptest::proptest! {
    /// The glance changes nothing: a filter on a column answers as one on the mapping does.
    #[test]
    fn a_glance_at_raw_rows_changes_no_outcome(
        rows in proptest::collection::vec("[abx\"\t,é]{0,3}\t[ab\"]{0,2}\t?[xy\"]{0,2}(\t[x]{0,1})?", 0..12),
        quoting: bool, optional in 0_usize..2, extra: bool, skip: bool,
    ) {
        let decoder = format!(
            "delimiter = \"\\t\"\nheader = false\nquoting = {quoting}\noptional = {optional}\nextra_blank = {extra}\n\
             repeated_header = \"{}\"\n{COLUMNS}", if skip { "skip" } else { "row" });
        let text = rows.join("\n") + "\n";
        if text.trim().is_empty() { return Ok(()); }
        let glance = spec(&decoder, "[[prefilter]]\ncolumn = \"b\"\nin = [\"a\", \"\"]\n[[prefilter]]\ncolumn = \"c\"\nnot = \"x\"");
        let file = format!(
            "name = \"t\"\ntitle = \"t\"\nlicence = \"t\"\ncadence = \"daily\"\n[connector]\nkind = \"file\"\n\
             [decoder]\nkind = \"delimited\"\n{decoder}\n[[fact]]\nwhen = \"record.b in ['a', ''] && record.c != 'x'\"\n\
             type = \"'visit.held'\"\nkey = \"record.a\"\nvalid_start = \"record.b\"\n[fact.attributes]\nc = \"record.c\"\n");
        let whole = FeedSpec::parse("t.toml", &file).unwrap();
        let (a, b) = (run(&memory(), &glance, "f", text.as_str()), run(&memory(), &whole, "f", text.as_str()));
        proptest::prop_assert_eq!(a.report.records, b.report.records);
        let held = |run: &crate::support::Run| run.held.iter().map(|e| (e.line, e.reason.clone())).collect::<Vec<_>>();
        proptest::prop_assert_eq!(held(&a), held(&b));
    }
}
