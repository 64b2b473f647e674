/* SPDX-License-Identifier: MIT */
/*
 * The AHCI controller at its registers and its memory: commands whose headers, tables and descriptors may point
 * anywhere, register writes at any time, resets, plugging, cable faults, and saving.
 *
 * Checked: no crash, no assert, no hang; a reset leaves no mapping behind (LESSONS 18); DMA reports nothing to the
 * checker; the same case played twice, the second time saved and loaded in between, ends in the same state.
 */
#include <string.h>
#include "block/store.h"
#include "devices/storage/ahci_internal.h"
#include "emu/core/log.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_name[] = "fuzz_ahci";
const size_t fuzz_longest = 1500;

enum {
    RAM_SIZE = 1 << 20,
    SECTORS = 600,
    DEVFN = 5 << 3,
    REGISTERS = 0x30000000,
    DRIVES = 4, /* two disks, a CD-ROM, a port that is empty at first */
    CD = 2,
    COMMAND_MEMORY = 0x10000, /* for each port: list, FIS area, tables */
};

/* ---- the machine ---- */

struct machine {
    struct clock clock;
    struct device_list devices;
    struct region *memory, *ram, *io;
    struct space *cpu;
    struct pci_bus *bus;
    struct ahci *ahci;
    struct space *dma;
    struct block *block[DRIVES];
};

static const struct dma_settings settings[] = {
    {.mode = DMA_MODE_DIRECT},
    {.mode = DMA_MODE_INDIRECT, .max_bounce = 4096},
    {.mode = DMA_MODE_INDIRECT, .max_bounce = 512},
};

static void plug(struct machine *m, unsigned port)
{
    struct error error;
    const struct ata_drive_config config = {.kind = port == CD ? ATA_CDROM : ATA_HARD_DISK};
    (void)!ahci_attach(m->ahci, port, m->block[port], &config, &error);
}

static void make(struct machine *m, unsigned options)
{
    static const char *const names[DRIVES] = {"d0", "d1", "d2", "d3"};
    struct error error;
    memset(m, 0, sizeof *m);
    clock_init(&m->clock, 0);
    device_list_init(&m->devices);
    m->io = region_new_container("io", 0x10000);
    m->memory = region_new_container("memory", UINT64_C(1) << 36);
    m->ram = region_new_ram("ram", RAM_SIZE, &error);
    region_add(m->memory, 0, m->ram, 0);
    m->cpu = space_new("cpu", m->memory, UINT64_C(1) << 36, &m->clock);
    const struct pci_bus_wiring bus = {.memory = m->memory,
                                       .io = m->io,
                                       .dma_root = m->memory,
                                       .memory_size = UINT64_C(1) << 36,
                                       .clock = &m->clock,
                                       .devices = &m->devices,
                                       .dma = settings[options % ARRAY_COUNT(settings)]};
    m->bus = pci_bus_new(&bus);
    const struct ahci_wiring wiring = {.bus = m->bus,
                                       .devfn = DEVFN,
                                       .name = "ahci0",
                                       .clock = &m->clock,
                                       .devices = &m->devices,
                                       .staggered_spin_up = options & 0x40,
                                       .presence_detection = options & 0x80};
    m->ahci = ahci_new(&wiring, &error);
    fuzz_check(m->ahci != NULL, "a controller can be had");
    m->dma = ahci_dma_space(m->ahci);
    dma_checker_enable(m->dma);
    for (unsigned i = 0; i < DRIVES; i++)
        m->block[i] = block_new(names[i], store_new_memory(SECTORS * 512, NULL), &m->clock);
    for (unsigned i = 0; i < DRIVES - 1; i++) plug(m, i);
}

static void destroy(struct machine *m)
{
    fuzz_check(m->ahci->guard.depth == 0, "the guard is left as often as it is entered");
    device_reset_all(&m->devices);
    fuzz_check(dma_stats(m->dma)->live == 0, "a reset leaves no mapping behind");
    fuzz_check(dma_checker_report(m->dma, stderr) == 0, "the DMA checker has nothing to say");
    device_destroy_all(&m->devices);
    for (unsigned i = 0; i < DRIVES; i++) block_free(m->block[i]);
    pci_bus_free(m->bus);
    space_free(m->cpu);
    region_remove(m->ram);
    region_release(m->ram);
    region_release(m->memory);
    region_release(m->io);
}

static void pass(struct machine *m, vtime span)
{
    vtime end = clock_now(&m->clock) + span;
    for (unsigned budget = 200000; budget && clock_deadline(&m->clock) <= end; budget--) {
        clock_jump(&m->clock, clock_deadline(&m->clock));
        clock_fire_due(&m->clock);
        fuzz_check(budget > 1, "events come to an end");
    }
    clock_jump(&m->clock, end);
}

