/* The key tree in the background: checkpoints, and snapshots from one node to another. */
#include "tree_fixture.h"
#include "tree_workload.h"

#include "store/tree_internal.h"
#include "store/tree_records.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uv_loop_t *loop;

/* ---- Syncs of the WAL, which SQLite asks the C library for ---- */

static int wal_syncs;

static void count_sync(int fd)
{
    char link[64], path[256];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    const char *end = strstr(path, TREE_FILE "-wal");
    wal_syncs += end && strcmp(end, TREE_FILE "-wal") == 0;
}

int fsync(int fd)
{
    count_sync(fd);
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    count_sync(fd);
    return (int)syscall(SYS_fdatasync, fd);
}

/* ---- Calls that wait ---- */

struct waiting {
    bool done;
    int status;
    uint64_t index;
    struct bytes piece;
    bool last;
};

static void wait_for(struct waiting *w)
{
    while (!w->done)
        uv_run(loop, UV_RUN_ONCE);
}

static void checkpointed(void *arg, int status, uint64_t index)
{
    *(struct waiting *)arg = (struct waiting){.done = true, .status = status, .index = index};
}

static uint64_t checkpoint(struct fixture *f)
{
    struct waiting w = {0};
    assert_int_equal(tree_checkpoint(f->tree, loop, checkpointed, &w), 0);
    assert_true(tree_busy(f->tree));
    assert_int_equal(tree_checkpoint(f->tree, loop, checkpointed, &w), -EBUSY);
    wait_for(&w);
    assert_int_equal(w.status, 0);
    return w.index;
}

static void piece_read(void *arg, int status, struct bytes piece, bool last)
{
    *(struct waiting *)arg =
        (struct waiting){.done = true, .status = status, .piece = piece, .last = last};
}

static struct waiting next_piece(struct tree_reader *reader, size_t bytes_max)
{
    struct waiting w = {0};
    assert_int_equal(tree_reader_next(reader, loop, bytes_max, piece_read, &w), 0);
    wait_for(&w);
    return w;
}

static void stepped(void *arg, int status)
{
    *(struct waiting *)arg = (struct waiting){.done = true, .status = status};
}

static int add_piece(struct tree_writer *writer, struct bytes piece)
{
    struct waiting w = {0};
    assert_int_equal(tree_writer_add(writer, loop, piece, stepped, &w), 0);
    wait_for(&w);
    return w.status;
}

static int install(struct tree_writer *writer)
{
    struct waiting w = {0};
    tree_writer_install(writer, loop, stepped, &w);
    wait_for(&w);
    return w.status;
}

/* ---- Contents ---- */

/* Applies `count` random commands, the same for the same state; returns them in `log` if it is
 * given. */
static void apply_random(struct fixture *f, uint64_t *seed, int count, struct buffer *log)
{
    for (int i = 0; i < count; i++) {
        struct op op = workload_op(seed, 60);
        struct buffer entry = fixture_entry(f, &op, 1);
        bool repeated;
        struct command_result result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);
        command_result_free(&result);
        if (log)
            buffer_put_bytes(log, bytes_of(entry.data, entry.len));
        buffer_free(&entry);
    }
}

static void apply_log(struct fixture *f, const struct buffer *log)
{
    struct reader r = reader_of(bytes_of(log->data, log->len));
    while (reader_left(&r) > 0) {
        bool repeated;
        struct command_result result = fixture_apply(f, reader_bytes(&r), &repeated);
        command_result_free(&result);
    }
}

/* The whole snapshot of `from`, piece by piece, into a writer of `to`. */
static void transfer(struct tree_reader *reader, struct tree_writer *writer)
{
    struct waiting w = {0};
    while (!w.last) {
        w = next_piece(reader, 100000);
        assert_int_equal(w.status, 0);
        assert_int_equal(add_piece(writer, w.piece), 0);
    }
}

static void copy_tree(struct fixture *from, struct fixture *to)
{
    struct tree_reader *reader;
    uint64_t index;
    assert_int_equal(tree_reader_open(from->tree, RECORD_FORMAT, &reader, &index), 0);
    struct tree_writer *writer;
    assert_int_equal(tree_writer_open(to->tree, index, &writer), 0);
    transfer(reader, writer);
    tree_reader_close(reader);
    assert_int_equal(install(writer), 0);
    assert_int_equal(tree_applied(to->tree), index);
    assert_int_equal(tree_snapshot(to->tree), index);
}

/* ---- Snapshots ---- */

