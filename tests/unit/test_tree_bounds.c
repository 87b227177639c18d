/* How much one command may do: whatever a client asks for, a node carries it out in a moment. */
#include "tree_fixture.h"

#include "command/level.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { KEY_BYTES = PATH_BYTES_MAX + 1, DEPTH = 2000 };

static void begin(struct fixture *f, uint32_t level)
{
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = level});
}

/* The key FIRST/d/d/.../key with so many directories. */
static void deep_key(char key[KEY_BYTES], uint32_t first, uint32_t directories)
{
    int len = snprintf(key, KEY_BYTES, "%u/", first);
    for (uint32_t i = 1; i < directories; i++)
        len += snprintf(key + len, (size_t)(KEY_BYTES - len), "d/");
    snprintf(key + len, (size_t)(KEY_BYTES - len), "k");
}

/* Applies a command that has been built; gives its status. */
static int apply(struct fixture *f, struct command *command)
{
    struct stamp stamp = {
        .node = 1, .incarnation = 1, .sequence = f->sequence++, .lowest = 1, .time = f->time++};
    bool repeated;
    command_stamp(command, &stamp);
    struct command_result result =
        fixture_apply(f, bytes_of(command->bytes.data, command->bytes.len), &repeated);
    int status = result.status;
    command_result_free(&result);
    command_free(command);
    return status;
}

/* One list of operations on keys that are so deep. */
static int apply_deep(struct fixture *f, uint8_t type, uint32_t first, uint32_t count,
                      uint32_t directories)
{
    struct command command = {0};
    char key[KEY_BYTES];
    for (uint32_t i = 0; i < count; i++) {
        deep_key(key, first + i, directories);
        assert_int_equal(command_add(&command, &(struct op){.type = type, .name = text(key)}), 0);
    }
    return apply(f, &command);
}

static uint64_t inodes(struct fixture *f)
{
    struct tree_counts counts;
    assert_int_equal(tree_counts(f->tree, &counts), 0);
    return counts.inodes;
}

static void a_command_has_so_many_names(void **state)
{
    static const uint8_t types[] = {OP_PUT, OP_DELETE, OP_IF};
    char key[KEY_BYTES];
    deep_key(key, 1, DEPTH);
    for (size_t i = 0; i < sizeof types; i++) {
        struct command command = {0};
        struct op op = {.type = types[i], .name = text(key), .data = text("v")};
        uint32_t fits = COMMAND_NAMES_MAX / (DEPTH + 1);
        for (uint32_t n = 0; n < fits; n++)
            assert_int_equal(command_add(&command, &op), 0);
        assert_int_equal(command_add(&command, &op), -E2BIG);
        for (uint32_t n = fits * (DEPTH + 1); n < COMMAND_NAMES_MAX; n++)
            assert_int_equal(
                command_add(&command, &(struct op){.type = types[i], .name = text("k")}), 0);
        assert_int_equal(command_add(&command, &(struct op){.type = types[i], .name = text("k")}),
                         -E2BIG);
        /* Names of other operations are those of one directory. */
        op = (struct op){.type = OP_MKDIR, .ino = INO_ROOT, .name = text("d")};
        assert_int_equal(command_add(&command, &op), 0);
        assert_int_equal(command.count, fits + COMMAND_NAMES_MAX % (DEPTH + 1) + 1);
        command_free(&command);
    }
}

/* Each of 2,040 missing directories. */
static void a_command_makes_so_many_directories(void **state)
{
    struct fixture *f = *state;
    begin(f, LEVEL_BOUNDS);
    uint64_t before = inodes(f);
    assert_int_equal(apply_deep(f, OP_PUT, 1, 1, 2040), 0);
    assert_int_equal(apply_deep(f, OP_PUT, 2, 2, DEPTH), 0);
    uint64_t after = inodes(f);
    assert_int_equal(after - before, 2041 + 2 * (DEPTH + 1));
    assert_int_equal(apply_deep(f, OP_PUT, 4, 3, DEPTH), -E2BIG);
    assert_int_equal(inodes(f), after);
}

