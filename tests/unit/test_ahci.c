/* SPDX-License-Identifier: MIT */
/* The AHCI controller without data: registers, links, resets, interrupts, hot plug, power. */
#include "tests/unit/ahci_rig.h"

static void teardown(void)
{
    rig_free();
}

static unsigned lints(uint64_t *before)
{
    uint64_t now = lint_count();
    unsigned fresh = (unsigned)(now - *before);
    *before = now;
    return fresh;
}

/* ---- the function ---- */

START_TEST(is_an_ich9_in_ahci_mode)
{
    rig_new(NULL, NULL);
    ck_assert_uint_eq(rig_config_in(PCI_VENDOR_ID, 4), 0x29228086);
    ck_assert_uint_eq(rig_config_in(PCI_PROG_IF, 1), 0x01);
    ck_assert_uint_eq(rig_config_in(PCI_SUBCLASS, 2), 0x0106);
    ck_assert_uint_eq(rig_config_in(PCI_INTERRUPT_PIN, 1), 1);
    ck_assert_uint_eq(rig_config_in(PCI_CAPABILITIES, 1), AHCI_MSI_OFFSET);
    rig_config_out(PCI_BAR0 + 4 * AHCI_BAR, 4, 0xffffffff);
    ck_assert_uint_eq(rig_config_in(PCI_BAR0 + 4 * AHCI_BAR, 4), 0xfffff000);
}
END_TEST

START_TEST(a_name_that_is_too_long_is_an_error)
{
    struct error error;
    const struct ahci_wiring wiring = {.name = "seventeen-letters"};
    ck_assert_ptr_null(ahci_new(&wiring, &error));
    rig_new(NULL, NULL);
}
END_TEST

START_TEST(generic_registers)
{
    rig_new(NULL, NULL);
    rig_enable();
    ck_assert_uint_eq(hba_get(AHCI_CAP), 0xc124ff05);
    ck_assert_uint_eq(hba_get(AHCI_GHC), AHCI_GHC_ENABLE);
    ck_assert_uint_eq(hba_get(AHCI_PI), 0x3f);
    ck_assert_uint_eq(hba_get(AHCI_VS), 0x00010301);
    ck_assert_uint_eq(hba_get(AHCI_CAP2), 0);
    for (unsigned offset = 0x14; offset < 0x100; offset += 4) ck_assert_uint_eq(hba_get(offset), 0);
    for (unsigned offset = 0; offset < 0x100; offset += 4)
        if (offset != AHCI_GHC) hba_set(offset, 0xffffffff);
    ck_assert_uint_eq(hba_get(AHCI_PI), 0x3f);
    ck_assert_uint_eq(hba_get(AHCI_IS), 0);
    uint64_t before = lint_count();
    hba_set(AHCI_GHC, 0);
    ck_assert_uint_eq(lints(&before), 1); /* CAP.SAM */
    ck_assert_uint_eq(hba_get(AHCI_GHC), AHCI_GHC_ENABLE);
    ck_assert_uint_eq(port_get(6, AHCI_PxCMD), 0); /* there is none */
    port_set(6, AHCI_PxCMD, 1);
}
END_TEST

