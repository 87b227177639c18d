#include "fs/handle.h"

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
    LIST_INSERT_HEAD(&files->buckets[bucket_of(ino)], file, entry);
    files->count++;
    return file;
}

struct fs_handle *fs_handle_open(struct fs_files *files, uint64_t ino, pid_t pid)
{
    struct fs_handle *handle = calloc(1, sizeof *handle);
    if (!handle)
        return NULL;
    handle->file = file_of(files, ino);
    if (!handle->file) {
        free(handle);
        return NULL;
    }
    handle->pid = pid;
    STAILQ_INIT(&handle->waiting);
    LIST_INSERT_HEAD(&handle->file->handles, handle, entry);
    return handle;
}

bool fs_handle_close(struct fs_files *files, struct fs_handle *handle)
{
    struct fs_file *file = handle->file;
    assert(!handle->under_way);
    assert(STAILQ_EMPTY(&handle->waiting));
    LIST_REMOVE(handle, entry);
    fs_pending_clear(&handle->pending);
    buffer_free(&handle->content);
    buffer_free(&handle->names);
    buffer_free(&handle->entries);
    free(handle);
    if (!LIST_EMPTY(&file->handles))
        return false;

    assert(files->count > 0);
    files->count--;
    LIST_REMOVE(file, entry);
    free(file);
    return true;
}

static struct fs_handle *handle_find(struct fs_files *files, uint64_t ino, pid_t pid, bool pending)
{
    struct fs_file *file = fs_file_find(files, ino);
    if (!file || pid == 0)
        return NULL;
    struct fs_handle *handle;
    LIST_FOREACH(handle, &file->handles, entry)
    {
        if (handle->pid == pid && (!pending || fs_pending_any(&handle->pending)))
            return handle;
    }
    return NULL;
}

struct fs_handle *fs_handle_of(struct fs_files *files, uint64_t ino, pid_t pid)
{
    return handle_find(files, ino, pid, false);
}

struct fs_handle *fs_handle_pending(struct fs_files *files, uint64_t ino, pid_t pid)
{
    return handle_find(files, ino, pid, true);
}

void fs_files_clear(struct fs_files *files)
{
    for (uint32_t i = 0; i < FS_FILES_BUCKETS; i++) {
        while (!LIST_EMPTY(&files->buckets[i])) {
            struct fs_file *file = LIST_FIRST(&files->buckets[i]);
            fs_handle_close(files, LIST_FIRST(&file->handles));
        }
    }
    assert(files->count == 0);
}
