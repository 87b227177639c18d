#include "listener.h"

#include "base/descriptors.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUTES = 3, ADOPTED_MAX = 256 };

/* A listener with the routes of a node, and the connections that it handed on. */
struct rig {
    uv_loop_t loop;
    struct listener *listener;
    struct fault fault;
    uint32_t count;
    struct {
        int route, fd;
        struct listener_from from;
    } adopted[ADOPTED_MAX];
};

struct route_arg {
    struct rig *rig;
    int route;
};

static struct rig rig;
static struct route_arg args[ROUTES] = {{&rig, 0}, {&rig, 1}, {&rig, 2}};

static void adopt(void *arg, int fd, const struct listener_from *from)
{
    const struct route_arg *a = arg;
    assert_true(a->rig->count < ADOPTED_MAX);
    a->rig->adopted[a->rig->count].route = a->route;
    a->rig->adopted[a->rig->count].fd = fd;
    a->rig->adopted[a->rig->count].from = *from;
    a->rig->count++;
}

static const struct listener_route routes[ROUTES] = {
    {.prefix = "GET /omnipax", .adopt = adopt, .arg = &args[0]},
    {.prefix = "GET /client", .adopt = adopt, .arg = &args[1]},
    {.adopt = adopt, .arg = &args[2]},
};

static void rig_start_with(const char *addr, uint32_t route_count)
{
    memset(&rig, 0, sizeof rig);
    assert_int_equal(uv_loop_init(&rig.loop), 0);
    if (listener_start(&rig.loop, addr, routes, route_count, NULL, &rig.listener, &rig.fault) < 0)
        fail_msg("%s", rig.fault.text);
    assert_in_range(listener_port(rig.listener), 1, 65535);
}

static void rig_start(void)
{
    rig_start_with("127.0.0.1:0", ROUTES);
}

static void rig_stop(void)
{
    uint32_t before = rig.count;
    listener_stop(rig.listener);
    uv_run(&rig.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&rig.loop), 0);
    assert_int_equal(rig.count, before);
    for (uint32_t i = 0; i < rig.count; i++)
        close(rig.adopted[i].fd);
}

static void nothing(uv_timer_t *timer)
{
}

static void gone(uv_handle_t *handle)
{
    *(bool *)handle->data = true;
}

/* Runs the loop for a while and returns how often it woke up, the end of the while included. */
static int run_for(uint64_t ms)
{
    uv_timer_t timer;
    bool closed = false;
    int rounds = 0;
    uv_timer_init(&rig.loop, &timer);
    timer.data = &closed;
    uv_update_time(&rig.loop);
    uv_timer_start(&timer, nothing, ms, 0);
    while (uv_is_active((uv_handle_t *)&timer)) {
        uv_run(&rig.loop, UV_RUN_ONCE);
        rounds++;
    }
    uv_close((uv_handle_t *)&timer, gone);
    while (!closed)
        uv_run(&rig.loop, UV_RUN_NOWAIT);
    return rounds;
}

static void wait_adopted(uint32_t count)
{
    while (rig.count < count)
        uv_run(&rig.loop, UV_RUN_ONCE);
    assert_int_equal(rig.count, count);
}

/* A client; the connection is in the kernel's queue when this returns. */
static int dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)listener_port(rig.listener)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static bool closed_by_listener(int fd)
{
    char byte;
    ssize_t len = recv(fd, &byte, 1, MSG_DONTWAIT);
    return len == 0 || (len < 0 && errno == ECONNRESET);
}

/* ---- The tests ---- */

static void each_request_goes_its_route_with_every_byte(void **state)
{
    static const struct {
        const char *text;
        int route;
    } cases[] = {
        {"GET /omnipax HTTP/1.1\r\n", 0},
        {"GET /omnipax?x HTTP/1.1\r\n", 0},
        {"GET /client HTTP/1.1\r\n", 1},
        {"GET /clients HTTP/1.1\r\n", 2},
        {"GET /omnipaxos H", 2},
        {"POST /key HTTP/1.1\r\n", 2},
        {"GET /key/a HTTP/1.1\r\n", 2},
        {"G\r", 2},
        {"\r\n", 2},
        {"get /client ", 2},
    };
    enum { CASES = sizeof cases / sizeof cases[0] };
    rig_start();
    for (uint32_t i = 0; i < CASES; i++) {
        int fd = dial();
        char found[64] = "";
        say(fd, cases[i].text);
        wait_adopted(i + 1);
        assert_int_equal(rig.adopted[i].route, cases[i].route);
        assert_int_equal(recv(rig.adopted[i].fd, found, sizeof found, 0),
                         (ssize_t)strlen(cases[i].text));
        assert_string_equal(found, cases[i].text);
        close(fd);
    }
    rig_stop();
}

