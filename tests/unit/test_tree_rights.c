/* The rights of callers: for every operation and every mix of owners and modes, the tree answers
 * what the kernel answers to a process with the same user and groups, by the same names. */
#include "tree_fixture.h"

#include "command/level.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OWNER = 1000, OTHER = 1001, GROUP = 2000, OUTSIDE = 2001 };

/* The owner; one of the group, by its own group or by another one; one of neither; root. */
static const struct caller callers[] = {
    {.uid = OWNER, .gid = OUTSIDE},
    {.uid = OTHER, .gid = GROUP},
    {.uid = OTHER, .gid = OUTSIDE, .group_count = 2, .groups = {3000, GROUP}},
    {.uid = OTHER, .gid = OUTSIDE, .group_count = 1, .groups = {3000}},
    {.uid = 0, .gid = 0},
};
enum { CALLERS = sizeof callers / sizeof *callers };

/* p/d/f, with another directory p/d/e. The modes of p and d, and the mode and the owner of f, are
 * what the rows of the table differ in; p is root's, d the owner's. */
struct row {
    uint32_t above, dir, file, file_owner, dir_owner;
};

struct table {
    struct fixture f;
    char kernel[SCRATCH_BYTES + 8]; /* a folder of the kernel's */
    uint64_t p, d, file;            /* inodes of the tree */
    struct row row;
    const struct caller *caller;
    uint64_t compared;
};

static struct op as_op(const struct caller *caller)
{
    static struct buffer groups;
    groups.len = 0;
    caller_put_groups(&groups, caller);
    return (struct op){.type = OP_AS,
                       .uid = caller->uid,
                       .gid = caller->gid,
                       .revision = caller->token,
                       .data = bytes_of(groups.data, groups.len)};
}

static int run_as(struct fixture *f, const struct caller *caller, struct op op,
                  struct op_result *out)
{
    struct op ops[] = {as_op(caller), op};
    return fixture_run(f, ops, 2, out);
}

static int do_as(struct fixture *f, const struct caller *caller, struct op op)
{
    struct op_result out;
    return run_as(f, caller, op, &out);
}

static struct op delete_of(const char *key)
{
    return (struct op){.type = OP_DELETE, .name = text(key)};
}

static struct op attributes_of(uint64_t ino, uint32_t mode, uint32_t uid, uint32_t gid)
{
    return (struct op){.type = OP_SETATTR,
                       .ino = ino,
                       .flags = OP_SET_MODE | OP_SET_UID | OP_SET_GID,
                       .mode = mode,
                       .uid = uid,
                       .gid = gid};
}

/* ---- The kernel's side ---- */

static int answer_of(int status)
{
    return status < 0 ? -errno : 0;
}

/* Becomes the caller, as far as files are concerned. */
static void become(const struct caller *caller)
{
    gid_t groups[CALLER_GROUPS_MAX];
    for (uint32_t i = 0; i < caller->group_count; i++)
        groups[i] = caller->groups[i];
    assert_int_equal(setgroups(caller->group_count, groups), 0);
    assert_int_equal(setegid(caller->gid), 0);
    assert_int_equal(seteuid(caller->uid), 0);
}

static void become_root(void)
{
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(setegid(0), 0);
    assert_int_equal(setgroups(0, NULL), 0);
}

static void kernel_is(const char *name, uint32_t mode, uint32_t uid, uint32_t gid)
{
    assert_int_equal(chown(name, uid, gid), 0);
    assert_int_equal(chmod(name, mode), 0);
}

static int kernel_open(const char *name, int flags)
{
    int fd = open(name, flags, 0644);
    int answer = answer_of(fd);
    if (fd >= 0 && (flags & O_ACCMODE) != O_RDONLY)
        assert_int_equal(write(fd, "new", 3), 3);
    if (fd >= 0)
        close(fd);
    return answer;
}

/* ---- A row ---- */

