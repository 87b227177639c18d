/* The key tree under random operations: against a model, on two nodes, and across crashes. */
#include "tree_compare.h"
#include "tree_script.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- Against the model ---- */

static void a_random_tree_agrees_with_the_model(void **state)
{
    uint64_t seed = random_seed();
    struct model *m = model_new();
    struct script_nodes nodes = script_nodes();
    struct fixture f;
    fixture_open(&f);
    for (int i = 0; i < SCRIPT_ENTRIES; i++) {
        struct command_result expected;
        struct buffer entry = script_next(&nodes, &m, &seed, &expected);
        bool repeated;
        struct command_result result =
            fixture_apply(&f, bytes_of(entry.data, entry.len), &repeated);
        assert_false(repeated);
        compare_results(&result, &expected);
        command_result_free(&result);
        command_result_free(&expected);
        buffer_free(&entry);
        if (i % 250 == 0)
            compare_trees(&f, m);
        if (i % 1000 == 0)
            fixture_check(&f);
        if (i % 100 == 0)
            assert_int_equal(tree_commit(f.tree), 0);
    }
    compare_trees(&f, m);
    fixture_check(&f);
    model_free(m);
    fixture_close(&f);
}

/* ---- The same everywhere ---- */

static void the_tree_is_the_same_wherever_it_commits(void **state)
{
    uint64_t seed = random_seed();
    struct script *s = script_new(seed);
    struct fixture a, b;
    fixture_open(&a);
    fixture_open(&b);
    for (int i = 0; i < SCRIPT_ENTRIES; i++) {
        script_run(&a, &s->entry[i], s->status[i]);
        script_run(&b, &s->entry[i], s->status[i]);
        if (random_below(&seed, 10) == 0)
            assert_int_equal(tree_commit(b.tree), 0);
        if (random_below(&seed, 300) == 0)
            fixture_reopen(&b);
        if (i % 500 == 0)
            assert_int_equal(fixture_digest(&a), fixture_digest(&b));
    }
    assert_int_equal(fixture_digest(&a), fixture_digest(&b));
    script_free(s);
    fixture_close(&a);
    fixture_close(&b);
}

/* A node that applies the script until it dies: by itself between two entries, unless it is killed
 * in the middle of something before. */
static void apply_until_killed(struct fixture *f, const struct script *s, uint64_t seed)
{
    uint32_t left = random_below(&seed, 500);
    fixture_attach(f);
    for (uint64_t i = tree_applied(f->tree); i < SCRIPT_ENTRIES && left > 0; i++, left--) {
        script_run(f, &s->entry[i], s->status[i]);
        if (random_below(&seed, 20) == 0)
            tree_commit(f->tree);
    }
    raise(SIGKILL);
}

