/* Reads that wait for the contents of a file that an open(2) has just emptied. */
#include "tree_fixture.h"

#include "replica/emptied.h"

#include <stdlib.h>

struct world {
    struct fixture store;
    uv_loop_t loop;
    struct emptied emptied;
};

/* A read that waits. */
struct look {
    struct world *world;
    uint64_t ino;
    int over;
    uint64_t size; /* of the file at that time */
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    fixture_open(&w->store);
    assert_int_equal(uv_loop_init(&w->loop), 0);
    emptied_begin(&w->emptied, &w->loop, w->store.tree);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    assert_int_equal(w->emptied.waiter_count, 0);
    uv_close((uv_handle_t *)&w->emptied.timer, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    fixture_close(&w->store);
    free(w);
    return 0;
}

static void world_do(struct world *w, struct op op)
{
    assert_int_equal(fixture_do(&w->store, op), 0);
    emptied_applied(&w->emptied);
}

static uint64_t make_file(struct world *w, const char *name, const char *contents)
{
    uint64_t ino = fixture_make_file(&w->store, INO_ROOT, name);
    emptied_applied(&w->emptied);
    if (*contents)
        world_do(w, make_write(ino, 0, contents));
    return ino;
}

static void empty(struct world *w, uint64_t ino)
{
    world_do(w, (struct op){.type = OP_TRUNCATE, .ino = ino, .flags = OP_FOR_OPEN});
}

static void on_over(void *arg)
{
    struct look *look = arg;
    struct attr attr = {0};
    look->over++;
    tree_getattr(look->world->store.tree, look->ino, &attr);
    look->size = attr.size;
}

static bool waits(struct world *w, struct look *look, uint64_t ino)
{
    *look = (struct look){.world = w, .ino = ino};
    return emptied_await(&w->emptied, ino, on_over, look);
}

static void a_read_waits_for_the_first_bytes(void **state)
{
    struct world *w = *state;
    struct look one, two;
    uint64_t ino = make_file(w, "f", "old");
    assert_false(waits(w, &one, ino));
    empty(w, ino);
    assert_true(waits(w, &one, ino));
    world_do(w, (struct op){.type = OP_SETATTR, .ino = ino, .flags = OP_SET_MODE, .mode = 0600});
    assert_true(waits(w, &two, ino));
    world_do(w, make_put("another", "file"));
    assert_int_equal(one.over + two.over, 0);
    world_do(w, make_write(ino, 0, "new"));
    assert_int_equal(one.over, 1);
    assert_int_equal(two.over, 1);
    assert_int_equal(one.size, 3);
    assert_false(waits(w, &one, ino));
}

static void a_read_waits_for_a_moment(void **state)
{
    struct world *w = *state;
    struct look one, two;
    uint64_t ino = make_file(w, "f", "old"), began_ms = replica_now_ms();
    empty(w, ino);
    assert_true(waits(w, &one, ino));
    while (replica_now_ms() < began_ms + REPLICA_EMPTIED_MS / 2)
        uv_run(&w->loop, UV_RUN_NOWAIT);
    bool late = !waits(w, &two, ino); /* on a busy machine */
    while (one.over + two.over < (late ? 1 : 2))
        uv_run(&w->loop, UV_RUN_ONCE);
    assert_true(replica_now_ms() - began_ms >= REPLICA_EMPTIED_MS - 1);
    assert_int_equal(one.size, 0);
    assert_false(uv_is_active((uv_handle_t *)&w->emptied.timer));
    while (replica_now_ms() <= began_ms + REPLICA_EMPTIED_MS)
        uv_run(&w->loop, UV_RUN_NOWAIT);
    assert_false(waits(w, &one, ino));
}

static void only_what_an_open_has_emptied_is_waited_for(void **state)
{
    struct world *w = *state;
    struct look look;
    uint64_t ino = make_file(w, "f", "old"), was_empty = make_file(w, "g", "");
    world_do(w, (struct op){.type = OP_TRUNCATE, .ino = ino}); /* truncate(2) */
    assert_false(waits(w, &look, ino));
    empty(w, ino); /* it is empty already */
    assert_false(waits(w, &look, ino));
    empty(w, was_empty);
    assert_false(waits(w, &look, was_empty));
    world_do(w, make_write(ino, 0, "x"));
    world_do(w, (struct op){.type = OP_TRUNCATE, .ino = ino, .size = 5, .flags = OP_FOR_OPEN});
    assert_int_equal(tree_emptied(w->store.tree), 0);
    /* A list that is undone has emptied nothing. */
    const struct op undone[] = {{.type = OP_TRUNCATE, .ino = ino, .flags = OP_FOR_OPEN},
                                make_named(OP_UNLINK, INO_ROOT, "missing")};
    struct op_result out;
    assert_true(fixture_run(&w->store, undone, 2, &out) < 0);
    assert_int_equal(tree_emptied(w->store.tree), 0);
    empty(w, ino);
    assert_int_equal(tree_emptied(w->store.tree), ino);
    world_do(w, make_put("another", "file"));
    assert_int_equal(tree_emptied(w->store.tree), 0);
}

static void a_removed_file_is_not_waited_for(void **state)
{
    struct world *w = *state;
    struct look look;
    uint64_t ino = make_file(w, "f", "old");
    empty(w, ino);
    assert_true(waits(w, &look, ino));
    world_do(w, make_named(OP_UNLINK, INO_ROOT, "f"));
    assert_int_equal(look.over, 1);
}

static void reads_go_on_if_nothing_will_come(void **state)
{
    struct world *w = *state;
    struct look one, two;
    uint64_t ino = make_file(w, "f", "old"), other = make_file(w, "g", "old");
    empty(w, ino);
    empty(w, other);
    assert_true(waits(w, &one, ino));
    assert_true(waits(w, &two, other));
    emptied_stays(&w->emptied, ino);
    assert_int_equal(one.over, 1);
    assert_int_equal(two.over, 0);
    assert_false(waits(w, &one, ino));
    emptied_end(&w->emptied);
    assert_int_equal(two.over, 1);
    assert_false(waits(w, &two, other));
}

static void as_many_files_are_remembered_as_there_is_room_for(void **state)
{
    struct world *w = *state;
    struct look look;
    uint64_t inos[EMPTIED_MAX + 1];
    char name[16];
    for (int i = 0; i <= EMPTIED_MAX; i++) {
        snprintf(name, sizeof name, "f%d", i);
        inos[i] = make_file(w, name, "old");
    }
    for (int i = 0; i <= EMPTIED_MAX; i++)
        empty(w, inos[i]);
    assert_false(waits(w, &look, inos[0]));
    for (uint32_t i = 0; i < EMPTIED_MAX; i++)
        assert_int_not_equal(w->emptied.files[i].ino, inos[0]);
    /* Again and again the same one takes one place only. */
    for (int i = 0; i < 3; i++) {
        world_do(w, make_write(inos[0], 0, "x"));
        empty(w, inos[0]);
    }
    int places = 0;
    for (uint32_t i = 0; i < EMPTIED_MAX; i++)
        places += w->emptied.files[i].ino == inos[0];
    assert_int_equal(places, 1);
    emptied_end(&w->emptied);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_read_waits_for_the_first_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_read_waits_for_a_moment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_what_an_open_has_emptied_is_waited_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_removed_file_is_not_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_go_on_if_nothing_will_come, set_up, tear_down),
        cmocka_unit_test_setup_teardown(as_many_files_are_remembered_as_there_is_room_for, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
