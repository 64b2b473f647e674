#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# An initrd of ours: busybox, the modules named, and an init script. `initrd.sh LINUX_DIR INIT OUT.gz [MODULE...]`
# LINUX_DIR is what fetch.sh filled. Modules come with all they depend on, and are loaded in that order by `/modules`.
# TOOL=FILE: a program of ours that goes in as well.
set -eu
linux=$1 init=$2 out=$3
shift 3
version=$(cat "$linux/version")
modules=$linux/root/lib/modules/$version
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage"/{bin,dev,proc,sys,mnt,lib}
cp "$linux/root/bin/busybox" "$stage/bin/"
for name in sh mount umount insmod cat ls echo sha256sum md5sum cmp dd sync mkdir rm cp mv poweroff reboot uname sleep grep \
    wc seq head tail find xargs dmesg hostname kill ps test true false date; do
    ln -s busybox "$stage/bin/$name"
done

: >"$stage/modules"
add() { # a path relative to the modules' directory, with what it depends on before it
    local path=$1 name dependency
    name=$(basename "${path%.ko*}")
    grep -qx "/lib/$name.ko" "$stage/modules" && return
    for dependency in $(sed -n "s|^$path: *||p" "$modules/modules.dep"); do add "$dependency"; done
    cp "$modules/$path" "$stage/lib/$name.ko"
    echo "/lib/$name.ko" >>"$stage/modules"
}
for module in "$@"; do
    path=$(sed -n "s|^\(.*/$module\.ko[^:]*\):.*|\1|p" "$modules/modules.dep" | head -n 1)
    [ -n "$path" ] || { echo "initrd.sh: the kernel has no module $module" >&2; exit 2; }
    add "$path"
done
[ -z "${TOOL-}" ] || cp "$TOOL" "$stage/bin/"
cp "$init" "$stage/init"
chmod +x "$stage/init"
(cd "$stage" && find . | sort | cpio -o -H newc --quiet --reproducible -R 0:0) | gzip -9n >"$out"
