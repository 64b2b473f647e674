/* SPDX-License-Identifier: MIT */
/*
 * An AHCI controller that is saved in the middle of everything, and loaded into a machine that was just made: both
 * runs end in the same state, with the same memory and the same disks.
 */
#include "tests/unit/ahci_rig.h"

/* ---- the load: queued commands, DMA and PIO, a CD-ROM, a link that comes up, a reset ---- */

enum { PORTS = 4, COMMANDS = 14 };

static const uint8_t read_10[12] = {0x28, 0, 0, 0, 0, 17, 0, 0, 5};

static void put(const struct command *c, uint64_t at)
{
    uint32_t bytes = c->code == CODE_PACKET ? 5 * 2048 : c->count * 512;
    unsigned n = 0;
    build(c);
    add_prd(c, &n, at + 2, bytes / 3 / 2 * 2, AHCI_PRD_INTERRUPT);
    add_prd(c, &n, at + 0x8000, bytes - bytes / 3 / 2 * 2, 0);
    for (unsigned i = 0; i < bytes && c->flags & AHCI_HEADER_WRITE; i++)
        *ram_at(at + i) = (uint8_t)(i * 3 + c->slot);
}

static void plug_all(void)
{
    const struct ata_drive_config cd = {.kind = ATA_CDROM};
    for (unsigned port = 0; port < PORTS; port++) rig_plug(port, port == 2 ? &cd : NULL);
}

static void start_load(const struct dma_settings *settings)
{
    rig_new(settings, NULL);
    plug_all();
    rig_start_ports(7);
    for (unsigned slot = 0; slot < COMMANDS; slot++) {
        const struct command c = {.slot = slot,
                                  .tag = slot,
                                  .code = slot & 1 ? CODE_WRITE_QUEUED : CODE_READ_QUEUED,
                                  .device = slot % 4 == 3 ? 0xc0 : 0x40, /* FUA */
                                  .lba = slot * 200,
                                  .count = 5 + slot,
                                  .flags = slot & 1 ? AHCI_HEADER_WRITE : 0};
        put(&c, RIG_DATA + slot * 0x10000);
    }
    port_set(0, AHCI_PxSACT, (1u << COMMANDS) - 1);
    port_set(0, AHCI_PxCI, (1u << COMMANDS) - 1);
    static const uint8_t codes[] = {CODE_READ_DMA, CODE_WRITE_DMA, CODE_READ_SECTORS, CODE_WRITE_SECTORS};
    for (unsigned slot = 0; slot < ARRAY_COUNT(codes); slot++) {
        const struct command c = {.port = 1,
                                  .slot = slot,
                                  .code = codes[slot],
                                  .lba = 100 + slot * 100,
                                  .count = 20,
                                  .flags = slot & 1 ? AHCI_HEADER_WRITE : 0};
        put(&c, RIG_DATA + (20 + slot) * 0x10000);
    }
    port_set(1, AHCI_PxCI, 0xf);
    for (unsigned slot = 0; slot < 3; slot++) { /* the first one hears of the power-on */
        const struct command c = {.port = 2,
                                  .slot = slot,
                                  .code = CODE_PACKET,
                                  .features = slot == 2,
                                  .lba = 4096 << 8,
                                  .flags = AHCI_HEADER_ATAPI,
                                  .packet = read_10};
        put(&c, RIG_DATA + (30 + slot) * 0x10000);
    }
    port_set(2, AHCI_PxCI, 1);
    port_set(3, AHCI_PxSCTL, 1);
    port_set(3, AHCI_PxSCTL, 0);
}

/* What a driver does after a while, so that later instants have something to show. */
static void go_on(void)
{
    if (!(port_get(2, AHCI_PxIS) & AHCI_IS_TFES)) return;
    port_stop(2);
    port_set(2, AHCI_PxIS, 0xffffffff);
    port_start(2);
    port_set(2, AHCI_PxCI, 6);
}

/* ---- saving ---- */

struct picture {
    struct state_buffer state;
    uint8_t *ram, *disk[PORTS];
};

static struct device *device_of(struct list *node)
{
    return list_entry(node, struct device, node);
}

