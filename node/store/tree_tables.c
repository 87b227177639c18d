/* The descriptions of the tables (tree_tables.h). */
#include "store/tree_internal.h"

#include "command/level.h"

#define NODE_IS_WRONG "node NOT BETWEEN 0 AND 0xffffffff"

#define LOCK_IS_WRONG                                                                              \
    "flock NOT IN (0, 1) OR first NOT BETWEEN 0 AND last OR shared NOT IN (0, 1) OR"               \
    " pid NOT BETWEEN 0 AND 0xffffffff OR since < 0"

/* Columns that are as old as their table. */
#define NUMBER(column) .name = column
#define BYTES(column) .name = column, .type = COLUMN_BYTES

#define COUNTER(name, first, format) {#name, COLUMN_NUMBER, format, first},
#define INODE_NUMBER(name, member, format) {#name, COLUMN_NUMBER, format, 0},

const uint32_t record_format = RECORD_FORMAT;

/* An id of a chunk is its contents' id and its number in the file: chunk_id. `inline` comes last,
 * so that reading the rest of a row does not touch its overflow pages. */
const struct table tree_tables[TABLES_MAX] = {
    {
        .name = "meta",
        .format = 3,
        .wrong = "applied NOT BETWEEN 0 AND (1 << 62) - 1 OR next_ino NOT BETWEEN 2 AND 1 << 62 OR"
                 " next_data NOT BETWEEN 1 AND 1 << 37 OR last_time < 0 OR bytes < 0",
        .columns = {COUNTERS(COUNTER, COUNTER)},
    },
    {
        .name = "session",
        .format = 3,
        .key = 1,
        .wrong = NODE_IS_WRONG,
        .columns = {{NUMBER("node")}, {NUMBER("incarnation")}, {NUMBER("lowest")}},
    },
    {
        .name = "result",
        .format = 3,
        .key = 2,
        .columns = {{NUMBER("node")}, {NUMBER("page")}, {BYTES("bytes")}},
    },
    {
        .name = "inode",
        .format = 3,
        .key = 1,
        .columns = {{NUMBER("ino")}, INODE_NUMBERS(INODE_NUMBER, INODE_NUMBER){BYTES("inline")}},
    },
    {
        .name = "held",
        .format = 3,
        .key = 2,
        .wrong = NODE_IS_WRONG,
        .columns = {{NUMBER("node")}, {NUMBER("ino")}},
    },
    {
        .name = "dentry",
        .format = 3,
        .key = 2,
        .columns = {{NUMBER("parent")}, {BYTES("name")}, {NUMBER("ino")}},
    },
    {
        .name = "chunk",
        .format = 3,
        .key = 1,
        .contents = CHUNK_IS_CONTENTS,
        .wrong = "id < 0 OR length(bytes) % 4096 <> 0 OR length(bytes) NOT BETWEEN 1 AND 16384",
        .columns = {{NUMBER("id")}, {BYTES("bytes")}},
    },
    {
        .name = "xattr",
        .format = 3,
        .key = 2,
        .wrong = "length(name) NOT BETWEEN 1 AND 255 OR instr(name, x'00')",
        .columns = {{NUMBER("ino")}, {BYTES("name")}, {BYTES("value")}},
    },
    {
        .name = "cluster",
        .format = 4,
        .wrong = "level < 1",
        .columns = {{"level", COLUMN_NUMBER, 0, LEVEL_MIN}},
    },
    {
        .name = "member",
        .format = 4,
        .key = 1,
        .wrong = NODE_IS_WRONG " OR length(addr) NOT BETWEEN 1 AND 255 OR"
                               " length(peer_addr) NOT BETWEEN 1 AND 255",
        .columns = {{NUMBER("node")}, {BYTES("addr")}, {BYTES("peer_addr")}},
    },
    {
        .name = "lock_session",
        .format = 5,
        .key = 1,
        .wrong = NODE_IS_WRONG " OR number < 1",
        .columns = {{NUMBER("node")}, {NUMBER("number")}},
    },
    {
        .name = "lock",
        .format = 5,
        .key = 5,
        .wrong = NODE_IS_WRONG " OR " LOCK_IS_WRONG " OR token < 1",
        .columns = {{NUMBER("ino")},
                    {NUMBER("flock")},
                    {NUMBER("node")},
                    {NUMBER("owner")},
                    {NUMBER("first")},
                    {NUMBER("last")},
                    {NUMBER("shared")},
                    {NUMBER("pid")},
                    {NUMBER("since")},
                    {NUMBER("token")}},
    },
    {
        .name = "lock_wait",
        .format = 5,
        .key = 3,
        .wrong = NODE_IS_WRONG " OR " LOCK_IS_WRONG " OR ticket < 1",
        .index = "CREATE INDEX lock_wait_owner ON lock_wait (node, owner)",
        .columns = {{NUMBER("ino")},
                    {NUMBER("flock")},
                    {NUMBER("ticket")},
                    {NUMBER("node")},
                    {NUMBER("owner")},
                    {NUMBER("first")},
                    {NUMBER("last")},
                    {NUMBER("shared")},
                    {NUMBER("pid")},
                    {NUMBER("since")},
                    {NUMBER("waiter")}},
    },
    {
        .name = "lease",
        .format = 5,
        .key = 1,
        .wrong = "id < 1 OR ms NOT BETWEEN 100 AND 316224000000 OR revision < 1 OR"
                 " files NOT BETWEEN 0 AND 1000 OR uid NOT BETWEEN 0 AND 0xffffffff OR token < 0",
        .columns = {{NUMBER("id")},
                    {NUMBER("ms")},
                    {NUMBER("revision")},
                    {NUMBER("files")},
                    {"uid", COLUMN_NUMBER, 6, 0},
                    {"token", COLUMN_NUMBER, 6, 0}},
    },
    {
        .name = "ttl",
        .format = 5,
        .key = 1,
        .wrong = "iif(lease = 0, ms NOT BETWEEN 100 AND 316224000000, lease < 1 OR ms <> 0)",
        .columns = {{NUMBER("ino")}, {NUMBER("ms")}, {NUMBER("lease")}},
    },
    {
        .name = "lease_file",
        .format = 5,
        .key = 2,
        .columns = {{NUMBER("lease")}, {NUMBER("ino")}},
    },
    {
        .name = "event",
        .format = 5,
        .key = 1,
        .wrong = "min(since, number, offset) < 0",
        .columns = {{NUMBER("since")}, {NUMBER("number")}, {NUMBER("offset")}, {BYTES("bytes")}},
    },
    {
        .name = "ephemeral",
        .format = 5,
        .key = 1,
        .wrong = NODE_IS_WRONG,
        .index = "CREATE INDEX ephemeral_node ON ephemeral (node)",
        .columns = {{NUMBER("ino")}, {NUMBER("node")}, {NUMBER("waiter")}},
    },
    {
        .name = "token",
        .format = 6,
        .key = 1,
        .wrong =
            "id < 1 OR length(hash) <> 32 OR min(uid, gid) < 0 OR max(uid, gid) > 0xffffffff OR"
            " length(gids) % 4 <> 0 OR length(gids) > 1024 OR read_only NOT IN (0, 1) OR"
            " length(path) > 4095 OR min(made, expires) < 0",
        .index = "CREATE UNIQUE INDEX token_name ON token (name);"
                 "CREATE UNIQUE INDEX token_hash ON token (hash)",
        .columns = {{NUMBER("id")},
                    {BYTES("name")},
                    {BYTES("hash")},
                    {NUMBER("uid")},
                    {NUMBER("gid")},
                    {BYTES("gids")},
                    {NUMBER("read_only")},
                    {BYTES("path")},
                    {NUMBER("made")},
                    {NUMBER("expires")}},
    },
};

