#include "verbs/lock_keeper.h"

#include "base/lock_held.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    ASK_MS = 50, /* between two questions to the node */
    TOKEN_TEXT_MAX = 24,
    STATUS_NOT_FOUND = 127, /* as a shell has them */
    STATUS_NOT_RUN = 126,
};

uint64_t lock_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- The keeper ---- */

/* What the command gets with the file. */
struct grant {
    uint64_t token, until_ms;
};

struct ends {
    int news, give, over;
};

static void keeper_tells(const struct ends *ends, struct lock_news news)
{
    if (write(ends->news, &news, sizeof news) != sizeof news)
        _exit(1); /* the supervisor has gone */
}

static void keeper_fails(const struct ends *ends, const char *call)
{
    struct lock_news news = {.kind = errno == EWOULDBLOCK ? LOCK_TAKEN : LOCK_FAILED,
                             .error = errno};
    snprintf(news.call, sizeof news.call, "%s", call);
    keeper_tells(ends, news);
    _exit(1);
}

static int open_file(const struct ends *ends, const char *path)
{
    struct quorumfs_lock_held held;
    struct stat about;
    int fd = open(path, O_RDONLY | O_CREAT | O_NOCTTY | O_CLOEXEC, 0666);
    if (fd < 0 && errno != EISDIR)
        keeper_fails(ends, "open");
    bool alien = fd < 0 || fstat(fd, &about) < 0 || !S_ISREG(about.st_mode) ||
                 (ioctl(fd, QUORUMFS_LOCK_HELD, &held) < 0 && errno == ENOTTY);
    if (alien) {
        keeper_tells(ends, (struct lock_news){.kind = LOCK_ALIEN});
        _exit(1);
    }
    return fd;
}

/* Asks the node. The lock stands for so long from before the question. */
static struct lock_news ask(int fd, uint64_t *token)
{
    struct quorumfs_lock_held held;
    uint64_t asked_ms = lock_now_ms();
    if (ioctl(fd, QUORUMFS_LOCK_HELD, &held) < 0)
        return (struct lock_news){
            .kind = errno == EIO || errno == ENOLCK ? LOCK_LOST : LOCK_NODE_GONE, .error = errno};
    *token = held.token;
    return (struct lock_news){
        .kind = LOCK_STANDS, .left_ms = held.left_ms, .until_ms = asked_ms + held.left_ms};
}

static void give(const struct ends *ends, int fd, struct grant grant)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS,
                            .cmsg_len = CMSG_LEN(sizeof fd)}};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    struct iovec part = {&grant, sizeof grant};
    const struct msghdr message = {.msg_iov = &part,
                                   .msg_iovlen = 1,
                                   .msg_control = &control,
                                   .msg_controllen = sizeof control.bytes};
    sendmsg(ends->give, &message, MSG_NOSIGNAL);
    close(ends->give);
}

/* Whether the supervisor has closed its end within that time. */
static bool is_over(const struct ends *ends, int ms)
{
    struct pollfd over = {.fd = ends->over, .events = POLLIN};
    return poll(&over, 1, ms) > 0;
}

static void keep(const struct lock_order *order, const struct ends *ends)
{
    uint64_t token = 0;
    int fd = open_file(ends, order->file);
    if (flock(fd, (order->shared ? LOCK_SH : LOCK_EX) | (order->at_once ? LOCK_NB : 0)) < 0)
        keeper_fails(ends, "lock");
    struct lock_news news = ask(fd, &token);
    while (news.kind == LOCK_STANDS && news.left_ms == 0 && !is_over(ends, ASK_MS))
        news = ask(fd, &token); /* the node has just started */
    keeper_tells(ends, news);
    if (news.kind == LOCK_STANDS)
        give(ends, fd, (struct grant){token, news.until_ms});
    while (news.kind == LOCK_STANDS && !is_over(ends, ASK_MS)) {
        news = ask(fd, &token);
        keeper_tells(ends, news);
    }
    if (news.kind == LOCK_STANDS)
        flock(fd, LOCK_UN); /* whoever still has the file open */
}

/* ---- The command ---- */

/* The locked file, which stays open for the command. Negative: there is none. */
static int take(int from, struct grant *grant)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {grant, sizeof *grant};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control.bytes};
    int fd = -1;
    ssize_t got = recvmsg(from, &message, 0);
    const struct cmsghdr *header = got == sizeof *grant ? CMSG_FIRSTHDR(&message) : NULL;
    if (header && header->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

static void run(const struct lock_order *order, int from)
{
    struct grant grant;
    char token[TOKEN_TEXT_MAX];
    if (take(from, &grant) < 0 || lock_now_ms() >= grant.until_ms)
        return;
    snprintf(token, sizeof token, "%llu", (unsigned long long)grant.token);
    setenv("QUORUMFS_TOKEN", token, 1);
    sigprocmask(SIG_SETMASK, &order->signals, NULL);
    execvp(order->command[0], order->command);
    int error = errno;
    fprintf(stderr, "quorumfs lock: %s: %s\n", order->command[0], strerror(error));
    _exit(error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUN);
}

/* ---- Both ---- */

/* A child that ends with its parent. */
static int fork_child(void)
{
    int parent = getpid();
    int pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    return 0;
}

/* In a group of its own, which can be ended whole; if the terminal was the supervisor's, it is the
 * command's now. */
static void lead_group(void)
{
    bool terminal = tcgetpgrp(STDIN_FILENO) == getpgrp();
    setpgid(0, 0);
    if (terminal)
        tcsetpgrp(STDIN_FILENO, getpgrp());
}

int lock_keeper_start(const struct lock_order *order, struct lock_keeper *keeper)
{
    int news[2], over[2], handing[2];
    if (pipe2(news, O_CLOEXEC) < 0 || pipe2(over, O_CLOEXEC) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, handing) < 0)
        return -errno;
    keeper->pid = fork_child();
    if (keeper->pid == 0) {
        close(news[0]);
        close(over[1]);
        close(handing[1]);
        keep(order, &(struct ends){news[1], handing[0], over[0]});
        _exit(0);
    }
    close(handing[0]);
    close(over[0]);
    close(news[1]);
    keeper->command_pid = keeper->pid < 0 ? -1 : fork_child();
    if (keeper->command_pid == 0) {
        lead_group();
        close(over[1]);
        run(order, handing[1]);
        _exit(LOCK_STATUS_LOST);
    }
    int status = keeper->command_pid < 0 ? -errno : 0;
    close(handing[1]);
    keeper->news = news[0];
    keeper->over = over[1];
    return status;
}
