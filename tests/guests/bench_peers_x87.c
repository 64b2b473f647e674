/* SPDX-License-Identifier: MIT */
/* Rows of bench_peers.c: the FPU, in its full precision. */
#include "bench_peers.h"

static void fpu_init(void)
{
    __asm__ volatile("movl %%cr0, %%eax; andl $~0xc, %%eax; orl $2, %%eax; movl %%eax, %%cr0; fninit"
                     :
                     :
                     : "eax");
}

static int32_t rounded_from_top(void)
{
    int32_t value;
    __asm__ volatile("fistpl %0" : "=m"(value));
    return value;
}

/* Each step has nine instructions: loads, stores, two sums, a product, a quotient, a root.
 * x = sqrt((x + 3) * x / x - 1) tends to 2. */
bool row_x87(uint32_t times)
{
    double one = 1, x = 7;
    uint32_t three = 3;
    fpu_init();
    __asm__ volatile("1: fldl %0\n"
                     "   fildl %2\n"
                     "   faddl %0\n"
                     "   fmul %%st(1), %%st\n"
                     "   fdiv %%st(1), %%st\n"
                     "   fsubl %3\n"
                     "   fsqrt\n"
                     "   fstpl %0\n"
                     "   fstp %%st(0)\n"
                     "   decl %1\n"
                     "   jnz 1b"
                     : "+m"(x), "+r"(times)
                     : "m"(three), "m"(one)
                     : "memory");
    __asm__ volatile("fldl %0" : : "m"(x));
    return rounded_from_top() == 2;
}

/* x = sin(x) + 1 tends to 1.93; a thousand times it rounds to 1935. */
bool row_x87_sin(uint32_t times)
{
    uint32_t thousand = 1000;
    fpu_init();
    __asm__ volatile("   fldz\n"
                     "1: fsin\n"
                     "   fld1\n"
                     "   faddp\n"
                     "   decl %0\n"
                     "   jnz 1b\n"
                     "   fimull %1"
                     : "+r"(times)
                     : "m"(thousand));
    return rounded_from_top() == 1935;
}
