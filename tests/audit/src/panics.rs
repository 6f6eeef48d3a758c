//! The places from which a panic is reached.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context as _, Result, ensure};

use crate::program::{Branch, Frame, Program};

/// Part of the panic handler's name, whatever its program calls it.
const HANDLER: &str = "rust_begin_unwind";

/// A place from which a panic is reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Source file, from the folder of the repository; of a crate from elsewhere its name and the file in it. The module
    /// of the function where the debug information knows no file.
    pub file: String,
    /// Name of the function, without its path and its parameters.
    pub function: String,
    /// What it calls: `panic_bounds_check`, for example.
    pub calls: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.file, self.function, self.calls)
    }
}

/// All places of a program, and for each the lines and the functions that they were inlined into.
///
/// Functions of Rust's own library and of `bytemuck` and `heapless` stand for their callers, unless they are called through
/// a pointer only.
///
/// # Errors
/// When the program has no panic handler, or its debug information is damaged.
pub fn places(program: &Program<'_>, root: &str) -> Result<BTreeMap<Place, BTreeSet<String>>> {
    let diverging = diverging(program)?;
    let branches: BTreeMap<u64, Vec<Branch>> =
        program.functions.keys().map(|&start| (start, program.branches(start))).collect();
    // Functions that may panic for a reason of their callers'.
    let mut passing = BTreeSet::new();
    let panics = |passing: &BTreeSet<u64>, to: u64| diverging.contains(&to) || passing.contains(&to);
    loop {
        let before = passing.len();
        for (start, _) in program.functions.iter().filter(|(_, function)| is_passing(&function.name)) {
            for branch in branches.get(start).into_iter().flatten() {
                if panics(&passing, branch.to) && own_frame(&program.frames(branch.at)?, root).is_none() {
                    passing.insert(*start);
                }
            }
        }
        if passing.len() == before {
            break;
        }
    }
    let called: BTreeSet<u64> = branches.values().flatten().map(|branch| branch.to).collect();
    let mut places: BTreeMap<Place, BTreeSet<String>> = BTreeMap::new();
    for (start, branches) in &branches {
        let function = &program.functions.get(start).context("a function")?.name;
        let is_passed = passing.contains(start) && called.contains(start);
        for branch in branches {
            if diverging.contains(start) || !panics(&passing, branch.to) {
                continue;
            }
            let callee = &program.functions.get(&branch.to).context("a branch to a function")?.name;
            let frame = own_frame(&program.frames(branch.at)?, root);
            let place = match &frame {
                None if is_passed => continue,
                None => Place { file: before_last(function), function: last(function), calls: last(callee) },
                Some((file, frame)) => {
                    Place { file: file.clone(), function: last(&frame.function), calls: last(callee) }
                }
            };
            let line = frame.map_or(0, |(_, frame)| frame.line);
            places.entry(place).or_default().insert(format!("line {line} in {function}"));
        }
    }
    Ok(places)
}

/// The functions that end in the panic handler: it, and what calls it and never returns.
fn diverging(program: &Program<'_>) -> Result<BTreeSet<u64>> {
    let handler = program.functions.iter().find(|(_, function)| function.name.contains(HANDLER));
    let (&handler, _) = handler.context("the program has no panic handler")?;
    let mut diverging = BTreeSet::from([handler]);
    loop {
        let before = diverging.len();
        for (&start, function) in &program.functions {
            // The programs' own loops do not return either.
            if !diverging.contains(&start)
                && is_library(&function.name)
                && !program.returns(start)
                && program.branches(start).iter().any(|branch| diverging.contains(&branch.to))
            {
                diverging.insert(start);
            }
        }
        if diverging.len() == before {
            return Ok(diverging);
        }
    }
}

/// Whether a function is of Rust's own library, which has the functions that panic, or of `bytemuck`, which has one.
fn is_library(name: &str) -> bool {
    ["core::", "<core::", "alloc::", "bytemuck::internal::"].iter().any(|start| name.starts_with(start))
}

/// Whether a function's panics are its callers', where it is not known better.
fn is_passing(name: &str) -> bool {
    is_library(name)
        || ["bytemuck::", "heapless::", "<heapless::"].iter().any(|start| name.starts_with(start))
}

/// The innermost frame outside of Rust's own library, and its file as [`Place::file`] has it.
fn own_frame(frames: &[Frame], root: &str) -> Option<(String, Frame)> {
    let known = |frame: &Frame| {
        let file = shown(&frame.file, root)?;
        let is_passing = ["bytemuck/", "heapless/"].iter().any(|start| file.starts_with(start));
        (!is_passing).then(|| (file, frame.clone()))
    };
    frames.iter().find_map(known)
}

