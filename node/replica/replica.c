/* The replica: its start and stop, and what reaches it. */
#include "replica/replica_internal.h"

#include "base/trace.h"
#include "command/level.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- What comes in ---- */

static void on_frame(void *arg, struct frame *frame)
{
    struct replica *r = arg;
    switch (frame->type) {
    case FRAME_PAXOS:
        sessions_heard(r, frame->from);
        if (frame->paxos.type == PAXOS_READ_REQUEST && !sessions_answer(r, frame->from))
            break;
        if (!r->rooms.away &&
            (frame->paxos.type != PAXOS_PROPOSAL_FORWARD || levels_readable(&frame->paxos)))
            replica_step(r, &(struct paxos_event){.type = PAXOS_RECEIVE, .message = &frame->paxos});
        break;
    case FRAME_SNAPSHOT_REQUEST:
        if (!r->end.stopping && !r->end.broken)
            serving_request(r, frame);
        break;
    case FRAME_SNAPSHOT_PIECE:
        if (!r->end.stopping && !r->end.broken)
            fetching_piece(r, frame);
        break;
    case FRAME_PING:
        peer_send(r->peer, &(struct frame){.type = FRAME_PONG, .to = frame->from, .id = frame->id});
        break;
    case FRAME_PONG:
        pings_answered(r, frame);
        break;
    case FRAME_DIGEST:
        digests_frame(r, frame);
        break;
    case FRAME_CLOCK_REQUEST:
        dates_answer(r, frame);
        break;
    case FRAME_CLOCK:
        dates_told(r, frame);
        break;
    case FRAME_ROOM:
        rooms_frame(r, frame);
        break;
    }
}

static void on_link(void *arg, uint32_t pid, bool up)
{
    replica_step(arg,
                 &(struct paxos_event){.type = up ? PAXOS_LINK_UP : PAXOS_LINK_DOWN, .pid = pid});
    if (up) {
        dates_ask(arg);
        rooms_greet(arg, pid);
    }
}

static void on_moved(void *arg, const struct peer_member *member)
{
    struct replica *r = arg;
    struct replica_member *known = members_find(r, member->pid);
    if (known)
        members_name(r, known, member->addr, member->peer_addr);
    members_warn(r);
}

static void on_durable(void *arg, uint64_t ticket)
{
    replica_step(arg, &(struct paxos_event){.type = PAXOS_DURABLE, .ticket = ticket});
}

static void on_log_failed(void *arg, int status, const char *text)
{
    replica_break(arg, text, status);
}

static void on_log_full(void *arg, bool full)
{
    struct replica *r = arg;
    r->rooms.log_full = full;
}

/* When this loop was held up, by its own work or because other processes were running, it has not
 * read yet what the others sent meanwhile: libuv runs timers first. Its own silence must not be
 * taken for theirs, so the beat comes a little later. */
static bool beat_must_wait(struct replica *r)
{
    uint64_t now = uv_now(r->loop), due = r->timers.beat_due_ms;
    bool held_up = due != 0 && now > due + uv_timer_get_repeat(&r->timers.heartbeat) / 2;
    if (held_up)
        trace_debug("replica", "a heartbeat is %lu ms late", (unsigned long)(now - due));
    r->timers.beat_put_off = held_up && !r->timers.beat_put_off;
    return r->timers.beat_put_off;
}

static void on_heartbeat(uv_timer_t *timer)
{
    struct replica *r = timer->data;
    uint64_t period = uv_timer_get_repeat(timer);
    bool wait = beat_must_wait(r);
    if (wait)
        uv_timer_start(timer, on_heartbeat, period / 2, period);
    r->timers.beat_due_ms = uv_now(r->loop) + uv_timer_get_due_in(timer);
    if (wait)
        return;
    replica_step(r, &(struct paxos_event){.type = PAXOS_TICK});
    quorum_beat(r);
    digests_beat(r);
}

static void stop_when_idle(struct replica *r);

