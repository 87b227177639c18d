/* The replica: where consensus, store and peers meet, and the only thing that doors talk to.
 *
 * A door turns what a user asks into a command or a read. A write's success means that a majority
 * has it on disk; a read callback means that the tree, as it is now, contains every write that had
 * returned before the read began. Every call is answered within the configured request
 * timeout, or by the deadline that it names.
 *
 * Thread: the loop's. Callbacks come on the loop and may come before the call returns. */
#ifndef QUORUMFS_REPLICA_REPLICA_H
#define QUORUMFS_REPLICA_REPLICA_H

#include "base/fault.h"
#include "command/command.h"
#include "config/config.h"
#include "paxos/paxos.h"
#include "peer/peer.h"
#include "store/log.h"
#include "store/tree.h"

#include <sys/queue.h>
#include <uv.h>

enum {
    REPLICA_PENDING_MAX = 65536, /* commands from the oldest that waits at a node to the newest: as
                                    many results as the tree keeps for a node */
    REPLICA_PENDING_BYTES_MAX = 128 * 1024 * 1024, /* bytes of those that wait */
    REPLICA_READS_MAX = 65536,                     /* reads waiting at one node */
    REPLICA_TEXT_MAX = 512,                        /* a sentence for the user, with its NUL */
};

enum replica_outcome {
    REPLICA_DONE,        /* decided and applied (result->status says how it went), or: read now */
    REPLICA_NO_QUORUM,   /* refused: nothing has happened */
    REPLICA_BUSY,        /* refused, too much is waiting: nothing has happened */
    REPLICA_STOPPING,    /* refused, the node is going down: nothing has happened */
    REPLICA_UNSUPPORTED, /* refused, some member does not speak it: nothing has happened */
    REPLICA_FULL,        /* refused, the disks have no room for it: nothing has happened */
    REPLICA_TIMEOUT,     /* no answer in time. A write: THE OUTCOME IS UNKNOWN */
};

/* One English sentence for the user, static. */
const char *replica_outcome_text(enum replica_outcome outcome);

struct replica;

/* Why a command is REPLICA_UNSUPPORTED: a clause that names the member that holds it back. */
void replica_unsupported(const struct replica *replica, char text[REPLICA_TEXT_MAX]);

/* Why a command is REPLICA_FULL, or soon will be: a clause that says where to make room; empty if
 * there is plenty. */
void replica_no_room(const struct replica *replica, char text[REPLICA_TEXT_MAX]);

/* The clock of deadlines. */
static inline uint64_t replica_now_ms(void)
{
    return uv_hrtime() / 1000000;
}

/* `result` is valid during the call; NULL unless the outcome is REPLICA_DONE. */
typedef void replica_written_cb(void *arg, enum replica_outcome outcome,
                                const struct command_result *result);

/* Proposes a command and calls back when it is decided and applied here. Takes the command's bytes
 * and zeroes it. Exactly once: it takes effect at most once whatever leaders do meanwhile. */
void replica_submit(struct replica *replica, struct command *command, replica_written_cb *done,
                    void *arg);
/* As replica_submit, with another deadline. Past it, the answer is REPLICA_TIMEOUT at once, and
 * nothing happens. */
void replica_submit_by(struct replica *replica, struct command *command, uint64_t deadline_ms,
                       replica_written_cb *done, void *arg);

enum replica_consistency {
    REPLICA_DEFAULT,      /* what the configuration says (cache_time, on_quorum_loss) */
    REPLICA_LINEARIZABLE, /* always ask the leader; refused without a quorum */
    REPLICA_CACHED,       /* cache_time; without a quorum what this node last knew */
    REPLICA_LOCAL,        /* what this node last knew, at once */
};

struct replica_freshness {
    bool stale;      /* not confirmed with a quorum within what was asked for */
    uint64_t age_ms; /* since this node's state was last known to be current; UINT64_MAX: never */
};

typedef void replica_read_cb(void *arg, enum replica_outcome outcome,
                             struct replica_freshness freshness);

/* Calls back when the tree may be read: read it during the call. */
void replica_read(struct replica *replica, enum replica_consistency consistency,
                  replica_read_cb *done, void *arg);
/* As replica_read, with another deadline. If it has passed, a read that cannot be answered at once
 * gets the same answer as at its deadline. */
void replica_read_by(struct replica *replica, enum replica_consistency consistency,
                     uint64_t deadline_ms, replica_read_cb *done, void *arg);

enum {
    REPLICA_EMPTIED_MS = 50, /* after a file was emptied by an open(2): README.md says so */
};

/* For a read that finds a file empty, in the callback of replica_read. If an open(2) at any node
 * has just emptied it, its contents are probably on their way. Then this returns true, and calls
 * back when there are contents, or the file is gone, or after REPLICA_EMPTIED_MS since this node
 * has emptied it, or when the node stops: read the tree during that call. Otherwise, and if there
 * is no memory for it, it returns false: take the file as it is. A read must not wait a second
 * time. */
bool replica_await_contents(struct replica *replica, uint64_t ino, void (*done)(void *arg),
                            void *arg);
/* Says that whoever has emptied the file at this node wrote nothing. */
void replica_stays_empty(struct replica *replica, uint64_t ino);

/* How many ms a file or a lease has still (the key of a struct tree_mortal), as far as this node
 * knows: no node removes it before. UINT64_MAX: it has no end of its own, or it is not known yet.
 */
uint64_t replica_left_ms(const struct replica *replica, uint64_t key);

/* To be read in a read callback, or for REPLICA_LOCAL at any time. */
struct tree *replica_tree(struct replica *replica);

/* An observer hears what is applied here, whichever node asked for it (doc/seams.md). The calls
 * come on the loop, in the order of the log, once for each entry. During a call, the observer may
 * end any observer, begin others (they hear of the next entry first), submit commands, and read the
 * tree, which is as after the entry. */
