/* The cluster's feature level and its members' addresses, as a node's replica proposes and follows
 * them: the links and the core are made of this. */
#include "replica_parts.h"

#include "base/trace.h"
#include "command/level.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST = 8, SECOND = 9 };

static struct {
    struct peer_levels levels[SECOND + 1]; /* the levels of a peer; max 0: it is not linked */
    uint32_t level;                        /* as the links were told last */
    struct peer_identity identity;         /* likewise */
    uint32_t identified;
} links;

bool peer_speaks(const struct peer *peer, uint32_t pid, struct peer_levels *levels)
{
    *levels = links.levels[pid];
    return levels->max > 0;
}

void peer_set_level(struct peer *peer, uint32_t level)
{
    links.level = level;
}

int peer_identify(struct peer *peer, const struct peer_identity *identity, struct fault *fault)
{
    links.identity = *identity;
    links.identified++;
    return 0;
}

void peer_send(struct peer *peer, const struct frame *frame)
{
}

static int begin(void **state)
{
    struct parts *p = parts_new();
    struct replica *r = &p->r;
    memset(&links, 0, sizeof links);
    strcpy(p->config.me.addr, "me:1");
    strcpy(p->config.me.peer_addr, "me:2");
    r->cluster.identity = (struct identity){.cluster = 5, .node = PARTS_ME};
    r->status.role = PAXOS_LEADER;
    r->cluster.count = 3;
    for (uint32_t i = 0; i < 3; i++) {
        r->cluster.members[i].pid = PARTS_ME + i;
        members_name(r, &r->cluster.members[i], "old:1", "old:1");
    }
    levels_begin(r);
    *state = p;
    return 0;
}

static int end(void **state)
{
    parts_free(*state);
    return 0;
}

/* Housekeeping, and then what it has proposed takes effect. Returns the type of the operation. */
static uint8_t keep_house(struct parts *p)
{
    parts_forget(p);
    levels_housekeeping(&p->r, replica_now_ms());
    writes_propose(&p->r);
    if (p->proposed_count == 0)
        return 0;
    struct command_view view;
    struct op op;
    bool repeated;
    struct bytes entry = bytes_of(p->proposed[0]->bytes, p->proposed[0]->len);
    assert_int_equal(p->proposed_count, 1);
    assert_int_equal(command_check(entry, &view), 0);
    assert_int_equal(command_next(&view, &op), 0);
    uint64_t sequence = view.stamp.sequence;
    struct command_result result = parts_apply(p, 0, &repeated);
    writes_complete(&p->r, sequence, &result);
    command_result_free(&result);
    return op.type;
}

static void all_speak(uint32_t level)
{
    links.levels[FIRST] = links.levels[SECOND] = (struct peer_levels){1, level};
}

static void the_level_rises_when_all_speak_it(void **state)
{
    struct parts *p = *state;
    assert_int_equal(keep_house(p), 0); /* no peer is linked */
    links.levels[FIRST] = (struct peer_levels){1, 2};
    assert_int_equal(keep_house(p), 0);
    links.levels[SECOND] = (struct peer_levels){1, 1};
    assert_int_equal(keep_house(p), 0);
    all_speak(2);
    p->r.status.role = PAXOS_FOLLOWER;
    assert_int_equal(keep_house(p), 0);
    p->r.status.role = PAXOS_LEADER;
    assert_int_equal(keep_house(p), OP_LEVEL);
    assert_int_equal(tree_cluster(p->store.tree)->level, 2);
    keep_house(p);
    assert_int_equal(links.level, 2);
}

/* Later versions are linked as well; this one proposes no more than it knows. */
static void the_level_rises_no_further_than_known(void **state)
{
    struct parts *p = *state;
    all_speak(LEVEL_MAX + 5);
    assert_int_equal(keep_house(p), OP_LEVEL);
    assert_int_equal(tree_cluster(p->store.tree)->level, LEVEL_MAX);
}

static struct attr root_of(struct parts *p)
{
    return fixture_getattr(&p->store, INO_ROOT);
}

