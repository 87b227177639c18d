/* Rows of tree.db as no command leaves them (a failing disk, a foreign hand): reading gives bytes
 * or an error, and never anything else's memory. */
#include "lab.h"

#include <stdio.h>

enum { EDITS_MAX = 6, READS_MAX = 20, INODES = 10, READ_BYTES_MAX = 1 << 20 };

static void run(struct lab *lab, const char *text, uint64_t row, uint64_t number,
                struct bytes bytes)
{
    sqlite3_stmt *statement;
    int status = sql_prepare(&lab->tree->sql, text, &statement);
    assert(status == 0);
    bind_number(statement, 1, row);
    if (sqlite3_bind_parameter_count(statement) == 3)
        sql_bind_bytes(statement, 3, bytes);
    else
        bind_number(statement, 2, number);
    status = sql_run(&lab->tree->sql, statement);
    assert(status <= 0); /* a row twice, or of the wrong type */
    sqlite3_finalize(statement);
}

static void damage(struct lab *lab, struct source *s)
{
    static const char *const edits[] = {
        "UPDATE inode SET size = ?2 WHERE ino = ?1",
        "UPDATE inode SET mode = ?2 WHERE ino = ?1",
        "UPDATE inode SET data = ?2 WHERE ino = ?1",
        "UPDATE inode SET parent = ?2 WHERE ino = ?1",
        "UPDATE inode SET inline = zeroblob(?2 % 70000) WHERE ino = ?1",
        "UPDATE inode SET size = ?2 % 70000, data = 0, inline = zeroblob(?2 % 70000) WHERE ino = "
        "?1",
        "UPDATE dentry SET ino = ?2 WHERE ino = ?1",
        "UPDATE chunk SET bytes = zeroblob(?2 % 70000) WHERE id >> 26 = ?1",
        "UPDATE chunk SET id = ?2 WHERE id >> 26 = ?1",
        "DELETE FROM inode WHERE ino = ?1 AND ino <> ?2",
        "UPDATE xattr SET name = ?3 WHERE ino = ?1",
    };
    const char *edit = edits[source_below(s, sizeof edits / sizeof *edits)];
    uint64_t row = source_below(s, INODES), number = source_number(s);
    run(lab, edit, row, number, number % 8 == 0 ? source_chunk(s) : (struct bytes){0});
}

static bool on_entry(void *arg, struct bytes name, const struct attr *attr)
{
    return (*(uint32_t *)arg)-- > 1;
}

static void read_all_ways(struct tree *tree, struct source *s)
{
    struct buffer out = {0};
    struct attr attr;
    uint64_t ino = source_below(s, INODES), offset = source_number(s), found;
    uint32_t entries = 20;
    bool more;
    tree_read(tree, ino, offset, source_number(s) % READ_BYTES_MAX, &out);
    tree_readlink(tree, ino, &out);
    tree_seek(tree, ino, offset, source_u8(s) & 1, &found);
    tree_getattr(tree, ino, &attr);
    tree_getxattr(tree, ino, bytes_of_text("user.x"), &out);
    tree_listxattr(tree, ino, &out);
    tree_list(tree, ino, (struct bytes){0}, 20, on_entry, &entries);
    entries = 20;
    tree_keys(tree, NULL, (struct bytes){0}, (struct bytes){0}, 100, on_entry, &entries, &more,
              &out);
    tree_resolve(tree, bytes_of_text("d/e/f"), &attr);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lab *lab = lab_of_process();
    struct source s = source_of(data, size);
    int status = tree_begin(lab->tree);
    assert(status == 0);
    for (uint32_t left = source_below(&s, EDITS_MAX); left > 0; left--)
        damage(lab, &s);
    cache_clear(lab->tree->cache);
    for (int i = 0; i < READS_MAX && s.left.len > 0; i++) {
        read_all_ways(lab->tree, &s);
        lab->tree->broken = 0; /* the node would stop here; its next reads are tried too */
    }
    lab_undo(lab);
    return 0;
}
