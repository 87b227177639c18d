/* Private to the room: the replica's state, in groups that belong to one file each.
 *
 * A group is written by the file that is named with it, and set up there by its ..._begin; where
 * others write a field, its comment says so. The invariants given here are asserted by check.c once
 * a turn.
 *
 * Thread: the loop's, all of it. */
#ifndef QUORUMFS_REPLICA_STATE_H
#define QUORUMFS_REPLICA_STATE_H

#include "replica/clocks.h"
#include "replica/describe.h"
#include "replica/divergence.h"
#include "replica/emptied.h"
#include "replica/expiry.h"
#include "replica/replica.h"
#include "store/log.h"
#include "store/places.h"
#include "store/room.h"
#include "store/starts.h"

enum {
    WRITE_BUCKETS = 4096, /* of the table of pending writes by sequence */
    SNAPSHOT_WINDOW = 16, /* pieces that are on their way at a time */
};

/* ---- What is pending ---- */

/* A command of this node that is not answered yet. */
struct pending_write {
    TAILQ_ENTRY(pending_write) by_age;
    TAILQ_ENTRY(pending_write) in_bucket;
    uint64_t sequence;
    struct paxos_entry *entry;
    uint64_t deadline_ms;
    uint64_t proposed_ms; /* the first time */
    uint64_t repeat_ms;   /* when it is proposed again */
    uint64_t repeat_step_ms;
    uint64_t proposal; /* number of the last one; 0: never proposed */
    uint64_t growth;   /* what it may take of the room; rooms.c */
    bool leading;      /* to be proposed by this node as the leader, under `ballot` alone */
    struct paxos_ballot ballot;
    bool proposed; /* handed to the core at least once: from then on its outcome may be unknown */
    replica_written_cb *done;
    void *arg;
};

TAILQ_HEAD(pending_writes, pending_write);

struct pending_read {
    TAILQ_ENTRY(pending_read) by_age;
    uint64_t id; /* 0: not yet asked of the core */
    uint64_t asked_ms;
    uint64_t asked_us; /* likewise, by replica_now_us */
    uint64_t deadline_ms;
    uint64_t index; /* read index; counts once `confirmed` */
    bool confirmed;
    bool leased;        /* this node has confirmed it alone */
    bool stale_will_do; /* without a quorum, answer what is known */
    replica_read_cb *done;
    void *arg;
};

TAILQ_HEAD(pending_reads, pending_read);

struct pending_ping {
    LIST_ENTRY(pending_ping) all;
    uint64_t id;
    uint32_t pid;
    uint64_t deadline_ms;
    void (*done)(void *arg, bool reached);
    void *arg;
};

LIST_HEAD(pending_pings, pending_ping);

/* ---- The groups ---- */

/* A node of the cluster. */
struct replica_member {
    uint32_t pid;
    char addr[CONFIG_ADDR_MAX], peer_addr[CONFIG_ADDR_MAX]; /* empty: not known */
    uint64_t new_ms;  /* when it last said that its folder is new (founding.c); 0: never */
    bool other_peers; /* and that it has another list of peers than this node */
    struct peer_settings settings; /* as it last said (settings.c) */
};

/* Which cluster this is, and who belongs to it: founding.c and members.c. An address also changes
 * when a member says so (replica.c) or the log does (levels.c).
 *   As long as identity.cluster is 0, everything else only stands in for what will be, and there is
 *   neither log nor core; from then on scope.cluster and `me` are those of the identity.
 *   1 <= count; the pids rise, and `me` is one of them */
struct replica_cluster {
    struct identity identity;
    struct frame_scope scope;
    uint32_t me;
    uint32_t count; /* this node included */
    struct replica_member members[PAXOS_NODES_MAX];
    bool warned; /* of peers in node.json that are no members; before the identity is known: of
                    nodes that have another list of peers */
};

/* A command that waits before it gets its stamp (held.c). */
struct held_write {
    TAILQ_ENTRY(held_write) by_age;
    struct command command;
    uint64_t deadline_ms;
    replica_written_cb *done;
    void *arg;
};

TAILQ_HEAD(held_writes, held_write);

/* levels.c */
struct replica_levels {
    struct tree_cluster followed; /* the tree's, as it was taken over last */
    bool busy;                    /* a proposal about it is under way */
    uint64_t pause_ms;            /* after the last one failed; 0: it did not */
    uint64_t next_ms;             /* no proposal before */
};

