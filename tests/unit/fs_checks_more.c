/* Appending across mounts, directories, .quorumfs, no quorum, and whole programs. */
#include "fs_checks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { APPENDS = 2000, ENTRIES = 3000, RACES = 100 };

/* How many log entries a shell command makes. */
static unsigned long commands_of(const char *with, const char *command)
{
    unsigned long before = atomic_load(&control->commands);
    CHECK(shell(with, command) == 0);
    return atomic_load(&control->commands) - before;
}

void check_shell_commands(void)
{
    static const char *const shells[] = {"sh", "bash"};
    for (int i = 0; i < 2; i++) {
        CHECK(commands_of(shells[i], "echo x > f") <= 2 && holds(other("f"), "x\n"));
        CHECK(commands_of(shells[i], "echo y > f") == 2 && holds(other("f"), "y\n"));
        CHECK(commands_of(shells[i], "/bin/echo y > f") == 2 && holds(other("f"), "y\n"));
        CHECK(commands_of(shells[i], "echo z >> f") == 1 && holds(other("f"), "y\nz\n"));
        CHECK(commands_of(shells[i], "cat > f <<end\nhere\nend\n") == 2 &&
              holds(other("f"), "here\n"));
        CHECK(commands_of(shells[i], "echo b > \"$M2/g\"; cp \"$M2/g\" f") <= 4 &&
              holds("f", "b\n"));
        CHECK(commands_of(shells[i], "echo c > f; cp f \"$M2/g\"") == 4 && holds("g", "c\n"));
        CHECK(commands_of(shells[i], ": > f") == 1 && holds(other("f"), ""));
        CHECK(commands_of(shells[i], "{ echo a; echo b; } > f") == 3 &&
              holds(other("f"), "a\nb\n"));
        CHECK(commands_of(shells[i], "echo d | tee f > /dev/null") == 2 &&
              holds(other("f"), "d\n"));
        CHECK(commands_of(shells[i], "exec 3>f; echo e >&3; echo f >&3") == 3 &&
              holds("f", "e\nf\n"));
        CHECK(commands_of(shells[i], "rm f g") == 2);
    }
}

static void append(const char *path, char who)
{
    char line[32];
    for (int i = 0; i < APPENDS; i++) {
        int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
        int len = snprintf(line, sizeof line, "%c%d\n", who, i);
        CHECK(fd >= 0 && write(fd, line, (size_t)len) == len && close(fd) == 0);
    }
    _exit(0);
}

/* Reads through its own handle what both have appended, and finds only whole lines, in order. */
static void check_log(const char *path, int *ones, int *twos)
{
    FILE *log = fopen(path, "r");
    int number, next[2] = {0};
    CHECK(log);
    char who;
    while (fscanf(log, "%c%d\n", &who, &number) == 2) {
        CHECK(who == 'a' || who == 'b');
        CHECK(number == next[who - 'a']);
        next[who - 'a']++;
    }
    CHECK(feof(log));
    fclose(log);
    *ones = next[0];
    *twos = next[1];
}

/* Before Linux 6.6 reading while others append goes through the page cache: fs_wants_direct_io. */
static int reads_are_direct(void)
{
    struct utsname kernel;
    int major, minor;
    CHECK(uname(&kernel) == 0 && sscanf(kernel.release, "%d.%d", &major, &minor) == 2);
    return major > 6 || (major == 6 && minor >= 6);
}

/* Two processes append through two mounts while this one reads through both. */
static void check_appenders(void)
{
    int ones = 0, twos = 0, last = 0, status;
    char path[MOUNTS][4096];
    pid_t pids[2];
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/log", mounts[i]);
        pids[i] = fork();
        CHECK(pids[i] >= 0);
        if (pids[i] == 0)
            append(path[i], (char)('a' + i));
    }
    while (access(path[0], F_OK) != 0)
        usleep(1000);
    while (reads_are_direct() && (ones < APPENDS || twos < APPENDS)) {
        check_log(path[last & 1], &ones, &twos);
        last++;
    }
    for (int i = 0; i < 2; i++)
        CHECK(waitpid(pids[i], &status, 0) == pids[i] && WIFEXITED(status) &&
              WEXITSTATUS(status) == 0);
    check_log(path[0], &ones, &twos);
    CHECK(ones == APPENDS && twos == APPENDS);
}

void check_append(void)
{
    int fd = open("both", O_RDWR | O_CREAT | O_APPEND, 0644);
    char bytes[16] = {0};
    check_appenders();
    /* One handle that reads and appends, and another node that appends in between. */
    CHECK(fd >= 0 && write(fd, "1", 1) == 1);
    CHECK(shell("sh", "printf 22 >> \"$M2/both\"") == 0);
    CHECK(write(fd, "3", 1) == 1);
    CHECK(pread(fd, bytes, sizeof bytes, 0) == 4 && memcmp(bytes, "1223", 4) == 0);
    CHECK(holds("both", "1223") && holds(other("both"), "1223"));
    CHECK(close(fd) == 0);
}

