/* quorumfs DIR [flags]: one node, in the foreground, until SIGTERM or SIGINT. With a mountpoint
 * beside DIR it goes to the background, and ends with its mount. quorumfs VERB ... is a client
 * (node/verbs).
 *
 * `quorumfs VERB ...` runs no node: verbs/verbs.h.
 *
 * This is the only place that knows the replica and both doors. Exit statuses:
 *   0  stopped as asked
 *   1  could not start: the reason is on standard error
 *   2  wrong flags or configuration
 *   3  the disk or memory failed: the node stopped rather than answer from a state that the disk
 *      lacks; or it was kept from stopping for too long
 *   4  what the folder holds is damaged, or differs from what the other nodes have: the node
 *      stopped rather than answer from it, and does not start with it again. Or the folder was
 *      moved or deleted
 *   5  the log has an entry of a later version: the node stopped, its folder is unharmed */
#include "base/descriptors.h"
#include "base/trace.h"
#include "config/config.h"
#include "daemon.h"
#include "fs/fs.h"
#include "http/http.h"
#include "listener.h"
#include "replica/replica.h"
#include "tls/channel.h"
#include "verbs/verbs.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define SOCKET_NAME "socket" /* in the node's folder */

enum { STOP_SECONDS_MAX = 10 }; /* beyond the time of the requests in flight */
enum { LARGE_BUFFER_BYTES = 1024 * 1024 };
enum { EXIT_START = 1, EXIT_CONFIG = 2, EXIT_BROKEN = 3, EXIT_DAMAGED = 4, EXIT_LATER = 5 };

struct node {
    uv_loop_t loop;
    struct config config;
    struct tls *tls;           /* NULL: no secret and no certificate */
    struct channels *channels; /* likewise */
    struct lws_context *websockets;
    struct replica *replica;
    struct http *http;
    struct fs *fs;
    struct fs_helper helper; /* of the mount, with config.inotify */
    struct listener *listener;
    struct listener *peer_listener;  /* NULL unless peer_addr is apart */
    struct listener *local_listener; /* of the socket in the folder; NULL: there is none */
    uv_signal_t signals[3];
    bool stopping;
    bool stopped;
};

/* The folder is still locked, so this is not the socket of another process. */
static void stop_local_listener(struct node *n)
{
    char path[CONFIG_PATH_MAX + sizeof SOCKET_NAME + 1];
    listener_stop(n->local_listener);
    snprintf(path, sizeof path, "%s/%s", n->config.dir, SOCKET_NAME);
    unlink(path);
}

static void stop_listening(struct node *n)
{
    if (n->listener)
        listener_stop(n->listener);
    if (n->peer_listener)
        listener_stop(n->peer_listener);
    if (n->local_listener)
        stop_local_listener(n);
    if (n->channels)
        channels_stop(n->channels);
    n->listener = n->peer_listener = n->local_listener = NULL;
}

/* Everything in flight is answered: the doors close, then what they stood on. */
static void on_replica_stopped(void *arg)
{
    struct node *n = arg;
    for (size_t i = 0; i < sizeof n->signals / sizeof *n->signals; i++)
        uv_unref((uv_handle_t *)&n->signals[i]); /* a second signal must not end us halfway */
    http_stop(n->http);
    lws_context_destroy(n->websockets);
    tls_stop(n->tls);
    n->stopped = true;
}

static void on_stop_is_late(int signum)
{
    static const char text[] = "quorumfs: stopping takes too long, and is broken off; nothing that "
                               "was acknowledged is lost\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    _exit(EXIT_BROKEN);
}

/* A disk, another process (fusermount3) or a client may keep the node from ending. What was
 * acknowledged is on disk at any time, so there is nothing to wait for. */
static void bound_stop(const struct node *n)
{
    signal(SIGALRM, on_stop_is_late);
    alarm(STOP_SECONDS_MAX + (n->config.request_timeout_ms + 999) / 1000);
}

static void stop(struct node *n)
{
    if (n->stopping)
        return;
    n->stopping = true;
    trace_info("node", "stopping");
    bound_stop(n);
    stop_listening(n);
    if (n->fs)
        fs_stop(n->fs);
    n->fs = NULL;
    replica_stop(n->replica, on_replica_stopped, n);
}

