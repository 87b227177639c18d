#include "fs/mount.h"

#include "base/trace.h"
#include "fs/kernel_mount.h"
#include "fs/mount_table.h"
#include "fs/moved_mount.h"
#include "fs/session.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FUSE_CONF "/etc/fuse.conf"

/* ---- What this machine lets us do ---- */

static bool others_are_permitted(void)
{
    bool permitted = geteuid() == 0;
    FILE *conf = permitted ? NULL : fopen(FUSE_CONF, "re");
    char line[256];
    while (conf && fgets(line, sizeof line, conf))
        permitted |= strncmp(line, "user_allow_other", strlen("user_allow_other")) == 0;
    if (conf)
        fclose(conf);
    return permitted;
}

static int check_machine(const struct config *config, struct fault *fault)
{
    if (access("/dev/fuse", F_OK) != 0)
        return fault_set(fault, -ENODEV,
                         "/dev/fuse is missing: load the module (modprobe fuse) and install fuse3");
    if (config->allow_other && !others_are_permitted())
        return fault_set(fault, -EPERM,
                         "allow_other is only permitted to root: add the line user_allow_other "
                         "to " FUSE_CONF);
    return 0;
}

/* ---- Dead mounts ---- */

/* A mount whose process has died answers with ENOTCONN, and to a call that was there before with
 * ECONNABORTED: a dying process may let go of its folder before it lets go of its mount. */
static bool is_dead(const char *path)
{
    struct stat now;
    return stat(path, &now) < 0 && (errno == ENOTCONN || errno == ECONNABORTED);
}

/* As umount -l does. Without root only fusermount3, which is setuid, may unmount. */
int fs_detach(const char *path)
{
    char *const argv[] = {"fusermount3", "-u", "-q", "-z", "--", (char *)path, NULL};
    if (umount2(path, MNT_DETACH) == 0)
        return 0;
    if (geteuid() == 0)
        return -errno;
    pid_t pid;
    int ended;
    if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0 || waitpid(pid, &ended, 0) < 0)
        return -errno;
    return WIFEXITED(ended) && WEXITSTATUS(ended) == 0 ? 0 : -EPERM;
}

/* Takes dead mounts away until `left` mounts are at the path. */
static int take_dead_away(const char *path, int left, struct fault *fault)
{
    struct fs_mounts_at at;
    int status = fs_mounts_at(path, &at);
    while (status == 0 && at.count > left && is_dead(path)) {
        status = fs_detach(path);
        if (status == 0)
            status = fs_mounts_at(path, &at);
    }
    if (status < 0)
        fault_set(fault, status, "%s: a dead mount cannot be taken away (%s): run umount -l", path,
                  strerror(-status));
    return status;
}

/* ---- Making the mountpoint ready ---- */

struct ground {
    const char *path; /* canonical */
    bool dead;        /* a dead mount was there */
    bool covered;     /* it is there still */
    struct fs_bare bare;
};

static int open_ground(struct ground *ground, struct fault *fault)
{
    const char *path = ground->path;
    int status = fs_bare_open(&ground->bare, path, ground->covered);
    if (status < 0 && ground->covered) { /* it may not be seen beneath */
        status = take_dead_away(path, 0, fault);
        if (status < 0)
            return status;
        ground->covered = false;
        status = fs_bare_open(&ground->bare, path, false);
    }
    if (status == -ENOTDIR)
        return fault_set(fault, status, "%s: this is not a folder: choose another mountpoint",
                         path);
    return status < 0 ? fault_set(fault, status, "%s: %s", path, strerror(-status)) : 0;
}

static int uncover(struct ground *ground, struct fault *fault)
{
    struct fs_mounts_at at;
    int status = take_dead_away(ground->path, 1, fault);
    if (status == 0)
        status = fs_mounts_at(ground->path, &at);
    if (status < 0)
        return status;
    ground->covered = at.count > 0;
    if (ground->covered && !is_dead(ground->path))
        return fault_set(fault, -EBUSY, "%s: something is mounted there: unmount it first",
                         ground->path);
    ground->dead = ground->covered;
    return 0;
}

/* Leaves an empty folder open, guarded, with at most one dead mount on it. Where files lie beneath
 * a dead mount, that stays: it keeps more of them away. */
static int prepare(struct ground *ground, struct fault *fault)
{
    int status = uncover(ground, fault);
    if (status == 0)
        status = open_ground(ground, fault);
    if (status < 0)
        return status;
    status = fs_bare_check_empty(&ground->bare, ground->path, fault);
    if (status < 0 && ground->covered)
        fault_wrap(fault, status, "beneath the dead mount, which can be taken away by umount -l");
    if (status == 0)
        status = fs_bare_guard(&ground->bare, ground->path, fault);
    if (status < 0)
        fs_bare_close(&ground->bare);
    return status;
}

