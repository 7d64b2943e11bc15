//! The record: what is filed stays as it was filed, and answers come from what was known first.

use bellwether_model::framework::Framework;
use bellwether_model::question::Questions;
use bellwether_model::{Body, Fact, Record, System, parse_moment};
use bellwether_projection::Projector;
use bellwether_projection::forecast::{
    Beside, Entry, FORECAST, ForecastRow, Ledger, Outcome, QUESTION, RESOLUTION, Simulated, Standing,
};
use chrono::{DateTime, Utc};

use crate::support::*;

const QUICK: Simulated = Simulated { paths: 200 };

fn moment(text: &str) -> DateTime<Utc> {
    parse_moment(text).unwrap()
}

/// One question about the trade of 2024, with some lines changed.
fn asked(changes: &[(&str, &str)]) -> Questions {
    let mut text = r#"
framework = "china-russia"
[[question]]
id = "q"
title = "More than 240 billion in 2024?"
about = "economic.trade-total"
rule = "value > 240e9 in 2024"
filed = "2024-03-01"
settle = "2025-06-30"
reason = "a round number"
"#
    .to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let framework: &Framework = &framework();
    Questions::parse("q.toml", &text, [framework]).unwrap_or_else(|p| panic!("{p}"))
}

/// Trade of a year as published on a day.
fn trade(year: i32, value: &str, published: &str) -> Fact {
    let row = format!(
        "fact_type,key,valid_start,valid_end,published_at,assume,actor_from,actor_to,value,unit,attributes,source_name,\
         source_url,source_grade,info_credibility,note\ntrade.flow,trade|{year},{year}-01-01,{}-01-01,{published},no,CHN,\
         RUS,{value},USD,\"{{\"\"commodity\"\": \"\"all goods\"\", \"\"currency\"\": \"\"USD\"\", \"\"direction\"\": \
         \"\"two-way\"\", \"\"reporter\"\": \"\"CHN-GACC\"\"}}\",GACC,,B,2,\n",
        year + 1
    );
    facts(&row, &types()).remove(0)
}

/// A log that grows: facts and what was due, each with its time.
struct Log {
    records: Vec<Record>,
    projector: Projector,
    ledger: Ledger,
}

impl Log {
    /// With the trade of 2014 to 2023.
    fn new() -> Self {
        let (records, projector) = (Vec::new(), Projector::new(framework(), types()));
        let mut log = Self { records, projector, ledger: Ledger::default() };
        for year in 2014..2024 {
            let value = format!("{}000000000", 90 + (year - 2014) * 16);
            log.fact(trade(year, &value, &format!("{}-01-14", year + 1)), "2024-02-01");
        }
        log
    }

    fn append(&mut self, body: Body, at: &str) {
        let seq = self.records.len() as u64 + 1;
        let record = Record { seq, recorded_at: moment(at), body };
        self.projector.apply(&record);
        self.ledger.apply(&record);
        self.records.push(record);
    }

    fn fact(&mut self, fact: Fact, at: &str) {
        self.append(Body::Fact(fact), at);
    }

    /// What is due is written; the kinds of it.
    fn record(&mut self, questions: &Questions, at: &str) -> Vec<String> {
        let due = self.ledger.due(questions, &self.projector, &QUICK, moment(at));
        due.into_iter()
            .map(|system| {
                let kind = system.system.clone();
                self.append(Body::System(system), at);
                kind
            })
            .collect()
    }

    fn entries(&self) -> Vec<&Entry> {
        self.ledger.entries().collect()
    }

    fn list(&self, questions: &Questions, at: &str) -> Vec<ForecastRow> {
        self.ledger.list(questions, &self.projector, &QUICK, moment(at), true)
    }

    fn outcome(&self) -> Option<(Outcome, Option<f64>, String, Vec<u64>)> {
        let entries = self.entries();
        let (_, r) = entries.first()?.resolved.as_ref()?;
        Some((r.outcome, r.value, r.known_at.clone(), r.evidence.clone()))
    }

    fn headline(&self, to: &str) -> bellwether_projection::forecast::Section {
        let range = (DateTime::<Utc>::MIN_UTC, moment(to));
        self.ledger.score(&Questions::default(), &self.projector, &QUICK, range, Beside::default()).headline
    }
}

