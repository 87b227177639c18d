/* One core at a time: the situations of protocol.md that need exact messages. Whole clusters,
 * crashes and partitions are tests/sim. */
#include "paxos/paxos.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ME = 2, PEER = 1, OTHER = 3 }; /* pids of most tests */

/* A core, and what it has said since `forget`. */
struct subject {
    struct paxos *p;
    bool slow_disk; /* writes stay under way until disk_done */
    uint64_t ticket, decided, reads_ready, reads_index, snapshot_needed;
    struct paxos_write write; /* the last one */
    struct paxos_message sent[256];
    size_t sent_count;
};

static void forget(struct subject *s)
{
    for (size_t i = 0; i < s->sent_count; i++)
        paxos_message_clear(&s->sent[i]);
    s->sent_count = 0;
}

static void collect(struct subject *s)
{
    struct paxos_output out;
    do {
        assert_int_equal(paxos_output(s->p, &out), 0);
        for (size_t i = 0; i < out.message_count; i++) {
            assert_true(s->sent_count < 256);
            s->sent[s->sent_count++] = out.messages[i];
            out.messages[i] = (struct paxos_message){0};
        }
        s->decided = out.decided;
        s->reads_ready = out.reads_ready;
        s->reads_index = out.reads_index;
        s->snapshot_needed = out.snapshot_needed;
        uint64_t ticket = out.write.ticket;
        if (ticket) {
            s->ticket = ticket;
            paxos_write_clear(&s->write);
            s->write = out.write;
            out.write = (struct paxos_write){0};
        }
        paxos_output_clear(&out);
        if (!ticket || s->slow_disk)
            return;
        struct paxos_event event = {.type = PAXOS_DURABLE, .ticket = ticket};
        assert_int_equal(paxos_step(s->p, &event), 0);
    } while (true);
}

static void step(struct subject *s, struct paxos_event event)
{
    assert_int_equal(paxos_step(s->p, &event), 0);
    collect(s);
}

static void disk_done(struct subject *s)
{
    step(s, (struct paxos_event){.type = PAXOS_DURABLE, .ticket = s->ticket});
}

static void tick(struct subject *s)
{
    step(s, (struct paxos_event){.type = PAXOS_TICK});
}

/* `bytes` of each of `count` new entries; the message is consumed. */
static void receive_entries(struct subject *s, struct paxos_message m, uint32_t count,
                            uint32_t bytes)
{
    m.to = ME;
    uint8_t *content = calloc(1, bytes + 1);
    m.entries = count ? calloc(count, sizeof *m.entries) : NULL;
    m.entry_count = count;
    for (uint32_t i = 0; i < count; i++)
        m.entries[i] = paxos_entry_new(content, bytes);
    free(content);
    step(s, (struct paxos_event){.type = PAXOS_RECEIVE, .message = &m});
    paxos_message_clear(&m);
}

static void receive(struct subject *s, struct paxos_message m)
{
    receive_entries(s, m, 0, 0);
}

static void propose(struct subject *s, uint32_t count, uint32_t bytes)
{
    uint8_t *content = calloc(1, bytes + 1);
    for (uint32_t i = 0; i < count; i++) {
        struct paxos_entry *e = paxos_entry_new(content, bytes);
        step(s, (struct paxos_event){.type = PAXOS_PROPOSE, .entries = &e, .entry_count = 1});
        paxos_entry_unref(e);
    }
    free(content);
}

static size_t count_sent(const struct subject *s, uint8_t type, uint32_t to)
{
    size_t count = 0;
    for (size_t i = 0; i < s->sent_count; i++)
        count += s->sent[i].type == type && (to == 0 || s->sent[i].to == to);
    return count;
}

/* The last one of a type to a peer; there must be one. */
static const struct paxos_message *sent(const struct subject *s, uint8_t type, uint32_t to)
{
    for (size_t i = s->sent_count; i > 0; i--)
        if (s->sent[i - 1].type == type && s->sent[i - 1].to == to)
            return &s->sent[i - 1];
    fail_msg("no message of type %u to %u", type, to);
    return NULL;
}

static struct paxos_status status_of(const struct subject *s)
{
    struct paxos_status status;
    paxos_status(s->p, &status);
    return status;
}

static struct paxos_ballot ballot(uint64_t n, uint32_t pid)
{
    return (struct paxos_ballot){n, 0, pid};
}

static bool same(struct paxos_ballot a, struct paxos_ballot b)
{
    return paxos_ballot_compare(a, b) == 0;
}

static struct subject *start(uint32_t nodes, const struct paxos_stored *stored)
{
    struct paxos_config config = {.me = ME, .count = nodes, .pids = {ME, PEER, OTHER, 40, 50}};
    struct paxos_stored empty = {0};
    struct subject *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->p = paxos_new(&config, stored ? stored : &empty);
    assert_non_null(s->p);
    collect(s);
    return s;
}