/* Makes the file again, if an operation has removed it, and gives everything its owner and mode. */
static void table_reset(struct table *t)
{
    const struct row *row = &t->row;
    struct attr attr = fixture_resolve(&t->f, "p/d/f");
    if (attr.ino == 0)
        attr = fixture_must(&t->f, make_named(OP_CREATE, t->d, "f"));
    t->file = attr.ino;
    close(open("p/d/f", O_WRONLY | O_CREAT, 0644));
    fixture_must(&t->f, attributes_of(t->file, row->file, row->file_owner, GROUP));
    kernel_is("p/d/f", row->file, row->file_owner, GROUP);
}

static void table_set(struct table *t)
{
    const struct row *row = &t->row;
    table_reset(t);
    fixture_must(&t->f, attributes_of(t->d, row->dir, row->dir_owner, GROUP));
    kernel_is("p/d", row->dir, row->dir_owner, GROUP);
    fixture_must(&t->f, attributes_of(t->p, row->above, 0, GROUP));
    kernel_is("p", row->above, 0, GROUP);
}

static void same(struct table *t, const char *what, int tree, int kernel)
{
    t->compared++;
    if (tree == kernel)
        return;
    become_root();
    fail_msg("%s: the tree says %s, the kernel %s: p %o, d %o of %u, f %o of %u; caller %u:%u, "
             "%u groups",
             what, strerror(-tree), strerror(-kernel), t->row.above, t->row.dir, t->row.dir_owner,
             t->row.file, t->row.file_owner, t->caller->uid, t->caller->gid,
             t->caller->group_count);
}

static int kernel_as(struct table *t, int (*call)(const char *name, int flags), const char *name,
                     int flags)
{
    become(t->caller);
    int answer = call(name, flags);
    become_root();
    return answer;
}

static int kernel_unlink(const char *name, int flags)
{
    return answer_of(unlink(name));
}

static int kernel_stat(const char *name, int flags)
{
    struct stat st;
    return answer_of(stat(name, &st));
}

/* mkdir and the file in it, as a PUT makes the directories on its way. */
static int kernel_make_below(const char *name, int flags)
{
    char file[64];
    int status = mkdir(name, 0755);
    snprintf(file, sizeof file, "%s/x", name);
    return status < 0 ? -errno : kernel_open(file, O_WRONLY | O_CREAT | O_EXCL);
}

/* 0 if the names are listed: 1 if they are, but nothing is said of them. */
static int kernel_list(const char *name, int flags)
{
    struct stat st;
    char file[64];
    DIR *dir = opendir(name);
    if (!dir)
        return -errno;
    int names = 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        names += strcmp(entry->d_name, "f") == 0;
    closedir(dir);
    assert_int_equal(names, 1);
    snprintf(file, sizeof file, "%s/f", name);
    return stat(file, &st) == 0 ? 0 : 1;
}

/* A tree_key_cb. */
static bool on_listed(void *arg, struct bytes key, const struct attr *attr)
{
    if (bytes_equal(key, text("p/d/f")))
        *(int *)arg = attr ? 0 : 1;
    return true;
}

static int tree_list_as(struct table *t, const char *prefix)
{
    int found = -ENOENT;
    bool more;
    struct buffer resume = {0};
    int status = tree_keys(t->f.tree, t->caller, text(prefix), (struct bytes){0}, 1000, on_listed,
                           &found, &more, &resume);
    buffer_free(&resume);
    return status < 0 ? status : found;
}

/* ---- Operations ---- */

/* The owner and group of what both have made. */
static void same_owner(struct table *t, const char *what)
{
    struct stat st;
    struct attr attr = fixture_resolve(&t->f, what);
    assert_int_equal(lstat(what, &st), 0);
    same(t, "owner", (int)attr.uid, (int)st.st_uid);
    same(t, "group", (int)attr.gid, (int)st.st_gid);
    same(t, "mode", (int)attr.mode, (int)st.st_mode);
}