/* SIGHUP tells daemons to read their configuration again; and it comes when a terminal goes. */
static void on_signal(uv_signal_t *handle, int signum)
{
    struct node *n = handle->data;
    if (signum != SIGHUP) {
        stop(n);
        return;
    }
    trace_warn("node",
               "SIGHUP: node.json is read at the start only; restart this node for a change "
               "of it to take effect%s",
               n->tls ? ". The files of secrets and certificates are read again" : "");
    if (n->tls)
        tls_reload(n->tls);
}

static void on_unmounted(void *arg)
{
    struct node *n = arg;
    if (n->config.in_background) {
        stop(n);
        return;
    }
    trace_warn("node", "%s was unmounted by somebody else; HTTP goes on", n->config.mount);
    fs_stop(n->fs);
    n->fs = NULL;
}

static void on_broken(void *arg, int status, const char *text)
{
    struct node *n = arg;
    bool damaged = status == -EUCLEAN, later = status == -EPROTONOSUPPORT;
    bool unharmed = !damaged && status != -ESTALE; /* the folder */
    trace_error("node", "stopping%s: %s", unharmed ? ", nothing that was acknowledged is lost" : "",
                text);
    if (n->fs)
        fs_abandon(n->fs);
    exit(later ? EXIT_LATER : unharmed ? EXIT_BROKEN : EXIT_DAMAGED);
}

static void adopt_peer(void *arg, int fd, const struct listener_from *from)
{
    struct node *n = arg;
    peer_adopt(replica_peer(n->replica), fd, (const struct sockaddr *)&from->address,
               from->who == TLS_NODE);
}

/* A node that has proved itself is one for its peers only. */
static void adopt_http(void *arg, int fd, const struct listener_from *from)
{
    struct node *n = arg;
    if (from->who == TLS_NODE)
        close(fd);
    else
        http_adopt(n->http, fd, (const struct sockaddr *)&from->address, &from->owner,
                   from->who == TLS_CLIENT);
}

static uint32_t count_clients(void *arg)
{
    const struct node *n = arg;
    return http_connection_count(n->http);
}

/* Some file systems have no sockets; then TCP is left. */
static void start_local_listening(struct node *n, const struct listener_route *http)
{
    struct fault fault;
    if (listener_start_in(&n->loop, n->config.dir, SOCKET_NAME, http, 1, &n->local_listener,
                          &fault) < 0)
        trace_warn("node", "%s: this machine's clients have TCP only", fault.text);
}

static int start_listening(struct node *n, struct fault *fault)
{
    const struct listener_route routes[] = {
        {.prefix = "GET /omnipax", .adopt = adopt_peer, .arg = n},
        {.adopt = adopt_http, .arg = n, .count = count_clients, .asks_owner = true},
    };
    start_local_listening(n, &routes[1]);
    int status =
        listener_start(&n->loop, n->config.me.addr, routes, 2, n->channels, &n->listener, fault);
    if (status < 0 || strcmp(n->config.me.addr, n->config.me.peer_addr) == 0)
        return status;
    return listener_start(&n->loop, n->config.me.peer_addr, routes, 1, n->channels,
                          &n->peer_listener, fault);
}

static void start_websockets(struct node *n)
{
    void *loops[] = {&n->loop};
    struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .foreign_loops = loops,
        .pt_serv_buf_size = PEER_PIECE_BYTES,
        .max_http_header_data = PEER_HEADERS_MAX,
        .port = CONTEXT_PORT_NO_LISTEN,
        .pcontext = &n->websockets, /* NULL again once it is gone */
    };
    n->websockets = lws_create_context(&info);
}

static void start_signals(struct node *n)
{
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        uv_signal_init(&n->loop, &n->signals[i]);
        n->signals[i].data = n;
        uv_signal_start(&n->signals[i], on_signal, numbers[i]);
    }
}

static int start_tls(struct node *n, struct fault *fault)
{
    const struct tls_config config = {.secret = n->config.secret,
                                      .secret_file = n->config.secret_file,
                                      .cert = n->config.tls_cert,
                                      .key = n->config.tls_key,
                                      .ca = n->config.tls_ca};
    int status = tls_start(&n->loop, &config, &n->tls, fault);
    if (status == 0 && n->tls && channels_start(&n->loop, n->tls, &n->channels) < 0)
        status = fault_set(fault, -ENOMEM, "out of memory");
    if (status == 0 && n->config.plain_peers)
        trace_warn("node", "plain_peers: links without encryption are taken from the addresses of "
                           "members, and tried; take it out of node.json once all nodes have the "
                           "secret");
    return status;
}

