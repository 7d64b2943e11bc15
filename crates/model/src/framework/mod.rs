//! The framework file: what the facts mean for one pair of parties.
//!
//! A framework is data. It names which facts make which indicator, how indicators make domains, roles,
//! drivers, frictions, constraints, implications, scenarios and the balance, and why. Nothing here knows
//! a country: another pair is another file.
//!
//! Every row carries its inputs, formula, unit, weight and the reason for it, so that `why ID` can print all.

mod check;
mod composite;
mod condition;
mod measure;
mod read;
mod scenario;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use composite::{
    As, Asymmetry, Balance, Composite, CompositeFormula, Constraint, Input, Limit, Pair, Sign,
};
pub use measure::{Agreement, Also, Baseline, Cadence, Ceiling, Formula, Kind, Measure, Range, Transform};
pub use read::{Match, PeriodKind, Read, glob};
pub use scenario::{CREDIBILITIES, Evidence, GroupRepeats, RELIABILITIES, Scenario, Signal, SignalState};

use crate::{FactTypes, Locator, Problems};

/// A domain and the condition that states its character.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// `military`, `economic`, …
    pub id: String,
    /// Heading.
    pub title: String,
    /// What kind of cooperation the domain is expected to show.
    pub character: String,
    /// Standing expectations, checked at every assessment.
    #[serde(default)]
    pub expectations: Vec<Expectation>,
}

/// A condition over the assessment that is expected to hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// `expectation.DOMAIN.NAME`.
    pub id: String,
    /// CEL condition over `indicator[ID]`, `measure[ID]` and `domain[ID]`; numbers are doubles, missing is null.
    pub when: String,
    /// Why it is expected.
    pub reason: String,
}

/// Confidence row: the first row whose conditions all hold gives the word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfidenceRow {
    /// `low`, `moderate` or `high`.
    pub level: String,
    /// Least coverage, 0–1.
    pub coverage: f64,
    /// Least share of covered weight that rests on sources graded B or better, 0–1.
    pub graded: f64,
    /// Greatest share of covered weight that is in conflict or only a lower bound, 0–1.
    pub doubtful: f64,
}

/// Rules that all rows share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Baseline window of every measure that names none.
    pub baseline: Baseline,
    /// Fewest baseline points for a standardised distance.
    pub minimum_points: usize,
    /// Least coverage for an index or level, 0–1.
    pub minimum_coverage: f64,
    /// On-year change within which a trend is flat, as a share.
    pub flat_change: f64,
    /// Change of a level or index within which its direction is flat, in points.
    pub flat_points: f64,
    /// Publication later than this after valid end is a late copy, in days.
    pub late_copy_days: i64,
    /// Least share of expected periods present for a detector to read a series, 0–1.
    pub density: f64,
    /// Confidence table, best first.
    pub confidence: Vec<ConfidenceRow>,
}

/// Thresholds from which a measured divergence counts as tripped; units as noted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Divergences {
    /// Standardised distance of an indicator.
    pub baseline: f64,
    /// Change on year of an asymmetry's log ratio.
    pub asymmetry: f64,
    /// Points between the highest and the lowest domain index.
    pub cross_domain: f64,
    /// Relative difference between two sources of one fact.
    pub cross_source: f64,
    /// Probability by which a scenario left its prior.
    pub scenario: f64,
    /// Distance past a bound of the envelope, in the constraint's scale.
    pub envelope: f64,
    /// Why these.
    pub reason: String,
}

