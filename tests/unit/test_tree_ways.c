/* From an inode to its names. fixture_check compares all ways with all entries after each test. */
#include "tree_fixture.h"

#include <errno.h>
#include <string.h>

static void print_path(void *arg, struct bytes key)
{
    buffer_append(arg, key.data, key.len);
    buffer_append(arg, " ", 1);
}

static void assert_paths(struct fixture *f, uint64_t ino, const char *expected)
{
    struct buffer found = {0};
    assert_int_equal(tree_paths(f->tree, ino, print_path, &found), 0);
    if (!bytes_equal(bytes_of(found.data, found.len), text(expected)))
        fail_msg("%.*s instead of %s", (int)found.len, (char *)found.data, expected);
    buffer_free(&found);
}

static void one_name_is_found(void **state)
{
    struct fixture *f = *state;
    uint64_t file = fixture_must(f, make_put("etc/app/port", "1")).ino;
    uint64_t app = fixture_resolve(f, "etc/app").ino, etc = fixture_resolve(f, "etc").ino;
    assert_paths(f, file, "etc/app/port ");
    assert_paths(f, app, "etc/app ");
    assert_paths(f, INO_ROOT, "");
    assert_paths(f, 99, "");
    fixture_must(f, make_rename(app, "port", INO_ROOT, "p", 0));
    assert_paths(f, file, "p ");
    fixture_must(f, make_rename(INO_ROOT, "p", app, "port", 0));
    fixture_must(f, make_rename(INO_ROOT, "etc", INO_ROOT, "moved", 0));
    assert_paths(f, file, "moved/app/port ");
    fixture_must(f, make_rename(etc, "app", INO_ROOT, "app", 0));
    assert_paths(f, file, "app/port ");
    fixture_reopen(f);
    assert_paths(f, file, "app/port ");
}

static void all_hard_links_are_found(void **state)
{
    struct fixture *f = *state;
    uint64_t dir = fixture_make_dir(f, INO_ROOT, "d"), file = fixture_make_file(f, dir, "b");
    struct op link = make_named(OP_LINK, INO_ROOT, "z");
    link.ino2 = file;
    fixture_must(f, link);
    link.name = text("a");
    link.ino = dir;
    fixture_must(f, link);
    assert_paths(f, file, "z d/a d/b ");
    fixture_must(f, make_rename(dir, "a", dir, "c", 0)); /* the name of a row of `way` */
    assert_paths(f, file, "z d/b d/c ");
    fixture_must(f, make_rename(dir, "b", INO_ROOT, "y", 0)); /* that of the inode's row */
    assert_paths(f, file, "y z d/c ");
    fixture_must(f, make_named(OP_UNLINK, INO_ROOT, "y"));
    assert_paths(f, file, "z d/c ");
    fixture_must(f, make_named(OP_UNLINK, dir, "c"));
    assert_paths(f, file, "z ");
    fixture_must(f, make_rename(INO_ROOT, "z", INO_ROOT, "x", 0));
    assert_paths(f, file, "x ");
    fixture_detach(f);
    fixture_sql(f, "CREATE TEMP TABLE expected (rows CHECK (rows = 1));"
                   "INSERT INTO expected SELECT count(*) FROM way");
    fixture_attach(f);
    link.name = text("again");
    fixture_must(f, link);
    fixture_must(f, make_named(OP_UNLINK, INO_ROOT, "x"));
    assert_paths(f, file, "d/again ");
    fixture_must(f, make_rename(dir, "again", dir, "z", 0));
    fixture_must(f, make_rename(dir, "z", dir, "again", 0)); /* its way is there already */
    link.name = text("z");
    fixture_must(f, link);
    assert_paths(f, file, "d/again d/z ");
    fixture_reopen(f);
    fixture_must(f, make_named(OP_UNLINK, dir, "z"));
    fixture_must(f, make_named(OP_UNLINK, dir, "again"));
    assert_paths(f, file, "");
}

static void exchanged_and_replaced_names_are_found(void **state)
{
    struct fixture *f = *state;
    uint64_t a = fixture_must(f, make_put("a", "1")).ino;
    uint64_t b = fixture_must(f, make_put("d/b", "2")).ino;
    uint64_t dir = fixture_resolve(f, "d").ino;
    fixture_must(f, make_rename(INO_ROOT, "a", dir, "b", OP_EXCHANGE));
    assert_paths(f, a, "d/b ");
    assert_paths(f, b, "a ");
    fixture_must(f, make_rename(INO_ROOT, "a", dir, "b", 0));
    assert_paths(f, a, "");
    assert_paths(f, b, "d/b ");
    fixture_must(f, make_put("x/y", "3"));
    fixture_must(f, make_rename(INO_ROOT, "d", fixture_resolve(f, "x").ino, "y2", OP_NO_REPLACE));
    assert_paths(f, b, "x/y2/b ");
}

static void a_held_inode_has_no_name(void **state)
{
    struct fixture *f = *state;
    uint64_t file = fixture_make_file(f, INO_ROOT, "f"), dir = fixture_make_dir(f, INO_ROOT, "d");
    struct op unlink = make_named(OP_UNLINK, INO_ROOT, "f");
    struct op rmdir = make_named(OP_RMDIR, INO_ROOT, "d");
    struct buffer path = {0};
    unlink.hold = file;
    fixture_must(f, unlink);
    rmdir.hold = dir;
    fixture_must(f, rmdir);
    assert_paths(f, file, "");
    assert_paths(f, dir, "");
    assert_int_equal(tree_path(f->tree, dir, text("x"), &path), -ENOENT);
    assert_int_equal(tree_path(f->tree, 99, text("x"), &path), -ESTALE);
    assert_int_equal(path.len, 0);
    buffer_free(&path);
}

