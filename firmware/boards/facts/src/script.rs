//! The build script of every board's package.

use std::path::Path;
use std::{env, fs};

use crate::Facts;

/// Writes the linker's `memory.x` and the firmware's `facts.rs` from the package's `board.toml`, and gives cargo the
/// linker's arguments. A build for another processor than the board's is refused; the message has the command that
/// builds for it.
pub fn run() {
    println!("cargo::rerun-if-changed=board.toml");
    // On one line: cargo would drop further lines from the message.
    match prepare() {
        Ok(()) => {}
        Err(error) => println!("cargo::error={}", error.replace('\n', " ")),
    }
}

fn prepare() -> Result<(), String> {
    let text =
        fs::read_to_string("board.toml").map_err(|error| format!("board.toml cannot be read: {error}"))?;
    let facts = Facts::parse(&text).map_err(|error| format!("board.toml: {error}"))?;
    let variable = |name| env::var(name).unwrap_or_default();
    let package = variable("CARGO_PKG_NAME");
    if facts.name != package {
        return Err(format!("board.toml: name is {:?}, the package is {package}", facts.name));
    }
    facts.check_build(&variable("TARGET"), &variable("CARGO_ENCODED_RUSTFLAGS"))?;
    let out = variable("OUT_DIR");
    for (name, content) in [("memory.x", facts.memory_x()), ("facts.rs", facts.constants())] {
        fs::write(Path::new(&out).join(name), content).map_err(|error| format!("{name}: {error}"))?;
    }
    println!("cargo::rustc-link-search={out}");
    println!("cargo::rustc-link-arg=-Tlink.x");
    println!("cargo::rustc-link-arg=--nmagic");
    Ok(())
}

/// SHA-256 in a loop, which is a sixth of the code. Starts and messages do not wait for it: images have another digest, messages are
/// short. An update is hashed in steps.
const SHORT_SHA: &str = r#"sha2_backend_soft="compact""#;

impl Facts {
    /// Flags of rustc for this board's core, encoded as `CARGO_ENCODED_RUSTFLAGS` takes them.
    pub fn encoded_rustflags(&self) -> String {
        format!("-C\x1ftarget-cpu={}\x1f--cfg\x1f{SHORT_SHA}", self.core)
    }

    /// Refuses a build for another target than the board's, or with `CARGO_ENCODED_RUSTFLAGS` that are not the board's.
    fn check_build(&self, target: &str, encoded_rustflags: &str) -> Result<(), String> {
        let Facts { name, core, target: wanted, .. } = self;
        let cpu = format!("target-cpu={core}");
        let value =
            |flag| ["-C", "--cfg="].iter().find_map(|name| str::strip_prefix(flag, name)).unwrap_or(flag);
        let has = |wanted: &str| encoded_rustflags.split('\x1f').any(|flag| value(flag).trim() == wanted);
        if target == wanted && has(&cpu) && has(SHORT_SHA) {
            return Ok(());
        }
        Err(format!(
            "{name} is built by: RUSTFLAGS='-C {cpu} --cfg {SHORT_SHA}' \
             cargo build --release --package {name} --target {wanted}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use crate::Facts;
    use crate::tests::TEXT;

    #[test]
    fn builds_for_another_processor_are_refused_with_the_command() {
        let facts = Facts::parse(TEXT).unwrap();
        let check = |target: &str, flags: &str| facts.check_build(target, flags);
        let target = "thumbv7em-none-eabihf";
        assert_eq!(check(target, &facts.encoded_rustflags()), Ok(()));
        let short = format!("-Copt-level=3\x1f-Ctarget-cpu=cortex-m7\x1f--cfg={}", super::SHORT_SHA);
        assert_eq!(check(target, &short), Ok(()));
        let command = "toaster is built by: RUSTFLAGS='-C target-cpu=cortex-m7 --cfg sha2_backend_soft=\"compact\"' \
                       cargo build --release --package toaster --target thumbv7em-none-eabihf";
        for (target, flags) in [
            (target, ""),
            (target, "-C\x1ftarget-cpu=cortex-m7"),
            (target, &short.replace("m7", "m4")),
            (target, &short.replace("m7", "m70")),
            ("x86_64-unknown-linux-gnu", &short),
        ] {
            assert_eq!(check(target, flags), Err(command.to_string()));
        }
    }
}