static void end(struct subject *s)
{
    forget(s);
    paxos_write_clear(&s->write);
    paxos_free(s->p);
    free(s);
}

/* A start with `count` entries that were accepted in a round. */
static struct subject *start_with(struct paxos_ballot promise, struct paxos_ballot acc_round,
                                  uint64_t compacted, uint64_t decided, uint32_t count)
{
    struct paxos_entry *entries[64];
    for (uint32_t i = 0; i < count; i++)
        entries[i] = paxos_entry_new("stored", 6);
    struct paxos_stored stored = {promise, acc_round, decided, compacted, count, entries};
    struct subject *s = start(3, &stored);
    for (uint32_t i = 0; i < count; i++)
        paxos_entry_unref(entries[i]);
    return s;
}

/* ---- as a follower of PEER ---- */

static void prepare(struct subject *s, struct paxos_ballot n, uint64_t psid)
{
    receive(s, (struct paxos_message){.type = PAXOS_PREPARE, .from = n.pid, .n = n, .psid = psid});
}

static struct paxos_message accept_sync(struct paxos_ballot n, uint64_t psid, uint64_t first,
                                        uint64_t accepted)
{
    return (struct paxos_message){.type = PAXOS_ACCEPT_SYNC,
                                  .from = n.pid,
                                  .n = n,
                                  .psid = psid,
                                  .session = psid,
                                  .counter = 1,
                                  .sync = PAXOS_SYNC_SUFFIX,
                                  .first = first,
                                  .accepted = accepted};
}

static struct paxos_message in_session(uint8_t type, struct paxos_ballot n, uint64_t counter,
                                       uint64_t first, uint64_t decided)
{
    return (struct paxos_message){.type = type,
                                  .from = n.pid,
                                  .n = n,
                                  .session = 1,
                                  .counter = counter,
                                  .first = first,
                                  .decided = decided};
}

/* In accept under (5, PEER), with `count` entries, all in session 1 of psid 1. */
static struct subject *follower(uint32_t count)
{
    struct subject *s = start(3, NULL);
    prepare(s, ballot(5, PEER), 1);
    receive_entries(s, accept_sync(ballot(5, PEER), 1, 0, count), count, 8);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    assert_int_equal(sent(s, PAXOS_ACCEPTED, PEER)->accepted, count);
    forget(s);
    return s;
}

/* ---- as the leader ---- */

static void heartbeat_reply(struct subject *s, uint32_t from, uint64_t round, bool happy)
{
    receive(s, (struct paxos_message){.type = PAXOS_HEARTBEAT_REPLY,
                                      .from = from,
                                      .round = round,
                                      .n = ballot(0, from),
                                      .happy = happy});
}

/* Elected by an unhappy peer's reply; Prepare is sent, nobody has promised. */
static void elect(struct subject *s)
{
    tick(s);
    heartbeat_reply(s, PEER, sent(s, PAXOS_HEARTBEAT_REQUEST, PEER)->round, false);
    tick(s);
    assert_int_equal(status_of(s).role, PAXOS_LEADER);
}

static struct paxos_message promise_to(const struct subject *s, uint32_t from)
{
    const struct paxos_message *m = sent(s, PAXOS_PREPARE, from);
    return (struct paxos_message){.type = PAXOS_PROMISE, .from = from, .n = m->n, .psid = m->psid};
}

static void accepted(struct subject *s, uint32_t from, uint64_t index)
{
    receive(
        s, (struct paxos_message){
               .type = PAXOS_ACCEPTED, .from = from, .n = status_of(s).promise, .accepted = index});
}

static struct subject *leader(void)
{
    struct subject *s = start(3, NULL);
    elect(s);
    receive(s, promise_to(s, PEER));
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    return s;
}

/* ---- tests ---- */

static void ballots_are_ordered(void **state)
{
    assert_true(paxos_ballot_compare(ballot(2, 1), ballot(1, 9)) > 0);
    assert_true(paxos_ballot_compare((struct paxos_ballot){1, 2, 1}, ballot(1, 9)) > 0);
    assert_true(paxos_ballot_compare(ballot(1, 1), ballot(1, 2)) < 0);
    assert_int_equal(paxos_ballot_compare(ballot(1, 1), ballot(1, 1)), 0);
}

static void one_node_is_a_cluster(void **state)
{
    struct subject *s = start(1, NULL);
    propose(s, 2, 8); /* nobody leads yet: kept */
    tick(s);
    assert_int_equal(s->decided, 2);
    assert_true(status_of(s).has_leader);
    assert_true(status_of(s).has_quorum);
    propose(s, 1, 8);
    assert_int_equal(s->decided, 3);
    step(s, (struct paxos_event){.type = PAXOS_READ, .read = 7});
    assert_int_equal(s->reads_ready, 7);
    assert_int_equal(s->reads_index, 3);
    end(s);
}

