/* Files that go with the session of a node (store/tree_ephemeral.c). */
#include "tree_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct op_result result; /* of the last command */

static int run(struct fixture *f, uint32_t node, struct op op)
{
    f->node = node;
    return fixture_run(f, &op, 1, &result);
}

static struct op make_ephemeral(uint64_t parent, const char *name, uint64_t waiter)
{
    struct op op = make_named(OP_EPHEMERAL, parent, name);
    op.waiter = waiter;
    return op;
}

/* Its inode. */
static uint64_t bind_file(struct fixture *f, uint32_t node, uint64_t parent, const char *name)
{
    assert_int_equal(run(f, node, make_ephemeral(parent, name, 7)), 0);
    assert_int_equal(result.offset, tree_lock_session(f->tree, node));
    assert_true(tree_is_ephemeral(f->tree, result.attr.ino));
    return result.attr.ino;
}

static bool unbind(struct fixture *f, uint32_t node, uint64_t ino)
{
    assert_int_equal(run(f, node, (struct op){.type = OP_EPHEMERAL_END, .ino = ino}), 0);
    return result.existed;
}

static bool end_session(struct fixture *f, uint32_t node)
{
    uint64_t number = tree_lock_session(f->tree, node);
    const struct op end = {.type = OP_END_SESSION, .size = node, .revision = number};
    assert_int_equal(run(f, 1, end), 0);
    return result.existed;
}

static bool exists(struct fixture *f, const char *key)
{
    return fixture_resolve(f, key).ino != 0;
}

static bool count_one(void *arg, uint64_t ino, uint64_t waiter)
{
    ++*(uint32_t *)arg;
    assert_int_equal(waiter, 7);
    return true;
}

static uint32_t count_of(struct fixture *f, uint32_t node)
{
    uint32_t count = 0;
    assert_int_equal(tree_ephemerals(f->tree, node, count_one, &count), 0);
    return count;
}

/* ---- Beginning ---- */

static void one_node_has_a_name(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, make_put("key", "1"));
    fixture_make_dir(f, INO_ROOT, "dir");
    uint64_t leader = bind_file(f, 1, INO_ROOT, "leader");
    for (uint32_t node = 1; node <= 2; node++) {
        assert_int_equal(run(f, node, make_ephemeral(INO_ROOT, "leader", 8)), -EBUSY);
        assert_int_equal(run(f, node, make_ephemeral(INO_ROOT, "key", 8)), -EEXIST);
        assert_int_equal(run(f, node, make_ephemeral(INO_ROOT, "dir", 8)), -EEXIST);
        assert_int_equal(run(f, node, make_ephemeral(leader, "x", 8)), -ENOTDIR);
        assert_int_equal(run(f, node, make_ephemeral(99, "x", 8)), -ESTALE);
        assert_int_equal(run(f, node, make_ephemeral(INO_ROOT, ".quorumfs", 8)), -EPERM);
    }
    assert_int_equal(tree_lock_session(f->tree, 2), 0); /* what fails begins no session */
    assert_int_equal(count_of(f, 1), 1);
    assert_int_equal(count_of(f, 2), 0);
}

static void its_attributes_are_those_of_a_new_file(void **state)
{
    struct fixture *f = *state;
    struct op op = make_ephemeral(INO_ROOT, "a", 7);
    op.mode = 0640;
    op.uid = 5;
    op.gid = 6;
    assert_int_equal(run(f, 1, op), 0);
    struct attr attr = fixture_resolve(f, "a");
    assert_int_equal(attr.mode, S_IFREG | 0640);
    assert_int_equal(attr.uid, 5);
    assert_int_equal(attr.gid, 6);
    assert_int_equal(attr.nlink, 1);
}

static void there_are_so_many_and_no_more(void **state)
{
    struct fixture *f = *state;
    char name[16];
    for (int i = 0; i < EPHEMERALS_MAX; i++) {
        snprintf(name, sizeof name, "%d", i);
        bind_file(f, 1 + (uint32_t)i % 2, INO_ROOT, name);
    }
    assert_int_equal(run(f, 3, make_ephemeral(INO_ROOT, "x", 7)), -EDQUOT);
    fixture_reopen(f);
    assert_int_equal(run(f, 3, make_ephemeral(INO_ROOT, "x", 7)), -EDQUOT);
    assert_true(end_session(f, 2)); /* all of them in one entry */
    assert_int_equal(count_of(f, 1), EPHEMERALS_MAX / 2);
    assert_int_equal(fixture_getattr(f, INO_ROOT).size, EPHEMERALS_MAX / 2);
    bind_file(f, 3, INO_ROOT, "x");
}

