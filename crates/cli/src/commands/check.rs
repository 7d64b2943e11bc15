//! `check`.

use bellwether_model::Problems;
use clap::Args;
use serde::Serialize;

use crate::app::App;
use crate::args::Format;
use crate::failure::Failure;
use crate::render::{counted, harmless, wrap};

const EXAMPLES: &str = "\
Examples:
  bellwether check
  bellwether --config my-config check

Exit code 0 when all is well; 3 with every fault named: file, line, what
stands there, what to do.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckArgs {}

/// Before what is all right.
const OK: &str = "ok  ";

/// What the check found.
#[derive(Serialize)]
struct Outcome<'a> {
    config: String,
    ok: bool,
    passed: &'a [String],
    problems: &'a Problems,
}

pub(crate) fn run(app: &mut App, _: &CheckArgs) -> Result<(), Failure> {
    let config = app.config();
    let mut problems = Problems::default();
    let mut lines = Vec::new();
    let mut note = |found: Result<Vec<String>, Problems>| match found {
        Ok(ok) => lines.extend(ok),
        Err(found) => problems.0.extend(found.0),
    };
    let rules = config.rules();
    match config.types() {
        Ok(types) => {
            note(Ok(vec![format!(
                "facts.toml: {}",
                counted(types.iter().count(), "fact type", "fact types")
            )]));
            let frameworks = config.frameworks(&types);
            // As a daemon does: rules are asked about the first.
            if let (Ok(rules), Ok(frameworks)) = (&rules, &frameworks)
                && let Some(first) = frameworks.first()
            {
                note(rules.check(first, &types).map(|()| Vec::new()));
            }
            note(frameworks.map(|all| {
                let line = |f: &bellwether_model::framework::Framework| {
                    let hash: String = f.hash(&types).chars().take(12).collect();
                    {
                        let rows = counted(f.ids().len(), "row", "rows");
                        format!("framework {} {}: {rows}, hash {hash}…", f.id, f.version)
                    }
                };
                all.iter().map(|f| line(f)).collect()
            }));
            // Without frameworks every question would be a fault of its own.
            if let Ok(frameworks) = config.frameworks(&types) {
                note(config.questions(&frameworks).map(|all| {
                    let (filed, past) = (all.filed.len(), all.backcasts.len());
                    vec![format!("questions: {filed} to be filed, {past} about the past from templates")]
                }));
            }
        }
        // Without fact types every reference would be a fault of its own.
        Err(found) => note(Err(found)),
    }
    note(config.feeds().map(|all| all.values().map(|f| format!("feed {}: {}", f.name, f.title)).collect()));
    note(config.receivers().map(|all| {
        let state = |enabled: bool| if enabled { "" } else { ", switched off" };
        all.iter().map(|r| format!("receiver {}: {}{}", r.name, r.kind.word(), state(r.enabled))).collect()
    }));
    if let Ok(rules) = &rules {
        note(rules.review().map(|()| Vec::new()));
    }
    note(rules.map(|rules| {
        let line = |r: &bellwether_alert::Rule| format!("rule {}: {} (version {})", r.id, r.title, r.version);
        rules.rules().iter().map(line).collect()
    }));
    let ok = problems.0.is_empty();
    if app.out.format() == Format::Table {
        app.out.list(&lines, &[], |look| {
            let room = look.width.saturating_sub(OK.len());
            let lines = lines.iter().flat_map(|line| {
                let rest = wrap(&harmless(line), room).into_iter().enumerate();
                rest.map(|(n, line)| format!("{}{line}\n", if n == 0 { OK } else { "    " }))
            });
            lines.collect()
        })?;
    } else {
        app.out.json(&Outcome { config: config.name(), ok, passed: &lines, problems: &problems })?;
    }
    if ok { Ok(()) } else { Err(problems.into()) }
}
