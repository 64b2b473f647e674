/* SPDX-License-Identifier: MIT */
/* What the machine did so far (-stats). */
#include "emu/board/board_internal.h"

#include <inttypes.h>
#include <sys/resource.h>
#include "emu/core/log.h"

static void print_cpus(struct board *board, FILE *to)
{
    fprintf(to, "cpu: %" PRIu64 " instructions in %.6f s of virtual time\n", board->insns,
            (double)board->clock.base / 1e9);
    for (unsigned n = 0; n < board->config.cpus; n++) {
        const struct cpu_stats *cpu = cpu_stats(board->cpus[n].cpu);
        fprintf(to,
                "cpu %u: %" PRIu64 " retired, %" PRIu64 " blocks decoded, %" PRIu64 " dropped, %" PRIu64
                " TLB misses, %" PRIu64 " interrupts, %" PRIu64 " exceptions\n",
                n, cpu->retired, cpu->blocks_decoded, cpu->blocks_dropped, cpu->tlb_misses, cpu->interrupts,
                cpu->exceptions);
    }
}

static void print_devices(const struct board *board, FILE *to)
{
    const struct list *head = &board->devices.head;
    for (const struct list *node = head->next; node != head; node = node->next) {
        const struct device *device = list_entry(node, const struct device, node);
        if (device->more && device->more->stats) device->more->stats(device, to);
    }
}

static void print_disk(const struct block *block, FILE *to)
{
    const struct block_stats *disk = block_stats(block);
    uint64_t requests = disk->reads + disk->writes;
    fprintf(to,
            "%s: %" PRIu64 " reads (%" PRIu64 " bytes), %" PRIu64 " writes (%" PRIu64 " bytes), %" PRIu64
            " flushes, %" PRIu64 " errors\n",
            block_name(block), disk->reads, disk->read_bytes, disk->writes, disk->written_bytes,
            disk->flushes, disk->errors);
    fprintf(to, "%s: vectors of %.1f pieces on average, %" PRIu64 " at the most; %" PRIu64 " host calls\n",
            block_name(block), requests ? (double)disk->pieces / (double)requests : 0, disk->most_pieces,
            disk->host_calls);
}

void board_print_stats(struct board *board, FILE *to)
{
    print_cpus(board, to);
    print_devices(board, to);
    for (unsigned i = 0; i < BOARD_DRIVES; i++)
        if (board->drives[i]) print_disk(board->drives[i], to);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    fprintf(to, "host: %.1f MiB of memory at the peak, %.3f s of CPU time\n", (double)usage.ru_maxrss / 1024,
            (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
                (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6);
    fprintf(to, "lint: %" PRIu64 " rules broken by drivers\n", lint_count());
    fprintf(to, "state: %016" PRIx64 "\n", board_hash(board));
}