/* held.c
 *   the list has `count` <= HELD_WRITES_MAX commands of `bytes` in all */
struct replica_held {
    struct held_writes by_age;
    uint32_t count;
    size_t bytes;
};

/* turn.c. The prepare handle runs a turn before the loop sleeps; while work is left, the idle
 * handle keeps the loop from sleeping.
 *   applied <= decided, except while a snapshot is installed */
struct replica_turn {
    uv_prepare_t prepare;
    uv_idle_t idle;
    uv_timer_t wake;          /* a decision waits for a lease to end */
    uint64_t decided;         /* may be applied up to here; also raised by a snapshot (fetching) */
    uint64_t snapshot_needed; /* as the core said last; 0 once it is installed */
    uint64_t committed_ms;    /* when the tree's transaction ended last */
};

/* pace.c */
struct pace_longest {
    uint64_t ns, processor_ns;
};

struct replica_pace {
    uv_prepare_t prepare;
    uint64_t ended, slept, worked;  /* ns of three clocks, at the end of the last turn */
    uint64_t since;                 /* ns: `longest[0]` is of the turns since then, */
    struct pace_longest longest[2]; /* and `longest[1]` of those before, for PACE_MS */
};

/* writes.c
 *   the list has `count` writes of `bytes` in all, each also in its bucket, by rising sequence
 *   next_sequence is above all of them, by at most REPLICA_PENDING_MAX above the oldest
 *   those before `next_new` have been handed to the core, and the others have not
 *   proposed_bytes <= WRITE_WINDOW_BYTES, unless it is one write
 *   WRITE_WINDOW_BYTES_MIN <= window <= WRITE_WINDOW_BYTES
 *   each proposal has a number: applied <= proposals */
struct replica_writes {
    struct pending_writes by_age;
    struct pending_writes buckets[WRITE_BUCKETS];
    uint64_t count, bytes;
    uint64_t growth; /* of these */
    uint64_t next_sequence;
    struct pending_write *next_new;  /* the oldest that was never proposed; NULL: all were */
    uint64_t proposed_bytes;         /* of those that were */
    uint64_t window;                 /* as many may be */
    uint64_t in_line_below;          /* sequences below have found the window full */
    uint64_t proposals, applied;     /* the last number given, the highest that was applied */
    uint64_t progress_ms;            /* when one was applied */
    struct paxos_ballot proposed_to; /* the leader that has been told everything */
};

/* reads.c
 *   the list has `count` reads; unless `unasked`, all of them have an id, at most last_id */
struct replica_reads {
    struct pending_reads by_age;
    uint64_t count;
    uint64_t last_id;
    bool unasked;
    uint64_t confirmed_ms; /* the tree contains everything that had returned before; 0: never */
    bool hastening;        /* a read of reads_hasten is under way */
    uint64_t hastened;     /* accepted and durable entries at the last one */
};

/* quorum.c
 *   beats_left <= QUORUM_PAUSE_BEATS, and equal to it while there is a quorum
 *   leaderless_beats <= QUORUM_LEADERLESS_BEATS, and 0 while there is a leader
 *   status.has_quorum is that of the core, once hearsay_beats are over */
struct replica_quorum {
    uint32_t beats_left;       /* heartbeats for which requests wait for a quorum */
    uint32_t hearsay_beats;    /* for which a quorum that others claim has to last */
    uint32_t leaderless_beats; /* in a row, with a quorum and without a leader */
};

/* pings.c */
struct replica_pings {
    struct pending_pings all;
    uint64_t last_id;
};

/* What a node says of its disk. */
struct room_report {
    enum frame_room room;
    uint64_t bytes; /* by which its store may grow; 0 unless there is plenty */
};

/* rooms.c */
struct replica_rooms {
    struct room here; /* of this node's folder */
    struct room_report own;
    bool log_full; /* the log waits for room */
    bool near;     /* not so much room that one look in a while would do */
    bool away;     /* the disk is full: this node takes no part until there is room */
    uint64_t looked_ms, told_ms;
    enum frame_room said_own, said_majority; /* what the log was told */
    struct {
        uint32_t pid;
        struct room_report report;
    } peers[PAXOS_NODES_MAX]; /* those that have said something */
    uint32_t peer_count;
};

/* observers.c */
struct replica_observers {
    LIST_HEAD(, replica_observer) all;
    struct replica_observer *next; /* of those that are being told */
};

