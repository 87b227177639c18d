#include "judge.h"

#include "hash.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOCKS_MAX = 64,
    EPHEMERALS_LIVE_MAX = 64,
    LEASES_LIVE_MAX = 256,
    RESTED_US = 350 * NODES_MS
};

struct happened { /* an event, in the order of the log */
    uint64_t revision;
    uint8_t kind;
    uint64_t path;
    uint8_t sets; /* which of the watchers' prefixes it has: bit by watcher */
};

struct mortal_key {
    bool there;
    uint64_t asked_us, ms;
};

struct judge {
    uint64_t applied;
    uint64_t *digests; /* by index: of the history and of the events */
    uint64_t max;
    struct happened *events;
    size_t event_count, event_max;
    uint32_t sets[SETS][SET_MAX];
    uint32_t set_count[SETS];
    struct {
        uint64_t number, incarnation;
    } sessions[NODES_MAX]; /* by index */
    struct {
        uint64_t ino;
        uint32_t node;
    } ephemerals[EPHEMERALS_LIVE_MAX];
    uint32_t ephemeral_count;
    struct mortal_key keys[SETTERS_MAX + KEEPERS_MAX];
    struct {
        uint64_t id, ms, asked_us;
    } leases[LEASES_LIVE_MAX];
    uint32_t lease_count;
    struct tree_lock locks[LOCKS_MAX], before[LOCKS_MAX];
    uint32_t lock_count, before_count;
    uint64_t leader_n;
    uint32_t leader;
};

struct judge *judge_new(struct world *w)
{
    struct judge *j = calloc(1, sizeof *j);
    assert(j);
    return j;
}

uint64_t judge_applied_now(const struct world *w)
{
    return w->judge->applied;
}

uint64_t judge_path(struct bytes path)
{
    uint64_t hash = 1;
    for (size_t i = 0; i < path.len; i++)
        hash = hash_add(hash, path.data[i]);
    return hash;
}

/* ---- Watches ---- */

static void note_event(struct world *w, uint64_t revision, const struct tree_event *event)
{
    struct judge *j = w->judge;
    if (j->event_count == j->event_max) {
        j->event_max = j->event_max ? 2 * j->event_max : 1024;
        j->events = realloc(j->events, j->event_max * sizeof *j->events);
        assert(j->events);
    }
    static const char *const prefixes[] = {"set", "", "e/", ""};
    uint8_t sets = 0;
    for (int i = 0; i < WATCHERS_MAX; i++) {
        struct bytes prefix = bytes_of_text(prefixes[i]);
        bool has =
            event->path.len >= prefix.len && memcmp(event->path.data, prefix.data, prefix.len) == 0;
        sets |= (uint8_t)(has || event->kind == EVENT_LOST ? 1 << i : 0);
    }
    j->events[j->event_count++] =
        (struct happened){revision, event->kind, judge_path(event->path), sets};
}

/* The next event after what has arrived, among those that concern it. */
static const struct happened *next_event(const struct world *w, const struct watcher *r)
{
    const struct judge *j = w->judge;
    size_t low = 0, high = j->event_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (j->events[mid].revision > r->at)
            high = mid;
        else
            low = mid + 1;
    }
    uint32_t skip = r->parts;
    for (; low < j->event_count; low++)
        if (j->events[low].sets >> r->id & 1 && skip-- == 0)
            return &j->events[low];
    return NULL;
}

void judge_event(struct world *w, struct watcher *r, const struct told *told)
{
    const struct happened *next = next_event(w, r);
    world_check(w, next, "watcher %u hears of what has not happened", r->id);
    world_check(w,
                next->revision == told->revision && next->kind == told->kind &&
                    (next->path == told->path || next->kind == EVENT_LOST),
                "watcher %u, which is at %lu and %u, hears %u of revision %lu, and the next is %u "
                "of %lu",
                r->id, r->at, r->parts, told->kind, told->revision, next->kind, next->revision);
    const struct happened *end = w->judge->events + w->judge->event_count;
    const struct happened *after = next + 1;
    while (after < end && !(after->sets >> r->id & 1))
        after++;
    bool more = after < end && after->revision == next->revision;
    world_check(w, more == told->more, "watcher %u hears wrongly whether more follows", r->id);
}

