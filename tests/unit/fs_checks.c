/* Names, contents and attributes. */
#include "fs_checks.h"

#include "base/lock_held.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

const char *const *mounts;
struct fake_control *control;

void check_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: not so: %s (errno: %s)\n", file, line, what, strerror(errno));
    _exit(1);
}

void fs_check_run(fs_check *check, const char *const paths[MOUNTS], struct fake_control *shared)
{
    mounts = paths;
    control = shared;
    umask(022);
    CHECK(setenv("M1", paths[0], 1) == 0 && setenv("M2", paths[1], 1) == 0);
    CHECK(chdir(paths[0]) == 0);
    check();
    _exit(0);
}

const char *other(const char *name)
{
    static char path[8192];
    snprintf(path, sizeof path, "%s/%s", mounts[1], name);
    return path;
}

int holds(const char *path, const char *text)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return 0;
    char bytes[4096];
    ssize_t len = read(fd, bytes, sizeof bytes);
    close(fd);
    return len == (ssize_t)strlen(text) && memcmp(bytes, text, (size_t)len) == 0;
}

void put_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0);
    CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    CHECK(close(fd) == 0);
}

int shell(const char *with, const char *command)
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        execlp(with, with, "-c", command, (char *)NULL);
        _exit(127);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void check_basics(void)
{
    char bytes[64] = {0};
    int fd = open("f", O_RDWR | O_CREAT, 0640);
    CHECK(fd >= 0);
    CHECK(write(fd, "hello", 5) == 5);
    CHECK(holds(other("f"), "hello"));
    CHECK(pwrite(fd, "HE", 2, 0) == 2);
    CHECK(pwrite(fd, "!", 1, 7) == 1);
    CHECK(pread(fd, bytes, sizeof bytes, 0) == 8);
    CHECK(memcmp(bytes, "HEllo\0\0!", 8) == 0);
    CHECK(ftruncate(fd, 3) == 0);
    CHECK(holds("f", "HEl") && holds(other("f"), "HEl"));
    CHECK(fsync(fd) == 0 && fdatasync(fd) == 0);
    CHECK(close(fd) == 0);

    struct stat one, two;
    CHECK(stat("f", &one) == 0 && stat(other("f"), &two) == 0);
    CHECK(one.st_ino == two.st_ino && one.st_size == 3 && one.st_nlink == 1);
    CHECK(one.st_mode == (S_IFREG | 0640) && one.st_uid == getuid() && one.st_gid == getgid());
    CHECK(one.st_blksize >= 128 * 1024 && one.st_blocks == 1);
    CHECK(one.st_mtim.tv_nsec == two.st_mtim.tv_nsec && one.st_mtime > 1600000000);

    /* A change by the other mount is seen through a descriptor that is open here. */
    fd = open("f", O_RDONLY);
    CHECK(pread(fd, bytes, sizeof bytes, 0) == 3);
    put_text(other("f"), "ABC");
    CHECK(pread(fd, bytes, sizeof bytes, 0) == 3 && memcmp(bytes, "ABC", 3) == 0);
    CHECK(close(fd) == 0);
    CHECK(unlink(other("f")) == 0);
    CHECK_ERROR(stat("f", &one), ENOENT);
}

