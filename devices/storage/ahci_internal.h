/* SPDX-License-Identifier: MIT */
/* What the parts of the AHCI controller share: registers, state, and who calls whom. See ahci.h. */
#ifndef DEVICES_STORAGE_AHCI_INTERNAL_H
#define DEVICES_STORAGE_AHCI_INTERNAL_H

#include "block/transfer.h"
#include "devices/bus/pci_msi.h"
#include "devices/storage/ahci.h"
#include "devices/storage/ahci_fis.h"
#include "mem/buffer_stream.h"

/* Generic host control (AHCI 3.1). */
enum {
    AHCI_CAP = 0x00,
    AHCI_GHC = 0x04,
    AHCI_IS = 0x08,
    AHCI_PI = 0x0c,
    AHCI_VS = 0x10,
    AHCI_CAP2 = 0x24,
    AHCI_PORT_BASE = 0x100,
    AHCI_PORT_STEP = 0x80,
};
#define AHCI_CAP_64BIT      (1u << 31)
#define AHCI_CAP_NCQ        (1u << 30)
#define AHCI_CAP_SWITCHES   (1u << 28) /* SMPS */
#define AHCI_CAP_STAGGERED  (1u << 27)
#define AHCI_CAP_OVERRIDE   (1u << 24)
#define AHCI_CAP_SPEED      (2u << 20) /* 3 Gbit/s */
#define AHCI_CAP_AHCI_ONLY  (1u << 18)
#define AHCI_CAP_PIO_BLOCKS (1u << 15)
#define AHCI_CAP_SLUMBER    (1u << 14)
#define AHCI_CAP_PARTIAL    (1u << 13)
#define AHCI_GHC_RESET      (1u << 0)
#define AHCI_GHC_INTERRUPTS (1u << 1)
#define AHCI_GHC_ENABLE     (1u << 31)
#define AHCI_VERSION        0x00010301u

/* Port registers (3.3). */
enum {
    AHCI_PxCLB = 0x00,
    AHCI_PxCLBU = 0x04,
    AHCI_PxFB = 0x08,
    AHCI_PxFBU = 0x0c,
    AHCI_PxIS = 0x10,
    AHCI_PxIE = 0x14,
    AHCI_PxCMD = 0x18,
    AHCI_PxTFD = 0x20,
    AHCI_PxSIG = 0x24,
    AHCI_PxSSTS = 0x28,
    AHCI_PxSCTL = 0x2c,
    AHCI_PxSERR = 0x30,
    AHCI_PxSACT = 0x34,
    AHCI_PxCI = 0x38,
};
/* PxIS and PxIE. */
#define AHCI_IS_DHRS (1u << 0)
#define AHCI_IS_PSS  (1u << 1)
#define AHCI_IS_DSS  (1u << 2)
#define AHCI_IS_SDBS (1u << 3)
#define AHCI_IS_UFS  (1u << 4) /* shows PxSERR.DIAG.F */
#define AHCI_IS_DPS  (1u << 5)
#define AHCI_IS_PCS  (1u << 6) /* shows PxSERR.DIAG.X */
#define AHCI_IS_DMPS (1u << 7)
#define AHCI_IS_PRCS (1u << 22) /* shows PxSERR.DIAG.N */
#define AHCI_IS_IPMS (1u << 23)
#define AHCI_IS_OFS  (1u << 24)
#define AHCI_IS_INFS (1u << 26)
#define AHCI_IS_IFS  (1u << 27)
#define AHCI_IS_HBDS (1u << 28)
#define AHCI_IS_HBFS (1u << 29)
#define AHCI_IS_TFES (1u << 30)
#define AHCI_IS_CPDS (1u << 31)
/* PxCMD. */
#define AHCI_CMD_ST        (1u << 0)
#define AHCI_CMD_SUD       (1u << 1)
#define AHCI_CMD_POD       (1u << 2)
#define AHCI_CMD_CLO       (1u << 3)
#define AHCI_CMD_FRE       (1u << 4)
#define AHCI_CMD_CCS_SHIFT 8
#define AHCI_CMD_CCS       (0x1fu << AHCI_CMD_CCS_SHIFT)
#define AHCI_CMD_MPSS      (1u << 13) /* 0: the switch is closed */
#define AHCI_CMD_FR        (1u << 14)
#define AHCI_CMD_CR        (1u << 15)
#define AHCI_CMD_CPS       (1u << 16)
#define AHCI_CMD_HPCP      (1u << 18)
#define AHCI_CMD_MPSP      (1u << 19)
#define AHCI_CMD_CPD       (1u << 20)
#define AHCI_CMD_ATAPI     (1u << 24)
#define AHCI_CMD_DLAE      (1u << 25)
#define AHCI_CMD_ICC_SHIFT 28
enum ahci_power {
    AHCI_POWER_NONE = 0,
    AHCI_POWER_ACTIVE = 1,
    AHCI_POWER_PARTIAL = 2,
    AHCI_POWER_SLUMBER = 6
};
/* PxSSTS and PxSCTL: DET 3:0, SPD 7:4, IPM 11:8. */
enum { AHCI_DET_NONE = 0, AHCI_DET_PRESENT = 1, AHCI_DET_UP = 3, AHCI_DET_OFFLINE = 4 };
enum { AHCI_SCTL_COMRESET = 1, AHCI_SCTL_OFFLINE = 4 };
/* PxSERR. */
#define AHCI_SERR_DATA      (1u << 0)  /* ERR.I, recovered */
#define AHCI_SERR_TRANSIENT (1u << 8)  /* ERR.T */
#define AHCI_SERR_PROTOCOL  (1u << 10) /* ERR.P */
#define AHCI_SERR_INTERNAL  (1u << 11) /* ERR.E */
#define AHCI_SERR_PHYRDY    (1u << 16) /* DIAG.N */
#define AHCI_SERR_CRC       (1u << 21) /* DIAG.C */
#define AHCI_SERR_HANDSHAKE (1u << 22) /* DIAG.H */
#define AHCI_SERR_UNKNOWN   (1u << 25) /* DIAG.F */
#define AHCI_SERR_EXCHANGED (1u << 26) /* DIAG.X */
#define AHCI_SERR_BITS      0x07ff0f03u

