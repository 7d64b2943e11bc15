//! Which rows two assessments show otherwise.

use std::collections::BTreeSet;

use bellwether_model::framework::Framework;

use crate::assessment::{Assessment, MeasureState};

/// Ids of rows that `now` shows otherwise than `before`, or that only one of them shows; the dates of sliding windows
/// apart.
pub(super) fn touched(
    framework: &Framework,
    before: Option<&Assessment>,
    now: &Assessment,
) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    macro_rules! all {
        ($($list:ident),*) => {
            $(rows(before.map(|b| b.$list.as_slice()), &now.$list, |r| r.id.as_str(), |a, b| a == b, &mut out);)*
        };
    }
    all!(
        domains,
        characters,
        roles,
        drivers,
        frictions,
        implications,
        asymmetries,
        constraints,
        scenarios,
        divergences,
        shifts,
        withdrawn
    );
    let sliding = windowed(framework);
    let same = |a: &MeasureState, b: &MeasureState| {
        a == b || (sliding.contains(a.id.as_str()) && but_for_dates(a, b))
    };
    rows(before.map(|b| b.indicators.as_slice()), &now.indicators, |r| r.id.as_str(), same, &mut out);
    rows(before.map(|b| b.measures.as_slice()), &now.measures, |r| r.id.as_str(), same, &mut out);
    if before.is_none_or(|b| b.balance != now.balance) {
        let balances = [before.and_then(|b| b.balance.as_ref()), now.balance.as_ref()];
        out.extend(balances.into_iter().flatten().map(|b| b.id.clone()));
    }
    if before.is_none_or(|b| b.fit != now.fit) {
        out.insert("fit".to_owned());
    }
    out
}

/// Ids of measures whose period can slide with the date.
fn windowed(framework: &Framework) -> BTreeSet<&str> {
    framework.all_measures().filter(|m| m.formula.windowed()).map(|m| m.id.as_str()).collect()
}

fn but_for_dates(a: &MeasureState, b: &MeasureState) -> bool {
    // Cheap where they differ in what mostly differs.
    a.evidence == b.evidence && a.period.is_some() == b.period.is_some() && {
        let period = b.period.clone();
        MeasureState { period, ..a.clone() } == *b
    }
}

fn rows<T>(
    before: Option<&[T]>,
    now: &[T],
    id: impl Fn(&T) -> &str,
    same: impl Fn(&T, &T) -> bool,
    out: &mut BTreeSet<String>,
) {
    let before = before.unwrap_or_default();
    let aligned = before.len() == now.len() && before.iter().zip(now).all(|(b, n)| id(b) == id(n));
    for (at, row) in now.iter().enumerate() {
        let beside = before.get(at).is_some_and(|b| same(b, row));
        if !beside && !before.iter().any(|b| id(b) == id(row) && same(b, row)) {
            out.insert(id(row).to_owned());
        }
    }
    if !aligned {
        let shown: BTreeSet<&str> = now.iter().map(&id).collect();
        out.extend(before.iter().map(&id).filter(|id| !shown.contains(id)).map(str::to_owned));
    }
}
