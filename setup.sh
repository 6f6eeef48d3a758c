#!/bin/sh
# Sets up everything that is missing to build, run and test Geode: QEMU for ARM, a compiler for the boards, the default
# network and the demo's photos. It is safe to run again: parts that exist already are not changed.
#
#   ./setup.sh               everything
#   ./setup.sh --tests       everything, QEMU and a linker for aarch64, whose kernels test.sh tests, ONNX Runtime, with
#                            which import is compared, and libclang, with which cameras of Linux are compiled
#   ./setup.sh --data-only   the network and the photos alone
set -eu
cd "$(dirname "$0")"

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif has sudo; then sudo "$@"; else
        fail "root is needed for: $*; run that yourself, then this again"
    fi
}

packages_updated=
install() {
    has apt-get || fail "please install $*: this system has no apt-get, so set-up cannot"
    if [ -z "$packages_updated" ]; then
        as_root apt-get update -qq || fail "apt-get update failed; is there a network?"
        packages_updated=yes
    fi
    say "installing $* (a minute)"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2 ||
        fail "apt-get could not install $*"
}

need() { # need PROGRAM PACKAGE…: installs the packages if the program is missing
    program=$1
    shift
    has "$program" || install "$@"
    has "$program" || fail "$* are installed, but there is no $program"
}

# --- programs ---

targets=$(sed -n 's/^target = "\(.*\)"$/\1/p' firmware/boards/*/board.toml | sort -u)
[ -n "$targets" ] || fail "no board.toml in firmware/boards names a target"

target_installed() {
    [ -d "$(rustc --print target-libdir --target "$1" 2>/dev/null)" ]
}

set_up_compiler() {
    has cargo || fail "no Rust toolchain; get one from https://rustup.rs, then run this again"
    need cc build-essential
    missing=
    for target in $targets; do target_installed "$target" || missing="$missing $target"; done
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086 # a list of words
    if has rustup && rustup target add $missing >/dev/null 2>&1; then
        say "added the Rust targets$missing"
        return 0
    fi
    # The distribution's compiler can build the core library for the boards from its sources.
    if [ ! -x /usr/bin/rustc ] || [ ! -x /usr/bin/cargo ] || [ ! -d /usr/lib/rustlib/src/rust/library ]; then
        say "rustup has no targets$missing here; taking the distribution's compiler for the boards"
        install rustc-web cargo-web rust-web-src
    fi
}

set_up_aarch64() { # test.sh names the parts that are still missing, and skips these tests
    aarch64=aarch64-unknown-linux-gnu
    [ "$(uname -m)" != aarch64 ] || return 0
    if ! target_installed $aarch64; then
        if ! has rustup || ! rustup target add $aarch64 >/dev/null 2>&1; then
            say "rustup has no target $aarch64 here; going on without"
            return 0
        fi
        say "added the Rust target $aarch64"
    fi
    need qemu-aarch64 qemu-user
    need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu libc6-dev-arm64-cross
}

# The feature `v4l2` of the device's program for Linux is compiled with it.
set_up_libclang() {
    ldconfig -p | grep -q 'libclang\(-[0-9]*\)\?\.so' || install libclang1 linux-libc-dev
}

# The tests of import compare with these packages. Without them the tests are ignored, and test.sh goes on.
set_up_onnxruntime() {
    folder_of_packages=$(pwd)/data/python
    has python3 && python3 -m pip --version >/dev/null 2>&1 || install python3 python3-pip
    PYTHONPATH=$folder_of_packages python3 -c "import onnx, onnxruntime.quantization" >/dev/null 2>&1 && return 0
    found=$(python3 -c "import platform as p, sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2],
        p.libc_ver()[0] or 'another libc', p.machine())")
    case "$found" in
    cpython\ 3.1[1234]\ glibc\ x86_64 | cpython\ 3.1[1234]\ glibc\ aarch64) ;;
    *)
        say "there is no pinned onnxruntime for this Python ($found), only for CPython 3.11 to 3.14 with glibc on x86_64" \
            "and aarch64; going on without"
        return 0
        ;;
    esac
    say "fetching onnx and onnxruntime from PyPI (a minute)"
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --target "$folder_of_packages" --no-deps \
        --only-binary :all: --require-hashes --requirement tests/zoo/requirements.txt >&2 ||
        say "pip could not install the files that tests/zoo/requirements.txt names; going on without"
}

# --- data ---

folder=
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

checked() { (cd "$1" && sha256sum --check --quiet --strict "$2") >/dev/null 2>&1; }

# Moves the files that a list names from their place in an unpacked package into a folder, after checking them.
place() { # place LIST SOURCE TARGET
    while read -r sum name; do
        printf '%s  %s\n' "$sum" "$2/${name##*/}" | sha256sum --check --quiet --strict >&2 ||
            fail "${name##*/} is not the file it should be: its sha256 differs from models/; not used"
        mkdir -p "$(dirname "$3/$name")"
        mv "$2/${name##*/}" "$3/$name"
    done <"$1"
}

npm_package() { # npm_package NAME@VERSION PATH…: unpacks paths of a package
    need npm npm
    say "fetching $1 from npm"
    package=$(cd "$folder" && npm pack --silent "$1") || fail "npm could not fetch $1; is there a network?"
    shift
    tar -xzf "$folder/$package" -C "$folder" "$@"
}

set_up_data() {
    root=$(pwd)
    networks=$root/models/faceplugin/sha256sums
    photos=$root/models/demo-faces/sha256sums
    mkdir -p data
    folder=$(mktemp -d "$root/data/.fetching.XXXXXX")
    if ! checked data "$networks"; then
        npm_package faceplugin-face-recognition-js@0.0.1 package/model
        place "$networks" "$folder/package/model" data
    fi
    if ! checked data "$photos"; then
        has python3 && python3 -m pip --version >/dev/null 2>&1 || install python3 python3-pip
        say "fetching face_recognition 1.3.0 from PyPI"
        (cd "$folder" && python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: face_recognition==1.3.0 >&2) ||
            fail "pip could not fetch face_recognition 1.3.0; is there a network?"
        tar -xzf "$folder/face_recognition-1.3.0.tar.gz" -C "$folder"
        npm_package @vladmandic/face-api@1.7.15 package/demo
        mkdir "$folder/photos"
        mv "$folder"/face_recognition-1.3.0/tests/test_images/*.jpg "$folder"/package/demo/sample*.jpg "$folder/photos"
        place "$photos" "$folder/photos" data
    fi
    rm -rf "$folder"
}

case "${1-}" in
"" | --tests)
    set_up_compiler
    need qemu-system-arm qemu-system-arm
    [ -z "${1-}" ] || set_up_aarch64
    [ -z "${1-}" ] || set_up_libclang
    [ -z "${1-}" ] || set_up_onnxruntime
    set_up_data
    ;;
--data-only) set_up_data ;;
*) fail "usage: ./setup.sh [--tests | --data-only]" ;;
esac
say "everything is there"
