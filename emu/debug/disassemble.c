/* SPDX-License-Identifier: MIT */
/* Disassembly by Zydis: see disassemble.h. */
#include "emu/debug/disassemble.h"

#include <stdio.h>

#ifdef HAVE_ZYDIS
#include <Zydis/Zydis.h>

size_t disassemble(enum disassemble_syntax syntax, const uint8_t *bytes, size_t size, uint64_t eip,
                   bool code32, char *text, size_t room)
{
    ZydisMachineMode mode = code32 ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16;
    ZydisDisassembledInstruction found;
    ZyanStatus status = syntax == DISASSEMBLE_ATT ? ZydisDisassembleATT(mode, eip, bytes, size, &found)
                                                  : ZydisDisassembleIntel(mode, eip, bytes, size, &found);
    if (room) text[0] = 0;
    if (!ZYAN_SUCCESS(status)) return 0;
    snprintf(text, room, "%s", found.text);
    return found.info.length;
}

#else

size_t disassemble(enum disassemble_syntax syntax, const uint8_t *bytes, size_t size, uint64_t eip,
                   bool code32, char *text, size_t room)
{
    (void)syntax, (void)bytes, (void)size, (void)eip, (void)code32;
    if (room) text[0] = 0;
    return 0;
}

#endif

size_t disassemble_for_report(void *owner, const uint8_t *bytes, size_t size, uint64_t eip, bool code32,
                              char *text, size_t room)
{
    const enum disassemble_syntax *syntax = owner;
    return disassemble(syntax ? *syntax : DISASSEMBLE_INTEL, bytes, size, eip, code32, text, room);
}