#[test]
fn a_question_is_filed_forecast_once_a_day_and_answered() {
    let (mut log, questions) = (Log::new(), asked(&[]));
    assert!(log.record(&questions, "2024-02-20").is_empty(), "not before it is stated");
    assert_eq!(log.record(&questions, "2024-03-02T00:00:00Z"), [QUESTION, FORECAST]);
    assert!(log.record(&questions, "2024-03-02T18:00:00Z").is_empty(), "once a day");
    assert_eq!(log.record(&questions, "2024-03-03T00:00:00Z"), [FORECAST]);
    assert!(
        log.record(&questions, "2025-01-05").is_empty(),
        "the year is over: there is nothing to forecast"
    );
    assert_eq!(log.list(&questions, "2025-01-05")[0].standing, Standing::Waiting);
    log.fact(trade(2024, "244800000000", "2025-01-13"), "2025-01-14T06:00:00Z");
    assert_eq!(log.record(&questions, "2025-01-15"), [RESOLUTION]);
    assert!(log.record(&questions, "2025-01-16").is_empty());
    let evidence = vec![log.records.iter().rfind(|r| r.fact().is_some()).unwrap().seq];
    let known = "2025-01-14T00:00:00Z".to_owned();
    assert_eq!(log.outcome(), Some((Outcome::True, Some(244.8e9), known, evidence)));
    let headline = log.headline("2025-02-01");
    let table = headline.all.unwrap();
    assert_eq!((table.questions, table.forecasts, table.came_true), (1, 2, 1.0));
    assert!(headline.heading.starts_with("on record"));
    // Why says what it was compared with, what was said, and by which fact it was answered.
    let why =
        log.ledger.why(&Questions::default(), &log.projector, &QUICK, "q", moment("2025-02-01")).unwrap();
    let figure = |name: &str| why.figures.iter().find(|f| f.name == name).and_then(|f| f.value.clone());
    assert_eq!(figure("answer").as_deref(), Some("true"));
    assert_eq!(figure("figure").as_deref(), Some("244800000000"));
    assert_eq!(figure("forecasts on record").as_deref(), Some("2"));
    assert!(figure("said 2024-03-03").is_some());
    assert_eq!(why.facts.iter().map(|f| f.seq).collect::<Vec<_>>(), log.outcome().unwrap().3);
    let open =
        log.ledger.why(&Questions::default(), &log.projector, &QUICK, "q", moment("2024-04-01")).unwrap();
    assert!(open.figures.iter().any(|f| f.name == "probability") && open.facts.len() == 10);
    // Before it was filed, only the configuration knows of it.
    let before = |all: &Questions| log.ledger.why(all, &log.projector, &QUICK, "q", moment("2024-02-15"));
    assert!(before(&Questions::default()).is_none());
    let unfiled = before(&questions).unwrap();
    assert!(unfiled.meaning.contains("not yet on record") && unfiled.facts.len() == 10, "{unfiled:?}");
    // A fold of the same records is the same record.
    let mut again = Ledger::default();
    log.records.iter().for_each(|r| again.apply(r));
    assert_eq!(again, log.ledger);
}

#[test]
fn a_changed_text_is_another_version_and_the_old_one_stays() {
    let (mut log, questions) = (Log::new(), asked(&[]));
    log.record(&questions, "2024-03-02");
    let filed = log.entries()[0].clone();
    let easier = asked(&[("240e9", "200e9")]);
    assert_eq!(log.record(&easier, "2024-12-30"), [QUESTION, FORECAST, FORECAST]);
    log.fact(trade(2024, "210000000000", "2025-01-13"), "2025-01-14T06:00:00Z");
    assert_eq!(log.record(&easier, "2025-01-15"), [RESOLUTION, RESOLUTION]);
    let entries = log.entries();
    assert_eq!((&entries[0].filed, entries[0].recorded_at), (&filed.filed, filed.recorded_at));
    assert_eq!(entries[0].forecasts[0], filed.forecasts[0]);
    let outcomes: Vec<Outcome> =
        entries.iter().filter_map(|e| e.resolved.as_ref()).map(|(_, r)| r.outcome).collect();
    assert_eq!(outcomes, [Outcome::False, Outcome::True], "each by its own text");
    // The late edit is seen beside the first, with its own date; a text that comes back is the one that was there.
    let rows = log.list(&easier, "2025-02-01");
    assert_eq!(rows.len(), 2);
    assert!(rows[0].version != rows[1].version && rows[0].filed_at != rows[1].filed_at);
    assert!(log.record(&questions, "2025-02-02").is_empty());
}

