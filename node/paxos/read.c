/* Linearizable reads without log entries (a rule of this implementation, not of the paper).
 *
 * A leader that has decided all that it began with asks, after a read has arrived, more than N - R
 * nodes (itself included) whether they still promise its ballot exactly: it probes. A later leader
 * that decided anything had R promises, so one of the nodes that were asked would have refused. All
 * that was decided before the read is therefore below the index that the leader had decided when
 * the probe began. Reads that arrive during a probe share the next one; heartbeats do not count as
 * acknowledgements.
 *
 * A follower says with its request which ballot it promises, and sends it after its reads have
 * arrived: for these reads, and only these, the request is an acknowledgement. Of three or four
 * nodes, the leader and one more are enough, so there the leader answers without a probe.
 *
 * A confirmation may come with a lease (lease.c): later reads then need none for a while. */
#include "paxos/state.h"

#include <assert.h>

void paxos_read(struct paxos *p, uint64_t read, bool lease)
{
    assert(read > p->reads.asked);
    p->reads.asked = read;
    if (lease)
        p->lease.wanted_read = read;
}

void paxos_read_reset(struct paxos *p)
{
    p->reads.probing = false;
    for (uint32_t i = 0; i < p->peer_count; i++)
        p->peers[i].reads = (struct paxos_peer_reads){0};
}

/* The request is kept while I prepare, and answered as soon as I may. If it is sent again, the
 * answer was lost, and it is answered again. */
void paxos_on_read_request(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m)
{
    if (p->role != PAXOS_LEADER || m->read < peer->reads.wanted)
        return;
    if (m->read == peer->reads.wanted)
        peer->reads.answered = 0;
    peer->reads.wanted = m->read;
    peer->waits_until = p->log.end;
    peer->lease.wanted = m->lease;
    if (paxos_ballot_compare(m->n, p->promise) == 0)
        peer->reads.vouched = m->read;
}

void paxos_on_read_probe(struct paxos *p, const struct paxos_message *m)
{
    assert(paxos_ballot_compare(m->n, p->promise) == 0);
    if (!paxos_is_member(p))
        return;
    struct paxos_message *ack = paxos_send(p, PAXOS_READ_ACK, m->from);
    ack->n = m->n;
    ack->read = m->read;
    ack->lease = paxos_lease_vouch(p, m->lease);
}

void paxos_on_read_ack(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m)
{
    bool current = p->reads.probing && m->read == p->reads.probe;
    if (!current || !paxos_leads(p) || paxos_ballot_compare(m->n, p->promise) != 0 ||
        paxos_forgot(p, peer))
        return;
    peer->reads.acked = m->read;
    if (m->lease > 0)
        peer->lease.acked = m->read;
}

/* This node's reads up to `read` are ready once `index` is applied. */
static void reads_answer(struct paxos *p, uint64_t read, uint64_t index)
{
    struct paxos_reads *r = &p->reads;
    if (read > r->ready)
        r->ready = read;
    if (index > r->index)
        r->index = index;
}

static void answer_confirmed(struct paxos *p, uint64_t read, uint64_t index)
{
    reads_answer(p, read, index);
    if (read > p->reads.confirmed)
        p->reads.confirmed = read;
}

void paxos_on_read_index(struct paxos *p, const struct paxos_message *m)
{
    paxos_lease_take(p, m);
    if (m->read <= p->reads.asked && m->read > p->reads.ready)
        answer_confirmed(p, m->read, m->decided);
}

static void send_probe(struct paxos *p, const struct paxos_peer *peer)
{
    struct paxos_message *m = paxos_send(p, PAXOS_READ_PROBE, peer->pid);
    m->n = p->promise;
    m->read = p->reads.probe;
    m->lease = p->lease.time;
}

/* Whether there is any reason for a probe. */
static bool read_waits(const struct paxos *p)
{
    if (p->reads.asked > p->reads.ready)
        return true;
    for (uint32_t i = 0; i < p->peer_count; i++)
        if (p->peers[i].reads.wanted > p->peers[i].reads.answered)
            return true;
    return false;
}

static void begin_probe(struct paxos *p)
{
    struct paxos_reads *r = &p->reads;
    assert(p->decided >= p->leader.sync_end);
    r->probe++;
    r->probing = true;
    r->probe_ticks = 0;
    r->probe_index = p->decided;
    r->probe_covers = r->asked;
    p->lease.probed_at = p->now;
    for (uint32_t i = 0; i < p->peer_count; i++) {
        struct paxos_peer *peer = &p->peers[i];
        peer->reads.covered = peer->reads.wanted;
        if (p->quorums.read < p->quorums.nodes)
            send_probe(p, peer);
    }
}

