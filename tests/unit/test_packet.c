/* SPDX-License-Identifier: MIT */
/* The packet engine: all or nothing, one host call, the reserve. */
#include "mem/iov.h"
#include "mem/packet.h"
#include "tests/unit/mem_helper.h"

#define MEMORY  0x8000u
#define LARGEST 4096u

/* The host's side of a packet. */
struct port {
    uint8_t bytes[LARGEST];
    uint64_t size;           /* of the last vector */
    uint64_t moved, touched; /* what to answer; cut at the size */
    bool failed;
    unsigned calls, pieces;
    struct packet_result nested;
};

static struct packet_answer port_end(struct port *port, unsigned count, uint64_t size)
{
    port->calls++;
    port->pieces = count;
    port->size = size;
    return (struct packet_answer){port->failed, port->moved, port->touched};
}

static struct packet_answer port_send(void *owner, const struct iovec *pieces, unsigned count, uint64_t size)
{
    struct port *port = owner;
    ck_assert_uint_eq(iov_size(pieces, count), size);
    iov_to_buffer(pieces, count, 0, port->bytes, size);
    return port_end(port, count, size);
}

static struct packet_answer port_receive(void *owner, const struct iovec *pieces, unsigned count,
                                         uint64_t size)
{
    struct port *port = owner;
    ck_assert_uint_eq(iov_size(pieces, count), size);
    iov_from_buffer(pieces, count, 0, port->bytes, port->moved < size ? port->moved : size);
    return port_end(port, count, size);
}

struct rig {
    struct world world;
    struct packet_engine engine;
    struct sglist list;
    struct port port;
};

static void rig_open(struct rig *rig, enum dma_mode mode, uint64_t limit, uint64_t seed)
{
    memset(rig, 0, sizeof(*rig));
    world_open(&rig->world, MEMORY);
    world_configure(&rig->world, mode, limit, seed);
    packet_init(&rig->engine, "nic0", rig->world.space, LARGEST);
    sglist_init(&rig->list, 4);
    rig->port.moved = LARGEST;
    uint64_t random = 99;
    random_bytes(&random, rig->world.ram->host, MEMORY);
    random_bytes(&random, rig->port.bytes, LARGEST);
}

static void rig_close(struct rig *rig, unsigned findings)
{
    packet_destroy(&rig->engine);
    sglist_destroy(&rig->list);
    world_close(&rig->world, findings);
}

static struct packet_result rig_run(struct rig *rig, enum dma_direction direction)
{
    struct packet_result result =
        packet_run(&rig->engine, &rig->list, direction, direction == DMA_TO_DEVICE ? port_send : port_receive,
                   &rig->port);
    ck_assert_uint_eq(dma_stats(rig->world.space)->live, 0);
    ck_assert_uint_eq(dma_stats(rig->world.space)->bounce_bytes_held, 0);
    return result;
}

START_TEST(direct_packets_go_as_one_vector)
{
    struct rig rig;
    rig_open(&rig, DMA_MODE_DIRECT, 0, 0);
    sglist_add(&rig.list, 0x101, 14);
    sglist_add(&rig.list, 0x2003, 1500);
    struct packet_result result = rig_run(&rig, DMA_TO_DEVICE);
    ck_assert_int_eq(result.status, PACKET_OK);
    ck_assert_uint_eq(result.moved, 1514);
    ck_assert_mem_eq(rig.port.bytes, rig.world.ram->host + 0x101, 14);
    ck_assert_mem_eq(rig.port.bytes + 14, rig.world.ram->host + 0x2003, 1500);
    const struct packet_report *report = &rig.engine.report;
    ck_assert_uint_eq(report->pieces, 2);
    ck_assert_uint_eq(report->direct_bytes, 1514);
    ck_assert_uint_eq(report->bounced_bytes, 0);
    ck_assert_uint_eq(report->copies, 0);
    ck_assert_uint_eq(report->host_calls, 1);
    rig_close(&rig, 0);
}
END_TEST

