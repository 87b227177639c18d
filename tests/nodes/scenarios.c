/* Histories that were thought of: each makes its situation happen, and says which it has to meet.
 */
#include "faults.h"
#include "judge.h"

#include <assert.h>
#include <stdio.h>

enum {
    STEP_US = 5 * NODES_MS,
    LONG_US = 60000 * NODES_MS, /* a situation must come about in that time */
    SESSION_MS = 1500,
    LINKS = 1100, /* more names than a change of contents is told by */
};

static const uint64_t SESSION_US = SESSION_MS * NODES_MS;

static struct options usual(void)
{
    return (struct options){.nodes = 3,
                            .session_ms = SESSION_MS,
                            .heartbeat_ms = 100,
                            .delay_max = 2000,
                            .disk_max = 2000};
}

static bool leads(struct world *w, const struct node *n)
{
    return world_leader(w) == n;
}

/* Some program that has a lock for which others wait at other nodes. */
static struct program *contended(struct world *w, bool at_the_leader)
{
    struct programs *all = w->programs;
    for (uint32_t i = 0; i < all->count; i++) {
        struct program *p = &all->programs[i];
        if (p->kind != SETTER || !p->holds || p->lost || leads(w, p->node) != at_the_leader)
            continue;
        for (uint32_t k = 0; k < all->count; k++) {
            const struct program *q = &all->programs[k];
            if (q->kind == SETTER && q->waits && q->place == p->place && q->node != p->node)
                return p;
        }
    }
    return NULL;
}

static struct program *until_contended(struct world *w, bool at_the_leader)
{
    struct program *p = NULL;
    for (uint64_t passed = 0; !(p = contended(w, at_the_leader)); passed += STEP_US) {
        world_check(w, passed < LONG_US, "no lock is contended");
        world_run(w, STEP_US);
    }
    return p;
}

static void until_met(struct world *w, enum situation situation)
{
    uint64_t before = w->situations[situation];
    for (uint64_t passed = 0; w->situations[situation] == before; passed += STEP_US) {
        world_check(w, passed < LONG_US, "it does not come about: %s", situation_text(situation));
        world_run(w, STEP_US);
    }
}

static uint64_t refused(const struct world *w)
{
    return w->situations[MET_SET_REFUSED] + w->situations[MET_SET_FENCED];
}

/* A holder does not always wake in order to change something. */
static void until_refused(struct world *w, void (*attempt)(struct world *w))
{
    for (uint64_t before = refused(w); refused(w) == before; attempt(w))
        world_check(w, w->now < 3 * LONG_US, "no late change is refused");
}

/* ---- Holders that sleep ---- */

/* The program stands still for three sessions, and its node is cut off for two. */
static void sleep_cut_off(struct world *w)
{
    struct program *p = until_contended(w, false);
    program_stop(p, 3 * SESSION_US);
    links_isolate(w, p->node->index);
    until_met(w, MET_LOCK_FROM_DEAD);
    world_run(w, SESSION_US / 2);
    links_mend(w);
    world_run(w, 3 * SESSION_US);
}

static void a_holder_sleeps_and_is_cut_off(struct world *w)
{
    until_refused(w, sleep_cut_off);
}

/* ... and its node with it: it has heard of nothing when the change comes, so the fence decides. */
static void a_holder_sleeps_with_its_node(struct world *w)
{
    for (uint64_t before = w->situations[MET_SET_FENCED];
         w->situations[MET_SET_FENCED] == before;) {
        struct program *p = until_contended(w, false);
        node_stop(p->node, 3 * SESSION_US);
        program_stop(p, 3 * SESSION_US - 1);
        until_met(w, MET_LOCK_FROM_DEAD);
        world_run(w, 3 * SESSION_US);
        world_check(w, w->now < 3 * LONG_US, "no late change is fenced");
    }
}

static void sleep_at_the_leader(struct world *w)
{
    struct program *p = until_contended(w, true);
    node_stop(p->node, 3 * SESSION_US);
    program_stop(p, 3 * SESSION_US - 1);
    until_met(w, MET_LEADER_NEW);
    until_met(w, MET_LOCK_FROM_DEAD);
    world_run(w, 3 * SESSION_US);
}

static void a_holder_sleeps_at_the_leader(struct world *w)
{
    until_refused(w, sleep_at_the_leader);
}

