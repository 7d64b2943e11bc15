//! What differs between two views, and which facts made it differ.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::View;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::assessment::{Assessment, FrameworkRef};
use crate::fold::Projector;
use crate::state::time::rfc3339;

/// Why a value changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// Facts came into view, were revised or withdrawn.
    Facts,
    /// Only the date moved: windows slid, values aged.
    Time,
}

/// One changed value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Row.
    pub id: String,
    /// Field in the row, dotted.
    pub path: String,
    /// Value in the first view.
    pub before: Value,
    /// Value in the second view.
    pub after: Value,
    /// Why.
    pub cause: Cause,
    /// Records that the row reads and only one of the views sees; empty only with cause `time`.
    pub because: Vec<u64>,
}

/// Two views compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diff {
    /// First view's as-of bound.
    pub from: String,
    /// Second view's as-of bound.
    pub to: String,
    /// Changed values, in the order of the assessment.
    pub changed: Vec<Change>,
}

/// Fields that follow from others: what a change of them rests on is named elsewhere.
const SKIPPED: [&str; 5] = ["evidence", "alone", "together", "band", "under"];

/// One value that two frameworks read differently.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Differing {
    /// Row.
    pub id: String,
    /// Field in the row, dotted; empty where only one of them has the row.
    pub path: String,
    /// As the first framework reads it.
    pub base: Value,
    /// As the second does.
    pub other: Value,
}

/// Two readings of the same facts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// First framework.
    pub base: FrameworkRef,
    /// Second framework.
    pub other: FrameworkRef,
    /// World time of both, exclusive bound.
    pub as_of: String,
    /// Known time of both, exclusive bound.
    pub known_by: String,
    /// What they read differently, in the order of the assessment.
    pub changed: Vec<Differing>,
}

impl Comparison {
    /// Compares what two frameworks say in one view, row by row; evidence lists are left out.
    pub fn new(base: &Assessment, other: &Assessment) -> Self {
        let value = |a: &Assessment| serde_json::to_value(a).unwrap_or(Value::Null);
        let (a, b) = (value(base), value(other));
        let mut changed = Vec::new();
        let mut add = |id: &str, x: Option<&Value>, y: Option<&Value>| {
            let null = Value::Null;
            let (x, y) = (x.unwrap_or(&null), y.unwrap_or(&null));
            let mut paths = Vec::new();
            differences("", x, y, &mut paths);
            changed.extend(paths.into_iter().map(|(path, base, other)| Differing {
                id: id.to_owned(),
                path,
                base,
                other,
            }));
        };
        for list in LISTS {
            let (x, y) = (by_id(&a, list), by_id(&b, list));
            let mut seen = BTreeSet::new();
            for id in order(&a, list).into_iter().chain(order(&b, list)).filter(|id| seen.insert(*id)) {
                add(id, x.get(id).copied(), y.get(id).copied());
            }
        }
        let of = |v: &Value| v.get("balance").and_then(|b| b.get("id")?.as_str().map(str::to_owned));
        let id = of(&a).or(of(&b)).unwrap_or_else(|| "balance".to_owned());
        add(&id, a.get("balance"), b.get("balance"));
        add("fit", a.get("fit"), b.get("fit"));
        Self {
            base: base.framework.clone(),
            other: other.framework.clone(),
            as_of: base.as_of.clone(),
            known_by: base.known_by.clone(),
            changed,
        }
    }
}

/// Lists of rows in the assessment, in its order.
const LISTS: [&str; 14] = [
    "domains",
    "indicators",
    "characters",
    "roles",
    "drivers",
    "frictions",
    "implications",
    "asymmetries",
    "constraints",
    "scenarios",
    "divergences",
    "shifts",
    "measures",
    "withdrawn",
];

