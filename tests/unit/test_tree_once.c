/* The key tree: lists, exactly once, entries that are no commands, and the owner of a folder. */
#include "tree_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- Lists ---- */

static void lists_are_atomic(void **state)
{
    struct fixture *f = *state;
    struct op ops[3] = {make_put("a/b/c", "1"), make_put("d", "2"), make_put("a", "a directory")};
    fixture_must(f, make_put("kept", "old"));
    struct attr root = fixture_getattr(f, INO_ROOT);
    struct tree_counts before, after;
    assert_int_equal(tree_counts(f->tree, &before), 0);
    struct buffer entry = fixture_entry(f, ops, 3);
    bool repeated;
    struct command_result result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);
    assert_int_equal(result.status, -EISDIR);
    assert_int_equal(result.failed_op, 2);
    assert_null(result.ops);
    assert_int_equal(result.count, 0);
    buffer_free(&entry);
    command_result_free(&result);
    assert_int_equal(fixture_resolve(f, "a").ino, 0);
    assert_int_equal(fixture_resolve(f, "d").ino, 0);
    assert_int_equal(fixture_getattr(f, INO_ROOT).revision, root.revision);
    assert_int_equal(tree_counts(f->tree, &after), 0);
    assert_int_equal(after.inodes, before.inodes);
    assert_int_equal(after.bytes, before.bytes);
    /* the numbers that the failed list had taken are free again */
    uint64_t ino = fixture_must(f, make_put("e", "x")).ino;
    assert_int_equal(ino, fixture_resolve(f, "kept").ino + 1);
    ops[2] = make_put("a/b/c", "3");
    struct op_result out;
    assert_int_equal(fixture_run(f, ops, 3, &out), 0);
    assert_true(out.existed);
    fixture_assert_contents(f, out.attr.ino, "3");
}

/* ---- Exactly once ---- */

static struct command_result apply_stamped(struct fixture *f, struct stamp stamp, struct op op,
                                           bool *repeated)
{
    struct command command = {0};
    assert_int_equal(command_add(&command, &op), 0);
    command_stamp(&command, &stamp);
    struct command_result result =
        fixture_apply(f, bytes_of(command.bytes.data, command.bytes.len), repeated);
    command_free(&command);
    return result;
}

static int status_of(struct fixture *f, struct stamp stamp, const char *value, bool *repeated)
{
    struct op op = {.type = OP_APPEND, .data = text(value), .ino = 2};
    struct command_result result = apply_stamped(f, stamp, op, repeated);
    int status = result.status;
    command_result_free(&result);
    return status;
}

static void assert_same_attr(const struct attr *a, const struct attr *b)
{
    assert_int_equal(a->ino, b->ino);
    assert_int_equal(a->mode, b->mode);
    assert_int_equal(a->nlink, b->nlink);
    assert_int_equal(a->uid, b->uid);
    assert_int_equal(a->gid, b->gid);
    assert_int_equal(a->rdev, b->rdev);
    assert_int_equal(a->size, b->size);
    assert_int_equal(a->used, b->used);
    assert_int_equal(a->revision, b->revision);
    assert_int_equal(a->mtime, b->mtime);
    assert_int_equal(a->ctime, b->ctime);
}

static void a_repeated_command_has_the_same_result(void **state)
{
    struct fixture *f = *state;
    struct stamp stamp = {.node = 1, .incarnation = 1, .sequence = 5, .lowest = 3, .time = 9};
    struct op op = {.type = OP_APPEND, .data = text("once"), .ino = 2};
    fixture_make_file(f, INO_ROOT, "log");
    bool repeated;
    struct command_result first = apply_stamped(f, stamp, op, &repeated);
    assert_false(repeated);
    fixture_reopen(f); /* the rows are in the database too */
    struct command_result second = apply_stamped(f, stamp, op, &repeated);
    assert_true(repeated);
    assert_true(second.old_forgotten);
    assert_int_equal(second.revision, first.revision);
    assert_same_attr(&second.ops[0].attr, &first.ops[0].attr);
    command_result_free(&second);
    assert_int_equal(tree_recall(f->tree, 1, 1, 5, &second), 0);
    assert_int_equal(second.ops[0].offset, first.ops[0].offset);
    command_result_free(&second);
    command_result_free(&first);
    assert_int_equal(tree_recall(f->tree, 1, 1, 6, &second), -ENOENT);
    assert_int_equal(tree_recall(f->tree, 1, 2, 5, &second), -ENOENT);
    assert_int_equal(tree_recall(f->tree, 9, 1, 5, &second), -ENOENT);
    fixture_assert_contents(f, 2, "once");
    assert_int_equal(tree_applied(f->tree), 3);
}

