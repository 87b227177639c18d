#include "fs/moved_mount.h"

#include "fs/mount.h"
#include "fs/session.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A process that does not see what is mounted after its start. */
struct mover {
    pid_t pid;
    int socket; /* a byte comes when it is ready; a byte makes it rename; its end ends it */
};

/* In the child: only system calls, since other threads may have held locks. */
static _Noreturn void move_when_told(int socket, const char *from, const char *to)
{
    char byte = 0;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        _exit(errno);
    if (write(socket, &byte, 1) != 1 || read(socket, &byte, 1) != 1)
        _exit(ECANCELED);
    _exit(rename(from, to) < 0 ? errno : 0);
}

/* Returns 0 or the negative errno of the child. It ends without renaming if it was not told to. */
static int mover_end(struct mover *mover)
{
    int status;
    close(mover->socket);
    while (waitpid(mover->pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECANCELED;
}

static int mover_start(struct mover *mover, const char *from, const char *to)
{
    int ends[2];
    char byte;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    mover->pid = fork();
    if (mover->pid == 0) {
        close(ends[0]);
        move_when_told(ends[1], from, to);
    }
    int status = mover->pid < 0 ? -errno : 0;
    close(ends[1]);
    mover->socket = ends[0];
    if (status < 0)
        close(ends[0]);
    else if (read(mover->socket, &byte, 1) != 1)
        status = mover_end(mover);
    return status;
}

static int mover_move(struct mover *mover)
{
    char byte = 0;
    ssize_t written = send(mover->socket, &byte, 1, MSG_NOSIGNAL);
    int status = mover_end(mover);
    return status == 0 && written != 1 ? -EPIPE : status;
}

static int mount_and_move(struct fuse_session *session, const char *folder, const char *path,
                          struct fault *fault)
{
    struct mover mover = {0};
    if (mover_start(&mover, folder, path) < 0)
        return -ENOSYS;
    int status = fs_libfuse_mount(session, folder, fault);
    if (status < 0) {
        mover_end(&mover);
        return status;
    }
    if (mover_move(&mover) == 0)
        return 0;
    fuse_session_unmount(session);
    return -ENOSYS;
}

int fs_moved_mount(struct fuse_session *session, const char *path, struct fs_bare *bare,
                   struct fault *fault)
{
    char folder[PATH_MAX + 16];
    struct fs_bare new_bare;
    snprintf(folder, sizeof folder, "%s.quorumfs", path);
    if (rmdir(folder) < 0 && errno == EBUSY) { /* a process has left it that was killed halfway */
        fs_detach(folder);
        rmdir(folder);
    }
    if (mkdir(folder, 0700) < 0)
        return -ENOSYS;
    int status = fs_bare_open(&new_bare, folder, false);
    if (status == 0)
        status = mount_and_move(session, folder, path, fault);
    if (status < 0) {
        fs_bare_close(&new_bare);
        rmdir(folder);
        return status == -EPERM ? -EPERM : -ENOSYS;
    }
    fs_bare_replace(bare, &new_bare);
    return 0;
}
