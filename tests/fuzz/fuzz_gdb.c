/* SPDX-License-Identifier: MIT */
/*
 * The gdb stub from a debugger's side: packets that are nearly right, with true and false sums, in pieces;
 * bytes that are no packets; hanging up in the middle; and the machine running in between.
 *
 * Checked: no crash, no assert, no hang; what comes back is made of packets and acknowledgements; packets
 * that only look change nothing in the machine (LESSONS 55).
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "emu/board/board.h"
#include "emu/core/log.h"
#include "emu/debug/gdb_stub.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_name[] = "fuzz_gdb";
const size_t fuzz_longest = 800;

static char bios_path[32];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    static uint8_t firmware[65536];
    int bios = memfd_create("bios", MFD_CLOEXEC);
    memcpy(firmware + 0xfff0, "\x40\x50\x43\xeb\xfb", 5); /* inc ax; push ax; inc bx; again */
    fuzz_check(bios >= 0 && write(bios, firmware, sizeof firmware) == (ssize_t)sizeof firmware,
               "memory files can be written");
    snprintf(bios_path, sizeof bios_path, "/proc/self/fd/%d", bios);
    lint_quiet(true);
    return 0;
}

struct play {
    struct board *board;
    struct gdb_stub *stub;
    struct fuzz_input in;
    int debugger; /* our end; -1: hung up */
    bool in_packet;
    unsigned sum_digits;
};

/* ---- the debugger ---- */

static void dial(struct play *play)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)gdb_stub_port(play->stub)),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    play->debugger = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fuzz_check(play->debugger >= 0 && !connect(play->debugger, (struct sockaddr *)&to, sizeof to),
               "the stub can be reached");
    setsockopt(play->debugger, IPPROTO_TCP, TCP_NODELAY, &(int){1},
               sizeof(int)); /* no waiting for more bytes */
    play->in_packet = false;
    play->sum_digits = 0;
}

static void hang_up(struct play *play)
{
    if (play->debugger >= 0) close(play->debugger);
    play->debugger = -1;
}

/* Outside of packets there are only acknowledgements. */
static void check_reply(struct play *play, const char *bytes, ssize_t size)
{
    for (ssize_t i = 0; i < size; i++) {
        char c = bytes[i];
        if (play->sum_digits) {
            fuzz_check(strchr("0123456789abcdef", c) != NULL && c, "a packet ends with its sum");
            play->sum_digits--;
        } else if (play->in_packet) {
            fuzz_check(c != '$', "a packet has no $ in it");
            play->in_packet = c != '#';
            if (c == '#') play->sum_digits = 2;
        } else {
            fuzz_check(c == '$' || c == '+' || c == '-', "replies are packets");
            play->in_packet = c == '$';
        }
    }
}

static void read_replies(struct play *play)
{
    char bytes[65536];
    ssize_t size = play->debugger < 0 ? -1 : recv(play->debugger, bytes, sizeof bytes, MSG_DONTWAIT);
    if (size > 0) check_reply(play, bytes, size);
    if (size == 0) hang_up(play);
}

/* Lets the stub work until there is nothing to do for it. `patience`: ms for what was sent to arrive there,
 * so that cases repeat. */
static void serve(struct play *play, int patience)
{
    for (unsigned round = 0; round < 100; round++) {
        struct pollfd ready = {.fd = gdb_stub_fd(play->stub), .events = gdb_stub_poll_events(play->stub)};
        if (poll(&ready, 1, round ? 0 : patience) <= 0) break;
        gdb_stub_input(play->stub);
        read_replies(play);
    }
    read_replies(play); /* or the end */
}