static uint64_t hash(struct machine *m)
{
    uint64_t value = device_hash_all(&m->devices) ^ (uint64_t)clock_now(&m->clock);
    for (unsigned i = 0; i < RAM_SIZE; i += 8)
        value = (value ^ le64_load(m->ram->host + i)) * UINT64_C(0x100000001b3);
    for (unsigned i = 0; i < DRIVES; i++) {
        static uint8_t sectors[SECTORS * 512];
        (void)!block_read_now(m->block[i], 0, sectors, sizeof sectors);
        for (unsigned k = 0; k < sizeof sectors; k += 8)
            value = (value ^ le64_load(sectors + k)) * UINT64_C(0x100000001b3);
    }
    return value;
}

/* ---- saving: the disks and what is plugged stay as they are ---- */

static struct device *device_of(struct list *node)
{
    return list_entry(node, struct device, node);
}

static void save_and_load(struct machine *m)
{
    struct state_buffer state = {0};
    struct error error = {{0}};
    struct list *head = &m->devices.head;
    bool good = true;
    for (struct list *node = head->next; node != head; node = node->next)
        state_save(device_of(node)->ops->state, device_of(node)->state, &state);
    for (struct list *node = head->next; node != head; node = node->next)
        if (device_of(node)->more)
            good = good && device_of(node)->more->save(device_of(node), &state, &error);
    clock_save(&m->clock, &state);
    uint64_t before = hash(m);
    for (struct list *node = head->next; node != head; node = node->next)
        good = good && state_load(device_of(node)->ops->state, device_of(node)->state, &state, &error);
    for (struct list *node = head->next; node != head; node = node->next)
        if (device_of(node)->ops->loaded) device_of(node)->ops->loaded(device_of(node));
    for (struct list *node = head->next; node != head; node = node->next)
        if (device_of(node)->more)
            good = good && device_of(node)->more->load(device_of(node), &state, &error);
    good = good && clock_load(&m->clock, &state, &error);
    if (!good) fprintf(stderr, "%s\n", error.text);
    fuzz_check(good, "what was saved can be loaded");
    fuzz_check(hash(m) == before, "what was loaded is what was saved");
    state_buffer_free(&state);
}

/* ---- actions ---- */

struct play {
    struct machine m;
    struct fuzz_input in;
    bool reload;
};

static void set(struct play *play, unsigned offset, uint32_t value)
{
    (void)!space_store(play->m.cpu, REGISTERS + offset, 4, value);
}

static void port_set(struct play *play, unsigned port, unsigned offset, uint32_t value)
{
    set(play, AHCI_PORT_BASE + port * AHCI_PORT_STEP + offset, value);
}

static uint64_t command_memory(unsigned port)
{
    return COMMAND_MEMORY * (port + 1);
}

/* An address that is worth something, more often than not. */
static uint64_t pick_address(struct play *play)
{
    uint32_t random = fuzz_u16(&play->in);
    switch (fuzz_below(&play->in, 12)) {
    case 0: return REGISTERS + random % AHCI_BAR_SIZE;
    case 1: return RAM_SIZE - random % 2048;
    case 2: return UINT64_C(1) << 32 | random;
    case 3: return command_memory(random % DRIVES) + random / 4 % 4096; /* its own lists */
    case 4: return UINT64_MAX - random;
    case 5: return random % 4096;
    default: return 0x80000 + random * 4;
    }
}

