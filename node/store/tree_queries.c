/* Every statement of the loop's connection. */
#include "store/tree_internal.h"

/* Lists of columns for the statements below. Their parameters are numbered in this order. */
#define NAME(name, ...) #name
#define NEXT_NAME(name, ...) ", " #name
#define OF_I(name, ...) "i." #name
#define NEXT_OF_I(name, ...) ", i." #name
#define PARAMETER(...) "?"
#define NEXT_PARAMETER(...) ", ?"
#define SET(name, ...) #name " = ?"
#define NEXT_SET(name, ...) ", " #name " = ?"

#define INODE_COLUMNS "i.ino, " INODE_NUMBERS(OF_I, NEXT_OF_I)
#define INODE_ROW "(" INODE_NUMBERS(NAME, NEXT_NAME) ", inline, ino)"
#define INODE_PARAMETERS INODE_NUMBERS(PARAMETER, NEXT_PARAMETER)
#define INODE_SET "UPDATE inode SET " INODE_NUMBERS(SET, NEXT_SET)

#define LOCK_COLUMNS "ino, flock, node, owner, first, last, shared, pid, since"
#define HELD_LOCK "SELECT " LOCK_COLUMNS ", token FROM lock"
#define LOCK_WAIT "SELECT " LOCK_COLUMNS ", 0, ticket, waiter FROM lock_wait"

#define TOKEN_COLUMNS "id, name, hash, uid, gid, gids, read_only, path, made, expires"
#define VALID_TOKEN "(expires = 0 OR expires > ?1)"

