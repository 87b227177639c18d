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

/* Of `mib` MiB. */
static void submit_large(struct parts *p, size_t mib, struct answer *answer)
{
    struct command command = {0};
    size_t len = mib * 1024 * 1024;
    char *value = calloc(1, len);
    struct op op = {.type = OP_PUT, .name = bytes_of("k", 1), .data = bytes_of(value, len)};
    assert_int_equal(command_add(&command, &op), 0);
    free(value);
    *answer = (struct answer){NEVER, 0};
    replica_submit(&p->r, &command, answered, answer);
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

/* What is on its way is bounded by bytes. The rest follows in order, as there is room again. */
static void large_commands_wait_their_turn(void **state)
{
    enum { COUNT = 12 };
    struct parts *p = parts_new();
    struct answer a[COUNT + 2];
    for (int i = 0; i < COUNT; i++)
        submit_large(p, 1, &a[i]);
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 7); /* each is a little more than 1 MiB */
    assert_false(writes_may_propose(&p->r));
    assert_true(writes_go_on(&p->r));
    submit(p, "small", &a[COUNT]);
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 7); /* nothing overtakes */
    complete(p, 1);
    complete(p, 2);
    assert_true(writes_may_propose(&p->r));
    p->r.status.promise.n++;
    writes_propose(&p->r); /* five again, and two */
    assert_int_equal(p->proposed_count, 14);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(parts_stamp(p, 7 + i).sequence, 3 + i);
    writes_refuse_unproposed(&p->r, REPLICA_NO_QUORUM);
    assert_int_equal(a[9].outcome, REPLICA_NO_QUORUM);
    assert_int_equal(a[COUNT].outcome, REPLICA_NO_QUORUM);
    assert_int_equal(a[8].outcome, NEVER);
    for (uint64_t sequence = 3; sequence <= 9; sequence++)
        complete(p, sequence);
    submit_large(p, WRITE_WINDOW_BYTES / 1024 / 1024, &a[0]); /* alone it always goes */
    submit(p, "small", &a[1]);
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 15);
    refuse_the_rest(p);
    parts_free(p);
}

/* What is on its way holds up the other nodes: it is no more than is decided in half a second. */
static void the_window_follows_the_pace(void **state)
{
    struct parts *p = parts_new();
    struct answer a[16];
    uint64_t sequence = 1;
    for (int i = 0; i < 16; i++)
        submit_large(p, 1, &a[i]);
    for (size_t proposed = 7; proposed > 0; proposed--, sequence++) {
        parts_forget(p);
        writes_propose(&p->r);
        assert_int_equal(p->proposed_count, sequence == 1 ? 7 : 0);
        struct pending_write *w = TAILQ_FIRST(&p->r.writes.by_age);
        w->proposed_ms -= WRITE_SLOW_BEATS * 100 + 1;
        complete(p, sequence);
    }
    assert_int_equal(p->r.writes.window, WRITE_WINDOW_BYTES_MIN);
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 1);
    complete(p, sequence++);
    parts_forget(p);
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 1);
    complete(p, sequence++);
    parts_forget(p);
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 2);
    for (; sequence <= 16; sequence++) {
        writes_propose(&p->r);
        complete(p, sequence);
    }
    assert_int_equal(p->r.writes.window, WRITE_WINDOW_BYTES);
    parts_free(p);
}

/* While others of this node are decided, it is slow, and not lost. */
static void a_command_in_line_is_not_too_late(void **state)
{
    struct parts *p = parts_new();
    struct answer a[10];
    uint64_t timeout = p->config.request_timeout_ms, now = replica_now_ms();
    for (int i = 0; i < 10; i++)
        submit_large(p, 1, &a[i]);
    writes_propose(&p->r);
    p->r.writes.progress_ms = now + timeout;
    p->r.status.has_leader = false; /* this one waits for a leader, and not in line */
    struct answer late;
    submit_by(p, "k", now + 1000, &late);
    writes_propose(&p->r);
    writes_expire(&p->r, now + 1000);
    assert_int_equal(late.outcome, REPLICA_NO_QUORUM);
    p->r.status.has_leader = true;
    p->r.writes.progress_ms = 0;
    complete(p, 1);
    assert_true(p->r.writes.progress_ms >= now);
    p->r.writes.progress_ms = now + timeout - 1; /* when it was decided */
    writes_expire(&p->r, now + timeout + 1000);
    assert_int_equal(a[1].outcome, REPLICA_TIMEOUT); /* it was on its way */
    assert_int_equal(a[8].outcome, NEVER);
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 10);
    TAILQ_FIRST(&p->r.writes.by_age)->deadline_ms = 1;
    refuse_the_rest(p);
    assert_int_equal(a[8].outcome, REPLICA_TIMEOUT);

    for (int i = 0; i < 9; i++)
        submit_large(p, 1, &a[i]);
    writes_propose(&p->r);
    p->r.writes.progress_ms = now; /* and then nothing more */
    writes_expire(&p->r, now + 2 * timeout);
    assert_int_equal(a[8].outcome, REPLICA_NO_QUORUM);
    parts_free(p);
}