static void a_snapshot_is_whole_while_commands_are_applied(void **state)
{
    uint64_t seed = random_seed();
    struct buffer log = {0};
    struct waiting w = {0};
    struct fixture a, b;
    fixture_open(&a);
    fixture_open(&b);
    apply_random(&a, &seed, 1500, NULL);
    uint64_t digest = fixture_digest(&a);
    uint64_t index;
    struct tree_reader *reader;
    assert_int_equal(tree_reader_open(a.tree, RECORD_FORMAT, &reader, &index), 0);
    assert_int_equal(index, 1500);
    struct tree_writer *writer;
    assert_int_equal(tree_writer_open(b.tree, index, &writer), 0);
    assert_int_equal(tree_writer_open(b.tree, index, &writer), -EBUSY);
    while (!w.last) {
        apply_random(&a, &seed, 20, &log);
        assert_int_equal(tree_commit(a.tree), 0);
        w = next_piece(reader, 20000);
        assert_int_equal(w.status, 0);
        assert_int_equal(add_piece(writer, w.piece), 0);
        fixture_must(&b, make_put("written/meanwhile", "goes away"));
    }
    assert_int_equal(tree_reader_next(reader, loop, 1, piece_read, &w), -ENODATA);
    tree_reader_close(reader);
    assert_int_equal(install(writer), 0);
    assert_int_equal(tree_applied(b.tree), index);
    assert_int_equal(fixture_digest(&b), digest);
    fixture_check(&b);
    apply_log(&b, &log);
    assert_int_equal(fixture_digest(&b), fixture_digest(&a));
    fixture_reopen(&b);
    assert_int_equal(fixture_digest(&b), fixture_digest(&a));
    buffer_free(&log);
    fixture_close(&a);
    fixture_close(&b);
}

static void a_deleted_key_stays_deleted(void **state)
{
    struct op delete = {.type = OP_DELETE, .name = text("d/gone")};
    struct fixture a, b;
    fixture_open(&a);
    fixture_open(&b);
    fixture_must(&a, make_put("d/gone", "1"));
    fixture_must(&b, make_put("d/gone", "1")); /* b was away from here on */
    fixture_must(&a, make_put("d/kept", "2"));
    fixture_must(&a, delete);
    copy_tree(&a, &b);
    assert_int_equal(fixture_resolve(&b, "d/gone").ino, 0);
    fixture_assert_contents(&b, fixture_resolve(&b, "d/kept").ino, "2");
    assert_int_equal(fixture_digest(&b), fixture_digest(&a));
    fixture_close(&a);
    fixture_close(&b);
}

/* A command from before the snapshot must not take effect again after it. */
static void sessions_travel_with_a_snapshot(void **state)
{
    struct op op = {.type = OP_APPEND, .ino = 2, .data = text("once")};
    struct fixture a, b;
    fixture_open(&a);
    fixture_open(&b);
    fixture_must(&a, make_put("log", ""));
    struct buffer entry = fixture_entry(&a, &op, 1);
    bool repeated;
    struct command_result result = fixture_apply(&a, bytes_of(entry.data, entry.len), &repeated);
    command_result_free(&result);
    copy_tree(&a, &b);
    assert_int_equal(tree_recall(b.tree, 1, 1, 2, &result), 0);
    assert_int_equal(result.ops[0].attr.size, 4);
    command_result_free(&result);
    result = fixture_apply(&b, bytes_of(entry.data, entry.len), &repeated);
    assert_true(repeated);
    command_result_free(&result);
    fixture_assert_contents(&b, 2, "once");
    buffer_free(&entry);
    fixture_close(&a);
    fixture_close(&b);
}