START_TEST(port_registers_at_reset)
{
    rig_new(NULL, NULL);
    rig_enable();
    for (unsigned n = 0; n < AHCI_PORTS; n++) {
        ck_assert_uint_eq(port_get(n, AHCI_PxCMD), AHCI_CMD_SUD | AHCI_CMD_POD | AHCI_CMD_HPCP);
        ck_assert_uint_eq(port_get(n, AHCI_PxTFD), 0x7f);
        ck_assert_uint_eq(port_get(n, AHCI_PxSIG), 0xffffffff);
        ck_assert_uint_eq(port_get(n, AHCI_PxSSTS), 0);
        ck_assert_uint_eq(port_get(n, AHCI_PxSERR), 0);
        ck_assert_uint_eq(port_get(n, AHCI_PxIS), 0);
    }
    uint64_t before = lint_count();
    port_set(2, AHCI_PxCLB, 0xffffffff);
    port_set(2, AHCI_PxFB, 0xffffffff);
    ck_assert_uint_eq(lints(&before), 2);
    port_set(2, AHCI_PxCLBU, 0xffffffff);
    port_set(2, AHCI_PxFBU, 0xffffffff);
    port_set(2, AHCI_PxIE, 0xffffffff);
    ck_assert_uint_eq(port_get(2, AHCI_PxCLB), 0xfffffc00);
    ck_assert_uint_eq(port_get(2, AHCI_PxFB), 0xffffff00);
    ck_assert_uint_eq(port_get(2, AHCI_PxCLBU), 0xffffffff);
    ck_assert_uint_eq(port_get(2, AHCI_PxFBU), 0xffffffff);
    ck_assert_uint_eq(port_get(2, AHCI_PxIE), 0x7dc0007f);
    ck_assert_uint_eq(lints(&before), 0);
}
END_TEST

START_TEST(accesses_are_dwords)
{
    uint64_t value, before = lint_count();
    rig_new(NULL, NULL);
    rig_enable();
    ck_assert_int_eq(space_load(rig.bus_space, RIG_REGISTERS + AHCI_VS + 1, 1, &value), MEM_OK);
    ck_assert_uint_eq(value, 0x03);
    ck_assert_int_eq(space_load(rig.bus_space, RIG_REGISTERS + AHCI_PI, 8, &value), MEM_OK);
    ck_assert_uint_eq(value, 0x000103010000003f);
    ck_assert_int_eq(space_store(rig.bus_space, RIG_REGISTERS + AHCI_PORT_BASE + AHCI_PxFB, 8, 0x1234567800),
                     MEM_OK);
    ck_assert_uint_eq(port_get(0, AHCI_PxFB), 0x34567800);
    ck_assert_uint_eq(port_get(0, AHCI_PxFBU), 0x12);
    lints(&before);
    ck_assert_int_eq(space_store(rig.bus_space, RIG_REGISTERS + AHCI_PORT_BASE + AHCI_PxFB, 2, 0), MEM_OK);
    ck_assert_uint_eq(lints(&before), 1);
    ck_assert_uint_eq(port_get(0, AHCI_PxFB), 0x34567800);
}
END_TEST

/* ---- links ---- */

START_TEST(link_comes_up_and_the_signature_follows)
{
    rig_new(NULL, NULL);
    rig_plug(0, NULL);
    rig_enable();
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0);
    rig_pass(AHCI_LINK_TIME);
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0x123);
    ck_assert_uint_eq(port_get(0, AHCI_PxTFD), 0x80);
    ck_assert_uint_eq(port_get(0, AHCI_PxSIG), 0xffffffff);
    ck_assert_uint_eq(port_get(0, AHCI_PxSERR), AHCI_SERR_EXCHANGED | AHCI_SERR_PHYRDY);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_PCS | AHCI_IS_PRCS);
    rig_pass(ATA_RESET_TIME);
    ck_assert_uint_eq(port_get(0, AHCI_PxSIG), 0x00000101);
    ck_assert_uint_eq(port_get(0, AHCI_PxTFD), 0x0100 | TFD_READY);
    ck_assert_uint_eq(port_get(1, AHCI_PxSSTS), 0);
    /* the three bits are cleared where they come from (3.3.5) */
    port_set(0, AHCI_PxIS, 0xffffffff);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_PCS | AHCI_IS_PRCS);
    port_set(0, AHCI_PxSERR, AHCI_SERR_EXCHANGED);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_PRCS);
    port_set(0, AHCI_PxSERR, 0xffffffff);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), 0);
}
END_TEST