static void a_node_that_is_back_in_time_keeps_its_lock(struct world *w)
{
    struct program *p = until_contended(w, false);
    uint64_t session = p->session;
    program_stop(p, SESSION_US / 2 + 50 * NODES_MS);
    node_stop(p->node, SESSION_US / 2);
    world_run(w, SESSION_US / 2 + 20 * NODES_MS);
    world_check(w, p->holds && !p->lost && p->session == session, "it has lost its lock");
    world_check(w, !judge_is_free(w, p->node->pid), "its session has ended");
    until_met(w, MET_SET_CHANGED);
}

static bool is_ending(struct world *w, const struct node *of)
{
    const struct node *leader = world_leader(w);
    const struct replica *r = leader ? leader->replica : NULL;
    for (uint32_t i = 0; r && i < r->cluster.count; i++)
        if (r->cluster.members[i].pid == of->pid)
            return r->sessions.of_members[i].ending;
    return false;
}

/* Its session is about to end, and the entry waits for the disks: it must not begin to believe. */
static void a_holder_is_heard_while_its_session_ends(struct world *w)
{
    struct program *p = until_contended(w, false);
    struct node *n = p->node;
    program_stop(p, 2 * SESSION_US);
    links_isolate(w, n->index);
    for (uint64_t passed = 0; !is_ending(w, n); passed += NODES_MS) {
        world_check(w, passed < 2 * SESSION_US, "its session does not end");
        world_run(w, NODES_MS);
    }
    for (uint32_t i = 0; i < w->options.nodes; i++)
        w->nodes[i].disk.stuck_until = w->now + SESSION_US / 3;
    links_mend(w);
    until_met(w, MET_SESSION_ENDED);
}

/* Each new leader counts from its election, but one of them ends the session. */
static void leaders_change_while_a_holder_is_dead(struct world *w)
{
    struct program *p = until_contended(w, false);
    uint32_t dead = p->node->pid;
    node_kill(p->node);
    for (int i = 0; i < 3; i++) {
        world_run(w, SESSION_US / 2);
        struct node *leader = world_leader(w);
        if (leader)
            node_stop(leader, SESSION_US / 2);
    }
    for (uint64_t passed = 0; !judge_is_free(w, dead); passed += STEP_US) {
        world_check(w, passed < 4 * SESSION_US, "the session of a dead node does not end");
        world_run(w, STEP_US);
    }
    node_start(node_of(w, dead));
}

static void a_holder_starts_again_at_once(struct world *w)
{
    struct program *p = until_contended(w, false);
    struct node *n = p->node;
    node_kill(n);
    node_start(n);
    until_met(w, MET_SESSION_RESTARTED);
    until_met(w, MET_SET_CHANGED);
}

/* ---- Links ---- */

/* The holder hears the leader, which does not hear it: it must stop believing. */
static void sleep_unheard(struct world *w)
{
    struct program *p = until_contended(w, false);
    program_stop(p, 3 * SESSION_US);
    for (uint32_t i = 0; i < w->options.nodes; i++)
        links_cut(w, p->node->index, i, true);
    until_met(w, MET_LOCK_FROM_DEAD);
    links_mend(w);
    world_run(w, 3 * SESSION_US);
}

static void the_leader_does_not_hear_a_holder(struct world *w)
{
    until_refused(w, sleep_unheard);
}

/* A node that reaches the leader by way of another one is alive. */
static void a_holder_is_heard_by_way_of_another_node(struct world *w)
{
    struct program *p = until_contended(w, false);
    uint64_t before = w->situations[MET_SESSION_ENDED], session = p->session;
    uint32_t leader = world_leader(w)->index;
    links_cut(w, p->node->index, leader, true);
    links_cut(w, leader, p->node->index, true);
    program_stop(p, 3 * SESSION_US);
    world_run(w, 2 * SESSION_US);
    world_check(w, w->situations[MET_SESSION_ENDED] == before && p->session == session,
                "a session ends, of a node that is heard");
    links_mend(w);
}

/* ---- Clocks and disks ---- */

static void wall_clocks_end_nothing(struct world *w)
{
    uint64_t before = w->situations[MET_SESSION_ENDED];
    for (int i = 0; i < 20; i++) {
        w->nodes[i % 3].wall_ns = (i % 2 ? 1 : -1) * INT64_C(100000000000000);
        world_run(w, SESSION_US / 4);
    }
    world_check(w, w->situations[MET_SESSION_ENDED] == before, "a session ends by a wall clock");
    until_met(w, MET_TTL_EXPIRED);
}

/* Its node takes no part any more, although it says so: its lock goes to the next. */
static void a_holder_has_a_full_disk(struct world *w)
{
    struct program *p = until_contended(w, false);
    disk_full(p->node, true);
    until_met(w, MET_LOCK_FROM_DEAD);
    until_met(w, MET_SET_CHANGED);
    disk_full(p->node, false);
    world_run(w, 2 * SESSION_US);
}

