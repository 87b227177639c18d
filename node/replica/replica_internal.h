/* Private to the room: its files, and what they offer each other. The state that they share is in
 * state.h.
 *
 *   replica.c   start, stop, and what reaches it
 *   founding.c  which cluster this node belongs to, and as whom
 *   members.c   who else does, and where they are
 *   turn.c      events in, outputs out, entries applied
 *   pace.c      how long the turns of the loop take
 *   core.c      what the others stand on
 *   check.c     the invariants of the state
 *   writes.c    commands on their way from submit to their result
 *   reads.c     reads waiting for a read index and for the tree to reach it
 *   observers.c  who is told what entries change
 *   watches.c    whom of the watchers an entry concerns
 *   emptied.c   files whose contents are about to come
 *   mortals.c   files and leases whose time is up: expiry.c says which, by deadlines.c
 *   pings.c     whether other nodes are there
 *   quorum.c    how long requests wait for a quorum that is not there
 *   rooms.c     whether the disks of the nodes have room
 *   levels.c    the cluster's feature level, and where its members are, by the log
 *   held.c      commands that wait before they get their stamp
 *   settings.c  what should be equal at all nodes, and is not
 *   leases.c    whether this node takes part in read leases
 *   snapshot_serving.c, snapshot_fetching.c  trees on their way to and from a peer
 *   digests.c   comparing this node's tree with the others'
 *   dates.c     what time it is: from the clocks of all members (clocks.h)
 *   checkpoint.c  when the tree is made durable and the log trimmed
 *   starts.c    old copies of folders, this node's and others'
 *   lost.c      whether the folder is still where it was
 *   why.c       why this node does not serve
 *   misfits.c   whose log cannot be right
 *   describe.c  consensus in words, for the log
 *
 * Thread: the loop's, all of it. */
#ifndef QUORUMFS_REPLICA_REPLICA_INTERNAL_H
#define QUORUMFS_REPLICA_REPLICA_INTERNAL_H

#include "replica/state.h"

#include <time.h>

enum {
    CONFIGURATION = 1, /* who belongs to the cluster does not change yet */
    WRITE_REPEAT_MS =
        1000, /* a proposal that seems lost by then is proposed again, then after twice as long */
    WRITE_WINDOW_BYTES = 8 * 1024 * 1024, /* on their way at a time, or a single one, */
    WRITE_WINDOW_BYTES_MIN = 1024 * 1024, /* ... and as few, if that takes longer than */
    WRITE_SLOW_BEATS = 5,                 /* heartbeats */
    TELL_US = 5000, /* until a follower is told what is decided, if nothing else goes there */
    READ_CONFIRM_MS = 1000,    /* an idle node asks this often how current it is */
    HOUSEKEEPING_MS = 50,      /* deadlines, commits, checkpoints */
    APPLY_MS_MAX = 4,          /* of one round; what is left waits for the next */
    ANSWER_MS_MAX = 4,         /* likewise, for reads */
    TURN_MS_MAX = 8,           /* then a turn begins no other round */
    PACE_MS = 10000,           /* of two such spans the longest turn is told */
    COMMIT_MS = 1000,          /* after the last one the tree's transaction is ended */
    CHECKPOINT_MS = 5000,      /* between checkpoints of a tree that changes */
    CHECKPOINT_TIGHT_MS = 500, /* ... at least, on a disk that is nearly full */
    SHRINK_FREE_BYTES_MIN = 4 * 1024 * 1024, /* free in tree.db, before it becomes shorter */
    CHECKPOINT_ENTRIES = 16384,              /* applied since the last checkpoint: time for one */
    LOG_TAIL_ENTRIES = 32768,                /* kept for peers that were briefly away ... */
    LOG_TAIL_BYTES = 16 * 1024 * 1024,       /* ... and not more than this of them */
    LOG_BYTES_MAX = 128 * 1024 * 1024,       /* kept by a leader while a living peer catches up */
    LOG_KEPT_SHARE = 8, /* of the free disk: kept of the log in its file for a node that fetches */
    GIVE_BACK_BYTES = 32 * 1024 * 1024, /* by which the log has become shorter: the heap as well */
    LOG_TAIL_TIGHT_BYTES = 1024 * 1024, /* all that is kept if the disk is nearly full */
    PING_MS_MAX = 1000,
    QUORUM_PAUSE_BEATS = 5,       /* heartbeats without a quorum before requests are refused */
    QUORUM_LEADERLESS_BEATS = 50, /* the same without a leader, which others may have */
    QUORUM_HEARSAY_BEATS = 3, /* heartbeats that show whether what others say of it still holds */
    HELD_WRITES_MAX = 1024,   /* that wait before they get their stamp */
    LOST_LOOK_MS = 1000,      /* between looks at the folder */
    HAND_OVER_MS = 500,       /* a node that stops waits so long for it */
    SESSION_REST_MS = 400,    /* after a start, before the session of the former one ends */
    LEASES_OVER_MS = 2 * PAXOS_LEASE_US_MAX / 1000, /* after a start */
    SNAPSHOT_PIECE_BYTES = 256 * 1024,
    SNAPSHOT_PATIENCE_MS = 1000, /* for the next piece; then it is asked for again ... */
    SNAPSHOT_REPEATS_MAX = 2,    /* ... so often, twice as late each time; then the next peer is */
    SNAPSHOT_NO_ROOM_MS = 5000,  /* after an attempt for which the disk had no room */
    SNAPSHOT_IDLE_MS = 10000,    /* a served snapshot that nobody asks for any more is closed */
    REPLICA_LIFE_SHIFT = 54, /* in an incarnation: room for 4 million starts, then for 500 lives */
};