/// A file's path as [`Place::file`] has it; `None` for Rust's own library.
pub(crate) fn shown(path: &str, root: &str) -> Option<String> {
    if let Some((_, inside)) = path.split_once("/registry/src/") {
        let (_, inside) = inside.split_once('/')?;
        let (package, file) = inside.split_once('/')?;
        let name = package.rsplit_once('-').map_or(package, |(name, _)| name);
        return Some(format!("{name}/{file}"));
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.strip_prefix(root)?.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match part {
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    Some(parts.join("/"))
}

/// The last part of a name, without parameters.
fn last(name: &str) -> String {
    let (mut plain, mut depth) = (String::new(), 0usize);
    for character in name.chars() {
        match character {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            other if depth == 0 => plain.push(other),
            _ => {}
        }
    }
    plain.split("::").filter(|part| !part.is_empty()).last().unwrap_or("?").to_string()
}

/// A name without its last part, which stands for a file where none is known.
fn before_last(name: &str) -> String {
    name.rsplit_once("::").map_or(String::new(), |(start, _)| start.to_string())
}

/// A place that may panic, or all places of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// A file.
    file: String,
    /// A function, or `*`.
    function: String,
}

impl Allowed {
    /// Whether it allows a place.
    pub fn allows(&self, place: &Place) -> bool {
        place.file == self.file && (self.function == "*" || self.function == place.function)
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.file, self.function)
    }
}

/// Reads the list of allowed places. Each stands on a line, file and function, below the lines with its reason, which
/// begin with `#`. Only a crate that `is_free` does not name may have `*` for a function.
///
/// # Errors
/// When a line is neither, an entry has no reason, or `*` stands where it may not.
pub fn allowed(text: &str, is_free: impl Fn(&str) -> bool) -> Result<Vec<Allowed>> {
    let (mut found, mut has_reason) = (Vec::new(), false);
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            has_reason = false;
        } else if line.starts_with('#') {
            has_reason = true;
        } else {
            ensure!(has_reason, "{line}: no reason above it");
            let (file, function) =
                line.split_once(' ').with_context(|| format!("{line}: file and function"))?;
            ensure!(function != "*" || !is_free(file), "{line}: name the function");
            found.push(Allowed { file: file.to_string(), function: function.trim().to_string() });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_to_their_last_part() {
        for (name, expected) in [
            ("core::panicking::panic_bounds_check", "panic_bounds_check"),
            ("<vision::warp::Warp as nn::network::RowSource>::row", "row"),
            ("core::panicking::assert_failed::<usize, usize>", "assert_failed"),
            ("nn::run::{{closure}}", "{{closure}}"),
            ("", "?"),
        ] {
            assert_eq!(last(name), expected);
        }
    }

    #[test]
    fn files_are_shown_without_machines_and_versions() {
        let root = "/home/me/geode";
        for (path, expected) in [
            ("/home/me/geode/firmware/nn/src/lib.rs", Some("firmware/nn/src/lib.rs")),
            ("/home/me/geode/firmware/boards/../nn/src/lib.rs", Some("firmware/nn/src/lib.rs")),
            ("/home/me/.cargo/registry/src/index-1/heapless-0.9.3/src/vec.rs", Some("heapless/src/vec.rs")),
            ("/rustc/0123/library/core/src/option.rs", None),
        ] {
            assert_eq!(shown(path, root).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn entries_need_a_reason_and_free_crates_a_function() {
        let is_free = |file: &str| file.starts_with("firmware/store/");
        let text = "# a reason\nblake3/src/lib.rs *\nfirmware/store/src/a.rs seal\n";
        let list = allowed(text, is_free).unwrap();
        let place = |file: &str, function: &str| Place {
            file: file.to_string(),
            function: function.to_string(),
            calls: String::new(),
        };
        assert!(list[0].allows(&place("blake3/src/lib.rs", "run")));
        assert!(!list[0].allows(&place("blake3/src/platform.rs", "run")));
        assert!(list[1].allows(&place("firmware/store/src/a.rs", "seal")));
        assert!(!list[1].allows(&place("firmware/store/src/a.rs", "open")));
        assert!(allowed("blake3/src/lib.rs *", is_free).is_err());
        assert!(allowed("# a reason\n\nblake3/src/lib.rs *", is_free).is_err());
        assert!(allowed("# a reason\nfirmware/store/src/a.rs *", is_free).is_err());
    }
}
