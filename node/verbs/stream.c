/* How a verb finds a node, and asks it. */
#include "verbs/stream.h"

#include "verbs/verb.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { STATUS_BYTES_MAX = 1024 * 1024 };

/* ---- The cluster of a mount ---- */

int verb_add_addr(struct verb_cluster *cluster, const char *addr)
{
    if (cluster->count == VERB_ADDRS_MAX || strlen(addr) >= VERB_ADDR_BYTES || !strchr(addr, ':'))
        return -EINVAL;
    strcpy(cluster->addr[cluster->count++], addr);
    return 0;
}

static void add_addr_of(struct verb_cluster *cluster, const cJSON *object)
{
    const cJSON *addr = cJSON_GetObjectItemCaseSensitive(object, "addr");
    if (cJSON_IsString(addr))
        verb_add_addr(cluster, addr->valuestring);
}

/* The mount's own node comes first. */
static int read_status(const char *file, struct verb_cluster *cluster)
{
    FILE *status = fopen(file, "r");
    char *text = status ? malloc(STATUS_BYTES_MAX) : NULL;
    size_t len = text ? fread(text, 1, STATUS_BYTES_MAX, status) : 0;
    cJSON *json = len > 0 ? cJSON_ParseWithLength(text, len) : NULL;
    free(text);
    if (status)
        fclose(status);
    if (!json)
        return -EIO;
    add_addr_of(cluster, json);
    const cJSON *peer, *peers = cJSON_GetObjectItemCaseSensitive(json, "peers");
    cJSON_ArrayForEach(peer, peers) add_addr_of(cluster, peer);
    cJSON_Delete(json);
    return cluster->count > 0 ? 0 : -EIO;
}

/* As realpath(3), but the last component need not exist. */
static bool path_resolve(const char *path, char out[PATH_MAX])
{
    char copy[PATH_MAX], parent[PATH_MAX];
    if (realpath(path, out))
        return true;
    if (errno != ENOENT || strlen(path) >= sizeof copy)
        return false;
    strcpy(copy, path);
    char *slash = strrchr(copy, '/');
    const char *name = slash ? slash + 1 : copy;
    const char *above = !slash ? "." : slash == copy ? "/" : copy;
    if (!*name || strcmp(name, "..") == 0)
        return false;
    char last[PATH_MAX];
    strcpy(last, name);
    if (slash)
        *slash = 0;
    return realpath(above, parent) && snprintf(out, PATH_MAX, "%s/%s", parent, last) < PATH_MAX;
}

int verb_find(const char *path, struct verb_cluster *cluster, struct buffer *key,
              struct fault *fault)
{
    char found[PATH_MAX], file[PATH_MAX + 32];
    if (!path_resolve(path, found))
        return fault_set(fault, -errno, "%s: %s", path, strerror(errno));
    size_t len = strlen(found);
    for (;;) {
        snprintf(file, sizeof file, "%.*s/.quorumfs/status", (int)len, found);
        if (access(file, R_OK) == 0)
            break;
        while (len > 0 && found[len - 1] != '/')
            len--;
        if (len <= 1)
            return fault_set(fault, -EINVAL,
                             "%s is in no mount of quorumfs: with --addr HOST:PORT, it is a key",
                             path);
        len--;
    }
    if (read_status(file, cluster) < 0)
        return fault_set(fault, -EIO, "%s cannot be read", file);
    const char *rest = found + len;
    rest += *rest == '/';
    buffer_append(key, rest, strlen(rest));
    return key->failed ? fault_set(fault, -ENOMEM, "out of memory") : 0;
}

void verb_next_node(struct verb_cluster *cluster)
{
    cluster->at = (cluster->at + 1) % cluster->count;
}

/* ---- HTTP ---- */

static int dial_one(const struct addrinfo *info)
{
    struct timeval patience = {.tv_sec = VERB_TIMEOUT_S};
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC, info->ai_protocol);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, info->ai_addr, info->ai_addrlen) == 0)
        return fd;
    int status = -errno;
    close(fd);
    return status;
}

static int dial(const char *addr, struct fault *fault)
{
    char host[VERB_ADDR_BYTES];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all, *info;
    strcpy(host, addr);
    char *colon = strrchr(host, ':'), *name = host;
    *colon = 0;
    if (*name == '[' && colon > host && colon[-1] == ']') {
        colon[-1] = 0;
        name++;
    }
    int status = getaddrinfo(name, colon + 1, &hints, &all);
    if (status != 0)
        return fault_set(fault, -EHOSTUNREACH, "%s: %s", addr, gai_strerror(status));
    int fd = -EHOSTUNREACH;
    for (info = all; info && fd < 0; info = info->ai_next)
        fd = dial_one(info);
    freeaddrinfo(all);
    return fd < 0 ? fault_set(fault, fd, "%s: %s", addr, strerror(-fd)) : fd;
}

bool verb_next_line(struct verb_stream *stream)
{
    ssize_t len = getline(&stream->line, &stream->cap, stream->file);
    while (len > 0 && (stream->line[len - 1] == '\n' || stream->line[len - 1] == '\r'))
        stream->line[--len] = 0;
    return len >= 0;
}

void verb_close(struct verb_stream *stream)
{
    if (stream->file)
        fclose(stream->file);
    free(stream->line);
    *stream = (struct verb_stream){0};
}

/* The status line, and the fields up to the body. */
static bool read_head(struct verb_stream *stream)
{
    if (!verb_next_line(stream) || strncmp(stream->line, "HTTP/1.1 ", 9) != 0)
        return false;
    stream->status = atoi(stream->line + 9);
    while (verb_next_line(stream))
        if (!*stream->line)
            return true;
    return false;
}

int verb_get(struct verb_cluster *cluster, const char *path, struct verb_stream *stream,
             struct fault *fault)
{
    const char *addr = cluster->addr[cluster->at];
    struct buffer request = {0};
    *stream = (struct verb_stream){0};
    int fd = dial(addr, fault);
    if (fd < 0)
        return fd;
    buffer_printf(&request, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", path, addr);
    if (verb_put_token(&request, fault) < 0) {
        buffer_free(&request);
        close(fd);
        return -EINVAL;
    }
    buffer_append(&request, "\r\n", 2);
    bool sent = !request.failed &&
                send(fd, request.data, request.len, MSG_NOSIGNAL) == (ssize_t)request.len;
    buffer_free(&request);
    stream->file = sent ? fdopen(fd, "r") : NULL;
    if (!stream->file)
        close(fd);
    if (stream->file && read_head(stream))
        return 0;
    verb_close(stream);
    return fault_set(fault, -EIO, "%s: the connection is lost", addr);
}
