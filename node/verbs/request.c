#include "config/network.h"
#include "verbs/verb.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define NODE_OF_EXAMPLES "127.0.0.1:8080"

const char *verb_node(const char *given)
{
    const char *named = getenv("QUORUMFS_NODE");
    return given ? given : named && *named ? named : NODE_OF_EXAMPLES;
}

/* A connected socket, or a negative errno. */
static int connect_to(const char *node, struct fault *fault)
{
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
    struct timeval patience = {.tv_sec = VERB_ANSWER_MS / 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
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
                  "Content-Length: %zu\r\n\r\n",
                  method, path, node, body.len);
    buffer_append(&out, body.data, body.len);
    *sent = !out.failed;
    int status = out.failed ? -ENOMEM : send_all(fd, bytes_of(out.data, out.len));
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
