//! Command line of Geode.
fn main() {}