static int start_rooms(struct node *n, struct fault *fault)
{
    int status = start_tls(n, fault);
    if (status < 0)
        return status;
    start_websockets(n);
    if (!n->websockets)
        return fault_set(fault, -ENOMEM,
                         "libwebsockets does not start with libuv: is the package "
                         "libwebsockets-evlib-uv installed?");
    status = replica_start(&n->loop, n->websockets, n->tls, &n->config, on_broken, n, &n->replica,
                           fault);
    if (status == 0)
        status = http_start(&n->loop, n->websockets, n->replica, &n->config, &n->http, fault);
    if (status == 0) /* its name may be looked up for long, and until then a signal ends the node */
        status = start_listening(n, fault);
    start_signals(n); /* before there is a mount, which must not be left behind */
    if (status == 0 && n->config.mount[0])
        status = fs_start(&n->loop, n->replica, &n->config, n->helper.pid ? &n->helper : NULL,
                          on_unmounted, n, &n->fs, fault);
    return status;
}

/* No core dump may have a value, a secret or a token, whatever ulimit(1) and the system's settings
 * say, and no other process of the same user may read the memory. Sanitizers look into it. */
static void keep_memory_private(void)
{
#ifndef __SANITIZE_ADDRESS__
    prctl(PR_SET_DUMPABLE, 0);
#endif
}

static int exit_of_start(int status)
{
    switch (status) {
    case -EUCLEAN:
        return EXIT_DAMAGED;
    case -ENOSPC:
    case -EIO:
        return EXIT_BROKEN;
    default:
        return EXIT_START;
    }
}

static void run(struct node *n)
{
    while (!n->stopped || uv_loop_alive(&n->loop))
        uv_run(&n->loop, UV_RUN_ONCE);
    if (n->channels)
        channels_free(n->channels);
    uv_run(&n->loop, UV_RUN_DEFAULT);
    if (n->websockets) /* with a loop of ours the first call only begins to close */
        lws_context_destroy(n->websockets);
    http_free(n->http);
    replica_free(n->replica);
}

/* Large buffers go back to the system when they are freed, whichever thread has made them. By
 * itself, malloc(3) keeps as much for later as was in use once, and that for each thread. */
static void bound_memory(void)
{
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, LARGE_BUFFER_BYTES);
}

int main(int argc, char **argv)
{
    static struct node node;
    struct fault fault;
    keep_memory_private();
    if (argc > 1 && verbs_have(argv[1]))
        return verbs_run(argc - 1, argv + 1);
    if (trace_start() < 0) {
        fprintf(stderr, "quorumfs: QUORUMFS_LOG must be error, warn, info or debug\n");
        return EXIT_CONFIG;
    }
    int status = config_load(argc, argv, &node.config, &fault);
    if (status != 0) {
        if (status < 0)
            fprintf(stderr, "quorumfs: %s\n", fault.text);
        return status < 0 ? EXIT_CONFIG : 0;
    }
    if (node.config.remount) {
        status = fs_remount(&node.config, &fault);
        if (status < 0)
            fprintf(stderr, "quorumfs: %s\n", fault.text);
        return status < 0 ? EXIT_START : 0;
    }
    bound_memory();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    /* Within reason, since libwebsockets makes a table of that size. */
    descriptors_take(DESCRIPTORS_MAX);
    lws_set_log_level(0, NULL);
    if (node.config.in_background)
        status = daemon_begin(&fault);
    if (status == 0 && node.config.inotify && node.config.mount[0])
        status = fs_helper_begin(&node.helper, &fault);
    uv_loop_init(&node.loop);
    if (status == 0)
        status = start_rooms(&node, &fault);
    if (status < 0) {
        fprintf(stderr, "quorumfs: %s\n", fault.text);
        if (node.fs)
            fs_abandon(node.fs);
        return exit_of_start(status);
    }
    if (node.config.in_background)
        daemon_ready();
    trace_info("node", "listening at %s", node.config.me.addr);
    run(&node);
    return 0;
}
