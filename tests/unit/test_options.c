/* SPDX-License-Identifier: MIT */
/* The command line, its values, the keys of -type and of terminals, the escape key. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "emu/ui/cp437.h"
#include "emu/ui/keys.h"
#include "emu/ui/mux.h"
#include "emu/ui/options.h"
#include "emu/ui/pace.h"
#include "emu/ui/typist.h"
#include "emu/ui/values.h"

#define MIB (UINT64_C(1) << 20)

static struct options options;
static struct error error;

/* Parses a line of words that are separated by blanks. */
static bool parse(const char *line)
{
    char copy[512], *argv[32] = {"vitrine"};
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word && argc < 31; word = strtok(NULL, " ")) argv[argc++] = word;
    argv[argc] = NULL;
    error.text[0] = 0;
    options_free(&options);
    return options_parse(&options, argc, argv, &error);
}

static const struct options_host terminal = {true, true, true, 1000}, pipes = {false, false, true, 1000};

static bool settle(const char *line, const struct options_host *host)
{
    ck_assert_msg(parse(line), "%s: %s", line, error.text);
    return options_settle(&options, host, &error);
}

static void teardown(void)
{
    options_free(&options);
}

/* ---- values ---- */

START_TEST(durations)
{
    static const struct {
        const char *text;
        vtime time; /* -1: refused */
    } rows[] = {
        {"5s", 5 * VTIME_S},
        {"200ms", 200 * VTIME_MS},
        {"1.5s", 1500 * VTIME_MS},
        {"10us", 10000},
        {"7ns", 7},
        {"0s", 0},
        {"5", -1},
        {"s", -1},
        {"", -1},
        {"-1s", -1},
        {"5 s", -1},
        {"1.2.3s", -1},
        {"1e3s", -1},
        {"5m", -1},
        {"0x5s", -1},
        {"99999999999s", -1},
        {"inf", -1},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        vtime time = -1;
        ck_assert_msg(duration_parse(rows[i].text, &time) == (rows[i].time >= 0), "%s", rows[i].text);
        if (rows[i].time >= 0) ck_assert_int_eq(time, rows[i].time);
    }
}
END_TEST

START_TEST(dates)
{
    static const struct {
        const char *text;
        int64_t seconds; /* -1: refused */
    } rows[] = {
        {"1970-01-01", 0},
        {"1970-01-02", 86400},
        {"2000-02-29T12:34:56", 951827696},
        {"2000-03-01", 951868800},
        {"2026-01-01", 1767225600},
        {"2100-02-28", 4107456000},
        {"2100-02-29", -1},
        {"2023-02-29", -1},
        {"2023-13-01", -1},
        {"2023-00-01", -1},
        {"1969-12-31", -1},
        {"2023-01-01T", -1},
        {"2023-01-01T24:00:00", -1},
        {"2023-01-01T00:00:00Z", -1},
        {"tomorrow", -1},
        {"", -1},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t seconds = -1;
        ck_assert_msg(date_parse(rows[i].text, &seconds) == (rows[i].seconds >= 0), "%s", rows[i].text);
        if (rows[i].seconds >= 0) ck_assert_int_eq(seconds, rows[i].seconds);
    }
}
END_TEST

/* ---- the line ---- */

