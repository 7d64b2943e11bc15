//! Chinese New Year: it moves between 21 January and 20 February, so the two months are read as one.

use serde::{Deserialize, Serialize};

/// Joins January and February of a monthly series into one observation, their mean, so that the year has eleven:
/// read the result with [`Calendar::MonthlyJoined`](super::Calendar::MonthlyJoined).
///
/// The holiday falls wholly into the two months together, so the join takes its move out of the series without
/// needing its dates. A regressor of holiday days would keep twelve months, but needs five years to be estimated and
/// was not found to be needed. Chinese statistics publish the two months joined for the same reason.
///
/// The joined observation comes with February: nothing is known early. A first February without its January is left
/// out.
///
/// ```
/// use bellwether_detect::gls::NewYear;
///
/// let mut join = NewYear::starting_in(12).unwrap();
/// let joined: Vec<_> = [50.0, 30.0, 40.0, 55.0].into_iter().map(|v| join.push(v)).collect();
/// assert_eq!(joined, [Some(50.0), None, Some(35.0), Some(55.0)]);
/// assert!(NewYear::starting_in(13).is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewYear {
    /// Month of the next observation, 1 to 12.
    month: u8,
    january: Option<f64>,
}

impl NewYear {
    /// For a series without gaps whose first observation is of this month, 1 to 12; `None` for another number.
    pub fn starting_in(month: u8) -> Option<Self> {
        (1..=12).contains(&month).then_some(Self { month, january: None })
    }

    /// Reads the next month. `None` for January, which waits for February.
    pub fn push(&mut self, value: f64) -> Option<f64> {
        let month = self.month;
        self.month = month % 12 + 1;
        match month {
            1 => {
                self.january = Some(value);
                None
            }
            2 => self.january.take().map(|january| f64::midpoint(january, value)),
            _ => Some(value),
        }
    }

    /// Joins a whole series; beside each value the index of its last month in `months`.
    pub fn join(mut self, months: &[f64]) -> Vec<(usize, f64)> {
        months.iter().enumerate().filter_map(|(i, v)| Some((i, self.push(*v)?))).collect()
    }
}
