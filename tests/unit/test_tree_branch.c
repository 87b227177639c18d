/* The key tree: commands with branches. */
#include "tree_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 300, KEYS = 4, OPS_MAX = 4 };

static const struct op otherwise = {.type = OP_ELSE};

static struct op make_if(const char *key, uint32_t flags, uint64_t revision)
{
    return (struct op){.type = OP_IF, .flags = flags, .name = text(key), .revision = revision};
}

static struct op make_delete(const char *key)
{
    return (struct op){.type = OP_DELETE, .name = text(key)};
}

static bool exists(struct fixture *f, const char *key)
{
    return fixture_resolve(f, key).ino != 0;
}

/* ---- Conditions ---- */

static bool holds(struct fixture *f, struct op condition)
{
    struct op_result out;
    assert_int_equal(fixture_run(f, &condition, 1, &out), 0);
    return out.existed;
}

static void each_condition_is_tested(void **state)
{
    struct fixture *f = *state;
    struct op link = make_named(OP_SYMLINK, INO_ROOT, "link");
    link.data = text("a");
    uint64_t revision = fixture_must(f, make_put("a", "1")).revision;
    uint64_t of_dir = fixture_must(f, make_named(OP_MKDIR, INO_ROOT, "dir")).revision;
    fixture_must(f, link);
    assert_true(holds(f, make_if("a", OP_IF_EXISTS, 0)));
    assert_false(holds(f, make_if("a", OP_IF_ABSENT, 0)));
    assert_true(holds(f, make_if("a", OP_IF_REVISION, revision)));
    assert_false(holds(f, make_if("a", OP_IF_REVISION, revision + 1)));
    assert_true(holds(f, make_if("a", 0, 0)));
    assert_false(holds(f, make_if("b", OP_IF_EXISTS, 0)));
    assert_true(holds(f, make_if("b", OP_IF_ABSENT, 0)));
    assert_false(holds(f, make_if("b", OP_IF_REVISION, revision)));
    assert_false(holds(f, make_if("b", OP_IF_REVISION, 0)));
    assert_true(holds(f, make_if("link", OP_IF_EXISTS, 0)));
    /* Directories, and names below a file, are no keys. */
    assert_true(holds(f, make_if("dir", OP_IF_ABSENT, 0)));
    assert_false(holds(f, make_if("dir", OP_IF_REVISION, of_dir)));
    assert_true(holds(f, make_if("a/b", OP_IF_ABSENT, 0)));
    assert_true(holds(f, make_if("none/b", OP_IF_ABSENT, 0)));
    assert_int_equal(fixture_do(f, make_if("a//b", OP_IF_ABSENT, 0)), -EINVAL);
    assert_int_equal(fixture_do(f, make_if(".quorumfs", OP_IF_ABSENT, 0)), -EPERM);
    assert_int_equal(fixture_resolve(f, "a").revision, revision); /* it is unchanged */
}

/* ---- Branches ---- */

static void one_branch_runs(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, make_put("a", "1"));
    for (int round = 0; round < 2; round++) {
        bool first = round == 0;
        struct op ops[] = {make_if("a", OP_IF_EXISTS, 0),
                           make_if("b", OP_IF_ABSENT, 0),
                           make_put("b", "then"),
                           make_put("c", "then"),
                           otherwise,
                           make_put("d", "else"),
                           make_delete("a")};
        struct buffer entry = fixture_entry(f, ops, 7);
        bool repeated;
        struct command_result result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);
        assert_int_equal(result.status, 0);
        assert_int_equal(result.count, 7);
        assert_true(result.ops[0].existed);
        assert_int_equal(result.ops[1].existed, first);
        for (int i = 2; i < 7; i++)
            assert_int_equal(result.ops[i].attr.ino != 0, i < 4 ? first : i > 4 && !first);
        command_result_free(&result);
        buffer_free(&entry);
        assert_true(exists(f, "b") && exists(f, "c"));
        assert_int_equal(exists(f, "d"), !first);
        assert_int_equal(exists(f, "a"), first);
    }
}

static void a_condition_sees_what_comes_before_it(void **state)
{
    struct fixture *f = *state;
    struct op ops[] = {make_put("a", "1"), make_if("a", OP_IF_ABSENT, 0), make_put("b", "then"),
                       otherwise, make_put("c", "else")};
    assert_int_equal(fixture_run(f, ops, 5, NULL), 0);
    assert_true(exists(f, "a") && exists(f, "c"));
    assert_false(exists(f, "b"));
}

