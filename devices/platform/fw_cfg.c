/* SPDX-License-Identifier: MIT */
/* Firmware configuration device. QEMU documentation, docs/specs/fw_cfg. */
#include "devices/platform/fw_cfg.h"

#include <stdlib.h>
#include <string.h>
#include "devices/platform/ports.h"
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"
#include "mem/iov.h"
#include "mem/stats.h"

enum { PORT_SELECT = 0x510, PORT_DMA = 0x514 };
enum { SELECT_OFFSET = 0, DATA_OFFSET = 1 };
enum { ID_PORTS = 1, ID_DMA = 2 };
enum { DMA_ERROR = 0x01, DMA_READ = 0x02, DMA_SKIP = 0x04, DMA_SELECT = 0x08, DMA_WRITE = 0x10 };
enum { KEY_WRITE = 0x4000 }; /* once chose an item for writing; has no meaning any more */

static const uint8_t dma_signature[8] = "QEMU CFG";

/* DMA moves at most so much at once, and looks for errors in between. */
#define DMA_PIECE 4096 /* of an item, in one packet */

/* What the guest lays out in memory; all big-endian. */
struct dma_access {
    uint8_t control[4];
    uint8_t length[4];
    uint8_t address[8];
};
_Static_assert(sizeof(struct dma_access) == 16, "fw_cfg, DMA interface");

struct directory_entry {
    uint8_t size[4];
    uint8_t key[2];
    uint8_t reserved[2];
    char name[FW_CFG_FILE_NAME];
};
_Static_assert(sizeof(struct directory_entry) == 64, "fw_cfg, file directory");

struct item {
    uint16_t key;
    uint32_t size;
    uint8_t *data;
};

struct fw_cfg_state {
    uint16_t key;
    uint32_t offset;      /* next byte of the chosen item; may lie behind its end */
    uint32_t dma_address; /* high half */
};

struct fw_cfg {
    struct device device;
    struct fw_cfg_state state;
    struct clock *clock;
    struct region *ports, *dma_ports;
    struct packet_engine engine;
    struct sglist list;

    struct item *items;
    size_t item_count;
    uint16_t file_count;
    uint8_t *directory; /* as the guest reads it: the count, then the entries */
};

static const struct state_field fw_cfg_fields[] = {
    STATE_FIELD(struct fw_cfg_state, key),
    STATE_FIELD(struct fw_cfg_state, offset),
    STATE_FIELD(struct fw_cfg_state, dma_address),
    STATE_END,
};
static const struct state_table fw_cfg_table = {"fw_cfg", 1, sizeof(struct fw_cfg_state), fw_cfg_fields};

TRACE_EVENT(trace_select, "fw_cfg.select", "key:x size:u");
TRACE_EVENT(trace_dma, "fw_cfg.dma", "control:x len:u addr:x error:u");

/* Items. */

static struct item *fw_cfg_find(const struct fw_cfg *fw, uint16_t key)
{
    for (size_t i = 0; i < fw->item_count; i++)
        if (fw->items[i].key == key) return &fw->items[i];
    return NULL;
}

static struct item *fw_cfg_new_item(struct fw_cfg *fw, uint16_t key)
{
    struct item *items = realloc(fw->items, (fw->item_count + 1) * sizeof(*items));
    if (!items) return NULL;
    fw->items = items;
    items[fw->item_count] = (struct item){.key = key};
    return &items[fw->item_count++];
}

bool fw_cfg_add_item(struct fw_cfg *fw, uint16_t key, const void *data, uint32_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    struct item *item = fw_cfg_find(fw, key);
    if (copy && !item) item = fw_cfg_new_item(fw, key);
    if (!copy || !item) {
        free(copy);
        return false;
    }
    if (size) memcpy(copy, data, size);
    free(item->data);
    item->data = copy;
    item->size = size;
    return true;
}

bool fw_cfg_add_u16(struct fw_cfg *fw, uint16_t key, uint16_t value)
{
    uint8_t bytes[2];
    le16_store(bytes, value);
    return fw_cfg_add_item(fw, key, bytes, sizeof(bytes));
}

bool fw_cfg_add_u32(struct fw_cfg *fw, uint16_t key, uint32_t value)
{
    uint8_t bytes[4];
    le32_store(bytes, value);
    return fw_cfg_add_item(fw, key, bytes, sizeof(bytes));
}

