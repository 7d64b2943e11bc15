//! Who published a fact and which event it tells, from facts to the weight of a reading.

use bellwether_model::Fact;
use bellwether_projection::{Projector, Reported};

use crate::support::{at, framework, history, known, projector, records, types};

/// What the norms of trade and energy need.
fn norm() -> Vec<Fact> {
    let flows = |f: &Fact| matches!(f.kind.as_str(), "trade.flow" | "energy.flow");
    history().into_iter().filter(|f| flows(f) && f.valid.start.to_rfc3339().as_str() < "2021").collect()
}

const TOTAL: (&str, &str) = ("trade.flow|CHN-RUS|total|USD|CHN-GACC|2022", "200000000000");
const SALES: (&str, &str) = ("trade.flow|CHN-RUS|export|USD|CHN-GACC|2022", "120000000000");
const CRUDE: (&str, &str) = ("energy.flow|RUS-CHN|crude|volume|tonnes|CHN-GACC|2022", "240000000");

/// A figure of 2022, far above its norm and of the best grade, as one publisher has it.
fn told((key, value): (&str, &str), family: &str, event: Option<&str>) -> Fact {
    let mut f = history().into_iter().find(|f| f.key == key).unwrap();
    f.value = Some(value.parse().unwrap());
    f.grade = "A1".parse().unwrap();
    f.published_at = Some("2023-01-20".parse().unwrap());
    f.evidence.uri = Some(format!("https://www.{family}/{}", f.key.len()));
    if let Some(event) = event {
        f.attributes.insert("event".to_owned(), event.into());
    }
    f.seal();
    f
}

/// How far the facts move stable alignment against divergence, by the end of 2022.
fn moved(facts: Vec<Fact>) -> f64 {
    let odds = |facts: &[Fact]| {
        let a = projector(facts).assess(&known("2022-12-31", "2023-03-31"));
        let p = |id: &str| a.scenarios.iter().find(|s| s.id == id).unwrap().probability;
        libm::log(p("scenario.a-stable-alignment") / p("scenario.c-divergence"))
    };
    odds(&[norm(), facts].concat()) - odds(&norm())
}

fn reports(projector: &Projector) -> Vec<Reported> {
    let why = projector.why("scenario.a-stable-alignment", &known("2022-12-31", "2023-03-31")).unwrap();
    why.reports.into_iter().filter(|r| r.quarter == "2022-Q4").collect()
}

fn near(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9, "{a} {b}");
}

#[test]
fn one_publisher_or_one_event_is_one_report_and_two_of_both_are_less_than_two() {
    let alone = |what| moved(vec![told(what, "a.example", None)]);
    let (total, sales, crude) = (alone(TOTAL), alone(SALES), alone(CRUDE));
    assert!(total > 0.1 && sales > 0.1 && crude > 0.05, "{total} {sales} {crude}");
    let trade = |family, event: [Option<&str>; 2]| {
        moved(vec![told(TOTAL, "a.example", event[0]), told(SALES, family, event[1])])
    };
    let one = (total + sales) / 2.0;
    near(trade("a.example", [None, None]), one);
    near(trade("m.a.example", [None, None]), one);
    near(trade("b.example", [Some("Customs Day"), Some(" customs day ")]), one);
    let two = trade("b.example", [None, None]);
    near(two, (total + sales) / 1.8);
    assert!(two > total.max(sales) && two < total + sales);
    near(trade("b.example", [Some("customs day"), Some("another day")]), two);
    // Another group repeats nothing, but for one event told in both.
    near(moved(vec![told(TOTAL, "a.example", None), told(CRUDE, "a.example", None)]), total + crude);
    let event = Some("a pipeline opens");
    let both = moved(vec![told(TOTAL, "a.example", event), told(CRUDE, "b.example", event)]);
    near(both, (total + crude) / 2.0);
}

/// One report, told again each year, moves the odds as one; without the event it would be three, and a better teller adds
/// what it is believed more.
#[test]
fn echoes_of_later_quarters_are_the_same_report() {
    let year = |year: i32, grade: &str, event: Option<&str>| {
        let mut f = told(TOTAL, "a.example", event);
        f.key = f.key.replace("2022", &year.to_string());
        f.valid = bellwether_model::Period::year(year).unwrap();
        f.grade = grade.parse().unwrap();
        f.seal();
        f
    };
    let at_end = |facts: Vec<Fact>| {
        let p = projector(&[norm(), facts].concat());
        let view = known("2024-12-31", "2025-03-31");
        let a = p.assess(&view);
        let why = p.why("scenario.a-stable-alignment", &view).unwrap();
        let weights: Vec<(bool, f64)> = why.reports.iter().rev().map(|r| (r.told, r.weight)).collect();
        let p = |id: &str| a.scenarios.iter().find(|s| s.id == id).unwrap().probability;
        (libm::log(p("scenario.a-stable-alignment") / p("scenario.c-divergence")), weights)
    };
    let event = Some("one report");
    let (one, _) = at_end(vec![year(2022, "A1", event)]);
    let (thrice, weights) = at_end((2022..2025).map(|y| year(y, "A1", event)).collect());
    near(one, thrice);
    assert_eq!(weights, [(false, 1.0), (true, 0.0), (true, 0.0)]);
    let (apart, _) = at_end((2022..2025).map(|y| year(y, "A1", None)).collect());
    assert!(apart > one + 0.2, "{apart} {one}");
    let (_, better) = at_end(vec![year(2022, "D3", event), year(2023, "A1", event)]);
    assert!(better[1].0 && (0.5..1.0).contains(&better[1].1), "{better:?}");
}

