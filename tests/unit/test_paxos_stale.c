/* One core at a time: messages that are late, repeated, or from another ballot have no effect. */
#include "paxos_subject.h"

/* ---- as the leader ---- */

static void an_acceptance_of_another_ballot_does_not_count(void **state)
{
    struct subject *s = leader();
    propose(s, 3, 8);
    struct paxos_message m = {
        .type = PAXOS_ACCEPTED, .from = PEER, .n = status_of(s).promise, .accepted = 3};
    m.n.n--;
    receive(s, m);
    assert_int_equal(s->decided, 0);
    m.n.n++;
    receive(s, m);
    assert_int_equal(s->decided, 3);
    end(s);
}

static void a_promise_of_another_ballot_does_not_count(void **state)
{
    struct subject *s = start_with(ballot(4, ME), ballot(4, ME), 0, 0, 2);
    elect(s);
    struct paxos_message m = promise_to(s, PEER);
    m.n.n--;
    receive(s, m);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_PREPARE);
    m.n.n++;
    receive(s, m);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    end(s);
}

/* A peer that promised another ballot is told nothing more, until it asks to be prepared in this
 * one. */
static void a_refusal_ends_the_session(void **state)
{
    const uint8_t refusals[] = {PAXOS_NOT_ACCEPTED, PAXOS_PREPARE_REQ};
    for (size_t i = 0; i < 2; i++) {
        struct subject *s = leader();
        struct paxos_message refusal = {.type = refusals[i], .n = ballot(1, OTHER)};
        for (refusal.from = PEER; refusal.from <= OTHER; refusal.from += OTHER - PEER)
            receive(s, refusal);
        forget(s);
        propose(s, 1, 8);
        for (int t = 0; t < 10; t++)
            tick(s);
        assert_int_equal(count_sent(s, PAXOS_ACCEPT_DECIDE, 0), 0);
        assert_int_equal(count_sent(s, PAXOS_LEADER_BEAT, 0), 0);
        assert_int_equal(count_sent(s, PAXOS_PREPARE, 0), 0);
        end(s);
    }
    struct subject *s = leader();
    receive(
        s, (struct paxos_message){.type = PAXOS_NOT_ACCEPTED, .from = PEER, .n = ballot(1, OTHER)});
    forget(s);
    receive(s, (struct paxos_message){
                   .type = PAXOS_PREPARE_REQ, .from = PEER, .n = status_of(s).promise});
    assert_int_equal(count_sent(s, PAXOS_PREPARE, PEER), 1);
    end(s);
}

static void each_sync_begins_a_session(void **state)
{
    struct subject *s = leader();
    uint64_t session = sent(s, PAXOS_ACCEPT_SYNC, PEER)->session;
    receive(s, (struct paxos_message){.type = PAXOS_PREPARE_REQ, .from = PEER});
    receive(s, promise_to(s, PEER));
    assert_true(sent(s, PAXOS_ACCEPT_SYNC, PEER)->session > session);
    end(s);
}

static void a_piece_of_another_pull_is_not_taken(void **state)
{
    struct subject *s = start(3, NULL);
    elect(s);
    struct paxos_message promise = promise_to(s, PEER);
    promise.acc_round = ballot(1, PEER);
    promise.accepted = 5;
    promise.sync = PAXOS_SYNC_SUFFIX;
    receive_entries(s, promise, 2, 8);
    struct paxos_message suffix = {
        .type = PAXOS_SUFFIX, .from = PEER, .n = promise.n, .psid = promise.psid + 1, .first = 2};
    receive_entries(s, suffix, 3, 8);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_PREPARE);
    suffix.psid--;
    suffix.from = OTHER;
    receive_entries(s, suffix, 3, 8);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_PREPARE);
    suffix.from = PEER;
    suffix.n.n--;
    receive_entries(s, suffix, 3, 8);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_PREPARE);
    end(s);
}

