/* Pings: questions whether another node is reached. */
#include "replica/replica_internal.h"

#include <stdlib.h>

void pings_begin(struct replica *r)
{
    LIST_INIT(&r->pings.all);
}

void replica_ping(struct replica *r, uint32_t pid, void (*done)(void *arg, bool reached), void *arg)
{
    struct pending_ping *p =
        r->end.stopping || !peer_linked(r->peer, pid) ? NULL : malloc(sizeof *p);
    if (!p) {
        done(arg, false);
        return;
    }
    *p = (struct pending_ping){.id = replica_next_id(r, &r->pings.last_id),
                               .pid = pid,
                               .deadline_ms = replica_now_ms() + PING_MS_MAX,
                               .done = done,
                               .arg = arg};
    LIST_INSERT_HEAD(&r->pings.all, p, all);
    peer_send(r->peer, &(struct frame){.type = FRAME_PING, .to = pid, .id = p->id});
}

void pings_answered(struct replica *r, const struct frame *frame)
{
    struct pending_ping *p;
    LIST_FOREACH(p, &r->pings.all, all)
    {
        if (p->id == frame->id && p->pid == frame->from) {
            LIST_REMOVE(p, all);
            p->done(p->arg, true);
            free(p);
            return;
        }
    }
}

void pings_expire(struct replica *r, uint64_t now_ms)
{
    struct pending_ping *p, *next;
    for (p = LIST_FIRST(&r->pings.all); p; p = next) {
        next = LIST_NEXT(p, all);
        if (p->deadline_ms > now_ms && peer_linked(r->peer, p->pid))
            continue;
        LIST_REMOVE(p, all);
        p->done(p->arg, false);
        free(p);
    }
}
