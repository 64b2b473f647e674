#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do the tests of lessons guard what they say? `run.sh DIR [ROW...]`: takes out one guard of list.txt after the other and
# demands that the test named there fails. ROW: these rows of docs/lessons.md alone.
#
# The tree itself is not touched. It is built once, into DIR, in the manner of `make test-unit` (some guards are only
# missed by use after free). For a mutant one file is changed in a copy, compiled, and linked in front of the library;
# of a header, the copy is found before the original when the test is compiled. Then the named test runs, and no other.
#
# A mutant passes when it builds and the test fails, which without the mutant does not. A mutant whose text is not found
# exactly once is stale, and fails; so does one that hangs. All mutants are independent: one at a time per processor.
set -u
cd "$(dirname "$0")/../.." || exit 1
mkdir -p "$1" && dir=$(realpath --relative-to=. "$1")
shift
list=tests/mutants/list.txt
patience=100 # seconds for one test
sanitize=${SANITIZE-address,undefined}
built=$dir${sanitize:+/sanitize}
jobs=$(nproc 2>/dev/null || echo 2)
if command -v ccache >/dev/null; then cc="ccache cc"; else cc=cc; fi

# `in_make ARG...`: make as test-unit does it, in DIR.
in_make() {
    env -u MAKEFLAGS -u MFLAGS make --no-print-directory TOP="$dir" SANITIZE="$sanitize" DEBUG= CC="$cc" OPTIMISE=-O1 \
        CFLAGS=-g1 "$@"
}

# Lines of the list that count: without comments, without empty ones, of the rows that were asked for.
rows() {
    grep -v '^ *\(#\|$\)' "$list" | while read -r line; do
        [ $# -gt 0 ] && ! [[ " $* " == *" ${line%% *} "* ]] || printf '%s\n' "$line"
    done
}

# The objects of all tests of the list, the library, and how make compiles and links them.
prepare() {
    local targets
    targets=$(awk -v built="$built" '{ print built "/tests/unit/" $3 }' "$dir/rows" | sort -u)
    # shellcheck disable=SC2086
    in_make -s -j"$jobs" $targets "$built/tests/unit/cpu_fixture.o" "$built/tests/unit/cpu_world.o" || return 1
    # shellcheck disable=SC2086
    in_make -n -B $targets >"$dir/commands" || return 1
    compile=$(sed -n 's| -c -o [^ ]*/tests/unit/test_[^ ]* .*||p' "$dir/commands" | head -n 1)
    libraries=$(sed -n 's|.*/libvitrine.a \(-l.*\)|\1|p' "$dir/commands" | tail -n 1)
    fixtures=$(echo "$built"/tests/unit/cpu_*.o)
    if [ -z "$compile" ] || [ -z "$libraries" ]; then return 1; fi
    eval "$compile -c -o $dir/only.o tests/mutants/only.c"
}

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

# A test program with OBJECTs put before the library: `link_test PROGRAM OBJECT...`.
link_test() {
    local program=$1 name=${1##*/} link
    shift
    link=$(grep -v ' -c -o ' "$dir/commands" | sed -n "s| -o [^ ]*/tests/unit/${name%%.*} .*||p")
    eval "$link -Wl,--wrap=_tcase_add_test -o $program $* $dir/only.o $fixtures $built/libvitrine.a $libraries"
}

# Runs one test of a program: `run_test PROGRAM TEST`. 0: it passed; 1: it failed; 2: no verdict.
run_test() {
    local log=$1.log
    ONLY_TEST=$2 timeout "$patience" "$1" >"$log" 2>&1 </dev/null
    [ $? != 124 ] || return 2
    grep -q 'Test timeout expired' "$log" && return 2
    grep -q ":[FE]:[^:]*:$2:" "$log" && return 1
    grep -q '^100%: Checks: [1-9]' "$log" && return 0
    return 2
}

# The mutant in DIR/mutants/NUMBER, as a program: `build_mutant WORK FILE PROGRAM`. Of a header's mutant, the file that
# includes it is the test and what of its room does.
build_mutant() {
    local work=$1 file=$2 test=tests/unit/$3 source
    case $file in
    *.h)
        local objects=""
        for source in $(grep -l "\"${file//./\\.}\"" "${file%/*}"/*.c) "$test.c"; do
            eval "$compile -I$work -c -o $work/$(basename "$source" .c).o -iquote $work $source" || return 1
            objects="$objects $work/$(basename "$source" .c).o"
        done
        # shellcheck disable=SC2086
        link_test "$work/$3" $objects
        ;;
    *)
        eval "$compile -iquote $(dirname "$file") -c -o $work/mutant.o $work/$file" || return 1
        link_test "$work/$3" "$built/$test.o" "$work/mutant.o"
        ;;
    esac
}

# One line of the list: `try_mutant NUMBER LINE`. Says `ok` or `FAIL` and why.
try_mutant() {
    local work=$dir/mutants/$1 row file program test find replace rest verdict
    IFS=$'\t' read -r rest find replace <<<"${2// @@ /$'\t'}"
    read -r row file program test <<<"$rest"
    mkdir -p "$work/$(dirname "$file")"
    if ! cp "$file" "$work/$file" 2>/dev/null; then
        verdict="stale: there is no such file"
    elif ! grep -q "START_TEST($test)" "tests/unit/$program.c" 2>/dev/null; then
        verdict="stale: $program has no such test"
    elif ! mutate "$work/$file" "$find" "$replace"; then
        verdict="stale: the text is not there, or not just once: $find"
    elif ! build_mutant "$work" "$file" "$program" >"$work/build.log" 2>&1; then
        verdict="the mutant does not build: $(grep -m1 -i 'error' "$work/build.log")"
    else
        run_test "$work/$program" "$test"
        case $? in
        0) verdict="the test does not miss it: $find" ;;
        1) verdict= ;;
        *) verdict="no verdict, it hangs or dies ($work/$program.log): find a better mutant" ;;
        esac
    fi
    if [ -z "$verdict" ]; then
        echo "ok    $row $file: $test"
        rm -rf "$work"
    else
        echo "FAIL  $row $file: $test: $verdict"
    fi
}

# Without a mutant: `try_sound PROGRAM TEST`. A test that always fails proves nothing.
try_sound() {
    local work=$dir/sound/$1.$2
    mkdir -p "$dir/sound"
    if link_test "$work" "$built/tests/unit/$1.o" >"$work.build" 2>&1 && run_test "$work" "$2"; then
        rm -f "$work"*
        return
    fi
    echo "FAIL  -- $1: $2: fails without a mutant, or does not build ($work.log)"
}

rm -rf "$dir/mutants" "$dir/sound"
rows "$@" >"$dir/rows"
prepare || { echo "mutants: the tree does not build" >&2; exit 1; }
export -f try_mutant try_sound mutate build_mutant link_test run_test
export dir built compile libraries fixtures patience ASAN_OPTIONS=detect_stack_use_after_return=0

awk '{ print $3, $4 }' "$dir/rows" | sort -u |
    xargs -r -P "$jobs" -L 1 bash -c 'try_sound "$@"' bash >"$dir/unsound"
grep -n '' "$dir/rows" | sed 's/:/\x00/' | tr '\n' '\000' |
    xargs -r -0 -P "$jobs" -n 2 bash -c 'try_mutant "$@"' bash | sort -s -k2,2 >"$dir/verdicts"
cat "$dir/unsound" "$dir/verdicts"
passed=$(grep -c '^ok' "$dir/verdicts")
failed=$(($(wc -l <"$dir/rows") - passed + $(wc -l <"$dir/unsound")))
echo "mutants: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
