/* The key tree: keys, names, links, rename, open files without a name. */
#include "tree_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- Keys ---- */

static void a_put_makes_the_parents(void **state)
{
    struct fixture *f = *state;
    struct attr attr = fixture_must(f, make_put("etc/app/port", "80"));
    assert_int_equal(attr.mode, S_IFREG | 0644);
    assert_int_equal(fixture_resolve(f, "etc/app/port").ino, attr.ino);
    assert_int_equal(fixture_resolve(f, "etc").mode, S_IFDIR | 0755);
    assert_int_equal(fixture_resolve(f, "etc").nlink, 3);
    fixture_assert_contents(f, attr.ino, "80");
    fixture_must(f, make_put("etc/app/port", "443"));
    fixture_assert_contents(f, attr.ino, "443");
    assert_int_equal(tree_applied(f->tree), 2);
    assert_int_equal(fixture_resolve(f, "etc/app/port").revision, 2);
}

static void a_put_keeps_the_attributes_of_a_file(void **state)
{
    struct fixture *f = *state;
    struct op first = make_put("k", "1"), second = make_put("k", "2");
    first.mode = 0600;
    first.uid = 7;
    first.gid = 8;
    second.mode = 0666;
    uint64_t ino = fixture_must(f, first).ino;
    struct attr attr = fixture_must(f, second);
    assert_int_equal(attr.ino, ino);
    assert_int_equal(attr.mode, S_IFREG | 0600);
    assert_int_equal(attr.uid, 7);
    assert_int_equal(attr.gid, 8);
}

static void impossible_puts_are_refused(void **state)
{
    struct fixture *f = *state;
    struct op link = make_named(OP_SYMLINK, INO_ROOT, "link");
    link.data = text("dir");
    fixture_must(f, make_put("dir/file", "x"));
    fixture_must(f, link);
    char long_name[300];
    memset(long_name, 'n', sizeof long_name);
    long_name[299] = 0;
    char long_path[5000];
    memset(long_path, 'p', sizeof long_path);
    for (size_t i = 100; i < sizeof long_path; i += 100)
        long_path[i] = '/';
    long_path[4999] = 0;
    assert_int_equal(fixture_do(f, make_put("dir", "x")), -EISDIR);
    assert_int_equal(fixture_do(f, make_put("dir/file/x", "x")), -ENOTDIR);
    assert_int_equal(fixture_do(f, make_put("link", "x")), -EINVAL);
    assert_int_equal(fixture_do(f, make_put("link/file", "x")), -ENOTDIR);
    assert_int_equal(fixture_do(f, make_put(".quorumfs", "x")), -EPERM);
    assert_int_equal(fixture_do(f, make_put(".quorumfs/x", "x")), -EPERM);
    assert_int_equal(fixture_do(f, make_put("", "x")), -EINVAL);
    assert_int_equal(fixture_do(f, make_put("a//b", "x")), -EINVAL);
    assert_int_equal(fixture_do(f, make_put("a/../b", "x")), -EINVAL);
    assert_int_equal(fixture_do(f, make_put(long_name, "x")), -ENAMETOOLONG);
    assert_int_equal(fixture_do(f, make_put(long_path, "x")), -ENAMETOOLONG);
    assert_int_equal(fixture_do(f, make_named(OP_MKNOD, INO_ROOT, "dir")), -EEXIST);
    fixture_must(f, make_put("x/.quorumfs", "only reserved at the root"));
}