static void a_wrong_snapshot_is_not_installed(void **state)
{
    struct fixture a, b;
    fixture_open(&a);
    fixture_open(&b);
    fixture_must(&a, make_put("k", "v"));
    fixture_must(&b, make_put("own", "x"));
    fixture_must(&b, make_put("own", "y"));
    uint64_t digest = fixture_digest(&b);
    struct tree_writer *writer;
    /* without a last piece */
    assert_int_equal(tree_writer_open(b.tree, 1, &writer), 0);
    assert_int_equal(install(writer), -EBADMSG);
    uint64_t index;
    struct tree_reader *reader;
    /* of another index than promised */
    assert_int_equal(tree_reader_open(a.tree, RECORD_FORMAT, &reader, &index), 0);
    struct waiting w = next_piece(reader, 1000000);
    assert_true(w.last);
    assert_int_equal(tree_writer_open(b.tree, index + 1, &writer), 0);
    assert_int_equal(add_piece(writer, w.piece), -EBADMSG);
    tree_writer_abort(writer);
    /* without the counts at its end, with which rows that are missing would be noticed */
    const size_t end_bytes = 1 + 8 * tables_count(RECORD_FORMAT);
    assert_int_equal(tree_writer_open(b.tree, index, &writer), 0);
    assert_int_equal(add_piece(writer, bytes_of(w.piece.data, w.piece.len - end_bytes)), 0);
    assert_int_equal(install(writer), -EBADMSG);
    /* older than the tree is */
    assert_int_equal(tree_writer_open(b.tree, index, &writer), 0);
    assert_int_equal(add_piece(writer, w.piece), 0);
    assert_int_equal(add_piece(writer, w.piece), -EBADMSG);
    tree_writer_abort(writer);
    assert_int_equal(tree_writer_open(b.tree, index, &writer), 0);
    assert_int_equal(add_piece(writer, w.piece), 0);
    assert_int_equal(install(writer), -ESTALE);
    assert_int_equal(fixture_digest(&b), digest);
    tree_reader_close(reader);
    fixture_close(&a);
    fixture_close(&b);
}

/* Applies an operation, and adds its entry to a piece. */
static void add_to_piece(struct buffer *piece, struct fixture *f, struct op op)
{
    struct buffer entry = fixture_entry(f, &op, 1);
    bool repeated;
    struct command_result result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);
    command_result_free(&result);
    record_put_entry(piece, bytes_of(entry.data, entry.len));
    buffer_free(&entry);
}

/* A writer that has all rows of the tree. */
static struct tree_writer *with_rows(struct fixture *from, struct fixture *to)
{
    struct tree_reader *reader;
    uint64_t index;
    assert_int_equal(tree_reader_open(from->tree, RECORD_FORMAT, &reader, &index), 0);
    struct tree_writer *writer;
    assert_int_equal(tree_writer_open(to->tree, index, &writer), 0);
    transfer(reader, writer);
    tree_reader_close(reader);
    return writer;
}

static void entries_follow_the_rows(void **state)
{
    struct buffer piece = {0}, none = {0};
    struct fixture a, b;
    fixture_open(&a);
    fixture_open(&b);
    fixture_must(&a, make_put("a/key", "1"));
    struct tree_writer *writer = with_rows(&a, &b);
    for (int i = 0; i < 3000; i++) {
        char key[16];
        snprintf(key, sizeof key, "a/%d", i);
        add_to_piece(&piece, &a, make_put(key, "new"));
    }
    add_to_piece(&piece, &a, make_put("a/key", "2"));
    add_to_piece(&piece, &a, make_named(OP_UNLINK, INO_ROOT, "none")); /* fails at both */
    uint64_t index = tree_applied(a.tree);
    size_t entries = piece.len;
    record_put_last(&piece, index);
    assert_int_equal(add_piece(writer, bytes_of(piece.data, entries)), 0);
    assert_int_equal(add_piece(writer, bytes_of(piece.data + entries, piece.len - entries)), 0);
    assert_int_equal(install(writer), 0);
    assert_int_equal(tree_applied(b.tree), index);
    assert_int_equal(tree_snapshot(b.tree), index);
    assert_int_equal(fixture_digest(&b), fixture_digest(&a));
    fixture_check(&b);
    fixture_reopen(&b);
    assert_int_equal(tree_applied(b.tree), index);
    assert_int_equal(fixture_digest(&b), fixture_digest(&a));
    /* none at all */
    fixture_must(&a, make_put("a/key", "3"));
    record_put_last(&none, tree_applied(a.tree));
    writer = with_rows(&a, &b);
    assert_int_equal(add_piece(writer, bytes_of(none.data, none.len)), 0);
    assert_int_equal(install(writer), 0);
    assert_int_equal(fixture_digest(&b), fixture_digest(&a));
    buffer_free(&piece);
    buffer_free(&none);
    fixture_close(&a);
    fixture_close(&b);
}

static void assert_refused(struct fixture *a, struct fixture *b, const struct buffer *piece)
{
    struct tree_writer *writer = with_rows(a, b);
    assert_int_equal(add_piece(writer, bytes_of(piece->data, piece->len)), -EBADMSG);
    tree_writer_abort(writer);
}

