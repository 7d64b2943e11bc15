//! Cross-references and sums of a framework file, all findings at once.

mod pressing;

use std::collections::{BTreeMap, BTreeSet};

use chrono::Datelike;

use super::composite::{As, CompositeFormula, Input, Limit};
use super::measure::{Agreement, Baseline, Formula, Kind, Measure, Range};
use super::read::Read;
use super::scenario::{CREDIBILITIES, GroupRepeats, RELIABILITIES};
use super::{Composite, Framework, condition};
use crate::locate::Step;
use crate::{FactTypes, Locator, Problems};

/// Sums of weights and probabilities may miss 1 by rounding of what a person types, no more.
const SUM_TOLERANCE: f64 = 1e-6;

/// Years that a horizon can name.
const HORIZONS: std::ops::RangeInclusive<i32> = 1900..=2200;
/// Years that a horizon can have: what an outlook simulates grows with them.
const LONGEST_HORIZON: i32 = 50;

/// Stage of an id: a row reads earlier stages only, so no cycle can be written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Measure,
    Domain,
    Relation,
    Friction,
    Driver,
    Derived,
    End,
}

struct Checker<'a> {
    framework: &'a Framework,
    locator: &'a Locator<'a>,
    types: &'a FactTypes,
    stages: BTreeMap<&'a str, Stage>,
    problems: Problems,
}

pub(super) fn check(
    framework: &Framework,
    locator: &Locator<'_>,
    types: &FactTypes,
    map: Option<&str>,
) -> Problems {
    let mut checker =
        Checker { framework, locator, types, stages: BTreeMap::new(), problems: Problems::default() };
    checker.horizon();
    checker.collect_ids();
    checker.measures();
    checker.domains();
    checker.composites();
    checker.relations();
    checker.scenarios();
    checker.evidence();
    checker.map(map);
    checker.problems
}

