//! Flash and RAM of each crate.

use std::collections::BTreeMap;

use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};

use crate::program::Program;

/// Bytes of flash that a program takes: code, constants, and the first values of statics.
pub fn flash_bytes(program: &Program<'_>) -> u64 {
    let kinds = [SectionKind::Text, SectionKind::ReadOnlyData, SectionKind::Data];
    let sections = program
        .file()
        .sections()
        .filter(|section| section.address() != 0 || section.name() == Ok(".vector_table"));
    sections.filter(|section| kinds.contains(&section.kind())).map(|section| section.size()).sum()
}

/// Bytes of code of each crate, by the names of the functions. Code of one crate that was inlined into another's counts for
/// the other.
pub fn code_bytes(program: &Program<'_>) -> BTreeMap<String, u64> {
    let mut crates = BTreeMap::new();
    for function in program.functions.values() {
        *crates.entry(crate_of(&function.name)).or_default() += function.bytes;
    }
    crates
}

/// Bytes of the statics, by name.
pub fn static_bytes(program: &Program<'_>) -> BTreeMap<String, u64> {
    let symbols =
        program.file().symbols().filter(|symbol| symbol.kind() == SymbolKind::Data && symbol.size() > 0);
    let in_ram = symbols.filter(|symbol| {
        let section = symbol.section_index().and_then(|index| program.file().section_by_index(index).ok());
        section.is_some_and(|s| [SectionKind::Data, SectionKind::UninitializedData].contains(&s.kind()))
    });
    let named = in_ram.map(|symbol| {
        (format!("{:#}", rustc_demangle::demangle(symbol.name().unwrap_or_default())), symbol.size())
    });
    let mut statics = BTreeMap::new();
    for (name, bytes) in named {
        *statics.entry(name).or_default() += bytes;
    }
    statics
}

/// The crate that a function's name begins with; for a method of a trait the crate of its type.
fn crate_of(name: &str) -> String {
    let start = name.trim_start_matches(['<', '&', '[', '(', '*']).trim_start_matches("mut ");
    match start.split_once("::") {
        Some((first, _)) if first.chars().all(|c| c.is_alphanumeric() || c == '_') => first.to_string(),
        _ if name.starts_with('<') => String::from("core"),
        _ => String::from("(no crate)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_those_of_types() {
        for (name, expected) in [
            ("store::vault::Store<F>::open", "store"),
            ("<vision::warp::Warp as nn::network::RowSource>::row", "vision"),
            ("<&mut heapless::Vec<T> as core::fmt::Write>::write_str", "heapless"),
            ("<str as core::fmt::Debug>::fmt", "core"),
            ("memcpy", "(no crate)"),
        ] {
            assert_eq!(crate_of(name), expected, "{name}");
        }
    }
}
