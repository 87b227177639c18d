/* Locks of flock(2) and fcntl(2), shared by all nodes, and the sessions of nodes.
 *
 * A lock belongs to an owner: a number that a node has for an open file (flock, open file
 * descriptions) or for a process (fcntl). Locks of flock(2) and of fcntl(2) know nothing of each
 * other. One owner's locks of a file and kind never overlap, and touch only if one is shared and
 * the other is not.
 *
 * Waiting is fair. A wait has the revision of its command as its ticket; it is granted once it is
 * in conflict neither with a lock of another owner nor with an older wait. A request that does not
 * wait looks at locks alone, as does one of an owner that has a lock there already: the older waits
 * wait for that very owner.
 *
 * A session is the time in which a node is taken for alive without a break. It begins with the
 * node's first lock or ephemeral file, and its number is the revision of that. It ends when the
 * leader has not heard the node for too long (END_SESSION), or when the node starts again
 * (session_begin). Then all locks of the node are lost, and its ephemeral files go. A command that
 * begins with FENCE takes effect only within its session. */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>

enum {
    OWNERS_MAX = 256, /* of those that wait for each other, as far as a circle is looked for */
};

/* ---- The locks of one owner ---- */

struct places {
    struct tree_lock left, right; /* what is left of locks that were cut; ino 0: nothing */
    bool weaker;                  /* something was given up or is shared now */
};

/* Takes the owner's locks out of the range of `want`, which becomes longer where it touches one of
 * its own way. */
static int places_make(struct change *c, struct tree_lock *want, bool unlocks,
                       struct places *places)
{
    const struct tree_lock range = *want;
    struct tree_lock old;
    int status;
    *places = (struct places){.weaker = false};
    while ((status = lock_own(c->tree, &range, unlocks, &old)) > 0) {
        bool same = !unlocks && old.shared == want->shared;
        status = lock_delete(c->tree, &old);
        if (status < 0)
            return status;
        if (same) {
            want->first = smaller(want->first, old.first);
            want->last = want->last > old.last ? want->last : old.last;
            continue;
        }
        places->weaker |= unlocks || want->shared;
        if (old.first < range.first) {
            places->left = old;
            places->left.last = range.first - 1;
        }
        if (old.last > range.last) {
            places->right = old;
            places->right.first = range.last + 1;
        }
    }
    return status;
}

static int places_put_back(struct change *c, const struct places *places)
{
    int status = places->left.ino ? lock_add(c->tree, &places->left) : 0;
    return status == 0 && places->right.ino ? lock_add(c->tree, &places->right) : status;
}

/* The owner has this lock from now on, whatever it had there. */
static int lock_take(struct change *c, struct tree_lock lock, bool *weaker)
{
    struct places places;
    lock.token = c->revision;
    lock.since = c->time;
    lock.ticket = lock.waiter = 0;
    int status = places_make(c, &lock, false, &places);
    if (status == 0)
        status = places_put_back(c, &places);
    *weaker = places.weaker;
    return status < 0 ? status : lock_add(c->tree, &lock);
}

static int lock_give_up(struct change *c, const struct tree_lock *lock, bool *weaker)
{
    struct tree_lock range = *lock;
    struct places places;
    int status = places_make(c, &range, true, &places);
    *weaker = places.weaker;
    return status < 0 ? status : places_put_back(c, &places);
}

/* ---- Waits ---- */

static void wait_tell(struct change *c, enum tree_change_kind kind, const struct tree_lock *wait)
{
    changes_add(c, &(struct tree_change){
                       .kind = kind, .ino = wait->ino, .node = wait->node, .waiter = wait->waiter});
}

/* No later wait can be granted either. */
static bool blocks_all(const struct tree_lock *wait)
{
    return wait->flock || (!wait->shared && wait->first == 0 && wait->last == LOCK_LAST_MAX);
}

static int wait_grant(struct change *c, const struct tree_lock *wait, bool *weaker)
{
    int status = lock_delete(c->tree, wait);
    if (status == 0)
        status = lock_take(c, *wait, weaker);
    wait_tell(c, CHANGE_LOCK_GRANTED, wait);
    return status;
}

/* Grants what can be granted, the oldest first. A grant that makes a lock of its owner weaker can
 * leave room for an older wait. */
static int waits_wake(struct change *c, uint64_t ino, bool flock)
{
    struct tree_lock wait, other;
    uint64_t after = 0;
    int status;
    while ((status = lock_wait_next(c->tree, ino, flock, after, &wait)) > 0) {
        bool weaker = false;
        status = tree_lock_conflict(c->tree, &wait, &other);
        if (status == 0)
            status = lock_wait_conflict(c->tree, &wait, 0, wait.ticket, &other);
        if (status > 0 && blocks_all(&wait))
            return 0;
        if (status == 0)
            status = wait_grant(c, &wait, &weaker);
        if (status < 0)
            return status;
        after = weaker ? 0 : wait.ticket;
    }
    return status;
}

