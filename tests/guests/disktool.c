// SPDX-License-Identifier: MIT
/*
 * What busybox has no command for, in the Linux guest of tests/linux/disks.sh: a static program of 32 bits without a C
 * library, by Linux's system calls alone (int 0x80).
 *
 *     disktool eject|close|locked|unlocked DEVICE   the tray of a CD-ROM drive, and its lock
 *     disktool status DEVICE                        prints: no-disc, open, not-ready, disc; and whether it has changed
 *     disktool ata DEVICE COMMAND COUNT FEATURE     an ATA command without data (HDIO_DRIVE_TASK); prints the status
 *     disktool read DEVICE BYTES AT          BYTES (to 64 KiB) at AT KiB, around the page cache
 *     disktool many DEVICE COUNT KIB AT      so many requests at once around the page cache, by io_submit, each of KIB
 *                                            KiB, from AT KiB on with gaps: they write, then read and compare
 *
 * The exit status is 0, or the errno of the system call that failed.
 */
#include <stdint.h>

enum { EXIT = 1, READ = 3, WRITE = 4, OPEN = 5, IOCTL = 54, PREAD = 180 };
enum { IO_SETUP = 245, IO_GETEVENTS = 247, IO_SUBMIT = 248 };
enum { O_READ_WRITE = 2, O_NONBLOCKING = 04000, O_AROUND_CACHE = 040000 };
enum {
    CDROM_EJECT = 0x5309,
    CDROM_CLOSE_TRAY = 0x5319,
    CDROM_MEDIA_CHANGED = 0x5325,
    CDROM_DRIVE_STATUS = 0x5326,
    CDROM_LOCK_DOOR = 0x5329,
    CDSL_CURRENT = 0x7fffffff,
    HDIO_DRIVE_TASK = 0x031e,
};
enum { EIO = 5, EINVAL = 22 };
#define PIECE 65536
#define MOST  64

/* A request of Linux's asynchronous I/O, and its end (include/uapi/linux/aio_abi.h). */
struct request {
    uint64_t data;
    uint32_t key, flags;
    uint16_t code; /* 0: read, 1: write */
    int16_t priority;
    uint32_t file;
    uint64_t bytes, size, offset, reserved;
    uint32_t more_flags, event_file;
};
struct end {
    uint64_t data, request;
    int64_t result, more;
};
static uint8_t buffers[MOST][PIECE] __attribute__((aligned(4096)));

int program(int count, char **words);

static int system_call(int number, int a, int b, int c, int d, int e)
{
    int result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                     : "memory");
    return result;
}

static int length(const char *text)
{
    int size = 0;
    while (text[size]) size++;
    return size;
}

static void say(const char *text)
{
    system_call(WRITE, 1, (int)text, length(text), 0, 0);
}

static int same(const char *a, const char *b)
{
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}

static uint32_t number(const char *text)
{
    uint32_t value = 0;
    uint32_t base = 10;
    if (text[0] == '0' && text[1] == 'x') text += 2, base = 16;
    for (; *text; text++)
        value = value * base + (uint32_t)(*text <= '9' ? *text - '0' : (*text | 32) - 'a' + 10);
    return value;
}

static void say_number(uint32_t value, uint32_t base)
{
    char text[12];
    int at = sizeof text;
    text[--at] = 0;
    do text[--at] = "0123456789abcdef"[value % base];
    while ((value /= base));
    say(text + at);
}

static int status(int file)
{
    static const char *const names[] = {"no-information", "no-disc", "open", "not-ready", "disc"};
    int now = system_call(IOCTL, file, CDROM_DRIVE_STATUS, CDSL_CURRENT, 0, 0);
    int changed = system_call(IOCTL, file, CDROM_MEDIA_CHANGED, CDSL_CURRENT, 0, 0);
    if (now < 0 || now > 4) return now;
    say(names[now]);
    say(changed ? " changed\n" : "\n");
    return 0;
}

static int ata(int file, char **words)
{
    /* command, feature, count, LBA low, mid, high, device */
    uint8_t registers[7] = {(uint8_t)number(words[0]), (uint8_t)number(words[2]), (uint8_t)number(words[1])};
    int result = system_call(IOCTL, file, HDIO_DRIVE_TASK, (int)registers, 0, 0);
    say("status ");
    say_number(registers[0], 16);
    say(" error ");
    say_number(registers[1], 16);
    say(" count ");
    say_number(registers[2], 16);
    say("\n");
    return result;
}

