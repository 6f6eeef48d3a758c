//! Fits the cost model: instructions to the counts of the boards, cycles to llvm-mca's models of the cores.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use host::bench::{Scope, bench, boards};
use host::board::{Board, emulated};
use host::cost::{Core, Kind, Work};
use host::output;
use object::{Object, ObjectSymbol};

use crate::networks;

/// Versions of LLVM's tools to search for, the best first. A version that does not know a core refuses it.
const VERSIONS: [&str; 6] = ["", "-22", "-21", "-20", "-19", "-18"];

/// Fits, prints the error for each network, and writes `host/src/cost.json`.
pub fn fit() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut counted: BTreeMap<&str, Vec<(Work, u64)>> = BTreeMap::new();
    let mut totals = Vec::new();
    let networks = networks::real(folder.path())?.into_iter().chain(networks::generated(folder.path())?);
    for network in networks {
        eprintln!("fit: counting {}", network.name);
        let scope = Scope { boards: emulated().collect(), computer: None, galleries: Vec::new() };
        let measured = bench(&network.image, &scope)?;
        for (board, cost) in emulated().zip(&measured.boards) {
            let layers = measured.work.iter().copied().zip(cost.layers.iter().copied());
            counted.entry(&board.name).or_default().extend(layers);
        }
        totals.push((network.name, measured));
    }
    let mut cores = BTreeMap::new();
    for board in emulated() {
        let costs = totals.iter().flat_map(|(_, measured)| &measured.boards);
        let of_board = costs.filter(|cost| cost.board == board.name);
        let core = Core {
            instructions: Core::fit(&counted[&*board.name]),
            cycles: cycles(board)?,
            stack_bytes: of_board.map(|cost| cost.stack_bytes).max().unwrap_or(0),
            firmware_bytes: boards::code(board)?.firmware_bytes,
        };
        cores.insert(&*board.name, core);
    }
    for (name, measured) in &totals {
        for cost in &measured.boards {
            let estimate: f64 =
                measured.work.iter().map(|work| cores[&*cost.board].estimate(work).instructions).sum();
            println!("{name} on {}: model {:.3} of counted", cost.board, estimate / cost.instructions as f64);
            for (index, (work, &count)) in measured.work.iter().zip(&cost.layers).enumerate() {
                let estimate = cores[&*cost.board].estimate(work).instructions;
                if (estimate - count as f64).abs() > 0.03 * cost.instructions as f64 {
                    println!(
                        "  layer {index}, {}: {:.3} of {count}; {work:?}",
                        work.kind.name(),
                        estimate / count as f64
                    );
                }
            }
        }
    }
    let path = suite::root().join("host/src/cost.json");
    output::write_json(&path, &cores)
}

/// Functions with the inner loops of a kind, by parts of their names.
fn inner_loops(board: &Board, kind: Kind) -> &'static [&'static str] {
    let is_helium = board.core == "cortex-m55";
    match kind {
        Kind::Depthwise if is_helium => {
            &["slide::slide_linear_to_whole_bytes", "slide::slide_signed_to_whole_bytes"]
        }
        Kind::Depthwise => &["group::slide"],
        Kind::Add => &["asm::add::", "asm::add_bytes::", "asm::add_row::"],
        _ if is_helium => &["asm::multiply"],
        _ => &["group::tile"],
    }
}

/// Cycles for each instruction, by kind, if memory never waits.
fn cycles(board: &Board) -> Result<BTreeMap<Kind, f64>> {
    let elf = board.build()?;
    let bytes = std::fs::read(&elf).with_context(|| format!("cannot read {}", elf.display()))?;
    let file = object::File::parse(&*bytes).context("the firmware is not an ELF file")?;
    let mut cycles = BTreeMap::new();
    for kind in [Kind::Pointwise, Kind::Depthwise, Kind::Add] {
        let mut code = Vec::new();
        for symbol in file.symbols() {
            let name = format!("{:#}", rustc_demangle::demangle(symbol.name().unwrap_or_default()));
            if symbol.size() > 0 && inner_loops(board, kind).iter().any(|part| name.contains(part)) {
                let start = symbol.address() & !1;
                code.extend(disassemble(board, &elf, start, start + symbol.size())?);
            }
        }
        // An inlined inner loop has no symbol. Its kind then gets the cycles of [`Kind::Pointwise`].
        if !code.is_empty() {
            cycles.insert(kind, cycles_an_instruction(board, &code)?);
        }
    }
    let pointwise = *cycles.get(&Kind::Pointwise).context("no inner loop of a convolution was found")?;
    for kind in Kind::ALL {
        cycles.entry(kind).or_insert(pointwise);
    }
    Ok(cycles)
}

