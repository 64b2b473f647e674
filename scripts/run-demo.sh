#!/bin/sh
# SPDX-License-Identifier: MIT
# The demo, twice: with direct memory, then with all RAM indirect behind a bounce pool of 4096 bytes. The image is
# attached twice, one disk on each IDE channel, so that two requests compete for the pool.
# Usage: run-demo.sh VITRINE DEMO.IMG
set -eu
vitrine=$1 image=$2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# NAME, what it shows, machine options
show() {
    echo
    echo "=== $2"
    echo "    $vitrine -M pc,$3 \\"
    echo "        -hda $image -hdc $image -snapshot -nographic -stats"
    echo
    status=0
    "$vitrine" -M "pc,$3" -hda "$image" -hdc "$image" -snapshot -nographic -stats \
        </dev/null >"$out/$1" 2>"$out/$1.stats" || status=$?
    cat "$out/$1"
    echo
    cat "$out/$1.stats"
    [ $status = 0 ] || { echo "vitrine: the demo ended with exit status $status" >&2; exit 1; }
}

# NAME of the run, NAME of the counter: 532 where its statistics say "532 waits"
counter() {
    sed -n "s/^ide: .*[ (]\([0-9][0-9]*\) $2[,)].*/\1/p" "$out/$1.stats"
}

show direct "direct memory: devices get pointers into RAM" dma=direct
show indirect "all RAM indirect: every byte goes through 4096 bytes of bounce buffers" \
    dma=indirect,max-bounce-buffer-size=4096

echo
if cmp -s "$out/direct" "$out/indirect"; then
    echo "The guest saw the same data both times: $(grep 'data checksum' "$out/direct")"
else
    echo "The guest saw different things:" >&2
    diff "$out/direct" "$out/indirect" >&2
    exit 1
fi
waits=$(counter indirect waits) wakes=$(counter indirect wakes)
if [ "${waits:-0}" -gt 0 ] && [ "$waits" = "$wakes" ]; then
    echo "The second time, a disk had to wait for the other one's bounce bytes $waits times, and was woken each time."
else
    echo "Two disks compete, but the statistics count ${waits:-no} waits and ${wakes:-no} wakes." >&2
    exit 1
fi