/* A sync that begins below what this leader has decided is not its follower's answer to it. */
static void an_impossible_promise_is_not_adopted(void **state)
{
    struct subject *s = start_with(ballot(4, ME), ballot(4, ME), 0, 2, 4);
    elect(s);
    for (uint64_t first = 1; first <= 3; first += 2) {
        struct paxos_message promise = promise_to(s, PEER);
        promise.acc_round = ballot(4, OTHER);
        promise.accepted = 6;
        promise.sync = PAXOS_SYNC_SUFFIX;
        promise.first = first;
        receive_entries(s, promise, (uint32_t)(6 - first), 8);
        assert_int_equal(status_of(s).phase, PAXOS_PHASE_PREPARE);
        assert_int_equal(status_of(s).accepted, 4);
        receive(s, (struct paxos_message){.type = PAXOS_PREPARE_REQ, .from = PEER});
    }
    end(s);
}

static void an_acknowledgement_of_another_ballot_confirms_nothing(void **state)
{
    struct subject *s = leader();
    step(s, (struct paxos_event){.type = PAXOS_READ, .read = 1});
    struct paxos_message ack = {.type = PAXOS_READ_ACK,
                                .from = PEER,
                                .n = status_of(s).promise,
                                .read = sent(s, PAXOS_READ_PROBE, PEER)->read};
    ack.n.n--;
    receive(s, ack);
    assert_int_equal(s->reads_ready, 0);
    ack.n.n++;
    receive(s, ack);
    assert_int_equal(s->reads_ready, 1);
    end(s);
}

/* ---- as a follower ---- */

/* A sync that was given up is not finished by its last piece. */
static void a_piece_after_a_gap_is_not_taken(void **state)
{
    struct subject *s = start_with(ballot(4, OTHER), ballot(4, OTHER), 0, 1, 4);
    prepare(s, ballot(5, PEER), 1);
    receive_entries(s, accept_sync(ballot(5, PEER), 1, 1, 6), 2, 8);
    step(s, (struct paxos_event){.type = PAXOS_LINK_UP, .pid = PEER});
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_RECOVER);
    struct paxos_message suffix = {
        .type = PAXOS_SUFFIX, .from = PEER, .n = ballot(5, PEER), .psid = 1, .first = 3};
    receive_entries(s, suffix, 3, 8);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_RECOVER);
    assert_int_equal(status_of(s).accepted, 4);
    end(s);
}

/* The zero ballot of the first day belongs to no node. */
static void the_zero_ballot_leads_nobody(void **state)
{
    struct subject *s = start(3, NULL);
    prepare(s, ballot(0, PEER), 1);
    assert_int_equal(s->sent_count, 0);
    assert_true(same(status_of(s).promise, ballot(0, 0)));
    end(s);
}

static void a_repeated_accept_sync_begins_nothing(void **state)
{
    struct subject *s = follower(2);
    receive_entries(s, in_session(PAXOS_ACCEPT_DECIDE, ballot(5, PEER), 2, 2, 0), 1, 8);
    receive_entries(s, accept_sync(ballot(5, PEER), 1, 0, 2), 2, 8);
    assert_int_equal(status_of(s).accepted, 3);
    receive_entries(s, in_session(PAXOS_ACCEPT_DECIDE, ballot(5, PEER), 3, 3, 0), 1, 8);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    assert_int_equal(status_of(s).accepted, 4);
    end(s);
}

static void a_message_is_taken_once(void **state)
{
    struct subject *s = follower(2);
    struct paxos_message entries = in_session(PAXOS_ACCEPT_DECIDE, ballot(5, PEER), 2, 2, 1);
    receive_entries(s, entries, 1, 8);
    receive_entries(s, entries, 1, 8);
    assert_int_equal(status_of(s).accepted, 3);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    receive(s, in_session(PAXOS_DECIDE, ballot(5, PEER), 3, 0, 2));
    assert_int_equal(s->decided, 2);
    end(s);
}

static void a_session_of_before_is_over(void **state)
{
    struct subject *s = follower(2);
    prepare(s, ballot(5, PEER), 2);
    receive(s, accept_sync(ballot(5, PEER), 2, 2, 2)); /* session 2 */
    receive_entries(s, in_session(PAXOS_ACCEPT_DECIDE, ballot(5, PEER), 2, 2, 2), 1, 8);
    assert_int_equal(status_of(s).accepted, 2);
    assert_int_equal(s->decided, 0);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    end(s);
}

