#!/bin/sh
# Compiles the crates that are fuzzed with the coverage counters that libFuzzer reads. Cargo calls it as RUSTC_WORKSPACE_WRAPPER, so that
# dependencies are the ones that other parts of the tests have compiled. Crates that build scripts use run without libFuzzer and are
# left as they are.
set -eu
name=
previous=
for argument in "$@"; do
    [ "$previous" != --crate-name ] || name=$argument
    previous=$argument
done
case $name in
# Constants that the importer compares with come from its own mutator; tracing comparisons would take a third of the time. Little
# optimised, it is compiled sooner: what the fuzzers call of it only reads files and writes small images.
host) set -- "$@" -C opt-level=1 ;;
format | nn | matcher | link | fm22x | store | app | fuzz_*) set -- "$@" -C llvm-args=-sanitizer-coverage-trace-compares ;;
*) exec "$@" ;;
esac
exec "$@" --cfg fuzzing -C passes=sancov-module -C llvm-args=-sanitizer-coverage-level=4 \
    -C llvm-args=-sanitizer-coverage-inline-8bit-counters -C llvm-args=-sanitizer-coverage-pc-table
