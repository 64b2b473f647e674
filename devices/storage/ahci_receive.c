/* SPDX-License-Identifier: MIT */
/*
 * FISes from the drive to the host: what they do to memory and to the port's registers.
 * Specification: AHCI 1.3.1, 4.2.1, 5.3; Serial ATA 2.6, FIS definitions.
 */
#include <string.h>
#include "devices/storage/ahci_internal.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

TRACE_EVENT(receive_event, "ahci.receive", "port:s fis:s status:x error:x interrupt:u detail:x");

struct ata_taskfile fis_to_taskfile(const struct fis_h2d *fis)
{
    return (struct ata_taskfile){
        .features = fis->features,
        .count = fis->count,
        .lba_low = fis->lba.low,
        .lba_mid = fis->lba.mid,
        .lba_high = fis->lba.high,
        .device = fis->lba.device,
        .command = fis->command,
        .features_previous = fis->features_exp,
        .count_previous = fis->count_exp,
        .lba_low_previous = fis->lba.low_exp,
        .lba_mid_previous = fis->lba.mid_exp,
        .lba_high_previous = fis->lba.high_exp,
    };
}

static struct fis_address address_of(const struct ata_taskfile *regs)
{
    return (struct fis_address){regs->lba_low,          regs->lba_mid,          regs->lba_high,
                                regs->device,           regs->lba_low_previous, regs->lba_mid_previous,
                                regs->lba_high_previous};
}

struct fis_d2h fis_from_taskfile(const struct ata_taskfile *regs, bool interrupt)
{
    return (struct fis_d2h){
        .type = FIS_D2H,
        .flags = interrupt ? FIS_FLAG_INTERRUPT : 0,
        .status = regs->status,
        .error = regs->error,
        .lba = address_of(regs),
        .count = regs->count,
        .count_exp = regs->count_previous,
    };
}

/* Copies a FIS to its place in the FIS area. */
static void post(struct ahci_port *port, unsigned place, const void *fis, unsigned size)
{
    if (!(port->state->cmd & AHCI_CMD_FRE)) return;
    if (!ahci_is_master(port->ahci)) {
        lint(port->name, "PCI 2.3, 6.2.2", "a FIS is lost: Bus Master Enable is 0");
        return;
    }
    if (space_write(port->ahci->function.dma, ahci_fis_area(port->state) + place, fis, size) == MEM_OK)
        return;
    lint(port->name, AHCI_SPEC "3.3.3", "the FIS area cannot be written: PxFB %08x%08x", port->state->fbu,
         port->state->fb);
    ahci_master_abort(port->ahci);
    ahci_port_fatal(port, AHCI_IS_HBFS);
}

static void trace_received(const struct ahci_port *port, const char *fis, uint8_t status, uint8_t error,
                           bool interrupt, uint64_t detail)
{
    if (trace_on(&receive_event))
        trace_emit(&receive_event, port->ahci->clock, port->name, fis, (uint64_t)status, (uint64_t)error,
                   (uint64_t)interrupt, detail);
}

static void set_task_file(struct ahci_port *port, uint8_t status, uint8_t error)
{
    port->state->tfd = status | (uint32_t)error << 8;
}

void ahci_receive_d2h(struct ahci_port *port, bool interrupt)
{
    const struct ata_taskfile *regs = &port->drive.state->regs;
    struct fis_d2h fis = fis_from_taskfile(regs, interrupt);
    post(port, FIS_AREA_D2H, &fis, sizeof fis);
    set_task_file(port, regs->status, regs->error);
    trace_received(port, "D2H", regs->status, regs->error, interrupt, 0);
    if (interrupt) ahci_port_raise(port, AHCI_IS_DHRS);
    if (regs->status & ATA_STATUS_ERR) ahci_port_fatal(port, AHCI_IS_TFES);
}

