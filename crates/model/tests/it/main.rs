//! Configuration files through the model's public face: text in, findings out.

#[cfg(test)]
mod framework;
#[cfg(test)]
mod questions;
