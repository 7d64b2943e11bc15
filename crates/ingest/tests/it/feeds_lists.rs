//! Feeds of lists and of dated tables, as shipped, over fixtures with their quirks.

use std::fmt::Write;

use bellwether_ingest::{Input, Options, ingest};
use bellwether_model::{Fact, FactTypes};

use crate::support::{facts, feed, memory, now, root};

fn types() -> FactTypes {
    let text = std::fs::read_to_string(root().join("config/facts.toml")).unwrap();
    FactTypes::parse("config/facts.toml", &text).unwrap()
}

/// Reads files of `fixtures/feeds/FEED`, each with its publication where its name has none, and compares the facts
/// with `expected.ndjson` there. Answers read, mapped, skipped and quarantined, and the reasons of what was held.
fn check(name: &str, files: &[(&str, Option<&str>)]) -> ([u64; 4], Vec<String>) {
    let folder = root().join("fixtures/feeds").join(name);
    let run = |files: &[(&str, Option<&str>)]| {
        let log = memory();
        let (mut held, mut counts) = (Vec::new(), [0; 4]);
        for (file, published) in files {
            let input = Input::open(folder.join(file).to_str().unwrap()).unwrap();
            let published_at = published.map(|text| text.parse().unwrap());
            let options = Options { published_at, ..Options::at("2033-01-01T00:00:00Z".parse().unwrap()) };
            let report = ingest(&log, &types(), &feed(name), input, &mut held, &options).unwrap();
            let r = report.records;
            assert_eq!(r.read, r.mapped + r.skipped + r.quarantined, "{report:?}");
            for (sum, n) in counts.iter_mut().zip([r.read, r.mapped, r.skipped, r.quarantined]) {
                *sum += n;
            }
        }
        let reasons = held.iter().map(|e| format!("{}:{} {}", e.file, e.line, e.reason)).collect();
        (facts(&log), counts, reasons)
    };
    let (found, counts, reasons) = run(files);
    let lines = found.iter().fold(String::new(), |mut all, fact| {
        let _ = writeln!(all, "{}", serde_json::to_string(fact).unwrap());
        all
    });
    let expected = folder.join("expected.ndjson");
    if std::env::var_os("BELLWETHER_BLESS").is_some() {
        std::fs::write(&expected, &lines).unwrap();
    }
    assert_eq!(lines, std::fs::read_to_string(&expected).unwrap());
    // Twice stores nothing, and the other way round says the same of the last vintage.
    let again = run(&[files, files].concat()).0;
    assert_eq!(again.len(), found.len());
    (counts, reasons)
}

fn now_is_late_enough() -> bool {
    now() < "2033-01-01T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap()
}

#[test]
fn china_customs_vintages() {
    assert!(now_is_late_enough());
    let files = [
        "china_customs_wind_2031-08-15.csv",
        "china_customs_wind_2032-01-03.csv",
        "china_customs_wind_2032-04-04.csv",
    ];
    let (counts, reasons) = check("china-customs", &files.map(|f| (f, None)));
    assert_eq!(counts, [89, 36, 51, 2]);
    assert!(reasons[0].contains("2031-08-15.csv:11") && reasons[0].contains("12 000"), "{reasons:?}");
    assert!(reasons[1].contains("2032-01-03.csv:8") && reasons[1].contains("Atlantis"), "{reasons:?}");
}

#[test]
fn counter_sanctions_vintages() {
    let files = [
        "01_2031-06-29T155913_0000000a1.csv",
        "02_2031-06-29T160659_0000000a2.csv",
        "03_2031-07-07T215524Z_0000000a3.csv",
    ];
    let (counts, reasons) = check("cn-countersanctions", &files.map(|f| (f, None)));
    assert_eq!(counts, [15, 14, 0, 1]);
    assert!(reasons[0].contains("July 2031"), "{reasons:?}");
}

#[test]
fn ofac_lists_with_their_side_files() {
    let files = [("2031-01/sdn.csv", Some("2031-01-15")), ("2032-07/sdn.csv", Some("2032-07-07"))];
    let (counts, reasons) = check("ofac-sdn", &files);
    // The broken row of a side file is a record held.
    assert_eq!(counts, [13, 12, 0, 1]);
    assert!(reasons[0].contains("2 columns"), "{reasons:?}");
}

