//! Failures of the supply, for every word and every way to tear: a table of what was tried and what was found. First at
//! every step of a script, and at every step of the next start; then at random, in random operations.
//!
//! ```text
//! cargo run --release -p store --example cuts -- CUTS
//! ```
//!
//! `CUTS` is the number of random cuts for each row, 50,000 unless given. Ends with 1 if anything was found.

#[path = "../src/tests/harness.rs"]
#[allow(dead_code, reason = "the unit tests use the rest")]
mod harness;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use harness::{KINDS, SCRIPT, Tally, exhaust, wander};
use store::sim::Tear;

/// A word, its trial of every step, and its trial of random ones.
type Word = (usize, fn(Tear) -> Tally, fn(Tear, u64) -> Tally);

fn word<const WORD: usize>() -> Word {
    (WORD, |tear| exhaust::<WORD>(tear, &SCRIPT, 2), |tear, seed| wander::<WORD>(tear, seed, 40))
}

/// As [`harness::Violation`].
const COLUMNS: [&str; KINDS] = ["lost", "revived", "left", "back", "fails", "id", "nonce", "order"];

/// Random trials until there have been so many cuts.
fn random(trial: fn(Tear, u64) -> Tally, tear: Tear, cuts: u64) -> Tally {
    let (sum, next) = (Mutex::new(Tally::default()), AtomicU64::new(0));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while sum.lock().expect("no panic").cuts < cuts {
                    let tally = trial(tear, next.fetch_add(1, Ordering::Relaxed));
                    sum.lock().expect("no panic").add(&tally);
                }
            });
        }
    });
    sum.into_inner().expect("no panic")
}

/// Prints a row for every word and every way to tear, and their sum.
fn table(title: &str, words: &[Word], trials: impl Fn(&Word, Tear) -> Tally) -> Tally {
    println!("{title}");
    print!("word tear       operations     cuts   silent");
    COLUMNS.iter().for_each(|column| print!(" {column:>7}"));
    println!();
    let mut sum = Tally::default();
    for word in words {
        for tear in Tear::ALL {
            let tally = trials(word, tear);
            let Tally { operations, cuts, silent, violations } = tally;
            print!("{:4} {:10} {operations:10} {cuts:8} {silent:8}", word.0, format!("{tear:?}"));
            violations.iter().for_each(|count| print!(" {count:7}"));
            println!();
            sum.add(&tally);
        }
    }
    println!("sum: {} operations, {} cuts, {} silent failures\n", sum.operations, sum.cuts, sum.silent);
    sum
}

fn main() -> ExitCode {
    let cuts = match std::env::args().nth(1).map(|text| text.parse()) {
        None => 50_000,
        Some(Ok(cuts)) => cuts,
        Some(Err(_)) => {
            eprintln!("cuts: the number of random cuts for each row");
            return ExitCode::from(2);
        }
    };
    let words = [word::<1>(), word::<4>(), word::<8>(), word::<32>()];
    let mut sum = table("every step", &words, |(_, every, _), tear| every(tear));
    sum.add(&table("random steps", &words, |(_, _, trial), tear| random(*trial, tear, cuts)));
    if sum.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