static void failures_are_remembered(void **state)
{
    struct fixture *f = *state;
    struct stamp stamp = {.node = 1, .incarnation = 1, .sequence = 1, .lowest = 1, .time = 9};
    struct op op = make_put("d/x", "1");
    op.flags = OP_IF_EXISTS;
    bool repeated;
    struct command_result result = apply_stamped(f, stamp, op, &repeated);
    assert_int_equal(result.status, -ECANCELED);
    f->node = 2;
    fixture_must(f, make_put("d/x", "2"));
    /* it would succeed now, but the first answer stays the answer */
    result = apply_stamped(f, stamp, op, &repeated);
    assert_true(repeated);
    assert_int_equal(result.status, -ECANCELED);
    fixture_assert_contents(f, fixture_resolve(f, "d/x").ino, "2");
}

static void sequences_below_the_lowest_are_stale(void **state)
{
    struct fixture *f = *state;
    struct stamp stamp = {.node = 3, .incarnation = 7, .sequence = 10, .lowest = 8, .time = 9};
    fixture_make_file(f, INO_ROOT, "log");
    bool repeated;
    assert_int_equal(status_of(f, stamp, "a", &repeated), 0);
    stamp.sequence = 8; /* out of order: still waited for */
    assert_int_equal(status_of(f, stamp, "b", &repeated), 0);
    stamp.sequence = stamp.lowest = 11;
    assert_int_equal(status_of(f, stamp, "c", &repeated), 0);
    stamp.sequence = stamp.lowest = 10; /* below the lowest: was answered long ago */
    assert_int_equal(status_of(f, stamp, "X", &repeated), -ESTALE);
    assert_true(repeated);
    stamp.sequence = 11 + TREE_SESSION_WINDOW;
    stamp.lowest = 11;
    assert_int_equal(status_of(f, stamp, "X", &repeated), -EAGAIN);
    stamp.sequence--;
    assert_int_equal(status_of(f, stamp, "d", &repeated), 0);
    stamp.incarnation = 6;
    assert_int_equal(status_of(f, stamp, "X", &repeated), -ESTALE);
    stamp.incarnation = 8;
    stamp.sequence = stamp.lowest = 1;
    assert_int_equal(status_of(f, stamp, "e", &repeated), 0);
    assert_int_equal(status_of(f, stamp, "e", &repeated), 0);
    assert_true(repeated);
    stamp.incarnation = 7;
    stamp.sequence = 100000000;
    assert_int_equal(status_of(f, stamp, "X", &repeated), -ESTALE);
    stamp.node = 4; /* another node's sequences are its own */
    stamp.incarnation = 1;
    stamp.sequence = 1;
    assert_int_equal(status_of(f, stamp, "f", &repeated), 0);
    fixture_assert_contents(f, 2, "abcdef");
    uint64_t digest = fixture_digest(f);
    fixture_reopen(f);
    assert_int_equal(fixture_digest(f), digest);
}

/* On the nodes that did not propose it as well. */
static void a_repeated_command_is_known_on_the_other_nodes(void **state)
{
    struct fixture *f = *state;
    struct op op = {.type = OP_APPEND, .data = text("once"), .ino = 2};
    fixture_make_file(f, INO_ROOT, "log");
    struct buffer entry = fixture_entry(f, &op, 1);
    bool repeated;
    struct command_result result;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            tree_apply(f->tree, bytes_of(entry.data, entry.len), false, &result, &repeated), 0);
        assert_int_equal(repeated, i);
        command_result_free(&result);
    }
    buffer_free(&entry);
    fixture_assert_contents(f, 2, "once");
}