/* A stamp in debug lines: NODE/INCARNATION/SEQUENCE, the same at all nodes. */
#define STAMP_FORMAT "%u/%lx/%lu"
#define STAMP_VALUES(node, incarnation, sequence)                                                  \
    (unsigned)(node), (unsigned long)(incarnation), (unsigned long)(sequence)

/* What leases are measured with: goes on while the machine sleeps. */
static inline uint64_t replica_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Default deadline of a new request. */
static inline uint64_t replica_deadline_ms(const struct replica *r)
{
    return replica_now_ms() + r->config->request_timeout_ms;
}

/* Whether requests can be served, or soon: a quorum, a leader or one in a moment, and no doubt
 * about this node's tree. */
static inline bool replica_has_quorum(const struct replica *r)
{
    return r->status.has_quorum && !r->digests.doubt &&
           r->quorum.leaderless_beats < QUORUM_LEADERLESS_BEATS;
}

/* Whether requests wait: there is no quorum, but it may be back in a moment (quorum.c). */
static inline bool replica_pauses(const struct replica *r)
{
    return !r->status.has_quorum && !r->digests.doubt && !r->end.stopping &&
           r->quorum.beats_left > 0;
}

/* Higher than at any earlier start of this node, also of a folder that was lost: the number of the
 * start, and above it the life. Of a node that is no longer fresh: then its life stays. */
static inline uint64_t replica_incarnation(const struct replica *r)
{
    return (uint64_t)r->status.life << REPLICA_LIFE_SHIFT | r->start;
}

/* The next number that rises across restarts: an answer that was delayed from an earlier life must
 * not be taken for one of this life. */
static inline uint64_t replica_next_id(const struct replica *r, uint64_t *last)
{
    uint64_t first = replica_incarnation(r);
    *last = *last > first ? *last : first;
    return ++*last;
}

/* Gives an event that has just happened to the core; a failure breaks the replica. */
void replica_step(struct replica *r, const struct paxos_event *event);
/* Begins to describe the core, whose first status is known. */
void replica_describe(struct replica *r);
/* The node cannot go on: says so, once. -EUCLEAN: nor can it start again with this folder. -ESTALE:
 * the folder is not there any more. */
void replica_break(struct replica *r, const char *what, int status);

/* The member with this id, or NULL. */
struct replica_member *members_find(struct replica *r, uint32_t pid);
/* Where the member is. The way that node.json names to an addr counts more than what others say. */
void members_name(const struct replica *r, struct replica_member *member, const char *addr,
                  const char *peer_addr);
