/* What a history may meet. A run prints how often it did: a rule was put to the test only if its
 * situation has occurred. */
#ifndef QUORUMFS_TESTS_NODES_SITUATIONS_H
#define QUORUMFS_TESTS_NODES_SITUATIONS_H

#define SITUATION_LIST(X)                                                                          \
    X(MET_NODE_KILLED, "a node was killed")                                                        \
    X(MET_NODE_RESTARTS, "a node started again")                                                   \
    X(MET_NODE_STOPPED_LONG, "a node stood still for longer than a session")                       \
    X(MET_NODE_CUT_LONG, "a node with a session was cut off for longer than it lasts")             \
    X(MET_LEADER_NEW, "another node led")                                                          \
    X(MET_SNAPSHOT, "a snapshot took the tree's place")                                            \
    X(MET_DISK_FULL, "a disk was full")                                                            \
    X(MET_WALL_JUMPED, "a wall clock was set")                                                     \
    X(MET_LOCK_GRANTED, "a lock was free")                                                         \
    X(MET_LOCK_WAITED, "a lock was granted to one that waited")                                    \
    X(MET_LOCK_FROM_DEAD, "a lock went to the next because a session ended")                       \
    X(MET_LOCK_TAKEN_BACK, "a wait was taken back")                                                \
    X(MET_LOCK_TAKEN_BACK_LATE, "a wait was taken back when the lock had been granted")            \
    X(MET_LOCK_BELIEVED, "a holder was still stopped when its lock went to the next")              \
    X(MET_SET_CHANGED, "a set was changed under a lock")                                           \
    X(MET_SET_REFUSED, "a change under a lost lock was refused at the mount")                      \
    X(MET_SET_FENCED, "a change under a lost lock was fenced in the log")                          \
    X(MET_SET_UNKNOWN, "a change under a lock had no answer")                                      \
    X(MET_SESSION_ENDED, "a leader ended a session")                                               \
    X(MET_SESSION_RESTARTED, "a restart ended a session")                                          \
    X(MET_SESSION_KEPT, "a node came back before its session was over")                            \
    X(MET_END_WITHOUT_EFFECT, "the end of a session came when it was over already")                \
    X(MET_EPHEMERAL_CLOSED, "an ephemeral key went with its descriptor")                           \
    X(MET_EPHEMERAL_LOST, "an ephemeral key went with its session")                                \
    X(MET_EPHEMERAL_BUSY, "an ephemeral key was taken")                                            \
    X(MET_TTL_EXPIRED, "a key's time was up")                                                      \
    X(MET_TTL_RENEWED, "a key's time began again")                                                 \
    X(MET_TTL_RENEWED_IN_TIME, "a key was renewed when its end was proposed already")              \
    X(MET_LEASE_EXPIRED, "a lease ended by itself, with its keys")                                 \
    X(MET_LEASE_RENEWED, "a lease was renewed")                                                    \
    X(MET_LEASE_CLOSED, "a lease was ended")                                                       \
    X(MET_WATCH_TOLD, "an event was told at once")                                                 \
    X(MET_WATCH_BEHIND, "an event was told from the history")                                      \
    X(MET_WATCH_FULL, "a watcher took no more")                                                    \
    X(MET_WATCH_RESUMED, "a watcher resumed at another node")                                      \
    X(MET_WATCH_SPLIT, "a watcher resumed in the middle of a revision")                            \
    X(MET_WATCH_TOO_EARLY, "a watcher resumed at a node that was behind it")                       \
    X(MET_WATCH_LOST, "a watcher was told that events are lost")

#define SITUATION_NAME(NAME, text) NAME,
enum situation { SITUATION_LIST(SITUATION_NAME) SITUATIONS };
#undef SITUATION_NAME

const char *situation_text(enum situation situation);

#endif
