//! The assessment as a page of tables.

use bellwether_model::framework::{Composite, Framework};
use bellwether_projection::{
    Assessment, DomainState, Gap, LevelState, Move, ScenarioState, Shift, TRANSITION, Trend, Withdrawn,
};

use super::figures::{
    UNKNOWN, band, bar, compact, counted, day, difference, fit_words, points, probabilities, probability,
    quantity, share_bar, signed, trajectory, trend, until,
};
use super::gaps::{gap_table, summary};
use super::{Align, Cell, Fit, Look, Page, Style, Table};

use Align::{Left, Right};
use Fit::{Break, Cut, Keep, Spare, Wrap};

const NEWEST: &str = "newest first, △ ▽ provisional";
/// Shifts and gaps shown on the page; their own commands show all.
const SHOWN: usize = 8;

/// The page.
pub(crate) fn assessment(a: &Assessment, framework: &Framework, gaps: &[Gap], look: &Look) -> String {
    let mut page = Page::new(look);
    head(&mut page, a, framework);
    domains(&mut page, a, framework);
    levels(&mut page, a, framework);
    relations(&mut page, a, framework);
    scenarios(&mut page, a, framework);
    smoothed(&mut page, a);
    balance(&mut page, a, framework);
    divergences(&mut page, a);
    let newest: Vec<Shift> = a.shifts.iter().rev().take(SHOWN).cloned().collect();
    page.heading("Shifts", &of_all(newest.len(), a.shifts.len(), NEWEST));
    page.table(&shift_table(&newest, framework));
    page.heading("Gaps", &summary(gaps));
    page.table(&gap_table(gaps, SHOWN, false));
    page.finish()
}

fn of_all(shown: usize, all: usize, how: &str) -> String {
    match all {
        0 => "none".to_owned(),
        _ if shown < all => format!("{shown} of {all}, {how}"),
        _ => how.to_owned(),
    }
}

fn head(page: &mut Page, a: &Assessment, framework: &Framework) {
    page.heading(&framework.title, &format!("{} {}", a.framework.id, a.framework.version));
    let known = if a.known_by == a.as_of {
        "as known by then".to_owned()
    } else {
        format!("as known by {}", until(&a.known_by))
    };
    let clock = format!("{:?}", a.clock).to_lowercase();
    page.paragraph(
        &format!(
            "Up to {}, {known} ({clock} clock): {}, sequence {}.",
            until(&a.as_of),
            counted(a.facts, "fact", "facts"),
            a.head
        ),
        Style::Plain,
    );
}

fn domains(page: &mut Page, a: &Assessment, framework: &Framework) {
    page.heading("Domains", "−100 apart, +100 together; the band is what missing parts allow");
    let mut table = Table::new(&[
        ("domain", Left, Keep),
        ("index", Right, Keep),
        ("", Left, Spare),
        ("band", Right, Keep),
        ("trajectory", Left, Keep),
        ("cover", Right, Keep),
        ("confidence", Left, Keep),
        ("most by", Left, Cut),
    ]);
    for domain in &a.domains {
        let (word, style) = trajectory(domain.trajectory);
        table.row([
            domain.id.as_str().into(),
            Cell::new(points(domain.index), Style::Bold),
            bar(domain.index).into(),
            band(domain.low, domain.high).into(),
            Cell::new(word, style),
            format!("{:.0}%", domain.coverage * 100.0).into(),
            format!("{:?}", domain.confidence).to_lowercase().into(),
            Cell::new(heaviest(domain), Style::Dim),
        ]);
    }
    page.table(&table);
    let all = || a.domains.iter().flat_map(|d| &d.expectations);
    let count = |holds: Option<bool>| all().filter(|e| e.holds == holds).count();
    let (hold, broken, unknown) = (count(Some(true)), count(Some(false)), count(None));
    if hold + broken + unknown > 0 {
        page.paragraph(
            &format!("Expectations: {hold} hold, {broken} do not, {unknown} cannot be told."),
            Style::Plain,
        );
    }
    for e in all().filter(|e| e.holds == Some(false)) {
        let reason = framework.domains.iter().flat_map(|d| &d.expectations).find(|x| x.id == e.id);
        page.paragraph(&format!("✗ {}: {}", e.id, reason.map_or("", |r| r.reason.as_str())), Style::Warn);
    }
}

