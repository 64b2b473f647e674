/* SPDX-License-Identifier: MIT */
/* The lines of -stats that are about memory: see stats.h. */
#include "mem/stats.h"

#include <inttypes.h>
#include "mem/internal.h"

void dma_print_stats(const struct space *space, const char *name, FILE *to)
{
    const struct dma_stats *dma = dma_stats(space);
    fprintf(to,
            "%s: dma: %" PRIu64 " mappings, %" PRIu64 " unmapped, at the most %" PRIu64 " at once, %" PRIu64
            " live\n",
            name, dma->maps, dma->unmaps, dma->most_live, dma->live);
    fprintf(to,
            "%s: dma: %" PRIu64 " bytes direct, %" PRIu64 " bytes in %" PRIu64
            " bounces, at the most %" PRIu64 " bounce bytes held, of %" PRIu64 "\n",
            name, dma->direct_bytes, dma->bounced_bytes, dma->bounces, dma->bounce_bytes_most,
            dma_largest_bounce(space));
    fprintf(to,
            "%s: dma: %" PRIu64 " maps came back short, %" PRIu64 " empty; %" PRIu64 " retries (%" PRIu64
            " waits, %" PRIu64 " wakes); %" PRIu64 " failed copies back\n",
            name, dma->short_maps, dma->failed_maps, dma->short_maps + dma->failed_maps, dma->waits,
            dma->wakes, dma->read_back_errors);
    for (const struct dma_waiter *waiter = NULL; (waiter = dma_next_waiter(space, waiter));)
        fprintf(to, "%s: dma: %s waits for %" PRIu64 " bytes since %.6f s\n", name, waiter->name,
                waiter->need, (double)waiter->since / 1e9);
    if (space->checker) fprintf(to, "%s: checker: %u findings\n", name, dma_checker_report(space, to));
}

void stream_print_stats(const struct stream *stream, FILE *to)
{
    const struct stream_totals *totals = stream_totals(stream);
    if (!totals->requests) return;
    fprintf(to,
            "%s: %" PRIu64 " requests in %" PRIu64 " rounds of %.1f pieces, at the most %" PRIu64 "; %" PRIu64
            " bytes direct, %" PRIu64 " bounced; waited %" PRIu64 " times\n",
            stream->name, totals->requests, totals->rounds,
            totals->rounds ? (double)totals->pieces / (double)totals->rounds : 0, totals->most_pieces,
            totals->direct_bytes, totals->bounced_bytes, totals->waits);
}

void packet_print_stats(const struct packet_engine *engine, FILE *to)
{
    const struct packet_totals *totals = &engine->totals;
    if (!totals->packets) return;
    fprintf(to,
            "%s: %" PRIu64 " packets in %" PRIu64 " host calls, %" PRIu64
            " failed; %.1f pieces on average; %" PRIu64 " bytes direct, %" PRIu64 " in %" PRIu64
            " copies, %" PRIu64 " packets by the linear reserve\n",
            engine->name, totals->packets, totals->host_calls, totals->failed,
            (double)totals->pieces / (double)totals->packets, totals->direct_bytes, totals->bounced_bytes,
            totals->copies, totals->linear);
}

void iommu_print_stats(const struct iommu_stage *stage, FILE *to)
{
    const struct iommu_stats *stats = iommu_stats(stage);
    fprintf(to,
            "%s: iommu: %" PRIu64 " faults, %" PRIu64 " invalidations, %" PRIu64
            " of them under a live mapping; at the most %" PRIu64 " mappings held\n",
            space_name(iommu_stage_space(stage)), stats->faults, stats->invalidations,
            stats->invalidated_live, stats->most_held);
}

void iommu_mirror_print_stats(const struct iommu_mirror *mirror, FILE *to)
{
    const struct iommu_mirror_stats *stats = iommu_mirror_stats(mirror);
    fprintf(to,
            "%s: mirror: %" PRIu64 " maps, %" PRIu64 " unmaps, %" PRIu64 " refused; %" PRIu64
            " pages whose parts disagree\n",
            space_name(iommu_mirror_space(mirror)), stats->maps, stats->unmaps, stats->refused,
            stats->disagreements);
}