START_TEST(defaults_depend_on_the_terminal)
{
    ck_assert(settle("a.img", &terminal));
    ck_assert_str_eq(options.board.drives[0].options.path, "a.img");
    ck_assert_int_eq(options.display, DISPLAY_CURSES);
    ck_assert_int_eq(options.serial[0].kind, CHAR_NULL);
    ck_assert_int_eq(options.pacing, PACING_ON);
    ck_assert_int_eq(options.board.date, 1000);
    ck_assert_uint_eq(options.board.ram_size, 128 * MIB);

    ck_assert(settle("a.img", &pipes));
    ck_assert_int_eq(options.display, DISPLAY_NONE);
    ck_assert_int_eq(options.serial[0].kind, CHAR_STDIO);
    ck_assert_int_eq(options.pacing, PACING_OFF);
    ck_assert_int_eq(options.board.date, 1767225600);

    ck_assert(settle("-nographic a.img", &terminal));
    ck_assert_int_eq(options.display, DISPLAY_NONE);
    ck_assert_int_eq(options.serial[0].kind, CHAR_MON_STDIO);
    ck_assert_int_eq(options.pacing, PACING_ON);

    ck_assert(settle("-icount sleep=off -serial stdio a.img", &terminal));
    ck_assert_int_eq(options.display, DISPLAY_NONE);
    ck_assert_int_eq(options.pacing, PACING_OFF);

    ck_assert(settle("-nodefaults", &pipes));
    ck_assert(!options.board.vga && !options.board.serial[0]);
    ck_assert(settle("-nodefaults -serial null -vga std", &pipes));
    ck_assert(options.board.vga && options.board.serial[0]);
    ck_assert(settle("-serial none -serial file:x", &pipes));
    ck_assert(!options.board.serial[0] && options.board.serial[1] && !options.board.serial[2]);
    ck_assert_str_eq(options.serial[1].path, "x");
}
END_TEST

