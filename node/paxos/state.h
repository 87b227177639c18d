/* Private to the room: the core's state.
 *
 *   paxos.c    start, events in, output out          election.c  ballot leader election
 *   receive.c  messages in, and which are believed   prepare.c   leader, prepare phase
 *   message.c  entries and messages out              accept.c    leader, accept phase
 *   log.c      the log in memory                     follower.c  the follower
 *   disk.c     what is durable, or on its way there  pull.c      a suffix longer than a message
 *   members.c  who belongs to the cluster            propose.c   proposals that wait for a leader
 *   quorum.c   how many nodes it takes               read.c      reads without log entries
 *   join.c     a node whose folder is empty          lease.c     reads without a round trip
 *   check.c    what holds at every moment            status.c    what others may know
 *   misfit.c   peers that cannot be right            peer.h      what is known of each other node
 *
 * A node is a follower or a leader, each in a phase. The function beside an arrow takes it:
 *
 *    paxos_new (nothing promised)        paxos_new (a promise, or joining), let_in
 *         |                                              |
 *         v                                              v
 *   +-----------+                                  +-----------+
 *   | follower, |                                  | follower, |<------------------------------+
 *   |   none    |                                  |  recover  |<----------+                   |
 *   +-----------+                                  +-----------+           |                   |
 *         |                                              |            paxos_recover            |
 *         | paxos_on_prepare                             | paxos_on_prepare    |               |
 *         |                       +-----------+          |                     |               |
 *         +---------------------->| follower, |<---------+                     |               |
 *      paxos_on_prepare           |  prepare  |--------------------------------+               |
 *      from every other state --->+-----------+                                |               |
 *      as well                          | paxos_sync_complete                  |               |
 *                                       v                                      |               |
 *                                 +-----------+                                |               |
 *                                 | follower, |--------------------------------+               |
 *                                 |  accept   |                                                |
 *                                 +-----------+                                                |
 *      paxos_elected                                                                           |
 *      from every state as  +----------+   begin_accept   +---------+    paxos_lead_again      |
 *      a member ----------->| leader,  |----------------->| leader, |--------------------------+
 *                           | prepare  |<-----------------| accept  |   (if another node leads)
 *                           +----------+ paxos_lead_again +---------+
 *                              |     ^   (in a new ballot)
 *                              +-----+ paxos_prepare_all (in the same ballot, with new psids)
 *
 * Two habits hold everywhere. Allocation failure is sticky (`failed`) and reported once, by
 * paxos_step or paxos_output. Sending is level-triggered where it can be: steps change state,
 * paxos_output compares state with what was said and says the difference. */
#ifndef QUORUMFS_PAXOS_STATE_H
#define QUORUMFS_PAXOS_STATE_H

#include "paxos/paxos.h"
#include "paxos/peer.h"
#include "paxos/quorum.h"

#define PAXOS_COUNT_MAX ((uint64_t)1 << 62) /* no honest index or counter gets there */
#define PAXOS_ENTRY_COST(entry) ((uint64_t)(entry)->len + sizeof(struct paxos_entry)) /* bytes */

enum {
    PAXOS_RESEND_TICKS = 2,         /* before an unanswered message is repeated */
    PAXOS_RESEND_TICKS_MAX = 8,     /* the same on a link that proved slow: it doubles up to here */
    PAXOS_PULL_TICKS_MAX = 8,       /* without a piece, before a pulled suffix is given up */
    PAXOS_PULL_SLOW_TICKS_MAX = 64, /* the same when the leader that it is pulled from lives */
    PAXOS_ALIVE_TICKS = 3,          /* a peer that answered a heartbeat is considered alive */
    PAXOS_LATE_ROUNDS = 8,          /* a heartbeat reply may come so many rounds later */
    PAXOS_TIMELY_ROUNDS = 16,       /* less late replies, before one round less is waited for it */
    PAXOS_FOUND_TICKS = 5,          /* before a cluster is founded without nodes that are silent */
    PAXOS_STRANDED_TICKS = 5,       /* before a leader prepares above a dead candidate's ballot */
    PAXOS_UNFIT_SYNCS = 3,          /* in a row, that are not only late ones */
    PAXOS_LEASE_PATIENCE_US = 50 * 1000,       /* a holder that delays a decision for longer */
    PAXOS_LEASE_PENALTY_US = 5000 * 1000,      /* ... gets no new lease for so long */
    PAXOS_BUFFER_BYTES_MAX = 16 * 1024 * 1024, /* proposals waiting for a leader; beyond: dropped */
};