static void on_housekeeping(uv_timer_t *timer)
{
    struct replica *r = timer->data;
    uint64_t now = replica_now_ms();
    writes_expire(r, now);
    reads_expire(r, now);
    pings_expire(r, now);
    held_release(r, now);
    quorum_refuse(r);
    if (r->end.stopping || now - r->turn.committed_ms >= COMMIT_MS)
        turn_commit(r);
    rooms_housekeeping(r, now);
    if (!r->end.broken && !r->end.stopping) {
        reads_keep_fresh(r, now);
        serving_housekeeping(r, now);
        fetching_housekeeping(r, now);
        checkpoint_shrink(r);
        if (r->end.broken)
            return;
        checkpoint_when_due(r, now);
        misfits_housekeeping(r, now);
        why_housekeeping(r, now);
        leases_housekeeping(r, now);
        lost_housekeeping(r, now);
        dates_housekeeping(r, now);
        settings_housekeeping(r);
        mortals_housekeeping(r);
        if (r->paxos) {
            levels_housekeeping(r, now);
            sessions_housekeeping(r);
        }
    }
    if (r->end.stopping)
        stop_when_idle(r);
}

/* ---- For the doors ---- */

struct tree *replica_tree(struct replica *r)
{
    return r->tree;
}

bool replica_await_contents(struct replica *r, uint64_t ino, void (*done)(void *arg), void *arg)
{
    return !r->end.stopping && emptied_await(&r->emptied, ino, done, arg);
}

void replica_stays_empty(struct replica *r, uint64_t ino)
{
    emptied_stays(&r->emptied, ino);
}

struct peer *replica_peer(struct replica *r)
{
    return r->peer;
}

/* ---- Start ---- */

static int open_store(struct replica *r, struct fault *fault)
{
    int status = folder_check_owner(r->config->dir, fault);
    if (status == 0)
        status = folder_open(r->config->dir, &r->folder, fault);
    if (status == 0) {
        places_remember_folder(&r->lost.places, r->folder);
        starts_begin(r);
        status = leases_begin(r, fault);
    }
    if (status == 0)
        status = founding_begin(r, fault);
    if (status == 0)
        rooms_begin(r);
    if (status == 0)
        status = tree_open(r->folder, &r->cluster.identity, &r->tree, fault);
    if (status == 0)
        places_remember_tree(&r->lost.places, r->folder);
    r->checkpoint.durable = 0; /* not known until a checkpoint says so: nothing is trimmed before */
    return status;
}

/* A new log begins with the members that are known by now, and one of a former format with those
 * that node.json names; otherwise those that it has stored count. */
static int open_log(struct replica *r, struct paxos_stored *stored, struct fault *fault)
{
    uint32_t pids[PAXOS_NODES_MAX];
    for (uint32_t i = 0; i < r->cluster.count; i++)
        pids[i] = r->cluster.members[i].pid;
    struct paxos_membership members = paxos_membership_of(pids, r->cluster.count, PAXOS_FRESH);
    int status = log_open(r->folder, &r->cluster.identity, &members, tree_applied(r->tree),
                          tree_snapshot(r->tree), &r->log, stored, fault);
    if (status < 0)
        return status;
    places_remember_log(&r->lost.places, r->folder);
    status = members_begin(r, &stored->membership, fault);
    return status < 0 ? status : log_next_incarnation(r->log, &r->start, fault);
}