/* Whoever leads: the root is the user's who runs the first node. */
static void a_new_cluster_gets_the_root_of_its_first_node(void **state)
{
    struct parts *p = *state;
    all_speak(LEVEL_MAX);
    p->r.status.role = PAXOS_LEADER;
    p->r.cluster.me = FIRST;
    links.levels[PARTS_ME] = links.levels[FIRST];
    assert_int_equal(keep_house(p), 0);
    p->r.cluster.me = PARTS_ME;
    p->r.status.role = PAXOS_FOLLOWER;
    fixture_must(&p->store, make_put("sooner", "1"));
    assert_int_equal(keep_house(p), OP_LEVEL);
    assert_int_equal(root_of(p).mode, S_IFDIR | 0755);
    assert_int_equal(root_of(p).uid, geteuid());
    assert_int_equal(root_of(p).gid, getegid());
}

/* The cluster's id says that the first version has founded it. */
static void the_root_of_a_former_cluster_stays(void **state)
{
    struct parts *p = *state;
    uint32_t me, pids[PAXOS_NODES_MAX - 1];
    config_cluster(&p->config, &p->r.cluster.identity.cluster, &me, pids);
    all_speak(LEVEL_MAX);
    p->r.status.role = PAXOS_FOLLOWER;
    assert_int_equal(keep_house(p), 0);
    p->r.status.role = PAXOS_LEADER;
    assert_int_equal(keep_house(p), OP_LEVEL);
    assert_int_equal(root_of(p).mode, S_IFDIR | 0777);
}

/* Nor is a cluster new that has had a higher level. */
static void the_root_of_an_older_cluster_stays(void **state)
{
    struct parts *p = *state;
    all_speak(4);
    assert_int_equal(keep_house(p), OP_LEVEL);
    keep_house(p);
    all_speak(LEVEL_MAX);
    assert_int_equal(keep_house(p), OP_LEVEL);
    assert_int_equal(tree_cluster(p->store.tree)->level, LEVEL_MAX);
    assert_int_equal(root_of(p).mode, S_IFDIR | 0777);
}

static void another_says(struct parts *p, uint32_t node, const char *addr)
{
    p->store.node = node;
    fixture_must(&p->store,
                 (struct op){.type = OP_MEMBER, .name = text(addr), .name2 = text(addr)});
}

static void a_node_says_where_it_is_once(void **state)
{
    struct parts *p = *state;
    all_speak(2);
    assert_int_equal(keep_house(p), OP_LEVEL);
    assert_int_equal(keep_house(p), OP_MEMBER);
    assert_int_equal(keep_house(p), 0);
    const struct tree_member *me = &tree_cluster(p->store.tree)->members[0];
    assert_int_equal(me->node, PARTS_ME);
    assert_string_equal(me->addr, "me:1");
    assert_string_equal(me->peer_addr, "me:2");
    strcpy(p->config.me.addr, "elsewhere:1");
    assert_int_equal(keep_house(p), OP_MEMBER);
    assert_int_equal(keep_house(p), 0);
}

/* There is no room for it. The log would fill up with what it refuses. */
static void what_the_log_refuses_is_not_proposed_at_once_again(void **state)
{
    struct parts *p = *state;
    all_speak(2);
    assert_int_equal(keep_house(p), OP_LEVEL);
    for (uint32_t i = 0; i < TREE_MEMBERS_MAX; i++)
        another_says(p, 100 + i, "x:1");
    assert_int_equal(keep_house(p), OP_MEMBER);
    for (int i = 0; i < 3; i++)
        assert_int_equal(keep_house(p), 0);
    p->r.levels.next_ms = 0;
    uint64_t pause_ms = p->r.levels.pause_ms;
    assert_int_equal(keep_house(p), OP_MEMBER);
    assert_int_equal(keep_house(p), 0);
    assert_true(p->r.levels.pause_ms > pause_ms);
}

