//! The build script of `nn` and `matcher`.
//!
//! Names the processor's vector instructions, from the target and the processor that rustc was told to compile for:
//! `arm_dsp` for 16-bit pairs in core registers (Cortex-M4, M7, M33), `arm_helium` for Helium (Cortex-M52, M55, M85).

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=../build.rs");
    println!("cargo:rustc-check-cfg=cfg(arm_dsp, arm_helium)");
    let target = env::var("TARGET").unwrap_or_default();
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let is_core =
        |cores: &[&str]| cores.iter().any(|core| flags.contains(&format!("target-cpu=cortex-{core}")));
    if is_core(&["m52", "m55", "m85"]) {
        println!("cargo:rustc-cfg=arm_helium");
    } else if target.starts_with("thumbv7em") || is_core(&["m33", "m35p"]) {
        println!("cargo:rustc-cfg=arm_dsp");
    }
}