/* ---- log.c: [base, end), contiguous in memory, amortised O(1) at both ends ---- */

struct paxos_slot {
    struct paxos_entry *entry;
    uint64_t bytes_before; /* paxos_log_offset */
};

struct paxos_log {
    struct paxos_slot *slots;
    size_t head, cap;
    uint64_t base, end;
    uint64_t bytes_end;
};

void paxos_log_free(struct paxos_log *log);
bool paxos_log_append(struct paxos_log *log,
                      struct paxos_entry *entry); /* takes a reference of its own */
void paxos_log_truncate(struct paxos_log *log, uint64_t end);
void paxos_log_trim(struct paxos_log *log, uint64_t base); /* beyond the end: empty at `base` */
struct paxos_entry *paxos_log_at(const struct paxos_log *log, uint64_t index);
/* Bytes of all entries ever held before `index`, base <= index <= end. */
uint64_t paxos_log_offset(const struct paxos_log *log, uint64_t index);

/* On the core's own log: */
void paxos_append(struct paxos *p, struct paxos_entry *const *entries, size_t count);
/* One change of the log: cut it at `first`, append, and make `promise` its round. */
void paxos_adopt(struct paxos *p, uint64_t first, struct paxos_entry *const *entries, size_t count);
void paxos_decide_up_to(struct paxos *p, uint64_t decided); /* never back, never beyond the log */

/* ---- disk.c ---- */

struct paxos_disk_state {
    struct paxos_ballot promise, acc_round;
    uint64_t accepted;   /* so much of the log, as it is in memory now, is on disk in this state */
    uint64_t membership; /* the version that is on disk */
};

struct paxos_disk {
    struct paxos_disk_state durable;
    struct paxos_disk_state *queued; /* ring: states after each write under way */
    size_t head, count, cap;
    struct paxos_disk_state last; /* after the last write that was handed out */
    uint64_t last_end;            /* where the log on disk ends after it, matching or not */
    bool compact_due;             /* a snapshot has voided what the disk holds below `compacted` */
    uint64_t ticket;
};

/* ---- pull.c ---- */

/* A suffix on its way to this node: that of the best promise (leader in prepare), or that of an
 * AcceptSync (follower in prepare). It touches the log only when it is complete.
 *   not NONE => phase prepare, first + count <= end */
struct paxos_pull {
    uint32_t from;
    uint8_t sync; /* enum paxos_sync; NONE: nothing here */
    uint64_t psid;
    uint64_t first, end;
    struct paxos_entry **entries;
    size_t count, cap;
    bool asked;            /* a request is under way, */
    uint64_t answer_bytes; /* and so much of its answer has come */
    uint32_t idle_ticks;   /* since the last piece came */
    uint32_t asked_ticks;  /* idle_ticks when the request was sent */
    uint32_t patience;     /* ticks before the request is repeated */
};

/* Reset by paxos_elected; the best promise by paxos_prepare_all. */
struct paxos_leader {
    uint64_t sync_end; /* length of the log with which the accept phase began */
    uint32_t best_pid; /* whose promise is the best; me: no sync is needed */
    struct paxos_ballot best_acc_round;
    uint64_t best_accepted;
    struct paxos_ballot higher; /* the highest promise for which a peer refused me; n 0: none */
};

/* The last Prepare in the ballot that I promised; set by paxos_on_prepare. */
struct paxos_follower_prepare {
    uint64_t psid;
    struct paxos_ballot acc_round; /* of the leader's log as it was then: the round, ... */
    uint64_t decided, log_end;     /* ... how much was decided, and its length */
};

/* The session of the leader that I am in. Set by paxos_on_accept_sync, reset by
 * paxos_leave_session. */
struct paxos_follower_session {
    uint64_t number;       /* 0: none */
    uint64_t counter;      /* of the last message that was taken */
    uint64_t sync_decided; /* decided, by the AcceptSync whose suffix is being pulled */
    uint32_t gap_beats;    /* leader beats in a row that showed the same gap */
};

/*   phase accept => a session, and accepted_sent <= what is durable in the ballot */
struct paxos_follower {
    struct paxos_follower_prepare prepare;
    struct paxos_follower_session session;
    bool promise_due;       /* the Promise is to be sent, or sent again */
    bool accepted_due;      /* likewise Accepted */
    uint64_t accepted_sent; /* the index of the last one in this ballot */
    uint32_t quiet_ticks;   /* since the last repetition */
    uint32_t patience;      /* ticks before a repetition */
    uint64_t heard_tick;    /* last message from the leader */
};

