/* SPDX-License-Identifier: MIT */
/*
 * Data instructions: one row per case, expectations from SDM 2. (tests/silicon compares the same instructions with the host's
 * processor, by the million; here is what a person can check by hand, and what user mode cannot reach.)
 *
 * A row's state is text: registers by name, flags by letter, memory as mADDRESS=BYTES, all hexadecimal. What `after` does
 * not name must be as before; flags are checked where `set=` and `clear=` name them. Real mode: all segments start at
 * 10000h, and addresses here are offsets. The instruction lies at 100h in real mode, at 10100h in flat 32-bit mode.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "emu/cpu/flags.h"
#include "tests/unit/cpu_fixture.h"

enum mode { REAL, FLAT };

struct row {
    const char *name;
    enum mode mode;
    const char *code; /* hexadecimal */
    const char *before, *after;
};

static struct cpu_fixture fixture;

static void setup(void)
{
    cpu_fixture_create(&fixture);
}

static void teardown(void)
{
    cpu_fixture_destroy(&fixture);
}

/* ---- text ---- */

static const char *const register_names[8] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};

static uint32_t flags_of_letters(const char *letters)
{
    static const char names[] = "CPAZSDO";
    static const uint32_t bits[] = {FLAG_CF, FLAG_PF, FLAG_AF, FLAG_ZF, FLAG_SF, FLAG_DF, FLAG_OF};
    uint32_t flags = 0;
    for (; *letters; letters++) flags |= bits[strchr(names, *letters) - names];
    return flags;
}

static unsigned bytes_of_text(const char *text, uint8_t *bytes, unsigned room)
{
    unsigned count = 0, value;
    for (; count < room && sscanf(text, "%2x", &value) == 1; text += 2) bytes[count++] = (uint8_t)value;
    return count;
}

static uint32_t base_of(const struct row *row)
{
    return row->mode == REAL ? 0x10000 : 0;
}

/* Calls `use` for each NAME=VALUE. */
struct expected {
    uint64_t gpr[8];
    uint32_t set, clear, ip;
    int fault;
    bool ip_given;
};

static void each_field(const struct row *row, const char *text,
                       void (*use)(const struct row *row, const char *name, const char *value,
                                   struct expected *e),
                       struct expected *e)
{
    char name[16], value[96];
    int used;
    for (; sscanf(text, " %15[a-z0-9]=%95s%n", name, value, &used) == 2; text += used)
        use(row, name, value, e);
}

static bool use_register(const char *name, const char *value, struct expected *e)
{
    for (unsigned n = 0; n < 8; n++) {
        if (!strcmp(name, register_names[n])) return e->gpr[n] = strtoul(value, NULL, 16), true;
    }
    return false;
}

static void use_before(const struct row *row, const char *name, const char *value, struct expected *e)
{
    uint8_t bytes[48];
    if (use_register(name, value, e)) return;
    if (name[0] == 'm')
        cpu_fixture_code(&fixture, base_of(row) + (uint32_t)strtoul(name + 1, NULL, 16), bytes,
                         bytes_of_text(value, bytes, sizeof bytes));
    else if (!strcmp(name, "set"))
        e->set = flags_of_letters(value);
    else
        ck_abort_msg("%s: what is %s?", row->name, name);
}

static void use_after(const struct row *row, const char *name, const char *value, struct expected *e)
{
    uint8_t bytes[48], found[48];
    if (use_register(name, value, e)) return;
    if (name[0] == 'm') {
        uint32_t at = base_of(row) + (uint32_t)strtoul(name + 1, NULL, 16);
        unsigned count = bytes_of_text(value, bytes, sizeof bytes);
        ck_assert(space_peek(fixture.memory, at, found, count));
        for (unsigned i = 0; i < count; i++)
            ck_assert_msg(found[i] == bytes[i], "%s: byte %x is %02x, not %02x", row->name, at + i, found[i],
                          bytes[i]);
    } else if (!strcmp(name, "set")) {
        e->set = flags_of_letters(value);
    } else if (!strcmp(name, "clear")) {
        e->clear = flags_of_letters(value);
    } else if (!strcmp(name, "ip")) {
        e->ip = (uint32_t)strtoul(value, NULL, 16);
        e->ip_given = true;
    } else if (!strcmp(name, "fault")) {
        e->fault = (int)strtol(value, NULL, 10);
    } else {
        ck_abort_msg("%s: what is %s?", row->name, name);
    }
}

/* ---- running a row ---- */

static unsigned fault_count(void)
{
    return (unsigned)cpu_stats(fixture.cpu)->exceptions;
}

/* Repeated instructions take an instruction of budget for each iteration. */
static void run_one(uint32_t eip)
{
    unsigned faults = fault_count();
    for (unsigned n = 0; n < 1000 && fault_count() == faults; n++) {
        cpu_run(fixture.cpu, 1, false);
        if (cpu_fixture_eip(&fixture) != eip) return;
    }
}