void judge_lost(struct world *w, struct watcher *r, uint64_t revision)
{
    world_fail(w, "watcher %u has lost what is after %lu, up to %lu", r->id, r->at, revision);
}

bool judge_all_arrived(struct world *w)
{
    for (uint32_t i = 0; i < w->programs->watcher_count; i++)
        if (next_event(w, &w->programs->watchers[i]))
            return false;
    return true;
}

/* ---- Sessions ---- */

struct applied { /* an entry and what became of it */
    struct world *w;
    struct node *n;
    struct tree *tree;
    struct command_view view;
    const struct command_result *result;
    bool repeated;
};

/* A node that takes itself for alive would go on relying on its locks. */
static void check_belief(const struct applied *a, struct node *of, uint64_t incarnation)
{
    struct world *w = a->w;
    struct node *here = w->here;
    if (!of->up || replica_incarnation(of->replica) != incarnation)
        return;
    w->here = of;
    uint64_t left = replica_session_left_ms(of->replica);
    w->here = here;
    world_check(w, left == 0, "the session of node %u ends, which believes in it for %lu ms",
                of->pid, left);
    for (uint32_t i = 0; i < w->programs->count; i++) {
        const struct program *p = &w->programs->programs[i];
        if (p->node == of && p->holds && p->stopped_until > w->now)
            world_met(w, MET_LOCK_BELIEVED);
    }
}

static bool ends_session(const struct applied *a, uint32_t pid, uint64_t number)
{
    struct command_view view = a->view;
    struct op op;
    while (view.count-- > 0 && command_next(&view, &op) == 0)
        if (op.type == OP_END_SESSION && op.size == pid && op.revision == number)
            return true;
    return false;
}

static void session_over(const struct applied *a, struct node *of)
{
    struct world *w = a->w;
    uint64_t number = w->judge->sessions[of->index].number;
    uint64_t incarnation = w->judge->sessions[of->index].incarnation;
    const struct stamp *stamp = &a->view.stamp;
    if (stamp->node == of->pid && stamp->incarnation > incarnation) {
        /* It may be a command of a start between the two, which has been killed since. */
        bool present = of->up && replica_incarnation(of->replica) == stamp->incarnation;
        world_check(w, !present || w->now >= of->started_at + world_us_at_least(RESTED_US),
                    "node %u ends its former session at once", of->pid);
        world_met(w, MET_SESSION_RESTARTED);
    } else {
        world_check(w, ends_session(a, of->pid, number), "nothing ends the session of node %u",
                    of->pid);
        world_met(w, MET_SESSION_ENDED);
        if (stamp->node != of->pid)
            check_belief(a, of, incarnation);
    }
    world_note(w, "the session %lu of node %u ends", number, of->pid);
}

/* Whether the command began within the session that stood before it, as it said. */
static void check_fence(const struct applied *a, const struct op *op)
{
    const struct node *by = node_of(a->w, a->view.stamp.node);
    world_check(a->w, op->revision == a->w->judge->sessions[by->index].number,
                "a change of node %u takes effect behind a fence of session %lu, and there is %lu",
                by->pid, op->revision, a->w->judge->sessions[by->index].number);
}

static void follow_sessions(const struct applied *a)
{
    struct judge *j = a->w->judge;
    for (uint32_t i = 0; i < a->w->options.nodes; i++) {
        struct node *of = &a->w->nodes[i];
        uint64_t now = tree_lock_session(a->tree, of->pid);
        if (now == j->sessions[i].number)
            continue;
        if (j->sessions[i].number != 0)
            session_over(a, of);
        if (now != 0) {
            world_check(a->w, now == j->applied, "a session has not its revision for a number");
            j->sessions[i].incarnation = a->view.stamp.incarnation;
        }
        j->sessions[i].number = now;
    }
}

/* ---- Locks ---- */

static bool take_lock(void *arg, const struct tree_lock *lock)
{
    struct judge *j = arg;
    assert(j->lock_count < LOCKS_MAX);
    j->locks[j->lock_count++] = *lock;
    return true;
}

