#include "disk_internal.h"

#include <string.h>

/* splitmix64 */
static uint32_t cut_below(uint64_t *random, uint32_t n)
{
    uint64_t z = (*random += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % n);
}

/* How one power cut decides. */
struct cut {
    enum disk_loss loss;
    uint64_t *random;
    uint32_t keep_of_8; /* DISK_LOSE_SOME: how likely a sector, a name or a length stays */
    bool rubbish;       /* DISK_LOSE_SOME: lost sectors may have changed all the same */
    const struct disk_change *last;
};

static bool keeps(const struct cut *cut)
{
    if (cut->loss != DISK_LOSE_SOME)
        return cut->loss != DISK_LOSE_ALL;
    return cut_below(cut->random, 8) < cut->keep_of_8;
}

static void write_rubbish(struct content *content, uint64_t offset, size_t len, uint64_t *random)
{
    uint8_t rubbish[DISK_SECTOR_BYTES];
    for (size_t i = 0; i < len; i++)
        rubbish[i] = (uint8_t)cut_below(random, 256);
    content_write(content, offset, rubbish, len);
}

/* The sectors of one write, each by itself. Of a torn one, as many as the disk got to. */
static void write_sectors(struct content *content, const struct disk_change *change,
                          const struct cut *cut)
{
    uint64_t offset = change->offset, end = change->offset + change->len;
    bool torn = change == cut->last;
    uint64_t torn_at =
        offset + (torn ? cut_below(cut->random, (uint32_t)change->len) : change->len);
    while (offset < end) {
        size_t len = DISK_SECTOR_BYTES - offset % DISK_SECTOR_BYTES;
        if (len > end - offset)
            len = (size_t)(end - offset);
        const uint8_t *bytes = change->zeros ? NULL : change->bytes + (offset - change->offset);
        if (offset + len > torn_at && torn)
            return;
        if (keeps(cut))
            content_write(content, offset, bytes, len);
        else if (cut->rubbish && cut_below(cut->random, 16) == 0)
            write_rubbish(content, offset, len, cut->random);
        offset += len;
    }
}

static struct content cut_file(const struct disk_file *file, const struct cut *cut)
{
    bool lost = cut->loss == DISK_LOSE_ALL ||
                (cut->loss == DISK_LOSE_FILES && cut_below(cut->random, 2) == 0);
    if (cut->loss == DISK_KEEP_ALL)
        return content_copy(&file->now);
    struct content left = content_copy(&file->synced);
    for (size_t i = 0; !lost && i < file->pending.count; i++) {
        const struct disk_change *change = file->pending.list[i];
        if (change->call == DISK_WRITE)
            write_sectors(&left, change, cut);
        else if (keeps(cut))
            content_truncate(&left, change->offset);
    }
    return left;
}

static void cut_names(struct disk *left, const struct disk *disk, const struct cut *cut)
{
    bool lost = cut->loss == DISK_LOSE_FILES && cut_below(cut->random, 2) == 0;
    memcpy(left->names, disk->synced_names, sizeof left->names);
    for (size_t i = 0; !lost && i < disk->pending.count; i++)
        if (keeps(cut))
            disk_change_names(left->names, disk->pending.list[i]);
    left->folder = disk->folder_synced || (disk->folder && !lost && keeps(cut));
    if (!left->folder)
        memset(left->names, 0, sizeof left->names);
    left->folder_synced = left->folder;
    memcpy(left->synced_names, left->names, sizeof left->names);
}

struct disk *disk_cut(const struct disk *disk, enum disk_loss loss, uint64_t *random)
{
    struct cut cut = {.loss = loss, .random = random};
    struct disk *left = disk_new();
    if (loss == DISK_LOSE_SOME) {
        cut.keep_of_8 = (uint32_t[]){1, 4, 7}[cut_below(random, 3)];
        cut.rubbish = cut_below(random, 2) == 0;
    }
    if (loss == DISK_TEAR_LAST)
        cut.last = disk->last;
    cut_names(left, disk, &cut);
    for (size_t i = 0; i < disk->file_count; i++) {
        struct disk_file *file = disk_add_file(left);
        file->now = cut_file(&disk->files[i], &cut);
        file->synced = content_copy(&file->now);
    }
    return left;
}
