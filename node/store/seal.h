/* Private to the room: the last bytes of every page of log.db and tree.db are its seal:
 * a hash of the rest of the page and of its place in the file. SQLite leaves room for it (the
 * reserved bytes of its file format, 1.3.4 of https://sqlite.org/fileformat2.html); a layer between
 * SQLite and its VFS seals each page that is written to a database and checks each that is read
 * from one. If the disk returns other bytes than were written, the statement fails
 * (SQLITE_IOERR_DATA), and no answer is made from them. Journals and WALs, which have checksums of
 * SQLite's own, pass as they are.
 *
 * The same layer is where a write meets a full disk: it gives up a piece of the reserve (room.h)
 * and tries once more.
 *
 * Thread: any. */
#ifndef QUORUMFS_STORE_SEAL_H
#define QUORUMFS_STORE_SEAL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

enum { SEAL_PAGE_BYTES = 4096, SEAL_BYTES = 8 };

/* The VFS to open a database with, over SQLite's default one. */
const char *seal_vfs(void);
/* Gives a new database room for seals. Call it after opening, before anything else. */
void seal_make_room(sqlite3 *db);
/* The number, from 1, of the page that was found damaged last; 0: none was. */
int64_t seal_damaged_page(sqlite3 *db);
/* Whether the pages of an open database are sealed: not those of a file of another program. */
bool seal_is_kept(sqlite3 *db);

#endif
