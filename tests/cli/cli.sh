#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The command line from outside: bad input gives one line on stderr and exit status 2, good input the exit statuses and
# the output that the manual promises.  $VITRINE is the program (build/vitrine), $GUESTS where the test guests are
# (build/tests/guests).  Prints `N passed, N failed`.

. "$(dirname "$0")/lib.sh"

boot_sector exit.img 'ba 01 05 b0 10 ee f4'       # out 501h, 10h
boot_sector halt.img 'fa f4 eb fc'                # cli; hlt
boot_sector spin.img 'eb fe'
boot_sector reset.img 'ba f9 0c b0 06 ee f4'      # out CF9h, 06h
boot_sector fault.img 'fa 0f 01 1e 10 7c 0f 0b f4 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00' # limit 0 for the IDT; ud2
boot_sector write.img 'ba e9 00 b0 58 b9 20 4e ee e2 fd ba 01 05 ee f4' # 20000 times X to port E9h
exit_device=(-device isa-debug-exit)

: >"$work/empty.img"
mkdir "$work/directory"
mkfifo "$work/pipe"
echo "this is a text" >"$work/text"
{ printf '\x7fELF\x02\x01\x01'; head -c 4096 /dev/zero; } >"$work/kernel64.elf"
{ # a Linux kernel of boot protocol 2.15 whose XLF_KERNEL_64 is set
    head -c 8192 /dev/zero
} >"$work/bzImage64"
put() { printf '%b' "$2" | dd of="$work/bzImage64" bs=1 seek=$(($1)) conv=notrunc status=none; }
put 0x1f1 '\x04'
put 0x1fe '\x55\xaa'
put 0x202 'HdrS\x0f\x02'
put 0x211 '\x01'
put 0x236 '\x01'

echo "-- images"
bad 'missing.img|-hda' "$work/missing.img"
bad 'empty|-hda' "$work/empty.img"
bad 'directory|-hda' -hda "$work/directory"
bad 'pipe|-hdb' -hdb "$work/pipe"
bad '-hdc|/dev/null' -hdc /dev/null
bad '-drive|qcow2|raw' -drive "file=$work/exit.img,format=qcow2"
bad '-drive|virtio' -drive "file=$work/exit.img,if=virtio"
bad '-drive|aio' -drive "file=$work/exit.img,aio=magic"
bad '-drive|file=' -drive index=1
bad '-hda|-hdb' -hda "$work/exit.img" "$work/halt.img"
bad 'already in use' -hda "$work/exit.img" -hdb "$work/exit.img"
bad '-drive|index|9' -drive "file=$work/exit.img,index=9"

echo "-- kernels and firmware"
bad '-kernel|missing' -kernel "$work/missing"
bad '-kernel|empty' -kernel "$work/empty.img"
bad '-kernel|regular' -kernel "$work/directory"
bad '-kernel|Multiboot|bzImage' -kernel "$work/text"
bad '-kernel|64-bit' -kernel "$work/kernel64.elf"
bad '-kernel|64-bit' -kernel "$work/bzImage64"
bad '-initrd|-kernel' -initrd "$work/text" "$work/exit.img"
bad '-append|-kernel' -append quiet "$work/exit.img"
bad '-bios|nowhere.bin' -bios nowhere.bin "$work/exit.img"
bad '-bios|64 KiB' -bios "$work/text" "$work/exit.img"

echo "-- memory and machine"
bad '-m|0|at least' -m 0 "$work/exit.img"
bad '-m|1K|at least' -m 1K "$work/exit.img"
bad '-m|banana|size' -m banana "$work/exit.img"
bad '-m|1T|at the most' -m 1T "$work/exit.img"
bad '-m|needs a value' "$work/exit.img" -m
bad '-machine|q35' -machine q35 "$work/exit.img"
bad '-machine|dma|fast|indirect' -machine dma=fast "$work/exit.img"
bad '-machine|dma-mask|20|24' -machine dma-mask=8 "$work/exit.img"
bad '-smp|9|8' -smp 9 "$work/exit.img"
bad '-smp|0' -smp 0 "$work/exit.img"
bad '-smp|few' -smp 6,sockets=1,cores=2 "$work/exit.img"
bad '-cpu|pentium9|pentium2' -cpu pentium9 "$work/exit.img"
bad '-cpu|magic' -cpu pentium2,+magic "$work/exit.img"
bad '-accel|kvm|tcg' -accel kvm "$work/exit.img"
bad '-vga|cirrus|std' -vga cirrus "$work/exit.img"
bad '-nic|user|none' -nic user "$work/exit.img"

