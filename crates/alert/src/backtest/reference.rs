//! The file of reference events: `date,title,domain,expected_direction,source_url`.

use bellwether_model::{Problem, Problems};
use chrono::NaiveDate;

use super::claim::{Direction, ReferenceEvent};

const COLUMNS: [&str; 5] = ["date", "title", "domain", "expected_direction", "source_url"];

/// Reads reference events, in order of day and then of line. `domains` are the framework's ids; a name made of one of
/// them and further words (`economic_energy`) means that one.
///
/// All faults of the file come at once, each with line, field and remedy.
pub fn parse(file: &str, text: &str, domains: &[&str]) -> Result<Vec<ReferenceEvent>, Problems> {
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| Problems::from(broken(file, &e)))?.clone();
    let mut problems = Problems::default();
    let places: Vec<Option<usize>> = COLUMNS
        .iter()
        .map(|name| header.iter().position(|h| h.trim_start_matches('\u{feff}') == *name))
        .collect();
    for (name, place) in COLUMNS.iter().zip(&places) {
        if place.is_none() {
            let remedy = format!("the first line names the columns: {}", COLUMNS.join(","));
            problems.push(Problem::new("a column is missing", remedy).at(file, 1).field(*name));
        }
    }
    let mut events = Vec::new();
    if problems.0.is_empty() {
        for record in reader.records() {
            match record {
                Ok(record) => {
                    let line = record.position().and_then(|p| usize::try_from(p.line()).ok()).unwrap_or(0);
                    let cell = |n: usize| {
                        places.get(n).copied().flatten().and_then(|at| record.get(at)).unwrap_or("")
                    };
                    let cells = [cell(0), cell(1), cell(2), cell(3), cell(4)];
                    events.extend(event(file, line, cells, domains, &mut problems));
                }
                Err(e) => problems.push(broken(file, &e)),
            }
        }
        if events.is_empty() && problems.0.is_empty() {
            problems.push(Problem::new("no reference event", "a line an event under the names").at(file, 1));
        }
    }
    events.sort_by_key(|e: &ReferenceEvent| (e.day, e.line));
    problems.into_result(events)
}

fn event(
    file: &str,
    line: usize,
    [date, title, domain, direction, url]: [&str; 5],
    domains: &[&str],
    problems: &mut Problems,
) -> Option<ReferenceEvent> {
    let mut fault = |field: &str, text: &str, message: &str, remedy: String| {
        problems.push(Problem::new(message, remedy).at(file, line).field(field).text(text));
    };
    let day = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok();
    if day.is_none() {
        fault("date", date, "not a day", "write YYYY-MM-DD".to_owned());
    }
    if title.is_empty() {
        fault("title", title, "an event without title", "say in a few words what happened".to_owned());
    }
    let known = of_framework(domain, domains);
    if known.is_none() {
        let remedy =
            format!("one of {}, or a name with just one of them among its words", domains.join(", "));
        fault("domain", domain, "no domain of the framework", remedy);
    }
    let meant = direction.parse::<Direction>().ok();
    if meant.is_none() {
        let remedy = format!("one of {}", Direction::NAMES.map(|(name, _)| name).join(", "));
        fault("expected_direction", direction, "no direction", remedy);
    }
    let (day, domain, direction) = (day?, known?.to_owned(), meant?);
    (!title.is_empty()).then(|| ReferenceEvent {
        day,
        title: title.to_owned(),
        domain,
        direction,
        url: url.to_owned(),
        line,
    })
}

/// The domain that a name means: the one of that id, else the only one whose id is a word of the name.
fn of_framework<'d>(name: &str, domains: &[&'d str]) -> Option<&'d str> {
    if let Some(same) = domains.iter().find(|d| **d == name) {
        return Some(same);
    }
    let mut among = domains.iter().filter(|d| name.split(['_', '-', ' ', '.']).any(|word| word == **d));
    let first = among.next()?;
    among.next().is_none().then_some(first)
}

fn broken(file: &str, error: &csv::Error) -> Problem {
    let line = error.position().and_then(|p| usize::try_from(p.line()).ok()).unwrap_or(0);
    Problem::new(format!("not readable as CSV: {error}"), "write UTF-8, comma-separated, with a header line")
        .at(file, line)
}
