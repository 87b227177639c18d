/* One core at a time: leading, following, proposals, reads, links, and anything at all from a
 * peer. */
#include "paxos_subject.h"

#include <stdlib.h>

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
    propose(s, 2, 8); /* no leader yet: kept */
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

static void waiting_proposals_are_bounded(void **state)
{
    struct subject *s = start(3, NULL);
    propose(s, 40, 1 << 20);
    prepare(s, ballot(5, PEER), 1);
    assert_in_range(count_sent(s, PAXOS_PROPOSAL_FORWARD, PEER), 10, 16);
    end(s);
}

/* The window: entries that a peer has not accepted are bounded, but one is always allowed. */
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

static void a_link_that_returns_prepares_again(void **state)
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
    assert_int_equal(count_sent(s, PAXOS_PREPARE_REQ, 0), 2); /* a restart asks all peers */
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

/* A follower that asks acknowledges the ballot that it names, for its own reads. */
static void a_follower_vouches_for_its_own_reads(void **state)
{
    struct subject *s = leader();
    propose(s, 2, 8);
    accepted(s, PEER, 2);
    struct paxos_message request = {
        .type = PAXOS_READ_REQUEST, .from = OTHER, .n = status_of(s).promise, .read = 50};
    receive(s, request);
    assert_int_equal(sent(s, PAXOS_READ_INDEX, OTHER)->read, 50);
    assert_int_equal(sent(s, PAXOS_READ_INDEX, OTHER)->decided, 2);
    receive(s, request); /* the answer was lost */
    assert_int_equal(count_sent(s, PAXOS_READ_INDEX, OTHER), 2);
    assert_int_equal(count_sent(s, PAXOS_READ_PROBE, 0), 0);

    step(s, (struct paxos_event){.type = PAXOS_READ, .read = 1}); /* not for the leader's */
    assert_int_equal(s->reads_ready, 0);
    request.n = ballot(status_of(s).promise.n - 1, ME); /* nor of an earlier ballot */
    request.read = 51;
    receive(s, request);
    assert_int_equal(count_sent(s, PAXOS_READ_INDEX, OTHER), 2);
    end(s);
}

static void in_a_large_cluster_vouching_is_not_enough(void **state)
{
    struct subject *s = start(5, NULL);
    tick(s);
    heartbeat_reply(s, PEER, 1, false);
    heartbeat_reply(s, OTHER, 1, false);
    tick(s);
    receive(s, promise_to(s, PEER));
    receive(s, promise_to(s, OTHER));
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    receive(s,
            (struct paxos_message){
                .type = PAXOS_READ_REQUEST, .from = OTHER, .n = status_of(s).promise, .read = 5});
    assert_int_equal(count_sent(s, PAXOS_READ_INDEX, OTHER), 0);
    assert_int_equal(count_sent(s, PAXOS_READ_PROBE, PEER), 1);
    end(s);
}

/* Entries that an earlier leader decided are in the log, but this one must see them decided
 * first. */
static void a_new_leader_holds_reads_back(void **state)
{
    struct subject *s = start_with(ballot(4, ME), ballot(4, ME), 0, 1, 3);
    elect(s);
    receive(s, promise_to(s, PEER));
    step(s, (struct paxos_event){.type = PAXOS_READ, .read = 1});
    receive(s, (struct paxos_message){
                   .type = PAXOS_READ_REQUEST, .from = PEER, .n = status_of(s).promise, .read = 5});
    assert_int_equal(count_sent(s, PAXOS_READ_PROBE, 0), 0);
    assert_int_equal(count_sent(s, PAXOS_READ_INDEX, PEER), 0);
    accepted(s, PEER, 3);
    assert_int_equal(count_sent(s, PAXOS_READ_PROBE, PEER), 1);
    assert_int_equal(sent(s, PAXOS_READ_INDEX, PEER)->decided, 3);
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
        cmocka_unit_test(accepted_counts_the_highest),
        cmocka_unit_test(followers_may_decide_before_the_leaders_disk),
        cmocka_unit_test(a_repeated_reply_counts_once),
        cmocka_unit_test(proposals_wait_for_a_leader),
        cmocka_unit_test(waiting_proposals_are_bounded),
        cmocka_unit_test(a_slow_peer_is_not_flooded),
        cmocka_unit_test(stale_ballots_are_refused),
        cmocka_unit_test(a_link_that_returns_prepares_again),
        cmocka_unit_test(a_link_that_goes_takes_the_quorum_with_it),
        cmocka_unit_test(reads_share_probes),
        cmocka_unit_test(a_follower_vouches_for_its_own_reads),
        cmocka_unit_test(in_a_large_cluster_vouching_is_not_enough),
        cmocka_unit_test(a_new_leader_holds_reads_back),
        cmocka_unit_test(a_followers_read_finds_the_next_leader),
        cmocka_unit_test(nothing_a_peer_says_breaks_a_node),
    };
    return cmocka_run_group_tests_name("paxos", tests, NULL, NULL);
}
