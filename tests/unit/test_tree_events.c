/* The history of changes with their paths: for each operation, for random ones by replaying the
 * paths, and as it is kept. */
#include "tree_fixture.h"
#include "tree_script.h"

#include "command/level.h"
#include "store/tree_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {
    [CHANGE_CREATED] = "created",
    [CHANGE_WRITTEN] = "written",
    [CHANGE_ATTRIBUTES] = "attributes",
    [CHANGE_DELETED] = "deleted",
    [CHANGE_MOVED_FROM] = "moved-from",
    [CHANGE_MOVED_TO] = "moved-to",
    [EVENT_LOST] = "lost",
};

static void print_events(struct bytes events, struct buffer *out)
{
    struct reader left = reader_of(events);
    struct tree_event event;
    while (tree_event_next(&left, &event))
        buffer_printf(out, "%s%s %.*s%s", out->len ? ", " : "", kinds[event.kind],
                      (int)event.path.len, event.path.data, event.directory ? "/" : "");
    assert_false(left.bad);
}

static void assert_events(struct fixture *f, const char *expected)
{
    struct buffer told = {0};
    print_events(tree_changes(f->tree)->events, &told);
    if (!bytes_equal(bytes_of(told.data, told.len), text(expected)))
        fail_msg("'%.*s' instead of '%s'", (int)told.len, (char *)told.data, expected);
    buffer_free(&told);
}

static void assert_tells(struct fixture *f, struct op op, const char *expected)
{
    assert_int_equal(fixture_do(f, op), 0);
    assert_events(f, expected);
}

static void raise_level(struct fixture *f)
{
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = LEVEL_MAX});
}

static int with_history(void **state)
{
    fixture_setup(state);
    raise_level(*state);
    return 0;
}
#define EVENTS_TEST(name) cmocka_unit_test_setup_teardown(name, with_history, fixture_teardown)

/* ---- By operation ---- */

static void keys_have_their_paths(void **state)
{
    struct fixture *f = *state;
    struct op delete = {.type = OP_DELETE, .name = text("a/b/c")};
    assert_tells(f, make_put("a/b/c", "1"), "created a/, created a/b/, created a/b/c");
    assert_tells(f, make_put("a/b/c", "2"), "written a/b/c");
    assert_tells(f, make_put("a/b/d", "2"), "created a/b/d");
    assert_tells(f, delete, "deleted a/b/c");
    assert_tells(f, delete, "");
    delete.name = text("a/b/d");
    assert_tells(f, delete, "deleted a/b/d, deleted a/b/, deleted a/");
    fixture_must(f, make_put("x/y/z", "1"));
    fixture_must(f, make_named(OP_UNLINK, fixture_resolve(f, "x/y").ino, "z"));
    assert_tells(f, make_put("x", "1"), "deleted x/y/, deleted x/, created x");
}

static void files_have_their_paths(void **state)
{
    struct fixture *f = *state;
    uint64_t dir = fixture_make_dir(f, INO_ROOT, "d"), sub = fixture_make_dir(f, dir, "s");
    uint64_t file = fixture_make_file(f, sub, "f");
    assert_events(f, "created d/s/f");
    assert_tells(f, make_write(file, 0, "x"), "written d/s/f");
    assert_tells(f, make_write(file, 0, "y"), "written d/s/f");
    assert_tells(f, (struct op){.type = OP_SETXATTR, .ino = file, .name = text("user.a")},
                 "attributes d/s/f");
    assert_tells(f, (struct op){.type = OP_SETXATTR, .ino = sub, .name = text("user.a")},
                 "attributes d/s/");
    assert_tells(f, (struct op){.type = OP_SETXATTR, .ino = INO_ROOT, .name = text("user.a")},
                 "attributes /");
    assert_tells(f, make_rename(INO_ROOT, "d", INO_ROOT, "e", 0), "moved-from d/, moved-to e/");
    assert_tells(f, make_write(file, 0, "z"), "written e/s/f");
    assert_tells(f, make_rename(sub, "f", dir, "g", 0), "moved-from e/s/f, moved-to e/g");
    assert_tells(f, make_write(file, 0, "z"), "written e/g");
    struct op unlink = make_named(OP_UNLINK, dir, "g");
    unlink.hold = file;
    assert_tells(f, unlink, "deleted e/g");
    assert_tells(f, make_write(file, 0, "z"), "");
}