static bool probe_confirmed(const struct paxos *p)
{
    uint32_t acks = 1;
    for (uint32_t i = 0; i < p->peer_count; i++)
        acks += p->peers[i].reads.acked == p->reads.probe;
    return paxos_quorum_confirms(p->quorums, acks);
}

static bool probe_vouched(const struct paxos *p)
{
    uint32_t vouched = 1;
    for (uint32_t i = 0; i < p->peer_count; i++)
        vouched += p->peers[i].lease.acked == p->reads.probe;
    return paxos_quorum_confirms(p->quorums, vouched);
}

static void answer_peer(struct paxos *p, struct paxos_peer *peer, uint64_t read, uint64_t index,
                        bool vouched)
{
    if (read <= peer->reads.answered)
        return;
    struct paxos_message *m = paxos_send(p, PAXOS_READ_INDEX, peer->pid);
    m->n = p->promise;
    m->read = read;
    m->decided = index;
    m->lease = vouched ? paxos_lease_grant(p, peer) : 0;
    peer->reads.answered = read;
}

/* Enough nodes have acknowledged it. */
static void finish_probe(struct paxos *p)
{
    struct paxos_reads *r = &p->reads;
    bool vouched = probe_vouched(p);
    r->probing = false;
    answer_confirmed(p, r->probe_covers, r->probe_index);
    if (vouched)
        paxos_lease_take_own(p);
    for (uint32_t i = 0; i < p->peer_count; i++)
        answer_peer(p, &p->peers[i], p->peers[i].reads.covered, r->probe_index, vouched);
}

/* The leader and the node that asks are enough: its own promise, in the request, confirms it. */
static void answer_vouched(struct paxos *p)
{
    if (!paxos_quorum_confirms(p->quorums, 2))
        return;
    for (uint32_t i = 0; i < p->peer_count; i++)
        answer_peer(p, &p->peers[i], p->peers[i].reads.vouched, p->decided, true);
}

/* This node's own reads, if it holds a lease. */
static void answer_leased(struct paxos *p)
{
    if (p->reads.asked > p->reads.ready && paxos_lease_holds(p))
        reads_answer(p, p->reads.asked, p->decided);
}

/* The leader's turn: it may not answer before it has decided all that it began with. */
static void lead_reads(struct paxos *p)
{
    struct paxos_reads *r = &p->reads;
    if (p->decided < p->leader.sync_end)
        return;
    answer_vouched(p);
    if (r->probing && probe_confirmed(p))
        finish_probe(p);
    if (r->probing || !read_waits(p))
        return;
    begin_probe(p);
    if (probe_confirmed(p))
        finish_probe(p);
}

static bool request_under_way(const struct paxos *p)
{
    const struct paxos_reads *r = &p->reads;
    return r->requested > r->ready && paxos_ballot_compare(r->requested_of, p->promise) == 0;
}

/* The follower's turn: one request at a time, for all reads that have arrived. */
static void follow_reads(struct paxos *p)
{
    struct paxos_reads *r = &p->reads;
    if (p->phase != PAXOS_PHASE_ACCEPT || r->asked <= r->ready || request_under_way(p))
        return;
    struct paxos_message *m = paxos_send(p, PAXOS_READ_REQUEST, p->promise.pid);
    m->n = p->promise;
    m->read = r->asked;
    m->lease = paxos_lease_ask(p, r->asked);
    r->requested = r->asked;
    r->requested_of = p->promise;
    r->request_ticks = 0;
}

void paxos_read_tick(struct paxos *p)
{
    struct paxos_reads *r = &p->reads;
    if (request_under_way(p) && ++r->request_ticks >= PAXOS_RESEND_TICKS)
        r->requested = 0;
    if (!paxos_leads(p) || !r->probing || ++r->probe_ticks < PAXOS_RESEND_TICKS)
        return;
    r->probe_ticks = 0;
    for (uint32_t i = 0; i < p->peer_count; i++)
        if (p->peers[i].reads.acked != r->probe)
            send_probe(p, &p->peers[i]);
}

void paxos_read_output(struct paxos *p)
{
    answer_leased(p);
    if (paxos_leads(p))
        lead_reads(p);
    else if (p->role == PAXOS_FOLLOWER)
        follow_reads(p);
}