START_TEST(signature_waits_for_fis_receive)
{
    rig_new(NULL, NULL);
    rig_plug(0, NULL);
    rig_enable();
    rig_settle();
    memset(fis_area(0), 0xee, 256);
    port_program(0);
    ck_assert_uint_eq(port_get(0, AHCI_PxCMD) & (AHCI_CMD_FR | AHCI_CMD_CR), AHCI_CMD_FR);
    ck_assert_uint_eq(fis_area(0)[FIS_AREA_D2H], 0xee); /* not inside the driver's access */
    rig_settle();
    const uint8_t expected[20] = {FIS_D2H, 0, TFD_READY, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1};
    ck_assert_mem_eq(fis_area(0) + FIS_AREA_D2H, expected, sizeof expected);
    for (unsigned i = 0; i < 256; i++)
        if (i < FIS_AREA_D2H || i >= FIS_AREA_D2H + 20) ck_assert_uint_eq(fis_area(0)[i], 0xee);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS) & AHCI_IS_DHRS, 0);
    /* once only */
    memset(fis_area(0), 0xee, 256);
    port_change(0, AHCI_PxCMD, AHCI_CMD_FRE, 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxCMD) & AHCI_CMD_FR, 0);
    port_change(0, AHCI_PxCMD, 0, AHCI_CMD_FRE);
    rig_settle();
    ck_assert_uint_eq(fis_area(0)[FIS_AREA_D2H], 0xee);
}
END_TEST

START_TEST(comreset)
{
    rig_one_disk(NULL);
    port_stop(0);
    memset(fis_area(0), 0, 256);
    port_set(0, AHCI_PxSCTL, 0x301);
    ck_assert_uint_eq(port_get(0, AHCI_PxSCTL), 0x301);
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxTFD), 0x7f);
    ck_assert_uint_eq(port_get(0, AHCI_PxSIG), 0xffffffff);
    rig_pass(VTIME_MS);
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0); /* as long as the driver holds it */
    port_set(0, AHCI_PxSERR, 0xffffffff);
    port_set(0, AHCI_PxSCTL, 0x300);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0x123);
    ck_assert_uint_eq(port_get(0, AHCI_PxSIG), 0x101);
    ck_assert_uint_eq(port_get(0, AHCI_PxSERR), AHCI_SERR_EXCHANGED | AHCI_SERR_PHYRDY);
    ck_assert_uint_eq(fis_area(0)[FIS_AREA_D2H], FIS_D2H);
}
END_TEST

START_TEST(comreset_while_started_is_linted)
{
    uint64_t before;
    rig_one_disk(NULL);
    before = lint_count();
    port_set(0, AHCI_PxSCTL, 1);
    ck_assert_uint_eq(lints(&before), 1);
    port_set(0, AHCI_PxSCTL, 0);
    rig_settle();
}
END_TEST

START_TEST(speed_limit_and_offline)
{
    rig_one_disk(NULL);
    port_stop(0);
    port_set(0, AHCI_PxSCTL, 0x11);
    port_set(0, AHCI_PxSCTL, 0x10);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0x113);
    port_set(0, AHCI_PxSCTL, 0x4);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0x4);
    port_set(0, AHCI_PxSCTL, 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0x123);
}
END_TEST

START_TEST(staggered_spin_up)
{
    const struct ahci_wiring wiring = {.staggered_spin_up = true};
    rig_new(NULL, &wiring);
    rig_plug(0, NULL);
    rig_enable();
    rig_settle();
    ck_assert(hba_get(AHCI_CAP) & AHCI_CAP_STAGGERED);
    ck_assert_uint_eq(port_get(0, AHCI_PxCMD) & AHCI_CMD_SUD, 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0);
    port_change(0, AHCI_PxCMD, 0, AHCI_CMD_SUD);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0x123);
    port_change(0, AHCI_PxCMD, AHCI_CMD_SUD, 0);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0);
}
END_TEST