/// The part that weighs most.
fn heaviest(domain: &DomainState) -> String {
    let mut parts: Vec<(&str, f64)> =
        domain.contributions.iter().filter_map(|c| Some((c.indicator.as_str(), c.points?))).collect();
    parts.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then_with(|| a.0.cmp(b.0)));
    let name = |id: &str| id.rsplit_once('.').map_or(id.to_owned(), |(_, name)| name.to_owned());
    parts.first().map_or(String::new(), |(id, points)| format!("{} {}", name(id), signed(*points, 0)))
}

fn levels(page: &mut Page, a: &Assessment, framework: &Framework) {
    let groups: [(&[LevelState], &[Composite]); 5] = [
        (&a.roles, &framework.roles),
        (&a.drivers, &framework.drivers),
        (&a.frictions, &framework.frictions),
        (&a.implications, &framework.implications),
        (&a.characters, &framework.characters),
    ];
    let mut table = Table::new(&[
        ("row", Left, Break),
        ("level", Right, Keep),
        ("", Left, Spare),
        ("band", Right, Keep),
        ("", Left, Keep),
        ("", Left, Cut),
    ]);
    for (states, rows) in groups {
        for state in states {
            let title = rows.iter().find(|r| r.id == state.id).map_or("", |r| r.title.as_str());
            let (arrow, style) = trend(state.direction);
            table.row([
                state.id.as_str().into(),
                Cell::new(points(state.level), Style::Bold),
                bar(state.level).into(),
                band(state.low, state.high).into(),
                Cell::new(arrow, style),
                Cell::new(title, Style::Dim),
            ]);
        }
    }
    if groups.iter().any(|(states, _)| !states.is_empty()) {
        page.heading("Roles, drivers, frictions, implications, characters", "▲ ▼ over a year");
        page.table(&table);
    }
}

fn relations(page: &mut Page, a: &Assessment, framework: &Framework) {
    if !a.asymmetries.is_empty() {
        page.heading("Asymmetries", "log ratio of the two dependences");
        let mut table = Table::new(&[
            ("row", Left, Break),
            ("ratio", Right, Keep),
            ("favours", Left, Keep),
            ("", Left, Keep),
            ("", Left, Cut),
        ]);
        for state in &a.asymmetries {
            let title =
                framework.asymmetries.iter().find(|r| r.id == state.id).map_or("", |r| r.title.as_str());
            let (arrow, style) = trend(state.direction);
            table.row([
                state.id.as_str().into(),
                state.value.map_or(UNKNOWN.to_owned(), |v| signed(v, 2)).into(),
                state.toward.as_deref().unwrap_or(UNKNOWN).into(),
                Cell::new(arrow, style),
                Cell::new(title, Style::Dim),
            ]);
        }
        page.table(&table);
    }
    if !a.constraints.is_empty() {
        page.heading("Constraints", "bounds of the envelope, how hard each presses, ▲ nearer ▼ further");
        page.table(&constraint_table(a, framework));
    }
}

fn constraint_table(a: &Assessment, framework: &Framework) -> Table {
    let mut table = Table::new(&[
        ("row", Left, Break),
        ("value", Right, Keep),
        ("bound", Right, Keep),
        ("room", Right, Wrap),
        ("presses", Right, Keep),
        ("", Left, Keep),
    ]);
    for state in &a.constraints {
        let row = framework.constraints.iter().find(|r| r.id == state.id);
        let unit =
            row.and_then(|r| framework.all_measures().find(|m| m.id == r.of)).map_or("", |m| m.unit.as_str());
        let side = if row.is_some_and(|r| r.bound.max.is_some()) { "≤" } else { "≥" };
        let room = match (state.distance, state.breached) {
            (Some(room), Some(true)) => Cell::new(format!("{} past", difference(-room, unit)), Style::Bad),
            (Some(room), _) => Cell::new(format!("{} left", difference(room, unit)), Style::Good),
            (None, _) => Cell::new("unknown", Style::Dim),
        };
        // Nearer is worse here, whichever way the figure went.
        let (arrow, style) = match state.direction {
            Trend::Up => ("▲", Style::Bad),
            Trend::Down => ("▼", Style::Good),
            way => trend(way),
        };
        table.row([
            state.id.as_str().into(),
            state.value.map_or(UNKNOWN.to_owned(), |v| quantity(v, unit)).into(),
            format!("{side} {}", quantity(state.bound, unit)).into(),
            room,
            Cell::new(
                state.strength.map_or(UNKNOWN.to_owned(), |s| format!("{:.0}%", 100.0 * s)),
                Style::Bold,
            ),
            Cell::new(arrow, style),
        ]);
    }
    table
}

