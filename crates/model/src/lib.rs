//! The vocabulary that every other crate of Bellwether speaks.
//!
//! What is here: the [`Fact`] and the logged [`Record`], valid time ([`Period`]) and known time
//! ([`Stamp`], [`Basis`], [`View`]), the Admiralty [`Grade`], the fact-type registry
//! ([`FactTypes`], `config/facts.toml`), the framework file format ([`framework`]) and what an expression in such
//! files may cost ([`expression`]), and forecast questions ([`question`]).
//!
//! What is absent on purpose: IO, a clock, randomness, threads. Parsing takes text and the name to
//! blame; every error is a [`Problem`] that names file, line, field, the offending text and the remedy.

mod count;
pub mod expression;
mod fact;
pub mod framework;
mod grade;
mod locate;
mod near;
mod period;
mod problem;
mod publisher;
pub mod question;
mod record;
mod secret;
mod stamp;
mod types;
mod view;

pub use count::counted;
pub use fact::{Attributes, Basis, Evidence, Fact, NAMESPACE, Op, base_key};
pub use grade::Grade;
pub use locate::{Locator, Step};
pub use period::{Period, PeriodClass, Precision};
pub use problem::{Problem, Problems};
pub use publisher::family;
pub use record::{Body, Record, System};
pub use rust_decimal::Decimal;
pub use secret::Secret;
pub use stamp::{Stamp, format_moment, parse_moment};
pub use types::{FactType, FactTypes, Plausible, Temporal, ValueRule};
pub use view::{Clock, KnownBasis, View};