START_TEST(sizes_of_memory)
{
    static const struct {
        const char *line;
        uint64_t size; /* 0: refused */
    } rows[] = {
        {"-m 64", 64 * MIB},   {"-m 1", MIB},
        {"-m 1G", 1024 * MIB}, {"-m 4G", 4096 * MIB},
        {"-m 2048K", 2 * MIB}, {"-m size=16", 16 * MIB},
        {"--m 8", 8 * MIB},    {"-m 0", 0},
        {"-m 1K", 0},          {"-m banana", 0},
        {"-m 1T", 0},          {"-m -5", 0},
        {"-m 1025K", 0},       {"-m 5G", 0},
        {"-m 8,slots=2", 0},   {"-m", 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        ck_assert_msg(parse(rows[i].line) == (rows[i].size != 0), "%s", rows[i].line);
        if (rows[i].size) ck_assert_uint_eq(options.board.ram_size, rows[i].size);
        if (!rows[i].size) ck_assert(!strncmp(error.text, "-m: ", 4));
    }
}
END_TEST

START_TEST(drives)
{
    ck_assert(parse("-drive file=a,,b.img,index=2,if=ide,media=disk,format=raw,readonly=on,cache=none,id=x"));
    ck_assert_str_eq(options.board.drives[2].options.path, "a,b.img");
    ck_assert(options.board.drives[2].options.read_only && !options.board.drives[2].options.snapshot);

    ck_assert(parse("-drive file=a,snapshot=off -drive file=b -hdd d -snapshot"));
    ck_assert_str_eq(options.board.drives[0].options.path, "a");
    ck_assert_str_eq(options.board.drives[1].options.path, "b");
    ck_assert(!options.board.drives[0].options.snapshot && options.board.drives[1].options.snapshot);
    ck_assert(options.board.drives[3].options.snapshot);

    ck_assert(!parse("-drive file=a,format=qcow2") && strstr(error.text, "raw"));
    ck_assert(!parse("-drive file=a,if=virtio") && strstr(error.text, "virtio"));
    ck_assert(!parse("-drive file=a,media=tape"));
    ck_assert(!parse("-drive file=a,aio=magic") && strstr(error.text, "aio"));
    ck_assert(!parse("-drive file=a,snapshott=on") && strstr(error.text, "did you mean snapshot?"));
    ck_assert(!parse("-drive index=1") && strstr(error.text, "file="));
    ck_assert(!parse("-drive file=a,index=4"));
    ck_assert(!parse("-hda a b") && strstr(error.text, "another index"));
    ck_assert(!parse("-hda a -drive file=b,index=0"));
    ck_assert(!parse("-drive file=a -drive file=b -drive file=c -drive file=d -drive file=e"));
}
END_TEST

START_TEST(drives_of_other_kinds)
{
    const struct board_drive *drives = options.board.drives;
    ck_assert(parse("-cdrom cd.iso -fda a.img -fdb b.img"));
    ck_assert_int_eq(drives[2].kind, BOARD_CDROM);
    ck_assert_int_eq(drives[4].kind, BOARD_FLOPPY);
    ck_assert_str_eq(drives[5].options.path, "b.img");
    ck_assert(
        parse("-drive media=cdrom,index=3 -drive if=floppy,file=f -drive if=none,id=d0,file=x,cache=unsafe"));
    ck_assert_int_eq(drives[3].kind, BOARD_CDROM);
    ck_assert_ptr_null(drives[3].options.path);
    ck_assert_str_eq(drives[4].options.path, "f");
    ck_assert_str_eq(drives[6].id, "d0");
    ck_assert_int_eq(drives[6].options.cache, DRIVE_UNSAFE);
    ck_assert(parse("-drive file=a,bus=1,unit=1"));
    ck_assert_str_eq(drives[3].options.path, "a");
    ck_assert(!parse("-cdrom a -hdc b") && strstr(error.text, "another index"));
    ck_assert(!parse("-drive if=none,file=x") && strstr(error.text, "id="));
    ck_assert(!parse("-drive if=floppy,index=2,file=x"));

    const struct board_device *device = options.board.devices;
    ck_assert(parse("-device ide-hd,drive=d0,bus=ide.1,unit=1,cyls=100,heads=4,secs=17,serial=S1"));
    ck_assert_uint_eq(options.board.device_count, 1);
    ck_assert_str_eq(device->drive, "d0");
    ck_assert_str_eq(device->bus, "ide.1");
    ck_assert_uint_eq(device->ata.geometry.cylinders, 100);
    ck_assert_str_eq(device->ata.serial, "S1");
    ck_assert(!parse("-device ide-hd,drive=d0,heads=17"));
    ck_assert(parse(
        "-device ahci,id=a0,addr=1f.3,dma=indirect,dma-mask=32 -device ide-cd,drive=x,bus=a0.2,bootindex=7"));
    ck_assert_str_eq(device[0].driver, "ich9-ahci");
    ck_assert_int_eq(device[0].devfn, 0xfb);
    ck_assert(device[0].dma.mode_said && device[0].dma.settings.dma_mask == 32);
    ck_assert_int_eq(device[1].boot_index, 7);
    ck_assert_int_eq(device[1].ata.kind, ATA_CDROM);
    ck_assert(!parse("-device ahci,addr=20") && !parse("-device ahci,addr=1.8") &&
              !parse("-device ahci,drive=x"));
}
END_TEST

START_TEST(machine_words)
{
    ck_assert(parse("-machine pc,dma=indirect,max-bounce-buffer-size=64K,checker=on"));
    ck_assert_int_eq(options.board.dma.mode, DMA_MODE_INDIRECT);
    ck_assert_uint_eq(options.board.dma.max_bounce, 65536);
    ck_assert(options.board.dma_checker);
    ck_assert(parse("-M dma=faulty,seed=7"));
    ck_assert_int_eq(options.board.dma.mode, DMA_MODE_FAULTY);
    ck_assert_uint_eq(options.board.dma.seed, 7);
    ck_assert(parse("-machine dma-mask=24"));
    ck_assert_uint_eq(options.board.dma.dma_mask, 24);
    ck_assert(!parse("-machine dma-mask=8") && strstr(error.text, "24"));
    ck_assert(parse("-machine type=pc -accel tcg -smp 1 -net none -nic none -name me -vga std"));
    ck_assert(!parse("-machine q35"));
    ck_assert(!parse("-machine pc,dma=fast"));
    ck_assert(!parse("-machine pc,max-bounce-buffer-size=0"));
    ck_assert(!parse("-smp 9"));
    ck_assert(!parse("-smp 6,sockets=1,cores=2"));
    ck_assert(parse("-smp 6,sockets=2,cores=3"));
    ck_assert_uint_eq(options.board.cpus, 6);
    ck_assert_uint_eq(options.board.cores_per_socket, 3);
    ck_assert(parse("-smp sockets=2,cores=2,threads=2"));
    ck_assert_uint_eq(options.board.cpus, 8);
    ck_assert(parse("-cpu 486"));
    ck_assert_uint_eq(options.board.cpu_model.family, 4);
    ck_assert(!parse("-cpu pentium9"));
    ck_assert(!parse("-accel kvm"));
}
END_TEST

START_TEST(devices_and_ports)
{
    ck_assert(parse("-device isa-debug-exit"));
    ck_assert(options.board.debug_exit);
    ck_assert_uint_eq(options.board.debug_exit_port, 0x501);
    ck_assert_uint_eq(options.board.debug_exit_size, 4);
    ck_assert(parse("-device isa-debug-exit,iobase=0xf4,iosize=1"));
    ck_assert_uint_eq(options.board.debug_exit_port, 0xf4);
    ck_assert(!parse("-device isa-debug-exti") && strstr(error.text, "did you mean isa-debug-exit?"));
    ck_assert(!parse("-device isa-debug-exit,iobase=0x10000"));
    ck_assert(parse("-debugcon file:log -global isa-debugcon.iobase=0x402"));
    ck_assert(options.board.debugcon && options.debugcon.kind == CHAR_FILE);
    ck_assert_uint_eq(options.board.debugcon_port, 0x402);
    ck_assert(!parse("-debugcon mon:stdio"));
    ck_assert(!parse("-global PIIX4_PM.disable_s3=1"));
    ck_assert(!parse("-global isa-debugcon.port=1"));
    ck_assert(!parse("-global piix3-ide"));
    ck_assert(!parse("-global piix3-ide.dma=fast"));
    ck_assert(parse("-global piix3-ide.dma-mask=24 -global piix3-ide.dma=indirect"));
    ck_assert_uint_eq(options.board.global_count, 1);
    const struct board_dma *dma = &options.board.globals[0].dma;
    ck_assert(dma->mask_said && dma->mode_said && !dma->seed_said && !dma->max_bounce_said);
    ck_assert_uint_eq(dma->settings.dma_mask, 24);
    ck_assert_int_eq(dma->settings.mode, DMA_MODE_INDIRECT);
    ck_assert_str_eq(options.board.boot_order, "cad");
    ck_assert(parse("-boot d"));
    ck_assert_str_eq(options.board.boot_order, "d");
    ck_assert(parse("-boot order=nc,menu=on"));
    ck_assert(options.board.boot_menu && !strcmp(options.board.boot_order, "nc"));
    ck_assert(!parse("-boot x") && !parse("-boot cccca"));
    ck_assert(!parse("-serial tcp::5555"));
    ck_assert(!parse("-serial file:"));
}
END_TEST

START_TEST(running)
{
    ck_assert(
        parse("-icount shift=5,sleep=on -no-reboot -triple-fault reset -limit insns=100,time=5s -stats"));
    ck_assert_uint_eq(options.board.clock_shift, 5);
    ck_assert_int_eq(options.pacing, PACING_ON);
    ck_assert(options.board.no_reboot && options.board.triple_fault_resets && options.stats);
    ck_assert_uint_eq(options.limit_insns, 100);
    ck_assert_int_eq(options.limit_time, 5 * VTIME_S);
    ck_assert(parse("-icount auto -rtc base=2000-03-01 -echr 0x14"));
    ck_assert_uint_eq(options.board.clock_shift, 3);
    ck_assert_int_eq(options.board.date, 951868800);
    ck_assert_int_eq(options.escape, 0x14);
    ck_assert(!parse("-icount shift=11"));
    ck_assert(!parse("-limit 5s"));
    ck_assert(!parse("-limit insns=0"));
    ck_assert(!parse("-limit time=5"));
    ck_assert(!parse("-triple-fault ignore"));
    ck_assert(!parse("-rtc base=yesterday"));
    ck_assert(!parse("-echr 0"));
    ck_assert(parse("-s -S") && !strcmp(options.gdb, "tcp::1234") && options.wait_for_gdb);
    ck_assert(parse("-gdb tcp::99") && !strcmp(options.gdb, "tcp::99"));
    ck_assert(!parse("-gdb tcp::99999"));
    ck_assert(!parse("-gdb 1234"));
    ck_assert(!parse("-d int,nothing") && strstr(error.text, "nothing"));
    log_items = 0;
}
END_TEST

START_TEST(unknown_options_are_told)
{
    ck_assert(!parse("-snapshto"));
    ck_assert_str_eq(error.text, "-snapshto: unknown option; --help lists them; did you mean -snapshot?");
    ck_assert(!parse("--nographics") && strstr(error.text, "did you mean -nographic?"));
    ck_assert(!parse("-zzzzzzzzzzzzz") && !strstr(error.text, "did you mean"));
    ck_assert(!parse("-kernel") && strstr(error.text, "needs a value"));
}
END_TEST

START_TEST(what_excludes_each_other)
{
    ck_assert(!settle("-display curses", &pipes));
    ck_assert(!settle("-display curses -serial stdio", &terminal));
    ck_assert(!settle("-display curses -debugcon stdio", &terminal));
    ck_assert(!settle("-display curses -vga none", &terminal));
    ck_assert(!settle("-serial stdio -serial mon:stdio", &pipes));
    ck_assert(!settle("-S", &pipes));
    ck_assert(settle("-serial stdio -debugcon stdio", &pipes));
}
END_TEST

START_TEST(help_names_every_option_and_lists_end_the_line)
{
    char *text;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    ck_assert(parse("--help -nonsense"));
    options.show(to);
    ck_assert(parse("-version"));
    options.show(to);
    ck_assert(parse("-device help"));
    options.show(to);
    ck_assert(parse("-d help"));
    options.show(to);
    ck_assert(parse("-machine help"));
    options.show(to);
    fclose(to);
    ck_assert(strstr(text, "\n-dump-screen FILE"));
    ck_assert(strstr(text, "\n-m [size=]MEGS"));
    ck_assert(strstr(text, "isa-debug-exit"));
    free(text);
}
END_TEST

/* ---- keys ---- */

/* Writes strokes as "38+ 10+ 10- 38- ". */
static void print_keys(char *to, const struct key_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sprintf(to + strlen(to), "%02x%c ", events[i].key, events[i].down ? '+' : '-');
}

START_TEST(text_to_type)
{
    static const struct {
        const char *text, *keys;
    } rows[] = {
        {"a", "1e+ 1e- "},
        {"A", "2a+ 1e+ 1e- 2a- "},
        {"\\n", "1c+ 1c- "},
        {"\\\\", "2b+ 2b- "},
        {"\\{up}", "c8+ c8- "},
        {"\\{f12}", "58+ 58- "},
        {"\\e", "01+ 01- "},
        {"\\t\\b", "0f+ 0f- 0e+ 0e- "},
        {"q\\{down}", "10+ 10- d0+ d0- "},
        {"", ""},
    };
    struct key_event events[KEYS_STROKE];
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char keys[100] = "";
        size_t count;
        const char *at = rows[i].text;
        ck_assert(keys_check(at, &error));
        while ((count = keys_next(&at, events))) print_keys(keys, events, count);
        ck_assert_str_eq(keys, rows[i].keys);
    }
    ck_assert(!keys_check("\\q", &error));
    ck_assert(!keys_check("a\\", &error));
    ck_assert(!keys_check("\\{up", &error));
    ck_assert(!keys_check("\\{}", &error));
    ck_assert(!keys_check("\xc3\xa4", &error));
    ck_assert(parse("-type 3s:ls:\\n") && !strcmp(options.typed[0].text, "ls:\\n"));
    ck_assert_int_eq(options.typed[0].at, 3 * VTIME_S);
    ck_assert(!parse("-type ls"));
    ck_assert(!parse("-type 3s"));
    ck_assert(!parse("-type 3s:\\{nokey}"));
}
END_TEST

