/* Names and inodes that were used lately, so that the next use asks no B-tree: the way to a key is
 * the same again and again, and walking it was a quarter of the cost of a put to a follower.
 *
 * The cache holds what the connection would read. A change of a row of either table changes the
 * cache as well; all of it is forgotten when a list of operations is undone, or when another tree
 * takes the place of this one. Each name and each number has one place, which a new one takes over.
 *
 * A view has no cache (NULL): nothing is found there, and nothing kept. */
#include "store/tree_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum {
    CACHE_PLACES = 65536, /* of names, and of inodes: 11 MiB in all once all are used */
    CACHE_NAME_BYTES_MAX = 43,
};

struct cached_name {
    uint64_t parent;
    uint64_t ino;
    uint32_t generation;
    uint8_t len;
    uint8_t name[CACHE_NAME_BYTES_MAX];
};
_Static_assert(sizeof(struct cached_name) == 64, "a line of the processor's cache");

struct cached_inode {
    uint32_t generation;
    struct inode inode;
};

struct tree_cache {
    uint32_t generation; /* a place of another generation is empty; 0: never used */
    struct cached_name names[CACHE_PLACES];
    struct cached_inode inodes[CACHE_PLACES];
};

struct tree_cache *cache_new(void)
{
    struct tree_cache *cache = calloc(1, sizeof *cache);
    if (cache)
        cache->generation = 1;
    return cache;
}

void cache_clear(struct tree_cache *cache)
{
    if (++cache->generation != 0)
        return;
    /* Not by a compound literal: without optimization that is 11 MiB on the stack. */
    memset(cache, 0, sizeof *cache);
    cache->generation = 1;
}

/* ---- Names ---- */

/* Where the name is, if it is cached at all. */
static struct cached_name *name_place(struct tree_cache *cache, uint64_t parent, struct bytes name)
{
    assert(cache->generation > 0);
    return &cache->names[XXH3_64bits_withSeed(name.data, name.len, parent) % CACHE_PLACES];
}

static bool name_is_at(const struct tree_cache *cache, const struct cached_name *place,
                       uint64_t parent, struct bytes name)
{
    return place->generation == cache->generation && place->parent == parent &&
           bytes_equal(bytes_of(place->name, place->len), name);
}

bool cache_find_name(struct tree_cache *cache, uint64_t parent, struct bytes name, uint64_t *ino)
{
    const struct cached_name *place = cache ? name_place(cache, parent, name) : NULL;
    if (!place || !name_is_at(cache, place, parent, name))
        return false;
    *ino = place->ino;
    return true;
}

void cache_name(struct tree_cache *cache, uint64_t parent, struct bytes name, uint64_t ino)
{
    if (!cache || name.len > CACHE_NAME_BYTES_MAX)
        return;
    struct cached_name *place = name_place(cache, parent, name);
    assert(name.len > 0 && ino >= INO_ROOT);
    place->generation = cache->generation;
    place->parent = parent;
    place->ino = ino;
    place->len = (uint8_t)name.len;
    memcpy(place->name, name.data, name.len);
}

void cache_forget_name(struct tree_cache *cache, uint64_t parent, struct bytes name)
{
    struct cached_name *place = name_place(cache, parent, name);
    if (name_is_at(cache, place, parent, name))
        place->generation = 0;
}

/* ---- Inodes ---- */

/* Where the inode is, if it is cached at all. */
static struct cached_inode *inode_place(struct tree_cache *cache, uint64_t ino)
{
    return &cache->inodes[ino % CACHE_PLACES];
}

static bool inode_is_at(const struct tree_cache *cache, const struct cached_inode *place,
                        uint64_t ino)
{
    return place->generation == cache->generation && place->inode.attr.ino == ino;
}

bool cache_find_inode(struct tree_cache *cache, uint64_t ino, struct inode *inode)
{
    const struct cached_inode *place = cache ? inode_place(cache, ino) : NULL;
    if (!place || !inode_is_at(cache, place, ino))
        return false;
    *inode = place->inode;
    return true;
}

void cache_inode(struct tree_cache *cache, const struct inode *inode)
{
    assert(inode->attr.ino >= INO_ROOT);
    assert(!inode->kept); /* it is gone: no command may find it */
    if (!cache)
        return;
    *inode_place(cache, inode->attr.ino) =
        (struct cached_inode){.generation = cache->generation, .inode = *inode};
}

void cache_forget_inode(struct tree_cache *cache, uint64_t ino)
{
    struct cached_inode *place = inode_place(cache, ino);
    if (inode_is_at(cache, place, ino))
        place->generation = 0;
}
