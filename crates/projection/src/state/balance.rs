//! The balance: incentives for alignment minus incentives for separation, and what would turn it.

use bellwether_model::framework::{As, Balance, Constraint as ConstraintRow};

use super::core::Core;
use super::measure::transformed_back;
use super::pressing::Pressing;
use super::relation::Constraint;
use super::strength::{PartPoints, Sum, Width};
use crate::assessment::{BalanceState, BalanceTurn, BalanceUnder, BandPart, Part};

/// State of the balance, when the framework has one.
pub(crate) fn balance_state(core: &Core<'_>) -> Option<BalanceState> {
    let row = core.framework.balance.as_ref()?;
    let sum = core.balance.as_ref()?;
    Some(BalanceState {
        id: row.id.clone(),
        value: sum.level,
        low: sum.low,
        high: sum.high,
        parts: sum.parts.iter().map(|p| Part { id: p.id.clone(), points: p.points }).collect(),
        alone: sum.level.map(|value| alone(core, row, sum, value)).unwrap_or_default(),
        together: sum.level.map(|value| together(core, row, sum, value)).unwrap_or_default(),
        band: sum.level.map(|_| band(sum)).unwrap_or_default(),
        under: sum.level.map(|_| under(core)).unwrap_or_default(),
    })
}

/// What the width of the band comes from.
fn band(sum: &Sum) -> Vec<BandPart> {
    let Width { missing, weak, bounds, scenarios } = sum.width;
    let parts = [("missing", missing), ("weak", weak), ("bounds", bounds), ("scenarios", scenarios)];
    parts.map(|(from, points)| BandPart { from: from.to_owned(), points: points + 0.0 }).to_vec()
}

/// The value in each scenario, by all the rows that read one.
fn under(core: &Core<'_>) -> Vec<BalanceUnder> {
    if core.outside().scenarios.is_empty() {
        return Vec::new();
    }
    let certain = |held: &str| given(core, |id| f64::from(u8::from(id == held)));
    let scenarios = core.framework.scenarios.iter();
    scenarios.map(|s| BalanceUnder { id: s.id.clone(), value: certain(&s.id) }).collect()
}

/// The value with scenarios as probable as told and everything else as it stands.
pub(crate) fn given(core: &Core<'_>, probability: impl Fn(&str) -> f64) -> Option<f64> {
    let mut other = core.clone();
    other.compose(core.outside().with(probability));
    other.balance?.level
}

/// A part with the room that it has.
struct Room<'a> {
    part: &'a PartPoints,
    points: f64,
    low: f64,
    high: f64,
}

/// Parts that say something, in id order.
fn rooms<'a>(core: &Core<'_>, row: &Balance, sum: &'a Sum) -> Vec<Room<'a>> {
    let room = |part: &'a PartPoints| {
        let input = row.inputs.iter().find(|i| i.of == part.id && i.reading == part.reading)?;
        let [least, most] = match bound(core, &part.id) {
            // As far as its figure alone can make it press.
            Some((row, _, pressing)) => {
                [0.0, row.presses].map(|own| (own + pressing.besides()).clamp(0.0, 1.0))
            }
            // Positions on a scale and probabilities begin at zero.
            None if matches!(input.reading, As::Scale | As::Probability) => [0.0, 1.0],
            None => [-1.0, 1.0],
        };
        let scale = 100.0 * part.weight * part.sign;
        let (a, b) = (scale * least, scale * most);
        Some(Room { part, points: part.points?, low: a.min(b), high: a.max(b) })
    };
    sum.parts.iter().filter_map(room).collect()
}

/// The constraint of that id.
fn bound<'c>(core: &'c Core<'_>, id: &str) -> Option<(&'c ConstraintRow, &'c Constraint, &'c Pressing)> {
    let at = core.framework.constraints.iter().position(|c| c.id == id)?;
    Some((core.framework.constraints.get(at)?, core.constraints.get(at)?, core.pressing.get(at)?))
}

/// Where a part is one figure: its unit, and the figure of a strength between −1 and 1.
type Figure<'c> = (String, Option<f64>, Box<dyn Fn(f64) -> Option<f64> + 'c>);