START_TEST(keys_of_a_terminal_in_any_pieces)
{
    static const char bytes[] =
        "a\x1b[A\x1bOP\x1b[5~\x1b[1;5C\x1b[15;2~\x1bx\x1b[[B\x1b[Z\x1b[?1;2c\xc3\x03\x1b";
    static const char keys[] =
        "1e+ 1e- c8+ c8- 3b+ 3b- c9+ c9- 1d+ cd+ cd- 1d- 2a+ 3f+ 3f- 2a- 38+ 2d+ 2d- 38- "
        "3c+ 3c- 2a+ 0f+ 0f- 2a- 1d+ 2e+ 2e- 1d- 01+ 01- ";
    for (size_t piece = 1; piece < sizeof bytes; piece++) {
        struct key_reader reader = {.size = 0};
        struct key_event events[KEYS_STROKE];
        char typed[400] = "";
        size_t count;
        for (size_t at = 0; at < sizeof bytes - 1;) {
            size_t part = piece < sizeof bytes - 1 - at ? piece : sizeof bytes - 1 - at;
            at += key_reader_add(&reader, (const uint8_t *)bytes + at, part);
            while ((count = key_reader_next(&reader, false, events))) print_keys(typed, events, count);
        }
        while ((count = key_reader_next(&reader, true, events))) print_keys(typed, events, count);
        ck_assert_str_eq(typed, keys);
    }
}
END_TEST

