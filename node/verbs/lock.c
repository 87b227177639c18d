/* quorumfs lock [--shared] [--wait TIME] FILE -- COMMAND...: runs a command under flock(2) of a
 * file of a mount, and ends it before anybody else can get the lock.
 *
 * The node says for how long it believes in its session (base/lock_held.h), and stops an eighth of
 * `session_time` before the session can end. That time is counted here from before the question,
 * so a node that is stopped, killed or cut off cannot make it longer. Shortly before it is over the
 * command gets TERM, and when it is over KILL. */
#include "base/duration.h"
#include "verbs/lock_keeper.h"
#include "verbs/verb.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    STATUS_TAKEN = 1,   /* as flock(1) has it */
    STATUS_SIGNAL = 128 /* and the number of the signal */
};
enum {
    GRACE_MS = 1000,    /* between TERM and KILL, */
    GRACE_SHARE = 4,    /* or this part of what the lock can be sure of, if that is less */
    NODE_GONE_MS = 200, /* a node that starts again waits for longer (SESSION_REST_MS) */
    CHILD_MS = 200,     /* for a child that was killed, */
    CHILD_STEP_MS = 5,  /* and is looked at so often */
};

static const int passed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
enum { PASSED_ON = sizeof passed_on / sizeof *passed_on };

struct supervisor {
    struct lock_order order;
    struct lock_keeper keeper;
    int signals;         /* a signalfd */
    uint64_t wait_until; /* lock_now_ms; 0: as long as it takes */
    bool granted;
    uint64_t until_ms; /* the lock stands at least until then, */
    uint64_t left_max; /* which the node has said with this much at most */
    uint64_t term_ms;  /* TERM was sent then; 0: it was not */
    int signal;        /* that ended the wait */
    const char *lost;  /* why the lock is */
};

/* ---- Children ---- */

/* Whether it has ended within that time; `*status` is as waitpid(2) has it. */
static bool child_ends(int pid, uint64_t ms, int *status)
{
    uint64_t until_ms = lock_now_ms() + ms;
    for (;;) {
        int found = waitpid(pid, status, WNOHANG);
        if (found == pid || (found < 0 && errno == ECHILD))
            return true;
        if (lock_now_ms() >= until_ms)
            return false;
        poll(NULL, 0, CHILD_STEP_MS);
    }
}

/* Nothing of the command runs afterwards. A process can hang with its node while it ends; such a
 * one is not waited for. */
static void end_all(const struct supervisor *s)
{
    int status;
    kill(-s->keeper.command_pid, SIGKILL);
    kill(s->keeper.command_pid, SIGKILL); /* it may not lead its group yet */
    kill(s->keeper.pid, SIGKILL);
    child_ends(s->keeper.command_pid, CHILD_MS, &status);
}

static int ended_without_lock(const struct supervisor *s, int status)
{
    end_all(s);
    return status;
}

/* ---- Before the lock is there ---- */

static int refused(const struct supervisor *s, const struct lock_news *news)
{
    const char *file = s->order.file;
    switch (news->kind) {
    case LOCK_TAKEN:
        fprintf(stderr, "quorumfs lock: %s: another process has the lock\n", file);
        return STATUS_TAKEN;
    case LOCK_ALIEN:
        fprintf(stderr,
                "quorumfs lock: %s is not a file on a mount of quorumfs, or its node runs an "
                "earlier version\n",
                file);
        return VERB_USAGE;
    case LOCK_FAILED:
        fprintf(stderr, "quorumfs lock: %s: %s%s\n", file, strerror(news->error),
                news->error == ENOLCK || news->error == EROFS
                    ? ": .quorumfs/why of the mount may say why"
                    : "");
        return VERB_USAGE;
    default:
        fprintf(stderr, "quorumfs lock: %s: the lock was lost at once: %s\n", file,
                strerror(news->error));
        return LOCK_STATUS_LOST;
    }
}

/* ---- Supervision ---- */

static void terminate(struct supervisor *s, const char *why)
{
    if (s->term_ms)
        return;
    s->lost = why;
    s->term_ms = lock_now_ms();
    kill(-s->keeper.command_pid, SIGTERM);
    kill(-s->keeper.command_pid, SIGCONT);
}

static void follow(struct supervisor *s, const struct lock_news *news)
{
    uint64_t now_ms = lock_now_ms();
    switch (news->kind) {
    case LOCK_STANDS:
        s->granted = true;
        if (news->until_ms > s->until_ms)
            s->until_ms = news->until_ms;
        if (news->left_ms > s->left_max)
            s->left_max = news->left_ms;
        break;
    case LOCK_NODE_GONE:
        if (s->until_ms > now_ms + NODE_GONE_MS)
            s->until_ms = now_ms + NODE_GONE_MS;
        terminate(s, "its node has ended");
        break;
    default:
        s->until_ms = now_ms;
        terminate(s, "the session of its node has ended");
    }
}

static uint64_t grace_ms(const struct supervisor *s)
{
    uint64_t share = s->left_max / GRACE_SHARE;
    return share < GRACE_MS ? share : GRACE_MS;
}

/* When something has to be done next. */
static uint64_t next_ms(const struct supervisor *s)
{
    if (!s->granted)
        return s->wait_until ? s->wait_until : UINT64_MAX;
    if (!s->term_ms)
        return s->until_ms - grace_ms(s);
    return s->until_ms < s->term_ms + GRACE_MS ? s->until_ms : s->term_ms + GRACE_MS;
}

