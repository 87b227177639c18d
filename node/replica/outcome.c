#include "replica/replica.h"

const char *replica_outcome_text(enum replica_outcome outcome)
{
    switch (outcome) {
    case REPLICA_DONE:
        return "done";
    case REPLICA_NO_QUORUM:
        return "refused, nothing has happened: this node cannot serve";
    case REPLICA_BUSY:
        return "refused, nothing has happened: too many requests are waiting at this node";
    case REPLICA_STOPPING:
        return "refused, nothing has happened: this node is stopping";
    case REPLICA_UNSUPPORTED:
        return "refused, nothing has happened: not every node of the cluster supports this";
    case REPLICA_FULL:
        return "refused, nothing has happened: the disks have no room for it";
    case REPLICA_TIMEOUT:
        return "no answer in time: the outcome is unknown";
    }
    return "unknown outcome";
}
