/* Whose a folder and its files are. */
#include "scratch.h"

#include "store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct scene {
    char path[SCRATCH_BYTES];
    struct fault fault;
};

static struct scene s;

static int set_up(void **state)
{
    s = (struct scene){0};
    scratch_folder(s.path);
    return 0;
}

static int tear_down(void **state)
{
    char command[2 * SCRATCH_BYTES];
    snprintf(command, sizeof command, "rm -r %s", s.path);
    return system(command);
}

static const char *in_folder(const char *name)
{
    static char path[2 * SCRATCH_BYTES];
    snprintf(path, sizeof path, "%s/%s", s.path, name);
    return path;
}

static void folder_make_file(const char *name, mode_t mode)
{
    int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0 && fchmod(fd, mode) == 0 && close(fd) == 0);
}

static mode_t folder_mode(const char *name)
{
    struct stat file;
    assert_int_equal(stat(in_folder(name), &file), 0);
    return file.st_mode & 07777;
}

static int check(void)
{
    return folder_check_owner(s.path, &s.fault);
}

static void a_folder_that_is_missing_is_fine(void **state)
{
    assert_int_equal(folder_check_owner(in_folder("missing"), &s.fault), 0);
    folder_make_file("file", 0600);
    assert_int_equal(folder_check_owner(in_folder("file"), &s.fault), -ENOTDIR);
}

static void it_is_closed_to_others(void **state)
{
    assert_int_equal(chmod(s.path, 01777), 0);
    folder_make_file("tree.db-wal", 0666);
    folder_make_file("node.json", 0644);
    assert_int_equal(check(), 0);
    assert_int_equal(folder_mode("."), 0755);
    assert_int_equal(folder_mode("tree.db-wal"), 0600);
    assert_int_equal(folder_mode("node.json"), 0644);
    assert_int_equal(chmod(s.path, 0710), 0);
    assert_int_equal(check(), 0);
    assert_int_equal(folder_mode("."), 0710);
}

static void links_and_others_are_refused(void **state)
{
    static const char *const names[] = {"lock",   "damaged",    "leases",     "starts", "room",
                                        "log.db", "log.db-wal", "starts.new", "tree.db"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        folder_make_file("aside", 0600);
        assert_int_equal(symlink("aside", in_folder(names[i])), 0);
        assert_int_equal(check(), -EPERM);
        assert_non_null(strstr(s.fault.text, "not a file but a link"));
        assert_int_equal(unlink(in_folder(names[i])), 0);
        assert_int_equal(mkdir(in_folder(names[i]), 0700), 0);
        assert_int_equal(check(), -EPERM);
        assert_int_equal(rmdir(in_folder(names[i])), 0);
        assert_int_equal(unlink(in_folder("aside")), 0);
    }
    assert_int_equal(symlink("aside", in_folder("mnt")), 0);
    assert_int_equal(check(), 0);
}

static void other_owners_are_refused(void **state)
{
    if (geteuid() != 0)
        skip();
    folder_make_file("log.db", 0600);
    assert_int_equal(chown(in_folder("log.db"), 1234, (gid_t)-1), 0);
    assert_int_equal(check(), -EPERM);
    assert_non_null(strstr(s.fault.text, "log.db belongs to user 1234"));
    assert_int_equal(chown(in_folder("log.db"), 0, (gid_t)-1), 0);
    assert_int_equal(chown(s.path, 1234, (gid_t)-1), 0);
    assert_int_equal(check(), -EPERM);
    assert_non_null(strstr(s.fault.text, "belongs to user 1234"));
}

#define FOLDER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(a_folder_that_is_missing_is_fine),
        FOLDER_TEST(it_is_closed_to_others),
        FOLDER_TEST(links_and_others_are_refused),
        FOLDER_TEST(other_owners_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
