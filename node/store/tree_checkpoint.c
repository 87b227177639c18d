/* Checkpoints: copying the write-ahead log (WAL) into tree.db, synced, while the loop goes on.
 *
 * SQLite uses the WAL again from its start only if all of it has been copied when a transaction
 * begins (walRestartLog in its wal.c). Under constant load the loop is always ahead, and the WAL
 * would grow for ever. Hence four lengths:
 *
 *   TREE_WAL_WANTED   a checkpoint should be made (tree_wants_checkpoint). It copies in rounds
 *                     until little is left. If the WAL is still in use then, the caller pauses:
 *                     the next one copies only that little and finds no open transaction.
 *   TREE_WAL_PAUSED   none was made, or it did not keep up: the caller pauses for one.
 *   TREE_WAL_VIEWS    views keep the WAL in use: here all of them are ended, and then the caller
 *                     pauses. Views that are opened meanwhile are ended before the next transaction
 *                     begins, so that it finds none. Until then, checkpoints copy what the oldest
 *                     view lets them.
 *   TREE_WAL_READERS  a snapshot reader keeps the WAL in use: here it is ended, unless the disk has
 *                     room for more (readers_limit), as the node that fetches may have a slow line.
 *
 * If the disk is nearly full, TREE_WAL_TIGHT takes the place of the first, and TREE_WAL_WANTED that
 * of the others: a WAL that grows would take the room that the tree's own free pages seem to have.
 * If it is full, a checkpoint that finds no room leaves the WAL as it is.
 *
 * What a checkpoint may not copy, because somebody reads what was there before, it makes durable
 * where it is: by syncing the WAL. So the log can be trimmed all the same, and a reader costs disk
 * but no memory. */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>

enum {
    ROUNDS_MAX = 8,
    LITTLE_FRAMES = 512, /* pages that a pause may have to wait for, besides the sync */
};

/* SQLite calls it after each commit of the loop's connection. */
static int watch_wal(void *arg, sqlite3 *db, const char *name, int frames)
{
    struct tree *tree = arg;
    tree->wal_frames = frames;
    return SQLITE_OK;
}

int checkpoint_open(struct tree *tree)
{
    struct tree_checkpoint *cp = &tree->checkpoint;
    int status = sql_open(&cp->sql, tree->folder, tree->file);
    assert(!cp->done);
    sqlite3_wal_hook(tree->sql.db, watch_wal, tree); /* replaces the automatic checkpoints */
    tree->wal_frames = 0;
    tree->pause = false;
    tree->durable = 0;
    cp->tree = tree;
    if (status == 0)
        status = sql_exec(&cp->sql, "PRAGMA synchronous = NORMAL; PRAGMA cache_size = 16;"
                                    "SELECT applied FROM meta"); /* reading opens the WAL */
    if (status < 0)
        tree->sql.fault = cp->sql.fault;
    return status;
}

void checkpoint_close(struct tree *tree)
{
    sql_close(&tree->checkpoint.sql);
}

static uint64_t frame_bytes(int frames)
{
    assert(frames >= 0);
    return (uint64_t)frames * TREE_PAGE_BYTES;
}

/* Whether somebody keeps the WAL in use for longer than a turn: a pause would gain nothing. */
static bool is_read(const struct tree *tree)
{
    return !LIST_EMPTY(&tree->readers) || !LIST_EMPTY(&tree->views);
}

/* While a snapshot is read, it would not help that the views end. */
void checkpoint_before(struct tree *tree)
{
    uint64_t most = tree->tight ? TREE_WAL_WANTED : TREE_WAL_VIEWS;
    if (frame_bytes(tree->wal_frames) > most && LIST_EMPTY(&tree->readers))
        views_end(tree);
}

/* How long the WAL may become for the sake of a reader: a share of what the disk would have free
 * without it. The index of the WAL is searched for each page that is read, which bounds it too. */
static uint64_t readers_limit(const struct tree *tree, uint64_t bytes)
{
    if (tree->tight)
        return TREE_WAL_WANTED;
    uint64_t share = (tree->disk_free + bytes) / TREE_WAL_READERS_SHARE;
    if (share > TREE_WAL_READERS_MAX)
        return TREE_WAL_READERS_MAX;
    return share > TREE_WAL_READERS ? share : TREE_WAL_READERS;
}

void checkpoint_watch(struct tree *tree)
{
    uint64_t bytes = frame_bytes(tree->wal_frames);
    if (bytes > readers_limit(tree, bytes))
        readers_end(tree);
    checkpoint_before(tree);
    if (bytes > (tree->tight ? TREE_WAL_WANTED : TREE_WAL_PAUSED) && !is_read(tree))
        tree->pause = true;
}

bool tree_wants_checkpoint(const struct tree *tree)
{
    uint64_t wanted = tree->tight ? TREE_WAL_TIGHT : TREE_WAL_WANTED;
    return frame_bytes(tree->wal_frames) > wanted && !tree->checkpoint.done &&
           LIST_EMPTY(&tree->readers);
}

void tree_tighten(struct tree *tree, bool tight, uint64_t disk_free)
{
    tree->tight = tight;
    tree->disk_free = disk_free;
}

bool tree_must_pause(const struct tree *tree)
{
    return tree->pause;
}

/* Syncs tree.db (SQLITE_FCNTL_FILE_POINTER) or its WAL (SQLITE_FCNTL_JOURNAL_POINTER). */
static int checkpoint_sync(struct tree_checkpoint *cp, int which)
{
    sqlite3_file *file = NULL;
    int code = sqlite3_file_control(cp->sql.db, "main", which, &file);
    if (code == SQLITE_OK)
        code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
    if (code == SQLITE_OK)
        return 0;
    return fault_set(&cp->sql.fault, -EIO, "%s: sync: %s", TREE_FILE, sqlite3_errstr(code));
}

