/* SPDX-License-Identifier: MIT */
/* The options in the order of --help: see option_table.h. What reads their values is in option_*.c. */
#include "emu/ui/option_table.h"

#include "emu/core/bits.h"
#include "emu/ui/option_setters.h"

const struct option option_table[] = {
    {NULL, NULL, NULL, "Standard options", NULL},
    {"help", "h", NULL, "print this and end", option_set_help},
    {"version", NULL, NULL, "print the version and end", option_set_version},
    {"machine", "M",
     "[type=]pc[,dma=direct|indirect|faulty][,seed=N][,max-bounce-buffer-size=SIZE]\n"
     "                [,dma-mask=BITS][,checker=on|off]",
     "the machine, and how its devices reach memory: straight, all of it by\n"
     "bounce buffers of at most SIZE bytes (default 4096) together, or with\n"
     "faults by seed N; only the lowest BITS of an address (24, 32); checker=on\n"
     "watches every mapping",
     option_set_machine},
    {"accel", NULL, "tcg", "accepted; there is nothing else", option_set_accel},
    {"m", NULL, "[size=]MEGS", "RAM in MiB, or with K, M or G (default 128)", option_set_memory},
    {"cpu", NULL, "MODEL[,+FEATURE][,-FEATURE]", "486, pentium, pentium2 (default), qemu32 or max",
     option_set_cpu},
    {"smp", NULL, "[cpus=]N[,sockets=S][,cores=C][,threads=T]", "how many CPUs (default 1, at most 8)",
     option_set_smp},
    {"vga", NULL, "std|none", "the graphics card", option_set_vga},
    {"rtc", NULL, "base=utc|localtime|DATE", "the clock at power-on (see the manual for the default)",
     option_set_rtc},
    {"name", NULL, "NAME", "accepted", option_set_name},
    {"nodefaults", NULL, NULL, "no serial port and no graphics card unless asked for",
     option_set_no_defaults},
    {"net", NULL, "none", "accepted; there is no network card", option_set_net},
    {"nic", NULL, "none", "accepted; there is no network card", option_set_net},

    {NULL, NULL, NULL, "Disks", NULL},
    {"hda", NULL, "FILE", "disk 0, first channel's master; also as last argument alone", option_set_hda},
    {"hdb", NULL, "FILE", "disk 1, first channel's slave", option_set_hdb},
    {"hdc", NULL, "FILE", "disk 2, second channel's master", option_set_hdc},
    {"hdd", NULL, "FILE", "disk 3, second channel's slave", option_set_hdd},
    {"cdrom", NULL, "FILE", "a CD image, in a drive at disk 2's place", option_set_cdrom},
    {"fda", NULL, "FILE", "a floppy disk image in drive A; its size says which kind", option_set_fda},
    {"fdb", NULL, "FILE", "in drive B", option_set_fdb},
    {"drive", NULL,
     "[file=FILE][,if=ide|floppy|none][,index=N][,media=disk|cdrom][,id=ID]\n"
     "                [,readonly=on|off][,snapshot=on|off][,cache=MODE][,OPTION=VALUE]...",
     "a drive with details (a comma in FILE is written twice); without a file it\n"
     "is empty; the manual has the options",
     option_set_drive},
    {"snapshot", NULL, NULL, "keep what guests write aside, and drop it at the end", option_set_snapshot},

    {"medium-at", NULL, "T,DRIVE[,FILE]",
     "at virtual time T put FILE into DRIVE (hdc, fda, or an id), or nothing; repeatable", option_set_medium},

    {NULL, NULL, NULL, "Firmware and kernels", NULL},
    {"boot", NULL, "[order=]LETTERS[,menu=on|off]",
     "what the firmware tries: a floppy, c disk, d CD-ROM, n network (default cad)", option_set_boot},
    {"bios", NULL, "FILE", "the firmware (default bios-256k.bin)", option_set_bios},
    {"L", NULL, "DIR", "where firmware is looked for first; repeatable", option_set_data_dir},
    {"kernel", NULL, "FILE", "start a Multiboot ELF file or a Linux bzImage (32-bit)", option_set_kernel},
    {"initrd", NULL, "FILE", "its RAM disk, or first module", option_set_initrd},
    {"append", NULL, "TEXT", "its command line", option_set_append},

    {NULL, NULL, NULL, "Screen, serial ports, devices", NULL},
    {"display", NULL, "curses|none", "show the text screen in the terminal, or nothing", option_set_display},
    {"nographic", NULL, NULL, "no display; serial port and escape keys share the terminal",
     option_set_no_graphic},
    {"serial", NULL, "stdio|mon:stdio|null|none|file:PATH",
     "where a serial port leads; repeatable, up to four; mon:stdio shares\n"
     "the terminal with the escape keys (Ctrl-A h lists them)",
     option_set_serial},
    {"echr", NULL, "N", "ASCII code of the escape key instead of 1, Ctrl-A", option_set_escape},
    {"debugcon", NULL, "stdio|null|file:PATH", "debug text from port 0xE9", option_set_debugcon},
    {"device", NULL, "DRIVER[,id=ID][,PROPERTY=VALUE]...", "add a device; help lists them",
     option_set_device},
    {"global", NULL, "DRIVER.PROPERTY=VALUE",
     "a property of a device that is there anyway: isa-debugcon.iobase=0x402 has the\n"
     "firmware's messages; piix3-ide has dma, seed, dma-mask and max-bounce-buffer-size",
     option_set_global},

    {NULL, NULL, NULL, "Running", NULL},
    {"icount", NULL, "[shift=]N|auto[,sleep=on|off]",
     "one instruction takes 2^N ns of virtual time (default 3); sleep=on\n"
     "keeps virtual time at wall-clock time, sleep=off lets it run",
     option_set_icount},
    {"no-reboot", NULL, NULL, "end where the guest would reset the machine", option_set_no_reboot},
    {"triple-fault", NULL, "stop|reset", "report it and end (default), or reset as the hardware does",
     option_set_triple_fault},
    {"limit", NULL, "insns=N,time=T",
     "end with status 6 after N instructions or T of virtual time (5s, 200ms)", option_set_limit},
    {"type", NULL, "T:TEXT", "type TEXT on the keyboard at virtual time T; \\n is Enter; repeatable",
     option_set_type},

    {"loadvm", NULL, "FILE", "go on with the machine that was saved in FILE", option_set_loadvm},
    {"savevm-at", NULL, "T,FILE", "save the machine to FILE at virtual time T, and go on", option_set_savevm},
    {"record", NULL, "FILE", "write to FILE what comes in from outside, and when", option_set_record},
    {"replay", NULL, "FILE", "repeat the run that was recorded in FILE", option_set_replay},

    {NULL, NULL, NULL, "Looking inside", NULL},
    {"s", NULL, NULL, "short for -gdb tcp::1234", option_set_gdb_default},
    {"gdb", NULL, "tcp::PORT|none", "let gdb connect, from this host", option_set_gdb},
    {"S", NULL, NULL, "do not start before gdb says so", option_set_wait},
    {"d", NULL, "ITEM,...", "log; help lists the items", option_set_log},
    {"D", NULL, "FILE", "where logs and traces go instead of stderr", option_set_log_file},
    {"trace", NULL, "PATTERN[,format=text|json][,file=FILE]",
     "trace events whose names match; help lists them", option_set_trace},
    {"timeline", NULL, "FILE",
     "write what memory and disks do to FILE as bars over virtual time, for\n"
     "ui.perfetto.dev or chrome://tracing",
     option_set_timeline},
    {"stats", NULL, NULL, "at the end, print what CPU, memory and disks did", option_set_stats},
    {"dump-screen", NULL, "FILE", "at the end, write the text screen to FILE (-: stderr)",
     option_set_dump_screen},
};
const unsigned option_table_size = ARRAY_COUNT(option_table);
