/* When the time of files and leases is up, by a clock that the test sets. */
#include "tree_fixture.h"

#include "replica/expiry.h"

#include <errno.h>
#include <stdlib.h>

enum { LEASE = 7, SECOND = 1000 };

/* A node: its tree, and its clock, which may run at another speed than time does. */
struct world {
    struct fixture store;
    struct expiry expiry;
    uint64_t now_ms;
};

static void world_open(struct world *w, uint64_t now_ms)
{
    fixture_open(&w->store);
    w->now_ms = now_ms;
    expiry_begin(&w->expiry, w->store.tree, now_ms);
    assert_int_equal(expiry_tick(&w->expiry, now_ms, true), 0);
}

static void world_close(struct world *w)
{
    expiry_end(&w->expiry);
    fixture_check(&w->store);
    fixture_close(&w->store);
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    world_open(w, 5000 * SECOND);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world_close(*state);
    free(*state);
    return 0;
}

/* Time goes on as a node sees it that looks at its clock all the time. */
static void passes(struct world *w, uint64_t ms, bool counts)
{
    for (uint64_t step; ms > 0; ms -= step) {
        step = ms < 50 ? ms : 50;
        w->now_ms += step;
        assert_int_equal(expiry_tick(&w->expiry, w->now_ms, counts), 0);
    }
}

static uint64_t world_do(struct world *w, struct op op)
{
    struct op_result out = {0};
    assert_int_equal(fixture_run(&w->store, &op, 1, &out), 0);
    assert_int_equal(expiry_applied(&w->expiry, w->now_ms), 0);
    return out.attr.ino;
}

static uint64_t put(struct world *w, const char *key, uint64_t ttl)
{
    struct op op = make_put(key, "value");
    op.ttl = ttl;
    return world_do(w, op);
}

static void lease_do(struct world *w, uint8_t type, uint64_t ttl)
{
    world_do(w, (struct op){.type = type, .lease = LEASE, .size = ttl});
}

/* The key that is due, or 0. */
static uint64_t due(const struct world *w)
{
    struct tree_mortal mortal;
    return expiry_due(&w->expiry, w->now_ms, &mortal) ? mortal.key : 0;
}

/* Proposes what is due, and applies it. Whether something was removed. */
static bool removes(struct world *w)
{
    struct tree_mortal m;
    struct op op;
    struct op_result out = {0};
    if (!expiry_due(&w->expiry, w->now_ms, &m))
        return false;
    assert_int_equal(expiry_asked(&w->expiry, w->now_ms, &m), 0);
    if (m.key & TREE_LEASE)
        op = (struct op){.type = OP_LEASE_END, .lease = LEASE, .revision = m.revision};
    else
        op = (struct op){.type = OP_EXPIRE, .ino = m.key, .revision = m.revision};
    assert_int_equal(fixture_run(&w->store, &op, 1, &out), 0);
    assert_int_equal(expiry_applied(&w->expiry, w->now_ms), 0);
    return out.existed;
}

static void a_file_is_due_when_its_time_is_up_and_not_before(void **state)
{
    struct world *w = *state;
    uint64_t ino = put(w, "k", 3 * SECOND);
    put(w, "stays", 0);
    assert_int_equal(expiry_left_ms(&w->expiry, w->now_ms, ino), 3 * SECOND);
    passes(w, 3 * SECOND, true);
    assert_int_equal(due(w), 0);
    assert_int_equal(expiry_left_ms(&w->expiry, w->now_ms, ino), 0);
    passes(w, EXPIRY_SPARE_MS, true);
    assert_int_equal(due(w), ino);
    assert_true(removes(w));
    assert_int_equal(fixture_resolve(&w->store, "k").ino, 0);
    assert_int_equal(expiry_left_ms(&w->expiry, w->now_ms, ino), UINT64_MAX);
    passes(w, 10 * SECOND, true);
    assert_int_equal(due(w), 0);
}

static void a_change_starts_the_time_again(void **state)
{
    struct world *w = *state;
    uint64_t ino = put(w, "k", 3 * SECOND);
    passes(w, 2 * SECOND, true);
    world_do(w, make_write(ino, 0, "again"));
    passes(w, 3 * SECOND, true);
    assert_int_equal(due(w), 0);
    passes(w, EXPIRY_SPARE_MS, true);
    assert_int_equal(due(w), ino);
    world_do(w, (struct op){.type = OP_TTL, .ino = ino, .size = 0});
    assert_int_equal(due(w), 0);
}

