# The unit tests on other hosts, and the tests' own test; included by tests/tests.mk.
#
#   make test-cross      unit tests on big-endian s390x and on aarch64, under qemu-user
#   make test-mutants    guards of docs/lessons.md are taken out one by one: the test named there has to fail
#                        MUTANTS="12 37" takes these rows alone

.PHONY: test-cross test-mutants
test-cross:
	@bash tests/cross.sh $(TOP)/cross

test-mutants: $(B)/vitrine guests
	@bash tests/mutants/run.sh $(TOP)/mutants $(MUTANTS)
	@VITRINE=$(B)/vitrine bash tests/mutants/swiotlb.sh $(TOP)/mutants/swiotlb