struct paxos_election {
    uint64_t round;
    struct paxos_ballot mine, leader;
    bool happy;
    uint32_t stranded_ticks;
};

/* While the folder is new: the questions to the others. */
struct paxos_join {
    uint64_t round;        /* of questions; an answer counts in its own */
    uint32_t known_life;   /* the highest life of mine in any answer */
    bool told_by_member;   /* struct paxos_config */
    uint64_t completed_in; /* the version of the membership with which joining was completed; 0: not
                              in this start */
};

/* Reads by their ids: confirmed <= ready <= asked, requested <= asked, probe_covers <= asked. */
struct paxos_reads {
    uint64_t asked;     /* the last read of this node */
    uint64_t ready;     /* up to here they may be answered once `index` is applied */
    uint64_t index;     /* rises */
    uint64_t confirmed; /* of those that are ready, the last one that no lease answered */

    /* Follower: the request under way. */
    uint64_t requested;               /* for the reads up to this one; 0: none */
    struct paxos_ballot requested_of; /* the leader, by its ballot */
    uint32_t request_ticks;

    /* Leader: the probe under way. */
    bool probing;
    uint64_t probe;        /* its number; rises, across ballots too */
    uint64_t probe_index;  /* decided when it began: the index of all reads that it confirms */
    uint64_t probe_covers; /* of this node's own reads: those up to here */
    uint32_t probe_ticks;
};

/* Times are those of event.now. */
struct paxos_lease {
    uint32_t time;        /* length of a lease, as this node is configured; 0: takes no part */
    uint64_t wanted_read; /* the last read after which more may follow */

    /* The lease of this node. A follower asked for it with a read, a leader with a probe. */
    uint64_t asked_read, asked_at, probed_at;
    struct paxos_ballot ballot; /* it holds only while this is the promise, */
    uint64_t until;             /* and before this time */

    uint64_t vouched_until; /* until then, leases that this node vouched for may still be valid */
    uint64_t wait_until;    /* leader: likewise those that earlier leaders granted */
};

struct paxos_proposals {
    struct paxos_entry **entries;
    size_t count, cap;
    uint64_t bytes;
};

struct paxos {
    uint32_t me;
    struct paxos_quorums quorums;
    struct paxos_peer peers[PAXOS_NODES_MAX]; /* the other members */
    uint32_t peer_count;

    uint64_t folder; /* the number of this node's */
    struct paxos_membership membership;
    uint64_t membership_version; /* rises with each change of the membership */
    struct paxos_join join;

    struct paxos_ballot promise, acc_round;
    uint64_t decided;
    struct paxos_log log;
    struct paxos_disk disk;
    uint64_t emitted;         /* decided, as it was handed out */
    uint64_t snapshot_needed; /* struct paxos_output */

    enum paxos_role role;
    enum paxos_phase phase;
    struct paxos_leader leader;
    struct paxos_follower follower;
    struct paxos_election election;
    struct paxos_reads reads;
    struct paxos_lease lease;
    struct paxos_pull pull;
    struct paxos_proposals proposals;

    uint64_t ticks;
    uint64_t now;     /* of the last event */
    uint64_t wake_at; /* struct paxos_output */
    uint32_t tell_us; /* struct paxos_config */
    uint64_t leader_changes;
    uint64_t misfits; /* struct paxos_status */
    uint64_t psid;    /* the last one given to a Prepare */

    struct { /* by the last paxos_check */
        struct paxos_ballot promise, acc_round;
        uint64_t decided, compacted;
    } seen;

    struct paxos_message *outbox;
    size_t outbox_count, outbox_cap;
    struct paxos_message spare; /* paxos_send returns it when there is no memory */
    bool failed;                /* there was no memory: this core is of no use any more */
};

/* ---- message.c ---- */

/* A new message in the outbox, from me, to be filled in; valid until the next call. */
struct paxos_message *paxos_send(struct paxos *p, enum paxos_message_type type, uint32_t to);
/* Adds log[first..end), up to PAXOS_MESSAGE_BYTES_MAX; returns the index after the last one. */
uint64_t paxos_attach(struct paxos *p, struct paxos_message *m, uint64_t first, uint64_t end);
/* Makes room for one more pointer in a growing array; false: out of memory, `failed` is set. */
bool paxos_reserve(struct paxos *p, struct paxos_entry ***entries, size_t count, size_t *cap);

