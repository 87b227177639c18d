/* Omni-Paxos: a replicated log for a cluster whose links may fail one by one.
 *
 * Source: Ng, Haridi, Carbone, "Omni-Paxos: Breaking the Barriers of Partial Connectivity", EuroSys
 * 2023; where this implementation keeps a stronger rule, the place says so.
 *
 * The core is pure: no I/O, no clock, no randomness, no threads. Events go in through paxos_step,
 * any number of them; paxos_output then says what to make durable, what to send, how far the log is
 * decided, and which reads may be answered. Both are called on one thread.
 *
 * Order: every message of an output may be sent at once. The core holds a message back that must
 * wait for the disk until PAXOS_DURABLE says that the write is there: this is the only place that
 * expresses "persist before answering". A write must be made durable as a whole and after all
 * earlier ones.
 *
 * Indices are counts: decided = 5 means the entries 0..4 are decided.
 *
 * Errors: paxos_step and paxos_output return 0 or -ENOMEM; after -ENOMEM the core must not be used
 * any more (the node stops: its disk is still right). Anything a peer sends is checked and at worst
 * dropped.
 *
 * Words, beside those of the paper:
 *
 *   standing  what a node is to the others: a member that votes, or not yet (enum paxos_standing)
 *   life      counts how often the folder of a node was emptied: what the node said in an earlier
 *             life no longer counts
 *   folder    here, the random number that is made with a folder and tells it from one that was
 *             emptied
 *   psid      number of a Prepare ("prepare session"), repeated by the Promise and the AcceptSync
 *             that answer it, so that late ones are recognised
 *   session   an AcceptSync and all that the leader sends after it, in order, to one peer
 *   chosen    accepted by W nodes; decided once no lease stands in the way
 *   vouch     to let a lease run: a node that vouched for one tells every later leader how long
 *             that leader has to wait for it
 *   holder    of a lease: the node that may answer reads alone */
#ifndef QUORUMFS_PAXOS_PAXOS_H
#define QUORUMFS_PAXOS_PAXOS_H

#include "paxos/messages.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PAXOS_NODES_MAX = 9,
    PAXOS_MESSAGE_BYTES_MAX = 256 * 1024,     /* entries of one message, or a single one */
    PAXOS_WINDOW_BYTES_MAX = 4 * 1024 * 1024, /* entries sent to a peer and not yet accepted */
    PAXOS_LEASE_US_MAX = 1000 * 1000,
};

struct paxos_ballot {
    uint64_t n;
    uint32_t priority;
    uint32_t pid; /* its owner; 0 in the zero ballot, which is below all others */
};

/* <0, 0, >0 by (n, priority, pid). */
static inline int paxos_ballot_compare(struct paxos_ballot a, struct paxos_ballot b)
{
    if (a.n != b.n)
        return a.n < b.n ? -1 : 1;
    if (a.priority != b.priority)
        return a.priority < b.priority ? -1 : 1;
    return a.pid < b.pid ? -1 : a.pid > b.pid;
}

/* An entry of the log: immutable bytes, shared by reference. References are counted on the core's
 * thread only; other threads may read the bytes while a reference is held on that thread. */
struct paxos_entry {
    uint32_t refs;
    uint32_t len;
    uint8_t bytes[];
};

struct paxos_entry *paxos_entry_new(const void *bytes, uint32_t len); /* one reference, or NULL */
struct paxos_entry *paxos_entry_ref(struct paxos_entry *e);
void paxos_entry_unref(struct paxos_entry *e); /* NULL is fine */

#define PAXOS_MESSAGE_NUMBER(NAME, number, name, fields) PAXOS_##NAME = number,
enum paxos_message_type { PAXOS_MESSAGES(PAXOS_MESSAGE_NUMBER) PAXOS_MESSAGE_TYPE_END };
#undef PAXOS_MESSAGE_NUMBER

/* For people: "Prepare". */
const char *paxos_message_type_name(uint8_t type);

/* PROMISE and ACCEPT_SYNC: how the receiver's log is made to match. */
enum paxos_sync { PAXOS_SYNC_NONE, PAXOS_SYNC_SUFFIX, PAXOS_SYNC_SNAPSHOT };

/* Of a node, in the eyes of the others and in its own (join.c). */
enum paxos_standing {
    PAXOS_MEMBER,  /* votes: it remembers all that it ever promised and accepted */
    PAXOS_JOINING, /* was let in with an empty folder: votes once it has caught up */
    PAXOS_FRESH, /* has an empty folder, and does not know yet whether the cluster is new as well */
    PAXOS_STANDING_END,
};

enum { PAXOS_LIFE_MAX = 1 << 30 }; /* no honest life gets there */

/* A node that comes back with an empty folder begins a new life; what it said in an earlier one no
 * longer counts. */
struct paxos_member {
    uint32_t pid;    /* rises from one member to the next; > 0 */
    uint32_t life;   /* the latest that this node knows of, or its own */
    uint64_t folder; /* with which the cluster was founded; 0: not known here */
};

