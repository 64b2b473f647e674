/* SPDX-License-Identifier: MIT */
/*
 * DSDT of the board: what an ACPI operating system is told of the 440FX PC (docs/board.md is the same map for people).
 * Specification: Advanced Configuration and Power Interface 2.0.
 *
 * The first three names are set by emu/board/acpi_tables.c for the machine at hand. Firmware looks for devices in here too,
 * without an interpreter: objects that it needs (_HID, _CRS of ISA devices) are plain names, and nothing is declared
 * External.
 */
DefinitionBlock ("dsdt.aml", "DSDT", 1, "VITRIN", "440FX", 1)
{
    Name (NCPU, 0xFF)        // how many CPUs there are
    Name (ISAD, 0xFF)        // ISA devices that are there: bits 0-3 COM1-COM4, 4 PS/2 mouse
    Name (PCIM, 0xE0000000)  // where PCI memory below the I/O APIC begins

    // Soft off is the only sleep: SLP_TYP 0 (82371AB, 7.2.3).
    Name (\_S5, Package () { 0, 0, 0, 0 })

    Scope (\_SB)
    {
#define CPU(NAME, NUMBER)                                           \
        Device (NAME)                                               \
        {                                                           \
            Name (_HID, "ACPI0007")                                 \
            Name (_UID, NUMBER)                                     \
            Method (_STA, 0)                                        \
            {                                                       \
                If (LLess (NUMBER, NCPU)) { Return (0x0F) }         \
                Return (0)                                          \
            }                                                       \
        }
        CPU (CPU0, 0)
        CPU (CPU1, 1)
        CPU (CPU2, 2)
        CPU (CPU3, 3)
        CPU (CPU4, 4)
        CPU (CPU5, 5)
        CPU (CPU6, 6)
        CPU (CPU7, 7)

        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_UID, 0)
            Name (_BBN, 0)
            Name (WINS, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode, 0, 0, 0xFF, 0, 0x100)
                IO (Decode16, 0x0CF8, 0x0CF8, 1, 8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, 0x0000, 0x0CF7, 0, 0x0CF8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, 0x0D00, 0xFFFF, 0, 0xF300)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
                             0, 0x000A0000, 0x000BFFFF, 0, 0x00020000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                             0, 0xE0000000, 0xFEBFFFFF, 0, 0x1EC00000, , , PMEM)
            })
            Method (_CRS, 0)
            {
                CreateDWordField (WINS, ^PMEM._MIN, PMIN)
                CreateDWordField (WINS, ^PMEM._MAX, PMAX)
                CreateDWordField (WINS, ^PMEM._LEN, PLEN)
                Store (PCIM, PMIN)
                Add (Subtract (PMAX, PMIN), 1, PLEN)
                Return (WINS)
            }

            // INTA#-INTD# of a device in slot n go to PIRQA#-PIRQD#, rotated by n - 1. Slot 1 holds the PIIX, whose
            // power management function has the SCI of its own in the place of INTA#.
