/* SPDX-License-Identifier: MIT */
/* What is checked of an AHCI controller; each prints one line, or fails. `port` has a disk that is written to. */
#ifndef AHCI_GUEST_CHECKS_H
#define AHCI_GUEST_CHECKS_H

#include <stdint.h>

void check_identify(unsigned port);
/* Random tables of descriptors, written by DMA, read by DMA and by PIO. */
void check_scatter(unsigned port);
/* All slots at once, again and again. */
void check_queue(unsigned port);
/* Tables that are shorter or longer than the transfer (Command List Overflow, Underflow). */
void check_table_sizes(unsigned port);
/* Errors of the drive, queued and not, and of the bus; and the way out of each (6.2.2). */
void check_errors(unsigned port);
/* A port with a CD-ROM that holds a medium. */
void check_cd(unsigned port);
/* For measuring: reads of 64 KiB one by one, and of 4 KiB at random places, 32 at once. */
void read_sequential(unsigned port, uint32_t requests);
void read_random(unsigned port, uint32_t requests);
/* CRC-32 of all that was written. */
uint32_t disk_checksum(unsigned port);

#endif