START_TEST(a_terminal_that_sends_nonsense_does_no_harm)
{
    struct key_reader reader = {.size = 0};
    struct key_event events[KEYS_STROKE];
    uint32_t random = 1;
    for (int i = 0; i < 200000; i++) {
        static const uint8_t likely[] = "\x1b[O;0123456789~A[Zx";
        random = random * 1664525 + 1013904223;
        uint8_t byte = random >> 31 ? likely[(random >> 16) % (sizeof likely - 1)] : (uint8_t)(random >> 16);
        ck_assert_uint_eq(key_reader_add(&reader, &byte, 1), 1);
        size_t count;
        while ((count = key_reader_next(&reader, false, events))) ck_assert_uint_le(count, KEYS_STROKE);
    }
}
END_TEST

/* What a typist posts, with the door at hand. */
struct posted {
    char keys[400];
};

static void deliver(void *owner, const uint8_t *data, size_t size)
{
    print_keys(((struct posted *)owner)->keys, (const struct key_event *)data,
               size / sizeof(struct key_event));
}

START_TEST(typing_keeps_its_times)
{
    struct clock clock;
    struct door door;
    struct door_port port;
    struct posted posted = {""};
    struct typist typist;
    clock_init(&clock, 0);
    door_init(&door, &clock);
    door_port_init(&port, &door, "keyboard", deliver, &posted);
    ck_assert(parse("-type 2s:ab -type 1s:c"));
    typist_init(&typist, &options);
    ck_assert_int_eq(typist_next(&typist), VTIME_S);
    typist_type(&typist, &port, VTIME_S - 1);
    ck_assert(!door_waiting(&door));
    typist_type(&typist, &port, VTIME_S);
    ck_assert_int_eq(typist_next(&typist), 2 * VTIME_S);
    typist_type(&typist, &port, 2 * VTIME_S + 5);
    ck_assert_int_eq(typist_next(&typist), 2 * VTIME_S + TYPIST_PACE);
    typist_type(&typist, &port, 2 * VTIME_S + TYPIST_PACE);
    ck_assert_int_eq(typist_next(&typist), VTIME_NEVER);
    door_let_in(&door);
    ck_assert_str_eq(posted.keys, "2e+ 2e- 1e+ 1e- 30+ 30- ");
    door_port_destroy(&port);
    door_destroy(&door);
}
END_TEST

