/* The queue of changes that are repeated for inotify: what names meant before a change, what has
 * been overtaken, and what need not be repeated (fs/echo_queue.h). */
#include "fs/echo_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { TOP = 1, A = 2, B = 3, FILE_1 = 10, FILE_2 = 11, FOLDER = 20 };

static struct fs_echo_queue queue;
static uint64_t revision;

static int set_up(void **state)
{
    fs_echo_queue_init(&queue);
    revision = 0;
    return 0;
}

static int tear_down(void **state)
{
    fs_echo_queue_clear(&queue);
    assert_int_equal(queue.count, 0);
    return 0;
}

static struct tree_change change(enum tree_change_kind kind, uint64_t ino, uint64_t parent,
                                 const char *name)
{
    return (struct tree_change){.kind = kind,
                                .mode = ino >= FOLDER ? S_IFDIR : S_IFREG,
                                .ino = ino,
                                .parent = parent,
                                .name = bytes_of_text(name),
                                .links = 1};
}

static struct tree_change half(enum tree_change_kind kind, uint64_t ino, uint64_t parent,
                               const char *name, uint64_t parent2, const char *name2)
{
    struct tree_change moved = change(kind, ino, parent, name);
    moved.parent2 = parent2;
    moved.name2 = bytes_of_text(name2);
    moved.links = 0;
    return moved;
}

static bool add_list(const struct tree_change *list, uint32_t count)
{
    const struct tree_changes changes = {.revision = ++revision, .count = count, .list = list};
    return fs_echo_queue_add(&queue, &changes, 0);
}

static struct fs_echo_item *last(void)
{
    return TAILQ_LAST(&queue.all, fs_echo_items);
}

static struct fs_echo_item *add(struct tree_change one)
{
    assert_true(add_list(&one, 1));
    return last();
}

static struct fs_echo_item *move(uint64_t ino, uint64_t parent, const char *name, uint64_t parent2,
                                 const char *name2)
{
    const struct tree_change list[] = {half(CHANGE_MOVED_FROM, ino, parent, name, parent2, name2),
                                       half(CHANGE_MOVED_TO, ino, parent2, name2, parent, name)};
    assert_true(add_list(list, 2));
    return last();
}

static void by_a_program_here(void)
{
    fs_echo_queue_told(&queue, revision);
}

/* -1: as in the tree. */
static int64_t found(const struct fs_echo_item *item, uint64_t parent, const char *name)
{
    const struct fs_echo_name *record = fs_echo_found(&queue, item, parent, bytes_of_text(name));
    return record ? (int64_t)record->ino : -1;
}

/* ---- Which calls they become ---- */

static void a_rename_is_one_item(void **state)
{
    struct fs_echo_item *item = move(FILE_1, A, "x", B, "y");
    assert_int_equal(queue.count, 1);
    assert_int_equal(item->kind, FS_ECHO_MOVE);
    assert_int_equal(item->names[0].ino, FILE_1);
    assert_int_equal(item->names[1].parent, B);
    assert_int_equal(item->names[1].ino, 0);
}

static void a_rename_over_a_name_is_no_removal(void **state)
{
    const struct tree_change list[] = {
        change(CHANGE_DELETED, FILE_2, B, "y"), half(CHANGE_MOVED_FROM, FILE_1, A, "x", B, "y"),
        half(CHANGE_MOVED_TO, FILE_1, B, "y", A, "x"), change(CHANGE_CREATED, FOLDER, A, "z")};
    assert_true(add_list(list, 4));
    assert_int_equal(queue.count, 2);
    const struct fs_echo_item *item = TAILQ_FIRST(&queue.all);
    assert_int_equal(item->kind, FS_ECHO_MOVE);
    assert_int_equal(item->ino, FILE_1);
    assert_int_equal(item->names[1].ino, FILE_2);
    assert_int_equal(item->names[1].links, 1);
    assert_int_equal(last()->kind, FS_ECHO_CREATE);
}

static void a_removal_before_another_rename_is_one(void **state)
{
    const struct tree_change list[] = {change(CHANGE_DELETED, FILE_2, B, "z"),
                                       half(CHANGE_MOVED_FROM, FILE_1, A, "x", B, "y"),
                                       half(CHANGE_MOVED_TO, FILE_1, B, "y", A, "x")};
    assert_true(add_list(list, 3));
    assert_int_equal(queue.count, 2);
    assert_int_equal(last()->names[1].ino, 0);
}

