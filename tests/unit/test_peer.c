/* Peer links: frames, lanes, relay, coming and going. */
#include "peer_cluster.h"

static void frames_of_every_size_arrive_whole_and_in_order(void **state)
{
    static const size_t sizes[] = {0,      1,      100,    65535,  65536,    131000,    131040,
                                   131072, 131100, 262144, 300000, 10000000, BIG_BYTES, 5};
    start_pair();
    uint64_t count = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        send_piece(1, 2, count++, sizes[i]);
    wait_for(nodes[2].pieces == count);
    for (size_t i = 0; i < 5000; i++)
        send_piece(1, 2, count++, i % 700);
    wait_for(nodes[2].pieces == count);
    assert_int_equal(nodes[2].wrong, 0);
    assert_int_equal(nodes[2].last_from, 1);
    assert_int_equal(dropped(1), 0);
}

static void what_is_urgent_overtakes(void **state)
{
    start_pair();
    uint64_t count = 0;
    for (; count < 3; count++)
        send_piece(1, 2, count, BIG_BYTES);
    send_ping(1, 2);
    wait_for(nodes[2].pings == 1);
    assert_int_equal(nodes[2].pieces_at_ping, 0);
    wait_for(nodes[2].pieces == count);
    /* Also what is queued when the bulk is already on its way. */
    send_piece(1, 2, count++, BIG_BYTES);
    send_piece(1, 2, count++, BIG_BYTES);
    for (int turn = 0; turn < 3; turn++)
        uv_run(&loop, UV_RUN_ONCE);
    send_ping(1, 2);
    wait_for(nodes[2].pings == 2);
    assert_true(nodes[2].pieces_at_ping < count);
    wait_for(nodes[2].pieces == count);
    assert_int_equal(nodes[2].wrong, 0);
}

static void waiting_frames_are_bounded(void **state)
{
    start_pair();
    for (int i = 0; i < 6; i++)
        send_piece(1, 2, (uint64_t)i, BIG_BYTES);
    struct peer_metrics metrics;
    peer_metrics(nodes[1].peer, &metrics);
    assert_int_equal(metrics.frames_dropped, 3);
    assert_true(metrics.queued_bytes <= PEER_QUEUE_BYTES_MAX + 1024);
    for (int i = 0; i < 100000; i++)
        send_ping(1, 2);
    peer_metrics(nodes[1].peer, &metrics);
    assert_true(metrics.queued_bytes <= PEER_QUEUE_BYTES_MAX + 128 * 1024);
    wait_for(nodes[2].pieces == 3);
    assert_int_equal(nodes[2].wrong, 0);
    assert_true(nodes[2].pings > 0);
    peer_metrics(nodes[1].peer, &metrics);
    assert_int_equal(metrics.queued_bytes, 0);
}

static void a_node_that_returns_is_linked_again(void **state)
{
    start_pair();
    for (int round = 1; round <= 3; round++) {
        node_stop(2);
        wait_for(!peer_linked(nodes[1].peer, 2));
        assert_int_equal(nodes[1].downs, round);
        send_piece(1, 2, 0, 10); /* no peer can have it */
        node_start(2, 2);
        wait_for(nodes[1].linked && nodes[2].linked);
        send_ping(1, 2);
        wait_for(nodes[2].pings == 1);
        assert_int_equal(nodes[2].pieces, 0);
    }
    assert_true(dropped(1) >= 3);
}

static void a_cut_direction_takes_the_link_down(void **state)
{
    start_pair();
    gate_cut(&gates[1][2]);
    wait_for(!nodes[1].linked && !nodes[2].linked);
    send_ping(2, 1); /* the other direction still stands */
    wait_for(nodes[1].pings == 1);
    gate_open(&gates[1][2]);
    wait_for(nodes[1].linked && nodes[2].linked);
}

static void frames_go_round_a_cut_link(void **state)
{
    start_three();
    gate_cut(&gates[1][3]);
    gate_cut(&gates[3][1]);
    wait_for(!(nodes[1].linked & 8) && !(nodes[3].linked & 2));
    send_piece(1, 3, 0, BIG_BYTES);
    send_ping(1, 3);
    wait_for(nodes[3].pieces == 1 && nodes[3].pings == 1);
    assert_int_equal(nodes[3].last_from, 1);
    assert_int_equal(nodes[3].wrong, 0);
    struct peer_metrics metrics;
    peer_metrics(nodes[2].peer, &metrics);
    assert_int_equal(metrics.frames_relayed, 2);

    uint64_t before = dropped(1);
    struct frame beat = {.type = FRAME_PAXOS, .to = 3, .paxos.type = PAXOS_HEARTBEAT_REQUEST};
    peer_send(nodes[1].peer, &beat);
    assert_int_equal(dropped(1), before + 1);

    gate_open(&gates[1][3]);
    gate_open(&gates[3][1]);
    wait_for((nodes[1].linked & 8) && (nodes[3].linked & 2));
    peer_send(nodes[1].peer, &beat);
    wait_for(nodes[3].beats == 1);
    peer_metrics(nodes[2].peer, &metrics);
    assert_int_equal(metrics.frames_relayed, 2);
}

