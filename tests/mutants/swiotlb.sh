#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does the guest guests/swiotlb miss its own bugs? Takes out one rule of its pool after the other, in a copy of guests/ below
# DIR, and demands that the run fails. `VITRINE=build/vitrine tests/mutants/swiotlb.sh DIR`
set -u
cd "$(dirname "$0")/../.." || exit 1
vitrine=$(realpath "${VITRINE:-build/vitrine}")
mkdir -p "$1" && dir=$(cd "$1" && pwd)
passed=0 failed=0

# ROW of docs/lessons.md @@ TEXT, once in guests/swiotlb/swiotlb.c @@ INSTEAD
mutants='
20 @@ if (pool.taken[first + i]) return false; @@ if (pool.taken[first + i] && i) return false;
20 @@ if (align <= keep) align = keep + 1; @@ ;
20 @@ if (!(slot_address(slot) & (align - 1)) && run_is_free(slot, count)) @@ if (run_is_free(slot, count))
20 @@ (padding + length + SWIOTLB_SLOT - 1) / SWIOTLB_SLOT @@ (length + SWIOTLB_SLOT - 1) / SWIOTLB_SLOT
21 @@ memcpy(map->original + offset, (uint8_t *)map->bounce + offset, length); @@ memcpy(map->original + offset, (uint8_t *)map->bounce, length);
21 @@ memcpy((uint8_t *)map->bounce + offset, map->original + offset, length); @@ memcpy((uint8_t *)map->bounce, map->original, offset + length);
21 @@ slot_address((unsigned)first) + padding, @@ slot_address((unsigned)first),
22 @@ return SWIOTLB_SEGMENT - keep; @@ return SWIOTLB_SEGMENT;
22 @@ if (first % SEGMENT_SLOTS + count > SEGMENT_SLOTS) return false; @@ ;
22 @@ pool.used += taken ? count : -count; @@ pool.used += taken ? count : 0;
23 @@ memcpy((void *)map->bounce, original, length); @@ if (direction & SWIOTLB_TO_DEVICE) memcpy((void *)map->bounce, original, length);
23 @@ swiotlb_sync_for_cpu(map, 0, map->length); @@ swiotlb_sync_for_cpu(map, 0, map->slots * SWIOTLB_SLOT);
24 @@ pool.was_full = true;\n        return false; @@ return swiotlb_grow() && swiotlb_map(map, original, length, direction, align, keep);
'

rm -rf "$dir/tree" && mkdir "$dir/tree" || exit 1
cp -r guests tests Makefile "$dir/tree"
source=$dir/tree/guests/swiotlb/swiotlb.c
truncate -s 8M "$dir/disk0" "$dir/disk1"

run() { # builds the guest and runs it; the status is the run's
    make -s -C "$dir/tree" build/guests/swiotlb.elf >"$dir/build" 2>&1 || { echo "does not build" >"$dir/out"; return 99; }
    timeout 60 "$vitrine" -m 64 -M pc,dma-mask=24 -kernel "$dir/tree/build/guests/swiotlb.elf" -nographic -limit time=60s \
        -device isa-debug-exit -hda "$dir/disk0" -hdc "$dir/disk1" </dev/null >"$dir/out" 2>"$dir/err"
}

verdict() { # WHAT EXPECTED STATUS
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
        echo "ok    $1: $(tr -d '\r' <"$dir/out" | tail -n 1)"
    else
        failed=$((failed + 1))
        echo "FAIL  $1: exit status $3: $(tr -d '\r' <"$dir/out" | tail -n 1)"
    fi
}

run
verdict "as it is" 0 $?
while IFS= read -r line; do
    [ -n "$line" ] || continue
    IFS=$'\t' read -r row find replace <<<"${line// @@ /$'\t'}"
    cp guests/swiotlb/swiotlb.c "$source"
    if FIND=$find REPLACE=$replace perl -0777 -i -e '
        my ($find, $replace) = map { s/\\n/\n/gr } @ENV{"FIND", "REPLACE"};
        my $text = <>;
        my $times = () = $text =~ /\Q$find\E/g;
        $text =~ s/\Q$find\E/$replace/ if $times == 1;
        print $text;
        END { $? = $times == 1 ? 0 : 1 }' "$source"; then
        run
        verdict "$row $replace" 3 $?
    else
        verdict "$row is stale: $find" 0 1
    fi
done <<<"$mutants"
echo "swiotlb mutants: $passed passed, $failed failed"
[ "$failed" = 0 ]