#[test]
fn records_that_would_change_the_past_are_passed_over() {
    let (mut log, questions) = (Log::new(), asked(&[]));
    log.record(&questions, "2024-03-02");
    let before = log.ledger.clone();
    let forged = |record: &Record, change: &dyn Fn(&mut serde_json::Value)| {
        let Body::System(system) = &record.body else { panic!("a fact") };
        let mut data = system.data.clone();
        change(&mut data);
        Body::System(System { data, ..system.clone() })
    };
    let of = |kind: &str| {
        let is = |r: &&Record| matches!(&r.body, Body::System(s) if s.system == kind);
        log.records.iter().find(is).unwrap().clone()
    };
    let (question, forecast) = (of(QUESTION), of(FORECAST));
    let bodies = [
        forged(&question, &|data| data["threshold"] = 1.0.into()),
        forged(&question, &|data| data["question"]["rule"] = "value > 1 in 2024".into()),
        forged(&forecast, &|data| data["probability"] = 0.99.into()),
    ];
    for body in bodies {
        log.append(body, "2024-03-02T20:00:00Z");
        assert!(log.entries() == before.entries().collect::<Vec<_>>());
    }
    // After the answer nothing is added, and the answer is not given twice.
    log.fact(trade(2024, "244800000000", "2025-01-13"), "2025-01-14T06:00:00Z");
    log.record(&questions, "2025-01-15");
    let answered = log.ledger.clone();
    let mut late = forged(&forecast, &|data| data["probability"] = 0.99.into());
    log.append(late, "2025-01-16");
    let is = |r: &&Record| matches!(&r.body, Body::System(s) if s.system == RESOLUTION);
    let resolution = log.records.iter().find(is).unwrap().clone();
    late = forged(&resolution, &|data| data["outcome"] = "false".into());
    log.append(late, "2025-01-17");
    assert!(log.entries() == answered.entries().collect::<Vec<_>>());
}

#[test]
fn what_was_known_before_it_was_filed_is_a_backcast() {
    let (mut log, questions) = (Log::new(), asked(&[]));
    log.fact(trade(2024, "244800000000", "2025-01-13"), "2025-01-20");
    // The file says March 2024; the log first hears of it when the figure has been out for a day.
    assert_eq!(log.record(&questions, "2025-01-15"), [QUESTION, RESOLUTION]);
    assert_eq!(log.outcome().unwrap().0, Outcome::True);
    assert_eq!(log.list(&questions, "2025-02-01")[0].standing, Standing::Backcast);
    let range = (DateTime::<Utc>::MIN_UTC, moment("2025-02-01"));
    let report = log.ledger.score(
        &Questions::default(),
        &log.projector,
        &QUICK,
        range,
        Beside { backcasts: true, scenarios: false },
    );
    assert!(report.headline.all.is_none() && report.headline.questions.is_empty());
    let past = report.backcasts.unwrap();
    assert!(past.heading.starts_with("in-sample") && past.all.unwrap().questions == 1);
}

#[test]
fn what_the_log_took_after_the_answer_could_be_known_does_not_count() {
    let (mut log, questions) =
        (Log::new(), asked(&[("in 2024", "by 2026-12-31"), ("2025-06-30", "2027-06-30")]));
    log.record(&questions, "2024-03-02");
    // Published on 13 January; the log learns of it in March, and has forecast on.
    log.record(&questions, "2025-02-01");
    log.fact(trade(2024, "244800000000", "2025-01-13"), "2025-03-01");
    assert_eq!(log.record(&questions, "2025-03-02"), [RESOLUTION]);
    let table = log.headline("2025-04-01").all.unwrap();
    assert_eq!((table.questions, table.forecasts), (1, 1));
    assert_eq!(log.entries()[0].forecasts.len(), 2, "it stays on record");
}

