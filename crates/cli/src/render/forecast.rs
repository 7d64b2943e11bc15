//! Forecast questions and their scores.

use bellwether_model::framework::Framework;
use bellwether_projection::forecast::{
    ForecastRow, Outcome, Report, Section, Standing, Table as Scores,
    score::{Interval, Reliability, SkillInterval},
};

use super::figures::{UNKNOWN, counted, day, probability, quantity, trend};
use super::prequential::prequential;
use super::{Align, Cell, Fit, Look, Page, Style, Table};

use Align::{Left, Right};
use Fit::{Cut, Keep, Spare};

/// The list.
pub(crate) fn forecasts(rows: &[ForecastRow], framework: &Framework, look: &Look) -> String {
    let mut page = Page::new(look);
    let of = |standing: Standing| rows.iter().filter(|r| r.standing == standing).count();
    page.heading(
        "Forecast questions",
        &format!(
            "{} open, {} waiting for their figure, {} not filed",
            of(Standing::Open),
            of(Standing::Waiting),
            of(Standing::Unfiled)
        ),
    );
    let mut table = Table::new(&[
        ("ends", Left, Keep),
        ("P", Right, Keep),
        ("", Left, Keep),
        ("in words", Left, Keep),
        ("past", Right, Keep),
        ("same", Left, Keep),
        ("expected", Left, Spare),
    ]);
    for row in rows {
        table.group(&row.title);
        let (arrow, style) = trend(row.trend);
        let unit = framework.all_measures().find(|m| m.id == row.about).map_or("", |m| m.unit.as_str());
        let band = row
            .low
            .zip(row.high)
            .map(|(low, high)| format!("{}–{}", quantity(low, ""), quantity(high, unit)));
        table.row([
            row.horizon.as_str().into(),
            Cell::new(row.probability.map_or(UNKNOWN.to_owned(), probability), Style::Bold),
            Cell::new(if row.before.is_some() { arrow } else { "" }, style),
            Cell::new(stands(row), Style::Plain),
            row.climatology.map_or(UNKNOWN.to_owned(), probability).into(),
            row.persistence.map_or(UNKNOWN, |p| if p > 0.5 { "yes" } else { "no" }).into(),
            band.unwrap_or_else(|| UNKNOWN.to_owned()).into(),
        ]);
        table.note(told(row), Style::Dim);
    }
    page.table(&table);
    match of(Standing::Unfiled) {
        _ if rows.is_empty() => page.paragraph(
            "No open question on that day; --all shows answered ones. Questions are files in questions/ of the \
             configuration, in the format that config/README.md describes: `bellwether init` writes some to start from.",
            Style::Plain,
        ),
        0 => {}
        n => page.paragraph(
            &format!("Not on record: {n}. `bellwether forecast record` files them, as a daemon does by itself."),
            Style::Warn,
        ),
    }
    page.finish()
}

/// The words of a probability, or what has become of the question.
fn stands(row: &ForecastRow) -> String {
    match (row.outcome, &row.words) {
        (Some(Outcome::True), _) => "came true".to_owned(),
        (Some(Outcome::False), _) => "did not".to_owned(),
        (Some(Outcome::Void), _) => "void".to_owned(),
        (None, Some(words)) => words.clone(),
        (None, None) if row.standing == Standing::Waiting => "waiting".to_owned(),
        (None, None) => UNKNOWN.to_owned(),
    }
}

fn told(row: &ForecastRow) -> String {
    let record = match (&row.filed_at, row.standing) {
        (_, Standing::Backcast) => "backcast: known before it was filed".to_owned(),
        (None, _) => "unfiled".to_owned(),
        (Some(at), _) => {
            format!("filed {}, {}", day(at), counted(row.recorded, "forecast", "forecasts"))
        }
    };
    format!("{} · {} · {} · {record}", row.id, row.about, row.rule)
}

/// The scores.
pub(crate) fn scores(report: &Report, look: &Look) -> String {
    let mut page = Page::new(look);
    section(&mut page, "Headline", &report.headline);
    if let Some(backcasts) = &report.backcasts {
        section(&mut page, "Backcasts", backcasts);
        on_prior(&mut page, backcasts);
    }
    if let Some(scenarios) = &report.scenarios {
        prequential(&mut page, scenarios);
    }
    page.finish()
}