/* Both mounts create the same names at once, without O_EXCL: both must be given the one file. */
static void create_all(const char *mount)
{
    char path[4096];
    for (int i = 0; i < RACES; i++) {
        snprintf(path, sizeof path, "%s/race%d", mount, i);
        int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
        CHECK(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
    }
    _exit(0);
}

void check_create_race(void)
{
    pid_t pids[2];
    for (int i = 0; i < 2; i++) {
        pids[i] = fork();
        CHECK(pids[i] >= 0);
        if (pids[i] == 0)
            create_all(mounts[i]);
    }
    int status;
    for (int i = 0; i < 2; i++)
        CHECK(waitpid(pids[i], &status, 0) == pids[i] && WIFEXITED(status) &&
              WEXITSTATUS(status) == 0);
    for (int i = 0; i < RACES; i++) {
        char name[32];
        snprintf(name, sizeof name, "race%d", i);
        CHECK(holds(name, "xx"));
    }
}

static int count_entries(DIR *dir)
{
    int count = 0;
    while (readdir(dir))
        count++;
    return count;
}

void check_directories(void)
{
    long middle = 0;
    char after[256] = "";
    CHECK(mkdir("d", 0755) == 0);
    char name[64];
    for (int i = 0; i < ENTRIES; i++) {
        snprintf(name, sizeof name, "d/entry %d", i);
        CHECK(mknod(name, S_IFREG | 0644, 0) == 0);
    }
    DIR *dir = opendir("d");
    DIR *second = opendir(other("d"));
    CHECK(dir && second);
    CHECK(count_entries(second) == ENTRIES + 2);
    rewinddir(second);

    struct dirent *entry;
    /* Half of it is read, and a place in it remembered; then all that was read is removed. */
    for (int i = 0; i < ENTRIES / 2; i++) {
        entry = readdir(dir);
        CHECK(entry);
        if (i == 100) {
            middle = telldir(dir);
            entry = readdir(dir);
            CHECK(entry);
            strcpy(after, entry->d_name);
        }
        snprintf(name, sizeof name, "d/%s", entry->d_name);
        if (entry->d_name[0] != '.' && i != 100)
            CHECK(unlink(name) == 0);
    }
    seekdir(dir, middle);
    entry = readdir(dir);
    CHECK(entry && strcmp(entry->d_name, after) == 0);
    closedir(dir);

    while ((entry = readdir(second))) { /* as rm -r does */
        snprintf(name, sizeof name, "d/%s", entry->d_name);
        if (entry->d_name[0] != '.')
            CHECK(unlink(name) == 0 || errno == ENOENT);
    }
    closedir(second);
    CHECK(rmdir(other("d")) == 0);

    CHECK(
        shell("sh",
              "mkdir -p a/b/c; touch a/b/c/f; ls -la a/b | grep -q c && test $(find . | wc -l) = 5 "
              "&& "
              "test $(find \"$M2/a\" -type d | wc -l) = 3 && rm -rf a && test -z \"$(ls -A .)\"") ==
        0);
}

/* A file handle; freed with the process. */
static struct file_handle *handle_of(const char *path)
{
    struct file_handle *handle = calloc(1, sizeof *handle + MAX_HANDLE_SZ);
    int mount;
    CHECK(handle);
    handle->handle_bytes = MAX_HANDLE_SZ;
    CHECK(name_to_handle_at(AT_FDCWD, path, handle, &mount, 0) == 0);
    return handle;
}

/* At the other mount, whose kernel does not know these inodes yet. */
static int open_handle(struct file_handle *handle, int flags)
{
    int mount = open(mounts[1], O_RDONLY | O_DIRECTORY);
    CHECK(mount >= 0);
    return open_by_handle_at(mount, handle, flags);
}

void check_handles(void)
{
    char bytes[16], link[64], path[4096];
    CHECK(mkdir("d", 0755) == 0 && mkdir("d/e", 0755) == 0);
    put_text("d/e/f", "by handle");
    int fd = open_handle(handle_of("d/e/f"), O_RDONLY);
    CHECK(fd >= 0 && read(fd, bytes, sizeof bytes) == 9 && memcmp(bytes, "by handle", 9) == 0);
    fd = open_handle(handle_of("d/e"), O_RDONLY | O_DIRECTORY);
    CHECK(fd >= 0 && snprintf(link, sizeof link, "/proc/self/fd/%d", fd) > 0);
    ssize_t len = readlink(link, path, sizeof path - 1);
    CHECK(len > 0);
    path[len] = '\0';
    CHECK(strcmp(path, other("d/e")) == 0);
    CHECK(open_handle(handle_of(".quorumfs/version"), O_RDONLY) >= 0);
    put_text("gone", "x");
    struct file_handle *gone = handle_of("gone");
    CHECK(unlink("gone") == 0);
    CHECK_ERROR(open_handle(gone, O_RDONLY), ESTALE);
}

void check_special(void)
{
    put_text("f", "x");
    CHECK(shell("sh", "cat .quorumfs/version | grep -q '^quorumfs [0-9]'") == 0);
    CHECK(shell("sh", "cat .quorumfs/status | grep -q '{'") == 0);
    CHECK(shell("sh", "test -z \"$(cat .quorumfs/why)\"") == 0);
    CHECK(shell("sh",
                "test \"$(ls .quorumfs | tr '\\n' ' ')\" = 'ephemeral local locks session status "
                "version watch why '") == 0);
    CHECK(shell("sh", "test \"$(ls -A)\" = f && test \"$(ls -lA .quorumfs/local | wc -l)\" = 2") ==
          0);
    CHECK(shell("sh", "mkdir d; echo y > d/g; test \"$(cat .quorumfs/local/d/g)\" = y") == 0);
    CHECK(shell("sh", "cd .quorumfs/local/d/.. && test -e f && cd ../.. && test -e f") == 0);
    struct stat stat_now;
    CHECK(stat(".quorumfs/local", &stat_now) == 0 && S_ISDIR(stat_now.st_mode));
    CHECK_ERROR(mkdir(".quorumfs", 0755), EEXIST);
    CHECK_ERROR(rmdir(".quorumfs"), EPERM);
    CHECK_ERROR(rename(".quorumfs", "q"), EPERM);
    CHECK_ERROR(rename("f", ".quorumfs/f"), EROFS);
    CHECK_ERROR(rename("f", ".quorumfs/local/f2"), EROFS);
    CHECK_ERROR(unlink(".quorumfs/local/f"), EROFS);
    CHECK_ERROR(unlink(".quorumfs/why"), EROFS);
    CHECK_ERROR(open(".quorumfs/local/f", O_WRONLY), EROFS);
    CHECK_ERROR(open(".quorumfs/new", O_WRONLY | O_CREAT, 0644), EROFS);
    CHECK_ERROR(chmod(".quorumfs/local/f", 0600), EROFS);
    CHECK_ERROR(link(".quorumfs/local/f", "hard"), EROFS);
    CHECK_ERROR(stat(".quorumfs/none", &stat_now), ENOENT);
    struct statvfs statvfs_now;
    CHECK(statvfs(".", &statvfs_now) == 0 && statvfs_now.f_namemax == 255);
    CHECK(statvfs_now.f_blocks > 0 && statvfs_now.f_files > 3);
}

/* The kernel does not say what it looks up a name for: one that exists gets EIO, another one EROFS.
 */
void check_no_quorum(void)
{
    put_text("f", "x");
    CHECK(mkdir("d", 0755) == 0);
    int fd = open("f", O_RDWR), folder = open("d", O_RDONLY | O_DIRECTORY);
    unsigned long before = atomic_load(&control->commands);
    atomic_store(&control->outcome, REPLICA_NO_QUORUM);
    CHECK_ERROR(write(fd, "y", 1), EROFS);
    CHECK_ERROR(ftruncate(fd, 0), EROFS);
    CHECK_ERROR(fchmod(fd, 0600), EROFS);
    struct stat stat_now;
    char bytes[16];
    CHECK(shell("sh", "grep -q quorum .quorumfs/why") == 0);
    CHECK(shell("sh", "test \"$(cat .quorumfs/local/f)\" = x && ls .quorumfs/local > /dev/null") ==
          0);
    CHECK_ERROR(pread(fd, bytes, 1, 0), EIO);
    CHECK_ERROR(fstat(fd, &stat_now), EIO);
    for (int i = 0; i < 2; i++) { /* the second time the kernel has forgotten the names */
        CHECK_ERROR(stat("f", &stat_now), EIO);
        CHECK_ERROR(open("f", O_RDONLY), EIO);
        CHECK(!opendir("d") && errno == EIO);
        CHECK_ERROR(mkdir("new", 0755), EROFS);
        CHECK_ERROR(open("new", O_WRONLY | O_CREAT, 0644), EROFS);
        CHECK_ERROR(symlink("f", "new"), EROFS);
        CHECK_ERROR(mkfifo("new", 0600), EROFS);
        CHECK_ERROR(stat("unknown", &stat_now), EROFS);
        /* Nothing is said of a name, not even that it exists. */
        CHECK_ERROR(mkdir("d", 0755), EIO);
        CHECK_ERROR(open("f", O_WRONLY | O_CREAT | O_EXCL, 0644), EIO);
        CHECK_ERROR(open("f", O_PATH), EIO);
        CHECK_ERROR(open("f", O_WRONLY | O_CREAT | O_TRUNC, 0644), EIO);
        CHECK_ERROR(unlink("f"), EIO);
        CHECK_ERROR(rmdir("d"), EIO);
        CHECK_ERROR(rename("f", "new"), EIO);
        CHECK_ERROR(chmod("f", 0600), EIO);
    }
    atomic_store(&control->outcome, REPLICA_TIMEOUT);
    CHECK_ERROR(write(fd, "y", 1), EIO);
    CHECK_ERROR(mkdir("new", 0755), EIO);
    atomic_store(&control->outcome, REPLICA_BUSY);
    CHECK_ERROR(write(fd, "y", 1), EBUSY);
    atomic_store(&control->outcome, REPLICA_FULL);
    CHECK_ERROR(write(fd, "y", 1), ENOSPC);
    atomic_store(&control->outcome, REPLICA_STOPPING);
    CHECK_ERROR(write(fd, "y", 1), EROFS);
    atomic_store(&control->outcome, REPLICA_UNSUPPORTED);
    CHECK_ERROR(write(fd, "y", 1), EOPNOTSUPP);
    CHECK_ERROR(stat("f", &stat_now), EOPNOTSUPP);
    atomic_store(&control->outcome, REPLICA_DONE);
    CHECK(atomic_load(&control->commands) == before);
    CHECK(close(fd) == 0 && close(folder) == 0 && holds("f", "x"));

    fd = open("f", O_WRONLY | O_TRUNC);
    atomic_store(&control->outcome, REPLICA_NO_QUORUM);
    CHECK_ERROR(write(fd, "y", 1), EROFS);
    CHECK(close(fd) == 0);
    atomic_store(&control->outcome, REPLICA_DONE);
    CHECK(holds(other("f"), ""));
}

/* In a mount of root alone, the kernel does not ask for attributes to check permissions. */
void check_no_quorum_closed(void)
{
    CHECK(mkdir("d", 0755) == 0);
    int folder = open("d", O_RDONLY | O_DIRECTORY);
    atomic_store(&control->outcome, REPLICA_NO_QUORUM);
    CHECK_ERROR(mkdirat(folder, "new", 0755), EROFS);
    CHECK_ERROR(openat(folder, "new", O_WRONLY | O_CREAT, 0644), EROFS);
    CHECK_ERROR(symlinkat("x", folder, "new"), EROFS);
    CHECK_ERROR(fsetxattr(folder, "user.a", "", 0, 0), EROFS);
    CHECK_ERROR(mkdir("d/new", 0755), EIO);
    atomic_store(&control->outcome, REPLICA_DONE);
    CHECK(mkdirat(folder, "new", 0755) == 0 && close(folder) == 0);
}

void check_programs(void)
{
    CHECK(
        shell(
            "bash",
            "set -e; cp -a /etc/default d1; cp -a d1 \"$M2/d2\"; diff -r d1 d2; diff -r "
            "/etc/default d2;"
            "tar cf - d1 | tar xf - -C \"$(mkdir d3; echo d3)\"; diff -r d1 d3/d1;"
            "seq 1000 > n; sed -i s/500/five/ n; grep -q five \"$M2/n\"; mv -n n d1/n; mv d1/n n;"
            "install -m 600 n inst; test $(stat -c %a inst) = 600; truncate -s 3 n; "
            "test $(stat -c %s \"$M2/n\") = 3; dd if=/dev/urandom of=big bs=1M count=5 status=none;"
            "cmp big \"$M2/big\"; cp big \"$M2/big2\"; cmp big big2; head -c 100000 big >> big2;"
            "test $(stat -c %s big2) = 5342880; sort -R big2 > big3; df . > /dev/null;"
            "du -s . > /dev/null; rm -rf d1 d2 d3; ls \"$M2\" > /dev/null") == 0);
    if (shell("sh", "command -v git > /dev/null") == 0)
        CHECK(shell("bash",
                    "set -e; export HOME=/nonexistent GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b "
                    "GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b GIT_CONFIG_GLOBAL=/dev/null;"
                    "git -c init.defaultBranch=m init -q r; cd r; seq 100 > f; git add f; git "
                    "commit -qm 1;"
                    "seq 200 > f; git commit -qam 2; git gc -q; git fsck --no-progress; cd ..;"
                    "git clone -q r \"$M2/s\"; cd s; test $(git log --oneline | wc -l) = 2;"
                    "test -z \"$(git status --porcelain)\"") == 0);
}
