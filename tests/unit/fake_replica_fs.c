#include "fake_replica_fs.h"

#include "replica/emptied.h"
#include "replica/status.h"
#include "store/folder.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

struct waiting {
    TAILQ_ENTRY(waiting) entry;
    uint64_t due_ms, deadline_ms;
    struct command command;
    replica_written_cb *written; /* or read */
    replica_read_cb *read;
    void *arg;
};

struct replica {
    const struct config *config;
    struct fake_control *control;
    struct folder *folder;
    struct tree *tree;
    uv_timer_t timer; /* looks after what is deferred */
    uint64_t sequence;
    struct emptied emptied;
    struct replica_observer *observer;
    TAILQ_HEAD(, waiting) queue;
};

static enum replica_outcome outcome_of(const struct replica *r, const struct waiting *w)
{
    if (w->deadline_ms < w->due_ms)
        return REPLICA_TIMEOUT;
    return (enum replica_outcome)atomic_load(&r->control->outcome);
}

uint64_t replica_time(const struct replica *r)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void fake_fs_apply(struct replica *r, struct command *command, struct command_result *result)
{
    r->sequence++;
    command_stamp(command, &(struct stamp){.node = 1,
                                           .incarnation = 1,
                                           .sequence = r->sequence,
                                           .lowest = r->sequence,
                                           .time = replica_time(r)});
    bool repeated;
    int status = tree_apply(r->tree, bytes_of(command->bytes.data, command->bytes.len), true,
                            result, &repeated);
    assert(status == 0);
    assert(!repeated);
    emptied_applied(&r->emptied);
    if (tree_changes(r->tree)->count > 0 && r->observer)
        r->observer->changed(r->observer->arg, tree_changes(r->tree));
    atomic_fetch_add(&r->control->commands, 1);
}

/* Another node has ended the session of this one, and nobody here is told of the entry. */
static void fake_fs_end_session(struct replica *r)
{
    struct command command = {0};
    struct command_result result;
    bool repeated;
    command_add(
        &command,
        &(struct op){.type = OP_END_SESSION, .size = 1, .revision = tree_lock_session(r->tree, 1)});
    r->sequence++;
    command_stamp(&command, &(struct stamp){.node = 2,
                                            .incarnation = 1,
                                            .sequence = r->sequence,
                                            .lowest = r->sequence,
                                            .time = replica_time(r)});
    int status = tree_apply(r->tree, bytes_of(command.bytes.data, command.bytes.len), false,
                            &result, &repeated);
    assert(status == 0 && result.status == 0 && result.ops[0].existed);
    command_free(&command);
    command_result_free(&result);
    r->observer->replaced(r->observer->arg, tree_applied(r->tree));
}

static void fake_fs_answer(struct replica *r, struct waiting *w)
{
    enum replica_outcome outcome = outcome_of(r, w);
    struct command_result result = {0};
    if (w->read) {
        w->read(w->arg, outcome, (struct replica_freshness){0});
        return;
    }
    bool late = outcome == REPLICA_DONE && atomic_exchange(&r->control->late, false);
    if (late)
        w->written(w->arg, REPLICA_TIMEOUT, NULL);
    if (outcome == REPLICA_DONE)
        fake_fs_apply(r, &w->command, &result);
    if (outcome == REPLICA_DONE && atomic_exchange(&r->control->overtaken, false))
        fake_fs_end_session(r);
    command_free(&w->command);
    if (!late)
        w->written(w->arg, outcome, outcome == REPLICA_DONE ? &result : NULL);
    command_result_free(&result);
}

static bool is_due(const struct waiting *w)
{
    uint64_t now_ms = replica_now_ms();
    return w->due_ms <= now_ms || w->deadline_ms <= now_ms;
}

static void fake_fs_on_timer(uv_timer_t *timer)
{
    struct replica *r = timer->data;
    struct waiting *w, *next;
    for (w = TAILQ_FIRST(&r->queue); w && !atomic_load(&r->control->stalled); w = next) {
        next = TAILQ_NEXT(w, entry);
        if (!is_due(w))
            continue;
        TAILQ_REMOVE(&r->queue, w, entry);
        fake_fs_answer(r, w);
        free(w);
    }
    if (TAILQ_EMPTY(&r->queue))
        uv_timer_stop(timer);
}

static void fake_fs_take(struct replica *r, struct waiting what)
{
    int slow_ms = atomic_load(&r->control->slow_ms);
    what.due_ms = slow_ms > 0 ? replica_now_ms() + (uint64_t)slow_ms : 0;
    if (slow_ms == 0 && !atomic_load(&r->control->deferred)) {
        fake_fs_answer(r, &what);
        return;
    }
    struct waiting *w = malloc(sizeof *w);
    assert(w);
    *w = what;
    TAILQ_INSERT_TAIL(&r->queue, w, entry);
    uv_timer_start(&r->timer, fake_fs_on_timer, 0, 1);
}

void replica_submit(struct replica *r, struct command *command, replica_written_cb *done, void *arg)
{
    replica_submit_by(r, command, UINT64_MAX, done, arg);
}

