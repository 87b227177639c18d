/* Feature levels: how much of the language of commands a node reads.
 *
 *   1  commands of version 1: the operations from PUT to RELEASE with the fields from `flags` to
 *      `atime`.
 *   2  commands of version 2, whose masks have room for 32 fields; LEVEL, by which the cluster goes
 *      from one level to the next, and MEMBER, by which a node says where it is; snapshots of
 *      format 4; IF and ELSE.
 *   3  a leader that stops hands over: the message HAND_OVER. The time of a command is what most
 *      clocks of the cluster show (replica/clocks.h), so it may be earlier than the last one's
 *      (store/tree_apply.c); frames by which nodes ask for it. The directories that a PUT makes on
 *      the way to its key are implied, and go with their last key (store/tree_implied.c). The field
 *      `outsider`, by which setgid without group execution goes as well. The frame ROOM, by which
 *      nodes tell each other what their disks have room for. Snapshots that end with entries of the
 *      log (store/tree_records.h).
 *   4  locks, and the sessions of nodes to which they belong (store/tree_locks.c); snapshots of
 *      format 5. Files that go with the session of a node (store/tree_ephemeral.c). Files and
 *      leases whose time runs out (store/tree_mortal.c): the operations TTL, EXPIRE and LEASE...,
 *      the fields `ttl` and `lease`. The history of changes is kept, for watches
 *      (store/tree_events.c).
 *   5  the rights of callers: the operation AS, by which a command is checked
 * (store/tree_rights.c); tokens (store/tree_tokens.c), and snapshots of format 6. A new tree's root
 * has an owner. A bound on the names of one command.
 *
 * Every part of a command (an operation, a field of one) has the level since which it exists, in
 * operations.h. A command needs the highest level of its parts, and must not be proposed before
 * every member of the cluster reads that level: a node that meets an entry beyond its own level
 * cannot know what the others made of it, and stops.
 *
 * To raise the level: add a line above and one to LEVEL_MAX, give the new parts this level, and
 * leave the encoding of everything older as it is (tests/former holds it). A level that was in a
 * release never changes again. */
#ifndef QUORUMFS_COMMAND_LEVEL_H
#define QUORUMFS_COMMAND_LEVEL_H

enum {
    LEVEL_MIN = 1, /* the lowest that this program still reads and writes */
    LEVEL_MAX = 5, /* the highest that it reads and writes */

    /* Since when there is ... */
    LEVEL_HAND_OVER = 3, /* the message HAND_OVER */
    LEVEL_TIMES = 3,     /* time that comes back, and frames by which nodes ask each other for it */
    LEVEL_IMPLIED = 3,   /* implied directories */
    LEVEL_OUTSIDER = 3,  /* the field `outsider` */
    LEVEL_ROOM = 3,      /* the frame ROOM */
    LEVEL_TAIL = 3,      /* snapshots that end with entries */
    LEVEL_LOCKS = 4,     /* locks and sessions, and snapshots of format 5 */
    LEVEL_EPHEMERAL = 4, /* files that go with a session */
    LEVEL_TTL = 4,       /* files that go away after a time, */
    LEVEL_LEASES = 4,    /* or with a lease */
    LEVEL_WATCH = 4,     /* the history of changes */
    LEVEL_RIGHTS = 5,    /* callers with rights, and a root with an owner */
    LEVEL_TOKENS = 5,    /* tokens */
    LEVEL_BOUNDS = 5,    /* a bound on the names of one command */
};

#endif
