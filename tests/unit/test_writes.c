/* Commands of a node on their way: their proposals, their stamps, and the answers to their
 * callers. */
#include "replica_parts.h"

#include <stdlib.h>

enum { NEVER = -1 };

/* The outcome of a command. */
struct answer {
    int outcome; /* NEVER: nothing yet */
    uint64_t revision;
};

static void answered(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
    struct answer *a = arg;
    assert_int_equal(a->outcome, NEVER);
    assert_true(!result == (outcome != REPLICA_DONE));
    *a = (struct answer){outcome, result ? result->revision : 0};
}

static struct command put(const char *key)
{
    struct command command = {0};
    struct op op = make_put(key, "value");
    assert_int_equal(command_add(&command, &op), 0);
    return command;
}

static void submit(struct parts *p, const char *key, struct answer *answer)
{
    struct command command = put(key);
    *answer = (struct answer){NEVER, 0};
    replica_submit(&p->r, &command, answered, answer);
}

static void submit_by(struct parts *p, const char *key, uint64_t deadline_ms, struct answer *answer)
{
    struct command command = put(key);
    *answer = (struct answer){NEVER, 0};
    replica_submit_by(&p->r, &command, deadline_ms, answered, answer);
}

static void complete(struct parts *p, uint64_t sequence)
{
    struct command_result result = {.revision = 1000 + sequence, .count = 1};
    writes_complete(&p->r, sequence, &result);
}

static void refuse_the_rest(struct parts *p)
{
    writes_expire(&p->r, UINT64_MAX);
}

static void stamps_count_and_tell_what_still_waits(void **state)
{
    struct parts *p = parts_new();
    struct answer a[5];
    p->r.status.life = 2;
    for (int i = 0; i < 3; i++)
        submit(p, "k", &a[i]);
    complete(p, 2);
    submit(p, "k", &a[3]);
    complete(p, 1);
    submit(p, "k", &a[4]);
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 3);
    const uint64_t sequences[] = {3, 4, 5}, lowest[] = {1, 1, 3};
    for (size_t i = 0; i < 3; i++) {
        struct stamp stamp = parts_stamp(p, i);
        assert_int_equal(stamp.node, PARTS_ME);
        assert_int_equal(stamp.incarnation,
                         (UINT64_C(2) << REPLICA_LIFE_SHIFT) + PARTS_INCARNATION);
        assert_int_equal(stamp.sequence, sequences[i]);
        assert_int_equal(stamp.lowest, lowest[i]);
    }
    refuse_the_rest(p);
    parts_free(p);
}

static void a_result_answers_its_command(void **state)
{
    enum { COUNT = WRITE_BUCKETS + 2 };
    struct parts *p = parts_new();
    struct answer *a = calloc(COUNT + 1, sizeof *a);
    for (uint64_t sequence = 1; sequence <= COUNT; sequence++)
        submit(p, "k", &a[sequence]);
    complete(p, WRITE_BUCKETS + 1); /* in one bucket with the first */
    assert_int_equal(a[WRITE_BUCKETS + 1].outcome, REPLICA_DONE);
    assert_int_equal(a[WRITE_BUCKETS + 1].revision, 1000 + WRITE_BUCKETS + 1);
    assert_int_equal(a[1].outcome, NEVER);
    complete(p, WRITE_BUCKETS + 1); /* no caller waits for it any more */
    assert_int_equal(a[1].outcome, NEVER);
    complete(p, 1);
    assert_int_equal(a[1].revision, 1001);
    refuse_the_rest(p);
    assert_int_equal(a[2].outcome, REPLICA_NO_QUORUM);
    free(a);
    parts_free(p);
}

static void only_what_is_new_is_proposed(void **state)
{
    struct parts *p = parts_new();
    struct answer a[5];
    submit(p, "k", &a[0]);
    submit(p, "k", &a[1]);
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 2);
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 2);
    for (int i = 2; i < 5; i++)
        submit(p, "k", &a[i]);
    p->r.status.has_leader = false;
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 2);
    p->r.status.has_leader = true;
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(parts_stamp(p, i).sequence, i + 1);
    refuse_the_rest(p);
    parts_free(p);
}

/* More than go into one event. */
static void many_are_proposed_in_order(void **state)
{
    enum { COUNT = 600 };
    struct parts *p = parts_new();
    struct answer a[COUNT];
    for (int i = 0; i < COUNT; i++)
        submit(p, "k", &a[i]);
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, COUNT);
    for (int i = 0; i < COUNT; i++)
        complete(p, (uint64_t)i + 1);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(a[i].outcome, REPLICA_DONE);
    parts_free(p);
}