static void compare_new(struct table *t)
{
    int kernel = kernel_as(t, kernel_open, "p/d/n", O_WRONLY | O_CREAT | O_TRUNC);
    same(t, "a new file", do_as(&t->f, t->caller, make_put("p/d/n", "new")), kernel);
    if (kernel == 0) {
        same_owner(t, "p/d/n");
        assert_int_equal(unlink("p/d/n"), 0);
        fixture_must(&t->f, delete_of("p/d/n"));
    }
    kernel = kernel_as(t, kernel_make_below, "p/d/m", 0);
    same(t, "a new directory", do_as(&t->f, t->caller, make_put("p/d/m/x", "new")), kernel);
    if (kernel == 0) {
        same_owner(t, "p/d/m");
        same_owner(t, "p/d/m/x");
        assert_int_equal(unlink("p/d/m/x"), 0);
        assert_int_equal(rmdir("p/d/m"), 0);
        fixture_must(&t->f, delete_of("p/d/m/x"));
    }
}

static void compare_over(struct table *t)
{
    int kernel = kernel_as(t, kernel_open, "p/d/f", O_WRONLY | O_TRUNC);
    same(t, "a value", do_as(&t->f, t->caller, make_put("p/d/f", "new")), kernel);
    same_owner(t, "p/d/f"); /* its mode is without setuid, if it was written */
    table_reset(t);
    same(t, "a value of a directory", do_as(&t->f, t->caller, make_put("p/d/e", "new")),
         kernel_as(t, kernel_open, "p/d/e", O_WRONLY | O_CREAT | O_TRUNC));
    same(t, "a value below a file", do_as(&t->f, t->caller, make_put("p/d/f/x", "new")),
         kernel_as(t, kernel_open, "p/d/f/x", O_WRONLY | O_CREAT));
}

/* To give a file a ttl needs the right to write it, and that to remove it. */
static void compare_ttl(struct table *t, int may_write, int may_remove)
{
    struct op put = make_put("p/d/f", "new"), ttl = {.type = OP_TTL, .ino = t->file, .size = 1000};
    int expected = may_write < 0 ? may_write : may_remove;
    put.ttl = 1000;
    same(t, "a ttl with a value", do_as(&t->f, t->caller, put), expected);
    put.ttl = TTL_NONE; /* to take it away is no more than to write the file */
    same(t, "no ttl any more", do_as(&t->f, t->caller, put), may_write);
    table_reset(t);
    if (may_write == 0) /* the way of TTL is by inode: the kernel has walked the names */
        same(t, "a ttl", do_as(&t->f, t->caller, ttl), expected);
    fixture_must(&t->f, (struct op){.type = OP_PUT, .name = text("p/d/f"), .ttl = TTL_NONE});
    table_reset(t);
}

static void compare_removals(struct table *t)
{
    int may_write = kernel_as(t, kernel_open, "p/d/f", O_WRONLY);
    table_reset(t);
    int may_remove = kernel_as(t, kernel_unlink, "p/d/f", 0);
    table_reset(t);
    compare_ttl(t, may_write, may_remove);
    same(t, "a removal", do_as(&t->f, t->caller, delete_of("p/d/f")), may_remove);
    table_reset(t);
    struct op_result out;
    int missing = kernel_as(t, kernel_unlink, "p/d/n", 0);
    int status = run_as(&t->f, t->caller, delete_of("p/d/n"), &out);
    same(t, "a removal of nothing", status == 0 ? -ENOENT : status, missing);
    same(t, "a removal of a directory", do_as(&t->f, t->caller, delete_of("p/d/e")),
         kernel_as(t, kernel_unlink, "p/d/e", 0));
}

static void compare_reads(struct table *t)
{
    struct op condition = {.type = OP_IF, .name = text("p/d/f"), .flags = OP_IF_EXISTS};
    int seen = kernel_as(t, kernel_stat, "p/d/f", 0);
    int listed = kernel_as(t, kernel_list, "p/d", 0);
    same(t, "a condition", do_as(&t->f, t->caller, condition), seen);
    same(t, "whether it exists", tree_may(t->f.tree, t->caller, text("p/d/f"), 0), seen);
    same(t, "a value to read", tree_may(t->f.tree, t->caller, text("p/d/f"), CALLER_READ),
         kernel_as(t, kernel_open, "p/d/f", O_RDONLY));
    same(t, "a list", tree_list_as(t, "p/d/"), listed);
    same(t, "whether a path is listed", tree_may_see(t->f.tree, t->caller, text("p/d/f")),
         listed > 0 ? 0 : listed);
    same(t, "a list of files that begin so", tree_list_as(t, "p/d/f"), listed);
    /* Of a list that begins above, it is left out, unless both directories are shown. */
    bool shown = listed >= 0 && kernel_as(t, kernel_open, "p", O_RDONLY) == 0;
    same(t, "a list of everything", tree_list_as(t, ""), shown ? listed : -ENOENT);
}

