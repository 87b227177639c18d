#include "trace.h"

#include "hash.h"
#include "replica/describe.h"
#include "sim.h"

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

static void print_time(uint64_t at)
{
    fprintf(stderr, "%9.3f ", (double)at / SIM_TICK);
}

void trace_say(uint64_t at, uint32_t node, const char *subject, const char *text)
{
    print_time(at);
    fprintf(stderr, "node %u %s: %s\n", node, subject, text);
}

static void print_message(const struct sim_trace_line *l)
{
    const struct paxos_message *m = &l->message;
    bool sent = l->what == SIM_SENT;
    char text[DESCRIBE_TEXT_MAX];
    describe_message(m, text);
    print_time(l->at);
    if (sent || l->what == SIM_RECEIVED)
        fprintf(stderr, "node %u %s: %s %u: %s\n", sent ? m->from : m->to, describe_subject(m),
                sent ? "to" : "from", sent ? m->to : m->from, text);
    else
        fprintf(stderr, "%s from %u to %u: %s\n", whats[l->what], m->from, m->to, text);
}

static void trace_print_line(const struct sim_trace_line *l)
{
    if (l->message.type != 0) {
        print_message(l);
        return;
    }
    print_time(l->at);
    fprintf(stderr, "node %u %s %lu %lu %lu\n", l->node, whats[l->what], l->a, l->b, l->c);
}

/* The nodes say it themselves. */
static bool is_said(enum sim_what what)
{
    return what == SIM_SENT || what == SIM_RECEIVED || what == SIM_LINK_UP || what == SIM_LINK_DOWN;
}

void trace_add(struct sim_trace *t, const struct sim_trace_line *line)
{
    uint64_t who = (uint64_t)line->node << 32 | line->peer;
    uint64_t what = line->what * 32u + line->message.type;
    uint64_t hash = hash_add(hash_add(t->hash, line->at << 16 | what), who);
    t->hash = hash_add(hash_add(hash, line->a ^ line->b << 32), line->c);
    t->lines[t->count++ % SIM_TRACE_MAX] = *line;
    if (trace_is_on(TRACE_DEBUG) && !is_said(line->what))
        trace_print_line(line);
}

void trace_add_message(struct sim_trace *t, uint64_t at, enum sim_what what,
                       const struct paxos_message *m)
{
    trace_add(t, &(struct sim_trace_line){.at = at,
                                          .what = what,
                                          .node = m->from,
                                          .peer = m->to,
                                          .a = m->n.n + m->round,
                                          .b = m->first ? m->first : m->accepted,
                                          .c = m->entry_count + m->read,
                                          .message = *m});
}

void trace_print(const struct sim_trace *t)
{
    uint64_t first = t->count > SIM_TRACE_MAX ? t->count - SIM_TRACE_MAX : 0;
    for (uint64_t i = first; i < t->count; i++)
        trace_print_line(&t->lines[i % SIM_TRACE_MAX]);
}
