//! Integration tests: rule files, the life of alerts, what mutes them, the log followed and replayed; backtests; the outbox,
//! and receivers against real servers.

#[cfg(test)]
mod backtest;
#[cfg(test)]
mod bundled;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod expressions;
#[cfg(test)]
mod follow;
#[cfg(test)]
mod life;
#[cfg(test)]
mod mute;
mod outbox;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod shifts;
#[cfg(test)]
mod support;
#[cfg(test)]
mod why;
#[cfg(test)]
mod world;
