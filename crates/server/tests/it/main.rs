//! The daemon in this process.
