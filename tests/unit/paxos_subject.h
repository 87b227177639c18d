/* One core under test: whole clusters, crashes and partitions are tests/sim. */
#ifndef QUORUMFS_TESTS_UNIT_PAXOS_SUBJECT_H
#define QUORUMFS_TESTS_UNIT_PAXOS_SUBJECT_H

#include "paxos/paxos.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ME = 2, PEER = 1, OTHER = 3 }; /* pids; larger clusters have 40 and 50 as well */

/* A core, and its messages since `forget`. */
struct subject {
    struct paxos *p;
    bool slow_disk; /* writes stay under way until disk_done */
    uint64_t now;   /* of what happens next */
    uint64_t ticket, decided, reads_ready, reads_index, reads_confirmed, snapshot_needed, wake_at;
    struct paxos_write write; /* the last one */
    struct paxos_message sent[256];
    size_t sent_count;
};

/* Of ME, PEER and OTHER; `life` is mine. */
struct paxos_membership membership(enum paxos_standing standing, uint32_t life);

struct subject *start_as(const struct paxos_config *config, const struct paxos_stored *stored);
struct subject *start(uint32_t nodes, const struct paxos_stored *stored);
/* A start with `count` entries that were accepted in a round. */
struct subject *start_with(struct paxos_ballot promise, struct paxos_ballot acc_round,
                           uint64_t compacted, uint64_t decided, uint32_t count);
/* In accept under (5, PEER), with `count` entries, all in session 1 of psid 1. */
struct subject *follower(uint32_t count);
/* In accept, with the promise of PEER; OTHER has not answered. */
struct subject *leader(void);
void end(struct subject *s);

void step(struct subject *s, struct paxos_event event);
void collect(struct subject *s); /* the output, and the disk's answer to it */
void disk_done(struct subject *s);
void tick(struct subject *s);
void pass(struct subject *s, uint64_t now); /* until then nothing happens */
void propose(struct subject *s, uint32_t count, uint32_t bytes);
void receive(struct subject *s, struct paxos_message m);
/* With `count` new entries of `bytes` each. */
void receive_entries(struct subject *s, struct paxos_message m, uint32_t count, uint32_t bytes);

void forget(struct subject *s);
size_t count_sent(const struct subject *s, uint8_t type, uint32_t to); /* 0: to any peer */
/* The last one of a type to a peer; there must be one. */
const struct paxos_message *sent(const struct subject *s, uint8_t type, uint32_t to);
struct paxos_status status_of(const struct subject *s);
struct paxos_ballot ballot(uint64_t n, uint32_t pid);
bool same(struct paxos_ballot a, struct paxos_ballot b);

/* From a leader, n.pid. */
void prepare(struct subject *s, struct paxos_ballot n, uint64_t psid);
struct paxos_message accept_sync(struct paxos_ballot n, uint64_t psid, uint64_t first,
                                 uint64_t accepted);
struct paxos_message in_session(uint8_t type, struct paxos_ballot n, uint64_t counter,
                                uint64_t first, uint64_t decided);

/* From a follower. */
void heartbeat_reply(struct subject *s, uint32_t from, uint64_t round, bool happy);
void elect(struct subject *s); /* Prepare is sent, no peer has promised */
/* Makes it the leader of three nodes that are all in line, and forgets how. */
void lead_all(struct subject *s);
struct paxos_message promise_to(const struct subject *s, uint32_t from);
void accepted(struct subject *s, uint32_t from, uint64_t index);

#endif
