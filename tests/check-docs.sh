#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Documents against the code: every path that they name exists, every function that tour.md, board.md and dma.md name is there,
# lessons.md is what scripts/lessons.sh makes of the tests, and the ports and PCI identities of board.md stand in the
# files that it names for them. With the program built, the trace and the statistics in dma.md are those of today's run.
# Prints `docs: N passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit 1
documents="README.md CONTRIBUTING.md $(echo docs/*.md)"
passed=0 failed=0

# check WHAT COMMAND...
check() {
    local what=$1
    shift
    if "$@" >/dev/null 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL  $what"
    fi
}

# Names like `emu/cpu/cpu.h` or `docs`, also as the first word of what is quoted; not what make builds.
paths() {
    grep -o '`[^`]*`' "$1" | tr -d '`' | tr ' ' '\n' |
        grep -E '^(emu|mem|block|devices|tests|guests|docs|scripts)(/[A-Za-z0-9_./-]*)?$|^[A-Z]+(\.md)?$' |
        grep -E '/|\.md$|^LICENSE$' | sort -u
}

check_paths() {
    local document path
    for document in $documents; do
        for path in $(paths "$document"); do
            case $path in
            *NAME*) continue ;; # a pattern
            esac
            check "$document: $path does not exist" test -e "$path"
        done
    done
}

check_names() {
    local name
    for name in $(grep -ohE '`[a-z][a-z0-9]*(_[a-z0-9]+)+`' docs/tour.md docs/board.md docs/dma.md | tr -d '`' | sort -u); do
        check "$name is named, and is not in the code" grep -rqw --include='*.[ch]' "$name" emu mem block devices tests
    done
}

check_lines() {
    local document
    for document in $documents; do
        check "$document: a line is longer than 120 columns" awk 'length > 120 { exit 1 }' "$document"
        check "$document: a line ends in blanks" awk '/[ \t]$/ { exit 1 }' "$document"
    done
}

check_lessons() {
    local name file
    check "docs/lessons.md is old: sh scripts/lessons.sh >docs/lessons.md" \
        cmp -s docs/lessons.md <(sh scripts/lessons.sh)
    while read -r name file; do
        check "docs/lessons.md: $name is not in $file" grep -qE "(START_TEST\(|^)$name\b" "$file"
    done < <(sed -n 's/^| | `\([a-z0-9_]*\)` | `\([^`]*\)` |$/\1 \2/p' docs/lessons.md)
}

# PORT, as 3F8, in one of FILES: as a C number, or as the manuals write it.
port_stands_in() {
    local port=$1
    shift
    grep -qiE "\b0x0*$port\b|\b0*${port}h\b" "$@"
}

# Rows of the table of ports: `| 3F8h-3FFh | what | files |`.
check_ports() {
    local port files
    while IFS='|' read -r _ port _ files _; do
        port=$(echo "$port" | tr -d ' ')
        check "docs/board.md: port $port is not in$files" port_stands_in "${port%%h*}" $(echo "$files" | tr -d '`,')
    done < <(sed -n '/^## Ports/,/^## Interrupts/p' docs/board.md | grep -E '^\| *[0-9A-F]+h')
}

# The identities in the table of PCI functions: vendor and device in the file's own form.
check_pci() {
    local identity file
    while IFS='|' read -r _ _ identity _ file _; do
        identity=$(echo "$identity" | tr -d ' ')
        check "docs/board.md: $identity is not in$file" \
            grep -qi "vendor = 0x${identity%:*}, *.device = 0x${identity#*:}" $(echo "$file" | tr -d '`,')
    done < <(sed -n '/^## PCI/,/^## CMOS/p' docs/board.md | grep -E '^\| *[0-9]\.')
}

# The lines of trace in dma.md, in their order. What the guest's instructions take depends on who compiled it: with another
# gcc than Debian 12's, times do not count.
check_trace() {
    local vitrine=build/vitrine demo=build/guests/demo.img times='s/^ *[0-9]* //'
    [ -x $vitrine ] && [ -e $demo ] || { echo "docs: $vitrine and $demo are not there: docs/dma.md is not compared"; return; }
    [ "$(gcc -dumpversion)" != 12 ] || times=
    check "docs/dma.md: the trace is old; scripts/dma-trace.sh prints it" cmp \
        <(grep -E '^ +[0-9]+ (ide|stream|dma|block)\.' docs/dma.md | sed "s/^    //;$times") \
        <(sh scripts/dma-trace.sh $vitrine $demo | sed "$times")
    check "docs/dma.md: the statistics are old" cmp <(grep '^    ide: dma: ' docs/dma.md | sed 's/^    //') \
        <($vitrine -M pc,dma=indirect -hda $demo -hdc $demo -snapshot -nographic -stats </dev/null 2>&1 |
            grep '^ide: dma: ')
}

check_paths
check_names
check_trace
check_lines
check_lessons
check_ports
check_pci
echo "docs: $passed passed, $failed failed"
[ "$failed" = 0 ]
