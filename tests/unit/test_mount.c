/* How the mount comes and goes, and what guards the folder beneath: fs/bare.h, fs/mount.h,
 * fs/mounting.h. Needs root and /dev/fuse; skipped without. */
#include "fake_replica_fs.h"
#include "fs/bare.h"
#include "fs/fs.h"
#include "fs/mount_table.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fs.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS_MAX = 20000, NOTICED_MS_MAX = 2000, HANG_S_MAX = 60, NOBODY = 65534 };

struct world {
    uv_loop_t loop;
    struct fake_control *control;
    char folder[64];
    struct config config;
    struct replica *replica;
    struct fs *door;
    uv_timer_t deadline;
    int unmounted;
};

static struct world w;

static void on_deadline(uv_timer_t *timer)
{
    fail_msg("nothing happens");
}

static void on_unmounted(void *arg)
{
    w.unmounted++;
}

static int set_up(void **state)
{
    alarm(HANG_S_MAX); /* for a loop that waits for its own mount */
    memset(&w, 0, sizeof w);
    w.control =
        mmap(NULL, sizeof *w.control, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    strcpy(w.folder, "/tmp/test_mount.XXXXXX");
    assert_non_null(mkdtemp(w.folder));
    char data[128];
    snprintf(data, sizeof data, "%s/data", w.folder);
    snprintf(w.config.dir, sizeof w.config.dir, "%s", data);
    snprintf(w.config.mount, sizeof w.config.mount, "%s/mount", w.folder);
    w.config.request_timeout_ms = 1000;
    assert_int_equal(uv_loop_init(&w.loop), 0);
    uv_timer_init(&w.loop, &w.deadline);
    uv_timer_start(&w.deadline, on_deadline, WAIT_MS_MAX, 0);
    w.replica = fake_replica_start(&w.loop, &w.config, data, w.control);
    return 0;
}

/* ---- The folder, seen from outside ---- */

/* Sets the flag of chattr(1), if `set` says so, and returns whether it was there. */
static bool immutable(const char *path, const bool *set)
{
    int flags = 0;
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0);
    assert_int_equal(ioctl(fd, FS_IOC_GETFLAGS, &flags), 0);
    int wanted = flags & ~FS_IMMUTABLE_FL;
    if (set && *set)
        wanted |= FS_IMMUTABLE_FL;
    if (set)
        assert_int_equal(ioctl(fd, FS_IOC_SETFLAGS, &wanted), 0);
    close(fd);
    return (flags & FS_IMMUTABLE_FL) != 0;
}

static const char *inside(const char *name)
{
    static char path[CONFIG_PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", w.config.mount, name);
    return path;
}

static int make_file(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0644);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static mode_t permissions(const char *path)
{
    struct stat now;
    assert_int_equal(stat(path, &now), 0);
    return now.st_mode & 07777;
}

static int mounts(void)
{
    struct fs_mounts_at at;
    assert_int_equal(fs_mounts_at(w.config.mount, &at), 0);
    return at.count;
}

/* As a process that was killed leaves it. mount(2) asks no dead mount that is there already. */
static void leave_dead_mount(void)
{
    char options[128];
    int device = open("/dev/fuse", O_RDWR);
    assert_true(device >= 0);
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
    assert_int_equal(mount("dead", w.config.mount, "fuse.quorumfs", 0, options), 0);
    close(device);
    assert_int_equal(make_file(inside("x")), -ENOTCONN);
}

static int start_door(void)
{
    struct fault fault = {""};
    return fs_start(&w.loop, w.replica, &w.config, NULL, on_unmounted, NULL, &w.door, &fault);
}

static void stop_door(void)
{
    fs_stop(w.door);
    w.door = NULL;
    while (!fake_replica_idle(w.replica) || mounts() > 0)
        uv_run(&w.loop, UV_RUN_ONCE);
}

static int tear_down(void **state)
{
    const bool no = false;
    if (w.door)
        fs_stop(w.door);
    while (!fake_replica_idle(w.replica))
        uv_run(&w.loop, UV_RUN_ONCE);
    fake_replica_stop(w.replica);
    uv_close((uv_handle_t *)&w.deadline, NULL);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w.loop), 0);
    assert_int_equal(mounts(), 0);
    if (access(w.config.mount, F_OK) == 0)
        immutable(w.config.mount, &no);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", w.folder);
    assert_int_equal(system(command), 0);
    munmap(w.control, sizeof *w.control);
    return 0;
}

