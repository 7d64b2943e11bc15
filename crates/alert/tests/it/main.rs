//! Integration tests: rule files, the life of alerts, what mutes them, the log followed and replayed; the outbox, and
//! receivers against real servers.

mod bundled;
mod expressions;
mod follow;
mod life;
mod mute;
mod outbox;
mod shifts;
mod support;
mod why;
mod world;