static void save(struct picture *to)
{
    struct error error = {{0}};
    *to = (struct picture){.ram = malloc(RIG_RAM)};
    memcpy(to->ram, ram_at(0), RIG_RAM);
    for (unsigned i = 0; i < PORTS; i++) {
        to->disk[i] = malloc(RIG_SECTORS * 512);
        memcpy(to->disk[i], disk_at(i, 0), RIG_SECTORS * 512);
    }
    struct list *head = &rig.devices.head;
    for (struct list *node = head->next; node != head; node = node->next)
        state_save(device_of(node)->ops->state, device_of(node)->state, &to->state);
    for (struct list *node = head->next; node != head; node = node->next)
        if (device_of(node)->more && device_of(node)->more->save)
            ck_assert_msg(device_of(node)->more->save(device_of(node), &to->state, &error), "%s", error.text);
    clock_save(&rig.clock, &to->state);
}

static bool load(struct picture *from, struct error *error)
{
    struct list *head = &rig.devices.head;
    memcpy(ram_at(0), from->ram, RIG_RAM);
    for (unsigned i = 0; i < PORTS; i++) memcpy(disk_at(i, 0), from->disk[i], RIG_SECTORS * 512);
    for (struct list *node = head->next; node != head; node = node->next)
        if (!state_load(device_of(node)->ops->state, device_of(node)->state, &from->state, error))
            return false;
    for (struct list *node = head->next; node != head; node = node->next)
        if (device_of(node)->ops->loaded) device_of(node)->ops->loaded(device_of(node));
    for (struct list *node = head->next; node != head; node = node->next)
        if (device_of(node)->more && !device_of(node)->more->load(device_of(node), &from->state, error))
            return false;
    return clock_load(&rig.clock, &from->state, error);
}

static void forget(struct picture *picture)
{
    state_buffer_free(&picture->state);
    free(picture->ram);
    for (unsigned i = 0; i < PORTS; i++) free(picture->disk[i]);
}

static uint64_t hash_bytes(uint64_t hash, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i += 8) hash = (hash ^ le64_load(bytes + i)) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t hash_all(void)
{
    uint64_t hash = device_hash_all(&rig.devices);
    hash = hash_bytes(hash, ram_at(0), RIG_RAM);
    for (unsigned i = 0; i < PORTS; i++) hash = hash_bytes(hash, disk_at(i, 0), RIG_SECTORS * 512);
    return hash ^ (uint64_t)clock_now(&rig.clock);
}

/* ---- runs ---- */

struct ending {
    uint64_t hash;
    uint64_t live, waiting,
        buffers; /* mappings and waiters at the instant, and how many of these are of PIO blocks */
};

static struct ending run(const struct dma_settings *settings, vtime instant, bool reload)
{
    struct ending ending = {0};
    start_load(settings);
    vtime end = clock_now(&rig.clock) + 2 * VTIME_S;
    rig_pass(instant / 2);
    go_on();
    rig_pass(instant - instant / 2);
    ending.live = dma_stats(rig.dma)->live;
    ending.waiting = dma_stats(rig.dma)->waits - dma_stats(rig.dma)->wakes;
    for (unsigned i = 0; i < PORTS; i++)
        ending.buffers += rig.ahci->port[i].commands && dma_waiting(&rig.ahci->port[i].buffer.stream.waiter);
    if (reload) {
        struct picture picture;
        struct error error = {{0}};
        save(&picture);
        rig_free_now();
        rig_new(settings, NULL);
        plug_all();
        ck_assert_msg(load(&picture, &error), "%s", error.text);
        forget(&picture);
        ck_assert_uint_eq(dma_stats(rig.dma)->live, ending.live);
    }
    rig_pass(VTIME_MS * 20);
    go_on();
    rig_pass(end - clock_now(&rig.clock));
    ck_assert_uint_eq(port_get(0, AHCI_PxSACT) | port_get(0, AHCI_PxCI) | port_get(1, AHCI_PxCI) |
                          port_get(2, AHCI_PxCI),
                      0);
    ck_assert_uint_eq(port_get(3, AHCI_PxSIG), 0x101);
    ck_assert_mem_eq(ram_at(RIG_DATA + 2), disk_at(0, 0), 5 * 512 / 3 / 2 * 2);
    ending.hash = hash_all();
    rig_free();
    return ending;
}