static void an_adopted_socket_is_free_and_ready(void **state)
{
    int on = 0, low = 0;
    socklen_t len = sizeof on;
    rig_start();
    int fd = dial();
    say(fd, "GET /cl"); /* first a part, so that the socket was watched for a time */
    run_for(20);
    say(fd, "ient ");
    wait_adopted(1);
    int own = rig.adopted[0].fd;
    assert_true(fcntl(own, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(own, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(getsockopt(own, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    assert_int_equal(on, 1);
    assert_int_equal(getsockopt(own, SOL_SOCKET, SO_RCVLOWAT, &low, &len), 0);
    assert_int_equal(low, 1);
    assert_int_equal(rig.adopted[0].from.address.ss_family, AF_INET);
    struct epoll_event event = {.events = EPOLLIN};
    assert_int_equal(epoll_ctl(uv_backend_fd(&rig.loop), EPOLL_CTL_DEL, own, &event), -1);
    assert_int_equal(errno, ENOENT);
    close(fd);
    rig_stop();
}

static void a_slow_client_neither_blocks_nor_spins(void **state)
{
    const char *text = "GET /omnipax ";
    char letter[2] = "";
    rig_start();
    int slow = dial();
    for (size_t i = 0; text[i] != '\0'; i++) {
        letter[0] = text[i];
        say(slow, letter);
        assert_in_range(run_for(10), 0, 5);
        assert_int_equal(rig.count, text[i + 1] == '\0' ? 1 : 0);
    }
    assert_int_equal(rig.adopted[0].route, 0);

    int silent = dial(), quick = dial();
    say(quick, "PUT ");
    wait_adopted(2);
    assert_int_equal(rig.adopted[1].route, 2);
    assert_false(closed_by_listener(silent));
    close(slow);
    close(silent);
    close(quick);
    rig_stop();
}

static void a_client_that_leaves_is_forgotten(void **state)
{
    rig_start();
    int silent = dial(), early = dial();
    run_for(10);
    say(early, "GET /");
    shutdown(early, SHUT_WR);
    shutdown(silent, SHUT_WR);
    while (!closed_by_listener(early) || !closed_by_listener(silent))
        uv_run(&rig.loop, UV_RUN_NOWAIT);
    assert_int_equal(rig.count, 0);

    int reset = dial();
    const struct linger now = {1, 0};
    run_for(10);
    assert_int_equal(setsockopt(reset, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(reset);
    assert_in_range(run_for(20), 0, 5);
    assert_int_equal(rig.count, 0);
    close(silent);
    close(early);
    rig_stop();
}

static void a_silent_client_is_closed_in_time(void **state)
{
    rig_start();
    uint64_t start = uv_hrtime();
    int first = dial();
    run_for(100);
    int second = dial();
    while (!closed_by_listener(first))
        uv_run(&rig.loop, UV_RUN_ONCE);
    assert_in_range((uv_hrtime() - start) / 1000000, LISTENER_PEEK_MS - 1, LISTENER_PEEK_MS + 5000);
    assert_false(closed_by_listener(second));
    while (!closed_by_listener(second))
        uv_run(&rig.loop, UV_RUN_ONCE);
    close(first);
    close(second);
    rig_stop();
}

static void a_stop_closes_what_was_not_handed_on(void **state)
{
    rig_start();
    int silent = dial(), speaking = dial(), waiting;
    run_for(10);
    waiting = dial();
    say(speaking, "GET /client ");
    rig_stop();
    assert_int_equal(rig.count, 0);
    assert_true(closed_by_listener(silent));
    assert_true(closed_by_listener(speaking));
    assert_true(closed_by_listener(waiting));
    close(silent);
    close(speaking);
    close(waiting);
}

static void without_a_last_route_the_others_are_closed(void **state)
{
    rig_start_with("127.0.0.1:0", 1);
    int peer = dial(), other = dial();
    say(peer, "GET /omnipax ");
    say(other, "GET /key/a ");
    wait_adopted(1);
    while (!closed_by_listener(other))
        uv_run(&rig.loop, UV_RUN_NOWAIT);
    assert_int_equal(rig.count, 1);
    close(peer);
    close(other);
    rig_stop();
}

static void many_silent_clients_are_bounded(void **state)
{
    enum { MORE = 3 };
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 2 * (LISTENER_PEEKING_MAX + MORE) + 64)
        skip();
    int *fds = calloc(LISTENER_PEEKING_MAX + MORE, sizeof(int));
    assert_non_null(fds);
    rig_start();
    for (int i = 0; i < LISTENER_PEEKING_MAX + MORE; i++) {
        fds[i] = dial();
        uv_run(&rig.loop, UV_RUN_NOWAIT);
    }
    while (!closed_by_listener(fds[MORE - 1]))
        uv_run(&rig.loop, UV_RUN_NOWAIT);
    assert_true(closed_by_listener(fds[0]));
    assert_false(closed_by_listener(fds[MORE]));
    say(fds[MORE], "PUT ");
    wait_adopted(1);
    for (int i = 0; i < LISTENER_PEEKING_MAX + MORE; i++)
        close(fds[i]);
    free(fds);
    rig_stop();
}

/* A process without descriptors waits until it has some, and does not spin meanwhile. */
static void no_descriptors_is_no_end(void **state)
{
    struct rlimit limit, few;
    rig_start();
    int fd = dial();
    say(fd, "PUT ");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = limit;
    few.rlim_cur = (rlim_t)fd + 1;
    for (int used = fd + 1; fcntl(used, F_GETFD) >= 0; used++)
        few.rlim_cur++;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int rounds = run_for(250);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_in_range(rounds, 1, 10);
    assert_int_equal(rig.count, 0);
    wait_adopted(1);
    close(fd);
    rig_stop();
}

/* A peer comes through however many clients there are that say nothing. */
static void silent_clients_give_way(void **state)
{
    enum { SILENT = 60, FOR_CLIENTS = 10 };
    int fds[SILENT];
    struct rlimit limit;
    rig_start();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int i = 0; i < SILENT; i++)
        fds[i] = dial(); /* they are in the kernel's queue */
    descriptors_take(DESCRIPTORS_KEPT + FOR_CLIENTS);
    assert_int_equal(descriptors_for_clients(), FOR_CLIENTS);
    setrlimit(RLIMIT_NOFILE, &limit); /* of both sides, the test needs descriptors as well */
    run_for(50);
    for (int i = 0; i < SILENT; i++)
        assert_int_equal(closed_by_listener(fds[i]), i < SILENT - FOR_CLIENTS);
    int peer = dial();
    say(peer, "GET /omnipax HTTP/1.1");
    wait_adopted(1);
    assert_int_equal(rig.adopted[0].route, 0);
    for (int i = 0; i < SILENT; i++)
        close(fds[i]);
    close(peer);
    descriptors_take((uint32_t)limit.rlim_cur);
    rig_stop();
}

static void addresses_that_cannot_be_listened_on_are_told(void **state)
{
    struct listener *second;
    struct fault fault;
    char addr[32];
    rig_start();
    sprintf(addr, "127.0.0.1:%d", listener_port(rig.listener));
    assert_int_equal(listener_start(&rig.loop, addr, routes, ROUTES, NULL, &second, &fault),
                     -EADDRINUSE);
    assert_non_null(strstr(fault.text, addr));
    assert_int_equal(listener_start(&rig.loop, "nowhere", routes, ROUTES, NULL, &second, &fault),
                     -EINVAL);
    assert_int_equal(
        listener_start(&rig.loop, "192.0.2.1:0", routes, ROUTES, NULL, &second, &fault),
        -EADDRNOTAVAIL);
    rig_stop();
}

static void names_and_ipv6_work(void **state)
{
    int v6 = socket(AF_INET6, SOCK_STREAM, 0);
    const struct sockaddr_in6 loopback = {.sin6_family = AF_INET6,
                                          .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool has_v6 = v6 >= 0 && bind(v6, (const struct sockaddr *)&loopback, sizeof loopback) == 0;
    if (v6 >= 0)
        close(v6);
    rig_start_with("localhost:0", ROUTES);
    int fd = dial();
    say(fd, "PUT ");
    wait_adopted(1);
    close(fd);
    rig_stop();
    if (has_v6) {
        rig_start_with("[::1]:0", ROUTES);
        rig_stop();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_goes_its_route_with_every_byte),
        cmocka_unit_test(an_adopted_socket_is_free_and_ready),
        cmocka_unit_test(a_slow_client_neither_blocks_nor_spins),
        cmocka_unit_test(a_client_that_leaves_is_forgotten),
        cmocka_unit_test(a_silent_client_is_closed_in_time),
        cmocka_unit_test(a_stop_closes_what_was_not_handed_on),
        cmocka_unit_test(without_a_last_route_the_others_are_closed),
        cmocka_unit_test(many_silent_clients_are_bounded),
        cmocka_unit_test(no_descriptors_is_no_end),
        cmocka_unit_test(silent_clients_give_way),
        cmocka_unit_test(addresses_that_cannot_be_listened_on_are_told),
        cmocka_unit_test(names_and_ipv6_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
