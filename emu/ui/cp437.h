/* SPDX-License-Identifier: MIT */
/* Code page 437, the characters in a VGA's ROM font, as Unicode (The Unicode Consortium, VENDORS/MICSFT/PC/CP437.TXT and
 * the IBM graphics for 01h to 1Fh and 7Fh). */
#ifndef EMU_UI_CP437_H
#define EMU_UI_CP437_H

#include <stddef.h>
#include <stdint.h>

/* UTF-8 of a character, at most 3 bytes, without a zero at the end; how many. */
size_t cp437_to_utf8(uint8_t character, char out[3]);

#endif