static void conditions_decide_about_a_change(void **state)
{
    struct fixture *f = *state;
    struct op op = make_put("k", "1");
    op.flags = OP_IF_EXISTS;
    assert_int_equal(fixture_do(f, op), -ECANCELED);
    op.flags = OP_IF_REVISION;
    assert_int_equal(fixture_do(f, op), -ECANCELED);
    op.flags = OP_IF_ABSENT;
    uint64_t revision = fixture_must(f, op).revision;
    assert_int_equal(fixture_do(f, op), -ECANCELED);
    op.flags = OP_IF_REVISION;
    op.revision = revision + 1;
    assert_int_equal(fixture_do(f, op), -ECANCELED);
    op.revision = revision;
    assert_int_equal(fixture_do(f, op), 0);
    assert_int_equal(fixture_do(f, op), -ECANCELED);
    op.type = OP_DELETE;
    assert_int_equal(fixture_do(f, op), -ECANCELED);
    op.flags = OP_IF_EXISTS;
    assert_int_equal(fixture_do(f, op), 0);
    assert_int_equal(fixture_do(f, op), -ECANCELED);
}

static void delete_removes_a_key(void **state)
{
    struct fixture *f = *state;
    struct op op = {.type = OP_DELETE, .name = text("a/b"), .flags = OP_WANT_OLD};
    struct op_result out;
    assert_int_equal(fixture_run(f, &op, 1, &out), 0);
    assert_false(out.existed);
    uint64_t ino = fixture_must(f, make_put("a/b", "old")).ino;
    struct buffer entry = fixture_entry(f, &op, 1);
    bool repeated;
    struct command_result result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);
    assert_true(result.ops[0].existed && result.ops[0].old_present);
    assert_true(bytes_equal(command_result_old(&result, 0), text("old")));
    command_result_free(&result);
    buffer_free(&entry);
    assert_true(fixture_gone(f, ino));
    assert_int_equal(fixture_resolve(f, "a/b").ino, 0);
    assert_int_equal(fixture_resolve(f, "a").mode, S_IFDIR | 0755);
    op.name = text("a");
    assert_int_equal(fixture_do(f, op), -EISDIR);
    fixture_must(f, make_put("f", "x"));
    op.name = text("f/x");
    assert_int_equal(fixture_do(f, op), -ENOTDIR);
}

static void resolve_follows_a_path(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, make_put("a/b", "x"));
    struct attr attr;
    assert_int_equal(tree_resolve(f->tree, text("a/c"), &attr), -ENOENT);
    assert_int_equal(tree_resolve(f->tree, text("b/c"), &attr), -ENOENT);
    assert_int_equal(tree_resolve(f->tree, text("a/b/c"), &attr), -ENOTDIR);
    assert_int_equal(tree_resolve(f->tree, text("a//b"), &attr), -EINVAL);
    assert_int_equal(tree_lookup(f->tree, INO_ROOT, text("none"), &attr), -ENOENT);
    assert_int_equal(tree_lookup(f->tree, 99, text("none"), &attr), -ESTALE);
    assert_int_equal(tree_lookup(f->tree, INO_ROOT, text("a"), &attr), 0);
    uint64_t parent;
    assert_int_equal(tree_parent(f->tree, attr.ino, &parent), 0);
    assert_int_equal(parent, INO_ROOT);
    assert_int_equal(tree_parent(f->tree, INO_ROOT, &parent), 0);
    assert_int_equal(parent, INO_ROOT);
    uint64_t file = fixture_resolve(f, "a/b").ino;
    assert_int_equal(tree_lookup(f->tree, file, text("x"), &attr), -ENOTDIR);
    assert_int_equal(tree_parent(f->tree, file, &parent), -ENOTDIR);
}

/* ---- Names ---- */