static void compare_row(struct table *t)
{
    table_set(t);
    for (uint32_t i = 0; i < CALLERS; i++) {
        t->caller = &callers[i];
        compare_reads(t);
        compare_new(t);
        compare_over(t);
        compare_removals(t);
    }
}

/* ---- The table ---- */

static const uint32_t above_modes[] = {0755, 0711, 0700, 0744, 0750, 0705};
static const uint32_t dir_modes[] = {0777, 0755, 0700, 0711,  0744,  0500,  0300,
                                     0070, 0007, 0733, 01777, 01770, 02775, 03777};
static const uint32_t file_modes[] = {0666,  0644,  0600,  0200,  0060,  0006, 0620,
                                      06777, 04755, 02755, 02745, 02644, 0000};
static const uint32_t file_owners[] = {OWNER, OTHER, 0};
static const uint32_t dir_owners[] = {OWNER, 0};
#define LENGTH(array) (sizeof(array) / sizeof *(array))

static void table_open(struct table *t)
{
    *t = (struct table){0};
    fixture_open(&t->f);
    fixture_must(&t->f, (struct op){.type = OP_LEVEL, .size = LEVEL_RIGHTS});
    t->p = fixture_make_dir(&t->f, INO_ROOT, "p");
    t->d = fixture_make_dir(&t->f, t->p, "d");
    fixture_make_dir(&t->f, t->d, "e");
    snprintf(t->kernel, sizeof t->kernel, "%s/k", t->f.path);
    assert_int_equal(chmod(t->f.path, 0711), 0);
    umask(0);
    assert_int_equal(mkdir(t->kernel, 0777), 0);
    assert_int_equal(chdir(t->kernel), 0);
    assert_int_equal(mkdir("p", 0777) + mkdir("p/d", 0777) + mkdir("p/d/e", 0777), 0);
}

static void the_tree_answers_as_the_kernel(void **state)
{
    struct table t;
    if (geteuid() != 0)
        skip(); /* only root can be anybody */
    table_open(&t);
    for (size_t a = 0; a < LENGTH(above_modes); a++)
        for (size_t d = 0; d < 2 * LENGTH(dir_modes); d++)
            for (size_t m = 0; m < LENGTH(file_modes) * LENGTH(file_owners); m++) {
                /* what is above matters to what is below only in whether it can be reached */
                if (a > 0 && (m % LENGTH(file_modes) > 1 || d % 2))
                    continue;
                t.row = (struct row){.above = above_modes[a],
                                     .dir = dir_modes[d / 2],
                                     .dir_owner = dir_owners[d % 2],
                                     .file = file_modes[m % LENGTH(file_modes)],
                                     .file_owner = file_owners[m / LENGTH(file_modes)]};
                compare_row(&t);
            }
    assert_true(t.compared > 50000);
    fixture_check(&t.f);
    assert_int_equal(chdir("/"), 0);
    fixture_close(&t.f);
}

/* ---- What the kernel has no words for ---- */

static const struct caller user = {.uid = OWNER, .gid = GROUP};

/* Directories that a PUT has made are the caller's, and go with the last key as far as the caller
 * may remove them. */
