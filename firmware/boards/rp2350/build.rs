//! Gives the linker and the program the facts of `board.toml`, and the boot ROM its block.

fn main() {
    let out = std::env::var("OUT_DIR").unwrap_or_default();
    // `facts` lets the linker search this folder.
    match std::fs::write(std::path::Path::new(&out).join("boot.x"), include_str!("boot.x")) {
        // Before the scripts of the run-time, which leaves symbols as they are that exist already.
        Ok(()) => println!("cargo::rustc-link-arg=-Tboot.x"),
        Err(error) => println!("cargo::error=boot.x: {error}"),
    }
    facts::script::run();
}
