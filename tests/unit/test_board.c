/* SPDX-License-Identifier: MIT */
/*
 * Whole boards (emu/board/board.h): why runs end, that they repeat to the instruction however they are cut, what a reset
 * leaves, and that nothing is left over. Most stand on firmware of a few bytes; those with SeaBIOS are skipped, with a
 * line, when it is not installed.
 */
#include "tests/unit/board_helper.h"

#include "devices/platform/key.h"
#include "emu/board/board_internal.h"
#include "emu/board/firmware.h"

/* Code for the firmware. */
#define CLI_HLT                 "\xfa\xf4\xeb\xfc"
#define OUT_E9(c)               "\xb0" c "\xe6\xe9" /* mov al, c; out E9h, al */
#define EXIT_WITH(al)           "\xba\x01\x05\xb0" al "\xee"
#define RESET_CF9               "\xba\xf9\x0c\xb0\x02\xee\xb0\x06\xee"
#define RESET_92                "\xe4\x92\x0c\x01\xe6\x92"
#define RESET_8042              "\xb0\xfe\xe6\x64"
#define TRIPLE_FAULT            "\x0f\x01\x1e\x00\x05\xcc" /* lidt [500h], which is 0; int3 */
#define CONFIG(register, value) /* a dword of the PIIX4's power management function */                       \
    "\x66\xb8" register "\x0b\x00\x80\xba\xf8\x0c\x66\xef\x66\xb8" value "\xba\xfc\x0c\x66\xef"
#define POWER_OFF                                                                                            \
    CONFIG("\x40", "\x01\x06\x00\x00")                                                                       \
    CONFIG("\x80", "\x01\x00\x00\x00") "\xba\x04\x06\xb8\x00\x20\xef" /* SLP_EN to PM1a_CNT */
/* Works for ever: counts in memory, reads the PIT, the RTC and PM timer's port, and tells E9h now and then. */
#define BUSY                                                                                                 \
    "\xff\x06\x00\x06\xe4\x40\x00\x06\x02\x06\xe4\x61\x00\x06\x03\x06\xa1\x00\x06\xa8\xff\x75\xea\xe6\xe9"   \
    "\xeb\xe6"

/* ---- why runs end ---- */

struct ending {
    const char *name;
    const char *code;
    size_t size;
    enum board_stop stop;
};
#define ENDING(name, code, stop)                                                                             \
    {                                                                                                        \
        name, code, sizeof(code) - 1, stop                                                                   \
    }

static const struct ending endings[] = {
    ENDING("exit", EXIT_WITH("\x10") CLI_HLT, BOARD_STOP_EXIT),
    ENDING("power-off", POWER_OFF CLI_HLT, BOARD_STOP_POWER_OFF),
    ENDING("triple fault", TRIPLE_FAULT CLI_HLT, BOARD_STOP_TRIPLE_FAULT),
    ENDING("reset by CF9h", RESET_CF9 CLI_HLT, BOARD_STOP_RESET),
    ENDING("reset by 92h", RESET_92 CLI_HLT, BOARD_STOP_RESET),
    ENDING("reset by 8042", RESET_8042 CLI_HLT, BOARD_STOP_RESET),
    ENDING("halt", CLI_HLT, BOARD_STOP_TIME),
    ENDING("instructions", "\xeb\xfe", BOARD_STOP_INSNS),
};

START_TEST(runs_end_for_a_reason)
{
    const struct ending *ending = &endings[_i];
    struct helper_output output;
    struct board_config config = helper_config(helper_firmware(ending->code, ending->size));
    config.no_reboot = true;
    struct board *board = helper_board(&config, &output);
    enum board_stop stop = helper_run(board, 100000);
    ck_assert_msg(stop == ending->stop, "%s: %d", ending->name, (int)stop);
    if (stop == BOARD_STOP_EXIT) ck_assert_int_eq(board_exit_status(board), 0x21);
    if (stop == BOARD_STOP_INSNS) ck_assert_uint_eq(board_insns(board), 100000);
    helper_free(board);
}
END_TEST