static void wrong_entries_are_not_installed(void **state)
{
    struct buffer piece = {0};
    struct fixture a, b;
    fixture_open(&a);
    fixture_open(&b);
    fixture_must(&a, make_put("k", "v"));
    uint64_t index = tree_applied(a.tree);
    record_put_entry(&piece, bytes_of("\0none", 5)); /* garbage, which counts */
    /* without their end */
    struct tree_writer *writer = with_rows(&a, &b);
    assert_int_equal(add_piece(writer, bytes_of(piece.data, piece.len)), 0);
    assert_int_equal(install(writer), -EBADMSG);
    /* before the rows have ended */
    assert_int_equal(tree_writer_open(b.tree, index, &writer), 0);
    assert_int_equal(add_piece(writer, bytes_of(piece.data, piece.len)), -EBADMSG);
    tree_writer_abort(writer);
    /* too few, and after the last */
    record_put_last(&piece, index + 2);
    assert_refused(&a, &b, &piece);
    piece.len = 0;
    record_put_last(&piece, index);
    record_put_entry(&piece, bytes_of("\0none", 5)); /* garbage, which counts */
    assert_refused(&a, &b, &piece);
    assert_int_equal(tree_applied(b.tree), 0);
    buffer_free(&piece);
    fixture_close(&a);
    fixture_close(&b);
}

/* A piece with any one byte changed is refused, or was a harmless one; nothing crashes. */
static void damaged_pieces_are_refused(void **state)
{
    struct fixture a, b;
    fixture_open(&a);
    fixture_open(&b);
    fixture_must(&a, make_put("a/key", "value"));
    uint64_t index;
    struct tree_reader *reader;
    assert_int_equal(tree_reader_open(a.tree, RECORD_FORMAT, &reader, &index), 0);
    struct waiting w = next_piece(reader, 1000000);
    uint8_t *bytes = malloc(w.piece.len);
    struct tree_writer *writer;
    for (size_t i = 0; i < w.piece.len; i += 3) {
        memcpy(bytes, w.piece.data, w.piece.len);
        bytes[i] ^= 0x81;
        assert_int_equal(tree_writer_open(b.tree, index, &writer), 0);
        int status = add_piece(writer, bytes_of(bytes, w.piece.len));
        assert_true(status == 0 || status == -EBADMSG);
        tree_writer_abort(writer);
    }
    for (size_t len = 0; len < w.piece.len; len += 5) {
        assert_int_equal(tree_writer_open(b.tree, index, &writer), 0);
        add_piece(writer, bytes_of(w.piece.data, len));
        assert_int_equal(install(writer), -EBADMSG);
    }
    free(bytes);
    tree_reader_close(reader);
    assert_int_equal(tree_applied(b.tree), 0);
    fixture_close(&a);
    fixture_close(&b);
}

static void a_lost_piece_is_missed(void **state)
{
    struct waiting w = {0};
    uint64_t index, seed = 7;
    int status = 0;
    struct fixture a, b;
    fixture_open(&a);
    fixture_open(&b);
    apply_random(&a, &seed, 300, NULL);
    struct tree_reader *reader;
    assert_int_equal(tree_reader_open(a.tree, RECORD_FORMAT, &reader, &index), 0);
    struct tree_writer *writer;
    assert_int_equal(tree_writer_open(b.tree, index, &writer), 0);
    for (int piece = 0; !w.last; piece++) {
        assert_int_equal(status, 0);
        w = next_piece(reader, 2000);
        if (piece != 2)
            status = add_piece(writer, w.piece);
    }
    assert_int_equal(status, -EBADMSG);
    tree_writer_abort(writer);
    tree_reader_close(reader);
    fixture_close(&a);
    fixture_close(&b);
}