static void assert_proposed_again(struct parts *p, size_t first, uint64_t sequence)
{
    struct stamp once = parts_stamp(p, first), again = parts_stamp(p, p->proposed_count - 1);
    assert_int_equal(again.sequence, sequence);
    assert_int_equal(again.sequence, once.sequence);
    assert_int_equal(again.lowest, once.lowest);
    assert_int_equal(again.time, once.time);
}

/* The stamp is that of the first proposal, so that it takes effect once. */
static void a_lost_proposal_is_repeated_as_it_was(void **state)
{
    struct parts *p = parts_new();
    struct answer a;
    bool repeated;
    submit(p, "k", &a);
    writes_propose(&p->r);
    uint64_t now = replica_now_ms();
    writes_expire(&p->r, now);
    assert_int_equal(p->proposed_count, 1);
    writes_expire(&p->r, now + WRITE_REPEAT_MS + 1);
    assert_int_equal(p->proposed_count, 2);
    writes_expire(&p->r, now + 2 * WRITE_REPEAT_MS + 2); /* the next time after twice as long */
    assert_int_equal(p->proposed_count, 2);
    writes_expire(&p->r, now + 3 * WRITE_REPEAT_MS + 3);
    assert_int_equal(p->proposed_count, 3);
    assert_proposed_again(p, 0, 1);

    p->r.status.promise.n++; /* another leader is told at once */
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 4);
    assert_proposed_again(p, 0, 1);
    for (size_t i = 0; i < 4; i++) {
        struct command_result result = parts_apply(p, i, &repeated);
        assert_int_equal(repeated, i > 0);
        command_result_free(&result);
    }
    complete(p, 1);
    parts_free(p);
}

/* "Refused" says that nothing has happened: not after the core was told. */
static void a_proposed_command_is_never_refused(void **state)
{
    struct parts *p = parts_new();
    struct answer a[3];
    submit(p, "k", &a[0]);
    writes_propose(&p->r);
    submit(p, "k", &a[1]);
    writes_refuse_unproposed(&p->r, REPLICA_NO_QUORUM);
    assert_int_equal(a[0].outcome, NEVER);
    assert_int_equal(a[1].outcome, REPLICA_NO_QUORUM);
    p->r.status.has_leader = false;
    submit(p, "k", &a[2]);
    writes_expire(&p->r, replica_now_ms());
    assert_int_equal(a[0].outcome, NEVER);
    writes_expire(&p->r, replica_now_ms() + p->config.request_timeout_ms + 1);
    assert_int_equal(a[0].outcome, REPLICA_TIMEOUT);
    assert_int_equal(a[2].outcome, REPLICA_NO_QUORUM);
    assert_int_equal(p->r.counts.unknown, 1);
    p->r.digests.doubt = true;
    submit(p, "k", &a[2]);
    assert_int_equal(a[2].outcome, REPLICA_NO_QUORUM);
    p->r.digests.doubt = false;
    p->r.status.has_quorum = false;
    submit(p, "k", &a[0]);
    assert_int_equal(a[0].outcome, REPLICA_NO_QUORUM);
    p->r.end.stopping = true;
    submit(p, "k", &a[0]);
    assert_int_equal(a[0].outcome, REPLICA_STOPPING);
    parts_free(p);
}

/* It is not proposed meanwhile, so it can be refused afterwards. */
static void a_command_waits_a_moment_for_a_quorum(void **state)
{
    struct parts *p = parts_new();
    struct answer a[3];
    quorum_begin(&p->r);
    p->r.status.has_quorum = false;
    submit(p, "k", &a[0]);
    writes_propose(&p->r); /* the node leads, and nobody follows it */
    assert_int_equal(p->proposed_count, 0);
    assert_false(writes_may_propose(&p->r));
    quorum_beat(&p->r);
    quorum_refuse(&p->r);
    assert_int_equal(a[0].outcome, NEVER);
    p->r.status.has_quorum = true;
    assert_true(writes_may_propose(&p->r));
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 1);
    p->r.status.has_quorum = false;
    submit(p, "k", &a[1]);
    for (int beat = 1; beat < QUORUM_PAUSE_BEATS; beat++)
        quorum_beat(&p->r);
    quorum_refuse(&p->r);
    assert_int_equal(a[0].outcome, NEVER);
    assert_int_equal(a[1].outcome, REPLICA_NO_QUORUM);
    submit(p, "k", &a[2]); /* the moment is over for all */
    assert_int_equal(a[2].outcome, REPLICA_NO_QUORUM);
    refuse_the_rest(p);
    parts_free(p);
}

