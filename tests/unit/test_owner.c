/* Whose the other end of a connection is. Sockets of this process on both sides. */
#include "base/owner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { OTHER_USER = 65000, OTHER_GROUP = 65001 };

/* A connection: `there` is the other end of `here`, which a listener has accepted. */
struct pair {
    int listener, here, there;
    struct sockaddr_in6 address;
    socklen_t len;
};

static void listen_at(struct pair *pair, bool v6)
{
    const int off = 0;
    pair->address = (struct sockaddr_in6){.sin6_family = AF_INET6}; /* any, also of IPv4 */
    if (v6)
        pair->address.sin6_addr = in6addr_loopback;
    pair->len = sizeof pair->address;
    pair->listener = socket(AF_INET6, SOCK_STREAM, 0);
    assert_true(pair->listener >= 0);
    setsockopt(pair->listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    assert_int_equal(bind(pair->listener, (struct sockaddr *)&pair->address, pair->len), 0);
    assert_int_equal(listen(pair->listener, 8), 0);
    getsockname(pair->listener, (struct sockaddr *)&pair->address, &pair->len);
}

static int dial(const struct pair *pair, int family)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET,
                             .sin_port = pair->address.sin6_port,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 mapped = pair->address;
    int fd = socket(family, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    if (IN6_IS_ADDR_UNSPECIFIED(&mapped.sin6_addr))
        inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr);
    int status = family == AF_INET ? connect(fd, (struct sockaddr *)&v4, sizeof v4)
                                   : connect(fd, (struct sockaddr *)&mapped, sizeof mapped);
    assert_int_equal(status, 0);
    return fd;
}

static struct pair open_pair(int family, bool v6)
{
    struct pair pair;
    listen_at(&pair, v6);
    pair.there = dial(&pair, family);
    pair.here = accept(pair.listener, NULL, NULL);
    assert_true(pair.here >= 0);
    return pair;
}

static void close_pair(struct pair *pair)
{
    close(pair->listener);
    close(pair->here);
    if (pair->there >= 0)
        close(pair->there);
}

static void expect_kind(int fd, enum owner_kind kind, uint32_t uid)
{
    struct owner owner;
    owner_find(fd, &owner);
    assert_int_equal(owner.kind, kind);
    assert_int_equal(owner.uid, uid);
}

static void wait_until_closed(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLRDHUP};
    assert_int_equal(poll(&poll_fd, 1, 10000), 1);
}

