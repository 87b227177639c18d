/* Reads of a node on their way: which questions they share, and when they are answered. */
#include "replica_parts.h"

#include <stdlib.h>
#include <unistd.h>

enum { NEVER = -1 };

/* The outcome of a read. */
struct answer {
    int outcome; /* NEVER: nothing yet */
    struct replica_freshness freshness;
};

static void answered(void *arg, enum replica_outcome outcome, struct replica_freshness freshness)
{
    struct answer *a = arg;
    assert_int_equal(a->outcome, NEVER);
    *a = (struct answer){outcome, freshness};
}

static void ask(struct parts *p, enum replica_consistency consistency, struct answer *answer)
{
    answer->outcome = NEVER;
    replica_read(&p->r, consistency, answered, answer);
}

static void ask_by(struct parts *p, enum replica_consistency consistency, uint64_t deadline_ms,
                   struct answer *answer)
{
    answer->outcome = NEVER;
    replica_read_by(&p->r, consistency, deadline_ms, answered, answer);
}

/* The answer to the n-th question. */
static void confirm(struct parts *p, size_t n, uint64_t index)
{
    reads_confirm(&p->r, &(struct paxos_output){.reads_ready = p->read_ids[n],
                                                .reads_index = index,
                                                .reads_confirmed = p->read_ids[n]});
}

static void apply_one(struct parts *p)
{
    fixture_must(&p->store, make_put("key", "value"));
}

/* Time passes, by one millisecond at the least. */
static void wait_a_little(void)
{
    uint64_t before = replica_now_ms();
    while (replica_now_ms() < before + 2)
        usleep(500);
}

/* On a busy machine one call may have time for one answer only. */
static void answer_all(struct parts *p)
{
    while (reads_answer(&p->r))
        ;
}

static void reads_of_a_turn_share_a_question(void **state)
{
    struct parts *p = parts_new();
    struct answer a[3];
    ask(p, REPLICA_DEFAULT, &a[0]);
    ask(p, REPLICA_LINEARIZABLE, &a[1]);
    reads_ask(&p->r);
    assert_int_equal(p->read_count, 1);
    ask(p, REPLICA_DEFAULT, &a[2]); /* the question may be under way without it */
    confirm(p, 0, 0);
    answer_all(p);
    assert_int_equal(a[0].outcome, REPLICA_DONE);
    assert_int_equal(a[1].outcome, REPLICA_DONE);
    assert_false(a[1].freshness.stale);
    assert_int_equal(a[2].outcome, NEVER);
    reads_ask(&p->r);
    assert_int_equal(p->read_count, 2);
    assert_true(p->read_ids[1] > p->read_ids[0]);
    confirm(p, 0, 0); /* once more, of the first */
    answer_all(p);
    assert_int_equal(a[2].outcome, NEVER);
    confirm(p, 1, 0);
    answer_all(p);
    assert_int_equal(a[2].outcome, REPLICA_DONE);
    reads_ask(&p->r);
    assert_int_equal(p->read_count, 2);
    parts_free(p);
}

static void answered_slowly(void *arg, enum replica_outcome outcome,
                            struct replica_freshness freshness)
{
    answered(arg, outcome, freshness);
    usleep(ANSWER_MS_MAX * 1000);
}

static void answers_that_take_long_are_given_in_several_turns(void **state)
{
    struct parts *p = parts_new();
    struct answer a[3];
    for (int i = 0; i < 3; i++) {
        a[i] = (struct answer){.outcome = NEVER};
        replica_read(&p->r, REPLICA_DEFAULT, answered_slowly, &a[i]);
    }
    reads_ask(&p->r);
    confirm(p, 0, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(a[i].outcome, NEVER);
        assert_int_equal(reads_answer(&p->r), i < 2);
        assert_int_equal(a[i].outcome, REPLICA_DONE);
    }
    parts_free(p);
}

static void a_read_waits_until_its_index_is_applied(void **state)
{
    struct parts *p = parts_new();
    struct answer a[2];
    ask(p, REPLICA_DEFAULT, &a[0]);
    reads_ask(&p->r);
    ask(p, REPLICA_DEFAULT, &a[1]);
    reads_ask(&p->r);
    answer_all(p);
    assert_int_equal(a[0].outcome, NEVER); /* not confirmed */
    confirm(p, 0, 1);
    confirm(p, 1, 2);
    answer_all(p);
    assert_int_equal(a[0].outcome, NEVER); /* not applied */
    apply_one(p);
    answer_all(p);
    assert_int_equal(a[0].outcome, REPLICA_DONE);
    assert_int_equal(a[1].outcome, NEVER);
    apply_one(p);
    answer_all(p);
    assert_int_equal(a[1].outcome, REPLICA_DONE);
    parts_free(p);
}

/* A repeated confirmation may name a higher index; the index that a read waits for stays. */
static void the_first_index_counts(void **state)
{
    struct parts *p = parts_new();
    struct answer a;
    ask(p, REPLICA_DEFAULT, &a);
    reads_ask(&p->r);
    confirm(p, 0, 0);
    confirm(p, 0, 5);
    answer_all(p);
    assert_int_equal(a.outcome, REPLICA_DONE);
    parts_free(p);
}