/* ---- The guard ---- */

static void nothing_can_be_written_where_nothing_is_mounted(void **state)
{
    assert_int_equal(start_door(), 0);
    assert_true(w.control->mounted);
    stop_door();
    assert_true(immutable(w.config.mount, NULL));
    assert_int_equal(make_file(inside("x")), -EPERM);
    assert_int_equal(rmdir(w.config.mount), -1);
    assert_int_equal(start_door(), 0); /* and it is no obstacle */
    assert_true(w.control->mounted);
}

static void a_folder_that_was_given_is_guarded(void **state)
{
    assert_int_equal(mkdir(w.config.mount, 0755), 0);
    assert_int_equal(chmod(w.config.mount, 0770), 0);
    assert_int_equal(start_door(), 0);
    stop_door();
    assert_true(immutable(w.config.mount, NULL));
    assert_int_equal(permissions(w.config.mount), 0770);
}

static void a_folder_with_files_is_left_as_it_is(void **state)
{
    struct fs_bare bare;
    struct fault fault = {""};
    assert_int_equal(mkdir(w.config.mount, 0755), 0);
    assert_int_equal(chmod(w.config.mount, 0775), 0);
    assert_int_equal(make_file(inside("a")), 0);
    assert_int_equal(start_door(), 0);
    assert_false(immutable(w.config.mount, NULL));

    /* Nor if the file gets in just before the guard. */
    assert_int_equal(fs_bare_open(&bare, w.config.mount, false), 0);
    assert_int_equal(fs_bare_guard(&bare, w.config.mount, &fault), -ENOTEMPTY);
    assert_non_null(strstr(fault.text, "the folder is not empty: a:"));
    assert_int_equal(bare.guard, FS_GUARD_NONE);
    fs_bare_close(&bare);
    assert_false(immutable(w.config.mount, NULL));
    assert_int_equal(permissions(w.config.mount), 0775);
}

static void the_first_files_are_named(void **state)
{
    struct fs_bare bare;
    struct fault fault = {""};
    assert_int_equal(mkdir(w.config.mount, 0755), 0);
    for (const char *name = "edcba"; *name; name++)
        assert_int_equal(make_file(inside(name)), 0);
    assert_int_equal(fs_bare_open(&bare, w.config.mount, false), 0);
    assert_int_equal(fs_bare_check_empty(&bare, w.config.mount, &fault), -ENOTEMPTY);
    assert_non_null(strstr(fault.text, " and 2 more: "));
    fs_bare_close(&bare);
}

/* No file of ramfs can be made immutable. */
static void without_the_flag_the_folder_loses_its_write_permission(void **state)
{
    struct fs_bare bare;
    struct fault fault = {""};
    assert_int_equal(mkdir(w.config.mount, 0755), 0);
    assert_int_equal(mount("none", w.config.mount, "ramfs", 0, NULL), 0);
    assert_int_equal(chmod(w.config.mount, 0777), 0);
    assert_int_equal(fs_bare_open(&bare, w.config.mount, false), 0);
    assert_int_equal(fs_bare_guard(&bare, w.config.mount, &fault), 0);
    assert_int_equal(bare.guard, FS_GUARD_FROM_USERS);
    assert_int_equal(permissions(w.config.mount), 0555);

    fs_bare_let_owner_in(&bare);
    assert_int_equal(permissions(w.config.mount), 0755);
    assert_int_equal(fs_bare_shut_out(&bare, w.config.mount, &fault), 0);
    assert_int_equal(permissions(w.config.mount), 0555);

    fs_bare_let_owner_in(&bare);
    assert_int_equal(make_file(inside("x")), 0);
    assert_int_equal(fs_bare_shut_out(&bare, w.config.mount, &fault), -ENOTEMPTY);
    assert_int_equal(permissions(w.config.mount), 0555);
    fs_bare_close(&bare);
    assert_int_equal(umount(w.config.mount), 0);
}

static void a_read_only_folder_needs_no_guard(void **state)
{
    struct fs_bare bare;
    struct fault fault = {""};
    assert_int_equal(mkdir(w.config.mount, 0755), 0);
    assert_int_equal(mount("none", w.config.mount, "ramfs", MS_RDONLY, NULL), 0);
    assert_int_equal(fs_bare_open(&bare, w.config.mount, false), 0);
    assert_int_equal(fs_bare_guard(&bare, w.config.mount, &fault), 0);
    assert_int_equal(bare.guard, FS_GUARD_FROM_ALL);
    fs_bare_close(&bare);
    assert_int_equal(umount(w.config.mount), 0);
}

