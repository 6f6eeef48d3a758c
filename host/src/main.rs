//! The program: parse, call, exit code.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use host::board::Board;
use host::cli::{Cli, Command};
use host::commands::recognise::Place;
use host::commands::{align, bench, demo, evaluate, export, flash, gallery, inspect, recognise, simulate};
use host::face::Gates;
use host::output::show;

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
        Command::Inspect { model, board, clock, json } => {
            let boards: Vec<&Board> = board.iter().map(|name| Board::named(name)).collect::<Result<_>>()?;
            let inspection = inspect::inspect(&model, &boards, clock)?;
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
        Command::Simulate { image, photos, reading, json } => {
            let answers = simulate::simulate(&image, &photos, &reading)?;
            show(json, &answers, |answers| simulate::print(answers))
        }
        Command::Flash { image, board, memory, json } => {
            let hello = flash::flash(&image, Board::named(&board)?, memory)?;
            show(json, &hello, flash::print)
        }
        Command::Recognise { image, photos, reading, board, memory, port, baud, json } => {
            let place = match port {
                Some(path) => Place::Port { path, baud, image },
                None => Place::Emulated { board: Board::named(&board)?, image, memory },
            };
            let answers = recognise::recognise(&place, &photos, &reading)?;
            show(json, &answers, |answers| recognise::print(answers))
        }
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Gallery { command } => gallery::run(&command),
    }
}