/* Trap 13, and the table "durable first". */
static void nothing_is_said_before_it_is_durable(void **state)
{
    struct subject *s = start(3, NULL);
    s->slow_disk = true;
    prepare(s, ballot(5, PEER), 1);
    assert_true(same(s->write.promise, ballot(5, PEER)));
    assert_int_equal(s->sent_count, 0);
    disk_done(s);
    assert_int_equal(count_sent(s, PAXOS_PROMISE, PEER), 1);
    receive_entries(s, accept_sync(ballot(5, PEER), 1, 0, 3), 3, 8);
    assert_int_equal(s->write.entry_count, 3);
    assert_int_equal(count_sent(s, PAXOS_ACCEPTED, PEER), 0);
    struct paxos_message more = in_session(PAXOS_ACCEPT_DECIDE, ballot(5, PEER), 2, 3, 3);
    receive_entries(s, more, 1, 8);
    assert_int_equal(s->write.first, 3);
    assert_int_equal(s->decided, 0);
    step(s, (struct paxos_event){.type = PAXOS_DURABLE, .ticket = s->ticket - 1});
    assert_int_equal(sent(s, PAXOS_ACCEPTED, PEER)->accepted, 3);
    assert_int_equal(s->decided, 3);
    disk_done(s);
    assert_int_equal(sent(s, PAXOS_ACCEPTED, PEER)->accepted, 4);
    end(s);
}

static void a_leader_prepares_when_its_ballot_is_durable(void **state)
{
    struct subject *s = start(3, NULL);
    s->slow_disk = true;
    elect(s);
    assert_int_equal(count_sent(s, PAXOS_PREPARE, 0), 0);
    disk_done(s);
    assert_int_equal(count_sent(s, PAXOS_PREPARE, 0), 2);
    end(s);
}

/* A turn's proposals are one message to each follower, sent before the own disk is done; and one
 * write. */
static void proposals_of_a_turn_share_a_message(void **state)
{
    struct subject *s = leader();
    s->slow_disk = true;
    for (uint32_t i = 0; i < 10; i++) {
        struct paxos_entry *e = paxos_entry_new("entry", 5);
        struct paxos_event event = {.type = PAXOS_PROPOSE, .entries = &e, .entry_count = 1};
        assert_int_equal(paxos_step(s->p, &event), 0);
        paxos_entry_unref(e);
    }
    collect(s);
    assert_int_equal(count_sent(s, PAXOS_ACCEPT_DECIDE, PEER), 1);
    assert_int_equal(sent(s, PAXOS_ACCEPT_DECIDE, PEER)->entry_count, 10);
    assert_int_equal(count_sent(s, PAXOS_ACCEPT_DECIDE, OTHER), 0); /* it has not promised */
    assert_int_equal(s->write.entry_count, 10);
    end(s);
}

/* Trap 3. */
static void decided_never_goes_back(void **state)
{
    struct subject *s = follower(4);
    receive(s, in_session(PAXOS_DECIDE, ballot(5, PEER), 2, 0, 4));
    assert_int_equal(s->decided, 4);
    prepare(s, ballot(6, OTHER), 1);
    assert_int_equal(sent(s, PAXOS_PROMISE, OTHER)->decided, 4);
    struct paxos_message sync = accept_sync(ballot(6, OTHER), 1, 4, 5);
    sync.decided = 1;
    receive_entries(s, sync, 1, 8);
    assert_int_equal(s->decided, 4);
    assert_int_equal(status_of(s).accepted, 5);
    end(s);
}

/* A sync that would cut what is decided, or begins beyond the log, is not believed. */
static void an_impossible_sync_is_dropped(void **state)
{
    const uint64_t firsts[] = {1, 9};
    for (size_t i = 0; i < 2; i++) {
        struct subject *s = follower(4);
        receive(s, in_session(PAXOS_DECIDE, ballot(5, PEER), 2, 0, 3));
        prepare(s, ballot(6, OTHER), 1);
        forget(s);
        receive_entries(s, accept_sync(ballot(6, OTHER), 1, firsts[i], firsts[i] + 1), 1, 8);
        assert_int_equal(status_of(s).phase, PAXOS_PHASE_RECOVER);
        assert_int_equal(count_sent(s, PAXOS_PREPARE_REQ, OTHER), 1);
        assert_int_equal(status_of(s).accepted, 4);
        end(s);
    }
}

