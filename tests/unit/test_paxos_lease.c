/* Leases at one node: holding them, remembering them, and waiting for them. */
#include "paxos_subject.h"

enum { START = 10 * 1000 * 1000, LEASE = 200 * 1000, LONGEST = PAXOS_LEASE_US_MAX };

/* A lease as long as every node but its holder counts it. */
static uint64_t longer(uint64_t time)
{
    return time + time / 8 + 1;
}

static struct subject *start_leased(uint32_t nodes)
{
    struct paxos_config config = {.me = ME,
                                  .count = nodes,
                                  .pids = {ME, PEER, OTHER, 40, 50},
                                  .lease_us = LEASE,
                                  .now = START};
    struct subject *s = start_as(&config, NULL);
    s->now = START;
    return s;
}

static void read_at(struct subject *s, uint64_t now, uint64_t read)
{
    s->now = now;
    step(s, (struct paxos_event){.type = PAXOS_READ, .read = read, .lease = true});
}

/* ---- a holder ---- */

/* Of (5, PEER), with one entry that is decided; it remembers nothing from before its start. */
static struct subject *follower_of_peer(void)
{
    struct subject *s = start_leased(3);
    s->now += 2 * LONGEST;
    prepare(s, ballot(5, PEER), 1);
    struct paxos_message sync = accept_sync(ballot(5, PEER), 1, 0, 1);
    sync.decided = 1;
    receive_entries(s, sync, 1, 8);
    forget(s);
    return s;
}

static void granted(struct subject *s, struct paxos_ballot n, uint64_t read)
{
    receive(s, (struct paxos_message){.type = PAXOS_READ_INDEX,
                                      .from = n.pid,
                                      .n = n,
                                      .read = read,
                                      .decided = 1,
                                      .lease = LEASE});
}

/* It has asked with read 1 at s->now, and was answered some time later. */
static struct subject *holder(void)
{
    struct subject *s = follower_of_peer();
    uint64_t asked = s->now;
    read_at(s, asked, 1);
    assert_int_equal(sent(s, PAXOS_READ_REQUEST, PEER)->lease, LEASE);
    s->now += LEASE / 2;
    granted(s, ballot(5, PEER), 1);
    s->now = asked;
    forget(s);
    return s;
}

static void a_holder_answers_alone_for_so_long_after_it_asked(void **state)
{
    struct subject *s = holder();
    uint64_t asked = s->now;
    read_at(s, asked + LEASE - 1, 2);
    assert_int_equal(s->reads_ready, 2);
    assert_int_equal(s->reads_index, 1);
    assert_int_equal(s->reads_confirmed, 1);
    assert_int_equal(s->sent_count, 0);
    read_at(s, asked + LEASE, 3);
    assert_int_equal(s->reads_ready, 2);
    assert_int_equal(count_sent(s, PAXOS_READ_REQUEST, PEER), 1);
    end(s);
}

/* The answer may be to the first question. */
static void a_repeated_question_counts_from_the_first(void **state)
{
    struct subject *s = follower_of_peer();
    uint64_t asked = s->now;
    read_at(s, asked, 1);
    s->now += LEASE / 2;
    tick(s);
    tick(s);
    assert_int_equal(count_sent(s, PAXOS_READ_REQUEST, PEER), 2);
    granted(s, ballot(5, PEER), 1);
    read_at(s, asked + LEASE, 2);
    assert_int_equal(s->reads_ready, 1);
    end(s);
}

static void an_answer_to_another_question_brings_no_lease(void **state)
{
    struct subject *s = follower_of_peer();
    read_at(s, s->now, 1);
    read_at(s, s->now + LEASE / 2, 2);
    tick(s);
    tick(s);
    assert_int_equal(sent(s, PAXOS_READ_REQUEST, PEER)->read, 2);
    granted(s, ballot(5, PEER), 1);
    assert_int_equal(s->reads_ready, 1);
    granted(s, ballot(5, PEER), 2);
    read_at(s, s->now, 3);
    assert_int_equal(s->reads_ready, 3);
    end(s);
}

static void reads_that_nobody_follows_ask_for_none(void **state)
{
    struct subject *s = follower_of_peer();
    step(s, (struct paxos_event){.type = PAXOS_READ, .read = 1});
    assert_int_equal(sent(s, PAXOS_READ_REQUEST, PEER)->lease, 0);
    end(s);
}