/* The low mark forgets what is below it and nothing else, and never goes back; also after a
 * restart. */
static void the_low_mark_forgets_results_below_it(void **state)
{
    struct fixture *f = *state;
    struct stamp stamp = {.node = 3, .incarnation = 1, .time = 9};
    fixture_make_file(f, INO_ROOT, "log");
    bool repeated;
    for (stamp.sequence = 60; stamp.sequence < 70; stamp.sequence++) {
        stamp.lowest = stamp.sequence > 66 ? 62 : 58; /* in the middle of a page of results */
        assert_int_equal(status_of(f, stamp, ".", &repeated), 0);
    }
    stamp.sequence = 61;
    stamp.lowest = 58; /* proposed before the mark was raised */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(status_of(f, stamp, "X", &repeated), -ESTALE);
        stamp.sequence = 59; /* was never seen */
        assert_int_equal(status_of(f, stamp, "X", &repeated), -ESTALE);
        for (stamp.sequence = 62; stamp.sequence < 70; stamp.sequence++) {
            assert_int_equal(status_of(f, stamp, "X", &repeated), 0);
            assert_true(repeated);
        }
        fixture_reopen(f);
        stamp.sequence = 61;
    }
    stamp.sequence = stamp.lowest = 70;
    assert_int_equal(status_of(f, stamp, ".", &repeated), 0);
    stamp.sequence = 69;
    assert_int_equal(status_of(f, stamp, "X", &repeated), -ESTALE);
    fixture_assert_contents(f, 2, "...........");
}

/* A node that starts again counts from 1, and is not given the results of its life before. */
static void a_new_incarnation_begins_anew(void **state)
{
    struct fixture *f = *state;
    struct stamp stamp = {.node = 3, .incarnation = 1, .sequence = 2, .lowest = 1, .time = 9};
    fixture_make_file(f, INO_ROOT, "log");
    bool repeated;
    assert_int_equal(status_of(f, stamp, "a", &repeated), 0);
    stamp.sequence = 200;
    assert_int_equal(status_of(f, stamp, "b", &repeated), 0);
    assert_int_equal(tree_commit(f->tree), 0);
    stamp.incarnation = 2;
    stamp.sequence = 1;
    assert_int_equal(status_of(f, stamp, "c", &repeated), 0);
    stamp.sequence = 2;
    assert_int_equal(status_of(f, stamp, "d", &repeated), 0);
    assert_false(repeated);
    fixture_reopen(f);
    stamp.sequence = 200;
    assert_int_equal(status_of(f, stamp, "e", &repeated), 0);
    assert_false(repeated);
    fixture_assert_contents(f, 2, "abcde");
}

static void a_full_window_is_remembered(void **state)
{
    struct fixture *f = *state;
    struct stamp stamp = {.node = 3, .incarnation = 1, .lowest = 40, .time = 9};
    fixture_make_file(f, INO_ROOT, "log");
    bool repeated;
    for (stamp.sequence = 40; stamp.sequence < 40 + TREE_SESSION_WINDOW; stamp.sequence++) {
        assert_int_equal(status_of(f, stamp, "", &repeated), 0);
        if (stamp.sequence % 1000 == 0)
            assert_int_equal(tree_commit(f->tree), 0);
    }
    uint64_t digest = fixture_digest(f);
    fixture_reopen(f);
    assert_int_equal(fixture_digest(f), digest);
    stamp.sequence = 40;
    assert_int_equal(status_of(f, stamp, "", &repeated), 0);
    assert_true(repeated);
    stamp.sequence = stamp.lowest = 40 + TREE_SESSION_WINDOW;
    assert_int_equal(status_of(f, stamp, "", &repeated), 0);
    assert_false(repeated);
}

