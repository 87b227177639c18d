/* Three cores, driven by hand: their disks, their trees, and every message that they have sent and
 * that may still arrive, once, twice, late or never. Each step is a call; there is no clock.
 *
 *   cluster.c       nodes: start, crash, events, output        cluster_disk.c  writes, the log
 *   cluster_tree.c  applying, trimming, snapshots              cluster_mail.c  messages */
#ifndef QUORUMFS_TESTS_FUZZ_CLUSTER_H
#define QUORUMFS_TESTS_FUZZ_CLUSTER_H

#include "fuzz.h"

#include "checker.h"

enum { CLUSTER_NODES = 3, CLUSTER_MAIL_MAX = 192, CLUSTER_READS_MAX = 32 };

struct disk {
    struct paxos_ballot promise, acc_round;
    uint64_t decided;
    struct paxos_membership membership;
    uint64_t folder;
    uint64_t base, end;
    struct paxos_entry **entries; /* [base, end) */
    size_t cap;
    struct paxos_write *queue; /* handed out, not yet durable; oldest first */
    size_t count, queue_cap;
};

struct node {
    uint32_t index, pid, life;
    struct paxos *core; /* NULL: down */
    uint32_t events;    /* since its last output */
    struct disk disk;
    uint64_t written; /* ticket of the last write on disk */
    struct {
        uint64_t applied, durable;
        uint64_t installed; /* index of the last snapshot that it was taken from */
        bool installing;    /* it stands at a snapshot that the core has not heard of */
    } tree;
    uint64_t needed;  /* snapshot_needed */
    uint64_t emitted; /* decided, as the last output said */
    uint64_t read;    /* last id */
    struct {
        uint64_t id, least;
    } reads[CLUSTER_READS_MAX];
    uint32_t read_count;
    uint64_t bytes_given; /* of entries, with everything that it was ever given */
};

struct cluster {
    struct paxos_config config;
    struct node nodes[CLUSTER_NODES];
    struct paxos_message mail[CLUSTER_MAIL_MAX]; /* oldest first */
    size_t mail_count;
    uint64_t proposed; /* last id */
    uint64_t now;      /* microseconds, of all clocks: only ticks take time */
    bool honest;       /* no node lies: the checker watches */
    /* If set, the last node is no core: messages to it come here. */
    void (*outsider)(const struct paxos_message *m);
    struct checker checker;
};

void cluster_init(struct cluster *c, const struct paxos_config *config, bool honest,
                  void (*outsider)(const struct paxos_message *m));
void cluster_free(struct cluster *c);

/* ---- cluster.c: things that happen to a node; nothing happens to one that is down ---- */

void cluster_start(struct cluster *c, struct node *n);
/* Some of the writes under way, and of the applied entries that were not durable, survive all the
 * same. */
void cluster_crash(struct cluster *c, struct node *n, size_t writes, uint64_t applied);
/* It starts again, with an empty folder; unless the others could not do without it. */
void cluster_empty_folder(struct cluster *c, struct node *n);
void cluster_step(struct cluster *c, struct node *n, const struct paxos_event *event);
/* The same, but its output is looked at with the next event. */
void cluster_step_only(struct cluster *c, struct node *n, const struct paxos_event *event);
void cluster_propose(struct cluster *c, struct node *n, uint32_t count, uint32_t bytes);
void cluster_read(struct cluster *c, struct node *n);
/* Rounds in which nothing is lost or late. */
void cluster_settle(struct cluster *c, uint32_t rounds);

/* ---- cluster_disk.c ---- */

struct checker_view disk_view(const struct node *n, uint64_t changed);
void disk_queue(struct node *n, struct paxos_write *write); /* takes it */
void disk_write(struct cluster *c, struct node *n);         /* the oldest one, whole */
void disk_forget(struct node *n);                           /* writes under way are lost */
struct paxos_stored disk_open(struct node *n);
void disk_free(struct disk *d);
bool disk_of_member(const struct disk *d);
/* Finishes up to `writes` writes, and tells the core. */
void cluster_disk(struct cluster *c, struct node *n, size_t writes);

/* ---- cluster_tree.c ---- */

void tree_take_decided(struct cluster *c, struct node *n);
void cluster_trim(struct cluster *c, struct node *n, uint64_t keep);
/* Takes a snapshot at `index` if it is one that the node would take. */
void cluster_install(struct cluster *c, struct node *n, uint64_t index);
void cluster_installed(struct cluster *c, struct node *n); /* the core hears of it */

/* ---- cluster_mail.c ---- */

void mail_post(struct cluster *c, struct paxos_message *m); /* takes it */
struct paxos_message mail_copy(const struct paxos_message *m);
void mail_drop(struct cluster *c, size_t at);
/* `keep`: it will come again. */
void mail_deliver(struct cluster *c, size_t at, bool keep);
void mail_hand_over(struct cluster *c, const struct paxos_message *m);
void mail_free(struct cluster *c);

#endif
