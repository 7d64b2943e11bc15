//! The years ahead, on the bundled history.

use std::collections::BTreeMap;

use bellwether_model::parse_moment;
use bellwether_projection::Projector;
use chrono::{DateTime, Utc};

use crate::support::*;

const PATHS: usize = 2000;

fn bundled() -> Projector {
    projector(&history())
}

fn day(text: &str) -> DateTime<Utc> {
    parse_moment(text).unwrap()
}

#[test]
fn year_ends_add_to_one_and_go_on_from_each_other() {
    let p = bundled();
    let outlook = p.outlook(&at("2026-06-30"), PATHS);
    let ends = outlook.year_ends(2035);
    assert_eq!(ends.iter().map(|y| y.year).collect::<Vec<_>>(), (2026..=2035).collect::<Vec<_>>());
    for year in &ends {
        let total: f64 = year.scenarios.iter().map(|s| s.probability).sum();
        assert!((total - 1.0).abs() < 1e-12, "{}: {total}", year.year);
    }
    // Dates of the same course: the end of a year, and a date within a quarter between its ends.
    let of =
        |at: &str| outlook.scenarios_at(day(at)).unwrap().iter().map(|s| s.probability).collect::<Vec<_>>();
    let first: Vec<f64> = ends[0].scenarios.iter().map(|s| s.probability).collect();
    assert_eq!(of("2027-01-01"), first);
    let (a, b, c) = (of("2026-10-01"), of("2026-11-16"), of("2027-01-01"));
    for k in 0..a.len() {
        // By whole months, as the filter goes.
        assert!((a[k] + (c[k] - a[k]) / 3.0 - b[k]).abs() < 1e-12);
    }
    assert!(outlook.scenarios_at(day("2037-02-01")).is_none());
}

fn year_end(p: &Projector, view: &str, year: i32) -> Vec<f64> {
    let ends = p.outlook(&at(view), 100).year_ends(year);
    let end = ends.iter().find(|y| y.year == year).unwrap();
    end.scenarios.iter().map(|s| s.probability).collect()
}

fn near(a: &[f64], b: &[f64]) {
    assert!(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9), "{a:?} {b:?}");
}

#[test]
fn without_evidence_every_day_sees_the_same_year_end() {
    let p = projector(&[]);
    let assessed = |day: &str| p.assess(&at(day)).scenarios.iter().map(|s| s.probability).collect::<Vec<_>>();
    let want = assessed("2026-12-31");
    let days = day("2026-08-20").date_naive().iter_days().take(133);
    for day in days {
        near(&year_end(&p, &day.to_string(), 2026), &want);
    }
    // Before the record begins nothing drifts; from then on, as the filter does.
    let prior: Vec<f64> = p.framework().scenarios.iter().map(|s| s.prior).collect();
    near(&year_end(&p, "2013-06-30", 2013), &prior);
    near(&year_end(&p, "2013-06-30", 2014), &assessed("2014-12-31"));
}

#[test]
fn with_evidence_the_year_end_is_what_the_filter_will_say_without_news() {
    let p = bundled();
    // Nothing is read in these days; the drift within the quarter takes two steps.
    let now = |day: &str| p.assess(&at(day)).scenarios.iter().map(|s| s.probability).collect::<Vec<_>>();
    let first = year_end(&p, "2026-11-29", 2026);
    for day in ["2026-11-30", "2026-12-15", "2026-12-30"] {
        near(&year_end(&p, day, 2026), &first);
    }
    assert!(now("2026-11-29") != now("2026-11-30"), "the view itself drifts");
    // At the quarter's end the view is the year end.
    let outlook = p.outlook(&at("2026-12-30"), 100);
    let ahead = outlook.scenarios_at(day("2027-01-01")).unwrap();
    near(&ahead.iter().map(|s| s.probability).collect::<Vec<_>>(), &first);
}

#[test]
fn an_outlook_has_bounds() {
    let text = read("config/frameworks/china-russia.toml")
        .replace("horizon = [2026, 2035]", "horizon = [2150, 2199]");
    let map = read("config/frameworks/china-russia.ids.txt");
    let framework =
        bellwether_model::framework::Framework::parse("x.toml", &text, &types(), Some(&map)).unwrap();
    let p = Projector::new(std::sync::Arc::new(framework), types());
    let view = at("2026-06-30");
    assert_eq!(p.horizon(&view, None, 10_000).unwrap(), 2076);
    assert_eq!(p.outlook(&view, 100).last_year(), 2076);
    assert!(p.horizon(&view, Some(2077), 100).unwrap_err().remedy.contains("2026 to 2076"));
    let many = p.horizon(&view, None, 100_000).unwrap_err();
    assert!(many.message.contains("204 quarters") && many.remedy.contains("49019"), "{many}");
}

