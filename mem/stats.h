/* SPDX-License-Identifier: MIT */
/*
 * What the memory layer counted, as the lines of -stats: one function for each thing that a device can have, called by the
 * device's own `stats` (devices/device.h). `name` is how the user knows the device; a line begins with it. A space under the checker also
 * gets its findings, live mappings among them.
 */
#ifndef MEM_STATS_H
#define MEM_STATS_H

#include "mem/iommu.h"
#include "mem/packet.h"
#include "mem/stream.h"

void dma_print_stats(const struct space *space, const char *name, FILE *to);
void stream_print_stats(const struct stream *stream, FILE *to);
void packet_print_stats(const struct packet_engine *engine, FILE *to);
void iommu_print_stats(const struct iommu_stage *stage, FILE *to);
void iommu_mirror_print_stats(const struct iommu_mirror *mirror, FILE *to);

#endif
