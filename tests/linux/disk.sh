#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The ext4 disk that the Linux test guest checks (init.sh): four files and their checksums. `disk.sh OUT`
set -eu
files=$(mktemp -d)
trap 'rm -rf "$files"' EXIT
for i in 1 2 3 4; do
    awk -v n=$((i * 9000 + 17)) -v s="$i" 'BEGIN {for (k = 0; k < n; k++) printf "%d %d\n", k, (k * 7919 + s) % 10007}' \
        >"$files/data$i"
done
(cd "$files" && sha256sum data* >SUMS)
rm -f "$1"
truncate -s 24M "$1"
mke2fs -q -t ext4 -d "$files" "$1"
