# Tests and benchmarks; included by the top Makefile.
#
#   tests/unit/test_*.c     one Check program each; other .c files there are shared fixtures
#   tests/guests            programs and disk images that run inside
#   tests/cli, tests/gdb    scripts that drive build/vitrine from outside

include tests/guests/guests.mk
include tests/fuzz/fuzz.mk
include tests/cross.mk

CHECK_CFLAGS = $(shell pkg-config --cflags check 2>/dev/null)
CHECK_LIBS   = $(shell pkg-config --libs check 2>/dev/null)

UNIT_SOURCES  := $(wildcard tests/unit/test_*.c)
UNIT_FIXTURES := $(filter-out $(UNIT_SOURCES),$(wildcard tests/unit/*.c))
UNIT_TESTS    := $(UNIT_SOURCES:%.c=$(B)/%)

$(B)/tests/unit/%.o: CPPFLAGS += $(CHECK_CFLAGS)
$(UNIT_TESTS): $(B)/tests/unit/%: $(B)/tests/unit/%.o $(UNIT_FIXTURES:%.c=$(B)/%.o) $(B)/libvitrine.a
	$(CC) $(CFLAGS) $(LDFLAGS) $(UNIT_LDFLAGS) -o $@ $^ $(LDLIBS) $(CHECK_LIBS)
$(B)/tests/unit/test_dma: UNIT_LDFLAGS := -Wl,--wrap=calloc
.SECONDARY: $(UNIT_SOURCES:%.c=$(B)/%.o) $(UNIT_FIXTURES:%.c=$(B)/%.o)

BENCH_SOURCES := $(wildcard tests/bench/bench_*.c)
BENCHES       := $(BENCH_SOURCES:%.c=$(B)/%)
$(BENCHES): $(B)/tests/bench/%: $(B)/tests/bench/%.o $(B)/tests/unit/cpu_fixture.o $(B)/libvitrine.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
.SECONDARY: $(BENCH_SOURCES:%.c=$(B)/%.o)

-include $(UNIT_SOURCES:%.c=$(B)/%.d) $(UNIT_FIXTURES:%.c=$(B)/%.d) $(BENCH_SOURCES:%.c=$(B)/%.d)

.PHONY: unit benches
unit: $(UNIT_TESTS)
benches: $(BENCHES)

# Unit tests run instrumented; guests run on the real build.
test-unit:
	@$(MAKE) --no-print-directory SANITIZE=address,undefined unit
	@sh tests/run-unit.sh $(TOP)/sanitize/tests/unit

test-guests: $(B)/vitrine guests
	@VITRINE=$(B)/vitrine bash tests/run-guests.sh

test-now: $(B)/vitrine guests $(B)/tests/silicon/silicon
	@bash tests/run-all.sh

# What takes too long for every day: full products, ten million operations on memory, long fuzzing.
.PHONY: test-long
test-long: $(B)/vitrine guests $(B)/tests/silicon/silicon
	$(B)/tests/silicon/silicon --cases 2000000 --seed 7
	@VITRINE=$(B)/vitrine bash tests/linux/run.sh long
	@VITRINE=$(B)/vitrine bash tests/linux/disks.sh long
	@$(MAKE) --no-print-directory SANITIZE=address,undefined unit
	SNAPSHOT_INSTANTS=40 $(TOP)/sanitize/tests/unit/test_snapshot
	VITRINE=$(B)/vitrine bash tests/linux/snapshots.sh 200
	MODEL_OPERATIONS=10000000 $(TOP)/sanitize/tests/unit/test_memory_model
	POWER_CUTS=1000 $(TOP)/sanitize/tests/unit/test_power_cut
	@VITRINE=$(B)/vitrine bash tests/power-cut.sh 400
	@$(MAKE) --no-print-directory fuzz-long

bench: $(B)/vitrine guests benches
	@VITRINE=$(B)/vitrine bash tests/bench/bench.sh

# The differential tester against the host's own processor; the plain build, as sanitizers take its low memory.
SILICON_SOURCES := $(wildcard tests/silicon/*.c)
$(B)/tests/silicon/silicon: $(SILICON_SOURCES:%.c=$(B)/%.o) $(B)/libvitrine.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
-include $(SILICON_SOURCES:%.c=$(B)/%.d)

# The same guests in Vitrine and in whichever peers are installed, side by side in one run.
.PHONY: bench-peers
bench-peers: $(B)/vitrine guests
	@VITRINE=$(B)/vitrine bash tests/bench/bench-peers.sh
	@VITRINE=$(B)/vitrine bash tests/bench/bench-peers-disk.sh