static void a_lease_ends_with_its_ballot(void **state)
{
    struct subject *s = holder();
    prepare(s, ballot(6, OTHER), 1);
    receive(s, accept_sync(ballot(6, OTHER), 1, 1, 1));
    read_at(s, s->now, 2);
    assert_int_equal(s->reads_ready, 1);
    assert_int_equal(sent(s, PAXOS_READ_REQUEST, OTHER)->read, 2);
    end(s);
}

static void a_lease_is_no_use_while_out_of_line(void **state)
{
    struct subject *s = holder();
    step(s, (struct paxos_event){.type = PAXOS_LINK_UP, .pid = PEER});
    read_at(s, s->now, 2);
    assert_int_equal(s->reads_ready, 1);
    end(s);
}

/* The leader may have decided the entry that this node has accepted. */
static void an_accepted_entry_that_is_not_decided_has_to_be_asked_for(void **state)
{
    struct subject *s = holder();
    receive_entries(s, in_session(PAXOS_ACCEPT_DECIDE, ballot(5, PEER), 2, 1, 1), 1, 8);
    read_at(s, s->now, 2);
    assert_int_equal(s->reads_ready, 1);
    assert_int_equal(count_sent(s, PAXOS_READ_REQUEST, PEER), 1);
    receive(s, in_session(PAXOS_DECIDE, ballot(5, PEER), 3, 0, 2));
    assert_int_equal(s->reads_ready, 2);
    assert_int_equal(s->reads_index, 2);
    end(s);
}

/* ---- who vouches ---- */

static uint32_t left_when_promising(struct subject *s, uint64_t n)
{
    prepare(s, ballot(n, OTHER), 1);
    return sent(s, PAXOS_PROMISE, OTHER)->lease;
}

static void a_word_is_remembered_until_the_promise(void **state)
{
    struct subject *s = follower_of_peer();
    receive(s, (struct paxos_message){.type = PAXOS_READ_PROBE,
                                      .from = PEER,
                                      .n = ballot(5, PEER),
                                      .read = 1,
                                      .lease = LEASE});
    assert_int_equal(sent(s, PAXOS_READ_ACK, PEER)->lease, LEASE);
    s->now += LEASE / 2;
    assert_int_equal(left_when_promising(s, 6), longer(LEASE) - LEASE / 2);
    s->now += LEASE;
    assert_int_equal(left_when_promising(s, 7), 0);
    end(s);
}

static void a_restart_forgets_what_it_vouched_for(void **state)
{
    struct subject *s = start_leased(3);
    assert_int_equal(left_when_promising(s, 5), longer(LONGEST));
    s->now += longer(LONGEST) - 1;
    assert_int_equal(left_when_promising(s, 6), 1);
    s->now++;
    assert_int_equal(left_when_promising(s, 7), 0);
    end(s);
}

static void a_node_that_takes_part_no_longer_forgets_it_as_well(void **state)
{
    struct paxos_config config = {
        .me = ME, .count = 3, .pids = {ME, PEER, OTHER}, .leased_before = true, .now = START};
    struct subject *s = start_as(&config, NULL);
    s->now = START;
    assert_int_equal(left_when_promising(s, 5), longer(LONGEST));
    end(s);
}

static void a_node_that_takes_no_part_vouches_for_nothing(void **state)
{
    struct subject *s = follower(1);
    receive(s, (struct paxos_message){.type = PAXOS_READ_PROBE,
                                      .from = PEER,
                                      .n = ballot(5, PEER),
                                      .read = 1,
                                      .lease = LEASE});
    assert_int_equal(sent(s, PAXOS_READ_ACK, PEER)->lease, 0);
    assert_int_equal(left_when_promising(s, 6), 0);
    end(s);
}

/* ---- the leader ---- */

/* Leads three nodes, all in line, long after it started. */
static struct subject *leased_leader(void)
{
    struct subject *s = start_leased(3);
    s->now += 2 * LONGEST;
    lead_all(s);
    return s;
}

