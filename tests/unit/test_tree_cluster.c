/* The cluster's properties in the log: its feature level, and its members' addresses. */
#include "tree_fixture.h"

#include "command/level.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static struct op make_member(const char *addr, const char *peer_addr)
{
    return (struct op){.type = OP_MEMBER, .name = text(addr), .name2 = text(peer_addr)};
}

static const struct tree_member *only_member(struct fixture *f)
{
    const struct tree_cluster *cluster = tree_cluster(f->tree);
    assert_int_equal(cluster->count, 1);
    return &cluster->members[0];
}

static void a_new_tree_begins_with_the_lowest_level(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(tree_cluster(f->tree)->level, LEVEL_MIN);
    assert_int_equal(tree_cluster(f->tree)->count, 0);
}

static void the_level_rises_and_never_goes_back(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = 2});
    assert_int_equal(tree_cluster(f->tree)->level, 2);
    uint64_t version = tree_cluster(f->tree)->version;
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = 1});
    assert_int_equal(tree_cluster(f->tree)->level, 2);
    assert_true(tree_cluster(f->tree)->version == version);
    fixture_reopen(f);
    assert_int_equal(tree_cluster(f->tree)->level, 2);
}

static struct op found(uint32_t level)
{
    return (struct op){.type = OP_LEVEL, .size = level, .mode = 01755, .uid = 1000, .gid = 100};
}

static bool root_is(struct fixture *f, uint32_t mode, uint32_t uid, uint32_t gid)
{
    struct attr root = fixture_getattr(f, INO_ROOT);
    return root.mode == (S_IFDIR | mode) && root.uid == uid && root.gid == gid;
}

/* Whatever was put there since the tree was made. */
static void a_new_cluster_gives_the_root_its_owner(void **state)
{
    struct fixture *f = *state;
    assert_true(root_is(f, 0777, 0, 0));
    fixture_must(f, make_put("a/b", "1"));
    tree_observe(f->tree, true);
    fixture_must(f, found(LEVEL_RIGHTS));
    assert_true(root_is(f, 01755, 1000, 100));
    const struct tree_changes *changes = tree_changes(f->tree);
    assert_int_equal(changes->count, 1);
    assert_int_equal(changes->list[0].kind, CHANGE_ATTRIBUTES);
    assert_int_equal(changes->list[0].ino, INO_ROOT);
    assert_int_equal(fixture_getattr(f, INO_ROOT).revision, tree_applied(f->tree));
    fixture_must(f, (struct op){.type = OP_SETATTR, .ino = 1, .flags = OP_SET_MODE, .mode = 0777});
    fixture_must(f, found(LEVEL_RIGHTS)); /* once */
    assert_true(root_is(f, 0777, 1000, 100));
}

static void a_root_that_has_changed_stays(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, (struct op){.type = OP_SETATTR, .ino = 1, .flags = OP_SET_MODE, .mode = 0700});
    fixture_must(f, found(LEVEL_RIGHTS));
    assert_true(root_is(f, 0700, 0, 0));
}

static void the_root_of_a_former_cluster_stays(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, found(LEVEL_RIGHTS - 1)); /* which says nothing of it yet */
    assert_true(root_is(f, 0777, 0, 0));
    fixture_must(f, found(LEVEL_RIGHTS));
    assert_true(root_is(f, 0777, 0, 0));
}

static void a_level_alone_leaves_the_root(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = LEVEL_RIGHTS});
    assert_true(root_is(f, 0777, 0, 0));
}

static void a_later_level_is_for_later_versions(void **state)
{
    struct fixture *f = *state;
    const struct op later = {.type = OP_LEVEL, .size = LEVEL_MAX + 1};
    struct buffer entry = fixture_entry(f, &later, 1);
    struct command_result result;
    bool repeated;
    uint64_t applied = tree_applied(f->tree);
    assert_int_equal(
        tree_apply(f->tree, bytes_of(entry.data, entry.len), false, &result, &repeated),
        -EPROTONOSUPPORT);
    assert_non_null(strstr(tree_fault(f->tree), "later version of quorumfs"));
    assert_true(tree_applied(f->tree) == applied);
    assert_int_equal(tree_cluster(f->tree)->level, LEVEL_MIN);
    buffer_free(&entry);
    fixture_must(f, make_put("k", "the tree can be used"));
}

