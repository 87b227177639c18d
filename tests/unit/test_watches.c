/* Watches of a replica: whom an entry concerns, and that each event is told once, in order, to
 * watchers who take as much as they like. */
#include "replica_parts.h"

#include "command/level.h"
#include "replica/watch.h"
#include "store/tree_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* It keeps what it is told as text, and takes no more than `room` events. */
struct watcher {
    struct replica_watch watch;
    struct buffer told;
    uint32_t room, readied;
};

static bool on_tell(void *arg, const struct replica_event *event)
{
    struct watcher *w = arg;
    if (w->room == 0)
        return false;
    w->room--;
    buffer_printf(&w->told, "%lu %s %.*s%s;", (unsigned long)event->revision,
                  replica_event_verb(event->kind), (int)event->path.len, event->path.data,
                  event->more ? "+" : "");
    return true;
}

static void on_ready(void *arg)
{
    struct watcher *w = arg;
    w->readied++;
}

static int begin(struct parts *p, struct watcher *w, enum replica_watch_scope scope,
                 const char *path, uint64_t since)
{
    *w = (struct watcher){
        .watch = {.scope = scope, .path = text(path), .tell = on_tell, .ready = on_ready, .arg = w},
        .room = UINT32_MAX};
    return replica_watch_begin(&p->r, &w->watch, since);
}

static void end(struct parts *p, struct watcher *w)
{
    replica_watch_end(&p->r, &w->watch);
    buffer_free(&w->told);
}

static void assert_told(struct watcher *w, const char *expected)
{
    if (!bytes_equal(bytes_of(w->told.data, w->told.len), text(expected)))
        fail_msg("'%.*s' instead of '%s'", (int)w->told.len, (char *)w->told.data, expected);
    w->told.len = 0;
}

static void catch_up(struct parts *p, struct watcher *w)
{
    while (replica_watch_go_on(&p->r, &w->watch))
        ;
}

static void apply(struct parts *p, const struct op *ops, uint32_t count)
{
    struct buffer entry = fixture_entry(&p->store, ops, count);
    bool repeated;
    struct command_result result =
        fixture_apply(&p->store, bytes_of(entry.data, entry.len), &repeated);
    assert_int_equal(result.status, 0);
    observers_applied(&p->r);
    command_result_free(&result);
    buffer_free(&entry);
}

static void put(struct parts *p, const char *key)
{
    struct op op = make_put(key, "v");
    apply(p, &op, 1);
}

/* At LEVEL_WATCH; what comes next has revision 3. */
static struct parts *parts_watching(void)
{
    struct parts *p = parts_new();
    observers_begin(&p->r);
    watches_begin(&p->r);
    struct op ops[] = {make_put("before", "v"), {.type = OP_LEVEL, .size = LEVEL_WATCH}};
    apply(p, ops, 1);
    apply(p, ops + 1, 1);
    return p;
}

/* ---- Whom an entry concerns ---- */

static void each_scope_has_its_paths(void **state)
{
    struct parts *p = parts_watching();
    struct watcher all, prefix, below, key;
    assert_int_equal(begin(p, &all, WATCH_BELOW, "", REPLICA_WATCH_NOW), 0);
    assert_int_equal(begin(p, &prefix, WATCH_PREFIX, "etc", REPLICA_WATCH_NOW), 0);
    assert_int_equal(begin(p, &below, WATCH_BELOW, "etc", REPLICA_WATCH_NOW), 0);
    assert_int_equal(begin(p, &key, WATCH_KEY, "etc/a", REPLICA_WATCH_NOW), 0);
    put(p, "etc/a");
    put(p, "etc-x");
    put(p, "etc/ab");
    put(p, "other");
    assert_told(&all, "3 created etc+;3 created etc/a;4 created etc-x;5 created etc/ab;"
                      "6 created other;");
    assert_told(&prefix, "3 created etc+;3 created etc/a;4 created etc-x;5 created etc/ab;");
    assert_told(&below, "3 created etc+;3 created etc/a;5 created etc/ab;");
    assert_told(&key, "3 created etc/a;");
    assert_int_equal(replica_watch_count(&p->r), 4);
    end(p, &all);
    end(p, &prefix);
    end(p, &below);
    put(p, "etc/a");
    assert_told(&key, "7 written etc/a;");
    end(p, &key);
    put(p, "etc/a");
    parts_free(p);
}

