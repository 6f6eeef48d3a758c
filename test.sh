#!/bin/sh
# Every test, from nothing: sets up what is missing, checks form, and runs the tests on host and emulated boards.
set -eu
cd "$(dirname "$0")"
step() { printf '\ntest: %s\n' "$*" >&2; }
step "setting up, then building and testing; the first time takes about 20 minutes on two cores, later runs less"
./setup.sh --tests
if [ -d ../shared/faces ]; then
    step "data: the default network and its photos, and the networks and faces of ../shared"
else
    step "data: the default network and its photos (no ../shared beside the repository)"
fi

step "formatting"
cargo fmt --all --check
(cd firmware/boards && cargo fmt --check)

step "tests"
GEODE_BOARDS=required cargo test --locked --workspace --quiet

step "kernels for aarch64, emulated"
target=aarch64-unknown-linux-gnu
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
missing=
[ -d "$(rustc --print target-libdir --target $target)" ] || missing=" the Rust target $target"
for program in qemu-aarch64 "$CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER"; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
if [ "$(uname -m)" = aarch64 ]; then
    step "not emulated: this machine is one, so that the tests above ran them"
elif [ -n "$missing" ]; then
    step "skipped, because there is no:$missing"
else
    # One processor that has dot products, one that has not.
    for processor in max cortex-a53; do
        export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu -cpu $processor"
        cargo test --locked --package cases --package nn --lib --test levels --target $target --quiet
    done
    cargo clippy --locked --package cases --package nn --all-targets --target $target --quiet -- -D warnings
fi

step "instructions and memory against the baseline"
cargo run --locked --quiet --package bench -- check

step "clippy"
cargo clippy --locked --workspace --all-targets --quiet -- -D warnings
for board in firmware/boards/*/board.toml; do
    fact() { sed -n "s/^$1 = \"\(.*\)\"\$/\1/p" "$board"; }
    name=$(fact name)
    (cd firmware/boards && CARGO_ENCODED_RUSTFLAGS="-Ctarget-cpu=$(fact core)" \
        cargo clippy --locked --release --quiet --package "$name" --package programs --package cortex --package mps \
        --bins --lib --examples --target "$(fact target)" --target-dir "../../target/boards/$name" -- -D warnings)
done

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
step "all is well"
