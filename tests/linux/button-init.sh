#!/bin/sh
# SPDX-License-Identifier: MIT
# The first program of the guest that is shut down by its power button, or restarts when the command line says so.
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
if grep -q restart /proc/cmdline; then reboot -f; fi
while read -r module; do insmod "$module" || echo "linux: FAILED to load $module"; done </modules
for event in /sys/class/input/event*; do grep -q Power "$event/device/name" && button=${event##*/}; done
echo "linux: waiting for the power button"
head -c 16 "/dev/input/$button" >/dev/null && echo "linux: pressed"
poweroff -f