/* watches.c */
enum { WATCH_BUCKETS = 4096 };
struct replica_watches {
    struct replica_observer observer; /* as long as there is a watch */
    LIST_HEAD(, replica_watch) all;
    uint32_t count;
    uint64_t applied; /* no change after this revision was heard of yet */
    LIST_HEAD(, watch_group) buckets[WATCH_BUCKETS];
    uint32_t lengths[PATH_BYTES_MAX + 1]; /* how many groups have a path so long */
};

/* mortals.c */
struct replica_mortals {
    struct expiry expiry;
    bool asked; /* an entry is under way */
};

/* A snapshot that a peer is pulling from this node (snapshot_serving.c).
 *   received <= read <= received + SNAPSHOT_WINDOW; `reading` or a reader => not free
 *   there is a reader as long as rows are left; then entries are read from `entry` on */
struct snapshot_serving {
    struct replica *replica;
    uint32_t pid; /* 0: free */
    uint64_t id;  /* the peer's attempt */
    uint64_t index;
    uint64_t received; /* the peer has all below this piece */
    uint64_t read;     /* those below it were read from the tree, and sent */
    bool whole;        /* and there are no more */
    bool reading;      /* the next one is being read */
    uint64_t used_ms;
    struct tree_reader *reader; /* NULL: all rows were read */
    bool tail;                  /* entries of the log follow the rows */
    uint64_t installed;         /* counts.snapshots_received when it began; another one ends it */
    uint64_t entry;             /* the next of them; it is kept in the log's file */
    struct log_read entries;    /* those that are being read */
    struct buffer pieces[SNAPSHOT_WINDOW]; /* those from `received` to `read` */
};

/* The snapshot that this node is pulling from a peer (snapshot_fetching.c).
 *   written <= arrived <= written + SNAPSHOT_WINDOW; `writing` or `installing` => under way */
struct snapshot_fetching {
    uint32_t pid;     /* 0: none under way */
    uint32_t tried;   /* the node that the last attempt asked */
    uint64_t id;      /* rises with each attempt: pieces of earlier ones are ignored */
    uint64_t index;   /* of the snapshot, once the first piece is there */
    uint64_t written; /* those below this piece are in the new database */
    uint64_t arrived; /* those below it have come */
    bool whole;       /* and there are no more */
    uint64_t waits_since_ms;
    uint32_t repeats;  /* of the question, since a piece came */
    bool writing;      /* a piece is on its way into the database */
    bool given_up;     /* once that has ended */
    uint64_t later_ms; /* no other attempt before: there was no room for this one */
    bool installing;   /* the tree is being replaced: nothing is applied */
    struct tree_writer *writer;
    struct buffer pieces[SNAPSHOT_WINDOW]; /* those from `written` to `arrived` */
};

/* checkpoint.c
 *   durable <= applied, except while a snapshot is installed */
struct replica_checkpoint {
    uint64_t durable;  /* so much of the tree is, by the last one or by a snapshot (fetching) */
    uint64_t began_ms; /* when the last one began */
    uint64_t log_bytes_most; /* that the log had since memory was given back */
};

/* digests.c */
struct replica_digests {
    struct divergence divergence;
    bool doubt; /* another node's tree differs from this one, and no majority tells who is right */
};

/* dates.c; empty before there is a core. */
struct replica_dates {
    struct clocks clocks;
    uint64_t asked_ms;                /* when another node asked for this one's clock; 0: never */
    uint64_t ask_ms;                  /* when the others are asked next */
    uint64_t known_ms;                /* since then a majority was heard; 0: it was not */
    enum clock_verdict verdict, said; /* about this node's clock; as the log was told last */
    uint64_t verdict_ms;              /* since then it is `verdict` */
};

/* leases.c */
struct replica_leases {
    bool before; /* an earlier start may have vouched for leases that still run */
    uint64_t started_ms;
};

/* Why a node does not serve; the first that holds, in this order. */
enum why {
    WHY_SERVES, /* it does */
    WHY_STOPPING,
    WHY_AWAY,     /* rooms.c */
    WHY_DOUBT,    /* digests.c */
    WHY_UNKNOWN,  /* it does not know its cluster */
    WHY_NEW,      /* its folder is new */
    WHY_QUORUM,   /* there is none */
    WHY_LEADER,   /* this node is in line with none */
    WHY_CLOCKS,   /* it is not known what time it is */
    WHY_SETTLING, /* what the log says of this node, or its level, is about to change */
    WHY_READS,    /* its own reads come to nothing */
    WHY_WRITES,   /* nothing is decided */
};

