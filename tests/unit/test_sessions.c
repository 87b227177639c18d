/* When the session of a node ends, and how long the node believes in it (replica/sessions.c), by a
 * clock of the test's own. */
#include "replica_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum { SESSION_MS = 8000, BELIEVED_MS = 7000, OTHER = 8, THIRD = 9 };

static uint64_t clock_us = 1000000;

/* In place of the C library's, for everything in this program. */
int clock_gettime(clockid_t which, struct timespec *now)
{
    *now = (struct timespec){(time_t)(clock_us / 1000000), (long)(clock_us % 1000000) * 1000};
    return 0;
}

/* A leader of three nodes; OTHER has a lock. */
static struct parts *leader_new(void)
{
    struct parts *p = parts_new();
    struct replica *r = &p->r;
    p->config.session_time_ms = SESSION_MS;
    r->cluster.count = 3;
    for (uint32_t i = 0; i < 3; i++)
        r->cluster.members[i].pid = PARTS_ME + i;
    r->status.role = PAXOS_LEADER;
    r->status.phase = PAXOS_PHASE_ACCEPT;
    fixture_must(&p->store, (struct op){.type = OP_LEVEL, .size = LEVEL_MAX});
    clocks_init(&r->dates.clocks, NULL, 0); /* its own clock will do */
    uint64_t ino = fixture_make_file(&p->store, INO_ROOT, "f");
    p->store.node = OTHER;
    assert_int_equal(fixture_do(&p->store, (struct op){.type = OP_LOCK,
                                                       .ino = ino,
                                                       .flags = OP_LOCK_FLOCK,
                                                       .size = LOCK_LAST_MAX}),
                     0);
    p->store.node = PARTS_ME;
    sessions_housekeeping(r);
    return p;
}

static void leader_free(struct parts *p)
{
    writes_refuse_unproposed(&p->r, REPLICA_STOPPING);
    parts_free(p);
}

/* Time passes, with housekeeping as usual. */
static void pass(struct parts *p, uint64_t ms)
{
    for (uint64_t left = ms; left > 0;) {
        uint64_t step = left < HOUSEKEEPING_MS ? left : HOUSEKEEPING_MS;
        clock_us += step * 1000;
        left -= step;
        sessions_housekeeping(&p->r);
    }
}

/* The command that ends a session and waits; of these there is one at most. */
static bool ends_session_of(const struct parts *p, uint32_t node)
{
    const struct pending_write *w = TAILQ_FIRST(&p->r.writes.by_age);
    struct command_view view;
    struct op op;
    assert_true(p->r.writes.count <= 1);
    if (!w)
        return false;
    assert_int_equal(command_read(bytes_of(w->entry->bytes, w->entry->len), &view), 0);
    assert_int_equal(command_next(&view, &op), 0);
    assert_int_equal(op.type, OP_END_SESSION);
    return op.size == node;
}

static void finish(struct parts *p, enum replica_outcome outcome)
{
    struct pending_write *w = TAILQ_FIRST(&p->r.writes.by_age);
    if (outcome == REPLICA_DONE) {
        struct op_result op = {.existed = true};
        writes_complete(&p->r, w->sequence, &(struct command_result){.count = 1, .ops = &op});
        return;
    }
    w->proposed = outcome == REPLICA_TIMEOUT;
    writes_expire(&p->r, w->deadline_ms);
}

/* ---- The leader ---- */

static void a_silent_node_loses_its_session(void **state)
{
    struct parts *p = leader_new();
    pass(p, SESSION_MS - 50);
    assert_false(ends_session_of(p, OTHER));
    pass(p, 50);
    assert_true(ends_session_of(p, OTHER));
    pass(p, 1000); /* it is asked for once; THIRD, which is as silent, has no session */
    assert_true(ends_session_of(p, OTHER));
    leader_free(p);
}

