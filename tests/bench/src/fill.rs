//! What the program `door` fills of a board's memories, as its ELF file has it.

use anyhow::{Context, Result};
use facts::Region;
use host::board::Board;
use object::{Object, ObjectSection, SectionKind};

use crate::figures::grouped;

/// Builds the program and prints a table.
pub fn run(board: &str) -> Result<()> {
    let board = Board::named(board)?;
    let path = board.build_example("door")?;
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let file =
        object::File::parse(&*bytes).with_context(|| format!("{} is not an ELF file", path.display()))?;
    let sections: Vec<Section> = file.sections().filter_map(|section| Section::of(&section)).collect();
    let memory = board.memory;
    let filled = |region: Region| -> u64 {
        sections.iter().filter(|section| section.is_in(region)).map(|section| section.bytes).sum()
    };
    // Values of statics lie in flash, too, from where they are copied.
    let values =
        sections.iter().filter(|section| section.is_copied).map(|section| section.bytes).sum::<u64>();
    let arena = board.arena_bytes as u64;
    let in_ram = filled(memory.ram);
    println!("| {}, program `door` | bytes | of |", board.name);
    println!("|---|---:|---:|");
    let row = |name: &str, bytes: u64, of: usize| {
        println!("| {name} | {} | {} |", grouped(bytes), grouped(of as u64))
    };
    row("flash: code, constants, values of statics", filled(memory.firmware) + values, memory.firmware.bytes);
    row("arena", arena, memory.ram.bytes);
    match memory.statics {
        Some(statics) => row("other statics, in a RAM of their own", filled(statics), statics.bytes),
        None => row("other statics", in_ram - arena, memory.ram.bytes),
    }
    row("left for the stack", memory.ram.bytes as u64 - in_ram, memory.ram.bytes);
    if let Some(frame) = memory.frame {
        println!("| frame of a camera | {0} | {0} |", grouped(frame.bytes as u64));
    }
    Ok(())
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
