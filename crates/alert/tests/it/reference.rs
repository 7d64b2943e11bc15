//! The file of reference events.

use bellwether_alert::backtest::parse_reference;

const DOMAINS: [&str; 4] = ["military", "economic", "financial", "information"];
const HEAD: &str = "date,title,domain,expected_direction,source_url\n";

fn check(rows: &str, want: &str) {
    let got = match parse_reference("events.csv", &format!("{HEAD}{rows}"), &DOMAINS) {
        Ok(events) => events
            .iter()
            .map(|e| format!("{} {} {} {} {}", e.line, e.day, e.domain, e.direction, e.title))
            .collect::<Vec<_>>()
            .join("\n"),
        Err(problems) => problems.to_string(),
    };
    assert_eq!(got, want);
}

#[test]
fn a_long_name_means_the_domain_among_its_words() {
    check(
        "2022-03-02,Banks cut off,financial_currency,envelope,https://x.example/1\n\
         2014-05-21,\"Gas, for thirty years\",economic_energy,alignment_up,\n\
         2015-05-08,Agreement,intelligence_information,alignment_up,\n\
         2022-02-24,Invasion,military,shock,\n",
        "3 2014-05-21 economic alignment_up Gas, for thirty years\n\
         4 2015-05-08 information alignment_up Agreement\n\
         5 2022-02-24 military shock Invasion\n\
         2 2022-03-02 financial envelope Banks cut off",
    );
}

#[test]
fn every_fault_has_its_line_and_a_remedy() {
    check(
        "2022-13-02,,space,sideways,\n2022-01-01,Both,military_economic,shock,\n2022-01-01,Fine,military,shock,\n",
        "events.csv:2: date: not a day (found `2022-13-02`); write YYYY-MM-DD\n\
         events.csv:2: title: an event without title; say in a few words what happened\n\
         events.csv:2: domain: no domain of the framework (found `space`); one of military, economic, financial, \
         information, or a name with just one of them among its words\n\
         events.csv:2: expected_direction: no direction (found `sideways`); one of alignment_up, alignment_down, \
         envelope, shock\n\
         events.csv:3: domain: no domain of the framework (found `military_economic`); one of military, economic, \
         financial, information, or a name with just one of them among its words",
    );
    check("", "events.csv:1: no reference event; a line an event under the names");
}

#[test]
fn columns_go_by_their_names() {
    let text = "\u{feff}title,domain,date,expected_direction,source_url\r\nA,military,2020-01-01,shock,u\r\n";
    let events = parse_reference("e.csv", text, &DOMAINS).unwrap();
    assert_eq!((events[0].title.as_str(), events[0].url.as_str()), ("A", "u"));
    let refused = parse_reference("e.csv", "date,title\n2020-01-01,A\n", &DOMAINS).unwrap_err().to_string();
    assert!(refused.contains("e.csv:1: domain: a column is missing"), "{refused}");
    let refused = parse_reference("e.csv", "date,\"ti\n", &DOMAINS).unwrap_err().to_string();
    assert!(refused.contains("e.csv:1"), "{refused}");
}

#[test]
fn the_bundled_events_are_readable() {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/history/reference-events.csv"
    ))
    .unwrap();
    let domains = ["military", "economic", "financial", "technological", "information", "diplomatic"];
    assert_eq!(parse_reference("r.csv", &text, &domains).unwrap().len(), 39);
}