static void a_node_that_is_heard_keeps_it(void **state)
{
    struct parts *p = leader_new();
    for (int i = 0; i < 10; i++) {
        pass(p, SESSION_MS - 100);
        sessions_heard(&p->r, OTHER);
    }
    assert_int_equal(p->r.writes.count, 0);
    leader_free(p);
}

/* As it said in its handshake, if that differs. */
static void the_time_is_that_of_the_node(void **state)
{
    struct parts *p = leader_new();
    p->r.cluster.members[1].settings.session_ms = 2 * SESSION_MS;
    pass(p, 2 * SESSION_MS - 50);
    assert_int_equal(p->r.writes.count, 0);
    pass(p, 50);
    assert_true(ends_session_of(p, OTHER));
    leader_free(p);
}

static void a_new_leader_counts_from_its_election(void **state)
{
    struct parts *p = leader_new();
    pass(p, SESSION_MS - 100);
    p->r.status.promise.n++;
    pass(p, SESSION_MS - 50);
    assert_int_equal(p->r.writes.count, 0);
    p->r.status.role = PAXOS_FOLLOWER;
    pass(p, 100);
    p->r.status.role = PAXOS_LEADER;
    pass(p, SESSION_MS);
    assert_int_equal(p->r.writes.count, 0);
    pass(p, 50);
    assert_true(ends_session_of(p, OTHER));
    leader_free(p);
}

static void without_a_quorum_nothing_ends(void **state)
{
    struct parts *p = leader_new();
    p->r.status.has_quorum = false;
    pass(p, 3 * SESSION_MS);
    assert_int_equal(p->r.writes.count, 0);
    leader_free(p);
}

/* The others were silent for it, not for the world. */
static void a_leader_that_was_stopped_takes_nobody_for_dead(void **state)
{
    struct parts *p = leader_new();
    clock_us += UINT64_C(3600) * 1000000;
    pass(p, SESSION_MS - 250);
    assert_int_equal(p->r.writes.count, 0);
    pass(p, 250);
    assert_true(ends_session_of(p, OTHER));
    leader_free(p);
}

static void reads_are_not_answered_while_a_session_ends(void **state)
{
    struct parts *p = leader_new();
    assert_true(sessions_answer(&p->r, OTHER));
    pass(p, SESSION_MS);
    assert_false(sessions_answer(&p->r, OTHER));
    assert_true(sessions_answer(&p->r, THIRD));
    sessions_heard(&p->r, OTHER); /* it is too late */
    assert_false(sessions_answer(&p->r, OTHER));
    finish(p, REPLICA_DONE);
    assert_true(sessions_answer(&p->r, OTHER));
    leader_free(p);
}

/* The end may still be decided: the leader goes on until it knows. */
static void an_end_of_unknown_outcome_is_repeated(void **state)
{
    struct parts *p = leader_new();
    pass(p, SESSION_MS);
    finish(p, REPLICA_TIMEOUT);
    assert_int_equal(p->r.writes.count, 0);
    assert_false(sessions_answer(&p->r, OTHER));
    sessions_heard(&p->r, OTHER);
    pass(p, 50);
    assert_true(ends_session_of(p, OTHER));
    finish(p, REPLICA_NO_QUORUM); /* it was not proposed */
    assert_true(sessions_answer(&p->r, OTHER));
    leader_free(p);
}

/* A later leader may have heard the node. */
static void an_end_is_proposed_under_one_ballot(void **state)
{
    struct parts *p = leader_new();
    pass(p, SESSION_MS);
    assert_true(ends_session_of(p, OTHER));
    p->r.status.promise.n++;
    writes_propose(&p->r);
    assert_int_equal(p->r.writes.count, 0);
    assert_int_equal(p->proposed_count, 0);
    pass(p, 50);
    assert_true(sessions_answer(&p->r, OTHER));
    leader_free(p);
}