static void say(struct play *play, const void *bytes, size_t size)
{
    if (play->debugger < 0) {
        dial(play);
        serve(play, 20);
    }
    if (send(play->debugger, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) hang_up(play);
    serve(play, 20);
}

/* ---- actions ---- */

static const char *const packets[] = {
    "?",
    "g",
    "p0",
    "p8",
    "m0,10",
    "mfffffff0,20",
    "m1000,4000",
    "M0,4:90909090",
    "X100,3:abc",
    "c",
    "s",
    "vCont?",
    "vCont;c",
    "vCont;s",
    "vCont;s:1;c",
    "vCont;t",
    "Z0,fff0,1",
    "z0,fff0,1",
    "Z1,fff1,1",
    "Z2,0,4",
    "qSupported:swbreak+",
    "qXfer:features:read:target.xml:0,1000",
    "qXfer:features:read:target.xml:ffffffff,1",
    "H g0",
    "Hc-1",
    "Hg1",
    "qC",
    "qfThreadInfo",
    "qsThreadInfo",
    "T1",
    "P8=00000000",
    "G00",
    "QStartNoAckMode",
    "qAttached",
    "D",
    "!",
    "R0",
    "qRcmd,68",
    "m0,ffffffffffffffff",
    "mffffffffffffffff,2",
    "M0,ffffffff:00",
    "pffffffffffffffff",
    "vMustReplyEmpty",
    "bc",
    "k",
};

static void packet(struct play *play)
{
    char text[700], frame[800];
    uint8_t shape = fuzz_u8(&play->in);
    size_t size = (size_t)snprintf(text, 200, "%s", packets[fuzz_below(&play->in, ARRAY_COUNT(packets))]);
    if (!strcmp(text, "k") && shape & 7) size = (size_t)snprintf(text, 200, "g");
    for (unsigned left = shape & 0x20 ? fuzz_below(&play->in, 8) : 0; left; left--) { /* changes */
        size_t at = fuzz_u8(&play->in) % (size + 1);
        text[at] = (char)fuzz_u8(&play->in);
        if (at == size) size++;
    }
    if (shape & 0x40)
        for (unsigned left = fuzz_u8(&play->in); left && size < 600; left--)
            text[size++] = (char)('0' + left % 10);
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++) sum = (uint8_t)(sum + (uint8_t)text[i]);
    if (shape >= 0xf8) sum++;
    frame[0] = '$';
    memcpy(frame + 1, text, size);
    snprintf(frame + 1 + size, 4, "#%02x", sum);
    size_t first = shape & 0x10 ? fuzz_u8(&play->in) % (size + 4) : size + 4; /* in two pieces */
    say(play, frame, first);
    if (first < size + 4) say(play, frame + first, size + 4 - first);
}

static void noise(struct play *play)
{
    uint8_t bytes[256];
    unsigned size = 1u + fuzz_u8(&play->in) % 64;
    for (unsigned i = 0; i < size; i++) bytes[i] = fuzz_u8(&play->in);
    say(play, bytes, size);
}

static void acknowledge_or_break(struct play *play)
{
    say(play, &(const char[]){'+', '-', 3, '$', '#'}[fuzz_below(&play->in, 5)], 1);
}

static void look(struct play *play)
{
    static const char looks[] = "$?#3f$g#67$m0,40#8d$p8#a8$qC#b4";
    if (!gdb_stub_stopped(play->stub) || !gdb_stub_attached(play->stub)) return;
    say(play, looks, sizeof looks - 1); /* ends what came before, which may have been a write */
    if (!gdb_stub_stopped(play->stub)) return;
    uint64_t before = board_hash(play->board);
    say(play, looks, sizeof looks - 1);
    fuzz_check(board_hash(play->board) == before, "looking changes nothing");
}

static void run_machine(struct play *play)
{
    struct board_budget budget = {.until = board_now(play->board) + VTIME_MS,
                                  .insns = 1u + fuzz_u8(&play->in)};
    if (gdb_stub_stopped(play->stub)) return;
    gdb_stub_step_pending(play->stub, &budget);
    enum board_stop stop = board_run(play->board, &budget);
    gdb_stub_report(play->stub, stop, -1);
    serve(play, 0);
}

static void hang_up_now(struct play *play)
{
    if (fuzz_u8(&play->in) < 192) return;
    hang_up(play);
    serve(play, 1);
}

static void (*const actions[])(struct play *play) = {
    packet, packet,      packet,      packet,     packet, noise, acknowledge_or_break,
    look,   run_machine, run_machine, hang_up_now};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play play = {.in = {data, size}, .debugger = -1};
    struct board_config config;
    struct error error = {{0}};
    board_config_default(&config);
    config.ram_size = UINT64_C(1) << 20;
    config.bios = bios_path;
    config.vga = false;
    play.board = board_new(&config, &error);
    fuzz_check(play.board != NULL, "the board can be made");
    play.stub = gdb_stub_new(play.board, "tcp::0", &error);
    fuzz_check(play.stub != NULL, "the stub can be made");
    if (fuzz_u8(&play.in) & 1) gdb_stub_stop(play.stub);
    while (play.in.left && !gdb_stub_killed(play.stub))
        actions[fuzz_below(&play.in, ARRAY_COUNT(actions))](&play);
    hang_up(&play);
    gdb_stub_free(play.stub);
    board_free(play.board);
    return 0;
}
