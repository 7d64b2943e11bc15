//! Questions against the framework: every fault with its line and remedy.

use chrono::{Datelike, NaiveDate};

use super::{File, Quantity, Question, Questions, Rule, Template, Threshold, When, Written};
use crate::framework::{Cadence, Framework, Kind, Measure, PeriodKind};
use crate::locate::Step;
use crate::{Locator, Period, Problem, Problems};

/// Most periods of one template.
const MOST_PERIODS: i32 = 400;

/// Where a fault stands.
struct Place<'a, 't> {
    locator: &'a Locator<'t>,
    list: &'static str,
    at: usize,
}

impl Place<'_, '_> {
    fn fault(&self, field: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Problem {
        self.locator.problem(&[Step::Key(self.list), Step::At(self.at), Step::Key(field)], what, remedy)
    }

    /// The same place under another finding's words.
    fn under(&self, field: &'static str, found: &Problem) -> Problem {
        self.fault(field, found.message.clone(), found.remedy.clone())
    }
}

pub(super) fn read<'f>(
    locator: &Locator<'_>,
    file: File,
    frameworks: impl IntoIterator<Item = &'f Framework>,
) -> Result<Questions, Problems> {
    let frameworks: Vec<&Framework> = frameworks.into_iter().collect();
    let Some(framework) = frameworks.iter().find(|f| f.id == file.framework) else {
        let ids: Vec<&str> = frameworks.iter().map(|f| f.id.as_str()).collect();
        let remedy = format!("the configuration has {}", ids.join(", "));
        return Err(locator.problem(&["framework".into()], "no such framework", remedy).into());
    };
    let (mut out, mut problems) = (Questions::default(), Problems::default());
    for (at, written) in file.question.into_iter().enumerate() {
        let place = Place { locator, list: "question", at };
        if out.filed.iter().any(|q| q.id == written.id) {
            problems.push(place.fault("id", "the id is there twice", "rename one of the questions"));
        }
        if let Some(question) = question(&place, written, framework, &mut problems) {
            out.filed.push(question);
        }
    }
    for (at, template) in file.template.iter().enumerate() {
        let place = Place { locator, list: "template", at };
        let before = problems.0.len();
        expand(&place, template, framework, &mut problems, &mut out);
        if problems.0.len() == before && file.template.iter().take(at).any(|other| other.id == template.id) {
            problems.push(place.fault("id", "the id is there twice", "rename one of the templates"));
        }
    }
    problems.into_result(out)
}

fn question(
    place: &Place<'_, '_>,
    written: Written,
    framework: &Framework,
    problems: &mut Problems,
) -> Option<Question> {
    let Written { id, title, about, rule, filed, from, vintage, settle, void, reason } = written;
    let mut date = |field: &'static str, text: &str| {
        let parsed = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        let parsed = parsed.filter(|day| text.len() == 10 && (1..=9990).contains(&day.year()));
        if parsed.is_none() {
            problems.push(place.fault(field, "no date", "write YYYY-MM-DD"));
        }
        parsed
    };
    let (filed, settle) = (date("filed", &filed), date("settle", &settle));
    let from = match from {
        Some(text) => Some(date("from", &text)?),
        None => None,
    };
    words(place, &id, &title, &reason, problems);
    let rule = match rule.parse::<Rule>() {
        Ok(rule) => rule,
        Err(found) => {
            problems.push(place.under("rule", &found));
            return None;
        }
    };
    fits(place, &about, &rule, framework, problems);
    let (filed, settle) = (filed?, settle?);
    let question = Question {
        id,
        framework: framework.id.clone(),
        title,
        about,
        rule,
        filed,
        from,
        vintage,
        settle,
        void,
        reason,
        template: None,
    };
    if question.filed_at() >= question.rule.end() {
        problems.push(place.fault(
            "filed",
            "filed when the period is over",
            "ask about a later period, or write a template: what is asked afterwards is a backcast",
        ));
    }
    settles(place, &question, "settle", problems);
    Some(question)
}

fn settles(place: &Place<'_, '_>, question: &Question, field: &'static str, problems: &mut Problems) {
    if question.settles_at() < question.rule.end() || question.settles_at() < question.counts_from() {
        problems.push(place.fault(
            field,
            "settles before anything can answer",
            "leave time after the period for its publication",
        ));
    }
}