impl Projector {
    /// Compares two views row by row. Evidence lists are left out: their change is named in `because`.
    pub fn diff(&self, from: &View, to: &View) -> Diff {
        let rows = |view: &View| serde_json::to_value(self.assess(view)).unwrap_or(Value::Null);
        let (a, b) = (rows(from), rows(to));
        let moved = self.moved(from, to);
        let mut changed = Vec::new();
        for list in LISTS {
            let (before, after) = (by_id(&a, list), by_id(&b, list));
            let mut ids: Vec<&str> = Vec::new();
            for id in order(&a, list).into_iter().chain(order(&b, list)) {
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
            for id in ids {
                let (x, y) = (before.get(id), after.get(id));
                self.compare(id, x.copied(), y.copied(), &moved, &mut changed);
            }
        }
        if let (Some(x), Some(y)) = (a.get("balance"), b.get("balance")) {
            let id = x.get("id").or(y.get("id")).and_then(Value::as_str).unwrap_or("balance").to_owned();
            self.compare(&id, Some(x), Some(y), &moved, &mut changed);
        }
        if a.get("fit") != b.get("fit") {
            let because = self.because("scenarios", &moved);
            changed.push(change("fit", "", a.get("fit"), b.get("fit"), because));
        }
        Diff { from: rfc3339(from.as_of), to: rfc3339(to.as_of), changed }
    }

    fn compare(
        &self,
        id: &str,
        before: Option<&Value>,
        after: Option<&Value>,
        moved: &BTreeMap<usize, BTreeSet<u64>>,
        out: &mut Vec<Change>,
    ) {
        let row = before.or(after).and_then(|r| r.get("indicator")).and_then(Value::as_str).unwrap_or(id);
        let mut paths = Vec::new();
        differences("", before.unwrap_or(&Value::Null), after.unwrap_or(&Value::Null), &mut paths);
        if paths.is_empty() {
            return;
        }
        // A crossed bound, and the figures of a bound, are of its measure; how hard it presses is of more.
        let bound = self.index.framework.constraints.iter().any(|c| c.id == row);
        let figure =
            if bound { self.because(&format!("divergence.envelope.{row}"), moved) } else { Vec::new() };
        let because = self.because(row, moved);
        out.extend(paths.into_iter().map(|(path, x, y)| {
            let of_figure = bound && (row != id || !path.starts_with("strength"));
            let because = if of_figure { &figure } else { &because };
            change(id, &path, Some(&x), Some(&y), because.clone())
        }));
    }

    /// By measure, the records that exactly one of the views sees.
    fn moved(&self, from: &View, to: &View) -> BTreeMap<usize, BTreeSet<u64>> {
        let mut moved: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
        for obs in self.observations() {
            if obs.visible(from) == obs.visible(to) {
                continue;
            }
            // A withdrawal reads nothing itself: it moves what its key's statements are read by.
            for slot in self.account_slots(obs) {
                if let Some(slot) = usize::try_from(slot).ok().and_then(|s| self.index.slots.get(s)) {
                    moved.entry(slot.measure).or_default().insert(obs.seq);
                }
            }
            if self.is_coverage(obs) {
                for (i, m) in self.index.framework.all_measures().enumerate() {
                    if m.formula.windowed() && self.covers(obs, m) {
                        moved.entry(i).or_default().insert(obs.seq);
                    }
                }
            }
        }
        moved
    }

    fn because(&self, id: &str, moved: &BTreeMap<usize, BTreeSet<u64>>) -> Vec<u64> {
        let mut seqs = BTreeSet::new();
        for measure in self.depends_on(id) {
            seqs.extend(moved.get(&measure).into_iter().flatten().copied());
        }
        seqs.into_iter().collect()
    }

    /// Measures, by position, that a row reads directly or through other rows.
    pub(crate) fn depends_on(&self, id: &str) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![id.to_owned()];
        while let Some(id) = open.pop() {
            if !seen.insert(id.clone()) {
                continue;
            }
            match self.index.framework.all_measures().position(|m| m.id == id) {
                Some(at) => {
                    found.insert(at);
                }
                None => open.extend(self.reads_rows(&id)),
            }
        }
        found
    }