START_TEST(bounced_packets_are_counted_by_piece)
{
    struct rig rig;
    rig_open(&rig, DMA_MODE_INDIRECT, 4096, 0);
    sglist_add(&rig.list, 0x101, 14);
    sglist_add(&rig.list, 0x2003, 1500);
    ck_assert_int_eq(rig_run(&rig, DMA_TO_DEVICE).status, PACKET_OK);
    ck_assert_uint_eq(rig.engine.report.pieces, 2);
    ck_assert_uint_eq(rig.engine.report.copies, 2);
    ck_assert_uint_eq(rig.engine.report.bounced_bytes, 1514);
    ck_assert_uint_eq(rig.engine.totals.linear, 0);
    rig_close(&rig, 0);
}
END_TEST

START_TEST(an_empty_packet_is_a_packet)
{
    struct rig rig;
    rig_open(&rig, DMA_MODE_DIRECT, 0, 0);
    ck_assert_int_eq(rig_run(&rig, DMA_TO_DEVICE).status, PACKET_OK);
    ck_assert_int_eq(rig_run(&rig, DMA_FROM_DEVICE).status, PACKET_OK);
    ck_assert_uint_eq(rig.port.calls, 2);
    ck_assert_uint_eq(rig.port.pieces, 0);
    rig_close(&rig, 0);
}
END_TEST

/* A packet larger than the pool, and one while the pool is taken and somebody waits, both go through. */
START_TEST(lesson_08_a_packet_never_waits)
{
    struct rig rig;
    rig_open(&rig, DMA_MODE_INDIRECT, 512, 0);
    sglist_add(&rig.list, 0x801, 3000);
    for (enum dma_direction way = DMA_TO_DEVICE; way <= DMA_FROM_DEVICE; way++) {
        ck_assert_int_eq(rig_run(&rig, way).status, PACKET_OK);
        ck_assert_uint_eq(rig.engine.report.pieces, 1);
        ck_assert_uint_eq(rig.engine.report.copies, 1);
        ck_assert_uint_eq(rig.engine.report.bounced_bytes, 3000);
        ck_assert_mem_eq(rig.port.bytes, rig.world.ram->host + 0x801, 3000);
    }
    struct dma_mapping all = dma_map(rig.world.space, 0, 512, DMA_TO_DEVICE);
    ck_assert_uint_eq(all.length, 512);
    sglist_reset(&rig.list);
    sglist_add(&rig.list, 0x11, 60);
    ck_assert_int_eq(packet_run(&rig.engine, &rig.list, DMA_TO_DEVICE, port_send, &rig.port).status,
                     PACKET_OK);
    ck_assert_uint_eq(rig.engine.totals.linear, 3);
    ck_assert_uint_eq(dma_stats(rig.world.space)->waits, 0);
    dma_unmap(rig.world.space, &all, 0);
    rig_close(&rig, 0);
}
END_TEST

/* The reserve's older contents, and what the call did not report, stay out of guest memory. */
START_TEST(lesson_23_exactly_the_written_bytes_are_scattered)
{
    static const uint64_t limits[] = {512, 4096};
    for (unsigned limit = 0; limit < ARRAY_COUNT(limits); limit++) {
        for (uint64_t moved = 0; moved <= 1100; moved += 47) {
            struct rig rig;
            uint8_t before[MEMORY];
            rig_open(&rig, DMA_MODE_INDIRECT, limits[limit], 0);
            memcpy(before, rig.world.ram->host, MEMORY);
            sglist_add(&rig.list, 0xfff, 600);
            sglist_add(&rig.list, 0x3001, 500);
            rig.port.moved = moved;
            struct packet_result result = rig_run(&rig, DMA_FROM_DEVICE);
            ck_assert_int_eq(result.status, PACKET_OK);
            ck_assert_uint_eq(result.moved, moved);
            uint64_t first = moved < 600 ? moved : 600;
            memcpy(before + 0xfff, rig.port.bytes, first);
            memcpy(before + 0x3001, rig.port.bytes + 600, moved - first);
            ck_assert_mem_eq(before, rig.world.ram->host, MEMORY);
            rig_close(&rig, 0);
        }
    }
}
END_TEST

