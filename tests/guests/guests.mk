# SPDX-License-Identifier: MIT
# Small guests for tests and benchmarks.  Included by the top Makefile, after guests/guests.mk, whose variables it uses.
#
# Boot sectors become build/tests/guests/*.img, Multiboot kernels (started with -kernel) build/tests/guests/*.elf.

TEST_GUEST_DIR := $(B)/tests/guests

TEST_BOOT_SECTORS := int10 empty echo halt spin reboot reboot-92 reboot-8042 reboot-triple
TEST_KERNELS := triple
TEST_C_KERNELS := writefail bench_int bench_mem bench_branch bench_irq bench_disk
TEST_GUEST_LIB := $(addprefix $(TEST_GUEST_DIR)/obj/,start.o runtime.o disk.o)

TEST_GUEST_IMAGES := $(TEST_BOOT_SECTORS:%=$(TEST_GUEST_DIR)/%.img) \
    $(TEST_KERNELS:%=$(TEST_GUEST_DIR)/%.elf) $(TEST_C_KERNELS:%=$(TEST_GUEST_DIR)/%.elf)

.PHONY: test-guest-images
test-guest-images: $(TEST_GUEST_IMAGES)
guests: test-guest-images

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

-include $(wildcard $(TEST_GUEST_DIR)/obj/*.d)
.SECONDARY: $(TEST_BOOT_SECTORS:%=$(TEST_GUEST_DIR)/obj/%.o)