/* What is watched goes away with a directory above it, and comes back with it. */
static void a_directory_above_that_moves_is_told(void **state)
{
    struct parts *p = parts_watching();
    struct watcher prefix, below, key, other;
    put(p, "a/b/c");
    assert_int_equal(begin(p, &prefix, WATCH_PREFIX, "a/b/", REPLICA_WATCH_NOW), 0);
    assert_int_equal(begin(p, &below, WATCH_BELOW, "a/b", REPLICA_WATCH_NOW), 0);
    assert_int_equal(begin(p, &key, WATCH_KEY, "a/b/c", REPLICA_WATCH_NOW), 0);
    assert_int_equal(begin(p, &other, WATCH_BELOW, "ab", REPLICA_WATCH_NOW), 0);
    struct op away = make_rename(INO_ROOT, "a", INO_ROOT, "z", 0);
    struct op back = make_rename(INO_ROOT, "z", INO_ROOT, "a", 0);
    apply(p, &away, 1);
    apply(p, &back, 1);
    assert_told(&prefix, "4 moved-from a;5 moved-to a;");
    assert_told(&below, "4 moved-from a;5 moved-to a;");
    assert_told(&key, "4 moved-from a;5 moved-to a;");
    assert_told(&other, "");
    end(p, &prefix);
    end(p, &below);
    end(p, &key);
    end(p, &other);
    parts_free(p);
}

/* ---- Where a watch begins ---- */

static void a_watch_begins_where_it_is_told_to(void **state)
{
    struct parts *p = parts_watching();
    struct watcher w;
    put(p, "a");
    put(p, "b");
    put(p, "c");
    assert_int_equal(begin(p, &w, WATCH_PREFIX, "", 1), -ESTALE);
    assert_int_equal(replica_watch_oldest(&p->r), 2);
    assert_int_equal(begin(p, &w, WATCH_PREFIX, "", 3), 0);
    assert_told(&w, "");
    catch_up(p, &w);
    assert_told(&w, "4 created b;5 created c;");
    put(p, "d");
    assert_told(&w, "6 created d;");
    end(p, &w);
    assert_int_equal(begin(p, &w, WATCH_PREFIX, "", 8), 0); /* another node was ahead of this one */
    put(p, "e");
    put(p, "f");
    put(p, "g");
    assert_told(&w, "9 created g;");
    end(p, &w);
    parts_free(p);
}

static void without_a_history_there_is_no_watch(void **state)
{
    struct parts *p = parts_new();
    struct watcher w;
    observers_begin(&p->r);
    watches_begin(&p->r);
    assert_int_equal(begin(p, &w, WATCH_PREFIX, "", REPLICA_WATCH_NOW), -ENOTSUP);
    parts_free(p);
}

/* ---- Watchers that do not take everything ---- */

static void a_watch_goes_on_in_the_middle_of_an_entry(void **state)
{
    struct parts *p = parts_watching();
    struct watcher w;
    assert_int_equal(begin(p, &w, WATCH_PREFIX, "", REPLICA_WATCH_NOW), 0);
    w.room = 2;
    put(p, "a/b/c");
    put(p, "d");
    assert_told(&w, "3 created a+;3 created a/b+;");
    assert_false(replica_watch_go_on(&p->r, &w.watch));
    assert_told(&w, "");
    w.room = 1;
    catch_up(p, &w);
    assert_told(&w, "3 created a/b/c;");
    w.room = 9;
    catch_up(p, &w);
    assert_told(&w, "4 created d;");
    put(p, "e");
    assert_told(&w, "5 created e;");
    end(p, &w);
    parts_free(p);
}

/* Only what lies below a/b is seen. */
static bool sees_b(void *arg, struct bytes path)
{
    return path.len >= 3 && memcmp(path.data, "a/b", 3) == 0;
}