/* ---- Dead mounts ---- */

static void the_folder_beneath_a_dead_mount_is_guarded(void **state)
{
    assert_int_equal(mkdir(w.config.mount, 0755), 0);
    leave_dead_mount();
    assert_int_equal(start_door(), 0);
    assert_true(w.control->mounted);
    stop_door();
    assert_true(immutable(w.config.mount, NULL));
}

static void of_dead_mounts_at_most_one_stays(void **state)
{
    assert_int_equal(mkdir(w.config.mount, 0755), 0);
    for (int i = 0; i < 3; i++)
        leave_dead_mount();
    assert_int_equal(mounts(), 3);
    assert_int_equal(start_door(), 0);
    assert_true(w.control->mounted);
    assert_true(mounts() <= 2); /* before Linux 6.5, one is beneath */
    stop_door();
    assert_int_equal(mounts(), 0);
}

static int id_of_top(void)
{
    char path[64], line[128];
    int id = -1, fd = open(w.config.mount, O_PATH);
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    FILE *about = fopen(path, "re");
    assert_non_null(about);
    while (fgets(line, sizeof line, about))
        sscanf(line, "mnt_id: %d", &id);
    fclose(about);
    close(fd);
    return id;
}

static void the_uppermost_mount_may_be_older_than_one_beneath(void **state)
{
    struct fs_mounts_at at;
    assert_int_equal(mkdir(w.config.mount, 0755), 0);
    assert_int_equal(mount("none", w.config.mount, "tmpfs", 0, NULL), 0);
    int tree = open_tree(AT_FDCWD, w.folder, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    assert_true(tree >= 0);
    int beneath = MOVE_MOUNT_F_EMPTY_PATH | 0x200; /* MOVE_MOUNT_BENEATH, Linux 6.5 */
    bool moved = move_mount(tree, "", AT_FDCWD, w.config.mount, beneath) == 0;
    close(tree);
    assert_int_equal(mounts(), moved ? 2 : 1);
    assert_int_equal(fs_mounts_at(w.config.mount, &at), 0);
    assert_int_equal(at.top, id_of_top());
    assert_true(fs_is_in_mount_table(at.device));
    assert_int_equal(umount(w.config.mount), 0);
    assert_false(fs_is_in_mount_table(at.device));
    if (moved)
        assert_int_equal(umount(w.config.mount), 0);
}

static void files_beneath_a_dead_mount_stay_beneath_it(void **state)
{
    assert_int_equal(mkdir(w.config.mount, 0755), 0);
    assert_int_equal(make_file(inside("old")), 0);
    leave_dead_mount();
    assert_int_equal(start_door(), 0);
    assert_false(w.control->mounted);
    assert_non_null(strstr(w.control->mount_why, "beneath the dead mount"));
    assert_non_null(strstr(w.control->mount_why, "the folder is not empty: old:"));
    assert_int_equal(make_file(inside("x")), -ENOTCONN);
    assert_int_equal(umount2(w.config.mount, MNT_DETACH), 0);
    assert_int_equal(unlink(inside("old")), 0);
    while (!w.control->mounted)
        uv_run(&w.loop, UV_RUN_ONCE);
}

/* ---- What is in the way ---- */

static void a_mount_waits_for_what_is_in_its_way(void **state)
{
    assert_int_equal(mkdir(w.config.mount, 0755), 0);
    assert_int_equal(mount("none", w.config.mount, "tmpfs", 0, NULL), 0);
    assert_int_equal(start_door(), 0);
    assert_false(w.control->mounted);
    assert_non_null(strstr(w.control->mount_why, "something is mounted there"));
    assert_int_equal(umount(w.config.mount), 0);
    assert_int_equal(rmdir(w.config.mount), 0);
    assert_int_equal(make_file(w.config.mount), 0);
    while (!strstr(w.control->mount_why, "this is not a folder"))
        uv_run(&w.loop, UV_RUN_ONCE);
    assert_int_equal(unlink(w.config.mount), 0);
    while (!w.control->mounted)
        uv_run(&w.loop, UV_RUN_ONCE);
    assert_string_equal(w.control->mount_why, "");
    assert_int_equal(mounts(), 1);
}

static void a_stop_ends_the_attempts(void **state)
{
    assert_int_equal(mkdir(w.config.mount, 0755), 0);
    assert_int_equal(make_file(inside("x")), 0);
    assert_int_equal(start_door(), 0);
    stop_door();
    assert_int_equal(unlink(inside("x")), 0);
    uv_timer_stop(&w.deadline);
    uv_run(&w.loop, UV_RUN_DEFAULT); /* nothing is left in it */
    assert_int_equal(mounts(), 0);
}

static void a_process_that_is_one_with_its_mount_does_not_wait(void **state)
{
    w.config.in_background = true;
    assert_int_equal(mkdir(w.config.mount, 0755), 0);
    assert_int_equal(make_file(inside("x")), 0);
    assert_int_equal(start_door(), -ENOTEMPTY);
    assert_null(w.door);
}

/* ---- Without root ---- */

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            _exit(__LINE__ % 255 + 1);                                                             \
    } while (0)

