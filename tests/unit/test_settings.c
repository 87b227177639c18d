/* Settings that should be equal at all nodes: what a node says of differences, and the heartbeat
 * that it takes. The links are made of this. */
#include "replica_parts.h"

#include "base/trace.h"

#include <stdlib.h>
#include <string.h>

enum { NODES = 5, REMARKS_MAX = 16 };

static struct {
    struct peer_settings settings[NODES]; /* from PARTS_ME on */
    enum peer_address address[NODES];
} links;

bool peer_settings(const struct peer *peer, uint32_t pid, struct peer_settings *settings)
{
    *settings = links.settings[pid - PARTS_ME];
    return settings->heartbeat_ms > 0;
}

enum peer_address peer_address(const struct peer *peer, uint32_t pid)
{
    return links.address[pid - PARTS_ME];
}

/* Not used here. */
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

static uv_loop_t loop;

static int begin(void **state)
{
    struct parts *p = parts_new();
    struct replica *r = &p->r;
    memset(&links, 0, sizeof links);
    trace_level = TRACE_ERROR;
    r->cluster.identity = (struct identity){.cluster = 5, .node = PARTS_ME};
    r->cluster.count = NODES;
    for (uint32_t i = 0; i < NODES; i++) {
        r->cluster.members[i].pid = PARTS_ME + i;
        snprintf(r->cluster.members[i].addr, CONFIG_ADDR_MAX, "node:%u", i);
        strcpy(r->cluster.members[i].peer_addr, r->cluster.members[i].addr);
    }
    p->config.heartbeat_ms = 100;
    p->config.session_time_ms = 10000;
    uv_loop_init(&loop);
    uv_timer_init(&loop, &r->timers.heartbeat);
    uv_timer_start(&r->timers.heartbeat, (uv_timer_cb)abort, 100, 100);
    *state = p;
    return 0;
}

static int end(void **state)
{
    struct parts *p = *state;
    uv_close((uv_handle_t *)&p->r.timers.heartbeat, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    parts_free(p);
    return uv_loop_close(&loop);
}

static struct {
    uint32_t count;
    char text[REMARKS_MAX][REPLICA_TEXT_MAX];
} said;

static void say(void *arg, const char *text)
{
    assert_true(said.count < REMARKS_MAX);
    strcpy(said.text[said.count++], text);
}

static void keep_house(struct parts *p)
{
    settings_housekeeping(&p->r);
    said.count = 0;
    settings_remarks(&p->r, say, NULL);
}

static void tell(uint32_t node, uint32_t heartbeat_ms)
{
    links.settings[node] = (struct peer_settings){heartbeat_ms, 0, 10000, QUORUMFS_VERSION};
}

static void assert_heartbeat(struct parts *p, uint32_t ms)
{
    keep_house(p);
    assert_int_equal(uv_timer_get_repeat(&p->r.timers.heartbeat), ms);
}

static void the_heartbeat_is_that_of_most_nodes(void **state)
{
    struct parts *p = *state;
    assert_heartbeat(p, 100);
    tell(1, 20000);
    assert_heartbeat(p, 100); /* of two the lower one */
    tell(2, 100);
    assert_heartbeat(p, 100);
    tell(1, 10);
    assert_heartbeat(p, 100); /* a wrong value at one node changes nothing */
    tell(1, 300);
    tell(2, 250);
    assert_heartbeat(p, 250);
    assert_int_equal(uv_timer_get_due_in(&p->r.timers.heartbeat), 250);
    tell(3, 300);
    tell(4, 300);
    assert_heartbeat(p, 300);
    links.settings[4] = (struct peer_settings){0}; /* it is away, and will come back */
    assert_heartbeat(p, 300);
}

static void differences_are_told(void **state)
{
    struct parts *p = *state;
    keep_house(p);
    assert_int_equal(said.count, 0);
    tell(1, 100);
    keep_house(p);
    assert_int_equal(said.count, 0);
    tell(1, 20000);
    links.settings[2] = (struct peer_settings){100, 200, 9000, "9.9"};
    keep_house(p);
    assert_int_equal(said.count, 4);
    assert_string_equal(said.text[0], "heartbeat_ms is 20000 at node 8 (node:1) and 100 here: all "
                                      "nodes use 100; set it to the same everywhere");
    assert_non_null(strstr(said.text[1], "lease_time is 200 ms at node 9 (node:2) and 0 ms here"));
    assert_non_null(
        strstr(said.text[2], "session_time is 9000 ms at node 9 (node:2) and 10000 ms here"));
    assert_non_null(strstr(said.text[3], "node 9 (node:2) runs version 9.9"));
    tell(1, 100);
    tell(2, 100);
    keep_house(p);
    assert_int_equal(said.count, 0);
}

static void wrong_addresses_are_told(void **state)
{
    struct parts *p = *state;
    links.address[1] = PEER_ADDRESS_OWN;
    links.address[2] = PEER_ADDRESS_FOREIGN;
    keep_house(p);
    assert_int_equal(said.count, 1); /* members are where they say */
    assert_non_null(strstr(said.text[0], "node:1, which is taken for node 8, leads to this node"));
    p->r.cluster.identity.cluster = 0;
    p->r.cluster.members[3].other_peers = true;
    keep_house(p);
    assert_int_equal(said.count, 3);
    assert_non_null(strstr(said.text[1], "a node answers at node:2, but none"));
    assert_non_null(strstr(said.text[2], "node:3 has another list of peers"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_heartbeat_is_that_of_most_nodes, begin, end),
        cmocka_unit_test_setup_teardown(differences_are_told, begin, end),
        cmocka_unit_test_setup_teardown(wrong_addresses_are_told, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
