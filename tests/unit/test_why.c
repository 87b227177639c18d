/* Why a node does not serve: every state in which it does not has a reason, and a sentence. */
#include "paxos_subject.h"
#include "replica_parts.h"

#include "base/trace.h"

#include <stdlib.h>
#include <string.h>

/* ---- The links say nothing ---- */

bool peer_settings(const struct peer *peer, uint32_t pid, struct peer_settings *settings)
{
    return false;
}

enum peer_address peer_address(const struct peer *peer, uint32_t pid)
{
    return 0;
}

void peer_send(struct peer *peer, const struct frame *frame)
{
}

bool peer_speaks(const struct peer *peer, uint32_t pid, struct peer_levels *levels)
{
    return false;
}

void peer_set_level(struct peer *peer, uint32_t level)
{
}

int peer_identify(struct peer *peer, const struct peer_identity *identity, struct fault *fault)
{
    return 0;
}

/* As much of it as is asked for here. */
void replica_status(struct replica *r, struct replica_status *s)
{
    *s = (struct replica_status){.paxos = r->status};
    why_describe(r, why_of(r), s);
}

/* ---- A node that serves ---- */

enum { PATIENCE_MS = 5000 + 2 * READ_CONFIRM_MS, OTHER_NODE = PARTS_ME + 1 };

static struct subject *core;

static struct parts *serving(void)
{
    struct parts *p = parts_new();
    struct replica *r = &p->r;
    trace_level = TRACE_ERROR;
    core = start(1, NULL);
    r->paxos = core->p;
    r->cluster.identity = (struct identity){.cluster = 5, .node = PARTS_ME};
    r->cluster.count = 2;
    r->cluster.members[0].pid = PARTS_ME;
    r->cluster.members[1].pid = OTHER_NODE;
    r->status.standing = PAXOS_MEMBER;
    r->status.role = PAXOS_FOLLOWER;
    r->status.phase = PAXOS_PHASE_ACCEPT;
    r->status.peer_count = 1;
    r->status.peers[0].pid = OTHER_NODE;
    r->status.peers[0].alive = true;
    r->status.promise.pid = OTHER_NODE;
    return p;
}

static void done_with(struct parts *p)
{
    end(core);
    parts_free(p);
}

/* The node does not serve, for this reason, and says so with this text. */
static void assert_why(struct parts *p, enum why why, const char *text)
{
    struct replica_status s;
    assert_int_equal(why_of(&p->r), why);
    replica_status(&p->r, &s);
    if (!strstr(s.why, text))
        fail_msg("'%s' does not say '%s'", s.why, text);
}

static void assert_serves(struct parts *p)
{
    struct replica_status s;
    assert_int_equal(why_of(&p->r), WHY_SERVES);
    replica_status(&p->r, &s);
    assert_string_equal(s.why, "");
}

static void every_state_has_its_reason(void **state)
{
    struct parts *p = serving();
    struct replica *r = &p->r;
    assert_serves(p);
    r->status.has_leader = false;
    r->status.phase = PAXOS_PHASE_PREPARE;
    assert_why(p, WHY_LEADER, "follows node 8, which has not brought its log in line");
    r->status.peers[0].alive = false;
    assert_why(p, WHY_LEADER, "no node leads");
    r->status.role = PAXOS_LEADER;
    assert_why(p, WHY_LEADER, "waits for the logs of the others");
    r->turn.snapshot_needed = 7;
    assert_why(p, WHY_LEADER, "it fetches the tree at entry 7 or later: no node is linked");
    r->fetching.pid = OTHER_NODE;
    assert_why(p, WHY_LEADER, "from node 8");
    r->fetching.pid = 0;
    r->status.has_quorum = false;
    assert_why(p, WHY_QUORUM, "no quorum");
    r->status.standing = PAXOS_JOINING;
    assert_why(p, WHY_NEW, "folder is new");
    r->cluster.identity.cluster = 0;
    assert_why(p, WHY_UNKNOWN, "folder is new");
    r->rooms.away = true;
    assert_why(p, WHY_AWAY, "disk is full");
    r->end.stopping = true;
    assert_why(p, WHY_STOPPING, "stopping");
    done_with(p);
}

