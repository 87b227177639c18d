/* IP networks such as 10.0.0.0/8 or ::1, and HOST:PORT addresses. Thread: any. */
#ifndef QUORUMFS_CONFIG_NETWORK_H
#define QUORUMFS_CONFIG_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { NETWORK_HOST_MAX = 256, NETWORK_ADDR_MAX = NETWORK_HOST_MAX + 8 }; /* bytes with the NUL */

struct network {
    int family; /* AF_INET or AF_INET6 */
    uint8_t address[16];
    uint8_t prefix_bits;
};

/* Returns 0 or -EINVAL. */
int network_parse(const char *text, struct network *network);
/* An IPv4 address that comes in IPv6 form (::ffff:a.b.c.d) matches as IPv4. */
bool network_contains(const struct network *network, const struct sockaddr *address);

/* Splits HOST:PORT or [V6]:PORT; the host comes without brackets. Port 0 (any) is taken. 0 or
 * -EINVAL. */
int network_split(const char *addr, char host[NETWORK_HOST_MAX], uint16_t *port);

/* One spelling for addresses that are certain to be the same, without asking a name server: small
 * letters, no dot at the end, IP addresses as they are written usually, 127.0.0.1 for localhost. 0
 * or -EINVAL. */
int network_canonical(const char *addr, char canonical[NETWORK_ADDR_MAX]);
/* Whether the host is 0.0.0.0 or ::, which is no address of any node. */
bool network_is_any(const char *addr);

/* Splits HOST:PORT and looks HOST up, blocking: for start-up. A name that has both kinds of
 * addresses gives an IPv4 one. 0, or -EINVAL: no HOST:PORT, or no such host. */
int network_resolve(const char *addr, struct sockaddr_storage *out, socklen_t *len);

#endif