/* Without no_reboot the machine comes up again; E9h gets a letter each time. */
START_TEST(resets_start_over)
{
    static const struct {
        const char *code;
        size_t size;
    } resets[] = {
        {OUT_E9("A") RESET_CF9 CLI_HLT, sizeof OUT_E9("A") RESET_CF9 CLI_HLT - 1},
        {OUT_E9("A") RESET_92 CLI_HLT, sizeof OUT_E9("A") RESET_92 CLI_HLT - 1},
        {OUT_E9("A") RESET_8042 CLI_HLT, sizeof OUT_E9("A") RESET_8042 CLI_HLT - 1},
        {OUT_E9("A") TRIPLE_FAULT CLI_HLT, sizeof OUT_E9("A") TRIPLE_FAULT CLI_HLT - 1},
    };
    struct helper_output output;
    struct board_config config = helper_config(helper_firmware(resets[_i].code, resets[_i].size));
    config.triple_fault_resets = true;
    struct board *board = helper_board(&config, &output);
    ck_assert_int_eq(helper_run(board, 200), BOARD_STOP_INSNS);
    ck_assert_uint_ge(output.size, 5);
    ck_assert_uint_eq(board_insns(board), 200);
    helper_free(board);
}
END_TEST

START_TEST(a_stop_that_is_asked_for_comes_after_the_instruction)
{
    struct helper_output output;
    struct board_config config = helper_config(FIRMWARE(OUT_E9("A") OUT_E9("B") CLI_HLT));
    struct board *board = helper_board(&config, &output);
    output.stop = true;
    ck_assert_int_eq(helper_run(board, UINT64_MAX), BOARD_STOP_ASKED);
    ck_assert_str_eq(output.text, "A");
    ck_assert_uint_eq(output.insns[0], 3); /* jmp, mov sp, mov al; the OUT is not over yet */
    ck_assert_uint_eq(board_insns(board), 4);
    ck_assert_int_eq(helper_run(board, UINT64_MAX), BOARD_STOP_ASKED);
    ck_assert_str_eq(output.text, "AB");
    ck_assert_int_eq(helper_run(board, UINT64_MAX), BOARD_STOP_TIME);
    helper_free(board);
}
END_TEST

START_TEST(time_stands_still_between_runs_and_stops_where_asked)
{
    struct helper_output output;
    struct board_config config = helper_config(FIRMWARE("\xeb\xfe"));
    config.clock_shift = 3;
    struct board *board = helper_board(&config, &output);
    struct board_budget budget = {.until = 1000, .insns = UINT64_MAX};
    ck_assert_int_eq(board_run(board, &budget), BOARD_STOP_TIME);
    ck_assert_uint_eq(board_insns(board), 125);
    ck_assert_int_eq(board_now(board), 1000);
    ck_assert_int_eq(board_run(board, &budget), BOARD_STOP_TIME); /* it is there already */
    ck_assert_uint_eq(board_insns(board), 125);
    budget.insns = 0;
    budget.until = VTIME_NEVER;
    ck_assert_int_eq(board_run(board, &budget), BOARD_STOP_INSNS);
    budget.until = 1001; /* within an instruction */
    budget.insns = UINT64_MAX;
    ck_assert_int_eq(board_run(board, &budget), BOARD_STOP_TIME);
    ck_assert_uint_eq(board_insns(board), 126);
    helper_free(board);
}
END_TEST

START_TEST(a_halted_board_jumps_to_the_time_asked_for)
{
    struct helper_output output;
    struct board_config config = helper_config(FIRMWARE(CLI_HLT));
    struct board *board = helper_board(&config, &output);
    const struct board_budget budget = {.until = 5 * VTIME_S, .insns = UINT64_MAX};
    ck_assert_int_eq(board_run(board, &budget), BOARD_STOP_TIME);
    ck_assert_int_eq(board_now(board), 5 * VTIME_S);
    ck_assert_uint_lt(board_insns(board), 10);
    helper_free(board);
}
END_TEST

static void fire_again(void *owner)
{
    clock_event_in(owner, 0);
}

/* As a message signalled interrupt does that is aimed at the register which raises it. */
START_TEST(lesson_32_events_without_end_do_not_stop_time)
{
    struct helper_output output;
    struct board_config config = helper_config(FIRMWARE(CLI_HLT));
    struct board *board = helper_board(&config, &output);
    struct clock_event again;
    clock_event_init(&again, &board->clock, "again", fire_again, &again);
    clock_event_in(&again, 0);
    const struct board_budget budget = {.until = 1000, .insns = UINT64_MAX};
    ck_assert_int_eq(board_run(board, &budget), BOARD_STOP_TIME);
    ck_assert_int_eq(board_now(board), 1000);
    clock_event_destroy(&again);
    helper_free(board);
}
END_TEST

