/* SPDX-License-Identifier: MIT */
/* What the parts of the ATA disk (ata.c: phases and data, ata_commands.c: commands) need from each other. */
#ifndef DEVICES_STORAGE_ATA_INTERNAL_H
#define DEVICES_STORAGE_ATA_INTERNAL_H

#include "devices/storage/ata.h"

enum ata_protocol { ATA_NON_DATA, ATA_PROTOCOL_PIO_IN, ATA_PROTOCOL_PIO_OUT, ATA_DMA_IN, ATA_DMA_OUT };

enum ata_command_flags {
    ATA_ADDRESSED = 1 << 0, /* address and count must name sectors of the disk */
    ATA_WRITES = 1 << 1,    /* refused by a read-only disk */
    ATA_MULTIPLE = 1 << 2,  /* DRQ blocks of as many sectors as SET MULTIPLE said */
    ATA_ONE = 1 << 3,       /* names one sector, whatever Sector Count says */
};

struct ata_command_row {
    uint8_t code, mask; /* of the code: F0h where the low bits once held a step rate */
    uint8_t protocol;
    uint8_t flags;
    const char *name;
    void (*start)(struct ata_disk *disk); /* ends with ata_succeed or ata_fail, now or later */
};

const struct ata_command_row *ata_find_command(uint8_t code); /* NULL: not known */
/* Checks what the row's flags ask for, then starts the command that is in the task file. */
void ata_execute(struct ata_disk *disk);

/* The state after power-on, or what SET FEATURES and its like changed. */
void ata_power_on_defaults(struct ata_disk *disk);
/* Signature and diagnostic code (ATA/ATAPI-6, "Signature and persistence"). */
void ata_signature(struct ata_disk *disk);

/* The end of a command, with an interrupt. */
void ata_succeed(struct ata_disk *disk);
void ata_fail(struct ata_disk *disk, uint8_t error, uint8_t status);
/* The address registers, in the form (LBA or CHS) that Device asks for. */
void ata_put_address(struct ata_disk *disk, uint32_t lba);

/* Data phases; lba, remaining and block are set. */
void ata_read_more(struct ata_disk *disk); /* disk to buffer, for PIO and for READ VERIFY */
void ata_offer_in(struct ata_disk *disk);  /* the next block of the buffer */
void ata_offer_out(struct ata_disk *disk, bool interrupt);
void ata_flush(struct ata_disk *disk);
void ata_offer_dma(struct ata_disk *disk);

#endif