static void create_makes_a_file_once(void **state)
{
    struct fixture *f = *state;
    struct op op = make_named(OP_CREATE, INO_ROOT, "f");
    struct op_result out;
    assert_int_equal(fixture_run(f, &op, 1, &out), 0);
    assert_false(out.existed);
    uint64_t ino = out.attr.ino;
    assert_int_equal(fixture_run(f, &op, 1, &out), 0);
    assert_true(out.existed);
    assert_int_equal(out.attr.ino, ino);
    assert_int_equal(out.attr.revision, 1);
    op.flags = OP_EXCLUSIVE;
    assert_int_equal(fixture_do(f, op), -EEXIST);
    fixture_make_dir(f, INO_ROOT, "d");
    op.name = text("d");
    assert_int_equal(fixture_do(f, op), -EEXIST);
    op.flags = 0;
    assert_int_equal(fixture_do(f, op), -EISDIR);
    assert_int_equal(fixture_do(f, make_named(OP_CREATE, ino, "x")), -ENOTDIR);
    assert_int_equal(fixture_do(f, make_named(OP_CREATE, 999, "x")), -ESTALE);
    assert_int_equal(fixture_do(f, make_named(OP_CREATE, INO_ROOT, ".quorumfs")), -EPERM);
    assert_int_equal(fixture_do(f, make_named(OP_MKDIR, INO_ROOT, ".quorumfs")), -EPERM);
    assert_int_equal(fixture_do(f, make_named(OP_CREATE, INO_ROOT, "..")), -EINVAL);
    assert_int_equal(fixture_do(f, make_named(OP_CREATE, INO_ROOT, "a/b")), -EINVAL);
}

static void special_files_are_made(void **state)
{
    struct fixture *f = *state;
    struct op op = make_named(OP_MKNOD, INO_ROOT, "fifo");
    struct op link = make_named(OP_SYMLINK, INO_ROOT, "link");
    struct buffer target = {0};
    op.mode = S_IFIFO | 0600;
    op.rdev = 5;
    assert_int_equal(fixture_must(f, op).rdev, 0);
    op.name = text("null");
    op.mode = S_IFCHR | 0666;
    assert_int_equal(fixture_must(f, op).rdev, 5);
    op.name = text("bad");
    op.mode = S_IFDIR;
    assert_int_equal(fixture_do(f, op), -EINVAL);
    uint64_t fifo = fixture_resolve(f, "fifo").ino;
    assert_int_equal(fixture_do(f, make_write(fifo, 0, "x")), -EINVAL);

    assert_int_equal(fixture_do(f, link), -ENOENT);
    char long_target[5000];
    memset(long_target, 't', sizeof long_target);
    link.data = bytes_of(long_target, sizeof long_target);
    assert_int_equal(fixture_do(f, link), -ENAMETOOLONG);
    link.data = bytes_of(long_target, SYMLINK_BYTES_MAX);
    struct attr attr = fixture_must(f, link);
    assert_int_equal(attr.mode, S_IFLNK | 0777);
    assert_int_equal(attr.size, SYMLINK_BYTES_MAX);
    assert_int_equal(tree_readlink(f->tree, attr.ino, &target), 0);
    assert_true(bytes_equal(bytes_of(target.data, target.len), link.data));
    buffer_free(&target);
    assert_int_equal(tree_readlink(f->tree, fifo, &target), -EINVAL);
    /* A symlink in the way of O_CREAT appeared after the kernel looked. */
    assert_int_equal(fixture_do(f, make_named(OP_CREATE, INO_ROOT, "link")), -EEXIST);
}

static void directories_count_links(void **state)
{
    struct fixture *f = *state;
    uint64_t d = fixture_make_dir(f, INO_ROOT, "d");
    assert_int_equal(fixture_getattr(f, INO_ROOT).nlink, 3);
    fixture_make_dir(f, d, "e");
    assert_int_equal(fixture_getattr(f, d).nlink, 3);
    assert_int_equal(fixture_getattr(f, d).size, 1);
    assert_int_equal(fixture_do(f, make_named(OP_RMDIR, INO_ROOT, "d")), -ENOTEMPTY);
    assert_int_equal(fixture_do(f, make_named(OP_UNLINK, INO_ROOT, "d")), -EISDIR);
    fixture_must(f, make_named(OP_RMDIR, d, "e"));
    assert_int_equal(fixture_getattr(f, d).nlink, 2);
    assert_int_equal(fixture_do(f, make_named(OP_RMDIR, d, "e")), -ENOENT);
    fixture_make_file(f, d, "file");
    assert_int_equal(fixture_do(f, make_named(OP_RMDIR, d, "file")), -ENOTDIR);
    fixture_must(f, make_named(OP_UNLINK, d, "file"));
    fixture_must(f, make_named(OP_RMDIR, INO_ROOT, "d"));
    assert_true(fixture_gone(f, d));
}