/// What two vintages of a list say: type, entry and publication of each fact that a change made.
fn changes(name: &str, vintages: [String; 2]) -> Vec<(String, String, String)> {
    let log = memory();
    for text in vintages {
        let options = Options::at("2033-01-01T00:00:00Z".parse().unwrap());
        let input = Input::bytes("list.xml", text);
        ingest(&log, &types(), &feed(name), input, &mut Vec::new(), &options).unwrap();
    }
    let told = |f: &Fact| {
        let entry = f.attribute("entry").unwrap_or_default().into_owned();
        (f.kind.clone(), entry, f.published_at.unwrap().to_string())
    };
    facts(&log).iter().filter(|f| f.kind != "list.vintage").map(told).collect()
}

fn said(kind: &str, entry: &str, day: &str) -> (String, String, String) {
    (kind.to_owned(), entry.to_owned(), day.to_owned())
}

/// One entry added, one changed, one removed.
#[test]
fn security_council_vintages() {
    let entry = |n: u32, name: &str| {
        format!(
            "<ENTITY><FIRST_NAME>{name}</FIRST_NAME><UN_LIST_TYPE>X</UN_LIST_TYPE><REFERENCE_NUMBER>EXe.{n} \
             </REFERENCE_NUMBER><LISTED_ON>2016-02-29</LISTED_ON></ENTITY>"
        )
    };
    let list = |day: &str, entries: &[String]| {
        format!("<CONSOLIDATED_LIST dateGenerated=\"{day}\">{}</CONSOLIDATED_LIST>", entries.concat())
    };
    let kept: Vec<String> = (1..9).map(|n| entry(n, "KEPT")).collect();
    let with = |more: &[String]| [kept.as_slice(), more].concat();
    let (t1, t2) = ("2031-03-01T00:00:09.554Z", "2031-03-02T00:00:01Z");
    let found = changes(
        "un-sc",
        [
            list(t1, &with(&[entry(20, "OLD NAME"), entry(21, "GONE")])),
            list(t2, &with(&[entry(20, "NEW NAME"), entry(22, "ADDED")])),
        ],
    );
    let of: Vec<_> = found.into_iter().filter(|(_, _, day)| day == t2).collect();
    let listed = "sanction.listed";
    let mut expected =
        [said(listed, "EXe.20", t2), said(listed, "EXe.22", t2), said("sanction.delisted", "EXe.21", t2)];
    let mut of = of;
    of.sort();
    expected.sort();
    assert_eq!(of, expected);
}

#[test]
fn ofac_xml_vintages() {
    let entry = |n: u32, name: &str| {
        format!(
            "<sdnEntry><uid>{n}</uid><lastName>{name}</lastName><sdnType>Entity</sdnType><programList>\
             <program>IRAN</program></programList></sdnEntry>"
        )
    };
    let list = |day: &str, entries: Vec<String>| {
        format!(
            "<sdnList><publshInformation><Publish_Date>{day}</Publish_Date><Record_Count>{}</Record_Count>\
             </publshInformation>{}</sdnList>",
            entries.len(),
            entries.concat()
        )
    };
    let with = |more: [String; 2]| (1..9).map(|n| entry(n, "KEPT")).chain(more).collect::<Vec<_>>();
    let found = changes(
        "ofac-sdn-xml",
        [
            list("03/07/2031", with([entry(20, "OLD"), entry(21, "GONE")])),
            list("04/07/2031", with([entry(20, "NEW"), entry(22, "ADDED")])),
        ],
    );
    let mut of: Vec<_> = found.into_iter().filter(|(_, _, day)| day == "2031-04-07").collect();
    of.sort();
    let day = "2031-04-07";
    let expected = [
        said("sanction.delisted", "21", day),
        said("sanction.listed", "20", day),
        said("sanction.listed", "22", day),
    ];
    assert_eq!(of, expected);
}

/// Nationality, citizenship, address, flag and programme of an entry, and the countries expected.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

