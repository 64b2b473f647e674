#!/bin/sh
# SPDX-License-Identifier: MIT
# Sees to the Debian packages that a make target needs: `deps.sh run` or `deps.sh test`.
#
# With everything there it says nothing and needs no root. Otherwise, as root, it installs what is missing and says so;
# as somebody else it prints the one line to type and fails.
set -eu

build="gcc libc6-dev binutils"
run="$build libzydis-dev liburing-dev libnbd-dev seabios"
test="$run acpica-tools pkg-config check gdb grub-pc-bin grub-common grub-rescue-pc memtest86+"
test="$test e2fsprogs kmod cpio python3 libasan8 libubsan1 nbdkit qemu-utils xorriso"

case ${1-} in
run) wanted=$run ;;
test) wanted=$test ;;
*) echo "usage: deps.sh run|test" >&2; exit 2 ;;
esac

missing=
for package in $wanted; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" != 0 ]; then
    echo "vitrine: these packages are missing; type:  sudo apt-get install$missing" >&2
    exit 1
fi
echo "vitrine: installing$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
    cat "$log" >&2
    echo "vitrine: apt-get could not install$missing" >&2
    exit 1
fi
