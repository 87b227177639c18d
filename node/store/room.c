#include "store/room.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char room_name[] = "reserve";

static uint64_t room_file_bytes(int fd)
{
    struct stat file;
    return fd >= 0 && fstat(fd, &file) == 0 ? (uint64_t)file.st_size : 0;
}

static void room_measure(struct room *room, const struct folder *folder)
{
    struct statvfs disk;
    if (statvfs(folder_path(folder), &disk) != 0)
        return; /* the numbers stay; a disk that fails shows elsewhere */
    room->total = (uint64_t)disk.f_blocks * disk.f_frsize;
    room->free = (uint64_t)disk.f_bavail * disk.f_frsize;
    uint64_t whole = room->total / ROOM_RESERVE_SHARE;
    whole = whole < ROOM_RESERVE_BYTES_MAX ? whole : ROOM_RESERVE_BYTES_MAX;
    room->whole = whole > ROOM_RESERVE_BYTES_MIN ? whole : ROOM_RESERVE_BYTES_MIN;
}

/* Whether the file system has not taken the blocks. One that compresses, or that writes to new
 * blocks whatever is there, may only have said so. */
static bool room_is_hollow(int fd)
{
    struct stat file;
    return fstat(fd, &file) == 0 && (uint64_t)file.st_blocks * 512 < (uint64_t)file.st_size;
}

/* Reasons that pass when there is room. */
static bool room_is_missing(int error)
{
    return error == ENOSPC || error == EDQUOT;
}

/* All that is missing, or nothing. */
static void room_fill(struct room *room)
{
    int error = posix_fallocate(room->fd, 0, (off_t)room->whole);
    if (error == 0) {
        room->hollow = room_is_hollow(room->fd);
        room->reserve = room->whole;
        room->starved = false;
        return;
    }
    room->impossible = !room_is_missing(error);
    room->starved = !room->impossible;
    if (ftruncate(room->fd, (off_t)room->reserve) < 0)
        room->reserve = room_file_bytes(room->fd);
}

static void room_find_reserve(struct room *room, const struct folder *folder)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/%s", folder_path(folder), room_name);
    if (len > 0 && len < PATH_MAX)
        room->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    room->impossible = room->fd < 0 && !room_is_missing(errno);
    room->reserve = room_file_bytes(room->fd);
    room->starved = room->reserve > 0 && room->reserve < room->whole;
}

void room_look(struct room *room, const struct folder *folder)
{
    room_measure(room, folder);
    if (room->fd < 0 && !room->impossible)
        room_find_reserve(room, folder);
    uint64_t bytes = room_file_bytes(room->fd);
    room->starved |= bytes < room->reserve;
    room->reserve = bytes;
    /* Taking the last bytes would only have them given back at once. */
    if (!room->impossible && room->fd >= 0 && bytes < room->whole &&
        room->free >= room->whole - bytes + room->whole / 2)
        room_fill(room);
}

void room_open(struct room *room, const struct folder *folder)
{
    *room = (struct room){.fd = -1};
    room_look(room, folder);
}

void room_close(struct room *room)
{
    if (room->fd >= 0)
        close(room->fd);
    room->fd = -1;
}

bool room_is_whole(const struct room *room)
{
    return room->impossible || room->reserve >= room->whole;
}

uint64_t room_available(const struct room *room)
{
    return room->reserve + (room->starved ? 0 : room->free);
}

/* Without a sync, for which the loop would have to wait: file systems that give blocks out again
 * only after a commit of their journal make that commit before they say that there are none. */
static bool room_shorten(int fd)
{
    struct stat file;
    if (fstat(fd, &file) < 0 || file.st_size == 0)
        return false;
    off_t left = file.st_size > ROOM_PIECE_BYTES ? file.st_size - ROOM_PIECE_BYTES : 0;
    return ftruncate(fd, left) == 0;
}

bool room_give(const char *path)
{
    char reserve[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int folder_len = slash ? (int)(slash - path) + 1 : 0;
    int len = snprintf(reserve, sizeof reserve, "%.*s%s", folder_len, path, room_name);
    if (len < 0 || len >= PATH_MAX)
        return false;
    int fd = open(reserve, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    bool given = room_shorten(fd);
    close(fd);
    return given;
}