static bool conflict(const struct tree_lock *a, const struct tree_lock *b)
{
    return a->ino == b->ino && a->flock == b->flock &&
           (a->node != b->node || a->owner != b->owner) && !(a->shared && b->shared) &&
           a->first <= b->last && b->first <= a->last;
}

/* One that had the lock before, and whose session is over. */
static void look_at_grant(const struct applied *a, const struct tree_lock *lock)
{
    struct judge *j = a->w->judge;
    for (uint32_t i = 0; i < j->before_count; i++) {
        const struct tree_lock *was = &j->before[i];
        bool waited = was->token == 0 && was->node == lock->node && was->owner == lock->owner;
        if (waited && was->ticket > 0)
            for (uint32_t k = 0; k < j->lock_count; k++)
                world_check(a->w,
                            j->locks[k].token != 0 || j->locks[k].ino != lock->ino ||
                                j->locks[k].ticket > was->ticket,
                            "a lock is granted before an older wait");
        if (was->token == 0 || was->ino != lock->ino || was->node == lock->node)
            continue;
        if (tree_lock_session(a->tree, was->node) == 0)
            world_met(a->w, MET_LOCK_FROM_DEAD);
    }
}

static void follow_locks(const struct applied *a)
{
    struct judge *j = a->w->judge;
    memcpy(j->before, j->locks, sizeof j->locks);
    j->before_count = j->lock_count;
    j->lock_count = 0;
    tree_locks(a->tree, take_lock, j);
    for (uint32_t i = 0; i < j->lock_count; i++) {
        const struct tree_lock *lock = &j->locks[i];
        world_check(a->w, tree_lock_session(a->tree, lock->node) != 0,
                    "node %u has a lock and no session", lock->node);
        for (uint32_t k = 0; k < i; k++)
            world_check(a->w, !lock->token || !j->locks[k].token || !conflict(lock, &j->locks[k]),
                        "nodes %u and %u have the same lock", lock->node, j->locks[k].node);
        if (lock->token == j->applied)
            look_at_grant(a, lock);
    }
}

/* ---- Sets ---- */

static const struct tree_lock *holder_of(const struct judge *j, uint64_t ino)
{
    for (uint32_t i = 0; i < j->lock_count; i++)
        if (j->locks[i].token != 0 && j->locks[i].ino == ino)
            return &j->locks[i];
    return NULL;
}

/* The locks are those from before the entry. */
static void set_written(const struct applied *a, uint32_t place, struct bytes data)
{
    struct world *w = a->w;
    struct judge *j = w->judge;
    uint32_t count = (uint32_t)(data.len / sizeof j->sets[0][0]), element;
    uint32_t was = j->set_count[place];
    memcpy(&element, data.data + data.len - sizeof element, sizeof element);
    const struct program *p = &w->programs->programs[element >> 20];
    const struct tree_lock *holder = holder_of(j, w->programs->lock_inos[place]);
    world_check(w, count == was + 1 && memcmp(data.data, j->sets[place], data.len - 4) == 0,
                "program %u writes set %u with %u elements over one with %u: one was lost", p->id,
                place, count, was);
    world_check(w, holder && holder->node == a->view.stamp.node,
                "program %u changes set %u, whose lock node %u has", p->id, place,
                holder ? holder->node : 0);
    j->sets[place][j->set_count[place]++] = element;
    world_met(w, MET_SET_CHANGED);
    world_note(w, "program %u adds %x to set %u", p->id, element, place);
}

/* ---- Keys that go away ---- */