/* ---- disk.c ---- */

void paxos_disk_start(struct paxos *p);
/* The log was cut: entries beyond `end` on disk do not belong to it any more. */
void paxos_disk_cut(struct paxos *p, uint64_t end);
/* A snapshot at `index` is durable in the tree, and stands for the log up to there. */
void paxos_disk_covered(struct paxos *p, uint64_t index);
void paxos_disk_write(struct paxos *p, struct paxos_write *write);
void paxos_disk_durable(struct paxos *p, uint64_t ticket);
bool paxos_promise_durable(const struct paxos *p);
bool paxos_membership_durable(const struct paxos *p);
bool paxos_round_durable(const struct paxos *p); /* accepted in the ballot that I promised */
/* How far the log is durable, accepted in the ballot that I promised; 0: that round is not. */
uint64_t paxos_accepted_durable(const struct paxos *p);

/* ---- check.c ---- */

void paxos_check(struct paxos *p); /* asserts what must hold at every moment */

/* ---- receive.c ---- */

void paxos_receive(struct paxos *p, const struct paxos_message *m);

/* ---- paxos.c ---- */

/* To be called while the output is made: it is not complete before this moment. */
void paxos_wake_at(struct paxos *p, uint64_t time);

/* ---- members.c ---- */

void paxos_membership_check(const struct paxos_membership *membership); /* asserts */
struct paxos_peer *paxos_peer(struct paxos *p, uint32_t pid); /* NULL: no member, or this node */
/* For these the pid must be a member's. */
struct paxos_member *paxos_member(struct paxos *p, uint32_t pid);
uint32_t paxos_rank(const struct paxos *p, uint32_t pid);
uint32_t paxos_life_of(const struct paxos *p, uint32_t pid);
uint32_t paxos_life(const struct paxos *p); /* mine */
bool paxos_is_member(const struct paxos *p);
void paxos_set_standing(struct paxos *p, enum paxos_standing standing);
bool paxos_raise_life(struct paxos *p, uint32_t pid, uint32_t life); /* false: it was as high */
void paxos_tell_lives(const struct paxos *p, struct paxos_message *m);
void paxos_tell_folders(const struct paxos *p, struct paxos_message *m);
uint32_t paxos_told_life(const struct paxos *p, const struct paxos_message *m, uint32_t pid);
uint64_t paxos_told_folder(const struct paxos *p, const struct paxos_message *m, uint32_t pid);
/* Takes over what a peer knows of lives, of others than me. */
void paxos_learn_life(struct paxos *p, uint32_t pid, uint32_t life);
void paxos_learn_lives(struct paxos *p, const struct paxos_message *m);

/* ---- election.c ---- */

void paxos_election_start(struct paxos *p, uint32_t priority);
void paxos_election_tick(struct paxos *p);
void paxos_ask_heartbeat(struct paxos *p, uint32_t pid);
void paxos_lead_again(struct paxos *p);
void paxos_on_heartbeat_request(struct paxos *p, const struct paxos_message *m);
void paxos_on_heartbeat_reply(struct paxos *p, struct paxos_peer *peer,
                              const struct paxos_message *m);
bool paxos_alive(const struct paxos *p, const struct paxos_peer *peer);
void paxos_hand_over(struct paxos *p);
void paxos_on_hand_over(struct paxos *p);

/* ---- join.c ---- */

void paxos_join_start(struct paxos *p);
void paxos_join_complete(struct paxos *p); /* an AcceptSync brought the whole log */
void paxos_on_join_request(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m);
void paxos_on_join_reply(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m);
void paxos_join_tick(struct paxos *p);
void paxos_join_output(struct paxos *p);

/* ---- prepare.c ---- */

void paxos_psid_start(struct paxos *p); /* with each start, and with each life */
void paxos_elected(struct paxos *p, struct paxos_ballot ballot);
void paxos_prepare_all(struct paxos *p);
void paxos_prepare_peer(struct paxos *p, struct paxos_peer *peer);
void paxos_on_prepare_req(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m);
void paxos_on_promise(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m);
void paxos_on_not_accepted(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m);
void paxos_leader_tick(struct paxos *p);
void paxos_count_promises(struct paxos *p);
void paxos_prepare_output(struct paxos *p);

/* ---- misfit.c ---- */

/* A Promise of my ballot, of the peer's present life. False: no node that remembers all that it
 * acknowledged can have sent it; that is noted, and it must not count. */
