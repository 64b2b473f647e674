/* SPDX-License-Identifier: MIT */
/* Sectors by programmed I/O: see pio.h. */
#include "pio.h"
#include "guests/demo/io.h"
#include "guests/demo/power.h"

enum {
    DATA = 0,
    COUNT = 2,
    LBA = 3,
    DEVICE = 6,
    COMMAND = 7,
    STATUS = 7,

    STATUS_ERROR = 0x21, /* ERR, DF */
    STATUS_REQUEST = 0x08,
    STATUS_BUSY = 0x80,
    DEVICE_MASTER_LBA = 0xe0,
    READ_SECTORS = 0x20,
    CONTROL_NO_INTERRUPT = 0x02,
};

static const struct {
    uint16_t ports, control;
} channels[IDE_CHANNELS] = {[IDE_PRIMARY] = {0x1f0, 0x3f6}, [IDE_SECONDARY] = {0x170, 0x376}};

static uint8_t wait_ready(enum ide_channel channel)
{
    uint8_t status;

    for (int i = 0; i < 4; i++) inb(channels[channel].control); /* 400 ns */
    do status = inb(channels[channel].ports + STATUS);
    while (status & STATUS_BUSY);
    return status;
}

static void read_some(enum ide_channel channel, uint32_t lba, uint32_t sectors, uint16_t **to)
{
    uint16_t port = channels[channel].ports;

    wait_ready(channel);
    outb(port + DEVICE, (uint8_t)(DEVICE_MASTER_LBA | (lba >> 24 & 15)));
    wait_ready(channel);
    outb(port + COUNT, (uint8_t)sectors);
    for (unsigned i = 0; i < 3; i++) outb((uint16_t)(port + LBA + i), (uint8_t)(lba >> 8 * i));
    outb(port + COMMAND, READ_SECTORS);
    while (sectors--) {
        uint8_t status = wait_ready(channel);

        if (status & STATUS_ERROR || !(status & STATUS_REQUEST))
            fail("pio: status %02x at LBA %u", status, lba);
        for (unsigned i = 0; i < SECTOR_SIZE / 2; i++) *(*to)++ = inw(port + DATA);
    }
}

void pio_read(enum ide_channel channel, uint32_t lba, uint32_t sectors, void *buffer)
{
    uint16_t *to = buffer;

    outb(channels[channel].control, CONTROL_NO_INTERRUPT);
    while (sectors) {
        uint32_t n = sectors < 256 ? sectors : 256;

        read_some(channel, lba, n, &to);
        lba += n;
        sectors -= n;
    }
    outb(channels[channel].control, 0);
}
