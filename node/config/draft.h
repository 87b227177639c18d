/* Private to the room: a configuration under construction, before it is checked as a whole. */
#ifndef QUORUMFS_CONFIG_DRAFT_H
#define QUORUMFS_CONFIG_DRAFT_H

#include "config/config.h"

struct cJSON;

struct config_draft {
    struct config *config;
    /* As given in `peers`: this node may be among them, and they are not yet checked for doubles.
     */
    uint32_t member_count;
    struct config_member members[PAXOS_NODES_MAX];
};

/* Each takes text from a flag or a field, and returns false if it is not what is expected there. */
bool config_set_addr(char addr[CONFIG_ADDR_MAX], const char *text);
bool config_set_mount(struct config *config, const char *text);
/* Relative to DIR. */
bool config_set_path(const struct config *config, char path[CONFIG_PATH_MAX], const char *text);
bool config_add_member(struct config_draft *draft, const char *addr, const char *peer_addr);
bool config_add_client(struct config *config, const char *network);
bool config_set_clients_as(struct config *config, const char *text); /* UID:GID or a user's name */
bool config_add_host(struct config *config, const char *text);       /* HOST or HOST:PORT */

/* Sets the field that the value is named after. Returns 0, or -EINVAL with the fault's text. */
int config_set_field(struct config_draft *draft, const struct cJSON *value, struct fault *fault);

/* Takes the comma-separated options of mount(8), see config_help. Returns 0, or -EINVAL with the
 * fault's text. */
int config_set_options(struct config_draft *draft, const char *options, struct fault *fault);

/* Reads DIR/node.json into the draft; none is fine. Returns 0, or -EINVAL with the fault's text. */
int config_read_file(struct config_draft *draft, struct fault *fault);

#endif