#define SLOT(N, A, B, C, D)                                         \
                Package () { N##FFFF, 0, A, 0 },                    \
                Package () { N##FFFF, 1, B, 0 },                    \
                Package () { N##FFFF, 2, C, 0 },                    \
                Package () { N##FFFF, 3, D, 0 }
            Name (_PRT, Package ()
            {
                SLOT (0x0000, LNKD, LNKA, LNKB, LNKC),
                SLOT (0x0001, LNKS, LNKB, LNKC, LNKD),
                SLOT (0x0002, LNKB, LNKC, LNKD, LNKA),
                SLOT (0x0003, LNKC, LNKD, LNKA, LNKB),
                SLOT (0x0004, LNKD, LNKA, LNKB, LNKC),
                SLOT (0x0005, LNKA, LNKB, LNKC, LNKD),
                SLOT (0x0006, LNKB, LNKC, LNKD, LNKA),
                SLOT (0x0007, LNKC, LNKD, LNKA, LNKB),
                SLOT (0x0008, LNKD, LNKA, LNKB, LNKC),
                SLOT (0x0009, LNKA, LNKB, LNKC, LNKD),
                SLOT (0x000A, LNKB, LNKC, LNKD, LNKA),
                SLOT (0x000B, LNKC, LNKD, LNKA, LNKB),
                SLOT (0x000C, LNKD, LNKA, LNKB, LNKC),
                SLOT (0x000D, LNKA, LNKB, LNKC, LNKD),
                SLOT (0x000E, LNKB, LNKC, LNKD, LNKA),
                SLOT (0x000F, LNKC, LNKD, LNKA, LNKB),
                SLOT (0x0010, LNKD, LNKA, LNKB, LNKC),
                SLOT (0x0011, LNKA, LNKB, LNKC, LNKD),
                SLOT (0x0012, LNKB, LNKC, LNKD, LNKA),
                SLOT (0x0013, LNKC, LNKD, LNKA, LNKB),
                SLOT (0x0014, LNKD, LNKA, LNKB, LNKC),
                SLOT (0x0015, LNKA, LNKB, LNKC, LNKD),
                SLOT (0x0016, LNKB, LNKC, LNKD, LNKA),
                SLOT (0x0017, LNKC, LNKD, LNKA, LNKB),
                SLOT (0x0018, LNKD, LNKA, LNKB, LNKC),
                SLOT (0x0019, LNKA, LNKB, LNKC, LNKD),
                SLOT (0x001A, LNKB, LNKC, LNKD, LNKA),
                SLOT (0x001B, LNKC, LNKD, LNKA, LNKB),
                SLOT (0x001C, LNKD, LNKA, LNKB, LNKC),
                SLOT (0x001D, LNKA, LNKB, LNKC, LNKD),
                SLOT (0x001E, LNKB, LNKC, LNKD, LNKA),
                SLOT (0x001F, LNKC, LNKD, LNKA, LNKB)
            })

            // The ISA bridge, function 0 of the PIIX3, with the interrupt routers PIRQRCA-PIRQRCD (82371SB, 2.2.10).
            Device (ISA)
            {
                Name (_ADR, 0x00010000)
                OperationRegion (PIRQ, PCI_Config, 0x60, 0x04)
                Field (PIRQ, ByteAcc, NoLock, Preserve)
                {
                    PRQA, 8,
                    PRQB, 8,
                    PRQC, 8,
                    PRQD, 8
                }

                Device (RTC)
                {
                    Name (_HID, EisaId ("PNP0B00"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0070, 0x0070, 1, 2)
                        IRQNoFlags () { 8 }
                    })
                }
                Device (TIMR)
                {
                    Name (_HID, EisaId ("PNP0100"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0040, 0x0040, 1, 4)
                        IRQNoFlags () { 0 }
                    })
                }
                Device (PIC)
                {
                    Name (_HID, EisaId ("PNP0000"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0020, 0x0020, 1, 2)
                        IO (Decode16, 0x00A0, 0x00A0, 1, 2)
                        IO (Decode16, 0x04D0, 0x04D0, 1, 2)
                        IRQNoFlags () { 2 }
                    })
                }
                Device (FPU)
                {
                    Name (_HID, EisaId ("PNP0C04"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x00F0, 0x00F0, 1, 1)
                        IRQNoFlags () { 13 }
                    })
                }
                Device (SPKR)
                {
                    Name (_HID, EisaId ("PNP0800"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0061, 0x0061, 1, 1)
                    })
                }
                Device (KBD)
                {
                    Name (_HID, EisaId ("PNP0303"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0060, 0x0060, 1, 1)
                        IO (Decode16, 0x0064, 0x0064, 1, 1)
                        IRQNoFlags () { 1 }
                    })
                }
                Device (MOU)
                {
                    Name (_HID, EisaId ("PNP0F13"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IRQNoFlags () { 12 }
                    })
                    Method (_STA, 0)
                    {
                        If (And (ISAD, 0x10)) { Return (0x0F) }
                        Return (0)
                    }
                }