START_TEST(partial_and_slumber)
{
    rig_one_disk(NULL);
    port_set(0, AHCI_PxSCTL, 0x100); /* no partial */
    port_change(0, AHCI_PxCMD, 0xf0000000, (uint32_t)AHCI_POWER_PARTIAL << 28);
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0x123);
    port_set(0, AHCI_PxSCTL, 0);
    port_change(0, AHCI_PxCMD, 0xf0000000, (uint32_t)AHCI_POWER_PARTIAL << 28);
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0x223);
    ck_assert_uint_eq(port_get(0, AHCI_PxCMD) >> 28, 0);
    port_change(0, AHCI_PxCMD, 0xf0000000, (uint32_t)AHCI_POWER_SLUMBER << 28);
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0x623);
    port_change(0, AHCI_PxCMD, 0xf0000000, (uint32_t)AHCI_POWER_ACTIVE << 28);
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0x123);
    port_change(0, AHCI_PxCMD, 0xf0000000, (uint32_t)AHCI_POWER_SLUMBER << 28);
    execute(&(struct command){.code = CODE_READ_DMA, .count = 1}, RIG_DATA, 512); /* a command wakes it */
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0x123);
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 0);
}
END_TEST

/* ---- resets ---- */

START_TEST(hba_reset)
{
    rig_one_disk(NULL);
    submit(&(struct command){.code = CODE_READ_DMA, .count = 8}, RIG_DATA, 4096);
    rig_pass(ATA_COMMAND_TIME);
    ck_assert_uint_gt(dma_stats(rig.dma)->live, 0);
    hba_set(AHCI_GHC, AHCI_GHC_ENABLE | AHCI_GHC_INTERRUPTS | AHCI_GHC_RESET);
    ck_assert_uint_eq(dma_stats(rig.dma)->live, 0);
    ck_assert_uint_eq(hba_get(AHCI_GHC), AHCI_GHC_ENABLE | AHCI_GHC_RESET);
    rig_pass(AHCI_RESET_TIME);
    ck_assert_uint_eq(hba_get(AHCI_GHC), AHCI_GHC_ENABLE);
    ck_assert_uint_eq(hba_get(AHCI_IS), 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxIE), 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxCMD), AHCI_CMD_SUD | AHCI_CMD_POD | AHCI_CMD_HPCP);
    ck_assert_uint_eq(port_get(0, AHCI_PxCLB), port_memory(0) + RIG_LIST); /* 10.4.3 */
    ck_assert_uint_eq(port_get(0, AHCI_PxFB), port_memory(0) + RIG_FIS);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxSIG), 0x101);
    ck_assert_uint_eq(*ram_at(RIG_DATA), 0);
}
END_TEST

START_TEST(software_reset_by_control_fis)
{
    rig_one_disk(NULL);
    port_set(0, AHCI_PxIS, 0xffffffff);
    execute(&(struct command){.control_fis = true,
                              .control = FIS_CONTROL_SRST,
                              .flags = AHCI_HEADER_RESET | AHCI_HEADER_CLEAR_BUSY},
            0, 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxTFD) & 0x88, 0); /* the C bit */
    memset(fis_area(0), 0, 256);
    submit(&(struct command){.slot = 1, .control_fis = true}, 0, 0);
    rig_pass(ATA_RESET_TIME / 2);
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 2);
    ck_assert_uint_eq(port_get(0, AHCI_PxTFD) & 0x80, 0x80);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxTFD), 0x0100 | TFD_READY);
    ck_assert_uint_eq(port_get(0, AHCI_PxSIG), 0x101);
    ck_assert_uint_eq(fis_area(0)[FIS_AREA_D2H], FIS_D2H);
}
END_TEST

START_TEST(machine_reset_cancels_then_unmaps_then_clears)
{
    rig_one_disk(NULL);
    submit(&(struct command){.code = CODE_WRITE_DMA, .count = 8, .lba = 100, .flags = AHCI_HEADER_WRITE},
           RIG_DATA, 4096);
    rig_pass(ATA_COMMAND_TIME + VTIME_US);
    ck_assert_uint_gt(dma_stats(rig.dma)->live, 0);
    device_reset_all(&rig.devices);
    ck_assert_uint_eq(dma_stats(rig.dma)->live, 0);
    rig_settle();
    rig_enable();
    ck_assert_uint_eq(port_get(0, AHCI_PxCLB), 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxSIG), 0x101);
}
END_TEST