static void ephemeral_is_gone(const struct applied *a, uint32_t i)
{
    struct world *w = a->w;
    struct judge *j = w->judge;
    uint64_t ino = j->ephemerals[i].ino;
    const struct node *of = node_of(w, j->ephemerals[i].node);
    struct command_view view = a->view;
    struct op op;
    bool closed = false;
    while (view.count-- > 0 && command_next(&view, &op) == 0)
        closed |= op.type == OP_EPHEMERAL_END && op.ino == ino && a->view.stamp.node == of->pid;
    bool over = tree_lock_session(a->tree, of->pid) == 0 ||
                tree_lock_session(a->tree, of->pid) == j->applied;
    world_check(w, closed || over, "an ephemeral key of node %u is gone before its owner", of->pid);
    for (uint32_t k = 0; k < w->programs->count; k++) {
        const struct program *p = &w->programs->programs[k];
        world_check(w, over || p->kind != EPHEMERAL || !p->holds || p->ino != ino,
                    "program %u still has the ephemeral key that is gone", p->id);
    }
    world_met(w, closed ? MET_EPHEMERAL_CLOSED : MET_EPHEMERAL_LOST);
    j->ephemerals[i] = j->ephemerals[--j->ephemeral_count];
}

static void follow_ephemerals(const struct applied *a)
{
    struct judge *j = a->w->judge;
    for (uint32_t i = j->ephemeral_count; i-- > 0;) {
        const struct node *of = node_of(a->w, j->ephemerals[i].node);
        struct attr attr;
        bool there = tree_is_ephemeral(a->tree, j->ephemerals[i].ino);
        bool file = tree_getattr(a->tree, j->ephemerals[i].ino, &attr) == 0 && attr.nlink > 0;
        world_check(a->w, there == file, "an ephemeral file is not what it was");
        world_check(a->w, !there || tree_lock_session(a->tree, of->pid) != 0,
                    "an ephemeral key of node %u outlives its session", of->pid);
        if (!there)
            ephemeral_is_gone(a, i);
    }
}

/* Its owner has never heard that it has it: as fs/ephemeral.c does. */
static void judge_ephemeral_made(const struct applied *a, const struct op *op, uint64_t ino)
{
    struct judge *j = a->w->judge;
    assert(j->ephemeral_count < EPHEMERALS_LIVE_MAX);
    j->ephemerals[j->ephemeral_count].ino = ino;
    j->ephemerals[j->ephemeral_count++].node = a->view.stamp.node;
    struct node *of = node_of(a->w, a->view.stamp.node);
    bool waited_for = false;
    for (uint32_t i = 0; i < a->w->programs->count; i++) {
        const struct program *p = &a->w->programs->programs[i];
        waited_for |=
            p->kind == EPHEMERAL && p->node == of && p->waiter == op->waiter && !p->unknown;
    }
    if (!waited_for && of->up)
        mount_give_up(of, &(struct op){.type = OP_EPHEMERAL_END, .ino = ino});
}

static void check_time(const struct applied *a, const char *what, uint64_t asked_us, uint64_t ms)
{
    uint64_t passed = a->w->now - asked_us;
    world_check(a->w, passed >= world_us_at_least(ms * NODES_MS),
                "%s of %lu ms ends %lu us after it was asked for", what, ms, passed);
}

static void key_put(const struct applied *a, const struct op *op, uint32_t program)
{
    struct mortal_key *key = &a->w->judge->keys[program];
    if (!key->there && op->ttl == 0)
        return; /* it had gone, and this one stays */
    if (key->there)
        world_met(a->w, MET_TTL_RENEWED);
    key->there = true;
    key->ms = op->ttl > 0 ? op->ttl : key->ms;
    world_note(a->w, "ttl%u lives for %lu ms", program, key->ms);
    memcpy(&key->asked_us, op->data.data, sizeof key->asked_us);
}

/* Which of the keys the entry has removed is seen by their names. */
static void keys_expired(const struct applied *a, bool existed)
{
    struct world *w = a->w;
    if (!existed) {
        world_met(w, MET_TTL_RENEWED_IN_TIME);
        return;
    }
    for (uint32_t i = 0; i < w->programs->count; i++) {
        struct mortal_key *key = &w->judge->keys[i];
        struct attr attr;
        char name[16];
        snprintf(name, sizeof name, "ttl%u", i);
        if (!key->there || tree_resolve(a->tree, bytes_of_text(name), &attr) == 0)
            continue;
        check_time(a, "a key", key->asked_us, key->ms);
        key->there = false;
        world_note(w, "%s is gone", name);
        world_met(w, MET_TTL_EXPIRED);
    }
}

