//! `import`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use bellwether_model::Record;
use bellwether_store::{Error, EventLog};
use clap::Args;
use serde_json::json;

use crate::app::App;
use crate::failure::Failure;
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  bellwether events > log.ndjson
  bellwether --store new-store import log.ndjson
  bellwether --store old events | bellwether --store new import -

The store must be empty: sequence numbers and recording times are kept, so
both logs are equal. Either all of it is taken or nothing.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ImportArgs {
    /// Export of a log, or - for standard input
    #[arg(value_name = "PATH|-")]
    path: String,
}

pub(crate) fn run(app: &mut App, args: &ImportArgs) -> Result<(), Failure> {
    let source: Box<dyn Read> = if args.path == "-" {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(&args.path).map_err(|e| Failure::source(&args.path, &e))?;
        Box::new(file)
    };
    let log = app.open_write()?;
    let receipt = log.import(&mut Records { lines: BufReader::new(source), taken: 0 })?;
    log.close()?;
    let shown = json!({ "records": receipt.head, "facts": receipt.stored, "head": receipt.head });
    app.out.page(&shown, |_| {
        format!("imported {}, {} of them facts\n", counted(receipt.head, "record", "records"), receipt.stored)
    })
}

/// A record a line; blank lines are passed over.
struct Records<R> {
    lines: BufReader<R>,
    taken: u64,
}

impl<R: Read> Iterator for Records<R> {
    type Item = Result<Record, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = String::new();
        loop {
            line.clear();
            let seq = self.taken + 1;
            match self.lines.read_line(&mut line) {
                Ok(0) => return None,
                Ok(_) if line.trim().is_empty() => {}
                Ok(_) => {
                    self.taken = seq;
                    return Some(serde_json::from_str(&line).map_err(|e| Error::Input {
                        seq,
                        what: format!("not a record as `events` writes it: {e}"),
                    }));
                }
                Err(e) => return Some(Err(Error::Input { seq, what: format!("cannot be read: {e}") })),
            }
        }
    }
}