START_TEST(lesson_52_a_breakpoint_stops_before_its_instruction)
{
    struct helper_output output;
    struct board_config config = helper_config(FIRMWARE(OUT_E9("A") OUT_E9("B") CLI_HLT));
    struct board *board = helper_board(&config, &output);
    struct board_budget budget = {.until = VTIME_S, .insns = UINT64_MAX};
    ck_assert(cpu_breakpoint_add(board_cpu(board, 0), 0xffff0000u + 9)); /* the second OUT */
    ck_assert_int_eq(board_run(board, &budget), BOARD_STOP_BREAKPOINT);
    ck_assert_str_eq(output.text, "A");
    ck_assert_int_eq(board_run(board, &budget), BOARD_STOP_BREAKPOINT); /* still there */
    ck_assert_str_eq(output.text, "A");
    budget.skip_breakpoint = true;
    ck_assert_int_eq(board_run(board, &budget), BOARD_STOP_TIME);
    ck_assert_str_eq(output.text, "AB");
    helper_free(board);
}
END_TEST

/* ---- the same run, however it is cut ---- */

static uint64_t random_state;

static uint64_t roll(uint64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 11) % limit;
}

#define REPEATED_INSNS 300000

START_TEST(slices_do_not_show)
{
    struct helper_output whole_output, sliced_output;
    struct board_config config = helper_config(FIRMWARE(BUSY));
    struct board *whole = helper_board(&config, &whole_output);
    struct board *sliced = helper_board(&config, &sliced_output);
    random_state = (uint64_t)_i + 1;
    ck_assert_int_eq(helper_run(whole, REPEATED_INSNS), BOARD_STOP_INSNS);
    while (board_insns(sliced) < REPEATED_INSNS) {
        uint64_t left = REPEATED_INSNS - board_insns(sliced), most = 1 + roll(roll(4) ? 5000 : 3);
        struct board_budget budget = {.until = VTIME_NEVER, .insns = most < left ? most : left};
        if (roll(2)) { /* as pacing does it: by time */
            budget.insns = left;
            budget.until = board_now(sliced) + (vtime)roll(100000);
        }
        board_run(sliced, &budget);
    }
    ck_assert_uint_eq(board_insns(sliced), REPEATED_INSNS);
    ck_assert_int_eq(board_now(whole), board_now(sliced));
    ck_assert_uint_gt(whole_output.size, 10);
    ck_assert_str_eq(whole_output.text, sliced_output.text);
    ck_assert_mem_eq(whole_output.insns, sliced_output.insns, sizeof whole_output.insns);
    ck_assert_uint_eq(board_hash(whole), board_hash(sliced));
    helper_free(whole);
    helper_free(sliced);
}
END_TEST

START_TEST(one_instruction_at_a_time_is_the_same_run)
{
    struct helper_output whole_output, stepped_output;
    struct board_config config = helper_config(FIRMWARE(BUSY));
    struct board *whole = helper_board(&config, &whole_output);
    struct board *stepped = helper_board(&config, &stepped_output);
    helper_run(whole, 20000);
    for (unsigned i = 0; i < 20000; i++) ck_assert_int_eq(helper_run(stepped, 1), BOARD_STOP_INSNS);
    ck_assert_uint_eq(board_hash(whole), board_hash(stepped));
    helper_free(whole);
    helper_free(stepped);
}
END_TEST

START_TEST(the_hash_sees_a_change)
{
    struct helper_output output;
    struct board_config config = helper_config(FIRMWARE(BUSY));
    struct board *board = helper_board(&config, &output);
    helper_run(board, 1000);
    uint64_t before = board_hash(board);
    ck_assert_uint_eq(board_hash(board), before); /* looking changes nothing */
    uint8_t byte;
    ck_assert(space_peek(board_memory(board), HELPER_RAM - 1, &byte, 1));
    byte ^= 0x80;
    ck_assert(space_poke(board_memory(board), HELPER_RAM - 1, &byte, 1));
    ck_assert_uint_ne(board_hash(board), before);
    helper_free(board);
}
END_TEST

/* ---- input at a fixed instruction ---- */

/* Lets the keyboard in, and sends what it sends to E9h. */
#define ECHO_KEYS "\xb0\xae\xe6\x64\xe4\x64\xa8\x01\x74\xfa\xe4\x60\xe6\xe9\xeb\xf4"