static void directories_of_others_stay(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = LEVEL_RIGHTS});
    assert_int_equal(do_as(f, &user, make_put("a/b/c", "1")), 0);
    assert_int_equal(fixture_resolve(f, "a/b").uid, OWNER);
    uint64_t a = fixture_resolve(f, "a").ino, b = fixture_resolve(f, "a/b").ino;
    /* As if another caller had made a: b may not go. (SETATTR would make it a real directory.) */
    assert_int_equal(tree_commit(f->tree), 0);
    fixture_detach(f);
    fixture_sql(f, "UPDATE inode SET uid = 7 WHERE ino = 2");
    fixture_attach(f);
    assert_int_equal(fixture_getattr(f, a).uid, 7);
    assert_int_equal(do_as(f, &user, delete_of("a/b/c")), 0);
    assert_int_equal(fixture_getattr(f, b).size, 0);
    /* For keys it is not there. To put a value in its place is to remove it. */
    assert_int_equal(fixture_resolve(f, "a/b").ino, 0);
    assert_int_equal(do_as(f, &user, make_put("a/b", "1")), -EACCES);
    assert_int_equal(do_as(f, &user, delete_of("a/b")), 0);
    assert_int_equal(fixture_getattr(f, b).size, 0);
    fixture_must(f, make_put("a/b", "1"));
    assert_true(fixture_gone(f, b));
}

static void in_a_sticky_directory_what_is_in_the_way_stays(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = LEVEL_RIGHTS});
    uint64_t t = fixture_make_dir(f, INO_ROOT, "t");
    fixture_must(f, attributes_of(t, 01777, 0, 0));
    fixture_must(f, make_put("t/d/key", "1"));
    uint64_t d = fixture_resolve(f, "t/d").ino;
    fixture_must(f, make_named(OP_UNLINK, d, "key")); /* by file: the directory stays */
    assert_int_equal(do_as(f, &user, make_put("t/d", "1")), -EPERM);
    assert_int_equal(do_as(f, &user, delete_of("t/d")), 0);
    assert_false(fixture_gone(f, d));
    fixture_must(f, attributes_of(t, 0777, 0, 0));
    assert_int_equal(do_as(f, &user, make_put("t/d", "1")), 0);
    assert_true(fixture_gone(f, d));
}

/* A file that goes away goes by all its names. */
static void a_ttl_needs_the_right_to_remove_each_name(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = LEVEL_RIGHTS});
    assert_int_equal(do_as(f, &user, make_put("mine", "1")), 0);
    uint64_t file = fixture_resolve(f, "mine").ino;
    uint64_t d = fixture_make_dir(f, INO_ROOT, "theirs");
    fixture_must(f, attributes_of(d, 0755, 0, 0));
    struct op put = make_put("mine", "2"), link = make_named(OP_LINK, d, "link");
    put.ttl = 1000;
    assert_int_equal(do_as(f, &user, put), 0);
    link.ino2 = file;
    fixture_must(f, link);
    assert_int_equal(do_as(f, &user, put), -EACCES);
    assert_int_equal(do_as(f, &user, (struct op){.type = OP_TTL, .ino = file, .size = 1000}),
                     -EACCES);
    assert_int_equal(do_as(f, &user, (struct op){.type = OP_TTL, .ino = file}), 0);
    fixture_must(f, put);
}

/* To replace or remove a file is not to read it. */
static void the_former_value_is_for_readers(void **state)
{
    struct fixture *f = *state;
    struct op put = make_put("d/f", "2"), delete = delete_of("d/f");
    put.flags = delete.flags = OP_WANT_OLD;
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = LEVEL_RIGHTS});
    fixture_must(f, make_put("d/f", "1"));
    fixture_must(f, attributes_of(fixture_resolve(f, "d").ino, 0777, 0, 0));
    static const uint32_t modes[] = {0206, 0202, 0200};
    for (size_t i = 0; i < LENGTH(modes); i++) {
        struct op_result out;
        fixture_must(f, attributes_of(fixture_resolve(f, "d/f").ino, modes[i], 0, 0));
        assert_int_equal(run_as(f, &user, modes[i] == 0200 ? delete : put, &out), 0);
        assert_int_equal(out.old_present, modes[i] == 0206);
    }
}