static void check_fault(const struct row *row, const struct expected *e, unsigned faults)
{
    unsigned count;
    const struct fault_record *history = cpu_fault_history(fixture.cpu, &count);
    if (e->fault < 0) {
        ck_assert_msg(fault_count() == faults, "%s: fault %s", row->name,
                      fault_reason_text(history[count - 1].fault.reason));
        return;
    }
    ck_assert_msg(fault_count() > faults, "%s: no fault", row->name);
    ck_assert_msg(history[count - 1].fault.vector == e->fault, "%s: vector %d", row->name,
                  history[count - 1].fault.vector);
}

static void check_row(const struct row *row)
{
    struct cpu_state state;
    struct expected e = {.fault = -1};
    uint8_t code[16];
    uint32_t eip = row->mode == REAL ? 0x100 : 0x10100;
    unsigned length = bytes_of_text(row->code, code, sizeof code), faults;
    if (row->mode == REAL)
        cpu_fixture_real(&fixture, 0x1000, (uint16_t)eip);
    else
        cpu_fixture_flat(&fixture, eip);
    cpu_fixture_code(&fixture, 0x10100, code, length);
    cpu_get_state(fixture.cpu, &state);
    memcpy(e.gpr, state.gpr, sizeof e.gpr);
    each_field(row, row->before, use_before, &e);
    memcpy(state.gpr, e.gpr, sizeof e.gpr);
    state.eflags = e.set | 2;
    cpu_set_state(fixture.cpu, &state);
    faults = fault_count();
    run_one(eip);
    e.set = 0;
    each_field(row, row->after, use_after, &e);
    check_fault(row, &e, faults);
    cpu_get_state(fixture.cpu, &state);
    for (unsigned n = 0; n < 8; n++) {
        if (e.fault >= 0 && n == CPU_ESP) continue; /* the handler's */
        ck_assert_msg(state.gpr[n] == e.gpr[n], "%s: %s is %llx, not %llx", row->name, register_names[n],
                      (unsigned long long)state.gpr[n], (unsigned long long)e.gpr[n]);
    }
    if (e.fault >= 0) return;
    ck_assert_msg((state.eflags & e.set) == e.set, "%s: flags %llx", row->name,
                  (unsigned long long)state.eflags);
    ck_assert_msg(!(state.eflags & e.clear), "%s: flags %llx", row->name, (unsigned long long)state.eflags);
    ck_assert_msg(state.eip == (e.ip_given ? e.ip : eip + length), "%s: eip %llx", row->name,
                  (unsigned long long)state.eip);
}

static void check_rows(const struct row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) check_row(&rows[i]);
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof rows / sizeof *rows)

/* ---- arithmetic ---- */

