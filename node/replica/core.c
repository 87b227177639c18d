/* What the replica's parts stand on: how they reach the core, and how a replica breaks. */
#include "replica/replica_internal.h"

#include <string.h>

const char *replica_outcome_text(enum replica_outcome outcome)
{
    switch (outcome) {
    case REPLICA_DONE:
        return "done";
    case REPLICA_NO_QUORUM:
        return "refused, nothing has happened: this node has no quorum";
    case REPLICA_BUSY:
        return "refused, nothing has happened: too many requests are waiting at this node";
    case REPLICA_STOPPING:
        return "refused, nothing has happened: this node is stopping";
    case REPLICA_UNSUPPORTED:
        return "refused, nothing has happened: not every node of the cluster supports this";
    case REPLICA_TIMEOUT:
        return "no answer in time: the outcome is unknown";
    }
    return "unknown outcome";
}

void replica_break(struct replica *r, const char *what, int status)
{
    if (r->broken)
        return;
    r->broken = true;
    struct fault fault;
    if (status == -EUCLEAN)
        folder_condemn(r->folder, what);
    if (status == -EUCLEAN || status == -EPROTONOSUPPORT) {
        fault_set(&fault, status, "%s", what);
    } else {
        fault_set(&fault, status, "%s (%s)", what, strerror(-status));
    }
    r->failed(r->failed_arg, status, fault.text);
}

void replica_step(struct replica *r, const struct paxos_event *event)
{
    if (r->broken || !r->paxos)
        return;
    struct paxos_event timed = *event;
    timed.now = replica_now_us();
    int status = paxos_step(r->paxos, &timed);
    if (status < 0)
        replica_break(r, "consensus", status);
}