#[test]
fn a_revision_after_the_answer_changes_nothing_unless_the_latest_is_asked() {
    for (vintage, outcome, value) in [("first", Outcome::True, 244.8e9), ("latest", Outcome::False, 239.0e9)]
    {
        let change = format!("settle = \"2025-06-30\"\nvintage = \"{vintage}\"");
        let (mut log, questions) = (Log::new(), asked(&[("settle = \"2025-06-30\"", &change)]));
        log.record(&questions, "2024-03-02");
        log.fact(trade(2024, "244800000000", "2025-01-13"), "2025-01-14T06:00:00Z");
        let early = log.record(&questions, "2025-01-15");
        assert_eq!(early.contains(&RESOLUTION.to_owned()), vintage == "first");
        log.fact(trade(2024, "239000000000", "2025-03-10"), "2025-03-11T06:00:00Z");
        log.record(&questions, "2025-03-12");
        log.record(&questions, "2025-07-02");
        let found = log.outcome().unwrap();
        assert_eq!((found.0, found.1), (outcome, Some(value)), "{vintage}");
        // Asked only now, the first release still answers: it is what was known first.
        let mut late = Log::new();
        late.fact(trade(2024, "244800000000", "2025-01-13"), "2025-01-14T06:00:00Z");
        late.fact(trade(2024, "239000000000", "2025-03-10"), "2025-03-11T06:00:00Z");
        late.record(&questions, "2025-07-02");
        assert_eq!(late.outcome().unwrap().0, outcome, "{vintage}");
    }
}

#[test]
fn without_a_figure_by_the_settling_day_it_is_void_and_not_scored() {
    let (mut log, questions) = (Log::new(), asked(&[]));
    log.record(&questions, "2024-03-02");
    assert!(log.record(&questions, "2025-06-30").is_empty());
    assert_eq!(log.record(&questions, "2025-07-02"), [RESOLUTION]);
    let found = log.outcome().unwrap();
    assert_eq!((found.0, found.1, found.2.as_str()), (Outcome::Void, None, "2025-07-01T00:00:00Z"));
    // The figure comes too late.
    log.fact(trade(2024, "244800000000", "2025-07-10"), "2025-07-11");
    assert!(log.record(&questions, "2025-07-12").is_empty());
    let headline = log.headline("2025-08-01");
    assert!(headline.all.is_none() && headline.questions[0].brier.is_none());
}

#[test]
fn the_references_are_the_past_and_no_change() {
    let (mut log, questions) = (Log::new(), asked(&[]));
    log.record(&questions, "2024-03-02");
    let said = &log.entries()[0].forecasts[0].1.chance;
    // Nine changes of a year, each of which would carry 234 over 240 billion; half a yes and half a no are added.
    assert_eq!((said.last, said.persistence, said.climatology), (234e9, 0.0, Some(9.5 / 10.0)));
    assert!(said.probability > 0.5 && said.quantiles.len() == 19 && said.climatology_quantiles.len() == 19);
    assert!(said.quantiles.windows(2).all(|w| w[0] <= w[1]));
    // Any year to 2026, below 200 billion: no way of three years ever went down.
    let falls = [("> 240e9 in 2024", "< 200e9 by 2026-12-31"), ("2025-06-30", "2027-06-30")];
    let mut log = Log::new();
    log.record(&asked(&falls), "2024-03-02");
    let said = &log.entries()[0].forecasts[0].1.chance;
    assert_eq!((said.persistence, said.climatology), (0.0, Some(0.5 / 8.0)));
}

#[test]
fn any_reading_answers_as_soon_as_it_is_known_and_none_at_the_end() {
    for (value, outcome, at) in
        [("241000000000", Outcome::True, "2025-01-15"), ("239000000000", Outcome::False, "2026-07-02")]
    {
        let by = [("in 2024", "by 2025-12-31"), ("2025-06-30", "2026-06-30")];
        let (mut log, questions) = (Log::new(), asked(&by));
        log.record(&questions, "2024-03-02");
        log.fact(trade(2024, value, "2025-01-13"), "2025-01-14T06:00:00Z");
        let early = log.record(&questions, "2025-01-15");
        assert_eq!(early.contains(&RESOLUTION.to_owned()), outcome == Outcome::True, "{value}");
        log.record(&questions, at);
        assert_eq!(log.outcome().unwrap().0, outcome, "{value}");
    }
}