fn section(page: &mut Page, name: &str, section: &Section) {
    let models = section.models.join(", ");
    page.heading(name, &models);
    page.paragraph(&section.heading, Style::Warn);
    let Some(all) = &section.all else {
        page.paragraph("No forecast of an answered question yet.", Style::Plain);
        return;
    };
    let mut table = Table::new(&[
        ("", Left, Cut),
        ("questions", Right, Keep),
        ("asked", Right, Keep),
        ("true", Right, Keep),
        ("Brier", Right, Keep),
        ("skill on the past", Left, Keep),
        ("on no change", Left, Keep),
        ("log", Right, Spare),
        ("CRPS", Left, Spare),
    ]);
    table.row(line(all));
    table.group("by time ahead");
    section.leads.iter().for_each(|t| table.row(line(t)));
    table.group("by what is asked");
    section.groups.iter().for_each(|t| table.row(line(t)));
    page.table(&table);
    if all.without_past > 0 {
        let left_out = counted(all.without_past, "question has", "questions have");
        page.paragraph(&format!("{left_out} too short a past for a skill on it."), Style::Plain);
    }
    if let Some(found) = &all.reliability {
        let sharpness = all.sharpness.unwrap_or_default();
        reliability(page, found, &format!(", sharpness {sharpness:.2}"));
    }
}

/// What the posterior adds to the same model on the prior.
fn on_prior(page: &mut Page, section: &Section) {
    let Some(all) = section.all.as_ref().filter(|t| t.brier.prior.is_some()) else { return };
    page.heading(
        "What the scenario probabilities add",
        "the same questions by the same model on their prior",
    );
    let mut table = Table::new(&[
        ("", Left, Cut),
        ("Brier", Right, Keep),
        ("on prior", Right, Keep),
        ("skill on the prior", Left, Keep),
        ("log", Right, Keep),
        ("on prior", Right, Keep),
        ("CRPS", Left, Spare),
    ]);
    let shown = |s: Option<SkillInterval>| s.map_or(UNKNOWN.into(), |s| spanned(s.value, s.interval, 3));
    let row = |t: &Scores| {
        let crps = t.crps.as_ref().and_then(|c| c.skill_prior);
        let score = |p: Option<f64>| p.map_or(UNKNOWN.to_owned(), |p| format!("{p:.3}"));
        [
            Cell::from(t.name.as_str()),
            Cell::new(score(Some(t.brier.value)), Style::Bold),
            score(t.brier.prior).into(),
            shown(t.brier.skill_prior),
            score(Some(t.log.value)).into(),
            score(t.log.prior).into(),
            shown(crps),
        ]
    };
    table.row(row(all));
    table.group("by time ahead");
    section.leads.iter().for_each(|t| table.row(row(t)));
    table.group("by what is asked");
    section.groups.iter().for_each(|t| table.row(row(t)));
    page.table(&table);
}

pub(super) fn reliability(page: &mut Page, found: &Reliability, more: &str) {
    page.heading(
        "Reliability",
        &format!(
            "calibration error {:.3}, resolution {:.3} of {:.3}{more}",
            found.ece, found.murphy.resolution, found.murphy.uncertainty,
        ),
    );
    let mut table = Table::new(&[
        ("forecast", Left, Keep),
        ("n", Right, Keep),
        ("mean", Right, Keep),
        ("came true", Right, Keep),
    ]);
    for bin in &found.bins {
        let shown = |share: Option<f64>| share.map_or(UNKNOWN.to_owned(), |p| format!("{:.0}%", p * 100.0));
        table.row([
            format!("{:.0}–{:.0}%", bin.low * 100.0, bin.high * 100.0).into(),
            bin.n.to_string().into(),
            shown(bin.forecast).into(),
            shown(bin.observed).into(),
        ]);
    }
    page.table(&table);
}

fn line(table: &Scores) -> [Cell; 9] {
    let crps = table.crps.as_ref().and_then(|c| c.skill_climatology);
    [
        table.name.as_str().into(),
        table.questions.to_string().into(),
        table.forecasts.to_string().into(),
        format!("{:.0}%", table.came_true * 100.0).into(),
        Cell::new(format!("{:.3}", table.brier.value), Style::Bold),
        skill(table.brier.skill_climatology),
        skill(table.brier.skill_persistence),
        format!("{:.2}", table.log.value).into(),
        skill(crps),
    ]
}

fn skill(found: Option<SkillInterval>) -> Cell {
    found.map_or(UNKNOWN.into(), |found| spanned(found.value, found.interval, 2))
}

/// A figure with its interval; one that spans 0 shows nothing, and is dim.
pub(super) fn spanned(value: f64, interval: Option<Interval>, decimals: usize) -> Cell {
    match interval {
        None => Cell::new(format!("{value:+.decimals$}"), Style::Dim),
        Some(i) => {
            let style = if i.low > 0.0 {
                Style::Good
            } else if i.high < 0.0 {
                Style::Bad
            } else {
                Style::Dim
            };
            Cell::new(format!("{value:+.decimals$} ({:+.decimals$}…{:+.decimals$})", i.low, i.high), style)
        }
    }
}