/* Nobody waits for a quorum in doubt, or while the node stops. */
static void there_are_moments_to_refuse_at_once(void **state)
{
    struct parts *p = parts_new();
    struct answer a[2];
    quorum_begin(&p->r);
    p->r.status.has_quorum = false;
    p->r.digests.doubt = true;
    submit(p, "k", &a[0]);
    assert_int_equal(a[0].outcome, REPLICA_NO_QUORUM);
    p->r.digests.doubt = false;
    submit(p, "k", &a[0]);
    assert_int_equal(a[0].outcome, NEVER);
    p->r.end.stopping = true;
    quorum_refuse(&p->r);
    assert_int_equal(a[0].outcome, REPLICA_NO_QUORUM);
    submit(p, "k", &a[1]);
    assert_int_equal(a[1].outcome, REPLICA_STOPPING);
    parts_free(p);
}

/* A stamp has the node's life, which a node that is no member may still change. */
static void a_node_that_joins_gives_no_stamps(void **state)
{
    struct parts *p = parts_new();
    struct answer a[3];
    uint64_t now = replica_now_ms();
    quorum_begin(&p->r);
    p->r.status.has_quorum = false;
    p->r.status.standing = PAXOS_JOINING;
    submit(p, "k", &a[0]);
    submit_by(p, "k", now, &a[1]);
    held_release(&p->r, now);
    assert_int_equal(a[0].outcome, NEVER);
    assert_int_equal(a[1].outcome, REPLICA_NO_QUORUM); /* it has no more time to wait */
    assert_int_equal(p->r.writes.count, 0);
    p->r.status.standing = PAXOS_MEMBER;
    p->r.status.has_quorum = true;
    p->r.status.life = 3;
    held_release(&p->r, now);
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 1);
    assert_int_equal(parts_stamp(p, 0).incarnation,
                     (UINT64_C(3) << REPLICA_LIFE_SHIFT) + PARTS_INCARNATION);
    refuse_the_rest(p);
    p->r.status.has_quorum = false;
    p->r.status.standing = PAXOS_FRESH;
    submit(p, "k", &a[2]);
    p->r.quorum.beats_left = 0;
    held_release(&p->r, now);
    assert_int_equal(a[2].outcome, REPLICA_NO_QUORUM);
    assert_int_equal(p->r.held.bytes, 0);
    parts_free(p);
}

/* One that came later may have less time; those before and behind it wait on. */
static void each_command_has_its_own_deadline(void **state)
{
    struct parts *p = parts_new();
    struct answer a[4];
    uint64_t now = replica_now_ms();
    submit(p, "k", &a[0]);
    submit_by(p, "k", now + 500, &a[1]);
    submit(p, "k", &a[2]);
    writes_propose(&p->r);
    p->r.status.has_leader = false;
    submit_by(p, "k", now + 500, &a[3]);
    writes_expire(&p->r, now + 499);
    assert_int_equal(a[1].outcome, NEVER);
    writes_expire(&p->r, now + 500);
    assert_int_equal(a[1].outcome, REPLICA_TIMEOUT);
    assert_int_equal(a[3].outcome, REPLICA_NO_QUORUM); /* the core was not told of it */
    complete(p, 1);
    complete(p, 3);
    assert_int_equal(a[0].outcome, REPLICA_DONE);
    assert_int_equal(a[2].outcome, REPLICA_DONE);
    parts_free(p);
}

static void past_its_deadline_a_command_is_not_proposed(void **state)
{
    struct parts *p = parts_new();
    struct answer a;
    submit_by(p, "k", replica_now_ms(), &a);
    assert_int_equal(a.outcome, REPLICA_TIMEOUT);
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 0);
    parts_free(p);
}

/* The tree keeps results from the oldest command that waits on, answered or not; their number is
 * limited. */
