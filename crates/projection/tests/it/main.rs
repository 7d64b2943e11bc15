//! Tests of the projections on the bundled history and on generated facts.

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod bundled;
#[cfg(test)]
mod expectations;
#[cfg(test)]
mod filter;
#[cfg(test)]
mod forecast;
#[cfg(test)]
mod outlook;
#[cfg(test)]
mod outside;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod repeats;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod shifts;
#[cfg(test)]
mod silence;
#[cfg(test)]
mod spread;
#[cfg(test)]
mod steps;
#[cfg(test)]
mod support;
#[cfg(test)]
mod traps;
