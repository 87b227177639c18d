/* The language of commands: the one list of operations, and the one list of their fields.
 *
 * enum op_type, struct op, the codec, tree_apply's table of functions and the level of a command
 * follow from these lists. Numbers and bits are in the log for ever: add at the end, and never use
 * one again. */
#ifndef QUORUMFS_COMMAND_OPERATIONS_H
#define QUORUMFS_COMMAND_OPERATIONS_H

/* X(NAME, number, function, level): OP_NAME, which op_function of the store carries out, and the
 * feature level since which it exists (level.h). The comment says which fields it uses.
 *
 * By path (HTTP): missing parents are made by PUT, and go with the last key below them; DELETE of a
 * missing key succeeds, existed = false. By inode (files): `ino` is the file, or the parent
 * directory where there is a `name`. */
#define OPERATIONS(X)                                                                              \
    X(PUT, 1, put, 1)           /* name = path, data = whole value; ttl or lease */                \
    X(DELETE, 2, delete, 1)     /* name = path of a file or symlink */                             \
    X(WRITE, 3, write, 1)       /* ino, offset, data; OP_TRUNCATE_FIRST: cut to 0 before */        \
    X(APPEND, 4, append, 1)     /* ino, data at the replicated end; OP_TRUNCATE_FIRST as above */  \
    X(TRUNCATE, 5, truncate, 1) /* ino, size; OP_FOR_OPEN */                                       \
    X(PUNCH, 6, punch, 1)       /* ino, offset, size: a hole; the file's size stays */             \
    X(ALLOCATE, 7, allocate, 1) /* ino, size: the file is at least so long (fallocate mode 0) */   \
    X(CREATE, 8, create, 1)     /* ino, name, mode, uid, gid: a regular file; OP_EXCLUSIVE, else   \
                                   an existing one is given */                                     \
    X(MKNOD, 9, mknod, 1)       /* ino, name, mode with type, rdev, uid, gid */                    \
    X(MKDIR, 10, mkdir, 1)      /* ino, name, mode, uid, gid */                                    \
    X(SYMLINK, 11, symlink, 1)  /* ino, name, data = target, uid, gid */                           \
    X(LINK, 12, link, 1)        /* ino = parent, name = new name, ino2 = the inode */              \
    X(UNLINK, 13, unlink, 1)    /* ino, name; hold */                                              \
    X(RMDIR, 14, rmdir, 1)      /* ino, name; hold */                                              \
    X(RENAME, 15, rename, 1)    /* ino, name -> ino2, name2; OP_NO_REPLACE or OP_EXCHANGE; hold */ \
    X(SETATTR, 16, setattr, 1)  /* ino, OP_SET_* say which of mode, uid, gid, atime, mtime */      \
    X(SETXATTR, 17, setxattr, 1)       /* ino, name, data; OP_XATTR_CREATE or OP_XATTR_REPLACE */  \
    X(REMOVEXATTR, 18, removexattr, 1) /* ino, name */                                             \
    X(RELEASE, 19, release, 1) /* ino: the node that asks no longer holds this unlinked inode */   \
    X(LEVEL, 20, level, 2)     /* size: the cluster's feature level from now on, if higher; mode,  \
                                  uid, gid of the root, if the cluster is new */                   \
    X(MEMBER, 21, member, 2)   /* name = addr, name2 = peer_addr of the node that asks */          \
    X(IF, 22, if, 2)     /* name = path; OP_IF_ABSENT, OP_IF_EXISTS or OP_IF_REVISION: unless that \
                            holds, what follows is skipped, up to the next ELSE */                 \
    X(ELSE, 23, else, 2) /* what follows is skipped, unless what lies before it was */             \
    X(LOCK, 24, lock, 4) /* ino, owner, pid, offset = first byte, size = last one; OP_LOCK_FLOCK,  \
                            OP_LOCK_SHARED, OP_LOCK_WAIT with waiter: store/tree_locks.c */        \
    X(UNLOCK, 25, unlock, 4)           /* ino, owner, offset and size as above, OP_LOCK_FLOCK */   \
    X(UNWAIT, 26, unwait, 4)           /* ino, OP_LOCK_FLOCK, waiter: takes a wait back */         \
    X(END_SESSION, 27, end_session, 4) /* size = node, revision = number of its session */         \
    X(FENCE, 28, fence, 4) /* revision = number: fails unless the session of the node that asks is \
                              that one */                                                          \
    X(EPHEMERAL, 29, ephemeral, 4)         /* ino, name, mode, uid, gid, waiter: a new file, which \
                                              goes with the session of the node that asks */       \
    X(EPHEMERAL_END, 30, ephemeral_end, 4) /* ino: removes it, if that node has it */              \
    X(TTL, 40, ttl, 4) /* ino, size: the file is removed so many ms after its last change; 0:      \
                          not any more */                                                          \
    X(EXPIRE, 41, expire, 4) /* ino, revision: the time of the file is up, unless it has changed   \
                                since */                                                           \
    X(LEASE, 42, lease, 4)   /* lease, size: a new lease that ends after so many ms */             \
    X(LEASE_RENEW, 43, lease_renew, 4) /* lease: its time starts again */                          \
    X(LEASE_END, 44, lease_end, 4)     /* lease: it ends, and its files are removed; revision:     \
                                          unless it was renewed since, 0: in any case */           \
    X(AS, 50, as, 5) /* uid, gid, data = groups, u32 each, revision = id of a token or 0: the      \
                        first of a command, whose other operations are checked for this caller */  \
    X(TOKEN_ADD, 51, token_add, 5) /* name, data = SHA-256 of the token and then groups, uid, gid, \
                                      name2 = path or empty, mtime = when it expires or 0;         \
                                      OP_READ_ONLY. A command has one of it */                     \
    X(TOKEN_REMOVE, 52, token_remove, 5) /* name */

