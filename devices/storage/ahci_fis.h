/* SPDX-License-Identifier: MIT */
/*
 * What an AHCI driver and the HBA lay out in memory: frame information structures (Serial ATA 2.6), the
 * received FIS area (AHCI 4.2.1), command headers (4.2.2) and command tables (4.2.3). Everything is bytes, numbers
 * little-endian.
 */
#ifndef DEVICES_STORAGE_AHCI_FIS_H
#define DEVICES_STORAGE_AHCI_FIS_H

#include "devices/storage/ata.h"

enum fis_type {
    FIS_H2D = 0x27,
    FIS_D2H = 0x34,
    FIS_DMA_SETUP = 0x41,
    FIS_PIO_SETUP = 0x5f,
    FIS_SET_DEVICE_BITS = 0xa1,
};
enum { FIS_FLAG_COMMAND = 1 << 7 };                              /* C of H2D: 1 Command, 0 Control */
enum { FIS_FLAG_INTERRUPT = 1 << 6, FIS_FLAG_TO_HOST = 1 << 5 }; /* I; D */
enum { FIS_CONTROL_SRST = 1 << 2 };

/* The task file, as H2D, D2H and PIO Setup FISes carry it from their fourth byte on. */
struct fis_address {
    uint8_t low, mid, high, device;
    uint8_t low_exp, mid_exp, high_exp;
};

struct fis_h2d {
    uint8_t type, flags, command, features;
    struct fis_address lba;
    uint8_t features_exp;
    uint8_t count, count_exp, icc, control;
    uint8_t reserved[4];
};
_Static_assert(sizeof(struct fis_h2d) == 20, "Serial ATA 2.6, Register - Host to Device");

struct fis_d2h {
    uint8_t type, flags, status, error;
    struct fis_address lba;
    uint8_t reserved;
    uint8_t count, count_exp;
    uint8_t reserved_2[6];
};
_Static_assert(sizeof(struct fis_d2h) == 20, "Serial ATA 2.6, Register - Device to Host");

struct fis_set_device_bits {
    uint8_t type, flags, status, error;
    uint8_t active[4];
};
_Static_assert(sizeof(struct fis_set_device_bits) == 8, "Serial ATA 2.6, Set Device Bits");

struct fis_dma_setup {
    uint8_t type, flags, reserved[2];
    uint8_t buffer[8]; /* the tag */
    uint8_t reserved_2[4];
    uint8_t offset[4], count[4];
    uint8_t reserved_3[4];
};
_Static_assert(sizeof(struct fis_dma_setup) == 28, "Serial ATA 2.6, DMA Setup");

struct fis_pio_setup {
    uint8_t type, flags, status, error;
    struct fis_address lba;
    uint8_t reserved;
    uint8_t count, count_exp, reserved_2, e_status;
    uint8_t bytes[2], reserved_3[2];
};
_Static_assert(sizeof(struct fis_pio_setup) == 20, "Serial ATA 2.6, PIO Setup");

/* Where each lies in the received FIS area. */
enum {
    FIS_AREA_DMA_SETUP = 0x00,
    FIS_AREA_PIO_SETUP = 0x20,
    FIS_AREA_D2H = 0x40,
    FIS_AREA_SET_DEVICE_BITS = 0x58,
    FIS_AREA_UNKNOWN = 0x60,
};
#define FIS_UNKNOWN_BYTES 64

/* A slot of the command list. */
struct ahci_header {
    uint8_t options[2];
    uint8_t prds[2];  /* PRDTL: entries, not bytes */
    uint8_t moved[4]; /* PRDBC */
    uint8_t table[8]; /* CTBA, 128-byte aligned */
    uint8_t reserved[16];
};
_Static_assert(sizeof(struct ahci_header) == 32, "AHCI 4.2.2");
enum {
    AHCI_HEADER_LENGTH = 0x1f, /* CFL: dwords of the command FIS */
    AHCI_HEADER_ATAPI = 1 << 5,
    AHCI_HEADER_WRITE = 1 << 6,
    AHCI_HEADER_RESET = 1 << 8,
    AHCI_HEADER_BIST = 1 << 9,
    AHCI_HEADER_CLEAR_BUSY = 1 << 10,
    AHCI_HEADER_PORT = 0xf << 12, /* PMP */
};

/* The head of a command table; 48 reserved bytes and the PRDT follow. */
struct ahci_table {
    uint8_t cfis[64];
    uint8_t acmd[16];
};
_Static_assert(sizeof(struct ahci_table) == 80, "AHCI 4.2.3");
enum { AHCI_TABLE_PRDT = 0x80, AHCI_TABLE_ALIGN = 0x80 };

struct ahci_prd {
    uint8_t address[8]; /* bit 0 reserved */
    uint8_t reserved[4];
    uint8_t count[4]; /* bytes less one in 21:0, of which bit 0 must be 1; bit 31: interrupt on completion */
};
_Static_assert(sizeof(struct ahci_prd) == 16, "AHCI 4.2.3.3");
#define AHCI_PRD_COUNT     0x003fffffu
#define AHCI_PRD_INTERRUPT 0x80000000u

/* Between FISes and the drive's task file. Status and Error of a task file are not in a H2D FIS. */
struct ata_taskfile fis_to_taskfile(const struct fis_h2d *fis);
struct fis_d2h fis_from_taskfile(const struct ata_taskfile *regs, bool interrupt);

#endif