static void what_may_not_be_seen_is_left_out(void **state)
{
    struct parts *p = parts_watching();
    struct watcher w;
    assert_int_equal(begin(p, &w, WATCH_PREFIX, "", REPLICA_WATCH_NOW), 0);
    w.watch.sees = sees_b;
    const struct op list[] = {{.type = OP_PUT, .name = text("a/b/c")},
                              {.type = OP_PUT, .name = text("a/x")},
                              {.type = OP_PUT, .name = text("a/bb")},
                              {.type = OP_PUT, .name = text("a/z")}};
    w.room = 2;
    apply(p, list, 4);
    assert_told(&w, "3 created a/b+;3 created a/b/c+;");
    w.room = 9;
    catch_up(p, &w);
    assert_told(&w, "3 created a/bb;"); /* nothing that it could see follows */
    put(p, "d");
    put(p, "a/b/d");
    assert_told(&w, "5 created a/b/d;");
    end(p, &w);
    parts_free(p);
}

static void a_long_entry_is_told_later(void **state)
{
    enum { OPS = 2000 };
    struct parts *p = parts_watching();
    static struct op ops[OPS];
    static char keys[OPS][16];
    struct watcher w;
    assert_int_equal(begin(p, &w, WATCH_KEY, "key/77", REPLICA_WATCH_NOW), 0);
    for (int i = 0; i < OPS; i++) {
        snprintf(keys[i], sizeof keys[i], "key/%d", i);
        ops[i] = make_put(keys[i], "x");
    }
    apply(p, ops, OPS);
    assert_told(&w, "");
    assert_int_equal(w.readied, 1);
    catch_up(p, &w);
    assert_told(&w, "3 created key/77;");
    end(p, &w);
    parts_free(p);
}

static void who_falls_behind_is_told_what_is_lost(void **state)
{
    struct parts *p = parts_watching();
    struct watcher w, fast;
    assert_int_equal(begin(p, &w, WATCH_PREFIX, "a", REPLICA_WATCH_NOW), 0);
    w.room = 1;
    put(p, "a");
    put(p, "a");
    for (int i = 0; i < EVENTS_MAX + 1000; i++)
        put(p, "b");
    assert_int_equal(begin(p, &fast, WATCH_PREFIX, "c", REPLICA_WATCH_NOW), 0);
    put(p, "a");
    assert_told(&w, "3 created a;");
    uint64_t oldest = replica_watch_oldest(&p->r);
    assert_true(oldest > 100);
    assert_false(replica_watch_go_on(&p->r, &w.watch));
    w.room = 9;
    catch_up(p, &w);
    char expected[64];
    snprintf(expected, sizeof expected, "%lu lost ;%lu written a;", (unsigned long)oldest,
             (unsigned long)tree_applied(p->r.tree));
    assert_told(&w, expected);
    assert_told(&fast, "");
    end(p, &fast);
    end(p, &w);
    parts_free(p);
}

static void what_is_too_much_is_lost_to_everybody(void **state)
{
    struct parts *p = parts_watching();
    struct watcher w;
    put(p, "first");
    uint64_t file = fixture_resolve(&p->store, "first").ino;
    for (int i = 0; i < EVENTS_NAMES_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        struct op link = make_named(OP_LINK, INO_ROOT, name);
        link.ino2 = file;
        apply(p, &link, 1);
    }
    assert_int_equal(begin(p, &w, WATCH_KEY, "elsewhere", REPLICA_WATCH_NOW), 0);
    struct op op = make_write(file, 0, "x");
    apply(p, &op, 1);
    char expected[64];
    snprintf(expected, sizeof expected, "%lu lost ;", (unsigned long)tree_applied(p->r.tree));
    assert_told(&w, expected);
    end(p, &w);
    parts_free(p);
}

