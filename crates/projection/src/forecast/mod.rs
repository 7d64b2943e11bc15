//! Forecast questions: probabilities, answers, the record, and how good it was.
pub mod score;