#define AHCI_TFD_RESET 0x7fu       /* AHCI 3.3.8 */
#define AHCI_SIG_RESET 0xffffffffu /* 3.3.9 */

#define AHCI_NO_SLOT 0xff

/* One command: of a slot, or if it is queued, of a tag. */
enum ahci_command_phase {
    AHCI_COMMAND_NONE,
    AHCI_COMMAND_WAITS,  /* the drive works on it, nothing moves */
    AHCI_COMMAND_DISK,   /* `transfer` is busy */
    AHCI_COMMAND_BUFFER, /* the port's buffer stream is busy: bytes of the drive's buffer */
    AHCI_COMMAND_FLUSH,  /* `flush` is in flight */
    AHCI_COMMAND_PHASES,
};

struct ahci_command_state {
    uint8_t phase;
    uint8_t slot;
    bool last_interrupts; /* a descriptor with the I bit was used up */
    bool dropping;        /* what moves is all that the table has; the drive has more */
    uint8_t cfis[20];
    uint8_t acmd[16];
    uint16_t options, prds;
    uint64_t table;
    /* the place in the PRDT */
    uint32_t next; /* entry that is fetched next */
    uint64_t base;
    uint32_t left; /* rest of the entry before it */
    uint64_t moved;
    /* what moves, of a queued command */
    bool queued, write, flush;
    uint64_t offset, bytes;
};

struct ahci_port_state {
    uint32_t clb, clbu, fb, fbu;
    uint32_t is, ie, cmd, tfd, sig, ssts, sctl, serr, sact, ci;
    bool training;     /* the link comes up when its event fires */
    bool await_first;  /* the next D2H FIS is the first after a reset: PxSIG */
    bool stopped;      /* a fatal error; until ST is cleared */
    bool acknowledged; /* the driver cleared something of PxIS or PxSERR since its bit in IS was set */
    bool first_stored; /* that FIS came while FRE was 0, and goes to memory when it is set */
    uint8_t first_fis[20];
    uint8_t current;   /* slot of the command that is not queued, or AHCI_NO_SLOT */
    uint8_t next_slot; /* where the search for the next command begins */
    uint32_t queued;   /* tags that the drive works on */
    struct ahci_command_state command[AHCI_SLOTS];
    struct ata_state drive; /* last: survives what clears the port */
};

struct ahci_state {
    uint32_t ghc, is;
    uint32_t announced; /* bits of IS that a message was sent for */
    struct ahci_port_state port[AHCI_PORTS];
};

struct ahci_port;

struct ahci_command {
    struct ahci_port *port;
    struct ahci_command_state *state;
    struct sglist list;
    struct transfer transfer;
    struct block_request flush;
    char transfer_name[AHCI_NAME_MOST + 16], flush_name[AHCI_NAME_MOST + 16];
};

