#!/bin/bash
# SPDX-License-Identifier: MIT
#
# -savevm-at, -loadvm, -record and -replay from outside.  $VITRINE and $GUESTS: see cli.sh.
# Prints `N passed, N failed`.
. "$(dirname "$0")/lib.sh"

# What comes from COM1 and from the keyboard goes to COM1 with a count behind it that says when it was seen; q ends.
#     cli; xor ax, ax; mov ds, ax
#  l: inc word [500h]; mov dx, 3FDh; in al, dx; test al, 1; jz k
#     mov dx, 3F8h; in al, dx; cmp al, 'q'; je e; out dx, al; mov al, [500h]; out dx, al
#  k: in al, 64h; test al, 1; jz l; in al, 60h; mov dx, 3F8h; out dx, al; mov al, [500h]; out dx, al; jmp l
#  e: mov dx, 501h; mov al, 10h; out dx, al; hlt
code='fa 31 c0 8e d8 ff 06 00 05 ba fd 03 ec a8 01 74 0d ba f8 03 ec 3c 71 74 17 ee a0 00 05 ee'
boot_sector listen.img "$code e4 64 a8 01 74 e1 e4 60 ba f8 03 ee a0 00 05 ee eb d5 ba 01 05 b0 10 ee f4"
boot_sector spin.img 'eb fe'
listen=(-snapshot "$work/listen.img" -display none -serial stdio -device isa-debug-exit -stats)
keys=(-type '900ms:vitrine' -type '1200ms:x\n') later=(-type '1200ms:x\n')
loads=(-m 16 "${listen[@]}")

# What a run said and how it ended: $work/out, and in $work/end the exit status, instructions, time and state.
ended() { { echo "status $status"; grep -E '^(cpu|state): ' "$work/err"; } >"$work/end"; }
keep() { ended; cp "$work/out" "$work/$1.out"; cp "$work/end" "$work/$1.end"; }
# expect WHAT EXPRESSION...: of `test`.
expect() {
    local what=$1
    shift
    if [ "$@" ]; then pass; else fail "$what: $*" "$(head -c 1000 "$work/err")"; fi
}

# same NAME WHAT: the last run is the one kept as NAME, or its end from where it was loaded on.
same() {
    ended
    if cmp -s "$work/end" "$work/$1.end" && tail -c "$(wc -c <"$work/out")" "$work/$1.out" | cmp -s - "$work/out"; then
        pass
    else
        fail "$2" "$(diff "$work/$1.end" "$work/end")" "$(head -c 1000 "$work/err")"
    fi
}
whole() { if cmp -s "$work/out" "$work/$1.out"; then pass; else fail "$2: not the same bytes"; fi; }
nothing_left() { if compgen -G "$1*" >/dev/null; then fail "left behind: $(compgen -G "$1*")"; else pass; fi; }