static void type(struct board *board, uint64_t at, unsigned slice)
{
    static const struct key_event keys[] = {{KEY_A, 1}, {KEY_A, 0}, {KEY_LEFT, 1}, {KEY_LEFT, 0}};
    while (board_insns(board) < at) {
        uint64_t left = at - board_insns(board);
        helper_run(board, left < slice ? left : slice);
    }
    door_post(board_keyboard(board), keys, sizeof keys);
}

START_TEST(keys_at_a_fixed_instruction_are_seen_at_a_fixed_instruction)
{
    struct helper_output outputs[3];
    uint64_t hashes[3];
    struct board_config config = helper_config(FIRMWARE(ECHO_KEYS));
    static const struct {
        uint64_t at;
        unsigned slice;
    } typed[3] = {{50000, 100000}, {50000, 37}, {50001, 100000}};
    for (unsigned i = 0; i < 3; i++) {
        struct board *board = helper_board(&config, &outputs[i]);
        type(board, typed[i].at, typed[i].slice);
        while (board_insns(board) < 2000000) helper_run(board, 2000000 - board_insns(board));
        hashes[i] = board_hash(board);
        ck_assert_uint_ge(outputs[i].size, 4); /* of the self-test, A twice, and the cursor key's */
        ck_assert_uint_le(outputs[i].insns[0], 50000);
        ck_assert_uint_gt(outputs[i].insns[1], 50000);
        helper_free(board);
    }
    ck_assert_uint_eq(hashes[0], hashes[1]);
    ck_assert_mem_eq(&outputs[0].insns, &outputs[1].insns, sizeof outputs[0].insns);
    ck_assert_str_eq(outputs[0].text, outputs[1].text);
    ck_assert_str_eq(outputs[0].text, outputs[2].text);
}
END_TEST

/* Every byte that COM1 gets comes out of E9h. */
#define ECHO_SERIAL "\xba\xfd\x03\xec\xa8\x01\x74\xfb\xba\xf8\x03\xec\xe6\xe9\xeb\xf0"

START_TEST(serial_input_is_let_in_between_runs)
{
    struct helper_output outputs[2];
    uint64_t hashes[2];
    struct board_config config = helper_config(FIRMWARE(ECHO_SERIAL));
    for (unsigned i = 0; i < 2; i++) {
        struct board *board = helper_board(&config, &outputs[i]);
        helper_run(board, 1000);
        chardev_feed(board_serial(board, 0), "hello", 5);
        ck_assert(door_waiting(board_door(board)));
        for (unsigned n = 0; n < 100; n++) helper_run(board, i ? 10000 : 20000 - n % 2 * 20000);
        while (board_insns(board) < 1001000) helper_run(board, 1001000 - board_insns(board));
        hashes[i] = board_hash(board);
        ck_assert_str_eq(outputs[i].text, "hello");
        ck_assert_ptr_null(board_serial(board, 1)); /* not there */
        helper_free(board);
    }
    ck_assert_uint_eq(hashes[0], hashes[1]);
    ck_assert_mem_eq(outputs[0].insns, outputs[1].insns, sizeof outputs[0].insns);
}
END_TEST

/* ---- reset ---- */

/* The name of the first field of any chip that differs, or NULL. */
static const char *chips_differ(struct board *a, struct board *b)
{
    static char text[200];
    struct list *one = board_devices(a)->head.next, *other = board_devices(b)->head.next;
    for (; one != &board_devices(a)->head; one = one->next, other = other->next) {
        const struct device *x = list_entry(one, struct device, node);
        const struct device *y = list_entry(other, struct device, node);
        char where[100];
        ck_assert_str_eq(x->name, y->name);
        if (!state_differs(x->ops->state, x->state, y->state, where, sizeof where)) continue;
        snprintf(text, sizeof text, "%s.%s", x->name, where);
        return text;
    }
    return NULL;
}

START_TEST(a_reset_at_power_on_changes_nothing)
{
    struct helper_output output;
    struct board_config config = helper_config(FIRMWARE(BUSY));
    struct board *fresh = helper_board(&config, &output), *again = helper_board(&config, &output);
    board_reset(again);
    ck_assert_ptr_null(chips_differ(fresh, again));
    ck_assert_uint_eq(board_hash(fresh), board_hash(again));
    helper_run(fresh, 5000);
    helper_run(again, 5000);
    ck_assert_uint_eq(board_hash(fresh), board_hash(again));
    helper_free(fresh);
    helper_free(again);
}
END_TEST

