/* node.json: refused with a sentence, or a configuration that fits together. */
#include "fuzz.h"

#include "config/config.h"
#include "peer/address.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void write_file(const char *folder, const uint8_t *data, size_t size)
{
    char path[CONFIG_PATH_MAX];
    snprintf(path, sizeof path, "%s/node.json", folder);
    FILE *file = fopen(path, "wb");
    assert(file);
    fwrite(data, 1, size, file);
    fclose(file);
}

static void check_member(const struct config_member *member)
{
    struct address address;
    assert(address_parse(member->addr, &address) == 0);
    assert(address_parse(member->peer_addr, &address) == 0);
}

static void check_cluster(const struct config *config)
{
    uint64_t cluster;
    uint32_t me = 0, pids[PAXOS_NODES_MAX - 1] = {0}, seen;
    config_cluster(config, &cluster, &me, pids);
    assert(me >= 1 && me <= config->peer_count + 1);
    seen = 1u << me;
    for (uint32_t i = 0; i < config->peer_count; i++) {
        assert(pids[i] >= 1 && pids[i] <= config->peer_count + 1);
        assert(!(seen & 1u << pids[i]));
        seen |= 1u << pids[i];
    }
}

static void check(const struct config *config)
{
    assert(config->peer_count < PAXOS_NODES_MAX);
    check_member(&config->me);
    for (uint32_t i = 0; i < config->peer_count; i++)
        check_member(&config->peers[i]);
    check_cluster(config);
    assert(config->mount[0] == 0 || config->mount[0] == '/');
    assert(config->client_count <= CONFIG_CLIENTS_MAX);
    assert(config->heartbeat_ms >= 10 && config->heartbeat_ms <= 60000);
    assert(config->request_timeout_ms >= 100 && config->request_timeout_ms <= 3600000);
    assert(config->cache_time_ms <= UINT64_C(366) * 24 * 3600 * 1000);
    assert(config->lease_time_ms <= 1000);
    assert(config->session_time_ms >= 1000 && config->session_time_ms <= 3600000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *folder = folder_of_process();
    char *argv[] = {"quorumfs", (char *)folder, NULL};
    static struct config config;
    struct fault fault = {""};
    write_file(folder, data, size);
    int status = config_load(2, argv, &config, &fault);
    assert(status == 0 || status == -EINVAL);
    if (status == 0)
        check(&config);
    else
        assert(fault.text[0] && strlen(fault.text) < sizeof fault.text);
    return 0;
}