/* Trap 4: an AcceptSync of an earlier session of the same ballot. */
static void a_late_accept_sync_erases_nothing(void **state)
{
    struct subject *s = follower(2);
    receive_entries(s, in_session(PAXOS_ACCEPT_DECIDE, ballot(5, PEER), 2, 2, 0), 3, 8);
    assert_int_equal(status_of(s).accepted, 5);
    prepare(s, ballot(5, PEER), 1); /* again: it was answered */
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    receive(s, in_session(PAXOS_DECIDE, ballot(5, PEER), 9, 0, 0)); /* a gap */
    prepare(s, ballot(5, PEER), 1);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_RECOVER);
    prepare(s, ballot(5, PEER), 2);
    receive_entries(s, accept_sync(ballot(5, PEER), 1, 0, 2), 2, 8);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_PREPARE);
    assert_int_equal(status_of(s).accepted, 5);
    end(s);
}

/* The same after a restart, where the psid is not remembered: in one round nothing is ever cut. */
static void a_late_accept_sync_of_an_earlier_life_erases_nothing(void **state)
{
    struct subject *s = start_with(ballot(5, PEER), ballot(5, PEER), 0, 0, 5);
    prepare(s, ballot(5, PEER), 1);
    receive_entries(s, accept_sync(ballot(5, PEER), 1, 0, 2), 2, 8);
    assert_int_equal(status_of(s).accepted, 5);
    assert_int_equal(sent(s, PAXOS_ACCEPTED, PEER)->accepted, 5);
    end(s);
}

/* A follower takes a round for its own only when it has all of the log with which the round began.
 */
static void a_long_sync_is_one_change(void **state)
{
    struct subject *s = start_with(ballot(4, OTHER), ballot(4, OTHER), 0, 1, 4);
    prepare(s, ballot(5, PEER), 1);
    forget(s);
    receive_entries(s, accept_sync(ballot(5, PEER), 1, 1, 6), 2, 8);
    assert_true(same(status_of(s).acc_round, ballot(4, OTHER)));
    assert_int_equal(status_of(s).accepted, 4);
    assert_int_equal(sent(s, PAXOS_SUFFIX_REQ, PEER)->first, 3);
    struct paxos_message suffix = {
        .type = PAXOS_SUFFIX, .from = PEER, .n = ballot(5, PEER), .psid = 1};
    suffix.first = 4; /* not what comes next */
    receive_entries(s, suffix, 2, 8);
    suffix.first = 3;
    receive_entries(s, suffix, 2, 8);
    assert_true(same(status_of(s).acc_round, ballot(4, OTHER)));
    suffix.first = 5;
    receive_entries(s, suffix, 1, 8);
    assert_true(same(status_of(s).acc_round, ballot(5, PEER)));
    assert_int_equal(s->write.first, 1);
    assert_int_equal(s->write.entry_count, 5);
    assert_true(s->write.truncate);
    assert_int_equal(sent(s, PAXOS_ACCEPTED, PEER)->accepted, 6);
    end(s);
}

/* The leader's side: a long suffix of the best promise is pulled, and the log changes once. */
static void a_long_promise_is_pulled(void **state)
{
    struct subject *s = start(3, NULL);
    elect(s);
    struct paxos_message promise = promise_to(s, PEER);
    promise.acc_round = ballot(1, PEER);
    promise.accepted = 5;
    promise.sync = PAXOS_SYNC_SUFFIX;
    receive_entries(s, promise, 2, 8);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_PREPARE);
    assert_int_equal(status_of(s).accepted, 0);
    const struct paxos_message *request = sent(s, PAXOS_SUFFIX_REQ, PEER);
    assert_int_equal(request->first, 2);
    struct paxos_message suffix = {
        .type = PAXOS_SUFFIX, .from = PEER, .n = request->n, .psid = request->psid, .first = 2};
    receive_entries(s, suffix, 3, 8);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    assert_int_equal(status_of(s).accepted, 5);
    assert_int_equal(sent(s, PAXOS_ACCEPT_SYNC, PEER)->first, 5);
    end(s);
}

/* Trap 5. */
static void a_repeated_promise_starts_no_session(void **state)
{
    struct subject *s = start(3, NULL);
    elect(s);
    struct paxos_message promise = promise_to(s, PEER);
    for (uint32_t i = 0; i < 3; i++)
        receive(s, promise);
    assert_int_equal(count_sent(s, PAXOS_ACCEPT_SYNC, PEER), 1);
    end(s);
}

/* Trap 6: the follower is prepared again, with a new psid, and goes on. */
static void a_late_prepare_req_starves_nobody(void **state)
{
    struct subject *s = leader();
    propose(s, 2, 8);
    receive(s, (struct paxos_message){.type = PAXOS_PREPARE_REQ, .from = PEER});
    struct paxos_message promise = promise_to(s, PEER);
    promise.acc_round = promise.n;
    promise.accepted = 2;
    receive(s, promise);
    assert_int_equal(sent(s, PAXOS_ACCEPT_SYNC, PEER)->first, 2);
    accepted(s, PEER, 2);
    assert_int_equal(s->decided, 2);
    end(s);

    s = follower(2);
    prepare(s, ballot(5, PEER), 2);
    assert_int_equal(sent(s, PAXOS_PROMISE, PEER)->psid, 2);
    receive(s, accept_sync(ballot(5, PEER), 2, 2, 2));
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    end(s);
}

