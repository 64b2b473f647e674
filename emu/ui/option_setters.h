/* SPDX-License-Identifier: MIT */
/* What reads the value of each option: see struct option in option_table.h. By file, in the order of the table. */
#ifndef EMU_UI_OPTION_SETTERS_H
#define EMU_UI_OPTION_SETTERS_H

#include "emu/ui/options.h"

typedef bool option_setter(struct options *options, char *value, struct error *error);

option_setter option_set_help, option_set_version, option_set_machine, option_set_accel, option_set_memory,
    option_set_cpu, option_set_smp, option_set_vga, option_set_rtc, option_set_name, option_set_no_defaults,
    option_set_net, option_set_hda, option_set_hdb, option_set_hdc, option_set_hdd, option_set_cdrom,
    option_set_fda, option_set_fdb, option_set_drive, option_set_snapshot, option_set_medium, option_set_boot,
    option_set_bios, option_set_data_dir, option_set_kernel, option_set_initrd, option_set_append,
    option_set_display, option_set_no_graphic, option_set_serial, option_set_escape, option_set_debugcon,
    option_set_global, option_set_device, option_set_icount, option_set_no_reboot, option_set_triple_fault,
    option_set_limit, option_set_type, option_set_loadvm, option_set_savevm, option_set_record,
    option_set_replay, option_set_gdb_default, option_set_gdb, option_set_wait, option_set_log,
    option_set_log_file, option_set_trace, option_set_timeline, option_set_stats, option_set_dump_screen;

#endif
