/* What a node has open must stay where it was. */
#include "scratch.h"

#include "store/places.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static const char *const files[] = {"log.db", "log.db-wal", "tree.db", "tree.db-wal",
                                    "tree.db-shm"};
enum { FILES = sizeof files / sizeof *files };

struct scene {
    char top[SCRATCH_BYTES];
    char path[SCRATCH_BYTES + 8];
    struct folder *folder;
    struct places places;
};

static void path_of(const struct scene *s, const char *name, char path[2 * SCRATCH_BYTES])
{
    snprintf(path, 2 * SCRATCH_BYTES, "%s/%s", s->path, name);
}

static void make_file(const struct scene *s, const char *name)
{
    char path[2 * SCRATCH_BYTES];
    path_of(s, name, path);
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void move(const struct scene *s, const char *from, const char *to)
{
    char from_path[2 * SCRATCH_BYTES], to_path[2 * SCRATCH_BYTES];
    path_of(s, from, from_path);
    path_of(s, to, to_path);
    assert_int_equal(rename(from_path, to_path), 0);
}

static void begin(struct scene *s)
{
    struct fault fault;
    *s = (struct scene){0};
    scratch_folder(s->top);
    snprintf(s->path, sizeof s->path, "%s/folder", s->top);
    assert_int_equal(folder_open(s->path, &s->folder, &fault), 0);
    for (int i = 0; i < FILES; i++)
        make_file(s, files[i]);
    places_remember_folder(&s->places, s->folder);
    places_remember_log(&s->places, s->folder);
    places_remember_tree(&s->places, s->folder);
}

static void end(struct scene *s)
{
    char command[2 * SCRATCH_BYTES];
    folder_close(s->folder);
    snprintf(command, sizeof command, "rm -r %s", s->top);
    assert_int_equal(system(command), 0);
}

static void expect(const struct scene *s, const char *name, const char *text)
{
    struct fault fault;
    assert_int_equal(places_look(&s->places, s->folder, &fault), -ESTALE);
    assert_non_null(strstr(fault.text, name));
    assert_non_null(strstr(fault.text, text));
}

static void expect_nothing(const struct scene *s)
{
    struct fault fault;
    assert_int_equal(places_look(&s->places, s->folder, &fault), 0);
}

static void each_file_that_is_moved_is_missed(void **state)
{
    struct scene s;
    begin(&s);
    expect_nothing(&s);
    for (int i = 0; i <= FILES; i++) {
        const char *name = i < FILES ? files[i] : "lock";
        move(&s, name, "elsewhere");
        expect(&s, name, "is gone");
        move(&s, "elsewhere", name);
        expect_nothing(&s);
    }
    end(&s);
}

static void each_file_that_is_replaced_is_noticed(void **state)
{
    struct scene s;
    begin(&s);
    for (int i = 0; i < FILES; i++) {
        move(&s, files[i], "first");
        make_file(&s, files[i]);
        expect(&s, files[i], "is another file");
        move(&s, "first", files[i]);
        expect_nothing(&s);
    }
    end(&s);
}

static void a_folder_that_is_moved_or_replaced_is_noticed(void **state)
{
    struct scene s;
    char away[2 * SCRATCH_BYTES];
    begin(&s);
    snprintf(away, sizeof away, "%s/away", s.top);
    assert_int_equal(rename(s.path, away), 0);
    expect(&s, s.path, "is gone");
    assert_int_equal(mkdir(s.path, 0755), 0);
    expect(&s, s.path, "is another file");
    assert_int_equal(rmdir(s.path), 0);
    assert_int_equal(rename(away, s.path), 0);
    expect_nothing(&s);
    end(&s);
}

static void what_was_not_there_is_not_missed(void **state)
{
    struct scene s;
    begin(&s);
    move(&s, "tree.db-shm", "elsewhere");
    places_remember_tree(&s.places, s.folder);
    expect_nothing(&s);
    move(&s, "elsewhere", "tree.db-shm");
    expect_nothing(&s);
    make_file(&s, "notes"); /* somebody else's */
    expect_nothing(&s);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_file_that_is_moved_is_missed),
        cmocka_unit_test(each_file_that_is_replaced_is_noticed),
        cmocka_unit_test(a_folder_that_is_moved_or_replaced_is_noticed),
        cmocka_unit_test(what_was_not_there_is_not_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