static int start_consensus(struct replica *r, const struct paxos_stored *stored,
                           struct fault *fault)
{
    struct paxos_config paxos = {.me = r->cluster.me,
                                 .count = r->cluster.count,
                                 .priority = r->config->priority,
                                 .start = r->start,
                                 .lease_us = r->config->lease_time_ms * 1000,
                                 .leased_before = r->leases.before,
                                 .told_by_member = r->cluster.identity.told,
                                 .tell_us = TELL_US,
                                 .now = replica_now_us()};
    uint32_t others[PAXOS_NODES_MAX], count = 0;
    for (uint32_t i = 0; i < r->cluster.count; i++) {
        paxos.pids[i] = r->cluster.members[i].pid;
        if (paxos.pids[i] != r->cluster.me)
            others[count++] = paxos.pids[i];
    }
    r->paxos = paxos_new(&paxos, stored);
    if (!r->paxos)
        return fault_set(fault, -ENOMEM, "consensus: out of memory");
    r->turn.decided = tree_applied(r->tree);
    divergence_init(&r->digests.divergence, others, count);
    digests_begin(r);
    clocks_init(&r->dates.clocks, others, count);
    paxos_status(r->paxos, &r->status);
    replica_describe(r);
    struct log_callbacks callbacks = {on_durable, on_log_failed, on_log_full, r};
    int status = log_start(r->log, r->loop, &callbacks);
    return status < 0 ? fault_set(fault, status, "log.db: its thread does not start") : 0;
}

int replica_begin(struct replica *r, struct fault *fault)
{
    struct paxos_stored stored = {0};
    int status = open_log(r, &stored, fault);
    if (status == 0)
        status = tree_identify(r->tree, &r->cluster.identity, fault);
    if (status == 0)
        status = start_consensus(r, &stored, fault);
    log_stored_clear(&stored);
    return status;
}

static int start_links(struct replica *r, struct lws_context *websockets, struct tls *tls,
                       struct fault *fault)
{
    struct peer_config peers = {.levels = {LEVEL_MIN, LEVEL_MAX},
                                .level = tree_cluster(r->tree)->level,
                                .settings = {.heartbeat_ms = r->config->heartbeat_ms,
                                             .lease_ms = r->config->lease_time_ms,
                                             .session_ms = r->config->session_time_ms,
                                             .version = QUORUMFS_VERSION},
                                .tls = tls,
                                .plain = r->config->plain_peers,
                                .secret = r->config->secret[0] ? r->config->secret : NULL};
    members_identity(r, &peers.identity);
    snprintf(peers.self.addr, sizeof peers.self.addr, "%s", r->config->me.addr);
    snprintf(peers.self.peer_addr, sizeof peers.self.peer_addr, "%s", r->config->me.peer_addr);
    struct peer_callbacks callbacks = {on_frame,     on_link,  founding_greeted,
                                       starts_admit, on_moved, r};
    return peer_start(r->loop, websockets, &peers, &callbacks, &r->peer, fault);
}

static void start_handles(struct replica *r)
{
    pace_start(r);
    turn_start(r);
    emptied_begin(&r->emptied, r->loop, r->tree);
    uv_timer_init(r->loop, &r->timers.heartbeat);
    uv_timer_init(r->loop, &r->timers.housekeeping);
    r->timers.heartbeat.data = r->timers.housekeeping.data = r;
    r->end.handles = 7;
    uint64_t period = r->config->heartbeat_ms;
    uv_timer_start(&r->timers.heartbeat, on_heartbeat, 0, period);
    uv_timer_start(&r->timers.housekeeping, on_housekeeping, HOUSEKEEPING_MS, HOUSEKEEPING_MS);
}

static struct replica *replica_new(uv_loop_t *loop, const struct config *config)
{
    struct replica *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->loop = loop;
    r->config = config;
    writes_begin(r);
    reads_begin(r);
    observers_begin(r);
    watches_begin(r);
    pings_begin(r);
    serving_begin(r);
    held_begin(r);
    quorum_begin(r);
    return r;
}

