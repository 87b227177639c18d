/* The tables of tree.db and every statement of the loop's connection. */
#include "store/tree_internal.h"

/* An id of a chunk is its contents' id and its number in the file: chunk_id. `inline` comes last,
 * so that reading the rest of a row does not touch its overflow pages. */
const char tree_schema[] =
    "CREATE TABLE meta (applied INTEGER NOT NULL, next_ino INTEGER NOT NULL,"
    " next_data INTEGER NOT NULL, last_time INTEGER NOT NULL, inodes INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, digest INTEGER NOT NULL) STRICT;"
    "CREATE TABLE snapshot (upto INTEGER NOT NULL) STRICT;" /* this node's own, not replicated */
    "CREATE TABLE inode (ino INTEGER PRIMARY KEY, mode INTEGER NOT NULL, nlink INTEGER NOT NULL,"
    " uid INTEGER NOT NULL, gid INTEGER NOT NULL, rdev INTEGER NOT NULL, size INTEGER NOT NULL,"
    " used INTEGER NOT NULL, revision INTEGER NOT NULL, atime INTEGER NOT NULL,"
    " mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, parent INTEGER NOT NULL, data INTEGER NOT "
    "NULL,"
    " inline BLOB NOT NULL) STRICT;"
    "CREATE TABLE dentry (parent INTEGER NOT NULL, name BLOB NOT NULL, ino INTEGER NOT NULL,"
    " PRIMARY KEY (parent, name)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE chunk (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;"
    "CREATE TABLE xattr (ino INTEGER NOT NULL, name BLOB NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY (ino, name)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE held (node INTEGER NOT NULL, ino INTEGER NOT NULL,"
    " PRIMARY KEY (node, ino)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE kept (ino INTEGER PRIMARY KEY, mode INTEGER NOT NULL, nlink INTEGER NOT NULL,"
    " uid INTEGER NOT NULL, gid INTEGER NOT NULL, rdev INTEGER NOT NULL, size INTEGER NOT NULL,"
    " used INTEGER NOT NULL, revision INTEGER NOT NULL, atime INTEGER NOT NULL,"
    " mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, parent INTEGER NOT NULL,"
    " data INTEGER NOT NULL, inline BLOB NOT NULL) STRICT;" /* this node's own, like trash */
    "CREATE INDEX kept_data ON kept (data);"
    "CREATE TABLE trash (first INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT;" /* chunk ids */
    "CREATE TABLE session (node INTEGER PRIMARY KEY, incarnation INTEGER NOT NULL,"
    " lowest INTEGER NOT NULL) STRICT;"
    "CREATE TABLE result (node INTEGER NOT NULL, page INTEGER NOT NULL, bytes BLOB NOT NULL,"
    " PRIMARY KEY (node, page)) STRICT, WITHOUT ROWID;";

#define INODE_COLUMNS                                                                              \
    "i.ino, i.mode, i.nlink, i.uid, i.gid, i.rdev, i.size, i.used, i.revision, i.atime, i.mtime,"  \
    " i.ctime, i.parent, i.data"
#define INODE_SET                                                                                  \
    "UPDATE inode SET mode = ?2, nlink = ?3, uid = ?4, gid = ?5, rdev = ?6, size = ?7, used = ?8," \
    " revision = ?9, atime = ?10, mtime = ?11, ctime = ?12, parent = ?13, data = ?14"

const char *const tree_queries[QUERY_COUNT] = {
    [QUERY_BEGIN] = "BEGIN IMMEDIATE",
    [QUERY_READ] = "BEGIN",
    [QUERY_COMMIT] = "COMMIT",
    [QUERY_SAVE] = "SAVEPOINT list",
    [QUERY_UNDO] = "ROLLBACK TO list",
    [QUERY_UNSAVE] = "RELEASE list",
    [QUERY_META_SET] = "UPDATE meta SET applied = ?1, next_ino = ?2, next_data = ?3,"
                       " last_time = ?4, inodes = ?5, bytes = ?6, digest = ?7",

    [QUERY_INODE] = "SELECT " INODE_COLUMNS " FROM inode i WHERE i.ino = ?1",
    [QUERY_INODE_ADD] = "INSERT INTO inode (ino, mode, nlink, uid, gid, rdev, size, used, revision,"
                        " atime, mtime, ctime, parent, data, inline, way_parent,"
                        " way_name) VALUES"
                        " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
                        " ?17)",
    [QUERY_INODE_SET] = INODE_SET " WHERE ino = ?1",
    [QUERY_INODE_SET_INLINE] = INODE_SET ", inline = ?15 WHERE ino = ?1",
    [QUERY_INODE_SET_NAME] = INODE_SET ", way_parent = ?15, way_name = ?16 WHERE ino = ?1",
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
    [QUERY_KEPT_ADD] = "INSERT INTO kept SELECT ino, mode, 0, uid, gid, rdev, size, used, revision,"
                       " atime, mtime, ?2, parent, data, inline FROM inode WHERE ino = ?1",
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
};
