//! Forecast questions, their record and their scores.

mod backcast;
mod record;
mod scores;
mod states;