/* Against a machine that was idle for as long, since some chips count from the time of their reset. */
START_TEST(a_reset_brings_back_the_power_on_state)
{
    /* Reprograms the PIT, both 8259s, COM1, the 8042, a task file, port 61h, the DMA pages, port 92h and the PM base. */
    static const char mess[] =
        "\xb0\x36\xe6\x43\xb0\x12\xe6\x40\xe6\x40\xb0\x11\xe6\x20\xb0\x20\xe6\x21\xe6\xa1"
        "\xb0\x1f\xba\xf9\x03\xee\xba\xfc\x03\xee\xba\xfb\x03\xee\xb0\x60\xe6\x64\xb0\x45\xe6\x60"
        "\xb0\x12\xba\xf4\x01\xee\xe6\x80\xe6\x61\xb0\x03\xe6\x92" CONFIG("\x40", "\x01\x07\x00\x00") CLI_HLT;
    struct helper_output output;
    struct board_config idle_config = helper_config(FIRMWARE(CLI_HLT));
    struct board_config config = helper_config(helper_firmware(mess, sizeof mess - 1));
    config.drives[0] = idle_config.drives[0] = helper_snapshot(DISK(CLI_HLT));
    struct board *idle = helper_board(&idle_config, &output), *used = helper_board(&config, &output);
    struct cpu_state one, other;
    char where[100];
    const struct board_budget budget = {.until = VTIME_MS, .insns = UINT64_MAX};
    ck_assert_int_eq(board_run(idle, &budget), BOARD_STOP_TIME);
    ck_assert_int_eq(board_run(used, &budget), BOARD_STOP_TIME);
    ck_assert_ptr_nonnull(chips_differ(idle, used));
    board_reset(idle);
    board_reset(used);
    const char *differs = chips_differ(idle, used);
    ck_assert_msg(!differs, "%s is not as at power-on", differs);
    cpu_get_state(board_cpu(idle, 0), &one);
    cpu_get_state(board_cpu(used, 0), &other);
    ck_assert_msg(!state_differs(&cpu_state_table, &one, &other, where, sizeof where), "cpu.%s", where);
    helper_free(idle);
    helper_free(used);
}
END_TEST

/* ---- boards that cannot be made ---- */

START_TEST(files_at_fault_are_named)
{
    struct board_config config = helper_config(FIRMWARE(CLI_HLT)), wrong = config;
    wrong.bios = "/nonexistent/bios.bin";
    helper_refused(&wrong, "-bios: /nonexistent/bios.bin: ", "No such file");
    wrong.bios = "no-such-bios.bin";
    helper_refused(&wrong, "-bios: no-such-bios.bin: ", "not found in -L directories");
    wrong.bios = helper_file("x", 1, 1000);
    helper_refused(&wrong, "-bios: /", "no multiple of 64 KiB");
    wrong.bios = helper_dir;
    helper_refused(&wrong, "-bios: /", "is not a regular file");
    wrong = config;
    wrong.drives[0] = board_drive_file(BOARD_HARD_DISK, "/nonexistent/disk.img");
    helper_refused(&wrong, "-hda: /nonexistent/disk.img: ", "No such file");
    wrong.drives[0].kind = BOARD_NO_DRIVE;
    wrong.drives[3] = board_drive_file(BOARD_HARD_DISK, helper_dir);
    helper_refused(&wrong, "-hdd: /", "is a directory");
    wrong.drives[3] = board_drive_file(BOARD_HARD_DISK, helper_file("", 0, 0));
    helper_refused(&wrong, "-hdd: /", "is empty");
    wrong = config;
    wrong.initrd = "/some/initrd";
    helper_refused(&wrong, "-initrd: /some/initrd: ", "needs -kernel");
    wrong.initrd = NULL;
    wrong.append = "quiet";
    helper_refused(&wrong, "-append: ", "needs -kernel");
}
END_TEST

START_TEST(a_disk_in_use_is_refused)
{
    struct helper_output output;
    struct board_config config = helper_config(FIRMWARE(CLI_HLT));
    config.drives[0] = board_drive_file(BOARD_HARD_DISK, DISK(CLI_HLT));
    struct board *first = helper_board(&config, &output);
    helper_refused(&config, "-hda: /", "");
    helper_free(first);
    helper_free(helper_board(&config, &output)); /* free again */
}
END_TEST

