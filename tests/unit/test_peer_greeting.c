/* The greetings of nodes that connect, and their effects. */
#include "peer_cluster.h"

#include "peer/link.h"

static void name(struct peer_config *config, uint32_t pid)
{
    snprintf(config->self.addr, sizeof config->self.addr, "127.0.0.%u:1", pid);
    snprintf(config->self.peer_addr, sizeof config->self.peer_addr, "127.0.0.1:%u",
             gates[3 - pid][pid].port);
}

/* One of two nodes, of which each knows the other by its name. */
static struct peer_config named(uint32_t pid, enum peer_standing standing)
{
    struct peer_config config = config_of(pid, 2);
    name(&config, pid);
    config.identity.standing = standing;
    return config;
}

static void a_new_node_is_told_who_it_is(void **state)
{
    struct peer_config member = named(1, PEER_MEMBER), new = named(2, PEER_NEW);
    node_start_as(1, &member);
    node_start_as(2, &new);
    wait_for(nodes[2].greetings > 0);
    const struct peer_greeting *greeting = &nodes[2].greeting;
    assert_int_equal(greeting->standing, PEER_MEMBER);
    assert_int_equal(greeting->dialler.pid, 1);
    assert_int_equal(greeting->to, 2);
    assert_true(greeting->scope.cluster == cluster_id);
    assert_int_equal(greeting->levels.min, 1);
    assert_int_equal(greeting->levels.max, 2);
    assert_int_equal(greeting->count, 2);
    assert_int_equal(greeting->members[1].pid, 2);
    assert_string_equal(greeting->members[1].addr, "127.0.0.2:1");
    assert_int_equal(nodes[2].linked, 0);

    struct peer_config known = named(2, PEER_MEMBER);
    struct fault fault;
    assert_int_equal(peer_identify(nodes[2].peer, &known.identity, &fault), 0);
    wait_for(nodes[1].linked == 4 && nodes[2].linked == 2);
    struct peer_levels levels;
    assert_int_equal(nodes[1].moved, 0);
    assert_true(peer_speaks(nodes[1].peer, 2, &levels));
    assert_int_equal(levels.max, 2);
    assert_false(peer_speaks(nodes[1].peer, 3, &levels));
}

static void take_longest(char addr[PEER_ADDR_MAX])
{
    memset(addr, 'x', PEER_ADDR_MAX);
    strcpy(addr + PEER_ADDR_MAX - 3, ":1");
}

/* Node 1 with the other of the pair and seven more; addresses are as long as they may be. */
static struct peer_config one_of_nine(void)
{
    struct peer_config config = named(1, PEER_MEMBER);
    take_longest(config.self.addr);
    take_longest(config.self.peer_addr);
    while (config.identity.count < PAXOS_NODES_MAX - 1) {
        struct peer_member *member = &config.identity.members[config.identity.count++];
        member->pid = config.identity.count + 1;
        take_longest(member->addr);
        take_longest(member->peer_addr);
    }
    return config;
}

static void a_new_node_is_told_of_nine_members(void **state)
{
    struct peer_config member = one_of_nine(), new = named(2, PEER_NEW);
    node_start_as(1, &member);
    node_start_as(2, &new);
    wait_for(nodes[2].greetings > 0);
    const struct peer_greeting *greeting = &nodes[2].greeting;
    assert_int_equal(greeting->count, 9);
    assert_int_equal(greeting->members[8].pid, 9);
    assert_string_equal(greeting->members[8].addr, member.identity.members[7].addr);
}

/* A node that took some of the members for all of them would have quorums of the wrong size. */
static void a_new_node_is_told_of_all_members_or_none(void **state)
{
    struct peer_config member = one_of_nine(), new = named(2, PEER_NEW);
    member.identity.members[4].addr[0] = '\0';
    node_start_as(1, &member);
    node_start_as(2, &new);
    wait_for(nodes[2].greetings > 0);
    assert_int_equal(nodes[2].greeting.standing, PEER_MEMBER);
    assert_int_equal(nodes[2].greeting.count, 0);
}

/* Its provisional ids may be those of a node of the cluster. */
static void a_new_node_is_not_let_in(void **state)
{
    struct peer_config member = named(1, PEER_MEMBER), new = named(2, PEER_NEW);
    node_start_as(1, &member);
    node_start_as(2, &new);
    uint64_t began = uv_now(&loop);
    wait_for(uv_now(&loop) - began > 300); /* several attempts */
    send_ping(2, 1);
    wait_for(dropped(2) > 0);
    assert_int_equal(nodes[1].linked, 0);
}

