/* Flags, the configuration as a whole, and the values that follow from it. file.c reads node.json.
 */
#include "config/config.h"
#include "config/draft.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char config_help[] =
    "Usage: quorumfs DIR [flags]\n"
    "       quorumfs DIR MOUNTPOINT [flags]\n"
    "       quorumfs expire TIME|never FILE...\n"
    "       quorumfs secret new|rotate|finish FILE\n"
    "       quorumfs token add|list|remove ...\n"
    "       quorumfs txn [--node HOST:PORT] < TRANSACTION\n"
    "       quorumfs watch PATH ...      (see quorumfs watch --help)\n"
    "\n"
    "Runs a node of a replicated key-value store whose data and node.json are in DIR. With a\n"
    "MOUNTPOINT, as mount(8) calls it, it goes to the background once that is mounted, and ends\n"
    "with the mount.\n"
    "\n"
    "  -a, --addr HOST:PORT   where this node listens, and its name in the cluster\n"
    "  -p, --peers A,B        the other nodes' addr (this node's own may be among them)\n"
    "  -c, --clients A,B      addresses or networks that may use HTTP; default: this machine\n"
    "  -m, --mount PATH       where to mount the keys as files, relative to DIR\n"
    "  -o OPTION,OPTION...    mount options: ro, noexec and others; any field of node.json that "
    "is\n"
    "                         a text or true, such as commit=close or allow_other\n"
    "      --found            found a new cluster although not every peer has been heard; only at\n"
    "                         the first start, and at one node only\n"
    "  -h, --help             print this and exit\n"
    "  -V, --version          print the version and exit\n"
    "\n"
    "Flags win over the fields of DIR/node.json. With an addr and no peers a node runs alone.\n"
    "QUORUMFS_LOG=error|warn|info|debug says how much is told on standard error.\n";

enum { CONFIG_OPTION_LISTS_MAX = 8 }; /* -o, repeated */

/* The command line; NULL for what it leaves out. */
struct config_flags {
    const char *dir, *addr, *peers, *clients, *mount;
    const char *options[CONFIG_OPTION_LISTS_MAX];
    int option_lists;
    bool found;
    const char *mountpoint; /* beside DIR */
};
/* ---- Setters ---- */

bool config_set_addr(char addr[CONFIG_ADDR_MAX], const char *text)
{
    char host[NETWORK_HOST_MAX];
    uint16_t port;
    if (strlen(text) >= CONFIG_ADDR_MAX || network_split(text, host, &port) < 0 || port == 0)
        return false;
    strcpy(addr, text);
    return true;
}

bool config_set_path(const struct config *config, char path[CONFIG_PATH_MAX], const char *text)
{
    int len = text[0] == '/' ? snprintf(path, CONFIG_PATH_MAX, "%s", text)
                             : snprintf(path, CONFIG_PATH_MAX, "%s/%s", config->dir, text);
    return text[0] != '\0' && len < CONFIG_PATH_MAX;
}

bool config_set_mount(struct config *config, const char *text)
{
    return config_set_path(config, config->mount, text);
}

bool config_add_member(struct config_draft *draft, const char *addr, const char *peer_addr)
{
    struct config_member *member = &draft->members[draft->member_count];
    if (draft->member_count == PAXOS_NODES_MAX || !config_set_addr(member->addr, addr))
        return false;
    member->peer_addr[0] = '\0';
    if (peer_addr && !config_set_addr(member->peer_addr, peer_addr))
        return false;
    draft->member_count++;
    return true;
}

bool config_add_client(struct config *config, const char *network)
{
    if (config->client_count == CONFIG_CLIENTS_MAX ||
        network_parse(network, &config->clients[config->client_count]) < 0)
        return false;
    config->client_count++;
    return true;
}

bool config_add_host(struct config *config, const char *text)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    char host[NETWORK_HOST_MAX];
    struct network address;
    uint16_t port;
    if (config->host_count == CONFIG_HOSTS_MAX || strlen(text) >= NETWORK_HOST_MAX)
        return false;
    bool with_port = network_split(text, host, &port) == 0;
    if (!with_port)
        strcpy(host, text);
    bool named = text[0] != '[' && host[0] != '\0' && host[strspn(host, name)] == '\0';
    if ((with_port && port == 0) || (!named && !(with_port && network_parse(host, &address) == 0)))
        return false;
    strcpy(config->hosts[config->host_count++], text);
    return true;
}