static const char *dialled(uint32_t pid)
{
    for (uint32_t i = 0; i < links.identity.count; i++) {
        if (links.identity.members[i].pid == pid)
            return links.identity.members[i].peer_addr;
    }
    return NULL;
}

static void addresses_of_the_log_are_followed(void **state)
{
    struct parts *p = *state;
    another_says(p, FIRST, "new:1");
    keep_house(p);
    assert_string_equal(dialled(FIRST), "new:1");
    assert_string_equal(dialled(SECOND), "old:1");
    uint32_t identified = links.identified;
    keep_house(p);
    assert_int_equal(links.identified, identified); /* nothing is new */
}

/* A member said so when it connected; that another one has moved is no reason to go back. */
static void what_a_member_says_itself_is_newer(void **state)
{
    struct parts *p = *state;
    another_says(p, FIRST, "new:1");
    keep_house(p);
    members_name(&p->r, members_find(&p->r, FIRST), "newer:1", "newer:1");
    another_says(p, SECOND, "new:2");
    keep_house(p);
    assert_string_equal(dialled(FIRST), "newer:1");
    assert_string_equal(dialled(SECOND), "new:2");
}

/* Nobody can tell which of the three is which, or that one of them is a stranger. */
static void with_other_peers_than_members_nobody_has_a_name(void **state)
{
    struct parts *p = *state;
    struct replica *r = &p->r;
    static const char *const peers[] = {"a:1", "b:1", "zzz:1"};
    const uint32_t pids[] = {PARTS_ME, FIRST, SECOND};
    for (uint32_t i = 0; i < 3; i++) {
        strcpy(p->config.peers[i].addr, peers[i]);
        strcpy(p->config.peers[i].peer_addr, peers[i]);
    }
    p->config.peer_count = 3;
    members_from_config(r);
    struct paxos_membership membership = paxos_membership_of(pids, 3, PAXOS_MEMBER);
    struct fault fault = {0};
    assert_int_equal(members_begin(r, &membership, &fault), 0);
    assert_int_equal(r->cluster.count, 3);
    assert_string_equal(members_find(r, PARTS_ME)->addr, "me:1");
    assert_string_equal(members_find(r, FIRST)->addr, "");
    assert_string_equal(members_find(r, FIRST)->peer_addr, "a:1");
    assert_string_equal(members_find(r, SECOND)->peer_addr, "b:1");
    another_says(p, FIRST, "b:1");
    keep_house(p);
    assert_false(r->cluster.warned);
    another_says(p, SECOND, "a:1");
    keep_house(p);
    assert_true(r->cluster.warned);
    assert_string_equal(dialled(FIRST), "b:1");
    assert_string_equal(dialled(SECOND), "a:1");
}

static int outcome;

static void on_written(void *arg, enum replica_outcome is, const struct command_result *result)
{
    outcome = is;
}

static void what_a_member_does_not_read_is_refused(void **state)
{
    struct parts *p = *state;
    struct command command = {0};
    char why[REPLICA_TEXT_MAX];
    links.levels[FIRST] = (struct peer_levels){1, 2};
    links.levels[SECOND] = (struct peer_levels){1, 1};
    struct op op = {.type = OP_MEMBER, .name = text("a:1"), .name2 = text("a:1")};
    assert_int_equal(command_add(&command, &op), 0);
    replica_submit(&p->r, &command, on_written, NULL);
    assert_int_equal(outcome, REPLICA_UNSUPPORTED);
    assert_int_equal(p->r.writes.count, 0);
    replica_unsupported(&p->r, why);
    assert_non_null(strstr(why, "node 9 (old:1) runs an earlier version"));
    links.levels[SECOND] = (struct peer_levels){0};
    replica_unsupported(&p->r, why);
    assert_non_null(strstr(why, "node 9 (old:1) is not reached"));
}

static void submit_later_one(struct parts *p)
{
    struct command command = {0};
    struct op op = {.type = OP_MEMBER, .name = text("a:1"), .name2 = text("a:1")};
    assert_int_equal(command_add(&command, &op), 0);
    outcome = -1;
    replica_submit(&p->r, &command, on_written, NULL);
}