fn scenarios(page: &mut Page, a: &Assessment, framework: &Framework) {
    if a.scenarios.is_empty() {
        return;
    }
    let mut fit = fit_words(a.fit, a.fit_readings);
    if a.fit.is_some_and(|f| f < framework.evidence().fit_floor) {
        fit.push_str(", no scenario explains what was seen");
    }
    page.heading("Scenarios", &fit);
    page.table(&scenario_table(&a.scenarios, framework, 1));
}

/// Scenarios as they stand, each with what moved it most.
pub(super) fn scenario_table(all: &[ScenarioState], framework: &Framework, most: usize) -> Table {
    let mut table = Table::new(&[
        ("scenario", Left, Keep),
        ("p", Right, Keep),
        ("", Left, Spare),
        ("words", Left, Keep),
        ("prior", Right, Keep),
        ("moved most by", Left, Wrap),
    ]);
    // Each rounded on its own, as wherever else on the page the same probability stands.
    for state in all {
        let p = probability(state.probability);
        let row = framework.scenarios.iter().find(|s| s.id == state.id);
        // What time alone did is named only when nothing else moved it.
        let drift = |m: &Move| m.indicator == TRANSITION;
        let mut moves: Vec<_> = state.moved_by.iter().collect();
        moves.sort_by(|x, y| drift(x).cmp(&drift(y)).then(y.log_odds.abs().total_cmp(&x.log_odds.abs())));
        let by: Vec<String> =
            moves.iter().take(most).map(|m| format!("{} {}", m.indicator, signed(m.log_odds, 2))).collect();
        table.row([
            state.id.as_str().into(),
            Cell::new(p, Style::Bold),
            share_bar(state.probability).into(),
            state.words.as_str().into(),
            row.map_or(UNKNOWN.to_owned(), |r| format!("{:.0}%", r.prior * 100.0)).into(),
            Cell::new(by.join(", "), Style::Dim),
        ]);
    }
    table
}

fn smoothed(page: &mut Page, a: &Assessment) {
    let Some(quarters) = &a.smoothed else { return };
    page.heading(
        "Scenarios with hindsight",
        "each quarter as seen from the end, not as it could be known then",
    );
    let mut table = Table::new(&[("quarter to", Left, Keep), ("", Left, Wrap)]);
    for quarter in quarters.iter().rev() {
        let whole = probabilities(&quarter.scenarios.iter().map(|s| s.probability).collect::<Vec<f64>>());
        let named = quarter.scenarios.iter().map(|s| s.id.strip_prefix("scenario.").unwrap_or(&s.id));
        let each: Vec<String> = named.zip(whole).map(|(name, p)| format!("{name} {p}")).collect();
        table.row([quarter.quarter.as_str().into(), each.join(", ").into()]);
    }
    page.table(&table);
}

fn balance(page: &mut Page, a: &Assessment, framework: &Framework) {
    let Some(state) = &a.balance else { return };
    let title = framework.balance.as_ref().map_or("", |b| b.title.as_str());
    page.heading("Balance", title);
    let mut table = Table::new(&[("", Left, Keep), ("", Right, Keep), ("", Left, Keep), ("", Left, Keep)]);
    table.row([
        state.id.as_str().into(),
        Cell::new(points(state.value), Style::Bold),
        bar(state.value).into(),
        format!("band {}", band(state.low, state.high)).into(),
    ]);
    page.table(&table);
    let mut parts: Vec<(&str, f64)> =
        state.parts.iter().filter_map(|p| Some((p.id.as_str(), p.points?))).collect();
    parts.sort_by(|x, y| y.1.abs().total_cmp(&x.1.abs()).then_with(|| x.0.cmp(y.0)));
    let side = |keep: fn(f64) -> bool| {
        let words: Vec<String> = parts
            .iter()
            .filter(|p| keep(p.1))
            .take(3)
            .map(|(id, points)| format!("{id} {}", signed(*points, 1)))
            .collect();
        words.join(", ")
    };
    page.entry("for", &side(|p| p > 0.0));
    page.entry("against", &side(|p| p < 0.0));
    page.entry("band", &state.band_from().unwrap_or_default());
    page.entry("scenario", &state.by_scenario().unwrap_or_default());
    // What it would take of each part alone is in `scenarios` and `why`.
    page.entry("turns", state.turning().last().map_or("", String::as_str));
}

