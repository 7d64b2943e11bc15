//! `backtest`: what rules were worth over the history.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use bellwether_alert::Rule;
use bellwether_alert::backtest::{self, Question, ReferenceEvent, Report, Sweep, Swept};
use bellwether_model::framework::Framework;
use bellwether_model::{FactTypes, Problem, Record};
use bellwether_store::EventLog;
use chrono::{NaiveDate, TimeDelta};
use clap::Args;
use serde::Serialize;

use crate::app::App;
use crate::args::{Format, Knowing};
use crate::failure::Failure;
use crate::render::{Frame, Point};
use crate::{config, near, out, render};

const EXAMPLES: &str = "\
Examples:
  bellwether backtest                       every rule, against bundled events
  bellwether backtest --rule asymmetry-move      its pairs, misses and false alarms
  bellwether backtest --from 2020-01-01 --reference my-events.csv
  bellwether backtest --rule asymmetry-move --sweep limit=0.1..0.5/9 --svg curve.svg
  bellwether backtest --rule asymmetry-move --sweep for=0d..56d/9 --budget 0.5

The reference file is CSV with the columns date,title,domain,
expected_direction,source_url; directions are alignment_up, alignment_down,
envelope and shock. A rule without a `backtest` table claims nothing and is
left out.";

/// The reference events that come with the bundled facts.
const BUNDLED: &str = "fixtures/history/reference-events.csv";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BacktestArgs {
    /// Only this rule
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// First day [default: 30 days before the first reference event]
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// Last day [default: 90 days after the last reference event, at most today]
    #[arg(long, value_name = "DATE")]
    to: Option<NaiveDate>,
    /// Reference events [default: those that come with the bundled facts]
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
    /// N values of a parameter of the rule, of `for` or of `keep`
    #[arg(long, value_name = "PARAM=A..B/N", requires = "rule")]
    sweep: Option<String>,
    /// Where the curve of a sweep is drawn [default: backtest-RULE-PARAM.svg]
    #[arg(long, value_name = "FILE", requires = "sweep")]
    svg: Option<PathBuf>,
    /// False alarms a year to keep within: proposes the least strict value that does
    #[arg(long, value_name = "N", requires = "sweep")]
    budget: Option<f64>,
    #[command(flatten)]
    knowing: Knowing,
}

const FIELDS: [&str; 9] = [
    "id",
    "firings",
    "matched",
    "precision",
    "recall",
    "median_lead_days",
    "false_alarms_per_year",
    "null_precision",
    "null_p",
];

const CURVE: [&str; 7] =
    ["value", "firings", "matched", "precision", "recall", "false_alarms_per_year", "null_precision"];
