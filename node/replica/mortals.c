/* The leader proposes that files and leases go whose time is up (expiry.h). What it proposes counts
 * only if nothing has changed since, so a leader that is none any more does no harm.
 *
 * So many go at a time as one entry should remove, and one entry is under way, so that those of
 * clients come in between. */
#include "replica/replica_internal.h"

#include <errno.h>

enum { MORTALS_FILES_MAX = 64 }; /* of one entry; a lease has one of its own */

static uint64_t now_ms(void)
{
    return replica_now_us() / 1000;
}

void mortals_begin(struct replica *r)
{
    expiry_begin(&r->mortals.expiry, r->tree, now_ms());
}

void mortals_end(struct replica *r)
{
    expiry_end(&r->mortals.expiry);
}

static void check(struct replica *r, int status)
{
    if (status < 0)
        replica_break(r, tree_broken(r->tree) ? tree_fault(r->tree) : "files that go away", status);
}

void mortals_applied(struct replica *r)
{
    check(r, expiry_applied(&r->mortals.expiry, now_ms()));
}

void mortals_replaced(struct replica *r)
{
    expiry_replaced(&r->mortals.expiry, now_ms());
}

uint64_t replica_left_ms(const struct replica *r, uint64_t key)
{
    return expiry_left_ms(&r->mortals.expiry, now_ms(), key);
}

/* Adds operations for what is due to the command, which has none yet. 0 or an error. */
static int take_due(struct replica *r, struct command *command)
{
    struct expiry *e = &r->mortals.expiry;
    struct tree_mortal due;
    int status = 0;
    while (status == 0 && command->count < MORTALS_FILES_MAX && expiry_due(e, now_ms(), &due)) {
        bool lease = due.key & TREE_LEASE;
        struct op op = {.type = OP_EXPIRE, .ino = due.key, .revision = due.revision};
        if (lease && command->count > 0)
            break;
        if (lease)
            op = (struct op){
                .type = OP_LEASE_END, .lease = due.key & ~TREE_LEASE, .revision = due.revision};
        status = command_add(command, &op);
        if (status == 0)
            status = expiry_asked(e, now_ms(), &due);
        if (lease)
            break;
    }
    return status;
}

static void mortals_propose(struct replica *r);

static void on_removed(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
    struct replica *r = arg;
    r->mortals.asked = false;
    if (outcome == REPLICA_DONE) /* otherwise housekeeping goes on */
        mortals_propose(r);
}

static bool may_propose(const struct replica *r)
{
    return r->status.role == PAXOS_LEADER && replica_has_quorum(r) && !r->end.stopping &&
           !r->end.broken && !r->mortals.asked;
}

static void mortals_propose(struct replica *r)
{
    struct command command = {0};
    if (!may_propose(r))
        return;
    int status = take_due(r, &command);
    check(r, status);
    if (status < 0 || command.count == 0) {
        command_free(&command);
        return;
    }
    r->mortals.asked = true;
    writes_submit(r, &command, replica_deadline_ms(r), on_removed, r);
}

void mortals_housekeeping(struct replica *r)
{
    check(r,
          expiry_tick(&r->mortals.expiry, now_ms(), r->status.has_leader && replica_has_quorum(r)));
    mortals_propose(r);
}