bool fw_cfg_add_u64(struct fw_cfg *fw, uint16_t key, uint64_t value)
{
    uint8_t bytes[8];
    le64_store(bytes, value);
    return fw_cfg_add_item(fw, key, bytes, sizeof(bytes));
}

static uint32_t directory_size(unsigned files)
{
    return 4 + files * (uint32_t)sizeof(struct directory_entry);
}

static bool directory_has(const struct fw_cfg *fw, const char *name)
{
    const struct directory_entry *entry = (const struct directory_entry *)(fw->directory + 4);
    for (unsigned i = 0; i < fw->file_count; i++)
        if (!strcmp(entry[i].name, name)) return true;
    return false;
}

bool fw_cfg_add_file(struct fw_cfg *fw, const char *name, const void *data, uint32_t size)
{
    uint16_t key = FW_CFG_FILE_FIRST + fw->file_count;
    if (strlen(name) >= FW_CFG_FILE_NAME || key >= KEY_WRITE || directory_has(fw, name)) return false;
    uint8_t *directory = realloc(fw->directory, directory_size(fw->file_count + 1));
    if (!directory) return false;
    fw->directory = directory;
    if (!fw_cfg_add_item(fw, key, data, size)) return false;

    struct directory_entry entry = {.name = ""};
    be32_store(entry.size, size);
    be16_store(entry.key, key);
    strcpy(entry.name, name);
    memcpy(directory + directory_size(fw->file_count), &entry, sizeof(entry));
    be32_store(directory, ++fw->file_count);
    return fw_cfg_add_item(fw, FW_CFG_FILE_DIR, directory, directory_size(fw->file_count));
}

/* Selector and data. */

static void fw_cfg_select(struct fw_cfg *fw, uint16_t key)
{
    fw->state.key = key & ~KEY_WRITE;
    fw->state.offset = 0;
    const struct item *item = fw_cfg_find(fw, fw->state.key);
    if (trace_on(&trace_select))
        trace_emit(&trace_select, fw->clock, (uint64_t)fw->state.key, (uint64_t)(item ? item->size : 0));
}

/* The bytes of the chosen item that have not been read; none behind its end, or when there is no such item. */
static const uint8_t *fw_cfg_rest(const struct fw_cfg *fw, uint32_t *size)
{
    const struct item *item = fw_cfg_find(fw, fw->state.key);
    *size = item && fw->state.offset < item->size ? item->size - fw->state.offset : 0;
    return *size ? item->data + fw->state.offset : NULL;
}

/* The offset stays where it is once it cannot grow any more. */
static void fw_cfg_advance(struct fw_cfg *fw, uint32_t count)
{
    fw->state.offset = count > UINT32_MAX - fw->state.offset ? UINT32_MAX : fw->state.offset + count;
}

static uint8_t fw_cfg_read_byte(struct fw_cfg *fw)
{
    uint32_t size;
    const uint8_t *rest = fw_cfg_rest(fw, &size);
    if (!size) return 0;
    fw_cfg_advance(fw, 1);
    return *rest;
}

static enum mem_result ports_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    struct fw_cfg *fw = owner;
    bool data = at.offset == DATA_OFFSET && size == 1;
    *value = data ? fw_cfg_read_byte(fw) : bytes_mask(size);
    if (!data) lint(fw->device.name, "fw_cfg, Register Locations", "the selector cannot be read");
    return MEM_OK;
}

static enum mem_result ports_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct fw_cfg *fw = owner;
    if (at.offset == SELECT_OFFSET && size == 2)
        fw_cfg_select(fw, (uint16_t)value);
    else
        lint(fw->device.name, "fw_cfg, Register Locations", "write of %u byte(s) to port %xh ignored", size,
             PORT_SELECT + (unsigned)at.offset);
    return MEM_OK;
}

static const struct mmio_ops ports_ops = {ports_read, ports_write, 1, 2, false};

/* DMA. */