START_TEST(lesson_05_a_bad_address_moves_nothing)
{
    for (unsigned i = 0; i < 8; i++) {
        struct rig rig;
        uint8_t before[MEMORY];
        enum dma_direction way = i & 1 ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
        rig_open(&rig, i & 2 ? DMA_MODE_INDIRECT : DMA_MODE_DIRECT, i & 4 ? 512 : 4096, 0);
        memcpy(before, rig.world.ram->host, MEMORY);
        sglist_add(&rig.list, 0x100, 1000);
        sglist_add(&rig.list, MEMORY - 7, 8); /* one byte too many */
        sglist_add(&rig.list, 0x200, 10);
        ck_assert_int_eq(rig_run(&rig, way).status, PACKET_BAD_ADDRESS);
        ck_assert_uint_eq(rig.port.calls, 0);
        ck_assert_uint_eq(rig.engine.report.host_calls, 0);
        ck_assert_mem_eq(before, rig.world.ram->host, MEMORY);
        rig_close(&rig, 0);
    }
}
END_TEST

START_TEST(lesson_34_the_guest_chooses_the_size)
{
    struct rig rig;
    rig_open(&rig, DMA_MODE_DIRECT, 0, 0);
    sglist_add(&rig.list, 0, LARGEST + 1);
    ck_assert_int_eq(rig_run(&rig, DMA_TO_DEVICE).status, PACKET_TOO_LONG);
    sglist_add(&rig.list, 0, UINT64_MAX);
    ck_assert_int_eq(rig_run(&rig, DMA_FROM_DEVICE).status, PACKET_TOO_LONG);
    ck_assert_uint_eq(rig.port.calls, 0);
    sglist_reset(&rig.list); /* more pieces than mappings: copied */
    for (unsigned i = 0; i < 1000; i++) sglist_add(&rig.list, i * 3, 1);
    ck_assert_int_eq(rig_run(&rig, DMA_TO_DEVICE).status, PACKET_OK);
    ck_assert_uint_eq(rig.engine.report.copies, 1);
    for (unsigned i = 0; i < 1000; i++) ck_assert_uint_eq(rig.port.bytes[i], rig.world.ram->host[i * 3]);
    rig_close(&rig, 0);
}
END_TEST

START_TEST(host_errors_are_told)
{
    for (unsigned i = 0; i < 2; i++) {
        struct rig rig;
        uint8_t before[MEMORY];
        rig_open(&rig, DMA_MODE_INDIRECT, i ? 512 : 4096, 0);
        memcpy(before, rig.world.ram->host, MEMORY);
        sglist_add(&rig.list, 0x100, 1000);
        rig.port.failed = true;
        rig.port.moved = 10;
        rig.port.touched = UINT64_MAX;
        struct packet_result result = rig_run(&rig, DMA_FROM_DEVICE);
        ck_assert_int_eq(result.status, PACKET_HOST_ERROR);
        ck_assert_uint_eq(result.moved, 10);
        ck_assert_mem_eq(rig.world.ram->host + 0x100, rig.port.bytes, 10);
        if (i) ck_assert_mem_eq(rig.world.ram->host + 0x10a, before + 0x10a, 990);
        rig_close(&rig, 0);
    }
}
END_TEST

static struct packet_answer nested_call(void *owner, const struct iovec *pieces, unsigned count,
                                        uint64_t size)
{
    struct rig *rig = owner;
    (void)pieces;
    (void)count;
    rig->port.nested = packet_run(&rig->engine, &rig->list, DMA_FROM_DEVICE, port_receive, &rig->port);
    return (struct packet_answer){.moved = size};
}

START_TEST(lesson_31_a_packet_within_a_packet_is_refused)
{
    struct rig rig;
    rig_open(&rig, DMA_MODE_DIRECT, 0, 0);
    sglist_add(&rig.list, 0x100, 60);
    lint_quiet(true);
    uint64_t lints = lint_count();
    struct packet_result result = packet_run(&rig.engine, &rig.list, DMA_TO_DEVICE, nested_call, &rig);
    lint_quiet(false);
    ck_assert_int_eq(result.status, PACKET_OK);
    ck_assert_uint_eq(result.moved, 60);
    ck_assert_int_eq(rig.port.nested.status, PACKET_BUSY);
    ck_assert_uint_eq(rig.port.calls, 0);
    ck_assert_uint_eq(lint_count(), lints + 1);
    rig_close(&rig, 0);
}
END_TEST

/* A device whose registers count reads and can refuse writes. */
struct registers {
    unsigned reads, writes;
    unsigned refuse_at; /* the write that is refused, from 1 */
};

static enum mem_result registers_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    struct registers *registers = owner;
    (void)size;
    registers->reads++;
    *value = at.offset + 1;
    return MEM_OK;
}