fn figure<'c>(core: &'c Core<'_>, part: &PartPoints) -> Option<Figure<'c>> {
    let id = part.id.as_str();
    if let Some((row, state, pressing)) = bound(core, id) {
        let (_, measure) = core.measure(&row.of)?;
        let at = move |strength: f64| Some(state.value_at((strength - pressing.besides()) / row.presses));
        return Some((measure.unit.clone(), state.value, Box::new(at)));
    }
    if part.reading == As::Probability {
        let now = core.outside().scenarios.get(id)?.value;
        return Some(("probability".to_owned(), now, Box::new(Some)));
    }
    let (eval, measure) = core.measure(id)?;
    let at: Box<dyn Fn(f64) -> Option<f64> + 'c> = match part.reading {
        As::Scale => {
            let [low, high] = measure.scale.unwrap_or([0.0, 1.0]);
            Box::new(move |strength| Some(low + strength * (high - low)))
        }
        As::Distance => {
            let (centre, sigma) = eval.baseline_centre?;
            // tanh never reaches its ends.
            Box::new(move |strength: f64| {
                let z = (strength.abs() < 1.0).then(|| 2.0 * libm::atanh(strength))?;
                Some(transformed_back(measure, centre + sigma * z))
            })
        }
        As::Probability | As::Shift => return None,
    };
    Some((measure.unit.clone(), eval.reading, at))
}

/// Heading of a row.
fn title(core: &Core<'_>, id: &str) -> String {
    let f = core.framework;
    let composites = [&f.characters, &f.roles, &f.drivers, &f.frictions, &f.implications];
    let rows = composites.into_iter().flatten().map(|c| (&c.id, &c.title));
    let bounds = f.constraints.iter().map(|c| (&c.id, &c.title));
    let gaps = f.asymmetries.iter().map(|a| (&a.id, &a.title));
    let scenarios = f.scenarios.iter().map(|s| (&s.id, &s.title));
    let domains = f.domains.iter().map(|d| (&d.id, &d.title));
    let measures = f.all_measures().map(|m| (&m.id, &m.title));
    let mut all = rows.chain(bounds).chain(gaps).chain(scenarios).chain(domains).chain(measures);
    all.find(|(row, _)| *row == id).map(|(_, title)| title.clone()).unwrap_or_default()
}

fn turn(core: &Core<'_>, room: &Room<'_>, to: f64, reached: bool) -> BalanceTurn {
    let scale = room.part.weight * room.part.sign;
    let level = |points: f64| if scale == 0.0 { None } else { Some(points / scale + 0.0) };
    let level_to = level(to).filter(|_| reached);
    let (unit, value, at) = match figure(core, room.part) {
        Some((unit, value, at)) => (Some(unit), value, Some(at)),
        None => (None, None, None),
    };
    BalanceTurn {
        id: room.part.id.clone(),
        points: room.points,
        to: reached.then_some(to + 0.0),
        level: level(room.points),
        level_to,
        title: title(core, &room.part.id),
        unit,
        value,
        value_to: level_to.zip(at).and_then(|(level, at)| at(level / 100.0)),
    }
}

/// For each part, where it would have to be for the balance to be zero with all else as it is.
fn alone(core: &Core<'_>, row: &Balance, sum: &Sum, value: f64) -> Vec<BalanceTurn> {
    rooms(core, row, sum)
        .iter()
        .map(|room| {
            let to = room.points - value;
            turn(core, room, to, (room.low..=room.high).contains(&to))
        })
        .collect()
}

/// Fewest parts that bring the balance to zero together: those with the most room, each to its end but the last. Empty
/// when all of them would not do.
fn together(core: &Core<'_>, row: &Balance, sum: &Sum, value: f64) -> Vec<BalanceTurn> {
    let mut rooms = rooms(core, row, sum);
    let reach = |room: &Room<'_>| if value > 0.0 { room.points - room.low } else { room.high - room.points };
    rooms.sort_by(|a, b| reach(b).total_cmp(&reach(a)).then_with(|| a.part.id.cmp(&b.part.id)));
    let mut left = value.abs();
    let mut out = Vec::new();
    for room in &rooms {
        if left <= 0.0 {
            break;
        }
        let step = reach(room).min(left);
        if step <= 0.0 {
            return Vec::new();
        }
        left -= step;
        let to = if value > 0.0 { room.points - step } else { room.points + step };
        out.push(turn(core, room, to, true));
    }
    if left > 0.0 { Vec::new() } else { out }
}