/* What the item still has, and zeros after it. */
static struct packet_answer copy_item(void *owner, const struct iovec *pieces, unsigned count, uint64_t size)
{
    struct fw_cfg *fw = owner;
    for (unsigned i = 0; i < count; i++) {
        uint8_t *to = pieces[i].iov_base;
        uint32_t length = (uint32_t)pieces[i].iov_len, rest;
        const uint8_t *from = fw_cfg_rest(fw, &rest);
        if (rest > length) rest = length;
        if (rest) memcpy(to, from, rest);
        memset(to + rest, 0, length - rest);
        fw_cfg_advance(fw, length);
    }
    return (struct packet_answer){.moved = size, .touched = size};
}

/* One packet of at most DMA_PIECE bytes between guest memory and `call`. */
static bool dma_move(struct fw_cfg *fw, uint64_t address, uint32_t length, enum dma_direction direction,
                     packet_call *call, void *owner)
{
    sglist_reset(&fw->list);
    sglist_add(&fw->list, address, length);
    return packet_run(&fw->engine, &fw->list, direction, call, owner).status == PACKET_OK;
}

static bool dma_read_item(struct fw_cfg *fw, uint64_t address, uint32_t length)
{
    while (length) {
        uint32_t piece = length < DMA_PIECE ? length : DMA_PIECE;
        if (!dma_move(fw, address, piece, DMA_FROM_DEVICE, copy_item, fw)) return false;
        address += piece;
        length -= piece;
    }
    return true;
}

/* One operation; true when it went well. READ wins over WRITE, WRITE over SKIP. */
static bool dma_perform(struct fw_cfg *fw, uint32_t control, uint32_t length, uint64_t address)
{
    if (control & DMA_SELECT) fw_cfg_select(fw, control >> 16);
    if (control & DMA_READ) return dma_read_item(fw, address, length);
    if (control & DMA_WRITE) {
        lint(fw->device.name, "fw_cfg, DMA Interface", "write to item %02x, which is read-only",
             fw->state.key);
        return false;
    }
    if (control & DMA_SKIP) fw_cfg_advance(fw, length);
    return true;
}

/* Between guest memory and a few bytes of ours. */
static struct packet_answer fetch(void *owner, const struct iovec *pieces, unsigned count, uint64_t size)
{
    iov_to_buffer(pieces, count, 0, owner, size);
    return (struct packet_answer){.moved = size};
}

static struct packet_answer store(void *owner, const struct iovec *pieces, unsigned count, uint64_t size)
{
    iov_from_buffer(pieces, count, 0, owner, size);
    return (struct packet_answer){.moved = size, .touched = size};
}

/* The request is copied once; its control word is written last: zero, or the error bit. */
static void dma_start(struct fw_cfg *fw, uint64_t request_at)
{
    struct dma_access request;
    uint32_t control = 0, length = 0;
    uint64_t address = 0;
    bool good = dma_move(fw, request_at, sizeof request, DMA_TO_DEVICE, fetch, &request);
    if (good) {
        control = be32_load(request.control);
        length = be32_load(request.length);
        address = be64_load(request.address);
        good = dma_perform(fw, control, length, address);
    }
    if (trace_on(&trace_dma))
        trace_emit(&trace_dma, fw->clock, (uint64_t)control, (uint64_t)length, (uint64_t)address,
                   (uint64_t)!good);
    be32_store(request.control, good ? 0 : DMA_ERROR);
    if (!dma_move(fw, request_at, sizeof request.control, DMA_FROM_DEVICE, store, request.control))
        lint(fw->device.name, "fw_cfg, DMA Interface", "request at %llx lies outside of memory",
             (unsigned long long)request_at);
}

/* The signature is there to be read as eight bytes from the first port on. */
static enum mem_result dma_port_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)owner;
    *value = le_load(dma_signature + at.offset, size);
    return MEM_OK;
}

static enum mem_result dma_port_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct fw_cfg *fw = owner;
    if (size != 4) {
        lint(fw->device.name, "fw_cfg, Register Locations",
             "DMA address written by %u byte(s); only 4 are taken", size);
        return MEM_OK;
    }
    uint8_t bytes[4]; /* the ports are little-endian, the register is not */
    le32_store(bytes, (uint32_t)value);
    uint32_t half = be32_load(bytes);
    if (at.offset == 0) {
        fw->state.dma_address = half;
        return MEM_OK;
    }
    uint64_t request_at = (uint64_t)fw->state.dma_address << 32 | half;
    fw->state.dma_address = 0;
    dma_start(fw, request_at);
    return MEM_OK;
}

