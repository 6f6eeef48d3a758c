#!/bin/sh
# Every test, from nothing: sets up what is missing, checks form, and runs the tests on host and emulated boards.
set -eu
cd "$(dirname "$0")"
step() { printf '\ntest: %s\n' "$*" >&2; }
step "setting up, then building and testing; the first time takes about 15 minutes on two cores, later runs 6"
./setup.sh
if [ -d ../shared/faces ]; then
    step "data: the default network and its photos, and the networks and faces of ../shared"
else
    step "data: the default network and its photos (no ../shared beside the repository)"
fi

step "formatting"
cargo fmt --all --check
for board in firmware/boards/*/; do (cd "$board" && cargo fmt --check); done

step "tests"
GEODE_BOARDS=required cargo test --locked --workspace --quiet

step "clippy"
cargo clippy --locked --workspace --all-targets --quiet -- -D warnings

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
step "all is well"