START_TEST(arithmetic)
{
    static const struct row rows[] = {
        {"add al,bl carries out of both nibbles", FLAT, "00d8", "eax=123456ff ebx=1",
         "eax=12345600 set=CPAZ clear=SO"},
        {"add ax,bx overflows", FLAT, "6601d8", "eax=aaaa7fff ebx=1", "eax=aaaa8000 set=PASO clear=CZ"},
        {"add eax,ebx", FLAT, "01d8", "eax=80000000 ebx=80000000", "eax=0 set=CPZO clear=AS"},
        {"adc eax,-1 with carry", FLAT, "83d0ff", "eax=5 set=C", "eax=5 set=CPA clear=ZSO"},
        {"sbb eax,eax with carry", FLAT, "19c0", "eax=1234 set=C", "eax=ffffffff set=CPAS clear=ZO"},
        {"sub al,1", FLAT, "2c01", "eax=80", "eax=7f set=AO clear=CPZS"},
        {"cmp eax,imm8 extends the sign", FLAT, "83f8ff", "eax=ffffffff", "set=ZP clear=CASO"},
        {"or keeps no carry", FLAT, "0c80", "eax=1 set=CO", "eax=81 set=SP clear=COZ"},
        {"test ah,ah", FLAT, "84e4", "eax=ff00ff set=C", "set=ZP clear=CSO"},
        {"inc keeps carry", FLAT, "40", "eax=7fffffff set=C", "eax=80000000 set=CPASO clear=Z"},
        {"dec keeps carry off", FLAT, "6648", "eax=10000", "eax=1ffff set=PAS clear=CZO"},
        {"neg of the smallest", FLAT, "f7d8", "eax=80000000", "eax=80000000 set=CSOP clear=Z"},
        {"neg 0", FLAT, "f6d8", "eax=ff00", "eax=ff00 set=ZP clear=CSO"},
        {"not changes no flag", FLAT, "f7d0", "eax=0 set=CZ", "eax=ffffffff set=CZ"},
        {"xadd of one register", FLAT, "0fc1c0", "eax=3", "eax=6 clear=CZ"},
        {"cmpxchg equal", FLAT, "0fb1d1", "eax=5 ecx=5 edx=9", "ecx=9 set=Z"},
        {"cmpxchg not equal", FLAT, "0fb1d1", "eax=5 ecx=6 edx=9", "eax=6 clear=Z"},
        {"cmpxchg8b equal", FLAT, "0fc70d00200000", "eax=1 edx=2 ebx=3 ecx=4 m2000=0100000002000000",
         "m2000=0300000004000000 set=Z"},
        {"cmpxchg8b not equal keeps the other flags", FLAT, "0fc70d00200000",
         "eax=1 edx=2 ebx=3 ecx=4 m2000=0500000006000000 set=CO",
         "eax=5 edx=6 m2000=0500000006000000 set=CO clear=Z"},
        {"mul ax", FLAT, "66f7e1", "eax=10008000 ecx=2 edx=7", "eax=10000000 edx=1 set=CO"},
        {"mul al", FLAT, "f6e1", "eax=ff000f ecx=11", "eax=ff00ff clear=CO"},
        {"imul that fits", FLAT, "f7e9", "eax=ffffffff ecx=80", "eax=ffffff80 edx=ffffffff clear=CO"},
        {"imul that does not", FLAT, "6bc87f", "eax=7fffffff", "ecx=7fffff81 set=CO"},
        {"div", FLAT, "f7f1", "edx=1 eax=0 ecx=10", "eax=10000000 edx=0"},
        {"div overflow", FLAT, "f7f1", "edx=10 eax=0 ecx=10", "fault=0"},
        {"div by zero", FLAT, "f6f1", "eax=1 ecx=0", "fault=0"},
        {"idiv rounds to zero", FLAT, "f6f9", "eax=fff9 ecx=2", "eax=fffd"},
        {"idiv of the smallest by -1", FLAT, "f7f9", "edx=80000000 eax=0 ecx=ffffffff", "fault=0"},
        {"idiv 8000h:0 / 8000h is -8000h... in AX", FLAT, "66f7f9", "edx=4000 eax=0 ecx=8000",
         "eax=8000 edx=0"},
        {"cwd", FLAT, "6699", "eax=8000 edx=12340000", "edx=1234ffff"},
        {"cdq", FLAT, "99", "eax=7fffffff edx=5", "edx=0"},
        {"cbw", FLAT, "6698", "eax=55550080", "eax=5555ff80"},
        {"bswap", FLAT, "0fc8", "eax=12345678", "eax=78563412"},
    };
    CHECK_ROWS(rows);
}
END_TEST

START_TEST(shifts)
{
    static const struct row rows[] = {
        {"count 0 changes no flag", FLAT, "d3e0", "eax=1 ecx=20 set=CZO", "set=CZO clear=S"},
        {"count is taken modulo 32", FLAT, "c1e021", "eax=1", "eax=2 clear=CZ"},
        {"shl by 1: OF", FLAT, "d1e0", "eax=40000000", "eax=80000000 set=SO clear=CZ"},
        {"shr by 1: OF is the old sign", FLAT, "d1e8", "eax=80000001", "eax=40000000 set=CO clear=SZ"},
        {"sar fills with the sign", FLAT, "c0f81f", "eax=80", "eax=ff set=CS"},
        {"sar by 1 clears OF", FLAT, "d1f8", "eax=ffffffff set=O", "eax=ffffffff set=CS clear=O"},
        {"shl cl by 8 of a byte", FLAT, "c0e008", "eax=101", "eax=100 set=Z"},
        {"rol by 8 of a byte sets CF only", FLAT, "c0c008", "eax=81", "eax=81 set=C"},
        {"ror by 1", FLAT, "d0c8", "eax=1", "eax=80 set=CO"},
        {"rcl 9 of a byte goes round", FLAT, "c0d009", "eax=5a set=C", "eax=5a set=C"},
        {"rcl by 1", FLAT, "d0d0", "eax=80 set=C", "eax=1 set=CO"},
        {"rcr 17 of a word goes round", FLAT, "66c1d811", "eax=1234", "eax=1234 clear=C"},
        {"rcr by 1", FLAT, "66d1d8", "eax=1 set=C", "eax=8000 set=CO"},
        {"rcl keeps ZF and SF", FLAT, "d1d0", "eax=0 set=ZS", "eax=0 set=ZS"},
        {"shld", FLAT, "0fa4d008", "eax=12345678 edx=abcdef01", "eax=345678ab clear=C"},
        {"shrd cl", FLAT, "0fadd0", "eax=12345678 edx=abcdef01 ecx=4", "eax=11234567 set=C"},
        {"shld word", FLAT, "660fa4d004", "eax=ffff1234 edx=a000", "eax=ffff234a set=C"},
        {"/6 is SHL", FLAT, "d1f0", "eax=3", "eax=6"},
    };
    CHECK_ROWS(rows);
}
END_TEST

