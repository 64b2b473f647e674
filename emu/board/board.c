/* SPDX-License-Identifier: MIT */
/* Putting the PC together: see board.h, and docs/board.md for the map. */
#include "emu/board/acpi_tables.h"
#include "emu/board/board_cpus.h"
#include "emu/board/board_devices.h"
#include "emu/board/board_disks.h"

#include <stdlib.h>
#include <string.h>
#include "devices/display/vga.h"
#include "devices/platform/debug_port.h"
#include "devices/platform/dma_page.h"
#include "devices/platform/i8254.h"
#include "devices/platform/isa_debug_exit.h"
#include "devices/platform/ns16550a.h"
#include "devices/platform/port61.h"
#include "devices/platform/port92.h"
#include "devices/platform/ports.h"
#include "devices/platform/ps2_keyboard.h"
#include "emu/board/firmware.h"
#include "emu/cpu/x87.h"

#define MIB               (UINT64_C(1) << 20)
#define MEMORY_SPACE_SIZE (UINT64_C(1) << 36)
#define PCI_SLOT(n)       ((n) << 3)
#define PIIX3_IRQ_RTC     8
#define FPU_ERROR_PORT    0xf0
#define CMOS_CPUS         0x5f /* the number of CPUs but one, for firmware */
#define BIOS_DEFAULT      "bios-256k.bin"
#define VGABIOS           "vgabios-stdvga.bin"

void board_config_default(struct board_config *config)
{
    *config = (struct board_config){
        .ram_size = 128 * MIB,
        .cpu_model = cpu_model_default,
        .cpus = 1,
        .clock_shift = 3,
        .vga = true,
        .serial = {true},
        .boot_order = "cad",
    };
}

/* ---- what devices ask of the board; chips are made before the CPU and set their lines then ---- */

static void ask(struct board *board)
{
    board_interrupt_run(board);
}

static void on_power_off(void *owner)
{
    struct board *board = owner;
    board->requests.power_off = true;
    ask(board);
}

static void on_power_button(void *owner, const uint8_t *data, size_t size)
{
    (void)data, (void)size;
    piix4_pm_power_button(((struct board *)owner)->pm);
}

static void on_reset(void *owner, bool hard)
{
    struct board *board = owner;
    if (hard)
        board->requests.machine_reset = true;
    else
        board->requests.cpu_reset = true;
    ask(board);
}

/* The keyboard controller's and port 92h's reset lines: a pulse resets the CPU, and with it, on this board,
 * the machine. */
static void on_reset_line(void *owner, int number, bool level)
{
    (void)number;
    if (level) on_reset(owner, true);
}

static void on_debug_exit(void *owner, int status)
{
    struct board *board = owner;
    board->requests.exit = true;
    board->requests.exit_status = status;
    ask(board);
}

static void on_a20(void *owner, int source, bool level)
{
    struct board *board = owner;
    board->a20[source] = level;
    bool passed = false;
    for (unsigned i = 0; i < A20_SOURCES; i++) passed |= board->a20[i];
    board_set_a20(board, passed);
}

/* Port F0h: the handler of IRQ 13 takes the FPU's error back (SDM 1, appendix D.2.1). */
static enum mem_result fpu_acknowledge(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)at, (void)size, (void)value;
    const struct board *board = owner;
    x87_error_acknowledge(board->cpus[board->running].cpu);
    return MEM_OK;
}

static const struct mmio_ops fpu_port_ops = {.write = fpu_acknowledge, .min_size = 1, .max_size = 1};

static enum mem_result boot_rom_ready(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct board *board = owner;
    (void)at, (void)size, (void)value;
    board->requests.start_kernel = true;
    ask(board);
    return MEM_OK;
}

static const struct mmio_ops boot_port_ops = {.write = boot_rom_ready, .min_size = 1, .max_size = 1};

/* ---- memory and firmware ---- */

static bool load_bios(struct board *board, struct error *error)
{
    const struct board_config *config = &board->config;
    const char *name = config->bios ? config->bios : BIOS_DEFAULT;
    size_t size;
    uint8_t *image = firmware_load(name, config->data_dirs, config->data_dir_count, 16 * MIB, &size, error);
    if (!image) return error_prefix(error, "-bios");
    if (size % 65536) {
        free(image);
        return error_set(error, "-bios: %s: %zu bytes are no multiple of 64 KiB, so this is no BIOS", name,
                         size);
    }
    board->bios = region_new_rom("bios", size, error);
    if (board->bios) memcpy(board->bios->host, image, size);
    free(image);
    return board->bios != NULL;
}

static bool make_memory(struct board *board, struct error *error)
{
    board->ram = region_new_ram("ram", board->config.ram_size, error);
    if (!board->ram) return error_prefix(error, "-m");
    return load_bios(board, error);
}

