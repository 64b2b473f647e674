/* SPDX-License-Identifier: MIT */
/*
 * Faults on purpose: a disk that fails, or is slow, at a sector, at the Nth command, now and then by seed; once or
 * always.
 *
 * Rules are looked at in their order when a request is put in flight, on virtual time's order of requests, so that a
 * run repeats. Every rule that fits a request counts it. Of the rules that strike, the first one with an error
 * decides the error; delays add up.
 */
#ifndef BLOCK_FAULTS_H
#define BLOCK_FAULTS_H

#include "block/block.h"

#define FAULTS_MOST 8

struct fault_rule {
    unsigned ops;   /* bit 1 << enum block_op for each that it fits */
    bool at_sector; /* fits requests that touch a sector from `first` to `last` */
    uint64_t first, last;
    uint64_t command;      /* strikes at that one only, from 1, of those that fit; 0: at each */
    uint64_t every;        /* strikes at every Nth; 0: at each */
    uint64_t chance, seed; /* strikes at one of so many, by seed; 0: at each */
    bool once;             /* strikes once, then never again */
    int error;             /* errno; 0: none, only a delay */
    vtime delay;           /* the request takes so much longer */
    bool is_short;
    uint64_t short_size; /* bytes that go through before the error; else those before the sector, or none */
};

/*
 * One rule from words with colons between them, such as `read:sector=100-107:error=eio:once`:
 *
 *     read write flush discard zeroes any      what it fits; any number of words, any is also what no word means
 *     sector=N[-M]  command=N  every=N  chance=N  seed=N  once
 *     error=eio|enospc|enomem|etimedout   delay=TIME   short=BYTES
 *
 * Without an error and a delay the error is EIO.
 */
bool fault_parse(const char *text, struct fault_rule *rule, struct error *error);

struct fault_state {
    uint64_t matched; /* requests that the rule fitted so far */
    uint64_t random;
    bool spent;
};
struct faults {
    unsigned count;
    struct fault_rule rules[FAULTS_MOST];
    struct fault_state states[FAULTS_MOST];
};
void faults_init(struct faults *faults, const struct fault_rule *rules, unsigned count);

/* What becomes of a request: the first `limit` bytes go through, then comes `error` (0: none). */
struct fault_plan {
    int error;
    uint64_t limit;
    vtime delay;
};
struct fault_plan faults_plan(struct faults *faults, enum block_op op, uint64_t offset, uint64_t size);

#endif