fn expand(
    place: &Place<'_, '_>,
    template: &Template,
    framework: &Framework,
    problems: &mut Problems,
    out: &mut Questions,
) {
    words(place, &template.id, &template.title, &template.reason, problems);
    let [first, last] = template.years;
    if !(1..=9000).contains(&first) || last < first || last - first > MOST_PERIODS / 4 {
        problems.push(place.fault(
            "years",
            "no range of years",
            "write [FIRST, LAST], at most a hundred years",
        ));
        return;
    }
    if template.lead_months > 120 {
        problems.push(place.fault("lead_months", "more than ten years", "ask nearer to the period"));
    }
    if template.settle_days > 3660 {
        problems.push(place.fault("settle_days", "more than ten years", "settle sooner after the period"));
        return;
    }
    let all = match template.questions(&framework.id) {
        Ok(all) => all,
        Err(found) => {
            problems.push(place.under("rule", &found));
            return;
        }
    };
    if let Some(question) = all.first() {
        fits(place, &template.about, &question.rule, framework, problems);
        settles(place, question, "settle_days", problems);
        if question.filed_at() >= question.rule.end() {
            problems.push(place.fault("lead_months", "asked when the period is over", "give a greater lead"));
        }
    }
    out.backcasts.extend(all);
}

fn words(place: &Place<'_, '_>, id: &str, title: &str, reason: &str, problems: &mut Problems) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c);
    if id.is_empty() || id.len() > 80 || !id.chars().all(plain) {
        problems.push(place.fault(
            "id",
            "no id",
            "use up to 80 small letters, digits, dots, dashes and underlines",
        ));
    }
    for (field, text) in [("title", title), ("reason", reason)] {
        if text.trim().is_empty() {
            problems.push(place.fault(field, "blank", "say it in a sentence"));
        }
    }
}

/// The rule must ask what the row can answer.
fn fits(place: &Place<'_, '_>, about: &str, rule: &Rule, framework: &Framework, problems: &mut Problems) {
    if rule.threshold == Threshold::Last(0.0) {
        problems.push(place.fault("rule", "a factor of 0 compares with nothing", "write the bound as `0`"));
    }
    if framework.scenarios.iter().any(|s| s.id == about) {
        if rule.of != Quantity::Probability || !matches!(rule.when, When::At(_)) {
            problems.push(place.fault(
                "rule",
                "a scenario has a probability on a date",
                "write `probability >= 0.4 at 2030-12-31`",
            ));
        }
        within(place, rule, 0.0, 1.0, "a probability", problems);
        return;
    }
    let Some(measure) = framework.all_measures().find(|m| m.id == about) else {
        let all = framework.all_measures().map(|m| m.id.as_str());
        let all = all.chain(framework.scenarios.iter().map(|s| s.id.as_str()));
        problems.push(place.fault("about", "no such indicator, measure or scenario", near(about, all)));
        return;
    };
    if rule.of == Quantity::Probability {
        problems.push(place.fault("rule", "only a scenario has a probability", "ask for its `value`"));
    }
    match (measure.kind, measure.scale) {
        (Kind::Share, _) => within(place, rule, 0.0, 1.0, "a share", problems),
        (Kind::Ordinal, Some([low, high])) => within(place, rule, low, high, "the scale", problems),
        _ => {}
    }
    if let When::In { start, end, .. } = &rule.when
        && !answers(measure, *start, *end)
    {
        problems.push(place.fault(
            "rule",
            "the measure has no reading of such a period",
            "ask about a period of its length, or `at` a date",
        ));
    }
}

fn within(place: &Place<'_, '_>, rule: &Rule, low: f64, high: f64, what: &str, problems: &mut Problems) {
    if let Threshold::Fixed(bound) = rule.threshold
        && !(low..=high).contains(&bound)
    {
        let remedy =
            if high <= 1.0 { "write 0.05 for 5 %".to_owned() } else { format!("use {low} to {high}") };
        problems.push(place.fault("rule", format!("the bound is outside {what}"), remedy));
    }
}

/// Whether some reading of the measure has that length.
fn answers(measure: &Measure, start: NaiveDate, end: NaiveDate) -> bool {
    let months = (end.year() - start.year()) * 12 + end.month0().cast_signed() - start.month0().cast_signed();
    if measure.formula.windowed() {
        return measure.cadence.months().and_then(|m| i32::try_from(m).ok()) == Some(months);
    }
    let moment = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc();
    let Ok(period) = Period::range(moment(start), moment(end)) else { return false };
    let fits = |kind: PeriodKind| kind.takes(&period);
    measure.read.iter().any(|r| fits(r.period)) || measure.cadence == Cadence::Irregular
}

/// The id nearest to a wrong one.
fn near<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> String {
    crate::near::near(wanted, known).map_or_else(
        || "use an id of the framework; `bellwether board` lists the indicators".to_owned(),
        |id| format!("did you mean {id}?"),
    )
}