/* Whole, and yet no tree: its numbers do not fit its rows, or its results are malformed. */
static void a_damaged_tree_is_refused(void **state)
{
    const char *const damages[] = {
        "UPDATE meta SET inodes = inodes + 1",
        "UPDATE meta SET bytes = bytes + 1",
        "UPDATE inode SET mode = 0 WHERE ino = 2",
        "UPDATE inode SET nlink = 2 WHERE ino = 2",
        "UPDATE dentry SET ino = 2", /* one has both names, the other none */
        "UPDATE inode SET size = 1 WHERE ino = 1",
        "UPDATE inode SET nlink = 3 WHERE ino = 1",
        "INSERT INTO held VALUES (1, 2)",
        "INSERT INTO held VALUES (1, 99)",
        "INSERT INTO dentry VALUES (1, x'6d', 99)",
        "INSERT INTO dentry VALUES (2, x'6d', 3); UPDATE inode SET nlink = 2 WHERE ino = 3",
        "DELETE FROM session",
        "UPDATE result SET page = 5000",
        "UPDATE result SET bytes = x'ff'",
        "UPDATE result SET bytes = x'00000000'",
        "UPDATE result SET bytes = CAST(bytes || bytes AS BLOB)",
        "UPDATE result SET bytes = CAST(x'40' || substr(bytes, 2) AS BLOB)",
        "DELETE FROM ttl WHERE ino = 2",
        "INSERT INTO ttl VALUES (3, 1000, 0)",
        "UPDATE inode SET rdev = 2 WHERE ino = 3",
        "UPDATE ttl SET ms = 99 WHERE ino = 2",
        "UPDATE ttl SET ms = 100 WHERE ino = 4",
        "UPDATE ttl SET lease = 8 WHERE ino = 4",
        "UPDATE lease_file SET ino = 3",
        "DELETE FROM lease_file",
        "UPDATE lease SET files = 0",
        "UPDATE lease SET files = 1001",
        "UPDATE lease SET ms = 0",
        "UPDATE lease SET id = 8",
        "UPDATE lease SET uid = -1",
        "UPDATE lease SET token = -1",
        "UPDATE token SET id = 0",
        "UPDATE token SET id = 100", /* later than all entries */
        "UPDATE token SET name = x''",
        "UPDATE token SET name = x'612f62'",
        "UPDATE token SET hash = CAST(substr(hash, 2) AS BLOB)",
        "UPDATE token SET gids = x'010203'",
        "UPDATE token SET gids = zeroblob(1028)",
        "UPDATE token SET uid = 1 << 32",
        "UPDATE token SET read_only = 2",
        "UPDATE token SET path = x'2f61'",
        "UPDATE token SET expires = -1",
    };
    static const uint8_t hash[TOKEN_HASH_BYTES] = {1};
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct fixture a, b;
        fixture_open(&a);
        fixture_open(&b);
        fixture_must(&a, make_put("k", "v"));
        fixture_must(&a, make_put("l", "v"));
        fixture_must(&a, (struct op){.type = OP_TTL, .ino = 2, .size = 1000});
        fixture_must(&a, (struct op){.type = OP_LEASE, .lease = 7, .size = 1000});
        fixture_must(&a, (struct op){.type = OP_PUT, .name = text("n"), .lease = 7});
        fixture_must(&a, (struct op){.type = OP_TOKEN_ADD,
                                     .name = text("ci"),
                                     .data = bytes_of(hash, sizeof hash)});
        assert_int_equal(tree_commit(a.tree), 0);
        fixture_sql(&a, damages[i]);
        uint64_t index;
        struct tree_reader *reader;
        assert_int_equal(tree_reader_open(a.tree, RECORD_FORMAT, &reader, &index), 0);
        struct tree_writer *writer;
        assert_int_equal(tree_writer_open(b.tree, index, &writer), 0);
        transfer(reader, writer);
        assert_int_equal(install(writer), -EBADMSG);
        assert_int_equal(tree_applied(b.tree), 0);
        tree_reader_close(reader);
        fixture_close(&a);
        fixture_close(&b);
    }
}

/* The row of the second one does not go into the table. */
static void tokens_of_one_name_or_hash_are_refused(void **state)
{
    static const char *const damages[] = {
        "DROP INDEX token_name; INSERT INTO token SELECT 9, name, zeroblob(32), uid, gid, gids,"
        " read_only, path, made, expires FROM token",
        "DROP INDEX token_hash; INSERT INTO token SELECT 9, x'62', hash, uid, gid, gids,"
        " read_only, path, made, expires FROM token",
    };
    static const uint8_t hash[TOKEN_HASH_BYTES] = {1};
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct fixture a, b;
        fixture_open(&a);
        fixture_open(&b);
        fixture_must(&a, (struct op){.type = OP_TOKEN_ADD,
                                     .name = text("ci"),
                                     .data = bytes_of(hash, sizeof hash)});
        assert_int_equal(tree_commit(a.tree), 0);
        fixture_sql(&a, damages[i]);
        uint64_t index;
        struct tree_reader *reader;
        assert_int_equal(tree_reader_open(a.tree, RECORD_FORMAT, &reader, &index), 0);
        struct tree_writer *writer;
        assert_int_equal(tree_writer_open(b.tree, index, &writer), 0);
        assert_int_equal(add_piece(writer, next_piece(reader, 1000000).piece), -EBADMSG);
        tree_writer_abort(writer);
        tree_reader_close(reader);
        fixture_close(&a);
        fixture_close(&b);
    }
}