struct replica_observer {
    LIST_ENTRY(replica_observer) entry; /* the replica's */
    /* An entry was applied that changed something. The call comes before the entry's
     * own caller is answered. `changes` is valid during the call. */
    void (*changed)(void *arg, const struct tree_changes *changes);
    /* A snapshot took the tree's place, which is now as after the first `index` entries. Observers
     * are not told what these changed since the last call. */
    void (*replaced)(void *arg, uint64_t index);
    bool locks_only; /* it need not hear of keys, which then costs nothing */
    void *arg;
};
void replica_observe(struct replica *replica, struct replica_observer *observer);
/* At the latest before replica_free. */
void replica_observe_end(struct replica *replica, struct replica_observer *observer);

/* For how long at least, by any clock, the session of this node lasts: its locks, and what else
 * goes with the node, are not given to others meanwhile. 0: it may have ended. */
uint64_t replica_session_left_ms(const struct replica *replica);

/* What time it is in the cluster, ns since 1970; as long as this node does not know, what its own
 * clock shows. */
uint64_t replica_time(const struct replica *replica);

/* Whether a write would be refused at this moment: no quorum for a while, or stopping. */
bool replica_refuses_writes(const struct replica *replica);

/* By so many bytes the store may grow at this moment, as far as this node knows: as many as a
 * majority has room for. */
uint64_t replica_room(const struct replica *replica);

/* Asks a peer for a sign of life. done(reached). */
void replica_ping(struct replica *replica, uint32_t pid, void (*done)(void *arg, bool reached),
                  void *arg);

/* Since the start. */
struct replica_counts {
    uint64_t writes, reads;
    uint64_t reads_leased; /* of the reads, those that this node answered by a lease */
    uint64_t refused;      /* of both; nothing has happened */
    uint64_t unknown;      /* writes whose outcome stayed unknown */
    uint64_t snapshots_sent, snapshots_received;
};

struct replica_status {
    uint32_t me;      /* the id of this node; 0: it does not know its cluster yet */
    uint64_t cluster; /* likewise */
    const struct config *config;
    struct paxos_status paxos;
    uint64_t applied;
    uint64_t digest; /* of the history up to there */
    uint32_t level;  /* the cluster's feature level (command/level.h) */
    bool serves;     /* writes and linearizable reads, as far as this node knows; if not, `why` says
                        why */
    bool growth_refused;        /* writes that need room are: the disks are nearly full */
    char why[REPLICA_TEXT_MAX]; /* one sentence on why requests, or some of them, are refused here
                                   or wait, or soon will, or else on what is wrong with another
                                   node's log or this node's clock; empty when nothing is */
    bool mounted;
    const char *mount_why;  /* one sentence on why it is not; empty when it is, or need not be */
    bool time_known;        /* the cluster's, from level 3 on */
    int64_t clock_ahead_ms; /* if it is: this node's clock of that */
    uint32_t peer_count;
    struct {
        uint32_t pid;
        const char *addr;
        bool linked, alive;
        bool encrypted; /* the link */
        bool clock_known;
        int64_t clock_ahead_ms; /* its clock of the cluster's time */
        bool other_peers;       /* it is new, and its node.json has other peers than this node's */
        enum paxos_standing standing; /* of one that is alive */
        uint64_t accepted;            /* known at the leader only */
        enum frame_room room;         /* as it said last */
    } peers[PAXOS_NODES_MAX];
    uint64_t pending_writes, pending_reads;
    uint64_t turn_ns_max, turn_processor_ns_max; /* of the loop's turns of the last 10 to 20 s */
    uint64_t age_ms;                             /* as in replica_freshness */
    uint64_t session_left_ms;                    /* replica_session_left_ms */
    bool fetching_snapshot;
    struct replica_counts counts;
    enum frame_room room; /* of this node's disk */
    uint64_t room_bytes;  /* replica_room */
    uint64_t disk_free_bytes, reserve_bytes;
    struct log_metrics log;
    struct peer_metrics links;
    struct tree_counts tree;
};

void replica_status(struct replica *replica, struct replica_status *status);

/* The id of this node; 0: it does not know its cluster yet. */
uint32_t replica_node(const struct replica *replica);

/* For the status: whether programs at this node's mount have the file of a lost lock open. */
void replica_locks_lost(struct replica *replica, bool lost);

/* A program at this node's mount begins to wait for a lock, or does so no longer: meanwhile this
 * node hears of grants sooner. */
void replica_lock_awaited(struct replica *replica, bool begins);

/* For the status: whether this node's mount is there, and if not, one sentence on why. */
void replica_mount_is(struct replica *replica, bool mounted, const char *why);

/* Opens the store in `config->dir` and starts. `config` and `tls` (NULL: no encryption) must
 * outlive the replica. `failed` is called once when the node cannot go on: it has to stop with a
 * clear message. -EUCLEAN, there and as a result: what the folder holds is damaged, or another tree
 * than the other nodes have; it is refused from then on. -EPROTONOSUPPORT: the log has an entry of
 * a later version, the folder is unharmed. */
int replica_start(uv_loop_t *loop, struct lws_context *websockets, struct tls *tls,
                  const struct config *config,
                  void (*failed)(void *arg, int status, const char *text), void *failed_arg,
                  struct replica **replica, struct fault *fault);
struct peer *replica_peer(struct replica *replica); /* for the listener's route */
/* Refuses what is new, waits for what is in flight (at most the request timeout), then closes links
 * and log; `stopped` then. replica_free, after the doors and the WebSocket context are gone, closes
 * the tree. */
void replica_stop(struct replica *replica, void (*stopped)(void *arg), void *arg);
void replica_free(struct replica *replica);

#endif