static void each_name_of_a_file_is_told(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, make_put("d/one", "1"));
    uint64_t file = fixture_resolve(f, "d/one").ino;
    struct op link = make_named(OP_LINK, INO_ROOT, "two");
    link.ino2 = file;
    assert_tells(f, make_write(file, 0, "x"), "written d/one");
    assert_tells(f, link, "created two");
    assert_tells(f, make_write(file, 0, "x"), "written two, written d/one");
    assert_tells(f, make_put("d/one", "y"), "written two, written d/one");
    assert_tells(f, (struct op){.type = OP_DELETE, .name = text("d/one")},
                 "deleted d/one, deleted d/");
    assert_tells(f, make_write(file, 0, "x"), "written two");
    link = make_named(OP_LINK, INO_ROOT, "three");
    link.ino2 = file;
    fixture_must(f, link);
    fixture_must(f, make_named(OP_UNLINK, INO_ROOT, "two"));
    assert_tells(f, make_write(file, 0, "x"), "written three");
}

static void an_exchange_tells_both_paths(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, make_put("a/x/file", "1"));
    fixture_must(f, make_put("b/y", "1"));
    uint64_t a = fixture_resolve(f, "a").ino, b = fixture_resolve(f, "b").ino;
    uint64_t file = fixture_resolve(f, "a/x/file").ino;
    fixture_must(f, make_write(file, 0, "2"));
    assert_tells(f, make_rename(a, "x", b, "y", OP_EXCHANGE),
                 "moved-from a/x/, moved-from b/y, moved-to b/y/, moved-to a/x");
    assert_tells(f, make_write(file, 0, "2"), "written b/y/file");
}

/* A list that fails changes nothing, and the paths are as before it. */
static void what_is_undone_is_not_told(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, make_put("d/k", "1"));
    uint64_t file = fixture_resolve(f, "d/k").ino;
    fixture_must(f, make_write(file, 0, "2"));
    struct op ops[] = {make_rename(INO_ROOT, "d", INO_ROOT, "e", 0), make_write(file, 0, "3"),
                       make_named(OP_RMDIR, INO_ROOT, "missing")};
    assert_int_equal(fixture_run(f, ops, 3, NULL), -ENOENT);
    assert_events(f, "");
    assert_tells(f, make_write(file, 0, "3"), "written d/k");
    assert_int_equal(fixture_run(f, ops, 2, NULL), 0);
    assert_events(f, "moved-from d/, moved-to e/, written e/k");
}

/* The node has started again; its session ends before its first command, which fails. */
static void what_goes_with_a_session_is_told(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, make_put("dir/key", "1"));
    uint64_t dir = fixture_resolve(f, "dir").ino;
    assert_tells(f, make_named(OP_EPHEMERAL, dir, "e"), "created dir/e");
    fixture_must(f, (struct op){.type = OP_DELETE, .name = text("dir/key")});
    f->incarnation++;
    f->sequence = 1;
    assert_int_equal(fixture_do(f, make_named(OP_UNLINK, INO_ROOT, "none")), -ENOENT);
    assert_events(f, "deleted dir/e, deleted dir/");
}

static void what_is_too_much_is_told_as_lost(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, make_put("first", "1"));
    uint64_t file = fixture_resolve(f, "first").ino;
    for (int i = 1; i < EVENTS_NAMES_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        struct op link = make_named(OP_LINK, INO_ROOT, name);
        link.ino2 = file;
        fixture_must(f, link);
    }
    fixture_must(f, make_write(file, 0, "x"));
    struct reader left = reader_of(tree_changes(f->tree)->events);
    struct tree_event event;
    uint32_t count = 0;
    while (tree_event_next(&left, &event))
        count += event.kind == CHANGE_WRITTEN;
    assert_int_equal(count, EVENTS_NAMES_MAX);
    struct op link = make_named(OP_LINK, INO_ROOT, "last");
    link.ino2 = file;
    fixture_must(f, link);
    assert_tells(f, make_write(file, 0, "x"), "lost ");
    assert_tells(f, make_put("other", "x"), "created other");
}

static void a_deep_path_is_left_out(void **state)
{
    struct fixture *f = *state;
    uint64_t dir = INO_ROOT;
    char name[NAME_BYTES_MAX + 1] = {0};
    memset(name, 'd', NAME_BYTES_MAX);
    for (int i = 0; i < 16; i++)
        dir = fixture_make_dir(f, dir, name);
    assert_tells(f, make_named(OP_MKDIR, dir, "x"), "");
    assert_tells(f, make_put("k", "1"), "created k");
}

/* ---- Under random operations ---- */

enum { PATHS_MAX = MODEL_NAMES };

/* The paths of the tree, from the events alone. */
struct paths {
    char *path[PATHS_MAX];
    uint32_t count;
};

