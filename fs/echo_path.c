#include "fs/echo.h"

#include "fs/request.h"

#include <string.h>

enum { DEPTH_MAX = 2048 };

struct echo_place {
    uint64_t parent;
    uint8_t len;
    uint8_t name[NAME_BYTES_MAX];
};

static bool place_set(struct echo_place *place, uint64_t parent, struct bytes name)
{
    place->parent = parent;
    place->len = (uint8_t)name.len;
    memcpy(place->name, name.data, name.len);
    return true;
}

static bool take_place(void *arg, uint64_t parent, struct bytes name)
{
    place_set(arg, parent, name);
    return false;
}

/* The name that a folder had. */
static bool folder_place(struct fs *fs, const struct fs_echo_item *item, uint64_t ino,
                         struct echo_place *place)
{
    const struct fs_echo_name *lost = fs_echo_loses(&fs->echo.queue, item, ino);
    place->parent = 0;
    if (lost)
        return place_set(place, lost->parent, lost->name);
    return tree_names(replica_tree(fs->replica), ino, take_place, place) == 0 && place->parent != 0;
}

static void prepend(struct buffer *path, const struct echo_place *place)
{
    size_t more = place->len + (path->len > 0 ? 1 : 0);
    if (!buffer_reserve(path, more))
        return;
    memmove(path->data + more, path->data, path->len);
    memcpy(path->data, place->name, place->len);
    if (path->len > 0)
        path->data[place->len] = '/';
    path->len += more;
}

bool fs_echo_path(struct fs *fs, const struct fs_echo_item *item, uint64_t folder,
                  struct buffer *out)
{
    struct buffer path = {0};
    struct echo_place place;
    int depth = 0;
    for (; folder != INO_ROOT && depth < DEPTH_MAX && !path.failed; depth++) {
        if (!folder_place(fs, item, folder, &place))
            break;
        prepend(&path, &place);
        folder = place.parent;
    }
    buffer_append(out, path.data, path.len);
    bool found = folder == INO_ROOT && !path.failed && !out->failed;
    buffer_free(&path);
    return found;
}

struct search {
    const struct fs_echo *echo;
    const struct fs_echo_item *item;
    bool (*prefers)(const struct fs_echo *echo, uint64_t ino);
    struct echo_place place;
    bool found, preferred;
};

static bool is_of(const struct fs_echo_item *item, uint64_t parent, struct bytes name)
{
    for (uint32_t i = 0; i < item->name_count; i++)
        if (item->names[i].parent == parent && bytes_equal(item->names[i].name, name))
            return true;
    return false;
}

static bool look_at_name(void *arg, uint64_t parent, struct bytes name)
{
    struct search *search = arg;
    const struct fs_echo_item *item = search->item;
    const struct fs_echo_name *found = fs_echo_found(&search->echo->queue, item, parent, name);
    if (is_of(item, parent, name) || (found && found->ino != item->ino))
        return true;
    search->preferred = search->prefers(search->echo, parent);
    if (search->preferred || !search->found)
        place_set(&search->place, parent, name);
    search->found = true;
    return !search->preferred;
}

bool fs_echo_other_name(struct fs *fs, const struct fs_echo_item *item,
                        bool (*prefers)(const struct fs_echo *echo, uint64_t ino), uint64_t *folder,
                        struct buffer *name)
{
    struct search search = {.echo = &fs->echo, .item = item, .prefers = prefers};
    const struct fs_echo_name *lost = fs_echo_loses(&fs->echo.queue, item, item->ino);
    if (lost)
        look_at_name(&search, lost->parent, lost->name);
    if (!search.preferred)
        tree_names(replica_tree(fs->replica), item->ino, look_at_name, &search);
    if (!search.found)
        return false;
    *folder = search.place.parent;
    buffer_append(name, search.place.name, search.place.len);
    return !name->failed;
}

bool fs_echo_is_behind(struct fs *fs, uint64_t ino)
{
    const struct fs_file *file = fs_file_find(&fs->files, ino);
    return file && (fs_pending_any(&file->pending) || file->under_way);
}
