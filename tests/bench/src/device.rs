//! What a device's memory and its sessions cost on an emulated Cortex-M7, beside their limits.

use anyhow::{Context, Result, ensure};
use host::board::{Board, Memory};
use std::path::Path;

/// A figure of one of the boards' programs, what it is, and the most that it may be.
const LIMITS: [(&str, &str, &str, Option<u64>); 7] = [
    (
        "remembered",
        "open_instructions",
        "to open the store of 50 people with 3 centres of 512 elements",
        None,
    ),
    ("remembered", "enrol_instructions", "to enrol one more", None),
    ("remembered", "match_instructions", "to open and match all of them", Some(8_000_000)),
    ("remembered", "stranger_instructions", "the same for a stranger", Some(8_000_000)),
    ("session", "open_instructions", "for the board's side of a handshake", Some(10_000_000)),
    ("session", "forged_open_instructions", "to refuse a forged handshake", None),
    ("session", "unknown_hint_instructions", "to refuse an unknown administrator", None),
];

/// Prints the figures.
///
/// # Errors
/// When a program fails, or a figure is over its limit.
pub fn run(image: &Path) -> Result<()> {
    let board = Board::named(host::board::DEFAULT)?;
    let remembered = board.run_example("remembered", Some((image, Memory::External)))?;
    let session = board.run_example("session", None)?;
    let mut is_within = true;
    for (program, name, what, limit) in LIMITS {
        let text = if program == "session" { &session } else { &remembered };
        let value: u64 = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
            .with_context(|| format!("{program} prints no {name}:\n{text}"))?;
        let most = limit.map_or(String::new(), |limit| format!(" (at most {limit})"));
        println!("{value:>12} instructions {what}{most}");
        is_within &= limit.is_none_or(|limit| value <= limit);
    }
    ensure!(is_within, "a figure is over its limit");
    Ok(())
}
