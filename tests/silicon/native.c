/* SPDX-License-Identifier: MIT */
/*
 * Runs cases on the host's processor: a child process maps the world below 4 GiB and enters 32-bit mode by returning from a
 * signal handler whose saved context names a 32-bit code segment. The exception that ends the case calls the handler again,
 * which takes the result and returns into the next case: one signal per case.
 *
 * While a case's FS is loaded the C library's thread pointer is gone, so the handler and what it calls use neither the
 * library nor the stack protector.
 */
#include "tests/silicon/silicon.h"

/* AddressSanitizer keeps its own maps below 4 GiB, where nothing may be but the world. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(__x86_64__) && defined(__linux__) && !defined(SANITIZED)

#include <asm/ldt.h>
#include <cpuid.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include "emu/cpu/flags.h"

#define NO_TLS __attribute__((noinline, optimize("no-tree-loop-distribute-patterns"), no_stack_protector))
#if !defined(__clang__) && __GNUC__ < 11
#undef NO_TLS
#define NO_TLS __attribute__((noinline, optimize("no-tree-loop-distribute-patterns,no-stack-protector")))
#elif defined(__clang__)
#undef NO_TLS
#define NO_TLS __attribute__((noinline, no_stack_protector, no_builtin))
#endif

/* Shared by parent and child. */
struct shared {
    uint32_t count, done;
    bool running;
};
struct native {
    unsigned capacity;
    struct shared *shared;
    struct silicon_case *cases;
    struct silicon_result *results;
    uint8_t *fills; /* WINDOW_BYTES per case */
    pid_t child;
};

/* Of the child alone: a signal handler has no other way to its data. */
static struct native *current;

/* ---- in the handler ---- */

static inline void copy_bytes(void *to, const void *from, size_t count)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

static inline void fill_bytes(void *to, uint8_t byte, size_t count)
{
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(byte) : "memory");
}

static inline void *world(uint32_t linear)
{
    return (void *)(uintptr_t)linear;
}

static const int gregs_of[8] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI};

static NO_TLS void take_result(const greg_t *gregs, struct silicon_result *result)
{
    for (unsigned n = 0; n < 8; n++) result->gpr[n] = (uint32_t)gregs[gregs_of[n]];
    result->eip = (uint32_t)gregs[REG_RIP];
    result->eflags = (uint32_t)gregs[REG_EFL];
    result->vector = (uint8_t)gregs[REG_TRAPNO];
    result->error = (uint32_t)gregs[REG_ERR];
    result->cr2 = result->vector == FAULT_PF ? (uint32_t)gregs[REG_CR2] : 0;
    result->selector[CPU_CS] = (uint16_t)gregs[REG_CSGSFS];
    result->selector[CPU_SS] = (uint16_t)(gregs[REG_CSGSFS] >> 48);
    uint32_t selector;
    __asm__ volatile("movl %%es, %0" : "=r"(selector));
    result->selector[CPU_ES] = (uint16_t)selector;
    __asm__ volatile("movl %%ds, %0" : "=r"(selector));
    result->selector[CPU_DS] = (uint16_t)selector;
    __asm__ volatile("movl %%fs, %0" : "=r"(selector));
    result->selector[CPU_FS] = (uint16_t)selector;
    __asm__ volatile("movl %%gs, %0" : "=r"(selector));
    result->selector[CPU_GS] = (uint16_t)selector;
    uint8_t *to = result->memory;
    for (unsigned i = 0; i < WINDOWS; to += windows[i++].bytes)
        copy_bytes(to, world(windows[i].at), windows[i].bytes);
}

/* Linear address of the instruction, and how many of its bytes lie in the code pages. */
static inline unsigned code_place(const struct silicon_case *c, uint32_t *at)
{
    uint16_t cs = c->selector[CPU_CS];
    *at = (cs & 4 ? ldt_entries[cs >> 3].base : 0) + c->eip;
    return *at + c->length > CODE_END ? CODE_END - *at : c->length;
}

/* Bits of EFLAGS that a return from a handler passes over: set here, they stay. */
enum { STICKY_FLAGS = FLAG_NT | FLAG_ID };