static void hard_links_share_an_inode(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    uint64_t d = fixture_make_dir(f, INO_ROOT, "d");
    struct op link = {.type = OP_LINK, .ino = d, .name = text("b"), .ino2 = ino};
    assert_int_equal(fixture_must(f, link).nlink, 2);
    assert_int_equal(fixture_do(f, link), -EEXIST);
    fixture_must(f, make_write(ino, 0, "shared"));
    assert_int_equal(fixture_must(f, make_named(OP_UNLINK, INO_ROOT, "a")).nlink, 1);
    fixture_assert_contents(f, fixture_resolve(f, "d/b").ino, "shared");
    link.name = text("c");
    link.ino2 = d;
    assert_int_equal(fixture_do(f, link), -EPERM);
    link.ino2 = 12345;
    assert_int_equal(fixture_do(f, link), -ESTALE);
    assert_int_equal(fixture_must(f, make_named(OP_UNLINK, d, "b")).nlink, 0);
    assert_true(fixture_gone(f, ino));
}

static void links_have_a_limit(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    uint64_t d = fixture_make_dir(f, INO_ROOT, "d");
    uint64_t e = fixture_make_dir(f, INO_ROOT, "e");
    struct op link = {.type = OP_LINK, .ino = INO_ROOT, .name = text("b"), .ino2 = ino};
    fixture_detach(f);
    fixture_sql(f, "UPDATE inode SET nlink = 2147483647 WHERE ino IN (2, 3)");
    fixture_attach(f);
    assert_int_equal(fixture_do(f, link), -EMLINK);
    assert_int_equal(fixture_do(f, make_named(OP_MKDIR, d, "x")), -EMLINK);
    assert_int_equal(fixture_do(f, make_put("d/x/y", "z")), -EMLINK);
    assert_int_equal(fixture_do(f, make_rename(INO_ROOT, "e", d, "e", 0)), -EMLINK);
    fixture_make_file(f, d, "file");
    assert_int_equal(fixture_getattr(f, e).nlink, 2);
    fixture_detach(f);
    fixture_sql(f, "UPDATE inode SET nlink = 1 WHERE ino = 2;"
                   "UPDATE inode SET nlink = 2 WHERE ino = 3");
    fixture_attach(f);
}

static void a_rename_moves_and_replaces(void **state)
{
    struct fixture *f = *state;
    uint64_t a = fixture_make_file(f, INO_ROOT, "a");
    uint64_t d = fixture_make_dir(f, INO_ROOT, "d");
    uint64_t e = fixture_make_dir(f, d, "e");
    assert_int_equal(fixture_do(f, make_rename(INO_ROOT, "none", d, "x", 0)), -ENOENT);
    assert_int_equal(fixture_must(f, make_rename(INO_ROOT, "a", e, "b", 0)).ino, a);
    assert_int_equal(fixture_resolve(f, "d/e/b").ino, a);
    assert_int_equal(fixture_resolve(f, "a").ino, 0);
    /* into itself, below itself */
    assert_int_equal(fixture_do(f, make_rename(INO_ROOT, "d", d, "x", 0)), -EINVAL);
    assert_int_equal(fixture_do(f, make_rename(INO_ROOT, "d", e, "x", 0)), -EINVAL);
    /* onto what is not empty, or of the other kind */
    fixture_make_dir(f, INO_ROOT, "g");
    assert_int_equal(fixture_do(f, make_rename(INO_ROOT, "g", INO_ROOT, "d", 0)), -ENOTEMPTY);
    assert_int_equal(fixture_do(f, make_rename(d, "e", INO_ROOT, "d", 0)), -ENOTEMPTY);
    fixture_make_file(f, INO_ROOT, "file");
    assert_int_equal(fixture_do(f, make_rename(INO_ROOT, "g", INO_ROOT, "file", 0)), -ENOTDIR);
    assert_int_equal(fixture_do(f, make_rename(INO_ROOT, "file", INO_ROOT, "g", 0)), -EISDIR);
    assert_int_equal(fixture_do(f, make_rename(INO_ROOT, "file", INO_ROOT, ".quorumfs", 0)),
                     -EPERM);
    /* a directory takes an empty one's place and counts at its new parent */
    uint64_t g = fixture_resolve(f, "g").ino;
    fixture_must(f, make_rename(d, "e", INO_ROOT, "g", 0));
    assert_true(fixture_gone(f, g));
    assert_int_equal(fixture_resolve(f, "g/b").ino, a);
    assert_int_equal(fixture_getattr(f, d).nlink, 2);
    uint64_t parent;
    assert_int_equal(tree_parent(f->tree, e, &parent), 0);
    assert_int_equal(parent, INO_ROOT);
}

