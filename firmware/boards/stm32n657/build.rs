//! Gives the linker and the program the facts of `board.toml`.

fn main() {
    facts::script::run();
}
