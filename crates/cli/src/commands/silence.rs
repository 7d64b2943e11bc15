//! `silence`.

use bellwether_alert::{Matchers, Quieting};
use clap::{Args, Subcommand};

use crate::alerts::{self, Alerts};
use crate::app::App;
use crate::commands::fact::Operator;
use crate::failure::Failure;
use crate::render;

const EXAMPLES: &str = "\
Examples:
  bellwether silence add rule=indicator-stale --for 7d --note 'customs late'
  bellwether silence add domain=military --until 2026-09-15 --note exercises
  bellwether silence add 'rule=*' --for 2h --maintenance --note 'feeds move'
  bellwether silence list
  bellwether silence end 3f2a9c0d1e4b

A silenced alert lives on and is not sent; what still fires when the
silence ends is sent then. Labels: rule, subject, domain, severity, kind,
and those that the rule has. In a value * stands for anything.";

/// Keep alerts from being sent for a time.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum SilenceCommand {
    /// Silence the alerts that have all of these labels
    Add(AddArgs),
    /// Silences that hold or are to come
    List(ListArgs),
    /// End one now
    End(EndArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Labels of the alerts
    #[arg(required = true, value_name = "LABEL=VALUE")]
    matchers: Vec<String>,
    /// From when on [default: now]
    #[arg(long, value_name = "DATE|INSTANT")]
    from: Option<String>,
    /// Until when
    #[arg(long, value_name = "DATE|INSTANT", conflicts_with = "length", required_unless_present = "length")]
    until: Option<String>,
    /// For how long
    #[arg(long = "for", value_name = "DURATION")]
    length: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    note: String,
    /// It is a maintenance window: work on the sources or on this installation
    #[arg(long)]
    maintenance: bool,
    #[command(flatten)]
    operator: Operator,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Also those that ended within the last 30 days; older ones: bellwether events --type silence
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EndArgs {
    /// Its id
    id: String,
    #[command(flatten)]
    operator: Operator,
}

const FIELDS: [&str; 8] = ["id", "kind", "active", "from", "until", "matchers", "who", "note"];

pub(crate) fn run(app: &mut App, command: &SilenceCommand) -> Result<(), Failure> {
    let one = match command {
        SilenceCommand::List(args) => {
            let rows = Alerts::open(app)?.quiet(args.all)?;
            return app.out.list(&rows, &FIELDS, |look| render::silences(&rows, look));
        }
        SilenceCommand::Add(args) => {
            let matchers = Matchers::parse(args.matchers.iter().map(String::as_str))
                .map_err(|problem| Failure::Usage(Box::new(problem)))?;
            let wanted = Quieting {
                matchers: matchers.0,
                from: args.from.clone(),
                until: args.until.clone(),
                length: args.length.clone(),
                who: args.operator.name()?,
                note: args.note.clone(),
                maintenance: args.maintenance,
            };
            alerts::silence(app, &wanted)?
        }
        SilenceCommand::End(args) => alerts::end(app, &args.id, &args.operator.name()?)?,
    };
    app.out.page(&one, |look| render::silences(std::slice::from_ref(&one), look))
}
