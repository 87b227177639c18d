/* The events of a history: the last ones to be read, all of them as one number to be compared. At
 * QUORUMFS_LOG=debug all of it is printed as it happens, with the lines that the nodes of a real
 * cluster have of consensus (replica/describe.h). */
#ifndef QUORUMFS_TESTS_SIM_TRACE_H
#define QUORUMFS_TESTS_SIM_TRACE_H

#include "base/trace.h"
#include "paxos/paxos.h"

enum { SIM_TRACE_MAX = 400 };

enum sim_what {
    SIM_SENT,
    SIM_LOST,
    SIM_RECEIVED,
    SIM_RELAYED,
    SIM_STARTED,
    SIM_CRASHED,
    SIM_WRITES,
    SIM_CUT,
    SIM_MENDED,
    SIM_LINK_UP,
    SIM_LINK_DOWN,
    SIM_LEADS,
    SIM_SNAPSHOT,
    SIM_REPLACES_TREE,
    SIM_PAUSED,
    SIM_JUMPED,
    SIM_STUCK,
    SIM_EMPTIED,
    SIM_ASKED,
    SIM_ANSWERED,
};

struct sim_trace_line {
    uint64_t at; /* step */
    enum sim_what what;
    uint32_t node, peer;
    uint64_t a, b, c;
    struct paxos_message message; /* type 0: none. Its entries are not there */
};

struct sim_trace {
    struct sim_trace_line lines[SIM_TRACE_MAX];
    uint64_t count;
    uint64_t hash;
};

void trace_add(struct sim_trace *t, const struct sim_trace_line *line);
void trace_add_message(struct sim_trace *t, uint64_t at, enum sim_what what,
                       const struct paxos_message *m);
void trace_print(const struct sim_trace *t);
/* A line of replica/describe.h, at once. */
void trace_say(uint64_t at, uint32_t node, const char *subject, const char *text);

#endif
