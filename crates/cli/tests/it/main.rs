//! The libraries together: what no single crate can promise alone.

#[cfg(test)]
mod pure;
