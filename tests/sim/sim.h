/* A simulated cluster: real cores, simulated network, disks, clocks and clients. One seed is one
 * history, to the bit, on any machine.
 *
 *   the world                                 judges
 *     world.c      creation, the run            checker.h   the rules that always hold
 *     events.h     scheduled events             linear.h    clients' answers are linearizable
 *     network.c    messages and links           judge.c     equal state, exactly once
 *     node.c       a core, its clock            progress.h  progress resumes, and goes on
 *     disk.c       its log, durable late
 *     tree.c       its state, snapshots       histories
 *     machine.h    ... what that is             history.c   all of it at random
 *     clients.c    the clients' requests        faults.h    the faults of one
 *     trace.h      the last events
 *                                             scenarios, by name
 *   main.c         command line                 scenarios.c, situation.h, partition.h
 *   workers.h      on all processors            partitions.c, crashes.c, messages.c, snapshots.c,
 *   run            for as long as asked         reads.c, emptied.c, leases.c
 *
 * Time counts in steps; a tick (heartbeat period) is SIM_TICK of them, about a tenth of a second.
 * Every check that fails prints the last events and the seed, and ends the process. */
#ifndef QUORUMFS_TESTS_SIM_SIM_H
#define QUORUMFS_TESTS_SIM_SIM_H

#include "checker.h"
#include "events.h"
#include "linear.h"
#include "machine.h"
#include "random.h"
#include "replica/describe.h"
#include "trace.h"

enum {
    SIM_TICK = 1000,
    SIM_STEP_US = 100, /* on a clock that goes right */
    SIM_NODES_MAX = PAXOS_NODES_MAX,
    SIM_CLIENTS_MAX = 16,
    SIM_READS_MAX = 64,
    SIM_OLD_MAX = 128,
};

#define SIM_NOBODY UINT32_MAX /* no node, no client */

struct sim_options {
    uint32_t nodes, read_quorum, write_quorum;
    uint32_t pids[SIM_NODES_MAX]; /* 0: 1, 2, 3, ... */
    uint32_t priorities[SIM_NODES_MAX];

    uint32_t loss, duplicates; /* permille of messages */
    uint32_t replays;          /* permille of messages after which an old one comes again */
    uint64_t delay_max;        /* steps */
    bool reorder;      /* messages overtake each other; a cut leaves those under way alone */
    bool silent_links; /* the cores are not told of links */
    bool relay;        /* if a link is down, all but heartbeats go through a third node */

    uint64_t disk_delay_max; /* steps */
    uint32_t trim_tail;      /* entries kept behind the durable tree; UINT32_MAX: never trim */
    uint32_t entry_bytes_max;
    bool slow_snapshots; /* their transfer and installation may take several ticks */

    bool leases;                      /* some node takes part in leases */
    uint32_t lease_us[SIM_NODES_MAX]; /* as each node is configured */
    bool leases_come_and_go;          /* ... at most of its starts */

    uint32_t tell_us; /* of each core */

    bool founded; /* all are members from the start; otherwise their folders are new */

    uint32_t clients;
    uint64_t think_max, patience; /* of clients, steps */
    uint32_t batches;             /* permille of steps whose output waits for more of them */
    uint32_t repeats; /* permille of ticks at which a node proposes again what is not answered */
};

/* ---- disk.c: the log, and everything else that a core must not forget ---- */

struct sim_log { /* [base, end) */
    uint64_t base, end, cap;
    struct paxos_entry **entries;
};

struct sim_disk {
    struct paxos_ballot promise, acc_round;
    uint64_t decided;
    struct paxos_membership membership;
    uint64_t folder;
    struct sim_log log;
    struct paxos_write *queue; /* not yet durable, oldest first */
    size_t count, cap;
    uint64_t last_at;     /* when the last of them will be */
    uint64_t stuck_until; /* nothing becomes durable before */
};

/* ---- tree.c: the state that the log makes ---- */

struct sim_tree {
    struct machine now, durable;
    uint64_t installed;       /* index of the last snapshot that took its place */
    uint64_t needed;          /* snapshot_needed of the last output */
    struct machine *fetching; /* a snapshot on its way here */
    uint32_t source;          /* ... from this node */
    bool installing;          /* it is taking the tree's place: nothing is applied */
};

/* ---- clients.c: the unanswered requests of a node ---- */

struct sim_write {
    uint64_t sequence;
    size_t operation; /* place in the history */
    uint32_t client;  /* SIM_NOBODY: of a scenario */
    struct paxos_entry *entry;
};

struct sim_read {
    uint64_t id;
    size_t operation;
    uint32_t client;
    uint64_t least, index; /* index: once it is confirmed */
    bool confirmed;
};