START_TEST(bits)
{
    static const struct row rows[] = {
        {"bt register takes the number modulo 32", FLAT, "0fa3c8", "eax=2 ecx=21", "set=C"},
        {"bts", FLAT, "0fabc8", "eax=0 ecx=1f", "eax=80000000 clear=C"},
        {"btc imm", FLAT, "0fbaf801", "eax=2", "eax=0 set=C"},
        {"bts string, negative", FLAT, "0fab0d00200000", "ecx=ffffffff m1ffc=0000000000000000",
         "m1ffc=0000008000000000 clear=C"},
        {"bts string, far up", FLAT, "0fab0d00200000", "ecx=21 m2000=0000000000000000",
         "m2000=0000000002000000 clear=C"},
        {"btr word string, -17", FLAT, "660fb30d00200000", "ecx=ffef m1ffc=ffffffffffffffff",
         "m1ffc=ff7fffffffffffff set=C"},
        {"bt imm does not leave its word", FLAT, "0fba250020000021", "m2000=0200000000000000", "set=C"},
        {"bsf", FLAT, "0fbcc1", "ecx=80010000", "eax=10 clear=Z"},
        {"bsr word", FLAT, "660fbdc1", "eax=55550000 ecx=18000", "eax=5555000f clear=Z"},
        {"bsf of 0 keeps the register", FLAT, "0fbcc1", "eax=7 ecx=0", "set=Z"},
        {"setnz", FLAT, "0f95c4", "eax=ffffffff set=Z", "eax=ffff00ff"},
        {"setl", FLAT, "0f9cc0", "eax=0 set=S", "eax=1"},
        {"cmovs takes", FLAT, "0f48c1", "eax=0 ecx=5 set=S", "eax=5"},
        {"cmovs leaves", FLAT, "0f48c1", "eax=0 ecx=5", ""},
        {"lahf", FLAT, "9f", "eax=0 set=CZS", "eax=c300"},
        {"sahf keeps OF", FLAT, "9e", "eax=4100 set=O", "set=CZO clear=SPA"},
        {"cmc", FLAT, "f5", "set=CO", "clear=C set=O"},
        {"std", FLAT, "fd", "", "set=D"},
        {"salc", FLAT, "d6", "eax=5500 set=C", "eax=55ff set=C"},
    };
    CHECK_ROWS(rows);
}
END_TEST

/* ---- moving ---- */

START_TEST(moves)
{
    static const struct row rows[] = {
        {"[bx+si]", REAL, "8b00", "ebx=ffff1000 esi=ffff0234 m1234=cdab", "eax=abcd"},
        {"[bx+di+disp8]", REAL, "8b41fe", "ebx=1000 edi=4 m1002=cdab", "eax=abcd"},
        {"[bp+si+disp16]", REAL, "8b820010", "ebp=100 esi=20 m1120=cdab", "eax=abcd"},
        {"[bp+di]", REAL, "8b03", "ebp=1000 edi=20 m1020=cdab", "eax=abcd"},
        {"[disp16]", REAL, "8b1e3412", "m1234=cdab", "ebx=abcd"},
        {"16-bit addresses wrap at 64 KiB", REAL, "8b00", "ebx=ffff esi=1235 m1234=cdab", "eax=abcd"},
        {"32-bit operand in 16-bit code", REAL, "668b07", "ebx=1000 m1000=44332211", "eax=11223344"},
        {"32-bit address in 16-bit code", REAL, "678b448b04", "ebx=1000 ecx=10 m1044=cdab", "eax=abcd"},
        {"16-bit operand keeps the upper half", FLAT, "66b83412", "eax=ffffffff", "eax=ffff1234"},
        {"16-bit address in 32-bit code", FLAT, "678b4704", "ebx=ffff1000 m1004=44332211", "eax=11223344"},
        {"word across offset FFFFh", REAL, "8b07", "ebx=ffff", "fault=13"},
        {"mov moffs", FLAT, "a034120000", "eax=ffffffff m1234=56", "eax=ffffff56"},
        {"mov moffs16", FLAT, "67a33412", "eax=11223344 m1234=00000000", "m1234=44332211"},
        {"movzx ax", FLAT, "660fb6c4", "eax=ffff8000", "eax=ffff0080"},
        {"movsx", FLAT, "0fbec4", "eax=8000", "eax=ffffff80"},
        {"movsx from memory", FLAT, "0fbf0500200000", "m2000=0080", "eax=ffff8000"},
        {"lea 16-bit address", FLAT, "678d4702", "ebx=ffff eax=5", "eax=1"},
        {"lea 16-bit operand", FLAT, "668d8300000100", "ebx=1234 eax=ffff0000", "eax=ffff1234"},
        {"lea of a register", FLAT, "8dc0", "", "fault=6"},
        {"xchg ah,al", FLAT, "86e0", "eax=12345678", "eax=12347856"},
        {"xchg memory", FLAT, "870500200000", "eax=1 m2000=02000000", "eax=2 m2000=01000000"},
        {"xlat", FLAT, "d7", "eax=ff02 ebx=2000 m2002=77", "eax=ff77"},
        {"xlat wraps with BX", REAL, "d7", "eax=10 ebx=fff8 m8=77", "eax=77"},
        {"bound inside", FLAT, "620500200000", "eax=5 m2000=fbffffff05000000", ""},
        {"bound below", FLAT, "620500200000", "eax=fffffffa m2000=fbffffff05000000", "fault=5"},
        {"bound above, words", FLAT, "66620500200000", "eax=10006 m2000=fbff0500", "fault=5"},
        {"mov to CS", FLAT, "8ec8", "", "fault=6"},
        {"mov to segment 6 from unmapped memory", FLAT, "8e35f0ffffff", "", "fault=6"},
        {"mov from segment clears the upper half", FLAT, "8cd8", "eax=ffffffff", "eax=10"},
        {"mov from segment, word", FLAT, "668cd8", "eax=ffffffff", "eax=ffff0010"},
        {"mov from segment to memory is a word", FLAT, "8c1d00200000", "m2000=ffffffff", "m2000=1000ffff"},
    };
    CHECK_ROWS(rows);
}
END_TEST

