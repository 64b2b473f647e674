/* SPDX-License-Identifier: MIT */
/*
 * Standard input. A regular file, and a pipe whose end comes at once, are read completely before the machine starts, so
 * that a run with this input repeats to the instruction. A terminal, and a pipe that stays open, are live: their bytes
 * come when they come. The end of the input ends nothing else.
 */
#ifndef EMU_UI_INPUT_H
#define EMU_UI_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INPUT_AT_ONCE (16u << 20) /* at most so much is read before the start */

struct input {
    int fd; /* -1 when there is nothing (more) to come */
    bool is_file, is_terminal;
};

void input_open(struct input *input, int fd);
/* Everything that comes at once, of what is not a terminal: in *data, to be freed. Waits at the most 200 ms for more of a
 * pipe. */
size_t input_read_ahead(struct input *input, uint8_t **data);
/* What is there now, without waiting; 0 for nothing (then look at fd whether that was the end). */
size_t input_read(struct input *input, uint8_t *data, size_t room);

#endif