/* A proposer's clock may be slow; the state's never goes back, nor stands still. */
static void time_never_goes_back(void **state)
{
    struct fixture *f = *state;
    f->time = 5000;
    assert_int_equal(fixture_must(f, make_put("k", "1")).mtime, 5000);
    f->time = 10;
    assert_int_equal(fixture_must(f, make_put("k", "2")).mtime, 5001);
    f->time = 5001;
    assert_int_equal(fixture_must(f, make_put("k", "3")).mtime, 5002);
    fixture_reopen(f);
    assert_int_equal(fixture_must(f, make_put("k", "4")).mtime, 5003);
    f->time = 6000;
    assert_int_equal(fixture_must(f, make_put("k", "5")).mtime, 6000);
}

static void garbage_is_refused(void **state)
{
    struct fixture *f = *state;
    struct op op = make_put("k", "v");
    struct buffer entry = fixture_entry(f, &op, 1);
    fixture_must(f, op);
    uint64_t revision = fixture_getattr(f, INO_ROOT).revision;
    bool repeated;
    struct command_result result;
    for (size_t len = 0; len < entry.len; len++) {
        repeated = true;
        result = fixture_apply(f, bytes_of(entry.data, len), &repeated);
        assert_false(repeated);
        assert_int_equal(result.status, -EBADMSG);
        command_result_free(&result);
    }
    buffer_put_u8(&entry, 0);
    result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);
    assert_int_equal(result.status, -EBADMSG);
    command_result_free(&result);
    assert_int_equal(tree_applied(f->tree), 1 + entry.len);
    assert_int_equal(fixture_getattr(f, INO_ROOT).revision, revision);
    buffer_free(&entry);
    fixture_reopen(f);
    assert_true(tree_applied(f->tree) > 1);
}

/* Entries that a later version may have written: of a later version of commands, and of version 2
 * with an unknown operation or field. */
static void an_entry_of_a_later_version_stops_the_tree(void **state)
{
    struct fixture *f = *state;
    struct op op = make_put("k", "v");
    struct buffer entry = fixture_entry(f, &op, 1);
    struct command wide = {.level = 2};
    fixture_must(f, op);
    assert_int_equal(command_add(&wide, &op), 0);
    command_stamp(&wide, &(struct stamp){.node = 1, .incarnation = 1, .sequence = 100});
    const size_t type_at = 1 + 4 + 8 + 8 + 8 + 8 + 4;
    const struct {
        struct buffer *bytes;
        size_t at;
        uint8_t value;
    } rows[] = {{&entry, 0, COMMAND_VERSION_MAX + 1},
                {&entry, 0, 255},
                {&wide.bytes, type_at, OP_TYPE_END},
                {&wide.bytes, type_at + 4, 0x80}};
    char level[32];
    snprintf(level, sizeof level, "level <= %d", LEVEL_MAX);
    uint64_t applied = tree_applied(f->tree), history = tree_history(f->tree);
    bool repeated;
    struct command_result result;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer *b = rows[i].bytes;
        uint8_t before = b->data[rows[i].at];
        b->data[rows[i].at] = rows[i].value;
        assert_int_equal(tree_apply(f->tree, bytes_of(b->data, b->len), true, &result, &repeated),
                         -EPROTONOSUPPORT);
        assert_non_null(strstr(tree_fault(f->tree), "entry 1 of the log is of a later version"));
        assert_non_null(strstr(tree_fault(f->tree), level));
        assert_int_equal(tree_applied(f->tree), applied);
        assert_int_equal(tree_history(f->tree), history);
        b->data[rows[i].at] = before;
    }
    fixture_reopen(f);
    assert_int_equal(tree_applied(f->tree), applied);
    fixture_must(f, make_put("k", "w")); /* nothing was broken */
    result = fixture_apply(f, bytes_of(wide.bytes.data, wide.bytes.len), &repeated);
    assert_int_equal(result.status, 0); /* version 2 itself is known */
    command_result_free(&result);
    command_free(&wide);
    buffer_free(&entry);
}

