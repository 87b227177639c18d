/* Shared by the files of the disk. Private to disk*.c.
 *
 *   disk.c        contents, and how changes change them
 *   disk_cut.c    the state after a power cut
 *   disk_call.c   calls of a program, which may fail
 *   disk_vfs.c    the same as SQLite makes them
 *   disk_libc.c   the same as the store makes them */
#ifndef QUORUMFS_TESTS_FAULTS_DISK_INTERNAL_H
#define QUORUMFS_TESTS_FAULTS_DISK_INTERNAL_H

#include "disk.h"

/* With one reference. `data` NULL: none, `len` is only told. */
struct disk_change *disk_change_new(enum disk_call call, uint32_t file, uint64_t offset,
                                    const void *data, size_t len);
struct disk_change *disk_change_of_names(enum disk_call call, uint32_t file, const char *name,
                                         const char *to);
void disk_change_unref(struct disk_change *change);

struct disk_file *disk_add_file(struct disk *disk);
struct disk_name *disk_find_name(struct disk_name *names, const char *text); /* or NULL */
void disk_change_names(struct disk_name *names, const struct disk_change *change);

#endif