/// One assessment framework.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Framework {
    /// Short name, the file's stem.
    pub id: String,
    /// Version of the reading; part of the hash.
    pub version: String,
    /// Heading.
    pub title: String,
    /// What it assesses, in a paragraph.
    pub description: String,
    /// The two parties, ISO 3166-1 alpha-3.
    pub parties: [String; 2],
    /// First and last year of the horizon.
    pub horizon: [i32; 2],
    /// File beside this one that lists every id the framework must hold, one a line.
    #[serde(default)]
    pub map: Option<String>,
    /// Organisations and their members, for facts that name the organisation.
    #[serde(default)]
    pub members: BTreeMap<String, Vec<String>>,
    /// Shared rules.
    pub rules: Rules,
    /// Divergence thresholds.
    pub divergence: Divergences,
    /// Domains, in display order.
    #[serde(rename = "domain")]
    pub domains: Vec<Domain>,
    /// Indicators of the domains.
    #[serde(rename = "indicator")]
    pub indicators: Vec<Measure>,
    /// Further measures that roles, drivers, asymmetries and constraints read.
    #[serde(default, rename = "measure")]
    pub measures: Vec<Measure>,
    /// Standing expectations about the relationship as a whole.
    #[serde(default, rename = "character")]
    pub characters: Vec<Composite>,
    /// What each party gets.
    #[serde(default, rename = "role")]
    pub roles: Vec<Composite>,
    /// What pushes the two together or holds back.
    #[serde(default, rename = "driver")]
    pub drivers: Vec<Composite>,
    /// Where interests rub.
    #[serde(default, rename = "friction")]
    pub frictions: Vec<Composite>,
    /// What it means for the system around.
    #[serde(default, rename = "implication")]
    pub implications: Vec<Composite>,
    /// One-sided dependences.
    #[serde(default, rename = "asymmetry")]
    pub asymmetries: Vec<Asymmetry>,
    /// The envelope.
    #[serde(default, rename = "constraint")]
    pub constraints: Vec<Constraint>,
    /// Scenarios with prior and transition row.
    #[serde(default, rename = "scenario")]
    pub scenarios: Vec<Scenario>,
    /// Likelihoods of indicator states under each scenario.
    #[serde(default, rename = "signal")]
    pub signals: Vec<Signal>,
    /// How evidence moves the scenarios.
    #[serde(default)]
    pub evidence: Option<Evidence>,
    /// The conclusion as a number.
    #[serde(default)]
    pub balance: Option<Balance>,
}

impl Framework {
    /// Parses and checks a framework file.
    ///
    /// `map` is the text of the file that [`Framework::map`] names, when the caller has it. Errors: all
    /// findings at once, each with file, line, offending text and remedy.
    pub fn parse(file: &str, text: &str, types: &FactTypes, map: Option<&str>) -> Result<Self, Problems> {
        let locator = Locator::new(file, text)?;
        let framework: Framework = locator.parse()?;
        check::check(&framework, &locator, types, map).into_result(framework)
    }

    /// Name of the id list that the text declares, without checking anything else.
    pub fn map_name(text: &str) -> Option<String> {
        #[derive(Deserialize)]
        struct Head {
            map: Option<String>,
        }
        toml::from_str::<Head>(text).ok().and_then(|head| head.map)
    }

    /// How evidence moves the scenarios: the table of the file, else the defaults from the first day of the norm on.
    pub fn evidence(&self) -> Evidence {
        let first = || match self.rules.baseline {
            Baseline::Window { from, .. } => from,
            Baseline::Stated { .. } => NaiveDate::from_ymd_opt(self.horizon[0], 1, 1).unwrap_or_default(),
        };
        self.evidence.clone().unwrap_or_else(|| Evidence::from_start(first()))
    }

    /// Indicators, then further measures, in file order.
    pub fn all_measures(&self) -> impl Iterator<Item = &Measure> {
        self.indicators.iter().chain(&self.measures)
    }

    /// Ids that the framework holds and an assessment shows, sorted: indicators, characters, roles,
    /// drivers, asymmetries, frictions, constraints, implications, scenarios, balance.
    pub fn ids(&self) -> Vec<&str> {
        let composites = [&self.characters, &self.roles, &self.drivers, &self.frictions, &self.implications]
            .into_iter()
            .flatten();
        let mut ids: Vec<&str> = self
            .indicators
            .iter()
            .map(|m| m.id.as_str())
            .chain(composites.map(|c| c.id.as_str()))
            .chain(self.asymmetries.iter().map(|a| a.id.as_str()))
            .chain(self.constraints.iter().map(|c| c.id.as_str()))
            .chain(self.scenarios.iter().map(|s| s.id.as_str()))
            .chain(self.balance.iter().map(|b| b.id.as_str()))
            .collect();
        ids.sort_unstable();
        ids
    }

    /// Whether `actor`, or an organisation it names, includes `party`.
    pub fn includes(&self, actor: &str, party: &str) -> bool {
        actor == party || self.members.get(actor).is_some_and(|m| m.iter().any(|x| x == party))
    }

    /// BLAKE3 of the parsed framework and the fact types it reads, 64 hexadecimal digits.
    ///
    /// Blind to comments, layout and line ends: it hashes the canonical JSON of the parsed structures.
    pub fn hash(&self, types: &FactTypes) -> String {
        let names: std::collections::BTreeSet<&str> =
            self.all_measures().flat_map(Measure::reads).map(|r| r.kind.as_str()).collect();
        let mut hash = blake3::Hasher::new();
        hash.update(&serde_json::to_vec(self).unwrap_or_default());
        hash.update(&serde_json::to_vec(&types.only(names)).unwrap_or_default());
        hash.finalize().to_hex().to_string()
    }
}
