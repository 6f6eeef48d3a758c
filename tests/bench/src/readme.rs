//! README's tables of costs.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use host::bench::boards::{Code, Cost};
use host::bench::computer::Time;
use host::commands::bench::{Bench, GALLERIES};
use host::output;

const START: &str = "<!-- costs: written by the benchmark -->";
const END: &str = "<!-- end of costs -->";

/// Tables in Markdown.
pub fn tables(measured: &[Bench]) -> String {
    let mut text = String::new();
    let mut line = |cells: &[&str]| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    };
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
    let sizes: Vec<String> =
        GALLERIES.iter().map(|&people| format!("{} people", grouped(people as u64))).collect();
    let heading = ["instructions to match one probe", "dimensions"];
    line(&heading.into_iter().chain(sizes.iter().map(|size| &**size)).collect::<Vec<_>>());
    line(&["---"; 2 + GALLERIES.len()]);
    for bench in measured {
        for Cost { board, .. } in &bench.boards {
            let counts = bench.matching.iter().filter(|matching| matching.board == *board);
            let counts: Vec<String> = counts.map(|matching| grouped(matching.instructions)).collect();
            let dimension = bench.dimension.to_string();
            let row = [board, &*dimension].into_iter().chain(counts.iter().map(|count| &**count));
            line(&row.collect::<Vec<_>>());
        }
    }
    if let Some(Code { firmware_bytes, .. }) = measured[0].code.iter().find(|code| code.board == "qemu-m7") {
        let _ = write!(
            text,
            "\nAll code and constants of the Cortex-M7's firmware, with link, checks and SHA-256: {} B.\n",
            grouped(*firmware_bytes)
        );
    }
    text.replace("|  |\n", "\n")
}

/// A number with commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Puts tables in their place in README.
pub fn write(tables: &str) -> Result<()> {
    let path = suite::root().join("README.md");
    let readme = std::fs::read_to_string(&path).context("cannot read README.md")?;
    output::write_whole(&path, replaced(&readme, tables)?.as_bytes())
}

fn replaced(readme: &str, tables: &str) -> Result<String> {
    let (before, rest) = readme.split_once(START).context("README.md lacks the mark where costs start")?;
    let (_, after) = rest.split_once(END).context("README.md lacks the mark where costs end")?;
    Ok(format!("{before}{START}\n\n{tables}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_take_the_place_between_the_marks() {
        let readme = format!("a\n{START}\nold\n{END}\nb");
        assert_eq!(replaced(&readme, "new\n").unwrap(), format!("a\n{START}\n\nnew\n\n{END}\nb"));
        assert!(replaced("a", "new").is_err());
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(["7", "100,352", "1,000"], [7, 100_352, 1000].map(grouped).each_ref().map(|s| &**s));
    }
}