static void without_a_quorum_nothing_is_current(void **state)
{
    struct parts *p = parts_new();
    struct answer a[3];
    ask(p, REPLICA_LINEARIZABLE, &a[0]);
    ask(p, REPLICA_CACHED, &a[1]);
    ask(p, REPLICA_LINEARIZABLE, &a[2]);
    reads_ask(&p->r);
    reads_without_quorum(&p->r);
    assert_int_equal(a[0].outcome, REPLICA_NO_QUORUM);
    assert_int_equal(a[1].outcome, REPLICA_DONE);
    assert_true(a[1].freshness.stale);
    assert_int_equal(a[2].outcome, REPLICA_NO_QUORUM);
    p->r.status.has_quorum = false;
    ask(p, REPLICA_DEFAULT, &a[0]);
    assert_int_equal(a[0].outcome, REPLICA_NO_QUORUM);
    ask(p, REPLICA_LOCAL, &a[0]);
    assert_int_equal(a[0].outcome, REPLICA_DONE);
    assert_true(a[0].freshness.stale);
    p->config.stale_on_quorum_loss = true;
    ask(p, REPLICA_DEFAULT, &a[0]);
    assert_int_equal(a[0].outcome, REPLICA_DONE);
    assert_true(a[0].freshness.stale);
    ask(p, REPLICA_LINEARIZABLE, &a[0]);
    assert_int_equal(a[0].outcome, REPLICA_NO_QUORUM);
    parts_free(p);
}

/* A moment later there may be one again; the core is asked when there is. */
static void a_read_waits_a_moment_for_a_quorum(void **state)
{
    struct parts *p = parts_new();
    struct answer a[3];
    quorum_begin(&p->r);
    p->r.status.has_quorum = false;
    p->config.stale_on_quorum_loss = true;
    ask(p, REPLICA_LINEARIZABLE, &a[0]);
    ask(p, REPLICA_DEFAULT, &a[1]);
    reads_ask(&p->r);
    assert_int_equal(p->read_count, 0);
    for (int beat = 1; beat < QUORUM_PAUSE_BEATS; beat++)
        quorum_beat(&p->r);
    quorum_refuse(&p->r);
    assert_int_equal(a[0].outcome, NEVER);
    assert_int_equal(a[1].outcome, NEVER);
    p->r.status.has_quorum = true;
    reads_ask(&p->r);
    assert_int_equal(p->read_count, 1);
    p->r.status.has_quorum = false;
    quorum_beat(&p->r);
    quorum_refuse(&p->r);
    assert_int_equal(a[0].outcome, REPLICA_NO_QUORUM);
    assert_int_equal(a[1].outcome, REPLICA_DONE);
    assert_true(a[1].freshness.stale);
    ask(p, REPLICA_LINEARIZABLE, &a[2]); /* now at once, until there is a quorum */
    assert_int_equal(a[2].outcome, REPLICA_NO_QUORUM);
    parts_free(p);
}

/* Another node has a different tree: not even a fresh confirmation is known to be right. */
static void a_node_in_doubt_answers_nothing(void **state)
{
    struct parts *p = parts_new();
    struct answer a;
    p->config.cache_time_ms = 1000000;
    p->config.stale_on_quorum_loss = true;
    ask(p, REPLICA_LINEARIZABLE, &a);
    reads_ask(&p->r);
    confirm(p, 0, 0);
    answer_all(p);
    p->r.digests.doubt = true;
    const enum replica_consistency asked[] = {REPLICA_DEFAULT, REPLICA_LINEARIZABLE,
                                              REPLICA_CACHED};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        ask(p, asked[i], &a);
        assert_int_equal(a.outcome, REPLICA_NO_QUORUM);
    }
    ask(p, REPLICA_LOCAL, &a);
    assert_int_equal(a.outcome, REPLICA_DONE);
    assert_true(a.freshness.stale);
    parts_free(p);
}

static void a_confirmed_read_outlives_the_quorum(void **state)
{
    struct parts *p = parts_new();
    struct answer a;
    ask(p, REPLICA_LINEARIZABLE, &a);
    reads_ask(&p->r);
    confirm(p, 0, 1);
    reads_without_quorum(&p->r);
    assert_int_equal(a.outcome, NEVER);
    apply_one(p);
    answer_all(p);
    assert_int_equal(a.outcome, REPLICA_DONE);
    parts_free(p);
}

static void an_expired_read_is_no_answer(void **state)
{
    struct parts *p = parts_new();
    struct answer a[2];
    ask(p, REPLICA_LINEARIZABLE, &a[0]);
    ask(p, REPLICA_CACHED, &a[1]);
    reads_expire(&p->r, replica_now_ms());
    assert_int_equal(a[0].outcome, NEVER);
    reads_expire(&p->r, replica_now_ms() + p->config.request_timeout_ms + 1);
    assert_int_equal(a[0].outcome, REPLICA_TIMEOUT);
    assert_int_equal(a[1].outcome, REPLICA_DONE);
    assert_true(a[1].freshness.stale);
    parts_free(p);
}