/* ---- interrupts ---- */

START_TEST(interrupt_by_pin)
{
    rig_one_disk(NULL);
    execute(&(struct command){.code = CODE_READ_DMA, .count = 1}, RIG_DATA, 512);
    ck_assert(rig.pin);
    ck_assert_uint_eq(hba_get(AHCI_IS), 1);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_DHRS);
    ck_assert_uint_eq(rig.message_count, 0);
    hba_set(AHCI_GHC, AHCI_GHC_ENABLE);
    ck_assert(!rig.pin);
    hba_set(AHCI_GHC, AHCI_GHC_ENABLE | AHCI_GHC_INTERRUPTS);
    ck_assert(rig.pin);
    port_set(0, AHCI_PxIS, AHCI_IS_DHRS);
    ck_assert(rig.pin); /* IS keeps its bit */
    hba_set(AHCI_IS, 1);
    ck_assert(!rig.pin);
    ck_assert_uint_eq(rig.pin_rises, 2);
}
END_TEST

START_TEST(cleared_in_the_wrong_order)
{
    uint64_t before;
    rig_one_disk(NULL);
    execute(&(struct command){.code = CODE_READ_DMA, .count = 1}, RIG_DATA, 512);
    before = lint_count();
    hba_set(AHCI_IS, 1);
    ck_assert_uint_eq(lints(&before), 1);
    ck_assert_uint_eq(hba_get(AHCI_IS), 1);
    ck_assert(rig.pin);
    port_set(0, AHCI_PxIS, AHCI_IS_DHRS);
    hba_set(AHCI_IS, 1);
    ck_assert_uint_eq(lints(&before), 0);
    ck_assert(!rig.pin);
    /* What comes between the two is no mistake of the driver. */
    execute(&(struct command){.code = CODE_READ_DMA, .count = 1}, RIG_DATA, 512);
    port_set(0, AHCI_PxIS, AHCI_IS_DHRS);
    execute(&(struct command){.code = CODE_READ_DMA, .count = 1}, RIG_DATA, 512);
    lints(&before);
    hba_set(AHCI_IS, 1);
    ck_assert_uint_eq(lints(&before), 0);
    ck_assert(rig.pin);
}
END_TEST

START_TEST(masked_bits_do_not_interrupt)
{
    rig_one_disk(NULL);
    port_set(0, AHCI_PxIE, 0);
    execute(&(struct command){.code = CODE_READ_DMA, .count = 1}, RIG_DATA, 512);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_DHRS);
    ck_assert_uint_eq(hba_get(AHCI_IS), 0);
    ck_assert(!rig.pin);
    port_set(0, AHCI_PxIE, AHCI_IS_DHRS);
    ck_assert_uint_eq(hba_get(AHCI_IS), 1);
    ck_assert(rig.pin);
}
END_TEST

START_TEST(interrupt_by_message)
{
    rig_new(NULL, NULL);
    rig_plug(0, NULL);
    rig_plug(1, NULL);
    rig_start_ports(3);
    rig_use_messages();
    execute(&(struct command){.code = CODE_READ_DMA, .count = 1}, RIG_DATA, 512);
    ck_assert(!rig.pin);
    ck_assert_uint_eq(rig.message_count, 1);
    ck_assert_uint_eq(rig.last_message, RIG_MSI_DATA);
    /* a second port is another message, a second command of the same port is not, before IS was cleared */
    execute(&(struct command){.port = 1, .code = CODE_READ_DMA, .count = 1}, RIG_DATA, 512);
    ck_assert_uint_eq(rig.message_count, 2);
    execute(&(struct command){.code = CODE_READ_DMA, .count = 1}, RIG_DATA, 512);
    ck_assert_uint_eq(rig.message_count, 2);
    port_set(0, AHCI_PxIS, 0xffffffff);
    port_set(1, AHCI_PxIS, 0xffffffff);
    hba_set(AHCI_IS, 3);
    rig_settle();
    ck_assert_uint_eq(rig.message_count, 2);
    execute(&(struct command){.code = CODE_READ_DMA, .count = 1}, RIG_DATA, 512);
    ck_assert_uint_eq(rig.message_count, 3);
    /* what came between clearing PxIS and IS is told again */
    port_set(0, AHCI_PxIS, 0xffffffff);
    execute(&(struct command){.code = CODE_READ_DMA, .count = 1}, RIG_DATA, 512);
    hba_set(AHCI_IS, 1);
    rig_settle();
    ck_assert_uint_eq(rig.message_count, 4);
}
END_TEST

