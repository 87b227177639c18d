/* One core at a time: lost messages come again, dead peers are not waited for, and snapshots
 * arrive in between. */
#include "paxos_subject.h"

enum { RESEND = 2, GIVE_UP = 8 }; /* ticks */

static void ticks(struct subject *s, int count)
{
    for (int i = 0; i < count; i++)
        tick(s);
}

/* ---- lost messages ---- */

static void a_restarted_node_asks_until_prepared(void **state)
{
    struct subject *s = start_with(ballot(4, PEER), ballot(4, PEER), 0, 0, 1);
    for (int i = 0; i < 3; i++) {
        forget(s);
        ticks(s, RESEND);
        assert_int_equal(count_sent(s, PAXOS_PREPARE_REQ, PEER), 1);
        assert_int_equal(count_sent(s, PAXOS_PREPARE_REQ, OTHER), 1);
    }
    prepare(s, ballot(4, PEER), 1);
    forget(s);
    ticks(s, RESEND);
    assert_int_equal(count_sent(s, PAXOS_PREPARE_REQ, 0), 0);
    assert_int_equal(count_sent(s, PAXOS_PROMISE, PEER), 1);
    end(s);
}

static void a_prepare_without_answer_is_repeated(void **state)
{
    struct subject *s = leader();
    forget(s);
    ticks(s, RESEND);
    assert_int_equal(count_sent(s, PAXOS_PREPARE, OTHER), 1);
    assert_int_equal(count_sent(s, PAXOS_PREPARE, PEER), 0);
    assert_int_equal(count_sent(s, PAXOS_LEADER_BEAT, PEER), RESEND);
    end(s);
}

/* Nothing else would tell the leader when no entry follows. */
static void a_beat_is_answered_with_what_was_accepted(void **state)
{
    struct subject *s = follower(2);
    receive(s, in_session(PAXOS_LEADER_BEAT, ballot(5, PEER), 1, 0, 1));
    assert_int_equal(sent(s, PAXOS_ACCEPTED, PEER)->accepted, 2);
    assert_int_equal(s->decided, 1); /* and the leader's decided entries are there as well */
    end(s);
}

/* Elected, and OTHER has promised two of five entries of a better log. */
static struct subject *pulling(void)
{
    struct subject *s = start(3, NULL);
    elect(s);
    struct paxos_message promise = promise_to(s, OTHER);
    promise.acc_round = ballot(1, PEER);
    promise.accepted = 5;
    promise.sync = PAXOS_SYNC_SUFFIX;
    receive_entries(s, promise, 2, 8);
    assert_int_equal(sent(s, PAXOS_SUFFIX_REQ, OTHER)->first, 2);
    forget(s);
    return s;
}

static void a_lost_piece_is_asked_for_again(void **state)
{
    struct subject *s = pulling();
    ticks(s, RESEND);
    assert_int_equal(sent(s, PAXOS_SUFFIX_REQ, OTHER)->first, 2);
    end(s);
}

/* Each time after twice as long: on a slow link the answers would be all that it carries. */
static void a_slow_piece_is_asked_for_ever_more_rarely(void **state)
{
    struct subject *s = pulling();
    ticks(s, GIVE_UP - 1);
    assert_int_equal(count_sent(s, PAXOS_SUFFIX_REQ, OTHER), 2);
    end(s);
}

/* That a piece was lost does not mean that the next one is slow. */
static void a_piece_after_a_lost_one_is_asked_for_as_soon(void **state)
{
    struct subject *s = pulling();
    ticks(s, RESEND);
    receive_entries(s,
                    (struct paxos_message){.type = PAXOS_SUFFIX,
                                           .from = OTHER,
                                           .n = status_of(s).promise,
                                           .psid = sent(s, PAXOS_SUFFIX_REQ, OTHER)->psid,
                                           .first = 2},
                    1, 8);
    forget(s);
    ticks(s, RESEND);
    assert_int_equal(sent(s, PAXOS_SUFFIX_REQ, OTHER)->first, 3);
    end(s);
}

static void a_dead_holder_of_the_best_log_is_given_up(void **state)
{
    struct subject *s = pulling();
    ticks(s, GIVE_UP);
    receive(s, promise_to(s, PEER));
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    assert_int_equal(status_of(s).accepted, 0);
    end(s);
}