const char *const tree_queries[QUERY_COUNT] = {
    [QUERY_BEGIN] = "BEGIN IMMEDIATE",
    [QUERY_READ] = "BEGIN",
    [QUERY_COMMIT] = "COMMIT",
    [QUERY_SAVE] = "SAVEPOINT list",
    [QUERY_UNDO] = "ROLLBACK TO list",
    [QUERY_UNSAVE] = "RELEASE list",
    [QUERY_PAGES] = "PRAGMA page_count",
    [QUERY_FREE_PAGES] = "PRAGMA freelist_count",
    [QUERY_SHRINK] = "PRAGMA incremental_vacuum(128)",
    [QUERY_META_SET] = "UPDATE meta SET " COUNTERS(SET, NEXT_SET),

    [QUERY_INODE] = "SELECT " INODE_COLUMNS " FROM inode i WHERE i.ino = ?1",
    [QUERY_INODE_ADD] = "INSERT INTO inode (" INODE_NUMBERS(
        NAME, NEXT_NAME) ", way_parent, way_name,"
                         " inline, ino) VALUES (" INODE_PARAMETERS ", ?, ?, ?, ?)",
    [QUERY_INODE_SET] = INODE_SET " WHERE ino = ?",
    [QUERY_INODE_SET_INLINE] = INODE_SET ", inline = ? WHERE ino = ?",
    [QUERY_INODE_SET_NAME] = INODE_SET ", way_parent = ?, way_name = ? WHERE ino = ?",
    [QUERY_INODE_DELETE] = "DELETE FROM inode WHERE ino = ?1",
    [QUERY_INLINE] = "SELECT inline FROM inode WHERE ino = ?1",

    [QUERY_LOOKUP] = "SELECT " INODE_COLUMNS " FROM dentry d CROSS JOIN inode i ON i.ino = d.ino"
                     " WHERE d.parent = ?1 AND d.name = ?2",
    [QUERY_DENTRY_ADD] = "INSERT INTO dentry VALUES (?1, ?2, ?3)",
    [QUERY_DENTRY_SET] = "UPDATE dentry SET ino = ?3 WHERE parent = ?1 AND name = ?2",
    [QUERY_DENTRY_DELETE] = "DELETE FROM dentry WHERE parent = ?1 AND name = ?2",
    [QUERY_WAYS] = "SELECT d.parent, d.name FROM (SELECT way_parent, way_name FROM inode"
                   " WHERE ino = ?1 UNION SELECT parent, name FROM way WHERE ino = ?1)"
                   " CROSS JOIN dentry d ON d.parent = way_parent AND d.name = way_name"
                   " WHERE d.ino = ?1 ORDER BY 1, 2",
    [QUERY_WAY] = "SELECT way_parent, way_name FROM inode WHERE ino = ?1 AND way_parent NOTNULL",
    [QUERY_WAY_ADD] = "INSERT OR IGNORE INTO way VALUES (?1, ?2, ?3)",
    [QUERY_WAY_DELETE] = "DELETE FROM way WHERE ino = ?1 AND parent = ?2 AND name = ?3",
    [QUERY_WAY_CLEAR] = "DELETE FROM way WHERE ino = ?1",
    [QUERY_LIST] =
        "SELECT d.name, " INODE_COLUMNS " FROM dentry d CROSS JOIN inode i ON i.ino = d.ino"
        " WHERE d.parent = ?1 AND d.name > ?2 ORDER BY d.name LIMIT ?3",

    [QUERY_HELD_ADD] = "INSERT INTO held VALUES (?1, ?2)",
    [QUERY_HELD_DELETE] = "DELETE FROM held WHERE node = ?1 AND ino = ?2",
    [QUERY_HELD_FIRST] = "SELECT ino FROM held WHERE node = ?1 LIMIT 1",

    [QUERY_KEPT] = "SELECT " INODE_COLUMNS " FROM kept i WHERE i.ino = ?1",
    [QUERY_KEPT_INLINE] = "SELECT inline FROM kept WHERE ino = ?1",
    [QUERY_KEPT_ADD] = "INSERT INTO kept " INODE_ROW " SELECT " INODE_PARAMETERS
                       ", inline, ino FROM inode WHERE ino = ?",
    [QUERY_KEPT_DELETE] = "DELETE FROM kept WHERE ino = ?1",

    [QUERY_CHUNK] = "SELECT bytes FROM chunk WHERE id = ?1",
    [QUERY_CHUNK_RANGE] = "SELECT id, bytes FROM chunk WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
    [QUERY_CHUNK_LENGTHS] = "SELECT id, length(bytes) FROM chunk WHERE id BETWEEN ?1 AND ?2"
                            " ORDER BY id LIMIT ?3",
    [QUERY_CHUNK_ADD] = "INSERT INTO chunk VALUES (?1, ?2)",
    [QUERY_CHUNK_SET] = "UPDATE chunk SET bytes = ?2 WHERE id = ?1",
    [QUERY_CHUNK_SUM] = "SELECT coalesce(sum(length(bytes)), 0) FROM chunk"
                        " WHERE id BETWEEN ?1 AND ?2",
    [QUERY_CHUNK_DELETE] = "DELETE FROM chunk WHERE id BETWEEN ?1 AND ?2",
    [QUERY_TRASH_ADD] = "INSERT OR REPLACE INTO trash VALUES (?1, ?2)",
    [QUERY_TRASH_FIRST] = "SELECT first, last FROM trash t WHERE NOT EXISTS"
                          " (SELECT 1 FROM kept k WHERE k.data = t.first >> 26) LIMIT 1",
    [QUERY_TRASH_WITHIN] = "SELECT first, last FROM trash WHERE first BETWEEN ?1 AND ?2 LIMIT 1",
    [QUERY_TRASH_REAP] = "DELETE FROM chunk WHERE id IN"
                         " (SELECT id FROM chunk WHERE id BETWEEN ?1 AND ?2 LIMIT ?3)",
    [QUERY_TRASH_DELETE] = "DELETE FROM trash WHERE first = ?1",

    [QUERY_XATTR] = "SELECT value FROM xattr WHERE ino = ?1 AND name = ?2",
    [QUERY_XATTR_LIST] = "SELECT name FROM xattr WHERE ino = ?1 ORDER BY name",
    [QUERY_XATTR_SUM] = "SELECT coalesce(sum(length(name) + 1), 0), coalesce(sum(length(value)), 0)"
                        " FROM xattr WHERE ino = ?1 AND name <> ?2",
    [QUERY_XATTR_SET] = "INSERT OR REPLACE INTO xattr VALUES (?1, ?2, ?3)",
    [QUERY_XATTR_DELETE] = "DELETE FROM xattr WHERE ino = ?1 AND name = ?2",
    [QUERY_XATTR_CLEAR] = "DELETE FROM xattr WHERE ino = ?1",

    [QUERY_SESSION_SET] = "INSERT OR REPLACE INTO session VALUES (?1, ?2, ?3)",
    [QUERY_RESULT_SET] = "INSERT OR REPLACE INTO result VALUES (?1, ?2, ?3)",
    [QUERY_RESULT_CUT] = "DELETE FROM result WHERE node = ?1 AND page < ?2",

    [QUERY_TTL] = "SELECT ms, lease FROM ttl WHERE ino = ?1",
    [QUERY_TTL_SET] = "INSERT OR REPLACE INTO ttl VALUES (?1, ?2, ?3)",
    [QUERY_TTL_DELETE] = "DELETE FROM ttl WHERE ino = ?1",
    [QUERY_TTL_LIST] = "SELECT t.ino, t.ms, i.revision FROM ttl t CROSS JOIN inode i"
                       " ON i.ino = t.ino WHERE t.ino > ?1 AND t.ms > 0 ORDER BY t.ino",
    [QUERY_LEASE] = "SELECT ms, revision, files, uid, token FROM lease WHERE id = ?1",
    [QUERY_LEASE_SET] = "INSERT OR REPLACE INTO lease (id, ms, revision, files, uid, token)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [QUERY_LEASE_DELETE] = "DELETE FROM lease WHERE id = ?1",
    [QUERY_LEASE_LIST] = "SELECT id, ms, revision, files, uid, token FROM lease"
                         " WHERE id > ?1 ORDER BY id",
    [QUERY_LEASE_FILE_ADD] = "INSERT INTO lease_file VALUES (?1, ?2)",
    [QUERY_LEASE_FILE_DELETE] = "DELETE FROM lease_file WHERE lease = ?1 AND ino = ?2",
    [QUERY_LEASE_FILES] = "SELECT ino FROM lease_file WHERE lease = ?1 ORDER BY ino",

    [QUERY_LEVEL_SET] = "UPDATE cluster SET level = ?1",
    /* In all that follow: ?1 ino, ?2 flock, ?3 node, ?4 owner, ?5 first, ?6 last, ?7 shared. */
    [QUERY_LOCK_CONFLICT] = HELD_LOCK
    " WHERE ino = ?1 AND flock = ?2 AND first <= ?6 AND last >= ?5 AND NOT (shared AND ?7)"
    " AND NOT (node = ?3 AND owner = ?4)",
    [QUERY_LOCK_OWN] =
        HELD_LOCK " WHERE ino = ?1 AND flock = ?2 AND node = ?3 AND owner = ?4"
                  " AND first - (shared = ?7) <= ?6 AND last >= ?5 - (shared = ?7) LIMIT 1",
    [QUERY_LOCK_ADD] = "INSERT INTO lock VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [QUERY_LOCK_DELETE] = "DELETE FROM lock WHERE ino = ?1 AND flock = ?2 AND node = ?3 AND"
                          " owner = ?4 AND first = ?5",
    [QUERY_LOCK_WAIT_CONFLICT] =
        LOCK_WAIT " WHERE ino = ?1 AND flock = ?2 AND ticket > ?11 AND ticket < ?12"
                  " AND first <= ?6 AND last >= ?5 AND NOT (shared AND ?7)"
                  " AND NOT (node = ?3 AND owner = ?4) ORDER BY ticket LIMIT 1",
    [QUERY_LOCK_WAIT_NEXT] =
        LOCK_WAIT " WHERE ino = ?1 AND flock = ?2 AND ticket > ?11 ORDER BY ticket LIMIT 1",
    [QUERY_LOCK_WAIT_OF] = LOCK_WAIT " WHERE node = ?3 AND owner = ?4 AND flock = 0"
                                     " AND ticket > ?11 ORDER BY ticket LIMIT 1",
    [QUERY_LOCK_WAIT_NAMED] =
        LOCK_WAIT " WHERE ino = ?1 AND flock = ?2 AND node = ?3 AND waiter = ?12",
    [QUERY_LOCK_WAIT_ADD] =
        "INSERT INTO lock_wait VALUES (?1, ?2, ?11, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?12)",
    [QUERY_LOCK_WAIT_DELETE] = "DELETE FROM lock_wait WHERE ino = ?1 AND flock = ?2 AND"
                               " ticket = ?11",
    [QUERY_LOCK_OF_NODE] =
        "SELECT ino, flock FROM lock WHERE node = ?3 UNION"
        " SELECT ino, flock FROM lock_wait WHERE node = ?3 ORDER BY ino, flock LIMIT 1",
    [QUERY_LOCK_NODE_DELETE] = "DELETE FROM lock WHERE ino = ?1 AND flock = ?2 AND node = ?3",
    [QUERY_LOCK_WAIT_NODE_DELETE] =
        "DELETE FROM lock_wait WHERE ino = ?1 AND flock = ?2 AND node = ?3",
    [QUERY_LOCK_CLEAR] = "DELETE FROM lock WHERE ino = ?1",
    [QUERY_LOCK_COUNT] = "SELECT (SELECT count(*) FROM lock) + (SELECT count(*) FROM lock_wait)",
    [QUERY_LOCK_LIST] = HELD_LOCK,
    [QUERY_LOCK_WAIT_LIST] = LOCK_WAIT,
    [QUERY_LOCK_SESSION] = "SELECT number FROM lock_session WHERE node = ?1",
    [QUERY_LOCK_SESSION_ADD] = "INSERT INTO lock_session VALUES (?1, ?2)",
    [QUERY_LOCK_SESSION_DELETE] = "DELETE FROM lock_session WHERE node = ?1",
    [QUERY_EPHEMERAL] = "SELECT ino, node, waiter FROM ephemeral WHERE ino = ?1",
    [QUERY_EPHEMERAL_ADD] = "INSERT INTO ephemeral VALUES (?1, ?2, ?3)",
    [QUERY_EPHEMERAL_DELETE] = "DELETE FROM ephemeral WHERE ino = ?1",
    [QUERY_EPHEMERAL_OF_NODE] = "SELECT ino, node, waiter FROM ephemeral WHERE node = ?1"
                                " ORDER BY ino",
    [QUERY_EPHEMERAL_COUNT] = "SELECT count(*) FROM ephemeral",

    [QUERY_TOKEN] = "SELECT " TOKEN_COLUMNS " FROM token WHERE id = ?1",
    [QUERY_TOKEN_HASH] = "SELECT " TOKEN_COLUMNS " FROM token WHERE hash = ?1",
    [QUERY_TOKEN_NEXT] =
        "SELECT " TOKEN_COLUMNS " FROM token WHERE name > ?1 ORDER BY name LIMIT 1",
    [QUERY_TOKEN_NAME] = "SELECT count(*) FROM token WHERE name = ?2 AND " VALID_TOKEN,
    [QUERY_TOKEN_HASHES] = "SELECT count(*) FROM token WHERE hash = ?2 AND " VALID_TOKEN,
    [QUERY_TOKEN_COUNT] = "SELECT count(*) FROM token WHERE " VALID_TOKEN,
    [QUERY_TOKEN_ADD] =
        "INSERT INTO token (" TOKEN_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [QUERY_TOKEN_EXPIRE] = "DELETE FROM token WHERE expires <> 0 AND expires <= ?1",
    [QUERY_TOKEN_REMOVE] = "DELETE FROM token WHERE name = ?1",

    [QUERY_MEMBER_SET] = "INSERT OR REPLACE INTO member VALUES (?1, ?2, ?3)",

    [QUERY_EVENT_SET] = "INSERT OR REPLACE INTO event VALUES (?1, ?2, ?3, ?4)",
    [QUERY_EVENT_AT] = "SELECT bytes, (SELECT min(since) FROM event WHERE since > ?1)"
                       " FROM event WHERE since <= ?1 ORDER BY since DESC LIMIT 1",
    [QUERY_EVENT_FIRST] = "SELECT since, number, offset FROM event ORDER BY since LIMIT 2",
    [QUERY_EVENT_DELETE] = "DELETE FROM event WHERE since = ?1",
};