bool paxos_promise_fits(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m);
/* Whether the peer, in its present life, has forgotten what it acknowledged: nothing that it says
 * of its log counts. */
bool paxos_forgot(const struct paxos *p, const struct paxos_peer *peer);
/* A sync of the leader did not fit, or did. */
void paxos_sync_is_unfit(struct paxos *p, const struct paxos_message *m);
void paxos_sync_fits(struct paxos *p, uint32_t pid);
/* Fills in `misfit` and what belongs to it. */
void paxos_misfit_status(const struct paxos *p, uint32_t i, struct paxos_status *status);

/* ---- accept.c ---- */

bool paxos_leads(const struct paxos *p); /* a leader in accept */
void paxos_sync_peer(struct paxos *p, struct paxos_peer *peer);
void paxos_beat(struct paxos *p, const struct paxos_peer *peer);
void paxos_on_accepted(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m);
void paxos_decide(struct paxos *p);
void paxos_ship(struct paxos *p);

/* ---- follower.c ---- */

/* Nothing that the last leader sent counts any more, and nothing is owed to it. */
void paxos_leave_session(struct paxos *p);
void paxos_recover(struct paxos *p);
void paxos_recover_from_any(struct paxos *p); /* asks all: the leader is not known */
void paxos_prepare_req(struct paxos *p, uint32_t to);
void paxos_on_prepare(struct paxos *p, const struct paxos_message *m);
void paxos_on_accept_sync(struct paxos *p, const struct paxos_message *m);
void paxos_on_accept_decide(struct paxos *p, const struct paxos_message *m);
void paxos_on_decide(struct paxos *p, const struct paxos_message *m);
void paxos_on_leader_beat(struct paxos *p, const struct paxos_message *m);
void paxos_sync_complete(struct paxos *p);
void paxos_follower_tick(struct paxos *p);
void paxos_follower_output(struct paxos *p);

/* ---- pull.c ---- */

void paxos_pull_start(struct paxos *p, const struct paxos_message *m, uint8_t sync, uint64_t end);
void paxos_pull_clear(struct paxos_pull *pull);
bool paxos_pull_complete(const struct paxos_pull *pull);
void paxos_pull_ask(struct paxos *p);  /* for the next piece, unless a request is under way */
bool paxos_pull_tick(struct paxos *p); /* false: give it up, and start the phase again */
void paxos_on_suffix_req(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m);
void paxos_on_suffix(struct paxos *p, const struct paxos_message *m);

/* ---- read.c ---- */

void paxos_read(struct paxos *p, uint64_t read, bool lease);
void paxos_on_read_request(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m);
void paxos_on_read_probe(struct paxos *p, const struct paxos_message *m);
void paxos_on_read_ack(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m);
void paxos_on_read_index(struct paxos *p, const struct paxos_message *m);
void paxos_read_reset(struct paxos *p); /* a new ballot of mine */
void paxos_read_tick(struct paxos *p);
void paxos_read_output(struct paxos *p);

/* ---- lease.c ---- */

void paxos_lease_start(struct paxos *p, uint32_t time, bool before);
void paxos_lease_elected(struct paxos *p);
void paxos_lease_promised(struct paxos *p, const struct paxos_message *m);
/* Microseconds, for a Promise: leases that I vouched for may run so much longer. */
uint32_t paxos_lease_left(const struct paxos *p);
/* Returns the time, or 0: this node takes no part. */
uint32_t paxos_lease_vouch(struct paxos *p, uint32_t time);
/* The time to ask for with a request; a lease that it brings counts from now. */
uint32_t paxos_lease_ask(struct paxos *p, uint64_t read);
/* That request was answered; or the probe was, with enough nodes that vouched. */
void paxos_lease_take(struct paxos *p, const struct paxos_message *m);
void paxos_lease_take_own(struct paxos *p);
uint32_t paxos_lease_grant(struct paxos *p, struct paxos_peer *peer);
/* Whether I may answer reads alone at this moment, with what I know to be decided. */
bool paxos_lease_holds(const struct paxos *p);
/* How far the log may be decided at this moment, if it is chosen up to `chosen`. */
uint64_t paxos_lease_limit(struct paxos *p, uint64_t chosen);

/* ---- propose.c ---- */

void paxos_propose(struct paxos *p, struct paxos_entry *const *entries, uint32_t count);
void paxos_proposals_output(struct paxos *p);
void paxos_proposals_free(struct paxos *p);

#endif
