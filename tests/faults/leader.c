#include "leader.h"

#include "../unit/tree_fixture.h"
#include "cluster.h"

#include <assert.h>
#include <stdlib.h>

enum {
    AHEAD_MAX = 10,       /* entries of a new leader's log beyond what is decided, */
    AHEAD_FAR = 48,       /* or in one case of four */
    JUNK_MAX = 4,         /* and after these: never decided */
    SNAPSHOT_BEHIND = 12, /* a node so far behind gets a snapshot */
};

static uint64_t min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Takes the entries [first, end) of its log along. */
static void send_entries(struct leader *l, struct paxos_message m, uint64_t first, uint64_t end)
{
    m.from = LEADER_PID;
    m.to = NODE_PID;
    m.n = l->ballot;
    m.decided = l->node->ledger->decided;
    m.first = first;
    m.entry_count = (uint32_t)(end - first);
    m.entries = must_alloc((m.entry_count + 1) * sizeof *m.entries);
    for (uint64_t i = first; i < end; i++)
        m.entries[i - first] = paxos_entry_ref(cluster_entry(l->ballot, i));
    node_receive(l->node, &m);
    paxos_message_clear(&m);
}

static void send_message(struct leader *l, struct paxos_message m)
{
    uint64_t first = m.first;
    send_entries(l, m, first, first);
}

/* ---- Messages of the node ---- */

static void heard(void *arg, const struct paxos_message *m)
{
    struct leader *l = arg;
    if (m->type == PAXOS_PREPARE_REQ)
        l->prepare_due = true;
    if (m->type == PAXOS_JOIN_REQUEST)
        l->join = *m;
    if (m->type == PAXOS_PROMISE && m->psid == l->psid &&
        paxos_ballot_compare(m->n, l->ballot) == 0) {
        l->promise = *m;
        l->promise.entries = NULL; /* its own are not needed: the truth is known */
        l->promise.entry_count = 0;
    }
}

void leader_start(struct leader *l, struct node *node, uint64_t *random)
{
    *l = (struct leader){.node = node, .random = random};
    node->said = heard;
    node->said_arg = l;
}

/* ---- Messages of the leader ---- */

static void prepare(struct leader *l)
{
    l->prepare_due = false;
    send_message(l, (struct paxos_message){.type = PAXOS_PREPARE, .psid = ++l->psid});
}

/* Two members, this one and one that says nothing else, let the node in. */
static void let_in(struct leader *l)
{
    struct paxos_message reply = {.type = PAXOS_JOIN_REPLY,
                                  .to = NODE_PID,
                                  .folder = l->join.folder,
                                  .round = l->join.round,
                                  .lives = {l->join.life}};
    l->join.type = 0;
    for (uint32_t pid = LEADER_PID; pid <= SILENT_PID; pid++) {
        reply.from = pid;
        node_receive(l->node, &reply);
    }
}

void leader_elect(struct leader *l)
{
    struct ledger *ledger = l->node->ledger;
    uint32_t ahead = random_below(l->random, 4) == 0 ? AHEAD_FAR : AHEAD_MAX;
    uint64_t right = min(ledger->decided + random_below(l->random, ahead + 1), CLUSTER_ENTRIES);
    ledger->ballot = (struct paxos_ballot){ledger->ballot.n + 1, (uint32_t)right, LEADER_PID};
    leader_resume(l);
}

void leader_resume(struct leader *l)
{
    uint64_t decided = l->node->ledger->decided;
    l->ballot = l->node->ledger->ballot;
    l->length = l->ballot.priority + l->ballot.n % JUNK_MAX;
    l->sent = decided + random_below(l->random, (uint32_t)(l->length - decided) + 1);
    l->promise.type = 0;
    prepare(l);
}

/* The index up to which the node's log surely agrees with the leader's. */
static uint64_t valid_up_to(const struct leader *l, const struct paxos_message *promise)
{
    if (paxos_ballot_compare(promise->acc_round, l->ballot) == 0)
        return promise->accepted;
    return min(min(promise->acc_round.priority, l->ballot.priority), promise->accepted);
}

/* The snapshot that a node so far behind needs; 0: none, or there is none. */
static uint64_t snapshot_for(const struct leader *l, const struct paxos_message *promise)
{
    uint64_t decided = l->node->ledger->decided;
    uint64_t index = decided / CLUSTER_SNAPSHOT_STEP * CLUSTER_SNAPSHOT_STEP;
    uint64_t snapshot = promise->decided + SNAPSHOT_BEHIND < decided ? index : 0;
    /* Not only the newest one. */
    while (snapshot > promise->decided + SNAPSHOT_BEHIND && random_below(l->random, 2))
        snapshot -= CLUSTER_SNAPSHOT_STEP;
    return snapshot > promise->decided ? snapshot : 0;
}

static void synchronise(struct leader *l, const struct paxos_message *promise)
{
    uint64_t snapshot = snapshot_for(l, promise);
    struct paxos_message m = {.type = PAXOS_ACCEPT_SYNC,
                              .psid = l->psid,
                              .session = ++l->session,
                              .counter = l->counter = 1,
                              .standing = promise->standing,
                              .life = promise->lives[0]};
    uint64_t first = valid_up_to(l, promise);
    if (snapshot != 0) {
        m.sync = PAXOS_SYNC_SNAPSHOT;
        m.first = snapshot;
        send_message(l, m);
        return;
    }
    if (first < promise->decided)
        first = promise->decided; /* a snapshot brought it beyond its log's round */
    if (l->sent < first)
        l->sent = first;
    m.sync = PAXOS_SYNC_SUFFIX;
    m.accepted = l->sent;
    ledger_synced(l->node->ledger, l->ballot.n, l->sent);
    send_entries(l, m, first, l->sent);
}

bool leader_answer(struct leader *l)
{
    if (l->join.type != 0) {
        let_in(l);
        return true;
    }
    if (l->prepare_due) {
        prepare(l);
        return true;
    }
    if (l->promise.type == 0)
        return false;
    l->promise.type = 0;
    synchronise(l, &l->promise);
    return true;
}

void leader_ship(struct leader *l, uint64_t count)
{
    uint64_t first = l->sent;
    l->sent = min(l->sent + count, l->length);
    if (l->session == 0 || first == l->sent)
        return;
    send_entries(l,
                 (struct paxos_message){
                     .type = PAXOS_ACCEPT_DECIDE, .session = l->session, .counter = ++l->counter},
                 first, l->sent);
}

void leader_decide(struct leader *l, uint64_t count, bool tell)
{
    struct ledger *ledger = l->node->ledger;
    ledger->decided = min(ledger->decided + count, min(l->sent, l->ballot.priority));
    if (tell && l->session != 0)
        send_message(l, (struct paxos_message){
                            .type = PAXOS_DECIDE, .session = l->session, .counter = ++l->counter});
}