static int pause_ms(const struct supervisor *s)
{
    uint64_t now_ms = lock_now_ms(), at_ms = next_ms(s);
    if (at_ms == UINT64_MAX)
        return -1;
    return at_ms <= now_ms ? 0 : at_ms - now_ms > INT32_MAX ? INT32_MAX : (int)(at_ms - now_ms);
}

static int ended_as_lost(const struct supervisor *s)
{
    end_all(s);
    fprintf(stderr, "quorumfs lock: %s: the lock is lost, as %s: the command was ended\n",
            s->order.file, s->lost);
    return LOCK_STATUS_LOST;
}

/* The command has ended by itself, or because of TERM. */
static int command_ended(struct supervisor *s, int status)
{
    int ignored;
    if (!s->term_ms && lock_now_ms() >= s->until_ms)
        s->lost = "its node was not heard in time";
    if (s->lost)
        return ended_as_lost(s);
    close(s->keeper.over);
    uint64_t now_ms = lock_now_ms(); /* later it is lost anyway */
    if (!child_ends(s->keeper.pid, s->until_ms > now_ms ? s->until_ms - now_ms : 0, &ignored))
        kill(s->keeper.pid, SIGKILL);
    return WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_SIGNAL + WTERMSIG(status);
}

static void take_signals(struct supervisor *s)
{
    struct signalfd_siginfo signal;
    while (read(s->signals, &signal, sizeof signal) == sizeof signal) {
        if (signal.ssi_signo == SIGCHLD)
            continue;
        if (s->granted)
            kill(-s->keeper.command_pid, (int)signal.ssi_signo);
        else
            s->signal = (int)signal.ssi_signo;
    }
}

/* What has become due. Returns whether the command must not run any longer. */
static bool is_due(struct supervisor *s)
{
    if (lock_now_ms() < next_ms(s))
        return false;
    if (s->term_ms)
        return true;
    terminate(s, "its node was not heard in time");
    return false;
}

static int supervise(struct supervisor *s)
{
    struct pollfd looked[] = {{.fd = s->signals, .events = POLLIN},
                              {.fd = s->keeper.news, .events = POLLIN}};
    struct lock_news news;
    int status;
    for (;;) {
        if (poll(looked, 2, pause_ms(s)) < 0 && errno != EINTR)
            return ended_without_lock(s, LOCK_STATUS_LOST);
        take_signals(s);
        if (looked[1].revents) {
            if (read(s->keeper.news, &news, sizeof news) != sizeof news)
                news = (struct lock_news){.kind = LOCK_NODE_GONE, .error = EIO};
            if (!s->granted && news.kind != LOCK_STANDS)
                return ended_without_lock(s, refused(s, &news));
            follow(s, &news);
            if (news.kind != LOCK_STANDS)
                looked[1].fd = -1;
        }
        if (!s->granted && s->signal)
            return ended_without_lock(s, STATUS_SIGNAL + s->signal);
        if (!s->granted && s->wait_until && lock_now_ms() >= s->wait_until) {
            news.kind = LOCK_TAKEN;
            return ended_without_lock(s, refused(s, &news));
        }
        if (s->granted && waitpid(s->keeper.command_pid, &status, WNOHANG) > 0)
            return command_ended(s, status);
        if (s->granted && is_due(s))
            return ended_as_lost(s);
    }
}

/* ---- Words ---- */

/* False: they make no sense. */
static bool read_words(int argc, char **argv, struct supervisor *s)
{
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0 && argv[i][2]; i++) {
        uint64_t ms;
        if (strcmp(argv[i], "--shared") == 0) {
            s->order.shared = true;
        } else if (strcmp(argv[i], "--wait") == 0 && i + 1 < argc &&
                   (strcmp(argv[i + 1], "0") == 0 ||
                    duration_read(bytes_of_text(argv[i + 1]), &ms))) {
            s->order.at_once = strcmp(argv[++i], "0") == 0;
            s->wait_until = s->order.at_once ? 0 : lock_now_ms() + ms;
        } else {
            return false;
        }
    }
    if (i + 2 >= argc || strcmp(argv[i + 1], "--") != 0)
        return false;
    s->order.file = argv[i];
    s->order.command = argv + i + 2;
    return true;
}

int verb_lock(int argc, char **argv)
{
    struct supervisor s = {.signals = -1};
    sigset_t set;
    if (!read_words(argc, argv, &s))
        return verb_usage(argv[0]);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (int i = 0; i < PASSED_ON; i++)
        sigaddset(&set, passed_on[i]);
    s.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    sigaddset(&set, SIGTTOU); /* the terminal changes hands */
    sigprocmask(SIG_BLOCK, &set, &s.order.signals);
    bool terminal = tcgetpgrp(STDIN_FILENO) == getpgrp();
    int status = s.signals < 0 ? -errno : lock_keeper_start(&s.order, &s.keeper);
    if (status < 0) {
        fprintf(stderr, "quorumfs lock: %s\n", strerror(-status));
        return VERB_USAGE;
    }
    status = supervise(&s);
    if (terminal)
        tcsetpgrp(STDIN_FILENO, getpgrp());
    return status;
}
