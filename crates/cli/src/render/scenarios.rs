//! The scenarios as a page: now, the years ahead, what would change them, what they hang on.

use bellwether_model::framework::{As, Framework};
use bellwether_projection::{Scenarios, Sensitivity, Signpost, SignpostSignal, WeightRow};

use super::assessment::scenario_table;
use super::figures::{
    UNKNOWN, band, compact, counted, fit_words, points, probabilities, probability, quantity, quantity_range,
    share_bar, signed, until,
};
use super::{Align, Cell, Fit, Look, Page, Style, Table};

use Align::{Left, Right};
use Fit::{Keep, Spare, Wrap};

/// Rows of the longer tables; JSON and CSV hold all.
const SHOWN: usize = 10;
/// Years of the fans that fit on a page: the first, the middle and the last.
const YEARS: usize = 3;

/// The page.
pub(crate) fn scenarios(all: &Scenarios, framework: &Framework, look: &Look) -> String {
    let mut page = Page::new(look);
    let fit = fit_words(all.fit, all.fit_readings);
    page.heading(&framework.title, &fit);
    page.paragraph(
        &format!("Up to {}, as known by {}.", until(&all.as_of), until(&all.known_by)),
        Style::Plain,
    );
    if all.scenarios.is_empty() {
        page.paragraph("This framework has no scenarios.", Style::Plain);
    } else {
        now(&mut page, all, framework);
        ahead(&mut page, all);
        signposts(&mut page, &all.signposts);
        diagnosticity(&mut page, all);
    }
    balance(&mut page, all, framework);
    bounds(&mut page, all);
    fans(&mut page, all);
    if let Some(sensitivity) = &all.sensitivity {
        judgements(&mut page, sensitivity);
        weights(&mut page, sensitivity);
    }
    page.finish()
}

fn short(id: &str) -> &str {
    id.strip_prefix("scenario.").unwrap_or(id)
}

fn now(page: &mut Page, all: &Scenarios, framework: &Framework) {
    page.heading("Scenarios", "as weighed");
    page.table(&scenario_table(&all.scenarios, framework, 2));
}

fn ahead(page: &mut Page, all: &Scenarios) {
    page.heading("Year ends", "by the transition alone");
    let names: Vec<&str> = all.scenarios.iter().map(|s| short(&s.id)).collect();
    let mut table = Table::new(&[("year", Left, Keep), ("probabilities", Left, Wrap)]);
    for year in &all.year_ends {
        let whole = probabilities(&year.scenarios.iter().map(|s| s.probability).collect::<Vec<f64>>());
        let each: Vec<String> = names.iter().zip(&whole).map(|(name, p)| format!("{name} {p}")).collect();
        table.row([year.year.to_string().into(), each.join(", ").into()]);
    }
    page.table(&table);
}

fn signposts(page: &mut Page, signposts: &[Signpost]) {
    page.heading("Signposts", "what would have to be read for each to become the most probable");
    for s in signposts {
        page.paragraph(&signpost(s), if s.leads { Style::Dim } else { Style::Plain });
    }
}

/// A signpost in a sentence, the thresholds in the figures of the tables.
pub(crate) fn signpost(s: &Signpost) -> String {
    let (Some(until), Some(p)) = (s.until.as_deref(), s.probability) else { return s.words.clone() };
    let bounds = |signal: &SignpostSignal| {
        let unit = signal.unit.as_str();
        match (signal.above, signal.below) {
            (Some(a), Some(b)) => format!(" (between {})", quantity_range(a, b, unit)),
            (Some(a), None) => format!(" (above {})", quantity(a, unit)),
            (None, Some(b)) => format!(" (below {})", quantity(b, unit)),
            (None, None) => String::new(),
        }
    };
    let said: Vec<String> =
        s.signals.iter().map(|row| format!("{} is {}{}", row.indicator, row.state, bounds(row))).collect();
    let what = if said.is_empty() { "nothing further is read".to_owned() } else { said.join(" and ") };
    format!("{} would lead by {until} at {} if {what}", s.scenario, probability(p))
}

