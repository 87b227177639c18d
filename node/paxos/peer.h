/* Private to the room: what a node knows of each other one, in groups that begin and end together.
 *
 * Each group is written by one file and reset as a whole by one function, both named here. Its
 * invariants are asserted by check.c after every step. The groups under "as its leader" mean
 * something only while this node leads, or tries to; in a follower they are what was left. */
#ifndef QUORUMFS_PAXOS_PEER_H
#define QUORUMFS_PAXOS_PEER_H

#include "paxos/paxos.h"

/* ---- As a node with a new folder, and as one that such a node asks (join.c) ---- */

/* The peer's last answer to my questions. Never reset: an answer counts in its own round only. */
struct paxos_peer_join {
    bool ask_due;          /* a question is to be sent */
    uint64_t round;        /* of the question that was answered; 0: none was */
    uint8_t standing;      /* enum paxos_standing */
    uint32_t life;         /* the peer's own */
    uint64_t folder;       /* the number of the peer's folder ... */
    uint64_t folder_round; /* ... and the round in which it was heard of first; <= round */
    struct paxos_ballot promise;
};

/* The peer's last question to me. */
struct paxos_peer_question {
    bool reply_due;
    uint64_t folder, round; /* the reply repeats them */
};

/* ---- The election (election.c) ---- */

/* The peer's last heartbeat reply. PAXOS_LINK_DOWN forgets that the peer lives. */
struct paxos_peer_heartbeat {
    uint64_t asked_in;     /* the round whose request it answered; <= the present one */
    uint64_t counts_until; /* the last round in which it counts; 0: it does not count */
    struct paxos_ballot ballot, leader; /* the peer's own ballot, and the one that it follows */
    bool happy;
    uint8_t standing; /* enum paxos_standing; also taken from an Accepted, as news may come there */
    uint64_t tick;    /* when it came; 0: the peer is not alive */
    uint32_t slack;   /* rounds that its replies were late, at most, lately; <= PAXOS_LATE_ROUNDS */
    uint32_t timely;  /* replies since then that were less late; < PAXOS_TIMELY_ROUNDS */
};

/* ---- As its leader ---- */

/* The progress of the peer in this node's ballot. Reset by paxos_elected.
 *   durable <= end of the log; before the accept phase there is no session, and nothing is durable
 */
struct paxos_peer_ballot {
    bool votes;       /* it promised the ballot as a member, so it counts towards R; a later Prepare
                         in the same ballot does not change that */
    bool refused;     /* it promised a higher ballot: it is sent no Prepare any more */
    uint32_t life;    /* the peer's, when it promised */
    uint64_t session; /* number of the last session; 0: none yet */
    uint64_t durable; /* so much of my log is on the peer's disk, accepted in this ballot */
};

/* The last Prepare. Reset, with the promise and the session, by paxos_prepare_peer.
 *   0 < psid <= the last psid given to any Prepare */
struct paxos_peer_prepare {
    uint64_t psid; /* prepare session: the Promise and the AcceptSync that belong to it repeat it */
    bool due;      /* is to be sent, or sent again */
    uint32_t ticks; /* since it was sent, without an answer */
};

/* The Promise that answered it. `given` says whether the rest means anything.
 *   decided <= log_end; acc_round <= my ballot, and below it before the accept phase */
struct paxos_peer_promise {
    bool given;
    uint8_t standing;              /* enum paxos_standing, of the peer */
    struct paxos_ballot acc_round; /* of the peer's log as it was then: the round, ... */
    uint64_t decided, log_end;     /* ... how much was decided, and its length */
};

/* The session: one AcceptSync, and all that follows it in order. It begins in paxos_sync_peer and
 * ends with paxos_prepare_peer, or when the peer refuses.
 *   synced => begun => a promise was given, and this is the accept phase
 *   synced => window <= next <= end of the log, pull_end <= next, told <= decided */
struct paxos_peer_session {
    bool begun;             /* AcceptSync was sent */
    bool synced;            /* with a suffix, so that entries may follow */
    uint64_t counter;       /* of the last message in it */
    uint64_t pull_end;      /* the peer pulls the suffix up to here before it accepts any of it, and
                               is sent nothing meanwhile; 0: the AcceptSync held all of it */
    uint64_t next;          /* index to send next */
    uint64_t window;        /* the window, of what was sent and not yet accepted, begins here */
    uint64_t window_offset; /* paxos_log_offset of it, or of an earlier one if it is trimmed */
    uint64_t told;          /* decided, as the peer was told */
    uint64_t tell_at;       /* when it is told the rest at the latest; 0: no such time is set */
};

/* Reads of the peer (read.c), by their ids; and the probes that confirm reads, by their numbers.
 * Reset by paxos_read_reset.
 *   covered, vouched, answered <= wanted; acked <= the last probe */
struct paxos_peer_reads {
    uint64_t wanted;   /* it asks for all reads up to this one */
    uint64_t covered;  /* up to here they had arrived when the probe under way began */
    uint64_t vouched;  /* up to here it asked while it promised my ballot */
    uint64_t answered; /* 0 again when it asks once more */
    uint64_t acked;    /* last probe that it acknowledged */
};

/* The lease of the peer (lease.c), by this node's clock. Reset by paxos_lease_elected, except for
 * `late_until`.
 *   acked <= the last probe; until <= what this node has vouched for */
struct paxos_peer_lease {
    uint32_t wanted;     /* microseconds that it asked for with its last request */
    uint64_t acked;      /* last probe with which it vouched for leases */
    uint64_t until;      /* the lease may run so long; 0: it has none */
    uint64_t held_since; /* a decision waits for this holder since then; 0: none does */
    uint64_t late_until; /* one waited too long: no new lease before */
};

/* What it sent that does not fit (misfit.c). `forgot` is never reset: it holds for the life in
 * which the peer forgot, in each of this node's ballots. */
struct paxos_peer_misfit {
    bool forgot;
    uint32_t forgot_life;
    uint64_t forgot_from, forgot_to; /* what it had acknowledged, and what it still had */
    struct paxos_ballot led_before;  /* the ballot of mine in which it accepted; n 0: none */
    uint64_t led_to;                 /* and how far */
    uint64_t beyond, beyond_end;     /* it knew so much to be decided when my log ended here */
    uint32_t unfit_syncs;            /* in a row */
    uint64_t unfit_first;            /* where the last of them began */
};

struct paxos_peer {
    uint32_t pid;
    struct paxos_peer_join join;
    struct paxos_peer_question question;
    struct paxos_peer_heartbeat heartbeat;
    struct paxos_peer_ballot ballot;
    struct paxos_peer_prepare prepare;
    struct paxos_peer_promise promise;
    struct paxos_peer_session session;
    struct paxos_peer_reads reads;
    struct paxos_peer_lease lease;
    struct paxos_peer_misfit misfit;
    uint64_t waits_until; /* a proposal or read of the peer waits until so much is decided */
};

#endif
