#!/bin/sh
# Checks a crate of the boards with Clippy, then compiles it. Cargo calls it as RUSTC_WORKSPACE_WRAPPER. So what these crates depend on
# is compiled once, where `cargo clippy` would check all of it besides.
set -eu
rustc=$1
shift
is_crate=
previous=
for argument in "$@"; do
    # Cargo also asks for the compiler's properties, of a crate of this name.
    [ "$previous" != --crate-name ] || [ "$argument" = ___ ] || is_crate=yes
    previous=$argument
done
check() {
    previous=
    for argument in "$@"; do
        shift
        case $previous:$argument in
        *:--emit=*) argument=--emit=metadata ;;
        # Cargo starts what depends on a crate when it hears of its metadata.
        *:--json=*artifacts,*) argument=${argument%artifacts,*}${argument#*artifacts,} ;;
        --out-dir:*) argument=$checked ;;
        esac
        previous=$argument
        set -- "$@" "$argument"
    done
    clippy-driver "$rustc" "$@" -D warnings
}
if [ -n "$is_crate" ]; then
    checked=$(mktemp -d)
    trap 'rm -rf "$checked"' EXIT
    check "$@"
    rm -rf "$checked"
fi
exec "$rustc" "$@"
