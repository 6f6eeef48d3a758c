//! Builds the programs that are read, and runs them in the emulator.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use facts::Facts;

/// Folder of the repository.
///
/// # Errors
/// When it is gone.
pub fn root() -> Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().context("the repository's folder")
}

/// The facts of a board.
///
/// # Errors
/// When there is no such board.
pub fn facts(board: &str) -> Result<Facts> {
    let path = root()?.join("firmware/boards").join(board).join("board.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Facts::parse(&text)?)
}

/// Builds an example of a board; returns its ELF file.
///
/// # Errors
/// When it does not build.
pub fn build(facts: &Facts, example: &str) -> Result<PathBuf> {
    let (mut cargo, elf) =
        facts.build(&root()?, Some(example)).context("no compiler for the board: run ./setup.sh")?;
    let built = cargo.output().context("cannot run cargo")?;
    ensure!(built.status.success(), "{example}: {}", String::from_utf8_lossy(&built.stderr));
    Ok(elf)
}

/// QEMU as a board with a program, with its shared RAM in a file of the right size and the computer's clock.
///
/// # Errors
/// When the board is not emulated or has no shared RAM.
pub fn device(facts: &Facts, elf: &Path, ram: &Path) -> Result<Command> {
    let bytes = facts.qemu_ram.context("a board with shared RAM")?.bytes;
    let machine = facts.qemu_machine.as_ref().context("an emulated board")?;
    let mut qemu = Command::new("qemu-system-arm");
    qemu.arg("-object")
        .arg(format!("memory-backend-file,id=ram,size={bytes},mem-path={},share=on", ram.display()))
        .args(["-machine", &format!("{machine},memory-backend=ram")])
        .args(["-display", "none", "-monitor", "none", "-serial", "null", "-kernel"])
        .arg(elf);
    Ok(qemu)
}
