#include "config/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static bool contains(const char *network, const char *address)
{
    struct network n;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    assert_int_equal(network_parse(network, &n), 0);
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
        return network_contains(&n, (const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
    return network_contains(&n, (const struct sockaddr *)&v6);
}

static void a_network_contains_its_addresses_only(void **state)
{
    assert_true(contains("10.0.0.0/8", "10.255.0.1"));
    assert_false(contains("10.0.0.0/8", "11.0.0.1"));
    assert_true(
        contains("192.168.1.77/23", "192.168.0.1")); /* bits behind the prefix are ignored */
    assert_false(contains("192.168.1.0/23", "192.168.2.1"));
    assert_true(contains("1.2.3.4", "1.2.3.4"));
    assert_false(contains("1.2.3.4", "1.2.3.5"));
    assert_true(contains("0.0.0.0/0", "203.0.113.9"));
    assert_false(contains("0.0.0.0/0", "::1"));
    assert_true(contains("::1", "::1"));
    assert_false(contains("::1", "::2"));
    assert_true(contains("fd00::/9", "fd7f::1"));
    assert_false(contains("fd00::/9", "fd80::1"));
    assert_true(contains("::/0", "2001:db8::1"));
}

static void an_ipv4_address_in_ipv6_form_is_ipv4(void **state)
{
    assert_true(contains("127.0.0.0/8", "::ffff:127.0.0.1"));
    assert_false(contains("127.0.0.0/8", "::ffff:128.0.0.1"));
    assert_false(contains("::/0", "::ffff:127.0.0.1"));
}

static void other_families_are_nowhere(void **state)
{
    struct network n;
    const struct sockaddr local = {.sa_family = AF_UNIX};
    assert_int_equal(network_parse("0.0.0.0/0", &n), 0);
    assert_false(network_contains(&n, &local));
}

static void malformed_networks_are_refused(void **state)
{
    static const char *const wrong[] = {
        "",           "10.0.0.0/33", "10.0.0/8",   "::1/129",    "localhost",
        "1.2.3.4/",   "1.2.3.4/-1",  "1.2.3.4/ 8", "1.2.3.4/8x", " 1.2.3.4",
        "1.2.3.4/+8", "[::1]",       "1.2.3.4:80", "/8",
    };
    struct network n;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (network_parse(wrong[i], &n) != -EINVAL)
            fail_msg("\"%s\" was taken", wrong[i]);
    }
}

static void addresses_are_split(void **state)
{
    char host[NETWORK_HOST_MAX], text[NETWORK_HOST_MAX + 10];
    uint16_t port;
    assert_int_equal(network_split("node-1.example:8080", host, &port), 0);
    assert_string_equal(host, "node-1.example");
    assert_int_equal(port, 8080);
    assert_int_equal(network_split("[fd00::1]:65535", host, &port), 0);
    assert_string_equal(host, "fd00::1");
    assert_int_equal(port, 65535);

    memset(text, 'a', sizeof text);
    strcpy(text + NETWORK_HOST_MAX - 1, ":80");
    assert_int_equal(network_split(text, host, &port), 0);
    strcpy(text + NETWORK_HOST_MAX, ":80");
    assert_int_equal(network_split(text, host, &port), -EINVAL);

    static const char *const wrong[] = {
        "",        "host",     ":80",     "host:",   "host:65536", "host:-1",
        "host:8o", "::1:80",   "[]:80",   "[::1]",   "[::1]80",    "a b:80",
        "a/b:80",  "host:80 ", "[::1:80", "::1]:80", "a,b:80",     "host:000080",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (network_split(wrong[i], host, &port) != -EINVAL)
            fail_msg("\"%s\" was taken", wrong[i]);
    }
}

static void addresses_are_resolved(void **state)
{
    struct sockaddr_storage out;
    socklen_t len;
    assert_int_equal(network_resolve("127.0.0.1:8080", &out, &len), 0);
    assert_int_equal(out.ss_family, AF_INET);
    assert_int_equal(((struct sockaddr_in *)&out)->sin_port, htons(8080));
    assert_int_equal(network_resolve("[::1]:8080", &out, &len), 0);
    assert_int_equal(out.ss_family, AF_INET6);
    assert_int_equal(len, sizeof(struct sockaddr_in6));
    assert_int_equal(network_resolve("localhost:1", &out, &len), 0);
    assert_int_equal(out.ss_family, AF_INET);
    assert_int_equal(network_resolve("nobody.invalid:1", &out, &len), -EINVAL);
    assert_int_equal(network_resolve("127.0.0.1", &out, &len), -EINVAL);
}

static void assert_canonical(const char *addr, const char *expected)
{
    char canonical[NETWORK_ADDR_MAX];
    assert_int_equal(network_canonical(addr, canonical), 0);
    assert_string_equal(canonical, expected);
}

static void one_address_has_one_spelling(void **state)
{
    char canonical[NETWORK_ADDR_MAX];
    assert_canonical("Node-1.Example.COM.:08080", "node-1.example.com:8080");
    assert_canonical("localhost:1", "127.0.0.1:1");
    assert_canonical("LOCALHOST.:1", "127.0.0.1:1");
    assert_canonical("127.0.0.1:1", "127.0.0.1:1");
    assert_canonical("127.1:1", "127.0.0.1:1");
    assert_canonical("127.000.000.001:1", "127.0.0.1:1");
    assert_canonical("2130706433:1", "127.0.0.1:1");
    assert_canonical("[0:0:0:0:0:0:0:1]:1", "[::1]:1");
    assert_canonical("[FD00::A]:1", "[fd00::a]:1");
    assert_canonical("[::ffff:10.0.0.1]:1", "10.0.0.1:1");
    assert_int_equal(network_canonical("host", canonical), -EINVAL);
    assert_true(network_is_any("0.0.0.0:8080"));
    assert_true(network_is_any("0:8080"));
    assert_true(network_is_any("[::]:8080"));
    assert_true(network_is_any("[::ffff:0.0.0.0]:8080"));
    assert_false(network_is_any("10.0.0.0:8080"));
    assert_false(network_is_any("[::1]:8080"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_contains_its_addresses_only),
        cmocka_unit_test(an_ipv4_address_in_ipv6_form_is_ipv4),
        cmocka_unit_test(other_families_are_nowhere),
        cmocka_unit_test(malformed_networks_are_refused),
        cmocka_unit_test(addresses_are_split),
        cmocka_unit_test(addresses_are_resolved),
        cmocka_unit_test(one_address_has_one_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
