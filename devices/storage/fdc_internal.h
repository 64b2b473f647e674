/* SPDX-License-Identifier: MIT */
/* What the two halves of the floppy controller need of each other: fdc.c (registers, phases) and fdc_commands.c. */
#ifndef DEVICES_STORAGE_FDC_INTERNAL_H
#define DEVICES_STORAGE_FDC_INTERNAL_H

#include "devices/storage/fdc.h"

#define FDC_UNITS        4 /* that a command can name; two have drives */
#define FDC_COMMAND_MOST 9
#define FDC_RESULT_MOST  10
#define FDC_SECTOR       512
#define FDC_SIZE_CODE    2 /* N of 512 bytes */

/* Status registers (data sheet, 4.0). */
enum {
    ST0_ABNORMAL = 0x40,
    ST0_INVALID = 0x80,
    ST0_POLLING = 0xc0,
    ST0_SEEK_END = 0x20,
    ST0_EQUIPMENT_CHECK = 0x10,
    ST0_NOT_READY = 0x08, /* as the 765 had it */
    ST0_HEAD = 0x04,
};
enum {
    ST1_END_OF_CYLINDER = 0x80,
    ST1_DATA_ERROR = 0x20,
    ST1_NO_DATA = 0x04,
    ST1_NOT_WRITABLE = 0x02,
    ST1_MISSING_ADDRESS_MARK = 0x01,
};
enum { ST2_CONTROL_MARK = 0x40, ST2_DATA_ERROR = 0x20, ST2_WRONG_CYLINDER = 0x10 };
enum { ST3_WRITE_PROTECTED = 0x40, ST3_READY = 0x20, ST3_TRACK_0 = 0x10, ST3_TWO_SIDED = 0x08 };

enum fdc_phase {
    FDC_RESETTING,
    FDC_COMMAND,   /* takes the bytes of a command */
    FDC_EXECUTING, /* time passes, or the 8237 is at work */
    FDC_DATA_IN,   /* bytes of the buffer wait in the FIFO (non-DMA) */
    FDC_DATA_OUT,  /* the FIFO wants bytes */
    FDC_RESULT,
    FDC_PHASES,
};

/* What the timer is for, in FDC_EXECUTING. */
enum fdc_step { FDC_STEP_NONE, FDC_STEP_SECTOR, FDC_STEP_FAIL, FDC_STEP_READ_ID, FDC_STEPS };

struct fdc_drive_state {
    uint8_t track;  /* where the heads are */
    uint8_t target; /* of the seek under way */
    bool seeking;
    bool changed; /* the change line */
};

struct fdc_state {
    uint8_t dor, tdr, dsr, rate, config[3], perpendicular;
    uint8_t step_rate, head_load; /* SPECIFY */
    bool polling_off, non_dma, locked;
    bool irq;

    uint8_t phase, step;
    uint8_t command[FDC_COMMAND_MOST], got, need;
    uint8_t result[FDC_RESULT_MOST], result_at, result_count;

    uint8_t present[FDC_UNITS]; /* PCN: where the controller believes the heads to be */
    uint8_t sense[FDC_UNITS];   /* ST0 for SENSE INTERRUPT STATUS ... */
    uint8_t sensed;             /* ... of these units, a bit each */
    struct fdc_drive_state drive[FDC_DRIVES];

    /* the data command in progress */
    uint8_t unit, head;
    uint8_t cylinder, id_head, sector, size, last; /* C H R N EOT */
    uint8_t left;                                  /* VERIFY with a count, FORMAT: sectors to go */
    bool writing, terminal;                        /* the terminal count came */
    uint8_t st0, st1, st2;
    uint16_t at, filled; /* bytes of the buffer: next, in use */
    uint8_t buffer[FDC_SECTOR];
};

struct fdc_drive {
    enum floppy_drive type;
    struct block *block;                /* NULL: no disk */
    const struct floppy_format *format; /* of the disk */
    struct clock_event seek;
    struct fdc *fdc;
    char seek_name[16];
};

struct fdc {
    struct device device;
    struct fdc_state state;
    struct clock *clock;
    struct i8237 *dma;
    struct irq_line irq;
    struct region *low, *high; /* 3F2h-3F5h, 3F7h */
    struct fdc_drive drive[FDC_DRIVES];
    struct clock_event timer;
};

/* ---- fdc.c ---- */

void fdc_set_irq(struct fdc *fdc, bool level);
void fdc_enter_command(struct fdc *fdc); /* ready for the next one */
/* The result phase, with what fdc_result collected; `interrupt`: data commands. */
void fdc_enter_result(struct fdc *fdc, bool interrupt);
void fdc_result(struct fdc *fdc, uint8_t value);
void fdc_wait(struct fdc *fdc, enum fdc_step step, vtime time);
/* Moves state.buffer, `filled` bytes of it, to the host or from it; fdc_moved follows. */
void fdc_move(struct fdc *fdc);

/* ---- fdc_commands.c ---- */

unsigned fdc_command_length(uint8_t code); /* bytes, with the first */
const char *fdc_command_name(uint8_t code);
void fdc_execute(struct fdc *fdc);               /* state.command is complete */
void fdc_step(struct fdc *fdc);                  /* the timer went off */
void fdc_moved(struct fdc *fdc, uint32_t bytes); /* state.terminal is set if the terminal count came */
void fdc_seek_done(struct fdc *fdc, unsigned drive);
void fdc_commands_reset(struct fdc *fdc,
                        bool hard); /* of what SPECIFY, CONFIGURE and PERPENDICULAR MODE set */

#endif