/* ---- chips ---- */

static bool make_chipset(struct board *board, struct error *error)
{
    const struct i440fx_wiring bridge = {
        .ram = board->ram,
        .bios = board->bios,
        .io = board->io_root,
        .memory_size = MEMORY_SPACE_SIZE,
        .clock = &board->clock,
        .devices = &board->devices,
        .dma = board->config.dma,
    };
    board->bridge = i440fx_new(&bridge, error);
    if (!board->bridge) return false;
    board_make_apics(board);
    board->memory =
        space_new("memory", i440fx_system_memory(board->bridge), MEMORY_SPACE_SIZE, &board->clock);

    struct piix3_wiring piix3 = {
        .bus = i440fx_bus(board->bridge),
        .devfn = PCI_SLOT(1),
        .ports_behind_confadd = i440fx_ports_behind(board->bridge),
        .reset = on_reset,
        .reset_owner = board,
    };
    for (int i = 0; i < 16; i++) piix3.irq[i] = board_isa_irq(board, i);
    board->piix3 = piix3_new(&piix3);

    const struct piix4_pm_wiring pm = {
        .bus = i440fx_bus(board->bridge),
        .devfn = PCI_SLOT(1) | 3,
        .sci = piix3_isa_irq(board->piix3, 9),
        .com1 = board->config.serial[0],
        .com2 = board->config.serial[1],
        .power_off = on_power_off,
        .power_off_owner = board,
    };
    board->pm = piix4_pm_new(&pm);
    door_port_init(&board->power_button, &board->door, "power-button", on_power_button, board);
    return true;
}

static void make_serial_ports(struct board *board)
{
    static const struct {
        const char *name;
        uint16_t port;
        uint8_t irq;
    } ports[BOARD_SERIAL_PORTS] = {
        {"serial0", 0x3f8, 4}, {"serial1", 0x2f8, 3}, {"serial2", 0x3e8, 4}, {"serial3", 0x2e8, 3}};
    shared_irq_init(&board->serial_irq[0], piix3_isa_irq(board->piix3, ports[0].irq));
    shared_irq_init(&board->serial_irq[1], piix3_isa_irq(board->piix3, ports[1].irq));
    for (unsigned i = 0; i < BOARD_SERIAL_PORTS; i++) {
        if (!board->config.serial[i]) continue;
        chardev_init(&board->serial[i], &board->door, ports[i].name);
        const struct ns16550a_config config = {
            .name = ports[i].name,
            .port = ports[i].port,
            .irq = shared_irq_input(&board->serial_irq[i % 2], i / 2),
            .chardev = &board->serial[i],
            /* As course kernels know it from QEMU: output is never slow, and OUT2 may be forgotten. */
            .instant_transmit = true,
            .out2_ignored = true,
        };
        ns16550a_new(board->io_root, &board->devices, &board->clock, &config);
    }
}

/* The lines of the 8254 and the RTC go through the HPET, which may take their place. */
static void make_hpet(struct board *board)
{
    struct hpet_wiring hpet = {
        .memory = i440fx_pci_memory(board->bridge),
        .devices = &board->devices,
        .clock = &board->clock,
        .irq0 = piix3_isa_irq(board->piix3, 0),
        .irq8 = piix3_isa_irq(board->piix3, PIIX3_IRQ_RTC),
    };
    for (unsigned i = 0; i < HPET_PINS && board->ioapic; i++)
        hpet.pin[i] = ioapic_pin(board->ioapic, HPET_FIRST_PIN + i);
    board->hpet = hpet_new(&hpet);
}