/* ---- the stack ---- */

START_TEST(stack)
{
    static const struct row rows[] = {
        {"push esp pushes the old value", FLAT, "54", "esp=2004", "esp=2000 m2000=04200000"},
        {"pop esp: the value wins", FLAT, "5c", "esp=2000 m2000=78563412", "esp=12345678"},
        {"push imm8 extends the sign", FLAT, "6a80", "esp=2004", "esp=2000 m2000=80ffffff"},
        {"push word", FLAT, "666a80", "esp=2004", "esp=2002 m2002=80ff"},
        {"push [esp] uses the old ESP", FLAT, "ff3424", "esp=2004 m2004=78563412", "esp=2000 m2000=78563412"},
        {"pop [esp] uses the new ESP", FLAT, "8f0424", "esp=2000 m2000=7856341200000000",
         "esp=2004 m2000=7856341278563412"},
        {"pop [esp+4]", FLAT, "8f442404", "esp=2000 m2000=785634120000000000000000",
         "esp=2004 m2000=785634120000000078563412"},
        {"pop word [esp]", FLAT, "668f0424", "esp=2000 m2000=34120000", "esp=2002 m2000=34123412"},
        {"SP wraps at 64 KiB", REAL, "50", "eax=abcd esp=ffff0000", "esp=fffffffe mfffe=cdab"},
        {"pop wraps", REAL, "58", "esp=1fffe mfffe=cdab", "eax=abcd esp=10000"},
        {"push across offset 0", REAL, "50", "esp=1", "fault=12"},
        {"pusha", REAL, "60", "eax=1 ecx=2 edx=3 ebx=4 esp=2010 ebp=6 esi=7 edi=8",
         "esp=2000 m2000=08000700060010200400030002000100"},
        {"popa passes SP over", REAL, "61", "esp=2000 m2000=080007000600ffff0400030002000100",
         "eax=1 ecx=2 edx=3 ebx=4 esp=2010 ebp=6 esi=7 edi=8"},
        {"popad", FLAT, "61",
         "esp=2000 m2000=0800000007000000060000000000ffff04000000030000000200000001000000",
         "eax=1 ecx=2 edx=3 ebx=4 esp=2020 ebp=6 esi=7 edi=8"},
        {"enter 8,0", FLAT, "c8080000", "esp=2004 ebp=11223344", "esp=1ff8 ebp=2000 m2000=44332211"},
        {"enter 8,1", FLAT, "c8080001", "esp=2008 ebp=11223344", "esp=1ff8 ebp=2004 m2000=0420000044332211"},
        {"enter 0,3 copies two frames", FLAT, "c8000003", "esp=2010 ebp=3008 m3000=aaaaaaaabbbbbbbb",
         "esp=2000 ebp=200c m2000=0c200000aaaaaaaabbbbbbbb08300000"},
        {"enter level is taken modulo 32", FLAT, "c8000020", "esp=2004 ebp=5",
         "esp=2000 ebp=2000 m2000=05000000"},
        {"enter word in 16-bit code", REAL, "c8040002", "esp=2006 ebp=3004 m3002=bbaa",
         "esp=1ffc ebp=2004 m2000=0420bbaa0430"},
        {"enter checks a word at the new top", REAL, "c8020000", "esp=3 ebp=5", "fault=12"},
        {"leave", FLAT, "c9", "esp=1000 ebp=2000 m2000=78563412", "esp=2004 ebp=12345678"},
        {"leave keeps the upper half of ESP", REAL, "c9", "esp=55551000 ebp=66662000 m2000=3412",
         "esp=55552002 ebp=66661234"},
        {"push cs", FLAT, "0e", "esp=2004 m2000=ffffffff", "esp=2000 m2000=08000000"},
        {"pop ds takes the low word", FLAT, "1f", "esp=2000 m2000=1000ffff", "esp=2004"},
    };
    CHECK_ROWS(rows);
}
END_TEST