static void compare(const struct dma_settings *settings)
{
    uint64_t most_live = 0, most_waiting = 0, buffers = 0;
    for (vtime instant = 0; instant < 400 * VTIME_US;
         instant += instant < 40 * VTIME_US ? 1500 : 17 * VTIME_US) {
        struct ending straight = run(settings, instant, false), loaded = run(settings, instant, true);
        ck_assert_msg(straight.hash == loaded.hash, "saved at %lld ns", (long long)instant);
        buffers += loaded.buffers;
        if (loaded.live > most_live) most_live = loaded.live;
        if (loaded.waiting > most_waiting) most_waiting = loaded.waiting;
    }
    ck_assert_uint_gt(most_live, 2);
    if (settings) ck_assert_uint_gt(most_waiting, 3);
    if (settings) ck_assert_uint_gt(buffers, 0);
}

START_TEST(saved_in_the_middle_direct)
{
    compare(NULL);
}
END_TEST

START_TEST(saved_in_the_middle_of_waiting)
{
    compare(&(struct dma_settings){.mode = DMA_MODE_INDIRECT, .max_bounce = 4096});
}
END_TEST

/* A damaged picture is an error, whatever byte it is; nothing breaks. */
static bool drive_loads(unsigned port, struct state_buffer *request)
{
    struct error error;
    request->cursor = 0;
    return ata_load_request(&rig.ahci->port[port].drive, request, &error);
}

/* Each of these would end in an assert, or at a disc that is not there. */
START_TEST(drives_that_cannot_be_are_refused)
{
    struct error error;
    struct state_buffer busy = {0}, idle = {0};
    const struct ata_drive_config cd = {.kind = ATA_CDROM};
    rig_one_disk(NULL);
    ck_assert(ahci_attach(rig.ahci, 1, NULL, &cd, &error));
    rig_settle();
    struct ahci_port *disk = &rig.ahci->port[0], *disc = &rig.ahci->port[1];
    submit(&(struct command){.code = CODE_READ_SECTORS, .count = 1}, RIG_DATA, 512);
    rig_pass(ATA_COMMAND_TIME);
    ata_save_request(&disk->drive, &busy);
    ata_save_request(&disc->drive, &idle);
    disk->state->drive.phase = ATA_IDLE; /* and a request in flight */
    ck_assert(!drive_loads(0, &busy));
    disk->state->drive.phase = ATA_READING;
    ck_assert(drive_loads(0, &busy));
    disk->state->drive.regs.command = CODE_PACKET;
    ck_assert(!drive_loads(0, &busy));
    for (uint8_t phase = ATA_READING; phase < ATA_PHASES; phase++) {
        disc->state->drive.phase = phase;
        disc->state->drive.block = 1;
        disc->state->drive.regs.command = CODE_READ_SECTORS;
        bool on_disc = phase == ATA_READING || phase == ATA_WRITING || phase == ATA_FLUSHING;
        if (on_disc || phase == ATA_TRIMMING) ck_assert_msg(!drive_loads(1, &idle), "%u", phase);
        ata_loaded(&disc->drive);
    }
    ahci_reset_all(rig.ahci);
    rig_settle();
    state_buffer_free(&busy), state_buffer_free(&idle);
    rig_free();
}
END_TEST

START_TEST(damaged_states_are_refused_or_harmless)
{
    struct picture picture;
    uint32_t seed = 77;
    start_load(&(struct dma_settings){.mode = DMA_MODE_INDIRECT, .max_bounce = 4096});
    rig_pass(30 * VTIME_US);
    save(&picture);
    rig_free_now();
    for (unsigned i = 0; i < 60; i++) {
        struct error error;
        uint32_t at = rig_random(&seed) % picture.state.size;
        uint8_t good = picture.state.data[at];
        rig_new(&(struct dma_settings){.mode = DMA_MODE_INDIRECT, .max_bounce = 4096}, NULL);
        plug_all();
        picture.state.cursor = 0;
        picture.state.data[at] ^= (uint8_t)(1u << (i & 7));
        if (load(&picture, &error)) rig_pass(VTIME_MS);
        picture.state.data[at] = good;
        rig_free_now();
    }
    forget(&picture);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("ahci_state");
    tcase_add_test(tcase, saved_in_the_middle_direct);
    tcase_add_test(tcase, saved_in_the_middle_of_waiting);
    tcase_add_test(tcase, drives_that_cannot_be_are_refused);
    tcase_add_test(tcase, damaged_states_are_refused_or_harmless);
    return rig_run_suite("ahci_state", tcase);
}
