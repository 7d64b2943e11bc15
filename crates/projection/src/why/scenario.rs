//! Why a scenario is as probable as it is: prior, drift, and every reading with its weight.

use std::collections::BTreeSet;

use bellwether_model::View;

use super::{Explanation, Figure, Likelihood, Publisher, Reported, figure, input_facts, show};
use crate::assessment::Assessment;
use crate::fold::Projector;
use crate::scenario::{Quarter, Report, reliability};
use crate::state::time::date;
use crate::state::{Core, STATE_WORDS, Weighed, weigh};

/// Quarters whose readings are listed one by one; what is older has faded.
const LISTED: usize = 12;
/// Publishers named in a line.
const NAMED: usize = 3;

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
        let best = weighed.fit.and_then(|(_, best, _)| weighed.setting.scenarios.get(best));
        let mut figures = vec![
            figure("probability", Some(show(state.probability))),
            figure("words", Some(state.words.clone())),
            figure("prior", Some(format!("{} at {}", show(row.prior), evidence.start))),
            figure("fit of the best scenario", all.fit.map(show)),
            figure("on readings", weighed.fit.map(|(.., readings)| readings.to_string())),
            figure("scenario that fits best", best.map(|s| s.id.clone())),
        ];
        figures.extend(
            state
                .moved_by
                .iter()
                .map(|m| figure(&format!("log-odds by {}", m.indicator), Some(show(m.log_odds)))),
        );
        let quarters = &weighed.filtered.quarters;
        let from = quarters.len().saturating_sub(LISTED);
        let reports = reports(self, &weighed, from, at);
        figures.extend(reports.iter().map(line));
        let older: usize = quarters.iter().take(from).map(|q| q.reports.len()).sum();
        if older > 0 {
            figures.push(figure("older readings, faded and not listed", Some(older.to_string())));
        }
        let facts: BTreeSet<u64> = weighed.readings.iter().flat_map(|r| r.seqs.iter().copied()).collect();
        Some(Explanation {
            id: row.id.clone(),
            kind: "scenario".to_owned(),
            title: row.title.clone(),
            meaning: format!("{} {}", row.shape, row.dynamics),
            formula: format!(
                "each quarter: transition, then the product of the tempered likelihoods of what was read, r · L + (1 − r) · \
                 mean L, ratios up to {}; readings of one publisher or one event are one report, n reports of a group weigh \
                 1 / (1 + (n − 1) · {}) each",
                show(evidence.clip),
                show(evidence.repeats),
            ),
            unit: "probability".to_owned(),
            reason: row.reason.clone(),
            figures,
            inputs: Vec::new(),
            reports,
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
        let best = weighed.fit.and_then(|(_, best, _)| Some((best, weighed.setting.scenarios.get(best)?)));
        let mut figures = vec![
            figure("fit", all.fit.map(show)),
            figure("floor", Some(show(evidence.fit_floor))),
            figure("on readings", weighed.fit.map(|(.., readings)| readings.to_string())),
            figure("scenario that fits best", best.map(|(_, s)| s.id.clone())),
        ];
        let quarters = &weighed.filtered.quarters;
        let from =
            quarters.len().saturating_sub(usize::try_from(evidence.fit_quarters).unwrap_or(usize::MAX));
        let mut facts: BTreeSet<u64> = BTreeSet::new();
        for report in quarters.iter().skip(from).flat_map(|q| &q.reports) {
            let read = weighed.readings.iter().find(|r| r.seen == report.seen);
            facts.extend(read.into_iter().flat_map(|r| r.seqs.iter().copied()));
        }
        let reports = reports(self, &weighed, from, best.map_or(0, |(at, _)| at));
        figures.extend(reports.iter().map(line));
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
            reports,
            facts: input_facts(&facts.into_iter().collect::<Vec<_>>()),
        })
    }
}

/// Readings of the last quarters, newest first.
fn reports(projector: &Projector, weighed: &Weighed<'_>, from: usize, scenario: usize) -> Vec<Reported> {
    let quarters = weighed.filtered.quarters.iter().skip(from).rev();
    quarters
        .flat_map(|quarter| {
            quarter.reports.iter().map(|report| reported(projector, weighed, (quarter, report), scenario))
        })
        .collect()
}

fn reported(
    projector: &Projector,
    weighed: &Weighed<'_>,
    (quarter, report): (&Quarter, &Report),
    scenario: usize,
) -> Reported {
    let Report { seen, likelihood, share, moved } = report;
    let setting = &weighed.setting;
    let name = |signal: usize| setting.signals.get(signal).map(|s| s.of.clone()).unwrap_or_default();
    let read = weighed.readings.iter().find(|r| r.seen == *seen);
    let (from, to) = read.map(|r| (date(r.period.0), date(r.period.1))).unwrap_or_default();
    let together = quarter.reports.iter().map(|r| r.seen);
    let mut publishers: Vec<Publisher> = read
        .iter()
        .flat_map(|r| &r.origin.families)
        .map(|(family, facts)| Publisher { family: projector.family_name(*family).to_owned(), facts: *facts })
        .collect();
    publishers.sort_by(|a, b| b.facts.cmp(&a.facts).then_with(|| a.family.cmp(&b.family)));
    Reported {
        quarter: weighed.quarter_name(seen.quarter),
        indicator: name(seen.signal),
        from,
        to,
        state: STATE_WORDS.get(seen.state).copied().unwrap_or_default().to_owned(),
        distance: read.map_or(0.0, |r| r.distance),
        grade: read.map(|r| r.grade.to_string()).unwrap_or_default(),
        believed: reliability(&setting.model, seen),
        group: setting.signals.get(seen.signal).map(|s| s.group.clone()).unwrap_or_default(),
        with: together
            .filter(|s| s.cluster == seen.cluster && s.signal != seen.signal)
            .map(|s| name(s.signal))
            .collect(),
        publishers,
        told: seen.told.is_some(),
        weight: *share,
        likelihood: setting
            .scenarios
            .iter()
            .zip(likelihood)
            .map(|(s, value)| Likelihood { scenario: s.id.clone(), value: *value })
            .collect(),
        log_odds: moved.get(scenario).copied().unwrap_or_default(),
    }
}

/// A reading as a line of figures.
fn line(r: &Reported) -> Figure {
    let each = r
        .likelihood
        .iter()
        .map(|l| format!("{} {:.3}", l.scenario.strip_prefix("scenario.").unwrap_or(&l.scenario), l.value));
    let named = r.publishers.iter().take(NAMED).map(|p| p.family.clone());
    let more = r.publishers.len().saturating_sub(NAMED);
    let named: Vec<String> = named.chain((more > 0).then(|| format!("{more} more"))).collect();
    let named = if named.is_empty() { "nobody: nothing happened".to_owned() } else { named.join(", ") };
    let with = if r.told {
        "told before by the same events".to_owned()
    } else if r.with.is_empty() {
        "a report of its own".to_owned()
    } else {
        format!("one report with {}", r.with.join(", "))
    };
    let words = format!(
        "{} to {}: {} (distance {:.2}); graded {}, believed {:.3}; likelihood {}; published by {named}; {with}, weight {:.2} \
         in group {}; log-odds {:+.3} then",
        r.from,
        r.to,
        r.state,
        r.distance,
        r.grade,
        r.believed,
        each.collect::<Vec<_>>().join(", "),
        r.weight,
        r.group,
        r.log_odds,
    );
    figure(&format!("{} {}", r.quarter, r.indicator), Some(words))
}