/* Its time begins when its turn comes. */
static void a_command_that_was_in_line_has_all_of_its_time(void **state)
{
    struct parts *p = parts_new();
    struct answer a[8], last, leaderless;
    for (int i = 0; i < 8; i++)
        submit_large(p, 1, &a[i]);
    submit_by(p, "k", replica_now_ms() + 1000, &last);
    writes_propose(&p->r);
    complete(p, 1);
    complete(p, 2);
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 9);
    const struct pending_write *w = TAILQ_LAST(&p->r.writes.by_age, pending_writes);
    assert_true(w->deadline_ms + 1000 > replica_now_ms() + p->config.request_timeout_ms);
    submit_by(p, "k", replica_now_ms() + 1000, &leaderless); /* it waited for nothing */
    writes_propose(&p->r);
    w = TAILQ_LAST(&p->r.writes.by_age, pending_writes);
    assert_true(w->deadline_ms <= replica_now_ms() + 1000);
    refuse_the_rest(p);
    parts_free(p);
}

/* Doing slow work twice makes it slower. */
static void what_is_only_slow_is_not_proposed_again(void **state)
{
    struct parts *p = parts_new();
    struct answer a[4];
    for (int i = 0; i < 4; i++)
        submit(p, "k", &a[i]);
    writes_propose(&p->r);
    uint64_t later = replica_now_ms() + WRITE_REPEAT_MS + 1;
    complete(p, 1);
    p->r.writes.progress_ms = later - 10;
    writes_expire(&p->r, later);
    assert_int_equal(p->proposed_count, 4);
    complete(p, 3); /* the second one came before it, and is lost */
    p->r.writes.progress_ms = later - 10;
    writes_expire(&p->r, later);
    assert_int_equal(p->proposed_count, 5);
    assert_int_equal(parts_stamp(p, 4).sequence, 2);
    writes_expire(&p->r, later + WRITE_REPEAT_MS);
    assert_int_equal(p->proposed_count, 6); /* nothing has come through any more */
    assert_int_equal(parts_stamp(p, 5).sequence, 4);
    refuse_the_rest(p);
    parts_free(p);
}

/* What must not be proposed to it has to be dropped before. */
static void the_next_leader_is_told_by_a_turn_only(void **state)
{
    struct parts *p = parts_new();
    struct answer a;
    submit(p, "k", &a);
    writes_propose(&p->r);
    p->r.status.promise.n++;
    writes_expire(&p->r, replica_now_ms() + WRITE_REPEAT_MS + 1);
    assert_int_equal(p->proposed_count, 1);
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 2);
    refuse_the_rest(p);
    parts_free(p);
}

/* What this node has accepted from the new leader is in that one's log. */
static void what_is_in_the_log_is_not_proposed_to_the_next_leader(void **state)
{
    struct parts *p = parts_new();
    struct answer a[3];
    for (int i = 0; i < 3; i++)
        submit(p, "k", &a[i]);
    writes_propose(&p->r);
    for (int later = 0; later < 2; later++) {
        struct paxos_entry *logged[] = {p->proposed[0], p->proposed[2]};
        p->r.paxos = parts_core((struct paxos_ballot){2, 0, PARTS_ME}, logged, 2);
        p->r.status.promise = (struct paxos_ballot){2 + later, 0, PARTS_ME};
        writes_propose(&p->r);
        paxos_free(p->r.paxos);
        p->r.paxos = NULL;
        assert_int_equal(p->proposed_count, later ? 7 : 4); /* that log is of another round */
        assert_int_equal(parts_stamp(p, 3).sequence, 2);
    }
    refuse_the_rest(p);
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
        cmocka_unit_test(large_commands_wait_their_turn),
        cmocka_unit_test(the_window_follows_the_pace),
        cmocka_unit_test(a_command_in_line_is_not_too_late),
        cmocka_unit_test(a_command_that_was_in_line_has_all_of_its_time),
        cmocka_unit_test(what_is_only_slow_is_not_proposed_again),
        cmocka_unit_test(the_next_leader_is_told_by_a_turn_only),
        cmocka_unit_test(what_is_in_the_log_is_not_proposed_to_the_next_leader),
        cmocka_unit_test(a_proposed_command_is_never_refused),
        cmocka_unit_test(a_command_waits_a_moment_for_a_quorum),
        cmocka_unit_test(there_are_moments_to_refuse_at_once),
        cmocka_unit_test(a_node_that_joins_gives_no_stamps),
        cmocka_unit_test(each_command_has_its_own_deadline),
        cmocka_unit_test(past_its_deadline_a_command_is_not_proposed),
        cmocka_unit_test(the_span_of_what_waits_is_bounded),
        cmocka_unit_test(the_bytes_of_what_waits_are_bounded),
        cmocka_unit_test(commands_that_a_snapshot_contains_are_answered),
    };
    return cmocka_run_group_tests_name("writes", tests, NULL, NULL);
}
