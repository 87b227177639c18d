/* HOST:PORT and networks, as a person writes them: an address that the configuration takes means
 * the same to the links. */
#include "fuzz.h"

#include "config/network.h"
#include "peer/address.h"

#include <string.h>

static void check_address(const char *text)
{
    struct address address;
    char host[NETWORK_HOST_MAX];
    uint16_t port = 0;
    int by_link = address_parse(text, &address);
    int by_config = network_split(text, host, &port);
    if (by_config < 0 || port == 0)
        return;
    assert(by_link == 0);
    assert(address.port == port);
    assert(strcmp(address.host, host) == 0);
    assert(address.count == (address.numeric ? 1 : 0));
    assert(!address.numeric || address_has(&address, &address.ips[0]));
}

static void check_network(const char *text)
{
    struct network network;
    if (network_parse(text, &network) < 0)
        return;
    assert(network.family == AF_INET || network.family == AF_INET6);
    assert(network.prefix_bits <= (network.family == AF_INET ? 32 : 128));
    struct sockaddr_in ip4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ip6 = {.sin6_family = AF_INET6};
    memcpy(&ip4.sin_addr, network.address, sizeof ip4.sin_addr);
    memcpy(&ip6.sin6_addr, network.address, sizeof ip6.sin6_addr);
    bool is_ip4 = network.family == AF_INET;
    bool v4_mapped = !is_ip4 && IN6_IS_ADDR_V4MAPPED(&ip6.sin6_addr);
    const struct sockaddr *own = is_ip4 ? (struct sockaddr *)&ip4 : (struct sockaddr *)&ip6;
    assert(v4_mapped || network_contains(&network, own)); /* those match as IPv4 */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = guard_text(bytes_of(data, size < 1000 ? size : 1000));
    check_address(text);
    check_network(text);
    return 0;
}
