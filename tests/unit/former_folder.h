/* Databases as they were in folder format 3, for tests that open them with this version. */
#ifndef QUORUMFS_TESTS_FORMER_FOLDER_H
#define QUORUMFS_TESTS_FORMER_FOLDER_H

#include "store/sql.h"

/* Make tree.db, and log.db, in a folder by the SQL of that format. Then they run `rows`. */
void former_tree(const char *path, const struct identity *identity, const char *rows);
void former_log(const char *path, const struct identity *identity, const char *rows);

/* The first number that a query gives of a closed database; also for statements that give none. */
int64_t former_number(const char *path, const char *name, const char *query);

#endif
