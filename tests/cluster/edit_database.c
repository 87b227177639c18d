/* edit_database DIR NAME SQL: changes a database in the folder of a node that does not run, and
 * seals what it has changed: damage that no seal shows. */
#include "../unit/log_wal.h"

#include "store/sql.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s DIR NAME SQL\n", argv[0]);
        return 2;
    }
    struct fault fault;
    struct folder *folder;
    int status = folder_open(argv[1], &folder, &fault);
    if (status < 0) {
        fprintf(stderr, "%s\n", fault.text);
        return 1;
    }
    struct sql sql;
    status = sql_open(&sql, folder, argv[2]);
    if (status == 0)
        status = sql_exec(&sql, argv[3]);
    if (status < 0)
        fprintf(stderr, "%s\n", sql.fault.text);
    sql_close(&sql);
    if (strcmp(argv[2], "log.db") == 0)
        log_wal_restore(argv[1]);
    folder_close(folder);
    return status < 0;
}
