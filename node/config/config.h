/* The configuration of a node: DIR/node.json (comments allowed), and flags and mount options, which
 * take precedence.
 *
 * Unknown or wrong fields are errors that name the field and what was expected. Thread: the loop's.
 */
#ifndef QUORUMFS_CONFIG_CONFIG_H
#define QUORUMFS_CONFIG_CONFIG_H

#include "base/fault.h"
#include "config/network.h"
#include "paxos/paxos.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CONFIG_ADDR_MAX = 256,
    CONFIG_CLIENTS_MAX = 64,
    CONFIG_HOSTS_MAX = 32,
    CONFIG_PATH_MAX = 4096,
    CONFIG_OPTIONS_MAX = 128,
    CONFIG_SECRET_MAX = 256,
    CONFIG_SESSION_MS_MIN = 1000,
    CONFIG_SESSION_MS_MAX = 3600000,
};

struct config_member {
    char addr[CONFIG_ADDR_MAX];      /* the node's name in the cluster, HOST:PORT */
    char peer_addr[CONFIG_ADDR_MAX]; /* where peers connect; the same unless given apart */
};

/* A user of this machine. */
struct config_user {
    bool given;
    bool named; /* its groups are those of the user database; else there is only `gid` */
    uint32_t uid, gid;
};

struct config {
    char dir[CONFIG_PATH_MAX];
    struct config_member me;
    uint32_t peer_count; /* the others */
    struct config_member peers[PAXOS_NODES_MAX - 1];
    char mount[CONFIG_PATH_MAX];            /* absolute; empty: no mount */
    char mount_options[CONFIG_OPTIONS_MAX]; /* for the kernel: ",ro,noexec"; empty: none */
    bool found; /* this node founds a cluster without having heard from all others (a flag only) */
    bool remount;       /* change the options of a mount that is there, and start nothing */
    bool in_background; /* as mount(8) wants it: the process goes to the background once mounted,
                           and ends with the mount */
    bool allow_other;
    bool suid, dev;        /* setuid programs and device files of the mount work */
    bool inotify;          /* changes of others are told to programs that watch the mount */
    bool commit_on_close;  /* the mount gathers writes until fsync or close */
    uint32_t client_count; /* who may use HTTP and /client */
    struct network clients[CONFIG_CLIENTS_MAX];
    struct config_user clients_as; /* as whom those of other machines act without a token */
    uint32_t host_count;           /* by which names HTTP is used, besides that of `addr` */
    char hosts[CONFIG_HOSTS_MAX][CONFIG_ADDR_MAX]; /* HOST or HOST:PORT */
    char secret[CONFIG_SECRET_MAX];                /* empty: none */
    char secret_file[CONFIG_PATH_MAX];             /* absolute; empty: none. So the next three */
    char tls_cert[CONFIG_PATH_MAX], tls_key[CONFIG_PATH_MAX], tls_ca[CONFIG_PATH_MAX];
    bool tls_required; /* clients come encrypted only */
    bool plain_health; /* but for /healthz and /readyz */
    bool plain_peers;  /* links without encryption are made and taken as well */
    uint64_t cache_time_ms;
    uint32_t lease_time_ms;   /* 0: no read leases */
    uint32_t session_time_ms; /* a node that is silent for so long loses its locks */
    bool stale_on_quorum_loss;
    uint32_t priority;
    uint32_t heartbeat_ms;
    uint32_t request_timeout_ms;
};

/* Reads DIR/node.json (it may be missing) and the flags of argv; `mount`, also as a flag, is
 * relative to DIR. `peers` may contain this node's own addr, which is skipped: all nodes can have
 * the same list. Returns 0, 1 (--help or --version was printed), or -EINVAL with the fault's text.
 */
int config_load(int argc, char **argv, struct config *config, struct fault *fault);

/* The ids that a new cluster of these nodes begins with: mine in the order of all addresses, from
 * 1, and `pids[i]` that of peers[i]. `*cluster` is the id that a cluster of these addresses had in
 * folders of format 3; since then ids are made at founding, and what is stored counts. */
void config_cluster(const struct config *config, uint64_t *cluster, uint32_t *me,
                    uint32_t pids[PAXOS_NODES_MAX - 1]);

bool config_allows_client(const struct config *config, const struct sockaddr *address);

#endif