/* The members of the cluster, and the standing of this node among them. The one on disk counts. It
 * has no padding, and zeros beyond `count`, so that two of them can be compared byte by byte. */
struct paxos_membership {
    uint32_t standing; /* enum paxos_standing, of this node */
    uint32_t count;    /* 1..PAXOS_NODES_MAX; 0: not stored yet */
    struct paxos_member members[PAXOS_NODES_MAX];
};

/* A membership of these nodes, given in any order, of which no life or folder is known. */
struct paxos_membership paxos_membership_of(const uint32_t *pids, uint32_t count,
                                            enum paxos_standing standing);

/* One message; the type says which fields count, the others are zero. */
struct paxos_message {
    uint8_t type; /* enum paxos_message_type */
    uint8_t sync; /* enum paxos_sync */
    bool happy;
    uint8_t standing; /* enum paxos_standing */
    uint32_t life;
    uint32_t from, to;
    struct paxos_ballot n, acc_round, leader;
    uint64_t decided, accepted;
    uint64_t psid;             /* prepare session of the leader towards this peer */
    uint64_t session, counter; /* order of what a leader sends in a ballot */
    uint64_t first;            /* index of entries[0]; SYNC_SUFFIX: where the log is cut;
                                  SYNC_SNAPSHOT: index needed */
    uint64_t round;
    uint64_t read;
    uint32_t lease; /* microseconds; 0: none */
    uint64_t folder;
    /* Of the members in the order of their pids, as the sender knows them: */
    uint32_t lives[PAXOS_NODES_MAX];
    uint64_t folders[PAXOS_NODES_MAX]; /* the sender's own always */
    uint32_t entry_count;
    struct paxos_entry **entries; /* a reference to each is held by the message */
};

/* Gives back the entries and zeroes the message. */
void paxos_message_clear(struct paxos_message *m);

/* All that a node remembers across a restart. It must not have entries below the index of a
 * snapshot that the tree was installed from: they may contradict what was decided (the write that
 * would have removed them may not have reached the disk before the crash). */
struct paxos_stored {
    struct paxos_ballot promise, acc_round;
    uint64_t decided;   /* max(stored, applied); <= compacted + entry_count */
    uint64_t compacted; /* index of entries[0] */
    uint64_t entry_count;
    struct paxos_entry **entries;       /* the core takes its own references */
    struct paxos_membership membership; /* PAXOS_FRESH in a folder that is new; count 0: the members
                                           are those of the configuration */
    uint64_t folder; /* random, not 0, made with the folder: tells it from one that was emptied */
};

struct paxos_config {
    uint32_t me;    /* my pid; any number > 0 */
    uint32_t count; /* nodes of the cluster, me included: 1..PAXOS_NODES_MAX; the same as in */
    uint32_t pids[PAXOS_NODES_MAX];     /* ... the stored membership, in any order */
    uint32_t read_quorum, write_quorum; /* R, W; 0, 0: the majority. Otherwise R + W > count */
    uint32_t priority;
    uint64_t start;      /* rises across restarts: a late answer to an earlier start does not fit */
    bool told_by_member; /* of the cluster: it has a past, and this node must not found it */
    uint32_t lease_us;  /* that this node asks for with its reads, grants and vouches for (lease.c);
                          0: takes no part; at most PAXOS_LEASE_US_MAX */
    bool leased_before; /* an earlier start of this node took part */
    uint32_t tell_us;   /* a peer that does not wait for a decision may be told so much later, so
                           that it can be told with new entries; 0: it is told at once */
    uint64_t now;       /* as in an event */
};

struct paxos;

/* Starts from what was stored. All zeros are a member that has not promised anything yet; in a new
 * folder `membership.standing` and `folder` are not zero. Returns NULL when out of memory. */
struct paxos *paxos_new(const struct paxos_config *config, const struct paxos_stored *stored);
void paxos_free(struct paxos *p);

enum paxos_event_type {
    PAXOS_TICK,    /* a heartbeat period has passed */
    PAXOS_TIME,    /* nothing has happened, but it is `wake_at` of the last output */
    PAXOS_RECEIVE, /* message: the core takes its own references */
    PAXOS_PROPOSE, /* entries: to be appended, buffered or forwarded; may be lost or doubled at a
                      leader change, so the proposer repeats them and the state recognises them */
    PAXOS_DURABLE, /* ticket: this write and all earlier ones are on disk */
    PAXOS_READ,    /* read: ids rise, across restarts too, so that a late answer to an earlier start
                      does not fit; answered by `reads_ready` of a later output. lease: more reads
                      may follow, so a lease is worth asking for */
    PAXOS_LINK_UP, /* pid: the link to this peer is there (again) */
    PAXOS_LINK_DOWN, /* pid */
    PAXOS_TRIM, /* index: entries below need not be kept (applied, and durable in the tree); at most
                   the `decided` of the last output */
    PAXOS_SNAPSHOT_INSTALLED, /* index: the tree is durable at it, the log before it is void */
    PAXOS_STOPPING, /* this node is about to stop: if it leads, another one is to lead at once. Its
                        own role ends when that one prepares it, if at all */
};