/* The first D2H FIS after a reset is taken also while FRE is 0, and kept for the FIS area (3.3.7, FRE). */
void ahci_receive_signature(struct ahci_port *port)
{
    struct ahci_port_state *s = port->state;
    const struct ata_taskfile *regs = &port->drive.state->regs;
    struct fis_d2h fis = fis_from_taskfile(regs, false);
    s->sig = regs->count | (uint32_t)regs->lba_low << 8 | (uint32_t)regs->lba_mid << 16 |
             (uint32_t)regs->lba_high << 24;
    s->await_first = false;
    set_task_file(port, regs->status, regs->error);
    trace_received(port, "signature", regs->status, regs->error, false, s->sig);
    memcpy(s->first_fis, &fis, sizeof fis);
    s->first_stored = true;
    ahci_post_first(port);
}

void ahci_post_first(struct ahci_port *port)
{
    struct ahci_port_state *s = port->state;
    if (!s->first_stored || !(s->cmd & AHCI_CMD_FRE)) return;
    s->first_stored = false;
    post(port, FIS_AREA_D2H, s->first_fis, sizeof s->first_fis);
}

/* Called when the block has moved, since PSS tells that (3.3.5). The task file then holds E_Status. */
void ahci_receive_pio_setup(struct ahci_port *port, uint8_t status, uint32_t bytes, bool to_host,
                            bool interrupt)
{
    const struct ata_taskfile *regs = &port->drive.state->regs;
    struct fis_pio_setup fis = {
        .type = FIS_PIO_SETUP,
        .flags = (uint8_t)((interrupt ? FIS_FLAG_INTERRUPT : 0) | (to_host ? FIS_FLAG_TO_HOST : 0)),
        .status = status,
        .error = regs->error,
        .lba = address_of(regs),
        .count = regs->count,
        .count_exp = regs->count_previous,
        .e_status = regs->status,
    };
    le16_store(fis.bytes, (uint16_t)bytes);
    post(port, FIS_AREA_PIO_SETUP, &fis, sizeof fis);
    set_task_file(port, regs->status, regs->error);
    trace_received(port, "PIO Setup", status, regs->error, interrupt, bytes);
    if (interrupt) ahci_port_raise(port, AHCI_IS_PSS);
}

/* Before the data of a queued command. Auto-activate, and no interrupt: DSS is not raised. */
void ahci_receive_dma_setup(struct ahci_port *port, unsigned tag, const struct ahci_command_state *command)
{
    struct fis_dma_setup fis = {.type = FIS_DMA_SETUP,
                                .flags = command->write ? FIS_FLAG_COMMAND : FIS_FLAG_TO_HOST};
    le64_store(fis.buffer, tag);
    le32_store(fis.count, (uint32_t)command->bytes);
    post(port, FIS_AREA_DMA_SETUP, &fis, sizeof fis);
    trace_received(port, "DMA Setup", 0, 0, false, command->bytes);
}

/* BSY and DRQ are not in this FIS, and stay (Serial ATA 2.6, Set Device Bits). `finished`: tags that are done. */
void ahci_receive_device_bits(struct ahci_port *port, uint32_t finished)
{
    struct ahci_port_state *s = port->state;
    const struct ata_taskfile *regs = &port->drive.state->regs;
    const uint8_t kept = ATA_STATUS_BSY | ATA_STATUS_DRQ;
    struct fis_set_device_bits fis = {
        .type = FIS_SET_DEVICE_BITS,
        .flags = FIS_FLAG_INTERRUPT,
        .status = regs->status & (uint8_t)~kept,
        .error = regs->error,
    };
    le32_store(fis.active, finished);
    post(port, FIS_AREA_SET_DEVICE_BITS, &fis, sizeof fis);
    set_task_file(port, (uint8_t)((s->tfd & kept) | fis.status), fis.error);
    s->sact &= ~finished;
    trace_received(port, "Set Device Bits", fis.status, fis.error, true, finished);
    ahci_port_raise(port, AHCI_IS_SDBS);
    if (fis.status & ATA_STATUS_ERR) ahci_port_fatal(port, AHCI_IS_TFES);
}

void ahci_receive_unknown(struct ahci_port *port)
{
    const uint8_t fis[FIS_UNKNOWN_BYTES] = {0xff};
    post(port, FIS_AREA_UNKNOWN, fis, sizeof fis);
    trace_received(port, "unknown", 0, 0, false, fis[0]);
}
