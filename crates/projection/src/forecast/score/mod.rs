//! Scores of forecasts: pure functions on numbers.
//!
//! Names and formulas are those of `scoringrules` and of Gneiting & Raftery (2007), "Strictly proper scoring rules,
//! prediction, and estimation". All are negatively oriented: less is better. What nothing can be computed from is `None`.

mod category;
mod crps;
mod reliability;
mod skill;

pub use category::{CLIP, brier_multi, brier_score, log_score, log_score_clipped, rps_score};
pub use crps::{
    crps_ensemble, crps_lognormal, crps_normal, crps_quantile, crps_weighted, normal_cdf, quantile_score,
};
pub use reliability::{Bin, Murphy, Reliability, Weighted, reliability, reliability_weighted, sharpness};
pub use skill::{GainInterval, Interval, SkillInterval, gain_interval, skill, skill_interval};
