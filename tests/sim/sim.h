/* A simulated cluster: real cores, simulated network, disks and clock. One seed is one history.
 *
 *   world.c      clock, events, network, links       checker.c    what must always hold
 *   node.c       a core with its disk and its tree   history.c    faults and clients at random
 *   partitions.c, crashes.c   scenarios by name       situation.c  what they are made of
 *   scenarios.c               runs them               main.c       command line
 *
 * Time counts in steps; a tick (heartbeat period) is SIM_TICK of them. Every check that fails
 * prints the seed and the last events and ends the process. */
#ifndef QUORUMFS_TESTS_SIM_SIM_H
#define QUORUMFS_TESTS_SIM_SIM_H

#include "paxos/paxos.h"

enum { SIM_TICK = 1000, SIM_NODES_MAX = PAXOS_NODES_MAX };

struct sim_random {
    uint64_t state;
};

uint64_t sim_random(struct sim_random *r);
uint64_t sim_below(struct sim_random *r, uint64_t limit); /* 0..limit-1 */
bool sim_chance(struct sim_random *r, uint32_t permille);

struct sim_options {
    uint32_t nodes, read_quorum, write_quorum;
    uint32_t pids[SIM_NODES_MAX]; /* 0: 1, 2, 3, ... */
    uint32_t priorities[SIM_NODES_MAX];
    uint32_t loss, duplicates; /* permille of messages */
    uint32_t replays;          /* permille of messages after which an old one comes again */
    uint64_t delay_max, disk_delay_max; /* steps */
    bool reorder;       /* messages overtake each other; a cut leaves those under way alone */
    bool silent_links;  /* the cores are not told of links */
    uint32_t trim_tail; /* entries kept behind the durable tree; UINT32_MAX: never trim */
    uint32_t entry_bytes_max;
};

/* ---- node.c ---- */

struct sim_log { /* of ids: [base, end) */
    uint64_t base, end, cap;
    struct paxos_entry **entries;
};

struct sim_disk {
    struct paxos_ballot promise, acc_round;
    uint64_t decided;
    struct sim_log log;
    struct paxos_write *queue; /* not yet durable, oldest first */
    size_t count, cap;
    uint64_t last_at; /* when the last of them will be */
};

struct sim_tree {
    uint64_t applied, durable;
    uint64_t installed; /* index of the last snapshot that was installed */
};

struct sim_read {
    uint64_t id, floor;
};

struct sim_node {
    uint32_t index, pid;
    bool up;
    uint32_t life;
    struct paxos *core;
    struct sim_disk disk;
    struct sim_tree tree;
    bool fetching;
    uint64_t needed; /* snapshot_needed of the last output */

    uint64_t *waiting; /* ids proposed here and not yet applied here */
    size_t waiting_count, waiting_cap;
    uint64_t read_last, reads_ready;
    struct sim_read *reads;
    size_t read_count, read_cap;

    /* checker.c */
    struct paxos_ballot claim_round, prepared;
    uint64_t claim_accepted;
    uint32_t prepared_life;
    struct paxos_ballot max_promise, entered;
    uint64_t emitted;
};

/* ---- checker.c ---- */

struct sim_round {
    struct paxos_ballot ballot;
    uint64_t durable[SIM_NODES_MAX]; /* accepted in this round, as each disk once had it */
    uint64_t chosen;
    uint64_t *ids; /* the log of this round; 0: not seen */
    size_t id_count;
};

struct sim_checker {
    uint64_t *chosen; /* ids */
    size_t chosen_count, chosen_cap;
    struct sim_round *rounds;
    size_t round_count, round_cap;
    uint64_t emitted; /* highest decided index that any node was told */
    uint64_t leaders; /* ballots that were seen in accept */
};

/* ---- world.c ---- */

enum sim_event_type {
    SIM_TICKED,
    SIM_MESSAGE,
    SIM_WRITTEN,
    SIM_TOLD,
    SIM_FETCHED,
    SIM_INSTALLED,
    SIM_LINK
};

struct sim_event {
    uint64_t at, order;
    enum sim_event_type type;
    uint32_t node, peer, life;
    uint64_t number;
    bool up;
    struct paxos_message message;
};

