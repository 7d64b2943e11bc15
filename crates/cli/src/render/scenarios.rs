//! The scenarios as a page: now, the years ahead, what would change them, what they hang on.

use bellwether_model::framework::Framework;
use bellwether_projection::{Fan, Scenarios, Sensitivity, Signpost, SignpostSignal};

use super::assessment::scenario_table;
use super::figures::{
    UNKNOWN, band, compact, points, probabilities, probability, quantity, quantity_range, share_bar, until,
};
use super::{Align, Cell, Fit, Look, Page, Style, Table};

use Align::{Left, Right};
use Fit::{Cut, Keep, Spare, Wrap};

/// Rows of the longer tables; JSON and CSV hold all.
const SHOWN: usize = 10;
/// Years of the fans that fit on a page: the first, the middle and the last.
const YEARS: usize = 3;

/// The page.
pub(crate) fn scenarios(all: &Scenarios, framework: &Framework, look: &Look) -> String {
    let mut page = Page::new(look);
    let fit = all.fit.map_or("fit unknown".to_owned(), |f| format!("fit of the best: {f:.2}"));
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
    fans(&mut page, all);
    if let Some(sensitivity) = &all.sensitivity {
        judgements(&mut page, sensitivity);
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
        ("would move most", Left, Cut),
    ]);
    for d in all.diagnosticity.iter().take(SHOWN) {
        let [low, normal, high] = d.chances.map(probability);
        let most = format!(
            "{}: {} {} to {}",
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
    for words in state.turning() {
        page.entry("turns", &words);
    }
}

fn fans(page: &mut Page, all: &Scenarios) {
    let beside = format!("{} paths; {} indicators have no model", all.paths, all.refused.len());
    page.heading("Indicators ahead", &beside);
    let mut table = Table::new(&[
        ("indicator", Left, Keep),
        ("now", Right, Keep),
        ("year", Left, Keep),
        ("half", Right, Keep),
        ("90% between", Left, Keep),
    ]);
    for fan in &all.fans {
        for (n, at) in shown(fan).into_iter().enumerate() {
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
fn shown(fan: &Fan) -> Vec<usize> {
    let n = fan.year_ends.len();
    if n <= YEARS { (0..n).collect() } else { vec![0, n / 2, n - 1] }
}

fn judgements(page: &mut Page, sensitivity: &Sensitivity) {
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