/* The answer is late: the follower may only ask again as long as the leader lives. */
static void a_slow_leader_is_not_given_up_while_it_lives(void **state)
{
    struct subject *s = start(3, NULL);
    prepare(s, ballot(5, PEER), 1);
    receive_entries(s, accept_sync(ballot(5, PEER), 1, 0, 5), 2, 8);
    for (int i = 0; i < 2 * GIVE_UP; i++) {
        tick(s);
        heartbeat_reply(s, PEER, sent(s, PAXOS_HEARTBEAT_REQUEST, PEER)->round, true);
    }
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_PREPARE);
    ticks(s, GIVE_UP);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_RECOVER);
    end(s);
}

/* The answer to a follower's read is lost: it asks again, and must be answered again. */
static void a_lost_read_index_is_sent_again(void **state)
{
    struct subject *s = leader();
    for (size_t i = 1; i <= 2; i++) {
        receive(s, (struct paxos_message){.type = PAXOS_READ_REQUEST, .from = PEER, .read = 50});
        assert_int_equal(count_sent(s, PAXOS_READ_PROBE, PEER), i);
        receive(s, (struct paxos_message){.type = PAXOS_READ_ACK,
                                          .from = PEER,
                                          .n = status_of(s).promise,
                                          .read = sent(s, PAXOS_READ_PROBE, PEER)->read});
        assert_int_equal(count_sent(s, PAXOS_READ_INDEX, PEER), i);
        assert_int_equal(sent(s, PAXOS_READ_INDEX, PEER)->read, 50);
    }
    end(s);
}

static void a_lost_read_request_or_probe_is_sent_again(void **state)
{
    struct subject *s = follower(1);
    step(s, (struct paxos_event){.type = PAXOS_READ, .read = 10});
    forget(s);
    ticks(s, RESEND);
    assert_int_equal(sent(s, PAXOS_READ_REQUEST, PEER)->read, 10);
    end(s);

    s = leader();
    step(s, (struct paxos_event){.type = PAXOS_READ, .read = 10});
    uint64_t probe = sent(s, PAXOS_READ_PROBE, PEER)->read;
    forget(s);
    ticks(s, RESEND);
    assert_int_equal(sent(s, PAXOS_READ_PROBE, PEER)->read, probe);
    end(s);
}

static void a_leader_with_nothing_to_say_is_silent(void **state)
{
    struct subject *s = leader();
    propose(s, 2, 8);
    accepted(s, PEER, 2);
    tick(s);
    assert_int_equal(sent(s, PAXOS_LEADER_BEAT, PEER)->decided, 2);
    forget(s);
    collect(s);
    assert_int_equal(s->sent_count, 0);
    end(s);

    s = follower(2);
    collect(s);
    assert_int_equal(s->sent_count, 0);
    end(s);

    s = pulling();
    collect(s);
    assert_int_equal(s->sent_count, 0);
    end(s);
}

/* ---- snapshots in between ---- */

/* Its entries may have been decided above this leader, against its log: only a new ballot can
 * tell. */
static void a_leader_that_a_snapshot_carried_prepares_again(void **state)
{
    struct subject *s = leader();
    propose(s, 2, 8);
    struct paxos_ballot before = status_of(s).promise;
    forget(s);
    step(s, (struct paxos_event){.type = PAXOS_SNAPSHOT_INSTALLED, .index = 4});
    assert_int_equal(status_of(s).role, PAXOS_LEADER);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_PREPARE);
    assert_true(paxos_ballot_compare(status_of(s).promise, before) > 0);
    assert_true(paxos_ballot_compare(sent(s, PAXOS_PREPARE, PEER)->n, before) > 0);
    assert_int_equal(sent(s, PAXOS_PREPARE, PEER)->decided, 4);
    accepted(s, PEER, 4);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_PREPARE);
    end(s);
}

/* The same where it has heard of a higher ballot meanwhile: that one will lead. */
static void a_leader_that_a_snapshot_carried_gives_way(void **state)
{
    struct subject *s = leader();
    struct paxos_message reply = {.type = PAXOS_HEARTBEAT_REPLY,
                                  .from = OTHER,
                                  .n = ballot(9, OTHER),
                                  .leader = ballot(9, OTHER),
                                  .happy = true,
                                  .round = sent(s, PAXOS_HEARTBEAT_REQUEST, OTHER)->round};
    receive(s, reply);
    tick(s);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    step(s, (struct paxos_event){.type = PAXOS_SNAPSHOT_INSTALLED, .index = 4});
    assert_int_equal(status_of(s).role, PAXOS_FOLLOWER);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_RECOVER);
    end(s);
}

