//! Figures for people.

use bellwether_model::framework::Kind;
use bellwether_model::{Period, PeriodClass, parse_moment};
use bellwether_projection::{Span, Trajectory, Trend};

pub(crate) use bellwether_model::counted;

use super::Style;

/// What stands for a figure that is not known.
pub(crate) const UNKNOWN: &str = "–";

/// A figure with at most three significant decimals, large ones shortened: 244.8 bn.
pub(crate) fn compact(value: f64) -> String {
    for (size, name) in [(1e12, " tn"), (1e9, " bn"), (1e6, " mn")] {
        if value.abs() >= size {
            return format!("{}{name}", short(value / size));
        }
    }
    short(value)
}

fn short(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 100.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.replacen('-', "−", 1) }
}

/// A figure with its unit; shares as percentages.
pub(crate) fn quantity(value: f64, unit: &str) -> String {
    match unit {
        "share" => format!("{}%", short(value * 100.0)),
        "ordinal" | "" => compact(value),
        "USD_per_barrel" => format!("{} USD/bbl", compact(value)),
        "TIV_million" => format!("{} mn TIV", compact(value)),
        unit => format!("{} {unit}", compact(value)),
    }
}

/// Two figures, the unit named once.
pub(crate) fn quantity_range(low: f64, high: f64, unit: &str) -> String {
    let first = if unit == "share" { quantity(low, unit) } else { compact(low) };
    format!("{first} and {}", quantity(high, unit))
}

/// A difference between two values, with its unit.
pub(crate) fn difference(value: f64, unit: &str) -> String {
    if unit == "share" { format!("{} pp", short(value * 100.0)) } else { quantity(value, unit) }
}

/// A probability, which is never quite 0 or 1.
pub(crate) fn probability(p: f64) -> String {
    match p {
        p if p < 0.01 => "<1%".to_owned(),
        p if p > 0.99 => ">99%".to_owned(),
        p => format!("{:.0}%", p * 100.0),
    }
}

/// Probabilities of which one must come true, as whole percentages that add to 100: each is cut, and what is left goes to
/// the largest remainders.
pub(crate) fn probabilities(all: &[f64]) -> Vec<String> {
    let total: f64 = all.iter().sum();
    let exact: Vec<f64> = all.iter().map(|p| 100.0 * p / total).collect();
    let mut whole: Vec<f64> = exact.iter().map(|p| p.floor()).collect();
    let left = (100.0 - whole.iter().sum::<f64>()).max(0.0) as usize;
    let mut order: Vec<usize> = (0..all.len()).collect();
    let rest = |at: &usize| exact.get(*at).map_or(0.0, |p| p - p.floor());
    order.sort_by(|a, b| rest(b).total_cmp(&rest(a)).then(a.cmp(b)));
    for at in order.into_iter().take(left) {
        whole.get_mut(at).into_iter().for_each(|p| *p += 1.0);
    }
    let written = |p: f64| match p {
        p if p < 1.0 => "<1%".to_owned(),
        p if p > 99.0 => ">99%".to_owned(),
        p => format!("{p:.0}%"),
    };
    whole.into_iter().map(written).collect()
}

/// How well the best scenario fits, and on how many readings that rests.
pub(crate) fn fit_words(fit: Option<f64>, readings: Option<usize>) -> String {
    let on = readings.map_or(String::new(), |n| format!(" on {}", counted(n, "reading", "readings")));
    fit.map_or("fit unknown".to_owned(), |fit| format!("fit of the best: {fit:.2}{on}"))
}

/// An exact or lower value with its unit.
pub(crate) fn value_or_floor(value: Option<f64>, at_least: Option<f64>, unit: &str) -> String {
    match (value, at_least) {
        (Some(value), _) => quantity(value, unit),
        (None, Some(floor)) => format!("≥ {}", quantity(floor, unit)),
        (None, None) => UNKNOWN.to_owned(),
    }
}

/// Points with their sign.
pub(crate) fn points(value: Option<f64>) -> String {
    value.map_or(UNKNOWN.to_owned(), |v| signed(v, 0))
}

