//! The program: parse, call, exit code.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use host::cli::{Cli, Command};
use host::commands::{evaluate, export, inspect, simulate};

fn main() -> ExitCode {
    // A wrong command line ends here with exit code 2.
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Inspect { model, json } => {
            let inspection = inspect::inspect(&model)?;
            show(json, &inspection, |inspection| inspect::print(&model, inspection))
        }
        Command::Export(arguments) => export::run(&arguments),
        Command::Simulate { image, photos, json } => {
            let answers = simulate::simulate(&image, &photos)?;
            show(json, &answers, |answers| simulate::print(answers))
        }
        Command::Evaluate { image, pairs, photos, model, json } => {
            let evaluation = evaluate::evaluate(&image, &pairs, &photos, model.as_deref())?;
            show(json, &evaluation, evaluate::print)
        }
    }
}

fn show<T: serde::Serialize>(json: bool, value: &T, print: impl Fn(&T)) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(value)?);
    } else {
        print(value);
    }
    Ok(())
}
