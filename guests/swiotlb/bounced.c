/* SPDX-License-Identifier: MIT */
/* Disk transfers through the pool: see bounced.h. */
#include "bounced.h"
#include "guests/demo/power.h"

enum { LINE = 0x10000, MOST_SECTORS = 256 };

static struct piece_list lists[IDE_CHANNELS];

void pieces_add(struct piece_list *list, uint32_t address, uint32_t length)
{
    while (length) {
        uint32_t n = LINE - (address & (LINE - 1));

        if (n > length) n = length;
        if (list->count == MAX_PIECES) fail("too many pieces");
        list->pieces[list->count++] = (struct piece){address, n};
        address += n;
        length -= n;
    }
}

static enum swiotlb_direction direction_of(enum ide_direction direction)
{
    return direction == IDE_READ ? SWIOTLB_FROM_DEVICE : SWIOTLB_TO_DEVICE;
}

void bounced_run(enum ide_channel channel, enum ide_direction direction, uint32_t lba, uint32_t sectors,
                 const struct piece_list *list)
{
    swiotlb_io_begin();
    ide_start(channel, direction, lba, sectors, list);
    ide_finish_well(channel);
    swiotlb_io_end();
}

void bounced_transfer(enum ide_channel channel, enum ide_direction direction, uint32_t lba, uint32_t sectors,
                      void *buffer, uint32_t keep)
{
    uint32_t most = swiotlb_largest(keep) / SECTOR_SIZE;
    uint8_t *at = buffer;

    if (most > MOST_SECTORS) most = MOST_SECTORS;
    while (sectors) {
        uint32_t n = sectors < most ? sectors : most;
        struct piece_list *list = &lists[channel];
        struct swiotlb_map map;

        while (!swiotlb_map(&map, at, n * SECTOR_SIZE, direction_of(direction), 0, keep))
            if (!swiotlb_grow()) fail("swiotlb: no slots for %u sectors", n);
        list->count = 0;
        pieces_add(list, map.bounce, map.length);
        bounced_run(channel, direction, lba, n, list);
        swiotlb_unmap(&map);
        at += n * SECTOR_SIZE;
        lba += n;
        sectors -= n;
    }
}

bool bounced_map(struct bounced_request *request, void *buffer)
{
    return swiotlb_map(&request->map, buffer, request->sectors * SECTOR_SIZE,
                       direction_of(request->direction), 0, 0);
}

void bounced_start(const struct bounced_request *request)
{
    struct piece_list *list = &lists[request->channel];

    list->count = 0;
    pieces_add(list, request->map.bounce, request->map.length);
    swiotlb_io_begin();
    ide_start(request->channel, request->direction, request->lba, request->sectors, list);
}

void bounced_finish(struct bounced_request *request)
{
    ide_finish_well(request->channel);
    swiotlb_io_end();
    swiotlb_unmap(&request->map);
}
