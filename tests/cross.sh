#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The unit tests on other hosts: big-endian s390x, and aarch64. `cross.sh [--quick] DIR [ARCH...]`
#
# They are built with Debian's cross compilers into DIR/ARCH/build, linked statically, and run under qemu-user, two at
# a time, longest first. The test library comes as the foreign architecture's own packages, unpacked into
# DIR/ARCH/root: no architecture is added to the system. CROSS_TESTS="test_pci test_space" narrows the run down.
#
# --quick, for `make test`: the programs where byte order, alignment and the width of numbers matter, all of them on
# s390x, some on aarch64. Where the packages cannot be had it says so in a line, and is no failure.
#
# A closer look: qemu-s390x-static DIR/s390x/build/tests/unit/test_pci, with CK_FORK=no for a debugger.
set -u
cd "$(dirname "$0")/.." || exit 1
quick=
if [ "$1" = --quick ]; then quick=1; shift; fi
mkdir -p "$1" && dir=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- s390x aarch64

# What cannot run there, with the reason: `HOST TEST WHY`; HOST may be `any`. A whole program is left out, and said so.
LEFT_OUT=""

# Parts that a program leaves out by itself, because only an x86 host has what they compare with: `TEST WHAT`.
X86_HOST_ONLY="
test_float80 operations and conversions against the host's x87; its recorded cases run
test_x87 instructions against the host's x87; what silicon once answered is recorded, and runs"

# --quick: what keeps bytes for others to read (memory, registers, tables, disks, saved machines), and numbers.
QUICK="test_acpi_tables test_ata test_block test_board test_cpu_data test_cpu_paging test_cpu_system test_cpu_task
test_dma test_dma_mask test_float80 test_fw_cfg test_gdb_wire test_hpet test_i440fx test_i8254 test_ide test_ide_dma
test_ioapic test_iommu test_iov test_kernel_loader test_lapic test_memory_model test_ns16550a test_packet test_pci
test_piix3 test_region test_snapshot test_space test_state test_store test_stream test_trace test_transfer test_vga
test_waiter test_x87 test_x87_system"
QUICK_AARCH64="test_dma test_float80 test_ide_dma test_memory_model test_packet test_snapshot test_space test_state
test_x87"

# The longest first, so that two at a time end together.
LONGEST="test_stream test_transfer test_waiter test_cpu_engine test_ide_dma"

# The programs for ARCH, with what CROSS_TESTS or --quick leave.
wanted_tests() {
    local source name only=${CROSS_TESTS-}
    [ -z "$quick" ] || { if [ "$1" = aarch64 ]; then only=$QUICK_AARCH64; else only=$QUICK; fi; }
    for source in tests/unit/test_*.c; do
        name=$(basename "$source" .c)
        [ -z "$only" ] || grep -qw "$name" <<<"$only" || continue
        echo "$name"
    done
}

gnu_name() { echo "$1-linux-gnu"; }
debian_name() { [ "$1" = aarch64 ] && echo arm64 || echo "$1"; }

# See to the compilers and to qemu-user; as in scripts/deps.sh, silent when all is there.
install_tools() {
    local wanted="qemu-user-static make" missing="" arch package
    for arch; do
        wanted="$wanted gcc-$(gnu_name "$arch") libc6-dev-$(debian_name "$arch")-cross"
    done
    for package in $wanted; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
            missing="$missing $package"
    done
    [ -z "$missing" ] && return
    if [ "$(id -u)" != 0 ]; then
        echo "cross: these packages are missing; type:  sudo apt-get install$missing" >&2
        return 1
    fi
    echo "cross: installing$missing"
    # shellcheck disable=SC2086
    if ! {
        apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
    } >"$dir/install.log" 2>&1 </dev/null; then
        cat "$dir/install.log" >&2
        return 1
    fi
}

