//! The memories of a board, and what lies where: from its facts, with what an image takes of them.

use facts::{Facts, Memories, Region};
use serde::Serialize;

/// A memory: regions of a board without gaps between them, or those in one external flash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemoryMap {
    /// What it is.
    pub memory: &'static str,
    /// First address.
    pub address: u32,
    /// Bytes.
    pub bytes: usize,
    /// Its parts, in the order of their addresses, without gaps.
    pub parts: Vec<MemoryPart>,
}

/// A part of a memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemoryPart {
    /// What lies there.
    pub part: Content,
    /// First address.
    pub address: u32,
    /// Bytes.
    pub bytes: usize,
    /// Bytes of them that are taken, as far as it is known.
    pub used_bytes: Option<usize>,
}

/// What a part of a memory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// The program.
    Firmware,
    /// An image: the first slot of a device, or the only place in this memory.
    Image,
    /// A device's second slot.
    SecondSlot,
    /// People and counters.
    Store,
    /// A device's own keys.
    Keys,
    /// Rows of networks.
    Arena,
    /// The stack.
    Stack,
    /// A camera's frame.
    Frame,
    /// The last decisions, which outlive a restart.
    Retained,
    /// All other statics.
    Statics,
    /// Nothing.
    Free,
}

impl Content {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Firmware => "firmware",
            Self::Image => "image",
            Self::SecondSlot => "second image",
            Self::Store => "store: people, counters",
            Self::Keys => "keys",
            Self::Arena => "arena",
            Self::Stack => "stack",
            Self::Frame => "frame",
            Self::Retained => "last decisions",
            Self::Statics => "other statics",
            Self::Free => "free",
        }
    }
}

/// What is taken on a board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsedMemory {
    /// Bytes of the firmware.
    pub firmware_bytes: usize,
    /// Bytes of its statics besides the arena, if they were measured.
    pub statics_bytes: Option<usize>,
    /// Bytes of the image, in external flash.
    pub image_bytes: usize,
    /// Bytes of arena of its networks.
    pub arena_bytes: usize,
    /// Bytes of stack.
    pub stack_bytes: usize,
    /// Bytes of a frame that its networks look at; 0 without eyes.
    pub frame_bytes: usize,
}

/// The memories of a board, in the order of their addresses.
pub fn memories(facts: &Facts, used: &UsedMemory) -> Vec<MemoryMap> {
    let mut parts = parts(facts, used);
    parts.sort_by_key(|part| part.address);
    let mut maps: Vec<MemoryMap> = Vec::new();
    for part in parts {
        match maps.last_mut() {
            Some(map) if is_one(facts, map, &part) => {
                let end = map.address as u64 + map.bytes as u64;
                let gap = u64::from(part.address) - end;
                if gap > 0 {
                    map.parts.push(free(end as u32, gap as usize));
                }
                map.bytes += gap as usize + part.bytes;
                map.parts.push(part);
            }
            _ => maps.push(MemoryMap {
                memory: "",
                address: part.address,
                bytes: part.bytes,
                parts: vec![part],
            }),
        }
    }
    for map in &mut maps {
        map.memory = name(facts, map);
        fill(facts, map);
    }
    maps
}

fn free(address: u32, bytes: usize) -> MemoryPart {
    MemoryPart { part: Content::Free, address, bytes, used_bytes: Some(0) }
}

/// The external flash has parts that nobody named before the first and behind the last.
fn fill(facts: &Facts, map: &mut MemoryMap) {
    let Some(flash) = facts.memory.flash.filter(|flash| flash.contains(&region(map))) else { return };
    let before = (map.address - flash.address) as usize;
    let behind = (flash.end() - region(map).end()) as usize;
    if before > 0 {
        map.parts.insert(0, free(flash.address, before));
    }
    if behind > 0 {
        map.parts.push(free(region(map).end() as u32, behind));
    }
    (map.address, map.bytes) = (flash.address, flash.bytes);
}

fn region(map: &MemoryMap) -> Region {
    Region { address: map.address, bytes: map.bytes }
}

/// Whether a part belongs to the memory before it.
fn is_one(facts: &Facts, map: &MemoryMap, part: &MemoryPart) -> bool {
    let end = region(map).end();
    let next = Region { address: part.address, bytes: part.bytes };
    let whole = [facts.memory.flash, facts.qemu_ram].into_iter().flatten();
    let mut whole = whole.filter(|whole| whole.contains(&region(map)) && whole.contains(&next));
    u64::from(part.address) == end || whole.next().is_some()
}

fn name(facts: &Facts, map: &MemoryMap) -> &'static str {
    let has = |content| map.parts.iter().any(|part| part.part == content);
    if has(Content::Firmware) {
        "flash of the chip"
    } else if has(Content::Stack) {
        "RAM"
    } else if has(Content::Image) && facts.qemu_machine.is_none() {
        "external flash"
    } else if has(Content::Image) {
        "memory in the place of external flash"
    } else if has(Content::Frame) || has(Content::Statics) {
        "second RAM"
    } else if has(Content::Retained) {
        "RAM that no restart clears"
    } else {
        "more flash of the chip"
    }
}

