#include "host.h"

#include "base/trace.h"
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { STOP_ROUNDS_MAX = 100, SETTLE_DELIVERIES_MAX = 200 };

struct host host;

/* ---- The clock ---- */

uint64_t uv_hrtime(void)
{
    return host.now_ms * 1000000;
}

/* ---- The links ---- */

int peer_start(uv_loop_t *loop, struct lws_context *context, const struct peer_config *config,
               const struct peer_callbacks *callbacks, struct peer **peer, struct fault *fault)
{
    host.links = *callbacks;
    *peer = NULL;
    return 0;
}

int peer_identify(struct peer *peer, const struct peer_identity *identity, struct fault *fault)
{
    return 0;
}

void peer_set_level(struct peer *peer, uint32_t level)
{
}

bool peer_speaks(const struct peer *peer, uint32_t pid, struct peer_levels *levels)
{
    *levels = (struct peer_levels){1, 1};
    return peer_linked(peer, pid);
}

bool peer_settings(const struct peer *peer, uint32_t pid, struct peer_settings *settings)
{
    return false;
}

enum peer_address peer_address(const struct peer *peer, uint32_t pid)
{
    return PEER_ADDRESS_FINE;
}

void peer_send(struct peer *peer, const struct frame *frame)
{
    assert(frame->to != HOST_PID && frame->to >= 1 && frame->to <= CLUSTER_NODES);
    if (frame->type == FRAME_SNAPSHOT_REQUEST)
        host.request = *frame;
    if (frame->type != FRAME_PAXOS)
        return;
    struct paxos_message copy = mail_copy(&frame->paxos);
    mail_post(&host.cluster, &copy);
}

bool peer_is_encrypted(const struct peer *peer, uint32_t pid)
{
    return true;
}

bool peer_linked(const struct peer *peer, uint32_t pid)
{
    return pid <= CLUSTER_NODES && host.linked[pid];
}

void peer_metrics(const struct peer *peer, struct peer_metrics *metrics)
{
    *metrics = (struct peer_metrics){0};
}

void peer_stop(struct peer *peer)
{
}

void peer_free(struct peer *peer)
{
}

/* ---- The log: durable when the input says so ---- */

int log_open(const struct folder *folder, const struct identity *identity,
             const struct paxos_membership *members, uint64_t applied, uint64_t snapshot,
             struct log **log, struct paxos_stored *stored, struct fault *fault)
{
    *log = (struct log *)&host;
    *stored = (struct paxos_stored){.membership = *members};
    stored->membership.standing = PAXOS_MEMBER;
    return 0;
}

int log_next_incarnation(struct log *log, uint64_t *incarnation, struct fault *fault)
{
    *incarnation = LOG_INCARNATION_STEP;
    return 0;
}

int log_start(struct log *log, uv_loop_t *loop, const struct log_callbacks *callbacks)
{
    host.log = *callbacks;
    return 0;
}

int log_write(struct log *log, struct paxos_write *write)
{
    host.ticket = write->ticket;
    paxos_write_clear(write);
    return 0;
}

void log_keep(struct log *log, uint64_t index)
{
}

/* The log has no file here. */
void log_read(struct log *log, struct log_read *read)
{
    read->status = -ENOENT;
    read->done(read);
}

void log_metrics(struct log *log, struct log_metrics *metrics)
{
    *metrics = (struct log_metrics){0};
}

void log_close(struct log *log, void (*closed)(void *arg), void *arg)
{
    closed(arg);
}

/* ---- Called by the target ---- */

void host_turn(void)
{
    uv_run(&host.loop, UV_RUN_NOWAIT);
}

void host_pass_time(uint64_t ms)
{
    struct replica *r = host.replica;
    host.now_ms += ms;
    r->timers.housekeeping.timer_cb(&r->timers.housekeeping);
    host_turn();
}

