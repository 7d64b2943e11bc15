//! Forecast questions, their record and their scores.

mod scores;
mod backcast;