struct sim_requests {
    uint64_t next_sequence;
    struct sim_write writes[MACHINE_WINDOW]; /* oldest first */
    uint32_t write_count;
    struct paxos_ballot proposed_to; /* the leader that they were all proposed to */
    uint64_t next_read;
    struct sim_read reads[SIM_READS_MAX];
    uint32_t read_count;
};

struct sim_client {
    uint32_t node;                /* whom it asks */
    size_t operation;             /* that it waits for; SIZE_MAX: none */
    uint64_t known[MACHINE_KEYS]; /* values that it has seen last */
};

/* ---- */

struct sim_node {
    uint32_t index, pid;
    bool up;
    uint32_t life;
    uint32_t starts; /* of its folder */
    struct paxos *core;
    struct sim_world *world;
    struct describe describe; /* when debug lines are printed */
    bool output_due;          /* at an event of its own; steps until then have none */
    struct sim_disk disk;
    struct sim_tree tree;
    struct sim_requests requests;

    uint32_t clock;        /* its tick, in permille of SIM_TICK */
    uint32_t lease_us;     /* at this start */
    uint64_t epoch_us;     /* the clock of leases began so, */
    uint32_t speed;        /* ... and goes so fast, in permille */
    uint64_t wake_at;      /* of the last output */
    uint64_t clock_stands; /* no tick before */
    uint64_t paused_until; /* its postponed events happen then */
    uint64_t slow;         /* steps that everything takes longer here, at most */
    uint32_t fuse;         /* the storage operation, from now, at which it loses power; 0: none */
};

struct sim_world {
    const char *name;
    uint64_t seed;
    struct sim_random random;
    struct sim_options options;
    uint64_t now;
    struct sim_events events;
    struct sim_node nodes[SIM_NODES_MAX];
    bool fuse_blown; /* some node's, in this event */

    bool cut[SIM_NODES_MAX][SIM_NODES_MAX];    /* from, to */
    bool linked[SIM_NODES_MAX][SIM_NODES_MAX]; /* both directions stand */
    uint64_t last_delivery[SIM_NODES_MAX][SIM_NODES_MAX];
    bool (*drop)(struct sim_world *w, struct paxos_message *m); /* of a scenario; may be NULL */
    struct paxos_message old[SIM_OLD_MAX]; /* copies of some that were sent, for replays */

    struct sim_client clients[SIM_CLIENTS_MAX];
    bool clients_stop;
    struct linear_operation *history;
    size_t history_count, history_cap;
    uint64_t moment; /* of the history */

    struct checker checker;
    uint64_t *states;  /* digest by applied index; 0: not seen */
    uint64_t *effects; /* revision by value; 0: none */
    size_t state_cap, effect_cap;

    struct sim_trace trace;
    uint64_t steps;  /* events that cores were given */
    uint64_t leased; /* reads that were answered by a lease */
};

/* ---- world.c ---- */

struct sim_world *sim_world_new(const char *name, uint64_t seed, const struct sim_options *options);
void sim_world_free(struct sim_world *w);
void sim_run(struct sim_world *w, uint64_t steps);
void sim_schedule(struct sim_world *w, uint64_t delay, struct sim_event event);
struct sim_node *sim_node_of(struct sim_world *w, uint32_t pid);
void sim_note(struct sim_world *w, enum sim_what what, uint32_t node, uint64_t a, uint64_t b,
              uint64_t c);