/// Both of OFAC's feeds name the same countries for an entry, by the same rule.
#[test]
fn ofac_feeds_agree_on_countries() {
    let cases: [Case; 10] = [
        ("Russia", "", "China", "", "IRAN", &["RUS"]),
        ("Russia", "Iran", "China", "", "IRAN", &["RUS", "IRN"]),
        ("", "China", "Russia", "", "IRAN", &["CHN"]),
        ("", "", "China", "", "IRAN", &["CHN"]),
        ("", "", "China", "Panama", "IRAN", &["PAN"]),
        ("", "", "", "", "IRAN", &["IRN"]),
        ("", "", "", "", "SDGT", &[]),
        ("Palestinian", "", "China", "", "SDGT", &["PSE"]),
        ("", "", "Region: Crimea", "", "SDGT", &["UKR"]),
        ("", "", "Atlantis", "", "RUSSIA-EO14024", &["RUS"]),
    ];
    let (mut csv, mut add, mut xml) = (String::new(), String::new(), String::new());
    for (n, (nationality, citizen, address, flag, programme, _)) in cases.iter().enumerate() {
        let said =
            |what: &str, name: &str| if name.is_empty() { String::new() } else { format!("; {what} {name}") };
        let remarks =
            format!("DOB 1960{}{}; Gender Male.", said("nationality", nationality), said("citizen", citizen));
        let flag_cell = if flag.is_empty() { "-0- " } else { flag };
        csv.push_str(&format!(
            "{n},\"NAME\",-0- ,\"{programme}\",-0- ,-0- ,-0- ,-0- ,-0- ,{flag_cell},-0- ,\"{remarks}\"\r\n"
        ));
        let wrap = |list: &str, item: &str, name: &str| {
            if name.is_empty() {
                return String::new();
            }
            format!("<{list}><{item}><country>{name}</country></{item}></{list}>")
        };
        if !address.is_empty() {
            add.push_str(&format!("{n},1,-0- ,\"Town\",\"{address}\",-0- \r\n"));
        }
        xml.push_str(&format!(
            "<sdnEntry><uid>{n}</uid><lastName>NAME</lastName><sdnType>Entity</sdnType><programList><program>{programme}\
             </program></programList>{}{}{}<vesselInfo><vesselFlag>{flag}</vesselFlag></vesselInfo></sdnEntry>",
            wrap("addressList", "address", address),
            wrap("nationalityList", "nationality", nationality),
            wrap("citizenshipList", "citizenship", citizen),
        ));
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("sdn.csv", csv + "\u{1a}"), ("add.csv", add + "\u{1a}")] {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let xml = format!(
        "<sdnList><publshInformation><Publish_Date>03/07/2031</Publish_Date><Record_Count>{}</Record_Count>\
         </publshInformation>{xml}</sdnList>",
        cases.len()
    );
    let by_csv = Input::open(dir.path().join("sdn.csv").to_str().unwrap()).unwrap();
    for (name, input) in [("ofac-sdn", by_csv), ("ofac-sdn-xml", Input::bytes("sdn.xml", xml))] {
        let log = memory();
        let published_at = Some("2031-03-07".parse().unwrap());
        let options = Options { published_at, ..Options::at("2033-01-01T00:00:00Z".parse().unwrap()) };
        ingest(&log, &types(), &feed(name), input, &mut Vec::new(), &options).unwrap();
        let found = facts(&log);
        for (n, (.., expected)) in cases.iter().enumerate() {
            let entry = n.to_string();
            let fact = found.iter().find(|f| f.attribute("entry").as_deref() == Some(&entry)).unwrap();
            assert_eq!(fact.actors[1..], **expected, "{name}: {:?}", cases[n]);
        }
    }
}

#[test]
fn eu_journal_acts() {
    let files = ["39990R0833_2031-07-01.csv", "39991R1848_2031-07-24.csv", "39990R0833_2031-08-30.csv"];
    let (counts, reasons) = check("eu-journal", &files.map(|f| (f, None)));
    assert_eq!(counts, [17, 16, 0, 1]);
    assert!(reasons[0].contains("soon"), "{reasons:?}");
}

#[test]
fn opensanctions_targets() {
    let files = ["20310601-targets.simple.csv", "targets.simple.csv"];
    let (counts, _) = check("opensanctions-targets", &files.map(|f| (f, None)));
    assert_eq!(counts, [5, 5, 0, 0]);
}

#[test]
fn opensanctions_entities_and_deltas() {
    let files = [
        "entities.ftm.json",
        "20310602134702-abc.delta.json",
        "20310602194702-abd.delta.json",
        "20310603074703-abe.delta.json",
        "20310603134729-abf.delta.json",
    ];
    let (counts, reasons) = check("opensanctions-ftm", &files.map(|f| (f, None)));
    assert_eq!(counts, [9, 6, 2, 1]);
    assert!(reasons[0].contains("UPS"), "{reasons:?}");
    let text =
        std::fs::read_to_string(root().join("fixtures/feeds/opensanctions-ftm/expected.ndjson")).unwrap();
    let facts: Vec<Fact> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| {
        facts
            .iter()
            .filter(|f| f.kind == kind)
            .map(|f| f.attribute("entry").unwrap_or_default().into_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("list.merged"), ["NK-two"]);
    assert_eq!(of("sanction.delisted"), ["NK-one"]);
}