/* One that came later may have less time. */
static void each_read_has_its_own_deadline(void **state)
{
    struct parts *p = parts_new();
    struct answer a[3];
    uint64_t now = replica_now_ms();
    ask(p, REPLICA_DEFAULT, &a[0]);
    ask_by(p, REPLICA_DEFAULT, now + 1000, &a[1]);
    ask_by(p, REPLICA_DEFAULT, now + 2000, &a[2]);
    reads_ask(&p->r);
    reads_expire(&p->r, now + 999);
    assert_int_equal(a[1].outcome, NEVER);
    reads_expire(&p->r, now + 1000);
    assert_int_equal(a[0].outcome, NEVER);
    assert_int_equal(a[1].outcome, REPLICA_TIMEOUT);
    assert_int_equal(a[2].outcome, NEVER);
    confirm(p, 0, 0);
    answer_all(p);
    assert_int_equal(a[0].outcome, REPLICA_DONE);
    assert_int_equal(a[2].outcome, REPLICA_DONE);
    parts_free(p);
}

static void past_its_deadline_a_read_is_not_asked(void **state)
{
    struct parts *p = parts_new();
    struct answer a[3];
    uint64_t now = replica_now_ms();
    ask_by(p, REPLICA_LINEARIZABLE, now, &a[0]);
    ask_by(p, REPLICA_CACHED, now, &a[1]);
    ask_by(p, REPLICA_LOCAL, now, &a[2]);
    assert_int_equal(a[0].outcome, REPLICA_TIMEOUT);
    assert_int_equal(a[1].outcome, REPLICA_DONE);
    assert_true(a[1].freshness.stale);
    assert_int_equal(a[2].outcome, REPLICA_DONE);
    reads_ask(&p->r);
    assert_int_equal(p->read_count, 0);
    parts_free(p);
}

/* A state is as old as the question that confirmed it. */
static void the_cache_counts_from_the_question(void **state)
{
    struct parts *p = parts_new();
    struct answer a, b;
    p->config.cache_time_ms = 1000000;
    ask(p, REPLICA_DEFAULT, &a); /* never confirmed: not from the cache */
    assert_int_equal(a.outcome, NEVER);
    uint64_t asked_ms = replica_now_ms();
    reads_ask(&p->r);
    confirm(p, 0, 0);
    wait_a_little();
    answer_all(p);
    assert_true(p->r.reads.confirmed_ms <= asked_ms);
    ask(p, REPLICA_DEFAULT, &b);
    assert_int_equal(b.outcome, REPLICA_DONE);
    assert_false(b.freshness.stale);
    ask(p, REPLICA_LINEARIZABLE, &b);
    assert_int_equal(b.outcome, NEVER);
    p->config.cache_time_ms = 1;
    ask(p, REPLICA_CACHED, &a);
    assert_int_equal(a.outcome, NEVER);
    reads_expire(&p->r, UINT64_MAX);
    parts_free(p);
}

/* Only those that the node answered alone; a node without reads wants no lease. */
static void reads_by_a_lease_are_counted(void **state)
{
    struct parts *p = parts_new();
    struct answer a[2];
    ask(p, REPLICA_DEFAULT, &a[0]);
    reads_ask(&p->r);
    assert_true(p->lease_wanted);
    ask(p, REPLICA_DEFAULT, &a[1]);
    reads_ask(&p->r);
    reads_confirm(&p->r, &(struct paxos_output){.reads_ready = p->read_ids[1],
                                                .reads_confirmed = p->read_ids[0]});
    answer_all(p);
    assert_int_equal(a[1].outcome, REPLICA_DONE);
    assert_int_equal(p->r.counts.reads_leased, 1);

    reads_keep_fresh(&p->r, replica_now_ms() + 2 * READ_CONFIRM_MS);
    reads_ask(&p->r);
    assert_int_equal(p->read_count, 3);
    assert_false(p->lease_wanted);
    reads_expire(&p->r, UINT64_MAX);
    parts_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_of_a_turn_share_a_question),
        cmocka_unit_test(answers_that_take_long_are_given_in_several_turns),
        cmocka_unit_test(a_read_waits_until_its_index_is_applied),
        cmocka_unit_test(the_first_index_counts),
        cmocka_unit_test(without_a_quorum_nothing_is_current),
        cmocka_unit_test(a_read_waits_a_moment_for_a_quorum),
        cmocka_unit_test(a_node_in_doubt_answers_nothing),
        cmocka_unit_test(a_confirmed_read_outlives_the_quorum),
        cmocka_unit_test(an_expired_read_is_no_answer),
        cmocka_unit_test(each_read_has_its_own_deadline),
        cmocka_unit_test(past_its_deadline_a_read_is_not_asked),
        cmocka_unit_test(the_cache_counts_from_the_question),
        cmocka_unit_test(reads_by_a_lease_are_counted),
    };
    return cmocka_run_group_tests_name("reads", tests, NULL, NULL);
}