static void a_rename_obeys_its_flags(void **state)
{
    struct fixture *f = *state;
    uint64_t a = fixture_make_file(f, INO_ROOT, "a");
    uint64_t d = fixture_make_dir(f, INO_ROOT, "d");
    uint64_t e = fixture_make_dir(f, d, "e");
    uint32_t both = OP_NO_REPLACE | OP_EXCHANGE;
    assert_int_equal(fixture_do(f, make_rename(INO_ROOT, "a", INO_ROOT, "d", both)), -EINVAL);
    assert_int_equal(fixture_do(f, make_rename(INO_ROOT, "a", INO_ROOT, "d", OP_NO_REPLACE)),
                     -EEXIST);
    assert_int_equal(fixture_do(f, make_rename(INO_ROOT, "a", INO_ROOT, "x", OP_EXCHANGE)),
                     -ENOENT);
    assert_int_equal(fixture_do(f, make_rename(d, "e", INO_ROOT, "d", OP_EXCHANGE)), -EINVAL);
    assert_int_equal(fixture_do(f, make_rename(INO_ROOT, "d", d, "e", OP_EXCHANGE)), -EINVAL);
    fixture_must(f, make_rename(INO_ROOT, "a", d, "e", OP_EXCHANGE));
    assert_int_equal(fixture_resolve(f, "a").ino, e);
    assert_int_equal(fixture_resolve(f, "d/e").ino, a);
    assert_int_equal(fixture_getattr(f, d).nlink, 2);
    fixture_must(f, make_rename(d, "e", d, "f", OP_NO_REPLACE));
    assert_int_equal(fixture_resolve(f, "d/f").ino, a);
}

static void a_rename_onto_itself_changes_nothing(void **state)
{
    struct fixture *f = *state;
    uint64_t a = fixture_make_file(f, INO_ROOT, "a");
    struct op link = {.type = OP_LINK, .ino = INO_ROOT, .name = text("b"), .ino2 = a};
    uint64_t revision = fixture_must(f, link).revision;
    /* two names of one file: both stay, nothing changes */
    assert_int_equal(fixture_must(f, make_rename(INO_ROOT, "a", INO_ROOT, "b", 0)).revision,
                     revision);
    assert_int_equal(fixture_must(f, make_rename(INO_ROOT, "a", INO_ROOT, "a", 0)).revision,
                     revision);
    assert_int_equal(fixture_resolve(f, "a").nlink, 2);
    assert_int_equal(fixture_do(f, make_rename(INO_ROOT, "a", INO_ROOT, "b", OP_NO_REPLACE)),
                     -EEXIST);
}

