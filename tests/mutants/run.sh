#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do the tests of lessons guard what they say? `run.sh DIR [ROW...]`: takes out one guard of list.txt after the other,
# in a copy of the tree below DIR, and demands that the test named there fails. ROW: these rows of docs/lessons.md alone.
#
# A mutant passes when its program builds, and the named test (no other one will do) fails. A mutant whose text is not
# found exactly once is stale, and fails; so does one that does not build. Tests run under the sanitizers, as in
# `make test-unit`, for some guards are only missed by use after free; SANITIZE= is quicker, and misses those. Two mutants
# at a time, each in its own copy.
set -u
cd "$(dirname "$0")/../.." || exit 1
mkdir -p "$1" && dir=$(cd "$1" && pwd)
shift
list=$PWD/tests/mutants/list.txt
workers=2
patience=100 # seconds for one program
sanitize=${SANITIZE-address,undefined}
programs=build${sanitize:+/sanitize}/tests/unit

# The tree without what was built, into DIR/1, which builds all; the other workers' trees are copies of that.
make_trees() {
    rm -rf "$dir/logs" "$dir"/[0-9]
    mkdir -p "$dir/logs" "$dir/1"
    tar c --exclude=./build --exclude=./.git . | tar x -C "$dir/1" || return 1
    # shellcheck disable=SC2046
    build 1 -j2 $(wanted_programs) >"$dir/logs/tree" 2>&1 || { tail -n 40 "$dir/logs/tree"; return 1; }
    for worker in $(seq 2 $workers); do cp -a "$dir/1" "$dir/$worker" || return 1; done
}

# `build WORKER ARG...`: make in a worker's tree, in the manner of test-unit.
build() {
    local tree=$dir/$1
    shift
    (cd "$tree" && env -u MAKEFLAGS -u MFLAGS make -s TOP=build SANITIZE="$sanitize" OPTIMISE=-O1 CFLAGS=-g1 "$@")
}

# Lines of the list that count: without comments, without empty ones, of the rows that were asked for.
rows() {
    grep -v '^ *\(#\|$\)' "$list" | while read -r line; do
        [ $# -gt 0 ] && ! [[ " $* " == *" ${line%% *} "* ]] || printf '%s\n' "$line"
    done
}

# The programs that the list names, as make targets.
wanted_programs() { awk -v dir="$programs" '{ print dir "/" $3 }' "$dir/rows" | sort -u; }

# Puts the mutant into FILE: `mutate FILE FIND REPLACE`, with \n for a new line. Fails unless FIND is there just once.
mutate() {
    FIND=$2 REPLACE=$3 perl -0777 -i -e '
        my ($find, $replace) = map { s/\\n/\n/gr } @ENV{"FIND", "REPLACE"};
        my $text = <>;
        my $times = () = $text =~ /\Q$find\E/g;
        $text =~ s/\Q$find\E/$replace/ if $times == 1;
        print $text;
        END { $? = $times == 1 ? 0 : 1 }' "$1"
}

# One line of the list: `try_mutant WORKER NUMBER LINE`. Says `ok` or `FAIL` and why; the tree is as before afterwards.
try_mutant() {
    local worker=$1 log=$dir/logs/$2 row file program test find replace rest verdict
    IFS=$'\t' read -r rest find replace <<<"${3// @@ /$'\t'}"
    read -r row file program test <<<"$rest"
    local source=$dir/$worker/$file binary=$programs/$program
    if [ ! -e "$source" ] || ! cp -p "$source" "$log.original"; then
        verdict="stale: there is no such file"
    elif ! grep -q "START_TEST($test)" "$dir/$worker/tests/unit/$program.c" 2>/dev/null; then
        verdict="stale: $program has no such test"
    elif ! mutate "$source" "$find" "$replace"; then
        verdict="stale: the text is not there, or not just once: $find"
    elif ! build "$worker" "$binary" >"$log.build" 2>&1; then
        verdict="the mutant does not build: $(grep -m1 -i 'error' "$log.build")"
    else
        (cd "$dir/$worker" && timeout "$patience" "$binary") >"$log.run" 2>&1
        if [ $? = 124 ]; then
            verdict="the tests hang, which is no verdict: find a better mutant"
        elif grep ":[FE]:[^:]*:$test:" "$log.run" | grep -qv 'Test timeout expired'; then
            verdict=
        else
            verdict="the test does not miss it: $find"
        fi
    fi
    [ ! -e "$log.original" ] || { cp "$log.original" "$source" && rm "$log.original"; }
    if [ -z "$verdict" ]; then echo "ok    $row $file: $test"; else echo "FAIL  $row $file: $test: $verdict"; fi
}

# Every worker takes each so-manieth line.
run_worker() {
    local number=0 line
    while read -r line; do
        number=$((number + 1))
        [ $((number % workers + 1)) = "$1" ] && try_mutant "$1" "$number" "$line" </dev/null
    done <"$dir/rows"
}

rows "$@" >"$dir/rows"
make_trees || { echo "mutants: the tree does not build" >&2; exit 1; }
export ASAN_OPTIONS=detect_stack_use_after_return=0
for worker in $(seq $workers); do run_worker "$worker" >"$dir/logs/worker.$worker" & done
wait
sort -s -k2,2 "$dir"/logs/worker.* | tee "$dir/verdicts"
passed=$(grep -c '^ok' "$dir/verdicts")
failed=$(($(wc -l <"$dir/rows") - passed))
echo "mutants: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
