//! Tells the tests whether the larger test data lies beside the repository: those that need it are ignored where it does not.

use std::path::Path;

fn main() {
    println!("cargo:rustc-check-cfg=cfg(shared)");
    println!("cargo:rerun-if-changed=../../../shared/faces");
    println!("cargo:rerun-if-changed=build.rs");
    if Path::new("../../../shared/faces").is_dir() {
        println!("cargo:rustc-cfg=shared");
    }
}