static void a_setgid_directory_hands_on_its_group(void **state)
{
    struct fixture *f = *state;
    struct op op = make_named(OP_MKDIR, INO_ROOT, "shared");
    op.mode = 02775;
    op.gid = 50;
    uint64_t d = fixture_must(f, op).ino;
    op = make_named(OP_CREATE, d, "file");
    op.gid = 9;
    assert_int_equal(fixture_must(f, op).gid, 50);
    op = make_named(OP_MKDIR, d, "sub");
    op.gid = 9;
    struct attr sub = fixture_must(f, op);
    assert_int_equal(sub.gid, 50);
    assert_int_equal(sub.mode & 07000, 02000);
}

/* ---- Open files without a name ---- */

static void a_held_file_outlives_its_last_name(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    struct op unlink = make_named(OP_UNLINK, INO_ROOT, "a");
    struct op release = {.type = OP_RELEASE, .ino = ino};
    unlink.hold = ino;
    assert_int_equal(fixture_must(f, unlink).nlink, 0);
    fixture_must(f, make_write(ino, 0, "still here"));
    fixture_assert_contents(f, ino, "still here");
    struct op link = {.type = OP_LINK, .ino = INO_ROOT, .name = text("b"), .ino2 = ino};
    assert_int_equal(fixture_do(f, link), -ENOENT);
    f->node = 2; /* not its to release */
    assert_int_equal(fixture_do(f, release), -EINVAL);
    f->node = 1;
    fixture_check(f);
    fixture_must(f, release);
    assert_true(fixture_gone(f, ino));
    assert_int_equal(fixture_do(f, release), -ESTALE);
    assert_int_equal(fixture_do(f, make_write(ino, 0, "x")), -ESTALE);
}

static void held_inodes_outlive_a_rename_and_an_rmdir(void **state)
{
    struct fixture *f = *state;
    uint64_t old = fixture_make_file(f, INO_ROOT, "old");
    uint64_t d = fixture_make_dir(f, INO_ROOT, "d");
    struct op rename = make_rename(INO_ROOT, "new", INO_ROOT, "old", 0);
    struct op rmdir = make_named(OP_RMDIR, INO_ROOT, "d");
    fixture_make_file(f, INO_ROOT, "new");
    rename.hold = old;
    fixture_must(f, rename);
    assert_int_equal(fixture_getattr(f, old).nlink, 0);
    rmdir.hold = d;
    fixture_must(f, rmdir);
    assert_int_equal(fixture_getattr(f, d).nlink, 0);
    assert_int_equal(fixture_do(f, make_named(OP_CREATE, d, "x")), -ENOENT);
    fixture_reopen(f);
    assert_int_equal(fixture_getattr(f, old).nlink, 0);
    /* the node starts again: nothing of it is open any more */
    f->incarnation = 2;
    f->sequence = 1;
    fixture_must(f, make_put("k", "v"));
    assert_true(fixture_gone(f, old));
    assert_true(fixture_gone(f, d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_put_makes_the_parents),
        FIXTURE_TEST(a_put_keeps_the_attributes_of_a_file),
        FIXTURE_TEST(impossible_puts_are_refused),
        FIXTURE_TEST(conditions_decide_about_a_change),
        FIXTURE_TEST(delete_removes_a_key),
        FIXTURE_TEST(resolve_follows_a_path),
        FIXTURE_TEST(create_makes_a_file_once),
        FIXTURE_TEST(special_files_are_made),
        FIXTURE_TEST(directories_count_links),
        FIXTURE_TEST(hard_links_share_an_inode),
        FIXTURE_TEST(links_have_a_limit),
        FIXTURE_TEST(a_rename_moves_and_replaces),
        FIXTURE_TEST(a_rename_obeys_its_flags),
        FIXTURE_TEST(a_rename_onto_itself_changes_nothing),
        FIXTURE_TEST(a_setgid_directory_hands_on_its_group),
        FIXTURE_TEST(a_held_file_outlives_its_last_name),
        FIXTURE_TEST(held_inodes_outlive_a_rename_and_an_rmdir),
    };
    return cmocka_run_group_tests_name("tree_names", tests, NULL, NULL);
}
