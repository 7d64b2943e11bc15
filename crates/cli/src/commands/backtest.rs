//! `backtest`: what rules were worth over the history.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_alert::backtest::{self, Question, ReferenceEvent, Report, Sweep, Swept};
use bellwether_alert::{Rule, RuleSet};
use bellwether_model::framework::Framework;
use bellwether_model::{Problem, Record};
use bellwether_store::{EventLog, StoreClock, SystemClock};
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
  bellwether backtest          every rule against the bundled events
  bellwether backtest --rule divergence-baseline
      its pairs, misses and false alarms too
  bellwether backtest --from 2020-01-01 --reference my-events.csv
  bellwether backtest --rule divergence-baseline --sweep factor=1..2/9
      the curve of a parameter, drawn as SVG too
  bellwether backtest --rule domain-diverging --sweep for=0d..56d/9 --budget 1
      a rule with at most one false alarm a year

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

pub(crate) fn run(app: &mut App, args: &BacktestArgs) -> Result<(), Failure> {
    let started = SystemClock.now();
    let sweep = args.sweep.as_deref().map(Sweep::parse).transpose().map_err(usage)?;
    let types = Arc::new(app.config().types()?);
    let framework = app.framework(&types, args.knowing.framework.as_deref())?;
    let all = app.config().rules()?;
    let (events, bundled) = reference(args.reference.as_deref(), &framework)?;
    let (from, to) = range(app, args, &events)?;
    let rules = asked(app, args, all)?;
    let swept = match (&sweep, rules.rules()) {
        (Some(sweep), [rule]) => Some((rule.clone(), sweep)),
        _ => None,
    };
    let rules = match &swept {
        Some((rule, sweep)) => {
            backtest::known(rule, &sweep.parameter).map_err(usage)?;
            backtest::variants(rule, sweep)?
        }
        None => rules,
    };
    let facts = Facts::of(app)?;
    let view = args.knowing.view(app.now(), app.now());
    let question = Question {
        framework: Arc::clone(&framework),
        types,
        rules: &rules,
        clock: view.clock,
        basis: view.basis,
        events: &events,
        from,
        to,
        luck: args.rule.as_deref().filter(|_| swept.is_some()),
    };
    let mut report = backtest::run(&question, |visit| facts.read(visit))?;
    let took = SystemClock.now() - started;
    out::note(&format!(
        "{} over {} of history in {:.2} s",
        render::counted(report.rules.len(), "rule", "rules"),
        render::counted((to - from).num_days() + 1, "day", "days"),
        took.as_seconds_f64()
    ));
    let Some((rule, sweep)) = swept else { return tell(app, &report, bundled) };
    // The rule as it is comes first, then its variants.
    let variants = report.rules.split_off(1);
    let swept = backtest::swept(&rule, sweep, &variants);
    tell_sweep(app, args, &report, swept, &rule, bundled)
}

fn tell(app: &mut App, report: &Report, bundled: bool) -> Result<(), Failure> {
    match app.out.format() {
        Format::Csv => app.out.csv(&report.rules, &FIELDS),
        Format::Ndjson => app.out.list(&report.rules, &FIELDS, |_| String::new()),
        Format::Table | Format::Json => app.out.page(report, |look| render::backtest(report, bundled, look)),
    }
}

/// The rule as it is, and its curve.
#[derive(Serialize)]
struct Curve<'a> {
    #[serde(flatten)]
    report: &'a Report,
    sweep: &'a Swept,
}

