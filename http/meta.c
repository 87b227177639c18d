/* Requests of operators: ping, status, health, metrics. */
#include "http_internal.h"
#include "json_out.h"
#include "replica/status.h"
#include "replica/watch.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- GET /ping ---- */

struct pings {
    struct http_request *request;
    uint32_t count, answered;
    struct ping {
        struct pings *pings;
        uint32_t pid;
        bool reached;
    } peers[];
};

static void answer_pings(struct pings *pings)
{
    struct http_request *request = pings->request;
    struct buffer *out = &request->out;
    http_json_raw(out, "{\"Multiple\":[");
    for (uint32_t i = 0; i < pings->count; i++) {
        char key[16], text[HTTP_PING_TEXT_MAX];
        snprintf(key, sizeof key, "%u", pings->peers[i].pid);
        http_ping_text(pings->peers[i].pid, pings->peers[i].reached, text);
        http_json_comma(out);
        http_json_raw(out, "{");
        http_json_field(out, "key", bytes_of_text(key));
        http_json_field(out, pings->peers[i].reached ? "value" : "error", bytes_of_text(text));
        http_json_raw(out, "}");
    }
    http_json_raw(out, "]}");
    http_answer(request, HTTP_OK);
    free(pings);
}

static void on_ping(void *arg, bool reached)
{
    struct ping *ping = arg;
    struct pings *pings = ping->pings;
    assert(pings->answered < pings->count);
    ping->reached = reached;
    if (++pings->answered == pings->count)
        answer_pings(pings);
}

void http_ping_text(uint32_t pid, bool reached, char text[HTTP_PING_TEXT_MAX])
{
    snprintf(text, HTTP_PING_TEXT_MAX,
             reached ? "Pinged peer node %u successfully" : "Peer node %u did not answer", pid);
}

void http_ping(struct http_request *request)
{
    struct replica_status status;
    replica_status(request->http->replica, &status);
    struct pings *pings = calloc(1, sizeof *pings + status.peer_count * sizeof *pings->peers);
    if (!pings) {
        http_error_errno(request, -ENOMEM, (struct bytes){0});
        return;
    }
    pings->request = request;
    pings->count = status.peer_count;
    for (uint32_t i = 0; i < pings->count; i++)
        pings->peers[i] = (struct ping){.pings = pings, .pid = status.peers[i].pid};
    if (pings->count == 0)
        answer_pings(pings);
    /* The last answer frees `pings`, and may come inside the last call. */
    for (uint32_t i = 0; i < status.peer_count; i++)
        replica_ping(request->http->replica, pings->peers[i].pid, on_ping, &pings->peers[i]);
}

/* ---- The state of this node ---- */

void http_status(struct http_request *request)
{
    status_json(request->http->replica, &request->out);
    http_answer(request, HTTP_OK);
}

void http_healthz(struct http_request *request)
{
    http_json_raw(&request->out, "{\"healthy\":true}");
    http_answer(request, HTTP_OK);
}

/* A node is ready if it would serve a write and a linearizable read. */
void http_readyz(struct http_request *request)
{
    struct replica_status status;
    replica_status(request->http->replica, &status);
    if (status.serves && !request->http->stopping) {
        http_json_raw(&request->out, "{\"ready\":true}");
        http_answer(request, HTTP_OK);
        return;
    }
    const char *why = request->http->stopping ? "this node is stopping" : status.why;
    http_json_raw(&request->out, "{\"ready\":false");
    http_json_field(&request->out, "error", bytes_of_text(why));
    http_json_raw(&request->out, "}");
    request->answer.retry = true;
    http_answer(request, HTTP_SERVICE_UNAVAILABLE);
}

void http_metrics(struct http_request *request)
{
    const struct http *http = request->http;
    struct buffer *out = &request->out;
    status_metrics(http->replica, out);
    buffer_printf(out,
                  "# HELP quorumfs_http_requests_total Requests that have begun.\n"
                  "# TYPE quorumfs_http_requests_total counter\n"
                  "quorumfs_http_requests_total %llu\n"
                  "# HELP quorumfs_http_connections Open HTTP connections.\n"
                  "# TYPE quorumfs_http_connections gauge\n"
                  "quorumfs_http_connections %u\n"
                  "# HELP quorumfs_watches Watches, of all doors.\n"
                  "# TYPE quorumfs_watches gauge\n"
                  "quorumfs_watches %u\n"
                  "# HELP quorumfs_http_held_bytes Bodies and answers in memory.\n"
                  "# TYPE quorumfs_http_held_bytes gauge\n"
                  "quorumfs_http_held_bytes %zu\n"
                  "# HELP quorumfs_http_jobs_total Long JSON texts read or written.\n"
                  "# TYPE quorumfs_http_jobs_total counter\n"
                  "quorumfs_http_jobs_total %llu\n",
                  (unsigned long long)http->requests_total, http->connection_count,
                  replica_watch_count(http->replica), http->held_bytes,
                  (unsigned long long)http->jobs_total);
    request->answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
    http_answer(request, HTTP_OK);
}

/* Nodes come by way of the listener: this one is not the first request of its connection, or has
 * another form than theirs. */
void http_omnipax(struct http_request *request)
{
    http_error(request, HTTP_BAD_REQUEST, (struct bytes){0},
               "/omnipax is for the other nodes, which begin a connection with GET /omnipax");
}