/* ---- Circles ---- */

/* Owners that a wait leads to, each once. */
struct circle {
    const struct tree_lock *want;
    uint32_t count, next;
    struct {
        uint32_t node;
        uint64_t owner;
    } owners[OWNERS_MAX];
};

/* Another owner in the same process: an open file description, whose lock another thread of it may
 * be about to give up. So circles through these are none. The kernel does not look for circles
 * through open file descriptions at all, but it does not say which owners are some. */
static bool same_process(const struct tree_lock *a, const struct tree_lock *b)
{
    return a->node == b->node && a->pid == b->pid && a->pid != 0;
}

/* Returns whether it is the owner that would wait. */
static bool circle_meets(void *arg, const struct tree_lock *other)
{
    struct circle *circle = arg;
    if (other->node == circle->want->node && other->owner == circle->want->owner)
        return true;
    if (same_process(other, circle->want))
        return false;
    for (uint32_t i = 0; i < circle->count; i++)
        if (circle->owners[i].node == other->node && circle->owners[i].owner == other->owner)
            return false;
    if (circle->count < OWNERS_MAX) {
        circle->owners[circle->count].node = other->node;
        circle->owners[circle->count++].owner = other->owner;
    }
    return false;
}

/* Adds those that this wait, with its ticket or none yet, waits for: locks, and older waits. 1: the
 * circle is closed. */
static int circle_follow(struct change *c, struct circle *circle, const struct tree_lock *wait)
{
    uint64_t before = wait->ticket ? wait->ticket : c->revision;
    struct tree_lock other;
    int status = lock_each_conflict(c->tree, wait, circle_meets, circle);
    for (uint64_t after = 0; status == 0; after = other.ticket) {
        status = lock_wait_conflict(c->tree, wait, after, before, &other);
        if (status <= 0)
            return status;
        status = circle_meets(circle, &other);
    }
    return status;
}

/* Whether waiting would close a circle: 1, 0 or an error. Circles of more than OWNERS_MAX owners
 * are not found. */
static int closes_circle(struct change *c, const struct tree_lock *want)
{
    struct circle circle = {.want = want};
    int status = circle_follow(c, &circle, want);
    for (; status == 0 && circle.next < circle.count; circle.next++) {
        struct tree_lock wait = {0};
        uint32_t node = circle.owners[circle.next].node;
        uint64_t owner = circle.owners[circle.next].owner;
        while (status == 0 && (status = lock_wait_of(c->tree, node, owner, wait.ticket, &wait)) > 0)
            status = circle_follow(c, &circle, &wait);
    }
    return status;
}

/* ---- Operations ---- */

/* 0 or -EINVAL: the lock that an operation names. */
static int lock_read(const struct change *c, const struct op *op, struct tree_lock *lock)
{
    *lock = (struct tree_lock){.ino = op->ino,
                               .flock = op->flags & OP_LOCK_FLOCK,
                               .shared = op->flags & OP_LOCK_SHARED,
                               .node = c->node,
                               .owner = op->owner,
                               .first = op->offset,
                               .last = op->size,
                               .pid = op->pid,
                               .since = c->time,
                               .waiter = op->waiter};
    return op->offset <= op->size && op->size <= LOCK_LAST_MAX ? 0 : -EINVAL;
}

int session_ensure(struct change *c, uint64_t *number)
{
    *number = tree_lock_session(c->tree, c->node);
    if (*number != 0 || c->tree->broken)
        return c->tree->broken;
    *number = c->revision;
    sqlite3_stmt *query = tree_query(c->tree, QUERY_LOCK_SESSION_ADD);
    bind_number(query, 1, c->node);
    bind_number(query, 2, *number);
    return tree_run(c->tree, query);
}

/* 1 if the lock would have to wait, 0 or an error. */
static int lock_is_taken(struct change *c, const struct tree_lock *want, bool waits)
{
    struct tree_lock other;
    int status = tree_lock_conflict(c->tree, want, &other);
    if (status != 0 || !waits)
        return status;
    status = lock_own(c->tree, want, true, &other);
    if (status != 0)
        return status < 0 ? status : 0;
    return lock_wait_conflict(c->tree, want, 0, c->revision, &other);
}

/* The lock is not free. As flock(2) says, a lock of another way is given up first. */
static int lock_wait_begin(struct change *c, struct tree_lock *want, bool waits)
{
    bool weaker = false;
    int status = want->flock ? lock_give_up(c, want, &weaker) : 0;
    if (status == 0 && waits) {
        want->ticket = c->revision;
        status = lock_add(c->tree, want);
    }
    return status == 0 && weaker ? waits_wake(c, want->ino, want->flock) : status;
}