/* ---- the escape key, the character set, pacing ---- */

START_TEST(escape_key)
{
    struct mux mux = {.escape = 1};
    uint8_t bytes[] = "ab\x01\x01"
                      "c\x01h"
                      "d\x01",
            *at = bytes;
    enum mux_command command;
    size_t kept, used = mux_filter(&mux, at, 9, &kept, &command);
    ck_assert_uint_eq(used, 7);
    ck_assert_uint_eq(kept, 4);
    ck_assert_int_eq(command, MUX_HELP);
    ck_assert(!memcmp(at,
                      "ab\x01"
                      "c",
                      4));
    ck_assert_uint_eq(mux_filter(&mux, at + 7, 2, &kept, &command), 2);
    ck_assert_uint_eq(kept, 1);
    ck_assert_int_eq(command, MUX_NOTHING);
    uint8_t more[] = "x";
    mux_filter(&mux, more, 1, &kept, &command);
    ck_assert_uint_eq(kept, 0);
    ck_assert_int_eq(command, MUX_QUIT);
    char name[16];
    ck_assert_str_eq(mux_escape_name(&mux, name), "Ctrl-A");
}
END_TEST

START_TEST(character_set)
{
    char out[4] = "";
    ck_assert_uint_eq(cp437_to_utf8('A', out), 1);
    ck_assert_int_eq(out[0], 'A');
    ck_assert_uint_eq(cp437_to_utf8(0, out), 1);
    ck_assert_int_eq(out[0], ' ');
    ck_assert_uint_eq(cp437_to_utf8(0xda, out), 3);
    ck_assert(!memcmp(out, "\u250c", 3));
    ck_assert_uint_eq(cp437_to_utf8(0x84, out), 2);
    ck_assert(!memcmp(out, "\u00e4", 2));
    ck_assert_uint_eq(cp437_to_utf8(0x7f, out), 3);
    ck_assert(!memcmp(out, "\u2302", 3));
    for (unsigned c = 0; c < 256; c++) ck_assert_uint_le(cp437_to_utf8((uint8_t)c, out), 3);
}
END_TEST

