/* One core at a time: how logs are brought in line, and the traps on the way. */
#include "paxos_subject.h"

#include <stdlib.h>

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

/* A sync that would cut decided entries, or begins beyond the log, is not believed. */
static void an_impossible_sync_is_dropped(void **state)
{
    const uint64_t firsts[] = {1, 2, 5, 9};
    for (size_t i = 0; i < 4; i++) {
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

/* Later entries would be a gap to a peer that still pulls the beginning. */
static void nothing_is_shipped_into_an_unfinished_sync(void **state)
{
    struct subject *s = start(3, NULL);
    elect(s);
    struct paxos_message promise = promise_to(s, PEER);
    promise.acc_round = ballot(1, PEER);
    promise.accepted = 2;
    promise.sync = PAXOS_SYNC_SUFFIX;
    receive_entries(s, promise, 2, PAXOS_MESSAGE_BYTES_MAX / 4 * 3);
    receive(s, promise_to(s, OTHER));
    assert_int_equal(sent(s, PAXOS_ACCEPT_SYNC, OTHER)->entry_count, 1);
    propose(s, 1, 8);
    assert_int_equal(count_sent(s, PAXOS_ACCEPT_DECIDE, OTHER), 0);
    receive(s,
            (struct paxos_message){
                .type = PAXOS_ACCEPTED, .from = OTHER, .n = status_of(s).promise, .accepted = 2});
    assert_int_equal(sent(s, PAXOS_ACCEPT_DECIDE, OTHER)->first, 2);
    end(s);
}

/* PEER's log is on its way here. OTHER's is longer, but trimmed: a snapshot would be needed that
 * no node in reach may have, and two of three will do. */
static void a_quorum_does_without_a_snapshot(void **state)
{
    struct subject *s = start(3, NULL);
    elect(s);
    struct paxos_message promise = promise_to(s, PEER);
    promise.acc_round = ballot(1, PEER);
    promise.accepted = 5;
    promise.sync = PAXOS_SYNC_SUFFIX;
    receive_entries(s, promise, 2, 8);
    struct paxos_message trimmed = promise_to(s, OTHER);
    trimmed.acc_round = ballot(1, PEER);
    trimmed.decided = 4;
    trimmed.accepted = 9;
    trimmed.sync = PAXOS_SYNC_SNAPSHOT;
    trimmed.first = 3;
    receive(s, trimmed);
    assert_int_equal(s->snapshot_needed, 0);
    receive_entries(
        s,
        (struct paxos_message){
            .type = PAXOS_SUFFIX, .from = PEER, .n = promise.n, .psid = promise.psid, .first = 2},
        3, 8);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    assert_int_equal(sent(s, PAXOS_ACCEPT_SYNC, OTHER)->first, 5);
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

/* Trap 9: a peer that lacks trimmed entries is synchronised by a snapshot. */
static void a_peer_below_the_trimmed_log_needs_a_snapshot(void **state)
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

/* The one entry that it has not been sent is gone. */
static void a_peer_whose_next_entry_is_trimmed_needs_a_snapshot(void **state)
{
    struct subject *s = leader();
    receive(s, promise_to(s, OTHER));
    propose(s, 1, PAXOS_WINDOW_BYTES_MAX); /* fills the windows of both */
    propose(s, 1, 8);
    assert_int_equal(count_sent(s, PAXOS_ACCEPT_DECIDE, OTHER), 1);
    accepted(s, PEER, 1);
    accepted(s, PEER, 2);
    assert_int_equal(status_of(s).decided, 2);
    forget(s);
    step(s, (struct paxos_event){.type = PAXOS_TRIM, .index = 2});
    assert_int_equal(status_of(s).compacted, 2);
    accepted(s, OTHER, 1); /* its window is open again */
    assert_int_equal(count_sent(s, PAXOS_ACCEPT_DECIDE, OTHER), 0);
    assert_int_equal(count_sent(s, PAXOS_PREPARE, OTHER), 1);
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

/* A pull of an earlier ballot does not hold back the entries that this one has for the peer. */
static void an_unfinished_sync_of_before_is_forgotten(void **state)
{
    enum { LARGE = 200000 };
    static const uint8_t content[LARGE];
    const struct paxos_config config = {.me = ME, .count = 3, .pids = {ME, PEER, OTHER}};
    struct paxos_entry *entries[3];
    for (int i = 0; i < 3; i++)
        entries[i] = paxos_entry_new(content, LARGE);
    struct subject *s = start_as(&config, &(struct paxos_stored){.promise = ballot(1, ME),
                                                                 .acc_round = ballot(1, ME),
                                                                 .entry_count = 3,
                                                                 .entries = entries});
    for (int i = 0; i < 3; i++)
        paxos_entry_unref(entries[i]);
    elect(s);
    receive(s, promise_to(s, PEER));
    const struct paxos_message *sync = sent(s, PAXOS_ACCEPT_SYNC, PEER);
    assert_int_equal(sync->accepted, 3);
    assert_int_equal(sync->entry_count, 1);

    prepare(s, ballot(5, OTHER), 1); /* OTHER leads, with a shorter log */
    receive_entries(s, accept_sync(ballot(5, OTHER), 1, 0, 1), 1, 8);
    assert_int_equal(status_of(s).accepted, 1);
    elect(s);
    receive(s, promise_to(s, PEER));
    forget(s);
    propose(s, 1, 8);
    assert_int_equal(count_sent(s, PAXOS_ACCEPT_DECIDE, PEER), 1);
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decided_never_goes_back),
        cmocka_unit_test(an_impossible_sync_is_dropped),
        cmocka_unit_test(a_late_accept_sync_erases_nothing),
        cmocka_unit_test(a_late_accept_sync_of_an_earlier_life_erases_nothing),
        cmocka_unit_test(a_long_sync_is_one_change),
        cmocka_unit_test(a_long_promise_is_pulled),
        cmocka_unit_test(nothing_is_shipped_into_an_unfinished_sync),
        cmocka_unit_test(a_quorum_does_without_a_snapshot),
        cmocka_unit_test(an_unfinished_sync_of_before_is_forgotten),
        cmocka_unit_test(a_repeated_promise_starts_no_session),
        cmocka_unit_test(a_late_prepare_req_starves_nobody),
        cmocka_unit_test(a_lost_tail_is_noticed),
        cmocka_unit_test(a_peer_below_the_trimmed_log_needs_a_snapshot),
        cmocka_unit_test(a_peer_whose_next_entry_is_trimmed_needs_a_snapshot),
        cmocka_unit_test(a_snapshot_interrupts_a_sync),
        cmocka_unit_test(a_snapshot_keeps_the_tail),
        cmocka_unit_test(a_new_leader_may_need_a_snapshot),
        cmocka_unit_test(decided_of_a_promise_is_not_taken_over),
    };
    return cmocka_run_group_tests_name("paxos_sync", tests, NULL, NULL);
}
