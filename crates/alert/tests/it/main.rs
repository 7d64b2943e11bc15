//! Integration tests.

mod expressions;