/* The lease that it grants to OTHER. */
static uint32_t grant(struct subject *s, uint64_t read)
{
    receive(s, (struct paxos_message){.type = PAXOS_READ_REQUEST,
                                      .from = OTHER,
                                      .n = status_of(s).promise,
                                      .read = read,
                                      .lease = LEASE});
    return sent(s, PAXOS_READ_INDEX, OTHER)->lease;
}

static void a_decision_waits_for_the_holder(void **state)
{
    struct subject *s = leased_leader();
    assert_int_equal(grant(s, 1), LEASE);
    propose(s, 2, 8);
    accepted(s, PEER, 2);
    assert_int_equal(s->decided, 0);
    accepted(s, OTHER, 1);
    assert_int_equal(s->decided, 1);
    accepted(s, OTHER, 2);
    assert_int_equal(s->decided, 2);
    assert_int_equal(s->wake_at, 0);
    end(s);
}

static void a_decision_waits_until_the_lease_has_run_out(void **state)
{
    struct subject *s = leased_leader();
    uint64_t until = s->now + longer(LEASE);
    assert_int_equal(grant(s, 1), LEASE);
    propose(s, 1, 8);
    accepted(s, PEER, 1);
    assert_int_equal(s->wake_at, until);
    pass(s, until - 1);
    assert_int_equal(s->decided, 0);
    pass(s, until);
    assert_int_equal(s->decided, 1);
    end(s);
}

static void a_node_that_is_behind_gets_no_lease(void **state)
{
    struct subject *s = leased_leader();
    propose(s, 1, 8);
    accepted(s, PEER, 1);
    assert_int_equal(s->decided, 1);
    assert_int_equal(grant(s, 1), 0);
    accepted(s, OTHER, 1);
    assert_int_equal(grant(s, 2), LEASE);
    end(s);
}

static void a_node_that_is_waited_for_gets_no_lease_for_a_while(void **state)
{
    struct subject *s = leased_leader();
    assert_int_equal(grant(s, 1), LEASE);
    propose(s, 1, 8);
    accepted(s, PEER, 1);
    assert_int_equal(grant(s, 2), LEASE); /* a moment is nothing */
    s->now += 50 * 1000 - 1;
    assert_int_equal(grant(s, 3), LEASE);
    s->now++;
    assert_int_equal(grant(s, 3), 0);
    accepted(s, OTHER, 1);
    assert_int_equal(s->decided, 1);
    uint64_t caught_up = s->now;
    s->now = caught_up + 5000 * 1000 - 1;
    assert_int_equal(grant(s, 4), 0);
    s->now++;
    assert_int_equal(grant(s, 5), LEASE);
    end(s);
}

static void no_lease_is_longer_than_the_leader_wants(void **state)
{
    struct subject *s = leased_leader();
    receive(s, (struct paxos_message){.type = PAXOS_READ_REQUEST,
                                      .from = OTHER,
                                      .n = status_of(s).promise,
                                      .read = 1,
                                      .lease = LONGEST});
    assert_int_equal(sent(s, PAXOS_READ_INDEX, OTHER)->lease, LEASE);
    end(s);
}

static void a_leader_remembers_its_grants_when_it_promises(void **state)
{
    struct subject *s = leased_leader();
    assert_int_equal(grant(s, 1), LEASE);
    s->now += LEASE / 2;
    assert_int_equal(left_when_promising(s, status_of(s).promise.n + 1), longer(LEASE) - LEASE / 2);
    end(s);
}

static void acknowledge(struct subject *s, uint32_t lease)
{
    receive(s, (struct paxos_message){.type = PAXOS_READ_ACK,
                                      .from = PEER,
                                      .n = status_of(s).promise,
                                      .read = sent(s, PAXOS_READ_PROBE, PEER)->read,
                                      .lease = lease});
}

static void a_leaders_own_lease_counts_from_its_probe(void **state)
{
    struct subject *s = leased_leader();
    uint64_t probed = s->now;
    read_at(s, probed, 1);
    assert_int_equal(sent(s, PAXOS_READ_PROBE, PEER)->lease, LEASE);
    s->now += LEASE / 2;
    acknowledge(s, LEASE);
    assert_int_equal(s->reads_ready, 1);
    forget(s);
    read_at(s, probed + LEASE - 1, 2);
    assert_int_equal(s->reads_ready, 2);
    assert_int_equal(s->sent_count, 0);
    read_at(s, probed + LEASE, 3);
    assert_int_equal(s->reads_ready, 2);
    end(s);
}

