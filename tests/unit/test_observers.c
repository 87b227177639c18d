/* Observers of a replica: which of them it calls, and when. */
#include "replica_parts.h"

#include <stdlib.h>

/* It counts what it is told, and may end or begin observers in its next call. */
struct listener {
    struct replica_observer observer;
    struct parts *parts;
    int changed, replaced;
    uint64_t revision, index;
    struct replica_observer *ends[2]; /* NULL: none */
    struct replica_observer *begins;
};

static void act(struct listener *l)
{
    for (int i = 0; i < 2; i++) {
        if (l->ends[i])
            replica_observe_end(&l->parts->r, l->ends[i]);
        l->ends[i] = NULL;
    }
    if (l->begins)
        replica_observe(&l->parts->r, l->begins);
    l->begins = NULL;
}

static void on_changed(void *arg, const struct tree_changes *changes)
{
    struct listener *l = arg;
    assert_true(changes->revision > l->revision);
    l->revision = changes->revision;
    l->changed++;
    act(l);
}

static void on_replaced(void *arg, uint64_t index)
{
    struct listener *l = arg;
    l->index = index;
    l->replaced++;
    act(l);
}

static void listener_make(struct listener *l, struct parts *p)
{
    *l = (struct listener){.observer = {.changed = on_changed, .replaced = on_replaced, .arg = l},
                           .parts = p};
}

static void apply(struct parts *p, struct op op)
{
    struct buffer entry = fixture_entry(&p->store, &op, 1);
    bool repeated;
    struct command_result result =
        fixture_apply(&p->store, bytes_of(entry.data, entry.len), &repeated);
    observers_applied(&p->r);
    command_result_free(&result);
    buffer_free(&entry);
}

static void listeners_hear_each_change_once(void **state)
{
    struct parts *p = parts_new();
    struct listener a, b;
    listener_make(&a, p);
    listener_make(&b, p);
    apply(p, make_put("before", "1"));
    replica_observe(&p->r, &a.observer);
    apply(p, make_put("k", "1"));
    assert_int_equal(a.changed, 1);
    assert_int_equal(a.revision, 2);
    replica_observe(&p->r, &b.observer);
    apply(p, make_put("k", "2"));
    assert_int_equal(a.changed, 2);
    assert_int_equal(b.changed, 1);
    apply(p, make_named(OP_RMDIR, INO_ROOT, "missing")); /* nothing changes */
    assert_int_equal(a.changed, 2);
    replica_observe_end(&p->r, &a.observer);
    apply(p, make_put("k", "3"));
    assert_int_equal(a.changed, 2);
    assert_int_equal(b.changed, 2);
    observers_replaced(&p->r, 40);
    assert_int_equal(b.index, 40);
    assert_int_equal(a.replaced, 0);
    replica_observe_end(&p->r, &b.observer);
    apply(p, make_put("k", "4"));
    assert_int_equal(tree_changes(p->store.tree)->count, 0); /* no observer is left */
    parts_free(p);
}

/* They are called from the youngest to the oldest: c, b, a. */
static void listeners_end_and_begin_while_they_are_told(void **state)
{
    struct parts *p = parts_new();
    struct listener a, b, c, late;
    listener_make(&a, p);
    listener_make(&b, p);
    listener_make(&c, p);
    listener_make(&late, p);
    replica_observe(&p->r, &a.observer);
    replica_observe(&p->r, &b.observer);
    replica_observe(&p->r, &c.observer);
    c.ends[0] = &c.observer; /* itself, and the next one */
    c.ends[1] = &b.observer;
    c.begins = &late.observer;
    apply(p, make_put("k", "1"));
    assert_int_equal(c.changed, 1);
    assert_int_equal(b.changed, 0);
    assert_int_equal(a.changed, 1);
    assert_int_equal(late.changed, 0);
    a.ends[0] = &a.observer;
    late.ends[0] = &late.observer; /* the last one of all */
    late.begins = &b.observer;
    apply(p, make_put("k", "2"));
    assert_int_equal(a.changed, 2);
    assert_int_equal(late.changed, 1);
    assert_int_equal(c.changed, 1);
    b.ends[0] = &b.observer;
    observers_replaced(&p->r, 9);
    assert_int_equal(b.replaced, 1);
    assert_int_equal(late.replaced, 0);
    parts_free(p);
}

/* ---- A later entry wakes a waiter: a directory as a lock ---- */

struct waiter {
    struct replica_observer observer;
    struct parts *parts;
    bool waits, granted;
};

static void waiter_answer(struct waiter *w, bool granted)
{
    w->waits = false;
    w->granted = granted;
    replica_observe_end(&w->parts->r, &w->observer);
}

static void waiter_changed(void *arg, const struct tree_changes *changes)
{
    struct waiter *w = arg;
    for (uint32_t i = 0; i < changes->count; i++) {
        const struct tree_change *change = &changes->list[i];
        if (change->kind == CHANGE_DELETED && bytes_equal(change->name, text("lock"))) {
            waiter_answer(w, true);
            return;
        }
    }
}

/* Its command has its result; from here on only the observer remembers it. */
static void waiter_queued(void *arg, enum replica_outcome outcome,
                          const struct command_result *result)
{
    struct waiter *w = arg;
    assert_int_equal(outcome, REPLICA_DONE);
    assert_true(result->status < 0); /* the lock is held already */
    w->waits = true;
    replica_observe(&w->parts->r, &w->observer);
}

/* Submits mkdir, and applies the entries that the core decides. */
static void waiter_asks(struct waiter *w, struct parts *p)
{
    struct command command = {0};
    struct op op = make_named(OP_MKDIR, INO_ROOT, "lock");
    bool repeated;
    *w = (struct waiter){.observer = {.changed = waiter_changed, .arg = w}, .parts = p};
    assert_int_equal(command_add(&command, &op), 0);
    replica_submit(&p->r, &command, waiter_queued, w);
    parts_forget(p);
    writes_propose(&p->r);
    struct command_result result = parts_apply(p, 0, &repeated);
    observers_applied(&p->r);
    struct stamp stamp = parts_stamp(p, 0);
    assert_int_equal(stamp.lowest, stamp.sequence); /* no older command waits */
    writes_complete(&p->r, stamp.sequence, &result);
    command_result_free(&result);
}

static void a_later_entry_wakes_a_waiter(void **state)
{
    struct parts *p = parts_new();
    struct waiter w, late;
    apply(p, make_named(OP_MKDIR, INO_ROOT, "lock")); /* of another node */
    waiter_asks(&w, p);
    assert_true(w.waits);
    assert_int_equal(p->r.writes.count, 0); /* it holds nothing of the window */
    waiter_asks(&late, p);
    apply(p, make_put("k", "1"));
    assert_true(w.waits && late.waits);
    waiter_answer(&late, false); /* its deadline */
    apply(p, make_named(OP_RMDIR, INO_ROOT, "lock"));
    assert_true(w.granted);
    assert_false(late.granted);
    parts_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listeners_hear_each_change_once),
        cmocka_unit_test(listeners_end_and_begin_while_they_are_told),
        cmocka_unit_test(a_later_entry_wakes_a_waiter),
    };
    return cmocka_run_group_tests_name("observers", tests, NULL, NULL);
}