static void an_undone_list_leaves_the_names(void **state)
{
    struct fixture *f = *state;
    uint64_t file = fixture_make_file(f, INO_ROOT, "f");
    struct op ops[] = {make_named(OP_LINK, INO_ROOT, "g"), make_rename(1, "f", 1, "h", 0),
                       make_named(OP_UNLINK, INO_ROOT, "missing")};
    ops[0].ino2 = file;
    assert_int_equal(fixture_run(f, ops, 3, NULL), -ENOENT);
    assert_paths(f, file, "f ");
}

static void the_longest_key_is_found(void **state)
{
    struct fixture *f = *state;
    struct buffer path = {0};
    uint64_t dir = INO_ROOT, file;
    char name[NAME_BYTES_MAX + 1];
    memset(name, 'n', NAME_BYTES_MAX);
    name[NAME_BYTES_MAX] = 0;
    for (int i = 0; i < 15; i++)
        dir = fixture_make_dir(f, dir, name);
    file = fixture_make_file(f, dir, name); /* 16 names and 15 slashes: 4,095 bytes */
    assert_int_equal(tree_path(f->tree, dir, text(name), &path), 0);
    assert_int_equal(path.len, PATH_BYTES_MAX);
    struct attr attr;
    assert_int_equal(tree_resolve(f->tree, bytes_of(path.data, path.len), &attr), 0);
    assert_int_equal(attr.ino, file);
    buffer_free(&path);
    dir = fixture_make_dir(f, dir, "d");
    file = fixture_make_file(f, dir, name);
    assert_int_equal(tree_path(f->tree, dir, text(name), &path), -ENAMETOOLONG);
    assert_paths(f, file, ""); /* it has a name, which no key can say */
    buffer_free(&path);
}

struct listed {
    uint32_t count, max;
    struct buffer last;
};

static bool take_listed(void *arg, struct bytes key, const struct attr *attr)
{
    struct listed *listed = arg;
    if (listed->count == listed->max)
        return false;
    listed->count++;
    listed->last.len = 0;
    buffer_append(&listed->last, key.data, key.len);
    return true;
}

/* Goes on after `listed->last`, in pieces. */
static void list_on(struct fixture *f, struct listed *listed, uint32_t max)
{
    struct buffer resume = {0};
    bool more = true;
    listed->count = 0;
    listed->max = max;
    buffer_append(&resume, listed->last.data, listed->last.len);
    while (more)
        assert_int_equal(tree_keys(f->tree, NULL, text(""), bytes_of(resume.data, resume.len), 3,
                                   take_listed, listed, &more, &resume),
                         0);
    buffer_free(&resume);
}

static void paths_longer_than_a_key_are_listed(void **state)
{
    struct fixture *f = *state;
    struct listed listed = {0};
    uint64_t dir = INO_ROOT;
    char name[NAME_BYTES_MAX + 1];
    memset(name, 'n', NAME_BYTES_MAX);
    name[NAME_BYTES_MAX] = 0;
    for (int i = 0; i < 15; i++)
        dir = fixture_make_dir(f, dir, name); /* 3,840 bytes with their slashes */
    memset(name, 'b', 200);
    name[200] = 0;
    uint64_t almost = fixture_make_dir(f, dir, name); /* 4,041 */
    memset(name, 'c', 100);
    name[100] = 0;
    fixture_make_dir(f, almost, name);
    fixture_make_file(f, almost, "a");
    list_on(f, &listed, 100);
    assert_int_equal(listed.count, 1); /* an empty directory is no key anywhere */
    listed.last.len = 0;
    name[0] = 'd';
    uint64_t below = fixture_make_dir(f, almost, name);
    fixture_make_file(f, below, "x"); /* it stands for all that is below it */
    fixture_make_file(f, below, "y");
    name[0] = 'e';
    fixture_make_file(f, almost, name);
    fixture_make_file(f, INO_ROOT, "z");
    const size_t lens[] = {4042, 4142, 4141, 1};
    const char starts[] = "adez";
    for (size_t i = 0; i < 4; i++) {
        list_on(f, &listed, 1);
        assert_int_equal(listed.count, 1);
        assert_int_equal(listed.last.len, lens[i]);
        assert_int_equal(listed.last.data[i < 3 ? 4041 : 0], starts[i]);
    }
    list_on(f, &listed, 1);
    assert_int_equal(listed.count, 0);
    listed.last.len = 0;
    list_on(f, &listed, 100);
    assert_int_equal(listed.count, 4);
    buffer_free(&listed.last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(one_name_is_found),
        FIXTURE_TEST(all_hard_links_are_found),
        FIXTURE_TEST(exchanged_and_replaced_names_are_found),
        FIXTURE_TEST(a_held_inode_has_no_name),
        FIXTURE_TEST(an_undone_list_leaves_the_names),
        FIXTURE_TEST(the_longest_key_is_found),
        FIXTURE_TEST(paths_longer_than_a_key_are_listed),
    };
    return cmocka_run_group_tests_name("tree_ways", tests, NULL, NULL);
}