/* Another peer had a log that is better, and whole. */
static void a_candidate_wants_a_snapshot_until_it_leads(void **state)
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
    promise = promise_to(s, OTHER);
    promise.acc_round = ballot(1, PEER);
    promise.accepted = 10;
    promise.sync = PAXOS_SYNC_SUFFIX;
    receive_entries(s, promise, 10, 8);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    assert_int_equal(s->snapshot_needed, 0);
    end(s);
}

/* A snapshot of nothing new is no reason. */
static void a_snapshot_of_what_is_decided_changes_no_leader(void **state)
{
    struct subject *s = leader();
    propose(s, 2, 8);
    accepted(s, PEER, 2);
    step(s, (struct paxos_event){.type = PAXOS_SNAPSHOT_INSTALLED, .index = 2});
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    end(s);
}

/* Between what was accepted in the session and the snapshot there is a gap. */
static void a_snapshot_beyond_the_log_ends_the_session(void **state)
{
    struct subject *s = follower(2);
    step(s, (struct paxos_event){.type = PAXOS_SNAPSHOT_INSTALLED, .index = 9});
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_RECOVER);
    assert_int_equal(count_sent(s, PAXOS_ACCEPTED, PEER), 0);
    assert_int_equal(count_sent(s, PAXOS_PREPARE_REQ, PEER), 1);
    end(s);
}

static void a_snapshot_is_wanted_until_the_log_is_there(void **state)
{
    struct subject *s = start_with(ballot(4, OTHER), ballot(4, OTHER), 0, 2, 5);
    prepare(s, ballot(5, PEER), 1);
    struct paxos_message sync = accept_sync(ballot(5, PEER), 1, 9, 0);
    sync.sync = PAXOS_SYNC_SNAPSHOT;
    receive(s, sync);
    assert_int_equal(s->snapshot_needed, 9);
    prepare(s, ballot(6, OTHER), 1);
    receive_entries(s, accept_sync(ballot(6, OTHER), 1, 5, 10), 5, 8);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    assert_int_equal(s->snapshot_needed, 0);
    end(s);
}

/* It knows more to be decided than this leader has: a higher ballot did that, and will come. */
static void a_peer_beyond_the_leaders_log_is_left_alone(void **state)
{
    struct subject *s = leader();
    propose(s, 2, 8);
    struct paxos_message promise = promise_to(s, OTHER);
    promise.decided = promise.accepted = 3;
    receive(s, promise);
    assert_int_equal(count_sent(s, PAXOS_ACCEPT_SYNC, OTHER), 0);
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restarted_node_asks_until_prepared),
        cmocka_unit_test(a_prepare_without_answer_is_repeated),
        cmocka_unit_test(a_beat_is_answered_with_what_was_accepted),
        cmocka_unit_test(a_lost_piece_is_asked_for_again),
        cmocka_unit_test(a_slow_piece_is_asked_for_ever_more_rarely),
        cmocka_unit_test(a_piece_after_a_lost_one_is_asked_for_as_soon),
        cmocka_unit_test(a_dead_holder_of_the_best_log_is_given_up),
        cmocka_unit_test(a_slow_leader_is_not_given_up_while_it_lives),
        cmocka_unit_test(a_lost_read_index_is_sent_again),
        cmocka_unit_test(a_lost_read_request_or_probe_is_sent_again),
        cmocka_unit_test(a_leader_with_nothing_to_say_is_silent),
        cmocka_unit_test(a_leader_that_a_snapshot_carried_prepares_again),
        cmocka_unit_test(a_leader_that_a_snapshot_carried_gives_way),
        cmocka_unit_test(a_candidate_wants_a_snapshot_until_it_leads),
        cmocka_unit_test(a_snapshot_of_what_is_decided_changes_no_leader),
        cmocka_unit_test(a_snapshot_beyond_the_log_ends_the_session),
        cmocka_unit_test(a_snapshot_is_wanted_until_the_log_is_there),
        cmocka_unit_test(a_peer_beyond_the_leaders_log_is_left_alone),
    };
    return cmocka_run_group_tests_name("paxos_repair", tests, NULL, NULL);
}