echo "-- options and devices"
bad '-snapshto|did you mean -snapshot?' -snapshto "$work/exit.img"
bad '--kernle|did you mean -kernel?' --kernle x
bad '-device|e1000|help' -device e1000 "$work/exit.img"
bad '-device|did you mean isa-debug-exit?' -device isa-debug-exti "$work/exit.img"
bad '-device|ide-hd|drive=' -device ide-hd,bus=ide.0 "$work/exit.img"
bad '-device|nobody|no such -drive' -device ide-hd,drive=nobody,bus=ide.0 "$work/exit.img"
bad '-device|nowhere.0|no such bus' -drive "if=none,id=d,file=$work/halt.img" -device ide-hd,drive=d,bus=nowhere.0
bad '-device|in use' -drive "if=none,id=d,file=$work/halt.img" -device ide-hd,drive=d,bus=ide.0 \
    -device ide-hd,drive=d,bus=ide.1
bad '-device|port 6|ports 0 to 5' -drive "if=none,id=d,file=$work/halt.img" -device ahci,id=ahci0 -device ide-hd,drive=d,bus=ahci0.6
bad '-device|a0|taken' -device ahci,id=a0 -device ahci,id=a0
bad '-device|2.0|somebody' -device ahci,id=a0,addr=2
bad '-medium-at|hdc|no such drive' -medium-at 1s,hdc,x.iso "$work/exit.img"
bad '-medium-at|hda|hard disk' -medium-at 1s,hda,x.iso "$work/exit.img"
bad '-medium-at|soon|time' -medium-at soon,hdc -cdrom "$work/exit.img"
bad '-device|iobase|70000' -device isa-debug-exit,iobase=70000 "$work/exit.img"
bad '-serial|telnet|stdio' -serial telnet::4 "$work/exit.img"
bad '-serial|only one' -serial stdio -serial stdio "$work/exit.img"
bad '-serial|cannot be written' -serial "file:$work/directory/x/y" "$work/exit.img"
bad '-serial|cannot be written' -serial "file:$work/directory" "$work/exit.img"
bad '-display|sdl|curses' -display sdl "$work/exit.img"
bad '-display|curses|terminal' -display curses "$work/exit.img"
bad '-d|everything|cpu_reset' -d everything "$work/exit.img"
bad '-D|cannot be written' -d int -D "$work/directory" "$work/exit.img"
bad '-trace|no.such|help' -trace no.such "$work/exit.img"
bad '-timeline|file name' -timeline '' "$work/exit.img"
bad '-timeline|/no/such|written' -timeline /no/such/t.json "$work/exit.img"
bad '-limit|time|5' -limit time=5 "$work/exit.img"
bad '-icount|99' -icount shift=99 "$work/exit.img"
bad '-triple-fault|maybe|stop' -triple-fault maybe "$work/exit.img"
bad '-rtc|base|noon' -rtc base=noon "$work/exit.img"
bad '-type|time' -type hello "$work/exit.img"
bad '-dump-screen|cannot be written' -dump-screen "$work/directory" "$work/exit.img"
bad '-gdb|tcp' -gdb 1234 "$work/exit.img"
bad '-S|-s' -S "$work/exit.img"

echo "-- nothing is written when something is wrong"
echo precious >"$work/log"
bad '-kernel' -d int -D "$work/log" -serial "file:$work/serial" -kernel "$work/missing"
holds precious "$work/log"
if [ ! -e "$work/serial" ]; then pass; else fail "the serial file was made for a machine that never ran"; fi

echo "-- in use"
cp "$work/halt.img" "$work/locked.img"
timeout 60 "$vitrine" "$work/locked.img" -gdb tcp::0 -S </dev/null >/dev/null 2>"$work/waiting" &
children+=($!)
for _ in $(seq 100); do
    port=$(sed -n 's/.*127.0.0.1:\([0-9]*\);.*/\1/p' "$work/waiting")
    [ -z "$port" ] || break
    sleep 0.1
