#include "config/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t network_v4_in_v6[12] = {[10] = 0xff, [11] = 0xff};

/* Up to `max`, digits only. */
static bool network_number(const char *text, unsigned long max, unsigned long *number)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return false;
    *number = strtoul(text, NULL, 10);
    return *number <= max;
}

int network_parse(const char *text, struct network *network)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchrnul(text, '/');
    size_t len = (size_t)(slash - text);
    if (len >= sizeof address)
        return -EINVAL;
    memcpy(address, text, len);
    address[len] = '\0';
    memset(network, 0, sizeof *network);
    if (inet_pton(AF_INET, address, network->address) == 1)
        network->family = AF_INET;
    else if (inet_pton(AF_INET6, address, network->address) == 1)
        network->family = AF_INET6;
    else
        return -EINVAL;
    unsigned long bits = network->family == AF_INET ? 32 : 128;
    if (*slash == '/' && !network_number(slash + 1, bits, &bits))
        return -EINVAL;
    network->prefix_bits = (uint8_t)bits;
    return 0;
}

static bool network_prefix_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    unsigned mask = 0xff00u >> rest;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) & mask & 0xff) == 0;
}

bool network_contains(const struct network *network, const struct sockaddr *address)
{
    const uint8_t *bytes;
    int family = address->sa_family;
    if (family == AF_INET) {
        bytes = (const uint8_t *)&((const struct sockaddr_in *)address)->sin_addr;
    } else if (family == AF_INET6) {
        bytes = ((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr;
        if (memcmp(bytes, network_v4_in_v6, sizeof network_v4_in_v6) == 0) {
            family = AF_INET;
            bytes += sizeof network_v4_in_v6;
        }
    } else {
        return false;
    }
    return family == network->family &&
           network_prefix_equal(bytes, network->address, network->prefix_bits);
}

int network_split(const char *addr, char host[NETWORK_HOST_MAX], uint16_t *port)
{
    const char *colon = strrchr(addr, ':');
    unsigned long number;
    if (!colon || !network_number(colon + 1, 65535, &number))
        return -EINVAL;
    size_t len = (size_t)(colon - addr);
    if (len > 2 && addr[0] == '[' && addr[len - 1] == ']') {
        addr++;
        len -= 2;
    } else if (memchr(addr, ':', len)) {
        return -EINVAL; /* which colon is the port's? */
    }
    if (len == 0 || len >= NETWORK_HOST_MAX)
        return -EINVAL;
    memcpy(host, addr, len);
    host[len] = '\0';
    if (strpbrk(host, " \t\r\n[]/,"))
        return -EINVAL;
    *port = (uint16_t)number;
    return 0;
}

/* A dotted IPv4 address may have leading zeros and fewer parts (inet(3)); getaddrinfo(3) takes all
 * of these. */
static void network_canonical_host(char host[NETWORK_HOST_MAX])
{
    struct in_addr ip4;
    struct in6_addr ip6;
    size_t len = strlen(host);
    if (len > 1 && host[len - 1] == '.')
        host[len - 1] = '\0';
    for (char *at = host; *at != '\0'; at++)
        *at = (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
    if (strcmp(host, "localhost") == 0)
        strcpy(host, "127.0.0.1");
    bool is_ip6 = inet_pton(AF_INET6, host, &ip6) == 1;
    bool is_ip4 = !is_ip6 && inet_aton(host, &ip4);
    if (is_ip6 && memcmp(&ip6, network_v4_in_v6, sizeof network_v4_in_v6) == 0) {
        memcpy(&ip4, (const uint8_t *)&ip6 + sizeof network_v4_in_v6, sizeof ip4);
        is_ip4 = true;
    }
    if (is_ip4)
        inet_ntop(AF_INET, &ip4, host, NETWORK_HOST_MAX);
    else if (is_ip6)
        inet_ntop(AF_INET6, &ip6, host, NETWORK_HOST_MAX);
}

int network_canonical(const char *addr, char canonical[NETWORK_ADDR_MAX])
{
    char host[NETWORK_HOST_MAX];
    uint16_t port;
    if (network_split(addr, host, &port) < 0)
        return -EINVAL;
    network_canonical_host(host);
    snprintf(canonical, NETWORK_ADDR_MAX, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
    return 0;
}

bool network_is_any(const char *addr)
{
    char canonical[NETWORK_ADDR_MAX];
    return network_canonical(addr, canonical) == 0 &&
           (strncmp(canonical, "0.0.0.0:", 8) == 0 || strncmp(canonical, "[::]:", 5) == 0);
}

int network_resolve(const char *addr, struct sockaddr_storage *out, socklen_t *len)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list, *best;
    char host[NETWORK_HOST_MAX], port[8];
    uint16_t number;
    if (network_split(addr, host, &number) < 0)
        return -EINVAL;
    snprintf(port, sizeof port, "%u", number);
    if (getaddrinfo(host, port, &hints, &list) != 0)
        return -EINVAL;
    best = list;
    for (struct addrinfo *a = list; a; a = a->ai_next) {
        if (a->ai_family == AF_INET) {
            best = a;
            break;
        }
    }
    memset(out, 0, sizeof *out);
    memcpy(out, best->ai_addr, best->ai_addrlen);
    *len = best->ai_addrlen;
    freeaddrinfo(list);
    return 0;
}
