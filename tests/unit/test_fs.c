/* The file system door: system calls and programs in a child process on two real mounts, whose loop
 * runs here, over one tree (fake_replica_fs.h). Needs /dev/fuse and the right to mount; skipped
 * without. */
#include "fake_replica_fs.h"
#include "fs/fs.h"
#include "fs_checks.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CHILD_MS_MAX = 90000 };

struct world {
    uv_loop_t loop;
    struct fake_control *control;
    char folder[64];
    struct config configs[MOUNTS];
    struct replica *replica;
    struct fs *mounts[MOUNTS];
    int unmounted; /* mounts that were unmounted from outside */
    uv_timer_t deadline;
    uv_timer_t let_go; /* ends control->stalled */
    uv_signal_t child;
    pid_t pid;
    bool running;
    int status; /* of the child */
};

static struct world world;

static void on_unmounted(void *arg)
{
    struct world *w = arg;
    w->unmounted++;
}

static void make_world(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->control =
        mmap(NULL, sizeof *w->control, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(w->control != MAP_FAILED);
    strcpy(w->folder, "/tmp/test_fs.XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    assert_int_equal(chmod(w->folder, 0755), 0);
    char data[128];
    snprintf(data, sizeof data, "%s/data", w->folder);
    for (int i = 0; i < MOUNTS; i++) {
        struct config *config = &w->configs[i];
        snprintf(config->dir, sizeof config->dir, "%s", data);
        snprintf(config->mount, sizeof config->mount, "%s/mount %d", w->folder, i + 1);
        config->allow_other = true;
        config->request_timeout_ms = REQUEST_TIMEOUT_MS;
    }
    assert_int_equal(uv_loop_init(&w->loop), 0);
    uv_timer_init(&w->loop, &w->deadline);
    uv_timer_init(&w->loop, &w->let_go);
    uv_signal_init(&w->loop, &w->child);
    w->deadline.data = w->let_go.data = w->child.data = w;
    w->replica = fake_replica_start(&w->loop, &w->configs[0], data, w->control);
}

static void mount_all(struct world *w)
{
    for (int i = 0; i < MOUNTS; i++) {
        struct fault fault = {""};
        int status = fs_start(&w->loop, w->replica, &w->configs[i], NULL, on_unmounted, w,
                              &w->mounts[i], &fault);
        if (status < 0)
            print_error("%s\n", fault.text);
        assert_int_equal(status, 0);
    }
}

static void free_world(struct world *w)
{
    for (int i = 0; i < MOUNTS; i++)
        if (w->mounts[i])
            fs_stop(w->mounts[i]);
    while (!fake_replica_idle(w->replica))
        uv_run(&w->loop, UV_RUN_ONCE);
    fake_replica_stop(w->replica);
    uv_close((uv_handle_t *)&w->deadline, NULL);
    uv_close((uv_handle_t *)&w->let_go, NULL);
    uv_close((uv_handle_t *)&w->child, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    char command[256]; /* the mounts are gone, so that rm stays out of them */
    snprintf(command, sizeof command, "chattr -i %s/mount*; rm -r %s", w->folder, w->folder);
    assert_int_equal(system(command), 0);
    munmap(w->control, sizeof *w->control);
}

static void on_child(uv_signal_t *handle, int number)
{
    struct world *w = handle->data;
    if (waitpid(w->pid, &w->status, WNOHANG) == w->pid)
        w->running = false;
}

static void on_deadline(uv_timer_t *timer)
{
    struct world *w = timer->data;
    print_error("the child takes too long\n");
    kill(-w->pid, SIGKILL);
}

/* In the child: nothing of the loop is kept, above all not /dev/fuse, which would keep the mounts
 * alive. */
static void run_here(struct world *w, fs_check *check)
{
    const char *paths[MOUNTS] = {w->configs[0].mount, w->configs[1].mount};
    signal(SIGCHLD, SIG_DFL);
    setpgid(0, 0);
    close_range(3, ~0U, 0);
    fs_check_run(check, paths, w->control);
}

/* Runs a check of fs_checks.h in a child process, with the loop here. */
static void run_child(struct world *w, fs_check *check)
{
    w->running = true;
    uv_signal_start(&w->child, on_child, SIGCHLD);
    uv_timer_start(&w->deadline, on_deadline, CHILD_MS_MAX, 0);
    fflush(NULL);
    w->pid = fork();
    assert_true(w->pid >= 0);
    if (w->pid == 0) {
        run_here(w, check);
    }
    while (w->running)
        uv_run(&w->loop, UV_RUN_ONCE);
    uv_signal_stop(&w->child);
    uv_timer_stop(&w->deadline);
    assert_true(WIFEXITED(w->status));
    assert_int_equal(WEXITSTATUS(w->status), 0);
}

static int set_up(void **state)
{
    make_world(&world);
    mount_all(&world);
    return 0;
}

/* Mounts of root that nobody else may use. */
static int set_up_closed(void **state)
{
    make_world(&world);
    for (int i = 0; i < MOUNTS; i++)
        world.configs[i].allow_other = false;
    mount_all(&world);
    return 0;
}

/* With commit=close, answers that come later, and as few requests of the kernel as there can be. */
static int set_up_gathering(void **state)
{
    make_world(&world);
    for (int i = 0; i < MOUNTS; i++) {
        world.configs[i].commit_on_close = true;
        world.configs[i].allow_other = false;
    }
    atomic_store(&world.control->deferred, true);
    mount_all(&world);
    return 0;
}

static int set_up_deferred(void **state)
{
    set_up(state);
    atomic_store(&world.control->deferred, true);
    return 0;
}

static int set_up_unmounted(void **state)
{
    make_world(&world);
    return 0;
}

static int tear_down(void **state)
{
    atomic_store(&world.control->stalled, false);
    atomic_store(&world.control->slow_ms, 0);
    atomic_store(&world.control->outcome, REPLICA_DONE);
    free_world(&world);
    return 0;
}

static void every_check_passes(void **state)
{
    run_child(&world, *(fs_check **)*state);
}

/* ---- The life of a mount ---- */

static int start_at(struct world *w, int i, struct fault *fault)
{
    return fs_start(&w->loop, w->replica, &w->configs[i], NULL, on_unmounted, w, &w->mounts[i],
                    fault);
}

/* A process that mounts and is killed leaves a dead mount behind. */
static void leave_dead_mount(struct world *w)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct world other;
        make_world(&other);
        strcpy(other.configs[0].mount, w->configs[0].mount);
        mount_all(&other);
        if (write(pipes[1], other.folder, sizeof other.folder) != sizeof other.folder)
            _exit(1);
        uv_run(&other.loop, UV_RUN_DEFAULT);
        _exit(0);
    }
    char folder[sizeof w->folder], command[512];
    struct stat stat_now;

    assert_int_equal(read(pipes[0], folder, sizeof folder), sizeof folder);
    close(pipes[0]);
    close(pipes[1]);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(stat(w->configs[0].mount, &stat_now), -1);
    assert_int_equal(errno, ENOTCONN);
    snprintf(command, sizeof command, "umount -l '%s/mount 2'; chattr -i '%s/mount 2'; rm -r %s",
             folder, folder, folder);
    assert_int_equal(system(command), 0);
}

static void a_dead_mount_is_replaced(void **state)
{
    struct fault fault = {""};
    leave_dead_mount(&world);
    assert_int_equal(start_at(&world, 0, &fault), 0);
    assert_int_equal(start_at(&world, 1, &fault), 0);
    run_child(&world, check_basics);
}

static void an_unmount_from_outside_is_told_once(void **state)
{
    run_child(&world, check_umount);
    while (world.unmounted == 0)
        uv_run(&world.loop, UV_RUN_ONCE);
    assert_int_equal(world.unmounted, 1);
}

static void on_let_go(uv_timer_t *timer)
{
    struct world *w = timer->data;
    atomic_store(&w->control->stalled, false);
}

/* A write is in flight when the door closes: it is decided and answered before the mount goes. */
static void a_stop_finishes_the_writes_in_flight(void **state)
{
    struct world *w = &world;
    atomic_store(&w->control->deferred, true);
    run_child(w, check_make_file);
    uv_signal_start(&w->child, on_child, SIGCHLD);
    w->running = true;
    fflush(NULL);
    w->pid = fork();
    if (w->pid == 0) {
        run_here(w, check_write_stalled);
    }
    while (!atomic_load(&w->control->stalled))
        uv_run(&w->loop, UV_RUN_ONCE);
    for (int i = 0; i < 100; i++) /* the write has arrived: it comes right after */
        uv_run(&w->loop, UV_RUN_ONCE);
    fs_stop(w->mounts[0]);
    w->mounts[0] = NULL;
    uv_timer_start(&w->let_go, on_let_go, 50, 0);
    while (w->running)
        uv_run(&w->loop, UV_RUN_ONCE);
    assert_true(WIFEXITED(w->status));
    assert_int_equal(WEXITSTATUS(w->status), 0);
}

#define CHECK_TEST(name)                                                                           \
    {#name, every_check_passes, set_up, tear_down, &(fs_check *){name}},                           \
    {                                                                                              \
#name " deferred", every_check_passes, set_up_deferred, tear_down, &(fs_check *)           \
        {                                                                                          \
            name                                                                                   \
        }                                                                                          \
    }

/* By its own settings, and so only once. */
#define SLOW_TEST(name)                                                                            \
    {                                                                                              \
#name, every_check_passes, set_up, tear_down, &(fs_check *)                                \
        {                                                                                          \
            name                                                                                   \
        }                                                                                          \
    }

/* An argument is a pattern for the names of the tests to run. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CHECK_TEST(check_basics),
        CHECK_TEST(check_names),
        CHECK_TEST(check_nodes),
        CHECK_TEST(check_renames),
        CHECK_TEST(check_exclusive),
        CHECK_TEST(check_truncation),
        CHECK_TEST(check_moment),
        CHECK_TEST(check_half_done),
        {"check_gathered", every_check_passes, set_up_gathering, tear_down,
         &(fs_check *){check_gathered}},
        CHECK_TEST(check_shell_commands),
        CHECK_TEST(check_append),
        CHECK_TEST(check_create_race),
        CHECK_TEST(check_unlinked),
        CHECK_TEST(check_directories),
        CHECK_TEST(check_xattrs),
        CHECK_TEST(check_attributes),
        CHECK_TEST(check_privileges),
        CHECK_TEST(check_changes_by_root),
        CHECK_TEST(check_holes),
        CHECK_TEST(check_locks),
        CHECK_TEST(check_ephemeral),
        CHECK_TEST(check_ephemeral_unknown),
        CHECK_TEST(check_mapping),
        CHECK_TEST(check_handles),
        CHECK_TEST(check_special),
        CHECK_TEST(check_no_quorum),
        {"check_no_quorum_closed", every_check_passes, set_up_closed, tear_down,
         &(fs_check *){check_no_quorum_closed}},
        CHECK_TEST(check_programs),
        SLOW_TEST(check_slow_paths),
        SLOW_TEST(check_slow_calls),
        SLOW_TEST(check_slow_exec),
        cmocka_unit_test_setup_teardown(a_dead_mount_is_replaced, set_up_unmounted, tear_down),
        cmocka_unit_test_setup_teardown(an_unmount_from_outside_is_told_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stop_finishes_the_writes_in_flight, set_up, tear_down),
    };
    if (access("/dev/fuse", R_OK | W_OK) != 0 || geteuid() != 0) {
        print_message("no /dev/fuse, or not root: skipped\n");
        return 77;
    }
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
