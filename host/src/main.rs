//! The program: parses the command line, runs the command, and ends with an exit code.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod cli;

use std::process::ExitCode;

use clap::Parser;
use host::output::Unprintable;
use host::{interrupt, output, usage};

/// The command line is wrong.
const WRONG_USE: u8 = 2;

fn main() -> ExitCode {
    // The program also works if signals cannot be watched.
    let _ = interrupt::watch();
    let command = match cli::Cli::try_parse() {
        Ok(command) => command,
        Err(error) if error.use_stderr() => {
            let _ = error.print();
            return ExitCode::from(WRONG_USE);
        }
        Err(help) => return end(output::print(help.render().to_string().as_bytes()).map_err(Into::into)),
    };
    let outcome = command.run();
    interrupt::settle();
    end(outcome)
}

fn end(outcome: anyhow::Result<()>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    if error.downcast_ref::<Unprintable>().is_some_and(Unprintable::is_closed) {
        interrupt::end_by_closed_pipe();
    }
    output::step(&format!("error: {error:#}"));
    if usage::is_wrong_use(&error) { ExitCode::from(WRONG_USE) } else { ExitCode::FAILURE }
}