int replica_start(uv_loop_t *loop, struct lws_context *websockets, struct tls *tls,
                  const struct config *config,
                  void (*failed)(void *arg, int status, const char *text), void *failed_arg,
                  struct replica **replica, struct fault *fault)
{
    struct replica *r = replica_new(loop, config);
    if (!r)
        return fault_set(fault, -ENOMEM, "replica: out of memory");
    r->end.failed = failed;
    r->end.failed_arg = failed_arg;
    r->status.standing = PAXOS_FRESH;
    int status = open_store(r, fault);
    if (status == 0 && r->cluster.identity.cluster)
        status = replica_begin(r, fault);
    if (status == 0)
        status = start_links(r, websockets, tls, fault);
    if (status == 0)
        status = founding_try(r, fault);
    if (status == -EUCLEAN && r->folder)
        folder_condemn(r->folder, fault->text);
    if (status < 0)
        return status; /* the process ends: the folder's state on disk needs no closing */
    rooms_housekeeping(r, replica_now_ms());
    mortals_begin(r);
    start_handles(r);
    *replica = r;
    return 0;
}

/* ---- Stop ---- */

/* The others need not miss their leader first, which costs them some heartbeats. */
static void hand_over(struct replica *r)
{
    if (r->cluster.count == 1 || tree_cluster(r->tree)->level < LEVEL_HAND_OVER)
        return;
    r->end.hand_over_until_ms = replica_now_ms() + HAND_OVER_MS;
    replica_step(r, &(struct paxos_event){.type = PAXOS_STOPPING});
}

/* This node leads, or the one that is to lead has not got its log in line yet. */
static bool hands_over(const struct replica *r)
{
    bool follows = r->status.role == PAXOS_FOLLOWER && r->status.phase == PAXOS_PHASE_ACCEPT;
    return !follows && replica_now_ms() < r->end.hand_over_until_ms;
}

void replica_stop(struct replica *r, void (*stopped)(void *arg), void *arg)
{
    assert(!r->end.stopping);
    r->end.stopping = true;
    r->end.stopped = stopped;
    r->end.stopped_arg = arg;
    emptied_end(&r->emptied);
    /* Those that are about to be proposed are in flight. */
    if (!writes_go_on(r))
        writes_refuse_unproposed(r, REPLICA_STOPPING);
    if (r->status.role == PAXOS_LEADER)
        hand_over(r);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct replica *r = handle->data;
    if (--r->end.handles == 0)
        r->end.stopped(r->end.stopped_arg);
}

static void on_log_closed(void *arg)
{
    struct replica *r = arg;
    uv_close((uv_handle_t *)&r->turn.prepare, on_handle_closed);
    uv_close((uv_handle_t *)&r->turn.idle, on_handle_closed);
    uv_close((uv_handle_t *)&r->pace.prepare, on_handle_closed);
    uv_close((uv_handle_t *)&r->timers.heartbeat, on_handle_closed);
    uv_close((uv_handle_t *)&r->timers.housekeeping, on_handle_closed);
    uv_close((uv_handle_t *)&r->turn.wake, on_handle_closed);
    r->emptied.timer.data = r;
    uv_close((uv_handle_t *)&r->emptied.timer, on_handle_closed);
}

static void stop_when_idle(struct replica *r)
{
    bool waiting = r->held.count > 0 || r->writes.count > 0 || r->reads.count > 0 ||
                   !LIST_EMPTY(&r->pings.all);
    if (waiting || hands_over(r) || serving_busy(r) || fetching_busy(r) || starts_busy(r) ||
        tree_busy(r->tree))
        return;
    turn_stop(r);
    pace_stop(r);
    uv_timer_stop(&r->timers.heartbeat);
    uv_timer_stop(&r->timers.housekeeping);
    serving_stop(r);
    fetching_stop(r);
    peer_stop(r->peer);
    r->end.broken = true; /* nothing reaches the core any more */
    struct log *log = r->log;
    r->log = NULL; /* doors may still ask for the status */
    if (log)
        log_close(log, on_log_closed, r);
    else
        on_log_closed(r);
}

void replica_free(struct replica *r)
{
    assert(LIST_EMPTY(&r->observers.all));
    peer_free(r->peer);
    paxos_free(r->paxos);
    mortals_end(r);
    tree_close(r->tree);
    rooms_end(r);
    folder_close(r->folder);
    free(r);
}
