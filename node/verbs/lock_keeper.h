/* Private to the room: the two other processes of `quorumfs lock`.
 *
 *   quorumfs lock      supervises; it never touches the mount, where a call can hang with the node
 *    +-- the keeper    opens the file, waits for the lock, and asks the node whether it stands
 *    +-- the command   waits until the keeper hands it the locked file, then runs, in a group of
 *                      its own
 *
 * Both are killed if the supervisor is. The command has the locked file open, so that its changes
 * at the mount are refused once the lock is lost (fs/locks.h). */
#ifndef QUORUMFS_VERBS_LOCK_KEEPER_H
#define QUORUMFS_VERBS_LOCK_KEEPER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

enum { LOCK_STATUS_LOST = 75 }; /* EX_TEMPFAIL of sysexits.h */

struct lock_order {
    const char *file;
    bool shared, at_once; /* at_once: it does not wait */
    char **command;
    sigset_t signals; /* of the command */
};

enum lock_news_kind {
    LOCK_STANDS,    /* the first one: it was granted */
    LOCK_TAKEN,     /* somebody has it, and it was not to wait */
    LOCK_FAILED,    /* `error`, of `call` */
    LOCK_ALIEN,     /* the file is none of quorumfs, or a directory */
    LOCK_LOST,      /* somebody else may have it */
    LOCK_NODE_GONE, /* the node has ended, and takes its session with it when it starts again */
};
struct lock_news {
    enum lock_news_kind kind;
    int error;
    char call[8];
    uint64_t until_ms; /* of lock_now_ms: until then it stands */
    uint64_t left_ms;  /* the same, from when the node was asked */
};

/* A clock that also counts while the machine sleeps. */
uint64_t lock_now_ms(void);

/* What the supervisor has of the two. */
struct lock_keeper {
    int pid, command_pid;
    int news; /* gives struct lock_news */
    int over; /* closing it gives the lock up */
};
/* 0 or a negative errno. */
int lock_keeper_start(const struct lock_order *order, struct lock_keeper *keeper);

#endif