static uint32_t find_path(const struct paths *p, const char *path)
{
    uint32_t i = 0;
    while (i < p->count && strcmp(p->path[i], path) != 0)
        i++;
    return i;
}

static void add_path(struct paths *p, const char *path)
{
    assert_int_equal(find_path(p, path), p->count);
    assert_true(p->count < PATHS_MAX);
    p->path[p->count++] = strdup(path);
}

static void remove_path(struct paths *p, const char *path)
{
    uint32_t i = find_path(p, path);
    assert_true(i < p->count);
    free(p->path[i]);
    p->path[i] = p->path[--p->count];
}

/* A directory takes what is below it along; until its second half is told, that is nowhere. */
static void move_below(struct paths *p, const char *from, const char *to)
{
    size_t len = strlen(from);
    for (uint32_t i = 0; i < p->count; i++) {
        if (strncmp(p->path[i], from, len) != 0 || p->path[i][len] != '/')
            continue;
        char *moved = NULL;
        assert_true(asprintf(&moved, "%s%s", to, p->path[i] + len) > 0);
        free(p->path[i]);
        p->path[i] = moved;
    }
}

static void replay(struct paths *p, struct bytes events)
{
    struct reader left = reader_of(events);
    struct tree_event event;
    char from[2][PATH_BYTES_MAX + 1];
    int pending = 0, taken = 0;
    static const char *const aside[] = {"//0", "//1"};
    while (tree_event_next(&left, &event)) {
        char path[PATH_BYTES_MAX + 1];
        snprintf(path, sizeof path, "%.*s", (int)event.path.len, event.path.data);
        if (event.kind != CHANGE_MOVED_FROM && event.kind != CHANGE_MOVED_TO)
            pending = taken = 0;
        if (event.kind == CHANGE_CREATED) {
            add_path(p, path);
        } else if (event.kind == CHANGE_DELETED) {
            remove_path(p, path);
        } else if (event.kind == CHANGE_MOVED_FROM) {
            if (taken > 0)
                pending = taken = 0;
            remove_path(p, path);
            move_below(p, path, aside[pending]);
            strcpy(from[pending++], path);
        } else if (event.kind == CHANGE_MOVED_TO) {
            add_path(p, path);
            move_below(p, aside[taken], path);
            taken++;
        } else if (event.path.len > 0) {
            assert_true(find_path(p, path) < p->count);
        }
    }
}

struct walk {
    struct paths *paths;
    bool collects; /* them, instead of comparing */
    uint64_t ino[PATHS_MAX];
    char path[PATHS_MAX][PATH_BYTES_MAX + 1];
    uint32_t todo, found;
    const char *at;
};

static bool meet(void *arg, struct bytes name, const struct attr *attr)
{
    struct walk *w = arg;
    char path[2 * PATH_BYTES_MAX];
    snprintf(path, sizeof path, "%s%s%.*s", w->at, *w->at ? "/" : "", (int)name.len, name.data);
    if (w->collects)
        add_path(w->paths, path);
    if (find_path(w->paths, path) == w->paths->count)
        fail_msg("%s was not told", path);
    w->found++;
    if (S_ISDIR(attr->mode)) {
        w->ino[w->todo] = attr->ino;
        strcpy(w->path[w->todo++], path);
    }
    return true;
}

static void walk_paths(struct fixture *f, struct paths *p, bool collects)
{
    struct walk *w = calloc(1, sizeof *w);
    w->paths = p;
    w->collects = collects;
    w->ino[w->todo++] = INO_ROOT;
    for (uint32_t i = 0; i < w->todo; i++) {
        w->at = w->path[i];
        assert_int_equal(tree_list(f->tree, w->ino[i], text(""), UINT32_MAX, meet, w), 0);
    }
    assert_int_equal(w->found, p->count);
    free(w);
}

static void free_paths(struct paths *p)
{
    while (p->count > 0)
        free(p->path[--p->count]);
}

static void the_events_replayed_make_the_same_paths(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = random_seed();
    struct model *m = model_new();
    struct script_nodes nodes = script_nodes();
    struct paths paths = {.count = 0};
    bool begun = false;
    for (int i = 0; i < SCRIPT_ENTRIES; i++) {
        struct command_result expected;
        struct buffer entry = script_next(&nodes, &m, &seed, &expected);
        if (!begun && tree_cluster(f->tree)->level >= LEVEL_WATCH) {
            walk_paths(f, &paths, true);
            begun = true;
        }
        script_run(f, &entry, expected.status);
        replay(&paths, tree_changes(f->tree)->events);
        if (begun && i % 50 == 0)
            walk_paths(f, &paths, false);
        command_result_free(&expected);
        buffer_free(&entry);
    }
    assert_true(begun);
    walk_paths(f, &paths, false);
    free_paths(&paths);
    model_free(m);
}

