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
    [SIM_ANSWERED] = "answer",
};

static const char *const messages[PAXOS_MESSAGE_TYPE_END] = {
    [PAXOS_PREPARE_REQ] = "PrepareReq",
    [PAXOS_PREPARE] = "Prepare",
    [PAXOS_PROMISE] = "Promise",
    [PAXOS_SUFFIX_REQ] = "SuffixReq",
    [PAXOS_SUFFIX] = "Suffix",
    [PAXOS_ACCEPT_SYNC] = "AcceptSync",
    [PAXOS_ACCEPT_DECIDE] = "AcceptDecide",
    [PAXOS_ACCEPTED] = "Accepted",
    [PAXOS_DECIDE] = "Decide",
    [PAXOS_NOT_ACCEPTED] = "NotAccepted",
    [PAXOS_PROPOSAL_FORWARD] = "ProposalForward",
    [PAXOS_HEARTBEAT_REQUEST] = "HeartbeatRequest",
    [PAXOS_HEARTBEAT_REPLY] = "HeartbeatReply",
    [PAXOS_LEADER_BEAT] = "LeaderBeat",
    [PAXOS_READ_REQUEST] = "ReadRequest",
    [PAXOS_READ_PROBE] = "ReadProbe",
    [PAXOS_READ_ACK] = "ReadAck",
    [PAXOS_READ_INDEX] = "ReadIndex",
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
                    messages[l->type], l->a, l->b, l->c);
        else
            fprintf(stderr, " %lu %lu %lu\n", l->a, l->b, l->c);
    }
}
