/* What a node remembers of the others' starts. */
#include "scratch.h"

#include "store/starts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct scene {
    char path[SCRATCH_BYTES];
    struct folder *folder;
    struct fault fault;
};

static void begin(struct scene *s)
{
    *s = (struct scene){0};
    scratch_folder(s->path);
    assert_int_equal(folder_open(s->path, &s->folder, &s->fault), 0);
}

static void end(struct scene *s)
{
    char command[2 * SCRATCH_BYTES];
    folder_close(s->folder);
    snprintf(command, sizeof command, "rm -r %s", s->path);
    assert_int_equal(system(command), 0);
}

static void starts_are_compared_by_number_then_by_token(void **state)
{
    const struct start known = {7, 5};
    assert_int_equal(start_compare((struct start){8, 1}, known), START_NEWER);
    assert_int_equal(start_compare(known, known), START_SAME);
    assert_int_equal(start_compare((struct start){7, 6}, known), START_OLDER);
    assert_int_equal(start_compare((struct start){7, 4}, known), START_OLDER);
    assert_int_equal(start_compare((struct start){6, 5}, known), START_OLDER);
    assert_int_equal(start_compare(known, (struct start){0}), START_NEWER);
}

static void what_was_written_is_read(void **state)
{
    struct scene s;
    struct starts starts, again;
    begin(&s);
    assert_int_equal(starts_read(s.folder, &starts, &s.fault), 0);
    assert_int_equal(starts.count, 0);
    for (uint32_t node = 1; node <= PAXOS_NODES_MAX; node++)
        starts_set(&starts, UINT32_MAX - node, (struct start){UINT64_MAX - node, node});
    starts_set(&starts, UINT32_MAX - 3, (struct start){1, UINT64_MAX});
    assert_int_equal(starts.count, PAXOS_NODES_MAX);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(starts_write(s.folder, &starts, &s.fault), 0);
        assert_int_equal(starts_read(s.folder, &again, &s.fault), 0);
        assert_int_equal(again.count, starts.count);
        for (uint32_t node = 1; node <= PAXOS_NODES_MAX; node++) {
            uint32_t id = UINT32_MAX - node;
            assert_int_equal(start_compare(starts_of(&again, id), starts_of(&starts, id)),
                             START_SAME);
        }
    }
    assert_int_equal(starts_of(&again, UINT32_MAX - 3).token, UINT64_MAX);
    assert_int_equal(starts_of(&again, 1).incarnation, 0);
    end(&s);
}

static void one_more_node_than_there_can_be_takes_the_place_of_the_first(void **state)
{
    struct starts starts = {0};
    for (uint32_t node = 1; node <= PAXOS_NODES_MAX + 1; node++)
        starts_set(&starts, node, (struct start){node, node});
    assert_int_equal(starts.count, PAXOS_NODES_MAX);
    assert_int_equal(starts_of(&starts, 1).incarnation, 0);
    for (uint32_t node = 2; node <= PAXOS_NODES_MAX + 1; node++)
        assert_int_equal(starts_of(&starts, node).incarnation, node);
}

static void a_file_that_is_not_understood_is_told(void **state)
{
    static const char *const texts[] = {
        "",
        "quorumfs starts 2\n",
        "quorumfs starts 1\n1 2\n",
        "quorumfs starts 1\n1 2 3 4\n",
        "quorumfs starts 1\n1 2 3",
        "quorumfs starts 1\n1 2 x\n",
    };
    struct scene s;
    begin(&s);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char path[2 * SCRATCH_BYTES];
        struct starts starts;
        snprintf(path, sizeof path, "%s/starts", s.path);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(texts[i], file);
        fclose(file);
        assert_int_equal(starts_read(s.folder, &starts, &s.fault), -EUCLEAN);
        assert_non_null(strstr(s.fault.text, "starts cannot be understood"));
    }
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_are_compared_by_number_then_by_token),
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(one_more_node_than_there_can_be_takes_the_place_of_the_first),
        cmocka_unit_test(a_file_that_is_not_understood_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