/* ---- starting and stopping ---- */

START_TEST(start_rules)
{
    uint64_t before;
    rig_new(NULL, NULL);
    rig_plug(0, NULL);
    rig_enable();
    rig_settle();
    port_set(0, AHCI_PxCLB, (uint32_t)port_memory(0));
    port_set(0, AHCI_PxFB, (uint32_t)port_memory(0) + RIG_FIS);
    before = lint_count();
    port_set(0, AHCI_PxCI, 1); /* not started */
    ck_assert_uint_eq(lints(&before), 1);
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 0);
    port_set(0, AHCI_PxSACT, 1);
    ck_assert_uint_eq(lints(&before), 1);
    ck_assert_uint_eq(port_get(0, AHCI_PxSACT), 0);
    port_set(0, AHCI_PxCI, 0); /* harmless */
    ck_assert_uint_eq(lints(&before), 0);

    port_start(0); /* without FRE */
    ck_assert_uint_eq(lints(&before), 1);
    execute(&(struct command){.code = CODE_READ_DMA, .count = 1}, RIG_DATA, 512);
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 1);
    port_change(0, AHCI_PxCMD, 0, AHCI_CMD_FRE);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 0);
    lints(&before);
    port_change(0, AHCI_PxCMD, AHCI_CMD_FRE, 0);
    ck_assert_uint_eq(lints(&before), 1);
    port_set(0, AHCI_PxCLB, 0x8000);
    ck_assert_uint_eq(lints(&before), 1);
}
END_TEST

START_TEST(stop_takes_commands_back)
{
    rig_one_disk(NULL);
    submit(&(struct command){.code = CODE_READ_DMA, .count = 8}, RIG_DATA, 4096);
    port_set(0, AHCI_PxSACT, 2); /* as SeaBIOS does it, whatever the command */
    rig_pass(ATA_COMMAND_TIME);
    ck_assert_uint_gt(dma_stats(rig.dma)->live, 0);
    port_stop(0);
    ck_assert_uint_eq(dma_stats(rig.dma)->live, 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxSACT), 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxCMD) & (AHCI_CMD_CR | AHCI_CMD_CCS), 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxTFD) & 0x80, 0x80); /* the drive is in the middle of it */
}
END_TEST

START_TEST(command_list_override)
{
    uint64_t before;
    rig_one_disk(NULL);
    before = lint_count();
    port_change(0, AHCI_PxCMD, 0, AHCI_CMD_CLO); /* while started */
    ck_assert_uint_eq(lints(&before), 1);
    submit(&(struct command){.code = CODE_READ_DMA, .count = 8}, RIG_DATA, 4096);
    rig_pass(ATA_COMMAND_TIME);
    port_stop(0);
    before = lint_count();
    port_start(0); /* BSY */
    ck_assert_uint_eq(lints(&before), 1);
    port_stop(0);
    port_change(0, AHCI_PxCMD, 0, AHCI_CMD_CLO);
    ck_assert_uint_eq(port_get(0, AHCI_PxCMD) & AHCI_CMD_CLO, 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxTFD) & 0x88, 0);
    port_start(0);
    ck_assert_uint_eq(lints(&before), 0);
    /* a software reset gets the drive out of it, as Linux does it */
    execute(&(struct command){.control_fis = true,
                              .control = FIS_CONTROL_SRST,
                              .flags = AHCI_HEADER_RESET | AHCI_HEADER_CLEAR_BUSY},
            0, 0);
    execute(&(struct command){.slot = 1, .control_fis = true}, 0, 0);
    execute(&(struct command){.code = CODE_READ_DMA, .count = 1, .lba = 7}, RIG_DATA, 512);
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 0);
    ck_assert_mem_eq(ram_at(RIG_DATA), disk_at(0, 7), 512);
}
END_TEST