/* ---- strings ---- */

START_TEST(strings)
{
    static const struct row rows[] = {
        {"movsb", FLAT, "a4", "esi=2000 edi=3000 m2000=55", "esi=2001 edi=3001 m3000=55"},
        {"movsd down", FLAT, "a5", "esi=2000 edi=3000 m2000=44332211 set=D",
         "esi=1ffc edi=2ffc m3000=44332211 set=D"},
        {"rep, count 0", FLAT, "f3a4", "ecx=0 esi=2000 edi=3000 m3000=77", "m3000=77"},
        {"rep, count 1", FLAT, "f3a4", "ecx=1 esi=2000 edi=3000 m2000=55",
         "ecx=0 esi=2001 edi=3001 m3000=55"},
        {"rep movsw down", FLAT, "66f3a5",
         "ecx=3 esi=2004 edi=3004 m2000=010002000300 m3000=000000000000 set=D",
         "ecx=0 esi=1ffe edi=2ffe m3000=010002000300"},
        {"overlap forwards repeats the byte", FLAT, "f3a4", "ecx=4 esi=2000 edi=2001 m2000=aabbccddee",
         "ecx=0 esi=2004 edi=2005 m2000=aaaaaaaaaa"},
        {"overlap by one dword and a byte", FLAT, "f3a5",
         "ecx=2 esi=2000 edi=2005 m2000=0102030405060708090a0b0c0d",
         "ecx=0 esi=2008 edi=200d m2000=01020304050102030405010203"},
        {"overlap within the element", FLAT, "f3a5", "ecx=2 esi=2000 edi=2001 m2000=010203040506070809",
         "ecx=0 esi=2008 edi=2009 m2000=010102030404060708"},
        {"overlap backwards", FLAT, "f3a4", "ecx=4 esi=2003 edi=2004 m2000=0102030405 set=D",
         "ecx=0 esi=1fff edi=2000 m2000=0101020304"},
        {"SI wraps at 64 KiB", REAL, "f3a4", "ecx=3 esi=5fffe edi=63000 mfffe=0102 m0=03",
         "ecx=0 esi=50001 edi=63003 m3000=010203"},
        {"DI wraps going down", REAL, "f3aa", "eax=77 ecx=2 edi=0 m0=00 mffff=00 set=D",
         "ecx=0 edi=fffe m0=77 mffff=77"},
        {"a word at offset FFFFh", REAL, "ab", "edi=ffff", "fault=13"},
        {"CX counts with 16-bit addresses", FLAT, "67f3aa", "eax=11 ecx=ffff0002 edi=ffff3000 m3000=000000",
         "ecx=ffff0000 edi=ffff3002 m3000=111100"},
        {"rep stosd", FLAT, "f3ab", "eax=44332211 ecx=2 edi=3000", "ecx=0 edi=3008 m3000=1122334411223344"},
        {"rep lodsb leaves the last", FLAT, "f3ac", "eax=ffffff00 ecx=3 esi=2000 m2000=010203",
         "eax=ffffff03 ecx=0 esi=2003"},
        {"segment override of the source", REAL, "2ea4", "esi=2000 edi=3000 m2000=66",
         "esi=2001 edi=3001 m3000=66"},
        {"repe cmpsb stops at the difference", FLAT, "f3a6",
         "ecx=5 esi=2000 edi=3000 m2000=01020304 m3000=01020504", "ecx=2 esi=2003 edi=3003 set=CS clear=Z"},
        {"repe cmpsb to the end", FLAT, "f3a6", "ecx=2 esi=2000 edi=3000 m2000=0102 m3000=0102",
         "ecx=0 esi=2002 edi=3002 set=Z"},
        {"repne scasb", FLAT, "f2ae", "eax=33 ecx=10 edi=2000 m2000=112233", "ecx=d edi=2003 set=Z"},
        {"rep scasw with count 0 keeps the flags", FLAT, "66f3af", "ecx=0 edi=2000 set=CO", "set=CO clear=Z"},
        {"cmpsd down", FLAT, "a7", "esi=2000 edi=3000 m2000=05000000 m3000=06000000 set=D",
         "esi=1ffc edi=2ffc set=CSD clear=Z"},
    };
    CHECK_ROWS(rows);
}
END_TEST

/* ---- jumps ---- */

