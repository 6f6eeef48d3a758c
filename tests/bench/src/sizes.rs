//! What the program of every board fills of its memories, as the linker made it, and the check that it has not grown.

use anyhow::{Context, Result, ensure};
use facts::Region;
use host::board::{Board, all};
use host::output::{self, grouped};
use host::sizes::{Baseline, Sizes};
use object::{Object, ObjectSection, SectionKind};

use crate::baseline::growth;
use crate::figures::{self, row};

/// Builds the program of every board, prints a table, and compares with the baseline; or writes baseline and book.
pub fn check(write: bool) -> Result<()> {
    let path = suite::root().join("host/src/sizes.json");
    let mut text = String::new();
    let head =
        ["board", "program", "flash", "of", "arena", "other statics", "left for the stack", "of", "frame"];
    row(&mut text, head.map(String::from));
    row(
        &mut text,
        head.map(|name| String::from(if ["board", "program"].contains(&name) { "---" } else { "---:" })),
    );
    let mut found = Baseline::new();
    for board in all() {
        let sizes = measured(board)?;
        let number = |bytes: usize| grouped(bytes as u64);
        let cells = [
            board.name.clone(),
            format!("`{}`", sizes.program),
            grouped(sizes.flash_bytes),
            number(board.memory.firmware.bytes),
            number(board.arena_bytes),
            grouped(sizes.statics_bytes),
            grouped(sizes.stack_left_bytes),
            number(board.memory.ram.bytes),
            board.memory.frame.map_or("-".to_string(), |frame| number(frame.bytes)),
        ];
        row(&mut text, cells);
        found.insert(board.name.clone(), sizes);
    }
    print!("{text}");
    if write {
        output::write_json(&path, &found)?;
        return figures::write(figures::SIZES, &text);
    }
    let bytes = std::fs::read(&path).context("sizes.json cannot be read")?;
    let agreed: Baseline = serde_json::from_slice(&bytes).context("sizes.json cannot be read")?;
    let mut grown = Vec::new();
    for (board, now) in &found {
        let before = agreed.get(board).with_context(|| format!("sizes.json has no {board}; {AGREE}"))?;
        for (what, before, now) in [
            ("bytes of flash", before.flash_bytes, now.flash_bytes),
            ("bytes of statics", before.statics_bytes, now.statics_bytes),
        ] {
            grown.extend(growth(board, what, before, now, AGREE));
        }
    }
    ensure!(grown.is_empty(), "{}", grown.join("\n"));
    Ok(())
}

const AGREE: &str = "cargo run -p bench -- sizes --write";

/// Builds a board's program, and sees what it fills.
fn measured(board: &Board) -> Result<Sizes> {
    let has_store = board.memory.store.is_some();
    let path = if has_store { board.build_example("door")? } else { board.build()? };
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let file =
        object::File::parse(&*bytes).with_context(|| format!("{} is not an ELF file", path.display()))?;
    let sections: Vec<Section> = file.sections().filter_map(|section| Section::of(&section)).collect();
    let memory = board.memory;
    let filled = |region: Region| -> u64 {
        sections.iter().filter(|section| section.is_in(region)).map(|section| section.bytes).sum()
    };
    // Values of statics lie in flash, too, from where they are copied.
    let copied = sections.iter().filter(|section| section.is_copied && !section.is_in(memory.firmware));
    let copied: u64 = copied.map(|section| section.bytes).sum();
    let in_ram = filled(memory.ram);
    let arena = board.arena_bytes as u64;
    Ok(Sizes {
        program: if has_store { "door" } else { "firmware" }.to_string(),
        flash_bytes: filled(memory.firmware) + copied,
        statics_bytes: match memory.statics {
            Some(statics) => filled(statics),
            None => in_ram
                .checked_sub(arena)
                .with_context(|| format!("{}: the arena is not in memory.ram", path.display()))?,
        },
        stack_left_bytes: match memory.statics {
            Some(_) => memory.ram.bytes as u64 - in_ram,
            // As much as the linker's script gives it.
            None => board.stack_bytes as u64,
        },
    })
}

/// A section that takes memory on the board.
struct Section {
    address: u64,
    bytes: u64,
    is_copied: bool,
}

impl Section {
    fn of<'a>(section: &impl ObjectSection<'a>) -> Option<Self> {
        use SectionKind::{Data, ReadOnlyData, ReadOnlyString, Text, UninitializedData};
        let kind = section.kind();
        let takes = matches!(kind, Data | ReadOnlyData | ReadOnlyString | Text | UninitializedData);
        takes.then(|| Section {
            address: section.address(),
            bytes: section.size(),
            is_copied: kind == Data && section.name() == Ok(".data"),
        })
    }

    fn is_in(&self, region: Region) -> bool {
        let start = u64::from(region.address);
        (start..start + region.bytes as u64).contains(&self.address)
    }
}