/* ---- The end ---- */

static void its_node_gives_it_up(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = bind_file(f, 1, INO_ROOT, "leader");
    bind_file(f, 2, INO_ROOT, "other");
    assert_false(unbind(f, 2, ino)); /* of another node */
    assert_true(exists(f, "leader"));
    assert_true(unbind(f, 1, ino));
    assert_false(exists(f, "leader"));
    assert_true(fixture_gone(f, ino));
    assert_false(unbind(f, 1, ino));
    assert_true(tree_lock_session(f->tree, 1) != 0);
}

/* A late one must not hit another holder, nor an ordinary key of that name. */
static void giving_up_hits_no_later_file(void **state)
{
    struct fixture *f = *state;
    uint64_t first = bind_file(f, 1, INO_ROOT, "leader");
    assert_true(unbind(f, 1, first));
    bind_file(f, 1, INO_ROOT, "leader");
    assert_false(unbind(f, 1, first));
    assert_true(exists(f, "leader"));
    fixture_must(f, make_named(OP_UNLINK, INO_ROOT, "leader"));
    uint64_t key = fixture_must(f, make_put("leader", "1")).ino;
    assert_false(unbind(f, 1, first));
    assert_false(unbind(f, 1, key));
    assert_true(exists(f, "leader"));
}

static void a_session_ends_with_its_files(void **state)
{
    struct fixture *f = *state;
    uint64_t dir = fixture_make_dir(f, INO_ROOT, "dir");
    uint64_t ino = bind_file(f, 1, dir, "a");
    bind_file(f, 1, dir, "b");
    bind_file(f, 2, dir, "c");
    assert_true(end_session(f, 1));
    assert_false(exists(f, "dir/a"));
    assert_false(exists(f, "dir/b"));
    assert_true(exists(f, "dir/c"));
    assert_int_equal(count_of(f, 1), 0);
    assert_int_equal(run(f, 1, make_write(ino, 0, "late")), -ESTALE);
    uint64_t number = tree_lock_session(f->tree, 1);
    assert_int_equal(number, 0);
    bind_file(f, 1, dir, "a");
    assert_false(unbind(f, 1, ino));
    assert_true(exists(f, "dir/a"));
}

static void a_node_that_starts_again_has_lost_its_files(void **state)
{
    struct fixture *f = *state;
    bind_file(f, 1, INO_ROOT, "a");
    bind_file(f, 2, INO_ROOT, "b");
    f->node = 1;
    f->incarnation++;
    /* Also with a command that fails. */
    assert_int_equal(run(f, 1, make_named(OP_UNLINK, INO_ROOT, "missing")), -ENOENT);
    assert_false(exists(f, "a"));
    f->incarnation--;
    assert_true(exists(f, "b"));
}

static void implied_directories_go_with_it(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = LEVEL_MAX});
    fixture_must(f, make_put("a/b/key", "1"));
    uint64_t b = fixture_resolve(f, "a/b").ino;
    uint64_t ino = bind_file(f, 1, b, "x");
    fixture_must(f, (struct op){.type = OP_DELETE, .name = text("a/b/key")});
    assert_true(exists(f, "a/b/x"));
    assert_true(unbind(f, 1, ino));
    struct attr attr;
    assert_int_equal(tree_lookup(f->tree, INO_ROOT, text("a"), &attr), -ENOENT);
    uint64_t dir = fixture_make_dir(f, INO_ROOT, "made");
    assert_true(unbind(f, 1, bind_file(f, 1, dir, "x")));
    assert_true(exists(f, "made"));
}

/* ---- Other operations ---- */

