#!/bin/sh
# One of the jobs that test.sh runs beside each other: a command in a folder. Prints its result in a line; if it fails, all that it
# printed, and no further job is started.
#
#   tests/job.sh NAME FOLDER COMMAND…
set -u
name=$1 folder=$2
shift 2
log=$PWD/target/jobs.logs/$(printf '%s' "$name" | tr '/ ' '--').log
mkdir -p "${log%/*}"
started=$(date +%s)
if (cd "$folder" && CARGO_MANIFEST_DIR=$folder exec "$@") >"$log" 2>&1; then
    result=$(sed -n 's/^test result: ok\. //p' "$log")
    times >"$log.times"
    used=$(sed -n '2s/\.[0-9]*s.*/ s/p' "$log.times" | sed 's/m/ min /')
    printf 'test: %s: %s s, of a processor %s; %s\n' "$name" $(($(date +%s) - started)) "$used" "${result%%; 0 measured*}" >&2
else
    cat "$log" >&2
    printf 'test: %s failed\n' "$name" >&2
    exit 255
fi