/* Those that node.json names, with the ids that a cluster of them would begin with. */
void members_from_config(struct replica *r);
/* Those that a member has named. */
void members_from_greeting(struct replica *r, const struct peer_greeting *greeting);
/* Takes over the members that the log names. 0, or -EINVAL: another one is where this node is. */
int members_begin(struct replica *r, const struct paxos_membership *membership,
                  struct fault *fault);
/* Warns of peers in node.json that are no members: once, when it is known where all members are. */
void members_warn(struct replica *r);
/* What the links are to know of them; and tells them, again. */
void members_identity(const struct replica *r, struct peer_identity *identity);
int members_tell(struct replica *r, struct fault *fault);

/* Reads which cluster the folder belongs to, or else takes from node.json whom to ask. */
int founding_begin(struct replica *r, struct fault *fault);
/* Founds a cluster if that is this node's to do: then replica_begin. */
int founding_try(struct replica *r, struct fault *fault);
/* What another node said of itself, while this one does not know its cluster. */
void founding_greeted(void *arg, const struct peer_greeting *greeting);
/* Whether the member said lately that its folder is new. */
bool founding_heard(const struct replica_member *member);
/* Takes over what the log says of the cluster: at the start, and with each housekeeping. */
void levels_begin(struct replica *r);
void levels_housekeeping(struct replica *r, uint64_t now_ms);
/* Whether every member of the cluster reads the command. */
bool levels_allow(const struct replica *r, const struct command *command);
/* Every member is linked and speaks more than the cluster's level: it rises at any moment. */
bool levels_rise(const struct replica *r);
/* Whether the cluster is at this level, or is about to be: all members are linked and speak it. */
bool levels_reach(const struct replica *r, uint32_t level);
/* Nothing of it is about to change, as far as this node sees. */
bool levels_settled(const struct replica *r);
/* Whether this node reads the entries that a peer proposes. */
bool levels_readable(const struct paxos_message *m);
/* The identity is known: opens the log and starts consensus. */
int replica_begin(struct replica *r, struct fault *fault);

/* Asserts what state.h says of each group. After each turn of a replica that is not broken. */
void replica_check(const struct replica *r);

/* From now on there is a turn before each sleep of the loop. */
void turn_start(struct replica *r);
void turn_stop(struct replica *r);

/* Measures the turns of the loop: to be called before turn_start. */
void pace_start(struct replica *r);
void pace_stop(struct replica *r);
void pace_status(const struct replica *r, struct replica_status *s);
void turn_commit(struct replica *r); /* of the tree */

/* If there is no quorum now, or from now on, requests wait for it. */
void quorum_begin(struct replica *r);
/* Takes the status of the core over, and what it says of the quorum. */
void quorum_follow(struct replica *r);
/* With each heartbeat. */
void quorum_beat(struct replica *r);
/* Refuses what waits if it waits in vain; in each turn, and with each housekeeping. */
void quorum_refuse(struct replica *r);

void held_begin(struct replica *r);
/* Whether the command has to wait before it gets its stamp. */
bool held_must_wait(const struct replica *r, const struct command *command);
/* Takes a command that need not wait any more: submits it, unless a member does not read it. */
void held_pass(struct replica *r, struct command *command, uint64_t deadline_ms,
               replica_written_cb *done, void *arg);
/* Takes a command that has to wait. */
void held_add(struct replica *r, struct command *command, uint64_t deadline_ms,
              replica_written_cb *done, void *arg);
/* Goes on with those that need not wait any more, or waited in vain: with each housekeeping. */
void held_release(struct replica *r, uint64_t now_ms);

void writes_begin(struct replica *r);
/* As replica_submit_by, of a command that need not wait for its stamp. */
void writes_submit(struct replica *r, struct command *command, uint64_t deadline_ms,
                   replica_written_cb *done, void *arg);
/* The same, of a command that this node proposes as the leader, under its present ballot alone. If
 * the ballot changes, it is dropped: REPLICA_TIMEOUT if it was proposed. */
