//! The bellwether command line: parses, runs, and turns what went wrong into an exit code.
//!
//! Data goes to standard output, everything else to standard error; this is the only crate that prints.

mod alerts;
mod app;
mod args;
mod commands;
mod config;
mod failure;
mod logging;
mod out;
mod reading;
mod remote;
mod render;

use std::process::ExitCode;

use bellwether_server::near;
use clap::Parser;

fn main() -> ExitCode {
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => {
            // Help and version come this way too; when nobody reads them there is nobody to tell.
            let _ = told.print();
            return ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(2));
        }
    };
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            ExitCode::from(failure.exit_code())
        }
    }
}
