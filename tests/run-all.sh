#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Everything that `make test` runs, after the build: unit tests under the sanitizers, the command line, real guests, gdb.
set -u
cd "$(dirname "$0")/.." || exit 1
export VITRINE=${VITRINE:-build/vitrine}
passed=0 failed=0

part() {
    local name=$1 start=$SECONDS
    shift
    echo "--- $name"
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "--- $name FAILED"; fi
    echo "--- $name: $((SECONDS - start)) s"
}

part "unit tests" make --no-print-directory -s test-unit
part "unit tests on other hosts" bash tests/cross.sh --quick build/cross
part "instructions against the host's processor" build/tests/silicon/silicon
part "command line" bash tests/cli/cli.sh
part "save, load, record, replay" bash tests/cli/state.sh
part "guests" bash tests/run-guests.sh
part "system behaviour" env SYSTEM_QEMU=${SYSTEM_QEMU:-no} bash tests/system.sh
part "timeline" bash tests/timeline/run.sh
part "linux" bash tests/linux/run.sh
part "saved linux" bash tests/linux/snapshots.sh
part "linux and its disks" bash tests/linux/disks.sh
part "gdb" bash tests/gdb/gdb.sh
part "fuzz" make --no-print-directory -s test-fuzz
part "documents" bash tests/check-docs.sh

echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