fn divergences(page: &mut Page, a: &Assessment) {
    let tripped: Vec<_> = a.divergences.iter().filter(|d| d.tripped).collect();
    page.heading("Divergences past their threshold", if tripped.is_empty() { "none" } else { "" });
    let mut table =
        Table::new(&[("divergence", Left, Break), ("value", Right, Keep), ("threshold", Right, Keep)]);
    for d in tripped {
        table.row([d.id.as_str().into(), compact(d.value).into(), compact(d.threshold).into()]);
    }
    page.table(&table);
}

/// Shifts, newest first.
pub(crate) fn shifts(all: &[Shift], withdrawn: &[Withdrawn], framework: &Framework, look: &Look) -> String {
    let mut page = Page::new(look);
    page.heading("Shifts", if all.is_empty() { "none" } else { NEWEST });
    let newest: Vec<Shift> = all.iter().rev().cloned().collect();
    page.table(&shift_table(&newest, framework));
    if !withdrawn.is_empty() {
        page.heading("Taken back", "by a later statement");
        let mut table =
            Table::new(&[("flagged", Left, Keep), ("taken back", Left, Keep), ("shift", Left, Break)]);
        for gone in withdrawn.iter().rev() {
            table.row([day(&gone.known_at).into(), day(&gone.withdrawn_at).into(), gone.id.as_str().into()]);
        }
        page.table(&table);
    }
    page.finish()
}

