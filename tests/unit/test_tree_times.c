/* What entries and inodes are dated with when the times that commands carry are not in order. */
#include "tree_fixture.h"

#include "command/level.h"

#include <sys/stat.h>

#define SECONDS(n) (UINT64_C(1000000000) * (n))
#define NOW SECONDS(1800000000)
#define AHEAD (NOW + SECONDS(315360000)) /* by ten years */

static void raise_level(struct fixture *f, uint32_t level)
{
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = level});
}

/* A tree in which a clock that was ahead has dated the key "old", and 11 s behind it. */
static struct attr poison(struct fixture *f, uint32_t level)
{
    f->time = NOW;
    raise_level(f, level);
    f->time = AHEAD;
    struct attr old = fixture_must(f, make_put("old", "1"));
    assert_int_equal(old.mtime, AHEAD);
    f->time = NOW;
    return old;
}

static void below_level_3_time_never_comes_back(void **state)
{
    struct fixture *f = *state;
    poison(f, 2);
    assert_int_equal(fixture_must(f, make_put("new", "1")).mtime, AHEAD + 1);
    assert_int_equal(fixture_must(f, make_put("old", "2")).mtime, AHEAD + 2);
}

static void time_comes_back_from_what_was_wrong(void **state)
{
    struct fixture *f = *state;
    poison(f, 3);
    struct attr new = fixture_must(f, make_put("new", "1"));
    assert_int_equal(new.mtime, NOW);
    assert_int_equal(new.ctime, NOW);
    assert_int_equal(new.atime, NOW);
    fixture_reopen(f);
    assert_int_equal(fixture_must(f, make_put("newer", "1")).mtime, NOW + 1);
    f->time = NOW + 500;
    assert_int_equal(fixture_must(f, make_put("newest", "1")).mtime, NOW + 500);
}

/* So what is made of another file is never older, whichever node made it. */
static void small_differences_between_clocks_do_not_show(void **state)
{
    struct fixture *f = *state;
    f->time = NOW;
    raise_level(f, 3);
    f->time = NOW + SECONDS(10);
    assert_int_equal(fixture_must(f, make_put("k", "1")).mtime, f->time);
    f->time = NOW;
    assert_int_equal(fixture_must(f, make_put("j", "1")).mtime, NOW + SECONDS(10) + 1);
    assert_int_equal(fixture_must(f, make_put("i", "1")).mtime, NOW); /* more than that */
}

static void the_first_command_of_level_3_comes_back(void **state)
{
    struct fixture *f = *state;
    poison(f, 2);
    raise_level(f, 3); /* of level 2 itself */
    assert_int_equal(fixture_must(f, make_put("new", "1")).mtime, NOW);
}

static void the_times_of_one_file_only_grow(void **state)
{
    struct fixture *f = *state;
    struct attr old = poison(f, 3);
    fixture_must(f, make_put("new", "1"));
    struct attr put = fixture_must(f, make_put("old", "2"));
    assert_int_equal(put.mtime, AHEAD + 1);
    assert_int_equal(put.ctime, AHEAD + 1);
    struct attr written = fixture_must(f, make_write(old.ino, 0, "3"));
    assert_int_equal(written.mtime, AHEAD + 2);
    struct op mode = {.type = OP_SETATTR, .ino = old.ino, .flags = OP_SET_MODE, .mode = 0600};
    struct attr changed = fixture_must(f, mode);
    assert_int_equal(changed.mtime, AHEAD + 2);
    assert_int_equal(changed.ctime, AHEAD + 3);
    struct attr appended =
        fixture_must(f, (struct op){.type = OP_APPEND, .ino = old.ino, .data = text("4")});
    assert_int_equal(appended.mtime, AHEAD + 4);
    assert_int_equal(appended.ctime, AHEAD + 4);
}

/* A folder has an mtime of its own, and what is in it has another. */
static void the_times_of_a_folder_only_grow(void **state)
{
    struct fixture *f = *state;
    poison(f, 3);
    assert_int_equal(fixture_getattr(f, INO_ROOT).mtime, AHEAD);
    uint64_t dir = fixture_make_dir(f, INO_ROOT, "d");
    assert_int_equal(fixture_getattr(f, INO_ROOT).mtime, AHEAD + 1);
    assert_int_equal(fixture_getattr(f, dir).mtime, NOW);
    fixture_make_file(f, dir, "f");
    assert_int_equal(fixture_getattr(f, dir).mtime, NOW + 1);
    assert_int_equal(fixture_must(f, make_rename(dir, "f", dir, "g", 0)).mtime, NOW + 1);
    assert_int_equal(fixture_getattr(f, dir).mtime, NOW + 2);
    assert_int_equal(fixture_getattr(f, dir).ctime, NOW + 2);
}

