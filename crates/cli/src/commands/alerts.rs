//! `alerts` and `ack`.

use bellwether_alert::{Acknowledging, AlertQuery, Severity, Standing};
use clap::{Args, ValueEnum};

use crate::alerts::{self, Alerts};
use crate::app::App;
use crate::commands::fact::Operator;
use crate::failure::Failure;
use crate::render;

const EXAMPLES: &str = "\
Examples:
  bellwether alerts
  bellwether alerts --state firing --severity warning
  bellwether alerts --exit-code && echo quiet
  bellwether why alert.envelope-breach.constraint.trust.alliance

Exit code 0; with --exit-code 10 when an alert fires that is neither
muted nor acknowledged. A store that no daemon watches is evaluated in
memory up to now: nothing is written and nobody is told.";

const ACK_EXAMPLES: &str = "\
Examples:
  bellwether ack envelope-breach.constraint.trust.alliance --note seen

It holds until the alert is over, and stands in the log with your name.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AlertsArgs {
    /// Only alerts in this state
    #[arg(long, value_enum)]
    state: Option<StateArg>,
    /// Only alerts at least that severe
    #[arg(long, value_enum)]
    severity: Option<SeverityArg>,
    /// Exit with 10 when an alert fires that is neither muted nor acknowledged
    #[arg(long)]
    exit_code: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StateArg {
    Pending,
    Firing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SeverityArg {
    Info,
    Warning,
    Critical,
}

#[derive(Debug, Args)]
#[command(after_help = ACK_EXAMPLES)]
pub(crate) struct AckArgs {
    /// Alert, as `alerts` shows it
    alert: String,
    /// What of it
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    #[command(flatten)]
    operator: Operator,
}

const FIELDS: [&str; 12] = [
    "alert", "state", "since", "severity", "rule", "subject", "domain", "margin", "coverage", "summary",
    "muted_by", "ack.who",
];

pub(crate) fn run(app: &mut App, args: &AlertsArgs) -> Result<(), Failure> {
    let state = args.state.map(|state| match state {
        StateArg::Pending => Standing::Pending,
        StateArg::Firing => Standing::Firing,
    });
    let severity = args.severity.map(|severity| match severity {
        SeverityArg::Info => Severity::Info,
        SeverityArg::Warning => Severity::Warning,
        SeverityArg::Critical => Severity::Critical,
    });
    let rows = Alerts::open(app)?.list(AlertQuery { state, severity })?;
    app.out.list(&rows, &FIELDS, |look| render::alerts(&rows, look))?;
    let calls = rows.iter().any(|a| a.state == Standing::Firing && a.muted_by.is_empty() && a.ack.is_none());
    if args.exit_code && calls { Err(Failure::Checked(10)) } else { Ok(()) }
}

pub(crate) fn ack(app: &mut App, args: &AckArgs) -> Result<(), Failure> {
    let said = Acknowledging { who: args.operator.name()?, note: args.note.clone() };
    let alert = alerts::acknowledge(app, &args.alert, &said)?;
    app.out.page(&alert, |look| render::alerts(std::slice::from_ref(&alert), look))
}
