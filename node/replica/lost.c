/* Stops the node if its folder is not where it was any more. */
#include "replica/replica_internal.h"

#include "store/places.h"

void lost_housekeeping(struct replica *r, uint64_t now_ms)
{
    struct fault fault;
    if (now_ms < r->lost.next_ms)
        return;
    r->lost.next_ms = now_ms + LOST_LOOK_MS;
    int status = places_look(&r->lost.places, r->folder, &fault);
    if (status < 0)
        replica_break(r, fault.text, status);
}
