#include "config/network.h"
#include "verbs/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { TOKEN_LINE_MAX = 256 };

#define NODE_OF_EXAMPLES "127.0.0.1:8080"

const char *verb_node(const char *given)
{
    const char *named = getenv("QUORUMFS_NODE");
    return given ? given : named && *named ? named : NODE_OF_EXAMPLES;
}

int verb_put_token(struct buffer *head, struct fault *fault)
{
    const char *token = getenv("QUORUMFS_ACCESS_TOKEN"),
               *path = getenv("QUORUMFS_ACCESS_TOKEN_FILE");
    char line[TOKEN_LINE_MAX] = "";
    errno = 0;
    FILE *file = !token && path && *path ? fopen(path, "re") : NULL;
    if (!token && path && *path && (!file || !fgets(line, sizeof line, file))) {
        int error = errno ? errno : ENODATA;
        if (file)
            fclose(file);
        return fault_set(fault, -error, "QUORUMFS_ACCESS_TOKEN_FILE: %s: %s", path,
                         strerror(error));
    }
    if (file)
        fclose(file);
    if (!token)
        token = line;
    int len = (int)strcspn(token, "\r\n");
    if (len > 0)
        buffer_printf(head, "Authorization: Bearer %.*s\r\n", len, token);
    explicit_bzero(line, sizeof line);
    return 0;
}

static void set_patience(int fd)
{
    struct timeval patience = {.tv_sec = VERB_ANSWER_MS / 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

static bool is_folder(const char *node)
{
    struct stat about;
    return strchr(node, '/') || (stat(node, &about) == 0 && S_ISDIR(about.st_mode));
}

/* The socket in a node's folder. Its path may be too long for an address, so it goes over the
 * folder's descriptor. */
static int connect_in(const char *folder, struct fault *fault)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/socket", dir);
    bool done =
        dir >= 0 && fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    int error = errno;
    if (dir >= 0)
        close(dir);
    if (done) {
        set_patience(fd);
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return fault_set(fault, -error, "%s/socket: %s: does the node run?", folder, strerror(error));
}

/* A connected socket, or a negative errno. */
static int connect_to(const char *node, struct fault *fault)
{
    if (is_folder(node))
        return connect_in(node, fault);
    char host[NETWORK_HOST_MAX], service[16];
    uint16_t port;
    if (network_split(node, host, &port) < 0)
        return fault_set(fault, -EINVAL, "%s is not HOST:PORT", node);
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found, *at;
    int status = getaddrinfo(host, service, &hints, &found);
    if (status != 0)
        return fault_set(fault, -EHOSTUNREACH, "%s: %s", node, gai_strerror(status));
    int fd = -1, error = EHOSTUNREACH;
    for (at = found; at && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) == 0)
            break;
        error = errno;
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    if (fd < 0)
        return fault_set(fault, -error,
                         "%s: %s: is a node listening there? --node HOST:PORT or "
                         "QUORUMFS_NODE names another one",
                         node, strerror(error));
    set_patience(fd);
    return fd;
}

static int send_all(int fd, struct bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return -errno;
        bytes = bytes_of(bytes.data + sent, bytes.len - (size_t)sent);
    }
    return 0;
}

static int receive_all(int fd, struct buffer *in)
{
    char bytes[65536];
    ssize_t got;
    while ((got = recv(fd, bytes, sizeof bytes, 0)) != 0) {
        if (got < 0 && errno != EINTR)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        if (got > 0)
            buffer_append(in, bytes, (size_t)got);
    }
    return in->failed ? -ENOMEM : 0;
}

/* Takes the head off the answer. The node closes the connection behind the body, whose length it
 * has said. */
static int take_answer(struct buffer *in, struct verb_answer *answer)
{
    buffer_append(in, "", 1);
    const char *text = (const char *)in->data;
    const char *body = in->failed ? NULL : strstr(text, "\r\n\r\n");
    const char *length = in->failed ? NULL : strcasestr(text, "\r\nContent-Length:");
    if (!body || !length || length > body || sscanf(text, "HTTP/1.1 %d ", &answer->status) != 1)
        return -EPROTO;
    body += 4;
    size_t len = in->len - 1 - (size_t)(body - text);
    if (strtoull(length + 17, NULL, 10) != len)
        return -EPROTO;
    buffer_append(&answer->body, body, len);
    return answer->body.failed ? -ENOMEM : 0;
}

int verb_request(const char *node, const char *method, const char *path, struct bytes body,
                 struct verb_answer *answer, bool *sent, struct fault *fault)
{
    struct buffer out = {0}, in = {0};
    int fd = connect_to(node, fault);
    *answer = (struct verb_answer){0};
    *sent = false;
    if (fd < 0)
        return fd;
    buffer_printf(&out,
                  "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
                  "Content-Length: %zu\r\n",
                  method, path, is_folder(node) ? "localhost" : node, body.len);
    int status = verb_put_token(&out, fault);
    buffer_append(&out, "\r\n", 2);
    buffer_append(&out, body.data, body.len);
    if (status < 0 || out.failed) {
        close(fd);
        buffer_free(&out);
        return status < 0 ? status : fault_set(fault, -ENOMEM, "out of memory");
    }
    *sent = true;
    status = send_all(fd, bytes_of(out.data, out.len));
    if (status == 0 || status == -EPIPE || status == -ECONNRESET) { /* it may have refused early */
        status = receive_all(fd, &in);
        if (status == 0 || status == -ECONNRESET)
            status = take_answer(&in, answer);
    }
    if (status < 0)
        fault_set(fault, status, "%s: %s", node,
                  status == -EPROTO ? "no whole answer came" : strerror(-status));
    close(fd);
    buffer_free(&out);
    buffer_free(&in);
    return status;
}
