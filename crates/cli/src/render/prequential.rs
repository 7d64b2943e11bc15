//! How well the scenario probabilities foresaw the signals.

use bellwether_projection::forecast::{
    Prequential, QuarterScore, StateScore,
    score::{GainInterval, SkillInterval},
};

use super::figures::{UNKNOWN, probability, signed};
use super::forecast::{reliability, spanned};
use super::{Align, Cell, Fit, Page, Style, Table};

use Align::{Left, Right};
use Fit::{Cut, Keep};

/// Quarters, years, signals, reliability.
pub(super) fn prequential(page: &mut Page, scored: &Prequential) {
    page.heading("Scenarios", "each quarter's posterior, by the signals' next readings");
    page.paragraph(&scored.heading, Style::Warn);
    let Some(all) = &scored.all else {
        page.paragraph("No reading of a signal to score it by.", Style::Plain);
        return;
    };
    let mut table = Table::new(&[
        ("", Left, Cut),
        ("readings", Right, Keep),
        ("log", Right, Keep),
        ("gain on the prior", Left, Keep),
        ("on the past", Right, Keep),
        ("on no change", Right, Keep),
    ]);
    table.row(gains(all));
    table.group("by year");
    scored.years.iter().for_each(|t| table.row(gains(t)));
    table.group("by signal");
    scored.signals.iter().for_each(|t| table.row(gains(t)));
    page.table(&table);
    page.paragraph(
        "Gain: nats a reading by which the log score is less than that of the reference; above 0 is better.",
        Style::Dim,
    );
    if scored.floors > 0 {
        page.paragraph(
            &format!(
                "Not scored: {} readings that are floors and could have shown nothing but high.",
                scored.floors
            ),
            Style::Dim,
        );
    }

    page.heading("Three scores", "less is better");
    let mut table = Table::new(&[
        ("", Left, Keep),
        ("posterior", Right, Keep),
        ("prior", Right, Keep),
        ("past", Right, Keep),
        ("no change", Right, Keep),
        ("skill on the prior", Left, Keep),
        ("on the past", Left, Keep),
    ]);
    let shown = |s: Option<SkillInterval>| s.map_or(UNKNOWN.into(), |s| spanned(s.value, s.interval, 3));
    for (name, score) in [("log", &all.log), ("Brier", &all.brier), ("ranked", &all.rps)] {
        table.row([
            name.into(),
            Cell::new(format!("{:.3}", score.value), Style::Bold),
            score.prior.map_or(UNKNOWN.to_owned(), |p| format!("{p:.3}")).into(),
            score.climatology.map_or(UNKNOWN.to_owned(), |p| format!("{p:.3}")).into(),
            format!("{:.3}", score.persistence).into(),
            shown(score.skill_prior),
            shown(score.skill_climatology),
        ]);
    }
    page.table(&table);
    quarters(page, &scored.quarters);
    if let Some(found) = &scored.reliability {
        reliability(page, found, "");
    }
}

fn gains(table: &StateScore) -> [Cell; 6] {
    let value = |g: Option<GainInterval>| g.map_or(UNKNOWN.into(), |g| format!("{:+.3}", g.value)).into();
    [
        table.name.as_str().into(),
        table.forecasts.to_string().into(),
        Cell::new(format!("{:.3}", table.log.value), Style::Bold),
        table.gain_prior.map_or(UNKNOWN.into(), |g| spanned(g.value, g.interval, 3)),
        value(table.gain_climatology),
        value(table.gain_persistence),
    ]
}

/// The posterior when each quarter began, and what came of it.
fn quarters(page: &mut Page, quarters: &[QuarterScore]) {
    let names = quarters.first().map(|q| {
        let names: Vec<&str> =
            q.scenarios.iter().map(|s| s.id.strip_prefix("scenario.").unwrap_or(&s.id)).collect();
        names.join(" · ")
    });
    page.heading("Quarter by quarter", "probabilities when it began, as known then");
    page.paragraph(&names.unwrap_or_default(), Style::Dim);
    let mut table = Table::new(&[
        ("quarter", Left, Keep),
        ("posterior", Left, Keep),
        ("readings", Right, Keep),
        ("log", Right, Keep),
        ("nats on the prior", Right, Keep),
    ]);
    for q in quarters {
        let each: Vec<String> =
            q.scenarios.iter().map(|s| format!("{:>3}", probability(s.probability))).collect();
        table.row([
            q.name.as_str().into(),
            each.join(" · ").into(),
            q.forecasts.to_string().into(),
            q.log.map_or(UNKNOWN.to_owned(), |l| format!("{l:.3}")).into(),
            q.nats.map_or(UNKNOWN.to_owned(), |n| signed(n, 2)).into(),
        ]);
    }
    page.table(&table);
}
