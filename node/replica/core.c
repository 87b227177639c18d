/* How the replica's parts reach the core, and how a replica breaks. */
#include "replica/replica_internal.h"

#include "base/trace.h"

#include <string.h>

void replica_break(struct replica *r, const char *what, int status)
{
    if (r->end.broken)
        return;
    r->end.broken = true;
    struct fault fault;
    if (status == -EUCLEAN)
        folder_condemn(r->folder, what);
    if (status == -EUCLEAN || status == -EPROTONOSUPPORT || status == -ESTALE) {
        fault_set(&fault, status, "%s", what);
    } else {
        fault_set(&fault, status, "%s (%s)", what, strerror(-status));
    }
    r->end.failed(r->end.failed_arg, status, fault.text);
}

static void on_line(void *arg, const char *subject, const char *text)
{
    trace_debug(subject, "%s", text);
}

void replica_describe(struct replica *r)
{
    describe_begin(&r->describe, r->cluster.me, &r->status, on_line, NULL);
}

/* The stamps of the commands in a message. */
static void trace_entries(const struct paxos_message *m)
{
    for (uint32_t i = 0; i < m->entry_count; i++) {
        struct command_view view;
        const struct paxos_entry *entry = m->entries[i];
        if (command_read(bytes_of(entry->bytes, entry->len), &view) < 0)
            continue;
        const struct stamp *s = &view.stamp;
        if (m->type == PAXOS_PROPOSAL_FORWARD)
            trace_debug("write", STAMP_FORMAT " forwarded by node %u",
                        STAMP_VALUES(s->node, s->incarnation, s->sequence), m->from);
        else
            trace_debug("write", STAMP_FORMAT " is entry %lu",
                        STAMP_VALUES(s->node, s->incarnation, s->sequence),
                        (unsigned long)m->first + i);
    }
}

static void trace_event(struct replica *r, const struct paxos_event *event)
{
    describe_event(&r->describe, event);
    if (event->type == PAXOS_RECEIVE)
        trace_entries(event->message);
}

void replica_step(struct replica *r, const struct paxos_event *event)
{
    if (r->end.broken || !r->paxos)
        return;
    if (trace_is_on(TRACE_DEBUG))
        trace_event(r, event);
    struct paxos_event timed = *event;
    timed.now = replica_now_us();
    int status = paxos_step(r->paxos, &timed);
    if (status < 0)
        replica_break(r, "consensus", status);
}