START_TEST(pace_does_not_run_after_lost_time)
{
    struct pace pace = {.on = true};
    pace_restart(&pace, 5 * VTIME_S);
    ck_assert_int_ge(pace_target(&pace, 5 * VTIME_S), 5 * VTIME_S);
    ck_assert_int_eq(pace_until(&pace, VTIME_NEVER), -1);
    ck_assert_int_gt(pace_until(&pace, 100 * VTIME_S), 0);
    ck_assert_int_eq(pace_until(&pace, VTIME_S), 0);
    pace.wall -= 10 * VTIME_S; /* a suspended program */
    ck_assert_int_lt(pace_target(&pace, 5 * VTIME_S), 5 * VTIME_S + 200 * VTIME_MS);
    ck_assert_int_lt(pace_target(&pace, 5 * VTIME_S), 5 * VTIME_S + 200 * VTIME_MS);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        durations,
        dates,
        defaults_depend_on_the_terminal,
        sizes_of_memory,
        drives,
        machine_words,
        devices_and_ports,
        drives_of_other_kinds,
        running,
        unknown_options_are_told,
        what_excludes_each_other,
        help_names_every_option_and_lists_end_the_line,
        text_to_type,
        keys_of_a_terminal_in_any_pieces,
        a_terminal_that_sends_nonsense_does_no_harm,
        typing_keeps_its_times,
        escape_key,
        character_set,
        pace_does_not_run_after_lost_time,
    };
    TCase *tcase = tcase_create("options");
    tcase_add_checked_fixture(tcase, NULL, teardown);
    for (size_t i = 0; i < ARRAY_COUNT(tests); i++) tcase_add_test(tcase, tests[i]);
    Suite *suite = suite_create("options");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
