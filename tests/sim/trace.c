#include "trace.h"

#include "hash.h"

#include <stdio.h>

static const char *const whats[] = {
    [SIM_SENT] = "send",         [SIM_LOST] = "lost",           [SIM_RECEIVED] = "receive",
    [SIM_RELAYED] = "relay",     [SIM_STARTED] = "start",       [SIM_CRASHED] = "crash",
    [SIM_WRITES] = "write",      [SIM_CUT] = "cut to",          [SIM_MENDED] = "mend to",
    [SIM_LINK_UP] = "link up",   [SIM_LINK_DOWN] = "link down", [SIM_LEADS] = "leads",
    [SIM_SNAPSHOT] = "snapshot", [SIM_REPLACES_TREE] = "tree",  [SIM_PAUSED] = "paused",
    [SIM_JUMPED] = "jump",       [SIM_STUCK] = "stuck",         [SIM_ASKED] = "ask",
    [SIM_ANSWERED] = "answer",   [SIM_EMPTIED] = "emptied",
};

void trace_add(struct sim_trace *t, struct sim_trace_line line)
{
    uint64_t who = (uint64_t)line.node << 32 | line.peer, what = line.what * 32u + line.type;
    uint64_t hash = hash_add(hash_add(t->hash, line.at << 16 | what), who);
    t->hash = hash_add(hash_add(hash, line.a ^ line.b << 32), line.c);
    t->lines[t->count++ % SIM_TRACE_MAX] = line;
}

void trace_add_message(struct sim_trace *t, uint64_t at, enum sim_what what,
                       const struct paxos_message *m)
{
    trace_add(t, (struct sim_trace_line){.at = at,
                                         .what = what,
                                         .type = m->type,
                                         .node = m->from,
                                         .peer = m->to,
                                         .a = m->n.n + m->round,
                                         .b = m->first ? m->first : m->accepted,
                                         .c = m->entry_count + m->read});
}

void trace_print(const struct sim_trace *t, uint64_t steps_per_tick)
{
    uint64_t first = t->count > SIM_TRACE_MAX ? t->count - SIM_TRACE_MAX : 0;
    for (uint64_t i = first; i < t->count; i++) {
        const struct sim_trace_line *l = &t->lines[i % SIM_TRACE_MAX];
        fprintf(stderr, "%9.3f %-9s %u", (double)l->at / (double)steps_per_tick, whats[l->what],
                l->node);
        if (l->type)
            fprintf(stderr, " -> %u %s n/round=%lu index=%lu count/read=%lu\n", l->peer,
                    paxos_message_type_name(l->type), l->a, l->b, l->c);
        else
            fprintf(stderr, " %lu %lu %lu\n", l->a, l->b, l->c);
    }
}