#[test]
fn fans_are_in_order_equal_to_questions_and_to_themselves() {
    let p = bundled();
    let make = || serde_json::to_string(&p.outlook(&at("2026-06-30"), PATHS).fans(2035)).unwrap();
    assert_eq!(make(), make());
    let outlook = p.outlook(&at("2026-06-30"), PATHS);
    let (fans, refused) = outlook.fans(2035);
    assert_eq!(fans.len() + refused.len(), p.framework().all_measures().count());
    // A shorter horizon changes nothing before it.
    let (short, _) = outlook.fans(2028);
    for (fan, short) in fans.iter().zip(&short) {
        assert_eq!(fan.year_ends[..short.year_ends.len()], short.year_ends[..], "{}", fan.id);
        let last = fan.year_ends.last().unwrap();
        assert_eq!(last.year, 2035, "{}", fan.id);
        for y in &fan.year_ends {
            assert!(y.p05 <= y.p25 && y.p25 <= y.p50 && y.p50 <= y.p75 && y.p75 <= y.p95, "{}", fan.id);
            let question = outlook.predictive(&fan.id, day(&format!("{}-01-01", y.year + 1))).unwrap();
            assert_eq!((question.quantile(0.05), question.quantile(0.95)), (y.p05, y.p95), "{}", fan.id);
        }
        assert!(fan.model.points >= 1);
    }
}

#[test]
fn a_higher_threshold_is_never_more_probable_nor_an_earlier_date() {
    let p = bundled();
    let outlook = p.outlook(&at("2026-06-30"), PATHS);
    for id in ["economic.trade-total", "military.exercises", "financial.local-settlement"] {
        let at = |year: i32| outlook.predictive(id, day(&format!("{year}-01-01"))).unwrap();
        let now = at(2031);
        let sample = now.sample();
        let mut last = [1.0, 1.0];
        for threshold in sample {
            let here = [now.at_least(*threshold), now.ever_at_least(*threshold)];
            assert!(here[0] <= last[0] && here[1] <= last[1] && here[0] <= here[1], "{id} {threshold}");
            assert!(here[0] > 0.0 && here[1] < 1.0);
            last = here;
        }
        let threshold = now.quantile(0.8);
        let by: Vec<f64> = (2027..=2035).map(|year| at(year).ever_at_least(threshold)).collect();
        assert!(by.windows(2).all(|w| w[0] <= w[1]), "{id} {by:?}");
    }
}

#[test]
fn what_has_no_model_says_why() {
    let p = bundled();
    let outlook = p.outlook(&at("2026-06-30"), 100);
    let why = |id: &str, at: &str| outlook.predictive(id, day(at)).unwrap_err().reason;
    for (id, at, words) in [
        ("military.exercise-scale", "2027-01-01", "floor"),
        ("financial.payment-friction", "2027-01-01", "1 period with a number, 2 are needed"),
        ("measure.rus-share-of-chn-crude", "2027-01-01", "1 comparable value, 2 are needed"),
        ("information.media-tone", "2027-01-01", "0 comparable values"),
        ("financial.yuan-reserves", "2027-01-01", "more than 3 years ago"),
        ("economic.trade-total", "2060-01-01", "the outlook ends with 2036"),
        ("military.exercises", "2026-01-01", "not after the view"),
        ("military.exercices", "2027-01-01", "no indicator or measure"),
    ] {
        assert!(why(id, at).contains(words), "{id}: {}", why(id, at));
    }
}

#[test]
fn a_period_that_is_over_and_known_is_no_forecast() {
    let p = bundled();
    let outlook = p.outlook(&at("2026-06-30"), 100);
    let known = outlook.predictive("economic.trade-total", day("2026-03-01")).unwrap();
    assert!(known.known && known.sample().iter().all(|v| *v == 228_105_000_000.0));
    // Three exercises of the year were known by then; the year cannot have fewer.
    let year = outlook.predictive("military.exercises", day("2027-01-01")).unwrap();
    assert!(!year.known && year.floor && year.sample()[0] >= 1.0);
}

