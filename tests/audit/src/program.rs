//! An ELF file's functions, their names, and the branches between them.

use std::collections::BTreeMap;

use addr2line::gimli::{self, EndianSlice, LittleEndian};
use anyhow::{Context as _, Result};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

/// A program.
pub struct Program<'d> {
    file: object::File<'d>,
    debug: addr2line::Context<EndianSlice<'d, LittleEndian>>,
    /// By address.
    pub functions: BTreeMap<u64, Function>,
    /// Addresses where code begins (`true`) or data between code begins (`false`).
    marks: BTreeMap<u64, bool>,
}

/// A function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name, without the hash.
    pub name: String,
    /// Bytes.
    pub bytes: u64,
}

/// A branch out of a function.
#[derive(Clone, Copy, Debug)]
pub struct Branch {
    /// Its address.
    pub at: u64,
    /// Where it goes.
    pub to: u64,
}

/// A call that was inlined, or the function that the others were inlined into.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Name of the function.
    pub function: String,
    /// Its source file.
    pub file: String,
    /// The line that was being executed in it.
    pub line: u32,
}

impl<'d> Program<'d> {
    /// Reads an ELF file.
    ///
    /// # Errors
    /// When it is not one, or has no debug information.
    pub fn parse(bytes: &'d [u8]) -> Result<Self> {
        let file = object::File::parse(bytes).context("not an ELF file")?;
        let section = |id: gimli::SectionId| -> Result<_, gimli::Error> {
            let data = file.section_by_name(id.name()).and_then(|section| section.data().ok());
            Ok(EndianSlice::new(data.unwrap_or_default(), LittleEndian))
        };
        let debug = addr2line::Context::from_dwarf(gimli::Dwarf::load(section)?)?;
        let (mut functions, mut marks) = (BTreeMap::new(), BTreeMap::new());
        for symbol in file.symbols() {
            let (name, address) = (symbol.name().unwrap_or_default(), symbol.address());
            if symbol.kind() == SymbolKind::Text && symbol.size() > 0 {
                let name = format!("{:#}", rustc_demangle::demangle(name));
                functions.insert(address & !1, Function { name, bytes: symbol.size() });
            } else if name.starts_with("$t") || name.starts_with("$d") {
                marks.insert(address, name.starts_with("$t"));
            }
        }
        Ok(Program { file, debug, functions, marks })
    }

    /// The ELF file.
    pub fn file(&self) -> &object::File<'d> {
        &self.file
    }

    /// The calls at an address, innermost first.
    ///
    /// # Errors
    /// When the debug information is damaged.
    pub fn frames(&self, at: u64) -> Result<Vec<Frame>> {
        let mut frames = self.debug.find_frames(at).skip_all_loads()?;
        let mut found = Vec::new();
        while let Some(frame) = frames.next()? {
            let function = match &frame.function {
                Some(function) => {
                    format!("{:#}", rustc_demangle::demangle(&function.raw_name()?))
                }
                None => String::new(),
            };
            let (file, line) = frame.location.map_or((None, None), |location| (location.file, location.line));
            let file = file.unwrap_or_default().to_string();
            found.push(Frame { function, file, line: line.unwrap_or(0) });
        }
        Ok(found)
    }

    /// The instructions of a function: address, and one or two halfwords.
    fn instructions(&self, start: u64) -> Vec<(u64, u16, Option<u16>)> {
        let Some(function) = self.functions.get(&start) else { return Vec::new() };
        let end = start + function.bytes;
        let section = self
            .file
            .sections()
            .find(|section| (section.address()..section.address() + section.size()).contains(&start));
        let data = section.and_then(|section| section.data_range(start, function.bytes).ok().flatten());
        let Some(data) = data else { return Vec::new() };
        let half = |at: u64| {
            let bytes = data.get((at - start) as usize..)?.first_chunk()?;
            Some(u16::from_le_bytes(*bytes))
        };
        let (mut found, mut at) = (Vec::new(), start);
        while at < end {
            let is_code = self.marks.range(..=at).next_back().is_none_or(|(_, &is_code)| is_code);
            let Some(first) = half(at) else { break };
            if !is_code {
                at += 2;
            } else if first >> 11 >= 0b11101 {
                found.push((at, first, half(at + 2)));
                at += 4;
            } else {
                found.push((at, first, None));
                at += 2;
            }
        }
        found
    }

    /// The branches out of the function at an address to other functions' starts: calls (`BL`) and last calls (`B`).
    pub fn branches(&self, start: u64) -> Vec<Branch> {
        let instructions = self.instructions(start);
        let branches = instructions.iter().filter_map(|&(at, first, second)| {
            let to = at.wrapping_add(4).wrapping_add_signed(offset(first, second?)?);
            (to != start && self.functions.contains_key(&to)).then_some(Branch { at, to })
        });
        branches.collect()
    }

    /// Whether the function at an address has an instruction that returns.
    pub fn returns(&self, start: u64) -> bool {
        self.instructions(start).iter().any(|&(_, first, second)| match second {
            // POP {…, pc}; BX lr.
            None => first & 0xff00 == 0xbd00 || first == 0x4770,
            // LDM sp!, {…, pc}; LDR pc, [sp], #….
            Some(second) => {
                (first == 0xe8bd && second & 0x8000 != 0) || (first == 0xf85d && second >> 12 == 15)
            }
        })
    }
}

/// Where a branch of two halfwords goes, from the address four bytes behind its start; `None` for other instructions.
/// (Armv7-M Architecture Reference Manual, A7.7.12 and A7.7.18: `B` T3 and T4, `BL`.)
fn offset(first: u16, second: u16) -> Option<i64> {
    if first & 0xf800 != 0xf000 || second & 0x8000 == 0 {
        return None;
    }
    let bit = |word: u16, number: u16| i64::from(word >> number & 1);
    let (sign, j1, j2) = (bit(first, 10), bit(second, 13), bit(second, 11));
    let low = i64::from(second & 0x7ff) << 1;
    match second & 0x5000 {
        // BL, and B without a condition.
        0x5000 | 0x1000 => {
            let [i1, i2] = [j1, j2].map(|j| 1 ^ j ^ sign);
            Some(low | i64::from(first & 0x3ff) << 12 | i2 << 22 | i1 << 23)
                .map(|offset| offset - (sign << 24))
        }
        // B with a condition; other instructions have 14 or 15 there.
        0x0000 if first >> 6 & 0xf < 14 => {
            Some((low | i64::from(first & 0x3f) << 12 | j1 << 18 | j2 << 19) - (sign << 20))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_go_where_the_assembler_sent_them() {
        // As GNU as encodes them.
        for (halfwords, expected) in [
            ([0xf000, 0xf800], Some(0)),     // bl .+4
            ([0xf7ff, 0xfffe], Some(-4)),    // bl .
            ([0xf000, 0xb8fe], Some(0x1fc)), // b.w .+0x200
            ([0xf47f, 0xaffe], Some(-4)),    // bne.w .
            ([0xf3bf, 0x8f4f], None),        // dsb
            ([0xf04f, 0x30ff], None),        // mov.w r0, #-1
        ] {
            assert_eq!(offset(halfwords[0], halfwords[1]), expected, "{halfwords:04x?}");
        }
    }
}