fn diagnosticity(page: &mut Page, all: &Scenarios) {
    page.heading("What the next readings could tell", "bits expected, the most telling first");
    let mut table = Table::new(&[
        ("signal", Left, Keep),
        ("bits", Right, Keep),
        ("due", Left, Keep),
        ("low", Right, Keep),
        ("normal", Right, Keep),
        ("high", Right, Keep),
        ("would move most", Left, Wrap),
    ]);
    for d in all.diagnosticity.iter().take(SHOWN) {
        let [low, normal, high] = d.chances.map(probability);
        let most = format!(
            "{}: {} {}→{}",
            d.most.state,
            short(&d.most.scenario),
            probability(d.most.before),
            probability(d.most.after)
        );
        table.row([
            d.indicator.as_str().into(),
            format!("{:.3}", d.bits).into(),
            d.due.as_deref().unwrap_or(UNKNOWN).into(),
            low.into(),
            normal.into(),
            high.into(),
            Cell::new(most, Style::Dim),
        ]);
    }
    page.table(&table);
}

fn balance(page: &mut Page, all: &Scenarios, framework: &Framework) {
    let Some(state) = &all.balance else { return };
    let title = framework.balance.as_ref().map_or("", |b| b.title.as_str());
    page.heading("Balance", title);
    page.paragraph(
        &format!("{} {}, band {}.", state.id, points(state.value), band(state.low, state.high)),
        Style::Plain,
    );
    page.entry("band", &state.band_from().unwrap_or_default());
    page.entry("scenario", &state.by_scenario().unwrap_or_default());
    page.entry("years", &years(all).unwrap_or_default());
    for words in state.turning() {
        page.entry("turns", &words);
    }
}

/// The balance at the first, middle and last year end, and when it turns.
fn years(all: &Scenarios) -> Option<String> {
    let now = all.balance.as_ref()?.value?;
    let known: Vec<(i32, f64)> = all.balance_ahead.iter().filter_map(|y| Some((y.year, y.value?))).collect();
    let few = shown(known.len()).into_iter().filter_map(|at| known.get(at));
    let each: Vec<String> = few.map(|(year, v)| format!("{} at the end of {year}", signed(*v, 1))).collect();
    let turns = known.iter().find(|(_, v)| (*v < 0.0) != (now < 0.0));
    let words =
        turns.map_or("it does not turn".to_owned(), |(year, _)| format!("it turns by the end of {year}"));
    (!each.is_empty()).then(|| format!("{}, figures as they stand: {words}", each.join(", ")))
}

fn bounds(page: &mut Page, all: &Scenarios) {
    if all.bounds.is_empty() {
        return;
    }
    page.heading("Bounds ahead", "chance that a bound is crossed at the year end, and at some time up to it");
    let mut table = Table::new(&[
        ("bound", Left, Keep),
        ("year", Left, Keep),
        ("at", Right, Keep),
        ("ever", Right, Keep),
        ("words", Left, Keep),
        ("ever, by scenario", Left, Wrap),
    ]);
    for bound in &all.bounds {
        let ends = bound.year_ends.as_deref().unwrap_or_default();
        for (n, y) in shown(ends.len()).into_iter().filter_map(|at| ends.get(at)).enumerate() {
            let id = bound.id.strip_prefix("constraint.").unwrap_or(&bound.id);
            let floor = if bound.floor { "≥ " } else { "" };
            let mut given: Vec<(&str, f64)> =
                y.given.iter().filter_map(|g| Some((short(&g.id), g.ever.as_ref()?.probability))).collect();
            given.sort_by(|a, b| a.1.total_cmp(&b.1));
            let between = given.first().zip(given.last()).map_or(UNKNOWN.to_owned(), |(a, b)| {
                let [least, most] = [a.1, b.1].map(|p| format!("{floor}{}", probability(p)));
                format!("{} {least} to {} {most}", a.0, b.0)
            });
            table.row([
                if n == 0 { id } else { "" }.into(),
                y.year.to_string().into(),
                format!("{floor}{}", probability(y.at.probability)).into(),
                Cell::new(format!("{floor}{}", probability(y.ever.probability)), Style::Bold),
                y.ever.words.as_deref().unwrap_or(UNKNOWN).into(),
                Cell::new(between, Style::Dim),
            ]);
        }
    }
    page.table(&table);
    let mut without: Vec<(&str, Vec<&str>)> = Vec::new();
    for bound in &all.bounds {
        let Some(reason) = bound.reason.as_deref() else { continue };
        match without.iter_mut().find(|(r, _)| *r == reason) {
            Some((_, ids)) => ids.push(&bound.id),
            None => without.push((reason, vec![&bound.id])),
        }
    }
    for (reason, ids) in without {
        page.entry("no model", &format!("{reason}: {}", ids.join(", ")));
    }
}