/* ---- Watches ---- */

/* A node misses what the others do not keep. */
static void watchers_follow_over_a_snapshot(struct world *w)
{
    struct node *behind = &w->nodes[world_leader(w) == &w->nodes[0]];
    uint64_t before = w->situations[MET_SNAPSHOT];
    for (int tries = 0; w->situations[MET_SNAPSHOT] == before; tries++) {
        world_check(w, tries < 20, "no snapshot is needed");
        links_isolate(w, behind->index);
        world_run(w, 7000 * NODES_MS); /* longer than checkpoints are apart */
        for (uint32_t i = 0; i < w->options.nodes; i++)
            if (&w->nodes[i] != behind)
                node_trim(&w->nodes[i]);
        links_mend(w);
        world_run(w, SESSION_US);
    }
    until_met(w, MET_WATCH_TOLD);
}

static void on_made(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
    bool *made = arg;
    *made = outcome == REPLICA_DONE && result->status == 0;
}

static void make_links(struct world *w, struct node *n, void *arg)
{
    struct command command = {0};
    struct attr attr;
    char name[16];
    int status = tree_resolve(n->replica->tree, bytes_of_text("locks/0"), &attr);
    for (int i = 0; i < LINKS && status == 0; i++) {
        snprintf(name, sizeof name, "link%d", i);
        status = command_add(&command, &(struct op){.type = OP_LINK,
                                                    .ino = INO_ROOT,
                                                    .name = bytes_of_text(name),
                                                    .ino2 = attr.ino});
    }
    if (status == 0)
        status = command_add(
            &command, &(struct op){.type = OP_WRITE, .ino = attr.ino, .data = bytes_of_text("x")});
    assert(status == 0);
    replica_submit(n->replica, &command, on_made, arg);
}

/* A change of a file with too many names is told as lost, once and to everybody. */
static void a_loss_is_announced(struct world *w)
{
    static bool made;
    world_at(w, &w->nodes[0], 1, make_links, &made);
    until_met(w, MET_WATCH_LOST);
    world_check(w, made, "the links are not made");
    until_met(w, MET_WATCH_TOLD);
}

/* ---- */

enum { USUAL = 0, SILENT = 1, RELAY = 2, DRIFT = 4 };

static const struct {
    const char *name;
    void (*run)(struct world *w);
    unsigned how;
} all[] = {
    {"a-holder-sleeps-and-is-cut-off", a_holder_sleeps_and_is_cut_off, SILENT},
    {"a-holder-sleeps-with-its-node", a_holder_sleeps_with_its_node, USUAL},
    {"a-holder-sleeps-at-the-leader", a_holder_sleeps_at_the_leader, DRIFT},
    {"a-node-that-is-back-in-time-keeps-its-lock", a_node_that_is_back_in_time_keeps_its_lock,
     USUAL},
    {"a-holder-is-heard-while-its-session-ends", a_holder_is_heard_while_its_session_ends, USUAL},
    {"leaders-change-while-a-holder-is-dead", leaders_change_while_a_holder_is_dead, DRIFT},
    {"a-holder-starts-again-at-once", a_holder_starts_again_at_once, USUAL},
    {"the-leader-does-not-hear-a-holder", the_leader_does_not_hear_a_holder, SILENT},
    {"a-holder-is-heard-by-way-of-another-node", a_holder_is_heard_by_way_of_another_node, RELAY},
    {"wall-clocks-end-nothing", wall_clocks_end_nothing, DRIFT},
    {"a-holder-has-a-full-disk", a_holder_has_a_full_disk, USUAL},
    {"watchers-follow-over-a-snapshot", watchers_follow_over_a_snapshot, USUAL},
    {"a-loss-is-announced", a_loss_is_announced, USUAL},
};

uint32_t scenarios_count(void)
{
    return sizeof all / sizeof *all;
}

const char *scenarios_name(uint32_t number)
{
    return all[number].name;
}

void scenarios_run(uint32_t number, uint64_t seed, struct figures *figures)
{
    struct options options = usual();
    options.silent_cuts = all[number].how & SILENT;
    options.relay = all[number].how & RELAY;
    options.clocks_differ = all[number].how & DRIFT;
    struct world *w = world_new(all[number].name, seed, &options);
    programs_begin(w, SETTERS_MAX, KEEPERS_MAX, WATCHERS_MAX);
    all[number].run(w);
    history_finish(w, figures);
}
