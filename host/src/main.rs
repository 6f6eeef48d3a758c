//! The program: parse, call, exit code.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use host::board::Board;
use host::cli::{Cli, Command};
use host::commands::recognise::Place;
use host::commands::{align, demo, evaluate, export, flash, inspect, recognise, simulate};
use host::face::Gates;

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
        Command::Demo { data, output, board, json } => {
            let demo = demo::demo(&data, &output, Board::named(&board)?)?;
            show(json, &demo, demo::print)?;
            demo::judge(&demo)
        }
        Command::Align { photos, output, size, face, detector, no_quality, json } => {
            let gates = (!no_quality).then(Gates::default);
            let job = align::Job { photos, output, size, choice: face, detector, gates };
            let report = align::align(&job)?;
            show(json, &report, align::print)
        }
        Command::Export(arguments) => export::run(&arguments),
        Command::Simulate { image, photos, json } => {
            let answers = simulate::simulate(&image, &photos)?;
            show(json, &answers, |answers| simulate::print(answers))
        }
        Command::Flash { image, board, json } => {
            let hello = flash::flash(&image, Board::named(&board)?)?;
            show(json, &hello, flash::print)
        }
        Command::Recognise { image, photos, board, port, baud, json } => {
            let place = match port {
                Some(path) => Place::Port { path, baud, image },
                None => Place::Emulated { board: Board::named(&board)?, image },
            };
            let answers = recognise::recognise(&place, &photos)?;
            show(json, &answers, |answers| recognise::print(answers))
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