static void make_platform(struct board *board)
{
    struct region *io = board->io_root;
    struct device_list *devices = &board->devices;
    struct clock *clock = &board->clock;

    make_hpet(board);
    struct i8254 *pit = i8254_new(io, devices, clock, hpet_pit_input(board->hpet));
    port61_new(io, devices, clock, pit);
    board->rtc = mc146818_new(io, devices, clock, hpet_rtc_input(board->hpet), board->config.date);
    const struct i8042_lines lines = {
        .irq1 = piix3_isa_irq(board->piix3, 1),
        .irq12 = piix3_isa_irq(board->piix3, 12),
        .a20 = {on_a20, board, A20_KEYBOARD_CONTROLLER},
        .reset = {on_reset_line, board, 0},
    };
    struct i8042 *controller = i8042_new(io, devices, clock, &lines);
    board->keyboard = ps2_keyboard_new(i8042_port(controller, I8042_KEYBOARD), devices, clock, &board->door);
    port92_new(io, devices, clock, (struct irq_line){on_a20, board, A20_PORT_92},
               (struct irq_line){on_reset_line, board, 0});
    struct dma_page *pages = dma_page_new(io, devices, clock);
    board->isa_dma =
        i8237_new(io, devices, clock, pages, i440fx_system_memory(board->bridge), MEMORY_SPACE_SIZE);
    board_configure_dma(board, i8237_dma_space(board->isa_dma), BOARD_ISA_DMA, NULL);
    make_serial_ports(board);
    board->irq13 = piix3_isa_irq(board->piix3, 13);
    region_release(ports_add(io, FPU_ERROR_PORT, 1, "fpu-error", &fpu_port_ops, board));

    chardev_init(&board->debugcon, &board->door, "debugcon");
    uint16_t debugcon = board->config.debugcon_port ? board->config.debugcon_port : DEBUG_PORT_BOCHS;
    if (board->config.debugcon) debug_port_new(io, devices, "debugcon", debugcon, &board->debugcon);
    if (!board->config.debugcon || debugcon != DEBUG_PORT_SEABIOS)
        debug_port_new(io, devices, "firmware-log", DEBUG_PORT_SEABIOS, NULL);
    if (board->config.debug_exit)
        isa_debug_exit_new(io, devices, clock, board->config.debug_exit_port, board->config.debug_exit_size,
                           on_debug_exit, board);
}

static bool make_display(struct board *board, struct error *error)
{
    const struct board_config *config = &board->config;
    if (!config->vga) return true;
    struct vga_wiring vga = {.bus = i440fx_bus(board->bridge), .devfn = PCI_SLOT(2)};
    uint8_t *rom =
        firmware_load(VGABIOS, config->data_dirs, config->data_dir_count, MIB, &vga.rom_size, error);
    if (!rom) return error_prefix(error, "-vga");
    vga.rom = rom;
    board->vga = vga_new(&vga, error);
    free(rom);
    return board->vga != NULL;
}

/* ---- what the firmware is told ---- */

/* "etc/e820": RAM that CMOS cannot describe, and that there is none elsewhere. Entries: address, length,
 * type 1. */
static void describe_ram(struct board *board)
{
    uint64_t low = i440fx_low_ram(board->config.ram_size), high = board->config.ram_size - low;
    uint8_t map[2][20];
    le64_store(map[0], 0), le64_store(map[0] + 8, low), le32_store(map[0] + 16, 1);
    le64_store(map[1], UINT64_C(1) << 32), le64_store(map[1] + 8, high), le32_store(map[1] + 16, 1);
    fw_cfg_add_file(board->fw_cfg, "etc/e820", map, high ? sizeof map : sizeof map[0]);
}

static void offer_acpi_tables(struct board *board, uint64_t low)
{
    struct acpi_machine machine = {.cpus = board->config.cpus, .low_ram = low};
    for (unsigned n = 0; n < board->config.cpus; n++) machine.apic_id[n] = board_apic_id(board, n);
    for (unsigned i = 0; i < BOARD_SERIAL_PORTS; i++) machine.serial[i] = board->config.serial[i];
    acpi_tables_offer(board->fw_cfg, &machine);
}

static void describe_boot_order(const char *order, enum cmos_boot boot[3])
{
    for (unsigned i = 0; i < 3; i++) boot[i] = CMOS_BOOT_NONE;
    for (unsigned i = 0; i < 3 && order[i]; i++)
        boot[i] = order[i] == 'a'   ? CMOS_BOOT_FLOPPY
                  : order[i] == 'd' ? CMOS_BOOT_CDROM
                  : order[i] == 'n' ? CMOS_BOOT_NETWORK
                                    : CMOS_BOOT_DISK;
}

static void make_firmware_tables(struct board *board)
{
    uint64_t low = i440fx_low_ram(board->config.ram_size);
    const struct fw_cfg_config config = {
        .ram_size = low, .cpus = (uint16_t)board->config.cpus, .graphic = true};
    board->fw_cfg_dma =
        space_new("fw_cfg", i440fx_system_memory(board->bridge), MEMORY_SPACE_SIZE, &board->clock);
    board_configure_dma(board, board->fw_cfg_dma, BOARD_FW_CFG, NULL);
    board->fw_cfg = fw_cfg_new(board->io_root, &board->devices, &board->clock, board->fw_cfg_dma, &config);
    describe_ram(board);
    const uint8_t menu[2] = {board->config.boot_menu, 0};
    fw_cfg_add_file(board->fw_cfg, "etc/show-boot-menu", menu, sizeof menu);
    board_describe_boot(board);

    struct cmos_machine cmos = {
        .ram_below_4g = low,
        .ram_above_4g = board->config.ram_size - low,
    };
    describe_boot_order(board->config.boot_order, cmos.boot);
    board_describe_disks(board, &cmos);
    mc146818_describe_machine(board->rtc, &cmos);
    mc146818_set_cmos(board->rtc, CMOS_CPUS, (uint8_t)(board->config.cpus - 1));
    if (board_has_apics(board)) offer_acpi_tables(board, low);
}

