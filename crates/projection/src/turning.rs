//! The balance in words: what would turn it, what its band comes from, what it would be in each scenario.

use crate::assessment::{BalanceState, BalanceTurn};

impl BalanceState {
    /// What would turn the balance, in words: each part alone, then the fewest together.
    pub fn turning(&self) -> Vec<String> {
        let Some(value) = self.value else { return Vec::new() };
        // Where one part does it, that one stands last of the parts alone, and nothing more is said.
        let one = match self.together.as_slice() {
            [one] => Some(one.id.as_str()),
            _ => None,
        };
        let mut parts: Vec<&BalanceTurn> = self.alone.iter().filter(|t| t.to.is_some()).collect();
        parts.sort_by_key(|t| one == Some(t.id.as_str()));
        let mut out: Vec<String> = parts.iter().map(|t| format!("alone: {}", way(t))).collect();
        if one.is_some() && !out.is_empty() {
            return out;
        }
        if out.is_empty() {
            out.push(format!("no part alone can bring {} to zero", signed(value, 1)));
        }
        out.push(match self.together.as_slice() {
            [] => "all parts that are known would not bring it to zero".to_owned(),
            list => format!("together: {}", list.iter().map(way).collect::<Vec<_>>().join("; ")),
        });
        out
    }

    /// What the balance would be in each scenario, in words; `None` where no part reads scenarios.
    pub fn by_scenario(&self) -> Option<String> {
        let value = self.value?;
        let known: Vec<(&str, f64)> =
            self.under.iter().filter_map(|u| Some((short(&u.id), u.value?))).collect();
        let each: Vec<String> = known.iter().map(|(id, v)| format!("{} under {id}", signed(*v, 1))).collect();
        let turns: Vec<&str> =
            known.iter().filter(|(_, v)| (*v < 0.0) != (value < 0.0)).map(|k| k.0).collect();
        let words = match turns.as_slice() {
            [] => "none of them alone turns it".to_owned(),
            list => format!("turned by {}", list.join(", ")),
        };
        (!each.is_empty()).then(|| format!("{}, figures as they stand; {words}", each.join(", ")))
    }

    /// What the band comes from, in words.
    pub fn band_from(&self) -> Option<String> {
        let words = |from: &str| match from {
            "missing" => "missing parts",
            "weak" => "floors and weak sources",
            "bounds" => "bounds whose figures may have moved",
            _ => "which scenario holds",
        };
        let parts = self.band.iter().filter(|p| p.points > 0.0);
        let each: Vec<String> = parts.map(|p| format!("{} {:.1}", words(&p.from), p.points)).collect();
        (!each.is_empty()).then(|| format!("points of width by {}", each.join(", ")))
    }
}

fn way(turn: &BalanceTurn) -> String {
    let name = if turn.title.is_empty() { turn.id.clone() } else { format!("{} ({})", turn.title, turn.id) };
    let level = |l: Option<f64>| l.map_or("unknown".to_owned(), |l| signed(l, 1));
    let (from, to) = match (turn.unit.as_deref(), turn.value, turn.value_to) {
        (Some(unit), Some(from), Some(to)) => (figure(from, unit), figure(to, unit)),
        _ => (level(turn.level), level(turn.level_to)),
    };
    let to_points = turn.to.map_or("unknown".to_owned(), |to| signed(to, 2));
    format!("{name} from {from} to {to} ({} to {to_points} points)", signed(turn.points, 2))
}

fn short(id: &str) -> &str {
    id.strip_prefix("scenario.").unwrap_or(id)
}

fn signed(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let zero = text.chars().all(|c| matches!(c, '0' | '.'));
    let sign = match value {
        _ if zero => "",
        v if v < 0.0 => "−",
        _ => "+",
    };
    format!("{sign}{text}")
}

/// A figure in its unit, at most three significant decimals; shares and probabilities in per cent.
fn figure(value: f64, unit: &str) -> String {
    if matches!(unit, "share" | "probability") {
        return format!("{} %", decimal(100.0 * value));
    }
    let sizes = [(1e12, " tn"), (1e9, " bn"), (1e6, " mn")];
    let (size, name) = sizes.into_iter().find(|(size, _)| value.abs() >= *size).unwrap_or((1.0, ""));
    format!("{}{name} {unit}", decimal(value / size)).trim_end().to_owned()
}

fn decimal(value: f64) -> String {
    let decimals = if value.abs() >= 100.0 {
        0
    } else if value.abs() >= 1.0 {
        1
    } else {
        3
    };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.replacen('-', "−", 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_no_sign() {
        assert_eq!([-0.001, 0.0, 0.5, -0.5].map(|v| signed(v, 2)), ["0.00", "0.00", "+0.50", "−0.50"]);
    }

    #[test]
    fn figures_for_people() {
        let cases = [
            (0.528, "share", "52.8 %"),
            (0.41, "share", "41 %"),
            (38.82e9, "m3", "38.8 bn m3"),
            (-0.5, "step", "−0.5 step"),
        ];
        for (value, unit, want) in cases {
            assert_eq!(figure(value, unit), want);
        }
    }
}
