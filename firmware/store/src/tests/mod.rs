//! Tests of the whole store.

mod cuts;
mod harness;
mod mutants;
mod operations;
mod pinned;