/* why.c */
struct replica_why {
    enum paxos_standing standing; /* as the log was told last */
    enum why now, said;           /* what holds, and what the log was told last */
    uint64_t since_ms;            /* it holds `now` */
    uint64_t able_ms;    /* when reads could not be asked for, the last time; 0: not known yet */
    uint64_t decided;    /* so much, */
    uint64_t decided_ms; /* since then, or since nothing waited to be */
};

enum { MISFIT_CLAIM = PAXOS_MISFIT_END }; /* it has applied what is not decided here */

/* misfits.c: of the peers in the order of the core's status. */
struct replica_misfits {
    struct {
        uint32_t kind; /* enum paxos_misfit, or MISFIT_CLAIM */
        uint64_t since_ms;
        bool said; /* to the log */
    } peers[PAXOS_NODES_MAX];
};

/* replica.c */
struct replica_timers {
    uv_timer_t heartbeat;
    uint64_t beat_due_ms; /* of the loop; 0: there was none yet */
    bool beat_put_off;
    uv_timer_t housekeeping;
};

/* starts.c */
struct replica_starts {
    uint64_t token; /* of this start */
    struct starts known;
    bool changed; /* since it was saved */
    bool busy;    /* `saving` is being saved */
    struct starts saving;
    uv_work_t work;
};

/* sessions.c: of a member, to a leader. */
struct replica_silence {
    uint64_t us;   /* it was not heard, at least so long; counted under this ballot */
    bool ending;   /* its session is about to end: it may be decided at any moment */
    bool proposed; /* this waits for its result */
};

/* sessions.c
 *   while this node does not lead, nothing is ending */
struct replica_sessions {
    struct replica_silence of_members[PAXOS_NODES_MAX]; /* in the order of cluster.members */
    bool leads;
    struct paxos_ballot ballot;
    uint64_t looked_us;
    uint64_t confirmed_us; /* when the last read was asked for that a leader has confirmed; 0:
                              none was. By replica_now_us */
};

/* lost.c; what is opened is remembered where it is (replica.c, snapshot_fetching.c). */
struct replica_lost {
    struct places places;
    uint64_t next_ms; /* the next look */
};

/* How it ends: replica.c, and core.c for what breaks. */
struct replica_end {
    bool broken; /* disk or memory failed: nothing is answered any more. Also set at the end of a
                    stop, so that nothing reaches the core */
    void (*failed)(void *arg, int status, const char *text);
    void *failed_arg;
    bool stopping;
    uint64_t hand_over_until_ms; /* stopping: until then another leader is waited for */
    void (*stopped)(void *arg);
    void *stopped_arg;
    uint32_t handles; /* of libuv, not yet closed */
};

struct replica_mount {
    bool mounted;
    bool locks_lost;
    char why[FAULT_TEXT_MAX]; /* it is not; empty also before a door has said */
};

struct replica {
    uv_loop_t *loop;
    const struct config *config;

    /* The rooms below. Log and core are NULL before the identity is known, the log also when it is
     * closed. */
    struct folder *folder;
    struct tree *tree;
    struct log *log;
    struct peer *peer;
    struct paxos *paxos;
    uint64_t start;             /* the number of this start of the folder; replica_incarnation */
    struct paxos_status status; /* of the core, after the last turn */
    struct describe describe;   /* when debug lines are printed */

    struct replica_cluster cluster;
    struct replica_levels levels;
    struct replica_held held;
    struct replica_quorum quorum;
    struct replica_turn turn;
    struct replica_pace pace;
    struct replica_writes writes;
    struct replica_reads reads;
    struct replica_pings pings;
    struct replica_rooms rooms;
    struct replica_observers observers;
    struct replica_watches watches;
    struct emptied emptied;
    struct replica_mortals mortals;
    struct snapshot_serving serving[PAXOS_NODES_MAX];
    struct snapshot_fetching fetching;
    struct replica_checkpoint checkpoint;
    struct replica_digests digests;
    struct replica_dates dates;
    struct replica_leases leases;
    struct replica_sessions sessions;
    struct replica_lost lost;
    struct replica_starts starts;
    struct replica_why why;
    struct replica_misfits misfits;
    struct replica_mount mount;
    struct replica_timers timers;
    struct replica_end end;
    struct replica_counts counts; /* each is raised where it happens, and never reset */
};

#endif