static bool forwardable(uint32_t from, uint32_t of)
{
    struct command command = {0};
    struct command_view view;
    assert_int_equal(command_add(&command, &(struct op){.type = OP_RELEASE, .ino = 1}), 0);
    assert_int_equal(
        command_add(&command, &(struct op){.type = OP_END_SESSION, .size = of, .revision = 1}), 0);
    command_stamp(&command, &(struct stamp){.node = from});
    assert_int_equal(command_check(bytes_of(command.bytes.data, command.bytes.len), &view), 0);
    bool result = sessions_forwardable(&view);
    command_free(&command);
    return result;
}

static void a_node_may_end_its_own_session_only(void **state)
{
    assert_true(forwardable(3, 3));
    assert_false(forwardable(3, 4));
}

/* ---- The node ---- */

static void keep(void *arg, enum replica_outcome outcome, struct replica_freshness freshness)
{
}

static void ask_and_confirm(struct parts *p, bool leased)
{
    replica_read(&p->r, REPLICA_LINEARIZABLE, keep, NULL);
    reads_ask(&p->r);
    uint64_t id = p->read_ids[p->read_count - 1];
    clock_us += 100000; /* the answer takes a while */
    reads_confirm(
        &p->r, &(struct paxos_output){.reads_ready = id, .reads_confirmed = leased ? id - 1 : id});
    reads_answer(&p->r);
}

static void a_node_believes_from_when_it_asked(void **state)
{
    struct parts *p = parts_new();
    p->config.session_time_ms = SESSION_MS;
    assert_int_equal(replica_session_left_ms(&p->r), 0);
    ask_and_confirm(p, false);
    assert_int_equal(replica_session_left_ms(&p->r), BELIEVED_MS - 100);
    clock_us += 1000000;
    ask_and_confirm(p, true); /* by a lease of its own: no leader has heard it */
    assert_int_equal(replica_session_left_ms(&p->r), BELIEVED_MS - 1200);
    clock_us += (BELIEVED_MS - 1201) * 1000;
    assert_int_equal(replica_session_left_ms(&p->r), 1);
    clock_us += 1000000;
    assert_int_equal(replica_session_left_ms(&p->r), 0);
    parts_free(p);
}

/* ---- Both, at random ---- */

enum { LEADERS = 2, MESSAGES_MAX = 64, END_DELAY_MS_MAX = 300 };

/* A question of the node on its way to a leader, or the answer on its way back. */
struct message {
    bool used, answer;
    int leader;
    uint64_t at_us, asked_us; /* by the world's clock; by the node's */
    uint64_t election;        /* when it was answered */
};

/* The world's clock is that of the first leader; the others go up to a tenth slower or faster. */
struct world {
    uint64_t seed, now_us;
    struct parts *node, *leaders[LEADERS];
    uint64_t speed[LEADERS + 1]; /* in thousandths; the last one is the node's */
    int leads;
    uint64_t election;
    bool cut; /* the node does not reach anybody */
    uint64_t decided_at_us;
    struct message messages[MESSAGES_MAX];
};

static uint64_t local(const struct world *w, int who)
{
    return 1000000 + w->now_us * w->speed[who] / 1000;
}

static void post(struct world *w, bool answer, int leader, uint64_t asked_us)
{
    for (int i = 0; i < MESSAGES_MAX; i++) {
        if (w->messages[i].used)
            continue;
        w->messages[i] = (struct message){.used = true,
                                          .answer = answer,
                                          .leader = leader,
                                          .at_us = w->now_us + random_below(&w->seed, 5) *
                                                                   random_below(&w->seed, 400000),
                                          .asked_us = asked_us};
        return;
    }
}

static void elect(struct world *w, int leader)
{
    for (int i = 0; i < LEADERS; i++) {
        struct replica *r = &w->leaders[i]->r;
        r->status.role = i == leader ? PAXOS_LEADER : PAXOS_FOLLOWER;
        r->status.promise.n = ++w->election;
        clock_us = local(w, i);
        writes_propose(r);
    }
    w->leads = leader;
}