void host_heartbeat(void)
{
    struct replica *r = host.replica;
    const struct paxos_event tick = {.type = PAXOS_TICK};
    r->timers.heartbeat.timer_cb(&r->timers.heartbeat);
    for (uint32_t i = 0; i < HOST_PEERS; i++)
        cluster_step(&host.cluster, &host.cluster.nodes[i], &tick);
    host_turn();
}

void host_disks(void)
{
    host.log.durable(host.log.arg, host.ticket);
    host_turn();
    for (uint32_t i = 0; i < HOST_PEERS; i++)
        cluster_disk(&host.cluster, &host.cluster.nodes[i], SIZE_MAX);
}

void host_settle(uint32_t rounds)
{
    for (; rounds > 0; rounds--) {
        host_heartbeat();
        for (int left = SETTLE_DELIVERIES_MAX; left > 0 && host.cluster.mail_count > 0; left--) {
            mail_deliver(&host.cluster, 0, false);
            host_disks();
        }
        work_all();
    }
}

void host_frame(struct frame *frame)
{
    if (frame->to == HOST_PID && frame->from >= 1 && frame->from <= HOST_PEERS)
        host.links.frame(host.links.arg, frame);
}

/* ---- Start and stop ---- */

static void on_message(const struct paxos_message *m)
{
    host_frame(&(struct frame){.type = FRAME_PAXOS, .from = m->from, .to = m->to, .paxos = *m});
}

static void on_failed(void *arg, int status, const char *text)
{
    fprintf(stderr, "the node stops: %s\n", text);
    abort();
}

/* As a node of feature level 1 does. */
static void tell_who_it_is(void)
{
    const struct replica *r = host.replica;
    const struct peer_greeting greeting = {.dialler = {.pid = 1},
                                           .to = HOST_PID,
                                           .scope = r->cluster.scope,
                                           .standing = PEER_FORMER,
                                           .levels = {1, 1}};
    host.links.greeted(host.links.arg, &greeting);
    assert(r->cluster.identity.node == HOST_PID);
}

void host_start(void)
{
    static const struct paxos_config config = {.count = CLUSTER_NODES, .pids = {1, 2, HOST_PID}};
    struct fault fault;
    if (!host.loop_begun)
        uv_loop_init(&host.loop);
    host.loop_begun = true;
    trace_level = TRACE_ERROR;
    host.now_ms = 1000;
    host.ticket = 0;
    host.stopped = false;
    host.linked[1] = host.linked[2] = true;
    host.request = (struct frame){.to = 1};
    host.config = (struct config){.me = {"c:1", "c:1"},
                                  .peer_count = 2,
                                  .peers = {{"a:1", "a:1"}, {"b:1", "b:1"}},
                                  .heartbeat_ms = 100,
                                  .request_timeout_ms = 5000};
    snprintf(host.config.dir, sizeof host.config.dir, "%s/replica", folder_of_process());
    cluster_init(&host.cluster, &config, false, on_message);
    int status =
        replica_start(&host.loop, NULL, NULL, &host.config, on_failed, NULL, &host.replica, &fault);
    assert(status == 0);
    tell_who_it_is();
    uv_timer_stop(&host.replica->timers.heartbeat);
    uv_timer_stop(&host.replica->timers.housekeeping);
}

static void on_stopped(void *arg)
{
    host.stopped = true;
}

static void remove_files(void)
{
    static const char *const names[] = {"tree.db", "tree.db-wal", "tree.db-shm", "lock"};
    char path[CONFIG_PATH_MAX + 32];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", host.config.dir, names[i]);
        unlink(path);
    }
}

void host_stop(void)
{
    replica_stop(host.replica, on_stopped, NULL);
    for (int rounds = 0; !host.stopped && rounds < STOP_ROUNDS_MAX; rounds++) {
        work_all();
        host_pass_time(1000);
    }
    assert(host.stopped);
    replica_free(host.replica);
    cluster_free(&host.cluster);
    remove_files();
}