static void kill_after(pid_t child, uint32_t microseconds)
{
    struct timespec wait = {.tv_nsec = microseconds * 1000L};
    nanosleep(&wait, NULL);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_killed_tree_goes_on_where_it_was(void **state)
{
    uint64_t seed = random_seed();
    struct script *s = script_new(seed);
    struct fixture reference;
    fixture_open(&reference);
    for (int i = 0; i < SCRIPT_ENTRIES; i++)
        script_run(&reference, &s->entry[i], s->status[i]);
    struct fixture f;
    fixture_open(&f);
    fixture_detach(&f);
    for (int i = 0; i < 15; i++) {
        uint32_t microseconds = random_below(&seed, 30000);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            apply_until_killed(&f, s, seed);
        kill_after(child, microseconds);
    }
    fixture_attach(&f);
    printf("applied before the last kill: %llu\n", (unsigned long long)tree_applied(f.tree));
    for (uint64_t i = tree_applied(f.tree); i < SCRIPT_ENTRIES; i++)
        script_run(&f, &s->entry[i], s->status[i]);
    assert_int_equal(fixture_digest(&f), fixture_digest(&reference));
    fixture_check(&f);
    script_free(s);
    fixture_close(&f);
    fixture_close(&reference);
}

/* ---- A full disk ---- */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Applies what it can; the error stays, and the tree can be closed and opened. */
static void fill_disk(struct fixture *f, const struct script *s)
{
    int status = 0;
    struct command_result result;
    bool repeated;
    for (uint64_t i = tree_applied(f->tree); i < SCRIPT_ENTRIES && status == 0; i++) {
        struct bytes entry = bytes_of(s->entry[i].data, s->entry[i].len);
        status = tree_apply(f->tree, entry, true, &result, &repeated);
        if (status == 0) {
            command_result_free(&result);
            status = tree_commit(f->tree);
        }
    }
    assert_true(status == -ENOSPC || status == -EIO); /* the limit is an error of its own: EFBIG */
    assert_true(strlen(tree_fault(f->tree)) > 0);
    assert_int_equal(tree_commit(f->tree), status);
    assert_int_equal(tree_apply(f->tree, text("x"), true, &result, &repeated), status);
}

static void a_full_disk_loses_nothing(void **state)
{
    struct script *s = script_new(random_seed());
    signal(SIGXFSZ, SIG_IGN); /* the limit then is an error of write(2) */
    struct fixture reference;
    fixture_open(&reference);
    for (int i = 0; i < SCRIPT_ENTRIES; i++)
        script_run(&reference, &s->entry[i], s->status[i]);
    struct fixture f;
    fixture_open(&f);
    for (rlim_t limit = 1 << 20; limit < 4 << 20; limit += 500000) {
        limit_files(limit);
        fill_disk(&f, s);
        limit_files(RLIM_INFINITY);
        fixture_reopen(&f);
        fixture_check(&f);
    }
    for (uint64_t i = tree_applied(f.tree); i < SCRIPT_ENTRIES; i++)
        script_run(&f, &s->entry[i], s->status[i]);
    assert_int_equal(fixture_digest(&f), fixture_digest(&reference));
    script_free(s);
    fixture_close(&f);
    fixture_close(&reference);
}

/* ---- The order of keys ---- */

static bool collect(void *arg, struct bytes key, const struct attr *attr)
{
    struct buffer *out = arg;
    buffer_append(out, key.data, key.len);
    buffer_put_u8(out, 0);
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All keys with a prefix after `after`, by asking for each one's place in the sorted list. */
static void expected_keys(char **sorted, int count, const char *prefix, const char *after,
                          struct buffer *out)
{
    for (int i = 0; i < count; i++) {
        if (strncmp(sorted[i], prefix, strlen(prefix)) == 0 && strcmp(sorted[i], after) > 0)
            buffer_append(out, sorted[i], strlen(sorted[i]) + 1);
    }
}

static void list_keys(struct fixture *f, const char *prefix, const char *after, uint32_t visits,
                      struct buffer *out)
{
    struct buffer resume = {0};
    bool more = true;
    buffer_append(&resume, after, strlen(after));
    while (more) {
        struct buffer from = {0};
        buffer_append(&from, resume.data, resume.len);
        assert_int_equal(tree_keys(f->tree, NULL, text(prefix), bytes_of(from.data, from.len),
                                   visits, collect, out, &more, &resume),
                         0);
        buffer_free(&from);
    }
    buffer_free(&resume);
}

static void random_key(uint64_t *seed, char *key)
{
    static const char letters[] = "a-.b0/~";
    uint32_t len = 1 + random_below(seed, 8);
    for (uint32_t i = 0; i < len; i++)
        key[i] = letters[random_below(seed, sizeof letters - 1)];
    key[len] = 0;
}

static void keys_are_listed_in_their_order(void **state)
{
    enum { KEYS = 600 };
    uint64_t seed = random_seed();
    char keys[KEYS][16], *sorted[KEYS];
    struct fixture f;
    int count = 0;

    fixture_open(&f);
    for (int i = 0; i < KEYS; i++) {
        struct op op = {.type = OP_PUT, .name = {0}};
        random_key(&seed, keys[count]);
        op.name = text(keys[count]);
        struct op_result out;
        if (fixture_run(&f, &op, 1, &out) == 0 && !out.existed) {
            sorted[count] = keys[count];
            count++;
        }
    }
    assert_true(count > 50);
    qsort(sorted, (size_t)count, sizeof *sorted, by_text);
    for (int i = 0; i < 300; i++) {
        struct buffer expected = {0}, found = {0};
        char prefix[16] = "", after[16] = "";
        if (i > 0)
            random_key(&seed, prefix);
        prefix[random_below(&seed, 4)] = 0;
        if (random_below(&seed, 2))
            random_key(&seed, after);
        expected_keys(sorted, count, prefix, after, &expected);
        list_keys(&f, prefix, after, 1 + random_below(&seed, 30), &found);
        if (!bytes_equal(bytes_of(expected.data, expected.len), bytes_of(found.data, found.len)))
            fail_msg("prefix '%s' after '%s'", prefix, after);
        buffer_free(&expected);
        buffer_free(&found);
    }
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_random_tree_agrees_with_the_model),
        cmocka_unit_test(the_tree_is_the_same_wherever_it_commits),
        cmocka_unit_test(a_killed_tree_goes_on_where_it_was),
        cmocka_unit_test(a_full_disk_loses_nothing),
        cmocka_unit_test(keys_are_listed_in_their_order),
    };
    return cmocka_run_group_tests_name("tree_random", tests, NULL, NULL);
}
