# SPDX-License-Identifier: MIT
# Small guests for tests and benchmarks.  Included by the top Makefile, after guests/guests.mk, whose variables it uses.
#
# Boot sectors become build/tests/guests/*.img, Multiboot kernels (started with -kernel) build/tests/guests/*.elf.

TEST_GUEST_DIR := $(B)/tests/guests

TEST_BOOT_SECTORS := int10 empty echo halt spin reboot reboot-92 reboot-8042 reboot-triple
TEST_KERNELS := triple
TEST_C_KERNELS := writefail powercut bench_int bench_mem bench_branch bench_irq bench_disk
TEST_SYSTEM_KERNELS := system_protected system_paging system_tasks system_traps system_v86 smp_hammer
TEST_GUEST_LIB := $(addprefix $(TEST_GUEST_DIR)/obj/,start.o runtime.o disk.o)

TEST_GUEST_IMAGES := $(TEST_BOOT_SECTORS:%=$(TEST_GUEST_DIR)/%.img) \
    $(TEST_KERNELS:%=$(TEST_GUEST_DIR)/%.elf) $(TEST_C_KERNELS:%=$(TEST_GUEST_DIR)/%.elf) \
    $(TEST_GUEST_DIR)/bench_peers.img

.PHONY: test-guest-images
test-guest-images: $(TEST_GUEST_IMAGES)
guests: test-guest-images

# One disk for all rows of tests/bench/bench-peers.sh, which writes the row's name into a copy: the demo's boot sector, and
# a flat kernel of at most 32 KiB (bench_peers.c). Its size is whole cylinders of 16 heads and 63 sectors.
PEERS_OBJECTS := $(addprefix $(TEST_GUEST_DIR)/obj/,start.o bench_peers.o bench_peers_code.o bench_peers_system.o \
    bench_peers_x87.o runtime.o)

$(TEST_GUEST_DIR)/bench_peers.elf: $(PEERS_OBJECTS) tests/guests/lib/guest.ld
	$(GUEST_LD) $(GUEST_LDFLAGS) -T tests/guests/lib/guest.ld -o $@ $(PEERS_OBJECTS)

$(TEST_GUEST_DIR)/bench_peers.img: $(TEST_GUEST_DIR)/bench_peers.elf $(B)/guests/demo/boot.bin
	$(GUEST_OBJCOPY) -O binary $< $@.kernel
	@test $$(wc -c <$@.kernel) -le 32768 || { echo "bench_peers: the kernel is too large"; exit 1; }
	cat $(B)/guests/demo/boot.bin $@.kernel >$@
	@rm $@.kernel
	@truncate -s 2064384 $@

# The ways of resetting that reboot.S knows.
$(TEST_GUEST_DIR)/obj/reboot-92.o: TEST_GUEST_DEFINES := -DPATCH_BYTE=1
$(TEST_GUEST_DIR)/obj/reboot-8042.o: TEST_GUEST_DEFINES := -DPATCH_BYTE=2
$(TEST_GUEST_DIR)/obj/reboot-triple.o: TEST_GUEST_DEFINES := -DPATCH_BYTE=3
$(TEST_GUEST_DIR)/obj/reboot-%.o: tests/guests/reboot.S
	@mkdir -p $(@D)
	$(GUEST_CC) $(GUEST_ASFLAGS) $(TEST_GUEST_DEFINES) -c -o $@ $<

$(TEST_GUEST_DIR)/obj/%.o: tests/guests/%.S
	@mkdir -p $(@D)
	$(GUEST_CC) $(GUEST_ASFLAGS) -c -o $@ $<

$(TEST_GUEST_DIR)/obj/%.o: tests/guests/lib/%.S
	@mkdir -p $(@D)
	$(GUEST_CC) $(GUEST_ASFLAGS) -c -o $@ $<

$(TEST_GUEST_DIR)/obj/%.o: tests/guests/%.c
	@mkdir -p $(@D)
	$(GUEST_CC) $(GUEST_CFLAGS) -O2 -c -o $@ $<

$(TEST_GUEST_DIR)/obj/%.o: tests/guests/lib/%.c
	@mkdir -p $(@D)
	$(GUEST_CC) $(GUEST_CFLAGS) -O2 -c -o $@ $<

