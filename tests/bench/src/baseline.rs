//! The baseline: the agreed cost of the pinned networks, and the check that it has not grown.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use host::bench::boards::{Cost, Matching};
use host::bench::{Bench, Scope, bench};
use host::board::emulated;
use host::cost::{Core, Estimate};
use host::output;
use serde::{Deserialize, Serialize};

use crate::{figures, networks};

/// Share by which a figure may grow without an error.
const GROWTH: f64 = 0.02;
/// Largest error of the cost model for a whole network, as a share.
const MODEL: f64 = 0.10;

/// Most bytes of a Cortex-M7's code for networks and matching, without the operators that the default embedder does not have.
const ENGINE_BYTES: u64 = 32 << 10;

/// Number of enrolled people for which matching is counted.
const PEOPLE: usize = 1000;

/// Figures of a network on a board. Those of matching are for [`PEOPLE`] people.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Figures {
    instructions: u64,
    arena_bytes: u64,
    start_instructions: u64,
    decide_instructions: u64,
    certify_instructions: u64,
    confidence_instructions: u64,
}

impl Figures {
    fn new(cost: &Cost, matching: &Matching) -> Self {
        Figures {
            instructions: cost.instructions,
            arena_bytes: cost.arena_bytes,
            start_instructions: cost.start.instructions,
            decide_instructions: matching.decide,
            // A missing count becomes the largest number, because zero would pass as an improvement.
            certify_instructions: matching.certify.unwrap_or(u64::MAX),
            confidence_instructions: matching.confidence,
        }
    }

    /// Every figure with its name.
    fn named(&self) -> [(&'static str, u64); 6] {
        [
            ("instructions", self.instructions),
            ("bytes of arena", self.arena_bytes),
            ("instructions to start", self.start_instructions),
            ("instructions to decide", self.decide_instructions),
            ("instructions to decide and certify", self.certify_instructions),
            ("instructions to compute the confidence", self.confidence_instructions),
        ]
    }
}

/// Figures by network and board.
type Baseline = BTreeMap<String, BTreeMap<String, Figures>>;

fn path() -> PathBuf {
    suite::root().join("tests/bench/baseline.json")
}

/// Measures the real networks. Compares the figures with the baseline, or writes the baseline.
pub fn check(write: bool) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut baseline: Baseline = match std::fs::read(path()) {
        Ok(bytes) => serde_json::from_slice(&bytes).context("baseline.json cannot be read")?,
        Err(_) if write => Baseline::new(),
        Err(error) => return Err(error).context("baseline.json cannot be read"),
    };
    let mut grown = Vec::new();
    let [engine, added] = figures::engine()?;
    println!(
        "networks and matching on qemu-m7: {engine} bytes of code, and {added} for operators that the default embedder lacks"
    );
    if engine > ENGINE_BYTES {
        grown.push(format!(
            "networks and matching on qemu-m7: {engine} bytes of code, the limit is {ENGINE_BYTES}"
        ));
    }
    for network in networks::real(folder.path())? {
        let scope = Scope { boards: emulated().collect(), computer: None, galleries: vec![PEOPLE] };
        let measured = bench(&network.image, &scope)?;
        let agreed = baseline.entry(network.name.clone()).or_default();
        for (cost, crowded) in measured.boards.iter().zip(&measured.matching) {
            let figures = Figures::new(cost, &crowded.matching);
            let name = format!("{} on {}", network.name, cost.board);
            let estimated = estimate(&measured, &cost.board)?.instructions / figures.instructions as f64;
            let told: Vec<String> = figures.named().map(|(what, count)| format!("{count} {what}")).into();
            println!("{name}: {} (model: {estimated:.3} of the first)", told.join(", "));
            if write {
                agreed.insert(cost.board.clone(), figures);
                continue;
            }
            let before = agreed
                .get(&cost.board)
                .with_context(|| format!("the baseline has no {name}; check --write"))?;
            for ((what, before), (_, now)) in before.named().into_iter().zip(figures.named()) {
                grown.extend(growth(&name, what, before, now, "cargo run -p bench -- check --write"));
            }
            if (estimated - 1.0).abs() > MODEL {
                grown.push(format!(
                    "{name}: the model of costs gives {estimated:.3} of what was counted; fit it again"
                ));
            }
        }
    }
    if write {
        output::write_json(&path(), &baseline)?;
    }
    ensure!(grown.is_empty(), "{}", grown.join("\n"));
    Ok(())
}

fn estimate(bench: &Bench, board: &str) -> Result<Estimate> {
    let core = Core::of_board(board)?;
    Ok(bench.work.iter().map(|work| core.estimate(work)).sum())
}

/// Words on a figure that has grown by more than [`GROWTH`], and on the command that agrees to it.
pub fn growth(name: &str, what: &str, before: u64, now: u64, agree: &str) -> Option<String> {
    let share = now as f64 / before.max(1) as f64 - 1.0;
    (share > GROWTH).then(|| {
        format!(
            "{name}: {now} {what}, {:.1} % more than {before}; if that is as it should be: {agree}",
            100.0 * share
        )
    })
}

#[cfg(test)]
mod tests {
    use super::growth;

    #[test]
    fn growth_over_two_percent_is_told() {
        let growth = |now| growth("n", "instructions", 1000, now, "agree");
        assert_eq!([growth(1019), growth(500)], [None, None]);
        assert!(growth(1021).unwrap().contains("2.1 % more than 1000; if that is as it should be: agree"));
    }
}
