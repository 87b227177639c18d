/* The fields of a configuration: one table that says what each is. */
#include "base/buffer.h"
#include "base/duration.h"
#include "config/draft.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_SHOWN_MAX = 60 }; /* bytes of a wrong value */

/* Returns false if the value is not what the field expects; `*wrong` is the part of it to show. */
typedef bool config_set(struct config_draft *draft, const cJSON *value, const cJSON **wrong);

static bool config_number(const cJSON *value, uint32_t min, uint32_t max, uint32_t *number)
{
    if (!cJSON_IsNumber(value) || !(value->valuedouble >= min && value->valuedouble <= max))
        return false;
    *number = (uint32_t)value->valuedouble;
    return value->valuedouble == *number;
}

/* At most a year. */
static bool config_duration(const cJSON *value, uint64_t *ms)
{
    const uint64_t year_ms = UINT64_C(366) * 86400000;
    const char *text = cJSON_GetStringValue(value);
    return text && duration_read(bytes_of_text(text), ms) && *ms <= year_ms;
}

static bool config_text_fits(const cJSON *value, size_t max)
{
    const char *text = cJSON_GetStringValue(value);
    return text && text[0] != '\0' && strlen(text) < max;
}

static bool set_addr(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    return cJSON_IsString(value) && config_set_addr(draft->config->me.addr, value->valuestring);
}

static bool set_peer_addr(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    return cJSON_IsString(value) &&
           config_set_addr(draft->config->me.peer_addr, value->valuestring);
}

static bool config_add_peer(struct config_draft *draft, const cJSON *peer)
{
    const cJSON *addr = cJSON_GetObjectItemCaseSensitive(peer, "addr");
    const cJSON *peer_addr = cJSON_GetObjectItemCaseSensitive(peer, "peer_addr");
    int known = !!addr + !!peer_addr;
    if (cJSON_IsString(peer))
        return config_add_member(draft, peer->valuestring, NULL);
    if (!cJSON_IsObject(peer) || cJSON_GetArraySize(peer) != known || !cJSON_IsString(addr))
        return false;
    if (peer_addr && !cJSON_IsString(peer_addr))
        return false;
    return config_add_member(draft, addr->valuestring, peer_addr ? peer_addr->valuestring : NULL);
}

static bool set_peers(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    const cJSON *peer;
    if (!cJSON_IsArray(value))
        return false;
    cJSON_ArrayForEach(peer, value)
    {
        *wrong = peer;
        if (!config_add_peer(draft, peer))
            return false;
    }
    return true;
}

static bool set_mount(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    return cJSON_IsString(value) && config_set_mount(draft->config, value->valuestring);
}

static bool set_allow_other(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    draft->config->allow_other = cJSON_IsTrue(value);
    return cJSON_IsBool(value);
}

static bool set_suid(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    draft->config->suid = cJSON_IsTrue(value);
    return cJSON_IsBool(value);
}

static bool set_dev(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    draft->config->dev = cJSON_IsTrue(value);
    return cJSON_IsBool(value);
}

static bool set_inotify(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    draft->config->inotify = cJSON_IsTrue(value);
    return cJSON_IsBool(value);
}

static bool set_commit(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    const char *text = cJSON_GetStringValue(value);
    if (!text || (strcmp(text, "write") != 0 && strcmp(text, "close") != 0))
        return false;
    draft->config->commit_on_close = strcmp(text, "close") == 0;
    return true;
}

static bool set_clients(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    const cJSON *client;
    if (!cJSON_IsArray(value))
        return false;
    draft->config->client_count = 0;
    cJSON_ArrayForEach(client, value)
    {
        *wrong = client;
        if (!cJSON_IsString(client) || !config_add_client(draft->config, client->valuestring))
            return false;
    }
    return true;
}

static bool set_clients_as(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    return cJSON_IsString(value) && config_set_clients_as(draft->config, value->valuestring);
}

static bool set_hosts(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    const cJSON *host;
    if (!cJSON_IsArray(value))
        return false;
    draft->config->host_count = 0;
    cJSON_ArrayForEach(host, value)
    {
        *wrong = host;
        if (!cJSON_IsString(host) || !config_add_host(draft->config, host->valuestring))
            return false;
    }
    return true;
}

static bool set_cluster_secret(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    if (!config_text_fits(value, CONFIG_SECRET_MAX))
        return false;
    strcpy(draft->config->secret, value->valuestring);
    return true;
}

static bool set_secret_file(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    return cJSON_IsString(value) &&
           config_set_path(draft->config, draft->config->secret_file, value->valuestring);
}

static bool set_tls_cert(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    return cJSON_IsString(value) &&
           config_set_path(draft->config, draft->config->tls_cert, value->valuestring);
}

static bool set_tls_key(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    return cJSON_IsString(value) &&
           config_set_path(draft->config, draft->config->tls_key, value->valuestring);
}

static bool set_tls_ca(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    return cJSON_IsString(value) &&
           config_set_path(draft->config, draft->config->tls_ca, value->valuestring);
}

static bool set_tls(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    const char *text = cJSON_GetStringValue(value);
    if (!text || (strcmp(text, "optional") != 0 && strcmp(text, "required") != 0))
        return false;
    draft->config->tls_required = strcmp(text, "required") == 0;
    return true;
}

static bool set_plain_health(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    draft->config->plain_health = cJSON_IsTrue(value);
    return cJSON_IsBool(value);
}

static bool set_plain_peers(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    draft->config->plain_peers = cJSON_IsTrue(value);
    return cJSON_IsBool(value);
}

