#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the trace that docs/dma.md explains, as the program gives it today: the demo with a disk on each channel, all of
# RAM indirect, 4096 bytes of pool; from the request of the first channel that makes the second one wait, to the second
# one's interrupt. Times count from the first line, in virtual nanoseconds. tests/check-docs.sh compares.
# Usage: scripts/dma-trace.sh build/vitrine build/guests/demo.img
set -eu
vitrine=$1 demo=$2
trace=$(mktemp)
trap 'rm -f "$trace"' EXIT
"$vitrine" -M pc,dma=indirect,max-bounce-buffer-size=4096 -hda "$demo" -hdc "$demo" -snapshot -nographic -limit time=3s \
    -trace 'dma.*' -trace 'stream.*' -trace 'block.*' -trace 'ide.dma*' -trace ide.interrupt -D "$trace" \
    </dev/null >/dev/null 2>&1 || [ $? = 6 ]
awk '
    $2 == "ide.dma" && $3 == "channel=ide0" && !waits { count = 0; start = $1 }
    !done { $1 = $1 - start; if (sub("^since=", "", $NF)) $NF = "since=" $NF - start; line[count++] = sprintf("%6d", $1) substr($0, length($1) + 1) }
    $2 == "dma.wait" { waits = 1 }
    waits && $2 == "ide.interrupt" && $3 == "channel=ide1" { done = 1 }
    done { exit }
    END { if (!done) exit 1; for (i = 0; i < count; i++) print line[i] }' "$trace"