static void a_rename_keeps_it_bound(void **state)
{
    struct fixture *f = *state;
    uint64_t dir = fixture_make_dir(f, INO_ROOT, "dir");
    uint64_t ino = bind_file(f, 1, INO_ROOT, "a");
    fixture_must(f, make_rename(INO_ROOT, "a", dir, "b", 0));
    bind_file(f, 2, INO_ROOT, "a");
    fixture_must(f, make_rename(INO_ROOT, "a", dir, "b", OP_EXCHANGE));
    assert_true(unbind(f, 1, ino));
    assert_false(exists(f, "a"));
    assert_true(exists(f, "dir/b"));
    assert_true(end_session(f, 2));
    assert_false(exists(f, "dir/b"));
}

static void losing_its_name_ends_it(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = bind_file(f, 1, INO_ROOT, "a");
    struct op op = make_named(OP_UNLINK, INO_ROOT, "a");
    op.hold = ino; /* although it is open there */
    assert_int_equal(run(f, 1, op), 0);
    assert_true(fixture_gone(f, ino));
    ino = bind_file(f, 1, INO_ROOT, "a");
    assert_int_equal(run(f, 2, (struct op){.type = OP_DELETE, .name = text("a")}), 0);
    assert_true(fixture_gone(f, ino));
    ino = bind_file(f, 1, INO_ROOT, "a");
    fixture_must(f, make_put("b", "ordinary"));
    fixture_must(f, make_rename(INO_ROOT, "b", INO_ROOT, "a", 0));
    assert_true(fixture_gone(f, ino));
    assert_true(end_session(f, 1));
    fixture_assert_contents(f, fixture_resolve(f, "a").ino, "ordinary");
}

static void it_has_one_name(void **state)
{
    struct fixture *f = *state;
    struct op link = make_named(OP_LINK, INO_ROOT, "b");
    link.ino2 = bind_file(f, 1, INO_ROOT, "a");
    assert_int_equal(run(f, 1, link), -EMLINK);
    assert_true(unbind(f, 1, link.ino2));
    link.ino2 = fixture_make_file(f, INO_ROOT, "c");
    assert_int_equal(run(f, 1, link), 0);
}

static void others_may_write_it(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = bind_file(f, 1, INO_ROOT, "a");
    f->node = 2;
    assert_int_equal(fixture_must(f, make_put("a", "value")).ino, ino);
    fixture_assert_contents(f, ino, "value");
    assert_true(unbind(f, 1, ino));
    assert_false(exists(f, "a"));
}

static void a_list_that_fails_binds_nothing(void **state)
{
    struct fixture *f = *state;
    const struct op ops[] = {make_ephemeral(INO_ROOT, "a", 7),
                             make_named(OP_UNLINK, INO_ROOT, "missing")};
    bind_file(f, 1, INO_ROOT, "b");
    assert_int_equal(fixture_run(f, ops, 2, NULL), -ENOENT);
    assert_false(exists(f, "a"));
    assert_int_equal(count_of(f, 1), 1);
    const struct op back[] = {
        {.type = OP_EPHEMERAL_END, .ino = fixture_resolve(f, "b").ino},
        make_named(OP_UNLINK, INO_ROOT, "missing"),
    };
    assert_int_equal(fixture_run(f, back, 2, NULL), -ENOENT);
    assert_int_equal(run(f, 2, make_ephemeral(INO_ROOT, "b", 7)), -EBUSY);
    fixture_reopen(f);
    assert_int_equal(count_of(f, 1), 1);
    assert_true(end_session(f, 1));
    assert_false(exists(f, "b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(one_node_has_a_name),
        FIXTURE_TEST(its_attributes_are_those_of_a_new_file),
        FIXTURE_TEST(there_are_so_many_and_no_more),
        FIXTURE_TEST(its_node_gives_it_up),
        FIXTURE_TEST(giving_up_hits_no_later_file),
        FIXTURE_TEST(a_session_ends_with_its_files),
        FIXTURE_TEST(a_node_that_starts_again_has_lost_its_files),
        FIXTURE_TEST(implied_directories_go_with_it),
        FIXTURE_TEST(a_rename_keeps_it_bound),
        FIXTURE_TEST(losing_its_name_ends_it),
        FIXTURE_TEST(it_has_one_name),
        FIXTURE_TEST(others_may_write_it),
        FIXTURE_TEST(a_list_that_fails_binds_nothing),
    };
    return cmocka_run_group_tests_name("tree_ephemeral", tests, NULL, NULL);
}