void writes_submit_leading(struct replica *r, struct command *command, uint64_t deadline_ms,
                           replica_written_cb *done, void *arg);
/* Whether commands wait that can be proposed, or can be once others have been decided: there is a
 * leader, and it is known what time it is. */
bool writes_go_on(const struct replica *r);
/* Whether some can be now; and proposes them. */
bool writes_may_propose(const struct replica *r);
void writes_propose(struct replica *r);
/* The entry with this stamp has taken effect here, or a snapshot contains it. */
void writes_complete(struct replica *r, uint64_t sequence, const struct command_result *result);
/* Answers from the tree's exactly-once rows what a snapshot has taken the place of. */
void writes_recall(struct replica *r);
void writes_expire(struct replica *r, uint64_t now_ms);
/* Refuses what was never proposed. */
void writes_refuse_unproposed(struct replica *r, enum replica_outcome outcome);

void reads_begin(struct replica *r);
/* Whether reads came since the last time that the core can be asked for; and asks it for a read
 * index for all of them. */
bool reads_may_ask(const struct replica *r);
void reads_hasten(struct replica *r); /* for watches */
void reads_ask(struct replica *r);
/* What the core says of reads: which of them may be answered, and once what is applied. */
void reads_confirm(struct replica *r, const struct paxos_output *out);
/* Answers what the tree has reached, for ANSWER_MS_MAX. Returns whether there is more. */
bool reads_answer(struct replica *r);
/* Without a quorum: stale where that will do, otherwise refused. */
void reads_without_quorum(struct replica *r);
void reads_expire(struct replica *r, uint64_t now_ms);
/* Keeps `confirmed_ms` recent on a node that nobody reads from. */
void reads_keep_fresh(struct replica *r, uint64_t now_ms);

/* Takes over what the members say of their settings, and the heartbeat that most of them have. */
void settings_housekeeping(struct replica *r);
/* Calls `say` for each difference, and each address that is wrong: one sentence. */
void settings_remarks(const struct replica *r, void (*say)(void *arg, const char *text), void *arg);

/* Finds out whether an earlier start took part, and writes down that this one does. */
int leases_begin(struct replica *r, struct fault *fault);
/* Forgets it when no lease can be left of one that did. */
void leases_housekeeping(struct replica *r, uint64_t now_ms);

/* A message of this member's core came. */
void sessions_heard(struct replica *r, uint32_t pid);
/* Whether reads of this member may be answered: not while its session ends. */
bool sessions_answer(struct replica *r, uint32_t pid);
/* A leader has confirmed a read that was asked for at that time (replica_now_us), and the tree has
 * reached it. */
void sessions_confirmed(struct replica *r, uint64_t asked_us);
/* At the leader: ends the sessions of nodes that are silent. */
void sessions_housekeeping(struct replica *r);
/* Whether this start must not end the session of the one before yet. */
bool sessions_rest(const struct replica *r);
/* Whether a leader takes the command from another node. */
bool sessions_forwardable(const struct command_view *command);

void observers_begin(struct replica *r);
void watches_begin(struct replica *r); /* after it */
/* Tell the observers. */
void observers_applied(struct replica *r); /* what the last entry changed */
void observers_replaced(struct replica *r, uint64_t index);

/* The tree is open, and before it is closed. */
void mortals_begin(struct replica *r);
void mortals_end(struct replica *r);
void mortals_applied(struct replica *r); /* an entry */
void mortals_replaced(struct replica *r);
/* At a leader, proposes to remove what is due. */
void mortals_housekeeping(struct replica *r);

void pings_begin(struct replica *r);
void pings_answered(struct replica *r, const struct frame *frame);
void pings_expire(struct replica *r, uint64_t now_ms);