/* A snapshot brings the history along. */
static void a_watch_goes_on_after_a_snapshot(void **state)
{
    struct parts *p = parts_watching();
    struct watcher w;
    assert_int_equal(begin(p, &w, WATCH_PREFIX, "", REPLICA_WATCH_NOW), 0);
    put(p, "a");
    assert_told(&w, "3 created a;");
    /* Entries that this node does not apply by itself. */
    fixture_must(&p->store, make_put("b", "v"));
    fixture_must(&p->store, make_put("c", "v"));
    observers_replaced(&p->r, tree_applied(p->r.tree));
    assert_int_equal(w.readied, 1);
    catch_up(p, &w);
    assert_told(&w, "4 created b;5 created c;");
    put(p, "d");
    assert_told(&w, "6 created d;");
    end(p, &w);
    parts_free(p);
}

/* ---- When it hears of what is decided ---- */

/* A follower with a watch asks whenever entries have come that may be decided by now, and not more
 * often. */
static void a_watch_does_not_wait_to_be_told(void **state)
{
    struct parts *p = parts_watching();
    struct watcher w;
    parts_forget(p);
    p->r.status.role = PAXOS_FOLLOWER;
    p->r.status.accepted = tree_applied(p->r.tree) + 1;
    reads_hasten(&p->r);
    assert_int_equal(p->r.reads.count, 0); /* nobody watches */
    assert_int_equal(begin(p, &w, WATCH_PREFIX, "", REPLICA_WATCH_NOW), 0);
    p->r.status.role = PAXOS_LEADER;
    reads_hasten(&p->r);
    assert_int_equal(p->r.reads.count, 0);
    p->r.status.role = PAXOS_FOLLOWER;
    reads_hasten(&p->r);
    assert_int_equal(p->r.reads.count, 1);
    reads_ask(&p->r);
    assert_int_equal(p->read_count, 1);
    p->r.status.durable = p->r.status.accepted;
    reads_hasten(&p->r);
    assert_int_equal(p->r.reads.count, 1); /* one at a time */
    reads_without_quorum(&p->r);
    assert_int_equal(p->r.reads.count, 0);
    reads_hasten(&p->r);
    assert_int_equal(p->r.reads.count, 1);
    reads_without_quorum(&p->r);
    reads_hasten(&p->r);
    assert_int_equal(p->r.reads.count, 0); /* nothing has come since */
    end(p, &w);
    parts_free(p);
}

/* ---- At random ---- */

enum { WATCHERS = 60, ROUNDS = 6000 };

static const char *const some_paths[] = {"",  "a",     "a/",    "a/b",    "ab",
                                         "b", "b/c/d", "a/b/c", "nothing"};
static const char *const some_keys[] = {"a", "a/b", "a/b/c", "ab", "b/c/d", "b/c/e", "x/y"};

struct judge {
    struct watcher *w;
    struct buffer expected;
};

static bool judge_entry(void *arg, uint64_t revision, struct bytes events)
{
    struct judge *j = arg;
    struct reader left = reader_of(events);
    struct tree_event event;
    size_t len = j->w->watch.path.len;
    while (tree_event_next(&left, &event)) {
        struct bytes path = event.path, watched = j->w->watch.path;
        bool within = path.len >= len && memcmp(path.data, watched.data, len) == 0;
        if (j->w->watch.scope == WATCH_KEY)
            within &= path.len == len;
        if (j->w->watch.scope == WATCH_BELOW)
            within &= path.len == len || len == 0 || path.data[len] == '/';
        bool moved = event.kind == CHANGE_MOVED_FROM || event.kind == CHANGE_MOVED_TO;
        bool above = moved && event.directory && watched.len > path.len &&
                     memcmp(path.data, watched.data, path.len) == 0 &&
                     watched.data[path.len] == '/';
        if (within || above)
            buffer_printf(&j->expected, "%lu %s %.*s;", (unsigned long)revision,
                          replica_event_verb(event.kind), (int)path.len, path.data);
    }
    return true;
}

/* All that it was told is all that the history has for it. */
static void judge(struct parts *p, struct watcher *w, uint64_t since)
{
    struct judge j = {.w = w};
    uint64_t upto = since;
    while (upto < tree_applied(p->r.tree))
        assert_int_equal(tree_events(p->r.tree, upto, judge_entry, &j, &upto), 0);
    size_t told = 0;
    for (size_t i = 0; i < w->told.len; i++) /* without the marks */
        if (w->told.data[i] != '+')
            w->told.data[told++] = w->told.data[i];
    assert_true(
        bytes_equal(bytes_of(w->told.data, told), bytes_of(j.expected.data, j.expected.len)));
    buffer_free(&j.expected);
}