void check_names(void)
{
    char target[64] = {0}, long_name[300];
    CHECK(mkdir("d", 0750) == 0);
    CHECK_ERROR(mkdir("d", 0750), EEXIST);
    struct stat stat_now;
    CHECK(stat(other("d"), &stat_now) == 0);
    CHECK(stat_now.st_mode == (S_IFDIR | 0750) && stat_now.st_nlink == 2);
    CHECK(symlink("d/x", "l") == 0);
    CHECK(readlink(other("l"), target, sizeof target) == 3 && strcmp(target, "d/x") == 0);
    put_text("l", "through a link");
    CHECK(holds(other("d/x"), "through a link"));
    CHECK(link("d/x", "hard") == 0);
    CHECK(stat(other("hard"), &stat_now) == 0 && stat_now.st_nlink == 2);
    CHECK_ERROR(link("d/x", "hard"), EEXIST);
    CHECK_ERROR(rmdir("d"), ENOTEMPTY);
    CHECK_ERROR(unlink("d"), EISDIR);
    CHECK_ERROR(rmdir("hard"), ENOTDIR);

    memset(long_name, 'n', sizeof long_name);
    long_name[299] = '\0';
    CHECK_ERROR(stat(long_name, &stat_now), ENAMETOOLONG);
    CHECK_ERROR(mkdir(long_name, 0755), ENAMETOOLONG);
    long_name[255] = '\0';
    CHECK(mkdir(long_name, 0755) == 0 && rmdir(other(long_name)) == 0);
    CHECK(mkdir("d/sub", 0755) == 0 && chdir("d/sub") == 0 && rmdir(other("d/sub")) == 0);
    CHECK(open("new", O_CREAT | O_WRONLY, 0644) == -1 && (errno == ENOENT || errno == ESTALE));
}

void check_nodes(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct stat stat_now;
    CHECK(mkfifo("fifo", 0600) == 0 && stat(other("fifo"), &stat_now) == 0);
    CHECK(S_ISFIFO(stat_now.st_mode));
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(stat("socket", &stat_now) == 0 && S_ISSOCK(stat_now.st_mode));
    CHECK(mknod("null", S_IFCHR | 0666, makedev(1, 3)) == 0);
    CHECK(stat(other("null"), &stat_now) == 0);
    CHECK(S_ISCHR(stat_now.st_mode) && stat_now.st_rdev == makedev(1, 3));
    CHECK(close(fd) == 0);
}

void check_renames(void)
{
    put_text("a", "a");
    put_text("b", "b");
    CHECK_ERROR(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE), EEXIST);
    CHECK(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE) == 0);
    CHECK(holds("a", "b") && holds(other("b"), "a"));
    CHECK_ERROR(renameat2(AT_FDCWD, "a", AT_FDCWD, "none", RENAME_EXCHANGE), ENOENT);
    CHECK_ERROR(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_WHITEOUT), EINVAL);
    CHECK(rename("a", "b") == 0 && holds(other("b"), "b"));
    struct stat stat_now;
    CHECK_ERROR(stat("a", &stat_now), ENOENT);
    CHECK(mkdir("d", 0755) == 0 && mkdir("d/sub", 0755) == 0);
    CHECK_ERROR(rename("d", "d/sub/d"), EINVAL);
    CHECK(rename("d", "e") == 0 && stat(other("e/sub"), &stat_now) == 0);
}