fn fans(page: &mut Page, all: &Scenarios) {
    let beside = format!(
        "{}; {} no model",
        counted(all.paths, "path", "paths"),
        counted(all.refused.len(), "indicator has", "indicators have")
    );
    page.heading("Indicators ahead", &beside);
    let mut table = Table::new(&[
        ("indicator", Left, Keep),
        ("now", Right, Keep),
        ("year", Left, Keep),
        ("half", Right, Keep),
        ("90% between", Left, Keep),
    ]);
    for fan in &all.fans {
        for (n, at) in shown(fan.year_ends.len()).into_iter().enumerate() {
            let Some(y) = fan.year_ends.get(at) else { continue };
            let first = n == 0;
            let floor = if fan.model.floor { "≥ " } else { "" };
            let unit = |v: f64| quantity(v, &fan.unit);
            // The unit stands beside the first figure.
            let bare = |v: f64| if fan.unit == "share" { unit(v) } else { compact(v) };
            table.row([
                match n {
                    0 => fan.id.as_str().into(),
                    1 if fan.model.few => Cell::new("  few points, hence wide", Style::Dim),
                    _ => "".into(),
                },
                if first { format!("{floor}{}", unit(fan.value)) } else { String::new() }.into(),
                y.year.to_string().into(),
                Cell::new(bare(y.p50), Style::Bold),
                format!("{} and {}", bare(y.p05), bare(y.p95)).into(),
            ]);
        }
    }
    page.table(&table);
}

/// Positions of the first, middle and last year.
fn shown(n: usize) -> Vec<usize> {
    if n <= YEARS { (0..n).collect() } else { vec![0, n / 2, n - 1] }
}

fn judgements(page: &mut Page, sensitivity: &Sensitivity) {
    if sensitivity.judgements.is_empty() {
        return;
    }
    let flips = sensitivity.judgements.iter().filter(|j| j.flips).count();
    let beside = match flips {
        0 => "each ±50 %; none makes another scenario lead".to_owned(),
        n => format!("each ±50 %; {n} make another scenario lead"),
    };
    page.heading("Judgements it hangs on", &beside);
    let mut table = Table::new(&[
        ("judgement", Left, Wrap),
        ("value", Right, Keep),
        ("moves", Left, Keep),
        ("half", Right, Keep),
        ("half more", Right, Keep),
        ("change", Right, Keep),
        ("", Left, Spare),
    ]);
    let most = sensitivity.judgements.first().map_or(1.0, |j| j.change.max(1e-9));
    for j in sensitivity.judgements.iter().take(2 * SHOWN) {
        let style = if j.flips { Style::Warn } else { Style::Plain };
        table.row([
            Cell::new(format!("{} {}", j.kind, j.of), style),
            format!("{:.3}", j.value).into(),
            short(&j.scenario).into(),
            probability(j.low).into(),
            probability(j.high).into(),
            format!("{:.1} pp", j.change * 100.0).into(),
            share_bar(j.change / most).into(),
        ]);
    }
    page.table(&table);
}

fn weights(page: &mut Page, sensitivity: &Sensitivity) {
    let Some(first) = sensitivity.weights.first() else { return };
    let turns = match sensitivity.weights.iter().filter(|w| w.flips).count() {
        0 => "none turns it".to_owned(),
        n => format!("{n} turn it"),
    };
    page.heading("What the balance hangs on", &format!("each weight ±50 %; {turns}"));
    page.paragraph(
        &format!("It is {}; the other weights of a row share what is left.", signed(first.before, 1)),
        Style::Plain,
    );
    let mut table = Table::new(&[
        ("weight", Left, Wrap),
        ("value", Right, Keep),
        ("half", Right, Keep),
        ("half more", Right, Keep),
        ("change", Right, Keep),
        ("", Left, Spare),
    ]);
    let most = sensitivity.weights.iter().find_map(|w| w.change).map_or(1.0, |c| c.max(1e-9));
    let level = |value: Option<f64>| value.map_or(UNKNOWN.to_owned(), |v| signed(v, 1));
    for w in sensitivity.weights.iter().take(SHOWN) {
        let style = if w.flips { Style::Warn } else { Style::Plain };
        table.row([
            Cell::new(weight(w), style),
            compact(w.value).into(),
            level(w.low).into(),
            level(w.high).into(),
            w.change.map_or(UNKNOWN.to_owned(), |c| format!("{c:.1}")).into(),
            w.change.map_or(String::new(), |c| share_bar(c / most)).into(),
        ]);
    }
    page.table(&table);
}

/// A weight by its row and what that reads with it.
pub(crate) fn weight(w: &WeightRow) -> String {
    let how = match w.reading {
        As::Shift => " as shift",
        As::Scale => " as scale",
        As::Distance | As::Probability => "",
    };
    format!("{} in {}{how}", w.input, w.row)
}
