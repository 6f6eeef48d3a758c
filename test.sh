#!/bin/sh
# The tests, from nothing: sets up missing parts, then runs all tests or the named parts, cheap ones first.
#
#   ./test.sh [PART…]    fmt clippy docs book host boards aarch64 costs fuzz
set -eu
cd "$(dirname "$0")"
step() { printf '\ntest: %s\n' "$*" >&2; }

parts="fmt clippy docs book host boards aarch64 costs fuzz"
for part in "$@"; do
    case " $parts " in
    *" $part "*) ;;
    *)
        printf 'test: there is no part %s; there are: %s\n' "$part" "$parts" >&2
        exit 2
        ;;
    esac
done
[ $# -eq 0 ] || parts=$*

# Parts note what is to be run here, and it runs in the end.
jobs=target/jobs

# Builds the tests that arguments of `cargo test` choose, and notes a job for each of their programs. A runner, such as an
# emulator, starts them. The same features for every part, so that nothing is compiled twice. The programs get $options.
options=
tests() { # tests NOTE RUNNER ARGUMENTS…
    note=$1 runner=$2
    shift 2
    cargo test --locked --no-run --quiet --message-format=json-render-diagnostics "$@" >target/built.json
    line='.*"manifest_path":"\(.*\)/Cargo\.toml",.*"test":true},"features".*"executable":"\([^"]*\)".*'
    sed -n "s|$line|\1 \2|p" target/built.json >target/built
    [ -s target/built ] && [ "$(grep -c '"test":true},"features"' target/built.json)" = "$(grep -c . target/built)" ] || {
        step "cannot read which programs cargo built of: $*"
        exit 1
    }
    while read -r folder program; do
        name=${program##*/}
        # shellcheck disable=SC2086 # lists of words
        job "${folder##*/}/${name%-*}$note" "$folder" $runner "$program" --quiet $options
    done <target/built
}

integration() { # integration NAME…: the workspace's tests, of these integration tests only
    names=
    for name in "$@"; do names="$names --test $name"; done
    # shellcheck disable=SC2086 # a list of words
    tests "" "" --workspace $names
}

job() { # job NAME FOLDER COMMAND…: notes a command that part of the tests is, to be run in a folder
    printf '"%s"' "$1" >>$jobs
    shift
    printf ' "%s"' "$@" >>$jobs
    printf '\n' >>$jobs
}

# Jobs that take longer than ten seconds, the longest first.
long="suite/boards suite/linux suite/faces suite/transfer suite/sight suite/evaluate_sight suite/accuracy suite/eyes suite/device cases/levels bench/check
    suite/json suite/cli suite/field suite/link suite/export suite/truth suite/files suite/folders"

# Runs the noted jobs that are short as soon as they are built, as they can fail soon. Leaves the others, the longest first, so that
# no processor is left with one in the end.
run_short_jobs() {
    [ -s $jobs ] || return 0
    for name in $long; do
        grep "^\"$name" $jobs || :
    done >$jobs.long
    grep -vxF -f $jobs.long $jobs >$jobs.short || :
    mv $jobs.long $jobs
    run_jobs_in $jobs.short
}

run_long_jobs() {
    if [ -s $jobs ]; then run tests run_jobs_in $jobs; fi
    : >$jobs
}

# One more at once than there are processors, as some wait for a device or a clock.
run_jobs_in() {
    xargs -r -L 1 -P $(($(getconf _NPROCESSORS_ONLN) + 1)) tests/job.sh <"$1"
}

stop_at_exit() { # stop_at_exit PIDS: ends what runs in the background, which an interrupt does not reach
    # shellcheck disable=SC2064 # those that run now
    trap "kill $1 2>/dev/null || :" EXIT
}

# Tests that start emulated boards. All other tests run on the host alone.
on_boards="audit boards device json link linux sight transfer"

part_fmt() {
    for script in ./*.sh tests/*.sh tests/fuzz/*.sh .ci/run; do sh -n "$script"; done
    cargo fmt --all --check
    (cd firmware/boards && cargo fmt --check)
}

fact() { sed -n "s/^$2 = \"\(.*\)\"\$/\1/p" "$1"; } # fact BOARD-FILE NAME

has_target() { [ -d "$(rustc --print target-libdir --target "$1")" ]; }

# Lets Clippy check the boards' crates as they are compiled, also by the host in tests: it hands this wrapper to cargo.
lint_boards() {
    for board in firmware/boards/*/board.toml; do
        has_target "$(fact "$board" target)" || {
            step "boards are not checked by Clippy, which the distribution's compiler does not have; rustup has no targets here"
            return 0
        }
    done
    export GEODE_BOARDS_WRAPPER=$PWD/tests/lint.sh
}

# Builds programs for a board, with the compiler and the flags of `facts::toolchain`.
build_for() ( # build_for BOARD-FILE OPTION…
    name=$(fact "$1" name) core=$(fact "$1" core) target=$(fact "$1" target)
    shift
    set -- build --quiet --locked --release --package "$name" --target "$target" --target-dir "../../target/boards/$name" "$@"
    flags=$(printf '%s\037' -C "target-cpu=$core" --cfg 'sha2_backend_soft="compact"')
    export CARGO_ENCODED_RUSTFLAGS="${flags%?}"
    [ -z "${GEODE_BOARDS_WRAPPER:-}" ] || export RUSTC_WORKSPACE_WRAPPER="$GEODE_BOARDS_WRAPPER"
    cd firmware/boards
    if has_target "$target"; then
        cargo "$@"
    else
        for linker in "$(rustc --print sysroot)"/lib/rustlib/*/bin/rust-lld; do PATH=${linker%/*}:$PATH; done
        RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 /usr/bin/cargo -Zbuild-std=core,alloc "$@"
    fi
)

# The workspace's features, with the ways to chips over a probe and over DFU, which nothing else compiles. Without libclang cameras of
# Video4Linux are missing, which cannot be compiled then.
lint_features() {
    printf fuzz/libfuzzer,host/probes
    ! ldconfig -p | grep -q 'libclang\(-[0-9]*\)\?\.so' || printf ,linux/v4l2
}

part_clippy() {
    features=$(lint_features)
    case $features in *v4l2) ;; *) step "cameras of Video4Linux are not checked, because there is no libclang" ;; esac
    beside link_boards cargo clippy --locked --workspace --all-targets --features "$features" --quiet -- -D warnings
}

# Boards are linked one after the other, each program as a whole, which leaves processors idle.
beside() { # beside FUNCTION COMMAND…: runs both at the same time
    "$1" &
    pid=$!
    shift
    stop_at_exit $pid
    "$@"
    wait $pid
    trap - EXIT
}

# Every program of every board. What is not emulated is at least linked, which fails if it does not fit.
link_boards() {
    for board in firmware/boards/*/board.toml; do
        build_for "$board" --bins --examples
        # So with other parts that a board can have.
        ! grep -q '^\[features\]' "${board%/*}/Cargo.toml" || build_for "$board" --all-features --example door
    done
}

# With the features of Clippy, which has checked the dependencies with them. So a link to an item of a feature is not found to be
# broken without it.
part_docs() {
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --features "$(lint_features)" --quiet
}

# The book's links, chapters and figures. mdBook itself is not run: compiling its library takes longer than a minute,
# and it does not check anchors.
part_book() {
    integration book
}

part_host() {
    names=
    for test in tests/*/tests/*.rs firmware/*/tests/*.rs; do
        name=$(basename "$test" .rs)
        case " $on_boards book " in *" $name "*) ;; *) names="$names --test $name" ;; esac
    done
    # shellcheck disable=SC2086 # a list of words
    tests "" "" --workspace --lib --bins $names
}

part_boards() {
    # shellcheck disable=SC2086 # a list of words
    integration $on_boards
}

part_aarch64() {
    target=aarch64-unknown-linux-gnu
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    missing=
    [ -d "$(rustc --print target-libdir --target $target)" ] || missing=" the Rust target $target"
    for program in qemu-aarch64 "$CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER"; do
        command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
    done
    if [ "$(uname -m)" = aarch64 ]; then
        step "not emulated: this machine is one, so that the host's tests ran them"
    elif [ -n "$missing" ]; then
        step "skipped, because there is no:$missing"
    else
        # Static, as the device's program is released.
        export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-Ctarget-feature=+crt-static"
        # One processor that has dot products, and one that does not.
        for processor in max cortex-a53; do
            tests " on $processor" "qemu-aarch64 -cpu $processor" \
                --package cases --package nn --lib --test levels --target $target
        done
        cargo build --locked --quiet --package linux --target $target
        # Without the Cortex-M7, which sees what the simulator sees: so does this processor, and the host beside it.
        options="--skip as_on_an_emulated_cortex_m7"
        tests " on aarch64" "env GEODE_DOOR=$PWD/target/$target/debug/geode-door GEODE_DOOR_RUNNER=qemu-aarch64" \
            --workspace --test linux
        options=
        # What only this processor has.
        cargo clippy --locked --package cases --package nn --all-targets --target $target --quiet -- -D warnings
    fi
}

part_costs() {
    # Of the whole workspace, as the tests are: dependencies have the same features and are not compiled again.
    cargo build --locked --quiet --workspace --bin bench
    job bench/check "$PWD" target/debug/bench check
    job bench/sizes "$PWD" target/debug/bench sizes
}

# Each fuzzer for 15 seconds, or FUZZ_SECONDS, from the seeds and from what earlier runs found, all at the same time. Continuous
# integration takes twice that.
part_fuzz() {
    fuzzers="onnx image link session fm22x store device"
    bins=
    for fuzzer in $fuzzers; do bins="$bins --bin fuzz-$fuzzer"; done
    cargo build --locked --quiet --workspace --bin fuzz-seeds
    target/debug/fuzz-seeds target/fuzz
    # shellcheck disable=SC2086 # a list of words
    RUSTC_WORKSPACE_WRAPPER=$PWD/tests/fuzz/instrument.sh cargo build --locked --quiet --workspace \
        --features fuzz/libfuzzer $bins
    running= pids=
    for fuzzer in $fuzzers; do
        # Errors are made by the thousand; looking up where costs ten times as much as the rest.
        RUST_LIB_BACKTRACE=0 target/debug/fuzz-$fuzzer "target/fuzz/$fuzzer" -max_total_time="${FUZZ_SECONDS:-15}" -timeout=30 -rss_limit_mb=2048 \
            -artifact_prefix="target/fuzz/$fuzzer-" -print_final_stats=1 >"target/fuzz/$fuzzer.log" 2>&1 &
        running="$running $fuzzer=$!"
        pids="$pids $!"
    done
    stop_at_exit "$pids"
    for each in $running; do
        log=target/fuzz/${each%=*}.log
        wait "${each#*=}" || { tail -50 "$log" >&2 && exit 1; }
        frames=$(sed -n 's/^stat::frames_\(.*\): \(.*\)/, \2 frames of \1/p' "$log" | tr -d '\n')
        step "fuzz ${each%=*}: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs$frames without a finding"
    done
    trap - EXIT
}

# Users who run all tests want an error when boards do not run.
export GEODE_BOARDS=required

if [ -d ../shared/faces ]; then
    step "data: the default network and its photos, and the networks and faces of ../shared"
else
    step "data: the default network and its photos; tests that need ../shared beside the repository are ignored"
fi
step "building and testing; the first time takes about half an hour on two cores, later runs less than half of that"
# What several tests need is made once a run.
export GEODE_MADE_ONCE=$PWD/target/made-once
rm -rf target/made-once
mkdir -p target
: >$jobs
times=
is_set_up=
run() { # run STEP FUNCTION [ARGUMENT]: a step, and how long it takes
    step "$1"
    started=$(date +%s)
    "$2" ${3+"$3"}
    seconds=$(($(date +%s) - started))
    times="$times $1 ${seconds} s,"
    step "$1 took $seconds s"
}
for part in $parts; do
    # Formatting needs only the compiler's own tools, so it can fail before anything is fetched.
    if [ "$part" != fmt ] && [ -z "$is_set_up" ]; then
        step "setting up"
        ./setup.sh --tests
        lint_boards
        is_set_up=yes
    fi
    # Fuzzers use all processors themselves.
    if [ "$part" = fuzz ]; then run_long_jobs; fi
    run "$part" "part_$part"
    run_short_jobs
done
run_long_jobs
step "all is well:${times%,}"