static void what_was_renewed_since_it_was_proposed_stays(void **state)
{
    struct world *w = *state;
    struct tree_mortal m;
    uint64_t ino = put(w, "k", SECOND);
    passes(w, 2 * SECOND, true);
    assert_true(expiry_due(&w->expiry, w->now_ms, &m));
    assert_int_equal(expiry_asked(&w->expiry, w->now_ms, &m), 0);
    assert_int_equal(due(w), 0); /* it is under way */
    put(w, "k", 0);
    world_do(w, (struct op){.type = OP_EXPIRE, .ino = ino, .revision = m.revision});
    assert_int_equal(fixture_resolve(&w->store, "k").ino, ino);
    assert_int_equal(expiry_left_ms(&w->expiry, w->now_ms, ino), SECOND);
}

static void what_came_to_nothing_is_proposed_again(void **state)
{
    struct world *w = *state;
    struct tree_mortal m;
    uint64_t ino = put(w, "k", SECOND);
    passes(w, 2 * SECOND, true);
    assert_true(expiry_due(&w->expiry, w->now_ms, &m));
    assert_int_equal(expiry_asked(&w->expiry, w->now_ms, &m), 0);
    passes(w, EXPIRY_AGAIN_MS, true);
    assert_int_equal(due(w), ino);
    assert_true(removes(w));
}

static void a_lease_is_due_unless_it_is_renewed(void **state)
{
    struct world *w = *state;
    lease_do(w, OP_LEASE, 3 * SECOND);
    struct op op = make_put("k", "value");
    op.lease = LEASE;
    uint64_t ino = world_do(w, op);
    assert_int_equal(expiry_left_ms(&w->expiry, w->now_ms, ino), UINT64_MAX);
    for (int i = 0; i < 5; i++) {
        passes(w, 2 * SECOND, true);
        lease_do(w, OP_LEASE_RENEW, 0);
    }
    passes(w, 3 * SECOND, true);
    assert_int_equal(due(w), 0);
    passes(w, EXPIRY_SPARE_MS, true);
    assert_int_equal(due(w), TREE_LEASE | LEASE);
    assert_true(removes(w));
    assert_int_equal(fixture_resolve(&w->store, "k").ino, 0);
    passes(w, 10 * SECOND, true);
    assert_int_equal(due(w), 0);
}

static void time_without_a_leader_does_not_count(void **state)
{
    struct world *w = *state;
    uint64_t ino = put(w, "k", 3 * SECOND);
    passes(w, 2 * SECOND, true);
    passes(w, 60 * SECOND, false);
    uint64_t left = expiry_left_ms(&w->expiry, w->now_ms, ino);
    assert_in_range(left, SECOND - 50, SECOND);
    passes(w, SECOND, true);
    assert_int_equal(due(w), 0);
    passes(w, EXPIRY_SPARE_MS + 50, true);
    assert_int_equal(due(w), ino);
}

/* Nodes apply the same entries, the one that leads next a little later; its clock shows another
 * time, and runs a little faster. */
static void the_next_leader_need_not_begin_again(void **state)
{
    struct world *old = *state, *next = calloc(1, sizeof *next);
    world_open(next, 77);
    put(old, "k", 10 * SECOND);
    uint64_t ino = put(next, "k", 10 * SECOND);
    passes(old, 4 * SECOND, true);
    passes(next, 4 * SECOND + 1, true);
    passes(next, SECOND, false); /* it is elected */
    passes(next, 6 * SECOND, true);
    assert_int_equal(due(next), 0);
    passes(next, 50 + EXPIRY_SPARE_MS, true);
    assert_int_equal(due(next), ino);
    world_close(next);
    free(next);
}

/* The node was stopped for longer than the time, and others went on: one renewed the file, one
 * removed it and made it again. */