#define KEPT_NUMBER(name, member, format) #name " INTEGER NOT NULL, "
#define KEPT_NUMBERS INODE_NUMBERS(KEPT_NUMBER, KEPT_NUMBER)

/* `snapshot`: the index of the last one that was installed. `kept`: inodes that are gone
 * (tree_kept.c). `trash`: ranges of ids of chunks (tree_trash.c). */
const char tree_own_schema[] =
    "CREATE TABLE snapshot (upto INTEGER NOT NULL) STRICT;"
    "CREATE TABLE kept (ino INTEGER PRIMARY KEY, " KEPT_NUMBERS "inline BLOB NOT NULL) STRICT;"
    "CREATE INDEX kept_data ON kept (data);"
    "CREATE TABLE trash (first INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT;";

/* The numbers in the texts above. */
_Static_assert(CHUNK_BYTES == 16384 && CHUNK_ROUND == 4096, "of a chunk");
_Static_assert(TREE_ADDR_MAX == 256, "of a member");
_Static_assert(TTL_MS_MIN == 100 && TTL_MS_MAX == 316224000000 && LEASE_FILES_MAX == 1000,
               "of a ttl and a lease");
_Static_assert(CALLER_GROUPS_MAX * 4 == 1024 && TOKEN_HASH_BYTES == 32 && PATH_BYTES_MAX == 4095,
               "of a token");
_Static_assert(DATA_MAX == UINT64_C(1) << 37 && INO_ROOT == 1, "of the counters");