/// What came, against what could be foretold two years before: bands of 90 % may miss some, not most.
#[test]
fn bands_of_the_past_hold_what_came() {
    let p = bundled();
    let now = p.outlook(&at("2026-06-30"), 100);
    let (mut held, mut all) = (0, 0);
    for year in 2019..=2024 {
        let outlook = p.outlook(&at(&format!("{year}-06-30")), PATHS);
        let (fans, _) = outlook.fans(year + 1);
        for fan in fans {
            let Ok(came) = now.predictive(&fan.id, day(&format!("{}-01-01", year + 2))) else { continue };
            let Some(band) = fan.year_ends.iter().find(|y| y.year == year + 1 && came.known) else {
                continue;
            };
            all += 1;
            held += i32::from((band.p05..=band.p95).contains(&came.sample()[0]));
        }
    }
    assert!(all >= 10 && held * 10 >= all * 7, "{held} of {all}");
}

#[test]
fn scenarios_move_what_their_tables_say() {
    let p = bundled();
    let outlook = p.outlook(&at("2026-06-30"), PATHS);
    let (fans, _) = outlook.fans(2030);
    let by: BTreeMap<&str, bool> = fans.iter().map(|f| (f.id.as_str(), f.model.by_scenario)).collect();
    assert!(by["military.exercises"] && by["economic.trade-total"] && !by["measure.swift-rmb"], "{by:?}");
}

/// Share of a sample above what is known.
fn more_than(outlook: &bellwether_projection::Outlook<'_>, id: &str, until: &str, known: f64) -> f64 {
    outlook.predictive(id, day(until)).unwrap().at_least(known + 0.5)
}

/// The vetoes of the bundled history end in July 2020, and a register declares to know all until July 2022.
#[test]
fn time_without_coverage_is_drawn_and_time_with_coverage_is_empty() {
    const VETOES: &str = "diplomatic.joint-vetoes";
    let (covered, all) = (bundled(), history());
    let bare: Vec<_> = all.iter().filter(|f| f.kind != "coverage.declared").cloned().collect();
    let bare = projector(&bare);
    let view = known("2021-12-30", "2023-01-01");
    // The year that ends a day after the view: none on record.
    let [open, heard] =
        [&bare, &covered].map(|p| more_than(&p.outlook(&view, PATHS), VETOES, "2022-01-01", 0.0));
    assert!(open > 0.3 && heard < 0.02, "{open} {heard}");
    let noted = |p: &Projector| {
        let (fans, _) = p.outlook(&view, 200).fans(2022);
        fans.into_iter().find(|f| f.id == VETOES).unwrap().model.notes
    };
    assert_eq!(noted(&bare), ["drawn from 2020-07-10 on: nothing is known of the time after it"]);
    assert_eq!(noted(&covered), Vec::<String>::new());
    // What was not known then is no coverage then.
    let view = at("2021-12-30");
    assert!(more_than(&covered.outlook(&view, PATHS), VETOES, "2022-01-01", 0.0) > 0.3);
}

/// Feeds that are heard every day leave nothing to draw before the view; one that went dead leaves the time since.
#[test]
fn heartbeats_are_hearing_until_they_stop() {
    use crate::silence::{beat, vetoes};
    const VETOES: &str = "diplomatic.joint-vetoes";
    let with = |last: &str| {
        let mut facts = vetoes();
        let mut now = day("2014-10-01T06:00:00Z");
        while now < day(last) {
            facts.push(beat("roll", now, now, &["vote.veto"]));
            now = now + chrono::Days::new(1);
        }
        projector(&facts)
    };
    // One a year until 2014, then none.
    let view = at("2016-01-20");
    let after = |last: &str| more_than(&with(last).outlook(&view, PATHS), VETOES, "2016-01-22", 0.0);
    let (alive, days, dead) = (after("2016-01-21"), after("2016-01-14"), after("2015-06-20"));
    assert!(alive < 0.01 && alive < days && days < 0.05 && dead > 0.3, "{alive} {days} {dead}");
}

#[test]
fn a_year_that_is_nearly_over_is_not_read_as_nearly_empty() {
    let p = bundled();
    let outlook = p.outlook(&at("2026-11-25"), PATHS);
    let year = outlook.predictive("military.exercises", day("2027-01-01")).unwrap();
    let next = outlook.predictive("military.exercises", day("2028-01-01")).unwrap();
    // Nothing is on record after the spring: the rest of the year is as open as any other.
    assert!(year.quantile(0.5) >= 3.0 && year.quantile(0.95) >= 6.0, "{}", year.quantile(0.5));
    assert!(year.quantile(0.05) >= 1.0 && year.quantile(0.5) >= next.quantile(0.5) - 2.0);
}