struct sim_trace {
    uint64_t at;
    const char *what;
    uint32_t node, peer;
    uint8_t type;
    uint64_t a, b, c;
};

enum { SIM_TRACE_MAX = 400, SIM_OLD_MAX = 256 };

struct sim_world {
    const char *name;
    uint64_t seed;
    struct sim_random random;
    struct sim_options options;
    uint64_t now, order;
    struct sim_event *events; /* a heap by (at, order) */
    size_t event_count, event_cap;
    struct sim_node nodes[SIM_NODES_MAX];
    bool cut[SIM_NODES_MAX][SIM_NODES_MAX];    /* from, to */
    bool linked[SIM_NODES_MAX][SIM_NODES_MAX]; /* both directions stand, as the nodes were told */
    uint64_t last_delivery[SIM_NODES_MAX][SIM_NODES_MAX];
    bool (*drop)(struct sim_world *w,
                 const struct paxos_message *m); /* of a scenario; may be NULL */
    struct paxos_message old[SIM_OLD_MAX]; /* copies of messages that were sent, for replays */
    uint64_t next_id;
    struct sim_checker checker;
    struct sim_trace trace[SIM_TRACE_MAX];
    uint64_t trace_count;
};

struct sim_world *sim_world_new(const char *name, uint64_t seed, const struct sim_options *options);
void sim_world_free(struct sim_world *w);
void sim_run(struct sim_world *w, uint64_t steps);
void sim_schedule(struct sim_world *w, uint64_t delay, struct sim_event event);
void sim_send(struct sim_world *w, struct paxos_message *m); /* takes it */
void sim_cut(struct sim_world *w, uint32_t from, uint32_t to, bool cut);
void sim_cut_both(struct sim_world *w, uint32_t a, uint32_t b, bool cut);
void sim_links_changed(struct sim_world *w);
void sim_heal(
    struct sim_world *w); /* all links, all nodes; no more loss, reordering or slow disks */
uint32_t sim_node_of(const struct sim_world *w, uint32_t pid);
void sim_note(struct sim_world *w, const char *what, uint32_t node, uint64_t a, uint64_t b,
              uint64_t c);
void sim_note_message(struct sim_world *w, const char *what, const struct paxos_message *m);
_Noreturn void sim_fail(struct sim_world *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define sim_check(w, condition, ...)                                                               \
    do {                                                                                           \
        if (!(condition))                                                                          \
            sim_fail((w), __VA_ARGS__);                                                            \
    } while (0)

/* ---- node.c ---- */

void sim_start(struct sim_world *w, struct sim_node *n);
void sim_crash(struct sim_world *w, struct sim_node *n);
void sim_step(struct sim_world *w, struct sim_node *n, const struct paxos_event *event);
void sim_propose(struct sim_world *w, struct sim_node *n, uint32_t count);
void sim_propose_again(struct sim_world *w, struct sim_node *n);
void sim_read(struct sim_world *w, struct sim_node *n);
void sim_node_event(struct sim_world *w, struct sim_node *n, const struct sim_event *event);
void sim_node_free(struct sim_node *n);
uint64_t sim_entry_id(const struct paxos_entry *e);

/* ---- checker.c ---- */

void sim_check_message(struct sim_world *w, struct sim_node *n, const struct paxos_message *m);
void sim_check_disk(struct sim_world *w, struct sim_node *n);
void sim_check_stored(struct sim_world *w, struct sim_node *n); /* what a node starts with */
void sim_check_applied(struct sim_world *w, struct sim_node *n, uint64_t index, uint64_t id);
void sim_check_node(struct sim_world *w, struct sim_node *n); /* after every output */
void sim_check_converged(struct sim_world *w);
void sim_checker_free(struct sim_checker *c);

/* ---- history.c, scenarios.c ---- */

void sim_history(uint64_t seed); /* a cluster, its faults and its clients, all from the seed */
/* Runs one by name, all of them for NULL. Returns how many ran. */
uint32_t sim_scenarios(const char *name, uint64_t seed);

#endif