/* X(name, kind, bit, level): the member of struct op, how it is encoded (u32, u64, time, bytes),
 * its bit in the mask, and the feature level since which it exists. The order is that of the
 * encoding; a field that is zero is left out. */
#define OPERATION_FIELDS(X)                                                                        \
    X(flags, u32, 0, 1) /* enum op_flags */                                                        \
    X(ino, u64, 1, 1)                                                                              \
    X(ino2, u64, 2, 1)                                                                             \
    X(hold, u64, 3, 1) /* UNLINK, RMDIR, RENAME: this inode is open here; if it loses its last     \
                          name, keep it */                                                         \
    X(offset, u64, 4, 1)                                                                           \
    X(size, u64, 5, 1)                                                                             \
    X(revision, u64, 6, 1)                                                                         \
    X(mtime, time, 7, 1)  /* ns since 1970 */                                                      \
    X(atime, time, 15, 1) /* likewise */                                                           \
    X(mode, u32, 8, 1)                                                                             \
    X(uid, u32, 9, 1)                                                                              \
    X(gid, u32, 10, 1)                                                                             \
    X(rdev, u32, 11, 1)                                                                            \
    X(name, bytes, 12, 1)                                                                          \
    X(name2, bytes, 13, 1)                                                                         \
    X(data, bytes, 14, 1)                                                                          \
    X(outsider, u32, 16, 3) /* with OP_KILL_PRIV, 1: the caller is outside of the file's group */  \
    X(owner, u64, 17, 4)    /* of a lock, at the node that asks */                                 \
    X(waiter, u64, 18, 4)   /* a number by which that node knows who waits; never used again */    \
    X(pid, u32, 19, 4)      /* the process, for people */                                          \
    X(ttl, u64, 24, 4)      /* PUT: as TTL's size; TTL_NONE: not any more; 0: as it was */         \
    X(lease, u64, 25, 4) /* LEASE...: its id. PUT: the file is removed when it ends; 0: no lease   \
                            any more */

#endif
