/* Messages that are lost, come twice, or come late. Nodes are called A, B, C, ... */
#include "situation.h"

#include <string.h>

static void one_accept_decide_lost(const char *name, uint64_t seed)
{
    struct sim_world *w = sim_settled(name, seed, sim_usual, B);
    sim_watch_for(w, PAXOS_ACCEPT_DECIDE, B, 1, SIM_GETS_LOST);
    sim_expect_progress(w, B);
    sim_expect_progress(w, B);
    sim_check(w, sim_status(w, A).accepted == sim_status(w, C).accepted,
              "the gap was not repaired");
    sim_finish(w);
}

/* The last message is lost, and nothing follows it. With two nodes every one counts. */
static void tail_lost(const char *name, uint64_t seed)
{
    const uint8_t types[] = {PAXOS_ACCEPT_DECIDE, PAXOS_DECIDE, PAXOS_ACCEPTED};
    struct sim_options o = sim_usual;
    for (size_t t = 0; t < sizeof types; t++) {
        for (o.nodes = 2; o.nodes <= 3; o.nodes++) {
            struct sim_world *w = sim_settled(name, seed, o, B);
            sim_watch_for(w, types[t], SIM_NOBODY, 1, SIM_GETS_LOST);
            sim_propose(w, &w->nodes[B], 1);
            sim_run(w, 6 * SIM_TICK);
            sim_check(w, sim_watched.seen, "nothing was lost");
            for (uint32_t i = 0; i < o.nodes; i++)
                sim_check(w,
                          w->nodes[i].requests.write_count == 0 &&
                              w->nodes[i].tree.now.applied == w->checker.emitted,
                          "node %u lacks the tail", w->nodes[i].pid);
            sim_finish(w);
        }
    }
}

static void messages_flap(struct sim_world *w, uint32_t a, uint32_t b)
{
    sim_cut_both(w, a, b, true);
    sim_run(w, SIM_TICK / 10);
    sim_cut_both(w, a, b, false);
}

/* Of the same ballot, and shorter than what was acknowledged meanwhile. */
static void accept_sync_delayed(const char *name, uint64_t seed)
{
    struct sim_world *w = sim_settled(name, seed, sim_usual, B);
    sim_watch_for(w, PAXOS_ACCEPT_SYNC, B, 1, SIM_IS_HELD);
    messages_flap(w, A, B);
    sim_run_until_seen(w, 2 * SIM_TICK);
    sim_run(w, 10 * SIM_TICK);
    sim_check(w, sim_status(w, A).phase == PAXOS_PHASE_ACCEPT, "A was not prepared again");
    sim_expect_progress(w, B);
    uint64_t durable = sim_status(w, A).durable;
    sim_let_go(w);
    sim_run(w, SIM_TICK / 10);
    sim_check(w, sim_status(w, A).durable == durable, "acknowledged entries are gone");
    sim_check(w, sim_status(w, A).phase == PAXOS_PHASE_ACCEPT, "A follows an old AcceptSync");
    sim_finish(w);
}

static struct paxos_message kept[2]; /* copies of a Prepare and of its AcceptSync */

static bool keep_sync(struct sim_world *w, struct paxos_message *m)
{
    if (m->type == PAXOS_PREPARE || m->type == PAXOS_ACCEPT_SYNC) {
        struct paxos_message *place = &kept[m->type == PAXOS_ACCEPT_SYNC];
        paxos_message_clear(place);
        *place = sim_copy_message(m);
    }
    return false;
}

/* A hears neither what is decided nor anything in order. */
static bool keep_in_the_dark(struct sim_world *w, struct paxos_message *m)
{
    return m->type == PAXOS_DECIDE || m->type == PAXOS_LEADER_BEAT;
}

static bool lose_prepares(struct sim_world *w, struct paxos_message *m)
{
    return m->type == PAXOS_PREPARE;
}

/* A restarted node cannot know that it has followed them already. */
static void accept_sync_of_an_earlier_life(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.silent_links = true;
    struct sim_world *w = sim_settled(name, seed, o, B);
    w->drop = keep_sync;
    sim_crash(w, &w->nodes[A]);
    sim_start(w, &w->nodes[A]);
    sim_run(w, 2 * SIM_TICK);
    w->drop = keep_in_the_dark;
    sim_propose(w, &w->nodes[B], 5);
    sim_run(w, SIM_TICK / 10);
    uint64_t durable = sim_status(w, A).durable;
    sim_check(w, durable == kept[1].accepted + 5, "A has not accepted");
    sim_crash(w, &w->nodes[A]);
    sim_start(w, &w->nodes[A]);
    w->drop = lose_prepares;
    sim_send_late(w, &kept[0], 1);
    sim_send_late(w, &kept[1], SIM_TICK / 10);
    sim_run(w, SIM_TICK / 2);
    sim_check(w, sim_status(w, A).durable == durable, "acknowledged entries are gone");
    sim_finish(w);
}

static uint64_t syncs; /* AcceptSyncs that were sent */

/* Messages that ask for another sync come again and again. */
static bool repeat(struct sim_world *w, struct paxos_message *m)
{
    syncs += m->type == PAXOS_ACCEPT_SYNC;
    if (m->type != PAXOS_PROMISE && m->type != PAXOS_PREPARE_REQ)
        return false;
    for (uint64_t times = 1; times <= 3; times++) {
        struct paxos_message copy = sim_copy_message(m);
        sim_send_late(w, &copy, times * SIM_TICK / 3);
    }
    return false;
}