struct paxos_event {
    enum paxos_event_type type;
    bool lease;
    uint32_t pid;
    uint64_t now; /* microseconds of a clock that never goes back, nor stops while the process or
                     the machine sleeps; read after the event has happened. Without leases only
                     `tell_us` is measured with it */
    uint64_t ticket, read, index;
    const struct paxos_message *message;
    struct paxos_entry **entries;
    uint32_t entry_count;
};

int paxos_step(struct paxos *p, const struct paxos_event *event);

/* A change of the disk, made as a whole or not at all: `entries` replace the log from `first` on;
 * entries below `compacted` are void and may be deleted at leisure. `first` may lie beyond the end
 * of the log on disk, but then `compacted` equals it. */
struct paxos_write {
    uint64_t ticket; /* 0: nothing to write. Otherwise rises by one with each write */
    struct paxos_ballot promise, acc_round;
    uint64_t decided, compacted;
    bool truncate; /* entries at or above `first` may exist and must go */
    uint64_t first;
    uint32_t entry_count;
    struct paxos_entry **entries; /* a reference to each is held by the write */
    struct paxos_membership membership;
};

void paxos_write_clear(struct paxos_write *w);

/* All that the events since the last output have brought about. */
struct paxos_output {
    struct paxos_write write;
    struct paxos_message *messages; /* to send now, in this order */
    size_t message_count;
    uint64_t decided;     /* the log may be applied up to here: decided, and durable on this disk */
    uint64_t reads_ready; /* every read with an id <= this one may be answered */
    uint64_t reads_index; /* once the tree is applied to this index */
    uint64_t reads_confirmed; /* of these, the ones above this id were answered by a lease */
    uint64_t wake_at; /* not 0: a decision waits for this moment (event.now), or a peer is to be
                         told of one then; PAXOS_TIME is the event */
    uint64_t snapshot_needed; /* not 0: fetch a snapshot of at least this index from a peer */
};

/* Fills `out` (owned by the caller, given back with paxos_output_clear). */
int paxos_output(struct paxos *p, struct paxos_output *out);
void paxos_output_clear(struct paxos_output *out);

/* An entry with compacted <= index < accepted; borrowed until the next paxos_step. */
struct paxos_entry *paxos_entry_at(const struct paxos *p, uint64_t index);

enum paxos_role { PAXOS_FOLLOWER, PAXOS_LEADER };
enum paxos_phase { PAXOS_PHASE_NONE, PAXOS_PHASE_PREPARE, PAXOS_PHASE_ACCEPT, PAXOS_PHASE_RECOVER };

/* What this node has seen of a peer that cannot be if both remember all that they acknowledged
 * (misfit.c). Two kinds are proof. The others may also be seen for a moment while leaders change:
 * they mean something once they last. */
enum paxos_misfit {
    PAXOS_FITS,
    PAXOS_FORGOT,      /* proof: it promises a ballot of mine with less than it acknowledged in it;
                          it counts no more, until it has joined with an empty folder */
    PAXOS_LED_BEFORE,  /* proof: it accepted in a ballot of mine in which I have not led yet; so it
                          is  me who has forgotten */
    PAXOS_BEYOND_MINE, /* I lead, and it knows more to be decided than my log has */
    PAXOS_BELOW_MINE,  /* it leads, with a log that ended before what I know to be decided */
    PAXOS_UNFIT,       /* it leads, and its syncs do not fit my log, again and again */
    PAXOS_MISFIT_END,
};

/* For the status page, and for the decisions of the replica. */
struct paxos_status {
    enum paxos_role role;
    enum paxos_phase phase;
    struct paxos_ballot promise, acc_round, leader; /* leader: that the election follows */
    uint64_t compacted, decided, accepted, durable;
    uint64_t log_bytes;      /* entries held in memory */
    bool happy;              /* the election is content with its leader */
    bool has_quorum;         /* this node, or its leader, reaches a quorum: proposals make sense */
    bool reaches_quorum;     /* this node does so itself */
    bool has_leader;         /* this node leads, or hears its leader: proposals go somewhere */
    uint64_t leader_changes; /* since the start */
    enum paxos_standing standing;
    uint32_t life;                         /* rises each time the folder was emptied */
    uint32_t members_needed, fresh_needed; /* FRESH: to be let in, or to found the cluster, that
                                              many others must have answered */
    struct {
        uint32_t pid;
        bool alive;                   /* answered one of the last heartbeats */
        enum paxos_standing standing; /* by its last heartbeat */
        uint64_t accepted;            /* known at the leader only */
        enum paxos_misfit misfit;
        uint64_t theirs,
            mine; /* a misfit: so far its log goes, or what it knows, and so far mine */
    } peers[PAXOS_NODES_MAX];
    uint32_t peer_count;
    uint64_t misfits; /* messages since the start that did not fit */
};

void paxos_status(const struct paxos *p, struct paxos_status *status);

#endif