static int read_at(int file, char **words)
{
    uint32_t size = number(words[0]);
    int got = size > PIECE
                  ? -22
                  : system_call(PREAD, file, (int)buffers, (int)size, (int)(number(words[1]) << 10), 0);
    return got < 0 ? got : 0;
}

static uint32_t word_at(uint32_t offset, uint32_t round)
{
    return (offset + round) * 2654435761u ^ offset >> 7;
}

/* All at once; then waits for all. */
static int submit(uint32_t context, int file, int code, uint32_t count, uint32_t size, uint32_t at)
{
    static struct request requests[MOST];
    static struct end ends[MOST];
    int list[MOST];
    for (uint32_t i = 0; i < count; i++) {
        requests[i] = (struct request){.code = (uint16_t)code,
                                       .file = (uint32_t)file,
                                       .bytes = (uint32_t)buffers[i],
                                       .size = size,
                                       .offset = (uint64_t)at * 1024 + (uint64_t)i * 2 * size};
        list[i] = (int)&requests[i];
    }
    int result = system_call(IO_SUBMIT, (int)context, (int)count, (int)list, 0, 0);
    if (result < 0) return result;
    int got = system_call(IO_GETEVENTS, (int)context, result, MOST, (int)ends, 0);
    if (got < 0) return got;
    for (int i = 0; i < got; i++)
        if (ends[i].result != (int64_t)size) return ends[i].result < 0 ? (int)ends[i].result : -EIO;
    return (uint32_t)got == count ? 0 : -EIO;
}

static int many(int file, char **words)
{
    uint32_t count = number(words[0]), size = number(words[1]) * 1024, at = number(words[2]), context = 0;
    if (count > MOST || size > PIECE) return -EINVAL;
    int result = system_call(IO_SETUP, MOST, (int)&context, 0, 0, 0);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < size; k += 4) *(uint32_t *)(buffers[i] + k) = word_at(i * size + k, at);
    if (!result) result = submit(context, file, 1, count, size, at);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < size; k += 4) *(uint32_t *)(buffers[i] + k) = 0;
    if (!result) result = submit(context, file, 0, count, size, at);
    for (uint32_t i = 0; !result && i < count; i++)
        for (uint32_t k = 0; k < size; k += 4)
            if (*(uint32_t *)(buffers[i] + k) != word_at(i * size + k, at)) result = -EIO;
    return result;
}

/* The stack at the start: the number of words, then the words. */
int program(int count, char **words)
{
    const char *what = count > 2 ? words[1] : "";
    int how = same(what, "many")   ? O_AROUND_CACHE | O_READ_WRITE
              : same(what, "read") ? O_AROUND_CACHE
                                   : O_NONBLOCKING;
    int file = system_call(OPEN, (int)(count > 2 ? words[2] : ""), how, 0, 0, 0);
    int result = -EINVAL;
    if (file < 0)
        result = file;
    else if (same(what, "eject"))
        result = system_call(IOCTL, file, CDROM_EJECT, 0, 0, 0);
    else if (same(what, "close"))
        result = system_call(IOCTL, file, CDROM_CLOSE_TRAY, 0, 0, 0);
    else if (same(what, "locked") || same(what, "unlocked"))
        result = system_call(IOCTL, file, CDROM_LOCK_DOOR, same(what, "locked"), 0, 0);
    else if (same(what, "status"))
        result = status(file);
    else if (same(what, "ata") && count == 6)
        result = ata(file, words + 3);
    else if (same(what, "read") && count == 5)
        result = read_at(file, words + 3);
    else if (same(what, "many") && count == 6)
        result = many(file, words + 3);
    return result < 0 ? -result : 0;
}

__asm__(".globl _start\n"
        "_start: mov %esp, %ebx\n"
        "lea 4(%ebx), %eax\n"
        "push %eax\n"
        "push (%ebx)\n"
        "call program\n"
        "mov %eax, %ebx\n"
        "mov $1, %eax\n"
        "int $0x80\n");
