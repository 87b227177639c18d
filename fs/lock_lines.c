/* `.quorumfs/locks`: one line for each lock and each wait (README.md has the fields). */
#include "fs/special.h"

#include <string.h>
#include <time.h>

#define NS_PER_MS INT64_C(1000000)

/* Odd bytes as in /proc/mounts, so that a line can be split at its blanks. */
static void put_escaped(struct buffer *out, const char *path)
{
    for (const char *at = path; *at; at++) {
        if (strchr(" \t\n\r\\", *at))
            buffer_printf(out, "\\%03o", (unsigned int)(unsigned char)*at);
        else
            buffer_append(out, at, 1);
    }
}

static void put_time(struct buffer *out, uint64_t ns)
{
    time_t seconds = (time_t)(ns / NS_PER_S);
    struct tm utc;
    char text[32];
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &utc));
    buffer_printf(out, " %s.%03uZ", text, (unsigned int)(ns % NS_PER_S / NS_PER_MS));
}

static void put_range(struct buffer *out, const struct tree_lock *lock)
{
    buffer_printf(out, " %llu-", (unsigned long long)lock->first);
    if (lock->last == LOCK_LAST_MAX)
        buffer_printf(out, "end");
    else
        buffer_printf(out, "%llu", (unsigned long long)lock->last);
}

static bool put_lock_line(void *arg, const struct tree_lock_line *line)
{
    struct buffer *out = arg;
    const struct tree_lock *lock = line->lock;
    buffer_printf(out, "%s %llu %s %s", line->place ? "waits" : "holds",
                  (unsigned long long)(line->place ? line->place : lock->token),
                  lock->flock ? "flock" : "record", lock->shared ? "shared" : "exclusive");
    put_range(out, lock);
    buffer_printf(out, " %u %u", lock->node, lock->pid);
    put_time(out, lock->since);
    const char *path = (const char *)line->paths.data;
    const char *end = path + line->paths.len;
    for (; path && path < end; path += strlen(path) + 1) {
        buffer_append(out, " ", 1);
        put_escaped(out, path);
    }
    buffer_append(out, "\n", 1);
    return true;
}

void fs_lock_lines(struct replica *replica, struct buffer *out)
{
    uint64_t more;
    if (tree_lock_lines(replica_tree(replica), put_lock_line, out, &more) < 0)
        out->failed = true;
    else if (more > 0)
        buffer_printf(out, "more %llu\n", (unsigned long long)more);
}