/// All parts that the facts name.
fn parts(facts: &Facts, used: &UsedMemory) -> Vec<MemoryPart> {
    let Memories { firmware, ram, statics, internal, external, frame, store, slots, keys, retained, .. } =
        facts.memory;
    let part = |part, Region { address, bytes }, used_bytes| MemoryPart { part, address, bytes, used_bytes };
    let mut parts = vec![part(Content::Firmware, firmware, Some(used.firmware_bytes))];
    let image = Some(used.image_bytes);
    match slots {
        Some([first, second]) => {
            parts.push(part(Content::Image, first, image));
            parts.push(part(Content::SecondSlot, second, None));
        }
        None => parts.push(part(Content::Image, external, image)),
    }
    parts.extend(internal.map(|internal| part(Content::Free, internal, Some(0))));
    parts.extend(store.map(|store| part(Content::Store, store, None)));
    parts.extend(keys.map(|keys| part(Content::Keys, keys, None)));
    parts.extend(frame.map(|frame| part(Content::Frame, frame, Some(used.frame_bytes))));
    parts.extend(retained.map(|retained| part(Content::Retained, retained, None)));
    parts.extend(statics.map(|statics| part(Content::Statics, statics, used.statics_bytes)));
    let (arena, stack) = (Some(used.arena_bytes), Some(used.stack_bytes));
    let (start, arena_bytes) = (ram.address, facts.arena_bytes);
    let rest = ram.bytes.saturating_sub(arena_bytes);
    let at = |address: usize, bytes| Region { address: start + address as u32, bytes };
    // As the linker's script has them: the stack lies below the arena. Other statics lie around the arena unless they have a RAM of
    // their own; here they are behind it.
    let stack_room = if statics.is_some() { rest } else { facts.stack_bytes.min(rest) };
    parts.push(part(Content::Stack, at(0, stack_room), stack));
    parts.push(part(Content::Arena, at(stack_room, arena_bytes), arena));
    if statics.is_none() {
        let start = stack_room + arena_bytes;
        parts.push(part(Content::Statics, at(start, rest - stack_room), used.statics_bytes));
    }
    parts.retain(|part| part.bytes > 0);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::{BOARDS, Board};

    const USED: UsedMemory = UsedMemory {
        firmware_bytes: 276_636,
        statics_bytes: Some(18_840),
        image_bytes: 1_338_096,
        arena_bytes: 89_200,
        stack_bytes: 38_752,
        frame_bytes: 153_600,
    };

    #[test]
    fn parts_of_every_board_follow_each_other_and_fill_their_memories() {
        for board in BOARDS.iter() {
            let maps = memories(board, &USED);
            for map in &maps {
                let mut next = u64::from(map.address);
                for part in &map.parts {
                    assert_eq!(u64::from(part.address), next, "{}: {:?}", board.name, part.part);
                    next += part.bytes as u64;
                }
                assert_eq!(next, region(map).end(), "{}: {}", board.name, map.memory);
            }
            let bytes = |content| {
                let parts = maps.iter().flat_map(|map| &map.parts).filter(|part| part.part == content);
                parts.map(|part| part.bytes).sum::<usize>()
            };
            let memory = &board.memory;
            assert_eq!(bytes(Content::Firmware), memory.firmware.bytes);
            assert_eq!(bytes(Content::Arena), board.arena_bytes);
            assert_eq!(bytes(Content::Store), memory.store.map_or(0, |store| store.bytes));
            assert_eq!(bytes(Content::Frame), memory.frame.map_or(0, |frame| frame.bytes));
        }
    }

    #[test]
    fn memories_of_a_chip_are_told_apart() {
        let board = Board::named("stm32h743").unwrap();
        let maps = memories(board, &USED);
        let told: Vec<_> = maps.iter().map(|map| (map.memory, map.address, map.bytes)).collect();
        assert_eq!(
            told,
            [
                ("flash of the chip", 0x0800_0000, 0x20_0000),
                ("RAM", 0x2000_0000, 0x2_0000),
                ("second RAM", 0x2400_0000, 0x8_0000),
                ("RAM that no restart clears", 0x3880_0000, 0x1000),
                ("external flash", 0x9000_0000, 0x80_0000),
            ]
        );
        let [stack, arena] = &maps[1].parts[..] else { panic!("{:?}", maps[1].parts) };
        assert_eq!((stack.part, stack.bytes, stack.used_bytes), (Content::Stack, 41_856, Some(38_752)));
        assert_eq!((arena.part, arena.address), (Content::Arena, 0x2000_0000 + 41_856));
        let contents: Vec<_> = maps[4].parts.iter().map(|part| part.part).collect();
        assert_eq!(contents, [Content::Image, Content::SecondSlot, Content::Store]);
    }
}
