/* Whether this node takes part in read leases (paxos/lease.c), across its starts. A node that did
 * must not forget it at once when its configuration changes: leases that it vouched for may still
 * be valid. */
#include "replica/replica_internal.h"

int leases_begin(struct replica *r, struct fault *fault)
{
    r->leases.before = folder_has_leases(r->folder);
    r->leases.started_ms = replica_now_ms();
    if (r->config->lease_time_ms == 0 || r->leases.before)
        return 0;
    return folder_keep_leases(r->folder, fault);
}

void leases_housekeeping(struct replica *r, uint64_t now_ms)
{
    if (!r->leases.before || r->config->lease_time_ms > 0 ||
        now_ms - r->leases.started_ms < LEASES_OVER_MS)
        return;
    folder_forget_leases(r->folder);
    r->leases.before = false;
}
