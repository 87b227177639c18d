/* A state of a small cluster, between two moves: cores, disks, messages under way, and the faults
 * that may still happen. A state is never changed once it is made; a move makes a new one, which
 * shares what the move did not touch. */
#ifndef QUORUMFS_TESTS_SEARCH_CLUSTER_H
#define QUORUMFS_TESTS_SEARCH_CLUSTER_H

#include "paxos/paxos.h"
#include "sim/checker.h"

enum {
    NODES = 3,         /* two quorums meet in one of them, which is where mistakes show */
    ENTRIES_MAX = 8,   /* of a log */
    WRITES_MAX = 8,    /* under way to a disk */
    READS_MAX = 2,     /* waiting at a node */
    HOLDER = 0,        /* of a lock, where there is one */
    MESSAGES_MAX = 96, /* under way */
};

/* Faults and requests that may still happen, which keep the space finite. Part of the state. */
struct budget {
    uint8_t elections, proposals, crashes, breaks, duplicates, ticks, trims, reads, losses, ends;
};

struct scope {
    const char *name;
    bool settled;    /* begins with a leader that all nodes follow and one decided entry */
    bool ordered;    /* links keep the order, as TCP does, and break as a whole; otherwise messages
                        arrive in any order, or never */
    bool slow_disks; /* a write is durable at some later moment; otherwise at once */
    bool large;      /* only one entry fits into a message */
    bool session;    /* node HOLDER has a lock: it alone reads, and proposes */
    struct budget budget;
};

/* A change of the log on its way to the disk; the entries by their ids. */
struct queued_write {
    uint64_t ticket;
    struct paxos_ballot promise, acc_round;
    uint64_t decided, compacted, first, end;
    uint64_t ids[ENTRIES_MAX];
    struct paxos_membership membership;
};

struct node {
    uint32_t refs;
    uint64_t fingerprint;
    struct paxos *core;
    uint32_t life;

    struct paxos_ballot promise, acc_round; /* on disk, like the next lines */
    struct paxos_membership membership;
    uint64_t folder;
    uint64_t decided, base, end;
    uint64_t ids[ENTRIES_MAX]; /* of the entries [base..end) */
    struct queued_write writes[WRITES_MAX];
    uint32_t write_count;

    uint64_t applied, tree_durable, installed; /* of the tree; the index of its last snapshot */
    uint64_t needed;                           /* a snapshot of at least this index */
    bool installing;                           /* the tree has it, the core was not told yet */
    uint64_t read_last;
    struct {
        uint64_t id, floor;
        uint64_t asked; /* of the HOLDER: its number */
        uint64_t index; /* plus one: it is confirmed, and the tree has to get there; 0: it is not */
    } reads[READS_MAX];
    uint32_t read_count;
};

struct flying { /* a message under way */
    uint32_t refs;
    uint64_t fingerprint;
    struct paxos_message message;
};

struct history { /* the checker's memory of the way here */
    uint32_t refs;
    uint64_t fingerprint;
    struct checker checker;
};

/* The session of the HOLDER (replica/sessions.c). Time has no length here, but an order: by the
 * reads of the HOLDER, which are numbered. */
struct session {
    uint64_t asked;     /* reads */
    uint64_t confirmed; /* the last one that a leader has: the node believes from then on, */
    uint64_t expired;   /* ... unless it was asked so early: its time is up */
    uint64_t ends;      /* entries that end the session: bit by id */
    uint64_t ended;     /* the first of these that was applied, by its index, plus one; 0: none */
    struct {
        struct paxos_ballot ballot; /* in which it leads; 0: it does not */
        uint64_t since;             /* of the reads, when it has last heard the HOLDER, */
        uint64_t ending;            /* ... whose session it is about to end */
    } leaders[NODES];
};

struct cluster {
    const struct scope *scope;
    struct budget left;
    struct session session;
    uint8_t next_id;
    struct node *nodes[NODES];
    /* By link; on one link in the order of sending where that means something, otherwise by
     * fingerprint. */
    struct flying *messages[MESSAGES_MAX];
    uint32_t message_count;
    struct history *history;
};

enum move_type {
    DELIVER,         /* message `at` */
    DUPLICATE,       /* the same, and it stays under way */
    WRITTEN,         /* the oldest write of `node` is durable */
    CRASH,           /* `node` loses its memory and all but `at` of its writes, and starts again */
    CRASH_TREE_KEPT, /* the same, but entries applied since its tree was synced are there */
    LOSE_FOLDER,     /* `node` starts again with an empty folder */
    BREAK,           /* the link between `node` and `at` breaks, and is there again */
    ELECT,
    PROPOSE,
    READ,
    TICK,
    TRIM,
    FETCH, /* `node` installs the tree of node `at` */
    INSTALLED,
    END_SESSION, /* leader `node` has not heard the HOLDER for the time of a session */
    MOVE_TYPE_END
};

struct move {
    uint8_t type, node, at;
};

/* The state with which a scope begins; `fail` as in checker.h. */
struct cluster *cluster_begin(const struct scope *scope, checker_fail *fail);
struct cluster *cluster_after(const struct cluster *c, struct move move);
void cluster_free(struct cluster *c);
uint64_t cluster_fingerprint(const struct cluster *c);

/* All moves that are possible, at most MOVES_MAX. */
enum { MOVES_MAX = 2 * MESSAGES_MAX + 64 };
uint32_t cluster_moves(const struct cluster *c, struct move *moves);

void cluster_print_move(const struct cluster *before, struct move move);

#endif
