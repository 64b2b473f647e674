/* SPDX-License-Identifier: MIT */
/*
 * A small AHCI driver (Serial ATA AHCI 1.3.1): one controller, one port at a time, polled or by interrupt. Memory is
 * identity-mapped and below 4 GiB.
 */
#ifndef AHCI_GUEST_DRIVER_H
#define AHCI_GUEST_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SECTOR = 512,
    SLOTS = 32,
    PRDS = 248, /* of each slot's table */
    PORTS = 6,
};

/* Port registers, as numbers of dwords, and bits of them. */
enum port_register { CLB, CLBU, FB, FBU, IS, IE, CMD, RESERVED, TFD, SIG, SSTS, SCTL, SERR, SACT, CI };
enum { CMD_ST = 1 << 0, CMD_FRE = 1 << 4, CMD_CR = 1 << 15 };
#define IS_D2H         0x00000001u
#define IS_PIO         0x00000002u
#define IS_DEVICE_BITS 0x00000008u
#define IS_DESCRIPTOR  0x00000020u
#define IS_OVERFLOW    0x01000000u
#define IS_BUS_FATAL   0x20000000u
#define IS_TASK_FILE   0x40000000u
#define IS_ERRORS      0x7d000010u

/* Commands. */
enum {
    READ_DMA_EXT = 0x25,
    WRITE_DMA_EXT = 0x35,
    READ_SECTORS_EXT = 0x24,
    READ_LOG_EXT = 0x2f,
    READ_FPDMA = 0x60,
    WRITE_FPDMA = 0x61,
    PACKET = 0xa0,
    IDENTIFY = 0xec,
};

struct request {
    unsigned slot;
    uint8_t command;
    uint32_t lba, sectors;
    const uint8_t *packet; /* 12 bytes; makes it a packet command by DMA */
};

/* Finds the controller, resets it, brings up the links. Returns the ports with a drive, a bit each. */
unsigned ahci_init(void);
uint32_t ahci_signature(unsigned port);

uint32_t port_read(unsigned port, enum port_register which);
void port_write(unsigned port, enum port_register which, uint32_t value);
void port_start(unsigned port); /* with empty lists; fails the guest when the drive is not ready */
void port_stop(unsigned port);
void port_comreset(unsigned port); /* of a stopped port; returns when the drive is ready */
void port_restart(unsigned port);  /* stops, COMRESET, clears what is pending, starts */

/* Fills a slot; descriptors are added one by one, and `interrupt` marks the last one with the I bit. */
void request_build(unsigned port, const struct request *request);
void request_add(unsigned port, unsigned slot, const void *data, uint32_t bytes, bool interrupt);
/* Issues slots at once; waits until they are done or an error stops them. Returns the bits of PxIS that were seen. */
uint32_t requests_run(unsigned port, uint32_t slots, bool queued);
uint32_t request_moved(unsigned port, unsigned slot); /* PRDBC */
const uint8_t *fis_area(unsigned port);

/* From now on requests_run sleeps until an interrupt. False: the controller has no line. */
bool ahci_use_interrupts(void);
extern volatile uint32_t ahci_interrupts;

#endif
