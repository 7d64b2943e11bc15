//! `watch --once`.