static void an_installation_ends_readers_and_views_and_waits(void **state)
{
    struct waiting installed = {0}, checkpoint_done = {0}, piece = {0};
    struct fixture a, b;
    fixture_open(&a);
    fixture_open(&b);
    fixture_must(&a, make_put("k", "v"));
    fixture_must(&a, make_put("k", "w"));
    fixture_must(&b, make_put("old", "x"));
    uint64_t index;
    struct tree_reader *from;
    assert_int_equal(tree_reader_open(a.tree, RECORD_FORMAT, &from, &index), 0);
    struct tree_reader *own;
    assert_int_equal(tree_reader_open(b.tree, RECORD_FORMAT, &own, &(uint64_t){0}), 0);
    struct tree_view *view;
    assert_int_equal(tree_view_open(b.tree, &view), 0);
    struct tree_writer *writer;
    assert_int_equal(tree_writer_open(b.tree, index, &writer), 0);
    transfer(from, writer);
    assert_int_equal(tree_checkpoint(b.tree, loop, checkpointed, &checkpoint_done), 0);
    assert_int_equal(tree_reader_next(own, loop, 10, piece_read, &piece), 0);
    tree_writer_install(writer, loop, stepped, &installed);
    assert_int_equal(tree_checkpoint(b.tree, loop, checkpointed, &checkpoint_done), -EBUSY);
    wait_for(&installed);
    wait_for(&piece);
    wait_for(&checkpoint_done);
    assert_int_equal(installed.status, 0);
    assert_int_equal(tree_reader_next(own, loop, 10, piece_read, &piece), -ESTALE);
    assert_false(tree_busy(b.tree));
    assert_null(tree_view_tree(view));
    tree_view_close(view);
    tree_reader_close(own);
    tree_reader_close(from);
    assert_int_equal(fixture_digest(&b), fixture_digest(&a));
    assert_int_equal(checkpoint(&b), index);
    fixture_close(&a);
    fixture_close(&b);
}

/* ---- Crashes during an installation ---- */

static void install_and_die(struct fixture *from, struct fixture *to)
{
    uv_loop_fork(loop);
    fixture_attach(from);
    fixture_attach(to);
    fixture_must(to, make_put("in the WAL", "only"));
    tree_commit(to->tree);
    copy_tree(from, to);
    raise(SIGKILL);
}

static void a_kill_leaves_the_old_tree_or_the_new_one(void **state)
{
    uint64_t seed = random_seed();
    int old = 0, new = 0;
    struct fixture a;
    fixture_open(&a);
    apply_random(&a, &seed, 300, NULL);
    uint64_t after = fixture_digest(&a);
    fixture_detach(&a);
    struct fixture b;
    for (int i = 0; i < 20; i++) {
        struct timespec wait = {.tv_nsec = random_below(&seed, 40000) * 1000L};
        fixture_open(&b);
        fixture_must(&b, make_put("old", "x"));
        uint64_t before = fixture_digest(&b);
        fixture_detach(&b);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            install_and_die(&a, &b);
        nanosleep(&wait, NULL);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        fixture_attach(&b);
        if (tree_applied(b.tree) == 300)
            assert_int_equal(fixture_digest(&b), after);
        else if (tree_applied(b.tree) == 1)
            assert_int_equal(fixture_digest(&b), before);
        else
            assert_int_equal(tree_applied(b.tree), 2);
        tree_applied(b.tree) == 300 ? new ++ : old++;
        fixture_check(&b);
        fixture_close(&b);
    }
    printf("found the old tree %d times, the new one %d times\n", old, new);
    fixture_close(&a);
}

static void copy_file(const char *from_dir, const char *from, const char *to_dir, const char *to)
{
    static uint8_t bytes[1 << 20];
    char path[128];
    snprintf(path, sizeof path, "%s/%s", from_dir, from);
    int in = open(path, O_RDONLY);
    snprintf(path, sizeof path, "%s/%s", to_dir, to);
    int out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(in >= 0 && out >= 0);
    for (ssize_t len; (len = read(in, bytes, sizeof bytes)) > 0;)
        assert_int_equal(write(out, bytes, (size_t)len), len);
    close(in);
    close(out);
}

/* After the step, at each point: the old tree with its WAL, without it, and leftovers of a later
 * attempt. */