    fn reads_rows(&self, id: &str) -> Vec<String> {
        let f = &self.index.framework;
        if let Some(domain) = f.domains.iter().find(|d| d.id == id) {
            let own = f.indicators.iter().filter(|m| m.domain.as_deref() == Some(id)).map(|m| m.id.clone());
            let conditions = domain.expectations.iter().flat_map(|e| quoted(&e.when));
            return own.chain(conditions).collect();
        }
        if let Some(row) = self.composites().find(|c| c.id == id) {
            return row.inputs.iter().map(|i| i.of.clone()).collect();
        }
        if let Some(row) = f.asymmetries.iter().find(|a| a.id == id) {
            return row.pairs.iter().flat_map(|p| [p.a.clone(), p.b.clone()]).collect();
        }
        if let Some(row) = f.constraints.iter().find(|c| c.id == id) {
            return std::iter::once(&row.of).chain(row.inputs.iter().map(|i| &i.of)).cloned().collect();
        }
        if let Some(e) = f.domains.iter().flat_map(|d| &d.expectations).find(|e| e.id == id) {
            return quoted(&e.when).collect();
        }
        if id == "scenarios" || f.scenarios.iter().any(|s| s.id == id) {
            return f.signals.iter().map(|s| s.of.clone()).collect();
        }
        if let Some(balance) = f.balance.as_ref().filter(|b| b.id == id) {
            return balance.inputs.iter().map(|i| i.of.clone()).collect();
        }
        if id == "divergence.cross_domain.domains" {
            return f.domains.iter().map(|d| d.id.clone()).collect();
        }
        // The figure of a bound, not what makes it press.
        if let Some(row) = id.strip_prefix("divergence.envelope.") {
            return f.constraints.iter().filter(|c| c.id == row).map(|c| c.of.clone()).collect();
        }
        if let Some(row) = id.strip_prefix("divergence.").and_then(|rest| rest.split_once('.')) {
            return vec![row.1.to_owned()];
        }
        Vec::new()
    }
}

fn quoted(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split('"').skip(1).step_by(2).map(str::to_owned)
}

fn change(id: &str, path: &str, before: Option<&Value>, after: Option<&Value>, because: Vec<u64>) -> Change {
    let cause = if because.is_empty() { Cause::Time } else { Cause::Facts };
    let value = |v: Option<&Value>| v.cloned().unwrap_or(Value::Null);
    Change {
        id: id.to_owned(),
        path: path.to_owned(),
        before: value(before),
        after: value(after),
        cause,
        because,
    }
}

fn rows<'a>(assessment: &'a Value, list: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let items = assessment.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|row| Some((row.get("id")?.as_str()?, row)))
}

fn by_id<'a>(assessment: &'a Value, list: &str) -> BTreeMap<&'a str, &'a Value> {
    rows(assessment, list).collect()
}

fn order<'a>(assessment: &'a Value, list: &str) -> Vec<&'a str> {
    rows(assessment, list).map(|(id, _)| id).collect()
}

/// Leaf differences; lists of parts are matched by their name, evidence is left out.
fn differences(path: &str, before: &Value, after: &Value, out: &mut Vec<(String, Value, Value)>) {
    match (before, after) {
        (Value::Object(x), Value::Object(y)) => {
            let names: BTreeSet<&String> =
                x.keys().chain(y.keys()).filter(|n| !SKIPPED.contains(&n.as_str())).collect();
            for name in names {
                let deeper = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let field =
                    |map: &serde_json::Map<String, Value>| map.get(name).cloned().unwrap_or(Value::Null);
                differences(&deeper, &field(x), &field(y), out);
            }
        }
        (Value::Array(x), Value::Array(y)) if named(x) && named(y) => {
            let (x, y) = (keyed(x), keyed(y));
            let names: BTreeSet<&String> = x.keys().chain(y.keys()).collect();
            for name in names {
                let deeper = format!("{path}[{name}]");
                let part =
                    |map: &BTreeMap<String, &Value>| map.get(name).map_or(Value::Null, |v| (*v).clone());
                differences(&deeper, &part(&x), &part(&y), out);
            }
        }
        _ if before != after => out.push((path.to_owned(), before.clone(), after.clone())),
        _ => {}
    }
}

fn name(part: &Value) -> Option<&str> {
    ["id", "indicator", "name"].into_iter().find_map(|field| part.get(field)?.as_str())
}

fn named(list: &[Value]) -> bool {
    list.iter().all(|part| name(part).is_some())
}

fn keyed(list: &[Value]) -> BTreeMap<String, &Value> {
    list.iter().filter_map(|part| Some((name(part)?.to_owned(), part))).collect()
}
