/* The room of a folder: what its file system has left, and the reserve.
 *
 *   reserve   a file without contents that takes room away while there is plenty, and gives it
 * back, piece by piece, when a database finds none (seal.c). So a node whose disk is full can still
 * start, recover, checkpoint, and log what deletes.
 *
 * What counts is what the file system says and what it does: a quota is not seen in its numbers, so
 * once a piece was given, they are not believed before the reserve is whole again.
 *
 * Thread: the loop's, except room_give. */
#ifndef QUORUMFS_STORE_ROOM_H
#define QUORUMFS_STORE_ROOM_H

#include "store/folder.h"

enum {
    ROOM_PIECE_BYTES = 1024 * 1024, /* of the reserve, given at a time */
    ROOM_RESERVE_BYTES_MAX = 64 * 1024 * 1024,
    ROOM_RESERVE_BYTES_MIN = 8 * 1024 * 1024,
    ROOM_RESERVE_SHARE = 8, /* of the file system, between these two */
};

struct room {
    int fd;           /* of the reserve; negative: it could not be opened */
    uint64_t total;   /* bytes of the file system */
    uint64_t free;    /* bytes that it says this user may still take */
    uint64_t reserve; /* bytes that the reserve has */
    uint64_t whole;   /* and should have */
    bool starved;     /* a piece was given since it was whole: `free` is not believed */
    bool impossible;  /* there can be no reserve here, for another reason than room */
    bool hollow;      /* the file system has not really set the bytes of the reserve aside */
};

/* Looks for the first time. */
void room_open(struct room *room, const struct folder *folder);
/* Looks again, and makes the reserve whole if there is room for it and some more. */
void room_look(struct room *room, const struct folder *folder);
void room_close(struct room *room);

/* Whether the reserve is whole, or will never be. */
bool room_is_whole(const struct room *room);
/* What a database could still write, the reserve included. */
uint64_t room_available(const struct room *room);

/* Any thread: gives up a piece of the reserve that lies beside the file of this path. Returns
 * whether there was one. */
bool room_give(const char *path);

#endif
