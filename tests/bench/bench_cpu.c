/* SPDX-License-Identifier: MIT */
/*
 * How many million instructions a second the CPU carries out, by kind of loop. Each loop runs in flat
 * protected mode for a fixed number of instructions; what is printed is the median of several runs, by
 * process CPU time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tests/unit/cpu_fixture.h"

#define CODE_AT 0x1000u
#define RUNS    5

struct loop {
    const char *name;
    uint64_t insns;
    uint8_t code[64];
    size_t size;
    enum { FLAT, PAGED, USER } world;
};

#define LOOP(name, insns, world, ...)                                                                        \
    {                                                                                                        \
        name, insns, {__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), world                            \
    }

static const struct loop loops[] = {
    /* add eax,ebx; xor ecx,eax; inc edx; lea esi,[eax+edx*4]; shl ebx,1; or ebx,ecx; dec edi; jmp */
    LOOP("integer", 50000000, FLAT, 0x01, 0xd8, 0x31, 0xc1, 0x42, 0x8d, 0x34, 0x90, 0xd1, 0xe3, 0x09, 0xcb,
         0x4f, 0xeb, 0xf1),
    /* mov ecx,7; next: xor ebx,ebx; mark: mov [edi+ebx],al; add ebx,ecx; cmp ebx,10000h; jb mark; jmp next */
    LOOP("sieve", 50000000, FLAT, 0xb9, 0x07, 0x00, 0x00, 0x00, 0x31, 0xdb, 0x88, 0x04, 0x1f, 0x01, 0xcb,
         0x81, 0xfb, 0x00, 0x00, 0x01, 0x00, 0x72, 0xf3, 0xeb, 0xef),
    /* start: mov ecx,1000; next: mov eax,[esi+ecx*4]; sub eax,ebx; cmp eax,edx; jl skip; add ebx,eax; skip: dec ecx;
     * jnz next; jmp start */
    LOOP("compare", 50000000, FLAT, 0xb9, 0xe8, 0x03, 0x00, 0x00, 0x8b, 0x04, 0x8e, 0x29, 0xd8, 0x39, 0xd0,
         0x7c, 0x02, 0x01, 0xc3, 0x49, 0x75, 0xf2, 0xeb, 0xeb),
    /* start: mov ecx,1000; mov eax,12345678h; next: shr eax,1; jnc skip; xor eax,0edb88320h; skip: dec ecx; jnz next;
     * jmp start */
    LOOP("CRC", 50000000, FLAT, 0xb9, 0xe8, 0x03, 0x00, 0x00, 0xb8, 0x78, 0x56, 0x34, 0x12, 0xd1, 0xe8, 0x73,
         0x05, 0x35, 0x20, 0x83, 0xb8, 0xed, 0x49, 0x75, 0xf4, 0xeb, 0xe8),
    /* add eax,ecx; adc edx,ebx; sub esi,1; sbb edi,0; jmp */
    LOOP("64-bit arithmetic", 50000000, FLAT, 0x01, 0xc8, 0x11, 0xda, 0x83, 0xee, 0x01, 0x83, 0xdf, 0x00,
         0xeb, 0xf4),
    /* mov eax,[esi+ecx*4]; add eax,edx; mov [edi+ecx*4],eax; inc ecx; and ecx,0xfff; jmp, from 1 MiB to 2 MiB
     */
    LOOP("memory", 50000000, FLAT, 0x8b, 0x04, 0x8e, 0x01, 0xd0, 0x89, 0x04, 0x8f, 0x41, 0x81, 0xe1, 0xff,
         0x0f, 0x00, 0x00, 0xeb, 0xf0),
    LOOP("memory, paged", 50000000, PAGED, 0x8b, 0x04, 0x8e, 0x01, 0xd0, 0x89, 0x04, 0x8f, 0x41, 0x81, 0xe1,
         0xff, 0x0f, 0x00, 0x00, 0xeb, 0xf0),
    /* add [esi],eax; adc [edi],eax; dec ecx; jmp */
    LOOP("read-modify-write", 50000000, FLAT, 0x01, 0x06, 0x11, 0x07, 0x49, 0xeb, 0xf9),
    /* inc eax; test al,1; jz +1; inc ebx; cmp eax,ebx; jb +1; dec edx; jmp */
    LOOP("branch", 50000000, FLAT, 0x40, 0xa8, 0x01, 0x74, 0x01, 0x43, 0x39, 0xd8, 0x72, 0x01, 0x4a, 0xeb,
         0xf3),
    /* call +2; jmp -7; push ebx; pop eax; ret */
    LOOP("call and return", 50000000, FLAT, 0xe8, 0x02, 0x00, 0x00, 0x00, 0xeb, 0xf9, 0x53, 0x58, 0xc3),
    /* mov eax,[esi]; mov [esi+4 MiB],eax; jmp: pages at a distance that is a power of two */
    LOOP("pages 4 MiB apart", 10000000, PAGED, 0x8b, 0x06, 0x89, 0x86, 0x00, 0x00, 0x40, 0x00, 0xeb, 0xf6),
    /* mov eax,[esi]; mov [esi+4 MiB+4 KiB],eax; jmp: pages that share a TLB slot */
    LOOP("TLB slot shared", 10000000, PAGED, 0x8b, 0x06, 0x89, 0x86, 0x00, 0x10, 0x40, 0x00, 0xeb, 0xf6),
    /* out 0x80,al; dec eax; jmp */
    LOOP("port I/O", 5000000, FLAT, 0xe6, 0x80, 0x48, 0xeb, 0xfb),
    /* mov ecx,0x10000; mov esi,1 MiB; mov edi,2 MiB; rep movsd; jmp */
    LOOP("rep movsd", 500000000, FLAT, 0xb9, 0x00, 0x00, 0x01, 0x00, 0xbe, 0x00, 0x00, 0x10, 0x00, 0xbf, 0x00,
         0x00, 0x20, 0x00, 0xf3, 0xa5, 0xeb, 0xed),
    /* xor eax,eax; mov ecx,0x10000; mov edi,2 MiB; repe scasd; jmp */
    LOOP("repe scasd", 100000000, FLAT, 0x31, 0xc0, 0xb9, 0x00, 0x00, 0x01, 0x00, 0xbf, 0x00, 0x00, 0x20,
         0x00, 0xf3, 0xaf, 0xeb, 0xf0),
    /* mov byte [dword 0x1800],al; inc eax; jmp: data in a page with code */
    LOOP("data beside code", 5000000, FLAT, 0xa2, 0x00, 0x18, 0x00, 0x00, 0x40, 0xeb, 0xf8),
    /* inc byte [dword 0x1007]; mov bl,0; jmp: modifies its own code */
    LOOP("self-modifying", 2000000, FLAT, 0xfe, 0x05, 0x07, 0x10, 0x00, 0x00, 0xb3, 0x00, 0xeb, 0xf6),
    /* mov eax,cr3; mov cr3,eax; mov ebx,[esi]; mov ebx,[esi+4096]; mov ebx,[esi+8192]; jmp */
    LOOP("CR3 reload", 5000000, PAGED, 0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8, 0x8b, 0x1e, 0x8b, 0x9e, 0x00, 0x10,
         0x00, 0x00, 0x8b, 0x9e, 0x00, 0x20, 0x00, 0x00, 0xeb, 0xea),
    /* int 0x40; jmp; the handler is iret */
    LOOP("int and iret", 5000000, FLAT, 0xcd, 0x40, 0xeb, 0xfc),
    LOOP("the same from CPL 3", 5000000, USER, 0xcd, 0x40, 0xeb, 0xfc),
    /* lidt [esi]; jmp: #GP; the handler is add dword [esp+4],3; add esp,4; iret */
    LOOP("fault and iret", 2000000, USER, 0x0f, 0x01, 0x1e, 0xeb, 0xfb),
};

