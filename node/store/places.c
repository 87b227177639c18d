#include "store/places.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* What is open as long as the node runs. */
enum {
    PLACE_FOLDER,
    PLACE_LOCK,
    PLACE_LOG,
    PLACE_LOG_WAL,
    PLACE_TREE,
    PLACE_TREE_WAL,
    PLACE_TREE_SHM
};

static const char *const place_names[PLACES_MAX] = {
    [PLACE_FOLDER] = "",
    [PLACE_LOCK] = "lock",
    [PLACE_LOG] = "log.db",
    [PLACE_LOG_WAL] = "log.db-wal",
    [PLACE_TREE] = "tree.db",
    [PLACE_TREE_WAL] = "tree.db-wal",
    [PLACE_TREE_SHM] = "tree.db-shm",
};

/* Returns 0 or a negative errno. */
static int place_stat(const struct folder *folder, const char *name, char path[PATH_MAX],
                      struct stat *now)
{
    if (snprintf(path, PATH_MAX, "%s%s%s", folder_path(folder), *name ? "/" : "", name) >= PATH_MAX)
        return -ENAMETOOLONG;
    return stat(path, now) < 0 ? -errno : 0;
}

static void remember(struct places *places, const struct folder *folder, int first, int last)
{
    for (int i = first; i <= last; i++) {
        char path[PATH_MAX];
        struct stat now;
        bool there = place_stat(folder, place_names[i], path, &now) == 0;
        places->of[i] = there ? (struct place){now.st_dev, now.st_ino} : (struct place){0};
    }
}

void places_remember_folder(struct places *places, const struct folder *folder)
{
    remember(places, folder, PLACE_FOLDER, PLACE_LOCK);
}

void places_remember_log(struct places *places, const struct folder *folder)
{
    remember(places, folder, PLACE_LOG, PLACE_LOG_WAL);
}

void places_remember_tree(struct places *places, const struct folder *folder)
{
    remember(places, folder, PLACE_TREE, PLACE_TREE_SHM);
}

int places_look(const struct places *places, const struct folder *folder, struct fault *fault)
{
    for (size_t i = 0; i < PLACES_MAX; i++) {
        const struct place *place = &places->of[i];
        char path[PATH_MAX];
        struct stat now;
        if (place->inode == 0)
            continue;
        int status = place_stat(folder, place_names[i], path, &now);
        if (status == -ENOENT || status == -ENOTDIR)
            return fault_set(fault, -ESTALE,
                             "%s is gone: somebody has moved or deleted it while this node ran; "
                             "put it back before the next start",
                             path);
        if (status == 0 && (now.st_ino != place->inode || now.st_dev != place->device))
            return fault_set(fault, -ESTALE,
                             "%s is another file than this node has open: somebody has replaced it "
                             "while this node ran; put the first one back before the next start",
                             path);
    }
    return 0;
}