/// A figure with its sign and this many decimals.
pub(crate) fn signed(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let zero = text.chars().all(|c| matches!(c, '0' | '.'));
    let sign = if zero {
        ""
    } else if value < 0.0 {
        "−"
    } else {
        "+"
    };
    format!("{sign}{text}")
}

/// A change on year: relative for levels and counts, a difference for shares and scales.
pub(crate) fn on_year(change: Option<f64>, kind: Kind) -> String {
    let Some(change) = change else { return UNKNOWN.to_owned() };
    match kind {
        Kind::Level | Kind::Count if change.abs() >= 10.0 => format!("{}×", short(change + 1.0)),
        Kind::Level | Kind::Count => format!("{}%", signed(change * 100.0, 0)),
        Kind::Share => format!("{} pp", signed(change * 100.0, 1)),
        Kind::Ordinal => signed(change, 0),
    }
}

/// Ends of a band.
pub(crate) fn band(low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("{}…{}", signed(low, 0), signed(high, 0)),
        _ => UNKNOWN.to_owned(),
    }
}

/// A bar from −100 to 100 with its middle marked.
pub(crate) fn bar(value: Option<f64>) -> String {
    const HALF: usize = 5;
    let Some(value) = value else { return format!("{0}┊{0}", " ".repeat(HALF)) };
    let filled = ((value.abs() / 100.0 * HALF as f64).round() as usize).min(HALF);
    let (full, rest) = ("█".repeat(filled), "·".repeat(HALF - filled));
    let empty = "·".repeat(HALF);
    if value < 0.0 { format!("{rest}{full}┊{empty}") } else { format!("{empty}┊{full}{rest}") }
}

/// A bar from 0 to 1.
pub(crate) fn share_bar(share: f64) -> String {
    const FULL: usize = 10;
    let filled = ((share * FULL as f64).round() as usize).min(FULL);
    format!("{}{}", "█".repeat(filled), "·".repeat(FULL - filled))
}

/// Values as a line of blocks, oldest first.
pub(crate) fn spark(values: &[f64]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let block = |value: &f64| {
        let at = if high > low { ((value - low) / (high - low) * 7.0).round() as usize } else { 3 };
        BLOCKS.get(at).copied().unwrap_or('▁')
    };
    values.iter().map(block).collect()
}

/// Direction of a number.
pub(crate) fn trend(trend: Trend) -> (&'static str, Style) {
    match trend {
        Trend::Up => ("▲", Style::Good),
        Trend::Flat => ("=", Style::Plain),
        Trend::Down => ("▼", Style::Bad),
        Trend::Unknown => (UNKNOWN, Style::Dim),
    }
}

/// Direction of a domain.
pub(crate) fn trajectory(trajectory: Trajectory) -> (&'static str, Style) {
    match trajectory {
        Trajectory::Converging => ("▲ converging", Style::Good),
        Trajectory::Stable => ("= stable", Style::Plain),
        Trajectory::Diverging => ("▼ diverging", Style::Bad),
        Trajectory::Unknown => ("– unknown", Style::Dim),
    }
}

/// A period by its calendar name; of one that has none, its last month.
pub(crate) fn short_period(span: Option<&Span>) -> String {
    let Some(span) = span else { return UNKNOWN.to_owned() };
    let name = label(&span.start, &span.end);
    match parse_moment(&span.end) {
        Ok(end) if name.contains('…') => {
            (end - chrono::Duration::microseconds(1)).format("to %Y-%m").to_string()
        }
        _ => name,
    }
}

/// A period by its calendar name: 2024, 2024-06, 2024 Q2, 2024 H1, 2024 to Jul.
pub(crate) fn label(start: &str, end: &str) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (Ok(s), Ok(e)) = (parse_moment(start), parse_moment(end)) else { return start.to_owned() };
    let Ok(whole) = Period::range(s, e) else { return start.to_owned() };
    let year = s.format("%Y");
    match whole.class() {
        PeriodClass::Year => year.to_string(),
        PeriodClass::Month(_) => s.format("%Y-%m").to_string(),
        PeriodClass::Quarter(n) => format!("{year} Q{n}"),
        PeriodClass::Half(n) => format!("{year} H{n}"),
        PeriodClass::YearToDate(n) => {
            let month = usize::try_from(n).ok().and_then(|n| MONTHS.get(n.checked_sub(1)?)).copied();
            format!("{year} to {}", month.unwrap_or_default())
        }
        PeriodClass::Days if whole.days() <= 1 => s.format("%Y-%m-%d").to_string(),
        PeriodClass::Days => {
            let last = e - chrono::Duration::microseconds(1);
            let same_year = s.format("%Y").to_string() == last.format("%Y").to_string();
            let to = last.format(if same_year { "%m-%d" } else { "%Y-%m-%d" });
            format!("{} … {to}", s.format("%Y-%m-%d"))
        }
    }
}

