#include "ledger.h"

#include "cluster.h"
#include "report.h"

#include <inttypes.h>
#include <string.h>

static bool ledger_below(struct paxos_ballot a, struct paxos_ballot b)
{
    return paxos_ballot_compare(a, b) < 0;
}

void ledger_said(struct ledger *ledger, const struct paxos_message *m)
{
    if (m->type == PAXOS_JOIN_REQUEST) {
        ledger->folder = m->folder;
        ledger->life = m->life;
    }
    if (m->type != PAXOS_PROMISE && m->type != PAXOS_ACCEPTED)
        return;
    if (ledger_below(ledger->promise, m->n))
        ledger->promise = m->n;
    if (m->type != PAXOS_ACCEPTED || ledger_below(m->n, ledger->acc_round))
        return;
    if (ledger_below(ledger->acc_round, m->n))
        ledger->accepted = 0;
    ledger->acc_round = m->n;
    if (m->accepted > ledger->accepted)
        ledger->accepted = m->accepted;
}

void ledger_synced(struct ledger *ledger, uint64_t n, uint64_t end)
{
    uint64_t place = n % LEDGER_SYNCS;
    if (ledger->syncs[place].n == n && ledger->syncs[place].end <= end)
        return;
    ledger->syncs[place].n = n;
    ledger->syncs[place].end = end;
}

void ledger_installing(struct ledger *ledger, uint64_t index)
{
    ledger->installing = index;
}

void ledger_not_installed(struct ledger *ledger)
{
    ledger->installing = 0;
}

void ledger_installed(struct ledger *ledger)
{
    ledger->tree_durable = ledger->snapshot = ledger->installing;
    ledger->installing = 0;
}

/* ---- Checks ---- */

static void check_ballots(const struct ledger *ledger, const struct paxos_stored *stored)
{
    report_unless(!ledger_below(stored->promise, ledger->promise),
                  "promise %" PRIu64 " is forgotten: %" PRIu64 " was found", ledger->promise.n,
                  stored->promise.n);
    report_unless(stored->promise.n <= ledger->ballot.n, "promise %" PRIu64 " was never asked for",
                  stored->promise.n);
    report_unless(!ledger_below(stored->acc_round, ledger->acc_round),
                  "accepted round %" PRIu64 " is forgotten: %" PRIu64 " was found",
                  ledger->acc_round.n, stored->acc_round.n);
}

/* A node keeps the folder's number and the life with which it asked to join, and is a member once
 * it has acknowledged entries. */
static void check_membership(const struct ledger *ledger, const struct paxos_stored *stored)
{
    report_unless(ledger->folder == 0 || ledger->folder == stored->folder,
                  "the folder has another number");
    report_unless(stored->membership.members[0].life >= ledger->life,
                  "life %u is forgotten: %u was found", ledger->life,
                  stored->membership.members[0].life);
    report_unless(ledger->acc_round.n == 0 || stored->membership.standing == PAXOS_MEMBER,
                  "it has acknowledged entries, and is no member");
}

static void ledger_check_end(const struct ledger *ledger, const struct paxos_stored *stored)
{
    uint64_t end = stored->compacted + stored->entry_count;
    uint64_t place = stored->acc_round.n % LEDGER_SYNCS;
    if (paxos_ballot_compare(stored->acc_round, ledger->acc_round) == 0)
        report_unless(end >= ledger->accepted,
                      "accepted entries are lost: %" PRIu64
                      " were acknowledged, the log ends at %" PRIu64,
                      ledger->accepted, end);
    if (ledger->syncs[place].n == stored->acc_round.n && stored->acc_round.n > 0)
        report_unless(end >= ledger->syncs[place].end,
                      "a sync is there in part: to %" PRIu64 " of %" PRIu64, end,
                      ledger->syncs[place].end);
}

static void check_entries(const struct paxos_stored *stored)
{
    for (uint64_t i = 0; i < stored->entry_count; i++) {
        const struct paxos_entry *found = stored->entries[i];
        const struct paxos_entry *right = cluster_entry(stored->acc_round, stored->compacted + i);
        report_unless(found->len == right->len &&
                          memcmp(found->bytes, right->bytes, right->len) == 0,
                      "entry %" PRIu64 " is not that of round %" PRIu64, stored->compacted + i,
                      stored->acc_round.n);
    }
}

static void check_tree(const struct ledger *ledger, const struct paxos_stored *stored,
                       const struct tree *tree, uint64_t digest)
{
    uint64_t applied = tree_applied(tree);
    report_unless(applied >= ledger->tree_durable,
                  "the tree is back at %" PRIu64 ", %" PRIu64 " was durable", applied,
                  ledger->tree_durable);
    report_unless(applied <= ledger->decided,
                  "the tree is at %" PRIu64 ", only %" PRIu64 " was decided", applied,
                  ledger->decided);
    report_unless(applied >= stored->compacted && applied <= stored->decided,
                  "the tree at %" PRIu64 " does not fit to the log", applied);
    report_unless(stored->compacted >= ledger->snapshot,
                  "the log still has what the snapshot at %" PRIu64 " stands for",
                  ledger->snapshot);
    report_unless(digest == cluster_digest(applied), "the tree at %" PRIu64 " is another", applied);
}

int ledger_check(struct ledger *ledger, const struct paxos_stored *stored, uint64_t incarnation,
                 struct tree *tree)
{
    uint64_t digest;
    int status = tree_digest(tree, &digest);
    if (status < 0)
        return status;
    /* Nothing else was applied while it was installed. */
    if (ledger->installing != 0 && tree_applied(tree) >= ledger->installing)
        ledger_installed(ledger);
    ledger->installing = 0;
    check_ballots(ledger, stored);
    check_membership(ledger, stored);
    ledger_check_end(ledger, stored);
    check_entries(stored);
    check_tree(ledger, stored, tree, digest);
    report_unless(stored->decided <= ledger->decided, "%" PRIu64 " is held for decided",
                  stored->decided);
    report_unless(incarnation > ledger->incarnation, "an incarnation is used twice");
    return 0;
}