/* The last node of a cluster was upgraded, and nobody has decided the level yet. */
static void a_command_waits_for_a_level_that_rises(void **state)
{
    struct parts *p = *state;
    all_speak(2);
    assert_false(p->r.held.count > 0);
    submit_later_one(p);
    held_release(&p->r, replica_now_ms());
    assert_int_equal(outcome, -1);
    assert_int_equal(p->r.held.count, 1);
    assert_int_equal(keep_house(p), OP_LEVEL);
    parts_forget(p);
    held_release(&p->r, replica_now_ms());
    writes_propose(&p->r);
    assert_int_equal(p->r.held.count, 0);
    assert_int_equal(p->proposed_count, 1);
    bool repeated;
    uint64_t sequence = parts_stamp(p, 0).sequence;
    struct command_result result = parts_apply(p, 0, &repeated);
    writes_complete(&p->r, sequence, &result);
    command_result_free(&result);
    assert_int_equal(outcome, REPLICA_DONE);
}

static void what_waits_for_a_level_is_answered(void **state)
{
    struct parts *p = *state;
    all_speak(2);
    submit_later_one(p);
    held_release(&p->r, replica_now_ms() + 6000);
    assert_int_equal(outcome, REPLICA_UNSUPPORTED);
    submit_later_one(p);
    links.levels[FIRST] = (struct peer_levels){1, 1}; /* it has come back as an earlier version */
    held_release(&p->r, replica_now_ms());
    assert_int_equal(outcome, REPLICA_UNSUPPORTED);
    all_speak(2);
    submit_later_one(p);
    p->r.end.stopping = true;
    held_release(&p->r, replica_now_ms());
    assert_int_equal(outcome, REPLICA_STOPPING);
    submit_later_one(p);
    assert_int_equal(outcome, REPLICA_STOPPING);
    assert_int_equal(p->r.held.count, 0);
}

static void a_proposal_of_a_later_version_is_dropped(void **state)
{
    struct parts *p = *state;
    struct op known = make_put("k", "v"), later = {.type = OP_LEVEL, .size = LEVEL_MAX + 1};
    const struct op *ops[] = {&known, &later};
    struct paxos_entry *entries[2];
    for (int i = 0; i < 2; i++) {
        struct buffer bytes = fixture_entry(&p->store, ops[i], 1);
        entries[i] = paxos_entry_new(bytes.data, (uint32_t)bytes.len);
        buffer_free(&bytes);
    }
    struct paxos_message m = {.from = FIRST, .entries = entries, .entry_count = 1};
    assert_true(levels_readable(&m));
    m.entry_count = 2;
    assert_false(levels_readable(&m));
    for (int i = 0; i < 2; i++)
        paxos_entry_unref(entries[i]);
}

#define LEVELS_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEVELS_TEST(the_level_rises_when_all_speak_it),
        LEVELS_TEST(the_level_rises_no_further_than_known),
        LEVELS_TEST(a_new_cluster_gets_the_root_of_its_first_node),
        LEVELS_TEST(the_root_of_a_former_cluster_stays),
        LEVELS_TEST(the_root_of_an_older_cluster_stays),
        LEVELS_TEST(a_node_says_where_it_is_once),
        LEVELS_TEST(what_the_log_refuses_is_not_proposed_at_once_again),
        LEVELS_TEST(addresses_of_the_log_are_followed),
        LEVELS_TEST(what_a_member_says_itself_is_newer),
        LEVELS_TEST(with_other_peers_than_members_nobody_has_a_name),
        LEVELS_TEST(what_a_member_does_not_read_is_refused),
        LEVELS_TEST(a_command_waits_for_a_level_that_rises),
        LEVELS_TEST(what_waits_for_a_level_is_answered),
        LEVELS_TEST(a_proposal_of_a_later_version_is_dropped),
    };
    trace_level = TRACE_ERROR;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
