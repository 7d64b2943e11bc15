//! `completions` and `man`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::app::App;
use crate::args::Cli;
use crate::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  bellwether completions bash > bellwether.bash
  bellwether completions zsh > _bellwether";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// Shell
    shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  bellwether man > bellwether.1\n  bellwether man | man -l -")]
pub(crate) struct ManArgs {}

pub(crate) fn completions(app: &mut App, args: &CompletionsArgs) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "bellwether", &mut text);
    app.out.bytes(&text)
}

pub(crate) fn man(app: &mut App, _: &ManArgs) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut text)?;
    app.out.bytes(&text)
}
