/* How long requests wait for a quorum that is not there.
 *
 * While a majority is alive, it is a pause if the links between its nodes come up late, or break
 * and come back, or if a node has not yet heard that another one has joined. So requests wait for a
 * few heartbeats of this node, counted from when the quorum was lost, or from the start. After
 * that, they are refused at once, until there is a quorum again. What waits has not been proposed:
 * nothing has happened when it is refused.
 *
 * Heartbeats are counted, and not milliseconds: when this process has not run for a while, it hears
 * the others before it believes that they are lost. */
#include "replica/replica_internal.h"

void quorum_begin(struct replica *r)
{
    r->quorum.beats_left = QUORUM_PAUSE_BEATS;
}

void quorum_beat(struct replica *r)
{
    if (!r->status.has_quorum && r->quorum.beats_left > 0)
        r->quorum.beats_left--;
}

void quorum_refuse(struct replica *r)
{
    if (replica_has_quorum(r) || replica_pauses(r))
        return;
    writes_refuse_unproposed(r, REPLICA_NO_QUORUM);
    reads_without_quorum(r);
}
