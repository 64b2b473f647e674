/* SPDX-License-Identifier: MIT */
/*
 * Words that every part of the memory layer shares.
 *
 * Three kinds of numbers are easily confused (LESSONS 14), so two of them have types of their own:
 *   gaddr            an address in some address space: what a driver writes into a descriptor
 *   struct region_at an offset from the start of one region: what a device's registers are counted by
 *   uint64_t         a length in bytes
 */
#ifndef MEM_MEM_H
#define MEM_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t gaddr;

struct region_at {
    uint64_t offset;
};

#define MEM_PAGE_BITS 12
#define MEM_PAGE_SIZE (UINT64_C(1) << MEM_PAGE_BITS)

#define MUST_USE __attribute__((warn_unused_result))

/* How an access ended. MEM_OK is 0; results of the pieces of an access are ORed together. */
enum mem_result {
    MEM_OK = 0,
    MEM_DECODE_ERROR = 1, /* nobody answers at this address: reads give all ones, writes are lost */
    MEM_DEVICE_ERROR = 2, /* somebody answers and refuses */
    MEM_REENTRY = 4, /* DMA that came back to the device it started from; as a refusal, with a lint line */
};

#endif
