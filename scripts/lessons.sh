#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints docs/lessons.md: the lessons, and the tests that carry their numbers, as they are in tests/ now.
# Usage: scripts/lessons.sh >docs/lessons.md
set -eu
export LC_ALL=C
cd "$(dirname "$0")/.."

# Every lesson test as `FILE NAME`: Check tests, and functions of the test scripts.
tests=$({
    grep -rEo --include='*.c' 'START_TEST\(lesson_[0-9a-z_]+' tests
    grep -rEo --include='*.sh' '^test_lesson_[0-9a-z_]+' tests
} | sed 's/:START_TEST(/ /; s/:test_lesson/ test_lesson/' | sort -u)

# The tests of lesson NUMBER, a row for each. A name can bear several numbers.
tests_of() {
    number=$(printf %02d "$1")
    echo "$tests" | while read -r file name; do
        case $name in *lesson_"$number"_*|*_and_"$number"_*) echo "| | \`$name\` | \`$file\` |" ;; esac
    done
}

# NUMBER|WHAT WENT WRONG|LESSON|COMES WITH (only where no test can be yet)
table() {
    echo "| # | what went wrong elsewhere: lesson; then the tests here | in |"
    echo "|---|---|---|"
    while IFS='|' read -r number wrong lesson later; do
        rows=$(tests_of "$number")
        echo "| $number | $wrong: $lesson | |"
        echo "${rows:-| | no test yet: comes with ${later:-nothing that is planned} | |}"
    done
}

cat <<'END'
# Lessons

Public bugs of other emulators and kernels, in the parts that Vitrine is about, and what we do about each. Comments in
the code that say "LESSONS 9" mean row 9. A test with a row's number in its name fails when the guard is taken out. This
page is made by `scripts/lessons.sh`, which looks for those names in `tests/`.

## Mapping, bouncing, waiting

END
table <<'END'
1|a client waits for ever though a bounce buffer is free|registering rechecks, and wakes itself|
2|a waiter is freed while its wake-up is on the way|preallocated and intrusive; cancel is safe at any time|
3|one bounce buffer, two owners|bytes are reserved before anything else happens|
4|waiters leak|the node belongs to the client|
5|a short map is taken for a whole one|pointer and length come back together, and must be used|
6|a pointer that is NULL with a length that is not 0|a handle by value; no pointer means length 0|
7|one bounce buffer for the whole machine|many buffers, with a budget for each address space|
8|a device hangs under the small default limit|a waiter holds nothing; what must be whole has a reserve|
9|disk I/O is misaligned when maps come back short|every short length at every position is tested|
10|unmap of what was never mapped|handles with a header that is checked|
11|a bounce is copied the wrong way|the direction is part of the handle|
12|only the first page is marked dirty; stale decoded code|the range that unmap names drives marks and code|
13|write errors are ignored at unmap|unmap returns a status|
14|the second piece comes from the wrong address|guest addresses and offsets have types of their own|
15|a region is freed under a mapping|a mapping holds its region|
16|error paths unmap twice, or never|the request owns its mappings; one release path|
17|the result of a map is not checked|the compiler insists|
18|cancel leaves mappings behind|no mapping is left at reset, and that is checked|
19|every device has its own map loop|two engines, stream and packet|
20|a bounce slot is given out twice after an alignment fix|separate parameters; random tests against a model|
21|a partial copy moves the wrong bytes|the handle keeps address and length|
22|a request is larger than the pool can ever serve|the largest mapping that can succeed is published|
23|stale host data reaches the guest|exactly what was written is copied back|
24|an allocation waits for the I/O that waits for it|what progress depends on is reserved ahead|
25|a range is aligned to the wrong page|ranges begin and end at any byte, until an IOMMU says otherwise|
26|large transfers are cut into 8-byte messages|memory moves in the largest pieces allowed|
END
printf '\n## Devices\n\n'
table <<'END'
30|a device's DMA re-enters it through its own registers|a guard around every entry point|
31|a network card's loopback calls itself for ever|queued, with a busy flag|e1000
32|a network card's ring leads back to itself|a budget and a progress check on every ring|e1000
33|the status of a received frame is seen before its data|status is written last|e1000
34|a guest-chosen segment size reaches an assert|what a guest can reach is a device error|e1000
35|a guest's list loops for ever, or a bound is too tight|a generous bound, tested with the longest legal list|
36|a reset writes to contexts that are gone|no DMA in reset|xHCI
37|a reset with a write in the queue overwrites sector 0|cancel, unmap, then clear|
38|a PRD table that is shorter or longer than the transfer|the three endings are told apart|
39|a length is stored before it is checked|copy, validate, commit|USB
40|nested callbacks overflow the stack|loops|
41|a descriptor is read twice and changes in between|copied once|
42|configuration space in host byte order|converted at the edge|
43|a request loses its offset, or its last part|tests use odd offsets and remainders|
END
printf '\n## Debuggers\n\n'
table <<'END'
50|the register packet changes its size with the mode|one layout for the whole session|
51|the debugger ignores CS in real mode|linear addresses, and segment:offset|the monitor
52|breakpoints vanish when a loader overwrites the code|they live in the engine, not in memory|
53|watchpoints are missed, or reported late|every access path is checked, before the next instruction|
54|the debugger's page walk differs from the MMU's|one function walks, for everybody|
55|a debugger's read changes the guest|a read path without effects|
56|a single step never leaves an interrupt storm|a step can hold interrupts off|the monitor
END