fn shift_table(shifts: &[Shift], framework: &Framework) -> Table {
    let mut table = Table::new(&[
        ("known", Left, Keep),
        ("shift", Left, Break),
        ("size", Left, Keep),
        ("σ", Right, Keep),
    ]);
    for shift in shifts {
        // A breach is named after the constraint; its size is in the unit of what that bounds.
        let of = framework
            .constraints
            .iter()
            .find(|c| c.id == shift.indicator)
            .map_or(shift.indicator.as_str(), |c| c.of.as_str());
        let unit = framework.all_measures().find(|m| m.id == of).map_or("", |m| m.unit.as_str());
        let (arrow, style) = trend(shift.direction);
        let style = if shift.kind == "level" || shift.kind == "trend" { style } else { Style::Warn };
        let arrow = match (arrow, shift.provisional) {
            ("▲", true) => "△",
            ("▼", true) => "▽",
            (arrow, _) => arrow,
        };
        let size = shift.size.map_or(UNKNOWN.to_owned(), |s| difference(s, unit));
        table.row([
            day(&shift.known_at).into(),
            shift.id.as_str().into(),
            Cell::new(format!("{arrow} {size}"), style),
            shift.sigmas.map_or(UNKNOWN.to_owned(), |s| signed(s, 1)).into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::PLAIN;
    use bellwether_model::FactTypes;
    use serde_json::json;

    fn framework() -> Framework {
        let facts = crate::config::embedded("config/facts.toml").unwrap();
        let types = FactTypes::parse("facts.toml", facts).unwrap();
        let text = include_str!("../templates/dyad.toml");
        let text = text.replace("{id}", "ind-jpn").replace("{a}", "IND").replace("{b}", "JPN");
        Framework::parse("ind-jpn.toml", &text, &types, None).unwrap()
    }

    fn assessed() -> Assessment {
        serde_json::from_value(json!({
            "framework": {"id": "ind-jpn", "version": "1", "hash": "00"}, "engine": "e",
            "as_of": "2026-07-01T00:00:00Z", "known_by": "2026-07-01T00:00:00Z", "clock": "published",
            "facts": 13, "head": 14,
            "domains": [
                {"id": "economic", "index": 63.4, "low": 0.2, "high": 63.4, "trajectory": "converging",
                 "coverage": 1.0, "confidence": "low",
                 "contributions": [{"indicator": "economic.machinery", "points": null},
                                   {"indicator": "economic.trade-total", "points": 49.2}],
                 "expectations": [{"id": "expectation.economic.trade-holds", "holds": false, "why": ""}]},
                {"id": "diplomatic", "index": null, "low": null, "high": null, "trajectory": "unknown",
                 "coverage": 0.0, "confidence": "low", "contributions": [], "expectations": []},
            ],
            "indicators": [], "characters": [], "roles": [], "frictions": [], "implications": [],
            "drivers": [{"id": "driver.economic-interest", "level": -40.0, "low": -100.0, "high": 20.0,
                         "direction": "down", "evidence": []}],
            "asymmetries": [],
            "constraints": [{"id": "constraint.trade-capacity", "value": 41e9, "bound": 40e9,
                             "distance": -1e9, "breached": true, "evidence": [],
                             "strength": 0.9, "direction": "up"}],
            "scenarios": [
                {"id": "scenario.closer", "probability": 0.996, "words": "almost certain",
                 "moved_by": [{"indicator": "economic.trade-total", "log_odds": 1.098}]},
                {"id": "scenario.steady", "probability": 0.004, "words": "almost no chance", "moved_by": []},
            ],
            "fit": 0.5, "balance": null, "divergences": [],
            "shifts": [{"id": "shift.constraint.trade-capacity.breach.up.2026-01-01",
                        "indicator": "constraint.trade-capacity", "detector": "bound", "kind": "breach",
                        "direction": "up", "known_at": "2026-02-02T00:00:00Z",
                        "onset": {"at": "2026-01-01", "low": "2026-01-01", "high": "2026-01-01"},
                        "size": 1e9, "sigmas": null, "statistic": null, "threshold": null,
                        "provisional": true, "late": false, "evidence": []}],
            "measures": [], "withdrawn": [],
        }))
        .unwrap()
    }

    fn check(want: &str) {
        let page = assessment(&assessed(), &framework(), &[], &PLAIN);
        assert_eq!(page, want, "\n{page}");
    }

    #[test]
    fn unknown_is_a_dash_and_a_breach_is_named() {
        check(concat!(
            "IND and JPN  ind-jpn 1\n",
            "  Up to the end of 2026-06-30, as known by then (published clock): 13 facts, sequence 14.\n",
            "\n",
            "Domains  −100 apart, +100 together; the band is what missing parts allow\n",
            "  domain      index                band  trajectory    cover  confidence  most by\n",
            "  economic      +63  ·····┊███··  0…+63  ▲ converging   100%  low         trade-total +49\n",
            "  diplomatic      –       ┊           –  – unknown        0%  low\n",
            "  Expectations: 0 hold, 1 do not, 0 cannot be told.\n",
            "  ✗ expectation.economic.trade-holds: Under this trade the tie would be of another kind.\n",
            "\n",
            "Roles, drivers, frictions, implications, characters  ▲ ▼ over a year\n",
            "  row                       level                   band\n",
            "  driver.economic-interest    −40  ···██┊·····  −100…+20  ▼  Economic interest\n",
            "\n",
            "Constraints  bounds of the envelope, how hard each presses, ▲ nearer ▼ further\n",
            "  row                            value        bound           room  presses\n",
            "  constraint.trade-capacity  41 bn USD  ≤ 40 bn USD  1 bn USD past      90%  ▲\n",
            "\n",
            "Scenarios  fit of the best: 0.50\n",
            "  scenario            p              words             prior  moved most by\n",
            "  scenario.closer  >99%  ██████████  almost certain      30%  economic.trade-total +1.10\n",
            "  scenario.steady   <1%  ··········  almost no chance    70%\n",
            "\n",
            "Divergences past their threshold  none\n",
            "\n",
            "Shifts  newest first, △ ▽ provisional\n",
            "  known       shift                                                 size        σ\n",
            "  2026-02-02  shift.constraint.trade-capacity.breach.up.2026-01-01  △ 1 bn USD  –\n",
            "\n",
            "Gaps  none\n",
        ));
    }

    #[test]
    fn smoothed_scenarios_stand_apart_under_hindsight() {
        let mut a = assessed();
        let page = |a: &Assessment| assessment(a, &framework(), &[], &PLAIN);
        assert!(!page(&a).contains("hindsight"));
        a.fit = Some(0.001);
        a.smoothed = serde_json::from_value(json!([
            {"quarter": "2026-03-31", "scenarios": [{"id": "scenario.closer", "probability": 0.9},
                                                    {"id": "scenario.steady", "probability": 0.1}]},
        ]))
        .unwrap();
        let page = page(&a);
        for part in [
            "Scenarios  fit of the best: 0.00, no scenario explains what was seen\n",
            "Scenarios with hindsight  each quarter as seen from the end, not as it could be known then\n",
            "  2026-03-31  closer 90%, steady 10%\n",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }
}