# Check and what it needs, for ARCH, with package lists of our own: `fetch_check ARCH`.
fetch_check() {
    local there=$dir/$1 debian
    debian=$(debian_name "$1")
    [ -e "$there/root/done" ] && return
    rm -rf "$there/root" "$there/apt"
    mkdir -p "$there/apt/state/lists/partial" "$there/apt/cache/archives/partial" "$there/apt/packages" "$there/root"
    : >"$there/apt/status"
    local apt=(-o APT::Architecture="$debian" -o APT::Architectures="$debian" -o APT::Sandbox::User=root -qq
        -o Dir::State="$there/apt/state" -o Dir::State::status="$there/apt/status" -o Dir::Cache="$there/apt/cache")
    # A list that one mirror lacks is no reason to stop: what counts is that the packages come.
    apt-get "${apt[@]}" update >"$there/apt/log" 2>&1
    if ! (cd "$there/apt/packages" && apt-get "${apt[@]}" download check libsubunit0 libsubunit-dev >>../log 2>&1); then
        cat "$there/apt/log" >&2
        echo "cross: check and libsubunit for $debian cannot be had" >&2
        return 1
    fi
    local package
    for package in "$there"/apt/packages/*.deb; do dpkg-deb -x "$package" "$there/root" || return 1; done
    rm -rf "$there/apt"
    touch "$there/root/done"
}

# The host's own headers are not this machine's: only the cross library's are looked at, so that optional libraries stay
# out.
build_tests() {
    local gnu root=$dir/$1/root name targets=() ccache=
    gnu=$(gnu_name "$1")
    command -v ccache >/dev/null && ccache="ccache "
    for name in $(wanted_tests "$1"); do targets+=("$dir/$1/build/tests/unit/$name"); done
    env -u MAKEFLAGS -u MFLAGS make -s -j2 TOP="$dir/$1/build" SANITIZE= DEBUG= AR="$gnu-ar" \
        CC="$ccache$gnu-gcc -nostdinc -isystem $("$gnu-gcc" -print-file-name=include) -isystem /usr/$gnu/include" \
        CFLAGS=-g1 OPTIMISE=-O1 LDFLAGS=-static LDLIBS=-lm CHECK_CFLAGS="-I$root/usr/include" \
        CHECK_LIBS="-L$root/usr/lib/$gnu -lcheck -lsubunit -lrt -lpthread -lm" "${targets[@]}"
}

# What to run on ARCH, as lines "ARCH NAME"; what is left out is said on stderr.
list_tests() {
    local name why
    for name in $(wanted_tests "$1"); do
        why=$(sed -n "s/^\($1\|any\) $name //p" <<<"$LEFT_OUT")
        if [ -n "$why" ]; then echo "skip  $1 $name: $why" >&2; else echo "$1 $name"; fi
        why=$(sed -n "s/^$name //p" <<<"$X86_HOST_ONLY")
        [ -z "$why" ] || echo "part  $1 $name leaves out: $why" >&2
    done
}

# Lines "ARCH NAME" with all hosts' long tests before all short ones.
longest_first() {
    awk -v longest="$LONGEST" '
        BEGIN { n = split(longest, names); for (i = 1; i <= n; i++) rank[names[i]] = i }
        { print ($2 in rank ? rank[$2] : n + 1), $0 }' | sort -s -n -k1,1 | cut -d' ' -f2-
}

# One program under qemu-user: `run_test ARCH NAME`.
run_test() {
    local log=$dir/$1/logs/$2 start=$SECONDS
    if "qemu-$1-static" "$dir/$1/build/tests/unit/$2" >"$log" 2>&1 && grep -q '^100%: Checks: [1-9]' "$log"; then
        echo "ok    $1 $2: $(grep -m1 '^[0-9]*%:' "$log"), $((SECONDS - start)) s"
        touch "$dir/$1/logs/passed.$2"
    else
        echo "FAIL  $1 $2"
        cat "$log"
    fi
}

# What cannot be had is a failure, but for `make test`, which has done what it could.
not_to_be_had() {
    echo "cross: not run: the cross compilers, qemu-user or the foreign test library cannot be had here"
    [ -n "$quick" ]
    exit
}

install_tools "$@" || not_to_be_had
for arch; do fetch_check "$arch" & done
wait
for arch; do [ -e "$dir/$arch/root/done" ] || not_to_be_had; done
for arch; do
    rm -rf "$dir/$arch/logs"
    mkdir -p "$dir/$arch/logs"
    if ! build_tests "$arch" >"$dir/$arch/build.log" 2>&1; then
        tail -n 40 "$dir/$arch/build.log"
        echo "cross: $arch could not be built"
        exit 1
    fi
done

[ -z "$quick" ] || export MODEL_OPERATIONS=${MODEL_OPERATIONS-20000}
export dir CK_TIMEOUT_MULTIPLIER=5 # emulation is slow
export -f run_test
for arch; do list_tests "$arch"; done | longest_first >"$dir/list"
xargs -P 2 -L 1 bash -c 'run_test "$@"' bash <"$dir/list"

passed=0
for arch; do passed=$((passed + $(find "$dir/$arch/logs" -name 'passed.*' | wc -l))); done
failed=$(($(wc -l <"$dir/list") - passed))
echo "cross: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
