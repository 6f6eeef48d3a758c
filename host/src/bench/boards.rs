//! Instructions, memory and code on an emulated board.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind};
use serde::{Deserialize, Serialize};

use crate::board::{Board, Memory};

/// What one embedding costs on a board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Board.
    pub board: String,
    /// Instructions of each layer.
    pub layers: Vec<u64>,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Instructions.
    pub instructions: u64,
    /// Bytes of arena.
    pub arena_bytes: u64,
    /// Most bytes of stack in use.
    pub stack_bytes: u64,
    /// People enrolled.
    pub people: u64,
    /// Instructions to match the embedding with them.
    pub match_instructions: u64,
}

impl Cost {
    /// Instructions a multiply-accumulate, the whole network.
    pub fn instructions_per_mac(&self) -> f64 {
        self.instructions as f64 / self.macs.max(1) as f64
    }
}

/// Runs the image's network once on a board and counts.
///
/// # Errors
/// When the board's program does not build, QEMU does not run, or the program refuses the image.
pub fn run(board: &Board, image: &Path) -> Result<Cost> {
    let text = board.run_example("bench", Some((image, Memory::External)))?;
    parse(&board.name, &text).with_context(|| format!("{}: its program printed {text:?}", board.name))
}

/// Reads what the board's program prints: a line a layer, then a line for each total.
fn parse(board: &str, text: &str) -> Result<Cost> {
    let mut layers = Vec::new();
    let mut totals = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match *words {
            [index, .., count] if index.parse() == Ok(layers.len()) => layers.push(count.parse()?),
            [name, value] => {
                totals.insert(name, value);
            }
            ["Ok(())"] => {}
            _ => bail!("the line {line:?} is not understood"),
        }
    }
    ensure!(!layers.is_empty(), "there are no layers");
    let total = |name: &str| -> Result<u64> {
        Ok(totals.get(name).with_context(|| format!("{name} is missing"))?.parse()?)
    };
    Ok(Cost {
        board: board.to_string(),
        layers,
        macs: total("macs")?,
        instructions: total("instructions")?,
        arena_bytes: total("arena_bytes")?,
        stack_bytes: total("stack_bytes")?,
        people: total("people")?,
        match_instructions: total("match_instructions")?,
    })
}

/// Bytes of a board's firmware.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Code {
    /// Board.
    pub board: String,
    /// Code of the runtime: network and matcher, by their symbols. What the compiler puts into other crates' functions is not
    /// in it: therefore the larger functions that others call are not inlined.
    pub runtime_bytes: u64,
    /// All code and constants, with the link, the image's checks and SHA-256.
    pub firmware_bytes: u64,
}

/// Measures a board's firmware.
///
/// # Errors
/// When it does not build or its ELF file cannot be read.
pub fn code(board: &Board) -> Result<Code> {
    let path = board.build()?;
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let elf =
        object::File::parse(&*bytes).with_context(|| format!("{} is not an ELF file", path.display()))?;
    let of_runtime = |name: &str| {
        let name = format!("{:#}", rustc_demangle::demangle(name));
        ["nn::", "matcher::"].iter().any(|part| {
            name.match_indices(part).any(|(at, _)| {
                !name[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
            })
        })
    };
    let runtime_bytes = elf
        .symbols()
        .filter(|symbol| symbol.kind() == object::SymbolKind::Text && symbol.name().is_ok_and(of_runtime))
        .map(|symbol| symbol.size())
        .sum();
    let firmware_bytes = elf
        .sections()
        .filter(|section| {
            let is_constant = section.kind() == SectionKind::Data && section.name() == Ok(".vector_table");
            matches!(section.kind(), SectionKind::Text | SectionKind::ReadOnlyData) || is_constant
        })
        .map(|section| section.size())
        .sum();
    Ok(Code { board: board.name.to_string(), runtime_bytes, firmware_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "  0 input     2x2x1 0 120\n  1 conv      1x1x3 12 480\nmacs 12\ninstructions 640\n\
                        arena_bytes 64\nstack_bytes 9000\npeople 2\nmatch_instructions 320\nembedding -7\nOk(())\n";

    #[test]
    fn what_the_board_prints_is_read() {
        let cost = parse("b", TEXT).unwrap();
        assert_eq!((&*cost.layers, cost.instructions, cost.people), (&[120, 480][..], 640, 2));
        assert!((cost.instructions_per_mac() - 640.0 / 12.0).abs() < 1e-9);
    }

    #[test]
    fn output_that_lacks_something_is_refused() {
        let error = |text: &str| format!("{:#}", parse("b", text).unwrap_err());
        assert!(error(&TEXT.replace("stack_bytes 9000\n", "")).contains("stack_bytes is missing"));
        assert!(error("failed: Start(Image(Magic)) no\n").contains("not understood"));
        assert!(error("macs 1\n").contains("no layers"));
    }
}
