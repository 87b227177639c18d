#include "lab.h"

#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct identity identity = {.cluster = LAB_CLUSTER, .node = LAB_NODE};
static struct lab the_lab;

/* ---- The beginning ---- */

static void lab_apply(const struct op *op)
{
    static struct stamp stamp = {.node = LAB_NODE, .incarnation = 1, .time = 1000};
    struct command command = {0};
    struct command_result result;
    bool repeated;
    int status = command_add(&command, op);
    assert(status == 0);
    stamp.sequence++;
    stamp.lowest = stamp.sequence > LAB_SEQUENCES ? stamp.sequence - LAB_SEQUENCES : 1;
    command_stamp(&command, &stamp);
    status = tree_apply(the_lab.tree, bytes_of(command.bytes.data, command.bytes.len), true,
                        &result, &repeated);
    assert(status == 0 && result.status == 0 && !repeated);
    command_result_free(&result);
    command_free(&command);
}

static void lab_put(const char *key, size_t len)
{
    static uint8_t bytes[40000];
    assert(len <= sizeof bytes);
    memset(bytes, 'x', sizeof bytes);
    lab_apply(
        &(struct op){.type = OP_PUT, .name = bytes_of_text(key), .data = bytes_of(bytes, len)});
}

static void named(uint8_t type, uint64_t parent, const char *name, const char *data)
{
    lab_apply(&(struct op){.type = type,
                           .ino = parent,
                           .name = bytes_of_text(name),
                           .data = bytes_of_text(data),
                           .ino2 = type == OP_LINK ? 2 : 0,
                           .mode = 0644});
}

/* Numbers of inodes: a 2, b 3, d 4, d/e 5, d/e/f 6, l 7, p 8, gone 9. */
static void fill(void)
{
    lab_put("a", 100);
    lab_put("b", 40000);
    lab_put("d/e/f", 5000);
    named(OP_SYMLINK, INO_ROOT, "l", "a");
    lab_apply(&(struct op){
        .type = OP_MKNOD, .ino = INO_ROOT, .name = bytes_of_text("p"), .mode = S_IFIFO | 0600});
    named(OP_CREATE, INO_ROOT, "gone", "");
    lab_apply(
        &(struct op){.type = OP_UNLINK, .ino = INO_ROOT, .name = bytes_of_text("gone"), .hold = 9});
    named(OP_LINK, 4, "h", "");
    named(OP_SETXATTR, 2, "user.x", "value");
    lab_apply(&(struct op){.type = OP_PUNCH, .ino = 3, .offset = 16384, .size = 16384});
}

/* Every second inode is held open by this node. */
static bool wants(void *arg, uint64_t ino)
{
    return ino % 2 == 0;
}

static struct tree_keeper keeper = {.wants = wants};

static void open_tree(void)
{
    struct fault fault;
    int status = tree_open(the_lab.folder, &identity, &the_lab.tree, &fault);
    assert(status == 0);
    tree_keep(the_lab.tree, &keeper);
}

struct lab *lab_of_process(void)
{
    if (the_lab.tree)
        return &the_lab;
    char path[300];
    struct fault fault;
    snprintf(path, sizeof path, "%s/lab", folder_of_process());
    int status = folder_open(path, &the_lab.folder, &fault);
    assert(status == 0);
    open_tree();
    fill();
    status = tree_commit(the_lab.tree);
    assert(status == 0);
    the_lab.counters = the_lab.tree->counters;
    the_lab.trash = the_lab.tree->trash;
    the_lab.kept = the_lab.tree->kept;
    return &the_lab;
}

/* ---- The snapshot ---- */

static struct buffer snapshot;

static void take_piece(void *arg, int status, struct bytes piece, bool last)
{
    assert(status == 0);
    buffer_append(&snapshot, piece.data, piece.len);
    *(bool *)arg = last;
}

static void forget_snapshot(void)
{
    buffer_free(&snapshot);
}

struct bytes lab_snapshot(void)
{
    if (snapshot.len > 0)
        return bytes_of(snapshot.data, snapshot.len);
    struct tree_reader *reader;
    uint64_t index;
    bool last = false;
    atexit(forget_snapshot);
    int status = tree_reader_open(lab_of_process()->tree, RECORD_FORMAT, &reader, &index);
    assert(status == 0);
    while (!last) {
        status = tree_reader_next(reader, NULL, 1 << 20, take_piece, &last);
        assert(status == 0);
        work_all();
    }
    tree_reader_close(reader);
    return bytes_of(snapshot.data, snapshot.len);
}

static void done(void *arg, int status)
{
    *(int *)arg = status;
}

int lab_add(struct tree_writer *writer, struct bytes piece)
{
    int status = 1;
    tree_writer_add(writer, NULL, piece, done, &status);
    work_all();
    assert(status <= 0);
    return status;
}

int lab_install(struct tree_writer *writer)
{
    int status = 1;
    tree_writer_install(writer, NULL, done, &status);
    work_all();
    assert(status <= 0);
    return status;
}

/* The beginning again, by the way that is being tested. */
static void lab_reinstall(struct lab *lab)
{
    struct tree_writer *writer;
    int status = tree_writer_open(lab->tree, lab->counters.applied, &writer);
    assert(status == 0);
    status = lab_add(writer, lab_snapshot());
    assert(status == 0);
    status = lab_install(writer);
    assert(status == 0);
}

/* ---- Experiments ---- */

void lab_renew(struct lab *lab)
{
    tree_keep_end(&keeper);
    tree_close(lab->tree);
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder_path(lab->folder), TREE_FILE);
    int status = unlink(path);
    assert(status == 0);
    lab->tree = NULL;
    open_tree();
    lab_reinstall(lab);
}

void lab_undo(struct lab *lab)
{
    struct tree *tree = lab->tree;
    assert(tree->broken == 0);
    if (!tree->writing)
        return;
    int status = sql_exec(&tree->sql, "ROLLBACK");
    assert(status == 0);
    tree->writing = false;
    tree->changes = 0;
    tree->counters = lab->counters;
    tree->trash = lab->trash;
    tree->kept = lab->kept;
    cache_clear(tree->cache);
    session_forget(tree);
    status = tree_remember(tree);
    assert(status == 0);
}

void lab_settle(struct lab *lab)
{
    struct tree *tree = lab->tree;
    if (!tree->writing)
        return;
    int status = counters_store(tree);
    assert(status == 0);
    status = session_store(tree);
    assert(status == 0);
    status = tree->trash ? data_reap(tree) : 0;
    assert(status == 0);
}

void lab_check(struct lab *lab)
{
    int status = tree_check(&lab->tree->sql);
    assert(status == 0);
}