fn tell_sweep(
    app: &mut App,
    args: &BacktestArgs,
    report: &Report,
    mut swept: Swept,
    rule: &Rule,
    bundled: bool,
) -> Result<(), Failure> {
    if let Some(budget) = args.budget {
        swept.proposal = backtest::propose(rule, &swept, budget).map_err(usage)?;
    }
    let path =
        args.svg.clone().unwrap_or_else(|| format!("backtest-{}-{}.svg", swept.rule, swept.parameter).into());
    let drawn = draw(report, &swept, args.budget);
    std::fs::write(&path, drawn).map_err(|e| {
        Failure::usage(format!("{} cannot be written: {e}", path.display()), "name another file with --svg")
    })?;
    out::note(&format!("the curve is drawn in {}", path.display()));
    match app.out.format() {
        Format::Csv => app.out.csv(&swept.values, &CURVE),
        Format::Ndjson => app.out.list(&swept.values, &CURVE, |_| String::new()),
        Format::Json => app.out.json(&Curve { report, sweep: &swept }),
        Format::Table => app.out.page(&swept, |look| render::sweep(report, &swept, bundled, look)),
    }?;
    match (args.budget, &swept.proposal) {
        (Some(budget), None) => Err(Failure::nothing(
            format!(
                "no value tried fires and keeps within {} a year",
                render::counted(budget, "false alarm", "false alarms")
            ),
            "sweep stricter values, or allow more",
        )),
        (Some(_), Some(proposal)) if app.out.format() != Format::Table => {
            out::note(&proposal.why);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn draw(report: &Report, swept: &Swept, budget: Option<f64>) -> String {
    let axis = match swept.parameter.as_str() {
        "for" | "keep" => format!("{}, days", swept.parameter),
        other => other.to_owned(),
    };
    let points: Vec<Point> = swept
        .values
        .iter()
        .map(|v| Point {
            value: v.value,
            precision: v.precision,
            recall: v.recall,
            null_precision: v.null_precision,
            false_alarms: v.false_alarms_per_year,
        })
        .collect();
    let about = format!(
        "Precision, recall and precision by chance above, false alarms a year below, for {} values of {} of the rule {}, \
         scored against {} from {} to {}. In-sample.",
        points.len(),
        swept.parameter,
        swept.rule,
        render::counted(report.events, "reference event", "reference events"),
        report.from,
        report.to
    );
    let title = format!("Backtest of {} by {}", swept.rule, swept.parameter);
    let frame = Frame { title: &title, about: &about, axis: &axis, present: swept.present, budget };
    render::curve(&frame, &points)
}

/// The rules that claim something; of them the one asked for.
fn asked(app: &mut App, args: &BacktestArgs, all: RuleSet) -> Result<RuleSet, Failure> {
    let claims = |rule: &Rule| rule.backtest.is_some();
    let Some(id) = &args.rule else {
        let silent: Vec<&str> = all.rules().iter().filter(|r| !claims(r)).map(|r| r.id.as_str()).collect();
        if !silent.is_empty() {
            out::note(&format!("left out, since they claim nothing about events: {}", silent.join(", ")));
        }
        return Ok(all.only(claims));
    };
    match all.rule(id) {
        Some(rule) if claims(rule) => Ok(all.only(|r| r.id == *id)),
        found => {
            app.out.page(&serde_json::json!({ "rules": [] }), |_| String::new())?;
            Err(match found {
                Some(rule) => Failure::nothing(
                    format!("the rule {id} claims nothing about events"),
                    format!("give it a `backtest` table in {}", rule.file),
                ),
                None => {
                    let known = all.rules().iter().map(|r| r.id.as_str());
                    Failure::nothing(
                        format!("no rule {id}"),
                        near::remedy(id, known, "`bellwether backtest` shows all of them"),
                    )
                }
            })
        }
    }
}

/// The reference events, and whether they are the bundled ones.
fn reference(path: Option<&Path>, framework: &Framework) -> Result<(Vec<ReferenceEvent>, bool), Failure> {
    let domains: Vec<&str> = framework.domains.iter().map(|d| d.id.as_str()).collect();
    if let Some(path) = path {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|e| Failure::source(&name, &e))?;
        return Ok((backtest::parse_reference(&name, &text, &domains)?, false));
    }
    // Turning points of one pair say nothing about another.
    let own = config::Config::BuiltIn;
    let pair = own.types().and_then(|types| own.frameworks(&types))?;
    let text = config::embedded(BUNDLED).filter(|_| pair.iter().any(|f| f.parties == framework.parties));
    let text = text.ok_or_else(|| {
        Failure::usage(
            format!(
                "no reference events of {} and {} are built in",
                framework.parties[0], framework.parties[1]
            ),
            "name a file of them: --reference FILE",
        )
    })?;
    Ok((backtest::parse_reference("built-in reference-events.csv", text, &domains)?, true))
}

fn range(
    app: &App,
    args: &BacktestArgs,
    events: &[ReferenceEvent],
) -> Result<(NaiveDate, NaiveDate), Failure> {
    let today = app.now().date_naive();
    let moved =
        |day: Option<NaiveDate>, days: i64| day.and_then(|d| d.checked_add_signed(TimeDelta::days(days)));
    let first = moved(events.first().map(|e| e.day), -backtest::BEFORE).unwrap_or(today);
    let last = moved(events.last().map(|e| e.day), backtest::AFTER).unwrap_or(today).min(today);
    let (from, to) = (args.from.unwrap_or(first), args.to.unwrap_or(last));
    if from > to {
        return Err(Failure::usage(
            format!("{from} comes after {to}"),
            "--from is the first day, --to the last",
        ));
    }
    Ok((from, to))
}

fn usage(problem: Problem) -> Failure {
    Failure::Usage(Box::new(problem))
}

/// The log that is read, as often as need be.
enum Facts {
    Log(Box<dyn EventLog>),
    /// What a daemon's log holds, without its bookkeeping.
    Daemon(Vec<Record>),
}

impl Facts {
    fn of(app: &App) -> Result<Self, Failure> {
        let Some(remote) = app.remote()? else { return Ok(Facts::Log(app.open_read()?)) };
        let mut facts = Vec::new();
        remote.events(None, 1, u64::MAX, &mut |record| {
            if record.fact().is_some() {
                facts.push(record.clone());
            }
            ControlFlow::Continue(())
        })?;
        Ok(Facts::Daemon(facts))
    }

    fn read(&self, visit: &mut dyn FnMut(&Record)) -> Result<(), Failure> {
        match self {
            Facts::Log(log) => Ok(log.read(1, &mut |record| {
                visit(record);
                ControlFlow::Continue(())
            })?),
            Facts::Daemon(records) => {
                records.iter().for_each(visit);
                Ok(())
            }
        }
    }
}
