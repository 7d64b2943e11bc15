//! Alerts from a fact that is pushed to the letter that somebody gets, with daemons that die and receivers that are away.

mod hostile;
mod http;
mod life;
mod once;
mod people;
mod world;
