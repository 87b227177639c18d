/* The replicated state of the simulation: a few registers, and the results that must be remembered
 * so that every command takes effect once. Small and flat: a snapshot of it is a copy of the
 * struct. */
#ifndef QUORUMFS_TESTS_SIM_MACHINE_H
#define QUORUMFS_TESTS_SIM_MACHINE_H

#include "paxos/paxos.h"

enum {
    MACHINE_KEYS = 6,
    MACHINE_WINDOW = 40, /* sequences of a node from its lowest waiting one on */
};

enum machine_kind { MACHINE_GET, MACHINE_PUT, MACHINE_CAS, MACHINE_DELETE };

struct machine_operation {
    enum machine_kind kind;
    uint32_t key;
    uint64_t value;    /* of a change: unique, not 0; it names the change */
    uint64_t expected; /* compare-and-set */
};

struct machine_register {
    bool present;
    uint64_t value;    /* of the last change, a deletion included; 0: never changed */
    uint64_t revision; /* of the last change */
};

struct machine_result {
    uint64_t revision;            /* entries applied when it took effect, its own included */
    bool done;                    /* a compare-and-set that found what it expected; all others */
    struct machine_register seen; /* the value that it found */
};

/* An entry of the log begins with this. */
struct machine_command {
    uint64_t id; /* checker.h; the operation's value */
    uint32_t node, incarnation;
    uint64_t sequence, lowest; /* sequences from 1; `lowest` of this node still waiting */
    struct machine_operation operation;
};

struct machine_kept { /* a result that may still be asked for */
    uint64_t sequence;
    struct machine_result result;
};

struct machine_session {
    uint32_t incarnation;
    uint64_t lowest, highest;
    struct machine_kept kept[MACHINE_WINDOW]; /* by sequence modulo the window */
};

struct machine {
    uint64_t applied;
    struct machine_register registers[MACHINE_KEYS];
    struct machine_session sessions[PAXOS_NODES_MAX]; /* by index of the node */
};

enum machine_verdict { MACHINE_IGNORED, MACHINE_NEW, MACHINE_REPEATED };

/* Applies the next entry. `result`, unless it was ignored: the outcome of the command, now or when
 * it took effect. */
enum machine_verdict machine_apply(struct machine *m, const struct machine_command *command,
                                   struct machine_result *result);
/* The outcome of a command, if it took effect and is still remembered. */
bool machine_recall(const struct machine *m, uint32_t node, uint32_t incarnation, uint64_t sequence,
                    struct machine_result *result);
struct machine_result machine_get(const struct machine *m, uint32_t key);
uint64_t machine_digest(const struct machine *m);

struct machine_command machine_command_of(const struct paxos_entry *e);
/* An entry with `bytes` more than the command needs, which are ignored. */
struct paxos_entry *machine_entry(const struct machine_command *command, uint32_t bytes);

#endif