static NO_TLS void put_case(ucontext_t *context, const struct silicon_case *c, const uint8_t *fill)
{
    greg_t *gregs = context->uc_mcontext.gregs;
    for (unsigned i = 0; i < WINDOWS; fill += windows[i++].bytes)
        copy_bytes(world(windows[i].at), fill, windows[i].bytes);
    uint32_t at;
    unsigned bytes = code_place(c, &at);
    copy_bytes(world(at), c->bytes, bytes);
    for (unsigned n = 0; n < 8; n++) gregs[gregs_of[n]] = c->gpr[n];
    gregs[REG_RIP] = c->eip;
    gregs[REG_EFL] = c->eflags;
    gregs[REG_CSGSFS] = c->selector[CPU_CS] | (greg_t)c->selector[CPU_SS] << 48;
    context->uc_flags |= 6; /* UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS: SS is restored exactly */
    __asm__ volatile("movl %0, %%es" : : "r"((uint32_t)c->selector[CPU_ES]));
    __asm__ volatile("movl %0, %%ds" : : "r"((uint32_t)c->selector[CPU_DS]));
    __asm__ volatile("movl %0, %%fs" : : "r"((uint32_t)c->selector[CPU_FS]));
    __asm__ volatile("movl %0, %%gs" : : "r"((uint32_t)c->selector[CPU_GS]));
    __asm__ volatile("sub $128, %%rsp; pushfq; orq %0, (%%rsp); popfq; add $128, %%rsp"
                     :
                     : "r"((uint64_t)(c->eflags & STICKY_FLAGS))
                     : "memory", "cc");
}

static _Noreturn void leave(void)
{
    for (;;) __asm__ volatile("syscall" : : "a"(SYS_exit_group), "D"(0) : "rcx", "r11", "memory");
}

__attribute__((used)) NO_TLS static void on_exception(int signal, siginfo_t *info, void *from)
{
    (void)signal;
    (void)info;
    struct native *native = current;
    struct shared *shared = native->shared;
    ucontext_t *context = from;
    if (shared->running) {
        uint32_t at;
        unsigned bytes = code_place(&native->cases[shared->done], &at);
        take_result(context->uc_mcontext.gregs, &native->results[shared->done]);
        fill_bytes(world(at), 0xcc, bytes);
        shared->done++;
    }
    if (shared->done == shared->count) leave();
    shared->running = true;
    put_case(context, &native->cases[shared->done], native->fills + (size_t)shared->done * WINDOW_BYTES);
}

/* A case may have left AC (alignment checks), NT or ID set: not for us. */
void native_on_exception(int signal, siginfo_t *info, void *context);
__asm__(".text\n"
        "native_on_exception:\n"
        "    pushfq\n"
        "    andl $0xffdbbfff, (%rsp)\n"
        "    popfq\n"
        "    jmp on_exception\n");

/* ---- the child ---- */

static bool map_world(void)
{
    static const struct {
        uint32_t at, bytes;
        int protection;
    } pages[] = {
        {READ_ONLY_AT, PAGE_BYTES, PROT_READ},
        {DATA_AT, 2 * PAGE_BYTES, PROT_READ | PROT_WRITE},
        {CODE_AT, CODE_END - CODE_AT, PROT_READ | PROT_WRITE | PROT_EXEC},
        {WRAP_AT, PAGE_BYTES, PROT_READ | PROT_WRITE},
    };
    for (unsigned i = 0; i < sizeof pages / sizeof *pages; i++) {
        void *at = world(pages[i].at);
        if (mmap(at, pages[i].bytes, PROT_READ | PROT_WRITE | PROT_EXEC,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != at)
            return false;
        memset(at, pages[i].at == CODE_AT ? 0xcc : 0, pages[i].bytes);
        if (mprotect(at, pages[i].bytes, pages[i].protection)) return false;
    }
    return true;
}

static bool set_ldt(void)
{
    for (unsigned n = 0; n < LDT_COUNT; n++) {
        const struct segment_description *from = &ldt_entries[n];
        struct user_desc entry = {
            .entry_number = n,
            .base_addr = from->base,
            .limit = from->limit,
            .seg_32bit = from->bits32,
            .contents = from->contents,
            .read_exec_only = from->read_or_execute_only || from->empty,
            .limit_in_pages = from->limit_in_pages,
            .seg_not_present = from->absent || from->empty,
        };
        if (syscall(SYS_modify_ldt, 0x11, &entry, sizeof entry)) return false;
    }
    return true;
}

static bool catch_exceptions(void)
{
    static const int signals[] = {SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS};
    size_t size = 1 << 18;
    stack_t stack = {.ss_size = size};
    stack.ss_sp = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL)) return false;
    struct sigaction action = {.sa_sigaction = native_on_exception,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (sigaction(signals[i], &action, NULL)) return false;
    }
    return true;
}