static const struct mmio_ops dma_ops = {dma_port_read, dma_port_write, 1, 4, false};

/* Reset and creation. */

static void fw_cfg_reset(struct device *device)
{
    struct fw_cfg *fw = list_entry(device, struct fw_cfg, device);
    fw->state = (struct fw_cfg_state){.key = 0};
}

static void fw_cfg_destroy(struct device *device)
{
    struct fw_cfg *fw = list_entry(device, struct fw_cfg, device);
    ports_remove(fw->ports);
    ports_remove(fw->dma_ports);
    packet_destroy(&fw->engine);
    sglist_destroy(&fw->list);
    for (size_t i = 0; i < fw->item_count; i++) free(fw->items[i].data);
    free(fw->items);
    free(fw->directory);
    free(fw);
}

static void fw_cfg_stats(const struct device *device, FILE *to)
{
    const struct packet_engine *engine = &list_entry(device, const struct fw_cfg, device)->engine;
    if (!engine->totals.packets) return;
    dma_print_stats(engine->space, engine->name, to);
    packet_print_stats(engine, to);
}

/* Nothing is ever in flight; what decides how its DMA goes on is the space's own. */
static bool fw_cfg_save(const struct device *device, struct state_buffer *to, struct error *error)
{
    (void)error;
    dma_save(list_entry(device, const struct fw_cfg, device)->engine.space, to);
    return true;
}

static bool fw_cfg_load(struct device *device, struct state_buffer *from, struct error *error)
{
    return dma_load(list_entry(device, struct fw_cfg, device)->engine.space, from, error);
}

static const struct device_more fw_cfg_more = {
    .save = fw_cfg_save, .load = fw_cfg_load, .stats = fw_cfg_stats};
static const struct device_ops fw_cfg_ops = {"fw_cfg", &fw_cfg_table, fw_cfg_reset, NULL, fw_cfg_destroy};

static bool fw_cfg_add_basics(struct fw_cfg *fw, const struct fw_cfg_config *config)
{
    static const uint8_t uuid[16];
    return fw_cfg_add_item(fw, FW_CFG_SIGNATURE, "QEMU", 4) &&
           fw_cfg_add_u32(fw, FW_CFG_ID, ID_PORTS | ID_DMA) &&
           fw_cfg_add_item(fw, FW_CFG_UUID, uuid, sizeof(uuid)) &&
           fw_cfg_add_u64(fw, FW_CFG_RAM_SIZE, config->ram_size) &&
           fw_cfg_add_u16(fw, FW_CFG_NOGRAPHIC, !config->graphic) &&
           fw_cfg_add_u16(fw, FW_CFG_NB_CPUS, config->cpus) &&
           fw_cfg_add_u16(fw, FW_CFG_MAX_CPUS, config->cpus) &&
           fw_cfg_add_u16(fw, FW_CFG_BOOT_MENU, config->boot_menu) &&
           fw_cfg_add_item(fw, FW_CFG_FILE_DIR, fw->directory, directory_size(0));
}

struct fw_cfg *fw_cfg_new(struct region *io, struct device_list *devices, struct clock *clock,
                          struct space *memory, const struct fw_cfg_config *config)
{
    struct fw_cfg *fw = calloc(1, sizeof(*fw));
    if (!fw) return NULL;
    fw->clock = clock;
    packet_init(&fw->engine, "fw_cfg", memory, DMA_PIECE);
    sglist_init(&fw->list, 1);
    fw->directory = calloc(1, directory_size(0));
    fw->ports = ports_add(io, PORT_SELECT, 2, "fw_cfg", &ports_ops, fw);
    fw->dma_ports = ports_add(io, PORT_DMA, 8, "fw_cfg dma", &dma_ops, fw);
    device_add(devices, &fw->device, &fw_cfg_ops, "fw_cfg", &fw->state);
    if (!fw->directory || !fw_cfg_add_basics(fw, config)) {
        list_remove(&fw->device.node);
        fw_cfg_destroy(&fw->device);
        return NULL;
    }
    fw->device.more = &fw_cfg_more;
    fw_cfg_reset(&fw->device);
    return fw;
}
