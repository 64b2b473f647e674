#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A machine that is killed at any moment: `power-cut.sh ROUNDS`, with VITRINE as the program.
#
# Its disk has a volatile write cache, by another seed each time. The guest (tests/guests/powercut.c) writes, flushes
# and says so; after the kill each sector of the image must be whole, of a round that writes it, and no older than the
# last round that was said to be safe. In 50 rounds or more some of what was not flushed has to be there, and some not.
set -u
cd "$(dirname "$0")/.." || exit 1
vitrine=${VITRINE:-build/vitrine}
guest=$(dirname "$vitrine")/tests/guests/powercut.elf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rounds=${1:-10} lucky=0 lost=0 failed=0

# One line: `good LUCKY LOST`, or what is wrong. The places are those of write_round in the guest.
look() {
    od -v -A n -t u4 -w512 -N 131072 "$work/disk" | awk -v safe="$1" '
        function place(round, i, first, gap) {
            first = round * 37 % 240; gap = round % 5
            return gap ? (first + i * (gap + 1)) % 256 : first + i
        }
        BEGIN {
            for (round = 1; round <= safe + 1; round++)
                for (i = 0; i < 16; i++) {
                    s = place(round, i)
                    writes[round, s] = 1
                    if (round <= safe) least[s] = round
                }
        }
        function wrong(what) { print "sector " sector ": " what; bad = 1; exit }
        {
            sector = NR - 1; version = $2
            for (i = 1; i <= NF; i += 2) if ($(i + 1) != version || $i != (version ? sector : 0)) wrong("is torn")
            if (version < least[sector] + 0) wrong("has " version ", " least[sector] " was flushed")
            if (version && !((version, sector) in writes)) wrong("nobody wrote " version)
            if (version > safe) lucky++
            if (version != safe + 1 && (safe + 1, sector) in writes) lost++
        }
        END { if (!bad) print "good", lucky + 0, lucky ? lost + 0 : 0 }'
}

for ((round = 1; round <= rounds; round++)); do
    truncate -s 0 "$work/disk" && truncate -s 256K "$work/disk"
    "$vitrine" -display none -serial stdio -device isa-debug-exit -kernel "$guest" -append rounds=100000 \
        -drive file="$work/disk",volatile-cache=$round </dev/null >"$work/said" 2>"$work/err" &
    machine=$!
    sleep "0.$(printf %03d $((200 + round * 617 % 500)))"
    kill -9 $machine
    wait $machine 2>/dev/null
    safe=0
    while read -r _ number; do safe=$number; done < <(tr -d '\r' <"$work/said") # whole lines alone
    verdict=$(look "$safe")
    case $verdict in
    good*) read -r _ more less <<<"$verdict"; lucky=$((lucky + more)) lost=$((lost + less)) ;;
    *)
        echo "FAIL  round $round, after $safe flushes: $verdict"
        cat "$work/err"
        failed=$((failed + 1))
        ;;
    esac
done
echo "power cuts: $((rounds - failed)) of $rounds good; not flushed: $lucky sectors were there, $lost were not"
[ "$failed" = 0 ] && { [ "$rounds" -lt 50 ] || { [ "$lucky" -gt 0 ] && [ "$lost" -gt 0 ]; }; }