/* ---- with SeaBIOS ---- */

/* Prints by the BIOS, reads the second sector by INT 13h, says its first byte and ends. */
#define BOOT_SECTOR                                                                                          \
    "\x31\xc0\x8e\xd8\x8e\xc0\xbc\x00\x7c\xb8\x4d\x0e\xbb\x07\x00\xcd\x10\xb8\x01\x02\xb9\x02\x00\xb6\x00"   \
    "\xbb"                                                                                                   \
    "\x00\x80\xcd\x13\xa0\x00\x80\xe6\xe9" EXIT_WITH("\x20") CLI_HLT
#define BOOT_INSNS 40000000

/* A medium is changed through the door, so between runs; what cannot be had leaves the old one. */
START_TEST(media_come_in_through_the_door)
{
    struct error error;
    struct helper_output output;
    const char *small = helper_file("small", 5, 720 * 1024), *large = helper_file("large", 5, 1440 * 1024);
    struct board_config config = helper_config(FIRMWARE(CLI_HLT));
    config.drives[0] = board_drive_file(BOARD_HARD_DISK, DISK(CLI_HLT));
    config.drives[2] = board_drive_file(BOARD_CDROM, NULL);
    config.drives[4] = board_drive_file(BOARD_FLOPPY, large);
    struct board *board = helper_board(&config, &output);
    const struct block *cd = board_drive(board, 2), *floppy = board_drive(board, 4);
    ck_assert(!board_change_medium(board, "hda", small, &error) && strstr(error.text, "hard disk"));
    ck_assert(!board_change_medium(board, "hdd", small, &error) && strstr(error.text, "no such drive"));

    ck_assert(board_change_medium(board, "hdc", small, &error));
    ck_assert(!block_has_medium(cd));
    helper_run(board, 10);
    ck_assert_uint_eq(block_sectors(cd), 1440);
    ck_assert(block_read_only(cd));
    ck_assert(board_change_medium(board, "fda", "/nonexistent/floppy.img", &error));
    helper_run(board, 10);
    ck_assert_uint_eq(block_sectors(floppy), 2880);
    ck_assert(board_change_medium(board, "fda", NULL, &error));
    ck_assert(board_change_medium(board, "hdc", NULL, &error));
    helper_run(board, 10);
    ck_assert(!block_has_medium(floppy) && !block_has_medium(cd));
    ck_assert(board_change_medium(board, "fda", small, &error));
    helper_run(board, 10);
    ck_assert_uint_eq(block_sectors(floppy), 1440);
    /* of a damaged recording: a hard disk's medium, no path, nothing at all */
    door_post(&board->medium, "\0\0", 2);
    door_post(&board->medium, "\4", 1);
    door_post(&board->medium, "", 0);
    helper_run(board, 10);
    ck_assert(block_has_medium(board_drive(board, 0)) && block_has_medium(floppy));
    board_free(board);
}
END_TEST

static bool have_seabios(void)
{
    size_t size;
    uint8_t *bios = firmware_load("bios-256k.bin", NULL, 0, 1 << 20, &size, NULL);
    uint8_t *vga = firmware_load("vgabios-stdvga.bin", NULL, 0, 1 << 20, &size, NULL);
    bool both = bios && vga;
    free(bios);
    free(vga);
    if (!both) fprintf(stderr, "test_board: SeaBIOS is not installed: its tests are skipped\n");
    return both;
}

static struct board_config seabios_config(void)
{
    struct board_config config = helper_config(NULL);
    uint8_t image[1024] = BOOT_SECTOR;
    le16_store(image + 510, 0xaa55);
    image[512] = 'S';
    config.drives[0] = helper_snapshot(helper_file(image, sizeof image, 1 << 20));
    config.vga = true;
    return config;
}