START_TEST(jumps)
{
    static const struct row rows[] = {
        {"jz taken", FLAT, "7410", "set=Z", "ip=10112"},
        {"jz not taken", FLAT, "7410", "", ""},
        {"jnle needs ZF=0 and SF=OF", FLAT, "7f10", "set=SO", "ip=10112"},
        {"jb back", FLAT, "72fe", "set=C", "ip=10100"},
        {"jmp word cuts EIP", FLAT, "66e90000", "", "ip=104"},
        {"IP wraps", REAL, "e9fdfe", "", "ip=0"},
        {"call", FLAT, "e800000000", "esp=2004", "esp=2000 m2000=05010100 ip=10105"},
        {"call word in 32-bit code", FLAT, "66e80000", "esp=2004", "esp=2002 m2002=0401 ip=104"},
        {"call [mem]", FLAT, "ff1500300000", "esp=2004 m3000=00400000", "esp=2000 m2000=06010100 ip=4000"},
        {"call esp-relative operand is read first", FLAT, "ff1424", "esp=2004 m2004=00400000",
         "esp=2000 m2000=03010100 ip=4000"},
        {"ret 8", FLAT, "c20800", "esp=2000 m2000=00400000", "esp=200c ip=4000"},
        {"ret in 16-bit code", REAL, "c3", "esp=fffe mfffe=0040", "esp=0 ip=4000"},
        {"target beyond the limit", REAL, "66e9ffff0000", "", "fault=13"},
        {"ret beyond the limit keeps SP", REAL, "66c3", "esp=2000 m2000=00000100", "fault=13"},
        {"loop", FLAT, "e210", "ecx=2", "ecx=1 ip=10112"},
        {"loop ends", FLAT, "e210", "ecx=1", "ecx=0"},
        {"loop from 0", FLAT, "e210", "ecx=0", "ecx=ffffffff ip=10112"},
        {"loop with CX", FLAT, "67e210", "ecx=10001", "ecx=10000"},
        {"loope needs ZF", FLAT, "e110", "ecx=5", "ecx=4"},
        {"loopne", FLAT, "e010", "ecx=5", "ecx=4 ip=10112"},
        {"jecxz", FLAT, "e310", "ecx=0", "ip=10112"},
        {"jcxz", FLAT, "67e310", "ecx=10000", "ip=10113"},
    };
    CHECK_ROWS(rows);
}
END_TEST

/* The target of a near call is checked before anything is pushed (SDM 2, CALL): the frame of the fault, IP and CS, lies right
 * below where SP was. */
START_TEST(refused_call_pushes_nothing)
{
    static const struct row row = {"call beyond the limit", REAL, "66e8ffff0000", "esp=2004",
                                   "m1ffe=00010010 fault=13"};
    check_row(&row);
}
END_TEST

/* ---- decimal adjustments: the manual's pseudocode, for every input ---- */

struct decimal {
    uint16_t ax;
    bool cf, af;
};

static struct decimal manual_daa(struct decimal d)
{
    uint8_t al = (uint8_t)d.ax, old = al;
    bool old_cf = d.cf;
    d.cf = false;
    if ((al & 15) > 9 || d.af) {
        d.cf = old_cf || al + 6 > 0xff;
        al = (uint8_t)(al + 6);
        d.af = true;
    } else {
        d.af = false;
    }
    d.cf = old > 0x99 || old_cf;
    if (d.cf) al = (uint8_t)(al + 0x60);
    d.ax = (uint16_t)((d.ax & 0xff00) | al);
    return d;
}

static struct decimal manual_das(struct decimal d)
{
    uint8_t al = (uint8_t)d.ax, old = al;
    bool old_cf = d.cf;
    d.cf = false;
    if ((al & 15) > 9 || d.af) {
        d.cf = old_cf || al < 6;
        al = (uint8_t)(al - 6);
        d.af = true;
    } else {
        d.af = false;
    }
    if (old > 0x99 || old_cf) {
        al = (uint8_t)(al - 0x60);
        d.cf = true;
    }
    d.ax = (uint16_t)((d.ax & 0xff00) | al);
    return d;
}

static struct decimal manual_aaa(struct decimal d)
{
    d.cf = d.af = (d.ax & 15) > 9 || d.af;
    if (d.cf) d.ax = (uint16_t)(d.ax + 0x106);
    d.ax &= 0xff0f;
    return d;
}

static struct decimal manual_aas(struct decimal d)
{
    d.cf = d.af = (d.ax & 15) > 9 || d.af;
    if (d.cf) {
        d.ax = (uint16_t)(d.ax - 6);
        d.ax = (uint16_t)(d.ax - 0x100);
    }
    d.ax &= 0xff0f;
    return d;
}

