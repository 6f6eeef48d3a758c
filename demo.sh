#!/bin/sh
# Shows the main job from nothing: sets up missing parts, exports the default network with two people enrolled, starts
# the firmware on an emulated Cortex-M7 and lets it recognise photos. Arguments go to `host demo`, such as --board
# qemu-m55.
set -eu
cd "$(dirname "$0")"
echo "demo: setting up, then building; the first time takes about 10 minutes on two idle cores, later runs one" >&2
./setup.sh
cargo build --locked --bin host
exec target/debug/host demo "$@"