struct ahci_port {
    struct ahci *ahci;
    unsigned n;
    struct ahci_port_state *state;
    struct ata_drive drive;
    struct ahci_command *commands; /* AHCI_SLOTS of them, made when a drive is first attached */
    struct buffer_stream buffer;
    struct clock_event run, link;
    bool in_block;       /* ata_block_moved is being called ... */
    bool ended_in_block; /* ... and has ended the command */
    char name[AHCI_NAME_MOST + 4], run_name[AHCI_NAME_MOST + 16], link_name[AHCI_NAME_MOST + 16],
        buffer_name[AHCI_NAME_MOST + 16];
};

struct ahci {
    struct pci_function function;
    struct pci_msi msi;
    struct device device;
    struct ahci_state state;
    struct ahci_port port[AHCI_PORTS];
    struct clock *clock;
    struct region *registers;
    struct mem_guard guard;
    struct clock_event reset_over;
    uint32_t cap;
    bool staggered, presence;
    char name[AHCI_NAME_MOST + 1], device_name[AHCI_NAME_MOST + 8], reset_name[AHCI_NAME_MOST + 8];
};

#define AHCI_SPEC "AHCI 1.3.1, "

/* ahci.c */
extern const struct mmio_ops ahci_register_ops; /* ahci_registers.c */
void ahci_reset_all(struct ahci *ahci);         /* GHC.HR, and power-on */
void ahci_update_interrupt(struct ahci *ahci);  /* after any bit of IS, PxIS, PxSERR, PxIE, GHC changed */
bool ahci_is_master(const struct ahci *ahci);
/* Nobody answered a bus cycle of this function (PCI 2.3, 6.2.3). */
void ahci_master_abort(struct ahci *ahci);

/* ahci_port.c */
static inline gaddr ahci_command_list(const struct ahci_port_state *state)
{
    return (gaddr)state->clbu << 32 | state->clb;
}
static inline gaddr ahci_fis_area(const struct ahci_port_state *state)
{
    return (gaddr)state->fbu << 32 | state->fb;
}
uint32_t ahci_port_interrupts(const struct ahci_port *port); /* PxIS as the driver reads it */
void ahci_port_raise(struct ahci_port *port, uint32_t bits);
void ahci_port_fatal(struct ahci_port *port, uint32_t bits); /* raises, and stops until ST is cleared */
void ahci_port_write_command(struct ahci_port *port, uint32_t value);
void ahci_port_write_control(struct ahci_port *port, uint32_t value);
void ahci_port_reset(struct ahci_port *port); /* to the values after HBA reset; begins to train the link */
void ahci_port_kick(struct ahci_port *port);  /* looks for commands, from an event */
bool ahci_port_runs(const struct ahci_port *port);
void ahci_port_wake(struct ahci_port *port); /* out of partial or slumber */
void ahci_port_init(struct ahci_port *port, struct ahci *ahci, unsigned n);
void ahci_port_destroy(struct ahci_port *port);

/* ahci_receive.c: FISes from the drive. Each is put into memory, then into the registers. */
void ahci_receive_d2h(struct ahci_port *port, bool interrupt);
void ahci_receive_signature(struct ahci_port *port);
void ahci_receive_pio_setup(struct ahci_port *port, uint8_t status, uint32_t bytes, bool to_host,
                            bool interrupt);
void ahci_receive_dma_setup(struct ahci_port *port, unsigned tag, const struct ahci_command_state *command);
void ahci_receive_device_bits(struct ahci_port *port, uint32_t finished);
void ahci_receive_unknown(struct ahci_port *port);
void ahci_post_first(struct ahci_port *port); /* FRE was set: what came before goes to memory */

/* ahci_command.c: from the command list to the drive. */
void ahci_issue(struct ahci_port *port);
/* Puts the next `need` bytes of the command's PRDT into its list, or what there is. False: no memory there. */
bool ahci_gather(struct ahci_command *command, uint64_t need);
void ahci_write_count(struct ahci_command *command); /* PRDBC */
void ahci_check_used(const struct ahci_command *command);

/* ahci_data.c: data phases and ends of commands. */
extern const struct ata_host_ops ahci_drive_ops;
void ahci_commands_new(struct ahci_port *port);
void ahci_commands_free(struct ahci_port *port);
void ahci_commands_cancel(struct ahci_port *port); /* engines only; the state stays */
void ahci_commands_drop(struct ahci_port *port);   /* cancels, and forgets the commands */
void ahci_queued_start(struct ahci_port *port, struct ahci_command *command, unsigned tag);
void ahci_queued_abort(struct ahci_port *port); /* all of them */

/* ahci_state.c */
extern const struct state_table ahci_table;
extern const struct device_more ahci_more;

#endif
