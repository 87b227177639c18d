/* When the tree is made durable, and how much of the log is kept.
 *
 * The log is trimmed only below what a checkpoint has made durable in the tree. A tail stays for
 * nodes that were briefly away. A leader keeps more as long as a peer that is alive has not got
 * that far: it is catching up, perhaps by a snapshot, and would never succeed if the log were
 * trimmed faster than it can follow. If the disk of this node is nearly full, it keeps little. */
#include "replica/replica_internal.h"

#include "base/trace.h"

#include <errno.h>
#include <malloc.h>

static uint64_t lowest_needed_by_peers(const struct replica *r)
{
    uint64_t lowest = UINT64_MAX;
    for (uint32_t i = 0; i < r->status.peer_count; i++)
        if (r->status.peers[i].alive && r->status.peers[i].accepted < lowest)
            lowest = r->status.peers[i].accepted;
    return lowest;
}

/* The heap keeps what was freed, as something behind it is still in use: when the log has become
 * much shorter, the system gets the pages back. */
static void checkpoint_give_back(struct replica *r, uint64_t log_bytes)
{
    uint64_t *most = &r->checkpoint.log_bytes_most;
    if (log_bytes > *most)
        *most = log_bytes;
    if (*most - log_bytes < GIVE_BACK_BYTES)
        return;
    *most = log_bytes;
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

static void checkpoint_trim(struct replica *r)
{
    quorum_follow(r);
    uint64_t bytes = r->status.log_bytes;
    uint64_t accepted = r->status.accepted;
    bool leading = r->status.role == PAXOS_LEADER;
    uint64_t needed = leading ? lowest_needed_by_peers(r) : UINT64_MAX;
    bool tight = r->rooms.own.room != ROOM_PLENTY;
    uint64_t tail_bytes = tight ? LOG_TAIL_TIGHT_BYTES : LOG_TAIL_BYTES;
    uint64_t index = r->status.compacted;
    while (index < r->checkpoint.durable) {
        bool beyond_tail = accepted - index > LOG_TAIL_ENTRIES || bytes > tail_bytes;
        bool wanted = !tight && index >= needed && bytes <= LOG_BYTES_MAX;
        bool still_fetched = !tight && needed < r->status.compacted && bytes <= LOG_BYTES_MAX;
        if (!beyond_tail || wanted || still_fetched)
            break;
        bytes -= paxos_entry_at(r->paxos, index)->len;
        index++;
    }
    if (index > r->status.compacted)
        replica_step(r, &(struct paxos_event){.type = PAXOS_TRIM, .index = index});
    checkpoint_give_back(r, bytes);
}

static void checkpoint_done(void *arg, int status, uint64_t index)
{
    struct replica *r = arg;
    if (status < 0) {
        replica_break(r, tree_fault(r->tree), status);
        return;
    }
    trace_debug("tree", "checkpoint has ended, durable at index %lu", (unsigned long)index);
    if (index > r->checkpoint.durable)
        r->checkpoint.durable = index;
    if (!r->end.broken && !r->end.stopping)
        checkpoint_trim(r);
}

void checkpoint_shrink(struct replica *r)
{
    int status = r->fetching.installing ? 0 : tree_shrink(r->tree, SHRINK_FREE_BYTES_MIN);
    if (status < 0)
        replica_break(r, tree_fault(r->tree), status);
}

void checkpoint_when_due(struct replica *r, uint64_t now_ms)
{
    uint64_t behind = tree_applied(r->tree) - r->checkpoint.durable;
    bool long_ago = now_ms - r->checkpoint.began_ms >= CHECKPOINT_MS;
    bool tight = r->rooms.own.room != ROOM_PLENTY;
    bool much = behind >= CHECKPOINT_ENTRIES ||
                r->status.log_bytes >= 2 * (tight ? LOG_TAIL_TIGHT_BYTES : LOG_TAIL_BYTES);
    bool due = tree_must_pause(r->tree) || tree_wants_checkpoint(r->tree) ||
               (behind > 0 && (long_ago || much)) || (tree_has_shrunk(r->tree) && long_ago);
    if (!due || r->fetching.installing ||
        (tight && !tree_must_pause(r->tree) &&
         now_ms - r->checkpoint.began_ms < CHECKPOINT_TIGHT_MS))
        return;
    int status = tree_checkpoint(r->tree, r->loop, checkpoint_done, r);
    trace_debug("tree", "checkpoint at index %lu %s", (unsigned long)tree_applied(r->tree),
                status == 0 ? "begins" : "has to wait");
    if (status == 0)
        r->checkpoint.began_ms = now_ms;
    else if (status != -EBUSY)
        replica_break(r, tree_fault(r->tree), status);
}