static void change_at_random(struct parts *p, uint64_t *seed)
{
    const char *key = some_keys[random_below(seed, sizeof some_keys / sizeof *some_keys)];
    struct op ops[3];
    uint32_t count = 0, kind = random_below(seed, 10);
    if (kind < 5)
        ops[count++] = make_put(key, "v");
    if (kind == 4)
        ops[count++] = make_put("list/of/keys", "v");
    if (kind >= 5 && kind < 8)
        ops[count++] = (struct op){.type = OP_DELETE, .name = text(key)};
    if (kind >= 8)
        ops[count++] = kind == 8 ? make_rename(INO_ROOT, "a", INO_ROOT, "z", 0)
                                 : make_rename(INO_ROOT, "z", INO_ROOT, "a", 0);
    struct buffer entry = fixture_entry(&p->store, ops, count);
    bool repeated;
    struct command_result result =
        fixture_apply(&p->store, bytes_of(entry.data, entry.len), &repeated);
    observers_applied(&p->r);
    command_result_free(&result);
    buffer_free(&entry);
}

static void every_watcher_hears_of_everything_once(void **state)
{
    struct parts *p = parts_watching();
    uint64_t seed = random_seed();
    static struct watcher w[WATCHERS];
    uint64_t since[WATCHERS];
    bool open[WATCHERS] = {false};
    for (int round = 0; round < ROUNDS; round++) {
        int i = (int)random_below(&seed, WATCHERS);
        if (!open[i]) {
            since[i] = random_below(&seed, 2)
                           ? tree_applied(p->r.tree)
                           : 2 + random_below(&seed, (uint32_t)tree_applied(p->r.tree) - 1);
            const char *path =
                some_paths[random_below(&seed, sizeof some_paths / sizeof *some_paths)];
            assert_int_equal(begin(p, &w[i], random_below(&seed, 3), path, since[i]), 0);
            open[i] = true;
        } else if (random_below(&seed, 40) == 0) {
            w[i].room = UINT32_MAX;
            catch_up(p, &w[i]);
            judge(p, &w[i], since[i]);
            end(p, &w[i]);
            open[i] = false;
        } else {
            w[i].room = random_below(&seed, 6);
            replica_watch_go_on(&p->r, &w[i].watch);
        }
        change_at_random(p, &seed);
        if (random_below(&seed, 500) == 0) {
            fixture_reopen(&p->store);
            p->r.tree = p->store.tree;
            tree_observe(p->r.tree, replica_watch_count(&p->r) > 0);
            observers_replaced(&p->r, tree_applied(p->r.tree));
        }
    }
    for (int i = 0; i < WATCHERS; i++) {
        if (!open[i])
            continue;
        w[i].room = UINT32_MAX;
        catch_up(p, &w[i]);
        judge(p, &w[i], since[i]);
        end(p, &w[i]);
    }
    parts_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_scope_has_its_paths),
        cmocka_unit_test(a_directory_above_that_moves_is_told),
        cmocka_unit_test(a_watch_begins_where_it_is_told_to),
        cmocka_unit_test(without_a_history_there_is_no_watch),
        cmocka_unit_test(a_watch_goes_on_in_the_middle_of_an_entry),
        cmocka_unit_test(what_may_not_be_seen_is_left_out),
        cmocka_unit_test(a_long_entry_is_told_later),
        cmocka_unit_test(who_falls_behind_is_told_what_is_lost),
        cmocka_unit_test(what_is_too_much_is_lost_to_everybody),
        cmocka_unit_test(a_watch_goes_on_after_a_snapshot),
        cmocka_unit_test(a_watch_does_not_wait_to_be_told),
        cmocka_unit_test(every_watcher_hears_of_everything_once),
    };
    return cmocka_run_group_tests_name("watches", tests, NULL, NULL);
}