static void an_exchange_is_one_item(void **state)
{
    const struct tree_change list[] = {half(CHANGE_MOVED_FROM, FILE_1, A, "x", B, "y"),
                                       half(CHANGE_MOVED_FROM, FILE_2, B, "y", A, "x"),
                                       half(CHANGE_MOVED_TO, FILE_1, B, "y", A, "x"),
                                       half(CHANGE_MOVED_TO, FILE_2, A, "x", B, "y")};
    assert_true(add_list(list, 4));
    assert_int_equal(queue.count, 1);
    assert_int_equal(last()->kind, FS_ECHO_EXCHANGE);
    assert_int_equal(last()->names[0].ino, FILE_1);
    assert_int_equal(last()->names[1].ino, FILE_2);
}

static void changes_of_locks_are_none(void **state)
{
    const struct tree_change list[] = {{.kind = CHANGE_LOCK_GRANTED, .ino = FILE_1},
                                       {.kind = CHANGE_SESSION_ENDED}};
    assert_true(add_list(list, 2));
    assert_int_equal(queue.count, 0);
}

static void the_same_again_is_one_event(void **state)
{
    struct fs_echo_item *item = add(change(CHANGE_WRITTEN, FILE_1, 0, ""));
    add(change(CHANGE_WRITTEN, FILE_1, 0, ""));
    assert_int_equal(queue.count, 1);
    add(change(CHANGE_ATTRIBUTES, FILE_1, 0, ""));
    add(change(CHANGE_ATTRIBUTES, FILE_2, 0, ""));
    add(change(CHANGE_WRITTEN, FILE_1, 0, ""));
    assert_int_equal(queue.count, 4);
    assert_int_equal(item->revision, 1);
}

static void a_write_while_the_one_before_is_told_is_told_too(void **state)
{
    add(change(CHANGE_WRITTEN, FILE_1, 0, ""))->begun = true;
    add(change(CHANGE_WRITTEN, FILE_1, 0, ""));
    assert_int_equal(queue.count, 2);
}

static void a_write_after_one_of_a_program_here_is_told(void **state)
{
    add(change(CHANGE_WRITTEN, FILE_1, 0, ""));
    by_a_program_here();
    add(change(CHANGE_WRITTEN, FILE_1, 0, ""));
    assert_int_equal(queue.count, 2);
    assert_int_equal(last()->state, FS_ECHO_UNDECIDED);
}

static void beyond_its_room_it_takes_nothing(void **state)
{
    char name[16];
    for (int i = 0; i < FS_ECHO_ITEMS_MAX; i++) {
        snprintf(name, sizeof name, "%d", i);
        add(change(CHANGE_CREATED, FILE_1, A, name));
    }
    struct tree_change more = change(CHANGE_CREATED, FILE_1, A, "more");
    assert_false(add_list(&more, 1));
    fs_echo_queue_clear(&queue);
    assert_int_equal(queue.undecided, 0);
    assert_true(add_list(&more, 1));
}

/* ---- What names meant ---- */

static void a_name_means_what_the_next_change_found(void **state)
{
    struct fs_echo_item *created = add(change(CHANGE_CREATED, FILE_1, A, "x"));
    struct fs_echo_item *written = add(change(CHANGE_WRITTEN, FILE_1, 0, ""));
    struct fs_echo_item *deleted = add(change(CHANGE_DELETED, FILE_1, A, "x"));
    struct fs_echo_item *again = add(change(CHANGE_CREATED, FILE_2, A, "x"));
    struct fs_echo_item *end = add(change(CHANGE_WRITTEN, FILE_2, 0, ""));
    assert_int_equal(found(created, A, "x"), 0);
    assert_int_equal(found(written, A, "x"), FILE_1);
    assert_int_equal(found(deleted, A, "x"), FILE_1);
    assert_int_equal(found(again, A, "x"), 0);
    assert_int_equal(found(end, A, "x"), -1);
    assert_int_equal(found(created, B, "x"), -1);
    assert_int_equal(found(created, A, "xx"), -1);
}

static void both_names_of_a_rename_are_known(void **state)
{
    struct fs_echo_item *first = add(change(CHANGE_WRITTEN, FILE_2, 0, ""));
    struct fs_echo_item *moved = move(FOLDER, A, "x", B, "y");
    assert_int_equal(found(first, A, "x"), FOLDER);
    assert_int_equal(found(moved, B, "y"), 0);
}

static void a_folder_is_where_it_was(void **state)
{
    struct fs_echo_item *first = add(change(CHANGE_WRITTEN, FILE_2, 0, ""));
    move(FOLDER, A, "x", B, "y");
    struct fs_echo_item *between = add(change(CHANGE_WRITTEN, FILE_1, 0, ""));
    add(change(CHANGE_DELETED, FOLDER, B, "y"));
    struct fs_echo_item *end = add(change(CHANGE_WRITTEN, FILE_2, 0, ""));
    const struct fs_echo_name *lost = fs_echo_loses(&queue, first, FOLDER);
    assert_int_equal(lost->parent, A);
    assert_int_equal(fs_echo_loses(&queue, between, FOLDER)->parent, B);
    assert_null(fs_echo_loses(&queue, end, FOLDER));
    assert_null(fs_echo_loses(&queue, first, FILE_1));
}