void replica_submit_by(struct replica *r, struct command *command, uint64_t deadline_ms,
                       replica_written_cb *done, void *arg)
{
    struct command taken = *command;
    assert(taken.level <= tree_cluster(r->tree)->level);
    *command = (struct command){0};
    fake_fs_take(r, (struct waiting){
                        .command = taken, .deadline_ms = deadline_ms, .written = done, .arg = arg});
}

void replica_read_by(struct replica *r, enum replica_consistency consistency, uint64_t deadline_ms,
                     replica_read_cb *done, void *arg)
{
    if (consistency == REPLICA_LOCAL) {
        done(arg, REPLICA_DONE, (struct replica_freshness){.stale = true});
        return;
    }
    atomic_fetch_add(&r->control->reads, 1);
    fake_fs_take(r, (struct waiting){.deadline_ms = deadline_ms, .read = done, .arg = arg});
}

bool replica_await_contents(struct replica *r, uint64_t ino, void (*done)(void *arg), void *arg)
{
    return emptied_await(&r->emptied, ino, done, arg);
}

void replica_stays_empty(struct replica *r, uint64_t ino)
{
    emptied_stays(&r->emptied, ino);
}

uint32_t replica_node(const struct replica *r)
{
    return 1;
}

void replica_observe(struct replica *r, struct replica_observer *observer)
{
    r->observer = observer; /* of two mounts, the later one */
}

void replica_observe_end(struct replica *r, struct replica_observer *observer)
{
    if (r->observer == observer)
        r->observer = NULL;
}

void replica_lock_awaited(struct replica *r, bool begins)
{
}

void replica_locks_lost(struct replica *r, bool lost)
{
}

struct tree *replica_tree(struct replica *r)
{
    return r->tree;
}

const char *replica_outcome_text(enum replica_outcome outcome)
{
    return outcome == REPLICA_DONE ? "done" : "refused by the test";
}

void replica_unsupported(const struct replica *r, char text[REPLICA_TEXT_MAX])
{
    snprintf(text, REPLICA_TEXT_MAX, "node 3 runs an earlier version");
}

bool replica_refuses_writes(const struct replica *r)
{
    return atomic_load(&r->control->outcome) == REPLICA_NO_QUORUM;
}

uint64_t replica_left_ms(const struct replica *r, uint64_t key)
{
    return UINT64_MAX;
}

uint64_t replica_room(const struct replica *r)
{
    return UINT64_MAX;
}

void status_json(struct replica *r, struct buffer *out)
{
    buffer_printf(out, "{}\n");
}

void status_why(struct replica *r, struct buffer *out)
{
    if (replica_refuses_writes(r))
        buffer_printf(out, "the test has taken the quorum away\n");
}

void status_session(struct replica *r, struct buffer *out)
{
    buffer_printf(out, "%llu\n", (unsigned long long)replica_session_left_ms(r));
}

uint64_t replica_session_left_ms(const struct replica *r)
{
    return 4321;
}

/* The cluster is at the level of its nodes. */
static void fake_fs_raise_level(struct replica *r)
{
    struct command command = {0};
    struct command_result result;
    command_add(&command, &(struct op){.type = OP_LEVEL, .size = LEVEL_MAX});
    fake_fs_apply(r, &command, &result);
    command_free(&command);
    command_result_free(&result);
    atomic_store(&r->control->commands, 0);
}

struct replica *fake_replica_start(uv_loop_t *loop, const struct config *config, const char *folder,
                                   struct fake_control *control)
{
    struct replica *r = calloc(1, sizeof *r);
    assert(r);
    r->config = config;
    r->control = control;
    TAILQ_INIT(&r->queue);
    struct fault fault;
    int status = folder_open(folder, &r->folder, &fault);
    assert(status == 0);
    status = tree_open(r->folder, &(struct identity){.cluster = 1, .node = 1}, &r->tree, &fault);
    assert(status == 0);
    emptied_begin(&r->emptied, loop, r->tree);
    fake_fs_raise_level(r);
    uv_timer_init(loop, &r->timer);
    r->timer.data = r;
    return r;
}

void replica_mount_is(struct replica *r, bool mounted, const char *why)
{
    r->control->mounted = mounted;
    snprintf(r->control->mount_why, sizeof r->control->mount_why, "%s", why);
}

static void closed(uv_handle_t *timer)
{
    free(timer->data);
}

static void emptied_closed(uv_handle_t *timer)
{
    struct replica *r = timer->data;
    uv_close((uv_handle_t *)&r->timer, closed);
}

bool fake_replica_idle(const struct replica *r)
{
    return TAILQ_EMPTY(&r->queue) && TAILQ_EMPTY(&r->emptied.waiters);
}

void fake_replica_stop(struct replica *r)
{
    assert(TAILQ_EMPTY(&r->queue));
    tree_close(r->tree);
    folder_close(r->folder);
    r->emptied.timer.data = r;
    uv_close((uv_handle_t *)&r->emptied.timer, emptied_closed);
}
