#include "fs/handle.h"

#include "fs/watch.h"

#include <assert.h>
#include <stdlib.h>

static uint32_t bucket_of(uint64_t ino)
{
    return (uint32_t)(ino % FS_FILES_BUCKETS);
}

struct fs_file *fs_file_find(struct fs_files *files, uint64_t ino)
{
    struct fs_file *file;
    LIST_FOREACH(file, &files->buckets[bucket_of(ino)], entry)
    {
        if (file->ino == ino)
            return file;
    }
    return NULL;
}

static struct fs_file *file_of(struct fs_files *files, uint64_t ino)
{
    struct fs_file *file = fs_file_find(files, ino);
    if (file)
        return file;
    file = calloc(1, sizeof *file);
    if (!file)
        return NULL;
    file->ino = ino;
    LIST_INIT(&file->handles);
    LIST_INIT(&file->locks);
    STAILQ_INIT(&file->waiting);
    LIST_INSERT_HEAD(&files->buckets[bucket_of(ino)], file, entry);
    files->count++;
    return file;
}

struct fs_handle *fs_handle_open(struct fs_files *files, uint64_t ino)
{
    struct fs_handle *handle = calloc(1, sizeof *handle);
    if (!handle)
        return NULL;
    handle->file = file_of(files, ino);
    if (!handle->file) {
        free(handle);
        return NULL;
    }
    LIST_INSERT_HEAD(&handle->file->handles, handle, entry);
    return handle;
}

void fs_handle_close(struct fs_handle *handle)
{
    LIST_REMOVE(handle, entry);
    fs_reader_free(handle->reader);
    buffer_free(&handle->content);
    buffer_free(&handle->names);
    buffer_free(&handle->entries);
    free(handle);
}

void fs_file_free(struct fs_files *files, struct fs_file *file)
{
    assert(fs_file_is_over(file));
    assert(STAILQ_EMPTY(&file->waiting));
    assert(files->count > 0);
    files->count--;
    LIST_REMOVE(file, entry);
    fs_pending_clear(&file->pending);
    while (!LIST_EMPTY(&file->locks)) { /* when the mount goes */
        struct fs_lock *lock = LIST_FIRST(&file->locks);
        LIST_REMOVE(lock, entry);
        free(lock);
    }
    free(file);
}

bool fs_file_is_emptied(const struct fs_file *file)
{
    const struct fs_handle *handle;
    LIST_FOREACH(handle, &file->handles, entry)
    {
        if (handle->emptied)
            return true;
    }
    return false;
}

void fs_files_clear(struct fs_files *files)
{
    for (uint32_t i = 0; i < FS_FILES_BUCKETS; i++) {
        while (!LIST_EMPTY(&files->buckets[i])) {
            struct fs_file *file = LIST_FIRST(&files->buckets[i]);
            while (!LIST_EMPTY(&file->handles))
                fs_handle_close(LIST_FIRST(&file->handles));
            fs_file_free(files, file);
        }
    }
    assert(files->count == 0);
}
