//! Integration tests: rule files, the life of alerts, what mutes them, the log followed and replayed.

mod backtest;
mod bundled;
mod expressions;
mod follow;
mod life;
mod mute;
mod reference;
mod shifts;
mod support;
mod why;
mod world;
