//! Measures: how facts become one number with a history.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::composite::{Limit, Sign};
use super::read::Read;

/// What a measure's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A value a period.
    Level,
    /// Happenings a period: zero only where coverage is declared, else at least n.
    Count,
    /// 0–1.
    Share,
    /// A coded scale, carried forward until superseded.
    Ordinal,
}

/// How often a new point is due; also the window of counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cadence {
    /// Twelve points a year.
    Month,
    /// Four points a year.
    Quarter,
    /// Two points a year.
    Half,
    /// One point a year.
    Year,
    /// No schedule.
    Irregular,
}

impl Cadence {
    /// Months between points; `None` when irregular.
    pub fn months(self) -> Option<u32> {
        match self {
            Cadence::Month => Some(1),
            Cadence::Quarter => Some(3),
            Cadence::Half => Some(6),
            Cadence::Year => Some(12),
            Cadence::Irregular => None,
        }
    }
}

/// How read facts become a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Formula {
    /// The value of the best rival account of the period.
    Value,
    /// Distinct happenings in the window.
    Count,
    /// Sum of the attributes `of`, or of the values, over the window's happenings.
    Sum,
    /// Greatest of the attributes `of`, or of the values, in the window.
    Max,
    /// Mean of the values in the window.
    Mean,
    /// Distinct values of the attributes `of` in the window, lists split at commas.
    Distinct,
    /// Distinct happenings since the beginning: the stock that they have built.
    Stock,
    /// `read` over `over`, equal periods only.
    Share,
    /// 1 − Σ share², shares of the first actors of `read` in the total `over`; null under nine tenths of the total.
    Diversification,
    /// Agreement of the parties over the roll calls on which both cast a `choice`; [`Agreement`] says what counts.
    /// A roll call is what has the same attributes `group`, else the same `resolution`.
    Agreement,
}

/// What counts as agreement in a roll call. Who is absent made no choice: the roll call is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Agreement {
    /// The same choice: yes, no and abstention are three choices.
    #[default]
    Strict,
    /// The same choice counts one, an abstention against yes or no one half, yes against no nothing.
    Half,
}

impl Agreement {
    /// Whether it is the one that a framework need not state.
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Formula {
    /// Whether the formula counts happenings in windows rather than reading one value a period.
    pub fn windowed(self) -> bool {
        matches!(
            self,
            Formula::Count
                | Formula::Sum
                | Formula::Max
                | Formula::Mean
                | Formula::Distinct
                | Formula::Stock
                | Formula::Agreement
        )
    }
}

/// Scale on which distance and trend are reckoned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transform {
    /// As it is.
    #[default]
    None,
    /// Natural logarithm; only positive values.
    Log,
}

/// What a distance is taken from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Baseline {
    /// Median and MAD of the points known whose period lies in `[from, to)`.
    Window {
        /// First day.
        from: NaiveDate,
        /// First day after.
        to: NaiveDate,
    },
    /// Stated by the framework where a scale has too few points for a MAD: shown as such in `why`.
    Stated {
        /// Value taken as normal.
        median: f64,
        /// Distance that counts as one.
        spread: f64,
        /// Why these.
        reason: String,
    },
}

/// Values that a measure can have at all: by definition, or by what exists or is planned up to the horizon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Least value, in the unit of the measure.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
    /// What keeps it within.
    pub reason: String,
    /// Lower maxima of the time until more exists, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ceilings: Vec<Ceiling>,
}

/// The greatest value of periods that end at a date or before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceiling {
    /// First day on which it no longer holds.
    pub until: NaiveDate,
    /// Greatest value, in the unit of the measure.
    pub max: f64,
    /// What holds it down.
    pub reason: String,
}

impl Range {
    /// Whether the value of a period that ends before the day `end` lies within; the ends do.
    pub fn holds(&self, value: f64, end: NaiveDate) -> bool {
        let ceiling = self.ceilings.iter().find(|c| end <= c.until);
        (self.min..=ceiling.map_or(self.max, |c| c.max)).contains(&value)
    }
}

/// A companion reading shown beside a measure; it never enters the measure's number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Also {
    /// Short name.
    pub name: String,
    /// Unit of the reading.
    pub unit: String,
    /// Selectors, the first with facts wins.
    pub read: Vec<Read>,
    /// Denominator: the reading is a share when given.
    #[serde(default)]
    pub over: Vec<Read>,
}

/// An indicator of a domain, or a further measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// `DOMAIN.NAME` for an indicator, `measure.NAME` for a further measure.
    pub id: String,
    /// Domain; only indicators have one.
    #[serde(default)]
    pub domain: Option<String>,
    /// Heading.
    pub title: String,
    /// What the number says.
    pub meaning: String,
    /// What its numbers are.
    pub kind: Kind,
    /// Unit of the number.
    pub unit: String,
    /// What a rise means for alignment.
    #[serde(default)]
    pub sign: Sign,
    /// Weight in the domain, 0–1; the weights of a domain add to 1.
    #[serde(default)]
    pub weight: f64,
    /// Why this weight, sign and reading.
    pub reason: String,
    /// How facts become a point.
    pub formula: Formula,
    /// What counts as agreement, for that formula.
    #[serde(default, skip_serializing_if = "Agreement::is_default")]
    pub agreement: Agreement,
    /// How often a point is due, and the window of counts.
    pub cadence: Cadence,
    /// Days after the end of its period from which the value is stale.
    pub stale_days: u32,
    /// Scale for distance and trend.
    #[serde(default)]
    pub transform: Transform,
    /// Own baseline; else that of the rules.
    #[serde(default)]
    pub baseline: Option<Baseline>,
    /// Every value is a floor: shown as "at least", without trend.
    #[serde(default)]
    pub lower_bound: bool,
    /// January and February move with the lunar New Year: detectors read the two months joined.
    #[serde(default)]
    pub new_year: bool,
    /// Ends of an ordinal scale or of the range that counts as whole.
    #[serde(default)]
    pub scale: Option<[f64; 2]>,
    /// Names of the steps of an ordinal scale, from its low end.
    #[serde(default)]
    pub steps: Vec<String>,
    /// Values that it can have at all: fans stay within, and a figure outside is a gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
    /// Limit beyond which the value is worth a look.
    #[serde(default)]
    pub bound: Option<Limit>,
    /// Attributes that `sum`, `max` and `distinct` read.
    #[serde(default)]
    pub of: Vec<String>,
    /// Attributes that make several records one happening, whoever states them; else source and base key do.
    #[serde(default)]
    pub group: Vec<String>,
    /// Selectors: the first is the primary series, the others what it falls back to, in order.
    pub read: Vec<Read>,
    /// Denominator series of `share` and `diversification`.
    #[serde(default)]
    pub over: Vec<Read>,
    /// Companion readings.
    #[serde(default)]
    pub also: Vec<Also>,
}

impl Measure {
    /// Every selector of the measure: primary, fallbacks, denominators, companions.
    pub fn reads(&self) -> impl Iterator<Item = &Read> {
        self.read.iter().chain(&self.over).chain(self.also.iter().flat_map(|a| a.read.iter().chain(&a.over)))
    }
}
