# Vitrine: build, run, test. No configure step; everything that is made lands in build/.
#
#   make              the program, build/vitrine
#   make run          sees to missing packages, builds, boots the demo twice
#   make test         sees to missing packages, builds, runs every test
#   make test-unit    unit tests alone, under AddressSanitizer and UBSan
#   make bench        what it costs: a table; make bench-peers: beside QEMU and Bochs
#   make install      into $(DESTDIR)$(PREFIX)
#
#   DEBUG=1                       no optimisation
#   SANITIZE=address,undefined    instrumented build, kept apart in build/sanitize
#   CROSS_GUEST=i686-linux-gnu-   compiler prefix for what runs inside, on hosts that are not x86

MAKEFLAGS += --no-builtin-rules

PREFIX  ?= /usr/local
CC      ?= cc
CFLAGS  ?= -g
VERSION := 0.1

TOP := build
ifdef SANITIZE
B := $(TOP)/sanitize
else ifdef DEBUG
B := $(TOP)/debug
else
B := $(TOP)
endif

OPTIMISE := $(if $(DEBUG),-O0,-O2)
override CFLAGS += -std=gnu11 $(OPTIMISE) -Wall -Wextra -Wmissing-prototypes -fno-strict-aliasing -MMD -MP
CPPFLAGS += -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DVITRINE_VERSION='"$(VERSION)"'
LDLIBS   += -lm
ifdef SANITIZE
override CFLAGS  += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
override LDFLAGS += -fsanitize=$(SANITIZE)
endif

# Optional libraries: what is not there turns its feature off, with one line. HEADER, NAME, -lNAME, PACKAGE, WITHOUT IT
define library
ifeq ($$(shell printf '\043include <$(1)>\nint main(void) { return 0; }\n' | \
    $$(CC) $$(LDFLAGS) -x c -o /dev/null - $(3) >/dev/null 2>&1 && echo yes),yes)
CPPFLAGS += -DHAVE_$(2)
LDLIBS   += $(3)
else ifneq ($$(filter clean deps run test,$$(MAKECMDGOALS)),$$(MAKECMDGOALS))
$$(info vitrine: $(4) is not installed: $(5))
endif
endef
$(eval $(call library,Zydis/Zydis.h,ZYDIS,-lZydis,libzydis-dev,reports show bytes instead of disassembly))
$(eval $(call library,liburing.h,LIBURING,-luring,liburing-dev,aio=io_uring does without))
$(eval $(call library,libnbd.h,LIBNBD,-lnbd,libnbd-dev,no disks by NBD))

ROOMS   := emu/core mem block net devices devices/bus devices/storage devices/platform devices/display \
           emu/cpu emu/board emu/debug emu/ui
SOURCES := $(wildcard $(addsuffix /*.c,$(ROOMS)))
OBJECTS := $(SOURCES:%.c=$(B)/%.o)

.PHONY: all run run-now test test-now test-unit test-guests bench install clean deps
all: $(B)/vitrine

$(B)/vitrine: $(B)/emu/main.o $(B)/libvitrine.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/libvitrine.a: $(OBJECTS)
	@rm -f $@
	$(AR) qcs $@ $^

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

include guests/guests.mk
include tests/tests.mk

run: ; @sh scripts/deps.sh run && $(MAKE) --no-print-directory run-now
test: ; @sh scripts/deps.sh test && $(MAKE) --no-print-directory test-now
deps: ; @sh scripts/deps.sh test

run-now: $(B)/vitrine guests
	@sh scripts/run-demo.sh $(B)/vitrine $(B)/guests/demo.img

install: $(B)/vitrine
	install -D -m 755 $(B)/vitrine $(DESTDIR)$(PREFIX)/bin/vitrine
	install -D -m 644 docs/vitrine.1 $(DESTDIR)$(PREFIX)/share/man/man1/vitrine.1

clean:
	rm -rf $(TOP)

-include $(OBJECTS:.o=.d) $(B)/emu/main.d
