#!/bin/sh
# SPDX-License-Identifier: MIT
# Cases of the memory layer, led by coverage: `guided.sh TOP [RUNS]`, TOP being the build directory; a million of them.
#
# With clang and its libFuzzer, what was found is kept in TOP/libfuzzer/corpus and taken up by the next run. Without
# them tests/fuzz/driver.c leads, by the coverage that gcc gives. FUZZ_GUIDE=driver asks for that.
set -eu
cd "$(dirname "$0")/../.."
top=$1
runs=${2:-1000000}
name=fuzz_regions
export ASAN_OPTIONS=detect_stack_use_after_return=0 UBSAN_OPTIONS=print_stacktrace=1

libfuzzer_is_there() {
    [ "${FUZZ_GUIDE-}" != driver ] &&
        echo 'int LLVMFuzzerTestOneInput(void *a, unsigned long b) { return a && b > 9; }' |
        clang -x c -fsanitize=fuzzer -o /dev/null - 2>/dev/null
}

# `build DIR VARIABLE...`
build() {
    dir=$1
    shift
    ${MAKE:-make} --no-print-directory -s TOP="$dir" "$@" "$dir/sanitize/tests/fuzz/$name"
}

if libfuzzer_is_there; then
    dir=$top/libfuzzer
    build "$dir" CC="${FUZZ_CC:-clang}" LIBFUZZER=1 SANITIZE=address,undefined,fuzzer-no-link
    mkdir -p "$dir/corpus"
    set -- "-runs=$runs" -max_len=400 -timeout=30 "-artifact_prefix=$dir/" "$dir/corpus"
else
    dir=$top/guided
    build "$dir" SANITIZE=address,undefined CFLAGS="-g -fsanitize-coverage=trace-pc"
    set -- --guided --runs "$runs" --seed "$(date +%s)"
fi

if "$dir/sanitize/tests/fuzz/$name" "$@" >"$dir/$name.log" 2>&1; then
    echo "ok    $name: $(grep -o 'cov: [0-9]* ft: [0-9]*' "$dir/$name.log" | tail -n 1) $(tail -n 1 "$dir/$name.log")"
else
    echo "FAIL  $name: see $dir/"
    tail -n 60 "$dir/$name.log"
    exit 1
fi
