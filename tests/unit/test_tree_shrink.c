/* Room that was deleted goes back to the file system. */
#include "tree_fixture.h"

#include "store/tree_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES = 60, BYTES = 200 * 1024, STEPS_MAX = 200 };

static void put_of(struct fixture *f, int number, char fill, size_t len)
{
    char key[20];
    char *value = malloc(len + 1);
    assert_non_null(value);
    memset(value, fill, len);
    value[len] = 0;
    snprintf(key, sizeof key, "k%02d", number);
    struct op op = make_put(key, value);
    fixture_must(f, op);
    free(value);
}

static void delete_of(struct fixture *f, int number)
{
    char key[20];
    snprintf(key, sizeof key, "k%02d", number);
    fixture_must(f, (struct op){.type = OP_DELETE, .name = bytes_of(key, strlen(key))});
}

static uint64_t file_bytes(struct fixture *f)
{
    struct tree_counts counts;
    assert_int_equal(tree_checkpoint_now(f->tree), 0);
    assert_int_equal(tree_counts(f->tree, &counts), 0);
    return counts.file_bytes - counts.wal_bytes;
}

/* Until nothing is given back any more. */
static int shrink_all(struct fixture *f, uint64_t free_min)
{
    int steps = 0;
    do {
        assert_int_equal(tree_checkpoint_now(f->tree), 0);
        fixture_reopen(f);
        assert_false(tree_has_shrunk(f->tree));
        assert_int_equal(tree_shrink(f->tree, free_min), 0);
        steps += tree_has_shrunk(f->tree);
        assert_true(steps < STEPS_MAX);
    } while (tree_has_shrunk(f->tree));
    return steps;
}

static void fill(struct fixture *f)
{
    fixture_open(f);
    for (int i = 0; i < FILES; i++)
        put_of(f, i, (char)('a' + i % 26), BYTES);
}

static void a_tree_that_was_emptied_becomes_small(void **state)
{
    struct fixture f;
    fill(&f);
    uint64_t full = file_bytes(&f);
    assert_true(full > (uint64_t)FILES * BYTES);
    assert_int_equal(shrink_all(&f, 1), 0); /* nothing is free */
    for (int i = 0; i < FILES; i++)
        if (i != FILES / 2)
            delete_of(&f, i);
    uint64_t digest = fixture_digest(&f);
    assert_int_equal(file_bytes(&f), full);
    assert_int_equal(shrink_all(&f, full), 0); /* less than so much is */
    assert_true(shrink_all(&f, 1) > 5);        /* a few pages at a time */
    assert_true(file_bytes(&f) < full / 10);
    assert_int_equal(fixture_digest(&f), digest);
    fixture_check(&f);
    put_of(&f, 0, 'x', BYTES);
    fixture_check(&f);
    fixture_close(&f);
}

static void a_part_stays_to_be_used_again(void **state)
{
    struct fixture f;
    fill(&f);
    uint64_t full = file_bytes(&f);
    for (int i = 0; i < FILES / 6; i++)
        delete_of(&f, i);
    assert_int_equal(shrink_all(&f, 1), 0);
    for (int i = FILES / 6; i < FILES / 2; i++)
        delete_of(&f, i);
    assert_true(shrink_all(&f, 1) > 0);
    uint64_t bytes = file_bytes(&f);
    assert_in_range(bytes, full / 2, full * 3 / 4);
    fixture_close(&f);
}

static void nothing_is_given_back_while_the_wal_is_needed(void **state)
{
    struct fixture f;
    struct tree_view *view;
    fill(&f);
    for (int i = 0; i < FILES; i++)
        delete_of(&f, i);
    assert_int_equal(tree_commit(f.tree), 0);
    assert_int_equal(tree_view_open(f.tree, &view), 0);
    assert_int_equal(tree_shrink(f.tree, 1), 0);
    assert_false(tree_has_shrunk(f.tree));
    tree_view_close(view);
    tree_tighten(f.tree, true, 0);
    assert_int_equal(tree_shrink(f.tree, 1), 0);
    assert_false(tree_has_shrunk(f.tree));
    tree_tighten(f.tree, false, UINT64_MAX);
    assert_int_equal(tree_shrink(f.tree, 1), 0);
    assert_true(tree_has_shrunk(f.tree));
    fixture_close(&f);
}

/* Between entries of one transaction, and after a restart without a checkpoint. */
static void what_is_moved_is_not_lost(void **state)
{
    struct fixture f;
    fill(&f);
    for (int i = 0; i < FILES; i++)
        if (i % 3 != 0)
            delete_of(&f, i);
    for (int step = 0; step < 40; step++) {
        put_of(&f, step % FILES, 'y', 5000 + 100 * step);
        assert_int_equal(tree_shrink(f.tree, 1), 0);
        if (step % 8 == 0)
            fixture_check(&f);
        if (step % 13 == 0)
            fixture_reopen(&f);
    }
    fixture_check(&f);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_that_was_emptied_becomes_small),
        cmocka_unit_test(a_part_stays_to_be_used_again),
        cmocka_unit_test(nothing_is_given_back_while_the_wal_is_needed),
        cmocka_unit_test(what_is_moved_is_not_lost),
    };
    return cmocka_run_group_tests_name("tree_shrink", tests, NULL, NULL);
}
