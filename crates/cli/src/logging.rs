//! The log of the daemon: one event a line on standard error, whatever stands in it.

use std::io::{self, Write};

use clap::ValueEnum;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};

use crate::failure::Failure;
use crate::render::steers;

/// Variable with the filter: `debug`, or `info,bellwether_ingest=debug`.
const FILTER: &str = "BELLWETHER_LOG";

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON document a line
    Json,
}

/// Starts logging for this process; panics are logged too.
pub(crate) fn start(format: LogFormat) -> Result<(), Failure> {
    let asked = std::env::var(FILTER).ok().filter(|text| !text.trim().is_empty());
    let filter: Targets = asked.as_deref().unwrap_or("info").parse().map_err(|e| {
        Failure::usage(
            format!("{FILTER} is no filter: {e}"),
            "write a level, or target=level with commas between",
        )
    })?;
    let layer = tracing_subscriber::fmt::layer().with_writer(|| OneLine(io::stderr())).with_ansi(false);
    let layer = match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    let subscriber = Registry::default().with(layer.with_filter(filter));
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|_| Failure::Internal("logging was started twice".to_owned()))?;
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let payload = info.payload();
        let text =
            payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
        let what = text.unwrap_or("without a message");
        let thread = std::thread::current();
        tracing::error!(thread = thread.name().unwrap_or_default(), place, what, "a panic was caught");
    }));
    Ok(())
}

/// Writes each event as one line: what could steer a terminal or begin a line of its own is spelled out, as JSON
/// strings may hold it too.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    /// The formatter hands over one event at a time, with its line end.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let mut line = String::with_capacity(text.len());
        for c in text.strip_suffix('\n').unwrap_or(&text).chars() {
            if steers(c) {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    line.push_str(&format!("\\u{unit:04x}"));
                }
            } else {
                line.push(c);
            }
        }
        line.push('\n');
        self.0.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r24_an_event_is_one_line() {
        let mut writer = OneLine(Vec::new());
        writer.write_all("INFO a\nERROR \u{1b}[2J\u{202e}\u{9b}b\n".as_bytes()).unwrap();
        assert_eq!(String::from_utf8(writer.0).unwrap(), "INFO a\\u000aERROR \\u001b[2J\\u202e\\u009bb\n");
    }
}