/* ---- Mounting ---- */

static int by_kernel(struct fuse_session *session, const struct config *config,
                     const struct ground *ground, struct fault *fault)
{
    char name[32];
    int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (device < 0)
        return fault_set(fault, -errno, "/dev/fuse: %s", strerror(errno));
    int mount = fs_kernel_mount_new(device, config, fault);
    int status = mount < 0 ? mount : 0;
    if (status == 0) {
        status = fs_kernel_mount_place(mount, ground->path, ground->covered, fault);
        close(mount);
    }
    snprintf(name, sizeof name, "/dev/fd/%d", device);
    if (status == 0 && fuse_session_mount(session, name) != 0) /* takes the descriptor over */
        status = fault_set(fault, -ENOMEM, "libfuse does not take the mount");
    if (status < 0)
        close(device);
    return status;
}

int fs_libfuse_mount(struct fuse_session *session, const char *path, struct fault *fault)
{
    fs_said[0] = '\0';
    if (fuse_session_mount(session, path) == 0)
        return 0;
    return fault_set(
        fault, -EPERM, "%s: %s", path,
        fs_said[0] ? fs_said
                   : "fusermount3 has refused to mount: is the package fuse3 installed, and may "
                     "this user mount here?");
}

static int by_libfuse(struct fuse_session *session, struct ground *ground, struct fault *fault)
{
    int status = ground->covered ? take_dead_away(ground->path, 0, fault) : 0;
    if (status < 0)
        return status;
    bool is_ours = geteuid() != 0 && ground->bare.guard == FS_GUARD_FROM_ALL;
    status = is_ours ? fs_moved_mount(session, ground->path, &ground->bare, fault) : -ENOSYS;
    if (status != -ENOSYS)
        return status;
    fs_bare_let_owner_in(&ground->bare);
    status = fs_libfuse_mount(session, ground->path, fault);
    struct fault landed;
    int empty = fs_bare_shut_out(&ground->bare, ground->path, &landed);
    if (status < 0 || empty == 0)
        return status;
    fuse_session_unmount(session);
    *fault = landed;
    return empty;
}

static int mount_on(struct fuse_session *session, const struct config *config,
                    struct ground *ground, struct fs_mount *mount, struct fault *fault)
{
    mount->guard = ground->bare.guard;
    int status = check_machine(config, fault);
    if (status < 0)
        return status;
    status = geteuid() == 0 ? by_kernel(session, config, ground, fault) : -EPERM;
    if (status == -EPERM || status == -ENOSYS)
        status = by_libfuse(session, ground, fault);
    return status;
}

int fs_mount(struct fuse_session *session, const struct config *config, struct fs_mount *mount,
             struct fault *fault)
{
    struct ground ground = {.path = mount->path};
    struct fs_mounts_at at;
    *mount = (struct fs_mount){.id = -1, .guard = FS_GUARD_FROM_ALL};
    if (mkdir(config->mount, 0755) != 0 && errno != EEXIST && errno != ENOTCONN)
        return fault_set(fault, -errno, "%s: %s", config->mount, strerror(errno));
    if (!realpath(config->mount, mount->path))
        return fault_set(fault, -errno, "%s: %s", config->mount, strerror(errno));
    int status = prepare(&ground, fault);
    if (status < 0)
        return status;
    status = mount_on(session, config, &ground, mount, fault);
    fs_bare_close(&ground.bare);
    if (status < 0)
        return status;
    if (ground.dead)
        trace_warn("fs", "%s: the dead mount of an earlier process is replaced", mount->path);
    if (fs_mounts_at(mount->path, &at) == 0) {
        mount->id = at.top;
        mount->device = at.device;
    }
    return 0;
}

bool fs_is_mounted(const struct fs_mount *mount)
{
    return mount->id < 0 || fs_is_in_mount_table(mount->device);
}

/* By its path, so not if something else was mounted over it meanwhile. */
void fs_unmount(struct fuse_session *session, const struct fs_mount *mount)
{
    struct fs_mounts_at at;
    struct fault fault;
    int status = fs_mounts_at(mount->path, &at);
    if (status == 0 && at.top == mount->id)
        status = fs_detach(mount->path);
    if (status < 0)
        trace_warn("fs", "%s cannot be unmounted: %s", mount->path, strerror(-status));
    else if (take_dead_away(mount->path, 0, &fault) < 0) /* one that this mount was put over */
        trace_warn("fs", "%s", fault.text);
    fuse_session_unmount(session); /* only closes: it is unmounted */
}