static void deliver(struct world *w, struct message *m)
{
    m->used = false;
    if (m->answer) {
        sessions_confirmed(&w->node->r, m->asked_us);
        return;
    }
    struct replica *r = &w->leaders[m->leader]->r;
    clock_us = local(w, m->leader);
    sessions_heard(r, OTHER);
    /* Only the latest leader can confirm a read with a majority. */
    if (m->leader == w->leads && sessions_answer(r, OTHER) && w->decided_at_us == 0)
        post(w, true, m->leader, m->asked_us);
}

static void step(struct world *w)
{
    w->now_us += 10000;
    for (int i = 0; i < MESSAGES_MAX; i++)
        if (w->messages[i].used && w->messages[i].at_us <= w->now_us)
            deliver(w, &w->messages[i]);
    if (w->now_us % 50000 != 0)
        return;
    if (random_below(&w->seed, 200) == 0)
        w->cut = !w->cut;
    if (random_below(&w->seed, 150) == 0)
        elect(w, (int)random_below(&w->seed, LEADERS));
    for (int i = 0; i < LEADERS; i++) {
        clock_us = local(w, i);
        sessions_housekeeping(&w->leaders[i]->r);
        bool ends = w->leaders[i]->r.writes.count > 0;
        if (ends && i == w->leads && w->decided_at_us == 0)
            w->decided_at_us = w->now_us + 1000 * random_below(&w->seed, END_DELAY_MS_MAX);
    }
    if (!w->cut)
        post(w, false, (int)random_below(&w->seed, LEADERS), local(w, LEADERS));
}

/* Answers to reads that were asked before are still on their way, and may come after the end. The
 * tree that they show has the end only if the leader answered after it, so none of them may let the
 * node believe in what has ended. */
static uint64_t ends_once(struct world *w)
{
    while (w->decided_at_us == 0 || w->now_us < w->decided_at_us)
        step(w);
    for (int i = 0; i < MESSAGES_MAX; i++)
        if (w->messages[i].used && w->messages[i].answer)
            deliver(w, &w->messages[i]);
    clock_us = local(w, LEADERS);
    return replica_session_left_ms(&w->node->r);
}

static void nobody_believes_in_a_session_that_has_ended(void **state)
{
    uint64_t seed = random_seed();
    for (int round = 0; round < 150; round++) {
        struct world w = {.seed = seed + (uint64_t)round};
        w.node = parts_new();
        w.node->config.session_time_ms = SESSION_MS;
        for (int i = 0; i <= LEADERS; i++)
            w.speed[i] = i == 0 ? 1000 : 900 + random_below(&w.seed, 200);
        for (int i = 0; i < LEADERS; i++) {
            clock_us = local(&w, i);
            w.leaders[i] = leader_new();
        }
        if (w.speed[LEADERS] * 8 < w.speed[1] * 7) /* beyond what the eighth makes up for */
            w.speed[1] = w.speed[LEADERS];
        elect(&w, 0);
        assert_int_equal(ends_once(&w), 0);
        for (int i = 0; i < LEADERS; i++) {
            clock_us = local(&w, i);
            leader_free(w.leaders[i]);
        }
        parts_free(w.node);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_node_loses_its_session),
        cmocka_unit_test(a_node_that_is_heard_keeps_it),
        cmocka_unit_test(the_time_is_that_of_the_node),
        cmocka_unit_test(a_new_leader_counts_from_its_election),
        cmocka_unit_test(without_a_quorum_nothing_ends),
        cmocka_unit_test(a_leader_that_was_stopped_takes_nobody_for_dead),
        cmocka_unit_test(reads_are_not_answered_while_a_session_ends),
        cmocka_unit_test(an_end_of_unknown_outcome_is_repeated),
        cmocka_unit_test(an_end_is_proposed_under_one_ballot),
        cmocka_unit_test(a_node_may_end_its_own_session_only),
        cmocka_unit_test(a_node_believes_from_when_it_asked),
        cmocka_unit_test(nobody_believes_in_a_session_that_has_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