/// A tool of LLVM, in the best version that is installed.
fn tool(name: &str) -> Result<Command> {
    let installed = VERSIONS.iter().map(|version| format!("{name}{version}"));
    let is_there = |name: &String| Command::new(name).arg("--version").output().is_ok();
    let found = installed.rev().find(is_there).or_else(|| Some(name.to_string()).filter(is_there));
    Ok(Command::new(found.with_context(|| format!("{name} is not installed; apt-get install llvm-19"))?))
}

/// Instructions between two addresses, except those that change the flow of the program.
fn disassemble(board: &Board, elf: &std::path::Path, start: u64, end: u64) -> Result<Vec<String>> {
    let output = tool("llvm-objdump")?
        .args(["--disassemble", "--no-show-raw-insn", "--no-leading-addr"])
        .arg(format!("--mcpu={}", board.core))
        .arg(format!("--start-address={start:#x}"))
        .arg(format!("--stop-address={end:#x}"))
        .arg(elf)
        .output()?;
    ensure!(output.status.success(), "llvm-objdump: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).to_string();
    let lines = text.lines().filter(|line| line.starts_with(char::is_whitespace));
    let stays = |line: &str| {
        // The code contains jump tables.
        if line.contains(".word") || line.contains("pc") {
            return false;
        }
        let name = line.split_whitespace().next().unwrap_or_default();
        let leaves = name.starts_with('b') && !name.starts_with("bf") && !name.starts_with("bic");
        let loops = ["cb", "dls", "wls", "le", "lctp", "pop", "push", "adr", "<unknown>"];
        !leaves
            && !loops.iter().any(|other| name.starts_with(other))
            && !line.contains('<')
            && !line.contains("pc")
    };
    Ok(lines.filter(|line| stays(line)).map(|line| line.trim().to_string()).collect())
}

/// Cycles for each instruction of straight-line code, repeated.
fn cycles_an_instruction(board: &Board, code: &[String]) -> Result<f64> {
    let mut mca = tool("llvm-mca")?
        .args(["-mtriple=thumbv8.1m.main-none-eabihf", "-iterations=20", "-instruction-info=false"])
        .args(["-resource-pressure=false", &format!("-mcpu={}", board.core)])
        .args(if board.core == "cortex-m55" { &["-mattr=+mve.fp"][..] } else { &[] })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = mca.stdin.take() {
        // On the Cortex-M4, llvm-mca has no model of loads of several registers. Such a load takes one cycle for each
        // register, and one more.
        for line in code {
            writeln!(input, "{line}")?;
        }
    }
    let output = mca.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let figure = |name: &str| -> Result<f64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let Some(line) = line else { bail!("llvm-mca: {}", String::from_utf8_lossy(&output.stderr)) };
        Ok(line.trim().parse()?)
    };
    let extra = if board.core == "cortex-m4" {
        code.iter().map(|line| registers_loaded(line)).sum::<usize>()
    } else {
        0
    };
    let iterations = 20.0;
    Ok((figure("Total Cycles:")? + iterations * extra as f64) / figure("Instructions:")?)
}

/// Number of registers that a load or store of several registers moves.
fn registers_loaded(line: &str) -> usize {
    let is_several = ["ldm", "stm"].iter().any(|name| line.starts_with(name));
    if is_several {
        let list = line.split('{').nth(1).unwrap_or_default();
        list.split(',').count()
    } else {
        usize::from(["ldrd", "strd"].iter().any(|name| line.starts_with(name)))
    }
}