/* Identity-maps the RAM with 4 KiB pages, tables at 0x100000 below the top. */
static void turn_paging_on(struct cpu_fixture *fixture)
{
    uint32_t directory = FIXTURE_RAM - 0x100000, tables = directory + 0x1000;
    for (uint32_t page = 0; page < FIXTURE_RAM / 0x1000; page++)
        cpu_fixture_write32(fixture, tables + page * 4, page << 12 | 3);
    for (uint32_t i = 0; i < FIXTURE_RAM >> 22; i++)
        cpu_fixture_write32(fixture, directory + i * 4, (tables + i * 0x1000) | 3);
    struct cpu_state state;
    cpu_get_state(fixture->cpu, &state);
    state.cr3 = directory;
    state.cr0 |= 0x80000000u;
    cpu_set_state(fixture->cpu, &state);
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double run_once(const struct loop *loop)
{
    struct cpu_fixture fixture;
    cpu_fixture_create(&fixture);
    if (loop->world == USER)
        cpu_fixture_user(&fixture, CODE_AT);
    else
        cpu_fixture_flat(&fixture, CODE_AT);
    cpu_fixture_code(&fixture, CODE_AT, loop->code, loop->size);
    CODE(&fixture, FIXTURE_HANDLERS + 13, 0x83, 0x44, 0x24, 0x04, 0x03, 0x83, 0xc4, 0x04, 0xcf);
    CODE(&fixture, FIXTURE_HANDLERS + 0x40, 0xcf);
    cpu_fixture_set_reg(&fixture, CPU_ESI, 0x100000);
    cpu_fixture_set_reg(&fixture, CPU_EDI, 0x200000);
    if (loop->world == PAGED) turn_paging_on(&fixture);
    double start = cpu_seconds();
    enum cpu_stop stop = cpu_run(fixture.cpu, loop->insns, false);
    double seconds = cpu_seconds() - start;
    if (stop != CPU_STOP_BUDGET) fprintf(stderr, "bench_cpu: %s ended early (%d)\n", loop->name, (int)stop);
    cpu_fixture_destroy(&fixture);
    return (double)loop->insns / seconds / 1e6;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int count, char **arguments)
{
    printf("%-20s %14s\n", "loop", "M insns/s");
    for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
        double results[RUNS];
        if (count > 1 && !strstr(loops[i].name, arguments[1])) continue;
        for (unsigned run = 0; run < RUNS; run++) results[run] = run_once(&loops[i]);
        qsort(results, RUNS, sizeof(results[0]), by_value);
        printf("%-20s %14.1f\n", loops[i].name, results[RUNS / 2]);
    }
    return 0;
}