enum { CHILD_NO_WORLD = 2, CHILD_NO_LDT, CHILD_NO_SIGNALS };

static _Noreturn void run_child(struct native *native)
{
    current = native;
    if (!map_world()) _exit(CHILD_NO_WORLD);
    if (!set_ldt()) _exit(CHILD_NO_LDT);
    if (!catch_exceptions()) _exit(CHILD_NO_SIGNALS);
    alarm(20);
    raise(SIGTRAP);
    _exit(1); /* not reached */
}

/* ---- the parent ---- */

static void *map_shared(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

static pid_t fork_child(struct native *native)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) run_child(native);
    return child;
}

/* An empty batch shows whether the host lets us. */
static const char *try_host(struct native *native)
{
    static const char *const reasons[] = {
        [CHILD_NO_WORLD] = "cannot map the low addresses (vm.mmap_min_addr above 20480?)",
        [CHILD_NO_LDT] = "modify_ldt(2) is refused",
        [CHILD_NO_SIGNALS] = "cannot catch signals",
    };
    native->shared->count = native->shared->done = 0;
    native->shared->running = false;
    int status;
    pid_t child = fork_child(native);
    if (child < 0 || waitpid(child, &status, 0) != child) return "cannot start a child process";
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return NULL;
    if (WIFEXITED(status) && WEXITSTATUS(status) <= CHILD_NO_SIGNALS) return reasons[WEXITSTATUS(status)];
    return "the child process ends unexpectedly";
}

struct native *native_new(unsigned capacity, const char **why)
{
    struct native *native = calloc(1, sizeof *native);
    native->capacity = capacity;
    native->shared = map_shared(sizeof *native->shared);
    native->cases = map_shared(capacity * sizeof *native->cases);
    native->results = map_shared(capacity * sizeof *native->results);
    native->fills = map_shared((size_t)capacity * WINDOW_BYTES);
    if (!native->shared || !native->cases || !native->results || !native->fills)
        *why = "no shared memory";
    else
        *why = try_host(native);
    if (*why) return native_free(native), NULL;
    return native;
}

void native_free(struct native *native)
{
    if (!native) return;
    if (native->shared) munmap(native->shared, sizeof *native->shared);
    if (native->cases) munmap(native->cases, native->capacity * sizeof *native->cases);
    if (native->results) munmap(native->results, native->capacity * sizeof *native->results);
    if (native->fills) munmap(native->fills, (size_t)native->capacity * WINDOW_BYTES);
    free(native);
}

void native_start(struct native *native, const struct silicon_case *cases, unsigned count)
{
    memcpy(native->cases, cases, count * sizeof *cases);
    for (unsigned i = 0; i < count; i++) case_fill(&cases[i], native->fills + (size_t)i * WINDOW_BYTES);
    native->shared->count = count;
    native->shared->done = 0;
    native->shared->running = false;
    native->child = fork_child(native);
}

/* A child that died left its case without a result; another goes on behind it. */
void native_wait(struct native *native, struct silicon_result *results)
{
    struct shared *shared = native->shared;
    for (;;) {
        int status = -1;
        if (native->child > 0)
            while (waitpid(native->child, &status, 0) < 0 && errno == EINTR) continue;
        if (shared->done >= shared->count) break;
        native->results[shared->done++].lost = true;
        shared->running = false;
        if (shared->done == shared->count) break;
        native->child = fork_child(native);
    }
    memcpy(results, native->results, shared->count * sizeof *results);
    for (unsigned i = 0; i < shared->count; i++) native->results[i].lost = false;
}

enum vendor native_vendor(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(0, &a, &b, &c, &d)) return VENDOR_UNKNOWN;
    return c == 0x6c65746e ? VENDOR_INTEL : c == 0x444d4163 ? VENDOR_AMD : VENDOR_UNKNOWN;
}

#else

struct native *native_new(unsigned capacity, const char **why)
{
    (void)capacity;
    *why = "this is not x86-64 Linux, or an instrumented build";
    return NULL;
}

void native_free(struct native *native)
{
    (void)native;
}

enum vendor native_vendor(void)
{
    return VENDOR_UNKNOWN;
}

void native_start(struct native *native, const struct silicon_case *cases, unsigned count)
{
    (void)native;
    (void)cases;
    (void)count;
}

void native_wait(struct native *native, struct silicon_result *results)
{
    (void)native;
    (void)results;
}

#endif