START_TEST(bus_master_off)
{
    rig_one_disk(NULL);
    rig_config_out(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    execute(&(struct command){.code = CODE_READ_DMA, .count = 1, .lba = 9}, RIG_DATA, 512);
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 1);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), 0);
    rig_config_out(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 0);
    ck_assert_mem_eq(ram_at(RIG_DATA), disk_at(0, 9), 512);
}
END_TEST

/* ---- hot plug and faults ---- */

START_TEST(hot_plug)
{
    rig_one_disk(NULL);
    rig_plug(3, NULL);
    port_program(3);
    port_set(3, AHCI_PxIE, AHCI_IS_PCS);
    rig_settle();
    ck_assert(rig.pin);
    ck_assert_uint_eq(hba_get(AHCI_IS), 8);
    ck_assert_uint_eq(port_get(3, AHCI_PxSSTS), 0x123);
    ck_assert_uint_eq(port_get(3, AHCI_PxSIG), 0x101);
    struct error error;
    ck_assert(!ahci_attach(rig.ahci, 3, rig.block[3], NULL, &error));
    ck_assert(!ahci_attach(rig.ahci, 6, rig.block[3], NULL, &error));
    ck_assert_ptr_nonnull(ahci_drive(rig.ahci, 3));
    ck_assert_ptr_null(ahci_drive(rig.ahci, 4));
}
END_TEST

START_TEST(hot_unplug_in_the_middle)
{
    rig_one_disk(NULL);
    submit(&(struct command){.code = CODE_READ_DMA, .count = 8}, RIG_DATA, 4096);
    rig_pass(ATA_COMMAND_TIME);
    ck_assert_uint_gt(dma_stats(rig.dma)->live, 0);
    ahci_detach(rig.ahci, 0);
    ck_assert_uint_eq(dma_stats(rig.dma)->live, 0);
    ck_assert(!block_request_busy(&rig.ahci->port[0].commands[0].transfer.request));
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxTFD), 0x7f);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_PRCS);
    ck_assert(rig.pin);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 1); /* nobody answers */
    ahci_detach(rig.ahci, 0);
    port_stop(0);
    rig_plug(0, NULL);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxSIG), 0x101);
    port_start(0);
    execute(&(struct command){.code = CODE_READ_DMA, .count = 1, .lba = 4}, RIG_DATA, 512);
    ck_assert_mem_eq(ram_at(RIG_DATA), disk_at(0, 4), 512);
}
END_TEST

START_TEST(unplugged_while_offline)
{
    rig_one_disk(NULL);
    port_stop(0);
    port_set(0, AHCI_PxSCTL, 0x304); /* no power management, and off */
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), AHCI_DET_OFFLINE);
    ahci_detach(rig.ahci, 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), AHCI_DET_OFFLINE);
    rig_settle();
}
END_TEST

