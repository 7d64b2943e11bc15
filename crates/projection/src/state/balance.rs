//! The balance: incentives for alignment minus incentives for separation, and what would turn it.

use bellwether_model::framework::{As, Balance};

use super::core::Core;
use super::strength::{PartPoints, Sum};
use crate::assessment::{BalanceState, BalanceTurn, Part};

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
    })
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
        let input = row.inputs.iter().find(|i| i.of == part.id)?;
        let constraint = core.framework.constraints.iter().any(|c| c.id == part.id);
        // Constraints, positions on a scale and probabilities begin at zero.
        let least =
            if constraint || matches!(input.reading, As::Scale | As::Probability) { 0.0 } else { -1.0 };
        let scale = 100.0 * part.weight * part.sign;
        let (a, b) = (scale * least, scale);
        Some(Room { part, points: part.points?, low: a.min(b), high: a.max(b) })
    };
    sum.parts.iter().filter_map(room).collect()
}

fn turn(room: &Room<'_>, to: f64, reached: bool) -> BalanceTurn {
    let scale = room.part.weight * room.part.sign;
    let level = |points: f64| if scale == 0.0 { None } else { Some(points / scale + 0.0) };
    BalanceTurn {
        id: room.part.id.clone(),
        points: room.points,
        to: reached.then_some(to + 0.0),
        level: level(room.points),
        level_to: level(to).filter(|_| reached),
    }
}

/// For each part, where it would have to be for the balance to be zero with all else as it is.
fn alone(core: &Core<'_>, row: &Balance, sum: &Sum, value: f64) -> Vec<BalanceTurn> {
    rooms(core, row, sum)
        .iter()
        .map(|room| {
            let to = room.points - value;
            turn(room, to, (room.low..=room.high).contains(&to))
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
        out.push(turn(room, to, true));
    }
    if left > 0.0 { Vec::new() } else { out }
}