/* Trap 7: a beat shows the gap; one beat may have overtaken data, two have not. */
static void a_lost_tail_is_noticed(void **state)
{
    struct subject *s = follower(2);
    receive(s, in_session(PAXOS_LEADER_BEAT, ballot(5, PEER), 1, 0, 0));
    receive(s, in_session(PAXOS_LEADER_BEAT, ballot(5, PEER), 2, 0, 0));
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    receive_entries(s, in_session(PAXOS_ACCEPT_DECIDE, ballot(5, PEER), 2, 2, 0), 1, 8);
    receive(s, in_session(PAXOS_LEADER_BEAT, ballot(5, PEER), 3, 0, 0));
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    receive(s, in_session(PAXOS_LEADER_BEAT, ballot(5, PEER), 3, 0, 0));
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_RECOVER);
    assert_int_equal(count_sent(s, PAXOS_PREPARE_REQ, PEER), 1);
    end(s);
}

/* Trap 8. */
static void accepted_counts_the_highest(void **state)
{
    struct subject *s = leader();
    s->slow_disk = true;
    propose(s, 3, 8);
    accepted(s, PEER, 3);
    accepted(s, PEER, 1);
    assert_int_equal(status_of(s).decided, 0); /* my own disk is not done */
    disk_done(s);
    assert_int_equal(s->decided, 3);
    assert_int_equal(sent(s, PAXOS_DECIDE, PEER)->decided, 3);
    end(s);
}

static void followers_may_decide_before_the_leaders_disk(void **state)
{
    struct subject *s = leader();
    receive(s, promise_to(s, OTHER));
    s->slow_disk = true;
    propose(s, 3, 8);
    accepted(s, PEER, 3);
    accepted(s, OTHER, 3);
    assert_int_equal(status_of(s).decided, 3);
    assert_int_equal(s->decided, 0); /* not to be applied here yet */
    disk_done(s);
    assert_int_equal(s->decided, 3);
    end(s);
}

/* Trap 9: what is trimmed is synchronised by a snapshot. */
static void what_is_trimmed_needs_a_snapshot(void **state)
{
    struct subject *s = leader();
    propose(s, 6, 8);
    accepted(s, PEER, 6);
    step(s, (struct paxos_event){.type = PAXOS_TRIM, .index = 4});
    assert_int_equal(status_of(s).compacted, 4);
    receive(s, promise_to(s, OTHER));
    const struct paxos_message *sync = sent(s, PAXOS_ACCEPT_SYNC, OTHER);
    assert_int_equal(sync->sync, PAXOS_SYNC_SNAPSHOT);
    assert_int_equal(sync->first, 4);
    propose(s, 1, 8);
    assert_int_equal(count_sent(s, PAXOS_ACCEPT_DECIDE, OTHER), 0);
    end(s);
}

static void a_snapshot_interrupts_a_sync(void **state)
{
    struct subject *s = start_with(ballot(4, OTHER), ballot(4, OTHER), 0, 2, 5);
    prepare(s, ballot(5, PEER), 1);
    struct paxos_message sync = accept_sync(ballot(5, PEER), 1, 9, 0);
    sync.sync = PAXOS_SYNC_SNAPSHOT;
    receive(s, sync);
    assert_int_equal(s->snapshot_needed, 9);
    /* Beats of that session are no gap: there is nothing to repair while the snapshot is fetched.
     */
    for (uint32_t i = 0; i < 5; i++)
        receive(s, in_session(PAXOS_LEADER_BEAT, ballot(5, PEER), 1, 0, 0));
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_PREPARE);
    forget(s);
    step(s, (struct paxos_event){.type = PAXOS_SNAPSHOT_INSTALLED, .index = 9});
    assert_int_equal(s->snapshot_needed, 0);
    assert_int_equal(s->decided, 9);
    assert_int_equal(s->write.compacted, 9);
    assert_int_equal(s->write.first, 9);
    assert_int_equal(s->write.entry_count, 0);
    assert_int_equal(status_of(s).accepted, 9);
    assert_int_equal(count_sent(s, PAXOS_PREPARE_REQ, PEER), 1);
    end(s);
}

/* Trap 1: entries beyond the snapshot were acknowledged and stay. */
static void a_snapshot_keeps_the_tail(void **state)
{
    struct subject *s = follower(6);
    step(s, (struct paxos_event){.type = PAXOS_SNAPSHOT_INSTALLED, .index = 4});
    assert_int_equal(status_of(s).accepted, 6);
    assert_int_equal(status_of(s).compacted, 4);
    assert_int_equal(s->write.compacted, 4);
    assert_int_equal(s->write.first, 6);
    assert_false(s->write.truncate);
    assert_int_equal(s->decided, 4);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    end(s);
}

