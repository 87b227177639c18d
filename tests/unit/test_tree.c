/* The key tree: every operation, every errno, exactly once, lists. */
#include "tree_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int setup(void **state)
{
    struct fixture *f = malloc(sizeof *f);

    fixture_open(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    fixture_check(f);
    fixture_close(f);
    free(f);
    return 0;
}

/* ---- Short names for operations ---- */

static struct op put(const char *key, const char *value)
{
    return (struct op){.type = OP_PUT, .name = text(key), .data = text(value)};
}

static struct op named(uint8_t type, uint64_t parent, const char *name)
{
    return (struct op){.type = type, .ino = parent, .name = text(name), .mode = 0644};
}

static struct op write_at(uint64_t ino, uint64_t offset, const char *bytes)
{
    return (struct op){.type = OP_WRITE, .ino = ino, .offset = offset, .data = text(bytes)};
}

static struct op moved(uint64_t from, const char *name, uint64_t to, const char *name2,
                       uint32_t flags)
{
    return (struct op){.type = OP_RENAME,
                       .ino = from,
                       .name = text(name),
                       .ino2 = to,
                       .name2 = text(name2),
                       .flags = flags};
}

static uint64_t make_file(struct fixture *f, uint64_t parent, const char *name)
{
    return fixture_must(f, named(OP_CREATE, parent, name)).ino;
}

static uint64_t make_dir(struct fixture *f, uint64_t parent, const char *name)
{
    return fixture_must(f, named(OP_MKDIR, parent, name)).ino;
}

static struct attr getattr(struct fixture *f, uint64_t ino)
{
    struct attr attr;

    assert_int_equal(tree_getattr(f->tree, ino, &attr), 0);
    return attr;
}

static bool gone(struct fixture *f, uint64_t ino)
{
    struct attr attr;

    return tree_getattr(f->tree, ino, &attr) == -ESTALE;
}

/* ---- Keys ---- */

static void test_put_makes_parents(void **state)
{
    struct fixture *f = *state;
    struct attr attr = fixture_must(f, put("etc/app/port", "80"));

    assert_int_equal(attr.mode, S_IFREG | 0644);
    assert_int_equal(fixture_resolve(f, "etc/app/port").ino, attr.ino);
    assert_int_equal(fixture_resolve(f, "etc").mode, S_IFDIR | 0755);
    assert_int_equal(fixture_resolve(f, "etc").nlink, 3);
    fixture_assert_contents(f, attr.ino, "80");
    fixture_must(f, put("etc/app/port", "443"));
    fixture_assert_contents(f, attr.ino, "443");
    assert_int_equal(tree_applied(f->tree), 2);
    assert_int_equal(fixture_resolve(f, "etc/app/port").revision, 2);
}

static void test_put_keeps_what_a_file_has(void **state)
{
    struct fixture *f = *state;
    struct op first = put("k", "1"), second = put("k", "2");

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

static void test_put_refused(void **state)
{
    struct fixture *f = *state;
    struct op link = named(OP_SYMLINK, INO_ROOT, "link");
    char long_name[300], long_path[5000];

    link.data = text("dir");
    fixture_must(f, put("dir/file", "x"));
    fixture_must(f, link);
    memset(long_name, 'n', sizeof long_name);
    long_name[299] = 0;
    memset(long_path, 'p', sizeof long_path);
    for (size_t i = 100; i < sizeof long_path; i += 100)
        long_path[i] = '/';
    long_path[4999] = 0;
    assert_int_equal(fixture_do(f, put("dir", "x")), -EISDIR);
    assert_int_equal(fixture_do(f, put("dir/file/x", "x")), -ENOTDIR);
    assert_int_equal(fixture_do(f, put("link", "x")), -EINVAL);
    assert_int_equal(fixture_do(f, put("link/file", "x")), -ENOTDIR);
    assert_int_equal(fixture_do(f, put(".quorumfs", "x")), -EPERM);
    assert_int_equal(fixture_do(f, put(".quorumfs/x", "x")), -EPERM);
    assert_int_equal(fixture_do(f, put("", "x")), -EINVAL);
    assert_int_equal(fixture_do(f, put("a//b", "x")), -EINVAL);
    assert_int_equal(fixture_do(f, put("a/../b", "x")), -EINVAL);
    assert_int_equal(fixture_do(f, put(long_name, "x")), -ENAMETOOLONG);
    assert_int_equal(fixture_do(f, put(long_path, "x")), -ENAMETOOLONG);
    assert_int_equal(fixture_do(f, named(OP_MKNOD, INO_ROOT, "dir")), -EEXIST);
    fixture_must(f, put("x/.quorumfs", "only reserved at the root"));
}

static void test_conditions(void **state)
{
    struct fixture *f = *state;
    struct op op = put("k", "1");

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

static void test_delete(void **state)
{
    struct fixture *f = *state;
    struct op op = {.type = OP_DELETE, .name = text("a/b"), .flags = OP_WANT_OLD};
    struct op_result out;

    assert_int_equal(fixture_run(f, &op, 1, &out), 0);
    assert_false(out.existed);
    uint64_t ino = fixture_must(f, put("a/b", "old")).ino;
    struct buffer entry = fixture_entry(f, &op, 1);
    bool repeated;
    struct command_result result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);
    assert_true(result.ops[0].existed && result.ops[0].old_present);
    assert_true(bytes_equal(command_result_old(&result, 0), text("old")));
    command_result_free(&result);
    buffer_free(&entry);
    assert_true(gone(f, ino));
    assert_int_equal(fixture_resolve(f, "a/b").ino, 0);
    assert_int_equal(fixture_resolve(f, "a").mode, S_IFDIR | 0755);
    op.name = text("a");
    assert_int_equal(fixture_do(f, op), -EISDIR);
    fixture_must(f, put("f", "x"));
    op.name = text("f/x");
    assert_int_equal(fixture_do(f, op), -ENOTDIR);
}

static void test_resolve(void **state)
{
    struct fixture *f = *state;
    struct attr attr;

    fixture_must(f, put("a/b", "x"));
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

static void test_create(void **state)
{
    struct fixture *f = *state;
    struct op op = named(OP_CREATE, INO_ROOT, "f");
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
    make_dir(f, INO_ROOT, "d");
    op.name = text("d");
    assert_int_equal(fixture_do(f, op), -EEXIST);
    op.flags = 0;
    assert_int_equal(fixture_do(f, op), -EISDIR);
    assert_int_equal(fixture_do(f, named(OP_CREATE, ino, "x")), -ENOTDIR);
    assert_int_equal(fixture_do(f, named(OP_CREATE, 999, "x")), -ESTALE);
    assert_int_equal(fixture_do(f, named(OP_CREATE, INO_ROOT, ".quorumfs")), -EPERM);
    assert_int_equal(fixture_do(f, named(OP_MKDIR, INO_ROOT, ".quorumfs")), -EPERM);
    assert_int_equal(fixture_do(f, named(OP_CREATE, INO_ROOT, "..")), -EINVAL);
    assert_int_equal(fixture_do(f, named(OP_CREATE, INO_ROOT, "a/b")), -EINVAL);
}

static void test_special_files(void **state)
{
    struct fixture *f = *state;
    struct op op = named(OP_MKNOD, INO_ROOT, "fifo");
    struct op link = named(OP_SYMLINK, INO_ROOT, "link");
    struct buffer target = {0};
    char long_target[5000];

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
    assert_int_equal(fixture_do(f, write_at(fifo, 0, "x")), -EINVAL);

    assert_int_equal(fixture_do(f, link), -ENOENT);
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
    assert_int_equal(fixture_do(f, named(OP_CREATE, INO_ROOT, "link")), -EEXIST);
}

static void test_directories_count_links(void **state)
{
    struct fixture *f = *state;
    uint64_t d = make_dir(f, INO_ROOT, "d");

    assert_int_equal(getattr(f, INO_ROOT).nlink, 3);
    make_dir(f, d, "e");
    assert_int_equal(getattr(f, d).nlink, 3);
    assert_int_equal(getattr(f, d).size, 1);
    assert_int_equal(fixture_do(f, named(OP_RMDIR, INO_ROOT, "d")), -ENOTEMPTY);
    assert_int_equal(fixture_do(f, named(OP_UNLINK, INO_ROOT, "d")), -EISDIR);
    fixture_must(f, named(OP_RMDIR, d, "e"));
    assert_int_equal(getattr(f, d).nlink, 2);
    assert_int_equal(fixture_do(f, named(OP_RMDIR, d, "e")), -ENOENT);
    make_file(f, d, "file");
    assert_int_equal(fixture_do(f, named(OP_RMDIR, d, "file")), -ENOTDIR);
    fixture_must(f, named(OP_UNLINK, d, "file"));
    fixture_must(f, named(OP_RMDIR, INO_ROOT, "d"));
    assert_true(gone(f, d));
}

static void test_hard_links(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = make_file(f, INO_ROOT, "a");
    uint64_t d = make_dir(f, INO_ROOT, "d");
    struct op link = {.type = OP_LINK, .ino = d, .name = text("b"), .ino2 = ino};

    assert_int_equal(fixture_must(f, link).nlink, 2);
    assert_int_equal(fixture_do(f, link), -EEXIST);
    fixture_must(f, write_at(ino, 0, "shared"));
    assert_int_equal(fixture_must(f, named(OP_UNLINK, INO_ROOT, "a")).nlink, 1);
    fixture_assert_contents(f, fixture_resolve(f, "d/b").ino, "shared");
    link.name = text("c");
    link.ino2 = d;
    assert_int_equal(fixture_do(f, link), -EPERM);
    link.ino2 = 12345;
    assert_int_equal(fixture_do(f, link), -ESTALE);
    assert_int_equal(fixture_must(f, named(OP_UNLINK, d, "b")).nlink, 0);
    assert_true(gone(f, ino));
}

static void test_link_limit(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = make_file(f, INO_ROOT, "a");
    uint64_t d = make_dir(f, INO_ROOT, "d");
    uint64_t e = make_dir(f, INO_ROOT, "e");
    struct op link = {.type = OP_LINK, .ino = INO_ROOT, .name = text("b"), .ino2 = ino};

    fixture_detach(f);
    fixture_sql(f, "UPDATE inode SET nlink = 2147483647 WHERE ino IN (2, 3)");
    fixture_attach(f);
    assert_int_equal(fixture_do(f, link), -EMLINK);
    assert_int_equal(fixture_do(f, named(OP_MKDIR, d, "x")), -EMLINK);
    assert_int_equal(fixture_do(f, put("d/x/y", "z")), -EMLINK);
    assert_int_equal(fixture_do(f, moved(INO_ROOT, "e", d, "e", 0)), -EMLINK);
    make_file(f, d, "file");
    assert_int_equal(getattr(f, e).nlink, 2);
    fixture_detach(f);
    fixture_sql(f, "UPDATE inode SET nlink = 1 WHERE ino = 2;"
                   "UPDATE inode SET nlink = 2 WHERE ino = 3");
    fixture_attach(f);
}

static void test_rename(void **state)
{
    struct fixture *f = *state;
    uint64_t a = make_file(f, INO_ROOT, "a");
    uint64_t d = make_dir(f, INO_ROOT, "d");
    uint64_t e = make_dir(f, d, "e");

    assert_int_equal(fixture_do(f, moved(INO_ROOT, "none", d, "x", 0)), -ENOENT);
    assert_int_equal(fixture_must(f, moved(INO_ROOT, "a", e, "b", 0)).ino, a);
    assert_int_equal(fixture_resolve(f, "d/e/b").ino, a);
    assert_int_equal(fixture_resolve(f, "a").ino, 0);
    /* into itself, below itself */
    assert_int_equal(fixture_do(f, moved(INO_ROOT, "d", d, "x", 0)), -EINVAL);
    assert_int_equal(fixture_do(f, moved(INO_ROOT, "d", e, "x", 0)), -EINVAL);
    /* onto what is not empty, or of the other kind */
    make_dir(f, INO_ROOT, "g");
    assert_int_equal(fixture_do(f, moved(INO_ROOT, "g", INO_ROOT, "d", 0)), -ENOTEMPTY);
    assert_int_equal(fixture_do(f, moved(d, "e", INO_ROOT, "d", 0)), -ENOTEMPTY);
    make_file(f, INO_ROOT, "file");
    assert_int_equal(fixture_do(f, moved(INO_ROOT, "g", INO_ROOT, "file", 0)), -ENOTDIR);
    assert_int_equal(fixture_do(f, moved(INO_ROOT, "file", INO_ROOT, "g", 0)), -EISDIR);
    assert_int_equal(fixture_do(f, moved(INO_ROOT, "file", INO_ROOT, ".quorumfs", 0)), -EPERM);
    /* a directory takes an empty one's place and counts at its new parent */
    uint64_t g = fixture_resolve(f, "g").ino;
    fixture_must(f, moved(d, "e", INO_ROOT, "g", 0));
    assert_true(gone(f, g));
    assert_int_equal(fixture_resolve(f, "g/b").ino, a);
    assert_int_equal(getattr(f, d).nlink, 2);
    uint64_t parent;
    assert_int_equal(tree_parent(f->tree, e, &parent), 0);
    assert_int_equal(parent, INO_ROOT);
}

static void test_rename_flags(void **state)
{
    struct fixture *f = *state;
    uint64_t a = make_file(f, INO_ROOT, "a");
    uint64_t d = make_dir(f, INO_ROOT, "d");
    uint64_t e = make_dir(f, d, "e");
    uint32_t both = OP_NO_REPLACE | OP_EXCHANGE;

    assert_int_equal(fixture_do(f, moved(INO_ROOT, "a", INO_ROOT, "d", both)), -EINVAL);
    assert_int_equal(fixture_do(f, moved(INO_ROOT, "a", INO_ROOT, "d", OP_NO_REPLACE)), -EEXIST);
    assert_int_equal(fixture_do(f, moved(INO_ROOT, "a", INO_ROOT, "x", OP_EXCHANGE)), -ENOENT);
    assert_int_equal(fixture_do(f, moved(d, "e", INO_ROOT, "d", OP_EXCHANGE)), -EINVAL);
    assert_int_equal(fixture_do(f, moved(INO_ROOT, "d", d, "e", OP_EXCHANGE)), -EINVAL);
    fixture_must(f, moved(INO_ROOT, "a", d, "e", OP_EXCHANGE));
    assert_int_equal(fixture_resolve(f, "a").ino, e);
    assert_int_equal(fixture_resolve(f, "d/e").ino, a);
    assert_int_equal(getattr(f, d).nlink, 2);
    fixture_must(f, moved(d, "e", d, "f", OP_NO_REPLACE));
    assert_int_equal(fixture_resolve(f, "d/f").ino, a);
}

static void test_rename_onto_itself(void **state)
{
    struct fixture *f = *state;
    uint64_t a = make_file(f, INO_ROOT, "a");
    struct op link = {.type = OP_LINK, .ino = INO_ROOT, .name = text("b"), .ino2 = a};
    uint64_t revision = fixture_must(f, link).revision;

    /* two names of one file: both stay, nothing changes */
    assert_int_equal(fixture_must(f, moved(INO_ROOT, "a", INO_ROOT, "b", 0)).revision, revision);
    assert_int_equal(fixture_must(f, moved(INO_ROOT, "a", INO_ROOT, "a", 0)).revision, revision);
    assert_int_equal(fixture_resolve(f, "a").nlink, 2);
    assert_int_equal(fixture_do(f, moved(INO_ROOT, "a", INO_ROOT, "b", OP_NO_REPLACE)), -EEXIST);
}

static void test_setgid_directory(void **state)
{
    struct fixture *f = *state;
    struct op op = named(OP_MKDIR, INO_ROOT, "shared");

    op.mode = 02775;
    op.gid = 50;
    uint64_t d = fixture_must(f, op).ino;
    op = named(OP_CREATE, d, "file");
    op.gid = 9;
    assert_int_equal(fixture_must(f, op).gid, 50);
    op = named(OP_MKDIR, d, "sub");
    op.gid = 9;
    struct attr sub = fixture_must(f, op);
    assert_int_equal(sub.gid, 50);
    assert_int_equal(sub.mode & 07000, 02000);
}

/* ---- Open files without a name ---- */

static void test_held_after_unlink(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = make_file(f, INO_ROOT, "a");
    struct op unlink = named(OP_UNLINK, INO_ROOT, "a");
    struct op release = {.type = OP_RELEASE, .ino = ino};

    unlink.hold = ino;
    assert_int_equal(fixture_must(f, unlink).nlink, 0);
    fixture_must(f, write_at(ino, 0, "still here"));
    fixture_assert_contents(f, ino, "still here");
    struct op link = {.type = OP_LINK, .ino = INO_ROOT, .name = text("b"), .ino2 = ino};
    assert_int_equal(fixture_do(f, link), -ENOENT);
    f->node = 2; /* not its to release */
    assert_int_equal(fixture_do(f, release), -EINVAL);
    f->node = 1;
    fixture_check(f);
    fixture_must(f, release);
    assert_true(gone(f, ino));
    assert_int_equal(fixture_do(f, release), -ESTALE);
    assert_int_equal(fixture_do(f, write_at(ino, 0, "x")), -ESTALE);
}

static void test_held_after_rename_and_rmdir(void **state)
{
    struct fixture *f = *state;
    uint64_t old = make_file(f, INO_ROOT, "old");
    uint64_t d = make_dir(f, INO_ROOT, "d");
    struct op rename = moved(INO_ROOT, "new", INO_ROOT, "old", 0);
    struct op rmdir = named(OP_RMDIR, INO_ROOT, "d");

    make_file(f, INO_ROOT, "new");
    rename.hold = old;
    fixture_must(f, rename);
    assert_int_equal(getattr(f, old).nlink, 0);
    rmdir.hold = d;
    fixture_must(f, rmdir);
    assert_int_equal(getattr(f, d).nlink, 0);
    assert_int_equal(fixture_do(f, named(OP_CREATE, d, "x")), -ENOENT);
    fixture_reopen(f);
    assert_int_equal(getattr(f, old).nlink, 0);
    /* the node starts again: nothing of it is open any more */
    f->incarnation = 2;
    f->sequence = 1;
    fixture_must(f, put("k", "v"));
    assert_true(gone(f, old));
    assert_true(gone(f, d));
}

/* ---- Attributes, times ---- */

static void test_times(void **state)
{
    struct fixture *f = *state;

    f->time = 5000;
    uint64_t ino = make_file(f, INO_ROOT, "a");
    assert_int_equal(getattr(f, ino).mtime, 5000);
    assert_int_equal(getattr(f, INO_ROOT).mtime, 5000);
    f->time = 4000; /* a clock that is behind */
    fixture_must(f, write_at(ino, 0, "x"));
    assert_int_equal(getattr(f, ino).mtime, 5001);
    assert_int_equal(getattr(f, ino).ctime, 5001);
    assert_int_equal(getattr(f, INO_ROOT).mtime, 5000);
    f->time = UINT64_MAX; /* one that is broken */
    fixture_must(f, write_at(ino, 0, "y"));
    assert_true(getattr(f, ino).mtime > 5001);
    uint64_t broken = getattr(f, ino).mtime;
    fixture_must(f, write_at(ino, 0, "z"));
    assert_int_equal(getattr(f, ino).mtime, broken + 1);
}

static void test_setattr(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = make_file(f, INO_ROOT, "a");
    struct op op = {.type = OP_SETATTR, .ino = ino, .flags = OP_SET_MODE, .mode = S_IFDIR | 06755};
    struct attr before = getattr(f, ino), after = fixture_must(f, op);

    assert_int_equal(after.mode, S_IFREG | 06755);
    assert_int_equal(after.mtime, before.mtime);
    assert_true(after.ctime > before.ctime);
    op.flags = OP_SET_UID | OP_SET_GID | OP_KILL_PRIV;
    op.uid = 3;
    op.gid = 4;
    after = fixture_must(f, op);
    assert_int_equal(after.mode, S_IFREG | 0755);
    assert_int_equal(after.uid, 3);
    assert_int_equal(after.gid, 4);
    op.flags = OP_SET_MTIME;
    op.mtime = 42;
    assert_int_equal(fixture_must(f, op).mtime, 42);
    op.flags = OP_SET_MTIME_NOW;
    after = fixture_must(f, op);
    assert_int_equal(after.mtime, after.ctime);
    op.ino = 777;
    assert_int_equal(fixture_do(f, op), -ESTALE);
    /* setgid without group execution is mandatory locking, not a privilege */
    op = (struct op){.type = OP_SETATTR, .ino = ino, .flags = OP_SET_MODE, .mode = 06644};
    fixture_must(f, op);
    struct op write = write_at(ino, 0, "x");
    write.flags = OP_KILL_PRIV;
    assert_int_equal(fixture_must(f, write).mode, S_IFREG | 02644);
}

static struct op xattr(uint64_t ino, const char *name, const char *value, uint32_t flags)
{
    return (struct op){.type = OP_SETXATTR,
                       .ino = ino,
                       .name = text(name),
                       .data = text(value),
                       .flags = flags};
}

static void test_xattr(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = make_file(f, INO_ROOT, "a");
    struct buffer out = {0};
    struct op remove = {.type = OP_REMOVEXATTR, .ino = ino, .name = text("user.b")};

    assert_int_equal(fixture_do(f, xattr(ino, "user.b", "1", OP_XATTR_REPLACE)), -ENODATA);
    fixture_must(f, xattr(ino, "user.b", "1", OP_XATTR_CREATE));
    assert_int_equal(fixture_do(f, xattr(ino, "user.b", "2", OP_XATTR_CREATE)), -EEXIST);
    fixture_must(f, xattr(ino, "user.b", "3", OP_XATTR_REPLACE));
    fixture_must(f, xattr(ino, "user.a", "", 0));
    assert_int_equal(tree_getxattr(f->tree, ino, text("user.b"), &out), 0);
    assert_true(bytes_equal(bytes_of(out.data, out.len), text("3")));
    out.len = 0;
    assert_int_equal(tree_listxattr(f->tree, ino, &out), 0);
    assert_memory_equal(out.data, "user.a\0user.b\0", 14);
    assert_int_equal(out.len, 14);
    buffer_free(&out);
    fixture_must(f, remove);
    assert_int_equal(fixture_do(f, remove), -ENODATA);
    assert_int_equal(tree_getxattr(f->tree, ino, text("user.b"), &out), -ENODATA);
    assert_int_equal(fixture_do(f, xattr(ino, "", "x", 0)), -ERANGE);
    assert_int_equal(fixture_do(f, xattr(99, "user.a", "x", 0)), -ESTALE);
}

static void test_xattr_limits(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = make_file(f, INO_ROOT, "a");
    struct op op = xattr(ino, "user.big", "", 0);
    char name[300];
    int stored = 0, status;

    memset(name, 'x', sizeof name);
    op.data.data = calloc(1, XATTR_VALUE_BYTES_MAX + 1);
    op.data.len = XATTR_VALUE_BYTES_MAX + 1;
    assert_int_equal(fixture_do(f, op), -E2BIG);
    op.data.len = XATTR_VALUE_BYTES_MAX;
    op.name = bytes_of(name, 256);
    assert_int_equal(fixture_do(f, op), -ERANGE);
    op.name = bytes_of(name, 200);
    do {
        name[0] = (char)('A' + stored++);
        status = fixture_do(f, op);
    } while (status == 0);
    assert_int_equal(status, -ENOSPC);
    assert_int_equal(stored, 16);
    name[0] = 'A'; /* to replace one needs no more room */
    assert_int_equal(fixture_do(f, op), 0);
    free((void *)op.data.data);
    fixture_must(f, named(OP_UNLINK, INO_ROOT, "a"));
}

/* ---- Contents ---- */

static void test_write_and_append(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = make_file(f, INO_ROOT, "a");
    struct op op = {.type = OP_APPEND, .ino = ino, .data = text("one")};
    struct op_result out;

    assert_int_equal(fixture_run(f, &op, 1, &out), 0);
    assert_int_equal(out.offset, 0);
    assert_int_equal(fixture_run(f, &op, 1, &out), 0);
    assert_int_equal(out.offset, 3);
    assert_int_equal(out.attr.size, 6);
    op.flags = OP_TRUNCATE_FIRST;
    op.data = text("two");
    assert_int_equal(fixture_run(f, &op, 1, &out), 0);
    assert_int_equal(out.offset, 0);
    fixture_assert_contents(f, ino, "two");
    op = write_at(ino, 1, "XY");
    op.flags = OP_TRUNCATE_FIRST;
    fixture_must(f, op);
    struct buffer bytes = {0};
    assert_int_equal(tree_read(f->tree, ino, 0, 10, &bytes), 0);
    assert_int_equal(bytes.len, 3);
    assert_memory_equal(bytes.data, "\0XY", 3);
    buffer_free(&bytes);
    uint64_t revision = getattr(f, ino).revision;
    fixture_must(f, write_at(ino, 0, "")); /* nothing written, nothing changed */
    assert_int_equal(getattr(f, ino).revision, revision);
    op.data = text("");
    op.offset = 0;
    assert_int_equal(fixture_must(f, op).size, 0);
}

static void test_file_errors(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = make_file(f, INO_ROOT, "a");
    struct op cut = {.type = OP_TRUNCATE, .ino = ino, .size = FILE_BYTES_MAX + 1};
    struct op punch = {.type = OP_PUNCH, .ino = ino};
    struct op append = {.type = OP_APPEND, .ino = ino, .data = text("x")};
    struct buffer out = {0};

    assert_int_equal(fixture_do(f, write_at(ino, FILE_BYTES_MAX, "x")), -EFBIG);
    assert_int_equal(fixture_do(f, write_at(ino, UINT64_MAX, "x")), -EFBIG);
    assert_int_equal(fixture_do(f, cut), -EFBIG);
    cut.type = OP_ALLOCATE;
    assert_int_equal(fixture_do(f, cut), -EFBIG);
    assert_int_equal(fixture_do(f, punch), -EINVAL);
    punch.size = UINT64_MAX;
    assert_int_equal(fixture_do(f, punch), -EFBIG);
    cut.type = OP_TRUNCATE;
    cut.size = FILE_BYTES_MAX;
    assert_int_equal(fixture_must(f, cut).size, FILE_BYTES_MAX);
    assert_int_equal(fixture_do(f, append), -EFBIG);
    assert_int_equal(fixture_do(f, write_at(INO_ROOT, 0, "x")), -EISDIR);
    assert_int_equal(tree_read(f->tree, INO_ROOT, 0, 1, &out), -EISDIR);
    assert_int_equal(tree_read(f->tree, 99, 0, 1, &out), -ESTALE);
}

static void test_sparse(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = make_file(f, INO_ROOT, "big");
    uint64_t far = UINT64_C(5) << 30, found;
    struct buffer out = {0};

    fixture_must(f, write_at(ino, 0, "start"));
    struct attr attr = fixture_must(f, write_at(ino, far, "end"));
    assert_int_equal(attr.size, far + 3);
    assert_true(attr.used <= 64 * 1024);
    assert_int_equal(tree_read(f->tree, ino, far - 4, 100, &out), 0);
    assert_int_equal(out.len, 7);
    assert_memory_equal(out.data, "\0\0\0\0end", 7);
    buffer_free(&out);
    assert_int_equal(tree_seek(f->tree, ino, 0, false, &found), 0);
    assert_int_equal(found, 0);
    assert_int_equal(tree_seek(f->tree, ino, 0, true, &found), 0);
    assert_true(found >= 5 && found <= 32768);
    assert_int_equal(tree_seek(f->tree, ino, found, false, &found), 0);
    assert_true(found <= far && found > far - 65536);
    assert_int_equal(tree_seek(f->tree, ino, far, true, &found), 0);
    assert_int_equal(found, far + 3);
    assert_int_equal(tree_seek(f->tree, ino, far + 3, true, &found), -ENXIO);
    struct op punch = {.type = OP_PUNCH, .ino = ino, .offset = 5, .size = far};
    fixture_must(f, punch);
    struct attr punched = getattr(f, ino);
    assert_int_equal(punched.size, far + 3);
    fixture_must(f, named(OP_UNLINK, INO_ROOT, "big"));
}

/* More than DROP_BYTES_MAX is removed piece by piece, by the commits that follow. */
static void test_large_files_go_in_pieces(void **state)
{
    struct fixture *f = *state;
    struct op op = {.type = OP_PUT, .name = text("big")};
    struct tree_counts counts;

    op.data.len = VALUE_BYTES_MAX;
    op.data.data = malloc(op.data.len);
    memset((void *)op.data.data, 'b', op.data.len);
    uint64_t ino = fixture_must(f, op).ino;
    struct op cut = {.type = OP_TRUNCATE, .ino = ino};
    fixture_must(f, cut);
    assert_int_equal(tree_counts(f->tree, &counts), 0);
    assert_int_equal(counts.bytes, 0);
    fixture_must(f, write_at(ino, 10000, "new"));
    fixture_check(f);
    struct buffer out = {0};
    assert_int_equal(tree_read(f->tree, ino, 0, SIZE_MAX, &out), 0);
    assert_int_equal(out.len, 10003);
    for (size_t i = 0; i < 10000; i++)
        assert_int_equal(out.data[i], 0);
    buffer_free(&out);
    for (int i = 0; i < 20; i++) {
        fixture_must(f, write_at(ino, 0, "x"));
        assert_int_equal(tree_commit(f->tree), 0);
    }
    fixture_detach(f);
    fixture_sql(f, "CREATE TEMP TABLE empty (n INTEGER CHECK (n = 0));"
                   "INSERT INTO empty SELECT count(*) FROM trash;"
                   "INSERT INTO empty SELECT count(*) - 1 FROM chunk");
    fixture_attach(f);
    free((void *)op.data.data);
}

/* ---- Lists ---- */

static void test_lists_are_atomic(void **state)
{
    struct fixture *f = *state;
    struct op ops[3] = {put("a/b/c", "1"), put("d", "2"), put("a", "a directory")};

    fixture_must(f, put("kept", "old"));
    struct attr root = getattr(f, INO_ROOT);
    struct tree_counts before, after;
    assert_int_equal(tree_counts(f->tree, &before), 0);
    struct buffer entry = fixture_entry(f, ops, 3);
    bool repeated;
    struct command_result result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);
    assert_int_equal(result.status, -EISDIR);
    assert_int_equal(result.failed_op, 2);
    assert_null(result.ops);
    assert_int_equal(result.count, 0);
    buffer_free(&entry);
    command_result_free(&result);
    assert_int_equal(fixture_resolve(f, "a").ino, 0);
    assert_int_equal(fixture_resolve(f, "d").ino, 0);
    assert_int_equal(getattr(f, INO_ROOT).revision, root.revision);
    assert_int_equal(tree_counts(f->tree, &after), 0);
    assert_int_equal(after.inodes, before.inodes);
    assert_int_equal(after.bytes, before.bytes);
    /* the numbers that the failed list had taken are free again */
    uint64_t ino = fixture_must(f, put("e", "x")).ino;
    assert_int_equal(ino, fixture_resolve(f, "kept").ino + 1);
    ops[2] = put("a/b/c", "3");
    struct op_result out;
    assert_int_equal(fixture_run(f, ops, 3, &out), 0);
    assert_true(out.existed);
    fixture_assert_contents(f, out.attr.ino, "3");
}

/* ---- Exactly once ---- */

static struct command_result apply_stamped(struct fixture *f, struct stamp stamp, struct op op,
                                           bool *repeated)
{
    struct command command = {0};

    assert_int_equal(command_add(&command, &op), 0);
    command_stamp(&command, &stamp);
    struct command_result result =
        fixture_apply(f, bytes_of(command.bytes.data, command.bytes.len), repeated);
    command_free(&command);
    return result;
}

static int status_of(struct fixture *f, struct stamp stamp, const char *value, bool *repeated)
{
    struct op op = {.type = OP_APPEND, .data = text(value), .ino = 2};
    struct command_result result = apply_stamped(f, stamp, op, repeated);
    int status = result.status;

    command_result_free(&result);
    return status;
}

static void test_repeated_command(void **state)
{
    struct fixture *f = *state;
    struct stamp stamp = {.node = 1, .incarnation = 1, .sequence = 5, .lowest = 3, .time = 9};
    struct op op = {.type = OP_APPEND, .data = text("once"), .ino = 2};
    bool repeated;

    make_file(f, INO_ROOT, "log");
    struct command_result first = apply_stamped(f, stamp, op, &repeated);
    assert_false(repeated);
    fixture_reopen(f); /* the rows are in the database too */
    struct command_result second = apply_stamped(f, stamp, op, &repeated);
    assert_true(repeated);
    assert_true(second.old_forgotten);
    assert_int_equal(second.revision, first.revision);
    assert_memory_equal(&second.ops[0].attr, &first.ops[0].attr, sizeof first.ops[0].attr);
    command_result_free(&second);
    assert_int_equal(tree_recall(f->tree, 1, 1, 5, &second), 0);
    assert_int_equal(second.ops[0].offset, first.ops[0].offset);
    command_result_free(&second);
    command_result_free(&first);
    assert_int_equal(tree_recall(f->tree, 1, 1, 6, &second), -ENOENT);
    assert_int_equal(tree_recall(f->tree, 1, 2, 5, &second), -ENOENT);
    assert_int_equal(tree_recall(f->tree, 9, 1, 5, &second), -ENOENT);
    fixture_assert_contents(f, 2, "once");
    assert_int_equal(tree_applied(f->tree), 3);
}

static void test_failures_are_remembered(void **state)
{
    struct fixture *f = *state;
    struct stamp stamp = {.node = 1, .incarnation = 1, .sequence = 1, .lowest = 1, .time = 9};
    struct op op = put("d/x", "1");
    bool repeated;

    op.flags = OP_IF_EXISTS;
    struct command_result result = apply_stamped(f, stamp, op, &repeated);
    assert_int_equal(result.status, -ECANCELED);
    f->node = 2;
    fixture_must(f, put("d/x", "2"));
    /* it would succeed now, but what was answered stays the answer */
    result = apply_stamped(f, stamp, op, &repeated);
    assert_true(repeated);
    assert_int_equal(result.status, -ECANCELED);
    fixture_assert_contents(f, fixture_resolve(f, "d/x").ino, "2");
}

static void test_sequences(void **state)
{
    struct fixture *f = *state;
    struct stamp stamp = {.node = 3, .incarnation = 7, .sequence = 10, .lowest = 8, .time = 9};
    bool repeated;

    make_file(f, INO_ROOT, "log");
    assert_int_equal(status_of(f, stamp, "a", &repeated), 0);
    stamp.sequence = 8; /* out of order: still waited for */
    assert_int_equal(status_of(f, stamp, "b", &repeated), 0);
    stamp.sequence = stamp.lowest = 11;
    assert_int_equal(status_of(f, stamp, "c", &repeated), 0);
    stamp.sequence = stamp.lowest = 10; /* below the lowest: was answered long ago */
    assert_int_equal(status_of(f, stamp, "X", &repeated), -ESTALE);
    assert_true(repeated);
    stamp.sequence = 11 + TREE_SESSION_WINDOW;
    stamp.lowest = 11;
    assert_int_equal(status_of(f, stamp, "X", &repeated), -EAGAIN);
    stamp.sequence--;
    assert_int_equal(status_of(f, stamp, "d", &repeated), 0);
    stamp.incarnation = 6;
    assert_int_equal(status_of(f, stamp, "X", &repeated), -ESTALE);
    stamp.incarnation = 8;
    stamp.sequence = stamp.lowest = 1;
    assert_int_equal(status_of(f, stamp, "e", &repeated), 0);
    assert_int_equal(status_of(f, stamp, "e", &repeated), 0);
    assert_true(repeated);
    stamp.incarnation = 7;
    stamp.sequence = 100000000;
    assert_int_equal(status_of(f, stamp, "X", &repeated), -ESTALE);
    stamp.node = 4; /* another node's sequences are its own */
    stamp.incarnation = 1;
    stamp.sequence = 1;
    assert_int_equal(status_of(f, stamp, "f", &repeated), 0);
    fixture_assert_contents(f, 2, "abcdef");
    uint64_t digest = fixture_digest(f);
    fixture_reopen(f);
    assert_int_equal(fixture_digest(f), digest);
}

static void test_a_full_window(void **state)
{
    struct fixture *f = *state;
    struct stamp stamp = {.node = 3, .incarnation = 1, .lowest = 40, .time = 9};
    bool repeated;

    make_file(f, INO_ROOT, "log");
    for (stamp.sequence = 40; stamp.sequence < 40 + TREE_SESSION_WINDOW; stamp.sequence++) {
        assert_int_equal(status_of(f, stamp, "", &repeated), 0);
        if (stamp.sequence % 1000 == 0)
            assert_int_equal(tree_commit(f->tree), 0);
    }
    uint64_t digest = fixture_digest(f);
    fixture_reopen(f);
    assert_int_equal(fixture_digest(f), digest);
    stamp.sequence = 40;
    assert_int_equal(status_of(f, stamp, "", &repeated), 0);
    assert_true(repeated);
    stamp.sequence = stamp.lowest = 40 + TREE_SESSION_WINDOW;
    assert_int_equal(status_of(f, stamp, "", &repeated), 0);
    assert_false(repeated);
}

static void test_garbage(void **state)
{
    struct fixture *f = *state;
    struct op op = put("k", "v");
    struct buffer entry = fixture_entry(f, &op, 1);
    struct command_result result;
    bool repeated;

    fixture_must(f, op);
    uint64_t revision = getattr(f, INO_ROOT).revision;
    for (size_t len = 0; len < entry.len; len++) {
        result = fixture_apply(f, bytes_of(entry.data, len), &repeated);
        assert_int_equal(result.status, -EBADMSG);
        command_result_free(&result);
    }
    buffer_put_u8(&entry, 0);
    result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);
    assert_int_equal(result.status, -EBADMSG);
    command_result_free(&result);
    assert_int_equal(tree_applied(f->tree), 1 + entry.len);
    assert_int_equal(getattr(f, INO_ROOT).revision, revision);
    buffer_free(&entry);
    fixture_reopen(f);
    assert_true(tree_applied(f->tree) > 1);
}

/* Former values: only for who asked, and not beyond what one value may be. */
static void test_former_values(void **state)
{
    struct fixture *f = *state;
    struct op op = put("k", "new");
    struct command_result result;
    bool repeated;

    fixture_must(f, put("k", "old"));
    op.flags = OP_WANT_OLD;
    struct buffer entry = fixture_entry(f, &op, 1);
    assert_int_equal(tree_apply(f->tree, bytes_of(entry.data, entry.len), false, &result, &repeated),
                     0);
    assert_true(result.ops[0].existed);
    assert_false(result.ops[0].old_present);
    command_result_free(&result);
    buffer_free(&entry);
    entry = fixture_entry(f, &op, 1);
    result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);
    assert_true(bytes_equal(command_result_old(&result, 0), text("new")));
    command_result_free(&result);
    buffer_free(&entry);
}

