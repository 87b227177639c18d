/* Nodes whose logs cannot be right, or show that this node's is not: what the core has seen of them
 * (paxos/misfit.c), and claims to have applied what is not decided here (divergence.h). One of two
 * nodes has then lost data, and nobody but a person can tell which: so the sentences say what is
 * known, and when not to empty a folder. */
#include "replica/replica_internal.h"

#include "base/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MISFITS_WAIT_MS = 2000 }; /* what is no proof has to last so long */

#define ONE_LOST_DATA "one of the two has lost data: find out which before a folder is emptied"

/* Of the i-th peer, at this moment. */
static uint32_t misfit_now(const struct replica *r, uint32_t i)
{
    uint64_t index;
    uint32_t kind = r->status.peers[i].misfit;
    bool claims = divergence_unreached(&r->digests.divergence, r->status.peers[i].pid, &index);
    return kind == PAXOS_FITS && claims ? MISFIT_CLAIM : kind;
}

static bool is_proof(uint32_t kind)
{
    return kind == PAXOS_FORGOT || kind == PAXOS_LED_BEFORE;
}

static bool has_lasted(const struct replica *r, uint32_t i, uint64_t now_ms)
{
    uint32_t kind = r->misfits.peers[i].kind;
    return kind != PAXOS_FITS &&
           (is_proof(kind) || now_ms - r->misfits.peers[i].since_ms >= MISFITS_WAIT_MS);
}

static void misfit_describe(const struct replica *r, uint32_t i, char *text, size_t size)
{
    uint32_t pid = r->status.peers[i].pid;
    uint64_t theirs = r->status.peers[i].theirs, mine = r->status.peers[i].mine;
    switch (r->misfits.peers[i].kind) {
    case PAXOS_FORGOT:
        snprintf(text, size,
                 "node %" PRIu32 " has forgotten what it acknowledged (%" PRIu64
                 " entries, of which it has %" PRIu64
                 "), and does not count: its folder is an old copy, or its disk was set back; "
                 "stop it, empty its folder, and it joins again",
                 pid, mine, theirs);
        break;
    case PAXOS_LED_BEFORE:
        snprintf(text, size,
                 "node %" PRIu32 " was led by this node before (up to %" PRIu64
                 " entries), which has forgotten it: this folder is an old copy, or the disk was "
                 "set back; " FOLDER_REMEDY,
                 pid, theirs);
        break;
    case PAXOS_BEYOND_MINE:
        snprintf(text, size,
                 "node %" PRIu32 " knows %" PRIu64 " entries to be decided, and this node, which "
                 "leads, had only %" PRIu64 ": " ONE_LOST_DATA,
                 pid, theirs, mine);
        break;
    case PAXOS_BELOW_MINE:
        snprintf(text, size,
                 "node %" PRIu32 " leads with a log of %" PRIu64 " entries, and this node knows "
                 "%" PRIu64 " to be decided: " ONE_LOST_DATA,
                 pid, theirs, mine);
        break;
    case PAXOS_UNFIT:
        snprintf(text, size,
                 "node %" PRIu32
                 " sends a log that does not fit this one (it goes on after %" PRIu64
                 " entries, and here are %" PRIu64 "): " ONE_LOST_DATA,
                 pid, theirs, mine);
        break;
    case MISFIT_CLAIM:
        divergence_unreached(&r->digests.divergence, pid, &theirs);
        snprintf(text, size,
                 "node %" PRIu32 " has applied %" PRIu64 " entries, and only %" PRIu64
                 " are decided here: " ONE_LOST_DATA,
                 pid, theirs, r->status.decided);
        break;
    }
}

void misfits_describe(const struct replica *r, char text[REPLICA_TEXT_MAX])
{
    uint64_t now = replica_now_ms();
    text[0] = '\0';
    for (uint32_t i = 0; i < r->status.peer_count; i++) {
        size_t at = strlen(text);
        if (!has_lasted(r, i, now))
            continue;
        snprintf(text + at, REPLICA_TEXT_MAX - at, "%s", at > 0 ? "; " : "");
        at = strlen(text);
        misfit_describe(r, i, text + at, REPLICA_TEXT_MAX - at);
    }
}

static void misfit_say(struct replica *r, uint32_t i)
{
    char text[REPLICA_TEXT_MAX];
    misfit_describe(r, i, text, sizeof text);
    trace_warn("misfit", "%s", text);
    r->misfits.peers[i].said = true;
}

void misfits_housekeeping(struct replica *r, uint64_t now_ms)
{
    for (uint32_t i = 0; i < r->status.peer_count; i++) {
        uint32_t kind = misfit_now(r, i);
        if (kind != r->misfits.peers[i].kind) {
            if (kind == PAXOS_FITS && r->misfits.peers[i].said)
                trace_warn("misfit", "the log of node %" PRIu32 " fits again",
                           r->status.peers[i].pid);
            r->misfits.peers[i].kind = kind;
            r->misfits.peers[i].since_ms = now_ms;
            r->misfits.peers[i].said = false;
        }
        if (!r->misfits.peers[i].said && has_lasted(r, i, now_ms))
            misfit_say(r, i);
    }
}