static void a_decided_installation_is_finished(void **state)
{
    struct fixture a, b;
    uint64_t digest;
    for (int point = 0; point < 3; point++) {
        fixture_open(&a);
        fixture_must(&a, make_put("new", "1"));
        digest = fixture_digest(&a);
        fixture_detach(&a);
        fixture_open(&b);
        fixture_must(&b, make_put("old", "1"));
        tree_commit(b.tree);
        struct fixture c; /* b as a crash leaves it, with a WAL */
        fixture_open(&c);
        fixture_detach(&c);
        copy_file(b.path, "tree.db", c.path, "tree.db");
        if (point < 2)
            copy_file(b.path, "tree.db-wal", c.path, "tree.db-wal");
        if (point == 1)
            copy_file(b.path, "tree.db", c.path, "tree.db.incoming");
        copy_file(a.path, "tree.db", c.path, "tree.db.ready");
        fixture_attach(&c);
        assert_int_equal(fixture_digest(&c), digest);
        char path[128];
        snprintf(path, sizeof path, "%s/tree.db.ready", c.path);
        assert_int_equal(access(path, F_OK), -1);
        snprintf(path, sizeof path, "%s/tree.db.incoming", c.path);
        assert_int_equal(access(path, F_OK), -1);
        fixture_close(&c);
        fixture_close(&b);
        fixture_close(&a);
    }
}

/* ---- Checkpoints ---- */

/* The index that a checkpoint reports is in tree.db alone. */
static void a_checkpoint_is_durable(void **state)
{
    uint64_t seed = random_seed();
    struct fixture f;
    fixture_open(&f);
    assert_int_equal(checkpoint(&f), 0);
    apply_random(&f, &seed, 500, NULL);
    uint64_t index = checkpoint(&f);
    assert_int_equal(index, 500);
    apply_random(&f, &seed, 100, NULL);
    tree_commit(f.tree);
    struct fixture copy;
    fixture_open(&copy);
    fixture_detach(&copy);
    copy_file(f.path, "tree.db", copy.path, "tree.db");
    fixture_attach(&copy);
    assert_int_equal(tree_applied(copy.tree), index);
    fixture_check(&copy);
    fixture_close(&copy);
    fixture_close(&f);
}

/* Entries that are applied while it copies are not durable with it. */
static void a_checkpoint_counts_from_its_beginning(void **state)
{
    struct waiting w = {0};
    struct fixture f;
    fixture_open(&f);
    fixture_must(&f, make_put("k", "1"));
    assert_int_equal(tree_checkpoint(f.tree, loop, checkpointed, &w), 0);
    fixture_must(&f, make_put("k", "2"));
    wait_for(&w);
    assert_int_equal(w.status, 0);
    assert_int_equal(w.index, 1);
    assert_int_equal(checkpoint(&f), 2);
    fixture_close(&f);
}

/* The index that a copy of the files has. */
static uint64_t index_of_copy(const struct fixture *f)
{
    struct fixture copy;
    fixture_open(&copy);
    fixture_detach(&copy);
    copy_file(f->path, "tree.db", copy.path, "tree.db");
    copy_file(f->path, "tree.db-wal", copy.path, "tree.db-wal");
    fixture_attach(&copy);
    uint64_t index = tree_applied(copy.tree);
    fixture_check(&copy);
    fixture_close(&copy);
    return index;
}

/* What a checkpoint may not copy under a reader is durable in the WAL. */
static void a_reader_does_not_hold_back_durability(void **state)
{
    struct fixture f;
    fixture_open(&f);
    fixture_must(&f, make_put("a", "1"));
    uint64_t index;
    struct tree_reader *reader;
    assert_int_equal(checkpoint(&f), 1);
    assert_int_equal(tree_reader_open(f.tree, RECORD_FORMAT, &reader, &index), 0);
    fixture_must(&f, make_put("a", "2"));
    assert_int_equal(tree_commit(f.tree), 0); /* if the WAL begins anew, its header is synced */
    fixture_must(&f, make_put("a", "3"));
    wal_syncs = 0;
    assert_int_equal(checkpoint(&f), 3);
    assert_true(wal_syncs > 0);
    assert_int_equal(index_of_copy(&f), 3);
    tree_reader_close(reader);
    assert_int_equal(checkpoint(&f), 3);
    fixture_close(&f);
}