/* Why the request cannot be carried out: 0 or an error, before anything is changed. */
static int lock_check(struct change *c, const struct tree_lock *want, bool waits, int taken)
{
    struct inode inode;
    struct tree_lock other;
    int status = inode_get(c->tree, want->ino, &inode);
    if (status == 0 && c->tree->locks + 2 > TREE_LOCKS_MAX) /* it may cut one of its own in two */
        status = -ENOLCK;
    if (status == 0 && waits)
        status = lock_wait_next(c->tree, want->ino, want->flock, c->revision - 1, &other);
    if (status > 0)
        status = -EINVAL; /* one ticket for each command */
    if (status == 0 && waits && taken && !want->flock) {
        status = closes_circle(c, want);
        status = status > 0 ? -EDEADLK : status;
    }
    return status;
}

int op_lock(struct change *c, const struct op *op, struct op_result *out)
{
    bool waits = op->flags & OP_LOCK_WAIT, weaker = false;
    struct tree_lock want;
    uint64_t session;
    int status = lock_read(c, op, &want);
    int taken = status == 0 ? lock_is_taken(c, &want, waits) : 0;
    if (status == 0)
        status = taken < 0 ? taken : lock_check(c, &want, waits, taken);
    if (status == 0)
        status = session_ensure(c, &session);
    if (status < 0)
        return status;
    if (taken) {
        out->offset = waits ? LOCK_WAITS : LOCK_BUSY;
        return lock_wait_begin(c, &want, waits);
    }
    out->offset = LOCK_GRANTED;
    out->attr.revision = c->revision;
    out->attr.size = session;
    status = lock_take(c, want, &weaker);
    return status == 0 && weaker ? waits_wake(c, want.ino, want.flock) : status;
}

int op_unlock(struct change *c, const struct op *op, struct op_result *out)
{
    struct tree_lock lock;
    int status = lock_read(c, op, &lock);
    if (status == 0)
        status = lock_give_up(c, &lock, &out->existed);
    return status == 0 && out->existed ? waits_wake(c, lock.ino, lock.flock) : status;
}

int op_unwait(struct change *c, const struct op *op, struct op_result *out)
{
    struct tree_lock named, wait;
    int status = lock_read(c, op, &named);
    if (status == 0)
        status = lock_wait_named(c->tree, &named, &wait);
    if (status <= 0)
        return status;
    out->existed = true;
    status = lock_delete(c->tree, &wait);
    return status < 0 ? status : waits_wake(c, wait.ino, wait.flock);
}

int locks_clear(struct change *c, uint64_t ino)
{
    int status = c->tree->locks > 0 ? lock_clear(c->tree, ino) : 0;
    for (int flock = 0; flock < 2 && c->tree->locks > 0; flock++) {
        struct tree_lock wait;
        while (status == 0 && (status = lock_wait_next(c->tree, ino, flock, 0, &wait)) > 0) {
            wait_tell(c, CHANGE_LOCK_GONE, &wait);
            status = lock_delete(c->tree, &wait);
        }
    }
    return status;
}

/* ---- Sessions ---- */

int locks_end_session(struct change *c, uint32_t node)
{
    uint64_t ino;
    bool flock;
    int status;
    if (tree_lock_session(c->tree, node) == 0)
        return c->tree->broken;
    sqlite3_stmt *query = tree_query(c->tree, QUERY_LOCK_SESSION_DELETE);
    bind_number(query, 1, node);
    status = tree_run(c->tree, query);
    while (status == 0 && (status = lock_of_node(c->tree, node, &ino, &flock)) > 0) {
        status = lock_delete_of_node(c->tree, ino, flock, node);
        if (status == 0)
            status = waits_wake(c, ino, flock);
    }
    if (status == 0)
        status = ephemerals_end(c, node);
    if (status == 0)
        changes_add(c, &(struct tree_change){.kind = CHANGE_SESSION_ENDED, .node = node});
    return status;
}

int op_end_session(struct change *c, const struct op *op, struct op_result *out)
{
    uint32_t node = (uint32_t)op->size;
    if (op->size > UINT32_MAX || op->revision == 0 ||
        tree_lock_session(c->tree, node) != op->revision)
        return c->tree->broken;
    out->existed = true;
    return locks_end_session(c, node);
}

int op_fence(struct change *c, const struct op *op, struct op_result *out)
{
    bool stands = op->revision != 0 && tree_lock_session(c->tree, c->node) == op->revision;
    return c->tree->broken || stands ? c->tree->broken : -EOWNERDEAD;
}