/* ---- As it is kept ---- */

static bool append_entry(void *arg, uint64_t revision, struct bytes events)
{
    struct buffer *all = arg;
    buffer_put_u64(all, revision);
    buffer_put_bytes(all, events);
    return true;
}

/* The history from `since` on, read in its pieces. */
static struct buffer history_from(struct fixture *f, uint64_t since)
{
    struct buffer all = {0};
    do
        assert_int_equal(tree_events(f->tree, since, append_entry, &all, &since), 0);
    while (since < tree_applied(f->tree));
    return all;
}

static void assert_history(struct fixture *f, const struct buffer *expected, uint64_t since)
{
    struct buffer all = history_from(f, since);
    struct reader left = reader_of(bytes_of(expected->data, expected->len));
    const uint8_t *at = left.at;
    while (reader_left(&left) > 0) {
        at = left.at;
        if (reader_u64(&left) > since)
            break;
        reader_bytes(&left);
        at = left.at;
    }
    assert_true(bytes_equal(bytes_of(all.data, all.len), bytes_of(at, (size_t)(left.end - at))));
    buffer_free(&all);
}

/* Two nodes, one of which commits and restarts, have the history that was told, from any revision
 * on. */
static void the_history_is_what_was_told(void **state)
{
    struct fixture *f = *state, other;
    uint64_t seed = random_seed();
    struct script *s = script_new(seed);
    struct buffer told = {0};
    fixture_open(&other);
    for (int i = 0; i < SCRIPT_ENTRIES; i++) {
        script_run(f, &s->entry[i], s->status[i]);
        script_run(&other, &s->entry[i], s->status[i]);
        const struct tree_changes *changes = tree_changes(f->tree);
        if (changes->events.len > 0)
            append_entry(&told, changes->revision, changes->events);
        if (random_below(&seed, 10) == 0)
            assert_int_equal(tree_commit(other.tree), 0);
        if (random_below(&seed, 300) == 0)
            fixture_reopen(&other);
    }
    assert_int_equal(fixture_digest(&other), fixture_digest(f));
    uint64_t begun = tree_events_since(f->tree);
    assert_int_equal(tree_events_since(other.tree), begun);
    for (uint64_t since = begun; since <= SCRIPT_ENTRIES; since += 1 + random_below(&seed, 90)) {
        assert_history(f, &told, since);
        assert_history(&other, &told, since);
    }
    buffer_free(&told);
    fixture_close(&other);
    script_free(s);
}

static bool take_none(void *arg, uint64_t revision, struct bytes events)
{
    *(uint64_t *)arg = revision;
    return false;
}

static void a_reader_can_stop_at_each_entry(void **state)
{
    struct fixture *f = *state;
    uint64_t upto, seen = 0;
    for (int i = 0; i < 300; i++)
        fixture_must(f, make_put("k", "v"));
    for (uint64_t since = 1; since < tree_applied(f->tree); since++) {
        assert_int_equal(tree_events(f->tree, since, take_none, &seen, &upto), 0);
        if (seen == since) { /* it was the last of its block */
            assert_int_equal(upto, since);
            continue;
        }
        assert_int_equal(upto, since);
        assert_int_equal(seen, since + 1);
    }
}

static void only_so_many_changes_are_kept(void **state)
{
    struct fixture *f = *state;
    const uint64_t puts = EVENTS_MAX + 5000;
    for (uint64_t i = 0; i < puts; i++)
        fixture_must(f, make_put("key", "v"));
    uint64_t since = tree_events_since(f->tree), upto, last = tree_applied(f->tree);
    assert_in_range(last - since, EVENTS_MAX, EVENTS_MAX + 1000);
    assert_int_equal(tree_events(f->tree, since - 1, append_entry, NULL, &upto), -ESTALE);
    struct buffer all = history_from(f, since);
    struct reader left = reader_of(bytes_of(all.data, all.len));
    for (uint64_t revision = since + 1; revision <= last; revision++) {
        assert_int_equal(reader_u64(&left), revision);
        reader_bytes(&left);
    }
    assert_int_equal(reader_left(&left), 0);
    buffer_free(&all);
    fixture_reopen(f);
    assert_int_equal(tree_events_since(f->tree), since);
}

