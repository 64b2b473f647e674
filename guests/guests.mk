# SPDX-License-Identifier: MIT
# The programs that run inside Vitrine.  Included by the top Makefile, before tests/guests/guests.mk.
#
# Only gcc and binutils are needed, no 32-bit C library.  On hosts that are no x86: CROSS_GUEST=i686-linux-gnu-

B ?= build
CROSS_GUEST ?=
GUEST_CC ?= $(CROSS_GUEST)gcc
GUEST_LD ?= $(CROSS_GUEST)ld
GUEST_OBJCOPY ?= $(CROSS_GUEST)objcopy

GUEST_ARCH := -m32 -march=i686
GUEST_CFLAGS := $(GUEST_ARCH) -std=gnu11 -Wall -Wextra -g -ffreestanding -nostdlib -fno-pic -fno-pie \
    -fno-stack-protector -fno-asynchronous-unwind-tables -fno-strict-aliasing -fno-omit-frame-pointer \
    -fno-tree-loop-distribute-patterns -fcf-protection=none -mno-sse -mno-mmx -mno-80387 -msoft-float -MMD -MP
GUEST_ASFLAGS := $(GUEST_ARCH) -g -Wa,--noexecstack -MMD -MP
GUEST_LDFLAGS := -m elf_i386 -nostdlib -static --build-id=none -z noexecstack -z max-page-size=0x1000

.PHONY: guests
guests: $(B)/guests/demo.img $(B)/guests/demo.elf $(B)/guests/swiotlb.elf $(B)/guests/ahci.elf $(B)/guests/idebench.elf

# --- the demo ---------------------------------------------------------------------------------------------------------

DEMO_SOURCES := start.S interrupt_stubs.S main.c console.c disk_checks.c ide_dma.c interrupts.c lib.c pair_checks.c \
    paging.c pci.c power.c scatter.c timer.c
DEMO_OBJECTS := $(patsubst %,$(B)/guests/demo/%.o,$(basename $(DEMO_SOURCES)))

$(B)/guests/demo/%.o: guests/demo/%.c
	@mkdir -p $(@D)
	$(GUEST_CC) $(GUEST_CFLAGS) -Og -c -o $@ $<

$(B)/guests/demo/%.o: guests/demo/%.S
	@mkdir -p $(@D)
	$(GUEST_CC) $(GUEST_ASFLAGS) -c -o $@ $<

$(B)/guests/demo.elf: $(DEMO_OBJECTS) guests/demo/demo.ld
	$(GUEST_LD) $(GUEST_LDFLAGS) -T guests/demo/demo.ld -o $@ $(DEMO_OBJECTS)

$(B)/guests/demo/kernel.bin: $(B)/guests/demo.elf
	$(GUEST_OBJCOPY) -O binary $< $@

$(B)/guests/demo/boot.bin: $(B)/guests/demo/boot.o
	$(GUEST_LD) $(GUEST_LDFLAGS) -Ttext=0x7c00 -e boot --oformat binary -o $@ $<

$(B)/guests/mkdisk: guests/tools/mkdisk.c guests/demo/disk_layout.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -Wall -Wextra -o $@ $<

$(B)/guests/demo.img: $(B)/guests/mkdisk $(B)/guests/demo/boot.bin $(B)/guests/demo/kernel.bin
	$(B)/guests/mkdisk $@ $(B)/guests/demo/boot.bin $(B)/guests/demo/kernel.bin

# --- the swiotlb exerciser: shares what of the demo is no check -------------------------------------------------------

SWIOTLB_OBJECTS := $(patsubst %.c,$(B)/guests/swiotlb/%.o,$(notdir $(wildcard guests/swiotlb/*.c))) \
    $(addprefix $(B)/guests/demo/,start.o interrupt_stubs.o console.o ide_dma.o interrupts.o lib.o pci.o power.o timer.o)

$(B)/guests/swiotlb/%.o: guests/swiotlb/%.c
	@mkdir -p $(@D)
	$(GUEST_CC) $(GUEST_CFLAGS) -I. -O2 -c -o $@ $<

$(B)/guests/swiotlb.elf: $(SWIOTLB_OBJECTS) guests/demo/demo.ld
	$(GUEST_LD) $(GUEST_LDFLAGS) -T guests/demo/demo.ld -o $@ $(SWIOTLB_OBJECTS)

# --- the AHCI exerciser, likewise -------------------------------------------------------------------------------------

AHCI_OBJECTS := $(patsubst %.c,$(B)/guests/ahci/%.o,$(notdir $(wildcard guests/ahci/*.c))) \
    $(addprefix $(B)/guests/demo/,start.o interrupt_stubs.o console.o interrupts.o lib.o pci.o power.o timer.o)

$(B)/guests/ahci/%.o: guests/ahci/%.c
	@mkdir -p $(@D)
	$(GUEST_CC) $(GUEST_CFLAGS) -I. -O2 -c -o $@ $<

$(B)/guests/ahci.elf: $(AHCI_OBJECTS) guests/demo/demo.ld
	$(GUEST_LD) $(GUEST_LDFLAGS) -T guests/demo/demo.ld -o $@ $(AHCI_OBJECTS)

# --- the IDE benchmark, likewise --------------------------------------------------------------------------------------

IDEBENCH_OBJECTS := $(patsubst %.c,$(B)/guests/idebench/%.o,$(notdir $(wildcard guests/idebench/*.c))) \
    $(addprefix $(B)/guests/demo/,start.o interrupt_stubs.o console.o ide_dma.o interrupts.o lib.o pci.o power.o timer.o)

$(B)/guests/idebench/%.o: guests/idebench/%.c
	@mkdir -p $(@D)
	$(GUEST_CC) $(GUEST_CFLAGS) -I. -O2 -c -o $@ $<

$(B)/guests/idebench.elf: $(IDEBENCH_OBJECTS) guests/demo/demo.ld
	$(GUEST_LD) $(GUEST_LDFLAGS) -T guests/demo/demo.ld -o $@ $(IDEBENCH_OBJECTS)

-include $(IDEBENCH_OBJECTS:.o=.d) $(AHCI_OBJECTS:.o=.d) $(SWIOTLB_OBJECTS:.o=.d) $(DEMO_OBJECTS:.o=.d) $(B)/guests/demo/boot.d