void check_exclusive(void)
{
    int fd = open("lock", O_CREAT | O_EXCL | O_WRONLY, 0644);
    CHECK(fd >= 0);
    CHECK_ERROR(open(other("lock"), O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
    CHECK(close(fd) == 0);
    CHECK(shell("sh", "exec 2>/dev/null; set -C; ! echo x > lock && ! echo x > \"$M2/lock\"") == 0);
    CHECK(shell("sh", "mkdir ld && ! mkdir \"$M2/ld\" 2>/dev/null") == 0);
    CHECK(shell("sh", "ln -s x ll && ! ln -s x \"$M2/ll\" 2>/dev/null") == 0);
}

void check_unlinked(void)
{
    char bytes[16] = {0};
    put_text("f", "still here");
    int fd = open("f", O_RDWR);
    CHECK(fd >= 0);
    CHECK(unlink("f") == 0);
    struct stat stat_now;
    CHECK_ERROR(stat(other("f"), &stat_now), ENOENT);
    CHECK(read(fd, bytes, sizeof bytes) == 10 && memcmp(bytes, "still here", 10) == 0);
    CHECK(fstat(fd, &stat_now) == 0 && stat_now.st_nlink == 0);
    CHECK(pwrite(fd, "STILL", 5, 0) == 5 && pread(fd, bytes, 5, 0) == 5);
    CHECK(memcmp(bytes, "STILL", 5) == 0);
    CHECK(close(fd) == 0);

    put_text("f", "replaced");
    put_text("g", "new");
    fd = open("f", O_RDONLY);
    CHECK(rename("g", "f") == 0 && holds(other("f"), "new"));
    CHECK(read(fd, bytes, sizeof bytes) == 8 && memcmp(bytes, "replaced", 8) == 0);
    CHECK(close(fd) == 0);

    /* Another node removes it: its contents stay readable. */
    fd = open("f", O_RDWR);
    CHECK(unlink(other("f")) == 0);
    CHECK(read(fd, bytes, sizeof bytes) == 3 && memcmp(bytes, "new", 3) == 0);
    CHECK(fstat(fd, &stat_now) == 0 && stat_now.st_nlink == 0);
    CHECK_ERROR(write(fd, "x", 1), ESTALE);
    CHECK(close(fd) == 0);
}

void check_xattrs(void)
{
    char value[64] = {0};
    static char large[65536];
    put_text("f", "x");
    CHECK(setxattr("f", "user.color", "blue", 4, 0) == 0);
    CHECK_ERROR(setxattr("f", "user.color", "red", 3, XATTR_CREATE), EEXIST);
    CHECK_ERROR(setxattr("f", "user.none", "red", 3, XATTR_REPLACE), ENODATA);
    CHECK(setxattr(other("f"), "user.color", "red", 3, XATTR_REPLACE) == 0);
    CHECK(getxattr("f", "user.color", NULL, 0) == 3);
    CHECK(getxattr("f", "user.color", value, sizeof value) == 3 && memcmp(value, "red", 3) == 0);
    CHECK_ERROR(getxattr("f", "user.color", value, 2), ERANGE);
    CHECK(setxattr("f", "user.large", large, sizeof large, 0) == 0);
    CHECK(getxattr(other("f"), "user.large", large, sizeof large) == sizeof large);
    CHECK(listxattr("f", NULL, 0) == 22);
    CHECK(listxattr("f", value, sizeof value) == 22);
    CHECK(memcmp(value, "user.color\0user.large\0", 22) == 0);
    CHECK(removexattr("f", "user.color") == 0);
    CHECK_ERROR(removexattr("f", "user.color"), ENODATA);
    CHECK_ERROR(getxattr(other("f"), "user.color", value, sizeof value), ENODATA);
    CHECK_ERROR(getxattr("f", "system.posix_acl_access", value, sizeof value), EOPNOTSUPP);
    CHECK_ERROR(getxattr("f", "security.capability", value, sizeof value), EOPNOTSUPP);
}

void check_attributes(void)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                {.tv_sec = 1234567890, .tv_nsec = 123456789}};
    put_text("f", "x");
    struct stat stat_now;
    CHECK(chmod("f", 0600) == 0 && stat(other("f"), &stat_now) == 0);
    CHECK(stat_now.st_mode == (S_IFREG | 0600));
    CHECK(chown("f", 12, 34) == 0 && stat(other("f"), &stat_now) == 0);
    CHECK(stat_now.st_uid == 12 && stat_now.st_gid == 34);
    CHECK(utimensat(AT_FDCWD, "f", times, 0) == 0 && stat(other("f"), &stat_now) == 0);
    CHECK(stat_now.st_mtim.tv_sec == 1234567890 && stat_now.st_mtim.tv_nsec == 123456789);
    struct stat before = stat_now;
    times[0] = (struct timespec){.tv_sec = 1};
    times[1].tv_nsec = UTIME_OMIT;
    CHECK(utimensat(AT_FDCWD, "f", times, 0) == 0 && stat("f", &stat_now) == 0);
    CHECK(stat_now.st_mtim.tv_sec == before.st_mtim.tv_sec);
    times[1].tv_nsec = UTIME_NOW;
    CHECK(utimensat(AT_FDCWD, "f", times, 0) == 0 && stat("f", &stat_now) == 0);
    CHECK(stat_now.st_mtim.tv_sec > before.st_mtim.tv_sec + 1000);

    /* Changes of data always change mtime, and a time that is set after open(O_TRUNC) stays. */
    CHECK(stat("f", &before) == 0);
    put_text("f", "y");
    CHECK(stat("f", &stat_now) == 0);
    CHECK(stat_now.st_mtim.tv_sec != before.st_mtim.tv_sec ||
          stat_now.st_mtim.tv_nsec != before.st_mtim.tv_nsec);
    int fd = open("f", O_WRONLY | O_TRUNC);
    times[1] = (struct timespec){.tv_sec = 1000000000};
    CHECK(futimens(fd, times) == 0 && close(fd) == 0);
    CHECK(stat("f", &stat_now) == 0 && stat_now.st_mtime == 1000000000 && stat_now.st_size == 0);
}

