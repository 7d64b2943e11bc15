//! Why a scenario is as probable as it is: prior, drift, and every reading with its weight.

use std::collections::BTreeSet;

use bellwether_model::View;

use super::{Explanation, Figure, figure, input_facts, show};
use crate::assessment::Assessment;
use crate::fold::Projector;
use crate::scenario::{Report, reliability};
use crate::state::time::date;
use crate::state::{Core, STATE_WORDS, Weighed, weigh};

/// Quarters whose readings are listed one by one; what is older has faded.
const LISTED: usize = 12;

impl Projector {
    pub(super) fn why_scenario(
        &self,
        view: &View,
        core: &Core<'_>,
        all: &Assessment,
        id: &str,
    ) -> Option<Explanation> {
        let row = self.framework().scenarios.iter().find(|s| s.id == id)?;
        let state = all.scenarios.iter().find(|s| s.id == id)?;
        let weighed = weigh(self, core, view)?;
        let at = weighed.setting.scenarios.iter().position(|s| s.id == id)?;
        let evidence = &weighed.setting.evidence;
        let best = weighed.fit.and_then(|(_, best)| weighed.setting.scenarios.get(best));
        let mut figures = vec![
            figure("probability", Some(show(state.probability))),
            figure("words", Some(state.words.clone())),
            figure("prior", Some(format!("{} at {}", show(row.prior), evidence.start))),
            figure("fit of the best scenario", all.fit.map(show)),
            figure("scenario that fits best", best.map(|s| s.id.clone())),
        ];
        figures.extend(
            state
                .moved_by
                .iter()
                .map(|m| figure(&format!("log-odds by {}", m.indicator), Some(show(m.log_odds)))),
        );
        figures.extend(readings(&weighed, at));
        let facts: BTreeSet<u64> = weighed.readings.iter().flat_map(|r| r.seqs.iter().copied()).collect();
        Some(Explanation {
            id: row.id.clone(),
            kind: "scenario".to_owned(),
            title: row.title.clone(),
            meaning: format!("{} {}", row.shape, row.dynamics),
            formula: format!(
                "each quarter: transition, then the product of the tempered likelihoods of what was read, r · L + (1 − r) · \
                 mean L, ratios up to {}, one report a group",
                show(evidence.clip)
            ),
            unit: "probability".to_owned(),
            reason: row.reason.clone(),
            figures,
            inputs: Vec::new(),
            facts: input_facts(&facts.into_iter().collect::<Vec<_>>()),
        })
    }
}

impl Projector {
    /// Why the best scenario fits as it does: under which, and what was seen.
    pub(super) fn why_fit(
        &self,
        view: &View,
        core: &Core<'_>,
        all: &Assessment,
        id: &str,
    ) -> Option<Explanation> {
        let weighed = weigh(self, core, view).filter(|_| id == "fit")?;
        let evidence = &weighed.setting.evidence;
        let (_, best) = weighed.fit.unzip();
        let best = best.and_then(|best| Some((best, weighed.setting.scenarios.get(best)?)));
        let mut figures = vec![
            figure("fit", all.fit.map(show)),
            figure("floor", Some(show(evidence.fit_floor))),
            figure("scenario that fits best", best.map(|(_, s)| s.id.clone())),
        ];
        let quarters = &weighed.filtered.quarters;
        let from =
            quarters.len().saturating_sub(usize::try_from(evidence.fit_quarters).unwrap_or(usize::MAX));
        let mut facts: BTreeSet<u64> = BTreeSet::new();
        for report in quarters.iter().skip(from).rev().flat_map(|q| &q.reports) {
            figures.push(reading(&weighed, report, best.map_or(0, |(at, _)| at)));
            let read = weighed.readings.iter().find(|r| r.seen == report.seen);
            facts.extend(read.into_iter().flat_map(|r| r.seqs.iter().copied()));
        }
        Some(Explanation {
            id: id.to_owned(),
            kind: "fit".to_owned(),
            title: "Fit of the best scenario".to_owned(),
            meaning:
                "The probability, under the scenario that explains best, of readings stranger than these."
                    .to_owned(),
            formula: format!(
                "P(surprise of readings drawn from the scenario > surprise of what was seen in {} quarters), ties half; surprise = sum of share · −ln P(state)",
                evidence.fit_quarters
            ),
            unit: "probability".to_owned(),
            reason: evidence.reason.clone(),
            figures,
            inputs: Vec::new(),
            facts: input_facts(&facts.into_iter().collect::<Vec<_>>()),
        })
    }
}

/// Readings of the last quarters, newest first.
fn readings(weighed: &Weighed<'_>, scenario: usize) -> Vec<Figure> {
    let quarters = &weighed.filtered.quarters;
    let from = quarters.len().saturating_sub(LISTED);
    let mut out = Vec::new();
    for quarter in quarters.iter().skip(from).rev() {
        out.extend(quarter.reports.iter().map(|report| reading(weighed, report, scenario)));
    }
    let older: usize = quarters.iter().take(from).map(|q| q.reports.len()).sum();
    if older > 0 {
        out.push(figure("older readings, faded and not listed", Some(older.to_string())));
    }
    out
}

fn reading(weighed: &Weighed<'_>, report: &Report, scenario: usize) -> Figure {
    let Report { seen, likelihood, share, moved } = report;
    let setting = &weighed.setting;
    let signal = setting.signals.get(seen.signal);
    let name = format!(
        "{} {}",
        weighed.quarter_name(seen.quarter),
        signal.map(|s| s.of.as_str()).unwrap_or_default()
    );
    let read = weighed.readings.iter().find(|r| r.seen == *seen);
    let period = read.map(|r| format!("{} to {}", date(r.period.0), date(r.period.1))).unwrap_or_default();
    let distance = read.map_or(0.0, |r| r.distance);
    let grade = read.map(|r| r.grade.to_string()).unwrap_or_default();
    let each: Vec<String> = setting
        .scenarios
        .iter()
        .zip(likelihood)
        .map(|(s, l)| format!("{} {l:.3}", s.id.strip_prefix("scenario.").unwrap_or(&s.id)))
        .collect();
    let group = signal.map(|s| s.group.as_str()).unwrap_or_default();
    let words = format!(
        "{period}: {} (distance {distance:.2}); graded {grade}, believed {:.3}; likelihood {}; {share:.2} of the report of \
         group {group}; log-odds {:+.3} then",
        STATE_WORDS.get(seen.state).copied().unwrap_or_default(),
        reliability(&setting.model, seen),
        each.join(", "),
        moved.get(scenario).copied().unwrap_or_default(),
    );
    figure(&name, Some(words))
}