static void frames_go_round_a_quiet_link(void **state)
{
    start_three();
    gate_mute(&gates[1][3]);
    gate_mute(&gates[3][1]);
    wait_for((send_ping(1, 3), nodes[3].pings > 0));
    assert_true(peer_linked(nodes[1].peer, 3)); /* long before it is given up */
    struct peer_metrics metrics;
    peer_metrics(nodes[2].peer, &metrics);
    assert_true(metrics.frames_relayed > 0);
}

static void without_a_second_link_nothing_is_relayed(void **state)
{
    start_three();
    gate_cut(&gates[1][3]);
    gate_cut(&gates[3][1]);
    gate_cut(&gates[2][3]);
    gate_cut(&gates[3][2]);
    wait_for(nodes[1].linked == 4 && nodes[3].linked == 0);
    wait_for((send_ping(1, 3), dropped(1) > 0)); /* once 2 has said that it does not reach 3 */
    assert_int_equal(nodes[3].pings, 0);
}

/* Connections succeed, but no answer comes, as with a machine that hangs. */
static void a_dial_without_answer_is_given_up(void **state)
{
    int mute = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(mute, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(mute, 4), 0);
    getsockname(mute, (struct sockaddr *)&address, &len);
    struct peer_config config = config_of(1, 2);
    snprintf(config.identity.members[0].peer_addr, sizeof config.identity.members[0].peer_addr,
             "localhost:%u", ntohs(address.sin_port));
    node_start_as(1, &config);
    int fds[2];
    for (int i = 0; i < 2; i++)
        wait_for((fds[i] = accept(mute, NULL, NULL)) >= 0);
    close(fds[0]);
    close(fds[1]);
    close(mute);
}

/* Its attempt that is under way will fail; the next one comes at once, and not after seconds. */
static void a_node_that_has_called_is_dialled_at_once(void **state)
{
    struct gate *gate = &gates[1][2];
    gate->mute = true;
    node_start(1, 2);
    uint64_t began = uv_now(&loop);
    wait_for(uv_now(&loop) - began > 5000);
    gate->last = -1;
    wait_for(gate->last >= 0);
    node_start(2, 2);
    wait_for(gates[2][1].last >= 0);
    began = uv_now(&loop);
    wait_for(uv_now(&loop) - began > 50); /* it is let in */
    gate->mute = false;
    shutdown(gate->last, SHUT_RDWR);
    began = uv_now(&loop);
    wait_for(peer_linked(nodes[1].peer, 2));
    assert_true(uv_now(&loop) - began < 250);
}

static void wrong_configurations_are_named(void **state)
{
    static const char *const wrong[] = {"a", ":1", "a:", "a:0", "a:65536", "a:1x", "::1:1", "[]:1"};
    struct peer_callbacks callbacks = {on_frame, on_link,  on_greeted,
                                       on_admit, on_moved, &nodes[1]};
    struct fault fault;
    struct room *room = make_room();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct peer_config config = config_of(1, 2);
        strcpy(config.identity.members[0].peer_addr, wrong[i]);
        assert_int_equal(peer_start(&loop, room->context, &config, &callbacks, &room->peer, &fault),
                         -EINVAL);
        assert_non_null(strstr(fault.text, "HOST:PORT"));
    }
    char long_secret[PEER_SECRET_MAX + 1];
    memset(long_secret, 'a', PEER_SECRET_MAX);
    long_secret[PEER_SECRET_MAX] = 0;
    struct peer_config config = config_of(1, 2);
    config.secret = long_secret;
    assert_int_equal(peer_start(&loop, room->context, &config, &callbacks, &room->peer, &fault),
                     -EINVAL);
    assert_non_null(strstr(fault.text, "cluster_secret"));
    assert_null(room->peer);
}

static void it_stops_at_any_moment(void **state)
{
    struct peer_config named = config_of(1, 2);
    snprintf(named.identity.members[0].peer_addr, sizeof named.identity.members[0].peer_addr,
             "localhost:%u", gates[1][2].port);
    for (int turns = 0; turns < 30; turns++) {
        node_start_as(1, &named);
        node_start(2, 2);
        for (int turn = 0; turn < turns; turn++)
            uv_run(&loop, UV_RUN_NOWAIT);
        stop_all();
    }
}

static void it_stops_from_a_callback(void **state)
{
    start_pair();
    nodes[2].stop_at_frame = true;
    for (uint64_t i = 0; i < 10; i++)
        send_piece(1, 2, i, 10);
    wait_for(!nodes[1].linked);
    assert_int_equal(nodes[2].pieces, 1);
    assert_int_equal(nodes[2].downs, 0);
}

int main(void)
{
    prepare();
    const struct CMUnitTest tests[] = {
        nodes_test(frames_of_every_size_arrive_whole_and_in_order),
        nodes_test(what_is_urgent_overtakes),
        nodes_test(waiting_frames_are_bounded),
        nodes_test(a_node_that_returns_is_linked_again),
        nodes_test(a_cut_direction_takes_the_link_down),
        nodes_test(frames_go_round_a_cut_link),
        nodes_test(frames_go_round_a_quiet_link),
        nodes_test(without_a_second_link_nothing_is_relayed),
        nodes_test(a_dial_without_answer_is_given_up),
        nodes_test(a_node_that_has_called_is_dialled_at_once),
        nodes_test(wrong_configurations_are_named),
        nodes_test(it_stops_at_any_moment),
        nodes_test(it_stops_from_a_callback),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(pattern);
    return failed;
}