static bool make_loader(struct board *board, struct error *error)
{
    const struct board_config *config = &board->config;
    if (!config->kernel) {
        if (config->initrd) return error_set(error, "-initrd: %s: needs -kernel", config->initrd);
        if (config->append) return error_set(error, "-append: needs -kernel");
        return true;
    }
    board->loader = kernel_loader_new(config->kernel, config->initrd, config->append,
                                      i440fx_low_ram(config->ram_size), error);
    if (!board->loader) return false;
    kernel_loader_offer(board->loader, board->fw_cfg);
    region_release(ports_add(board->io_root, KERNEL_LOADER_PORT, 1, "boot-rom", &boot_port_ops, board));
    return true;
}

/* ---- the whole ---- */

static bool build(struct board *board, struct error *error)
{
    clock_init(&board->clock, board->config.clock_shift);
    board->clock.deadline_moved = board_deadline_moved;
    board->clock.owner = board;
    door_init(&board->door, &board->clock);
    device_list_init(&board->devices);
    board->io_root = region_new_container("io", 0x10000);
    board->io = space_new("io", board->io_root, 0x10000, NULL);
    if (!make_memory(board, error)) return false;

    region_change_begin();
    board_make_interrupts(board);
    bool made = make_chipset(board, error);
    if (made) {
        board_make_cpus(board);
        make_platform(board);
        made =
            make_display(board, error) && board_make_disks(board, error) && board_make_devices(board, error);
    }
    if (made) {
        make_firmware_tables(board);
        made = make_loader(board, error);
    }
    region_change_end();
    if (made) board_reset(board);
    return made;
}

struct board *board_new(const struct board_config *config, struct error *error)
{
    struct board *board = calloc(1, sizeof *board);
    if (!board) {
        error_set(error, "out of memory");
        return NULL;
    }
    board->config = *config;
    if (build(board, error)) return board;
    board_free(board);
    return NULL;
}

void board_free(struct board *board)
{
    if (!board) return;
    device_destroy_all(&board->devices);
    board_free_disks(board);
    for (unsigned i = 0; i < BOARD_SERIAL_PORTS; i++)
        if (board->serial[i].name) chardev_destroy(&board->serial[i]);
    if (board->debugcon.name) chardev_destroy(&board->debugcon);
    kernel_loader_free(board->loader);
    board_free_cpus(board);
    space_free(board->fw_cfg_dma);
    space_free(board->memory);
    space_free(board->io);
    region_release(board->io_root);
    region_release(board->bios);
    region_release(board->ram);
    door_port_destroy(&board->power_button);
    door_destroy(&board->door);
    free(board);
}

void board_reset(struct board *board)
{
    board->requests = (struct board_requests){0};
    device_reset_all(&board->devices);
    board_reset_cpus(board);
    for (unsigned i = 0; i < A20_SOURCES; i++) on_a20(board, (int)i, board->a20[i]);
}

void board_power_button(struct board *board)
{
    door_post(&board->power_button, "", 1);
}

/* ---- parts ---- */

struct cpu *board_cpu(struct board *board, unsigned n)
{
    return n < board->config.cpus ? board->cpus[n].cpu : NULL;
}

unsigned board_cpus(const struct board *board)
{
    return board->config.cpus;
}

struct space *board_memory(struct board *board)
{
    return board->memory;
}

struct space *board_ports(struct board *board)
{
    return board->io;
}

struct clock *board_clock(struct board *board)
{
    return &board->clock;
}

struct door *board_door(struct board *board)
{
    return &board->door;
}

struct device_list *board_devices(struct board *board)
{
    return &board->devices;
}

struct chardev *board_serial(struct board *board, unsigned n)
{
    return n < BOARD_SERIAL_PORTS && board->config.serial[n] ? &board->serial[n] : NULL;
}

struct chardev *board_debugcon(struct board *board)
{
    return board->config.debugcon ? &board->debugcon : NULL;
}

struct door_port *board_keyboard(struct board *board)
{
    return ps2_keyboard_door(board->keyboard);
}

struct vga *board_vga(struct board *board)
{
    return board->vga;
}

struct block *board_drive(struct board *board, unsigned n)
{
    return n < BOARD_DRIVES ? board->drives[n] : NULL;
}

struct space *board_ide_dma(struct board *board)
{
    return piix3_ide_dma_space(board->ide);
}