static void leases_are_for_their_callers(void **state)
{
    struct fixture *f = *state;
    const struct caller other = {.uid = OTHER, .gid = GROUP};
    struct op put = make_put("key", "1"), renew = {.type = OP_LEASE_RENEW, .lease = 5},
              end = {.type = OP_LEASE_END, .lease = 5};
    struct tree_lease lease;
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = LEVEL_RIGHTS});
    assert_int_equal(do_as(f, &user, (struct op){.type = OP_LEASE, .lease = 5, .size = 1000}), 0);
    assert_int_equal(tree_lease_get(f->tree, 5, &lease), 0);
    assert_true(lease.uid == OWNER && lease.token == 0);
    assert_true(tree_lease_may(&user, &lease) && tree_lease_may(&(struct caller){0}, &lease));
    assert_false(tree_lease_may(&other, &lease));
    put.lease = 5;
    assert_int_equal(do_as(f, &other, put), -EPERM);
    assert_int_equal(do_as(f, &other, renew), -EPERM);
    assert_int_equal(do_as(f, &other, end), -EPERM);
    assert_int_equal(do_as(f, &user, put), 0);
    assert_int_equal(do_as(f, &user, renew), 0);
    assert_int_equal(do_as(f, &user, end), 0);
    assert_int_equal(do_as(f, &user, end), -EKEYEXPIRED);
    assert_int_equal(fixture_resolve(f, "key").ino, 0);
}

/* A list takes effect whole or not at all; a condition that may not be known refuses it. */
static void a_list_is_refused_as_a_whole(void **state)
{
    struct fixture *f = *state;
    struct op_result out;
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = LEVEL_RIGHTS});
    fixture_must(f, make_put("theirs/key", "1"));
    uint64_t d = fixture_resolve(f, "theirs").ino;
    fixture_must(f, attributes_of(d, 0700, 0, 0));
    const struct op list[] = {as_op(&user), make_put("mine", "1"), make_put("theirs/key", "2")};
    assert_int_equal(fixture_run(f, list, 3, &out), -EACCES);
    assert_int_equal(fixture_resolve(f, "mine").ino, 0);
    const struct op asks[] = {as_op(&user),
                              {.type = OP_IF, .name = text("theirs/key"), .flags = OP_IF_ABSENT}};
    assert_int_equal(fixture_run(f, asks, 2, &out), -EACCES);
    const struct op skips[] = {as_op(&user),
                               {.type = OP_IF, .name = text("mine"), .flags = OP_IF_EXISTS},
                               make_put("theirs/key", "2"),
                               {.type = OP_ELSE},
                               make_put("mine", "1")};
    assert_int_equal(fixture_run(f, skips, 5, &out), 0);
    fixture_assert_contents(f, fixture_resolve(f, "theirs/key").ino, "1");
}

/* AS is for the whole command; nothing in it can be done that is not checked. */
static void only_what_is_checked_is_done(void **state)
{
    struct fixture *f = *state;
    struct op_result out;
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = LEVEL_RIGHTS});
    const struct op late[] = {make_put("a", "1"), as_op(&user)};
    assert_int_equal(fixture_run(f, late, 2, &out), -EINVAL);
    const struct op twice[] = {as_op(&user), as_op(&(struct caller){0}), make_put("a", "1")};
    assert_int_equal(fixture_run(f, twice, 3, &out), -EPERM);
    struct op groups = as_op(&user);
    groups.data = text("abc");
    const struct op malformed[] = {groups, make_put("a", "1")};
    assert_int_equal(fixture_run(f, malformed, 2, &out), -EINVAL);
    const struct op root[] = {as_op(&(struct caller){0}), attributes_of(INO_ROOT, 0777, 0, 0)};
    assert_int_equal(fixture_run(f, root, 2, &out), 0);
    for (uint8_t type = 1; type < OP_TYPE_END; type++) {
        bool exists = (type <= OP_EPHEMERAL_END) || (type >= OP_TTL && type <= OP_LEASE_END) ||
                      (type >= OP_AS);
        bool checked = type == OP_PUT || type == OP_DELETE || type == OP_IF || type == OP_ELSE ||
                       type == OP_FENCE || (type >= OP_TTL && type != OP_EXPIRE && type < OP_AS);
        if (exists && !checked)
            assert_int_equal(do_as(f, &user, (struct op){.type = type, .ino = 1}), -EPERM);
    }
}