#define COM(NAME, NUMBER, PORT, INTERRUPT, PRESENT)                 \
                Device (NAME)                                       \
                {                                                   \
                    Name (_HID, EisaId ("PNP0501"))                 \
                    Name (_UID, NUMBER)                             \
                    Name (_CRS, ResourceTemplate ()                 \
                    {                                               \
                        IO (Decode16, PORT, PORT, 1, 8)             \
                        IRQNoFlags () { INTERRUPT }                 \
                    })                                              \
                    Method (_STA, 0)                                \
                    {                                               \
                        If (And (ISAD, PRESENT)) { Return (0x0F) }  \
                        Return (0)                                  \
                    }                                               \
                }
                COM (COM1, 1, 0x03F8, 4, 0x01)
                COM (COM2, 2, 0x02F8, 3, 0x02)
                COM (COM3, 3, 0x03E8, 4, 0x04)
                COM (COM4, 4, 0x02E8, 3, 0x08)
            }
        }

        // Places that no other device names: APM, port 92h, fw_cfg, power management and SMBus, GPE0, the APICs.
        Device (MBRD)
        {
            Name (_HID, EisaId ("PNP0C02"))
            Name (_UID, 1)
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x0080, 0x0080, 1, 0x10)
                IO (Decode16, 0x0092, 0x0092, 1, 1)
                IO (Decode16, 0x00B2, 0x00B2, 1, 2)
                IO (Decode16, 0x0510, 0x0510, 1, 0x0C)
                IO (Decode16, 0x0600, 0x0600, 1, 0x40)
                IO (Decode16, 0x0700, 0x0700, 1, 0x10)
                IO (Decode16, 0xAFE0, 0xAFE0, 1, 4)
                Memory32Fixed (ReadOnly, 0xFEC00000, 0x1000)
                Memory32Fixed (ReadOnly, 0xFEE00000, 0x1000)
            })
        }
        Device (HPET)
        {
            Name (_HID, EisaId ("PNP0103"))
            Name (_UID, 0)
            Name (_CRS, ResourceTemplate ()
            {
                Memory32Fixed (ReadOnly, 0xFED00000, 0x400)
            })
        }

        // Interrupt links. A router register holds an IRQ, or bit 7 for none. The IRQs are level-triggered and have the
        // same numbers at the 8259s and at the I/O APIC.
#define LINK(NAME, NUMBER, ROUTER)                                                              \
        Device (NAME)                                                                           \
        {                                                                                       \
            Name (_HID, EisaId ("PNP0C0F"))                                                     \
            Name (_UID, NUMBER)                                                                 \
            Name (_PRS, ResourceTemplate ()                                                     \
            {                                                                                   \
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }           \
            })                                                                                  \
            Method (_STA, 0)                                                                    \
            {                                                                                   \
                If (And (\_SB.PCI0.ISA.ROUTER, 0x80)) { Return (0x09) }                         \
                Return (0x0B)                                                                   \
            }                                                                                   \
            Method (_DIS, 0)                                                                    \
            {                                                                                   \
                Store (0x80, \_SB.PCI0.ISA.ROUTER)                                              \
            }                                                                                   \
            Method (_CRS, 0, Serialized)                                                        \
            {                                                                                   \
                Name (SET, ResourceTemplate ()                                                  \
                {                                                                               \
                    Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 0 }               \
                })                                                                              \
                CreateDWordField (SET, 0x05, IRQN)                                              \
                If (LNot (And (\_SB.PCI0.ISA.ROUTER, 0x80)))                                    \
                {                                                                               \
                    Store (And (\_SB.PCI0.ISA.ROUTER, 0x0F), IRQN)                              \
                }                                                                               \
                Return (SET)                                                                    \
            }                                                                                   \
            Method (_SRS, 1)                                                                    \
            {                                                                                   \
                CreateDWordField (Arg0, 0x05, IRQN)                                             \
                Store (IRQN, \_SB.PCI0.ISA.ROUTER)                                              \
            }                                                                                   \
        }
        LINK (LNKA, 0, PRQA)
        LINK (LNKB, 1, PRQB)
        LINK (LNKC, 2, PRQC)
        LINK (LNKD, 3, PRQD)

        // The SCI is IRQ 9 and nothing else.
        Device (LNKS)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 4)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 9 }
            })
            Name (_CRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 9 }
            })
            Method (_STA, 0) { Return (0x0B) }
            Method (_DIS, 0) { }
            Method (_SRS, 1) { }
        }
    }
}
