#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The gdb stub from outside: with Debian's gdb, and with a client of a few lines that speaks the protocol itself and never
# acknowledges anything.  $VITRINE is the program (build/vitrine); the guests are taken from beside it.  Prints
# `N passed, N failed`.  Words after the command name the tests to run (all of them).

vitrine=${VITRINE:-build/vitrine}
build=$(dirname "$vitrine")
demo=$build/guests/demo guests=$build/tests/guests
passed=0 failed=0 machine= client=
for need in "$vitrine" "$demo.elf" "$demo.img" "$build/guests/demo/boot.o" "$guests/spin.img" "$guests/triple.elf"; do
    [ -e "$need" ] && continue
    echo "gdb.sh: $need: is not there; run make all guests first"
    exit 2
done
work=$(mktemp -d "${TMPDIR:-/tmp}/vitrine-gdb.XXXXXX") || exit 2
cleanup() {
    [ -z "$machine" ] || kill "$machine" 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT

# ---- verdicts --------------------------------------------------------------------------------------------------------

test_name=
pass() { passed=$((passed + 1)); }
fail() {
    failed=$((failed + 1))
    echo "FAILED: $test_name: $1"
    shift
    printf '    %s\n' "$@"
}
# is WHAT EXPECTED GOT
is() { if [ "$2" = "$3" ]; then pass; else fail "$1" "expected: $2" "got:      $3"; fi; }
# like WHAT PATTERN GOT: a pattern of the shell's
like() {
    # shellcheck disable=SC2053
    if [[ $3 == $2 ]]; then pass; else fail "$1" "expected: $2" "got:      $3"; fi
}
# says WHAT PATTERN FILE: a regular expression, in one line
says() { if grep -qE -e "$2" "$3"; then pass; else fail "$1" "no line with: $2" "$(tail -n 40 "$3")"; fi; }

# ---- the machine -----------------------------------------------------------------------------------------------------

# start ARGUMENTS...: a machine that waits for a debugger at a port of its choice, $port.
start() {
    local tries=500
    rm -f "$work/err" # the last machine's
    : >"$work/err"
    timeout 60 "$vitrine" -display none -S -gdb tcp::0 "$@" </dev/null >"$work/out" 2>"$work/err" &
    machine=$!
    port=
    while [ -z "$port" ] && [ $((tries--)) -gt 0 ]; do
        port=$(sed -n 's/.*waiting for gdb on 127\.0\.0\.1:\([0-9]*\);.*/\1/p' "$work/err")
        kill -0 $machine 2>/dev/null || break
        [ -n "$port" ] || sleep 0.02
    done
    [ -n "$port" ] || fail "the machine does not wait for gdb" "$(cat "$work/err")"
}

# ends STATUS: the machine does, with that exit status.
ends() {
    wait $machine
    is "exit status" "$1" $?
    machine=
}

# ---- gdb -------------------------------------------------------------------------------------------------------------

# debug FILE COMMANDS...: gdb's output in $work/gdb.  It stops at the first error; a transcript shows how far it came.
debug() {
    local file=$1 command arguments=()
    shift
    for command in "set confirm off" "set pagination off" "set width 0" "target remote 127.0.0.1:$port" "$@"; do
        arguments+=(-ex "$command")
    done
    timeout 60 gdb -nx -q -batch "${arguments[@]}" ${file:+"$file"} >"$work/gdb" 2>&1 </dev/null
}

# ---- a client by hand ------------------------------------------------------------------------------------------------

connect() { exec {client}<>"/dev/tcp/127.0.0.1/$port"; }
hang_up() { exec {client}>&-; }

# packet PAYLOAD: framed, on standard output.
packet() {
    local LC_ALL=C payload=$1 sum=0 i
    for ((i = 0; i < ${#payload}; i++)); do
        printf -v code %d "'${payload:i:1}"
        sum=$((sum + code))
    done
    printf '$%s#%02x' "$payload" $((sum & 255))
}

# receive: the payload of the next reply, in $reply.
receive() {
    local LC_ALL=C rest
    reply="(no answer)"
    IFS= read -r -t 20 -d '#' -u "$client" rest || return
    IFS= read -r -t 5 -N 2 -u "$client" _
    reply=${rest#*\$}
}

# ask PAYLOAD: $reply.
ask() {
    packet "$1" >&"$client"
    receive
}

# number HEX: a register's value, which comes with its lowest byte first.
number() { echo "${1:6:2}${1:4:2}${1:2:2}${1:0:2}"; }
eip() { ask p8 && number "$reply"; }
symbol() { nm "$1" | sed -n "s/^\([0-9a-f]*\) . $2\$/\1/p"; }

# ---- tests with gdb --------------------------------------------------------------------------------------------------

# LESSONS 52: the breakpoint is set before the loader writes the code.
test_lesson_52_break_in_main_from_the_reset_vector_on() {
    start -snapshot "$demo.img"
    debug "$demo.elf" 'p/x $cs_base + $eip' 'break main' 'hbreak pci_list' 'continue' 'p $eip == &main' 'bt' 'x/s "demo"' \
        'x/4c &command_line' 'p/x *(unsigned *)0x100000' 'delete 1' 'continue' 'info breakpoints' 'delete' 'continue'
    says "reset vector" '^\$1 = 0xfffffff0$' "$work/gdb"
    says "break in main" '^Breakpoint 1, main \(magic=732803074' "$work/gdb"
    says "at its first instruction" '^\$2 = 1$' "$work/gdb"
    says "backtrace" '^#0 +main \(' "$work/gdb"
    says "memory" '^\$3 = 0x1badb002$' "$work/gdb"
    says "second breakpoint" '^Breakpoint 2, pci_list \(' "$work/gdb"
    says "to the end" 'exited normally' "$work/gdb"
    says "demo" 'all checks passed' "$work/out"
    ends 0
}

test_stepping() {
    start -snapshot "$demo.img"
    debug "$demo.elf" 'break crc32' 'continue' 'p $eip == (unsigned)&crc32' 'set $before = $eip' 'stepi' 'p (int)$eip - (int)$before' \
        'set $sp = $esp' 'next' 'p $esp <= $sp' 'delete' 'finish' 'p $eip != 0' 'x/2i $pc' 'kill'
    says "breakpoint" '^Breakpoint 1, crc32 ' "$work/gdb"
    says "stepi" '^\$2 = [1-9]$' "$work/gdb"
    says "next" '^\$3 = 1$' "$work/gdb"
    says "value returned" '^Value returned is' "$work/gdb"
    says "disassembly" '^=> 0x' "$work/gdb"
    ends 0
}

# A breakpoint on each of two instructions in a row, the first one byte long: gdb takes them for what they are.
test_neighbouring_breakpoints() {
    start -snapshot "$demo.img"
    debug "$demo.elf" 'break *main' 'break *((char*)&main+1)' 'continue' 'continue' 'p (int)$eip - (int)&main' \
        'set $eip = (unsigned)&main + 1' 'stepi' 'p $eip > (unsigned)&main + 1' 'kill'
    says "first" '^Breakpoint 1, ' "$work/gdb"
    says "second" '^Breakpoint 2, ' "$work/gdb"
    says "where" '^\$1 = 1$' "$work/gdb"
    says "after it" '^\$2 = 1$' "$work/gdb"
    ends 0
}

# LESSONS 50: one layout, in real mode and in protected mode, and in gdb's 16-bit mode.
test_lesson_50_stepping_over_a_mode_change() {
    local address
    address=$((16#$(symbol "$build/guests/demo/boot.o" enter_protected_mode) + 0x7c00))
    start -snapshot "$demo.img"
    printf '%s\n' "break *$address" 'continue' 'p $cr0 & 1' 'x/2i $pc' 'info registers' 'set $steps = 0' 'while !($cr0 & 1) && $steps < 10' 'stepi' 'set $steps = $steps + 1' \
        'end' 'p $cr0 & 1' 'stepi' 'p $cs' 'info registers' \
        'set architecture i386' 'x/i $pc' 'kill' >"$work/script"
    debug "" "source $work/script" # `while` is read from files only
    says "real mode" '^\$1 = 0$' "$work/gdb"
    says "16-bit disassembly" 'lgdtw +0x7df0' "$work/gdb"
    says "32-bit disassembly" 'mov +\$0x10,%ax' "$work/gdb"
    says "all registers of real mode" '^cr0 .*\[ ET' "$work/gdb"
    says "protected mode" '^\$2 = 1$' "$work/gdb"
    says "far jump" '^\$3 = 8$' "$work/gdb"
    says "all registers of protected mode" '^cr0 .*\[ PE ET' "$work/gdb"
    ends 0
}

test_gdb_interrupts_a_running_guest() {
    local debugger
    start -snapshot "$guests/spin.img"
    # not through timeout, which would keep the signal to itself; the machine has one, and gdb ends with it
    env --default-signal=INT gdb -nx -q -batch -ex "target remote 127.0.0.1:$port" -ex 'hbreak *0x7d00' -ex 'continue' \
        -ex 'delete' -ex 'shell echo running' -ex 'continue' -ex 'p/x $pc' -ex 'kill' >"$work/gdb" 2>&1 </dev/null &
    debugger=$!
    for _ in $(seq 200); do
        grep -q '^running' "$work/gdb" && break
        sleep 0.05
    done
    sleep 0.3
    kill -s INT $debugger
    wait $debugger
    says "stopped" 'received signal SIGINT' "$work/gdb"
    says "where" '^\$1 = 0x7d00$' "$work/gdb"
    ends 0
}

# ---- tests by hand ---------------------------------------------------------------------------------------------------

test_one_breakpoint_and_go() {
    local main
    main=$(symbol "$demo.elf" main)
    start -snapshot "$demo.img"
    connect
    ask "Z1,$main,1" && is Z1 OK "$reply"
    ask c && like "stop reply" 'T05thread:01;*' "$reply"
    is EIP "$main" "$(eip)"
    ask s && like step 'T05thread:01;*' "$reply"
    ask "z1,$main,1" && is z1 OK "$reply"
    ask c && is "power-off" W00 "$reply"
    hang_up
    ends 0
}

# LESSONS 51: breakpoints are linear addresses; gdb, which knows EIP only, is not told that it was one of its own, or it would
# go on silently.
test_lesson_51_breakpoint_with_a_segment_base() {
    start -snapshot "$guests/spin.img"
    connect
    ask 'qSupported:swbreak+'
    ask 'Z0,fe05b,1' && ask c && is "stop reply" 'T05thread:01;' "$reply"
    is EIP 0000e05b "$(eip)"
    ask 'Z0,7d00,1' && ask c && is "base 0" 'T05thread:01;swbreak:;' "$reply"
    packet k >&"$client"
    hang_up
    ends 0
}

# Every round ends at the breakpoint again, though it stays where it is.
test_a_breakpoint_is_left_behind_by_continuing() {
    local expected=T05 handler
    handler=$(symbol "$demo.elf" timer_interrupt)
    start -snapshot "$demo.img"
    connect
    ask "Z0,$handler,1"
    for _ in 1 2 3 4; do
        ask 'vCont;c' && like "stop reply" "$expected*" "$reply"
        is EIP "$handler" "$(eip)"
    done
    ask 'c100000' && like "goes on somewhere else" '[TW]*' "$reply"
    hang_up
    kill_unfinished
}

# What is sent ahead waits for the machine to stop.
test_packets_sent_ahead_are_answered_in_order() {
    local main
    main=$(symbol "$demo.elf" main)
    start -snapshot "$demo.img"
    connect
    {
        packet "Z1,$main,1"
        packet c
        packet p8
        packet "m$main,1"
        packet k
    } >&"$client"
    receive && is Z1 OK "$reply"
    receive && like stop 'T05*' "$reply"
    receive && is EIP "$main" "$(number "$reply")"
    receive && is memory 55 "$reply"
    hang_up
    ends 0
}

test_break_and_stop_of_a_running_guest() {
    start -snapshot "$guests/spin.img"
    connect
    ask 'Z0,7d00,1' && ask c && ask 'z0,7d00,1' && is z0 OK "$reply"
    packet c >&"$client"
    sleep 0.2
    printf '\003' >&"$client"
    receive && like "03h" 'T02*' "$reply"
    is EIP 00007d00 "$(eip)"
    packet 'vCont;c' >&"$client"
    sleep 0.2
    ask 'vCont;t' && like "vCont;t" 'T02*' "$reply"
    packet k >&"$client"
    hang_up
    ends 0
}

# A CPU that is halted for good: neither going on nor a step ends by itself.
test_break_of_a_halted_guest() {
    start -snapshot "$guests/halt.img"
    connect
    for go in c s; do
        packet $go >&"$client"
        sleep 0.3
        printf '\003' >&"$client"
        receive && like "$go, 03h" 'T0?*' "$reply"
    done
    is "it was the break" T02 "${reply:0:3}"
    packet k >&"$client"
    hang_up
    ends 0
}

test_no_acknowledgement_mode() {
    start -snapshot "$guests/spin.img"
    connect
    ask 'qSupported:swbreak+;multiprocess+' && like qSupported '*PacketSize=4000;*QStartNoAckMode+*' "$reply"
    ask QStartNoAckMode && is QStartNoAckMode OK "$reply"
    printf '$qC#00' >&"$client" # nobody looks at the checksum now
    receive && is qC QC1 "$reply"
    packet k >&"$client"
    hang_up
    ends 0
}

test_unknown_packets_get_an_empty_answer() {
    local unknown
    start -snapshot "$guests/spin.img"
    connect
    for unknown in vMustReplyEmpty qFoo Z2,1000,4 z4,1000,4 '!' qXfer:memory-map:read::0,100 b vCont gg qCRC:0,1; do
        ask "$unknown" && is "$unknown" "" "$reply"
    done
    ask 'vCont?' && is 'vCont?' 'vCont;c;C;s;S;t' "$reply"
    ask Hg0 && is Hg0 OK "$reply"
    ask Hc-1 && is Hc-1 OK "$reply"
    ask Hg9 && is Hg9 E16 "$reply"
    ask T1 && is T1 OK "$reply"
    ask T2 && is T2 E16 "$reply"
    ask qAttached && is qAttached 1 "$reply"
    ask qfThreadInfo && is qfThreadInfo m1 "$reply"
    ask qsThreadInfo && is qsThreadInfo l "$reply"
    ask '?' && is '?' 'T05thread:01;' "$reply"
    packet k >&"$client"
    hang_up
    ends 0
}

# LESSONS 55: a look at memory has no effect, reaches as far as there is something, and says where there is nothing.
test_lesson_55_memory() {
    start -m 16 -snapshot "$guests/spin.img"
    connect
    ask 'Z0,7d00,1' && ask c
    ask m7dfe,2 && is "boot signature" 55aa "$reply"
    ask m7dfe,0 && is "nothing" "" "$reply"
    ask 'mffffffffffffffff,1' && like "the last byte" '??' "$reply"
    ask mf8000000,4 && is "nothing there" E0e "$reply"
    ask mfffffc,8 && is "up to the end of memory" 8 ${#reply}
    ask m0,ffffffff && is "as much as a packet holds" 16384 ${#reply}
    ask M8000,3:c0ffee && is M OK "$reply"
    ask m8000,3 && is "and back" c0ffee "$reply"
    ask M8000,3:c0ff && is "too few bytes" E16 "$reply"
    ask M8000,3:c0ffzz && is "no hex" E16 "$reply"
    ask 'X8000,3:a}]c' && is X OK "$reply"
    ask m8000,3 && is "and back" 617d63 "$reply"
    ask 'X8000,4:abc' && is "too few bytes" E16 "$reply"
    ask mxyz && is "no address" E16 "$reply"
    # code: inc %ax, jump back
    ask M7d00,3:40ebfd && is "new code" OK "$reply"
    ask P0=00000000 && ask s && ask s && ask s && ask p0 && is "it runs" 00000002 "$(number "$reply")"
    packet k >&"$client"
    hang_up
    ends 0
}

test_registers() {
    local all
    start -snapshot "$guests/spin.img"
    connect
    ask p8 && is "EIP at reset" 0000fff0 "$(number "$reply")"
    ask p30 && is "no such register" E16 "$reply"
    ask 'Z0,7d00,1' && ask c
    ask g && all=$reply
    ask "G$all" && is "G, unchanged" OK "$reply"
    ask g && is "and the same again" "$all" "$reply"
    ask "G12345678${all:8}" && is G OK "$reply"
    ask p0 && is EAX 78563412 "$(number "$reply")"
    ask "G${all:0:64}" && is "too short" E16 "$reply"
    ask "G${all}00" && is "too long" E16 "$reply"
    # real mode: the base follows the selector
    ask Pc=34120000 && is "DS" OK "$reply"
    ask p2c && is "its base" 00012340 "$(number "$reply")"
    ask Pc=00000100 && is "no 16 bits" E16 "$reply"
    ask P2c=00000000 && is "a base alone" E16 "$reply"
    ask P20=11000000 && is "CR0" E16 "$reply"
    ask P22=00100000 && is "CR3" OK "$reply"
    ask P9=ffffffff && is "EFLAGS" OK "$reply"
    ask p9 && is "those that are there" 00257fd7 "$(number "$reply")"
    packet k >&"$client"
    hang_up
    ends 0
}

# FNINIT, FLD1, FLDPI, and what the debugger makes of it.
test_x87_registers() {
    start -snapshot "$guests/spin.img"
    connect
    ask 'Z0,7d00,1' && ask c
    ask M7d00,8:dbe3d9e8d9ebebfe && ask s && ask s && ask s && like stop 'T05*' "$reply"
    ask p10 && is "ST0, pi" 35c26821a2da0fc90040 "$reply"
    ask p11 && is "ST1, one" 0000000000000080ff3f "$reply"
    ask p18 && is "control" 0000037f "$(number "$reply")"
    ask p19 && is "status: top is 6" 00003000 "$(number "$reply")"
    ask p1a && is "tags: two valid" 00000fff "$(number "$reply")"
    ask P11=00000000000000c00040 && is "ST1, three" OK "$reply"
    ask p11 && is "there it is" 00000000000000c00040 "$reply"
    ask P19=00380000 && is "top" OK "$reply"
    ask p10 && is "ST0 is what was ST1" 00000000000000c00040 "$reply"
    ask P19=01000000 && is "an exception, masked" OK "$reply"
    ask P18=40000000 && is "unmasked" E16 "$reply"
    ask p18 && is "control is as it was" 0000037f "$(number "$reply")"
    packet k >&"$client"
    hang_up
    ends 0
}

# Protected mode: a selector takes its descriptor along, or is refused.
test_selectors_in_protected_mode() {
    start -kernel "$guests/triple.elf"
    connect
    ask "Z0,$(symbol "$guests/triple.elf" touch_unmapped),1" && ask c && like stop 'T05*' "$reply"
    ask Pd=08000000 && is "ES, code" OK "$reply"
    ask Pd=00000000 && is "ES, null" OK "$reply"
    ask Pb=08000000 && is "SS, not writable" E16 "$reply"
    ask Pb=00000000 && is "SS, null" E16 "$reply"
    ask Pc=18000000 && is "DS, beyond the table" E16 "$reply"
    ask Pa=10000000 && is "CS, not code" E16 "$reply"
    ask Pa=0b000000 && is "CS, another level" E16 "$reply"
    ask pa && is "CS is as it was" 00000008 "$(number "$reply")"
    packet k >&"$client"
    hang_up
    ends 0
}

test_a_triple_fault_can_be_looked_at() {
    start -kernel "$guests/triple.elf"
    connect
    ask c && like "stop reply" 'T0b*' "$reply"
    is "at the instruction" "$(symbol "$guests/triple.elf" touch_unmapped)" "$(eip)"
    ask p0 && is EAX 11111111 "$(number "$reply")"
    ask c && like "it cannot go on" 'T0b*' "$reply"
    ask s && like "nor step" 'T0b*' "$reply"
    ask D && is D OK "$reply"
    hang_up
    ends 4
}

test_detach_and_come_back() {
    start -snapshot "$guests/spin.img"
    connect
    ask 'Z0,7d00,1' && ask c && like "breakpoint" 'T05*' "$reply"
    ask D && is D OK "$reply"
    hang_up
    sleep 0.2
    connect
    ask '?' && like "stopped by coming back" 'T05*' "$reply"
    is "it has run, without the breakpoint" 00007d00 "$(eip)"
    ask 'D;1' && is D OK "$reply"
    hang_up
    sleep 0.1
    connect
    printf '\003' >&"$client" # a first word like any other
    receive && like "03h" 'T02*' "$reply"
    packet 'vKill;1' >&"$client"
    receive && is vKill OK "$reply"
    hang_up
    ends 0
}

# Who looks whether the port is open, or drops the line, does not start the machine.
test_a_lost_connection_leaves_the_machine_as_it_is() {
    start -snapshot "$guests/spin.img"
    connect
    hang_up
    sleep 0.1
    connect
    is "still at the reset vector" 0000fff0 "$(eip)"
    ask s && hang_up
    sleep 0.1
    connect
    is "one step further" 0000e05b "$(eip)"
    packet k >&"$client"
    hang_up
    ends 0
}

test_noise() {
    start -snapshot "$guests/spin.img"
    connect
    head -c 100000 /dev/zero | tr '\0' '$' >&"$client"
    { printf '$'; head -c 100000 /dev/zero | tr '\0' 'a'; printf '#00'; } >&"$client"
    receive && is "too long" E07 "$reply"
    printf '#}$}#00$m#00$g#zz' >&"$client"
    ask Z && is Z E16 "$reply"
    ask Z0 && is Z0 E16 "$reply"
    ask Z0,,1 && is Z0,,1 E16 "$reply"
    ask 'vCont;' && is 'vCont;' E16 "$reply"
    ask 'vCont;c:2' && is "not for this CPU" E16 "$reply"
    ask P && is P E16 "$reply"
    ask H && is H E16 "$reply"
    ask qXfer:features:read:target.xml:ffffffff,1 && is "beyond the file" E16 "$reply"
    is "still there" 0000fff0 "$(eip)"
    packet k >&"$client"
    hang_up
    ends 0
}

# What waits for the machine's stop has an end, too; and so has a debugger that leaves it behind.
test_more_than_can_wait() {
    local many
    start -snapshot "$guests/spin.img"
    connect
    packet c >&"$client"
    printf -v many '%05000d' 0
    for _ in 1 2 3 4 5 6 7 8; do packet "$many" >&"$client"; done
    sleep 0.2
    hang_up
    sleep 0.2
    connect
    ask '?' && is "the next one" 'T05thread:01;' "$reply"
    packet k >&"$client"
    hang_up
    ends 0
}

test_too_many_breakpoints() {
    local n
    start -snapshot "$guests/spin.img"
    connect
    for ((n = 0; n < 1024; n++)); do packet "Z0,$((n + 100000)),1"; done >&"$client"
    for ((n = 0; n < 1024; n++)); do
        receive
        [ "$reply" = OK ] || break
    done
    is "so many are fine" 1024 "$n"
    ask 'Z0,1,1' && is "one more" E0c "$reply"
    ask 'Z1,100000,1' && is "one that is there" OK "$reply"
    packet k >&"$client"
    hang_up
    ends 0
}

test_a_port_in_use() {
    start -snapshot "$guests/spin.img"
    timeout 20 "$vitrine" -display none -gdb "tcp::$port" -snapshot "$guests/spin.img" </dev/null >"$work/out2" 2>"$work/err2"
    is "exit status" 2 $?
    is "one line" 1 "$(wc -l <"$work/err2")"
    says "in words" "^vitrine: -gdb: tcp::$port: .*in use" "$work/err2"
    connect
    packet k >&"$client"
    hang_up
    ends 0
}

# The debugger's looking, stopping and stepping is nothing that a guest could notice.
test_a_debugged_run_is_the_same_run() {
    local main plain debugged
    main=$(symbol "$demo.elf" main)
    timeout 60 "$vitrine" -display none -stats -snapshot "$demo.img" </dev/null >"$work/plain" 2>"$work/stats"
    plain=$(grep -i instructions "$work/stats")
    start -stats -snapshot "$demo.img"
    connect
    ask "Z0,$main,1" && ask c
    for _ in 1 2 3 4 5; do ask s && ask g && ask mb8000,fa0 && ask mfec00000,10 && ask m1f0,8; done
    ask c && is "to the end" W00 "$reply"
    hang_up
    ends 0
    debugged=$(grep -i instructions "$work/err")
    is "output" "$(cksum <"$work/plain")" "$(cksum <"$work/out")"
    is "statistics" "${plain:-none}" "$debugged"
}

# ---- all of it -------------------------------------------------------------------------------------------------------

# For machines that a test leaves in the middle.
kill_unfinished() {
    kill "$machine" 2>/dev/null
    wait "$machine" 2>/dev/null
    machine=
}

for test_name in $(compgen -A function test_); do
    [ $# -eq 0 ] || [[ " $* " == *" $test_name "* ]] || continue
    "$test_name"
    [ -z "$machine" ] || kill_unfinished
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