#[test]
fn rival_accounts_make_it_void_where_the_question_says_so() {
    for (rule, outcome) in [("void = []", Outcome::True), ("void = [\"conflict\"]", Outcome::Void)] {
        let change = format!("settle = \"2025-06-30\"\n{rule}");
        let (mut log, questions) = (Log::new(), asked(&[("settle = \"2025-06-30\"", &change)]));
        log.record(&questions, "2024-03-02");
        let mut rival = trade(2024, "260000000000", "2025-01-13");
        rival.key = "trade|2024|rival".into();
        rival.seal();
        log.fact(trade(2024, "250000000000", "2025-01-13"), "2025-01-14T06:00:00Z");
        log.fact(rival, "2025-01-14T06:00:00Z");
        log.record(&questions, "2025-01-15");
        assert_eq!(log.outcome().unwrap().0, outcome, "{rule}");
    }
}

#[test]
fn a_bound_against_the_last_figure_is_fixed_at_filing() {
    let (mut log, questions) = (Log::new(), asked(&[("> 240e9", "> 1.1 * last")]));
    log.record(&questions, "2024-03-02");
    let fixed = log.entries()[0].filed.threshold;
    assert!((fixed - 1.1 * 234e9).abs() < 1.0, "{fixed}");
    // The last figure is revised after the filing: the bound stands.
    log.fact(trade(2023, "200000000000", "2024-05-01"), "2024-05-02");
    log.fact(trade(2024, "250000000000", "2025-01-13"), "2025-01-14T06:00:00Z");
    log.record(&questions, "2025-01-15");
    assert_eq!(log.outcome().unwrap().0, Outcome::False);
}

#[test]
fn a_floor_answers_only_what_it_exceeds() {
    // The bundled visits are floors: nobody claims to know of all.
    let visits = [
        ("economic.trade-total", "diplomatic.leader-visits"),
        ("value > 240e9 in 2024", "value >= 2 in 2024"),
        ("2024-03-01", "2023-12-31"),
    ];
    for (bound, outcome) in
        [("value >= 2", Outcome::True), ("value >= 5", Outcome::Void), ("value < 5", Outcome::Void)]
    {
        let questions = asked(&[visits.as_slice(), &[("value >= 2", bound)]].concat());
        let mut log = Log::new();
        history().into_iter().for_each(|f| log.fact(f, "2026-11-25T12:00:00Z"));
        log.record(&questions, "2026-11-26");
        assert_eq!(log.outcome().unwrap().0, outcome, "{bound}");
        // What was reported is what it is.
        let reported = bound.replace("value", "reported");
        let questions = asked(&[visits.as_slice(), &[("value >= 2", &reported)]].concat());
        log.record(&questions, "2026-11-27");
        let found = log.entries()[1].resolved.as_ref().unwrap().1.outcome;
        assert_eq!(found == Outcome::True, bound != "value >= 5", "{reported}");
        assert_ne!(found, Outcome::Void);
    }
}

#[test]
fn whether_a_scenario_will_be_given_so_much_is_asked_of_the_filter() {
    let said = |rule: &str| {
        let about = [
            ("economic.trade-total", "scenario.c-divergence"),
            ("value > 240e9 in 2024", rule),
            ("2025-06-30", "2027-01-31"),
        ];
        let (mut log, questions) = (Log::new(), asked(&about));
        assert_eq!(log.record(&questions, "2024-03-02"), [QUESTION, FORECAST], "{rule}");
        log.entries()[0].forecasts[0].1.chance.clone()
    };
    let over = said("probability > 0.05 at 2026-12-31");
    assert_eq!((over.model.as_str(), over.climatology), ("filter-ahead/1", None));
    assert!(over.quantiles.len() == 19 && over.quantiles.windows(2).all(|w| w[0] <= w[1]), "{over:?}");
    assert_eq!(over.persistence, f64::from(u8::from(over.last > 0.05)));
    // What is below any posterior is sure, what is above them all is not to be; yes and no add up.
    assert!(said("probability > 0 at 2026-12-31").probability == 0.99);
    assert!(said("probability >= 1 at 2026-12-31").probability == 0.01);
    let under = said("probability <= 0.05 at 2026-12-31");
    assert!((over.probability + under.probability - 1.0).abs() < 1e-12, "{over:?} {under:?}");
}