static void a_branch_is_atomic(void **state)
{
    struct fixture *f = *state;
    struct op ops[] = {make_if("a", OP_IF_EXISTS, 0), otherwise, make_put("b", "1"),
                       make_put("dir", "a directory")};
    fixture_must(f, make_named(OP_MKDIR, INO_ROOT, "dir"));
    struct buffer entry = fixture_entry(f, ops, 4);
    bool repeated;
    struct command_result result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);
    assert_int_equal(result.status, -EISDIR);
    assert_int_equal(result.failed_op, 3);
    assert_false(exists(f, "b"));
    command_result_free(&result);
    buffer_free(&entry);
    fixture_must(f, make_put("a", "1")); /* a branch that does not run cannot fail */
    assert_int_equal(fixture_run(f, ops, 4, NULL), 0);
    assert_false(exists(f, "b"));
}

/* `then` makes the condition false: the command, repeated, must not give the other branch. */
static void check_repeated(struct fixture *f, uint32_t more)
{
    struct op *ops = calloc(more + 4, sizeof *ops);
    assert_non_null(ops);
    ops[0] = make_if("a", OP_IF_ABSENT, 0);
    for (uint32_t i = 1; i <= more; i++)
        ops[i] = make_put("a", "then");
    ops[more + 1] = make_put("a", "then");
    ops[more + 2] = otherwise;
    ops[more + 3] = make_put("b", "else");
    struct buffer entry = fixture_entry(f, ops, more + 4);
    bool repeated;
    for (int round = 0; round < 3; round++) {
        struct command_result result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);
        assert_int_equal(repeated, round > 0);
        assert_int_equal(result.count, more + 4);
        assert_true(result.ops[0].existed);
        command_result_free(&result);
        fixture_reopen(f);
    }
    assert_false(exists(f, "b"));
    assert_int_equal(fixture_do(f, make_delete("a")), 0);
    buffer_free(&entry);
    free(ops);
}

static void a_repeated_command_says_which_branch_ran(void **state)
{
    check_repeated(*state, 0);
    check_repeated(*state, 200); /* more than are kept whole */
}

/* ---- Beside a tree that is given the branch alone ---- */

static const char *random_key(uint64_t *seed)
{
    static const char *const keys[KEYS] = {"a", "b", "c/d", "c/e"};
    return keys[random_below(seed, KEYS)];
}

static bool random_condition(struct fixture *f, uint64_t *seed, struct op *op)
{
    const char *key = random_key(seed);
    uint64_t revision = fixture_resolve(f, key).revision;
    switch (random_below(seed, 3)) {
    case 0:
        *op = make_if(key, OP_IF_EXISTS, 0);
        return exists(f, key);
    case 1:
        *op = make_if(key, OP_IF_ABSENT, 0);
        return !exists(f, key);
    default:
        *op = make_if(key, OP_IF_REVISION, revision + (random_below(seed, 4) == 0));
        return exists(f, key) && op->revision == revision;
    }
}

static uint32_t random_branch(uint64_t *seed, struct op *ops)
{
    uint32_t count = random_below(seed, OPS_MAX);
    for (uint32_t i = 0; i < count; i++)
        ops[i] = random_below(seed, 3) ? make_put(random_key(seed), "value")
                                       : make_delete(random_key(seed));
    return count;
}

static void random_branches_agree_with_the_model(void **state)
{
    struct fixture *f = *state, plain;
    uint64_t seed = random_seed();
    fixture_open(&plain);
    for (int round = 0; round < ROUNDS; round++) {
        struct op ops[3 * OPS_MAX + 1], nothing = make_delete("none");
        uint32_t conditions = random_below(&seed, OPS_MAX);
        bool all = true;
        for (uint32_t i = 0; i < conditions; i++)
            all &= random_condition(f, &seed, &ops[i]);
        struct op *then = ops + conditions;
        uint32_t then_count = random_branch(&seed, then);
        then[then_count] = otherwise;
        uint32_t else_count = random_branch(&seed, then + then_count + 1);
        assert_int_equal(fixture_run(f, ops, conditions + then_count + 1 + else_count, NULL), 0);
        uint32_t count = all ? then_count : else_count;
        struct op *branch = all ? then : then + then_count + 1;
        assert_int_equal(fixture_run(&plain, count ? branch : &nothing, count ? count : 1, NULL),
                         0);
        for (const char *const *key = (const char *const[]){"a", "b", "c/d", "c/e", "c", NULL};
             *key; key++) {
            struct attr one = fixture_resolve(f, *key), other = fixture_resolve(&plain, *key);
            assert_memory_equal(&one, &other, sizeof one);
        }
    }
    fixture_check(&plain);
    fixture_close(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(each_condition_is_tested),
        FIXTURE_TEST(one_branch_runs),
        FIXTURE_TEST(a_condition_sees_what_comes_before_it),
        FIXTURE_TEST(a_branch_is_atomic),
        FIXTURE_TEST(a_repeated_command_says_which_branch_ran),
        FIXTURE_TEST(random_branches_agree_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
