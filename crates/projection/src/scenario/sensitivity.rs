//! Which judgements the answer hangs on: each number of the model half as large again, and half as large.

use super::{Model, Moment, STATES, Seen, filter, normalised};

/// One number that somebody judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Judgement {
    /// Prior of a scenario; the others share what is left.
    Prior(usize),
    /// From a scenario to another, a quarter later; staying takes the difference.
    Transition(usize, usize),
    /// Signal, scenario, state; the other states of the row share what is left.
    Likelihood(usize, usize, usize),
    /// Share of right reports of a source reliability, at most 1.
    Source(usize),
    /// Share of right reports of an information credibility, at most 1.
    Information(usize),
    /// How much reports of a group repeat each other, at most 1; `None` for the groups that are not named.
    Repeats(Option<usize>),
    /// Greatest ratio between two scenarios that one reading may show, at least 1.
    Clip,
}

/// What a changed judgement would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Swing {
    /// Which number.
    pub judgement: Judgement,
    /// As judged.
    pub value: f64,
    /// Probabilities with half of it.
    pub low: Vec<f64>,
    /// Probabilities with half of it more.
    pub high: Vec<f64>,
    /// Greatest change of any probability.
    pub change: f64,
    /// Another scenario becomes the most probable.
    pub flips: bool,
}

/// All judgements of a model.
pub fn judgements(model: &Model) -> Vec<Judgement> {
    let n = model.len();
    let pairs =
        (0..n).flat_map(|a| (0..n).filter(move |b| a != *b).map(move |b| Judgement::Transition(a, b)));
    let rows = (0..model.signals.len())
        .flat_map(|k| (0..n).flat_map(move |s| (0..STATES).map(move |x| Judgement::Likelihood(k, s, x))));
    let grades = (0..6).map(Judgement::Source).chain((0..6).map(Judgement::Information));
    let repeats = std::iter::once(None).chain(model.repeats.of.keys().copied().map(Some));
    let repeats = repeats.map(Judgement::Repeats);
    let all = (0..n).map(Judgement::Prior).chain(pairs).chain(rows).chain(grades).chain(repeats);
    all.chain([Judgement::Clip]).collect()
}

/// Every judgement ±50 %, those that move the answer most first.
pub fn swings(model: &Model, seen: &[Seen], until: Option<Moment>) -> Vec<Swing> {
    let now = filter(model, seen, until).posterior;
    let mut out: Vec<Swing> = judgements(model)
        .into_iter()
        .filter_map(|judgement| {
            let value = value(model, judgement)?;
            let [low, high] = [0.5, 1.5].map(|by| {
                let mut other = model.clone();
                scale(&mut other, judgement, by);
                filter(&other, seen, until).posterior
            });
            let far = |p: &[f64]| p.iter().zip(&now).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let change = far(&low).max(far(&high));
            let flips = top(&low) != top(&now) || top(&high) != top(&now);
            Some(Swing { judgement, value, low, high, change, flips })
        })
        .collect();
    out.sort_by(|a, b| b.change.total_cmp(&a.change).then(a.judgement.cmp(&b.judgement)));
    out
}

/// The most probable; the first of equals.
fn top(p: &[f64]) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (i, p) in p.iter().enumerate() {
        if best.is_none_or(|(_, most)| *p > most) {
            best = Some((i, *p));
        }
    }
    best.map(|b| b.0)
}

fn value(model: &Model, judgement: Judgement) -> Option<f64> {
    match judgement {
        Judgement::Prior(s) => model.prior.get(s).copied(),
        Judgement::Transition(a, b) => model.transition.get(a)?.get(b).copied(),
        Judgement::Likelihood(k, s, x) => model.signals.get(k)?.rows.get(s)?.get(x).copied(),
        Judgement::Source(g) => model.source.get(g).copied(),
        Judgement::Information(g) => model.information.get(g).copied(),
        Judgement::Clip => Some(model.clip),
        Judgement::Repeats(None) => Some(model.repeats.usual),
        Judgement::Repeats(Some(g)) => model.repeats.of.get(&g).copied(),
    }
}

fn scale(model: &mut Model, judgement: Judgement, by: f64) {
    match judgement {
        Judgement::Prior(s) => {
            replace(&mut model.prior, s, by);
            model.prior = normalised(&model.prior);
        }
        Judgement::Transition(from, to) => {
            let Some(row) = model.transition.get_mut(from) else { return };
            let Some(old) = row.get(to).copied() else { return };
            // Staying gives what leaving takes, as far as it goes.
            let stay = row.get(from).copied().unwrap_or_default();
            let more = (old * by - old).min(stay);
            row.iter_mut().enumerate().for_each(|(i, p)| match i {
                _ if i == to => *p += more,
                _ if i == from => *p -= more,
                _ => {}
            });
        }
        Judgement::Likelihood(k, s, x) => {
            if let Some(row) = model.signals.get_mut(k).and_then(|signal| signal.rows.get_mut(s)) {
                replace(row, x, by);
            }
        }
        Judgement::Clip => model.clip = (model.clip * by).max(1.0),
        Judgement::Source(g) => share(&mut model.source, g, by),
        Judgement::Information(g) => share(&mut model.information, g, by),
        Judgement::Repeats(None) => model.repeats.usual = (model.repeats.usual * by).min(1.0),
        Judgement::Repeats(Some(g)) => {
            model.repeats.of.entry(g).and_modify(|share| *share = (*share * by).min(1.0));
        }
    }
}

fn share(table: &mut [f64; 6], at: usize, by: f64) {
    if let Some(share) = table.get_mut(at) {
        *share = (*share * by).min(1.0);
    }
}

/// Scales one entry of a distribution; the others keep their proportions and the sum.
fn replace(row: &mut [f64], at: usize, by: f64) {
    let Some(old) = row.get(at).copied() else { return };
    let new = (old * by).min(0.99);
    let rest = if old < 1.0 { (1.0 - new) / (1.0 - old) } else { 1.0 };
    row.iter_mut().enumerate().for_each(|(i, p)| *p = if i == at { new } else { *p * rest });
}
