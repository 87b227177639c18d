/* The tree's cache agrees with its rows, and the size of commits follows their pages. */
#include "store/tree_internal.h"
#include "tree_fixture.h"

#include <errno.h>
#include <string.h>

enum { PLACES = 65536 };

/* ---- Names and inodes ---- */

/* Two numbers with one place. */
static void an_inode_takes_the_place_of_another(void **state)
{
    struct fixture *f = *state;
    struct attr first = fixture_must(f, make_put("first", "1"));
    f->tree->counters.next_ino = first.ino + PLACES;
    struct attr second = fixture_must(f, make_put("second", "twice"));
    assert_int_equal(second.ino, first.ino + PLACES);
    assert_int_equal(fixture_getattr(f, first.ino).size, 1);
    assert_int_equal(fixture_getattr(f, second.ino).size, 5);
    fixture_must(f, make_named(OP_UNLINK, INO_ROOT, "second"));
    assert_int_equal(fixture_getattr(f, first.ino).size, 1);
    assert_true(fixture_gone(f, second.ino));
    assert_int_equal(fixture_resolve(f, "second").ino, 0);
}

static void names_share_places(void **state)
{
    struct fixture *f = *state;
    enum { NAMES = 2000 }; /* about thirty of them take one that is taken */
    uint64_t numbers[NAMES];
    char name[32];

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < NAMES; i++) {
            snprintf(name, sizeof name, "name-%d", i);
            struct attr attr = fixture_resolve(f, name);
            if (round == 0)
                numbers[i] = fixture_make_file(f, INO_ROOT, name);
            assert_int_equal(attr.ino, round == 0 ? 0 : numbers[i]);
        }
    }
}

static void names_may_have_any_length(void **state)
{
    struct fixture *f = *state;
    char name[NAME_BYTES_MAX + 1];
    for (size_t len = 40; len <= NAME_BYTES_MAX; len += len < 48 ? 1 : 23) {
        memset(name, 'n', len);
        name[len] = 0;
        uint64_t ino = fixture_make_file(f, INO_ROOT, name);
        assert_int_equal(fixture_resolve(f, name).ino, ino);
        name[len - 1] = 'm';
        assert_int_equal(fixture_resolve(f, name).ino, 0);
        name[len - 1] = 'n';
        fixture_must(f, make_named(OP_UNLINK, INO_ROOT, name));
        assert_int_equal(fixture_resolve(f, name).ino, 0);
    }
}

/* Changes of a list that fails are undone in the cache. */
static void an_undone_list_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    uint64_t old = fixture_must(f, make_put("old", "as it was")).ino;
    struct attr root = fixture_getattr(f, INO_ROOT);
    struct op ops[] = {
        make_put("new", "1"),
        make_put("old", "changed"),
        make_rename(INO_ROOT, "old", INO_ROOT, "older", 0),
        make_put("old/file", "where a file was"),
        make_put("new/file", "fails: it is no directory"),
    };
    struct op_result last;
    assert_int_equal(fixture_run(f, ops, 5, &last), -ENOTDIR);
    assert_int_equal(fixture_resolve(f, "new").ino, 0);
    assert_int_equal(fixture_resolve(f, "older").ino, 0);
    assert_int_equal(fixture_resolve(f, "old").ino, old);
    assert_int_equal(fixture_getattr(f, INO_ROOT).size, root.size);
    assert_int_equal(fixture_getattr(f, INO_ROOT).mtime, root.mtime);
    fixture_assert_contents(f, old, "as it was");
}

static void renamed_names_lead_elsewhere(void **state)
{
    struct fixture *f = *state;
    uint64_t a = fixture_must(f, make_put("dir/a", "a")).ino;
    uint64_t b = fixture_must(f, make_put("dir/b", "b")).ino;
    uint64_t dir = fixture_resolve(f, "dir").ino;
    fixture_must(f, make_rename(dir, "a", dir, "b", OP_EXCHANGE));
    assert_int_equal(fixture_resolve(f, "dir/a").ino, b);
    assert_int_equal(fixture_resolve(f, "dir/b").ino, a);
    fixture_must(f, make_rename(INO_ROOT, "dir", INO_ROOT, "other", 0));
    assert_int_equal(fixture_resolve(f, "dir/a").ino, 0);
    assert_int_equal(fixture_resolve(f, "other/a").ino, b);
    fixture_must(f, make_rename(dir, "a", dir, "b", 0));
    assert_int_equal(fixture_resolve(f, "other/a").ino, 0);
    assert_int_equal(fixture_resolve(f, "other/b").ino, b);
    assert_true(fixture_gone(f, a));
}

/* ---- Commits ---- */

/* Puts until a commit is wanted, and makes it. Returns how many there were. */
static int put_until_commit(struct fixture *f, int keys)
{
    int count = 0;
    char key[32];
    while (!tree_wants_commit(f->tree)) {
        snprintf(key, sizeof key, "%d/%d", keys, count % keys);
        fixture_must(f, make_put(key, "value"));
        count++;
    }
    assert_int_equal(tree_commit(f->tree), 0);
    assert_false(tree_wants_commit(f->tree));
    return count;
}

static void commits_hold_as_many_changes_as_make_their_pages(void **state)
{
    struct fixture *f = *state;
    assert_in_range(put_until_commit(f, 1), COMMIT_PAGES * 9 / 10, COMMIT_PAGES);
    assert_in_range(put_until_commit(f, 1), COMMIT_CHANGES_MAX * 9 / 10, COMMIT_CHANGES_MAX);
    /* New keys are three changes each, most of them of the same few pages. */
    assert_in_range(put_until_commit(f, 50000), COMMIT_CHANGES_MAX / 4, COMMIT_CHANGES_MAX);
}

/* Each change has pages of its own: a commit of many is followed by one of fewer. */
static void commits_become_small_again(void **state)
{
    struct fixture *f = *state;
    int count = 0;
    put_until_commit(f, 1);
    put_until_commit(f, 1);
    char value[INLINE_BYTES_MAX];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = 0;
    char key[32];
    for (int commits = 0; commits < 3; commits++) {
        count = 0;
        for (; !tree_wants_commit(f->tree); count++) {
            snprintf(key, sizeof key, "large-%d", count);
            fixture_must(f, make_put(key, value));
        }
        assert_int_equal(tree_commit(f->tree), 0);
    }
    assert_in_range(count, COMMIT_PAGES * 9 / 10, COMMIT_PAGES * 11 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(an_inode_takes_the_place_of_another),
        FIXTURE_TEST(names_share_places),
        FIXTURE_TEST(names_may_have_any_length),
        FIXTURE_TEST(an_undone_list_leaves_nothing),
        FIXTURE_TEST(renamed_names_lead_elsewhere),
        FIXTURE_TEST(commits_hold_as_many_changes_as_make_their_pages),
        FIXTURE_TEST(commits_become_small_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