static void test_other_folders_are_refused(void **state)
{
    struct fixture *f = *state;
    struct identity other = {.cluster = 78, .node = 1};
    struct tree *tree;
    struct fault fault;

    tree_close(f->tree);
    assert_int_equal(tree_open(f->folder, &other, &tree, &fault), -EINVAL);
    other = (struct identity){.cluster = 77, .node = 2};
    assert_int_equal(tree_open(f->folder, &other, &tree, &fault), -EINVAL);
    assert_non_null(strstr(fault.text, "tree.db"));
    folder_close(f->folder);
    fixture_attach(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_put_makes_parents),
        TEST(test_put_keeps_what_a_file_has),
        TEST(test_put_refused),
        TEST(test_conditions),
        TEST(test_delete),
        TEST(test_resolve),
        TEST(test_create),
        TEST(test_special_files),
        TEST(test_directories_count_links),
        TEST(test_hard_links),
        TEST(test_link_limit),
        TEST(test_rename),
        TEST(test_rename_flags),
        TEST(test_rename_onto_itself),
        TEST(test_setgid_directory),
        TEST(test_held_after_unlink),
        TEST(test_held_after_rename_and_rmdir),
        TEST(test_times),
        TEST(test_setattr),
        TEST(test_xattr),
        TEST(test_xattr_limits),
        TEST(test_write_and_append),
        TEST(test_file_errors),
        TEST(test_sparse),
        TEST(test_large_files_go_in_pieces),
        TEST(test_lists_are_atomic),
        TEST(test_repeated_command),
        TEST(test_failures_are_remembered),
        TEST(test_sequences),
        TEST(test_a_full_window),
        TEST(test_garbage),
        TEST(test_former_values),
        TEST(test_other_folders_are_refused),
    };

    return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
