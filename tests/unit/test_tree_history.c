/* The digest of the history: the same for the same entries with the same effects, another for
 * anything else, and kept where the tree is kept. */
#include "tree_fixture.h"
#include "tree_workload.h"

#include <stdlib.h>

enum { COMMANDS = 200 };

static void apply_bytes(struct fixture *f, struct bytes entry)
{
    bool repeated;
    struct command_result result = fixture_apply(f, entry, &repeated);
    command_result_free(&result);
}

static struct buffer random_entry(struct fixture *f, uint64_t *seed)
{
    struct op op = workload_op(seed, 60);
    return fixture_entry(f, &op, 1);
}

static void equal_entries_have_equal_digests(void **state)
{
    uint64_t seed = random_seed(), last = 0;
    struct fixture a, b;
    fixture_open(&a);
    fixture_open(&b);
    assert_int_equal(tree_history(a.tree), 0);
    for (int i = 0; i < COMMANDS; i++) {
        struct buffer entry = random_entry(&a, &seed);
        apply_bytes(&a, bytes_of(entry.data, entry.len));
        if (i % 7 == 0)
            assert_int_equal(tree_commit(b.tree), 0); /* when it is committed does not matter */
        if (i % 50 == 0)
            fixture_reopen(&b);
        apply_bytes(&b, bytes_of(entry.data, entry.len));
        assert_int_equal(tree_history(a.tree), tree_history(b.tree));
        assert_int_not_equal(tree_history(a.tree), last);
        last = tree_history(a.tree);
        buffer_free(&entry);
    }
    fixture_close(&a);
    fixture_close(&b);
}

/* Applies to both, and to one of them something else in the middle. */
static void assert_told_apart(struct bytes one, struct bytes other)
{
    struct fixture a, b;
    fixture_open(&a);
    fixture_open(&b);
    apply_bytes(&a, text("\1before"));
    apply_bytes(&b, text("\1before"));
    assert_int_equal(tree_history(a.tree), tree_history(b.tree));
    apply_bytes(&a, one);
    apply_bytes(&b, other);
    assert_int_not_equal(tree_history(a.tree), tree_history(b.tree));
    apply_bytes(&a, text("\1after"));
    apply_bytes(&b, text("\1after"));
    assert_int_not_equal(tree_history(a.tree), tree_history(b.tree));
    fixture_close(&a);
    fixture_close(&b);
}

static void another_entry_has_another_digest(void **state)
{
    struct fixture *f = *state;
    struct op ops[] = {make_put("k", "v"), make_put("k", "w")};
    struct buffer one = fixture_entry(f, &ops[0], 1), other = fixture_entry(f, &ops[1], 1);
    assert_told_apart(bytes_of(one.data, one.len), bytes_of(other.data, other.len));
    assert_told_apart(bytes_of(one.data, one.len), text("\1no command"));
    assert_told_apart(text("\1no command"), text("\1no commanD"));
    buffer_free(&one);
    buffer_free(&other);
}

static void the_order_matters(void **state)
{
    struct fixture *f = *state;
    struct fixture other;
    fixture_open(&other);
    apply_bytes(f, text("\1x"));
    apply_bytes(f, text("\1y"));
    apply_bytes(&other, text("\1y"));
    apply_bytes(&other, text("\1x"));
    assert_int_not_equal(tree_history(f->tree), tree_history(other.tree));
    fixture_close(&other);
}

/* The same entry on a tree that was changed by hand: the digest shows the difference in its
 * outcome. */
static void assert_met_something_else(const char *damage, struct op op)
{
    struct fixture a, b;
    fixture_open(&a);
    fixture_open(&b);
    struct fixture *both[] = {&a, &b};
    for (int i = 0; i < 2; i++) {
        fixture_must(both[i], make_put("k", "value"));
        fixture_must(both[i], make_put("l", "value"));
    }
    tree_close(b.tree);
    fixture_sql(&b, damage);
    folder_close(b.folder);
    fixture_attach(&b);
    assert_int_equal(tree_history(a.tree),
                     tree_history(b.tree)); /* the change is not noticed yet */
    struct buffer entry = fixture_entry(&a, &op, 1);
    apply_bytes(&a, bytes_of(entry.data, entry.len));
    apply_bytes(&b, bytes_of(entry.data, entry.len));
    assert_int_not_equal(tree_history(a.tree), tree_history(b.tree));
    buffer_free(&entry);
    fixture_close(&a);
    fixture_close(&b);
}

static void the_outcome_of_an_entry_matters(void **state)
{
    struct op append = {.type = OP_APPEND, .ino = 2, .data = {(const uint8_t *)"x", 1}};
    assert_met_something_else("UPDATE inode SET size = 4, used = 4, inline = x'76616c75' "
                              "WHERE ino = 2; UPDATE meta SET bytes = bytes - 1",
                              append);
    assert_met_something_else("UPDATE inode SET mode = mode + 1 WHERE ino = 2", append);
    assert_met_something_else("UPDATE meta SET next_ino = next_ino + 1", make_put("m", ""));
    assert_met_something_else("UPDATE meta SET next_data = next_data + 1", append);
    assert_met_something_else("UPDATE dentry SET ino = 5 - ino", make_put("k", "new"));
    assert_met_something_else("UPDATE dentry SET name = x'6e' WHERE name = x'6b'",
                              make_put("k", "new"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_entries_have_equal_digests),
        FIXTURE_TEST(another_entry_has_another_digest),
        FIXTURE_TEST(the_order_matters),
        cmocka_unit_test(the_outcome_of_an_entry_matters),
    };
    return cmocka_run_group_tests_name("tree_history", tests, NULL, NULL);
}