START_TEST(seabios_boots_a_disk_twice_alike_in_one_process)
{
    struct helper_output outputs[2];
    struct board_config config = seabios_config();
    struct board *boards[2] = {helper_board(&config, &outputs[0]), helper_board(&config, &outputs[1])};
    /* In turns, with different slices. */
    for (uint64_t at = 0; at < 6000000; at += 1000000) {
        for (unsigned i = 0; i < 2; i++)
            while (board_insns(boards[i]) < at)
                helper_run(boards[i], i ? at - board_insns(boards[i]) : 99991);
        while (board_insns(boards[1]) < board_insns(boards[0]))
            helper_run(boards[1], board_insns(boards[0]) - board_insns(boards[1]));
        ck_assert_uint_eq(board_insns(boards[0]), board_insns(boards[1]));
        ck_assert_uint_eq(board_hash(boards[0]), board_hash(boards[1]));
    }
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(helper_run(boards[i], BOOT_INSNS), BOARD_STOP_EXIT);
        ck_assert_int_eq(board_exit_status(boards[i]), 65);
        ck_assert_str_eq(outputs[i].text, "S");
    }
    ck_assert_uint_eq(board_insns(boards[0]), board_insns(boards[1]));
    ck_assert_uint_eq(board_hash(boards[0]), board_hash(boards[1]));
    helper_free(boards[0]);
    helper_free(boards[1]);
}
END_TEST

START_TEST(seabios_boots_again_after_a_reset)
{
    struct helper_output output;
    struct board_config config = seabios_config();
    struct board *board = helper_board(&config, &output);
    ck_assert_int_eq(helper_run(board, BOOT_INSNS), BOARD_STOP_EXIT);
    board_reset(board);
    ck_assert_int_eq(helper_run(board, BOOT_INSNS), BOARD_STOP_EXIT);
    ck_assert_str_eq(output.text, "SS");
    helper_free(board);
}
END_TEST

START_TEST(indirect_and_faulty_memory_boot_to_the_same_end)
{
    for (unsigned mode = DMA_MODE_INDIRECT; mode <= DMA_MODE_FAULTY; mode++) {
        struct helper_output output;
        struct board_config config = seabios_config();
        config.dma = (struct dma_settings){.mode = mode, .max_bounce = 512, .seed = 3};
        struct board *board = helper_board(&config, &output);
        ck_assert_int_eq(helper_run(board, BOOT_INSNS), BOARD_STOP_EXIT);
        ck_assert_str_eq(output.text, "S");
        helper_free(board);
    }
}
END_TEST

START_TEST(a_board_that_is_freed_in_the_middle_leaves_nothing)
{
    struct board_config config = seabios_config();
    random_state = (uint64_t)_i + 11;
    for (unsigned i = 0; i < 3; i++) {
        struct helper_output output;
        struct board *board = helper_board(&config, &output);
        helper_run(board, roll(4000000));
        chardev_feed(board_serial(board, 0), "x", 1);
        board_reset(board);
        ck_assert_uint_eq(dma_stats(board_ide_dma(board))->live, 0);
        helper_run(board, roll(100000));
        board_free(board);
    }
}
END_TEST

static TCase *new_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    return tcase;
}

int main(void)
{
    const TTest *const plain_tests[] = {
        a_stop_that_is_asked_for_comes_after_the_instruction,
        time_stands_still_between_runs_and_stops_where_asked,
        a_halted_board_jumps_to_the_time_asked_for,
        lesson_32_events_without_end_do_not_stop_time,
        lesson_52_a_breakpoint_stops_before_its_instruction,
        one_instruction_at_a_time_is_the_same_run,
        the_hash_sees_a_change,
        keys_at_a_fixed_instruction_are_seen_at_a_fixed_instruction,
        serial_input_is_let_in_between_runs,
        a_reset_at_power_on_changes_nothing,
        a_reset_brings_back_the_power_on_state,
        files_at_fault_are_named,
        a_disk_in_use_is_refused,
        media_come_in_through_the_door,
    };
    const TTest *const seabios_tests[] = {
        seabios_boots_a_disk_twice_alike_in_one_process,
        seabios_boots_again_after_a_reset,
        indirect_and_faulty_memory_boot_to_the_same_end,
        a_board_that_is_freed_in_the_middle_leaves_nothing,
    };
    Suite *suite = suite_create("board");
    TCase *plain = new_case(suite, "own firmware");
    tcase_add_loop_test(plain, runs_end_for_a_reason, 0, ARRAY_COUNT(endings));
    tcase_add_loop_test(plain, resets_start_over, 0, 4);
    tcase_add_loop_test(plain, slices_do_not_show, 0, 5);
    helper_add(plain, plain_tests, ARRAY_COUNT(plain_tests));
    if (have_seabios()) helper_add(new_case(suite, "SeaBIOS"), seabios_tests, ARRAY_COUNT(seabios_tests));
    return helper_main(suite);
}
