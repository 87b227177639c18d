#include "tree_fixture.h"

#include "store/seal.h"

#include <errno.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const struct identity identity = {.cluster = 77, .node = 1};

void fixture_attach(struct fixture *f)
{
    struct fault fault = {{0}};
    if (folder_open(f->path, &f->folder, &fault) < 0)
        fail_msg("%s", fault.text);
    if (tree_open(f->folder, &identity, &f->tree, &fault) < 0)
        fail_msg("%s", fault.text);
}

void fixture_detach(struct fixture *f)
{
    tree_close(f->tree);
    folder_close(f->folder);
    f->tree = NULL;
    f->folder = NULL;
}

void fixture_open(struct fixture *f)
{
    *f = (struct fixture){.node = 1, .incarnation = 1, .sequence = 1, .time = 1000};
    scratch_folder(f->path);
    fixture_attach(f);
}

void fixture_reopen(struct fixture *f)
{
    fixture_detach(f);
    fixture_attach(f);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

void fixture_close(struct fixture *f)
{
    if (f->tree)
        fixture_detach(f);
    assert_int_equal(nftw(f->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

struct buffer fixture_entry(struct fixture *f, const struct op *ops, uint32_t count)
{
    struct command command = {0};
    struct stamp stamp = {.node = f->node,
                          .incarnation = f->incarnation,
                          .sequence = f->sequence,
                          .lowest = f->sequence,
                          .time = f->time};
    f->sequence++;
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(command_add(&command, &ops[i]), 0);
    command_stamp(&command, &stamp);
    return command.bytes;
}

struct command_result fixture_apply(struct fixture *f, struct bytes entry, bool *repeated)
{
    struct command_result result;
    if (tree_apply(f->tree, entry, true, &result, repeated) < 0)
        fail_msg("%s", tree_fault(f->tree));
    return result;
}

int fixture_run(struct fixture *f, const struct op *ops, uint32_t count, struct op_result *out)
{
    struct buffer entry = fixture_entry(f, ops, count);
    bool repeated;
    struct command_result result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);
    int status = result.status;
    assert_false(repeated);
    if (status == 0 && out)
        *out = result.ops[count - 1];
    command_result_free(&result);
    buffer_free(&entry);
    return status;
}

int fixture_do(struct fixture *f, struct op op)
{
    return fixture_run(f, &op, 1, NULL);
}

struct attr fixture_must(struct fixture *f, struct op op)
{
    struct op_result out = {0};
    assert_int_equal(fixture_run(f, &op, 1, &out), 0);
    return out.attr;
}

struct bytes text(const char *s)
{
    return bytes_of_text(s);
}

struct attr fixture_resolve(struct fixture *f, const char *key)
{
    struct attr attr = {0};
    int status = tree_resolve(f->tree, text(key), &attr);
    assert_true(status == 0 || status == -ENOENT);
    return status == 0 ? attr : (struct attr){0};
}

uint64_t fixture_digest(struct fixture *f)
{
    uint64_t digest;
    assert_int_equal(tree_digest(f->tree, &digest), 0);
    return digest;
}

void fixture_assert_contents(struct fixture *f, uint64_t ino, const char *contents)
{
    struct buffer out = {0};
    assert_int_equal(tree_read(f->tree, ino, 0, SIZE_MAX, &out), 0);
    assert_int_equal(out.len, strlen(contents));
    assert_memory_equal(out.len ? (const char *)out.data : "", contents, out.len);
    buffer_free(&out);
}

static sqlite3 *fixture_database(struct fixture *f)
{
    char path[128];
    snprintf(path, sizeof path, "%s/tree.db", f->path);
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, seal_vfs()), SQLITE_OK);
    return db;
}

void fixture_sql(struct fixture *f, const char *sql)
{
    sqlite3 *db = fixture_database(f);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void expect_zero(sqlite3 *db, const char *query)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(db, query, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    if (sqlite3_column_int64(statement, 0) != 0)
        fail_msg("%lld rows: %s", sqlite3_column_int64(statement, 0), query);
    sqlite3_finalize(statement);
}

/* Of the query's chunk: it is not in the trash. */
#define CONTENTS "NOT EXISTS (SELECT 1 FROM trash t WHERE id BETWEEN t.first AND t.last)"

void fixture_check(struct fixture *f)
{
    static const char *const queries[] = {
        /* names and link counts */
        "SELECT count(*) FROM dentry WHERE ino NOT IN (SELECT ino FROM inode)",
        "SELECT count(*) FROM dentry WHERE parent NOT IN"
        " (SELECT ino FROM inode WHERE mode & 61440 = 16384 AND nlink > 0)",
        "SELECT count(*) FROM inode WHERE ino <> 1 AND ino NOT IN (SELECT ino FROM dentry)"
        " AND ino NOT IN (SELECT ino FROM held)",
        "SELECT count(*) FROM held WHERE ino NOT IN (SELECT ino FROM inode WHERE nlink = 0)",
        "SELECT count(*) FROM inode i WHERE mode & 61440 <> 16384 AND"
        " nlink <> (SELECT count(*) FROM dentry WHERE ino = i.ino)",
        "SELECT count(*) FROM inode i WHERE mode & 61440 = 16384 AND"
        " size <> (SELECT count(*) FROM dentry WHERE parent = i.ino)",
        "SELECT count(*) FROM inode i WHERE mode & 61440 = 16384 AND nlink > 0 AND nlink <>"
        " 2 + (SELECT count(*) FROM dentry d JOIN inode c ON c.ino = d.ino"
        " WHERE d.parent = i.ino AND c.mode & 61440 = 16384)",
        "SELECT count(*) FROM inode i JOIN dentry d ON d.ino = i.ino"
        " WHERE i.mode & 61440 = 16384 AND i.parent <> d.parent",
        "SELECT count(*) FROM (SELECT parent, name, ino FROM dentry EXCEPT"
        " SELECT * FROM (SELECT way_parent, way_name, ino FROM inode WHERE way_parent > 0"
        "  UNION ALL SELECT parent, name, ino FROM way))",
        "SELECT count(*) FROM way WHERE ino NOT IN (SELECT ino FROM inode)",
        /* contents */
        "SELECT count(*) FROM inode WHERE data = 0 AND mode & 61440 = 32768 AND"
        " (size <> length(inline) OR used <> size OR size > 3072)",
        "SELECT count(*) FROM inode WHERE data > 0 AND length(inline) > 0",
        "SELECT count(*) FROM inode i WHERE data > 0 AND used <> (SELECT coalesce("
        "sum(length(bytes)), 0) FROM chunk WHERE id >> 26 = i.data AND " CONTENTS ")",
        "SELECT count(*) FROM inode i JOIN chunk c ON c.id >> 26 = i.data WHERE i.data > 0 AND"
        " (c.id & 67108863) * 16384 >= i.size AND " CONTENTS,
        "SELECT count(*) FROM chunk WHERE id >> 26 NOT IN (SELECT data FROM inode) AND " CONTENTS,
        "SELECT count(*) FROM chunk WHERE length(bytes) % 4096 <> 0 OR length(bytes) > 16384",
        "SELECT count(*) FROM xattr WHERE ino NOT IN (SELECT ino FROM inode)",
        /* what goes away by itself */
        "SELECT count(*) FROM inode WHERE mode & 61440 = 32768 AND"
        " rdev <> (ino IN (SELECT ino FROM ttl))",
        "SELECT count(*) FROM ttl WHERE ino NOT IN"
        " (SELECT ino FROM inode WHERE mode & 61440 = 32768 AND nlink BETWEEN 1 AND 16)",
        "SELECT count(*) FROM (SELECT ino, lease FROM ttl WHERE lease <> 0 EXCEPT"
        " SELECT ino, lease FROM lease_file)",
        "SELECT count(*) FROM (SELECT ino, lease FROM lease_file EXCEPT SELECT ino, lease FROM "
        "ttl)",
        "SELECT count(*) FROM lease_file WHERE lease NOT IN (SELECT id FROM lease)",
        "SELECT count(*) FROM lease WHERE"
        " files <> (SELECT count(*) FROM lease_file WHERE lease = id)",
        /* counters */
        "SELECT inodes <> (SELECT count(*) FROM inode) FROM meta",
        "SELECT bytes <> (SELECT sum(used) FROM inode) FROM meta",
        "SELECT count(*) FROM inode, meta WHERE ino >= next_ino OR data >= next_data",
        "SELECT count(*) FROM result r, session s WHERE r.node = s.node AND page < lowest / 64",
    };
    assert_int_equal(tree_commit(f->tree), 0);
    sqlite3 *db = fixture_database(f);
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        expect_zero(db, queries[i]);
    sqlite3_close(db);
}

int fixture_setup(void **state)
{
    struct fixture *f = malloc(sizeof *f);
    fixture_open(f);
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    fixture_check(f);
    fixture_close(f);
    free(f);
    return 0;
}

uint64_t fixture_make_file(struct fixture *f, uint64_t parent, const char *name)
{
    return fixture_must(f, make_named(OP_CREATE, parent, name)).ino;
}

uint64_t fixture_make_dir(struct fixture *f, uint64_t parent, const char *name)
{
    return fixture_must(f, make_named(OP_MKDIR, parent, name)).ino;
}

struct attr fixture_getattr(struct fixture *f, uint64_t ino)
{
    struct attr attr;
    assert_int_equal(tree_getattr(f->tree, ino, &attr), 0);
    return attr;
}

bool fixture_gone(struct fixture *f, uint64_t ino)
{
    struct attr attr;
    return tree_getattr(f->tree, ino, &attr) == -ESTALE;
}

struct op make_put(const char *key, const char *value)
{
    return (struct op){.type = OP_PUT, .name = text(key), .data = text(value)};
}

struct op make_named(uint8_t type, uint64_t parent, const char *name)
{
    return (struct op){.type = type, .ino = parent, .name = text(name), .mode = 0644};
}

struct op make_write(uint64_t ino, uint64_t offset, const char *bytes)
{
    return (struct op){.type = OP_WRITE, .ino = ino, .offset = offset, .data = text(bytes)};
}

struct op make_rename(uint64_t from, const char *name, uint64_t to, const char *name2,
                      uint32_t flags)
{
    return (struct op){.type = OP_RENAME,
                       .ino = from,
                       .name = text(name),
                       .ino2 = to,
                       .name2 = text(name2),
                       .flags = flags};
}

/* splitmix64 */
uint32_t random_below(uint64_t *state, uint32_t n)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % n);
}

uint64_t random_seed(void)
{
    const char *wanted = getenv("TEST_SEED");
    uint64_t seed =
        wanted ? strtoull(wanted, NULL, 0) : (uint64_t)time(NULL) * 1000 + (uint64_t)getpid();
    printf("TEST_SEED=%llu\n", (unsigned long long)seed);
    fflush(stdout);
    return seed;
}
