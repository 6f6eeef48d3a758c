//! Random operations and random failures of the supply, for every word and every way to tear: a table of what was tried
//! and what was found.
//!
//! ```text
//! cargo run --release -p store --example cuts -- CUTS
//! ```
//!
//! `CUTS` is the number of cuts for each row, 50,000 unless given. Ends with 1 if anything was found.

#[path = "../src/tests/harness.rs"]
#[allow(dead_code, reason = "the unit tests use the rest")]
mod harness;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use harness::{Tally, Violation, wander};
use store::sim::Tear;

type Trial = fn(Tear, u64, u64) -> Tally;

const WORDS: [(usize, Trial); 4] = [(1, wander::<1>), (4, wander::<4>), (8, wander::<8>), (32, wander::<32>)];
const OPERATIONS: u64 = 40;

/// Trials until there have been so many cuts.
fn trials(trial: Trial, tear: Tear, cuts: u64) -> Tally {
    let (sum, next) = (Mutex::new(Tally::default()), AtomicU64::new(0));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while sum.lock().expect("no panic").cuts < cuts {
                    let tally = trial(tear, next.fetch_add(1, Ordering::Relaxed), OPERATIONS);
                    sum.lock().expect("no panic").add(&tally);
                }
            });
        }
    });
    sum.into_inner().expect("no panic")
}

fn main() -> ExitCode {
    let cuts = match std::env::args().nth(1).map(|text| text.parse()) {
        None => 50_000,
        Some(Ok(cuts)) => cuts,
        Some(Err(_)) => {
            eprintln!("cuts: the number of cuts for each row");
            return ExitCode::from(2);
        }
    };
    let columns = ["lost", "revived", "left", "back", "fails", "id", "nonce", "order"];
    print!("word tear       operations     cuts   silent");
    columns.iter().for_each(|column| print!(" {column:>7}"));
    println!();
    let mut sum = Tally::default();
    for (word, trial) in WORDS {
        for tear in Tear::ALL {
            let tally = trials(trial, tear, cuts);
            print!(
                "{word:4} {:10} {:10} {:8} {:8}",
                format!("{tear:?}"),
                tally.operations,
                tally.cuts,
                tally.silent
            );
            tally.violations.iter().for_each(|count| print!(" {count:7}"));
            println!();
            sum.add(&tally);
        }
    }
    println!("sum: {} operations, {} cuts, {} silent failures", sum.operations, sum.cuts, sum.silent);
    let kinds = [Violation::Lost, Violation::Order].map(|kind| kind as usize);
    debug_assert_eq!(kinds, [0, columns.len() - 1]);
    if sum.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