/* What is read on in a view is shown by the rights of then and of now. */
static void a_view_does_not_outlast_a_mode(void **state)
{
    struct fixture *f = *state;
    struct tree_view *view;
    int found = -ENOENT;
    bool more;
    struct buffer resume = {0};
    fixture_must(f, make_put("p/d/f", "1"));
    assert_int_equal(tree_commit(f->tree), 0);
    assert_int_equal(tree_view_open(f->tree, &view), 0);
    assert_int_equal(tree_keys(tree_view_tree(view), &user, text(""), text(""), 100, on_listed,
                               &found, &more, &resume),
                     0);
    assert_int_equal(found, 0);
    fixture_must(f, attributes_of(fixture_resolve(f, "p/d").ino, 0711, 0, 0));
    found = -ENOENT;
    assert_int_equal(tree_keys(tree_view_tree(view), &user, text(""), text(""), 100, on_listed,
                               &found, &more, &resume),
                     0);
    assert_int_equal(found, -ENOENT);
    assert_int_equal(tree_keys(tree_view_tree(view), &user, text("p/d/"), text(""), 100, on_listed,
                               &found, &more, &resume),
                     -EACCES);
    buffer_free(&resume);
    tree_view_close(view);
}

/* Where a list goes on is what the client says: it leads nowhere that the caller may not list. */
static void a_list_does_not_go_on_where_it_may_not_be(void **state)
{
    struct fixture *f = *state;
    bool more;
    struct buffer resume = {0};
    fixture_must(f, make_put("p/d/f", "1"));
    fixture_must(f, attributes_of(fixture_resolve(f, "p").ino, 0700, 0, 0));
    static const char *const afters[] = {"", "p/", "p/d/", "p/d/e", "p/d/f"};
    for (size_t i = 0; i < LENGTH(afters); i++) {
        int found = -ENOENT;
        assert_int_equal(tree_keys(f->tree, &user, text(""), text(afters[i]), 100, on_listed,
                                   &found, &more, &resume),
                         0);
        assert_int_equal(found, -ENOENT);
    }
    buffer_free(&resume);
}

/* The paths of what is gone are for those who may list the last directory that is left. */
static void paths_that_are_gone_are_seen(void **state)
{
    struct fixture *f = *state;
    uint64_t d = fixture_make_dir(f, INO_ROOT, "d");
    fixture_must(f, attributes_of(d, 0755, 0, 0));
    assert_int_equal(tree_may_see(f->tree, &user, text("d/gone/key")), 0);
    assert_int_equal(tree_may_see(f->tree, &user, text("")), 0);
    fixture_must(f, attributes_of(d, 0711, 0, 0));
    assert_int_equal(tree_may_see(f->tree, &user, text("d/gone/key")), -EACCES);
    assert_int_equal(tree_may_see(f->tree, &user, text("d")), 0);
    assert_int_equal(tree_may_see(f->tree, &(struct caller){0}, text("d/gone/key")), 0);
    assert_int_equal(tree_may(f->tree, &user, text("d/gone/key"), CALLER_READ), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tree_answers_as_the_kernel),
        FIXTURE_TEST(directories_of_others_stay),
        FIXTURE_TEST(in_a_sticky_directory_what_is_in_the_way_stays),
        FIXTURE_TEST(a_ttl_needs_the_right_to_remove_each_name),
        FIXTURE_TEST(the_former_value_is_for_readers),
        FIXTURE_TEST(leases_are_for_their_callers),
        FIXTURE_TEST(a_list_is_refused_as_a_whole),
        FIXTURE_TEST(only_what_is_checked_is_done),
        FIXTURE_TEST(a_view_does_not_outlast_a_mode),
        FIXTURE_TEST(a_list_does_not_go_on_where_it_may_not_be),
        FIXTURE_TEST(paths_that_are_gone_are_seen),
    };
    return cmocka_run_group_tests_name("tree_rights", tests, NULL, NULL);
}