static void as_user(uid_t uid, fs_check *check)
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        CHECK(setgid(uid) == 0 && setuid(uid) == 0);
        check();
        _exit(0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Files of mode 06777, each for one change by somebody who may write them. */
static const char *const suids[] = {"write", "truncate", "empty", "allocate",
                                    "keep",  "punch",    "zero"};
enum { SUIDS = sizeof suids / sizeof *suids };

static void write_as_somebody(void)
{
    int fds[SUIDS];
    for (int i = 0; i < SUIDS; i++) {
        fds[i] = open(suids[i], strcmp(suids[i], "empty") == 0 ? O_WRONLY | O_TRUNC : O_WRONLY);
        CHECK(fds[i] >= 0);
    }
    CHECK(write(fds[0], "z", 1) == 1);
    CHECK(ftruncate(fds[1], 0) == 0);
    CHECK(close(fds[2]) == 0);
    CHECK(fallocate(fds[3], 0, 0, 1) == 0);
    CHECK(fallocate(fds[4], FALLOC_FL_KEEP_SIZE, 0, 1) == 0);
    CHECK(fallocate(fds[5], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1) == 0);
    CHECK(fallocate(fds[6], FALLOC_FL_ZERO_RANGE, 0, 1) == 0);
    CHECK(truncate("sgid", 0) == 0);
    CHECK(chown("root's", (uid_t)-1, (gid_t)-1) == 0);
    CHECK_ERROR(open("private", O_RDONLY), EACCES);
    CHECK_ERROR(unlink("sticky/f"), EPERM);
    CHECK(mkdir("sticky/mine", 0700) == 0);
}

static mode_t check_mode(const char *name)
{
    struct stat stat_now;
    CHECK(stat(name, &stat_now) == 0 && S_ISREG(stat_now.st_mode));
    return stat_now.st_mode & ALLPERMS;
}

void check_privileges(void)
{
    for (int i = 0; i < SUIDS; i++) {
        put_text(suids[i], "x");
        CHECK(chmod(suids[i], 06777) == 0);
    }
    put_text("sgid", "x");
    put_text("root's", "x");
    put_text("private", "x");
    CHECK(chmod("private", 0600) == 0 && chmod("sgid", 02666) == 0 && chmod("root's", 06777) == 0);
    CHECK(mkdir("sticky", 0777) == 0 && chmod("sticky", 01777) == 0);
    put_text("sticky/f", "x");
    as_user(65534, write_as_somebody);
    for (int i = 0; i < SUIDS; i++)
        CHECK(check_mode(suids[i]) == 0777);
    CHECK(check_mode("sgid") == 0666);
    CHECK(check_mode("root's") == 06777);
    struct stat stat_now;
    CHECK(stat("sticky/mine", &stat_now) == 0 && stat_now.st_uid == 65534);
    CHECK(chmod("write", 06755) == 0 && chown("write", 1, 1) == 0 && check_mode("write") == 0755);
}

static bool mtime_moves(const char *name, int mode, off_t offset, off_t length)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000}};
    struct stat stat_now;
    int fd = open(name, O_RDWR);
    CHECK(fd >= 0 && futimens(fd, times) == 0);
    CHECK(fallocate(fd, mode, offset, length) == 0);
    CHECK(fstat(fd, &stat_now) == 0 && close(fd) == 0);
    return stat_now.st_mtime > 1000;
}

