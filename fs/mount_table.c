#include "fs/mount_table.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

/* Decodes in place: mountinfo writes blanks and the like as a backslash and three octal digits. */
static void unescape(char *text)
{
    char *out = text;
    for (char *in = text; *in; out++) {
        if (in[0] == '\\' && in[1] && in[2] && in[3]) {
            *out = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
            in += 4;
        } else {
            *out = *in++;
        }
    }
    *out = '\0';
}

struct line {
    int id, parent;
    dev_t device;
    char path[PATH_MAX + 1];
};

/* Calls `look` for each line. Returns 0 or a negative errno. */
static int each_line(void (*look)(void *arg, const struct line *line), void *arg)
{
    FILE *table = fopen(FS_MOUNT_TABLE, "re");
    char *text = NULL;
    size_t cap = 0;
    if (!table)
        return -errno;
    while (getline(&text, &cap, table) > 0) {
        struct line line;
        unsigned int major, minor;
        if (sscanf(text, "%d %d %u:%u %*s %4096s", &line.id, &line.parent, &major, &minor,
                   line.path) != 5)
            continue;
        line.device = makedev(major, minor);
        unescape(line.path);
        look(arg, &line);
    }
    int status = ferror(table) ? -EIO : 0;
    free(text);
    fclose(table);
    return status;
}

enum { STACK_MAX = 64 }; /* mounts on each other */

struct stack {
    const char *path;
    int count;
    struct {
        int id, parent;
        dev_t device;
    } mounts[STACK_MAX];
};

static void add_if_here(void *arg, const struct line *line)
{
    struct stack *stack = arg;
    if (strcmp(line->path, stack->path) != 0 || stack->count == STACK_MAX)
        return;
    stack->mounts[stack->count].id = line->id;
    stack->mounts[stack->count].parent = line->parent;
    stack->mounts[stack->count].device = line->device;
    stack->count++;
}

/* The order of the lines does not tell: a mount may have been put beneath an older one. */
static bool carries_another(const struct stack *stack, int id)
{
    for (int i = 0; i < stack->count; i++)
        if (stack->mounts[i].parent == id)
            return true;
    return false;
}

int fs_mounts_at(const char *path, struct fs_mounts_at *at)
{
    struct stack stack = {.path = path};
    *at = (struct fs_mounts_at){.top = -1};
    int status = each_line(add_if_here, &stack);
    if (status < 0)
        return status;
    at->count = stack.count;
    for (int i = 0; i < stack.count; i++) {
        if (carries_another(&stack, stack.mounts[i].id))
            continue;
        at->top = stack.mounts[i].id;
        at->device = stack.mounts[i].device;
    }
    return 0;
}

struct sought {
    dev_t device;
    bool found;
};

static void compare(void *arg, const struct line *line)
{
    struct sought *sought = arg;
    sought->found |= line->device == sought->device;
}

bool fs_is_in_mount_table(dev_t device)
{
    struct sought sought = {.device = device};
    return each_line(compare, &sought) < 0 || sought.found;
}

enum { COPIES_MAX = 64 }; /* of one mount, at several places */

struct inside {
    dev_t device;
    int count, ids[COPIES_MAX];
    bool found;
};

static void collect_copy(void *arg, const struct line *line)
{
    struct inside *inside = arg;
    if (line->device != inside->device)
        return;
    if (inside->count < COPIES_MAX)
        inside->ids[inside->count++] = line->id;
    else
        inside->found = true;
}

static void look_inside(void *arg, const struct line *line)
{
    struct inside *inside = arg;
    for (int i = 0; i < inside->count; i++)
        inside->found |= line->parent == inside->ids[i];
}

bool fs_has_mounts_inside(dev_t device)
{
    struct inside inside = {.device = device};
    int status = each_line(collect_copy, &inside);
    if (status == 0)
        status = each_line(look_inside, &inside);
    return status < 0 || inside.found;
}