static void entries_of_another_index_are_not_taken(void **state)
{
    for (uint64_t first = 1; first <= 3; first += 2) {
        struct subject *s = follower(2);
        receive_entries(s, in_session(PAXOS_ACCEPT_DECIDE, ballot(5, PEER), 2, first, 0), 1, 8);
        assert_int_equal(status_of(s).accepted, 2);
        assert_int_equal(status_of(s).phase, PAXOS_PHASE_RECOVER);
        end(s);
    }
}

static void entries_are_taken_in_accept_only(void **state)
{
    struct subject *s = follower(2);
    receive(s, in_session(PAXOS_DECIDE, ballot(5, PEER), 9, 0, 0)); /* a gap: recover */
    receive_entries(s, in_session(PAXOS_ACCEPT_DECIDE, ballot(5, PEER), 2, 2, 0), 1, 8);
    assert_int_equal(status_of(s).accepted, 2);
    prepare(s, ballot(5, PEER), 2);
    forget(s);
    receive_entries(s, in_session(PAXOS_ACCEPT_DECIDE, ballot(5, PEER), 2, 2, 0), 1, 8);
    assert_int_equal(status_of(s).accepted, 2);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_PREPARE);
    end(s);
}

/* The log is cut while writes are under way: their entries are no longer part of this log, and
 * must not be applied. */
static void a_write_under_way_brings_what_was_replaced(void **state)
{
    struct subject *s = start_with(ballot(3, OTHER), ballot(3, OTHER), 0, 1, 1);
    s->slow_disk = true;
    prepare(s, ballot(4, OTHER), 1);
    receive_entries(s, accept_sync(ballot(4, OTHER), 1, 1, 4), 3, 8);
    uint64_t replaced = s->ticket;
    prepare(s, ballot(5, PEER), 1);
    struct paxos_message sync = accept_sync(ballot(5, PEER), 1, 1, 4);
    sync.decided = 4;
    receive_entries(s, sync, 3, 8);
    step(s, (struct paxos_event){.type = PAXOS_DURABLE, .ticket = replaced});
    assert_int_equal(s->decided, 1);
    disk_done(s);
    assert_int_equal(s->decided, 4);
    end(s);
}

/* ---- the election ---- */

static void a_late_reply_replaces_no_newer_one(void **state)
{
    struct subject *s = start(3, NULL);
    tick(s);
    tick(s);
    heartbeat_reply(s, PEER, 2, false);
    heartbeat_reply(s, PEER, 1, true);
    tick(s);
    assert_int_equal(status_of(s).role, PAXOS_LEADER);
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_acceptance_of_another_ballot_does_not_count),
        cmocka_unit_test(a_promise_of_another_ballot_does_not_count),
        cmocka_unit_test(a_refusal_ends_the_session),
        cmocka_unit_test(each_sync_begins_a_session),
        cmocka_unit_test(a_piece_of_another_pull_is_not_taken),
        cmocka_unit_test(an_impossible_promise_is_not_adopted),
        cmocka_unit_test(an_acknowledgement_of_another_ballot_confirms_nothing),
        cmocka_unit_test(a_piece_after_a_gap_is_not_taken),
        cmocka_unit_test(the_zero_ballot_leads_nobody),
        cmocka_unit_test(a_repeated_accept_sync_begins_nothing),
        cmocka_unit_test(a_message_is_taken_once),
        cmocka_unit_test(a_session_of_before_is_over),
        cmocka_unit_test(entries_of_another_index_are_not_taken),
        cmocka_unit_test(entries_are_taken_in_accept_only),
        cmocka_unit_test(a_write_under_way_brings_what_was_replaced),
        cmocka_unit_test(a_late_reply_replaces_no_newer_one),
    };
    return cmocka_run_group_tests_name("paxos_stale", tests, NULL, NULL);
}