/* The member has long tried in vain to reach it, and would try again only after seconds. */
static void a_new_node_is_called_at_once(void **state)
{
    struct peer_config member = named(1, PEER_MEMBER), new = named(2, PEER_NEW);
    node_start_as(1, &member); /* node 2 hangs up */
    uint64_t began = uv_now(&loop);
    wait_for(uv_now(&loop) - began > 6 * PEER_BACKOFF_MS_MAX / 2);
    began = uv_now(&loop);
    node_start_as(2, &new);
    wait_for(nodes[2].greetings > 0);
    assert_true(uv_now(&loop) - began < PEER_BACKOFF_MS_MAX / 4);
}

static void two_new_nodes_hear_each_other(void **state)
{
    struct peer_config first = named(1, PEER_NEW), second = named(2, PEER_NEW);
    node_start_as(1, &first);
    node_start_as(2, &second);
    wait_for(nodes[1].greetings > 0 && nodes[2].greetings > 0);
    assert_int_equal(nodes[1].greeting.standing, PEER_NEW);
    assert_string_equal(nodes[1].greeting.dialler.addr, "127.0.0.2:1");
    assert_int_equal(nodes[1].greeting.count, 0);
    assert_int_equal(nodes[1].linked, 0);
}

/* Node 2 listens behind another gate than the one that node 1 knows. */
static void a_member_that_has_moved_is_dialled_there(void **state)
{
    struct peer_config first = named(1, PEER_MEMBER), moved = named(2, PEER_MEMBER);
    uint16_t port = gates[1][2].port;
    snprintf(moved.self.peer_addr, sizeof moved.self.peer_addr, "127.0.0.1:%u", gates[3][2].port);
    gate_cut(&gates[1][2]);
    node_start_as(1, &first);
    node_start_as(2, &moved);
    wait_for(nodes[1].linked == 4 && nodes[2].linked == 2);
    assert_int_not_equal(port, gates[3][2].port);
    assert_int_equal(nodes[1].moved, 2);
}

/* Each says in which start it runs, and the last one of the other that it has heard of. */
static void members_tell_each_other_of_their_starts(void **state)
{
    const struct start first = {UINT64_MAX, 0}, second = {7, UINT64_MAX}, seen = {6, 1};
    struct peer_config one = named(1, PEER_MEMBER), two = named(2, PEER_MEMBER);
    one.identity.start = first;
    one.identity.members[0].seen = seen;
    two.identity.start = second;
    node_start_as(1, &one);
    node_start_as(2, &two);
    wait_for(nodes[1].linked == 4 && nodes[2].linked == 2);
    assert_int_equal(start_compare(nodes[2].admitted.start, first), START_SAME);
    assert_int_equal(start_compare(nodes[2].admitted.seen, seen), START_SAME);
    assert_int_equal(start_compare(nodes[1].admitted.start, second), START_SAME);
    assert_int_equal(nodes[1].admitted.seen.incarnation, 0);
}

static void a_member_that_is_not_admitted_is_not_let_in(void **state)
{
    struct peer_config one = named(1, PEER_MEMBER), two = named(2, PEER_MEMBER);
    node_start_as(1, &one);
    nodes[1].admits_nobody = true;
    node_start_as(2, &two);
    uint64_t began = uv_now(&loop);
    wait_for(uv_now(&loop) - began > 300); /* several attempts */
    assert_int_equal(nodes[1].linked, 0);
    assert_int_equal(nodes[1].admitted.dialler.pid, 2);
    nodes[1].admits_nobody = false;
    wait_for(nodes[1].linked == 4 && nodes[2].linked == 2);
}

static void a_node_that_lags_behind_the_level_is_not_let_in(void **state)
{
    struct peer_config first = named(1, PEER_MEMBER), second = named(2, PEER_MEMBER);
    second.levels = (struct peer_levels){1, 1};
    node_start_as(1, &first);
    node_start_as(2, &second);
    wait_for(nodes[1].linked == 4 && nodes[2].linked == 2);
    node_stop(2);
    wait_for(nodes[1].linked == 0);
    peer_set_level(nodes[1].peer, 2);
    node_start_as(2, &second);
    uint64_t began = uv_now(&loop);
    wait_for(uv_now(&loop) - began > 300); /* several attempts */
    assert_int_equal(nodes[1].linked, 0);
    node_stop(2);
    second.levels = (struct peer_levels){2, 3};
    node_start_as(2, &second);
    wait_for(nodes[1].linked == 4 && nodes[2].linked == 2);
}