/* ---- Flags ---- */

static int config_wrong_flag(bool value_missing, const char *argument, struct fault *fault)
{
    const char letter[] = {'-', (char)optopt, '\0'};
    return fault_set(fault, -EINVAL, "%s %s: see --help",
                     value_missing ? "a value is missing after" : "unknown flag",
                     optopt != 0 ? letter : argument);
}

static int config_read_flags(int argc, char **argv, struct config_flags *flags, struct fault *fault)
{
    static const struct option options[] = {
        {"addr", required_argument, NULL, 'a'},    {"peers", required_argument, NULL, 'p'},
        {"clients", required_argument, NULL, 'c'}, {"mount", required_argument, NULL, 'm'},
        {"found", no_argument, NULL, 'f'},         {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},       {NULL, 0, NULL, 0},
    };
    int flag;
    optind = 0; /* glibc: begin anew */
    while ((flag = getopt_long(argc, argv, ":a:p:c:m:o:hV", options, NULL)) != -1) {
        if (flag == 'a')
            flags->addr = optarg;
        else if (flag == 'p')
            flags->peers = optarg;
        else if (flag == 'c')
            flags->clients = optarg;
        else if (flag == 'm')
            flags->mount = optarg;
        else if (flag == 'o' && flags->option_lists == CONFIG_OPTION_LISTS_MAX)
            return fault_set(fault, -EINVAL, "-o more than %d times", CONFIG_OPTION_LISTS_MAX);
        else if (flag == 'o')
            flags->options[flags->option_lists++] = optarg;
        else if (flag == 'f')
            flags->found = true;
        else if (flag == 'h')
            return fputs(config_help, stdout) < 0 ? -EINVAL : 1;
        else if (flag == 'V')
            return puts("quorumfs " QUORUMFS_VERSION) < 0 ? -EINVAL : 1;
        else
            return config_wrong_flag(flag == ':', argv[optind - 1], fault);
    }
    if (optind == argc)
        return fault_set(fault, -EINVAL, "which folder? Usage: quorumfs DIR [flags], see --help");
    if (argc - optind > 2)
        return fault_set(fault, -EINVAL,
                         "one folder, not several: quorumfs DIR [MOUNTPOINT] [flags], see --help");
    flags->dir = argv[optind];
    flags->mountpoint = argv[optind + 1];
    return 0;
}

/* Calls `add` for each item of "A,B". */
static int config_each(const char *flag, const char *list, const char *expected,
                       bool (*add)(struct config_draft *draft, const char *item),
                       struct config_draft *draft, struct fault *fault)
{
    char *copy = strdup(list), *rest = copy, *item;
    int status = 0;
    if (!copy)
        return fault_set(fault, -EINVAL, "%s: out of memory", flag);
    while (status == 0 && *list != '\0' && (item = strsep(&rest, ","))) {
        if (!add(draft, item))
            status =
                fault_set(fault, -EINVAL, "%s: expected %s, found \"%s\"", flag, expected, item);
    }
    free(copy);
    return status;
}

/* The path of a folder, which need not exist yet. */
static int config_set_absolute(const char *path, char absolute[CONFIG_PATH_MAX],
                               struct fault *fault)
{
    char here[CONFIG_PATH_MAX] = "";
    if (path[0] != '/' && !getcwd(here, sizeof here))
        return fault_set(fault, -EINVAL, "the current folder: %s", strerror(errno));
    int len = snprintf(absolute, CONFIG_PATH_MAX, "%s%s%s", here, here[0] != '\0' ? "/" : "", path);
    if (path[0] == '\0' || len >= CONFIG_PATH_MAX)
        return fault_set(fault, -EINVAL, "the folder's path is %s",
                         path[0] == '\0' ? "empty" : "too long");
    return 0;
}

static bool config_flag_peer(struct config_draft *draft, const char *item)
{
    return config_add_member(draft, item, NULL);
}

