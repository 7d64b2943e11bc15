//! The balance: incentives for alignment minus incentives for separation.

use super::core::Core;
use crate::assessment::{BalanceState, Part};

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
    })
}