/* After the folder was opened. */
void rooms_begin(struct replica *r);
void rooms_end(struct replica *r);
/* Before entries are applied: looks at the disk, if it may be full by now. */
void rooms_before_apply(struct replica *r);
/* Looks at the disk, tells the others, and says what changes. */
void rooms_housekeeping(struct replica *r, uint64_t now_ms);
void rooms_frame(struct replica *r, const struct frame *frame);
/* A link to this node is up: it hears at once. */
void rooms_greet(struct replica *r, uint32_t pid);
/* What the command may take of the room. */
uint64_t rooms_growth(const struct command *command);
/* Whether there is no room for the command. */
bool rooms_refuse(const struct replica *r, const struct command *command);
/* What a majority of the nodes that are alive can still do. */
struct room_report rooms_majority(const struct replica *r);
/* What the node that said something has said last. */
struct room_report rooms_of(const struct replica *r, uint32_t pid);

void serving_begin(struct replica *r);
void serving_request(struct replica *r, const struct frame *request);
void serving_housekeeping(struct replica *r, uint64_t now_ms); /* ends what nobody asks for */
bool serving_busy(const struct replica *r); /* a piece is read in the background */
void serving_stop(struct replica *r);       /* when it is not busy */

void fetching_piece(struct replica *r, const struct frame *frame);
/* Begins, repeats or gives up fetching, as the core needs it. */
void fetching_housekeeping(struct replica *r, uint64_t now_ms);
bool fetching_busy(const struct replica *r); /* a piece, or all, is written in the background */
void fetching_stop(struct replica *r);       /* when it is not busy */

/* The tree is another one: at the start, and after a snapshot. */
void digests_begin(struct replica *r);
void digests_applied(struct replica *r); /* one more entry */
void digests_frame(struct replica *r, const struct frame *frame);
/* With each heartbeat: tells the peers, and stops the node if they have another tree. */
void digests_beat(struct replica *r);
/* Why requests are refused in doubt: one sentence. */
void digests_doubt(const struct replica *r, char text[FAULT_TEXT_MAX]);

#define CLOCKS_UNHEARD                                                                             \
    "the clocks of a majority were not heard yet: changes wait until it is known what time it is"
/* The time that changes are dated with, ns since 1970. Returns false as long as it is not known. */
bool dates_now(const struct replica *r, uint64_t *time_ns);
/* Asks the others for their clocks, if they all can be asked. */
void dates_ask(struct replica *r);
void dates_answer(struct replica *r, const struct frame *request);
void dates_told(struct replica *r, const struct frame *frame);
void dates_housekeeping(struct replica *r, uint64_t now_ms);
/* Fills in what `s` says of clocks. */
void dates_status(const struct replica *r, struct replica_status *s);
/* What is wrong with this node's clock: one sentence; empty if nothing is. */
void dates_describe(const struct replica *r, char text[REPLICA_TEXT_MAX]);

/* Whether this node serves, and if not, why: the one answer of /status, /readyz, and refusals. */
enum why why_of(const struct replica *r);
/* Fills `s->why`, of which everything else is filled already, with one sentence on it. */
void why_describe(const struct replica *r, enum why why, struct replica_status *s);
/* Tells the log why this node does not serve once that has lasted, and when it is over; and what
 * becomes of a node whose folder is new. */
void why_housekeeping(struct replica *r, uint64_t now_ms);

/* Notes whose log does not fit, and tells the log once that has lasted, and when it is over. */
void misfits_housekeeping(struct replica *r, uint64_t now_ms);
/* One clause on them; empty if all fit. */
void misfits_describe(const struct replica *r, char text[REPLICA_TEXT_MAX]);

/* Reads what is remembered of other nodes' starts, and begins one of this node. */
void starts_begin(struct replica *r);
/* What this node says of its own; zeros as long as it is not known. */
struct start starts_mine(const struct replica *r);
/* Callback of the links: whether a member runs on the latest folder that is known of it. */
const char *starts_admit(void *replica, const struct peer_greeting *greeting);
bool starts_busy(const struct replica *r); /* they are being saved in the background */

/* Looks whether the folder is still where it was; if not, the node stops. */
void lost_housekeeping(struct replica *r, uint64_t now_ms);

/* Gives some of the room that was deleted back to the file system. */
void checkpoint_shrink(struct replica *r);
/* Makes the tree durable when it is time, and then trims the log. */
void checkpoint_when_due(struct replica *r, uint64_t now_ms);

#endif
