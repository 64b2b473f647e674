#!/bin/sh
# Compiles dsdt.asl with iasl (package acpica-tools) and prints the C array that acpi_tables.c includes:
#
#   sh emu/board/acpi/dsdt.sh > dsdt.h.new && mv dsdt.h.new emu/board/acpi/dsdt.h
#
# The array is checked in, so that building needs no iasl and gives the same bytes everywhere; a unit test compares it with
# what this prints. iasl has no macros with arguments, so the C preprocessor goes first. The 36 bytes of header, which name
# the compiler's version, are left out.
set -e
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
${CC:-cc} -E -P -x c "$here/dsdt.asl" >"$work/dsdt.asl"
if ! "${IASL:-iasl}" -oa -p "$work/dsdt" "$work/dsdt.asl" >"$work/log" 2>&1; then
    cat "$work/log" >&2
    exit 1
fi
cat <<END
/* SPDX-License-Identifier: MIT */
/* AML of dsdt.asl behind the table's header; made by dsdt.sh. */
static const uint8_t dsdt_aml[] = {
END
od -An -v -tx1 -j36 "$work/dsdt.aml" | sed 's/ \(..\)/ 0x\1,/g; s/^ /    /'
echo '};'