static bool config_flag_client(struct config_draft *draft, const char *item)
{
    return config_add_client(draft->config, item);
}

static int config_apply_flags(struct config_draft *draft, const struct config_flags *flags,
                              struct fault *fault)
{
    struct config *config = draft->config;
    int status = 0;
    if (flags->addr && !config_set_addr(config->me.addr, flags->addr))
        return fault_set(fault, -EINVAL, "--addr: expected HOST:PORT, found \"%s\"", flags->addr);
    if (flags->mount && !config_set_mount(config, flags->mount))
        return fault_set(fault, -EINVAL, "--mount: expected the path of a folder, found \"%s\"",
                         flags->mount);
    if (flags->mountpoint && config_set_absolute(flags->mountpoint, config->mount, fault) < 0)
        return fault_wrap(fault, -EINVAL, "MOUNTPOINT");
    config->in_background = flags->mountpoint;
    config->found = flags->found;
    for (int i = 0; i < flags->option_lists; i++) {
        if (config_set_options(draft, flags->options[i], fault) < 0)
            return -EINVAL;
    }
    if (flags->peers) {
        draft->member_count = 0;
        status =
            config_each("--peers", flags->peers, "at most 9 HOST:PORT with commas between them",
                        config_flag_peer, draft, fault);
    }
    if (status == 0 && flags->clients) {
        config->client_count = 0;
        status = config_each("--clients", flags->clients,
                             "at most 64 addresses or networks with commas between them",
                             config_flag_client, draft, fault);
    }
    return status;
}

/* ---- The whole ---- */

static void config_set_defaults(struct config *config)
{
    config_add_client(config, "127.0.0.0/8");
    config_add_client(config, "::1");
    config->heartbeat_ms = 100;
    config->request_timeout_ms = 5000;
    config->session_time_ms = 10000;
}

static bool config_same_addr(const char *a, const char *b)
{
    char one[NETWORK_ADDR_MAX], other[NETWORK_ADDR_MAX];
    return network_canonical(a, one) == 0 && network_canonical(b, other) == 0 &&
           strcmp(one, other) == 0;
}

/* An addr is the name of a node: it is spelled in one way everywhere, and leads there. */
static int config_check_member(const struct config_draft *draft, uint32_t index,
                               struct fault *fault)
{
    const struct config_member *member = &draft->members[index];
    const char *me = draft->config->me.addr;
    if (network_is_any(member->addr) || network_is_any(member->peer_addr))
        return fault_set(fault, -EINVAL, "peers: no node is reached at %s",
                         network_is_any(member->addr) ? member->addr : member->peer_addr);
    if (strcmp(member->addr, me) != 0 && config_same_addr(member->addr, me))
        return fault_set(fault, -EINVAL,
                         "peers: %s is this node's own addr, %s, in another spelling: use one "
                         "spelling at all nodes",
                         member->addr, me);
    for (uint32_t i = 0; i < index; i++) {
        const char *before = draft->members[i].addr;
        if (strcmp(member->addr, before) == 0)
            return fault_set(fault, -EINVAL, "peers: %s is given twice", before);
        if (config_same_addr(member->addr, before))
            return fault_set(fault, -EINVAL, "peers: %s is given twice, also as %s", before,
                             member->addr);
    }
    return 0;
}

/* The others dial it. */
static int config_check_me(const struct config *config, struct fault *fault)
{
    const struct config_member *me = &config->me;
    bool addr = network_is_any(me->addr);
    if (config->peer_count == 0 || (!addr && !network_is_any(me->peer_addr)))
        return 0;
    return fault_set(fault, -EINVAL,
                     "%s: the peers cannot reach this node at %s: give an address or a name of "
                     "this machine",
                     addr ? "addr" : "peer_addr", addr ? me->addr : me->peer_addr);
}