static void settings_are_told(void **state)
{
    struct peer_config first = named(1, PEER_MEMBER), second = named(2, PEER_MEMBER);
    first.settings = (struct peer_settings){250, 0, 10000, "1.2.3-rc1"};
    second.settings = (struct peer_settings){100, 200, 4000, "0.1.0"};
    node_start_as(1, &first);
    node_start_as(2, &second);
    struct peer_settings settings;
    assert_false(peer_settings(nodes[2].peer, 1, &settings));
    wait_for(nodes[1].linked == 4 && nodes[2].linked == 2);
    assert_true(peer_settings(nodes[2].peer, 1, &settings));
    assert_int_equal(settings.heartbeat_ms, 250);
    assert_int_equal(settings.lease_ms, 0);
    assert_string_equal(settings.version, "1.2.3-rc1");
    assert_true(peer_settings(nodes[1].peer, 2, &settings));
    assert_int_equal(settings.lease_ms, 200);
    assert_int_equal(settings.session_ms, 4000);
    assert_int_equal(peer_address(nodes[1].peer, 2), PEER_ADDRESS_FINE);
    node_stop(2);
    wait_for(nodes[1].linked == 0);
    assert_true(peer_settings(nodes[1].peer, 2, &settings)); /* they are what it had */
}

static void an_address_of_its_own_is_noticed(void **state)
{
    const enum peer_standing standings[] = {PEER_NEW, PEER_MEMBER};
    for (size_t i = 0; i < 2; i++) {
        struct peer_config config = named(1, standings[i]);
        snprintf(config.identity.members[0].peer_addr, PEER_ADDR_MAX, "127.0.0.1:%u",
                 gates[1][1].port);
        node_start_as(1, &config);
        wait_for(peer_address(nodes[1].peer, 2) == PEER_ADDRESS_OWN);
        assert_int_equal(nodes[1].greetings, 0); /* it is no peer */
        assert_int_equal(nodes[1].linked, 0);
        node_stop(1);
    }
}

/* Node 2 is called otherwise in its own configuration. */
static void a_foreign_address_is_noticed(void **state)
{
    struct peer_config first = named(1, PEER_NEW), second = named(2, PEER_NEW);
    strcpy(second.self.addr, "127.0.0.9:1");
    node_start_as(1, &first);
    assert_int_equal(peer_address(nodes[1].peer, 2), PEER_ADDRESS_FINE);
    node_start_as(2, &second);
    wait_for(peer_address(nodes[1].peer, 2) == PEER_ADDRESS_FOREIGN);
    wait_for(nodes[1].greetings > 0);
    assert_int_equal(peer_address(nodes[1].peer, 2), PEER_ADDRESS_FOREIGN);
    node_stop(2);
    wait_for(peer_address(nodes[1].peer, 2) == PEER_ADDRESS_FINE); /* nobody answers */
}

static void a_peer_with_two_addresses_is_noticed(void **state)
{
    struct peer_config first = named(1, PEER_NEW), second = named(2, PEER_NEW);
    first.identity.members[first.identity.count] = first.identity.members[0];
    first.identity.members[first.identity.count++].pid = 3;
    node_start_as(2, &second);
    node_start_as(1, &first);
    wait_for(link_of(nodes[2].peer, 1)->doubled);
    assert_false(link_of(nodes[1].peer, 2)->doubled);
}

int main(void)
{
    prepare();
    const struct CMUnitTest tests[] = {
        nodes_test(a_new_node_is_told_who_it_is),
        nodes_test(a_new_node_is_told_of_nine_members),
        nodes_test(a_new_node_is_told_of_all_members_or_none),
        nodes_test(a_new_node_is_not_let_in),
        nodes_test(a_new_node_is_called_at_once),
        nodes_test(two_new_nodes_hear_each_other),
        nodes_test(a_member_that_has_moved_is_dialled_there),
        nodes_test(members_tell_each_other_of_their_starts),
        nodes_test(a_member_that_is_not_admitted_is_not_let_in),
        nodes_test(a_node_that_lags_behind_the_level_is_not_let_in),
        nodes_test(settings_are_told),
        nodes_test(an_address_of_its_own_is_noticed),
        nodes_test(a_foreign_address_is_noticed),
        nodes_test(a_peer_with_two_addresses_is_noticed),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(pattern);
    return failed;
}