static void a_new_leader_may_need_a_snapshot(void **state)
{
    struct subject *s = start(3, NULL);
    elect(s);
    struct paxos_message promise = promise_to(s, PEER);
    promise.acc_round = ballot(1, PEER);
    promise.decided = 7;
    promise.accepted = 9;
    promise.sync = PAXOS_SYNC_SNAPSHOT;
    promise.first = 5;
    receive(s, promise);
    assert_int_equal(s->snapshot_needed, 5);
    forget(s);
    step(s, (struct paxos_event){.type = PAXOS_SNAPSHOT_INSTALLED, .index = 7});
    const struct paxos_message *again = sent(s, PAXOS_PREPARE, PEER);
    assert_int_equal(again->decided, 7);
    assert_true(again->psid > promise.psid);
    receive(s, promise); /* of the first Prepare: without effect */
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_PREPARE);
    promise.psid = again->psid;
    promise.sync = PAXOS_SYNC_SUFFIX;
    promise.first = 7;
    receive_entries(s, promise, 2, 8);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    assert_int_equal(status_of(s).accepted, 9);
    end(s);
}

/* A peer that a snapshot carried beyond my round may know more to be decided; my log need not
 * agree. */
static void decided_of_a_promise_is_not_taken_over(void **state)
{
    struct subject *s = leader();
    propose(s, 6, 8);
    struct paxos_message promise = promise_to(s, OTHER);
    promise.decided = promise.accepted = 4;
    receive(s, promise);
    assert_int_equal(status_of(s).decided, 0);
    assert_int_equal(sent(s, PAXOS_ACCEPT_SYNC, OTHER)->first, 4);
    end(s);
}

/* Trap 11: one peer's replies, however many, are one. */
static void a_repeated_reply_counts_once(void **state)
{
    struct subject *s = start(5, NULL);
    tick(s);
    for (uint32_t i = 0; i < 4; i++)
        heartbeat_reply(s, PEER, 1, false);
    tick(s);
    assert_int_equal(status_of(s).role, PAXOS_FOLLOWER);
    heartbeat_reply(s, PEER, 1, false); /* of an earlier round */
    heartbeat_reply(s, OTHER, 2, false);
    tick(s);
    assert_int_equal(status_of(s).role, PAXOS_FOLLOWER);
    heartbeat_reply(s, PEER, 3, false);
    heartbeat_reply(s, OTHER, 3, false);
    tick(s);
    assert_int_equal(status_of(s).role, PAXOS_LEADER);
    end(s);
}

/* Trap 12. */
static void proposals_wait_for_a_leader(void **state)
{
    struct subject *s = start(3, NULL);
    propose(s, 3, 8);
    assert_int_equal(s->sent_count, 0);
    prepare(s, ballot(5, PEER), 1);
    assert_int_equal(sent(s, PAXOS_PROPOSAL_FORWARD, PEER)->entry_count, 3);
    end(s);

    s = start_with(ballot(4, PEER), ballot(4, PEER), 0, 0, 1);
    forget(s);
    propose(s, 2, 8); /* in recover: the old leader may be dead */
    receive_entries(s, (struct paxos_message){.type = PAXOS_PROPOSAL_FORWARD, .from = OTHER}, 1, 8);
    assert_int_equal(count_sent(s, PAXOS_PROPOSAL_FORWARD, 0), 0);
    elect(s);
    receive(s, promise_to(s, OTHER));
    assert_int_equal(status_of(s).accepted, 4);
    end(s);
}

static void what_waits_is_bounded(void **state)
{
    struct subject *s = start(3, NULL);
    propose(s, 40, 1 << 20);
    prepare(s, ballot(5, PEER), 1);
    assert_in_range(count_sent(s, PAXOS_PROPOSAL_FORWARD, PEER), 10, 16);
    end(s);
}

/* The window: what a peer has not accepted is bounded, one entry is always under way. */
static void a_slow_peer_is_not_flooded(void **state)
{
    struct subject *s = leader();
    propose(s, 100, 200000);
    size_t first = count_sent(s, PAXOS_ACCEPT_DECIDE, PEER);
    assert_in_range(first, 15, 22);
    accepted(s, PEER, 10);
    assert_int_equal(count_sent(s, PAXOS_ACCEPT_DECIDE, PEER), first + 10);
    end(s);
}

static void stale_ballots_are_refused(void **state)
{
    struct subject *s = follower(1);
    prepare(s, ballot(3, OTHER), 1);
    assert_true(same(sent(s, PAXOS_NOT_ACCEPTED, OTHER)->n, ballot(5, PEER)));
    receive(s, in_session(PAXOS_READ_PROBE, ballot(3, OTHER), 1, 0, 0));
    assert_int_equal(count_sent(s, PAXOS_READ_ACK, OTHER), 0);
    assert_int_equal(count_sent(s, PAXOS_NOT_ACCEPTED, OTHER), 2);
    receive(s, in_session(PAXOS_DECIDE, ballot(8, OTHER), 2, 0, 1));
    assert_int_equal(count_sent(s, PAXOS_PREPARE_REQ, OTHER), 1);
    assert_int_equal(s->decided, 0);
    end(s);
}

