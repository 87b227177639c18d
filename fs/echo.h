/* Private to the room: changes that no program at this mount made are repeated for those that watch
 * by inotify(7): `"inotify": true`.
 *
 *   a change is applied ──> queue ──an order──> helper ──a system call──> kernel ──> event
 *                             ^                    ^                        │
 *                             └────── done ────────┴──────── answers ───────┘  (echo_answer.c)
 *
 * The kernel tells inotify of a change when a system call has made it. So the helper, a process of
 * its own (echo_helper.h), makes the call that another node's program has made, through the mount;
 * the node recognises who asks, and answers "done" without doing anything. What must hold:
 *
 *   - No call of the helper changes the tree: none of its requests gets as far as the operations of
 *     fs.c (echo_answer.c). It makes none unless it has proof of that (echo_order.h).
 *   - No number of a thread is taken for the helper's that is another's: the helper is not waited
 *     for as long as the mount is read, so its number is not used again.
 *   - Nothing waits for the helper. It may wait in the kernel for a folder that a program's call
 * has locked, and programs for a folder that its call has locked; its requests are answered at
 * once, from this node's tree.
 *   - What it is answered is true, and was true for names (echo_queue.h), since the kernel keeps it
 *     for other programs; with time-outs of 0, so that these ask before they use it.
 *   - When in doubt, a change is not repeated: also while anything is mounted inside the mount.
 *
 * Which inodes are watched is looked up in /proc, at most so often that it costs a twentieth of a
 * processor, and only while there are changes to tell. A change waits for the next look unless its
 * inode or directory is known to be watched: so whoever begins to watch misses nothing that comes
 * later, but may hear of it LOOK_MS_MIN later, and of changes shortly before.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_FS_ECHO_H
#define QUORUMFS_FS_ECHO_H

#include "base/buffer.h"
#include "fs/echo_order.h"
#include "fs/echo_queue.h"
#include "fs/fs.h"

enum { FS_ECHO_ANSWER_BYTES_MAX = 256 };

struct fs_echo {
    struct fs_helper helper; /* pid 0: there is none */
    char proof[FS_ECHO_PROOF_BYTES];
    bool opened;               /* the helper has the mount */
    bool failed;               /* it is of no use any more */
    uint32_t verb;             /* of the order under way, */
    bool busy;                 /* if there is one */
    struct fs_echo_item *item; /* that it repeats; NULL: none, or it was dropped meanwhile */
    struct fs_echo_queue queue;
    struct buffer watched; /* numbers of inodes, sorted */
    struct buffer found;   /* those of the look under way */
    uint64_t look_began_ms, look_ended_ms, look_took_ms;
    uint64_t lost, said_ms; /* items that were dropped and not said yet; when it was said */
    struct replica_observer observer;
    uv_idle_t idle; /* until the next order is given */
    uv_timer_t timer;
    uv_poll_t news; /* of the helper */
};

/* Returns how many handles it has opened, or a negative errno. `helper` NULL: none, and the others
 * do nothing then. */
int fs_echo_start(struct fs *fs, uv_loop_t *loop, const struct fs_helper *helper);
/* There is a mount now. */
void fs_echo_mounted(struct fs *fs);
void fs_echo_stop(struct fs *fs);
/* Closes the handles. */
void fs_echo_close(struct fs *fs, uv_close_cb closed);
/* The mount is read no more, and its connection closed. */
void fs_echo_free(struct fs *fs);

/* A system call made the changes of this revision, which was the last one to be applied: the kernel
 * tells of them when it is answered. */
void fs_echo_told(struct fs *fs, uint64_t revision);

/* ---- echo_answer.c ---- */

/* Answers a message of the kernel, as it was read, if the helper's call has caused it. */
bool fs_echo_answers(struct fs *fs, const void *message, size_t len);
/* The part of it that makes the answer, and needs no memory for it. Returns its length; 0: another
 * program has caused the message. */
size_t fs_echo_answer(struct fs *fs, const void *message, size_t len,
                      uint8_t out[FS_ECHO_ANSWER_BYTES_MAX]);

/* ---- echo_path.c: where things were right before the item ---- */

/* Appends the path of a folder, from the root of the mount. False: it had none. */
bool fs_echo_path(struct fs *fs, const struct fs_echo_item *item, uint64_t folder,
                  struct buffer *path);
/* A name of the item's inode other than those of the item, in a folder for which `prefers` is true
 * if there is one. The name is appended. False: it had none. */
bool fs_echo_other_name(struct fs *fs, const struct fs_echo_item *item,
                        bool (*prefers)(const struct fs_echo *echo, uint64_t ino), uint64_t *folder,
                        struct buffer *name);

/* Whether writes of this mount on the inode are not decided yet: then what the kernel knows of it
 * is newer than the tree. */
bool fs_echo_is_behind(struct fs *fs, uint64_t ino);

#endif