static struct program *leaseholder(struct world *w, uint64_t id)
{
    for (uint32_t i = 0; i < w->programs->count; i++)
        if (w->programs->programs[i].kind == LEASE && w->programs->programs[i].lease == id)
            return &w->programs->programs[i];
    return NULL;
}

static void judge_lease_renewed(const struct applied *a, const struct op *op, uint32_t at)
{
    struct judge *j = a->w->judge;
    const struct program *p = leaseholder(a->w, op->lease);
    if (!p)
        return; /* it has given the lease up, and this comes late */
    j->leases[at].asked_us = p->asked_us[0];
    if (op->type == OP_LEASE_RENEW)
        world_met(a->w, MET_LEASE_RENEWED);
}

static void judge_lease_ended(const struct applied *a, const struct op *op, uint32_t at)
{
    struct judge *j = a->w->judge;
    const struct program *p = leaseholder(a->w, op->lease);
    struct attr attr;
    char name[16];
    if (op->revision > 0) {
        check_time(a, "a lease", j->leases[at].asked_us, j->leases[at].ms);
        world_met(a->w, MET_LEASE_EXPIRED);
    } else {
        world_check(a->w, !p || p->closing, "a lease has ended, and its owner has it");
        world_met(a->w, MET_LEASE_CLOSED);
    }
    if (p) {
        snprintf(name, sizeof name, "lease%u", p->id);
        world_check(a->w, tree_resolve(a->tree, bytes_of_text(name), &attr) == -ENOENT,
                    "a lease has ended, and its key is there");
    }
    world_note(a->w, "lease %lu is over", op->lease);
    j->leases[at] = j->leases[--j->lease_count];
}

static void lease_happened(const struct applied *a, const struct op *op, bool existed)
{
    struct judge *j = a->w->judge;
    uint32_t at = 0;
    while (at < j->lease_count && j->leases[at].id != op->lease)
        at++;
    if (op->type == OP_LEASE) {
        assert(at == j->lease_count && j->lease_count < LEASES_LIVE_MAX);
        j->leases[j->lease_count].id = op->lease;
        j->leases[j->lease_count].asked_us = a->w->now;
        j->leases[j->lease_count++].ms = op->size;
    }
    if (op->type == OP_LEASE_END && !existed)
        return;
    world_check(a->w, at < j->lease_count, "a lease that is over is renewed, or ends again");
    if (op->type == OP_LEASE_END)
        judge_lease_ended(a, op, at);
    else
        judge_lease_renewed(a, op, at);
}

/* ---- Entries ---- */

static bool number_after(struct bytes name, const char *prefix, uint32_t *number)
{
    char text[32] = {0};
    size_t len = strlen(prefix);
    if (name.len <= len || name.len >= sizeof text || memcmp(name.data, prefix, len) != 0)
        return false;
    memcpy(text, name.data, name.len);
    *number = (uint32_t)atoi(text + len);
    return true;
}

/* An operation that has taken effect. */
static void op_happened(const struct applied *a, const struct op *op, const struct op_result *out)
{
    uint32_t number;
    switch (op->type) {
    case OP_FENCE:
        check_fence(a, op);
        break;
    case OP_PUT:
        if (number_after(op->name, "set", &number))
            set_written(a, number, op->data);
        else if (number_after(op->name, "ttl", &number))
            key_put(a, op, number);
        break;
    case OP_EPHEMERAL:
        judge_ephemeral_made(a, op, out->attr.ino);
        break;
    case OP_EXPIRE:
        keys_expired(a, out->existed);
        break;
    case OP_LEASE:
    case OP_LEASE_RENEW:
    case OP_LEASE_END:
        lease_happened(a, op, out->existed);
        break;
    case OP_END_SESSION:
        if (!out->existed)
            world_met(a->w, MET_END_WITHOUT_EFFECT);
        break;
    }
}

static void follow_events(const struct applied *a, const struct tree_changes *changes)
{
    struct reader left = reader_of(changes->events);
    struct tree_event event;
    while (tree_event_next(&left, &event))
        note_event(a->w, a->w->judge->applied, &event);
}

