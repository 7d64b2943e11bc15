//! A series line by line: `time,value` or one value a line.

use std::io::BufRead;

use bellwether_detect::gls::Calendar;
use bellwether_model::Problem;

use crate::failure::Failure;

/// One observation.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) time: Option<String>,
    pub(super) value: f64,
}

/// Observations of a stream, read as they come.
pub(super) struct Lines {
    name: String,
    input: Box<dyn BufRead>,
    number: usize,
}

/// A longer line is no observation.
const LONGEST: usize = 4096;

impl Lines {
    pub(super) fn new(name: &str, input: Box<dyn BufRead>) -> Self {
        Self { name: name.to_owned(), input, number: 0 }
    }

    fn wrong(&self, message: &str, remedy: &str, text: &str) -> Failure {
        Failure::Source(Box::new(
            Problem::new(message, remedy).at(&self.name, self.number).field("value").text(text),
        ))
    }

    fn parse(&self, text: &str) -> Result<Line, Failure> {
        let (time, value) = match text.rsplit_once(',') {
            Some((time, value)) => (Some(time.trim().trim_matches('"').to_owned()), value),
            None => (None, text),
        };
        let value = value.trim().trim_matches('"');
        match value.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Line { time, value: number }),
            _ if value.is_empty() => Err(self.wrong(
                "a value is missing, and a gap would shift the calendar",
                "fill it, or leave out the whole line of a dated series",
                text,
            )),
            _ => Err(self.wrong("not a finite number", "write time,value or one number a line", text)),
        }
    }
}

impl Iterator for Lines {
    type Item = Result<Line, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut bytes = Vec::new();
            match std::io::Read::take(&mut self.input, LONGEST as u64).read_until(b'\n', &mut bytes) {
                Ok(0) => return None,
                Ok(_) => self.number += 1,
                Err(e) => return Some(Err(Failure::source(&self.name, &e))),
            }
            let Ok(text) = String::from_utf8(bytes) else {
                return Some(Err(self.wrong("not UTF-8", "save the file as UTF-8", "")));
            };
            let text = text.trim_start_matches('\u{feff}').trim();
            if text.len() + 2 >= LONGEST {
                return Some(Err(self.wrong("a line too long for an observation", "write time,value", text)));
            }
            // A header has no number in it; it may only stand first.
            let header =
                self.number == 1 && text.rsplit(',').next().is_some_and(|v| v.trim().parse::<f64>().is_err());
            let header = header && text.chars().any(char::is_alphabetic);
            if !(text.is_empty() || header) {
                return Some(self.parse(text));
            }
        }
    }
}

/// Calendar that the first two times show.
pub(super) fn calendar(first: &[Line]) -> Calendar {
    let shape = |text: &str| -> Option<Vec<u32>> { text.split('-').map(|p| p.parse().ok()).collect() };
    let mut times = first.iter().map(|l| l.time.as_deref().map(str::trim));
    let (Some(Some(a)), b) = (times.next(), times.next().flatten()) else { return Calendar::None };
    match (shape(a).as_deref(), b.and_then(shape).as_deref()) {
        (Some([year]), _) if a.len() == 4 && (1000..=2999).contains(year) => Calendar::Annual,
        (Some([_, month]), Some([_, next])) if (1..=12).contains(month) => {
            if (next + 12 - month) % 12 == 3 {
                Calendar::Quarterly
            } else {
                Calendar::Monthly
            }
        }
        (Some([_, _]), _) => Calendar::Monthly,
        (Some([_, _, _]), _) => Calendar::Dated,
        _ => Calendar::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &'static str, want: Calendar, values: &[f64]) {
        let lines: Result<Vec<Line>, Failure> = Lines::new("t", Box::new(text.as_bytes())).collect();
        let lines = lines.unwrap();
        assert_eq!(lines.iter().map(|l| l.value).collect::<Vec<_>>(), values, "{text}");
        assert_eq!(calendar(&lines), want, "{text}");
    }

    #[test]
    fn the_time_column_says_the_calendar() {
        check("time,value\n2001,1\n2002,2\n", Calendar::Annual, &[1.0, 2.0]);
        check("time,value\n2001-01,1\n2001-02,2.5\n", Calendar::Monthly, &[1.0, 2.5]);
        check("2001-10,1\n2002-01,2\n", Calendar::Quarterly, &[1.0, 2.0]);
        check("time,value\r\n2001-01-01,1\r\n2001-01-09,2\r\n", Calendar::Dated, &[1.0, 2.0]);
        check("1\n2\n\n3\n", Calendar::None, &[1.0, 2.0, 3.0]);
        check("value\n1e3\n-2\n", Calendar::None, &[1000.0, -2.0]);
        check("", Calendar::None, &[]);
    }

    #[test]
    fn what_is_no_number_is_named_with_its_line() {
        for (text, line) in [("1\nx\n", ":2:"), ("time,value\n2001,\n", ":2:"), ("1\n2\nNaN\n", ":3:")] {
            let error = Lines::new("t.csv", Box::new(text.as_bytes())).find_map(Result::err).unwrap();
            assert_eq!(error.exit_code(), 6);
            assert!(error.to_string().contains(line), "{text:?}: {error}");
        }
    }
}
