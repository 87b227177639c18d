/* Private to the room: the verbs, and what they share. */
#ifndef QUORUMFS_VERB_H
#define QUORUMFS_VERB_H

#include "base/buffer.h"
#include "base/fault.h"

enum {
    VERB_USAGE = 2,         /* exit status: wrong use, or nothing has happened */
    VERB_ANSWER_MS = 60000, /* without a byte from the node */
};

/* X(name, function, usage): verb_FUNCTION carries it out. */
#define VERBS(X)                                                                                   \
    X("expire", expire, "quorumfs expire TIME|never FILE...")                                      \
    X("lock", lock, "quorumfs lock [--shared] [--wait TIME] FILE -- COMMAND [ARGUMENT]...")        \
    X("secret", secret, "quorumfs secret new [FILE] | rotate FILE|DIR | finish FILE|DIR")          \
    X("token", token,                                                                              \
      "quorumfs token add NAME --uid UID --gid GID... [--path PATH] [--read-only] [--ttl TIME]\n"  \
      "       quorumfs token list\n"                                                               \
      "       quorumfs token remove NAME\n"                                                        \
      "all with [--at DIR|HOST:PORT]")                                                             \
    X("txn", txn, "quorumfs txn [--node HOST:PORT] < TRANSACTION")                                 \
    X("watch", watch, "quorumfs watch PATH [--since REVISION] [--addr HOST:PORT]... [-- COMMAND]")

typedef int verb(int argc, char **argv);
#define VERB_DECLARED(name, function, usage) verb verb_##function;
VERBS(VERB_DECLARED)
#undef VERB_DECLARED

/* Says on standard error how the verb is used, and returns VERB_USAGE. */
int verb_usage(const char *name);

/* ---- request.c: one request of a node ---- */

struct verb_answer {
    int status;         /* of HTTP */
    struct buffer body; /* to be freed */
};

/* The node that a verb asks, HOST:PORT or the folder of a node of this machine: what was given, or
 * QUORUMFS_NODE of the environment, or the first one of the examples. */
const char *verb_node(const char *given);
/* Puts the header field that has the token of the environment (QUORUMFS_ACCESS_TOKEN, or the file
 * that QUORUMFS_ACCESS_TOKEN_FILE names) behind a head; without one, nothing. 0, or a negative
 * errno with the fault's text. */
int verb_put_token(struct buffer *head, struct fault *fault);
/* Sends it and waits for the whole answer. 0, or a negative errno with the fault's text; `*sent`
 * says whether the node may have got the request. */
int verb_request(const char *node, const char *method, const char *path, struct bytes body,
                 struct verb_answer *answer, bool *sent, struct fault *fault);

#endif
