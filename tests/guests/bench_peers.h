/* SPDX-License-Identifier: MIT */
/*
 * The rows of bench_peers.c. Each function does a piece of work `times` over and tells whether the result is right.
 */
#ifndef GUEST_BENCH_PEERS_H
#define GUEST_BENCH_PEERS_H

#include "lib/runtime.h"

/* bench_peers_code.c: integers, branches, memory */
bool row_sieve(uint32_t times);
bool row_crc32(uint32_t times);
bool row_quicksort(uint32_t times);
bool row_arith64(uint32_t times);
bool row_branch(uint32_t times);
bool row_calls(uint32_t times);
bool row_movs(uint32_t times);
bool row_far_copy(uint32_t times);

/* bench_peers_system.c: privilege, ports, devices, paging */
bool row_int80(uint32_t times);
bool row_ports(uint32_t times);
bool row_vga(uint32_t times);
bool row_apic(uint32_t times);
bool row_cr3(uint32_t times);
bool row_fault(uint32_t times);

/* bench_peers_x87.c */
bool row_x87(uint32_t times);
bool row_x87_sin(uint32_t times);

#endif