/// Everything of one year, told by as many families as there are facts: without an event many reports, with it one.
#[test]
fn however_many_families_tell_one_event_it_is_one_report() {
    let year = |event: Option<&str>| {
        let mut facts = history();
        let mut of_2022: Vec<&mut Fact> =
            facts.iter_mut().filter(|f| f.valid.start.to_rfc3339().starts_with("2022")).collect();
        for (n, f) in of_2022.iter_mut().enumerate() {
            f.evidence.uri = Some(format!("https://paper{n}.example/"));
            if let Some(event) = event {
                f.attributes.insert("event".to_owned(), event.into());
            }
            f.seal();
        }
        let why =
            projector(&facts).why("scenario.a-stable-alignment", &known("2022-12-31", "2023-03-31")).unwrap();
        let all = why.reports.into_iter().filter(|r| !r.publishers.is_empty());
        all.filter(|r| r.quarter.starts_with("2022")).collect::<Vec<_>>()
    };
    let weight = |reports: &[Reported]| reports.iter().map(|r| r.weight).sum::<f64>();
    let (apart, one) = (year(None), year(Some("2022")));
    assert!(apart.len() >= 7 && weight(&apart) > 3.0, "{} {}", apart.len(), weight(&apart));
    // Told in each quarter of the year, it is still one report, as far as its best teller is believed.
    let first = one.last().unwrap().quarter.clone();
    near(weight(&one.iter().filter(|r| r.quarter == first).cloned().collect::<Vec<_>>()), 1.0);
    let best = one.iter().map(|r| r.believed).fold(0.0, f64::max);
    let believed = one.iter().map(|r| r.weight * r.believed).sum::<f64>();
    assert!(0.0 < believed && believed <= best + 1e-9, "{believed} {best}");
    assert!(one.iter().all(|r| one.iter().filter(|o| o.quarter == r.quarter).count() == r.with.len() + 1));
    let families: u64 = one.iter().flat_map(|r| &r.publishers).map(|p| p.facts).sum();
    assert!(families >= 10);
}

/// A fact of any kind, whatever it touches: divergence gains no more than its odds again.
#[test]
fn no_single_fact_more_than_doubles_the_odds_of_divergence() {
    let (base, later): (Vec<Fact>, Vec<Fact>) =
        history().into_iter().partition(|f| f.valid.start.to_rfc3339().as_str() < "2022");
    let views = ["2022-12-31", "2023-03-31", "2023-12-31"].map(|day| known(day, "2024-06-30"));
    let odds = |facts: &[Fact]| {
        let p = projector(facts);
        views.map(|view| {
            let a = p.assess(&view);
            let c = a.scenarios.iter().find(|s| s.id == "scenario.c-divergence").unwrap().probability;
            libm::log(c / (1.0 - c))
        })
    };
    let without = odds(&base);
    let mut most = 0.0_f64;
    for fact in later.iter().filter(|f| f.valid.start.to_rfc3339().starts_with("2022")).step_by(3) {
        let mut fact = fact.clone();
        fact.grade = "A1".parse().unwrap();
        fact.seal();
        let mut facts = base.clone();
        facts.push(fact);
        for (with, without) in odds(&facts).into_iter().zip(without) {
            most = most.max(with - without);
        }
    }
    assert!(most > 0.0 && most <= libm::log(2.0), "{most}");
}

#[test]
fn why_says_what_a_reading_was_taken_together_with() {
    let event = Some("a pipeline opens");
    let facts = [
        norm(),
        vec![
            told(TOTAL, "a.example", None),
            told(SALES, "english.a.example", event),
            told(CRUDE, "b.example", event),
        ],
    ]
    .concat();
    let p = projector(&facts);
    let said = |p: &Projector| {
        let all = reports(p);
        let line = |r: &Reported| {
            let publishers: Vec<&str> = r.publishers.iter().map(|p| p.family.as_str()).collect();
            format!("{} of {}: {:.3} with {:?}", r.indicator, publishers.join(" "), r.weight, r.with)
        };
        all.iter().map(line).collect::<Vec<_>>()
    };
    let want = [
        "economic.crude-imports of b.example: 0.333 with [\"economic.trade-exports\", \"economic.trade-total\"]",
        "economic.trade-exports of a.example: 0.333 with [\"economic.crude-imports\", \"economic.trade-total\"]",
        "economic.trade-total of a.example: 0.333 with [\"economic.crude-imports\", \"economic.trade-exports\"]",
    ];
    assert_eq!(said(&p), want);
    let why = p.why("scenario.c-divergence", &known("2022-12-31", "2023-03-31")).unwrap();
    let line = why.figures.iter().find(|f| f.name == "2022-Q4 economic.crude-imports").unwrap();
    let text = line.value.as_deref().unwrap();
    let part = "published by b.example; one report with economic.trade-exports, economic.trade-total, weight 0.33 in \
                group energy";
    assert!(text.contains(part), "{text}");
    assert_eq!(serde_json::to_value(&why).unwrap()["reports"][0]["group"], "energy");
    assert!(p.why("economic.trade-total", &at("2022-12-31")).unwrap().reports.is_empty());

    // From a snapshot, with more of a known family and event to come.
    let (last, before) = facts.split_last().unwrap();
    let early = projector(before);
    let mut kept = Projector::restore(framework(), types(), &early.snapshot().unwrap()).unwrap();
    let record = records(&facts).pop().unwrap();
    assert_eq!(record.fact(), Some(last));
    kept.apply(&record);
    assert_eq!(said(&kept), want);
    // Whatever came first, the same families are named and the same readings are one.
    let backwards: Vec<Fact> = facts.iter().rev().cloned().collect();
    assert_eq!(said(&projector(&backwards)), want);
}