static enum mem_result registers_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct registers *registers = owner;
    (void)at;
    (void)size;
    (void)value;
    return ++registers->writes == registers->refuse_at ? MEM_DEVICE_ERROR : MEM_OK;
}

static const struct mmio_ops registers_ops = {
    .read = registers_read, .write = registers_write, .max_size = 1};

/* Registers in front of memory that then does not fit the pool. */
START_TEST(lesson_41_no_register_is_read_twice)
{
    struct rig rig;
    struct registers registers = {0};
    rig_open(&rig, DMA_MODE_INDIRECT, 512, 0);
    struct region *region = region_new_mmio("registers", 16, &registers_ops, &registers, NULL);
    region_add(rig.world.root, 0x100000, region, 0);
    sglist_add(&rig.list, 0x100000, 16);
    sglist_add(&rig.list, 0x77, 1000);
    ck_assert_int_eq(rig_run(&rig, DMA_TO_DEVICE).status, PACKET_OK);
    ck_assert_uint_eq(rig.engine.totals.linear, 1);
    ck_assert_uint_eq(registers.reads, 16);
    for (unsigned i = 0; i < 16; i++) ck_assert_uint_eq(rig.port.bytes[i], i + 1);
    ck_assert_mem_eq(rig.port.bytes + 16, rig.world.ram->host + 0x77, 1000);
    region_remove(region);
    region_release(region);
    rig_close(&rig, 0);
}
END_TEST

START_TEST(lesson_13_a_refused_write_is_told)
{
    for (unsigned linear = 0; linear < 2; linear++) {
        struct rig rig;
        struct registers registers = {.refuse_at = 5};
        rig_open(&rig, DMA_MODE_INDIRECT, linear ? 512 : 4096, 0);
        struct region *region = region_new_mmio("registers", 16, &registers_ops, &registers, NULL);
        region_add(rig.world.root, 0x100000, region, 0);
        sglist_add(&rig.list, 0x77, 1000);
        sglist_add(&rig.list, 0x100000, 16);
        struct packet_result result = rig_run(&rig, DMA_FROM_DEVICE);
        ck_assert_int_eq(result.status, PACKET_BAD_ADDRESS);
        ck_assert_uint_eq(result.moved, 1000);
        ck_assert_uint_eq(rig.engine.totals.linear, linear);
        ck_assert_mem_eq(rig.world.ram->host + 0x77, rig.port.bytes, 1000);
        region_remove(region);
        region_release(region);
        rig_close(&rig, 0);
    }
}
END_TEST

START_TEST(lesson_30_dma_does_not_come_back_to_its_device)
{
    for (unsigned linear = 0; linear < 2; linear++) {
        struct rig rig;
        struct registers registers = {0};
        struct mem_guard guard = {.device = "nic0"};
        rig_open(&rig, DMA_MODE_INDIRECT, linear ? 512 : 4096, 0);
        struct region *region = region_new_mmio("registers", 16, &registers_ops, &registers, &guard);
        region_add(rig.world.root, 0x100000, region, 0);
        packet_set_guard(&rig.engine, &guard);
        sglist_add(&rig.list, 0x100, 1000);
        sglist_add(&rig.list, 0x100000, 16);
        lint_quiet(true);
        ck_assert_int_eq(rig_run(&rig, DMA_FROM_DEVICE).status, PACKET_BAD_ADDRESS);
        ck_assert_int_eq(rig_run(&rig, DMA_TO_DEVICE).status, PACKET_BAD_ADDRESS);
        lint_quiet(false);
        ck_assert_uint_eq(registers.reads + registers.writes, 0);
        ck_assert_uint_eq(guard.depth, 0);
        region_remove(region);
        region_release(region);
        rig_close(&rig, 0);
    }
}
END_TEST

static struct packet_answer liar_receive(void *owner, const struct iovec *pieces, unsigned count,
                                         uint64_t size)
{
    (void)owner;
    iov_fill(pieces, count, 0, 0x11, size);
    return (struct packet_answer){.moved = size - 1};
}

