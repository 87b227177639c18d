#include "fs/gone.h"

#include "base/trace.h"
#include "fs/request.h"
#include "fs/special.h"

#include <assert.h>
#include <stdlib.h>

enum { TICK_MS = 250 };

static uint64_t now_ms(const struct fs *fs)
{
    return uv_now(fs->gone.timer.loop);
}

static void gone_on_tick(uv_timer_t *timer);

/* Adds an inode to a list that the timer looks after. False: out of memory. */
static bool leftover_add(struct fs *fs, struct fs_leftovers *list, uint64_t ino)
{
    struct fs_leftover *left = malloc(sizeof *left);
    if (!left)
        return false;
    left->ino = ino;
    left->since_ms = now_ms(fs);
    STAILQ_INSERT_TAIL(list, left, entry);
    if (!uv_is_active((uv_handle_t *)&fs->gone.timer))
        uv_timer_start(&fs->gone.timer, gone_on_tick, TICK_MS, TICK_MS);
    return true;
}

static uint64_t take_first(struct fs_leftovers *list)
{
    struct fs_leftover *left = STAILQ_FIRST(list);
    assert(left);
    uint64_t ino = left->ino;
    STAILQ_REMOVE_HEAD(list, entry);
    free(left);
    return ino;
}

/* ---- Held by the cluster ---- */

static void given_back(struct fs *fs, uint64_t ino, enum replica_outcome outcome)
{
    if (outcome == REPLICA_DONE || fs->stopping) /* the next start gives the rest back */
        return;
    if (!leftover_add(fs, &fs->gone.refused, ino))
        trace_warn("fs",
                   "out of memory: removed inode %llu keeps its space until this node restarts",
                   (unsigned long long)ino);
}

void fs_give_back(struct fs *fs, uint64_t ino)
{
    struct command command = {0};
    command_add(&command, &(struct op){.type = OP_RELEASE, .ino = ino});
    fs_change_unasked(fs, ino, &command, given_back);
}

static void give_back_refused(struct fs *fs)
{
    struct fs_leftovers refused = STAILQ_HEAD_INITIALIZER(refused);
    if (replica_refuses_writes(fs->replica))
        return;
    STAILQ_CONCAT(&refused, &fs->gone.refused); /* given_back adds them again if refused again */
    while (!STAILQ_EMPTY(&refused))
        fs_give_back(fs, take_first(&refused));
}

/* ---- Kept by this node ---- */

static void let_go(struct fs *fs, uint64_t ino)
{
    int status = tree_let_go(replica_tree(fs->replica), ino);
    if (status < 0) /* the database failed, for which the replica stops the node */
        trace_error("fs", "%s", tree_fault(replica_tree(fs->replica)));
}

static bool was_seen(const struct fs *fs, uint64_t ino)
{
    const struct fs_sight *sight = &fs->gone.seen[ino % FS_SEEN_MAX];
    return sight->ino == ino && now_ms(fs) - sight->at_ms < FS_SEEN_MS;
}

/* For tree_keep: whether this mount still needs an inode whose last name another node has removed.
 */
static bool wants(void *arg, uint64_t ino)
{
    struct fs *fs = arg;
    if (fs_file_find(&fs->files, ino) || fs_file_find(&fs->files, ino | FS_EPHEMERAL))
        return true;
    return was_seen(fs, ino) && leftover_add(fs, &fs->gone.kept, ino);
}

void fs_gone_seen(struct fs *fs, uint64_t ino)
{
    fs->gone.seen[ino % FS_SEEN_MAX] = (struct fs_sight){ino, now_ms(fs)};
}

void fs_gone_closed(struct fs *fs, uint64_t ino, bool held)
{
    if (held)
        fs_give_back(fs, ino);
    else
        let_go(fs, fs_tree_ino(ino));
}

static void gone_on_tick(uv_timer_t *timer)
{
    struct fs *fs = timer->data;
    struct fs_leftovers *kept = &fs->gone.kept;
    while (!STAILQ_EMPTY(kept) && now_ms(fs) - STAILQ_FIRST(kept)->since_ms >= FS_SEEN_MS)
        let_go(fs, take_first(kept));
    give_back_refused(fs);
    if (STAILQ_EMPTY(kept) && STAILQ_EMPTY(&fs->gone.refused))
        uv_timer_stop(timer);
}

/* ---- The mount ---- */

void fs_gone_start(struct fs *fs, uv_loop_t *loop)
{
    struct fs_gone *gone = &fs->gone;
    STAILQ_INIT(&gone->kept);
    STAILQ_INIT(&gone->refused);
    uv_timer_init(loop, &gone->timer);
    gone->timer.data = fs;
    gone->keeper.wants = wants;
    gone->keeper.arg = fs;
    tree_keep(replica_tree(fs->replica), &gone->keeper);
    /* At the first command of a process the cluster takes back the inodes that it holds for the
     * process before. This is such a command; it has no effect of its own. */
    fs_give_back(fs, INO_ROOT);
}

void fs_gone_stop(struct fs *fs)
{
    struct fs_gone *gone = &fs->gone;
    tree_keep_end(&gone->keeper);
    struct fs_file *file;
    for (int i = 0; i < FS_FILES_BUCKETS; i++) {
        LIST_FOREACH(file, &fs->files.buckets[i], entry)
        {
            fs_gone_closed(fs, file->ino, file->held);
        }
    }
    while (!STAILQ_EMPTY(&gone->kept))
        let_go(fs, take_first(&gone->kept));
    while (!STAILQ_EMPTY(&gone->refused))
        take_first(&gone->refused);
}