/* Whether a reader goes on when the WAL has so many bytes beside so many that are free. */
static bool is_read_beside(struct fixture *f, uint64_t wal, bool tight, uint64_t disk_free)
{
    uint64_t index;
    struct tree_reader *reader;
    tree_tighten(f->tree, tight, disk_free);
    assert_int_equal(tree_reader_open(f->tree, RECORD_FORMAT, &reader, &index), 0);
    int frames = f->tree->wal_frames;
    f->tree->wal_frames = (int)(wal / TREE_PAGE_BYTES);
    checkpoint_watch(f->tree);
    f->tree->wal_frames = frames;
    bool goes_on = !LIST_EMPTY(&f->tree->readers);
    tree_reader_close(reader);
    return goes_on;
}

/* A reader for a slow line may keep as much of the disk as there is plenty of. */
static void the_disk_bounds_what_a_reader_keeps(void **state)
{
    const uint64_t mib = 1 << 20, gib = 1 << 30;
    struct fixture f;
    fixture_open(&f);
    fixture_must(&f, make_put("a", "1"));
    assert_true(is_read_beside(&f, gib, false, 0));
    assert_false(is_read_beside(&f, gib + mib, false, 0));
    assert_true(is_read_beside(&f, 2 * gib, false, 14 * gib)); /* an eighth, with the WAL itself */
    assert_false(is_read_beside(&f, 2 * gib, false, 13 * gib));
    assert_true(is_read_beside(&f, 8 * gib, false, 1000 * gib));
    assert_false(is_read_beside(&f, 8 * gib + mib, false, 1000 * gib));
    assert_true(is_read_beside(&f, 16 * mib, true, 1000 * gib));
    assert_false(is_read_beside(&f, 17 * mib, true, 1000 * gib));
    fixture_close(&f);
}

/* A loop that never rests: neither the WAL nor the cost of a pause may grow without end. */
static void the_wal_is_used_again(void **state)
{
    struct waiting w = {.done = true};
    struct op op = {.type = OP_PUT, .name = text("k")};
    int checkpoints = 0, pauses = 0;
    struct fixture f;
    fixture_open(&f);
    op.data.len = 100000;
    op.data.data = malloc(op.data.len);
    for (int i = 0; i < 4000; i++) {
        memset((void *)op.data.data, i, op.data.len);
        if (w.done && tree_wants_checkpoint(f.tree)) {
            w.done = false;
            assert_int_equal(tree_checkpoint(f.tree, loop, checkpointed, &w), 0);
            checkpoints++;
        }
        uv_run(loop, UV_RUN_NOWAIT);
        while (tree_must_pause(f.tree)) {
            wait_for(&w);
            if (!tree_must_pause(f.tree))
                break;
            checkpoint(&f);
            pauses++;
        }
        fixture_must(&f, op);
        if (i % 3 == 0)
            assert_int_equal(tree_commit(f.tree), 0);
    }
    wait_for(&w);
    char path[128];
    snprintf(path, sizeof path, "%s/tree.db-wal", f.path);
    struct stat wal;
    assert_int_equal(stat(path, &wal), 0);
    printf("%d checkpoints, %d pauses, a WAL of %lld bytes\n", checkpoints, pauses,
           (long long)wal.st_size);
    assert_true(wal.st_size < 100 << 20); /* of 400 MB that were written */
    free((void *)op.data.data);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_is_whole_while_commands_are_applied),
        cmocka_unit_test(a_deleted_key_stays_deleted),
        cmocka_unit_test(sessions_travel_with_a_snapshot),
        cmocka_unit_test(a_wrong_snapshot_is_not_installed),
        cmocka_unit_test(entries_follow_the_rows),
        cmocka_unit_test(wrong_entries_are_not_installed),
        cmocka_unit_test(damaged_pieces_are_refused),
        cmocka_unit_test(a_lost_piece_is_missed),
        cmocka_unit_test(a_damaged_tree_is_refused),
        cmocka_unit_test(tokens_of_one_name_or_hash_are_refused),
        cmocka_unit_test(an_installation_ends_readers_and_views_and_waits),
        cmocka_unit_test(a_decided_installation_is_finished),
        cmocka_unit_test(a_checkpoint_is_durable),
        cmocka_unit_test(a_checkpoint_counts_from_its_beginning),
        cmocka_unit_test(a_reader_does_not_hold_back_durability),
        cmocka_unit_test(the_disk_bounds_what_a_reader_keeps),
        cmocka_unit_test(the_wal_is_used_again),
        cmocka_unit_test(a_kill_leaves_the_old_tree_or_the_new_one),
    };
    loop = uv_default_loop();
    int failed = cmocka_run_group_tests_name("tree_snapshot", tests, NULL, NULL);
    uv_loop_close(loop);
    uv_library_shutdown();
    return failed;
}