static void a_member_says_where_it_is(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, make_member("a:1", "b:2"));
    for (int round = 0; round < 2; round++) {
        assert_int_equal(only_member(f)->node, f->node);
        assert_string_equal(only_member(f)->addr, "a:1");
        assert_string_equal(only_member(f)->peer_addr, "b:2");
        fixture_reopen(f);
    }
    uint64_t version = tree_cluster(f->tree)->version;
    fixture_must(f, make_member("c:3", "c:3"));
    assert_string_equal(only_member(f)->addr, "c:3");
    assert_true(tree_cluster(f->tree)->version > version);
    f->node++;
    f->incarnation++;
    fixture_must(f, make_member("d:4", "d:4"));
    assert_int_equal(tree_cluster(f->tree)->count, 2);
    fixture_check(f);
}

static void what_is_no_address_is_refused(void **state)
{
    struct fixture *f = *state;
    char long_one[TREE_ADDR_MAX + 1];
    memset(long_one, 'a', TREE_ADDR_MAX);
    long_one[TREE_ADDR_MAX] = '\0';
    assert_int_equal(fixture_do(f, make_member(long_one, "b:2")), -EINVAL);
    assert_int_equal(fixture_do(f, make_member("a:1", long_one)), -EINVAL);
    assert_int_equal(fixture_do(f, make_member("", "b:2")), -EINVAL);
    assert_int_equal(tree_cluster(f->tree)->count, 0);
    long_one[TREE_ADDR_MAX - 1] = '\0';
    fixture_must(f, make_member(long_one, long_one));
    fixture_reopen(f);
    assert_string_equal(only_member(f)->addr, long_one);
}

static void the_list_of_members_is_bounded(void **state)
{
    struct fixture *f = *state;
    for (uint32_t i = 0; i < TREE_MEMBERS_MAX; i++) {
        f->node = 10 + i;
        fixture_must(f, make_member("a:1", "a:1"));
    }
    f->node = 99;
    assert_int_equal(fixture_do(f, make_member("a:1", "a:1")), -ENOSPC);
    f->node = 10;
    fixture_must(f, make_member("b:1", "b:1"));
    assert_string_equal(tree_cluster(f->tree)->members[0].addr, "b:1");
}

static void a_list_that_fails_changes_nothing_of_it(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, make_member("a:1", "b:2"));
    const struct op ops[] = {make_member("c:3", "c:3"),
                             {.type = OP_LEVEL, .size = 2},
                             {.type = OP_RMDIR, .ino = INO_ROOT, .name = text("none")}};
    assert_int_equal(fixture_run(f, ops, 3, &(struct op_result){0}), -ENOENT);
    assert_string_equal(only_member(f)->addr, "a:1");
    assert_int_equal(tree_cluster(f->tree)->level, LEVEL_MIN);
    fixture_reopen(f);
    assert_string_equal(only_member(f)->addr, "a:1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_new_tree_begins_with_the_lowest_level),
        FIXTURE_TEST(the_level_rises_and_never_goes_back),
        FIXTURE_TEST(a_new_cluster_gives_the_root_its_owner),
        FIXTURE_TEST(a_root_that_has_changed_stays),
        FIXTURE_TEST(the_root_of_a_former_cluster_stays),
        FIXTURE_TEST(a_level_alone_leaves_the_root),
        FIXTURE_TEST(a_later_level_is_for_later_versions),
        FIXTURE_TEST(a_member_says_where_it_is),
        FIXTURE_TEST(what_is_no_address_is_refused),
        FIXTURE_TEST(the_list_of_members_is_bounded),
        FIXTURE_TEST(a_list_that_fails_changes_nothing_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