static void enable(struct play *play)
{
    pci_config_write(play->m.bus, DEVFN, PCI_BAR0 + 4 * AHCI_BAR, 4, REGISTERS);
    pci_config_write(play->m.bus, DEVFN, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    set(play, AHCI_GHC, AHCI_GHC_ENABLE | AHCI_GHC_INTERRUPTS);
}

static void start_port(struct play *play, unsigned port)
{
    port_set(play, port, AHCI_PxCMD, AHCI_CMD_SUD | AHCI_CMD_POD);
    port_set(play, port, AHCI_PxCLB, (uint32_t)command_memory(port));
    port_set(play, port, AHCI_PxFB, (uint32_t)command_memory(port) + 0x400);
    port_set(play, port, AHCI_PxIE, 0xffffffff);
    port_set(play, port, AHCI_PxSERR, 0xffffffff);
    port_set(play, port, AHCI_PxIS, 0xffffffff);
    port_set(play, port, AHCI_PxCMD, AHCI_CMD_SUD | AHCI_CMD_POD | AHCI_CMD_FRE);
    port_set(play, port, AHCI_PxCMD, AHCI_CMD_SUD | AHCI_CMD_POD | AHCI_CMD_FRE | AHCI_CMD_ST);
}

static unsigned pick_port(struct play *play)
{
    return fuzz_below(&play->in, DRIVES);
}

/* A command that mostly makes sense. */
static void build_command(struct play *play)
{
    static const uint8_t codes[] = {0x60, 0x61, 0x60, 0x61, 0xc8, 0xca, 0x25, 0x35, 0x20, 0x30, 0x24, 0x34,
                                    0xc4, 0xc5, 0xec, 0xa1, 0xa0, 0xa0, 0xa0, 0xe7, 0xea, 0x2f, 0x47, 0x06,
                                    0x08, 0xef, 0xb0, 0xe6, 0x90, 0x40, 0x91, 0xc6, 0xf8, 0xf9, 0x27, 0x37};
    static const uint8_t packets[] = {0x00, 0x03, 0x12, 0x28, 0xa8, 0xbe, 0x25, 0x43, 0x46, 0x4a,
                                      0x51, 0x52, 0x5a, 0x55, 0x1b, 0x1e, 0x2b, 0xad, 0xbd, 0xb9};
    struct fuzz_input *in = &play->in;
    unsigned port = pick_port(play), slot = fuzz_below(in, 32), flags = fuzz_u8(in);
    uint8_t *ram = play->m.ram->host;
    uint64_t list = command_memory(port) + slot * sizeof(struct ahci_header);
    uint64_t table = command_memory(port) + 0x1000 + slot * 0x400;
    struct ahci_header header = {.options = {0}};
    struct ahci_table contents = {.cfis = {0}};
    struct fis_h2d fis = {.type = FIS_H2D, .flags = flags & 7 ? FIS_FLAG_COMMAND : 0};
    unsigned prds = fuzz_below(in, 20);
    fis.command = flags & 8 ? fuzz_u8(in) : codes[fuzz_below(in, ARRAY_COUNT(codes))];
    fis.features = fuzz_u8(in) & 0x1f;
    fis.count = fuzz_u8(in);
    fis.lba = (struct fis_address){fuzz_u8(in), fuzz_u8(in) & 3, 0, fuzz_u8(in) | 0x40, 0, 0, 0};
    fis.control = fuzz_u8(in) & 4;
    if (ata_is_queued(fis.command) && flags & 16) fis.count = (uint8_t)(slot << 3);
    memcpy(contents.cfis, &fis, sizeof fis);
    contents.acmd[0] = packets[fuzz_below(in, ARRAY_COUNT(packets))];
    for (unsigned i = 1; i < 12; i++) contents.acmd[i] = i == 5 || i >= 7 ? fuzz_u8(in) : 0;
    le16_store(header.options,
               (uint16_t)(5 | (fis.command == 0xa0 ? AHCI_HEADER_ATAPI : 0) | (flags & 0x60)));
    if (!(fis.flags & FIS_FLAG_COMMAND) && fis.control) header.options[1] = 5; /* R and C */
    if (flags == 255) le16_store(header.options, fuzz_u16(in));
    le16_store(header.prds, flags == 254 ? 65535 : (uint16_t)prds);
    le64_store(header.table, flags == 253 ? pick_address(play) : table);
    memcpy(ram + list, &header, sizeof header);
    memcpy(ram + table, &contents, sizeof contents);
    for (unsigned i = 0; i < prds; i++) {
        struct ahci_prd prd = {.address = {0}};
        uint32_t count = fuzz_u16(in);
        le64_store(prd.address, flags & 128 ? pick_address(play) : 0x80000u + fuzz_u16(in) * 4u);
        le32_store(prd.count, count & 0x8000 ? count << 8 | 1 : (count & 0x1fff) | 1);
        memcpy(ram + table + AHCI_TABLE_PRDT + i * sizeof prd, &prd, sizeof prd);
    }
    if (ata_is_queued(fis.command)) port_set(play, port, AHCI_PxSACT, 1u << slot);
    port_set(play, port, AHCI_PxCI, 1u << slot);
}

static void any_register(struct play *play)
{
    static const uint8_t offsets[] = {AHCI_PxCLB, AHCI_PxCLBU, AHCI_PxFB,   AHCI_PxFBU,  AHCI_PxIS,
                                      AHCI_PxIE,  AHCI_PxCMD,  AHCI_PxSCTL, AHCI_PxSERR, AHCI_PxSACT,
                                      AHCI_PxCI,  AHCI_PxTFD,  AHCI_PxCMD,  AHCI_PxSCTL};
    unsigned offset = offsets[fuzz_below(&play->in, ARRAY_COUNT(offsets))];
    uint32_t value = fuzz_u32(&play->in);
    if (offset == AHCI_PxFB || offset == AHCI_PxCLB) value = (uint32_t)pick_address(play);
    if (offset == AHCI_PxFBU || offset == AHCI_PxCLBU) value &= 3;
    port_set(play, pick_port(play), offset, value);
}

static void any_access(struct play *play)
{
    uint64_t value, at = REGISTERS + fuzz_u16(&play->in) % AHCI_BAR_SIZE;
    unsigned size = 1u << fuzz_below(&play->in, 4);
    (void)!space_load(play->m.cpu, at, size, &value);
    if (fuzz_below(&play->in, 4) == 0) (void)!space_store(play->m.cpu, at, size, fuzz_u32(&play->in));
}

static void any_config(struct play *play)
{
    unsigned offset = fuzz_below(&play->in, 2) ? AHCI_MSI_OFFSET + fuzz_below(&play->in, 16) : PCI_COMMAND;
    pci_config_write(play->m.bus, DEVFN, offset & ~1u, 2, fuzz_u16(&play->in));
    if (fuzz_below(&play->in, 4)) enable(play);
}

static void stop_and_start(struct play *play)
{
    unsigned port = pick_port(play);
    port_set(play, port, AHCI_PxCMD, AHCI_CMD_SUD | AHCI_CMD_POD | AHCI_CMD_FRE);
    switch (fuzz_below(&play->in, 4)) {
    case 0:
        port_set(play, port, AHCI_PxSCTL, 1);
        port_set(play, port, AHCI_PxSCTL, 0);
        pass(&play->m, 400 * VTIME_US);
        break;
    case 1:
        port_set(play, port, AHCI_PxCMD, AHCI_CMD_SUD | AHCI_CMD_POD | AHCI_CMD_FRE | AHCI_CMD_CLO);
        break;
    }
    start_port(play, port);
}

static void change_drives(struct play *play)
{
    unsigned port = pick_port(play);
    if (ahci_drive(play->m.ahci, port))
        ahci_detach(play->m.ahci, port);
    else
        plug(&play->m, port);
}

static void scribble(struct play *play)
{
    unsigned bytes = fuzz_below(&play->in, 16);
    uint64_t at = command_memory(pick_port(play)) + fuzz_u16(&play->in) % 0x3000;
    for (unsigned i = 0; i < bytes; i++) play->m.ram->host[at + i] = fuzz_u8(&play->in);
}

static void act(struct play *play)
{
    struct fuzz_input *in = &play->in;
    switch (fuzz_below(in, 24)) {
    case 0: any_register(play); break;
    case 1: any_access(play); break;
    case 2: any_config(play); break;
    case 3:
    case 4: stop_and_start(play); break;
    case 5: scribble(play); break;
    case 6:
        if (fuzz_below(in, 4) == 0) change_drives(play);
        break;
    case 7: ahci_link_fault(play->m.ahci, pick_port(play), fuzz_below(in, AHCI_FAULTS)); break;
    case 8:
        if (fuzz_below(in, 4)) break;
        set(play, AHCI_GHC, AHCI_GHC_ENABLE | AHCI_GHC_RESET);
        fuzz_check(dma_stats(play->m.dma)->live == 0, "HBA reset leaves no mapping behind");
        break;
    case 9:
    case 14:
        pass(&play->m, fuzz_u8(in) * 100); /* into the middle of what was built just now */
        if (play->reload) save_and_load(&play->m);
        break;
    case 10:
    case 11:
    case 12:
    case 13: pass(&play->m, (vtime)fuzz_u16(in) * 2); break;
    default: build_command(play); break;
    }
}

/* Events that are due before their time cannot be told from those that are not: a case may be saved only between
 * passes. */
static uint64_t play_case(const uint8_t *data, size_t size, bool reload)
{
    struct play play = {.in = {data, size}, .reload = reload};
    make(&play.m, fuzz_u8(&play.in));
    enable(&play);
    for (unsigned port = 0; port < DRIVES; port++) start_port(&play, port);
    pass(&play.m, 500 * VTIME_US);
    for (unsigned port = 0; port < DRIVES; port++) start_port(&play, port);
    while (play.in.left) act(&play);
    pass(&play.m, 50 * VTIME_MS);
    uint64_t result = hash(&play.m);
    destroy(&play.m);
    return result;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    lint_quiet(true);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t first = play_case(data, size, false);
    fuzz_check(play_case(data, size, true) == first, "saving and loading changes nothing");
    return 0;
}
