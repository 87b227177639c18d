#include "disk_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- Changes ---- */

void disk_change_unref(struct disk_change *change)
{
    if (--change->refs == 0)
        free(change);
}

void disk_changes_add(struct disk_change_list *list, struct disk_change *change)
{
    list->list = must_grow(list->list, list->count, &list->cap, sizeof *list->list);
    list->list[list->count++] = change;
    change->refs++;
}

void disk_changes_clear(struct disk_change_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        disk_change_unref(list->list[i]);
    free(list->list);
    *list = (struct disk_change_list){0};
}

static void changes_copy(struct disk_change_list *to, const struct disk_change_list *from)
{
    *to = (struct disk_change_list){0};
    for (size_t i = 0; i < from->count; i++)
        disk_changes_add(to, from->list[i]);
}

static bool only_zeros(const uint8_t *bytes, size_t len)
{
    return len > 0 && bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

struct disk_change *disk_change_new(enum disk_call call, uint32_t file, uint64_t offset,
                                    const void *data, size_t len)
{
    bool zeros = data && only_zeros(data, len);
    struct disk_change *change = must_alloc(sizeof *change + (zeros || !data ? 0 : len));
    *change = (struct disk_change){
        .refs = 1, .call = call, .file = file, .offset = offset, .len = len, .zeros = zeros};
    if (data && !zeros)
        memcpy(change->bytes, data, len);
    return change;
}

struct disk_change *disk_change_of_names(enum disk_call call, uint32_t file, const char *name,
                                         const char *to)
{
    struct disk_change *change = disk_change_new(call, file, 0, NULL, 0);
    assert(strlen(name) < DISK_NAME_MAX && strlen(to) < DISK_NAME_MAX);
    strcpy(change->name, name);
    strcpy(change->to, to);
    return change;
}

/* ---- Names ---- */

struct disk_name *disk_find_name(struct disk_name *names, const char *text)
{
    for (size_t i = 0; i < DISK_NAMES_MAX; i++)
        if (strcmp(names[i].text, text) == 0)
            return &names[i];
    return NULL;
}

static void set_name(struct disk_name *names, const char *text, uint32_t file)
{
    struct disk_name *name = disk_find_name(names, text);
    if (!name)
        name = disk_find_name(names, "");
    assert(name);
    strcpy(name->text, text);
    name->file = file;
}

static void remove_name(struct disk_name *names, const char *text, uint32_t file)
{
    struct disk_name *name = disk_find_name(names, text);
    if (name && name->file == file)
        *name = (struct disk_name){0};
}

void disk_change_names(struct disk_name *names, const struct disk_change *change)
{
    if (change->call != DISK_MAKE)
        remove_name(names, change->name, change->file);
    if (change->call == DISK_MAKE)
        set_name(names, change->name, change->file);
    if (change->call == DISK_RENAME)
        set_name(names, change->to, change->file);
}

/* ---- The disk ---- */

struct disk *disk_new(void)
{
    return must_alloc(sizeof(struct disk));
}

void disk_free(struct disk *disk)
{
    if (!disk)
        return;
    for (size_t i = 0; i < disk->file_count; i++) {
        content_free(&disk->files[i].now);
        content_free(&disk->files[i].synced);
        disk_changes_clear(&disk->files[i].pending);
    }
    free(disk->files);
    disk_changes_clear(&disk->pending);
    free(disk);
}

struct disk_file *disk_add_file(struct disk *disk)
{
    disk->files = must_grow(disk->files, disk->file_count, &disk->file_cap, sizeof *disk->files);
    disk->files[disk->file_count] = (struct disk_file){0};
    return &disk->files[disk->file_count++];
}

struct disk *disk_copy(const struct disk *disk)
{
    struct disk *copy = disk_new();
    for (size_t i = 0; i < disk->file_count; i++) {
        struct disk_file *file = disk_add_file(copy);
        file->now = content_copy(&disk->files[i].now);
        file->synced = content_copy(&disk->files[i].synced);
        changes_copy(&file->pending, &disk->files[i].pending);
    }
    memcpy(copy->names, disk->names, sizeof copy->names);
    memcpy(copy->synced_names, disk->synced_names, sizeof copy->synced_names);
    changes_copy(&copy->pending, &disk->pending);
    copy->folder = disk->folder;
    copy->folder_synced = disk->folder_synced;
    copy->last = disk->last;
    return copy;
}

static void change_content(struct content *content, const struct disk_change *change)
{
    if (change->call == DISK_WRITE)
        content_write(content, change->offset, change->zeros ? NULL : change->bytes, change->len);
    else
        content_truncate(content, change->offset);
}

static void sync_file(struct disk_file *file)
{
    for (size_t i = 0; i < file->pending.count; i++)
        change_content(&file->synced, file->pending.list[i]);
    disk_changes_clear(&file->pending);
}

void disk_apply(struct disk *disk, struct disk_change *change)
{
    struct disk_file *file = &disk->files[change->file];
    disk->last = change->call == DISK_WRITE ? change : NULL;
    switch (change->call) {
    case DISK_WRITE:
    case DISK_TRUNCATE:
        change_content(&file->now, change);
        disk_changes_add(&file->pending, change);
        break;
    case DISK_SYNC:
        sync_file(file);
        break;
    case DISK_EVICT:
        if (file->pending.count > 0)
            break;
        content_free(&file->now);
        file->now = content_copy(&file->synced);
        break;
    case DISK_FORGET:
        disk_changes_clear(&file->pending);
        break;
    case DISK_MAKE:
        disk_add_file(disk);
        assert(disk->file_count == change->file + 1);
        if (change->name[0] == '\0')
            break;
        /* fall through */
    case DISK_UNLINK:
    case DISK_RENAME:
        disk_change_names(disk->names, change);
        disk_changes_add(&disk->pending, change);
        break;
    case DISK_SYNC_FOLDER:
        memcpy(disk->synced_names, disk->names, sizeof disk->names);
        disk_changes_clear(&disk->pending);
        break;
    case DISK_MAKE_FOLDER:
        disk->folder = true;
        break;
    case DISK_SYNC_PARENT:
        disk->folder_synced = disk->folder;
        break;
    default:
        assert(!"a change");
    }
}
