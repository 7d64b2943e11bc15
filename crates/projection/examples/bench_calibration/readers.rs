//! Who reads the reports.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bellwether_model::FactTypes;
use bellwether_model::framework::{CREDIBILITIES, Framework, RELIABILITIES};
use bellwether_projection::scenario::{Model, Moment, Repeats, Seen, SignalRows, filter, normalised};

use crate::world::{QUARTERS, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// The filter, by the framework's numbers.
    Ours,
    /// The filter, by the world's numbers, without clip, told which reports are echoes.
    Truth,
    /// Prior times the likelihoods of each signal's newest state of the last year, groups as one report: what the
    /// filter replaced.
    Plain,
    /// The prior, always.
    Prior,
}

impl Reader {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Reader::Ours => "ours",
            Reader::Truth => "filter that knows the truth",
            Reader::Plain => "plain step of Bayes",
            Reader::Prior => "constant prior",
        }
    }

    /// Probabilities at the end of each quarter.
    pub(crate) fn read(self, judged: &Model, real: &Model, world: &World) -> Vec<Vec<f64>> {
        let until = Some(Moment { quarter: QUARTERS - 1, share: 1.0 });
        let posteriors = |model: &Model, seen: &[Seen]| {
            filter(model, seen, until).quarters.into_iter().map(|q| q.posterior).collect()
        };
        match self {
            Reader::Ours => posteriors(judged, &world.seen),
            Reader::Truth => posteriors(&alone(real), &world.first),
            Reader::Plain => (0..QUARTERS).map(|q| plain(judged, &world.seen, q)).collect(),
            Reader::Prior => vec![judged.prior.clone(); world.path.len()],
        }
    }
}

/// Without clip, each report counted whole: for readers who know which ones repeat nothing.
fn alone(real: &Model) -> Model {
    Model { clip: 1e9, repeats: Repeats::default(), ..real.clone() }
}

fn plain(model: &Model, seen: &[Seen], quarter: u32) -> Vec<f64> {
    let mut newest: BTreeMap<usize, usize> = BTreeMap::new();
    for s in seen.iter().filter(|s| s.quarter <= quarter && s.quarter + 4 > quarter) {
        newest.insert(s.signal, s.state);
    }
    let group = |signal: usize| model.signals[signal].group;
    let mut p = model.prior.clone();
    for (signal, state) in &newest {
        let size = newest.keys().filter(|s| group(**s) == group(*signal)).count() as f64;
        let l: Vec<f64> = model.signals[*signal].rows.iter().map(|row| row[*state]).collect();
        let mean = l.iter().sum::<f64>() / l.len() as f64;
        p = p.iter().zip(&l).map(|(p, l)| p * libm::pow((l / mean).clamp(0.2, 5.0), 1.0 / size)).collect();
    }
    normalised(&p)
}

/// The bundled framework's numbers.
pub(crate) fn bundled() -> Result<Model, Box<dyn std::error::Error>> {
    let config = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config");
    let types = FactTypes::parse("facts.toml", &std::fs::read_to_string(config.join("facts.toml"))?)?;
    let text = std::fs::read_to_string(config.join("frameworks/china-russia.toml"))?;
    let map = match Framework::map_name(&text) {
        Some(name) => Some(std::fs::read_to_string(config.join("frameworks").join(name))?),
        None => None,
    };
    let f = Framework::parse("china-russia.toml", &text, &types, map.as_deref())?;
    let e = f.evidence();
    let groups: BTreeMap<&str, usize> = f.signals.iter().map(|s| (s.group.as_str(), 0)).collect();
    let groups: Vec<&str> = groups.into_keys().collect();
    Ok(Model {
        prior: f.scenarios.iter().map(|s| s.prior).collect(),
        transition: f
            .scenarios
            .iter()
            .map(|s| f.scenarios.iter().map(|to| s.transition.get(&to.id).copied().unwrap_or(0.0)).collect())
            .collect(),
        signals: f
            .signals
            .iter()
            .map(|s| SignalRows {
                group: groups.iter().position(|g| *g == s.group).unwrap_or_default(),
                rows: f.scenarios.iter().map(|x| s.likelihood[&x.id]).collect(),
            })
            .collect(),
        source: RELIABILITIES.map(|g| e.source[g]),
        information: CREDIBILITIES.map(|g| e.information[g]),
        clip: e.clip,
        repeats: Repeats {
            usual: e.repeats,
            of: e
                .groups
                .iter()
                .filter_map(|g| Some((groups.iter().position(|x| *x == g.id)?, g.repeats)))
                .collect(),
        },
    })
}