static void what_the_log_is_about_to_say_is_waited_for(void **state)
{
    struct parts *p = serving();
    p->r.paxos = NULL;
    assert_why(p, WHY_SETTLING, "agreeing");
    done_with(p);
}

/* Whatever the reason: if the node's own reads come to nothing, those of clients do as well. */
static void reads_that_come_to_nothing_are_noticed(void **state)
{
    struct parts *p = serving();
    struct replica *r = &p->r;
    uint64_t now = replica_now_ms();
    r->why.able_ms = r->reads.confirmed_ms = now - PATIENCE_MS - 1000;
    assert_why(p, WHY_READS, "node 8 leads, and does not answer");
    r->turn.decided = 9;
    assert_why(p, WHY_READS, "applied 0 of 9");
    r->fetching.installing = true;
    assert_why(p, WHY_READS, "takes over the tree");
    r->reads.confirmed_ms = now;
    assert_serves(p);
    r->reads.confirmed_ms = 0;
    r->why.able_ms = now; /* it could not ask before */
    assert_serves(p);
    done_with(p);
}

static void writes_that_come_to_nothing_are_noticed(void **state)
{
    struct parts *p = serving();
    struct replica *r = &p->r;
    uint64_t now = replica_now_ms();
    why_housekeeping(r, now - PATIENCE_MS - 1000);
    r->status.accepted = 3;
    r->why.able_ms = now;
    assert_why(p, WHY_WRITES, "not on the disks of a majority: 3 entries wait");
    r->status.decided = 1;
    assert_serves(p); /* it goes on */
    why_housekeeping(r, now - PATIENCE_MS - 1000);
    r->why.able_ms = now;
    assert_why(p, WHY_WRITES, "2 entries wait");
    r->status.decided = 3;
    assert_serves(p);
    done_with(p);
}

static void count_refused(void *arg, enum replica_outcome outcome, struct replica_freshness fresh)
{
    *(int *)arg += outcome == REPLICA_NO_QUORUM;
}

/* As long as it may only be slow, requests wait. */
static void without_a_leader_for_long_it_refuses(void **state)
{
    struct parts *p = serving();
    struct replica *r = &p->r;
    int refused = 0;
    r->status.has_leader = false;
    replica_read(r, REPLICA_LINEARIZABLE, count_refused, &refused);
    for (int i = 0; i < QUORUM_LEADERLESS_BEATS; i++) {
        assert_false(replica_refuses_writes(r));
        quorum_refuse(r);
        quorum_beat(r);
    }
    assert_int_equal(refused, 0);
    assert_true(replica_refuses_writes(r));
    quorum_refuse(r);
    assert_int_equal(refused, 1);
    replica_read(r, REPLICA_LINEARIZABLE, count_refused, &refused);
    assert_int_equal(refused, 2);
    quorum_beat(r);
    assert_int_equal(r->quorum.leaderless_beats, QUORUM_LEADERLESS_BEATS);
    done_with(p);
}

static void a_leader_in_between_ends_that(void **state)
{
    struct parts *p = serving();
    p->r.quorum.leaderless_beats = QUORUM_LEADERLESS_BEATS;
    tick(core);
    tick(core);
    quorum_follow(&p->r);
    assert_true(p->r.status.has_leader);
    assert_false(replica_refuses_writes(&p->r));
    done_with(p);
}