/* By root, whose changes of contents leave rights alone. */
void check_changes_by_root(void)
{
    put_text("f", "x");
    CHECK(chmod("f", 06777) == 0);
    put_text("f", "y");
    CHECK(truncate("f", 1) == 0 && check_mode("f") == 06777);
    CHECK(mtime_moves("f", 0, 0, 1));
    CHECK(mtime_moves("f", FALLOC_FL_KEEP_SIZE, 0, 1));
    CHECK(mtime_moves("f", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5, 1));
    CHECK(check_mode("f") == 06777);
    struct stat before, after;
    CHECK(stat("f", &before) == 0 && chown("f", (uid_t)-1, (gid_t)-1) == 0);
    CHECK(check_mode("f") == 0777 && stat("f", &after) == 0);
    CHECK(before.st_ctim.tv_sec != after.st_ctim.tv_sec ||
          before.st_ctim.tv_nsec != after.st_ctim.tv_nsec);
    CHECK(before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
}

void check_holes(void)
{
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    off_t far = (off_t)5 << 30;
    CHECK(fd >= 0);
    CHECK(pwrite(fd, "end", 3, far) == 3);
    struct stat stat_now;
    CHECK(stat(other("f"), &stat_now) == 0 && stat_now.st_size == far + 3);
    CHECK(stat_now.st_blocks < 10000);
    char bytes[16];
    CHECK(pread(fd, bytes, 3, far) == 3 && memcmp(bytes, "end", 3) == 0);
    CHECK(pread(fd, bytes, 3, 1 << 30) == 3 && memcmp(bytes, "\0\0\0", 3) == 0);
    CHECK(lseek(fd, 0, SEEK_DATA) > 0 && lseek(fd, 0, SEEK_DATA) <= far);
    CHECK(lseek(fd, 0, SEEK_HOLE) == 0);
    CHECK(lseek(fd, 0, SEEK_END) == far + 3);
    CHECK_ERROR(lseek(fd, far + 3, SEEK_DATA), ENXIO);

    CHECK(ftruncate(fd, 10) == 0);
    CHECK(fallocate(fd, 0, 0, 100) == 0 && fstat(fd, &stat_now) == 0 && stat_now.st_size == 100);
    CHECK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1000) == 0 && fstat(fd, &stat_now) == 0);
    CHECK(stat_now.st_size == 100);
    CHECK(pwrite(fd, "0123456789", 10, 0) == 10);
    CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2, 3) == 0);
    CHECK(pread(fd, bytes, 10, 0) == 10 && memcmp(bytes,
                                                  "01\0\0\0"
                                                  "56789",
                                                  10) == 0);
    CHECK(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 10) == 0);
    CHECK_ERROR(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096), EOPNOTSUPP);
    CHECK_ERROR(ftruncate(fd, ((off_t)1 << 40) + 1), EFBIG);
    CHECK_ERROR(pwrite(fd, "x", 1, (off_t)1 << 40), EFBIG);
    CHECK(close(fd) == 0);
}

static void check_lock_is_told(void)
{
    struct quorumfs_lock_held held;
    char text[256] = "";
    int fd = open("f", O_RDWR), other = open("f", O_RDWR);
    CHECK_ERROR(ioctl(fd, QUORUMFS_LOCK_HELD, &held), ENOLCK);
    CHECK(flock(fd, LOCK_EX) == 0);
    CHECK(ioctl(fd, QUORUMFS_LOCK_HELD, &held) == 0 && held.token > 0 && held.left_ms == 4321);
    CHECK_ERROR(ioctl(other, QUORUMFS_LOCK_HELD, &held), ENOLCK);
    CHECK_ERROR(ioctl(fd, FIGETBSZ + 1, &held), ENOTTY);
    int locks = open(".quorumfs/locks", O_RDONLY);
    CHECK(read(locks, text, sizeof text - 1) > 0);
    char mode[16], path[16];
    unsigned long token;
    unsigned int pid;
    CHECK(sscanf(text, "holds %lu flock %15s 0-end 1 %u %*s %15s", &token, mode, &pid, path) == 4);
    CHECK(token == held.token && pid == (unsigned int)getpid() && strcmp(mode, "exclusive") == 0 &&
          strcmp(path, "f") == 0);
    CHECK(close(locks) == 0 && close(fd) == 0 && close(other) == 0);
    locks = open(".quorumfs/locks", O_RDONLY);
    CHECK(read(locks, text, sizeof text) == 0 && close(locks) == 0);
    int session = open(".quorumfs/session", O_RDONLY);
    CHECK(read(session, text, sizeof text) == 5 && memcmp(text, "4321\n", 5) == 0);
    CHECK(close(session) == 0);
}

