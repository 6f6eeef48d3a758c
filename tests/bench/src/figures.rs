//! The tables of the book's chapter of figures: their places, and the tables of costs.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use host::bench::boards::{self, Code, Cost, Matching};
use host::bench::computer::Time;
use host::bench::{Bench, GALLERIES};
use host::board::Board;
use host::output::{self, grouped};

/// The chapter that holds the tables.
const CHAPTER: &str = "docs/src/figures.md";
/// Marks around the tables of costs.
pub const COSTS: [&str; 2] = ["<!-- costs: written by the benchmark -->", "<!-- end of costs -->"];
/// Marks around the tables of accuracy.
pub const ACCURACY: [&str; 2] = ["<!-- accuracy: written by the benchmark -->", "<!-- end of accuracy -->"];

/// Marks around the table of sight.
pub const SIGHT: [&str; 2] = ["<!-- sight: written by the benchmark -->", "<!-- end of sight -->"];

/// Marks around the table of sizes.
pub const SIZES: [&str; 2] = ["<!-- sizes: written by the benchmark -->", "<!-- end of sizes -->"];

/// Modules and functions of the operators that the default embedder does not have.
const ADDED: [&str; 7] = ["average", "concat", "enlarge", "grouped", "grouped_row", "scale", "table"];

/// Code for networks and matching on a Cortex-M7, bytes: without the operators that the default embedder does not have, and these.
pub fn engine() -> Result<[u64; 2]> {
    let [all, added] = boards::engine_bytes(Board::named("qemu-m7")?, &ADDED)?;
    Ok([all - added, added])
}

/// Adds a row of a table.
pub fn row(text: &mut String, cells: impl IntoIterator<Item = String>) {
    let cells: Vec<String> = cells.into_iter().collect();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

/// Tables of costs in Markdown.
pub fn costs(measured: &[Bench], [engine, added]: [u64; 2]) -> String {
    let mut text = String::new();
    let mut line = |cells: &[&str]| row(&mut text, cells.iter().map(ToString::to_string));
    line(&["board, emulated", "network", "M instructions", "a MAC", "arena", "stack", "code of the runtime"]);
    line(&["---"; 7]);
    for bench in measured {
        for (Cost { board, instructions, arena_bytes, stack_bytes, .. }, code) in
            bench.boards.iter().zip(&bench.code)
        {
            let per_mac = *instructions as f64 / bench.boards[0].macs as f64;
            line(&[
                board,
                &bench.network,
                &format!("{:.1}", *instructions as f64 / 1e6),
                &format!("{per_mac:.2}"),
                &format!("{} B", grouped(*arena_bytes)),
                &format!("{} B", grouped(*stack_bytes)),
                &format!("{} B", grouped(code.runtime_bytes)),
            ]);
        }
    }
    line(&[]);
    line(&["this computer, one thread", "network", "ms"]);
    line(&["---"; 3]);
    for bench in measured {
        for Time { runtime, ms } in &bench.computer {
            line(&[runtime, &bench.network, &format!("{ms:.2}")]);
        }
    }
    line(&[]);
    line(&["instructions to start", "network", "digests", "checks", "plan of the network", "all"]);
    line(&["---"; 6]);
    for bench in measured {
        for Cost { board, start, .. } in &bench.boards {
            let counts = [start.digests, start.checks, start.network, start.instructions].map(grouped);
            let row = [board, &*bench.network].into_iter().chain(counts.iter().map(|count| &**count));
            line(&row.collect::<Vec<_>>());
        }
    }
    let sizes: Vec<String> =
        GALLERIES.iter().map(|&people| format!("{} people", grouped(people as u64))).collect();
    type Count = fn(&Matching) -> Option<u64>;
    let tables: [(&str, Count); 3] = [
        ("instructions to match one probe", |matching| Some(matching.decide)),
        ("the same and to certify it, at most", |matching| matching.certify),
        ("to compute the confidence, if it is shown", |matching| Some(matching.confidence)),
    ];
    for (what, count) in tables {
        line(&[]);
        line(&[what, "dimensions"].into_iter().chain(sizes.iter().map(|size| &**size)).collect::<Vec<_>>());
        line(&["---"; 2 + GALLERIES.len()]);
        for bench in measured {
            for Cost { board, .. } in &bench.boards {
                let counts = bench.matching.iter().filter(|crowded| crowded.board == *board);
                let counts = counts.map(|crowded| count(&crowded.matching).map_or("-".to_string(), grouped));
                let counts: Vec<String> = counts.collect();
                let dimension = bench.dimension.to_string();
                let row = [board, &*dimension].into_iter().chain(counts.iter().map(|count| &**count));
                line(&row.collect::<Vec<_>>());
            }
        }
    }
    if let Some(Code { firmware_bytes, .. }) = measured[0].code.iter().find(|code| code.board == "qemu-m7") {
        let _ = write!(
            text,
            "\nAll code and constants of the Cortex-M7's firmware, with link, checks and digests: {} B. Of the runtime's code {} B are for \
             networks and matching, and {} B more for operators that the default embedder does not have: concatenation, enlarging, \
             grouped convolution, scaling of channels, tables and means.\n",
            grouped(*firmware_bytes),
            grouped(engine),
            grouped(added)
        );
    }
    text.replace("|  |\n", "\n")
}

/// Puts tables between two marks in the book.
pub fn write(marks: [&str; 2], tables: &str) -> Result<()> {
    let path = suite::root().join(CHAPTER);
    let chapter = std::fs::read_to_string(&path).context("cannot read the book's figures")?;
    output::write_whole(&path, replaced(&chapter, marks, tables)?.as_bytes())
}

fn replaced(chapter: &str, [start, end]: [&str; 2], tables: &str) -> Result<String> {
    let (before, rest) = chapter.split_once(start).with_context(|| format!("{CHAPTER} lacks {start}"))?;
    let (_, after) = rest.split_once(end).with_context(|| format!("{CHAPTER} lacks {end}"))?;
    Ok(format!("{before}{start}\n\n{tables}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_take_the_place_between_the_marks() {
        let [start, end] = COSTS;
        let chapter = format!("a\n{start}\nold\n{end}\nb");
        assert_eq!(replaced(&chapter, COSTS, "new\n").unwrap(), format!("a\n{start}\n\nnew\n\n{end}\nb"));
        assert!(format!("{:#}", replaced(&chapter, ACCURACY, "new").unwrap_err()).contains("accuracy"));
    }
}