static bool set_cache_time(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    return config_duration(value, &draft->config->cache_time_ms);
}

static bool set_lease_time(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    uint64_t ms;
    if (!config_duration(value, &ms) || ms > PAXOS_LEASE_US_MAX / 1000)
        return false;
    draft->config->lease_time_ms = (uint32_t)ms;
    return true;
}

static bool set_session_time(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    uint64_t ms;
    if (!config_duration(value, &ms) || ms < CONFIG_SESSION_MS_MIN || ms > CONFIG_SESSION_MS_MAX)
        return false;
    draft->config->session_time_ms = (uint32_t)ms;
    return true;
}

static bool set_on_quorum_loss(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    const char *text = cJSON_GetStringValue(value);
    if (!text || (strcmp(text, "fail") != 0 && strcmp(text, "stale") != 0))
        return false;
    draft->config->stale_on_quorum_loss = strcmp(text, "stale") == 0;
    return true;
}

static bool set_priority(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    return config_number(value, 0, 1000000, &draft->config->priority);
}

static bool set_heartbeat_ms(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    return config_number(value, 10, 60000, &draft->config->heartbeat_ms);
}

static bool set_request_timeout(struct config_draft *draft, const cJSON *value, const cJSON **wrong)
{
    uint64_t ms;
    if (!config_duration(value, &ms) || ms < 100 || ms > 3600000)
        return false;
    draft->config->request_timeout_ms = (uint32_t)ms;
    return true;
}

static const struct config_field {
    const char *name;
    config_set *set;
    const char *expected;
} config_fields[] = {
    {"addr", set_addr, "\"HOST:PORT\", where this node listens"},
    {"peer_addr", set_peer_addr, "\"HOST:PORT\", where peers connect to this node"},
    {"peers", set_peers,
     "a list of at most 9 nodes, each \"HOST:PORT\" or {\"addr\": \"HOST:PORT\", \"peer_addr\": "
     "\"HOST:PORT\"}"},
    {"mount", set_mount, "the path of a folder"},
    {"allow_other", set_allow_other, "true or false"},
    {"suid", set_suid, "true or false"},
    {"dev", set_dev, "true or false"},
    {"inotify", set_inotify, "true or false"},
    {"commit", set_commit, "\"write\" or \"close\""},
    {"clients", set_clients,
     "a list of at most 64 addresses or networks such as \"10.0.0.0/8\" or \"::1\""},
    {"clients_as", set_clients_as, "\"UID:GID\", or the name of a user of this machine"},
    {"hosts", set_hosts,
     "a list of at most 32 names such as \"store.example\" or \"store.example:8443\""},
    {"cluster_secret", set_cluster_secret, "a text of 1 to 255 bytes"},
    {"secret_file", set_secret_file, "the path of a file"},
    {"tls_cert", set_tls_cert, "the path of a file"},
    {"tls_key", set_tls_key, "the path of a file"},
    {"tls_ca", set_tls_ca, "the path of a file"},
    {"tls", set_tls, "\"optional\" or \"required\""},
    {"plain_health", set_plain_health, "true or false"},
    {"plain_peers", set_plain_peers, "true or false"},
    {"cache_time", set_cache_time, "a time such as \"0s\", \"500ms\", \"10m\", \"1h\" or \"2d\""},
    {"lease_time", set_lease_time, "a time from \"0s\" to \"1s\""},
    {"session_time", set_session_time, "a time from \"1s\" to \"1h\""},
    {"on_quorum_loss", set_on_quorum_loss, "\"fail\" or \"stale\""},
    {"priority", set_priority, "a whole number from 0 to 1000000"},
    {"heartbeat_ms", set_heartbeat_ms, "a whole number from 10 to 60000"},
    {"request_timeout", set_request_timeout, "a time from \"100ms\" to \"1h\""},
};

enum { CONFIG_FIELDS = sizeof config_fields / sizeof *config_fields };

static int config_wrong_value(const struct config_field *field, const cJSON *wrong,
                              struct fault *fault)
{
    char *found = NULL;
    if (field->set != set_cluster_secret) /* which must not get into a log */
        found = cJSON_PrintUnformatted(wrong);
    bool cut = found && strlen(found) > CONFIG_SHOWN_MAX;
    fault_set(fault, -EINVAL, "\"%s\": expected %s, found %.*s%s", field->name, field->expected,
              CONFIG_SHOWN_MAX, found ? found : "something else", cut ? "..." : "");
    cJSON_free(found);
    return -EINVAL;
}

static int config_unknown_field(const char *name, struct fault *fault)
{
    struct buffer known = {0};
    for (int i = 0; i < CONFIG_FIELDS; i++)
        buffer_printf(&known, "%s%s", i > 0 ? ", " : "", config_fields[i].name);
    fault_set(fault, -EINVAL, "unknown field \"%.60s\": expected one of %.*s", name, (int)known.len,
              (const char *)known.data);
    buffer_free(&known);
    return -EINVAL;
}

int config_set_field(struct config_draft *draft, const cJSON *value, struct fault *fault)
{
    const cJSON *wrong = value;
    int i = 0;
    while (i < CONFIG_FIELDS && strcmp(config_fields[i].name, value->string) != 0)
        i++;
    if (i == CONFIG_FIELDS)
        return config_unknown_field(value->string, fault);
    if (!config_fields[i].set(draft, value, &wrong))
        return config_wrong_value(&config_fields[i], wrong, fault);
    return 0;
}
