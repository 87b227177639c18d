/* Private to the room: where a peer listens (HOST:PORT), and the socket addresses that HOST stands
 * for. Thread: any. */
#ifndef QUORUMFS_PEER_ADDRESS_H
#define QUORUMFS_PEER_ADDRESS_H

#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ADDRESS_HOST_MAX = 256, ADDRESS_TEXT_MAX = 64, ADDRESS_IPS_MAX = 8 };

struct address {
    char host[ADDRESS_HOST_MAX];
    uint16_t port;
    bool numeric; /* the host is an IP address: nothing to look up */
    uint32_t count;
    struct in6_addr ips[ADDRESS_IPS_MAX]; /* IPv4 as ::ffff:a.b.c.d */
};

/* Splits HOST:PORT or [V6]:PORT and, when it is numeric, knows its IP. 0 or -EINVAL. */
int address_parse(const char *text, struct address *address);
/* Takes over the result of a look-up; an empty one changes nothing. */
void address_learn(struct address *address, const struct addrinfo *found);
/* Whether a connection from `ip` can be this host's. Loopback addresses are all this machine's. */
bool address_has(const struct address *address, const struct in6_addr *ip);

/* Returns false, and zeros, for families that are no IP. */
bool address_of(const struct sockaddr *address, struct in6_addr *ip);
void address_text(const struct in6_addr *ip, char text[ADDRESS_TEXT_MAX]);

#endif