START_TEST(presence_detection)
{
    const struct ahci_wiring wiring = {.presence_detection = true};
    rig_new(NULL, &wiring);
    rig_enable();
    hba_set(AHCI_GHC, AHCI_GHC_ENABLE | AHCI_GHC_INTERRUPTS);
    ck_assert(hba_get(AHCI_CAP) & AHCI_CAP_SWITCHES);
    const uint32_t bits = AHCI_CMD_MPSP | AHCI_CMD_CPD | AHCI_CMD_CPS | AHCI_CMD_MPSS;
    ck_assert_uint_eq(port_get(0, AHCI_PxCMD) & bits, AHCI_CMD_MPSP | AHCI_CMD_CPD | AHCI_CMD_MPSS);
    port_set(0, AHCI_PxIE, 0xffffffff);
    ck_assert_uint_eq(port_get(0, AHCI_PxIE), 0xfdc000ff);
    rig_plug(0, NULL);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_DMPS | AHCI_IS_CPDS);
    ck_assert_uint_eq(port_get(0, AHCI_PxCMD) & bits, AHCI_CMD_MPSP | AHCI_CMD_CPD | AHCI_CMD_CPS);
    ck_assert(rig.pin);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0x123);
    port_change(0, AHCI_PxCMD, AHCI_CMD_POD, 0); /* power off */
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0);
    port_change(0, AHCI_PxCMD, 0, AHCI_CMD_POD);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxSSTS), 0x123);
    port_set(0, AHCI_PxIS, 0xffffffff);
    ahci_detach(rig.ahci, 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS) & (AHCI_IS_DMPS | AHCI_IS_CPDS), AHCI_IS_DMPS | AHCI_IS_CPDS);
}
END_TEST

START_TEST(faults_of_the_link)
{
    static const struct {
        enum ahci_fault fault;
        uint32_t interrupt;
        bool stops;
    } rows[] = {
        {AHCI_FAULT_CRC, AHCI_IS_INFS, false},        {AHCI_FAULT_WRONG_PORT, AHCI_IS_IPMS, false},
        {AHCI_FAULT_UNKNOWN_FIS, AHCI_IS_UFS, false}, {AHCI_FAULT_PROTOCOL, AHCI_IS_IFS, true},
        {AHCI_FAULT_DATA, AHCI_IS_HBDS, true},
    };
    rig_one_disk(NULL);
    ahci_link_fault(rig.ahci, 1, AHCI_FAULT_DATA); /* no link */
    ck_assert_uint_eq(port_get(1, AHCI_PxIS), 0);
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        rig.pin_rises = 0;
        ahci_link_fault(rig.ahci, 0, rows[i].fault);
        ck_assert_uint_eq(port_get(0, AHCI_PxIS), rows[i].interrupt);
        ck_assert_uint_eq(rig.pin_rises, 1);
        execute(&(struct command){.code = CODE_READ_DMA, .count = 1}, RIG_DATA, 512);
        ck_assert_uint_eq(port_get(0, AHCI_PxCI), rows[i].stops);
        if (rows[i].fault == AHCI_FAULT_UNKNOWN_FIS) ck_assert_uint_eq(fis_area(0)[FIS_AREA_UNKNOWN], 0xff);
        port_stop(0);
        port_set(0, AHCI_PxSERR, 0xffffffff);
        port_set(0, AHCI_PxIS, 0xffffffff);
        hba_set(AHCI_IS, 1);
        ck_assert(!rig.pin);
        port_start(0);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        is_an_ich9_in_ahci_mode,
        a_name_that_is_too_long_is_an_error,
        generic_registers,
        port_registers_at_reset,
        accesses_are_dwords,
        link_comes_up_and_the_signature_follows,
        signature_waits_for_fis_receive,
        comreset,
        comreset_while_started_is_linted,
        speed_limit_and_offline,
        staggered_spin_up,
        partial_and_slumber,
        hba_reset,
        software_reset_by_control_fis,
        machine_reset_cancels_then_unmaps_then_clears,
        interrupt_by_pin,
        cleared_in_the_wrong_order,
        masked_bits_do_not_interrupt,
        interrupt_by_message,
        start_rules,
        stop_takes_commands_back,
        command_list_override,
        bus_master_off,
        hot_plug,
        hot_unplug_in_the_middle,
        unplugged_while_offline,
        presence_detection,
        faults_of_the_link,
    };
    TCase *tcase = tcase_create("ahci");
    tcase_add_checked_fixture(tcase, NULL, teardown);
    for (size_t i = 0; i < ARRAY_COUNT(tests); i++) tcase_add_test(tcase, tests[i]);
    return rig_run_suite("ahci", tcase);
}