done
holds '^vitrine: -S: waiting for gdb on 127.0.0.1:[0-9]+; connect with: target remote :[0-9]+$' "$work/waiting"
bad 'locked.img|in use|process' "$work/locked.img"
bad "-gdb|${port:-port}|use" -snapshot "$work/exit.img" -gdb "tcp::${port:-1}"

echo "-- exit statuses"
good 33 "$work/exit.img" "${exit_device[@]}"
good 33 --hda "$work/exit.img" --device isa-debug-exit,iobase=0x501,iosize=1
good 33 -drive "file=$work/exit.img,if=ide,index=0,media=disk,format=raw,cache=none" "${exit_device[@]}"
good 33 -smp 4,sockets=2,cores=2 "${exit_device[@]}" "$work/exit.img"
good 33 -cpu 486 "${exit_device[@]}" "$work/exit.img"
good 33 -M pc -m 16 -smp 1 -net none -vga std -name test -accel tcg -rtc base=utc "${exit_device[@]}" "$work/exit.img"
good 33 -machine pc,dma=indirect,max-bounce-buffer-size=8K,checker=on "${exit_device[@]}" "$work/exit.img"
good 33 -machine dma=faulty,seed=3 "${exit_device[@]}" "$work/exit.img"
good 33 -machine pc,dma-mask=24 "${exit_device[@]}" "$work/exit.img"
good 33 -nographic "${exit_device[@]}" "$work/exit.img"
good 33 -nodefaults -serial null "${exit_device[@]}" "$work/exit.img"
good 0 "$work/reset.img" -no-reboot
good 4 "$work/fault.img"
holds '#UD' "$work/err"
good 0 "$work/fault.img" -triple-fault reset -no-reboot
good 6 -snapshot "$work/halt.img" -limit time=2s
holds '^vitrine: limit reached: 2\.000000 s of virtual time, CS:EIP 0000:00007c0[0-9a-f], halted$' "$work/err"
good 6 "$work/spin.img" -limit insns=30000000
holds '^vitrine: limit reached: 30000000 instructions, CS:EIP 0000:00007c00, running$' "$work/err"
good 0 -help
holds '^-hda FILE' "$work/out"
good 0 --version
holds '^vitrine [0-9]' "$work/out"
good 0 -trace help
good 0 -device help
good 0 -d help