/* The first node applies it. */
static void judge_first(const struct applied *a)
{
    struct command_view view = a->view;
    struct op op;
    a->w->judge->applied++;
    if (a->result->status == 0 && !a->repeated)
        for (uint32_t i = 0; i < a->view.count && command_next(&view, &op) == 0; i++)
            op_happened(a, &op, &a->result->ops[i]);
    follow_sessions(a);
    follow_locks(a);
    follow_ephemerals(a);
    follow_events(a, tree_changes(a->tree));
}

static uint64_t events_hash(const struct tree_changes *changes)
{
    uint64_t hash = 7;
    for (size_t i = 0; i < changes->events.len; i++)
        hash = hash_add(hash, changes->events.data[i]);
    return hash;
}

static void judge_agreement(const struct applied *a, uint64_t index)
{
    struct judge *j = a->w->judge;
    if (index >= j->max) {
        j->max = j->max ? 2 * j->max : 1024;
        j->digests = realloc(j->digests, j->max * sizeof *j->digests);
        assert(j->digests && index < j->max);
    }
    uint64_t digest = hash_add(tree_history(a->tree), events_hash(tree_changes(a->tree)));
    if (index == j->applied) {
        judge_first(a);
        j->digests[index] = digest;
    }
    world_check(a->w, j->digests[index] == digest, "node %u makes another thing of entry %lu",
                a->n->pid, index);
}

static void follow_leader(struct world *w, const struct node *n)
{
    struct judge *j = w->judge;
    const struct paxos_ballot promise = n->replica->status.promise;
    if (promise.n > j->leader_n && promise.pid != j->leader) {
        if (j->leader)
            world_met(w, MET_LEADER_NEW);
        world_note(w, "node %u leads", promise.pid);
        j->leader_n = promise.n;
        j->leader = promise.pid;
    }
}

int __real_tree_apply(struct tree *tree, struct bytes entry, bool mine,
                      struct command_result *result, bool *repeated);
int __wrap_tree_apply(struct tree *tree, struct bytes entry, bool mine,
                      struct command_result *result, bool *repeated);

int __wrap_tree_apply(struct tree *tree, struct bytes entry, bool mine,
                      struct command_result *result, bool *repeated)
{
    struct node *n = world->here;
    uint64_t index = tree_applied(tree);
    int status = __real_tree_apply(tree, entry, mine, result, repeated);
    struct applied a = {.w = world, .n = n, .tree = tree, .result = result, .repeated = *repeated};
    if (status < 0 || tree != n->replica->tree)
        return status;
    int read = command_read(entry, &a.view);
    world_check(world, read == 0, "an entry that is no command");
    follow_leader(world, n);
    judge_agreement(&a, index);
    return status;
}

/* ---- The end ---- */

bool judge_is_free(struct world *w, uint32_t pid)
{
    return w->judge->sessions[node_of(w, pid)->index].number == 0;
}

void judge_note_locks(struct world *w)
{
    const struct judge *j = w->judge;
    for (uint32_t i = 0; i < j->lock_count; i++)
        world_note(w, "node %u, owner %lu: inode %lu, token %lu, waiter %lu", j->locks[i].node,
                   j->locks[i].owner, j->locks[i].ino, j->locks[i].token, j->locks[i].waiter);
}

uint64_t judge_mortals(struct world *w)
{
    uint64_t count = w->judge->lease_count;
    for (uint32_t i = 0; i < w->programs->count; i++)
        count += w->judge->keys[i].there;
    return count;
}

uint32_t judge_elements(const struct world *w)
{
    uint32_t count = 0;
    for (int i = 0; i < SETS; i++)
        count += w->judge->set_count[i];
    return count;
}

void judge_end(struct world *w)
{
    const struct judge *j = w->judge;
    for (uint32_t i = 0; i < w->programs->done_count; i++) {
        const struct acknowledged *done = &w->programs->done[i];
        bool found = false;
        for (uint32_t k = 0; k < j->set_count[done->set]; k++)
            found |= j->sets[done->set][k] == done->element;
        world_check(w, found, "element %x of set %u was acknowledged, and is not there",
                    done->element, done->set);
    }
}
