/* The paths of directories and files that changed lately: a change is told with its path, and most
 * changes are in the same few directories. Nothing here is replicated.
 *
 * A path is right until a directory on it is moved; then everything is forgotten. A file is here
 * only while it has one name.
 * Numbers of inodes are not used again, so a directory that is removed may stay here. Each number
 * has one place, which a new one takes over. */
#include "store/tree_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATH_PLACES = 16384, /* 2 MiB once all are used */
    PATH_CACHED_MAX = 114
};

struct cached_path {
    uint64_t ino;
    uint32_t generation;
    uint16_t len;
    uint8_t path[PATH_CACHED_MAX];
};
_Static_assert(sizeof(struct cached_path) == 128, "two lines of the processor's cache");

struct path_cache {
    uint32_t generation;           /* a place of another generation is empty; 0: never used */
    uint8_t found[PATH_BYTES_MAX]; /* one that is too long for a place */
    struct cached_path places[PATH_PLACES];
};

struct path_cache *paths_new(void)
{
    struct path_cache *cache = calloc(1, sizeof *cache);
    if (cache)
        cache->generation = 1;
    return cache;
}

void paths_clear(struct path_cache *cache)
{
    if (++cache->generation != 0)
        return;
    memset(cache, 0, sizeof *cache);
    cache->generation = 1;
}

bool paths_known(const struct path_cache *cache, uint64_t ino, struct bytes *path)
{
    const struct cached_path *place = &cache->places[ino % PATH_PLACES];
    if (place->ino != ino || place->generation != cache->generation)
        return false;
    *path = bytes_of(place->path, place->len);
    return true;
}

void paths_forget(struct path_cache *cache, uint64_t ino)
{
    struct cached_path *place = &cache->places[ino % PATH_PLACES];
    if (place->ino == ino)
        place->generation = 0;
}

/* One that is too long for a place is only good for now. */
struct bytes paths_keep(struct path_cache *cache, uint64_t ino, struct bytes path)
{
    struct cached_path *place = &cache->places[ino % PATH_PLACES];
    uint8_t *to = path.len <= PATH_CACHED_MAX ? place->path : cache->found;
    assert(path.len <= sizeof cache->found);
    if (to == place->path) {
        place->ino = ino;
        place->generation = cache->generation;
        place->len = (uint16_t)path.len;
    } else {
        paths_forget(cache, ino);
    }
    memcpy(to, path.data, path.len);
    return bytes_of(to, path.len);
}

int paths_find(struct tree *tree, uint64_t ino, struct bytes *path)
{
    struct path_cache *cache = tree->events.paths;
    *path = (struct bytes){0};
    if (ino == INO_ROOT || paths_known(cache, ino, path))
        return 0;
    struct way way;
    struct buffer found = {0};
    int status = way_of_dir(tree, ino, &way);
    if (status == 0)
        status = tree_path(tree, way.parent, bytes_of(way.name, way.len), &found);
    if (status == 0)
        *path = paths_keep(cache, ino, bytes_of(found.data, found.len));
    buffer_free(&found);
    return status;
}