echo "-- signals"
# Started where a signal is ignored (nohup, a background job, some CI), the program ignores it too, as it should.
ignored=$((16#$(sed -n 's/^SigIgn:[^0-9a-f]*//p' /proc/self/status)))
signals=TERM
((ignored & 2)) || signals+=" INT"
((ignored & 1)) || signals+=" HUP"
for signal in $signals; do
    (
        trap - INT # which the shell has background jobs ignore
        exec "$vitrine" -snapshot "$work/halt.img" -icount sleep=on -limit time=60s </dev/null 2>"$work/err"
    ) &
    child=$!
    sleep 0.5
    kill -"$signal" $child
    wait $child
    status=$?
    if [ $status -eq 0 ]; then pass; else fail "SIG$signal" "status $status" "$(cat "$work/err")"; fi
    holds "^vitrine: terminating on signal [0-9]+$" "$work/err"
done

# A disk's error stops the machine, which says so at once; nobody else would wake it.
"$vitrine" -drive "file=$work/exit.img,rerror=stop,fault=read:once" "${exit_device[@]}" </dev/null >"$work/out" \
    2>"$work/err" &
child=$!
children+=("$child")
for _ in $(seq 100); do
    grep -q 'kill -CONT' "$work/err" && break
    sleep 0.1
done
holds "^vitrine: the machine is stopped; .*kill -CONT $child\`" "$work/err"
kill -CONT $child
for _ in $(seq 100); do
    kill -0 $child 2>/dev/null || break
    sleep 0.1
done
kill $child 2>/dev/null
wait $child
status=$?
if [ $status -eq 33 ]; then pass; else fail "SIGCONT" "status $status" "$(cat "$work/err")"; fi

echo "-- output"
good 33 "$work/exit.img" "${exit_device[@]}" -dump-screen "$work/screen"
holds 'Booting from Hard Disk' "$work/screen"
good 33 "$work/exit.img" "${exit_device[@]}" -stats
holds 'cpu: [0-9]+ instructions' "$work/err"
good 33 "$work/exit.img" "${exit_device[@]}" -debugcon "file:$work/log" -global isa-debugcon.iobase=0x402
holds SeaBIOS "$work/log"
good 33 "$work/exit.img" "${exit_device[@]}" -d cpu_reset -D "$work/log"
holds 'EIP=' "$work/log"
good 33 "$work/exit.img" "${exit_device[@]}" -trace 'door.*,format=json' -type '10ms:a' -D "$work/log"
holds '"event":"door.in","ns":[0-9]+,"port":"keyboard"' "$work/log"
good 177 "$work/write.img" "${exit_device[@]}" -debugcon stdio
if [ "$(wc -c <"$work/out")" -eq 20000 ]; then pass; else fail "20000 bytes on stdout" "$(wc -c <"$work/out")"; fi
timeout 60 "$vitrine" "$work/write.img" "${exit_device[@]}" -debugcon stdio </dev/null 2>"$work/err" >/dev/full
status=$?
if [ $status -eq 177 ]; then pass; else fail "stdout on a full disk" "status $status" "$(cat "$work/err")"; fi
holds '^vitrine: stdout: cannot be written: No space' "$work/err"
if [ "$(wc -l <"$work/err")" -eq 1 ]; then pass; else fail "reported more than once" "$(cat "$work/err")"; fi
boot_sector endless.img 'ba e9 00 b0 58 ee eb fd'
{
    timeout 60 "$vitrine" "$work/endless.img" -debugcon stdio </dev/null 2>"$work/err"
    echo $? >"$work/status"
} | head -c 10 >"$work/out"
if [ "$(cat "$work/status")" = 2 ]; then pass; else fail "stdout's reader goes" "status $(cat "$work/status")"; fi

echo "-- the same input, the same run"
if [ -r "$guests/echo.img" ]; then
    printf 'Hello, world\nq' >"$work/input"
    first=
    for way in file file pipe pipe file; do
        if [ $way = file ]; then
            run "$work/input" -snapshot "$guests/echo.img" "${exit_device[@]}" -stats
        else
            { printf 'Hello, '; sleep 0.05; printf 'world\nq'; } |
                timeout 60 "$vitrine" -snapshot "$guests/echo.img" "${exit_device[@]}" -stats >"$work/out" 2>"$work/err"
        fi
        result=$(cat "$work/out"; grep '^cpu:' "$work/err")
        first=${first:-$result}
        if [ -n "$result" ] && [ "$result" = "$first" ]; then pass; else fail "a run by $way differs" "$first" "$result"; fi
    done
    holds 'HELLO, WORLD' "$work/out"
    printf 'abc\001xq' >"$work/input"
    run "$work/input" -snapshot "$guests/echo.img" -nographic "${exit_device[@]}"
    if [ $status -eq 0 ]; then pass; else fail "the escape key quits" "status $status"; fi
    printf 'late' >"$work/input"
    run "$work/input" -snapshot "$guests/echo.img" -limit time=1s
    if [ $status -eq 6 ]; then pass; else fail "the end of the input is not the end of the run" "status $status"; fi
fi

echo "-- a terminal"
if command -v script >/dev/null; then
    # in_terminal SECONDS-BEFORE-KEYS KEYS ARGUMENTS...: in bash, which outlives a Ctrl-C for its child; dash does not.
    in_terminal() {
        local wait=$1 keys=$2
        shift 2
        { sleep "$wait"; printf '%b' "$keys"; sleep 1; } | SHELL=/bin/bash TERM=xterm timeout 30 script -qec \
            "stty cols 80 rows 25; $vitrine $*; echo status \$?; stty -a | grep -o '.icanon'" /dev/null >"$work/out" 2>&1
    }
    in_terminal 1 '\001x' -snapshot "$work/halt.img"
    holds 'SeaBIOS' "$work/out"
    holds $'\033\\[\\?1049l' "$work/out"
    holds 'status 0' "$work/out"
    holds '^ icanon' "$work/out"
    in_terminal 1 '\003' -snapshot "$work/halt.img" -serial stdio
    holds 'terminating on signal 2' "$work/out"
    holds '^ icanon' "$work/out"
    if [ -r "$guests/echo.img" ]; then
        in_terminal 1 'ab\003\001hq' -snapshot "$guests/echo.img" -nographic "${exit_device[@]}"
        holds $'AB\003' "$work/out"
        holds 'then h: this help' "$work/out"
        holds 'status 65' "$work/out"
    fi
fi

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
