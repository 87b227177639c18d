#include "peer/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct in6_addr from_ip4(struct in_addr ip4)
{
    struct in6_addr ip = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
    memcpy(ip.s6_addr + 12, &ip4, sizeof ip4);
    return ip;
}

bool address_of(const struct sockaddr *address, struct in6_addr *ip)
{
    *ip = (struct in6_addr){0};
    if (address->sa_family == AF_INET)
        *ip = from_ip4(((const struct sockaddr_in *)address)->sin_addr);
    else if (address->sa_family == AF_INET6)
        *ip = ((const struct sockaddr_in6 *)address)->sin6_addr;
    else
        return false;
    return true;
}

static int parse_port(const char *text, uint16_t *port)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end || value == 0 || value > UINT16_MAX)
        return -EINVAL;
    *port = (uint16_t)value;
    return 0;
}

int address_parse(const char *text, struct address *address)
{
    *address = (struct address){0};
    const char *colon = strrchr(text, ':');
    if (!colon || parse_port(colon + 1, &address->port) < 0)
        return -EINVAL;
    size_t len = (size_t)(colon - text);
    bool bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    if (bracketed) {
        text++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof address->host || (!bracketed && memchr(text, ':', len)))
        return -EINVAL;
    memcpy(address->host, text, len);
    struct in_addr ip4;
    if (inet_pton(AF_INET, address->host, &ip4) == 1) {
        address->ips[0] = from_ip4(ip4);
        address->numeric = true;
    } else if (inet_pton(AF_INET6, address->host, &address->ips[0]) == 1) {
        address->numeric = true;
    }
    address->count = address->numeric ? 1 : 0;
    return 0;
}

void address_learn(struct address *address, const struct addrinfo *found)
{
    struct in6_addr ips[ADDRESS_IPS_MAX];
    uint32_t count = 0;
    for (const struct addrinfo *at = found; at && count < ADDRESS_IPS_MAX; at = at->ai_next) {
        if (address_of(at->ai_addr, &ips[count]))
            count++;
    }
    if (count == 0)
        return;
    memcpy(address->ips, ips, count * sizeof ips[0]);
    address->count = count;
}

static bool is_loopback(const struct in6_addr *ip)
{
    return IN6_IS_ADDR_LOOPBACK(ip) || (IN6_IS_ADDR_V4MAPPED(ip) && ip->s6_addr[12] == 127);
}

bool address_has(const struct address *address, const struct in6_addr *ip)
{
    for (uint32_t i = 0; i < address->count; i++) {
        if (memcmp(&address->ips[i], ip, sizeof *ip) == 0)
            return true;
        if (is_loopback(&address->ips[i]) && is_loopback(ip))
            return true;
    }
    return false;
}

void address_text(const struct in6_addr *ip, char text[ADDRESS_TEXT_MAX])
{
    if (IN6_IS_ADDR_V4MAPPED(ip))
        inet_ntop(AF_INET, ip->s6_addr + 12, text, ADDRESS_TEXT_MAX);
    else
        inet_ntop(AF_INET6, ip, text, ADDRESS_TEXT_MAX);
}
