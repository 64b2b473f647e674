#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Debian's i386 Linux kernel and a static busybox, by package name, unpacked below DIR: `fetch.sh DIR`.
#
# They are programs for the guest: no architecture is added to the system, nothing is installed. apt works on package
# lists of its own below DIR. What is already there is not fetched again.
set -eu
dir=$(mkdir -p "$1" && cd "$1" && pwd)
[ -e "$dir/done" ] && exit 0
rm -rf "$dir/root" "$dir/apt"
mkdir -p "$dir/apt/state/lists/partial" "$dir/apt/cache/archives/partial" "$dir/packages" "$dir/root"
: >"$dir/apt/status"

apt=(-o APT::Architecture=i386 -o APT::Architectures=i386 -o Dir::State="$dir/apt/state" -o APT::Sandbox::User=root
    -o Dir::State::status="$dir/apt/status" -o Dir::Cache="$dir/apt/cache" -qq)
# A list that one mirror lacks (debug packages, say) is no reason to stop: what counts is that the packages come.
apt-get "${apt[@]}" update >"$dir/apt/log" 2>&1 || true
kernel=$(apt-cache "${apt[@]}" depends linux-image-686 2>>"$dir/apt/log" |
    sed -n 's/.*Depends: \(linux-image-[^ ]*\)/\1/p' | head -n 1)
if [ -z "$kernel" ]; then
    cat "$dir/apt/log" >&2
    echo "fetch.sh: apt finds no linux-image-686 for i386" >&2
    exit 2
fi
(cd "$dir/packages" && apt-get "${apt[@]}" download "$kernel" busybox-static >>"$dir/apt/log" 2>&1) || {
    cat "$dir/apt/log" >&2
    echo "fetch.sh: $kernel and busybox-static for i386 cannot be had" >&2
    exit 2
}
for package in "$dir"/packages/*.deb; do dpkg-deb -x "$package" "$dir/root"; done
version=${kernel#linux-image-}
depmod -b "$dir/root" "$version"
echo "$version" >"$dir/version"
rm -rf "$dir/apt" "$dir/packages"
touch "$dir/done"