/* In a child: becomes a user, in a mount namespace where users may open /dev/fuse. */
static void become_user(const char *device)
{
    CHECK(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    CHECK(mknod(device, S_IFCHR | 0666, makedev(10, 229)) == 0 && chmod(device, 0666) == 0);
    CHECK(mount(device, "/dev/fuse", NULL, MS_BIND, NULL) == 0);
    CHECK(setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
}

static ino_t inode_of(const char *path)
{
    struct stat now;
    CHECK(stat(path, &now) == 0);
    return now.st_ino;
}

/* The mount comes and goes. Returns whether its folder is another one afterwards. */
static bool mount_as_user(void)
{
    ino_t before = inode_of(w.config.mount);
    CHECK(start_door() == 0 && w.control->mounted && mounts() == 1);
    stop_door();
    CHECK((permissions(w.config.mount) & 0222) == 0);
    return inode_of(w.config.mount) != before;
}

static _Noreturn void be_user(const char *device)
{
    become_user(device);
    set_up(NULL);
    CHECK(mkdir(w.config.mount, 0755) == 0);
    CHECK(mount_as_user());
    CHECK(mount_as_user());
    CHECK(chmod(w.folder, 0555) == 0); /* nothing can be renamed in it */
    CHECK(!mount_as_user());
    CHECK(chmod(w.folder, 0755) == 0 && chmod(w.config.mount, 0755) == 0);
    CHECK(mount_as_user());
    tear_down(NULL);
    _exit(0);
}

static void a_user_moves_the_mount_to_its_place_if_possible(void **state)
{
    char device[128];
    int status;
    snprintf(device, sizeof device, "%s/fuse", w.folder);
    assert_int_equal(chmod(w.folder, 0755), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        be_user(device);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- An umount ---- */

static void an_umount_is_told(void **state)
{
    assert_int_equal(start_door(), 0);
    assert_int_equal(umount2(w.config.mount, MNT_DETACH), 0);
    while (w.unmounted == 0)
        uv_run(&w.loop, UV_RUN_ONCE);
    assert_false(w.control->mounted);
    assert_non_null(strstr(w.control->mount_why, "it was unmounted"));
    for (int i = 0; i < 10; i++)
        uv_run(&w.loop, UV_RUN_NOWAIT);
    assert_int_equal(w.unmounted, 1);
}

/* A mount that nobody sees any more, but a descriptor keeps, is like one in another namespace. The
 * umount comes before the loop watches the table. Whatever other programs do to that would tell of
 * it as well: so it has to be noticed soon, and each time. */
static void a_copy_keeps_no_process_that_is_one_with_its_mount(void **state)
{
    w.config.in_background = true;
    for (int i = 0; i < 4; i++) {
        w.unmounted = 0;
        assert_int_equal(start_door(), 0);
        int copy = open_tree(AT_FDCWD, w.config.mount, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        assert_true(copy >= 0);
        assert_int_equal(umount2(w.config.mount, MNT_DETACH), 0);
        uv_timer_start(&w.deadline, on_deadline, NOTICED_MS_MAX, 0);
        while (w.unmounted == 0)
            uv_run(&w.loop, UV_RUN_ONCE);
        close(copy);
        stop_door();
    }
}

static void a_mount_over_this_one_stays(void **state)
{
    assert_int_equal(start_door(), 0);
    assert_int_equal(mount("none", w.config.mount, "tmpfs", 0, NULL), 0);
    fs_stop(w.door);
    w.door = NULL;
    while (!fake_replica_idle(w.replica))
        uv_run(&w.loop, UV_RUN_ONCE);
    assert_int_equal(mounts(), 2);
    assert_int_equal(umount(w.config.mount), 0);
    uv_run(&w.loop, UV_RUN_NOWAIT); /* the device is closed */
    assert_int_equal(umount2(w.config.mount, MNT_DETACH), 0);
}

/* ---- Options ---- */

static unsigned long flags(void)
{
    FILE *table = fopen("/proc/self/mounts", "re");
    char line[8192], path[4097], options[4097];
    unsigned long found = 0;
    assert_non_null(table);
    while (fgets(line, sizeof line, table)) {
        if (sscanf(line, "%*s %4096s %*s %4096s", path, options) != 2 ||
            strcmp(path, w.config.mount) != 0)
            continue;
        for (char *rest = options, *word; (word = strsep(&rest, ","));) {
            found |= strcmp(word, "ro") == 0 ? MS_RDONLY : 0;
            found |= strcmp(word, "nosuid") == 0 ? MS_NOSUID : 0;
            found |= strcmp(word, "nodev") == 0 ? MS_NODEV : 0;
            found |= strcmp(word, "noexec") == 0 ? MS_NOEXEC : 0;
            found |= strcmp(word, "dirsync") == 0 ? MS_DIRSYNC : 0;
        }
    }
    fclose(table);
    return found;
}

static void the_kernel_gets_its_options(void **state)
{
    struct fault fault = {""};
    strcpy(w.config.mount_options, ",ro,rw,noexec,dirsync");
    assert_int_equal(start_door(), 0);
    assert_int_equal(flags(), MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_DIRSYNC);

    struct config other = w.config;
    strcpy(other.mount_options, ",ro");
    assert_int_equal(fs_remount(&other, &fault), 0);
    assert_int_equal(flags(), MS_RDONLY | MS_NOSUID | MS_NODEV | MS_DIRSYNC);
    other.dev = true;
    assert_int_equal(fs_remount(&other, &fault), 0);
    assert_int_equal(flags(), MS_RDONLY | MS_NOSUID | MS_DIRSYNC);
    other.dev = false;
    other.suid = true;
    assert_int_equal(fs_remount(&other, &fault), 0);
    assert_int_equal(flags(), MS_RDONLY | MS_NODEV | MS_DIRSYNC);
    other.suid = false;
    strcpy(other.mount_options, "");
    assert_int_equal(fs_remount(&other, &fault), 0);
    assert_int_equal(flags(), MS_NOSUID | MS_NODEV | MS_DIRSYNC);
    stop_door();
    assert_int_equal(fs_remount(&other, &fault), -EINVAL);
    assert_non_null(strstr(fault.text, "nothing is mounted there"));
}

#define MOUNT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MOUNT_TEST(nothing_can_be_written_where_nothing_is_mounted),
        MOUNT_TEST(a_folder_that_was_given_is_guarded),
        MOUNT_TEST(a_folder_with_files_is_left_as_it_is),
        MOUNT_TEST(the_first_files_are_named),
        MOUNT_TEST(without_the_flag_the_folder_loses_its_write_permission),
        MOUNT_TEST(a_read_only_folder_needs_no_guard),
        MOUNT_TEST(the_folder_beneath_a_dead_mount_is_guarded),
        MOUNT_TEST(of_dead_mounts_at_most_one_stays),
        MOUNT_TEST(the_uppermost_mount_may_be_older_than_one_beneath),
        MOUNT_TEST(files_beneath_a_dead_mount_stay_beneath_it),
        MOUNT_TEST(a_mount_waits_for_what_is_in_its_way),
        MOUNT_TEST(a_stop_ends_the_attempts),
        MOUNT_TEST(a_process_that_is_one_with_its_mount_does_not_wait),
        MOUNT_TEST(a_user_moves_the_mount_to_its_place_if_possible),
        MOUNT_TEST(an_umount_is_told),
        MOUNT_TEST(a_copy_keeps_no_process_that_is_one_with_its_mount),
        MOUNT_TEST(a_mount_over_this_one_stays),
        MOUNT_TEST(the_kernel_gets_its_options),
    };
    if (access("/dev/fuse", R_OK | W_OK) != 0 || geteuid() != 0) {
        print_message("no /dev/fuse, or not root: skipped\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
