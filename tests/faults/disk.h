/* A disk with one folder on it, in memory, that keeps synced and merely written data apart.
 *
 * Programs reach it through SQLite (disk_vfs.c) and the calls of the C library that the store
 * makes (disk_libc.c), under the paths /disk/N/node. Every change of it passes a watcher first,
 * which can keep it: changes applied again to a copy of the disk give every state it ever was in,
 * and from each of them disk_cut makes a disk that a power cut may leave.
 *
 * Assumptions about the hardware (https://sqlite.org/atomiccommit.html, sections 2 and 9, and
 * https://sqlite.org/psow.html):
 *
 *   A sync that was reported stays. Nothing else does: any part of the bytes written since may be
 *   lost, in any order, sector by sector, and a lost sector may hold rubbish. So may each change
 *   of length, and each name made, removed or changed, until its file or the folder is synced.
 *
 *   Powersafe overwrite: bytes that were not written do not change. This is what SQLite assumes on
 *   Unix unless it is told otherwise (psow=0), and the product does not tell it. With it SQLite
 *   does less (it does not fill up the last sector of its log), so it is the harsher case.
 *
 *   The bytes that a failed sync should have written are lost, but are read as if they were there
 *   until they are evicted or the power goes, and the next sync succeeds without them. Linux does
 *   so.
 *
 * Thread: one. */
#ifndef QUORUMFS_TESTS_FAULTS_DISK_H
#define QUORUMFS_TESTS_FAULTS_DISK_H

#include "content.h"

#include <stdbool.h>

enum { DISK_NAME_MAX = 32, DISK_NAMES_MAX = 16, DISK_SECTOR_BYTES = 512, DISKS_MAX = 4 };

enum disk_call {
    DISK_READ,
    DISK_WRITE,
    DISK_TRUNCATE,
    DISK_SYNC,
    DISK_OPEN,
    DISK_MAKE, /* of a name and a file */
    DISK_UNLINK,
    DISK_RENAME,
    DISK_SYNC_FOLDER,
    DISK_MAKE_FOLDER,
    DISK_SYNC_PARENT,
    DISK_MAP,    /* shared memory */
    DISK_EVICT,  /* pages of a file in the system's memory */
    DISK_FORGET, /* a sync has failed. Only among the changes */
    DISK_CALLS
};

/* A change of the disk; shared by all that hold a reference. */
struct disk_change {
    uint32_t refs;
    enum disk_call call;
    uint32_t file;
    uint64_t offset; /* TRUNCATE: the new length */
    size_t len;
    char name[DISK_NAME_MAX], to[DISK_NAME_MAX];
    bool zeros;      /* instead of bytes */
    uint8_t bytes[]; /* WRITE: len of them */
};

struct disk_change_list {
    struct disk_change **list;
    size_t count, cap;
};

void disk_changes_add(struct disk_change_list *list, struct disk_change *change); /* takes a ref */
void disk_changes_clear(struct disk_change_list *list);

struct disk_file {
    struct content now, synced;
    struct disk_change_list pending; /* changes that are in `now` and not yet in `synced` */
};

struct disk_name {
    char text[DISK_NAME_MAX]; /* empty: unused */
    uint32_t file;
};

/* The call that fails, counted from 1 among the calls in `calls`. */
struct disk_fault {
    uint64_t at; /* 0: none fails */
    bool stays;  /* those after it fail too */
    int error;   /* errno. ENOSPC: a write may take a part */
    uint32_t calls;
    uint64_t seen; /* calls so far */
    bool gives;    /* if the file `reserve` is cut, none fails any more */
    bool hit;
    enum disk_call hit_call; /* the first that failed, and in which file */
    char hit_name[DISK_NAME_MAX];
};

struct disk {
    struct disk_file *files; /* by number; they stay when they have no name any more */
    size_t file_count, file_cap;
    struct disk_name names[DISK_NAMES_MAX], synced_names[DISK_NAMES_MAX];
    struct disk_change_list pending; /* of names */
    bool folder, folder_synced;
    const struct disk_change *last; /* the last change, if it was a write */

    struct disk_fault fault;
    bool dead; /* its process has ended: every call fails, nothing changes */
    /* Before each change, which is not applied yet. */
    void (*watch)(void *arg, struct disk_change *change);
    void *watch_arg;
};

struct disk *disk_new(void); /* empty: the folder is not there */
void disk_free(struct disk *disk);
/* With what is pending, without faults and watcher. */
struct disk *disk_copy(const struct disk *disk);
/* Applies a change as it was recorded. */
void disk_apply(struct disk *disk, struct disk_change *change);

/* The effect of a power cut on unsynced data. */
enum disk_loss {
    DISK_LOSE_ALL,
    DISK_LOSE_SOME,  /* any sector, name or length by itself */
    DISK_LOSE_FILES, /* of some files all, of the others nothing */
    DISK_TEAR_LAST,  /* everything before is kept */
    DISK_KEEP_ALL,
    DISK_LOSSES
};

/* The disk after the power is back: everything on it is synced. */
struct disk *disk_cut(const struct disk *disk, enum disk_loss loss, uint64_t *random);

/* ---- Calls of a program; 0 or a negative errno ---- */

int disk_lookup(const struct disk *disk, const char *name); /* file number or -ENOENT */
int disk_open(struct disk *disk, const char *name, bool create);
int disk_make_nameless(struct disk *disk);
/* Bytes read, fewer than `len` only at the end of the file (the rest is zeros). */
int disk_read(struct disk *disk, uint32_t file, uint64_t offset, uint8_t *to, size_t len);
int disk_write(struct disk *disk, uint32_t file, uint64_t offset, const void *data, size_t len);
int disk_truncate(struct disk *disk, uint32_t file, uint64_t size);
int disk_sync(struct disk *disk, uint32_t file);
/* Bytes that are neither on disk nor going to be written are no longer read. */
int disk_evict(struct disk *disk, uint32_t file);
int disk_unlink(struct disk *disk, const char *name);
int disk_rename(struct disk *disk, const char *from, const char *to);
int disk_sync_folder(struct disk *disk);
int disk_make_folder(struct disk *disk);
int disk_sync_parent(struct disk *disk);
int disk_map(struct disk *disk, const char *name);

/* ---- Where programs find it ---- */

/* Makes the disk the one at /disk/N. NULL: nothing is there. */
void disk_mount(unsigned number, struct disk *disk);
/* The disk of a path, and the name on it: that of a file, "" for the folder, ".." for the folder's
 * parent. NULL: the path is not on a disk of these. */
struct disk *disk_of(const char *path, const char **name);

/* Registers the file system of disk_vfs.c as SQLite's default. `seed`: of SQLite's random numbers.
 */
void disk_vfs_register(void);
void disk_vfs_seed(uint64_t seed);

#endif
