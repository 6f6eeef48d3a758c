//! The build script of `nn`, `vision` and `matcher`.
//!
//! Sets a cfg for the vector instructions of the target and the processor that rustc compiles for: `arm_dsp` for
//! pairs of 16-bit numbers in core registers (Cortex-M4, M7, M33), `arm_helium` for Helium (Cortex-M52, M55, M85),
//! `arm_neon` for NEON with little-endian lanes (aarch64).

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=../build.rs");
    println!("cargo:rustc-check-cfg=cfg(arm_dsp, arm_helium, arm_neon)");
    let variable = |name| env::var(name).unwrap_or_default();
    let (target, flags) = (variable("TARGET"), variable("CARGO_ENCODED_RUSTFLAGS"));
    let is_core =
        |cores: &[&str]| cores.iter().any(|core| flags.contains(&format!("target-cpu=cortex-{core}")));
    if is_core(&["m52", "m55", "m85"]) {
        println!("cargo:rustc-cfg=arm_helium");
    } else if target.starts_with("thumbv7em") || is_core(&["m33", "m35p"]) {
        println!("cargo:rustc-cfg=arm_dsp");
    } else if variable("CARGO_CFG_TARGET_ARCH") == "aarch64"
        && variable("CARGO_CFG_TARGET_ENDIAN") == "little"
        && variable("CARGO_CFG_TARGET_FEATURE").split(',').any(|feature| feature == "neon")
    {
        println!("cargo:rustc-cfg=arm_neon");
    }
}
