/* Comparing nodes: with each heartbeat every node tells the others the digest of what it has
 * applied, and compares theirs with its own (divergence.h). */
#include "replica/replica_internal.h"

#include "base/trace.h"

#include <errno.h>
#include <stdio.h>

static struct claim own_claim(const struct replica *r)
{
    return (struct claim){tree_applied(r->tree), tree_history(r->tree)};
}

void digests_begin(struct replica *r)
{
    divergence_begin(&r->digests.divergence, own_claim(r));
}

void digests_applied(struct replica *r)
{
    divergence_applied(&r->digests.divergence, own_claim(r));
}

void digests_frame(struct replica *r, const struct frame *frame)
{
    divergence_told(&r->digests.divergence, frame->from,
                    (struct claim){frame->index, frame->digest});
}

static void tell_peers(struct replica *r)
{
    struct claim own = own_claim(r);
    for (uint32_t i = 0; i < r->digests.divergence.peer_count; i++)
        peer_send(r->peer, &(struct frame){.type = FRAME_DIGEST,
                                           .to = r->digests.divergence.peers[i].pid,
                                           .index = own.index,
                                           .digest = own.digest});
}

void digests_doubt(const struct replica *r, char text[FAULT_TEXT_MAX])
{
    char differs[FAULT_TEXT_MAX];
    divergence_describe(&r->digests.divergence, differs);
    snprintf(text, FAULT_TEXT_MAX,
             "%s, and no majority tells which is right: start the other nodes", differs);
}

static void stop_for_good(struct replica *r)
{
    char differs[FAULT_TEXT_MAX], text[FAULT_TEXT_MAX];
    divergence_describe(&r->digests.divergence, differs);
    snprintf(text, sizeof text, "%s: " FOLDER_REMEDY, differs);
    replica_break(r, text, -EUCLEAN);
}

static bool caught_up(const struct replica *r)
{
    return r->status.has_quorum && r->status.has_leader && !r->fetching.installing &&
           tree_applied(r->tree) == r->status.decided;
}

void digests_beat(struct replica *r)
{
    bool doubted = r->digests.doubt;
    char text[FAULT_TEXT_MAX];
    if (r->end.broken || r->end.stopping)
        return;
    tell_peers(r);
    divergence_beat(&r->digests.divergence, caught_up(r));
    enum divergence_verdict verdict = divergence_judge(&r->digests.divergence);
    r->digests.doubt = verdict == DIVERGENCE_DOUBT;
    if (verdict == DIVERGENCE_WRONG)
        stop_for_good(r);
    if (r->digests.doubt && !doubted) {
        digests_doubt(r, text);
        trace_error("replica", "refusing requests: %s", text);
    }
}
