/* SPDX-License-Identifier: MIT */
/*
 * The timeline: a file in Chrome's trace-event JSON, which ui.perfetto.dev and chrome://tracing show as tracks of
 * bars. It listens to trace events (trace.h) and draws what memory and disks do, in virtual time (`ts` is in
 * microseconds, with three decimals):
 *
 *   ide0.dma    a request of the stream engine, and in it its rounds and its waits for bounce bytes
 *   piix3-ide   what devices have mapped in this space: `map` by pointer, `bounce` through a buffer
 *   hda         host I/O: a request of the disk from its submission to its end, and the host's calls as marks
 *   ide0-hd0    the drive's commands
 *   ide0        interrupts, ends of transfers
 *   fdc, i8237, fw_cfg, and whoever sends packets
 *
 * and as curves the bytes that are mapped in each space. A space's mappings are a group of their own. Things that overlap (mappings, disk requests) have as many rows
 * as are needed, "piix3-ide", "piix3-ide 2" and so on, so that begins and ends always pair. The arguments of an
 * event are the fields of its trace event. What is still open at the end is closed there.
 *
 * The first event of a row names it (`thread_name`). Times never go back. Without a timeline nothing is slower:
 * an event that nobody reads is the one branch of trace_on.
 */
#ifndef EMU_CORE_TIMELINE_H
#define EMU_CORE_TIMELINE_H

#include "emu/core/error.h"

struct timeline;

/* One at a time, as trace events have one listener. NULL with an error when the file cannot be written. */
struct timeline *timeline_open(const char *path, struct error *error);
/* Ends the JSON and the file; false when not all could be written. NULL is fine. */
bool timeline_close(struct timeline *timeline);

#endif