static void duplicated_promise_and_prepare_req(const char *name, uint64_t seed)
{
    struct sim_world *w = sim_settled(name, seed, sim_usual, B);
    syncs = 0;
    w->drop = repeat;
    messages_flap(w, A, B);
    sim_run(w, 20 * SIM_TICK);
    /* One for each PrepareReq that A has sent and each of its copies, and none for Promises. */
    sim_check(w, syncs >= 1 && syncs <= 8, "%lu syncs", syncs);
    sim_check(w, sim_status(w, A).phase == PAXOS_PHASE_ACCEPT, "A starves");
    w->drop = NULL;
    sim_expect_progress(w, A);
    sim_finish(w);
}

/* Of what the leader decides, only E hears. */
static bool tell_only_e(struct sim_world *w, struct paxos_message *m)
{
    bool tells = m->type == PAXOS_DECIDE || m->type == PAXOS_LEADER_BEAT;
    return tells && m->to != w->nodes[E].pid;
}

static void late_promise_that_decided_more(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.nodes = 5;
    o.priorities[A] = 1;
    struct sim_world *w = sim_settled(name, seed, o, B);
    w->drop = tell_only_e;
    sim_propose(w, &w->nodes[B], 5);
    sim_run(w, SIM_TICK / 2);
    sim_check(w, sim_status(w, E).decided > sim_status(w, A).decided, "E knows no more");
    sim_crash(w, &w->nodes[B]);
    sim_watch_for(w, PAXOS_PROMISE, E, 1, SIM_IS_HELD);
    sim_expect_leader(w, A, ELECTION);
    sim_check(w, sim_watched.held.decided > 0, "E has not promised");
    sim_let_go(w);
    sim_expect_progress(w, A);
    sim_expect_progress(w, E);
    sim_finish(w);
}

static struct {
    uint64_t begin; /* of what is sent in part */
    bool full[5];   /* nodes that have their share, and hear no more of it */
} shares;

/* In one round: A gets 2 entries, C gets 5, D all of them, E nothing. */
static bool send_in_part(struct sim_world *w, struct paxos_message *m)
{
    const uint64_t share[] = {2, UINT64_MAX, 5, UINT64_MAX, 0};
    uint32_t to = sim_node_of(w, m->to)->index;
    if (m->type == PAXOS_ACCEPT_DECIDE && m->first - shares.begin >= share[to])
        shares.full[to] = true;
    return shares.full[to] && m->from == w->nodes[B].pid;
}

/* C's log is the longest of the promises with which A begins; D's is longer, and comes late; E
 * joins when all is done. */
static void equal_rounds(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.nodes = 5;
    o.priorities[A] = 1;
    struct sim_world *w = sim_settled(name, seed, o, B);
    memset(&shares, 0, sizeof shares);
    shares.begin = sim_status(w, B).accepted;
    w->drop = send_in_part;
    for (uint32_t i = 0; i < 8; i++) {
        sim_propose(w, &w->nodes[B], 1);
        sim_run(w, SIM_TICK / 50);
    }
    sim_check(w, sim_status(w, A).accepted == shares.begin + 2, "A has another share");
    sim_check(w, sim_status(w, C).accepted == shares.begin + 5, "C has another share");
    sim_check(w, sim_status(w, D).accepted == shares.begin + 8, "D has another share");
    sim_crash(w, &w->nodes[B]);
    sim_crash(w, &w->nodes[E]);
    sim_watch_for(w, PAXOS_PROMISE, D, 1, SIM_IS_HELD);
    sim_run(w, ELECTION);
    /* Two of five do not lead: the resent Promise of D was needed, or C's and D's. */
    sim_let_go(w);
    sim_run(w, 2 * SIM_TICK);
    sim_start(w, &w->nodes[E]);
    sim_run(w, ELECTION);
    sim_check(w, sim_leader(w) != SIM_NOBODY, "no leader");
    sim_expect_progress(w, E);
    sim_finish(w);
}

/* Forwards come late, in any order, and again. */
static bool shuffle_forwards(struct sim_world *w, struct paxos_message *m)
{
    if (m->type != PAXOS_PROPOSAL_FORWARD)
        return false;
    for (uint64_t times = 1 + sim_below(&w->random, 3); times > 0; times--) {
        struct paxos_message copy = sim_copy_message(m);
        sim_send_late(w, &copy, 1 + sim_below(&w->random, 5 * SIM_TICK));
    }
    return true;
}

static void retries_with_reordered_forwards(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.clients = 12;
    o.think_max = SIM_TICK / 5;
    o.patience = 4 * SIM_TICK;
    o.repeats = 700;
    struct sim_world *w = sim_world_new(name, seed, &o);
    sim_run(w, 10 * SIM_TICK);
    w->drop = shuffle_forwards;
    for (uint32_t i = 0; i < 10; i++) {
        uint32_t leader = sim_leader(w);
        sim_check(w, leader != SIM_NOBODY, "no leader");
        sim_run(w, 4 * SIM_TICK);
        sim_crash(w, &w->nodes[leader]);
        sim_run(w, 8 * SIM_TICK);
        sim_start(w, &w->nodes[leader]);
        sim_run(w, 4 * SIM_TICK);
    }
    w->clients_stop = true;
    sim_finish(w);
}

const struct sim_scenario sim_messages[] = {
    {"one-accept-decide-lost", one_accept_decide_lost},
    {"tail-lost-then-idle", tail_lost},
    {"accept-sync-delayed-across-a-re-prepare", accept_sync_delayed},
    {"accept-sync-of-an-earlier-life", accept_sync_of_an_earlier_life},
    {"duplicated-promise-and-prepare-req", duplicated_promise_and_prepare_req},
    {"late-promise-of-a-follower-that-decided-more", late_promise_that_decided_more},
    {"equal-rounds-with-longer-and-shorter-logs-and-a-late-joiner", equal_rounds},
    {"retries-with-reordered-forwards", retries_with_reordered_forwards},
    {0},
};