/* One instruction at 10100h with that AX and those flags. */
static struct decimal run_decimal(struct cpu_state *state, struct decimal d)
{
    state->gpr[CPU_EAX] = d.ax;
    state->eflags = 2u | (d.cf ? FLAG_CF : 0u) | (d.af ? FLAG_AF : 0u);
    state->eip = 0x10100;
    cpu_set_state(fixture.cpu, state);
    cpu_run(fixture.cpu, 1, false);
    cpu_get_state(fixture.cpu, state);
    return (struct decimal){(uint16_t)state->gpr[CPU_EAX], state->eflags & FLAG_CF, state->eflags & FLAG_AF};
}

static void check_decimal(uint8_t opcode, struct decimal (*manual)(struct decimal d), bool result_flags)
{
    struct cpu_state state;
    cpu_fixture_flat(&fixture, 0x10100);
    cpu_fixture_code(&fixture, 0x10100, &opcode, 1);
    cpu_get_state(fixture.cpu, &state);
    for (unsigned n = 0; n < 0x10000; n += n < 0x400 ? 1 : 0x55) {
        for (unsigned flags = 0; flags < 4; flags++) {
            struct decimal before = {(uint16_t)n, flags & 1, flags & 2}, want = manual(before);
            struct decimal got = run_decimal(&state, before);
            ck_assert_msg(got.ax == want.ax && got.cf == want.cf && got.af == want.af,
                          "%02x: ax %04x cf %d af %d", opcode, n, before.cf, before.af);
            if (!result_flags) continue; /* undefined */
            ck_assert_uint_eq(!(state.eflags & FLAG_ZF), (want.ax & 0xff) != 0);
            ck_assert_uint_eq(!(state.eflags & FLAG_SF), !(want.ax & 0x80));
            ck_assert_uint_eq(!(state.eflags & FLAG_PF), (unsigned)__builtin_parity(want.ax & 0xff));
        }
    }
}

START_TEST(decimal_adjustments)
{
    check_decimal(0x27, manual_daa, true);
    check_decimal(0x2f, manual_das, true);
    check_decimal(0x37, manual_aaa, false);
    check_decimal(0x3f, manual_aas, false);
}
END_TEST

/* AAM and AAD for every AL and base. */
START_TEST(decimal_products)
{
    struct cpu_state state;
    cpu_fixture_flat(&fixture, 0x10100);
    cpu_get_state(fixture.cpu, &state);
    for (unsigned base = 1; base < 256; base++) {
        uint8_t aam[2] = {0xd4, (uint8_t)base}, aad[2] = {0xd5, (uint8_t)base};
        for (unsigned al = 0; al < 256; al += base == 10 ? 1 : 7) {
            cpu_fixture_code(&fixture, 0x10100, aam, 2);
            struct decimal got = run_decimal(&state, (struct decimal){(uint16_t)(0x5500 | al), false, false});
            ck_assert_uint_eq(got.ax, al / base << 8 | al % base);
            ck_assert_uint_eq(!(state.eflags & FLAG_ZF), al % base != 0);
            cpu_fixture_code(&fixture, 0x10100, aad, 2);
            got = run_decimal(&state, (struct decimal){(uint16_t)(al << 8 | 0x35), false, false});
            ck_assert_uint_eq(got.ax, (al * base + 0x35) & 0xff);
        }
    }
    static const struct row zero = {"aam 0", FLAT, "d400", "eax=5", "fault=0"};
    check_row(&zero);
}
END_TEST

/* ---- ports ---- */

START_TEST(ports)
{
    static const struct row rows[] = {
        {"in al", FLAT, "e480", "eax=ffffffff", "eax=ffffff44"},
        {"in ax,dx", FLAT, "66ed", "eax=ffffffff edx=80", "eax=ffff3344"},
        {"in eax", FLAT, "e580", "", "eax=11223344"},
        {"insw", FLAT, "666d", "edx=80 edi=2000", "edi=2002 m2000=4433"},
        {"rep insb", FLAT, "f36c", "ecx=2 edx=80 edi=2000", "ecx=0 edi=2002 m2000=4444"},
        {"nobody answers", FLAT, "ec", "edx=4321 eax=0", "eax=ff"},
    };
    fixture.mmio_value = 0x11223344;
    CHECK_ROWS(rows);
    static const struct row out = {"rep outsd", FLAT, "f36f", "ecx=2 edx=80 esi=2000 m2000=0100000002000000",
                                   "ecx=0 esi=2008"};
    check_row(&out);
    ck_assert_uint_eq(fixture.mmio_written, 2);
    ck_assert_uint_eq(fixture.mmio_writes, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu data instructions");
    TCase *tests = tcase_create("data");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, arithmetic);
    tcase_add_test(tests, shifts);
    tcase_add_test(tests, bits);
    tcase_add_test(tests, moves);
    tcase_add_test(tests, stack);
    tcase_add_test(tests, strings);
    tcase_add_test(tests, jumps);
    tcase_add_test(tests, refused_call_pushes_nothing);
    tcase_add_test(tests, decimal_adjustments);
    tcase_add_test(tests, decimal_products);
    tcase_add_test(tests, ports);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