/* Former values: only for a caller that asked, and no longer than one value may be. */
static void former_values_are_given_when_asked_for(void **state)
{
    struct fixture *f = *state;
    struct op op = make_put("k", "new");
    fixture_must(f, make_put("k", "old"));
    op.flags = OP_WANT_OLD;
    struct buffer entry = fixture_entry(f, &op, 1);
    bool repeated;
    struct command_result result;
    assert_int_equal(
        tree_apply(f->tree, bytes_of(entry.data, entry.len), false, &result, &repeated), 0);
    assert_true(result.ops[0].existed);
    assert_false(result.ops[0].old_present);
    command_result_free(&result);
    buffer_free(&entry);
    entry = fixture_entry(f, &op, 1);
    result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);
    assert_true(bytes_equal(command_result_old(&result, 0), text("new")));
    command_result_free(&result);
    buffer_free(&entry);
}

static void former_values_of_a_list_are_given(void **state)
{
    struct fixture *f = *state;
    struct op ops[] = {make_put("k", "third"), make_put("l", "x"), make_put("k", "fourth")};
    fixture_must(f, make_put("k", "first"));
    fixture_must(f, make_put("l", "second"));
    for (int i = 0; i < 3; i++)
        ops[i].flags = OP_WANT_OLD;
    struct buffer entry = fixture_entry(f, ops, 3);
    bool repeated;
    struct command_result result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);
    assert_true(bytes_equal(command_result_old(&result, 0), text("first")));
    assert_true(bytes_equal(command_result_old(&result, 1), text("second")));
    assert_true(bytes_equal(command_result_old(&result, 2), text("third")));
    command_result_free(&result);
    buffer_free(&entry);
}

static void other_folders_are_refused(void **state)
{
    struct fixture *f = *state;
    struct identity other = {.cluster = 78, .node = 1};
    tree_close(f->tree);
    struct fault fault;
    struct tree *tree;
    assert_int_equal(tree_open(f->folder, &other, &tree, &fault), -EINVAL);
    other = (struct identity){.cluster = 77, .node = 2};
    assert_int_equal(tree_open(f->folder, &other, &tree, &fault), -EINVAL);
    assert_non_null(strstr(fault.text, "tree.db"));
    folder_close(f->folder);
    fixture_attach(f);
}

static void damaged_results_are_named(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {{0}};
    assert_int_equal(fixture_do(f, make_put("a", "x")), 0);
    tree_close(f->tree);
    fixture_sql(f, "UPDATE result SET page = page + 100000");
    struct tree *tree;
    assert_int_equal(
        tree_open(f->folder, &(struct identity){.cluster = 77, .node = 1}, &tree, &fault),
        -EUCLEAN);
    assert_non_null(strstr(fault.text, "tree.db is damaged (its stored results"));
    fixture_sql(f, "UPDATE result SET page = page - 100000");
    folder_close(f->folder);
    fixture_attach(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(lists_are_atomic),
        FIXTURE_TEST(a_repeated_command_has_the_same_result),
        FIXTURE_TEST(a_repeated_command_is_known_on_the_other_nodes),
        FIXTURE_TEST(failures_are_remembered),
        FIXTURE_TEST(sequences_below_the_lowest_are_stale),
        FIXTURE_TEST(the_low_mark_forgets_results_below_it),
        FIXTURE_TEST(a_new_incarnation_begins_anew),
        FIXTURE_TEST(a_full_window_is_remembered),
        FIXTURE_TEST(time_never_goes_back),
        FIXTURE_TEST(garbage_is_refused),
        FIXTURE_TEST(an_entry_of_a_later_version_stops_the_tree),
        FIXTURE_TEST(former_values_are_given_when_asked_for),
        FIXTURE_TEST(former_values_of_a_list_are_given),
        FIXTURE_TEST(other_folders_are_refused),
        FIXTURE_TEST(damaged_results_are_named),
    };
    return cmocka_run_group_tests_name("tree_once", tests, NULL, NULL);
}
