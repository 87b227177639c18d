#include "store/starts.h"

#include "store/room.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char starts_title[] = "quorumfs starts 1\n";

enum { LINE_MAX_BYTES = 64 };

struct start starts_of(const struct starts *starts, uint32_t node)
{
    for (uint32_t i = 0; i < starts->count; i++) {
        if (starts->of[i].node == node)
            return starts->of[i].start;
    }
    return (struct start){0};
}

void starts_set(struct starts *starts, uint32_t node, struct start start)
{
    uint32_t at = 0;
    while (at < starts->count && starts->of[at].node != node)
        at++;
    if (at == PAXOS_NODES_MAX) {
        memmove(&starts->of[0], &starts->of[1], (PAXOS_NODES_MAX - 1) * sizeof starts->of[0]);
        at--;
    } else if (at == starts->count) {
        starts->count++;
    }
    starts->of[at].node = node;
    starts->of[at].start = start;
}

/* ---- The file ---- */

static bool starts_parse(FILE *file, struct starts *starts)
{
    char line[LINE_MAX_BYTES];
    if (!fgets(line, sizeof line, file) || strcmp(line, starts_title) != 0)
        return false;
    while (fgets(line, sizeof line, file)) {
        uint32_t node;
        struct start start;
        int len = 0;
        int items = sscanf(line, "%" SCNu32 " %" SCNx64 " %" SCNx64 "\n%n", &node,
                           &start.incarnation, &start.token, &len);
        if (items != 3 || line[len] != '\0' || !strchr(line, '\n'))
            return false;
        starts_set(starts, node, start);
    }
    return true;
}

int starts_read(const struct folder *folder, struct starts *starts, struct fault *fault)
{
    char path[PATH_MAX];
    *starts = (struct starts){0};
    int status = folder_file(folder_path(folder), "starts", path, fault);
    if (status < 0)
        return status;
    FILE *file = fopen(path, "re");
    if (!file)
        return errno == ENOENT ? 0 : fault_set(fault, -errno, "%s: %s", path, strerror(errno));
    if (!starts_parse(file, starts))
        status = fault_set(fault, -EUCLEAN, "%s cannot be understood", path);
    fclose(file);
    return status;
}

/* Writes and syncs the text, and the folder behind it. */
static int starts_write_text(const struct folder *folder, const char *path, const char *new_path,
                             const char *text, size_t len)
{
    int fd = open(new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    ssize_t written = write(fd, text, len);
    int status = written < 0 ? -errno : (size_t)written < len ? -ENOSPC : 0;
    if (status == 0 && fsync(fd) < 0)
        status = -errno;
    close(fd);
    if (status == 0 && rename(new_path, path) < 0)
        status = -errno;
    return status < 0 ? status : folder_sync(folder_path(folder));
}

int starts_write(const struct folder *folder, const struct starts *starts, struct fault *fault)
{
    char path[PATH_MAX], new_path[PATH_MAX];
    char text[sizeof starts_title + PAXOS_NODES_MAX * LINE_MAX_BYTES];
    int status = folder_file(folder_path(folder), "starts", path, fault);
    if (status == 0)
        status = folder_file(folder_path(folder), "starts.new", new_path, fault);
    if (status < 0)
        return status;
    size_t len = (size_t)snprintf(text, sizeof text, "%s", starts_title);
    for (uint32_t i = 0; i < starts->count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "%" PRIu32 " %" PRIx64 " %016" PRIx64 "\n", starts->of[i].node,
                                starts->of[i].start.incarnation, starts->of[i].start.token);
    do
        status = starts_write_text(folder, path, new_path, text, len);
    while ((status == -ENOSPC || status == -EDQUOT) && room_give(path));
    return status < 0 ? fault_set(fault, status, "%s: %s", path, strerror(-status)) : 0;
}
