/* How long requests wait for a quorum that is not there.
 *
 * While a majority is alive, it is a pause if the links between its nodes come up late, or break
 * and come back, or if a node has not yet heard that another one has joined. So requests wait for a
 * few heartbeats of this node, counted from when the quorum was lost, or from the start. After
 * that, they are refused at once, until there is a quorum again. What waits has not been proposed:
 * nothing has happened when it is refused.
 *
 * A node that does not reach a quorum itself has one as long as a peer says that it does. When
 * nodes die, what peers have said before is out of date for a while. So once a quorum was lost, one
 * by hearsay counts only if it lasts: otherwise what waits would be proposed in vain, and could not
 * be refused any more.
 *
 * A node that is in line with no leader while others may be waits longer: it may only be slow. But
 * it may also never be brought in line, and then it refuses at once as well.
 *
 * Heartbeats are counted, and not milliseconds: when this process has not run for a while, it hears
 * the others before it believes that they are lost. */
#include "replica/replica_internal.h"

void quorum_begin(struct replica *r)
{
    r->quorum.beats_left = QUORUM_PAUSE_BEATS;
}

void quorum_follow(struct replica *r)
{
    paxos_status(r->paxos, &r->status);
    if (!r->status.has_quorum)
        r->quorum.hearsay_beats = QUORUM_HEARSAY_BEATS;
    else if (r->status.reaches_quorum)
        r->quorum.hearsay_beats = 0;
    r->status.has_quorum &= r->quorum.hearsay_beats == 0;
    if (r->status.has_quorum)
        quorum_begin(r);
    if (!r->status.has_quorum || r->status.has_leader)
        r->quorum.leaderless_beats = 0;
}

void quorum_beat(struct replica *r)
{
    if (r->quorum.hearsay_beats > 0)
        r->quorum.hearsay_beats--;
    if (!r->status.has_quorum && r->quorum.beats_left > 0)
        r->quorum.beats_left--;
    if (r->status.has_quorum && !r->status.has_leader &&
        r->quorum.leaderless_beats < QUORUM_LEADERLESS_BEATS)
        r->quorum.leaderless_beats++;
}

bool replica_refuses_writes(const struct replica *r)
{
    return r->end.stopping || r->end.broken || !(replica_has_quorum(r) || replica_pauses(r));
}

void quorum_refuse(struct replica *r)
{
    if (replica_has_quorum(r) || replica_pauses(r))
        return;
    writes_refuse_unproposed(r, REPLICA_NO_QUORUM);
    reads_without_quorum(r);
}