#[test]
fn few_points_give_a_wide_model_that_says_so() {
    let p = bundled();
    let outlook = p.outlook(&at("2026-11-25"), PATHS);
    let (fans, refused) = outlook.fans(2035);
    let of =
        |id: &str| fans.iter().find(|f| f.id == id).unwrap_or_else(|| panic!("no fan of {id}: {refused:?}"));
    for id in ["military.command-integration", "financial.secondary-listings", "measure.joint-summits"] {
        assert!(of(id).model.few && of(id).model.points >= 1, "{id}: {:?}", of(id).model);
    }
    // One judgement: it mostly stays, and may be anything in ten years.
    let step = of("military.command-integration");
    let last = step.year_ends.last().unwrap();
    assert_eq!((step.value, last.p50), (1.0, 1.0));
    assert!(last.p05 <= 0.0 && last.p95 >= 3.0, "{last:?}");
    // The series shown is year to date; the model rests on the years before it.
    assert!(!of("economic.trade-exports").model.notes.is_empty());
    assert!(!of("economic.trade-total").model.few);
    assert!(fans.len() > refused.len(), "{} fans, {} refused", fans.len(), refused.len());
}

#[test]
fn a_range_holds_every_path_and_a_difference_returns() {
    let p = bundled();
    let outlook = p.outlook(&at("2026-06-30"), PATHS);
    let (fans, _) = outlook.fans(2035);
    let of = |id: &str| fans.iter().find(|f| f.id == id).unwrap();
    let gas = of("economic.gas-imports");
    assert!(gas.model.family.contains("within the range"), "{}", gas.model.family);
    let range = p.framework().all_measures().find(|m| m.id == gas.id).unwrap().range.clone().unwrap();
    let end = outlook.predictive(&gas.id, day("2036-01-01")).unwrap();
    assert!(end.sample().iter().all(|v| (range.min..=range.max).contains(v)));
    // What is not there yet carries nothing: what is wanted beyond stays at the ceiling, to the last bit.
    let year = |to: &str| outlook.predictive(&gas.id, day(to)).unwrap();
    assert_eq!(year("2027-01-01").quantile(0.95), 44e9);
    assert!(year("2027-01-01").ever_at_least(44.1e9) < 0.001, "only what never being 0 adds");
    assert!(year("2028-01-01").quantile(0.95) == 54e9 && year("2028-01-01").at_least(44e9) > 0.1);
    assert!(gas.model.notes.iter().any(|n| n.starts_with("at most 44000000000 until 2027-01-01: ")));
    assert!(end.quantile(0.95) > 44e9, "pipes may be built: {}", end.quantile(0.95));
    let discount = of("economic.crude-discount");
    assert_eq!(discount.model.family, "return to a level");
    let width = |y: &bellwether_projection::FanYear| y.p95 - y.p05;
    let (near, far) = (&discount.year_ends[1], discount.year_ends.last().unwrap());
    assert!(width(far) < 1.6 * width(near) && far.p50 > discount.value, "{near:?} {far:?}");
}

#[test]
fn a_figure_outside_its_range_is_a_gap_and_is_not_cut() {
    let text = read("config/frameworks/china-russia.toml");
    assert_eq!(text.matches("max = 104000000000.0").count(), 1);
    let text = text.replace("max = 104000000000.0", "max = 30000000000.0");
    let (before, after) = text.split_once(", ceilings = [").unwrap();
    let text = format!("{before} {}", after.split_once("] ").unwrap().1);
    let map = read("config/frameworks/china-russia.ids.txt");
    let framework =
        bellwether_model::framework::Framework::parse("x.toml", &text, &types(), Some(&map)).unwrap();
    let mut p = Projector::new(std::sync::Arc::new(framework), types());
    records(&history()).iter().for_each(|r| p.apply(r));
    let view = at("2026-06-30");
    let gaps = p.gaps(&view);
    let gap = gaps.iter().find(|g| g.kind == bellwether_projection::GapKind::OutsideRange).unwrap();
    assert_eq!(gap.id, "economic.gas-imports");
    assert!(gap.waits_for.contains("2026-01-01 and 1 before it"), "{}", gap.waits_for);
    let outlook = p.outlook(&view, 200);
    let (fans, _) = outlook.fans(2027);
    let gas = fans.into_iter().find(|f| f.id == gap.id).unwrap();
    assert_eq!(gas.model.notes, ["the range of the framework is passed over: 2 values lie outside"]);
    assert_eq!(gas.value, 38.8e9);
    let bundled = bundled();
    assert!(bundled.gaps(&view).iter().all(|g| g.kind != bellwether_projection::GapKind::OutsideRange));
}