static void the_span_of_what_waits_is_bounded(void **state)
{
    struct parts *p = parts_new();
    struct answer *a = calloc(REPLICA_PENDING_MAX + 2, sizeof *a);
    for (uint64_t sequence = 1; sequence <= REPLICA_PENDING_MAX; sequence++)
        submit(p, "k", &a[sequence]);
    struct answer *next = &a[REPLICA_PENDING_MAX + 1];
    submit(p, "k", next);
    assert_int_equal(next->outcome, REPLICA_BUSY);
    for (uint64_t sequence = 2; sequence <= REPLICA_PENDING_MAX; sequence++)
        complete(p, sequence);
    submit(p, "k", next);
    assert_int_equal(next->outcome, REPLICA_BUSY);
    complete(p, 1);
    submit(p, "k", next);
    assert_int_equal(next->outcome, NEVER);
    complete(p, REPLICA_PENDING_MAX + 1);
    assert_int_equal(next->outcome, REPLICA_DONE);
    free(a);
    parts_free(p);
}

static void the_bytes_of_what_waits_are_bounded(void **state)
{
    struct parts *p = parts_new();
    struct answer a;
    submit(p, "k", &a);
    p->r.writes.bytes += REPLICA_PENDING_BYTES_MAX;
    struct answer refused;
    submit(p, "k", &refused);
    assert_int_equal(refused.outcome, REPLICA_BUSY);
    p->r.writes.bytes -= REPLICA_PENDING_BYTES_MAX;
    complete(p, 1);
    parts_free(p);
}

/* A snapshot has taken the place of some of their entries. */
static void large_commands_are_proposed_in_several_rounds(void **state)
{
    enum { COUNT = 5 };
    struct parts *p = parts_new();
    struct answer a[COUNT];
    char *value = calloc(1, PROPOSE_BYTES_MAX);
    memset(value, 'v', PROPOSE_BYTES_MAX - 1);
    for (int i = 0; i < COUNT; i++) {
        struct command command = {0};
        struct op op = make_put("k", i < 3 ? value : "small");
        assert_int_equal(command_add(&command, &op), 0);
        a[i] = (struct answer){NEVER, 0};
        replica_submit(&p->r, &command, answered, &a[i]);
    }
    const size_t proposed[] = {1, 2, 3, 5};
    for (int i = 0; i < 4; i++) {
        writes_propose(&p->r);
        assert_int_equal(p->proposed_count, proposed[i]);
        assert_int_equal(writes_may_propose(&p->r), i < 3);
    }
    parts_forget(p);
    p->r.status.promise.n++; /* so is everything to another leader, in the same order */
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 1);
    writes_propose(&p->r);
    p->r.status.promise.n++; /* which is not the last one */
    parts_forget(p);
    while (writes_propose(&p->r), writes_may_propose(&p->r))
        ;
    assert_int_equal(p->proposed_count, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(parts_stamp(p, i).sequence, i + 1);
    free(value);
    refuse_the_rest(p);
    parts_free(p);
}

static void commands_that_a_snapshot_contains_are_answered(void **state)
{
    struct parts *p = parts_new();
    struct answer a[3];
    bool repeated;
    for (int i = 0; i < 3; i++)
        submit(p, i == 0 ? "first" : "other", &a[i]);
    writes_propose(&p->r);
    struct command_result result = parts_apply(p, 1, &repeated);
    uint64_t revision = result.revision;
    command_result_free(&result);
    writes_recall(&p->r);
    assert_int_equal(a[0].outcome, NEVER);
    assert_int_equal(a[1].outcome, REPLICA_DONE);
    assert_int_equal(a[1].revision, revision);
    assert_int_equal(a[2].outcome, NEVER);
    refuse_the_rest(p);
    parts_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamps_count_and_tell_what_still_waits),
        cmocka_unit_test(a_result_answers_its_command),
        cmocka_unit_test(only_what_is_new_is_proposed),
        cmocka_unit_test(many_are_proposed_in_order),
        cmocka_unit_test(a_lost_proposal_is_repeated_as_it_was),
        cmocka_unit_test(a_proposed_command_is_never_refused),
        cmocka_unit_test(a_command_waits_a_moment_for_a_quorum),
        cmocka_unit_test(there_are_moments_to_refuse_at_once),
        cmocka_unit_test(a_node_that_joins_gives_no_stamps),
        cmocka_unit_test(each_command_has_its_own_deadline),
        cmocka_unit_test(past_its_deadline_a_command_is_not_proposed),
        cmocka_unit_test(the_span_of_what_waits_is_bounded),
        cmocka_unit_test(the_bytes_of_what_waits_are_bounded),
        cmocka_unit_test(large_commands_are_proposed_in_several_rounds),
        cmocka_unit_test(commands_that_a_snapshot_contains_are_answered),
    };
    return cmocka_run_group_tests_name("writes", tests, NULL, NULL);
}