_Noreturn void sim_fail(struct sim_world *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define sim_check(w, condition, ...)                                                               \
    do {                                                                                           \
        if (!(condition))                                                                          \
            sim_fail((w), __VA_ARGS__);                                                            \
    } while (0)

/* ---- network.c ---- */

void sim_send(struct sim_world *w, struct paxos_message *m); /* takes it */
/* The same, `delay` steps from now and whatever links say. */
void sim_send_late(struct sim_world *w, struct paxos_message *m, uint64_t delay);
/* The kept copies of messages to this node come again, all at once. */
void sim_echo(struct sim_world *w, const struct sim_node *n);
struct paxos_message sim_copy_message(const struct paxos_message *m);
void sim_deliver(struct sim_world *w, struct sim_event *event);
void sim_cut(struct sim_world *w, uint32_t from, uint32_t to, bool cut);
void sim_cut_both(struct sim_world *w, uint32_t a, uint32_t b, bool cut);
void sim_mend_all(struct sim_world *w);
void sim_links_changed(struct sim_world *w);
void sim_link_told(struct sim_world *w, const struct sim_event *event);
void sim_network_free(struct sim_world *w);

/* ---- node.c ---- */

struct paxos_config sim_config(const struct sim_world *w, uint32_t node);
void sim_start(struct sim_world *w, struct sim_node *n);
/* Some of its unsynced data may have become durable all the same. */
void sim_crash(struct sim_world *w, struct sim_node *n);
/* None of it has. */
void sim_power_cut(struct sim_world *w, struct sim_node *n);
/* It has lost its folder, and will start with an empty one. */
void sim_empty_folder(struct sim_world *w, struct sim_node *n);
/* Votes, as its disk has it. */
bool sim_is_member(const struct sim_node *n);
/* It is up, and serves clients: it is a member. */
bool sim_serves(const struct sim_node *n);
/* Rises with each start, though the folder was emptied (node/replica/replica.c). Of a member. */
uint32_t sim_incarnation(const struct sim_node *n);
/* Nodes that may be without their data at the same time. */
uint32_t sim_losses_max(const struct sim_world *w);
/* At the time of this node. */
void sim_step(struct sim_world *w, struct sim_node *n, const struct paxos_event *event);
void sim_node_event(struct sim_world *w, struct sim_node *n, const struct sim_event *event);
void sim_node_free(struct sim_node *n);

/* ---- disk.c ---- */

struct checker_view sim_view(const struct sim_node *n, uint64_t changed);
void sim_disk_write(struct sim_world *w, struct sim_node *n,
                    struct paxos_write *write);                 /* takes it */
void sim_disk_written(struct sim_world *w, struct sim_node *n); /* the oldest, whole */
/* The first `kept` writes that were not durable are; the others are lost. */
void sim_disk_crash(struct sim_world *w, struct sim_node *n, size_t kept);
/* As the store opens its log, with a tree that has applied that much. */
struct paxos_stored sim_disk_open(struct sim_node *n);
/* All of it is gone, and a new folder in its place. */
void sim_disk_lost(struct sim_world *w, struct sim_node *n);
void sim_disk_free(struct sim_disk *d);
/* Something happened on the storage of this node: it may be the last thing before a power cut. */
void sim_storage_operation(struct sim_world *w, struct sim_node *n);

/* ---- tree.c ---- */

void sim_tree_apply(struct sim_world *w, struct sim_node *n, uint64_t decided);
void sim_tree_tick(struct sim_world *w, struct sim_node *n); /* checkpoint, trim, fetch */
/* The tree is found between what was durable and what was applied: at the former for 0. */
void sim_tree_crash(struct sim_world *w, struct sim_node *n, uint64_t kept);
void sim_tree_fetch(struct sim_world *w, struct sim_node *n);
void sim_tree_fetched(struct sim_world *w, struct sim_node *n);
void sim_tree_replaced(struct sim_world *w, struct sim_node *n);
void sim_tree_installed(struct sim_world *w, struct sim_node *n);
void sim_tree_lost(struct sim_node *n);
void sim_tree_free(struct sim_tree *t);

/* ---- clients.c ---- */

void sim_clients_start(struct sim_world *w);
void sim_client_event(struct sim_world *w, const struct sim_event *event);
void sim_propose(struct sim_world *w, struct sim_node *n, uint32_t count); /* puts */
void sim_propose_again(struct sim_world *w, struct sim_node *n);
void sim_read(struct sim_world *w, struct sim_node *n);
void sim_requests_tick(struct sim_world *w, struct sim_node *n);
void sim_requests_lost(struct sim_world *w, struct sim_node *n);   /* the node is down */
void sim_requests_recall(struct sim_world *w, struct sim_node *n); /* after a snapshot */
void sim_requests_applied(struct sim_world *w, struct sim_node *n,
                          const struct machine_command *command,
                          const struct machine_result *result);
void sim_reads_confirmed(struct sim_world *w, struct sim_node *n, const struct paxos_output *out);
void sim_reads_answer(struct sim_world *w, struct sim_node *n); /* what the tree has reached */
void sim_requests_free(struct sim_node *n);

/* ---- judge.c ---- */

/* A node has applied one more entry, or has its tree from elsewhere. */
void sim_judge_state(struct sim_world *w, const struct sim_node *n);
void sim_judge_effect(struct sim_world *w, const struct machine_command *command,
                      const struct machine_result *result);
void sim_judge_history(struct sim_world *w);
/* After the faults have ended: all nodes have everything, and no client waits. */
void sim_judge_converged(struct sim_world *w);

/* ---- history.c, scenarios.c ---- */

struct sim_figures {
    uint64_t steps, ticks, operations, leased;
    uint64_t resumed_max;  /* ticks until progress resumed, the longest, */
    uint64_t resumed_seed; /* ... and the history where it took so long */
    uint64_t hash;         /* of everything that happened */
};

/* A cluster, its faults and its clients, all from the seed. */
struct sim_figures sim_history(uint64_t seed);
/* Runs one by name, all of them for NULL. Returns how many ran. */
uint32_t sim_scenarios(const char *name, uint64_t seed);

#endif