/* The answer is one from before a snapshot, in which the lock was lost already: it is asked for
 * again. */
static void check_lock_of_an_old_answer(void)
{
    struct quorumfs_lock_held held;
    int fd = open(other("f"), O_RDWR);
    atomic_store(&control->overtaken, true);
    CHECK(flock(fd, LOCK_EX) == 0 && !atomic_load(&control->overtaken));
    CHECK(ioctl(fd, QUORUMFS_LOCK_HELD, &held) == 0 && held.token > 0);
    CHECK(write(fd, "x", 1) == 1 && close(fd) == 0);
}

/* Between nodes: tests/cluster/test_files_locks.py. */
void check_locks(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10}, found = lock;
    int fd = open("f", O_RDWR | O_CREAT, 0644), again = open("f", O_RDWR);
    CHECK(flock(fd, LOCK_SH) == 0 && flock(again, LOCK_SH | LOCK_NB) == 0);
    CHECK_ERROR(flock(again, LOCK_EX | LOCK_NB), EAGAIN);
    CHECK(close(fd) == 0);
    CHECK(flock(again, LOCK_EX | LOCK_NB) == 0);
    CHECK(flock(again, LOCK_UN) == 0);
    fd = open("f", O_RDWR);
    CHECK(fcntl(fd, F_OFD_SETLK, &lock) == 0);
    CHECK_ERROR(fcntl(again, F_OFD_SETLK, &lock), EAGAIN);
    CHECK(fcntl(again, F_OFD_GETLK, &found) == 0 && found.l_type == F_WRLCK && found.l_len == 10);
    found = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 10};
    CHECK(fcntl(again, F_OFD_GETLK, &found) == 0 && found.l_type == F_UNLCK);
    CHECK(close(fd) == 0);
    CHECK(fcntl(again, F_SETLK, &lock) == 0);
    CHECK(close(again) == 0);
    check_lock_is_told();
    check_lock_of_an_old_answer();
    fd = open("x-shm", O_RDWR | O_CREAT, 0644); /* shared memory of SQLite */
    CHECK_ERROR(fcntl(fd, F_SETLK, &lock), ENOLCK);
    CHECK(flock(fd, LOCK_EX) == 0);
    CHECK(close(fd) == 0 && unlink("x-shm") == 0);
}

void check_mapping(void)
{
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    int writer = open("f", O_WRONLY);
    CHECK(fd >= 0 && writer >= 0 && ftruncate(fd, 8192) == 0);
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED);
    memcpy(map + 4096, "mapped", 7);
    CHECK(msync(map, 8192, MS_SYNC) == 0);
    CHECK(pwrite(writer, "written", 8, 0) == 8);
    CHECK(strcmp(map, "written") == 0);
    CHECK(munmap(map, 8192) == 0 && close(fd) == 0 && close(writer) == 0);
    fd = open(other("f"), O_RDONLY);
    map = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED && strcmp(map, "written") == 0 && strcmp(map + 4096, "mapped") == 0);
}

void check_make_file(void)
{
    put_text("f", "old");
}

void check_write_stalled(void)
{
    int fd = open("f", O_WRONLY);
    CHECK(fd >= 0);
    atomic_store(&control->stalled, true);
    CHECK(write(fd, "new", 3) == 3);
}

void check_umount(void)
{
    CHECK(chdir("/") == 0);
    CHECK(umount(mounts[1]) == 0);
}