static void changes_of_programs_here_tell_what_names_meant(void **state)
{
    struct fs_echo_item *first = add(change(CHANGE_WRITTEN, FILE_2, 0, ""));
    add(change(CHANGE_DELETED, FOLDER, A, "x"));
    by_a_program_here();
    fs_echo_queue_trim(&queue);
    assert_int_equal(found(first, A, "x"), FOLDER);
    fs_echo_queue_decide(&queue, first, false);
    fs_echo_queue_trim(&queue);
    assert_int_equal(queue.count, 0);
}

/* ---- What is overtaken ---- */

static void a_name_that_a_program_here_uses_again_is_overtaken(void **state)
{
    struct fs_echo_item *deleted = add(change(CHANGE_DELETED, FILE_1, A, "x"));
    assert_false(fs_echo_overtaken(&queue, deleted));
    add(change(CHANGE_CREATED, FILE_2, A, "x"));
    assert_false(fs_echo_overtaken(&queue, deleted)); /* that is told as well, in order */
    add(change(CHANGE_CREATED, FILE_2, A, "y"));
    by_a_program_here();
    assert_false(fs_echo_overtaken(&queue, deleted));
    move(FILE_2, A, "y", A, "x");
    by_a_program_here();
    assert_true(fs_echo_overtaken(&queue, deleted));
}

static void what_came_before_overtakes_nothing(void **state)
{
    add(change(CHANGE_CREATED, FILE_1, A, "x"));
    by_a_program_here();
    assert_true(fs_echo_overtaken(&queue, last()));
    assert_false(fs_echo_overtaken(&queue, add(change(CHANGE_DELETED, FILE_1, A, "x"))));
}

static void the_second_name_of_a_rename_can_be_overtaken(void **state)
{
    struct fs_echo_item *moved = move(FILE_1, A, "x", B, "y");
    add(change(CHANGE_DELETED, FILE_1, B, "y"));
    by_a_program_here();
    assert_true(fs_echo_overtaken(&queue, moved));
}

static void a_program_here_takes_back_what_was_ready(void **state)
{
    fs_echo_queue_decide(&queue, add(change(CHANGE_CREATED, FILE_1, A, "x")), true);
    fs_echo_queue_decide(&queue, add(change(CHANGE_CREATED, FILE_2, A, "y")), true);
    by_a_program_here();
    assert_int_equal(TAILQ_FIRST(&queue.ready)->ino, FILE_1);
    assert_null(TAILQ_NEXT(TAILQ_FIRST(&queue.ready), ready_entry));
    assert_int_equal(queue.undecided, 0);
}

static void who_hears_of_a_rename_does_not_hear_of_what_was_before(void **state)
{
    struct fs_echo_item *written = add(change(CHANGE_WRITTEN, FILE_1, 0, ""));
    struct fs_echo_item *other = add(change(CHANGE_WRITTEN, FILE_2, 0, ""));
    struct fs_echo_item *moved = move(FILE_1, A, "x", B, "y");
    fs_echo_queue_decide(&queue, moved, true);
    fs_echo_queue_done(&queue, moved);
    assert_int_equal(written->state, FS_ECHO_KEPT);
    assert_int_equal(other->state, FS_ECHO_UNDECIDED);
    assert_int_equal(queue.undecided, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(a_rename_is_one_item),
        T(a_rename_over_a_name_is_no_removal),
        T(a_removal_before_another_rename_is_one),
        T(an_exchange_is_one_item),
        T(changes_of_locks_are_none),
        T(the_same_again_is_one_event),
        T(a_write_while_the_one_before_is_told_is_told_too),
        T(a_write_after_one_of_a_program_here_is_told),
        T(beyond_its_room_it_takes_nothing),
        T(a_name_means_what_the_next_change_found),
        T(both_names_of_a_rename_are_known),
        T(a_folder_is_where_it_was),
        T(changes_of_programs_here_tell_what_names_meant),
        T(a_name_that_a_program_here_uses_again_is_overtaken),
        T(what_came_before_overtakes_nothing),
        T(the_second_name_of_a_rename_can_be_overtaken),
        T(a_program_here_takes_back_what_was_ready),
        T(who_hears_of_a_rename_does_not_hear_of_what_was_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