START_TEST(the_checker_watches_the_reserve)
{
    struct rig rig;
    char text[4096] = "";
    rig_open(&rig, DMA_MODE_INDIRECT, 512, 0);
    sglist_add(&rig.list, 0x123, 1000);
    ck_assert_int_eq(packet_run(&rig.engine, &rig.list, DMA_FROM_DEVICE, liar_receive, NULL).status,
                     PACKET_OK);
    FILE *to = fmemopen(text, sizeof(text), "w");
    ck_assert_uint_eq(dma_checker_report(rig.world.space, to), 1);
    fclose(to);
    ck_assert_ptr_nonnull(strstr(text, "memory: reserve written beyond what the host call reports at 0x123"));
    rig_close(&rig, 1);
}
END_TEST

/* Of two pieces that overlap, the one that is bounced comes last; faulty mode bounces one of them for no reason. */
static bool list_touches(const struct sglist *list, gaddr addr, uint64_t length)
{
    for (unsigned i = 0; i < list->count; i++) {
        if (addr < list->pieces[i].addr + list->pieces[i].length && list->pieces[i].addr < addr + length)
            return true;
    }
    return false;
}

/* Random lists, modes, limits, faults and answers against an array of bytes. */
START_TEST(random_packets_against_a_byte_model)
{
    uint64_t random = 0x1234567 + (uint64_t)_i * 7919;
    struct rig rig;
    uint8_t model[MEMORY];
    rig_open(&rig, DMA_MODE_DIRECT, 0, 0);
    memcpy(model, rig.world.ram->host, MEMORY);
    for (unsigned i = 0; i < 1500; i++) {
        enum dma_mode mode = (enum dma_mode)random_below(&random, 3);
        world_configure(&rig.world, mode, random_below(&random, 5) * 700, i);
        sglist_reset(&rig.list);
        unsigned pieces = (unsigned)random_below(&random, random_below(&random, 20) ? 6 : 100);
        bool good = true;
        for (unsigned n = 0; n < pieces; n++) {
            gaddr addr = random_below(&random, MEMORY);
            uint64_t length = random_below(&random, pieces > 6 ? 40 : 600);
            if (addr + length > MEMORY && random_below(&random, 8)) addr = MEMORY - length;
            if (mode == DMA_MODE_FAULTY && list_touches(&rig.list, addr, length)) continue;
            good &= addr + length <= MEMORY;
            sglist_add(&rig.list, addr, length);
        }
        enum dma_direction way = random_below(&random, 2) ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
        random_bytes(&random, rig.port.bytes, 64);
        rig.port.moved = random_below(&random, rig.list.size + 100);
        unsigned calls = rig.port.calls;
        struct packet_result result = rig_run(&rig, way);
        ck_assert_int_eq(result.status, good ? PACKET_OK : PACKET_BAD_ADDRESS);
        ck_assert_uint_eq(rig.port.calls - calls, good);
        if (!good) continue;
        ck_assert_uint_eq(result.moved, rig.port.moved < rig.list.size ? rig.port.moved : rig.list.size);
        uint64_t left = way == DMA_FROM_DEVICE ? result.moved : rig.list.size, at = 0;
        for (unsigned n = 0; n < rig.list.count && left; n++) {
            const struct sg_piece *piece = &rig.list.pieces[n];
            uint64_t bytes = piece->length < left ? piece->length : left;
            if (way == DMA_FROM_DEVICE)
                memcpy(model + piece->addr, rig.port.bytes + at, bytes);
            else
                ck_assert_mem_eq(model + piece->addr, rig.port.bytes + at, bytes);
            at += bytes;
            left -= bytes;
        }
        ck_assert_mem_eq(model, rig.world.ram->host, MEMORY);
    }
    rig_close(&rig, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        direct_packets_go_as_one_vector,
        bounced_packets_are_counted_by_piece,
        an_empty_packet_is_a_packet,
        lesson_08_a_packet_never_waits,
        lesson_23_exactly_the_written_bytes_are_scattered,
        lesson_05_a_bad_address_moves_nothing,
        lesson_34_the_guest_chooses_the_size,
        host_errors_are_told,
        lesson_31_a_packet_within_a_packet_is_refused,
        lesson_41_no_register_is_read_twice,
        lesson_13_a_refused_write_is_told,
        lesson_30_dma_does_not_come_back_to_its_device,
        the_checker_watches_the_reserve,
    };
    const TTest *const random_tests[] = {random_packets_against_a_byte_model};
    return run_suite("packet", tests, ARRAY_COUNT(tests)) |
           run_suite_looped("packet, random", random_tests, ARRAY_COUNT(random_tests), 4);
}
