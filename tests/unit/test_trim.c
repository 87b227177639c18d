/* How much of the log is kept behind a tree that has been made durable. */
#include "paxos_subject.h"
#include "replica_parts.h"

#include <stdlib.h>

enum { ENTRIES = 50000, APPLIED = 5000 };

static uv_loop_t loop;

static void propose_many(struct subject *s, uint32_t count)
{
    struct paxos_entry **entries = calloc(count, sizeof *entries);
    for (uint32_t i = 0; i < count; i++)
        entries[i] = paxos_entry_new("\0none", 5);
    step(s, (struct paxos_event){.type = PAXOS_PROPOSE, .entries = entries, .entry_count = count});
    for (uint32_t i = 0; i < count; i++)
        paxos_entry_unref(entries[i]);
    free(entries);
}

/* The tree gets so far; entries that are no commands count as well. */
static void apply_up_to(struct parts *p, uint64_t index)
{
    while (tree_applied(p->store.tree) < index) {
        bool repeated;
        struct command_result result = fixture_apply(&p->store, bytes_of("\0none", 5), &repeated);
        command_result_free(&result);
    }
}

static struct parts *with_core(struct subject *s)
{
    struct parts *p = parts_new();
    p->r.paxos = s->p;
    p->r.loop = &loop;
    return p;
}

/* A checkpoint, while the tree goes on to `meanwhile`; and then the log is trimmed. */
static void checkpoint(struct parts *p, uint64_t meanwhile)
{
    parts_forget(p);
    checkpoint_when_due(&p->r, p->r.checkpoint.began_ms + CHECKPOINT_MS);
    assert_true(tree_busy(p->store.tree));
    apply_up_to(p, meanwhile);
    while (tree_busy(p->store.tree))
        uv_run(&loop, UV_RUN_ONCE);
}

static void end_both(struct parts *p, struct subject *s)
{
    parts_free(p);
    end(s);
}

/* Trap 9. */
static void entries_that_are_not_durable_in_the_tree_stay(void **state)
{
    struct subject *s = start(1, NULL);
    struct parts *p = with_core(s);
    tick(s);
    propose_many(s, ENTRIES);
    apply_up_to(p, APPLIED);
    checkpoint(p, APPLIED + 3000);
    assert_int_equal(p->r.checkpoint.durable, APPLIED);
    assert_true(p->trimmed);
    assert_int_equal(p->trimmed_to, APPLIED);
    end_both(p, s);
}

static void a_tail_is_kept(void **state)
{
    struct subject *s = start(1, NULL);
    struct parts *p = with_core(s);
    tick(s);
    propose_many(s, ENTRIES);
    apply_up_to(p, ENTRIES);
    checkpoint(p, ENTRIES);
    assert_int_equal(p->trimmed_to, ENTRIES - LOG_TAIL_ENTRIES);
    propose_many(s, 10);
    apply_up_to(p, ENTRIES + 10);
    checkpoint(p, ENTRIES + 10);
    assert_int_equal(p->trimmed_to, ENTRIES + 10 - LOG_TAIL_ENTRIES);
    end_both(p, s);
}

/* A living peer that is behind keeps what it lacks; one that needs a snapshot keeps what comes
 * after it; a dead one keeps nothing. */
static void a_peer_that_catches_up_is_waited_for(void **state)
{
    struct subject *s = leader();
    struct parts *p = with_core(s);
    propose_many(s, ENTRIES);
    accepted(s, PEER, ENTRIES);
    receive(s, promise_to(s, OTHER));
    accepted(s, OTHER, 100);
    tick(s);
    uint64_t round = sent(s, PAXOS_HEARTBEAT_REQUEST, OTHER)->round;
    heartbeat_reply(s, OTHER, round, true);
    apply_up_to(p, ENTRIES - 10);
    checkpoint(p, ENTRIES - 10);
    assert_int_equal(p->trimmed_to, 100);

    step(s, (struct paxos_event){.type = PAXOS_LINK_DOWN, .pid = OTHER});
    apply_up_to(p, ENTRIES - 5);
    checkpoint(p, ENTRIES - 5);
    assert_int_equal(p->trimmed_to, ENTRIES - LOG_TAIL_ENTRIES);

    forget(s);
    tick(s);
    round = sent(s, PAXOS_HEARTBEAT_REQUEST, OTHER)->round;
    heartbeat_reply(s, OTHER, round, true);
    propose_many(s, 10);
    accepted(s, PEER, ENTRIES + 10);
    apply_up_to(p, ENTRIES + 10);
    checkpoint(p, ENTRIES + 10);
    assert_false(p->trimmed);
    end_both(p, s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_that_are_not_durable_in_the_tree_stay),
        cmocka_unit_test(a_tail_is_kept),
        cmocka_unit_test(a_peer_that_catches_up_is_waited_for),
    };
    uv_loop_init(&loop);
    int failed = cmocka_run_group_tests_name("trim", tests, NULL, NULL);
    uv_loop_close(&loop);
    return failed;
}
