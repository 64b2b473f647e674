/* SPDX-License-Identifier: MIT */
/*
 * Where the bytes of serial ports and debug ports go: stdout, or a file. Output is collected and written when the loop
 * says so. The host's trouble is reported once and does not stop the machine; only a pipe on stdout whose reader has gone
 * is a reason to end, as it is for other programs.
 */
#ifndef EMU_UI_CHAR_BACKENDS_H
#define EMU_UI_CHAR_BACKENDS_H

#include "emu/core/chardev.h"
#include "emu/core/error.h"

struct char_output;

struct char_output *char_output_stdout(void);
/* Creates the file, or empties it. */
struct char_output *char_output_file(const char *path, struct error *error);
/* Sends a channel's output here; several channels may share one. The channels must be gone, or written for the last time,
 * before char_output_free, which writes out what is left. */
void char_output_attach(struct char_output *output, struct chardev *chardev);
/* Writes what was collected. False when nobody can ever read it. */
bool char_output_flush(struct char_output *output);
void char_output_free(struct char_output *output);

#endif