#[test]
fn a_past_that_is_missing_is_no_half_and_older_records_still_read() {
    // The first forecast, as a log of before would have it: one half for no past, and no framework at filing.
    let questions = asked(&[("in 2024", "in 2039"), ("2025-06-30", "2040-06-30")]);
    let (mut log, mut due) = (Log::new(), Vec::new());
    due.extend(log.ledger.due(&questions, &log.projector, &QUICK, moment("2024-03-02")));
    assert_eq!(due.len(), 2);
    assert!(due[1].data["climatology"].is_null(), "fifteen years were never seen: {}", due[1].data);
    assert!(due[0].data["framework_hash"].is_string());
    due[0].data.as_object_mut().unwrap().remove("framework_hash");
    due[1].data["climatology"] = 0.5.into();
    for system in due {
        log.append(Body::System(system), "2024-03-02");
    }
    log.fact(trade(2039, "300000000000", "2040-01-13"), "2040-01-14");
    log.record(&questions, "2040-01-15");
    assert_eq!(log.list(&questions, "2040-02-01")[0].framework_note, None);
    let table = log.headline("2040-02-01").all.unwrap();
    assert_eq!((table.questions, table.without_past, table.brier.climatology), (1, 1, None));
    assert!(table.brier.skill_climatology.is_none() && table.brier.skill_persistence.is_some());
}

#[test]
fn a_question_filed_under_another_framework_says_so() {
    let (mut log, questions) = (Log::new(), asked(&[]));
    let mut due = log.ledger.due(&questions, &log.projector, &QUICK, moment("2024-03-02"));
    due[0].data["framework_hash"] = "another".into();
    log.append(Body::System(due.remove(0)), "2024-03-02");
    let note = Some("filed under another version of the framework".to_owned());
    assert_eq!(log.list(&questions, "2024-04-01")[0].framework_note, note);
    let why = log.ledger.why(&questions, &log.projector, &QUICK, "q", moment("2024-04-01")).unwrap();
    assert_eq!(why.figures.iter().find(|f| f.name == "framework").unwrap().value, note);
    log.fact(trade(2024, "244800000000", "2025-01-13"), "2025-01-14T06:00:00Z");
    log.record(&questions, "2025-01-15");
    assert!(log.entries()[0].resolved.as_ref().unwrap().1.framework_hash.is_some());
    assert_eq!(log.list(&questions, "2025-02-01")[0].framework_note, note);
    // Under one framework there is nothing to say.
    let mut same = Log::new();
    same.record(&questions, "2024-03-02");
    assert_eq!(same.list(&questions, "2024-04-01")[0].framework_note, None);
}

#[test]
fn each_question_weighs_the_same_in_the_parts_of_the_brier_score() {
    let (mut log, sure) = (Log::new(), asked(&[]));
    let other = asked(&[("\"q\"", "\"r\""), ("> 240e9", "< 200e9")]);
    // One question with five forecasts, one with one.
    for day in ["2024-03-02", "2024-03-03", "2024-04-05", "2024-06-06", "2024-09-07"] {
        let due = log.ledger.due(&sure, &log.projector, &QUICK, moment(day));
        due.into_iter().filter(|s| s.name == "q").for_each(|s| log.append(Body::System(s), day));
    }
    log.record(&other, "2024-10-01");
    log.fact(trade(2024, "244800000000", "2025-01-13"), "2025-01-14T06:00:00Z");
    log.record(&other, "2025-01-15");
    let table = log.headline("2025-02-01").all.unwrap();
    assert!(table.questions == 2 && table.forecasts > 5, "{table:?}");
    let m = table.reliability.as_ref().unwrap().murphy;
    let sum = m.reliability - m.resolution + m.uncertainty + m.within;
    assert!((sum - table.brier.value).abs() < 1e-12, "{m:?} {}", table.brier.value);
    assert!(table.came_true == 0.5 && (m.uncertainty - 0.25).abs() < 1e-12, "{table:?}");
    // From two questions nobody can say how sure the skill is.
    assert!(table.brier.skill_persistence.is_none_or(|s| s.interval.is_none()));
}