echo "-- save and load"
printf 'serial input, too: q' >"$work/input"
run "$work/input" -m 16 "${listen[@]}" "${keys[@]}" -limit time=3s
keep plain
expect "the guest ends the run" "$status" -eq 33
holds '^state: [0-9a-f]{16}$' "$work/err"
printf 'abc' >"$work/abc"
run "$work/abc" "${loads[@]}" "${keys[@]}" -limit time=1400ms
keep whole
expect "the limit ends the run" "$status" -eq 6
expect "keys and bytes came" "$(wc -c <"$work/out")" -gt 20
for way in direct,1ms direct,130ms direct,700ms direct,1150ms indirect,150ms indirect,1150ms faulty,150ms \
    faulty,1150ms; do
    mode=${way%,*} at=${way#*,}
    [ "$mode" != faulty ] || mode=faulty,seed=3
    run "$work/abc" "${loads[@]}" "${keys[@]}" -M "pc,dma=$mode" -limit time=1400ms -savevm-at "$at,$work/saved.vm"
    if [ "$mode" = direct ]; then same whole "saving at $at disturbs"; fi
    keep saved
    # What was typed before is in the saved machine, what comes after is typed again.
    rest=("${keys[@]}")
    [ "$at" != 1150ms ] || rest=("${later[@]}")
    run /dev/null "${loads[@]}" "${rest[@]}" -M "pc,dma=$mode" -limit time=1400ms -loadvm "$work/saved.vm"
    same saved "dma=$mode, loaded from $at"
done
nothing_left "$work/saved.vm."
cp "$work/saved.vm" "$work/good.vm"
loads+=(-M "pc,dma=$mode")

echo "-- what cannot be loaded"
bad '-loadvm|missing.vm|cannot be read' "${loads[@]}" -loadvm "$work/missing.vm"
bad '-loadvm|is no saved machine' "${loads[@]}" -loadvm "$work"
echo "not a machine" >"$work/text"
bad '-loadvm|text|is no saved machine' "${loads[@]}" -loadvm "$work/text"
: >"$work/empty"
bad '-loadvm|empty|is no saved machine' "${loads[@]}" -loadvm "$work/empty"
for size in 8 31 32 100 5000 $(($(stat -c %s "$work/good.vm") - 1)); do
    head -c "$size" "$work/good.vm" >"$work/cut.vm"
    bad '-loadvm|cut.vm|is ' "${loads[@]}" -loadvm "$work/cut.vm"
done
cp "$work/good.vm" "$work/longer.vm" && echo >>"$work/longer.vm"
bad '-loadvm|longer.vm|is damaged' "${loads[@]}" -loadvm "$work/longer.vm"
cp "$work/good.vm" "$work/bent.vm"
printf '\377' | dd of="$work/bent.vm" bs=1 seek=4000 conv=notrunc status=none
bad '-loadvm|bent.vm|is damaged' "${loads[@]}" -loadvm "$work/bent.vm"
for version in 1 3; do
    cp "$work/good.vm" "$work/version.vm"
    printf "\\x0$version" | dd of="$work/version.vm" bs=1 seek=8 conv=notrunc status=none
    bad "-loadvm|is of version $version; this program reads version 2" "${loads[@]}" -loadvm "$work/version.vm"
done
bad '-loadvm|good.vm|is of another machine|-m ' "${loads[@]}" -m 32 -loadvm "$work/good.vm"
bad '-loadvm|is of another machine|-smp' "${loads[@]}" -smp 2 -loadvm "$work/good.vm"
bad '-loadvm|is of another machine|dma' "${loads[@]}" -M dma=direct -loadvm "$work/good.vm"
bad '-loadvm|is of another machine|-hdb' "${loads[@]}" -hdb "$work/spin.img" -loadvm "$work/good.vm"
cp "$work/listen.img" "$work/original.img"
printf 'x' | dd of="$work/listen.img" bs=1 seek=30000 conv=notrunc status=none
bad '-loadvm|is of another machine|-hda' "${loads[@]}" -loadvm "$work/good.vm"
cp "$work/original.img" "$work/listen.img"
run /dev/null "${loads[@]}" "${later[@]}" -limit time=1400ms -loadvm "$work/good.vm"
same saved "the right disk is back"

# Of one instant, in which the machine may be some nanoseconds late, saving comes before the end.
for at in 10ms 10000001ns 10000003ns 10000005ns; do
    rm -f "$work/last.vm"
    run /dev/null "${loads[@]}" -savevm-at "$at,$work/last.vm" -limit "time=$at"
    expect "status of a limit at $at" "$status" -eq 6
    expect "saved at the limit" -s "$work/last.vm"
done

echo "-- where nothing can be saved"
# fails WORDS ARGUMENTS...: the run ends with 2 when the save comes.
fails() {
    local words=$1 word
    shift
    run /dev/null -m 16 "${listen[@]}" "$@"
    expect "status of $*" "$status" -eq 2
    for word in ${words//|/ }; do holds "^vitrine: .*$word" "$work/err"; done
}
bad '-savevm-at|when and where' "${loads[@]}" -savevm-at 5s
bad '-savevm-at|when and where' "${loads[@]}" -savevm-at "soon,$work/x.vm"
fails '-savevm-at|nowhere/x.vm|cannot.be.written' -savevm-at "1ms,$work/nowhere/x.vm"
fails '-savevm-at|is.no.regular.file' -savevm-at 1ms,/dev/full
expect "/dev/full is what it was" -c /dev/full
fails '-savevm-at|is.no.regular.file' -savevm-at "1ms,$work"
echo precious >"$work/x.vm"
(
    ulimit -f 20 # of 1 KiB: as a disk that is full
    timeout 60 "$vitrine" -m 16 -display none -hda "$work/spin.img" -savevm-at "900ms,$work/x.vm" </dev/null \
        >/dev/null 2>"$work/err"
    echo $? >"$work/status"
)
expect "status where the file may not grow" "$(cat "$work/status")" -eq 2
holds '^vitrine: -savevm-at: .*x.vm: cannot be written: ' "$work/err"
if [ "$(cat "$work/x.vm")" = precious ]; then pass; else fail "a save that failed overwrote a file"; fi
nothing_left "$work/x.vm."
mkdir "$work/small"
if mount -t tmpfs -o size=16k none "$work/small" 2>/dev/null; then
    fails '-savevm-at|No.space.left' -savevm-at "900ms,$work/small/x.vm"
    nothing_left "$work/small/x.vm"
    umount "$work/small"
else
    echo "   (no tmpfs can be mounted here)"
fi

echo "-- ended in the middle of a save"
# 60 MiB that are not zero, so that it takes its time; ended when the new file appears beside the place.
head -c 60M /dev/urandom >"$work/module"
large=(-m 128 -kernel "$guests/smp_hammer.elf" -initrd "$work/module" -display none -serial null)
for signal in INT KILL INT KILL; do
    rm -f "$work"/large.vm*
    (
        trap - INT # which the shell has background jobs ignore
        exec "$vitrine" "${large[@]}" -limit time=20s -savevm-at "600ms,$work/large.vm" </dev/null \
            >/dev/null 2>"$work/err"
    ) &
    child=$!
    for _ in $(seq 4000); do
        ! compgen -G "$work/large.vm*" >/dev/null || break
        sleep 0.002
    done
    expect "a save began" -n "$(compgen -G "$work/large.vm*")"
    kill -"$signal" $child
    wait $child 2>/dev/null
    if [ -e "$work/large.vm" ]; then
        run /dev/null "${large[@]}" -loadvm "$work/large.vm" -limit time=601ms
        expect "what SIG$signal left under the name is whole" "$status" -eq 6
    else
        pass
    fi
    [ $signal = KILL ] || nothing_left "$work/large.vm."
done
rm -f "$work"/large.vm* "$work/module"

echo "-- record and replay"
for cpus in 1 2 4; do
    machine=(-m 16 -smp $cpus "${listen[@]}")
    { # a pipe that stays open is live after 200 ms
        sleep 0.4
        for word in some words come when they like; do
            printf '%s ' $word
            sleep 0.0$((1 + RANDOM % 9))
        done
        sleep 2.5 # on a busy host virtual time stays behind
        printf 'q'
    } | timeout 60 "$vitrine" "${machine[@]}" -type '250ms:vitrine' -icount sleep=on -record "$work/run.rec" \
        >"$work/out" 2>"$work/err"
    status=${PIPESTATUS[1]}
    keep recorded
    expect "the guest ends the run" "$status" -eq 33
    expect "keys and bytes came" "$(wc -c <"$work/out")" -gt 50
    events=$(grep -c '^in [0-9]* \(serial0\|keyboard\) [0-9a-f]*$' "$work/run.rec")
    expect "and each stands in the recording" "$events" -gt 5
    for from in /dev/null "$work/input"; do
        run "$from" "${machine[@]}" -replay "$work/run.rec"
        same recorded "-smp $cpus: a replay is another run"
        whole recorded "-smp $cpus: a replay"
    done
    run /dev/null "${machine[@]}" -type '700ms:not heard' -replay "$work/run.rec"
    same recorded "-smp $cpus: what is typed during a replay is heard"
    run /dev/null "${machine[@]}" -replay "$work/run.rec" -savevm-at "400ms,$work/mid.vm"
    same recorded "-smp $cpus: saving disturbs a replay"
    # From there on it is recorded anew.
    run "$work/input" "${machine[@]}" -loadvm "$work/mid.vm" -record "$work/mid.rec"
    keep continued
    run /dev/null "${machine[@]}" -loadvm "$work/mid.vm" -replay "$work/mid.rec"
    same continued "-smp $cpus: a replay from a saved machine"
    whole continued "-smp $cpus: a replay from a saved machine"
    bad '-replay|run.rec|is of another|state' "${machine[@]}" -loadvm "$work/mid.vm" -replay "$work/run.rec"
done
if [ -r "$guests/smp_hammer.elf" ]; then
    hammer=(-cpu max -smp 4 -kernel "$guests/smp_hammer.elf" -append rounds=10 -display none -serial stdio
        -device isa-debug-exit -limit time=60s -stats)
    run /dev/null "${hammer[@]}" -record "$work/hammer.rec"
    keep hammer
    run /dev/null "${hammer[@]}" -replay "$work/hammer.rec"
    same hammer "four CPUs at work: a replay is another run"
    whole hammer "four CPUs at work"
fi
cp "$work/listen.img" "$work/written.img"
run "$work/input" -m 16 -hda "$work/written.img" "${listen[@]:2}" -record "$work/pinned.rec" # without -snapshot
if cmp -s "$work/listen.img" "$work/written.img"; then pass; else fail "-record lets the disk be written"; fi

echo "-- what cannot be recorded or replayed"
machine=(-m 16 -smp 4 "${listen[@]}")
bad '-replay|missing.rec|cannot be read' "${machine[@]}" -replay "$work/missing.rec"
bad '-replay|text|is no recording' "${machine[@]}" -replay "$work/text"
bad '-record|cannot be written' "${machine[@]}" -record "$work/nowhere/x.rec"
bad '-record|-replay' "${machine[@]}" -record "$work/x.rec" -replay "$work/run.rec"
bad '-record|-gdb' "${machine[@]}" -record "$work/x.rec" -gdb tcp::0
bad '-replay|is of another machine|-m ' "${machine[@]}" -m 32 -replay "$work/run.rec"
bad '-replay|is of another machine|-smp' "${machine[@]}" -smp 1 -replay "$work/run.rec"
for size in 1 30 100 300; do
    head -c "$size" "$work/run.rec" >"$work/cut.rec"
    bad '-replay|cut.rec' "${machine[@]}" -replay "$work/cut.rec"
done
head -n -2 "$work/run.rec" >"$work/cut.rec" # what came until the recording broke off
run /dev/null "${machine[@]}" -replay "$work/cut.rec" -limit time=9s
expect "a recording that breaks off" "$status" -eq 6
run "$work/input" "${machine[@]}" -record /dev/full
expect "the guest ends the run" "$status" -eq 33
holds '^vitrine: -record: /dev/full: not all could be written' "$work/err"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