static void the_user_of_a_connection_is_told(void **state)
{
    static const struct {
        int family;
        bool v6;
    } rows[] = {{AF_INET, false}, {AF_INET6, false}, {AF_INET6, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pair pair = open_pair(rows[i].family, rows[i].v6);
        expect_kind(pair.here, OWNER_USER, getuid());
        close_pair(&pair);
    }
}

static void half_a_connection_has_its_user(void **state)
{
    struct pair pair = open_pair(AF_INET, false);
    shutdown(pair.there, SHUT_WR);
    wait_until_closed(pair.here);
    expect_kind(pair.here, OWNER_USER, getuid());
    shutdown(pair.here, SHUT_WR);
    expect_kind(pair.here, OWNER_UNKNOWN, OWNER_NOBODY); /* it is being taken down */
    close_pair(&pair);
}

/* The kernel says of a closed socket that it is root's. */
static void a_closed_end_is_not_known(void **state)
{
    struct pair pair = open_pair(AF_INET, false);
    close(pair.there);
    pair.there = -1;
    wait_until_closed(pair.here);
    expect_kind(pair.here, OWNER_UNKNOWN, OWNER_NOBODY);
    close_pair(&pair);
}

static void an_end_that_was_reset_is_not_known(void **state)
{
    struct pair pair = open_pair(AF_INET, false);
    struct linger linger = {.l_onoff = 1};
    setsockopt(pair.there, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(pair.there);
    pair.there = -1;
    wait_until_closed(pair.here);
    expect_kind(pair.here, OWNER_UNKNOWN, OWNER_NOBODY);
    close_pair(&pair);
}

/* Whether the kernel has a socket with this port of 127.0.0.1 (proc(5)). */
static bool has_socket(uint16_t port)
{
    char line[512], local[32];
    bool found = false;
    FILE *file = fopen("/proc/net/tcp", "r");
    assert_non_null(file);
    snprintf(local, sizeof local, ": 0100007F:%04X ", port);
    while (fgets(line, sizeof line, file))
        found |= !!strstr(line, local);
    fclose(file);
    return found;
}

static int reusable_socket(void)
{
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return fd;
}

/* If there is no connection with these ends, the kernel gives a socket that listens at the port. */
static void a_listener_is_not_the_other_end(void **state)
{
    struct pair pair;
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
                       to;
    socklen_t len = sizeof from;
    const int at_once = -1;
    listen_at(&pair, false);
    to = from;
    to.sin_port = pair.address.sin6_port;
    int fd = reusable_socket();
    assert_int_equal(bind(fd, (struct sockaddr *)&from, len), 0);
    getsockname(fd, (struct sockaddr *)&from, &len);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, len), 0);
    pair.here = accept(pair.listener, NULL, NULL);
    setsockopt(fd, IPPROTO_TCP, TCP_LINGER2, &at_once, sizeof at_once);
    close(fd); /* it is forgotten as soon as `here` has acknowledged that, and `here` is not */
    while (has_socket(ntohs(from.sin_port)))
        usleep(1000);
    pair.there = reusable_socket();
    assert_int_equal(bind(pair.there, (struct sockaddr *)&from, len), 0);
    assert_int_equal(listen(pair.there, 1), 0);
    expect_kind(pair.here, OWNER_UNKNOWN, OWNER_NOBODY);
    close_pair(&pair);
}

/* Connects as another user, and keeps the connection until it is told to end. */
static pid_t other_user(const struct pair *pair, int end[2])
{
    const gid_t groups[] = {7, 8};
    char byte;
    assert_int_equal(pipe(end), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    close(end[1]);
    bool became = setgroups(2, groups) == 0 &&
                  setresgid(OTHER_GROUP, OTHER_GROUP, OTHER_GROUP) == 0 &&
                  setresuid(OTHER_USER, OTHER_USER, OTHER_USER) == 0;
    int fd = dial(pair, AF_INET);
    _exit(became && fd >= 0 && read(end[0], &byte, 1) == 0 ? 0 : 1);
}

static void end_child(pid_t child, int end[2])
{
    int status;
    close(end[0]);
    close(end[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void another_user_is_told_from_root(void **state)
{
    struct pair pair;
    int end[2];
    if (getuid() != 0)
        skip();
    listen_at(&pair, false);
    pid_t child = other_user(&pair, end);
    pair.here = accept(pair.listener, NULL, NULL);
    pair.there = -1;
    expect_kind(pair.here, OWNER_USER, OTHER_USER);
    end_child(child, end);
    close_pair(&pair);
}

static void a_unix_socket_knows_the_process(void **state)
{
    struct owner owner;
    gid_t groups[OWNER_GROUPS_MAX];
    int ends[2], count = getgroups(OWNER_GROUPS_MAX, groups);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    owner_find(ends[0], &owner);
    assert_int_equal(owner.kind, OWNER_PROCESS);
    assert_int_equal(owner.uid, getuid());
    assert_int_equal(owner.gid, getgid());
    assert_int_equal(owner.group_count, count);
    assert_memory_equal(owner.groups, groups, (size_t)count * sizeof *groups);
    close(ends[0]);
    close(ends[1]);
    expect_kind(ends[0], OWNER_UNKNOWN, OWNER_NOBODY); /* no descriptor */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_user_of_a_connection_is_told),
        cmocka_unit_test(half_a_connection_has_its_user),
        cmocka_unit_test(a_closed_end_is_not_known),
        cmocka_unit_test(an_end_that_was_reset_is_not_known),
        cmocka_unit_test(a_listener_is_not_the_other_end),
        cmocka_unit_test(another_user_is_told_from_root),
        cmocka_unit_test(a_unix_socket_knows_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