static void what_lasts_is_told_to_the_log(void **state)
{
    struct parts *p = serving();
    struct replica *r = &p->r;
    uint64_t began = replica_now_ms() - 4000;
    why_housekeeping(r, began);
    r->status.has_leader = false;
    why_housekeeping(r, began + 1000);
    why_housekeeping(r, began + 2999);
    assert_int_equal(r->why.said, WHY_SERVES);
    why_housekeeping(r, began + 3000);
    assert_int_equal(r->why.said, WHY_LEADER);
    r->status.has_leader = true;
    why_housekeeping(r, began + 3050);
    assert_int_equal(r->why.said, WHY_SERVES);
    done_with(p);
}

/* ---- Logs that do not fit ---- */

static void misfit(struct parts *p, enum paxos_misfit kind, uint64_t since_ms)
{
    p->r.status.peers[0].misfit = kind;
    p->r.status.peers[0].theirs = 3;
    p->r.status.peers[0].mine = 4;
    misfits_housekeeping(&p->r, since_ms);
}

static void a_proof_is_said_at_once(void **state)
{
    struct parts *p = serving();
    misfit(p, PAXOS_FORGOT, replica_now_ms());
    assert_true(p->r.misfits.peers[0].said);
    assert_why(p, WHY_SERVES, "node 8 has forgotten what it acknowledged (4 entries");
    misfit(p, PAXOS_LED_BEFORE, replica_now_ms());
    assert_why(p, WHY_SERVES, "node 8 was led by this node before");
    misfit(p, PAXOS_FITS, replica_now_ms());
    assert_serves(p);
    done_with(p);
}

static void what_is_no_proof_is_said_when_it_lasts(void **state)
{
    const enum paxos_misfit kinds[] = {PAXOS_BEYOND_MINE, PAXOS_BELOW_MINE, PAXOS_UNFIT};
    struct parts *p = serving();
    for (size_t i = 0; i < 3; i++) {
        misfit(p, kinds[i], replica_now_ms());
        assert_false(p->r.misfits.peers[0].said);
        assert_serves(p);
        misfit(p, PAXOS_FITS, 0);
        misfit(p, kinds[i], replica_now_ms() - 3000);
        misfit(p, kinds[i], replica_now_ms());
        assert_true(p->r.misfits.peers[0].said);
        assert_why(p, WHY_SERVES, "one of the two has lost data");
        p->r.status.has_leader = false; /* it is said with what follows from it */
        assert_why(p, WHY_LEADER, "; node 8 ");
        p->r.status.has_leader = true;
    }
    done_with(p);
}

static void a_claim_that_is_never_reached_is_said(void **state)
{
    struct parts *p = serving();
    struct divergence *d = &p->r.digests.divergence;
    const uint32_t pid = OTHER_NODE;
    divergence_init(d, &pid, 1);
    divergence_told(d, OTHER_NODE, (struct claim){9, 1});
    for (int i = 0; i < DIVERGENCE_UNREACHED_BEATS; i++) {
        misfit(p, PAXOS_FITS, replica_now_ms() - 3000);
        assert_serves(p);
        divergence_beat(d, true);
    }
    misfit(p, PAXOS_FITS, replica_now_ms() - 3000);
    assert_why(p, WHY_SERVES, "node 8 has applied 9 entries, and only 0 are decided here");
    done_with(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_has_its_reason),
        cmocka_unit_test(what_the_log_is_about_to_say_is_waited_for),
        cmocka_unit_test(reads_that_come_to_nothing_are_noticed),
        cmocka_unit_test(writes_that_come_to_nothing_are_noticed),
        cmocka_unit_test(without_a_leader_for_long_it_refuses),
        cmocka_unit_test(a_leader_in_between_ends_that),
        cmocka_unit_test(what_lasts_is_told_to_the_log),
        cmocka_unit_test(a_proof_is_said_at_once),
        cmocka_unit_test(what_is_no_proof_is_said_when_it_lasts),
        cmocka_unit_test(a_claim_that_is_never_reached_is_said),
    };
    return cmocka_run_group_tests_name("why", tests, NULL, NULL);
}