static void links_that_return(void **state)
{
    struct subject *s = follower(1);
    step(s, (struct paxos_event){.type = PAXOS_LINK_UP, .pid = OTHER});
    assert_int_equal(count_sent(s, PAXOS_PREPARE_REQ, OTHER), 1);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    step(s, (struct paxos_event){.type = PAXOS_LINK_UP, .pid = PEER});
    assert_int_equal(count_sent(s, PAXOS_PREPARE_REQ, PEER), 1);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_RECOVER);
    end(s);
    s = start_with(ballot(4, PEER), ballot(4, PEER), 0, 0, 1);
    assert_int_equal(count_sent(s, PAXOS_PREPARE_REQ, 0), 2); /* a restart asks everybody */
    end(s);
}

static void a_link_that_goes_takes_the_quorum_with_it(void **state)
{
    struct subject *s = leader();
    tick(s);
    heartbeat_reply(s, PEER, sent(s, PAXOS_HEARTBEAT_REQUEST, PEER)->round, true);
    assert_true(status_of(s).has_quorum);
    step(s, (struct paxos_event){.type = PAXOS_LINK_DOWN, .pid = PEER});
    assert_false(status_of(s).has_quorum);
    end(s);
}

/* Reads that arrive while a probe is under way share the next one. */
static void reads_share_probes(void **state)
{
    struct subject *s = leader();
    propose(s, 2, 8);
    accepted(s, PEER, 2);
    step(s, (struct paxos_event){.type = PAXOS_READ, .read = 1});
    uint64_t probe = sent(s, PAXOS_READ_PROBE, PEER)->read;
    step(s, (struct paxos_event){.type = PAXOS_READ, .read = 2});
    receive(s, (struct paxos_message){.type = PAXOS_READ_REQUEST, .from = OTHER, .read = 50});
    assert_int_equal(count_sent(s, PAXOS_READ_PROBE, PEER), 1);
    assert_int_equal(s->reads_ready, 0);
    struct paxos_message ack = {
        .type = PAXOS_READ_ACK, .from = PEER, .n = status_of(s).promise, .read = probe};
    receive(s, ack);
    assert_int_equal(s->reads_ready, 1);
    assert_int_equal(s->reads_index, 2);
    assert_int_equal(count_sent(s, PAXOS_READ_PROBE, PEER), 2);
    receive(s, ack); /* again: of the round before */
    assert_int_equal(s->reads_ready, 1);
    ack.read = sent(s, PAXOS_READ_PROBE, PEER)->read;
    receive(s, ack);
    assert_int_equal(s->reads_ready, 2);
    assert_int_equal(sent(s, PAXOS_READ_INDEX, OTHER)->read, 50);
    assert_int_equal(sent(s, PAXOS_READ_INDEX, OTHER)->decided, 2);
    end(s);
}

/* What an earlier leader decided is in the log, but this one must see it decided first. */
static void a_new_leader_holds_reads_back(void **state)
{
    struct subject *s = start_with(ballot(4, ME), ballot(4, ME), 0, 1, 3);
    elect(s);
    receive(s, promise_to(s, PEER));
    step(s, (struct paxos_event){.type = PAXOS_READ, .read = 1});
    assert_int_equal(count_sent(s, PAXOS_READ_PROBE, 0), 0);
    accepted(s, PEER, 3);
    assert_int_equal(count_sent(s, PAXOS_READ_PROBE, PEER), 1);
    end(s);
}

static void a_followers_read_finds_the_next_leader(void **state)
{
    struct subject *s = follower(1);
    step(s, (struct paxos_event){.type = PAXOS_READ, .read = 10});
    step(s, (struct paxos_event){.type = PAXOS_READ, .read = 11});
    assert_int_equal(count_sent(s, PAXOS_READ_REQUEST, PEER), 1); /* one is under way */
    receive(s, (struct paxos_message){.type = PAXOS_READ_INDEX,
                                      .from = PEER,
                                      .n = ballot(5, PEER),
                                      .read = 10,
                                      .decided = 1});
    assert_int_equal(s->reads_ready, 10);
    assert_int_equal(sent(s, PAXOS_READ_REQUEST, PEER)->read, 11);
    prepare(s, ballot(6, OTHER), 1);
    receive(s, accept_sync(ballot(6, OTHER), 1, 1, 1));
    assert_int_equal(sent(s, PAXOS_READ_REQUEST, OTHER)->read, 11);
    receive(s, (struct paxos_message){.type = PAXOS_READ_INDEX,
                                      .from = OTHER,
                                      .n = ballot(6, OTHER),
                                      .read = 99,
                                      .decided = 1}); /* never asked */
    assert_int_equal(s->reads_ready, 10);
    end(s);
}