static void only_so_many_bytes_are_kept(void **state)
{
    struct fixture *f = *state;
    char key[PATH_BYTES_MAX + 1];
    for (int i = 0; i < PATH_BYTES_MAX; i++)
        key[i] = i % 200 == 199 ? '/' : 'k';
    key[PATH_BYTES_MAX] = 0;
    key[PATH_BYTES_MAX - 1] = 'k';
    const uint64_t puts = EVENTS_BYTES_MAX / PATH_BYTES_MAX + 500;
    for (uint64_t i = 0; i < puts; i++)
        fixture_must(f, make_put(key, "v"));
    uint64_t kept = tree_applied(f->tree) - tree_events_since(f->tree);
    assert_in_range(kept * PATH_BYTES_MAX, EVENTS_BYTES_MAX - (64 << 10),
                    EVENTS_BYTES_MAX + (64 << 10));
}

static void nothing_is_kept_below_its_level(void **state)
{
    struct fixture *f = *state;
    uint64_t upto;
    fixture_must(f, make_put("before", "1"));
    assert_events(f, "");
    assert_int_equal(tree_events_since(f->tree), UINT64_MAX);
    assert_int_equal(tree_events(f->tree, 0, append_entry, NULL, &upto), -ESTALE);
    raise_level(f);
    assert_events(f, "");
    fixture_must(f, make_put("after", "1"));
    assert_events(f, "created after");
    assert_int_equal(tree_events_since(f->tree), 2);
    assert_int_equal(tree_events(f->tree, 1, append_entry, NULL, &upto), -ESTALE);
    fixture_reopen(f);
    struct buffer all = history_from(f, 2), expected = {0};
    append_entry(&expected, 3, bytes_of("\0\5\0after", 8));
    assert_true(bytes_equal(bytes_of(all.data, all.len), bytes_of(expected.data, expected.len)));
    buffer_free(&all);
    buffer_free(&expected);
}

/* What a peer sends is checked before it is believed. */
static void a_wrong_history_is_noticed(void **state)
{
    static const char *const wrong[] = {
        "UPDATE event SET bytes = x'00' WHERE since = 0",
        "UPDATE event SET number = number + 1 WHERE since > 0",
        "UPDATE event SET offset = 0",
        "UPDATE event SET since = since + 2",
        "UPDATE event SET since = 1000000 WHERE since = (SELECT max(since) FROM event)",
        "UPDATE event SET bytes = CAST(substr(bytes, 1, 12) || x'07' || substr(bytes, 14) AS BLOB)"
        " WHERE since = 0",
        "UPDATE event SET bytes = CAST(x'00' || substr(bytes, 2) AS BLOB) WHERE since = 0",
        "UPDATE event SET bytes = CAST(x'ff' || substr(bytes, 2) AS BLOB)"
        " WHERE since = (SELECT max(since) FROM event)",
    };
    struct fixture *f = *state;
    for (int i = 0; i < 600; i++)
        fixture_must(f, make_put("key/of/some/length", "v"));
    assert_int_equal(tree_commit(f->tree), 0);
    assert_int_equal(events_check(&f->tree->sql), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(sql_exec(&f->tree->sql, "SAVEPOINT wrong"), 0);
        assert_int_equal(sql_exec(&f->tree->sql, wrong[i]), 0);
        if (events_check(&f->tree->sql) != -EBADMSG)
            fail_msg("not noticed: %s", wrong[i]);
        assert_int_equal(sql_exec(&f->tree->sql, "ROLLBACK TO wrong; RELEASE wrong"), 0);
    }
    assert_int_equal(events_check(&f->tree->sql), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVENTS_TEST(keys_have_their_paths),
        EVENTS_TEST(files_have_their_paths),
        EVENTS_TEST(each_name_of_a_file_is_told),
        EVENTS_TEST(an_exchange_tells_both_paths),
        EVENTS_TEST(what_is_undone_is_not_told),
        EVENTS_TEST(what_goes_with_a_session_is_told),
        EVENTS_TEST(what_is_too_much_is_told_as_lost),
        EVENTS_TEST(a_deep_path_is_left_out),
        FIXTURE_TEST(the_events_replayed_make_the_same_paths),
        FIXTURE_TEST(the_history_is_what_was_told),
        EVENTS_TEST(a_reader_can_stop_at_each_entry),
        EVENTS_TEST(only_so_many_changes_are_kept),
        EVENTS_TEST(only_so_many_bytes_are_kept),
        FIXTURE_TEST(nothing_is_kept_below_its_level),
        EVENTS_TEST(a_wrong_history_is_noticed),
    };
    return cmocka_run_group_tests_name("tree_events", tests, NULL, NULL);
}