/* Without room, nothing has changed. */
static int checkpoint_failed(struct tree_checkpoint *cp)
{
    int status = sql_failed(&cp->sql, "checkpoint");
    return status == -ENOSPC ? 0 : status;
}

/* One round: copies what was committed when it began. Returns the number of frames, or an error.
 *
 * The commit that the checkpoint began with is durable if its frames were copied. If the WAL was
 * started again meanwhile, all of its former frames have been copied, and the numbers here are of
 * later frames: comparing with those can only report less than is true. */
static int copy_round(struct tree_checkpoint *cp)
{
    int logged, backfilled;
    int code = sqlite3_wal_checkpoint_v2(cp->sql.db, NULL, SQLITE_CHECKPOINT_PASSIVE, &logged,
                                         &backfilled);
    if ((code & 0xff) == SQLITE_BUSY)
        return 0;
    if (code != SQLITE_OK)
        return checkpoint_failed(cp);
    assert(logged >= backfilled && backfilled >= 0);
    cp->reached |= backfilled >= cp->frames || backfilled == logged;
    int copied = backfilled - cp->backfilled;
    cp->backfilled = backfilled;
    return copied > 0 ? copied : 0;
}

/* Rounds, until one has copied little, as the loop adds frames meanwhile. SQLite syncs tree.db only
 * after it has copied the whole WAL. Syncing the copy of each round leaves little to wait for in
 * the pause. Returns 0 or an error. */
static int copy_rounds(struct tree_checkpoint *cp)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        int status = copy_round(cp);
        if (status <= LITTLE_FRAMES)
            return status < 0 ? status : 0;
        status = checkpoint_sync(cp, SQLITE_FCNTL_FILE_POINTER);
        if (status < 0)
            return status;
    }
    return 0;
}

/* On the thread pool. What was committed when it began and is not copied is in the WAL, whole: the
 * WAL begins anew only when all of it has been copied, and then tree.db was synced. */
static void checkpoint_work(uv_work_t *work)
{
    struct tree_checkpoint *cp = work->data;
    cp->reached = false;
    cp->status = copy_rounds(cp);
    if (cp->status < 0 || cp->reached)
        return;
    cp->status = checkpoint_sync(cp, SQLITE_FCNTL_JOURNAL_POINTER);
    cp->reached = cp->status == 0;
}

/* If nothing was committed or begun meanwhile, the next transaction starts the WAL again. Otherwise
 * the caller pauses for one more checkpoint, and goes on after that in any case. With a view open,
 * the WAL stays as long as it is. */
static void settle_pause(struct tree *tree, const struct tree_checkpoint *cp)
{
    bool idle = cp->backfilled == tree->wal_frames && !tree->writing && LIST_EMPTY(&tree->views);
    if (idle)
        tree->wal_frames = tree->checkpoint.backfilled = 0;
    tree->pause =
        !idle && !cp->paused && !is_read(tree) && frame_bytes(tree->wal_frames) > TREE_WAL_WANTED;
}

/* On the loop. A snapshot that has waited for this checkpoint may take the tree's place in
 * background_end, so what `done` is told comes from before that. */
static void checkpoint_after(uv_work_t *work, int cancelled)
{
    struct tree_checkpoint *cp = work->data;
    struct tree *tree = cp->tree;
    assert(cp->done);
    void (*done)(void *, int, uint64_t) = cp->done;
    int status = cp->status;

    cp->done = NULL;
    if (status < 0) {
        tree->sql.fault = cp->sql.fault;
        tree->broken = status;
    } else {
        if (cp->reached && cp->index > tree->durable)
            tree->durable = cp->index;
        settle_pause(tree, cp);
        tree->set_aside = 0; /* the checkpoint has cut tree.db to its length */
        tree_set_aside(tree);
    }
    uint64_t durable = tree->durable;
    assert(durable <= tree->counters.applied);
    background_end(tree);
    done(cp->arg, status, durable);
}

int tree_checkpoint(struct tree *tree, uv_loop_t *loop,
                    void (*done)(void *arg, int status, uint64_t index), void *arg)
{
    struct tree_checkpoint *cp = &tree->checkpoint;
    assert(done);
    if (cp->done || writer_installing(tree))
        return -EBUSY;
    int status = tree_commit(tree);
    if (status < 0)
        return status;
    tree->shrunk = false; /* if the checkpoint cannot cut it, the next one does */
    cp->done = done;
    cp->arg = arg;
    cp->index = tree->counters.applied;
    cp->frames = tree->wal_frames;
    cp->paused = tree->pause;
    assert(!tree->writing);
    cp->work.data = cp;
    status = uv_queue_work(loop, &cp->work, checkpoint_work, checkpoint_after);
    assert(status == 0); /* it fails only without a function to run */
    tree->background++;
    return 0;
}

int tree_checkpoint_now(struct tree *tree)
{
    int status = tree_commit(tree);
    if (status < 0)
        return status;
    struct sql *sql = &tree->checkpoint.sql;
    if (sqlite3_wal_checkpoint_v2(sql->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) !=
        SQLITE_OK) {
        status = sql_failed(sql, "checkpoint");
        tree->sql.fault = sql->fault;
    }
    tree->wal_frames = 0;
    tree->pause = false;
    return status;
}

bool tree_busy(const struct tree *tree)
{
    return tree->background > 0;
}
