//! Integration tests of the detectors, one binary.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper of tests stops where it fails, as a test does"
)]

mod focus;
mod gls;
mod gls_golden;
mod gls_new_year;
mod noise;
mod posterior;
mod rate;
mod regime;
mod silence;
mod variance;
