/* Who made the other end of a connection, as far as the kernel tells.
 *
 * For a Unix socket that is the process that has connected (SO_PEERCRED, SO_PEERGROUPS of
 * unix(7)). For TCP from this machine it is the user to whom the socket at the other end belongs,
 * found by sock_diag(7): one exact look-up, which never waits.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_BASE_OWNER_H
#define QUORUMFS_BASE_OWNER_H

#include <stdint.h>
#include <sys/socket.h>

enum {
    OWNER_GROUPS_MAX = 256,
    OWNER_NOBODY = 65534, /* the kernel's overflowuid: what it cannot name */
};

enum owner_kind {
    OWNER_ELSEWHERE, /* another machine, or another network namespace with an address of its own */
    OWNER_UNKNOWN,   /* of this machine; but it has closed its end, or cannot be told */
    OWNER_USER,      /* `uid`: whose groups the user database knows */
    OWNER_PROCESS,   /* `uid`, `gid` and groups, as the process had them when it connected */
    OWNER_CROWDED,   /* likewise, but it is in more than OWNER_GROUPS_MAX groups */
};

struct owner {
    enum owner_kind kind;
    uint32_t uid, gid;
    uint32_t group_count;
    uint32_t groups[OWNER_GROUPS_MAX];
};

/* Looks who is at the other end of `fd`, a connected socket of TCP itself (not what somebody has
 * put before it) or of Unix. Never fails: what cannot be told is OWNER_UNKNOWN. */
void owner_find(int fd, struct owner *owner);

#endif