/* Sorts the members into me and the others. One list may so be given to all nodes. */
static int config_set_peers(struct config_draft *draft, struct fault *fault)
{
    struct config *config = draft->config;
    for (uint32_t i = 0; i < draft->member_count; i++) {
        struct config_member *member = &draft->members[i];
        if (config_check_member(draft, i, fault) < 0)
            return -EINVAL;
        if (strcmp(member->addr, config->me.addr) == 0) {
            if (config->me.peer_addr[0] == '\0')
                strcpy(config->me.peer_addr, member->peer_addr);
            continue;
        }
        if (member->peer_addr[0] == '\0')
            strcpy(member->peer_addr, member->addr);
        if (config->peer_count == PAXOS_NODES_MAX - 1)
            return fault_set(fault, -EINVAL,
                             "peers: a cluster has at most %d nodes, this one included",
                             PAXOS_NODES_MAX);
        config->peers[config->peer_count++] = *member;
    }
    if (config->me.peer_addr[0] == '\0')
        strcpy(config->me.peer_addr, config->me.addr);
    return config_check_me(config, fault);
}

/* Nobody is let in who has proved nothing, unless the owner says so. */
static int config_check_proof(const struct config *config, struct fault *fault)
{
    bool cert = config->tls_cert[0], key = config->tls_key[0], ca = config->tls_ca[0];
    bool secret = config->secret[0] || config->secret_file[0];
    if (cert != key || (ca && !cert))
        return fault_set(fault, -EINVAL, "tls_cert, tls_key%s: each of them needs the other%s",
                         ca ? ", tls_ca" : "", ca ? "s" : "");
    if (config->tls_required && !cert)
        return fault_set(fault, -EINVAL,
                         "\"tls\": \"required\" needs tls_cert and tls_key: there is no HTTPS "
                         "without a certificate");
    if (config->peer_count == 0 || secret || ca || config->plain_peers)
        return 0;
    return fault_set(fault, -EINVAL,
                     "peers: the nodes of a cluster prove themselves by a secret, and there is "
                     "none. Make one: quorumfs secret new %.200s/secret; copy that file to every "
                     "node, and add \"secret_file\": \"secret\" to each node.json",
                     config->dir);
}

int config_load(int argc, char **argv, struct config *config, struct fault *fault)
{
    struct config_flags flags = {0};
    struct config_draft draft = {.config = config};
    int status = config_read_flags(argc, argv, &flags, fault);
    if (status != 0)
        return status;
    memset(config, 0, sizeof *config);
    config_set_defaults(config);
    status = config_set_absolute(flags.dir, config->dir, fault);
    if (status == 0)
        status = config_read_file(&draft, fault);
    if (status == 0)
        status = config_apply_flags(&draft, &flags, fault);
    if (status < 0)
        return status;
    if (config->remount && !config->in_background)
        return fault_set(fault, -EINVAL, "option -o: remount: of which MOUNTPOINT? See --help");
    if (config->remount)
        return 0;
    if (config->me.addr[0] == '\0')
        return fault_set(
            fault, -EINVAL,
            "no addr: give \"addr\": \"HOST:PORT\" in %.256s/node.json, or --addr HOST:PORT",
            config->dir);
    status = config_set_peers(&draft, fault);
    return status < 0 ? status : config_check_proof(config, fault);
}

/* ---- What follows from it ---- */

static int config_compare_addrs(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t config_hash(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    return hash;
}

void config_cluster(const struct config *config, uint64_t *cluster, uint32_t *me,
                    uint32_t pids[PAXOS_NODES_MAX - 1])
{
    const char *addrs[PAXOS_NODES_MAX];
    uint32_t count = config->peer_count + 1;
    addrs[0] = config->me.addr;
    for (uint32_t i = 0; i < config->peer_count; i++)
        addrs[i + 1] = config->peers[i].addr;
    qsort(addrs, count, sizeof *addrs, config_compare_addrs);
    *cluster = UINT64_C(0xcbf29ce484222325);
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            *cluster = config_hash(*cluster, "\n");
        *cluster = config_hash(*cluster, addrs[i]);
        if (addrs[i] == config->me.addr)
            *me = i + 1;
        for (uint32_t j = 0; j < config->peer_count; j++) {
            if (addrs[i] == config->peers[j].addr)
                pids[j] = i + 1;
        }
    }
}

bool config_allows_client(const struct config *config, const struct sockaddr *address)
{
    for (uint32_t i = 0; i < config->client_count; i++) {
        if (network_contains(&config->clients[i], address))
            return true;
    }
    return false;
}
