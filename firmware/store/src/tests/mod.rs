//! Tests of the whole store.

mod cuts;
mod damage;
mod harness;
mod mutants;
mod operations;
mod pinned;
