/* When a leader tells its followers what is decided: with entries, at once to those that wait for
 * it, and otherwise after a while. */
#include "paxos_subject.h"

enum { START = 1000 * 1000, TELL = 5000, LEASE = 200 * 1000 };

/* Leads three nodes, all in line. */
static struct subject *telling_leader(uint32_t lease_us)
{
    struct paxos_config config = {.me = ME,
                                  .count = 3,
                                  .pids = {ME, PEER, OTHER},
                                  .lease_us = lease_us,
                                  .tell_us = TELL,
                                  .now = START};
    struct subject *s = start_as(&config, NULL);
    s->now = START + 4 * PAXOS_LEASE_US_MAX;
    lead_all(s);
    return s;
}

/* One more entry, which PEER accepts. */
static void decide_one(struct subject *s)
{
    uint64_t decided = s->decided;
    propose(s, 1, 8);
    forget(s);
    accepted(s, PEER, decided + 1);
    assert_int_equal(s->decided, decided + 1);
}

static void forward(struct subject *s, uint32_t from)
{
    receive_entries(s, (struct paxos_message){.type = PAXOS_PROPOSAL_FORWARD, .from = from}, 1, 8);
}

static void followers_are_not_told_at_once(void **state)
{
    struct subject *s = telling_leader(0);
    decide_one(s);
    assert_int_equal(s->sent_count, 0);
    assert_int_equal(s->wake_at, s->now + TELL);
    end(s);
}

/* The while begins with the first that they were not told. */
static void all_followers_are_told_after_a_while(void **state)
{
    struct subject *s = telling_leader(0);
    propose(s, 2, 8);
    forget(s);
    accepted(s, PEER, 1);
    pass(s, s->now + TELL / 2);
    accepted(s, PEER, 2);
    assert_int_equal(s->wake_at, s->now + TELL / 2);
    pass(s, s->now + TELL / 2 - 1);
    assert_int_equal(s->sent_count, 0);
    pass(s, s->now + 1);
    assert_int_equal(sent(s, PAXOS_DECIDE, PEER)->decided, 2);
    assert_int_equal(sent(s, PAXOS_DECIDE, OTHER)->decided, 2);
    assert_int_equal(s->wake_at, 0);
    end(s);
}

static void a_decision_goes_with_the_next_entries(void **state)
{
    struct subject *s = telling_leader(0);
    decide_one(s);
    propose(s, 1, 8);
    assert_int_equal(sent(s, PAXOS_ACCEPT_DECIDE, OTHER)->decided, 1);
    assert_int_equal(count_sent(s, PAXOS_DECIDE, 0), 0);
    assert_int_equal(s->wake_at, 0);
    end(s);
}

static void the_proposer_is_told_at_once(void **state)
{
    struct subject *s = telling_leader(0);
    forward(s, OTHER);
    accepted(s, PEER, 1);
    assert_int_equal(sent(s, PAXOS_DECIDE, OTHER)->decided, 1);
    assert_int_equal(count_sent(s, PAXOS_DECIDE, PEER), 0);
    forget(s);
    decide_one(s); /* it is none of theirs */
    assert_int_equal(s->sent_count, 0);
    end(s);
}

static void a_reader_is_told_at_once(void **state)
{
    struct subject *s = telling_leader(0);
    decide_one(s);
    receive(s,
            (struct paxos_message){
                .type = PAXOS_READ_REQUEST, .from = OTHER, .n = status_of(s).promise, .read = 1});
    assert_int_equal(sent(s, PAXOS_READ_INDEX, OTHER)->decided, 1);
    assert_int_equal(sent(s, PAXOS_DECIDE, OTHER)->decided, 1);
    assert_int_equal(count_sent(s, PAXOS_DECIDE, PEER), 0);
    end(s);
}

static void a_lease_holder_is_told_at_once(void **state)
{
    struct subject *s = telling_leader(LEASE);
    receive(s, (struct paxos_message){.type = PAXOS_READ_REQUEST,
                                      .from = PEER,
                                      .n = status_of(s).promise,
                                      .read = 1,
                                      .lease = LEASE});
    assert_int_equal(sent(s, PAXOS_READ_INDEX, PEER)->lease, LEASE);
    for (int i = 0; i < 2; i++) {
        decide_one(s);
        assert_int_equal(sent(s, PAXOS_DECIDE, PEER)->decided, i + 1);
        assert_int_equal(count_sent(s, PAXOS_DECIDE, OTHER), 0);
    }
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(followers_are_not_told_at_once),
        cmocka_unit_test(all_followers_are_told_after_a_while),
        cmocka_unit_test(a_decision_goes_with_the_next_entries),
        cmocka_unit_test(the_proposer_is_told_at_once),
        cmocka_unit_test(a_reader_is_told_at_once),
        cmocka_unit_test(a_lease_holder_is_told_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
