/* Commands that wait before they get their stamp: for the cluster's level to rise, or, while there
 * is no quorum, for this node to be a member, since its life is a part of its stamps. A pause, and
 * no error: as after the last node of a cluster was upgraded, or when a cluster has just been
 * founded.
 */
#include "replica/replica_internal.h"

#include <stdlib.h>

void held_begin(struct replica *r)
{
    TAILQ_INIT(&r->held.by_age);
}

bool held_must_wait(const struct replica *r, const struct command *command)
{
    bool member = r->status.standing == PAXOS_MEMBER, allowed = levels_allow(r, command);
    if (r->end.stopping || r->end.broken)
        return false;
    return replica_pauses(r) ? !member || !allowed : !allowed && levels_rise(r);
}

static void held_refuse(struct replica *r, struct command *command, enum replica_outcome outcome,
                        replica_written_cb *done, void *arg)
{
    command_free(command);
    r->counts.refused++;
    done(arg, outcome, NULL);
}

void held_add(struct replica *r, struct command *command, uint64_t deadline_ms,
              replica_written_cb *done, void *arg)
{
    bool room = r->held.count < HELD_WRITES_MAX &&
                r->held.bytes + command->bytes.len <= REPLICA_PENDING_BYTES_MAX;
    struct held_write *held = room ? malloc(sizeof *held) : NULL;
    if (!held) {
        held_refuse(r, command, REPLICA_BUSY, done, arg);
        return;
    }
    *held = (struct held_write){
        .command = *command, .deadline_ms = deadline_ms, .done = done, .arg = arg};
    *command = (struct command){0};
    TAILQ_INSERT_TAIL(&r->held.by_age, held, by_age);
    r->held.count++;
    r->held.bytes += held->command.bytes.len;
}

void held_pass(struct replica *r, struct command *command, uint64_t deadline_ms,
               replica_written_cb *done, void *arg)
{
    if (r->end.stopping || r->end.broken)
        held_refuse(r, command, REPLICA_STOPPING, done, arg);
    else if (levels_allow(r, command))
        writes_submit(r, command, deadline_ms, done, arg);
    else
        held_refuse(r, command, REPLICA_UNSUPPORTED, done, arg);
}

void held_release(struct replica *r, uint64_t now_ms)
{
    struct held_write *held, *next;
    for (held = TAILQ_FIRST(&r->held.by_age); held; held = next) {
        next = TAILQ_NEXT(held, by_age);
        if (held_must_wait(r, &held->command) && now_ms < held->deadline_ms)
            continue;
        TAILQ_REMOVE(&r->held.by_age, held, by_age);
        r->held.count--;
        r->held.bytes -= held->command.bytes.len;
        held_pass(r, &held->command, held->deadline_ms, held->done, held->arg);
        free(held);
    }
}
