# Fuzz tests; included by tests/tests.mk.
#
#   make fuzz               the harnesses with the sanitizers, in build/sanitize/tests/fuzz/
#   make test-fuzz          each of them for a few seconds
#   make fuzz-long          each of them for five minutes, and fuzz-guided
#   make fuzz-guided        a million cases of the memory layer, led by coverage
#   make fuzz-libfuzzer     the same surfaces for libFuzzer, in build/libfuzzer/sanitize/tests/fuzz/ (needs clang)

FUZZ_SURFACES := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_PROGRAMS := $(FUZZ_SURFACES:%.c=$(B)/%)
FUZZ_OBJECTS  := $(FUZZ_SURFACES:%.c=$(B)/%.o) $(B)/tests/fuzz/driver.o
FUZZ_DRIVER   := $(if $(LIBFUZZER),,$(B)/tests/fuzz/driver.o)

$(FUZZ_PROGRAMS): $(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(FUZZ_DRIVER) $(B)/tests/unit/cpu_fixture.o $(B)/libvitrine.a
	$(CC) $(CFLAGS) $(LDFLAGS) $(if $(LIBFUZZER),-fsanitize=fuzzer) -o $@ $^ $(LDLIBS)
.SECONDARY: $(FUZZ_OBJECTS)

.PHONY: fuzz fuzz-programs fuzz-libfuzzer test-fuzz fuzz-long fuzz-guided
fuzz-programs: $(FUZZ_PROGRAMS)
fuzz:
	@$(MAKE) --no-print-directory SANITIZE=address,undefined fuzz-programs
fuzz-libfuzzer:
	@$(MAKE) --no-print-directory CC=clang TOP=$(TOP)/libfuzzer SANITIZE=address,undefined,fuzzer-no-link LIBFUZZER=1 \
	    fuzz-programs
test-fuzz: fuzz
	@sh tests/fuzz/run.sh $(TOP)/sanitize/tests/fuzz
fuzz-long: fuzz
	@sh tests/fuzz/run.sh --long $(TOP)/sanitize/tests/fuzz
	@$(MAKE) --no-print-directory fuzz-guided
fuzz-guided:
	@sh tests/fuzz/guided.sh $(TOP)

-include $(FUZZ_OBJECTS:.o=.d)