static void a_node_that_was_stopped_does_no_harm(void **state)
{
    struct world *w = *state;
    struct tree_mortal m[2];
    uint64_t a = put(w, "a", SECOND);
    uint64_t b = put(w, "b", SECOND);
    passes(w, 500, true);
    w->now_ms += 60 * SECOND; /* SIGSTOP, SIGCONT */
    for (int i = 0; i < 2; i++) {
        assert_true(expiry_due(&w->expiry, w->now_ms, &m[i]));
        assert_int_equal(expiry_asked(&w->expiry, w->now_ms, &m[i]), 0);
    }
    world_do(w, (struct op){.type = OP_SETATTR, .ino = a, .flags = OP_SET_MTIME_NOW});
    world_do(w, (struct op){.type = OP_DELETE, .name = text("b")});
    uint64_t again = put(w, "b", SECOND);
    assert_int_not_equal(again, b);
    for (int i = 0; i < 2; i++)
        world_do(w, (struct op){.type = OP_EXPIRE, .ino = m[i].key, .revision = m[i].revision});
    assert_int_equal(fixture_resolve(&w->store, "a").ino, a);
    assert_int_equal(fixture_resolve(&w->store, "b").ino, again);
    assert_int_equal(expiry_left_ms(&w->expiry, w->now_ms, a), SECOND);
}

static void what_the_tree_has_already_counts_from_its_opening(void **state)
{
    struct world *w = *state;
    enum { MANY = 2 * EXPIRY_SCAN_MAX + 100 };
    char key[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "%d", i);
        put(w, key, 3 * SECOND);
    }
    lease_do(w, OP_LEASE, 3 * SECOND);
    passes(w, 2 * SECOND, true);
    expiry_end(&w->expiry);
    fixture_reopen(&w->store);
    expiry_begin(&w->expiry, w->store.tree, w->now_ms);
    passes(w, 2 * 50, true);
    assert_true(w->expiry.deadlines.count < MANY);
    uint64_t last = put(w, key, 0); /* before it was read from the tree */
    passes(w, 50, true);
    assert_int_equal(w->expiry.deadlines.count, MANY + 1);
    assert_int_equal(expiry_left_ms(&w->expiry, w->now_ms, last), 3 * SECOND - 50);
    passes(w, 3 * SECOND - 3 * 50, true);
    assert_int_equal(due(w), 0);
    passes(w, EXPIRY_SPARE_MS + 2 * 50, true);
    int removed = 0;
    while (removes(w))
        removed++;
    assert_int_equal(removed, MANY + 1);
    /* as after a snapshot */
    uint64_t ino = put(w, "k", 3 * SECOND);
    passes(w, 2 * SECOND, true);
    expiry_replaced(&w->expiry, w->now_ms);
    passes(w, 3 * SECOND, true);
    assert_int_equal(due(w), 0);
    passes(w, EXPIRY_SPARE_MS + 50, true);
    assert_int_equal(due(w), ino);
}

/* ---- The heap ---- */

enum { KEYS = 500, ROUNDS = 20000 };

static uint64_t first_of(const uint64_t due_ms[KEYS])
{
    uint64_t first = UINT64_MAX;
    for (int i = 0; i < KEYS; i++)
        first = due_ms[i] && due_ms[i] < first ? due_ms[i] : first;
    return first;
}

static void the_first_of_many_deadlines_is_at_hand(void **state)
{
    struct deadlines d = {0};
    uint64_t seed = random_seed(), due_ms[KEYS] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t key = random_below(&seed, KEYS);
        if (random_below(&seed, 3) == 0) {
            deadlines_remove(&d, key + 1);
            due_ms[key] = 0;
        } else {
            due_ms[key] = 1 + random_below(&seed, 1000);
            assert_int_equal(deadlines_put(&d, key + 1, due_ms[key], due_ms[key]), 0);
        }
        const struct deadline *first = deadlines_first(&d), *found = deadlines_find(&d, key + 1);
        uint64_t expected = first_of(due_ms);
        assert_int_equal(first ? first->due_ms : UINT64_MAX, expected);
        assert_int_equal(found ? found->due_ms : 0, due_ms[key]);
        assert_true(!first || (due_ms[first->key - 1] == expected && first->revision == expected));
    }
    deadlines_free(&d);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_file_is_due_when_its_time_is_up_and_not_before),
        WORLD_TEST(a_change_starts_the_time_again),
        WORLD_TEST(what_was_renewed_since_it_was_proposed_stays),
        WORLD_TEST(what_came_to_nothing_is_proposed_again),
        WORLD_TEST(a_lease_is_due_unless_it_is_renewed),
        WORLD_TEST(time_without_a_leader_does_not_count),
        WORLD_TEST(the_next_leader_need_not_begin_again),
        WORLD_TEST(a_node_that_was_stopped_does_no_harm),
        WORLD_TEST(what_the_tree_has_already_counts_from_its_opening),
        cmocka_unit_test(the_first_of_many_deadlines_is_at_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
