//! Prints what a program's panics and sizes are: `audit ELF…`.

use anyhow::{Context, Result};
use audit::program::Program;
use audit::{boards, panics, sizes};

fn main() -> Result<()> {
    let root = boards::root()?;
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {path}"))?;
        let program = Program::parse(&bytes).with_context(|| path.clone())?;
        println!("{path}: {} bytes of flash", sizes::flash_bytes(&program));
        for (place, lines) in panics::places(&program, &root.display().to_string())? {
            println!("panics: {place}");
            lines.iter().for_each(|line| println!("    {line}"));
        }
        for (name, bytes) in sizes::code_bytes(&program, &root.display().to_string())? {
            println!("code {bytes:7} {name}");
        }
        for (name, bytes) in sizes::static_bytes(&program) {
            println!("static {bytes:7} {name}");
        }
    }
    Ok(())
}
