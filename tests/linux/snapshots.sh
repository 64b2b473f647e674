#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The Linux guest of run.sh is saved at random instants while it uses its disk, half of them with a disk request in
# flight. Each saved machine is loaded, goes on, and must end as the run that nobody disturbed: the same state hash
# (-stats), the same number of instructions, the same output. In direct, indirect (4 KiB) and faulty DMA, side by side.
#
# Each machine comes from the one saved before it, so that what loading leaves out adds up.
# Usage: VITRINE=build/vitrine tests/linux/snapshots.sh [INSTANTS [MODE...]]     SEED=N: other instants
set -u
cd "$(dirname "$0")/../.." || exit 1
vitrine=$(realpath "${VITRINE:-build/vitrine}")
linux=$(dirname "$vitrine")/linux
instants=${1:-2}
if [ $# -gt 1 ]; then shift; else set -- direct indirect faulty,seed=5; fi
booted=25s # of virtual time: what comes before it is the same in every run, and happens twice only
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

bash tests/linux/fetch.sh "$linux" || exit 2
version=$(cat "$linux/version")
bash tests/linux/initrd.sh "$linux" tests/linux/init.sh "$work/initrd.gz" ata_piix sd_mod ext4 crc32c_generic || exit 2
bash tests/linux/disk.sh "$work/disk" || exit 2
options=(-m 128 -nographic -snapshot -stats -kernel "$linux/root/boot/vmlinuz-$version" -initrd "$work/initrd.gz"
    -append "console=ttyS0 panic=-1 quiet cryptomgr.notests" -hda "$work/disk")

# run NAME OPTIONS...: NAME.out is what the guest said, NAME.end how it ended.
run() {
    local name=$1 status=0
    shift
    timeout 300 "$vitrine" "${options[@]}" -M "pc,dma=$mode" "$@" </dev/null >"$name.out" 2>"$name.err" || status=$?
    { echo "exit status $status"; grep -E '^(cpu|state): ' "$name.err"; } >"$name.end"
}

# check WHAT COMMAND...
check() {
    local what=$1
    shift
    if "$@"; then passed=$((passed + 1)); return; fi
    failed=$((failed + 1))
    echo "FAIL  saved linux, dma=$mode: $what"
    tail -n 3 "$name.err" | sed 's/^/      err| /'
}

ends_as_whole() { # NAME: from where it was loaded on
    cmp -s whole.end "$1.end" && tail -c "$(wc -c <"$1.out")" whole.out | cmp -s - "$1.out"
}

# Virtual times in order, each with 1 where a disk request is in flight: every second one is chosen so.
choose() {
    awk -v count="$instants" -v seed="${SEED:-1}" -v from="${booted%s}" '
        /stream.submit/ { start = $1 }
        /stream.done/ && start > from * 1e9 { n++; first[n] = start; last[n] = $1 }
        END {
            srand(seed)
            for (i = 0; i < count; i++) {
                k = 1 + int(rand() * n)
                at = i % 2 ? first[1] + rand() * (last[n] - first[1]) : first[k] + 1 + rand() * (last[k] - first[k] - 2)
                inside = 0
                for (k = 1; k <= n; k++) if (at > first[k] && at < last[k]) inside = 1
                printf "%.0f %d\n", at, inside
            }
        }' trace | sort -n
}

check_mode() {
    mode=$1 passed=0 failed=0 name=whole
    local before=booted at inside in_flight=0 number=0
    mkdir "$work/$mode" && cd "$work/$mode" || return 1
    local saving=(-savevm-at "$booted,booted.vm")
    # That saving does not disturb is seen once, or each time where there is time for it.
    if [ "$mode" = direct ] || [ "$instants" -gt 10 ]; then
        run saved "${saving[@]}"
        saving=()
    fi
    run whole -trace 'stream.*' -D trace "${saving[@]}"
    check "comes to its end" grep -q "linux: done" whole.out
    [ ! -e saved.end ] || check "saving does not disturb" ends_as_whole saved
    while read -r at inside; do
        number=$((number + 1)) name=$number in_flight=$((in_flight + inside))
        run "$number" -loadvm "$before.vm" -savevm-at "${at}ns,$number.vm"
        check "loaded from $before, saved at $at ns, it ends otherwise" ends_as_whole "$number"
        rm -f "$before.vm" "$number.out" "$number.err"
        before=$number
    done < <(choose)
    name=last
    run last -loadvm "$before.vm"
    check "loaded from $before it ends otherwise" ends_as_whole last
    check "there were $number instants, not $instants" [ "$number" = "$instants" ]
    check "no request was in flight" [ "$in_flight" -gt 0 ]
    echo "      saved linux, dma=$mode: $number instants, $in_flight with a disk request in flight," \
        "$(stat -c %s "$before.vm") bytes; $(tail -n 1 whole.end)"
    echo "saved linux, dma=$mode: $passed passed, $failed failed"
    rm -f ./*.vm
    [ "$failed" = 0 ]
}

jobs=()
for mode; do
    check_mode "$mode" >"$work/$mode.log" 2>&1 &
    jobs+=($!)
done
result=0
for job in "${jobs[@]}"; do wait "$job" || result=1; done
for mode; do cat "$work/$mode.log"; done
exit $result
