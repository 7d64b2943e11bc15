//! Behaviour of the store through its public face.

#[cfg(test)]
mod common;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod format;
#[cfg(test)]
mod property;
#[cfg(test)]
mod salvage;
#[cfg(test)]
mod tamper;
