/* One core at a time: peers whose logs cannot be right, as doc/protocol.md says under "Logs that do
 * not fit". */
#include "paxos_subject.h"

#include <stdlib.h>

static enum paxos_misfit misfit_of(const struct subject *s, uint32_t pid)
{
    struct paxos_status status = status_of(s);
    for (uint32_t i = 0; i < status.peer_count; i++)
        if (status.peers[i].pid == pid)
            return status.peers[i].misfit;
    fail_msg("no node %u", pid);
    return PAXOS_FITS;
}

/* PEER asks to be prepared again, and answers that it has so much of this ballot. */
static void promise_again(struct subject *s, uint64_t entries, enum paxos_standing standing)
{
    receive(s, (struct paxos_message){.type = PAXOS_PREPARE_REQ, .from = PEER});
    struct paxos_message promise = promise_to(s, PEER);
    promise.acc_round = status_of(s).promise;
    promise.accepted = entries;
    promise.standing = (uint8_t)standing;
    promise.lives[0] = standing == PAXOS_JOINING;
    if (standing == PAXOS_JOINING)
        promise.acc_round = (struct paxos_ballot){0};
    receive(s, promise);
}

/* Leads three nodes; PEER has acknowledged four of five entries. */
static struct subject *acknowledged(void)
{
    struct subject *s = start(3, NULL);
    lead_all(s);
    propose(s, 5, 8);
    accepted(s, PEER, 4);
    assert_int_equal(s->decided, 4);
    forget(s);
    return s;
}

static void a_peer_that_has_what_it_acknowledged_fits(void **state)
{
    struct subject *s = acknowledged();
    promise_again(s, 4, PAXOS_MEMBER);
    assert_int_equal(misfit_of(s, PEER), PAXOS_FITS);
    assert_int_equal(sent(s, PAXOS_ACCEPT_SYNC, PEER)->first, 4);
    promise_again(s, 5, PAXOS_MEMBER);
    assert_int_equal(misfit_of(s, PEER), PAXOS_FITS);
    assert_int_equal(status_of(s).misfits, 0);
    end(s);
}

static void a_peer_that_has_forgotten_is_named_and_does_not_count(void **state)
{
    struct subject *s = acknowledged();
    promise_again(s, 3, PAXOS_MEMBER);
    struct paxos_status status = status_of(s);
    assert_int_equal(status.peers[0].pid, PEER);
    assert_int_equal(status.peers[0].misfit, PAXOS_FORGOT);
    assert_int_equal(status.peers[0].theirs, 3);
    assert_int_equal(status.peers[0].mine, 4);
    assert_int_equal(status.misfits, 1);
    assert_int_equal(count_sent(s, PAXOS_ACCEPT_SYNC, PEER), 0);
    accepted(s, PEER, 5); /* perhaps one that was under way */
    assert_int_equal(s->decided, 4);
    accepted(s, OTHER, 5);
    assert_int_equal(s->decided, 5);
    end(s);
}

/* The same number of entries, but not accepted in this ballot. */
static void a_peer_that_has_forgotten_the_round_is_named(void **state)
{
    struct subject *s = acknowledged();
    receive(s, (struct paxos_message){.type = PAXOS_PREPARE_REQ, .from = PEER});
    struct paxos_message promise = promise_to(s, PEER);
    promise.acc_round = ballot(status_of(s).promise.n - 1, OTHER);
    promise.accepted = 4;
    receive(s, promise);
    assert_int_equal(misfit_of(s, PEER), PAXOS_FORGOT);
    end(s);
}

/* Its promise of a later ballot does not count either. */
static void it_elects_nobody(void **state)
{
    struct subject *s = acknowledged();
    promise_again(s, 3, PAXOS_MEMBER);
    struct paxos_ballot before = status_of(s).promise;
    step(s, (struct paxos_event){.type = PAXOS_SNAPSHOT_INSTALLED, .index = 9}); /* leads again */
    assert_true(status_of(s).promise.n > before.n);
    forget(s);
    tick(s);
    tick(s);
    struct paxos_message promise = promise_to(s, PEER);
    promise.accepted = promise.decided = 3;
    receive(s, promise);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_PREPARE);
    assert_int_equal(misfit_of(s, PEER), PAXOS_FORGOT);
    receive(s, promise_to(s, OTHER));
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    end(s);
}

/* OTHER is gone: the leader knows that it has no quorum any more. */
static void it_makes_no_quorum(void **state)
{
    struct subject *s = acknowledged();
    heartbeat_reply(s, PEER, 2, false);
    assert_true(status_of(s).has_quorum);
    promise_again(s, 3, PAXOS_MEMBER);
    assert_false(status_of(s).has_quorum);
    assert_false(status_of(s).reaches_quorum);
    end(s);
}

/* It may have forgotten as well that it promised a later leader. */
static void it_confirms_no_read(void **state)
{
    struct subject *s = acknowledged();
    promise_again(s, 3, PAXOS_MEMBER);
    step(s, (struct paxos_event){.type = PAXOS_READ, .read = 1});
    struct paxos_message ack = {.type = PAXOS_READ_ACK,
                                .from = PEER,
                                .n = status_of(s).promise,
                                .read = sent(s, PAXOS_READ_PROBE, PEER)->read};
    receive(s, ack);
    assert_int_equal(s->reads_ready, 0);
    ack.from = OTHER;
    receive(s, ack);
    assert_int_equal(s->reads_ready, 1);
    end(s);
}