/* touch(1) without a time: from then on it grows from there. */
static void a_file_that_is_touched_is_dated_right(void **state)
{
    struct fixture *f = *state;
    struct attr old = poison(f, 3);
    struct op touch = {
        .type = OP_SETATTR, .ino = old.ino, .flags = OP_SET_MTIME_NOW | OP_SET_ATIME_NOW};
    struct attr touched = fixture_must(f, touch);
    assert_int_equal(touched.mtime, NOW);
    assert_int_equal(touched.atime, NOW);
    assert_int_equal(touched.ctime, AHEAD + 1);
    const struct op twice[] = {make_write(old.ino, 0, "a"), make_write(old.ino, 1, "b")};
    struct op_result result;
    assert_int_equal(fixture_run(f, twice, 2, &result), 0);
    assert_int_equal(result.attr.mtime, NOW + 1);
    assert_int_equal(result.attr.ctime, AHEAD + 2);
}

static void a_time_that_is_set_by_hand_stays_until_the_next_change(void **state)
{
    struct fixture *f = *state;
    f->time = NOW;
    raise_level(f, 3);
    uint64_t ino = fixture_must(f, make_put("k", "1")).ino;
    struct op set = {.type = OP_SETATTR, .ino = ino, .flags = OP_SET_MTIME, .mtime = AHEAD};
    assert_int_equal(fixture_must(f, set).mtime, AHEAD);
    assert_int_equal(fixture_getattr(f, ino).ctime, NOW + 2);
    set = (struct op){.type = OP_SETATTR, .ino = ino, .flags = OP_SET_MODE, .mode = 0600};
    assert_int_equal(fixture_must(f, set).mtime, AHEAD);
    assert_int_equal(fixture_must(f, make_write(ino, 0, "2")).mtime, NOW + 4);
}

/* Each operation alone would count one more. */
static void one_command_dates_an_inode_once(void **state)
{
    struct fixture *f = *state;
    struct attr old = poison(f, 3);
    fixture_must(f, make_put("new", "1"));
    const struct op list[] = {
        {.type = OP_SETATTR, .ino = old.ino, .flags = OP_SET_MODE, .mode = 0600},
        make_write(old.ino, 0, "a"),
        make_write(old.ino, 1, "b"),
        {.type = OP_LINK, .ino = INO_ROOT, .name = text("link"), .ino2 = old.ino},
        {.type = OP_LINK, .ino = INO_ROOT, .name = text("other"), .ino2 = old.ino}};
    struct attr root = fixture_getattr(f, INO_ROOT);
    struct op_result result;
    assert_int_equal(fixture_run(f, list, 5, &result), 0);
    assert_int_equal(result.attr.mtime, AHEAD + 1);
    assert_int_equal(result.attr.ctime, AHEAD + 1);
    assert_int_equal(fixture_getattr(f, INO_ROOT).mtime, root.mtime + 1);
}

/* The same time again, of which the file has one already. */
static void a_time_that_comes_again_is_not_the_same(void **state)
{
    struct fixture *f = *state;
    f->time = NOW;
    raise_level(f, 3);
    f->time = NOW + SECONDS(60);
    struct attr first = fixture_must(f, make_put("k", "1"));
    f->time = AHEAD;
    fixture_must(f, make_put("j", "1"));
    f->time = NOW + SECONDS(60);
    assert_int_equal(fixture_must(f, make_put("k", "2")).mtime, first.mtime + 1);
}

static void the_time_of_a_failed_command_is_forgotten(void **state)
{
    struct fixture *f = *state;
    f->time = NOW;
    raise_level(f, 3);
    f->time = NOW + SECONDS(5);
    assert_true(fixture_do(f, make_named(OP_UNLINK, INO_ROOT, "none")) < 0);
    f->time = NOW + 7;
    assert_int_equal(fixture_must(f, make_put("k", "1")).mtime, NOW + 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(below_level_3_time_never_comes_back),
        FIXTURE_TEST(time_comes_back_from_what_was_wrong),
        FIXTURE_TEST(small_differences_between_clocks_do_not_show),
        FIXTURE_TEST(the_first_command_of_level_3_comes_back),
        FIXTURE_TEST(the_times_of_one_file_only_grow),
        FIXTURE_TEST(the_times_of_a_folder_only_grow),
        FIXTURE_TEST(a_file_that_is_touched_is_dated_right),
        FIXTURE_TEST(a_time_that_is_set_by_hand_stays_until_the_next_change),
        FIXTURE_TEST(one_command_dates_an_inode_once),
        FIXTURE_TEST(a_time_that_comes_again_is_not_the_same),
        FIXTURE_TEST(the_time_of_a_failed_command_is_forgotten),
    };
    return cmocka_run_group_tests_name("times", tests, NULL, NULL);
}