$(TEST_BOOT_SECTORS:%=$(TEST_GUEST_DIR)/%.img): $(TEST_GUEST_DIR)/%.img: $(TEST_GUEST_DIR)/obj/%.o
	$(GUEST_LD) $(GUEST_LDFLAGS) -Ttext=0x7c00 -e boot --oformat binary -o $@ $<

$(TEST_KERNELS:%=$(TEST_GUEST_DIR)/%.elf): $(TEST_GUEST_DIR)/%.elf: $(TEST_GUEST_DIR)/obj/%.o tests/guests/lib/guest.ld
	$(GUEST_LD) $(GUEST_LDFLAGS) -T tests/guests/lib/guest.ld -o $@ $<

$(TEST_C_KERNELS:%=$(TEST_GUEST_DIR)/%.elf): $(TEST_GUEST_DIR)/%.elf: $(TEST_GUEST_DIR)/obj/%.o $(TEST_GUEST_LIB) \
    tests/guests/lib/guest.ld
	$(GUEST_LD) $(GUEST_LDFLAGS) -T tests/guests/lib/guest.ld -o $@ $(filter %.o,$^)

# What the CPU does according to the manual, and several of them: run by tests/system.sh.
TEST_SYSTEM_LIB := $(addprefix $(TEST_GUEST_DIR)/obj/,start.o system_disk.o runtime.o check.o)
$(TEST_GUEST_DIR)/smp_hammer.elf: $(addprefix $(TEST_GUEST_DIR)/obj/,smp.o ap_start.o smp_hammer_entry.o)
$(TEST_GUEST_DIR)/system_traps.elf: $(addprefix $(TEST_GUEST_DIR)/obj/,system_traps_entry.o smp.o ap_start.o)
$(TEST_GUEST_DIR)/system_protected.elf: $(TEST_GUEST_DIR)/obj/system_protected_entry.o
$(TEST_GUEST_DIR)/system_tasks.elf: $(TEST_GUEST_DIR)/obj/system_tasks_entry.o
$(TEST_GUEST_DIR)/system_v86.elf: $(TEST_GUEST_DIR)/obj/system_v86_vme.o
$(patsubst %,$(TEST_GUEST_DIR)/%.elf,$(filter system_%,$(TEST_SYSTEM_KERNELS))): \
    $(addprefix $(TEST_GUEST_DIR)/obj/,traps.o traps_entry.o)
test-guest-images: $(TEST_SYSTEM_KERNELS:%=$(TEST_GUEST_DIR)/%.elf)
$(TEST_SYSTEM_KERNELS:%=$(TEST_GUEST_DIR)/%.elf): $(TEST_GUEST_DIR)/%.elf: $(TEST_GUEST_DIR)/obj/%.o \
    $(TEST_SYSTEM_LIB) tests/guests/lib/guest.ld
	$(GUEST_LD) $(GUEST_LDFLAGS) -T tests/guests/lib/guest.ld -o $@ $(filter %.o,$^)

# The same on disks, for emulators that cannot load Multiboot kernels.
TEST_SYSTEM_DISKS := $(TEST_SYSTEM_KERNELS:%=$(TEST_GUEST_DIR)/%-disk.img)
test-guest-images: $(TEST_SYSTEM_DISKS)
$(TEST_SYSTEM_DISKS): $(TEST_GUEST_DIR)/%-disk.img: $(TEST_GUEST_DIR)/%.elf $(B)/guests/demo/boot.bin
	$(GUEST_OBJCOPY) -O binary $< $@.kernel
	cat $(B)/guests/demo/boot.bin $@.kernel >$@
	@rm $@.kernel
	@truncate -s 2064384 $@

# A program for the Linux guest of tests/linux/disks.sh.
test-guest-images: $(TEST_GUEST_DIR)/disktool
$(TEST_GUEST_DIR)/disktool: $(TEST_GUEST_DIR)/obj/disktool.o
	$(GUEST_LD) $(GUEST_LDFLAGS) -o $@ $<

-include $(wildcard $(TEST_GUEST_DIR)/obj/*.d)
.SECONDARY: $(TEST_BOOT_SECTORS:%=$(TEST_GUEST_DIR)/obj/%.o)