impl<'a> Checker<'a> {
    fn push(&mut self, path: &[Step<'_>], message: impl Into<String>, remedy: impl Into<String>) {
        let problem = self.locator.problem(path, message, remedy);
        self.problems.push(problem);
    }

    fn horizon(&mut self) {
        let [first, last] = self.framework.horizon;
        let said = if !HORIZONS.contains(&first) || !HORIZONS.contains(&last) {
            format!("the horizon {first} to {last} is not within {} to {}", HORIZONS.start(), HORIZONS.end())
        } else if last < first {
            format!("the horizon ends in {last}, before it begins in {first}")
        } else if last - first >= LONGEST_HORIZON {
            format!("the horizon has {} years, {LONGEST_HORIZON} are the most", last - first + 1)
        } else {
            return;
        };
        let remedy = "write the first and the last year of the outlook, such as [2026, 2035]";
        self.push(&[Step::Key("horizon")], said, remedy);
    }

    fn id(&mut self, table: &'static str, at: usize, id: &'a str, prefix: &str, stage: Stage) {
        let path = [Step::Key(table), Step::At(at), Step::Key("id")];
        if !id.starts_with(prefix) || id.len() <= prefix.len() {
            self.push(&path, format!("the id of a {table} starts with {prefix}"), "rename it");
        }
        if self.stages.insert(id, stage).is_some() {
            self.push(&path, format!("the id {id} is used twice"), "rename one of them");
        }
    }

    fn collect_ids(&mut self) {
        let f = self.framework;
        for (i, domain) in f.domains.iter().enumerate() {
            self.id("domain", i, &domain.id, "", Stage::Domain);
        }
        for (i, m) in f.indicators.iter().enumerate() {
            let prefix = format!("{}.", m.domain.as_deref().unwrap_or_default());
            self.id("indicator", i, &m.id, &prefix, Stage::Measure);
        }
        for (i, m) in f.measures.iter().enumerate() {
            self.id("measure", i, &m.id, "measure.", Stage::Measure);
        }
        for (i, a) in f.asymmetries.iter().enumerate() {
            self.id("asymmetry", i, &a.id, "asymmetry.", Stage::Relation);
        }
        for (i, c) in f.constraints.iter().enumerate() {
            self.id("constraint", i, &c.id, "constraint.", Stage::Relation);
        }
        for (table, prefix, rows, stage) in tables(f) {
            for (i, c) in rows.iter().enumerate() {
                let own = if c.formula == CompositeFormula::ConstraintShare { Stage::Derived } else { stage };
                self.id(table, i, &c.id, prefix, own);
            }
        }
        for (i, s) in f.scenarios.iter().enumerate() {
            self.id("scenario", i, &s.id, "scenario.", Stage::Relation);
        }
    }

    fn measures(&mut self) {
        let f = self.framework;
        for (table, rows) in [("indicator", &f.indicators), ("measure", &f.measures)] {
            for (i, m) in rows.iter().enumerate() {
                self.measure(table, i, m);
            }
        }
        let baseline = [Step::Key("rules"), Step::Key("baseline")];
        self.baseline(&baseline, &f.rules.baseline);
    }

    fn measure(&mut self, table: &'static str, i: usize, m: &'a Measure) {
        let at = |field: &'static str| [Step::Key(table), Step::At(i), Step::Key(field)];
        match (table, &m.domain) {
            ("indicator", Some(d)) if !self.framework.domains.iter().any(|x| &x.id == d) => {
                self.push(&at("domain"), format!("unknown domain {d}"), "name a [[domain]] of this file");
            }
            ("indicator", None) => {
                self.push(&at("domain"), "an indicator belongs to a domain", "add domain = \"…\"")
            }
            ("measure", Some(_)) => {
                self.push(
                    &at("domain"),
                    "a measure belongs to no domain",
                    "remove it, or write [[indicator]]",
                );
            }
            _ => {}
        }
        if !(0.0..=1.0).contains(&m.weight) {
            self.push(&at("weight"), "a weight lies between 0 and 1", "correct it");
        }
        if m.read.is_empty() {
            self.push(&at("read"), "a measure reads at least one series", "add a selector");
        }
        if matches!(m.formula, Formula::Share | Formula::Diversification) && m.over.is_empty() {
            self.push(&at("formula"), "the formula needs a denominator", "add over = [{ type = … }]");
        }
        if m.formula == Formula::Distinct && m.of.is_empty() {
            self.push(&at("formula"), "distinct needs attributes to tell apart", "add of = [\"…\"]");
        }
        if m.agreement != Agreement::Strict && m.formula != Formula::Agreement {
            self.push(
                &at("agreement"),
                "only the formula agreement has it",
                "remove it, or use that formula",
            );
        }
        if m.formula.windowed() && m.cadence.months().is_none() {
            self.push(
                &at("cadence"),
                "a windowed formula needs a calendar cadence",
                "use month, quarter or year",
            );
        }
        if m.new_year && m.cadence.months() != Some(1) {
            self.push(
                &at("new_year"),
                "only months can be joined over the New Year",
                "remove it, or use cadence month",
            );
        }
        if m.kind == Kind::Ordinal {
            match m.scale {
                None => {
                    self.push(&at("kind"), "an ordinal needs its scale", "add scale = [0.0, 4.0] and steps")
                }
                Some([low, high]) if high <= low => {
                    self.push(&at("scale"), "the scale is empty", "write low, high")
                }
                Some(_) => {}
            }
        }
        if let Some(range) = &m.range {
            self.range(&at("range"), m, range);
        }
        if let Some(baseline) = &m.baseline {
            self.baseline(&at("baseline"), baseline);
        }
        for (list, reads) in [("read", &m.read), ("over", &m.over)] {
            for (k, read) in reads.iter().enumerate() {
                self.read(&[Step::Key(table), Step::At(i), Step::Key(list), Step::At(k)], read);
            }
        }
        for (n, also) in m.also.iter().enumerate() {
            for (list, reads) in [("read", &also.read), ("over", &also.over)] {
                for (k, read) in reads.iter().enumerate() {
                    let path = [
                        Step::Key(table),
                        Step::At(i),
                        Step::Key("also"),
                        Step::At(n),
                        Step::Key(list),
                        Step::At(k),
                    ];
                    self.read(&path, read);
                }
            }
        }
    }

    fn range(&mut self, path: &[Step<'_>], m: &Measure, range: &Range) {
        let counted = matches!(m.formula, Formula::Count | Formula::Stock | Formula::Distinct);
        if counted || !matches!(m.kind, Kind::Level | Kind::Share) {
            self.push(
                path,
                "only a level or share has a range; numbers of happenings have none, an ordinal has its scale",
                "remove it",
            );
        }
        if !(range.min.is_finite() && range.max.is_finite() && range.min < range.max) {
            self.push(path, "the range is empty", "give min below max");
        } else if m.kind == Kind::Share && !(range.min >= 0.0 && range.max <= 1.0) {
            self.push(path, "a share lies between 0 and 1", "give a range within");
        }
        if range.reason.trim().is_empty() {
            self.push(path, "the range has no reason", "say what keeps the value within");
        }
        let (mut until, mut most) = (None, range.min);
        for (n, ceiling) in range.ceilings.iter().enumerate() {
            let path = [path, &[Step::Key("ceilings"), Step::At(n)]].concat();
            if !(most < ceiling.max && ceiling.max < range.max) || until >= Some(ceiling.until) {
                self.push(
                    &path,
                    "ceilings rise with time, from the least value to the greatest of the range",
                    "give each a later `until` and a greater `max` than the one before, below the range's own",
                );
            }
            if ceiling.reason.trim().is_empty() {
                self.push(&path, "the ceiling has no reason", "say what holds the value down until then");
            }
            (until, most) = (Some(ceiling.until), ceiling.max);
        }
    }

    fn baseline(&mut self, path: &[Step<'_>], baseline: &Baseline) {
        let fault = match baseline {
            Baseline::Window { from, to } => to <= from,
            Baseline::Stated { spread, .. } => *spread <= 0.0,
        };
        if fault {
            self.push(path, "the baseline is empty", "give from before to, or a spread above 0");
        }
    }

    fn read(&mut self, path: &[Step<'_>], read: &Read) {
        let mut at = path.to_vec();
        let Some(kind) = self.types.get(&read.kind) else {
            at.push(Step::Key("type"));
            self.push(
                &at,
                format!("unknown fact type {}", read.kind),
                "name a fact type of config/facts.toml",
            );
            return;
        };
        if let Some(unit) = &read.unit
            && !kind.units.contains(unit)
        {
            at.push(Step::Key("unit"));
            let remedy = format!("use one of: {}", kind.units.join(", "));
            self.push(&at, format!("{} has no unit {unit}", read.kind), remedy);
        }
    }

    fn domains(&mut self) {
        let f = self.framework;
        for (i, domain) in f.domains.iter().enumerate() {
            let at = |field: &'static str| [Step::Key("domain"), Step::At(i), Step::Key(field)];
            let weights: Vec<f64> = f
                .indicators
                .iter()
                .filter(|m| m.domain.as_ref() == Some(&domain.id))
                .map(|m| m.weight)
                .collect();
            if weights.is_empty() {
                self.push(
                    &at("id"),
                    format!("the domain {} has no indicators", domain.id),
                    "add one or remove it",
                );
            } else if (weights.iter().sum::<f64>() - 1.0).abs() > SUM_TOLERANCE {
                let sum: f64 = weights.iter().sum();
                self.push(
                    &at("id"),
                    format!("the indicator weights of {} add to {sum:.6}, not 1", domain.id),
                    "correct the weights",
                );
            }
            for (k, e) in domain.expectations.iter().enumerate() {
                let path = [
                    Step::Key("domain"),
                    Step::At(i),
                    Step::Key("expectations"),
                    Step::At(k),
                    Step::Key("when"),
                ];
                self.condition(&path, &e.when);
            }
        }
    }

    fn condition(&mut self, path: &[Step<'_>], text: &str) {
        if let Some(problem) = condition::fault(text) {
            self.push(path, problem.message, &problem.remedy);
        }
        for id in quoted(text) {
            if !self.stages.contains_key(id) {
                self.push(
                    path,
                    format!("the condition names the unknown id {id}"),
                    "name an id of this file",
                );
            }
        }
    }

    fn composites(&mut self) {
        for (table, _, rows, stage) in tables(self.framework) {
            for (i, c) in rows.iter().enumerate() {
                let path = [Step::Key(table), Step::At(i), Step::Key("inputs")];
                let before =
                    if c.formula == CompositeFormula::ConstraintShare { Stage::Derived } else { stage };
                self.inputs(&path, &c.inputs, before, c.formula == CompositeFormula::Points);
            }
        }
        if let Some(balance) = &self.framework.balance {
            if !balance.id.starts_with("balance.") {
                let path = [Step::Key("balance"), Step::Key("id")];
                self.push(&path, "the id of the balance starts with balance.", "rename it");
            }
            let path = [Step::Key("balance"), Step::Key("inputs")];
            self.inputs(&path, &balance.inputs, Stage::End, true);
        }
    }

    fn inputs(&mut self, path: &[Step<'_>], inputs: &[Input], before: Stage, weighted: bool) {
        for (k, input) in inputs.iter().enumerate() {
            let mut at = path.to_vec();
            at.extend([Step::At(k), Step::Key("of")]);
            if inputs.iter().take(k).any(|i| i.of == input.of && i.reading == input.reading) {
                self.push(
                    &at,
                    format!("{} is read twice in the same way", input.of),
                    "keep one, with both weights",
                );
            }
            match self.stages.get(input.of.as_str()) {
                None => {
                    let remedy = self.near(&input.of);
                    self.push(&at, format!("unknown id {}", input.of), remedy);
                }
                Some(stage) if *stage >= before => self.push(
                    &at,
                    format!("{} is assessed later than this row", input.of),
                    "read measures, domains, relations and scenarios, frictions, drivers, in that order",
                ),
                Some(_) => self.reading(path, k, input),
            }
        }
        let sum: f64 = inputs.iter().map(|x| x.weight).sum();
        if weighted && (sum - 1.0).abs() > SUM_TOLERANCE {
            self.push(path, format!("the input weights add to {sum:.6}, not 1"), "correct the weights");
        }
    }

    /// A scenario is read by its probability, and only a measure has changes.
    fn reading(&mut self, path: &[Step<'_>], k: usize, input: &Input) {
        let scenario = self.framework.scenarios.iter().any(|s| s.id == input.of);
        let measure = self.stages.get(input.of.as_str()) == Some(&Stage::Measure);
        let (message, remedy) = match input.reading {
            As::Probability if !scenario => ("only a scenario has a probability", "name a scenario"),
            As::Shift if !measure => ("only an indicator or measure has shifts", "name one of them"),
            As::Distance | As::Scale if scenario => {
                ("a scenario is read by its probability", "add as = \"probability\"")
            }
            _ => return,
        };
        let mut at = path.to_vec();
        at.extend([Step::At(k), Step::Key("of")]);
        self.push(&at, message, remedy);
    }

    fn relations(&mut self) {
        let f = self.framework;
        let measures: BTreeSet<&str> = f.all_measures().map(|m| m.id.as_str()).collect();
        for (i, a) in f.asymmetries.iter().enumerate() {
            for (k, pair) in a.pairs.iter().enumerate() {
                for (side, id) in [("a", &pair.a), ("b", &pair.b)] {
                    if !measures.contains(id.as_str()) {
                        let path = [
                            Step::Key("asymmetry"),
                            Step::At(i),
                            Step::Key("pairs"),
                            Step::At(k),
                            Step::Key(side),
                        ];
                        self.push(&path, format!("unknown measure {id}"), "name an indicator or measure");
                    }
                }
            }
        }
        for (i, c) in f.constraints.iter().enumerate() {
            let at = |field: &'static str| [Step::Key("constraint"), Step::At(i), Step::Key(field)];
            if !measures.contains(c.of.as_str()) {
                self.push(&at("of"), format!("unknown measure {}", c.of), "name an indicator or measure");
            }
            if matches!(c.bound, Limit { min: None, max: None } | Limit { min: Some(_), max: Some(_) }) {
                self.push(
                    &at("bound"),
                    "a bound is either a min or a max",
                    "write { max = … } or { min = … }",
                );
            }
            if c.scale <= 0.0 {
                self.push(&at("scale"), "the scale must be above 0", "correct it");
            }
            self.pressing(i, c);
        }
    }

    fn scenarios(&mut self) {
        let f = self.framework;
        let ids: BTreeSet<&str> = f.scenarios.iter().map(|s| s.id.as_str()).collect();
        let priors: f64 = f.scenarios.iter().map(|s| s.prior).sum();
        if !f.scenarios.is_empty() && (priors - 1.0).abs() > SUM_TOLERANCE {
            let path = [Step::Key("scenario"), Step::At(0), Step::Key("prior")];
            self.push(&path, format!("the priors add to {priors:.6}, not 1"), "correct them");
        }
        for (i, s) in f.scenarios.iter().enumerate() {
            let at = |field: &'static str| [Step::Key("scenario"), Step::At(i), Step::Key(field)];
            if !(s.prior > 0.0 && s.prior < 1.0) {
                self.push(&at("prior"), "a prior is never 0 and never 1", "correct it");
            }
            let sum: f64 = s.transition.values().sum();
            if (sum - 1.0).abs() > SUM_TOLERANCE || s.transition.values().any(|p| !(0.0..=1.0).contains(p)) {
                self.push(
                    &at("transition"),
                    format!("the transition row adds to {sum:.6}, not 1"),
                    "correct it",
                );
            }
            for id in s.transition.keys().filter(|id| !ids.contains(id.as_str())) {
                self.push(
                    &at("transition"),
                    format!("unknown scenario {id}"),
                    "name a scenario of this file",
                );
            }
        }
        for (i, signal) in f.signals.iter().enumerate() {
            let at = |field: &'static str| [Step::Key("signal"), Step::At(i), Step::Key(field)];
            if self.stages.get(signal.of.as_str()) != Some(&Stage::Measure) {
                self.push(
                    &at("of"),
                    format!("unknown measure {}", signal.of),
                    "name an indicator or measure",
                );
            }
            let [low, high] = signal.thresholds;
            if high < low {
                self.push(&at("thresholds"), "thresholds are low, then high", "swap them");
            }
            for id in &ids {
                let Some(row) = signal.likelihood.get(*id) else {
                    self.push(&at("likelihood"), format!("no row for {id}"), "add its three probabilities");
                    continue;
                };
                let sum: f64 = row.iter().sum();
                if (sum - 1.0).abs() > SUM_TOLERANCE || row.iter().any(|p| *p <= 0.0) {
                    let message =
                        format!("the likelihood row of {id} adds to {sum:.6}, not 1, or has a zero");
                    self.push(&at("likelihood"), message, "never 0, never 1: correct it");
                }
            }
            for id in signal.likelihood.keys().filter(|id| !ids.contains(id.as_str())) {
                self.push(
                    &at("likelihood"),
                    format!("unknown scenario {id}"),
                    "name a scenario of this file",
                );
            }
        }
    }

    fn evidence(&mut self) {
        let Some(e) = &self.framework.evidence else { return };
        let at = |field: &'static str| [Step::Key("evidence"), Step::Key(field)];
        if e.start.day() != 1 || e.start.month0() % 3 != 0 {
            self.push(
                &at("start"),
                format!("{} does not begin a quarter", e.start),
                "write the first of January, April, July or October",
            );
        }
        for (field, table, names) in
            [("source", &e.source, RELIABILITIES), ("information", &e.information, CREDIBILITIES)]
        {
            for name in names.iter().filter(|n| !table.contains_key(**n)) {
                self.push(&at(field), format!("no share for {name}"), "add it, between 0 and 1");
            }
            for (name, share) in table {
                if !names.contains(&name.as_str()) {
                    self.push(&at(field), format!("{name} is no grade"), format!("use {}", names.join(", ")));
                } else if !(0.0..=1.0).contains(share) {
                    self.push(&at(field), format!("the share of {name} is {share}"), "write 0 to 1");
                }
            }
        }
        if !(e.clip > 1.0 && e.clip.is_finite()) {
            self.push(&at("clip"), "the greatest ratio must be above 1", "write 5.0, or another");
        }
        if !(1..=40).contains(&e.fit_quarters) {
            self.push(&at("fit_quarters"), "fit looks back over 1 to 40 quarters", "write 4, or another");
        }
        if !(0.0..1.0).contains(&e.fit_floor) {
            self.push(&at("fit_floor"), "the floor is a probability below 1", "write 0.01, or another");
        }
        if !(0.0..=1.0).contains(&e.repeats) {
            self.push(&at("repeats"), format!("reports repeat each other by {}", e.repeats), "write 0 to 1");
        }
        self.repeats(&e.groups);
    }

    fn repeats(&mut self, groups: &[GroupRepeats]) {
        let known: BTreeSet<&str> = self.framework.signals.iter().map(|s| s.group.as_str()).collect();
        let mut before = BTreeSet::new();
        for (n, group) in groups.iter().enumerate() {
            let at = |field| [Step::Key("evidence"), Step::Key("group"), Step::At(n), Step::Key(field)];
            if !known.contains(group.id.as_str()) {
                let known: Vec<&str> = known.iter().copied().collect();
                let remedy = format!("use {}", known.join(", "));
                self.push(&at("id"), format!("no signal is of the group {}", group.id), remedy);
            }
            if !before.insert(group.id.as_str()) {
                self.push(&at("id"), format!("the group {} stands here twice", group.id), "keep one");
            }
            if !(0.0..=1.0).contains(&group.repeats) {
                let said = format!("reports repeat each other by {}", group.repeats);
                self.push(&at("repeats"), said, "write 0 to 1");
            }
            if group.reason.trim().is_empty() {
                self.push(&at("reason"), "the reason is missing", "say why this group differs");
            }
        }
    }

    fn map(&mut self, map: Option<&str>) {
        let path = [Step::Key("map")];
        let Some(text) = map else {
            if let Some(name) = &self.framework.map {
                self.push(&path, format!("the id list {name} cannot be read"), "put it beside the framework");
            }
            return;
        };
        let want: BTreeSet<&str> =
            text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
        let have: BTreeSet<&str> = self.framework.ids().into_iter().collect();
        for id in want.difference(&have) {
            self.push(&path, format!("the map holds {id}, the framework lacks it"), "add the row");
        }
        for id in have.difference(&want) {
            self.push(&path, format!("the id {id} is not in the map"), "add it to the map or remove the row");
        }
    }
}

fn tables(f: &Framework) -> [(&'static str, &'static str, &Vec<Composite>, Stage); 5] {
    [
        ("friction", "friction.", &f.frictions, Stage::Friction),
        ("driver", "driver.", &f.drivers, Stage::Driver),
        ("role", "role.", &f.roles, Stage::Driver),
        ("character", "character.", &f.characters, Stage::Derived),
        ("implication", "implication.", &f.implications, Stage::Derived),
    ]
}

/// Texts in double quotes: the ids that a condition names.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}