/* ---- anything at all from a peer ---- */

static uint64_t fuzz_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint64_t fuzz_count(uint64_t *state)
{
    return fuzz_random(state) % 50 == 0 ? fuzz_random(state) : fuzz_random(state) % 8;
}

static struct paxos_ballot fuzz_ballot(struct subject *s, uint64_t *state)
{
    struct paxos_ballot b = ballot(fuzz_random(state) % 6, (uint32_t)(fuzz_random(state) % 4));
    if (fuzz_random(state) % 100 == 0)
        b.n = fuzz_count(state);
    return fuzz_random(state) % 2 ? status_of(s).promise : b;
}

static void fuzz_one(struct subject *s, uint64_t *state)
{
    struct paxos_message m = {.type = (uint8_t)(fuzz_random(state) % (PAXOS_MESSAGE_TYPE_END + 1)),
                              .sync = (uint8_t)(fuzz_random(state) % 4),
                              .happy = fuzz_random(state) % 2,
                              .n = fuzz_ballot(s, state),
                              .acc_round = fuzz_ballot(s, state),
                              .leader = fuzz_ballot(s, state),
                              .decided = fuzz_count(state),
                              .accepted = fuzz_count(state),
                              .psid = fuzz_count(state),
                              .session = fuzz_count(state) % 3,
                              .counter = fuzz_count(state),
                              .first = fuzz_count(state),
                              .round = fuzz_count(state),
                              .read = fuzz_count(state)};
    m.from = fuzz_random(state) % 2 ? m.n.pid : (uint32_t)(fuzz_random(state) % 5);
    receive_entries(s, m, (uint32_t)(fuzz_random(state) % 4), 4);
    uint64_t what = fuzz_random(state) % 40;
    if (what == 0)
        tick(s);
    else if (what == 1)
        propose(s, 1, 4);
    else if (what == 2 && s->decided > 0)
        step(s, (struct paxos_event){.type = PAXOS_TRIM, .index = fuzz_random(state) % s->decided});
    forget(s);
}

static void nothing_a_peer_says_breaks_a_node(void **state)
{
    uint64_t seed = 88172645463325252u;
    for (uint32_t life = 0; life < 400; life++) {
        uint64_t random = seed + life;
        struct subject *s = life % 2 ? leader() : start(3, NULL);
        for (uint32_t i = 0; i < 300; i++)
            fuzz_one(s, &random);
        end(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ballots_are_ordered),
        cmocka_unit_test(one_node_is_a_cluster),
        cmocka_unit_test(nothing_is_said_before_it_is_durable),
        cmocka_unit_test(a_leader_prepares_when_its_ballot_is_durable),
        cmocka_unit_test(proposals_of_a_turn_share_a_message),
        cmocka_unit_test(decided_never_goes_back),
        cmocka_unit_test(an_impossible_sync_is_dropped),
        cmocka_unit_test(a_late_accept_sync_erases_nothing),
        cmocka_unit_test(a_late_accept_sync_of_an_earlier_life_erases_nothing),
        cmocka_unit_test(a_long_sync_is_one_change),
        cmocka_unit_test(a_long_promise_is_pulled),
        cmocka_unit_test(a_repeated_promise_starts_no_session),
        cmocka_unit_test(a_late_prepare_req_starves_nobody),
        cmocka_unit_test(a_lost_tail_is_noticed),
        cmocka_unit_test(accepted_counts_the_highest),
        cmocka_unit_test(followers_may_decide_before_the_leaders_disk),
        cmocka_unit_test(what_is_trimmed_needs_a_snapshot),
        cmocka_unit_test(a_snapshot_interrupts_a_sync),
        cmocka_unit_test(a_snapshot_keeps_the_tail),
        cmocka_unit_test(a_new_leader_may_need_a_snapshot),
        cmocka_unit_test(decided_of_a_promise_is_not_taken_over),
        cmocka_unit_test(a_repeated_reply_counts_once),
        cmocka_unit_test(proposals_wait_for_a_leader),
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(a_slow_peer_is_not_flooded),
        cmocka_unit_test(stale_ballots_are_refused),
        cmocka_unit_test(links_that_return),
        cmocka_unit_test(a_link_that_goes_takes_the_quorum_with_it),
        cmocka_unit_test(reads_share_probes),
        cmocka_unit_test(a_new_leader_holds_reads_back),
        cmocka_unit_test(a_followers_read_finds_the_next_leader),
        cmocka_unit_test(nothing_a_peer_says_breaks_a_node),
    };
    return cmocka_run_group_tests_name("paxos", tests, NULL, NULL);
}