/// A bound as people say it: midnight is the end of the day before.
pub(crate) fn until(bound: &str) -> String {
    match parse_moment(bound) {
        Ok(at) if at.time() == chrono::NaiveTime::MIN => {
            at.date_naive().pred_opt().map_or(bound.to_owned(), |day| format!("the end of {day}"))
        }
        Ok(at) => at.format("%Y-%m-%d %H:%M:%SZ").to_string(),
        Err(_) => bound.to_owned(),
    }
}

/// Day of an instant.
pub(crate) fn day(instant: &str) -> &str {
    instant.get(..10).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_keep_their_sign() {
        for (value, unit, want) in [
            (244_819_000_000.0, "USD", "244.8 bn USD"),
            (0.955, "share", "95.5%"),
            (-4.25, "USD_per_barrel", "−4.25 USD/bbl"),
            (3.0, "ordinal", "3"),
            (108_470_000.0, "tonnes", "108.5 mn tonnes"),
            (-0.0, "", "0"),
        ] {
            assert_eq!(quantity(value, unit), want);
        }
        assert_eq!(value_or_floor(None, Some(7.0), "vetoes"), "≥ 7 vetoes");
        assert_eq!(signed(-0.2, 0), "0");
        assert_eq!(on_year(Some(0.263), Kind::Level), "+26%");
        assert_eq!(on_year(Some(-0.012), Kind::Share), "−1.2 pp");
    }

    #[test]
    fn counts_take_the_word_that_fits() {
        assert_eq!(counted(0_usize, "fact", "facts"), "0 facts");
        assert_eq!(counted(1_u64, "indicator has", "indicators have"), "1 indicator has");
        assert_eq!(counted(21_i64, "day", "days"), "21 days");
    }

    #[test]
    fn probabilities_of_one_date_add_to_a_hundred() {
        for (all, want) in [
            (vec![0.662, 0.146, 0.151, 0.041], ["66%", "15%", "15%", "4%"].as_slice()),
            (vec![0.335, 0.335, 0.33], &["34%", "33%", "33%"]),
            (vec![0.996, 0.004], &[">99%", "<1%"]),
            (vec![0.5, 0.5], &["50%", "50%"]),
        ] {
            assert_eq!(probabilities(&all), want);
        }
        assert_eq!(quantity_range(0.0, 0.5, "share"), "0% and 50%");
        assert_eq!(quantity_range(-5.0, 5.0, "USD_per_barrel"), "−5 and 5 USD/bbl");
    }

    #[test]
    fn bars_and_sparks() {
        assert_eq!(bar(Some(50.0)), "·····┊███··");
        assert_eq!(bar(Some(-100.0)), "█████┊·····");
        assert_eq!(spark(&[1.0, 2.0, 8.0]), "▁▂█");
        assert_eq!(spark(&[5.0, 5.0]), "▄▄");
        assert_eq!(share_bar(0.72), "███████···");
    }

    #[test]
    fn periods_have_calendar_names() {
        for (start, end, want) in [
            ("2024-01-01", "2025-01-01", "2024"),
            ("2024-06-01", "2024-07-01", "2024-06"),
            ("2024-04-01", "2024-07-01", "2024 Q2"),
            ("2024-01-01", "2024-08-01", "2024 to Jul"),
            ("2024-05-16", "2024-05-17", "2024-05-16"),
            ("2023-11-25", "2024-11-25", "2023-11-25 … 2024-11-24"),
            ("2024-02-03", "2024-05-04", "2024-02-03 … 05-03"),
        ] {
            assert_eq!(label(start, end), want);
        }
        assert_eq!(until("2022-07-01T00:00:00Z"), "the end of 2022-06-30");
    }
}