static void before_its_level_there_is_no_bound(void **state)
{
    struct fixture *f = *state;
    begin(f, LEVEL_BOUNDS - 1);
    assert_int_equal(apply_deep(f, OP_PUT, 1, 3, DEPTH), 0);
    assert_int_equal(apply_deep(f, OP_DELETE, 1, 3, DEPTH), 0);
    assert_int_equal(inodes(f), 1);
}

/* What is left of them is empty, and not there for keys. */
static void a_command_prunes_so_many_directories(void **state)
{
    struct fixture *f = *state;
    begin(f, LEVEL_BOUNDS);
    for (uint32_t first = 1; first <= 6; first++)
        assert_int_equal(apply_deep(f, OP_PUT, first, 1, 900), 0);
    uint64_t before = inodes(f);
    assert_int_equal(apply_deep(f, OP_DELETE, 1, 6, 900), 0);
    assert_int_equal(before - inodes(f), COMMAND_PRUNED_MAX + 6);
    assert_int_equal(fixture_resolve(f, "5").ino, 0);
    assert_int_equal(fixture_resolve(f, "6").ino, 0);
    assert_int_equal(fixture_do(f, make_put("5", "in their place")), 0);
    assert_int_equal(fixture_do(f, (struct op){.type = OP_DELETE, .name = text("6")}), 0);
    assert_int_equal(inodes(f), 2);
}

/* To look through directories that are in the way costs, even if they stay. */
static void looking_through_directories_is_bounded(void **state)
{
    enum { BELOW = 900 };
    struct fixture *f = *state;
    struct command command = {0};
    char key[64];
    begin(f, LEVEL_BOUNDS);
    fixture_must(f, (struct op){.type = OP_SETATTR, .ino = 1, .flags = OP_SET_MODE, .mode = 0755});
    for (uint32_t i = 0; i < BELOW; i++) {
        snprintf(key, sizeof key, "d/%u/k", i);
        fixture_must(f, make_put(key, "v"));
    }
    for (uint32_t i = 0; i < BELOW; i++) {
        snprintf(key, sizeof key, "d/%u", i);
        fixture_must(f, make_named(OP_UNLINK, fixture_resolve(f, key).ino, "k"));
    }
    assert_int_equal(fixture_resolve(f, "d").ino, 0);
    const struct op as = {.type = OP_AS, .uid = 1000, .gid = 1000},
                    look = {.type = OP_DELETE, .name = text("d")};
    assert_int_equal(command_add(&command, &as), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(command_add(&command, &look), 0);
    assert_int_equal(apply(f, &command), -E2BIG);
    assert_int_equal(command_add(&command, &as), 0);
    assert_int_equal(command_add(&command, &look), 0);
    assert_int_equal(apply(f, &command), 0);
}

/* ---- How long it takes ---- */

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* As many new keys as a list can have, and as many directories: about 65 ms. The bound here leaves
 * room for sanitizers. */
static void the_longest_command_takes_a_moment(void **state)
{
    enum { DIRECTORIES = (COMMAND_NAMES_MAX - COMMAND_OPS_MAX) / (1 + COMMAND_DIRECTORY_NAMES) };
    struct fixture *f = *state;
    begin(f, LEVEL_BOUNDS);
    for (int round = 0; round < 2; round++) {
        struct command command = {0};
        char key[64];
        for (uint32_t i = 0; i < COMMAND_OPS_MAX; i++) {
            struct op op = {.type = round ? OP_DELETE : OP_PUT};
            snprintf(key, sizeof key, i < DIRECTORIES ? "d%u/k" : "k%u", i);
            op.name = text(key);
            assert_int_equal(command_add(&command, &op), 0);
        }
        double before = cpu_ms();
        assert_int_equal(apply(f, &command), 0);
        double took = cpu_ms() - before;
        printf("%s: %.0f ms\n", round ? "deleting" : "putting", took);
        assert_true(took < 2000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_has_so_many_names),
        FIXTURE_TEST(a_command_makes_so_many_directories),
        FIXTURE_TEST(before_its_level_there_is_no_bound),
        FIXTURE_TEST(a_command_prunes_so_many_directories),
        FIXTURE_TEST(looking_through_directories_is_bounded),
        FIXTURE_TEST(the_longest_command_takes_a_moment),
    };
    return cmocka_run_group_tests_name("tree_bounds", tests, NULL, NULL);
}