static void a_confirmation_alone_is_no_lease(void **state)
{
    struct subject *s = leased_leader();
    read_at(s, s->now, 1);
    acknowledge(s, 0);
    assert_int_equal(s->reads_ready, 1);
    read_at(s, s->now, 2);
    assert_int_equal(s->reads_ready, 1);
    end(s);
}

/* ---- a new leader ---- */

/* With one entry of its own that PEER has accepted, too. */
static void has_quorum_for_one(struct subject *s)
{
    propose(s, 1, 8);
    accepted(s, PEER, 1);
}

static void a_new_leader_waits_for_what_was_vouched_for(void **state)
{
    struct subject *s = start_leased(3);
    s->now += 2 * LONGEST;
    elect(s);
    struct paxos_message promise = promise_to(s, PEER);
    promise.lease = LEASE;
    receive(s, promise);
    has_quorum_for_one(s);
    uint64_t until = s->now + longer(LEASE);
    assert_int_equal(s->decided, 0);
    assert_int_equal(s->wake_at, until);
    pass(s, until - 1);
    assert_int_equal(s->decided, 0);
    pass(s, until);
    assert_int_equal(s->decided, 1);

    promise = promise_to(s, OTHER); /* late: it adds nothing */
    promise.lease = LEASE;
    receive(s, promise);
    propose(s, 1, 8);
    accepted(s, PEER, 2);
    assert_int_equal(s->decided, 2);
    end(s);
}

static void a_new_leader_keeps_its_own_word(void **state)
{
    struct subject *s = start_leased(3);
    elect(s);
    receive(s, promise_to(s, PEER));
    has_quorum_for_one(s);
    assert_int_equal(s->decided, 0);
    assert_int_equal(s->wake_at, START + longer(LONGEST));
    pass(s, s->wake_at);
    assert_int_equal(s->decided, 1);
    end(s);
}

static void a_single_node_waits_for_nothing(void **state)
{
    struct subject *s = start_leased(1);
    tick(s);
    tick(s);
    propose(s, 1, 8);
    assert_int_equal(s->decided, 1);
    read_at(s, s->now, 1);
    assert_int_equal(s->reads_ready, 1);
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_holder_answers_alone_for_so_long_after_it_asked),
        cmocka_unit_test(a_repeated_question_counts_from_the_first),
        cmocka_unit_test(an_answer_to_another_question_brings_no_lease),
        cmocka_unit_test(reads_that_nobody_follows_ask_for_none),
        cmocka_unit_test(a_lease_ends_with_its_ballot),
        cmocka_unit_test(a_lease_is_no_use_while_out_of_line),
        cmocka_unit_test(an_accepted_entry_that_is_not_decided_has_to_be_asked_for),
        cmocka_unit_test(a_word_is_remembered_until_the_promise),
        cmocka_unit_test(a_restart_forgets_what_it_vouched_for),
        cmocka_unit_test(a_node_that_takes_part_no_longer_forgets_it_as_well),
        cmocka_unit_test(a_node_that_takes_no_part_vouches_for_nothing),
        cmocka_unit_test(a_decision_waits_for_the_holder),
        cmocka_unit_test(a_decision_waits_until_the_lease_has_run_out),
        cmocka_unit_test(a_node_that_is_behind_gets_no_lease),
        cmocka_unit_test(a_node_that_is_waited_for_gets_no_lease_for_a_while),
        cmocka_unit_test(no_lease_is_longer_than_the_leader_wants),
        cmocka_unit_test(a_leader_remembers_its_grants_when_it_promises),
        cmocka_unit_test(a_leaders_own_lease_counts_from_its_probe),
        cmocka_unit_test(a_confirmation_alone_is_no_lease),
        cmocka_unit_test(a_new_leader_waits_for_what_was_vouched_for),
        cmocka_unit_test(a_new_leader_keeps_its_own_word),
        cmocka_unit_test(a_single_node_waits_for_nothing),
    };
    return cmocka_run_group_tests_name("paxos_lease", tests, NULL, NULL);
}