/* Its folder was emptied: that it has forgotten everything is known, and it joins. */
static void a_joining_peer_may_have_forgotten(void **state)
{
    struct subject *s = acknowledged();
    promise_again(s, 3, PAXOS_MEMBER);
    forget(s);
    promise_again(s, 0, PAXOS_JOINING);
    assert_int_equal(misfit_of(s, PEER), PAXOS_FITS);
    assert_int_equal(sent(s, PAXOS_ACCEPT_SYNC, PEER)->entry_count, 5);
    accepted(s, PEER, 5);
    assert_int_equal(s->decided, 5);
    end(s);
}

/* Nobody accepts in a ballot before its owner leads: I have led, and forgotten it. */
static void a_ballot_that_was_used_is_noticed(void **state)
{
    struct subject *s = start(3, NULL);
    elect(s);
    struct paxos_message promise = promise_to(s, PEER);
    promise.acc_round = promise.n;
    promise.accepted = 7;
    receive(s, promise);
    assert_int_equal(misfit_of(s, PEER), PAXOS_LED_BEFORE);
    assert_int_equal(status_of(s).peers[0].theirs, 7);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_PREPARE);
    end(s);
}

static void a_peer_that_knows_more_is_named(void **state)
{
    struct subject *s = leader();
    propose(s, 2, 8);
    struct paxos_message promise = promise_to(s, OTHER);
    promise.decided = promise.accepted = 3;
    receive(s, promise);
    struct paxos_status status = status_of(s);
    assert_int_equal(status.peers[1].pid, OTHER);
    assert_int_equal(status.peers[1].misfit, PAXOS_BEYOND_MINE);
    assert_int_equal(status.peers[1].theirs, 3);
    assert_int_equal(status.peers[1].mine, 2);
    receive(s, (struct paxos_message){.type = PAXOS_NOT_ACCEPTED,
                                      .from = OTHER,
                                      .n = ballot(status.promise.n + 1, OTHER)});
    assert_int_equal(misfit_of(s, OTHER), PAXOS_FITS); /* it follows another leader */
    end(s);
}

static void a_leader_that_knows_less_is_named(void **state)
{
    struct subject *s = start_with(ballot(4, OTHER), ballot(4, OTHER), 0, 4, 4);
    struct paxos_message prepare = {
        .type = PAXOS_PREPARE, .from = PEER, .n = ballot(5, PEER), .psid = 1, .accepted = 3};
    receive(s, prepare);
    struct paxos_status status = status_of(s);
    assert_int_equal(status.peers[0].misfit, PAXOS_BELOW_MINE);
    assert_int_equal(status.peers[0].theirs, 3);
    assert_int_equal(status.peers[0].mine, 4);
    receive_entries(s, accept_sync(ballot(5, PEER), 1, 4, 5), 1, 8);
    assert_int_equal(misfit_of(s, PEER), PAXOS_FITS); /* it has taken over this log */
    end(s);
}

static void a_leader_whose_log_reaches_as_far_fits(void **state)
{
    struct subject *s = start_with(ballot(4, OTHER), ballot(4, OTHER), 0, 4, 4);
    struct paxos_message prepare = {
        .type = PAXOS_PREPARE, .from = PEER, .n = ballot(5, PEER), .psid = 1, .accepted = 4};
    receive(s, prepare);
    assert_int_equal(misfit_of(s, PEER), PAXOS_FITS);
    end(s);
}

/* One may be late, of before a restart. */
static void syncs_that_never_fit_are_named(void **state)
{
    struct subject *s = follower(4);
    receive(s, in_session(PAXOS_DECIDE, ballot(5, PEER), 2, 0, 3));
    for (uint64_t psid = 2; psid <= 4; psid++) {
        assert_int_equal(misfit_of(s, PEER), PAXOS_FITS);
        prepare(s, ballot(5, PEER), psid);
        receive_entries(s, accept_sync(ballot(5, PEER), psid, 9, 10), 1, 8);
    }
    assert_int_equal(status_of(s).misfits, 3);
    assert_int_equal(misfit_of(s, PEER), PAXOS_UNFIT);
    assert_int_equal(status_of(s).peers[0].theirs, 9);
    assert_int_equal(status_of(s).peers[0].mine, 4);
    prepare(s, ballot(5, PEER), 5);
    receive_entries(s, accept_sync(ballot(5, PEER), 5, 4, 5), 1, 8);
    assert_int_equal(misfit_of(s, PEER), PAXOS_FITS);
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_that_has_what_it_acknowledged_fits),
        cmocka_unit_test(a_peer_that_has_forgotten_is_named_and_does_not_count),
        cmocka_unit_test(a_peer_that_has_forgotten_the_round_is_named),
        cmocka_unit_test(it_elects_nobody),
        cmocka_unit_test(it_makes_no_quorum),
        cmocka_unit_test(it_confirms_no_read),
        cmocka_unit_test(a_joining_peer_may_have_forgotten),
        cmocka_unit_test(a_ballot_that_was_used_is_noticed),
        cmocka_unit_test(a_peer_that_knows_more_is_named),
        cmocka_unit_test(a_leader_that_knows_less_is_named),
        cmocka_unit_test(a_leader_whose_log_reaches_as_far_fits),
        cmocka_unit_test(syncs_that_never_fit_are_named),
    };
    return cmocka_run_group_tests_name("paxos_misfit", tests, NULL, NULL);
}
